//! The two databases behind one face: one SQL text with `$1…`, one set of arguments, one kind of row.
//!
//! It knows types, transactions and connections. It does not know a single table, and it hides no difference
//! between the databases but one: SQLite, which has a single writer, is not told to lock rows.

use super::lite::{FromLite, Lite, LiteRow, LiteTx};
use super::types::{Json, Ts};
use anyhow::{Context as _, bail};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, ColumnIndex, Decode, Executor as _, Postgres, Row as _, SqlSafeStr, Sqlite, Transaction,
    Type,
};
use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Connections of PostgreSQL: the writer's and the readers'.
const PG_CONNECTIONS: u32 = 8;
/// Readers of SQLite, beside its one writer.
const LITE_READERS: u32 = 4;
/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement of SQLite waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a read may take, its wait for a connection included.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may take over a network: a server that stands still, or behind a cut cable, closes nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// The database of this process.
#[derive(Clone, Debug)]
pub(super) enum Db {
    /// PostgreSQL.
    Pg(PgPool),
    /// SQLite: one connection writes, others read beside it.
    Lite {
        /// The writer.
        w: Lite,
        /// The readers.
        r: SqlitePool,
    },
}

/// A transaction of the writer.
pub(super) enum Tx {
    Pg(Transaction<'static, Postgres>),
    Lite(Box<LiteTx>),
}

/// A row of an answer.
pub(super) enum Row {
    Pg(PgRow),
    /// Of a reader of SQLite.
    Lite(SqliteRow),
    /// Of its writer.
    Written(LiteRow),
}

/// A statement and its arguments.
pub(super) struct Query {
    text: &'static str,
    args: Vec<Arg>,
}

/// An argument; its type is known where it is null too.
pub(super) enum Arg {
    Id(Option<Uuid>),
    Int(Option<i64>),
    Text(Option<String>),
    Time(Option<Ts>),
    Json(Option<Json>),
    Bytes(Option<Vec<u8>>),
}

/// What a column can be read as, in both databases.
pub(super) trait Column:
    for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> + FromLite
{
}

impl<T> Column for T where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> + FromLite
{
}

/// A statement without arguments yet.
pub(super) fn query(text: &'static str) -> Query {
    Query { text, args: Vec::new() }
}

/// How rows are locked; SQLite has one writer, and no such words.
const LOCKS: [&str; 3] = ["FOR UPDATE OF o SKIP LOCKED", "FOR UPDATE SKIP LOCKED", "FOR UPDATE"];

/// The text as SQLite reads it.
pub(super) fn for_lite(text: &'static str) -> Cow<'static, str> {
    if LOCKS.iter().any(|lock| text.contains(lock)) {
        return LOCKS.iter().fold(text.to_owned(), |text, lock| text.replace(lock, "")).into();
    }
    text.into()
}

impl Query {
    /// The next argument.
    pub(super) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The statement.
    pub(super) fn text(&self) -> &'static str {
        self.text
    }

    /// Its arguments.
    pub(super) fn args(&self) -> &[Arg] {
        &self.args
    }

    fn pg(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        self.args.into_iter().fold(sqlx::query(self.text), |query, arg| match arg {
            Arg::Id(value) => query.bind(value),
            Arg::Int(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::Time(value) => query.bind(value),
            Arg::Json(value) => query.bind(value),
            Arg::Bytes(value) => query.bind(value),
        })
    }

    fn lite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        self.args.into_iter().fold(sqlx::query(AssertSqlSafe(for_lite(self.text))), |query, arg| match arg {
            Arg::Id(value) => query.bind(value),
            Arg::Int(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::Time(value) => query.bind(value),
            Arg::Json(value) => query.bind(value),
            Arg::Bytes(value) => query.bind(value),
        })
    }
}

impl Db {
    /// Opens the database at `sqlite://…` or `postgres://…`; its schema is the caller's care.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            // The parser's own errors may repeat the address, and with it the password.
            let options = PgConnectOptions::from_str(url).ok();
            let options = options
                .context("database.url is no address of PostgreSQL, like postgres://user@host/name")?;
            let pool = PgPoolOptions::new().max_connections(PG_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
            let pool =
                pool.connect_with(options).await.context("the database of database.url cannot be reached")?;
            return Ok(Self::Pg(pool));
        }
        if !url.starts_with("sqlite://") || url.contains(":memory:") {
            bail!("database.url must be sqlite://FILE or postgres://…");
        }
        let options = SqliteConnectOptions::from_str(url).context("database.url is no address of a file")?;
        let options = options
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let file = options.get_filename().display().to_string();
        let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
        let w = Lite::open(&options, BUSY_TIMEOUT);
        let w = w.with_context(|| format!("the database file {file} cannot be opened"))?;
        let r = pool.max_connections(LITE_READERS).connect_with(options.pragma("query_only", "on")).await;
        let r = r.with_context(|| format!("the database file {file} cannot be read"))?;
        Ok(Self::Lite { w, r })
    }

    /// Reads all rows, beside the writer.
    pub(super) async fn all(&self, query: Query) -> sqlx::Result<Vec<Row>> {
        in_time(READ_TIMEOUT, async {
            Ok(match self {
                Self::Pg(pool) => query.pg().fetch_all(pool).await?.into_iter().map(Row::Pg).collect(),
                Self::Lite { r, .. } => query.lite().fetch_all(r).await?.into_iter().map(Row::Lite).collect(),
            })
        })
        .await
    }

    /// Reads a row that may be missing.
    pub(super) async fn maybe(&self, query: Query) -> sqlx::Result<Option<Row>> {
        in_time(READ_TIMEOUT, async {
            Ok(match self {
                Self::Pg(pool) => query.pg().fetch_optional(pool).await?.map(Row::Pg),
                Self::Lite { r, .. } => query.lite().fetch_optional(r).await?.map(Row::Lite),
            })
        })
        .await
    }

    /// Reads a row that is always there.
    pub(super) async fn one(&self, query: Query) -> sqlx::Result<Row> {
        self.maybe(query).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Begins a transaction that writes: at once, so that it fails here and not in its middle.
    pub(super) async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Pg(pool) => Tx::Pg(pool.begin().await?),
            Self::Lite { w, .. } => Tx::Lite(Box::new(w.begin()?)),
        })
    }

    /// Waits for a transaction as long as is sensible; a file's locks and disks have their own ends.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        match self {
            Self::Pg(_) => in_time(WRITE_TIMEOUT, work).await,
            Self::Lite { .. } => work.await,
        }
    }

    /// After a failed transaction of SQLite its connection is given up: what it believes of the file, and of the
    /// transaction it is in, may be wrong for ever. PostgreSQL's pool looks at each connection itself.
    pub(super) fn begin_anew(&self) {
        if let Self::Lite { w, .. } = self {
            w.close();
        }
    }

    /// Prepares statements; returns what is wrong with which.
    pub(super) async fn prepare(&self, statements: Vec<(&str, &'static str)>) -> sqlx::Result<Vec<String>> {
        let mut wrong = Vec::new();
        for (name, text) in statements {
            let prepared = match self {
                Self::Pg(pool) => pool.acquire().await?.prepare(text.into_sql_str()).await.map(|_| ()),
                Self::Lite { w, .. } => w.prepare(&for_lite(text)),
            };
            wrong.extend(prepared.err().map(|error| format!("{name}: {error}")));
        }
        Ok(wrong)
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::Pg(pool) => pool.close().await,
            Self::Lite { w, r } => {
                r.close().await;
                w.close();
            }
        }
    }
}

