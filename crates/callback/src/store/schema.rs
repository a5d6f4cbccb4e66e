//! The schema, written once in PostgreSQL's words, and how SQLite reads it.

use super::db::Db;
use anyhow::{Context as _, Result, bail};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

/// Every migration, in order; one that was released is never changed.
const MIGRATIONS: [(i64, &str, &str); 18] = [
    (1, "orders and calls", include_str!("../../migrations/0001_orders_and_calls.sql")),
    (2, "guards", include_str!("../../migrations/0002_guards.sql")),
    (3, "accounts", include_str!("../../migrations/0003_accounts.sql")),
    (4, "telephones", include_str!("../../migrations/0004_telephones.sql")),
    (5, "recordings", include_str!("../../migrations/0005_recordings.sql")),
    (6, "sources", include_str!("../../migrations/0006_sources.sql")),
    (7, "drafts", include_str!("../../migrations/0007_drafts.sql")),
    (8, "statistics", include_str!("../../migrations/0008_statistics.sql")),
    (9, "notices", include_str!("../../migrations/0009_notices.sql")),
    (10, "quarters", include_str!("../../migrations/0010_quarters.sql")),
    (11, "signs", include_str!("../../migrations/0011_signs.sql")),
    (12, "shows", include_str!("../../migrations/0012_shows.sql")),
    (13, "scores", include_str!("../../migrations/0013_scores.sql")),
    (14, "money", include_str!("../../migrations/0014_money.sql")),
    (15, "payments", include_str!("../../migrations/0015_payments.sql")),
    (16, "visitors data", include_str!("../../migrations/0016_visitors_data.sql")),
    (17, "faults", include_str!("../../migrations/0017_faults.sql")),
    (18, "secrets", include_str!("../../migrations/0018_secrets.sql")),
];

/// What PostgreSQL calls a type, and what SQLite does.
const TYPES: [(&str, &str); 5] = [
    ("TIMESTAMPTZ", "INTEGER"),
    ("BIGINT", "INTEGER"),
    ("JSONB", "TEXT"),
    ("UUID", "BLOB"),
    ("BYTEA", "BLOB"),
];

/// Tables of small rows that are kept in the order of their key: to SQLite the key is an index beside the table otherwise.
const BY_KEY: [&str; 4] = ["inputs", "intents", "tallies", "tries"];

/// Brings the database to this program's schema.
///
/// # Errors
/// The database is a newer program's; a migration was changed; the database refuses.
pub(super) async fn migrate(db: &Db) -> Result<()> {
    let outcome = match db {
        Db::Pg(pool) => migrator(str::to_owned).run(pool).await,
        Db::Lite { w, .. } => {
            let pool = w.pool().await.context("the database cannot be written")?;
            let outcome = migrator(for_lite).run(&pool).await;
            pool.close().await;
            outcome
        }
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => {
            let known = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
            bail!(
                "the database was made by a newer callback: its schema is at version {version}, this program \
                 knows {known}; run the newer program, or give this one another database"
            )
        }
        Err(MigrateError::VersionMismatch(version)) => bail!(
            "the database's schema version {version} is not this program's: it was made by another build; \
             run the program that made it, or give this one another database"
        ),
        Err(error) => Err(error).context("the database's schema cannot be brought up to date"),
    }
}

fn migrator(dialect: fn(&str) -> String) -> Migrator {
    let migration = |(version, name, text): (i64, &'static str, &str)| {
        let text = AssertSqlSafe(dialect(text)).into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, text, false)
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

/// The DDL as SQLite reads it: its own types, and tables that hold to them.
fn for_lite(ddl: &str) -> String {
    let words = ddl.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let lite = words.map(|word| {
        let name = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        TYPES
            .iter()
            .find(|(pg, _)| *pg == name)
            .map_or(word.to_owned(), |(pg, lite)| word.replacen(pg, lite, 1))
    });
    let lite: String = lite.collect();
    let tables = lite.split_inclusive("\n);").map(|table| match table.strip_suffix("\n);") {
        Some(columns) if BY_KEY.iter().any(|name| columns.contains(&format!("CREATE TABLE {name} ("))) => {
            format!("{columns}\n) STRICT, WITHOUT ROWID;")
        }
        Some(columns) => format!("{columns}\n) STRICT;"),
        None => table.to_owned(),
    });
    tables.collect()
}

#[cfg(test)]
mod tests {
    use super::for_lite;

    #[test]
    fn the_ddl_is_turned_into_sqlite_s_word_by_word() {
        let check = |pg: &str, lite: &str| assert_eq!(for_lite(pg), lite);
        check(
            "CREATE TABLE t (\n    id UUID NOT NULL PRIMARY KEY,\n    body JSONB\n);\nDROP TABLE u;\n",
            "CREATE TABLE t (\n    id BLOB NOT NULL PRIMARY KEY,\n    body TEXT\n) STRICT;\nDROP TABLE u;\n",
        );
        check(
            "CREATE TABLE inputs (\n    id UUID,\n    n BIGINT,\n    PRIMARY KEY (id, n)\n);\n",
            "CREATE TABLE inputs (\n    id BLOB,\n    n INTEGER,\n    PRIMARY KEY (id, n)\n) STRICT, WITHOUT ROWID;\n",
        );
        check("MY_UUID UUID, at TIMESTAMPTZ)", "MY_UUID BLOB, at INTEGER)");
    }
}
