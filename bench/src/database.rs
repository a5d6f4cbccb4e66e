//! The two databases as an operator has them: filled past the service, and asked how they look for what it asks.

use crate::stage::Service;
use anyhow::Result;
use e2e::postgres::Postgres;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    SqliteConnection, raw_sql,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// A database of a service of its own.
pub(crate) enum Database {
    /// SQLite, beside the service.
    Lite,
    /// PostgreSQL as Debian has it, on the core of the load.
    Pg { server: Box<Postgres>, url: String },
}

/// What is called otherwise in SQLite: an id, a large number, and the instant `at` that is in µs.
const LITE: [(&str, &str); 3] = [("{id}", "randomblob(16)"), ("{drawn}", "abs(random())"), ("{at}", "at")];
/// And in PostgreSQL.
const PG: [(&str, &str); 3] = [
    ("{id}", "gen_random_uuid()"),
    ("{drawn}", "CAST(random() * 9e15 AS BIGINT)"),
    ("{at}", "TIMESTAMPTZ 'epoch' + at * INTERVAL '1 microsecond'"),
];

impl Database {
    /// Starts a server with an empty database.
    pub(crate) async fn pg() -> Self {
        let server = Box::new(Postgres::start().await);
        let url = server.database().await;
        Self::Pg { server, url }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Lite => "SQLite",
            Self::Pg { .. } => "PostgreSQL",
        }
    }

    /// Its address, where it is not a file beside the service.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Lite => None,
            Self::Pg { url, .. } => Some(url),
        }
    }

    /// Writes calls of a year while no service has it open: those that statistics count, and of the newest all that a page
    /// shows.
    pub(crate) async fn fill(&self, service: &Service, own: u32, others: u32) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros().to_string();
        let mut texts = vec![OTHERS.to_owned()];
        for (n, which) in [(own, "= 'practice'"), (others, "LIKE 'other-%'")] {
            let text = TALLIES.replace("{n}", &n.to_string()).replace("{which}", which);
            texts.push(text.replace("{now}", &now));
        }
        texts.push(SHOWN.to_owned());
        match self {
            Self::Lite => {
                let mut db = lite(&service.database()).await?;
                db.execute(
                    "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;",
                )
                .await?;
                for text in texts {
                    db.execute(raw_sql(AssertSqlSafe(said(&text, &LITE)))).await?;
                }
                db.close().await?;
            }
            Self::Pg { url, .. } => {
                let mut db = PgConnection::connect(url).await?;
                db.execute("SET session_replication_role = replica").await?;
                for text in texts {
                    db.execute(raw_sql(AssertSqlSafe(said(&text, &PG)))).await?;
                }
                // As it does by itself within minutes.
                db.execute("VACUUM (ANALYZE)").await?;
                db.execute("CHECKPOINT").await?;
                db.close().await?;
            }
        }
        Ok(())
    }

    /// Starts the service anew so that it is told from then on how each of its questions is answered.
    pub(crate) async fn tell_plans(&self, service: &mut Service) -> Result<()> {
        match self {
            Self::Lite => service.restart_logging(Some("sqlx::query=debug")).await,
            Self::Pg { url, .. } => {
                let mut db = PgConnection::connect(url).await?;
                // Run, so that it is known what was planned and not needed.
                for (what, value) in [
                    ("session_preload_libraries", "auto_explain"),
                    ("auto_explain.log_min_duration", "0"),
                    ("auto_explain.log_analyze", "on"),
                    ("auto_explain.log_timing", "off"),
                ] {
                    let text = format!("LOAD 'auto_explain'; ALTER ROLE CURRENT_USER SET {what} = '{value}'");
                    db.execute(raw_sql(AssertSqlSafe(text))).await?;
                }
                db.close().await?;
                service.restart().await
            }
        }
    }

    /// Where it is told.
    pub(crate) fn told(&self, service: &Service) -> Result<String> {
        match self {
            Self::Lite => service.log(),
            Self::Pg { server, .. } => Ok(server.log()),
        }
    }

    /// How it looked for calls in what was told since then: each table that was read, by which index, and how often.
    pub(crate) async fn plans(&self, service: &Service, since: usize) -> Result<BTreeMap<String, u32>> {
        let told = self.told(service)?;
        let told = told.get(since..).unwrap_or_default();
        let steps = match self {
            Self::Lite => explained(&mut lite(&service.database()).await?, told).await?,
            Self::Pg { .. } => scans(told),
        };
        let mut counted = BTreeMap::new();
        for step in steps {
            *counted.entry(step).or_default() += 1;
        }
        Ok(counted)
    }
}

/// A text in the words of a database.
fn said(text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (word, own)| text.replace(word, own))
}