async fn in_time<T>(span: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(span, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

impl Tx {
    /// Whether nobody else writes meanwhile: SQLite has one writer, also among processes.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Lite(_))
    }

    /// Reads all rows.
    pub(super) async fn all(&mut self, query: Query) -> sqlx::Result<Vec<Row>> {
        Ok(match self {
            Self::Pg(tx) => query.pg().fetch_all(&mut **tx).await?.into_iter().map(Row::Pg).collect(),
            Self::Lite(tx) => tx.all(&query)?.into_iter().map(Row::Written).collect(),
        })
    }

    /// Reads a row that may be missing.
    pub(super) async fn maybe(&mut self, query: Query) -> sqlx::Result<Option<Row>> {
        Ok(match self {
            Self::Pg(tx) => query.pg().fetch_optional(&mut **tx).await?.map(Row::Pg),
            Self::Lite(tx) => tx.maybe(&query)?.map(Row::Written),
        })
    }

    /// Writes; says how many rows it changed.
    pub(super) async fn run(&mut self, query: Query) -> sqlx::Result<u64> {
        Ok(match self {
            Self::Pg(tx) => query.pg().execute(&mut **tx).await?.rows_affected(),
            Self::Lite(tx) => tx.run(&query)?,
        })
    }

    /// Makes it durable.
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Pg(tx) => tx.commit().await,
            Self::Lite(tx) => tx.commit(),
        }
    }

    /// Undoes it.
    pub(super) async fn rollback(self) -> sqlx::Result<()> {
        match self {
            Self::Pg(tx) => tx.rollback().await,
            Self::Lite(tx) => {
                drop(tx);
                Ok(())
            }
        }
    }
}