/// Everybody who has an account becomes an owner of every company.
pub(crate) async fn everybody_owns_all(file: &Path) -> Result<()> {
    let own = "INSERT INTO memberships (customer_id, user_id, role, since) \
        SELECT customers.id, users.id, 'owner', users.created_at FROM customers, users";
    raw_sql(own).execute(&mut lite(file).await?).await?;
    Ok(())
}

async fn lite(file: &Path) -> Result<SqliteConnection> {
    Ok(sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await?)
}

/// Whether a statement is about calls of a customer: others look for work meanwhile.
fn is_of_calls(statement: &str) -> bool {
    ["tallies", "tries", "customer_id = $1"].iter().any(|word| statement.contains(word))
}

/// What SQLite calls what it makes itself on its way.
const MADE: [&str; 2] = ["CO-ROUTINE", "MATERIALIZE"];

/// What SQLite says of the statements that a service has logged.
async fn explained(db: &mut SqliteConnection, log: &str) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    for quoted in log.split("db.statement=\"").skip(1) {
        let quoted = quoted.split("\" rows_affected").next().unwrap_or_default();
        let statement = quoted.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        if !is_of_calls(&statement) {
            continue;
        }
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = db.fetch_all(raw_sql(AssertSqlSafe(explain))).await?;
        let told = rows.iter().map(|row| row.try_get("detail")).collect::<sqlx::Result<Vec<String>>>()?;
        // What it has made itself is read too, and is no table.
        let made =
            told.iter().filter_map(|step| step.split_once(' ')).filter(|(what, _)| MADE.contains(what));
        let made: Vec<&str> = made.map(|(_, name)| name).collect();
        let is_made = |name: &str| {
            made.iter().any(|made| *made == name || statement.contains(&format!(" {made} {name}")))
        };
        let is_read = |step: &&String| {
            step.starts_with("SEARCH ") || step.strip_prefix("SCAN ").is_some_and(|name| !is_made(name))
        };
        steps.extend(told.iter().filter(is_read).cloned());
    }
    Ok(steps)
}

/// The scans of the plans that PostgreSQL has logged, with what each looks for in its index.
fn scans(log: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for entry in log.split("  plan:\n").skip(1) {
        let lines: Vec<&str> =
            entry.lines().take_while(|line| line.starts_with('\t')).map(str::trim).collect();
        let from = lines.iter().position(|line| line.contains("  (cost=")).unwrap_or(lines.len());
        let (statement, plan) = lines.split_at(from);
        if !is_of_calls(&statement.join(" ")) {
            continue;
        }
        let mut is_scan = false;
        for line in plan {
            let node = line.split("  (cost=").next().unwrap_or_default().trim_start_matches("->").trim();
            if line.contains("  (cost=") {
                is_scan =
                    node.contains("Scan") && !["CTE", "Subquery"].iter().any(|word| node.contains(word));
                is_scan &= !line.contains("(never executed)");
                if is_scan {
                    steps.push(node.to_owned());
                }
            } else if let Some((_, condition)) = line.split_once("Index Cond: ").filter(|_| is_scan)
                && let Some(step) = steps.last_mut()
            {
                step.push_str(&format!(" {}", without_values(condition)));
            }
        }
    }
    steps
}

/// A condition with `?` for what is looked for: a text with its type, or a parameter.
fn without_values(condition: &str) -> String {
    let mut bare = String::new();
    for (n, part) in condition.split('\'').enumerate() {
        match n {
            0 => bare.push_str(part),
            n if n % 2 == 1 => bare.push('?'),
            _ => bare.push_str(part.trim_start_matches(|letter| ![',', ')'].contains(&letter))),
        }
    }
    let mut parts = bare.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |bare, part| {
        bare + "?" + part.trim_start_matches(|letter: char| letter.is_ascii_digit())
    })
}

/// Forty customers with a site each, like the practice company's.
const OTHERS: &str = "
    CREATE TEMP TABLE others AS WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 40)
        SELECT n, {id} AS customer, {id} AS site FROM k;
    INSERT INTO customers (id, email, name, country, time_zone, language, max_calls, created_at, blacklist, number)
        SELECT o.customer, 'x' || o.n || '@x.example', c.name, c.country, c.time_zone, c.language, c.max_calls,
            c.created_at, c.blacklist, 500000 + o.n
        FROM others o, customers c WHERE c.id = (SELECT customer_id FROM sites WHERE key = 'practice');
    INSERT INTO sites (id, customer_id, key, name, origin, version, created_at)
        SELECT o.site, o.customer, 'other-' || o.n, s.name, s.origin, s.version, s.created_at
        FROM others o, sites s WHERE s.key = 'practice';";

/// `{n}` calls of each of some sites, one after the other through the last 365 days until `{now}` in µs.
const TALLIES: &str = "
    INSERT INTO tallies (customer_id, accepted_at, order_id, site_id, quarter, phone, disposition, reason, rang_ms,
        connected_ms, promise_ms, talk_s, manager, telephone, source_kind, source, campaign, keyword, page, region, device)
    WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {n})
    SELECT customer_id, {at}, {id}, id, at / 900000000,
        '+79' || (100000000 + m % 900000000), disposition,
        CASE disposition WHEN 'manager_no_answer' THEN 'all_failed' WHEN 'visitor_no_answer' THEN 'silent'
            WHEN 'not_called' THEN 'closed' END,
        CASE WHEN disposition <> 'not_called' THEN m % 15000 END,
        CASE disposition WHEN 'connected' THEN 5000 + m % 30000 END, 29000,
        CASE disposition WHEN 'connected' THEN m % 600 END,
        CASE WHEN disposition IN ('connected', 'visitor_no_answer') THEN 'Manager ' || (m % 9) END,
        CASE WHEN disposition IN ('connected', 'visitor_no_answer') THEN '+7495123450' || (m % 9) END,
        CASE m % 5 WHEN 0 THEN 'search' WHEN 1 THEN 'ad' WHEN 2 THEN 'direct' WHEN 3 THEN 'social' ELSE 'referral' END,
        CASE m % 5 WHEN 0 THEN 'Google' WHEN 1 THEN 'Yandex' WHEN 3 THEN 'VK' WHEN 4 THEN 'site' || (m % 300) || '.example' END,
        CASE WHEN m % 5 = 1 THEN 'campaign ' || (m % 20) END,
        CASE WHEN m % 5 = 0 THEN '' WHEN m % 5 = 1 THEN 'keyword ' || (m % 2000) END,
        '/page/' || (m % 400), 'Region ' || (m % 80), CASE WHEN m % 3 = 0 THEN 'computer' ELSE 'phone' END
    FROM (SELECT s.customer_id, s.id, {now} - k.n * (365 * 86400000000 / {n}) AS at,
            {drawn} AS m, CASE {drawn} % 20 WHEN 0 THEN 'not_called' WHEN 1 THEN 'visitor_no_answer'
                WHEN 2 THEN 'visitor_no_answer' WHEN 3 THEN 'manager_no_answer' WHEN 4 THEN 'manager_no_answer'
                ELSE 'connected' END AS disposition
        FROM k, sites s WHERE s.key {which}) drawn;";

/// Tries of managers; and of the practice company's newest calls what a page of the journal shows.
const SHOWN: &str = "
    INSERT INTO tries SELECT customer_id, accepted_at, order_id, 2, COALESCE(manager, 'Manager 0'), '+74951234500',
            CASE WHEN manager IS NOT NULL THEN rang_ms END
        FROM tallies t WHERE disposition <> 'not_called'
            AND NOT EXISTS (SELECT 1 FROM tries k WHERE k.order_id = t.order_id AND k.customer_id = t.customer_id
                AND k.accepted_at = t.accepted_at);
    INSERT INTO orders (id, site_id, customer_id, phone, country, settings_version, accepted_at, run_at, visit, consent,
            state, detail, process, ended_at, disposition, reason, record, talk_s, arrival)
        SELECT t.order_id, t.site_id, t.customer_id, t.phone, 'RU', 1, t.accepted_at, t.accepted_at, o.visit, '{}',
            o.state, o.detail, 1, t.accepted_at, t.disposition, t.reason, o.record, t.talk_s, o.arrival
        FROM tallies t, (SELECT * FROM orders WHERE record IS NOT NULL LIMIT 1) o
        WHERE t.customer_id = o.customer_id AND NOT EXISTS (SELECT 1 FROM orders k WHERE k.id = t.order_id)
        ORDER BY t.accepted_at DESC LIMIT 120000;";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_of_postgresql_are_told_without_values() {
        let log = "2027-01-15 08:00:00 UTC [7] LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 1 FROM tallies c\n\
            \t\tWHERE c.customer_id = $1\n\
            \tNested Loop  (cost=0.4..8.4 rows=1 width=4) (actual rows=3 loops=1)\n\
            \t  ->  Index Scan using tallies_pkey on tallies c  (cost=0.4..8.4 rows=1 width=4) (actual rows=3 loops=1)\n\
            \t        Index Cond: ((customer_id = 'a'::uuid) AND (at < '2027-01-15'::timestamp with time zone) AND (n = $22))\n\
            \t  ->  Seq Scan on intents i  (cost=0.4..8.4 rows=1 width=4) (never executed)\n\
            2027-01-15 08:00:00 UTC [7] LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 1 FROM letters\n\
            \tSeq Scan on letters  (cost=0.4..8.4 rows=1 width=4) (actual rows=0 loops=1)\n";
        let told = "Index Scan using tallies_pkey on tallies c ((customer_id = ?) AND (at < ?) AND (n = ?))";
        assert_eq!(scans(log), [told]);
    }
}