impl Row {
    /// A column by its name; an `Option` where it may be null.
    pub(super) fn get<T>(&self, name: &str) -> sqlx::Result<T>
    where
        T: Column,
        for<'n> &'n str: ColumnIndex<PgRow> + ColumnIndex<SqliteRow>,
    {
        match self {
            Self::Pg(row) => row.try_get(name),
            Self::Lite(row) => row.try_get(name),
            Self::Written(row) => row.get(name),
        }
    }

    /// A column with JSON in it.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> sqlx::Result<T> {
        self.get::<Json>(name)?.read().map_err(|error| not_as_written(name, error))
    }

    /// A column with JSON in it, or null.
    pub(super) fn maybe_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> sqlx::Result<Option<T>> {
        let json = self.get::<Option<Json>>(name)?;
        json.map(|json| json.read()).transpose().map_err(|error| not_as_written(name, error))
    }

    /// A column with the text of something that is parsed.
    pub(super) fn parsed<T>(&self, name: &str) -> sqlx::Result<T>
    where
        T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.get::<String>(name)?.parse().map_err(|error| not_as_written(name, error))
    }

    /// A column with an instant.
    pub(super) fn time(&self, name: &str) -> sqlx::Result<callback_core::time::Ts> {
        Ok(self.get::<Ts>(name)?.0)
    }

    /// A column with an instant, or null.
    pub(super) fn maybe_time(&self, name: &str) -> sqlx::Result<Option<callback_core::time::Ts>> {
        Ok(self.get::<Option<Ts>>(name)?.map(|at| at.0))
    }

    /// A column with a small number.
    pub(super) fn number<T: TryFrom<i64, Error = std::num::TryFromIntError>>(
        &self,
        name: &str,
    ) -> sqlx::Result<T> {
        T::try_from(self.get::<i64>(name)?).map_err(|error| not_as_written(name, error))
    }
}

/// A column holds what this program never wrote.
pub(super) fn not_as_written(
    name: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: name.to_owned(), source: Box::new(error) }
}

macro_rules! arg_from {
    ($($kind:ident($from:ty) = $value:ident => $into:expr;)*) => {$(
        impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                Self::$kind(Some($into))
            }
        }
        impl From<Option<$from>> for Arg {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map(|$value| $into))
            }
        }
    )*};
}

arg_from! {
    Id(Uuid) = id => id;
    Int(i64) = int => int;
    Int(u16) = int => int.into();
    Int(u32) = int => int.into();
    Text(&str) = text => text.to_owned();
    Text(String) = text => text;
    Time(callback_core::time::Ts) = at => Ts(at);
    Json(Json) = json => json;
    Bytes(Vec<u8>) = bytes => bytes;
}
