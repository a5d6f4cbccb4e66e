//! Statistics over a year of calls: one customer's million among five million, beside forty others.

use crate::cabinet::Page;
use crate::figures::{Row, Spans, say};
use crate::load::World;
use crate::stage::Service;
use anyhow::Result;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// What is asked, how long it may take, and that in milliseconds.
const ASKED: [(&str, &str, &str, u64); 8] = [
    ("today: the journal's first page, and its totals", "/calls?period=today", "≤ 30 ms", 30),
    ("a month: the journal's first page, and its totals", "/calls?period=month", "≤ 300 ms", 300),
    ("a month of one manager", "/calls?period=month&manager=Manager%203", "≤ 300 ms", 300),
    ("a month, the longest talk first", "/calls?period=month&order=talk", "≤ 300 ms", 300),
    ("today's overview", "/overview?period=today", "", u64::MAX),
    ("a month's overview, with the month before", "/overview?period=month", "", u64::MAX),
    ("a month's analysis, with the month before", "/analysis?period=month", "", u64::MAX),
    ("what is on the air", "/calls/open", "", u64::MAX),
];

/// The practice company among others, with so many calls.
pub(crate) async fn statistics(world: &World) -> Result<Vec<Row>> {
    let (own, others) = if world.quick { (100_000, 10_000) } else { (1_000_000, 100_000) };
    let mut service = Service::practise().await?;
    service.stop()?;
    say(&format!("filling: {own} calls, and 40 times {others}"));
    fill(&service.database(), own, others).await?;
    service.restart().await?;
    let mut page = Page::open().await?;
    let me = page.get("/api/v1/me").await?;
    let number = me["memberships"][0]["number"].as_str().unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    for (name, path, goal, limit) in ASKED {
        let path = format!("/api/v1/customers/{number}{path}");
        let mut spans: Vec<Duration> = Vec::new();
        for _ in 0..10 {
            let began = Instant::now();
            page.get(&path).await?;
            spans.push(began.elapsed());
        }
        let spans: Spans = spans.into_iter().collect();
        let row = Row::new(format!("{name}, p50 / p99 / longest"), spans.show(), goal);
        rows.push(row.if_within(spans.longest() <= Duration::from_millis(limit)));
    }
    Ok(rows)
}

/// Writes calls of a year into a database that nobody has open: those that statistics count, and of the newest all that
/// a page shows.
async fn fill(database: &Path, own: u32, others: u32) -> Result<()> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database).foreign_keys(false);
    let mut db: SqliteConnection = options.connect().await?;
    db.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;").await?;
    db.execute(OTHERS).await?;
    for (n, which) in [(own, "= 'practice'"), (others, "LIKE 'other-%'")] {
        let tallies = TALLIES.replace("{n}", &n.to_string()).replace("{which}", which);
        db.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(tallies))).await?;
    }
    db.execute(SHOWN).await?;
    db.close().await?;
    Ok(())
}

/// Forty customers with a site each, like the practice company's.
const OTHERS: &str = "
    CREATE TEMP TABLE others AS WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 40)
        SELECT n, randomblob(16) AS customer, randomblob(16) AS site FROM k;
    INSERT INTO customers (id, email, name, country, time_zone, language, max_calls, created_at, blacklist, number)
        SELECT o.customer, 'x' || o.n || '@x.example', c.name, c.country, c.time_zone, c.language, c.max_calls,
            c.created_at, c.blacklist, 500000 + o.n
        FROM others o, customers c WHERE c.id = (SELECT customer_id FROM sites WHERE key = 'practice');
    INSERT INTO sites (id, customer_id, key, name, origin, version, created_at)
        SELECT o.site, o.customer, 'other-' || o.n, s.name, s.origin, s.version, s.created_at
        FROM others o, sites s WHERE s.key = 'practice';";

/// `{n}` calls of each of some sites, one after the other through the last 365 days.
const TALLIES: &str = "
    INSERT INTO tallies (customer_id, accepted_at, order_id, site_id, quarter, phone, disposition, reason, rang_ms,
        connected_ms, promise_ms, talk_s, manager, telephone, source_kind, source, campaign, keyword, page, region, device)
    WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {n})
    SELECT customer_id, at, randomblob(16), id, at / 900000000,
        '+79' || printf('%09d', m % 1000000000), disposition,
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
    FROM (SELECT s.customer_id, s.id, unixepoch() * 1000000 - k.n * (365 * 86400000000 / {n}) AS at,
            abs(random()) AS m, CASE abs(random()) % 20 WHEN 0 THEN 'not_called' WHEN 1 THEN 'visitor_no_answer'
                WHEN 2 THEN 'visitor_no_answer' WHEN 3 THEN 'manager_no_answer' WHEN 4 THEN 'manager_no_answer'
                ELSE 'connected' END AS disposition
        FROM k, sites s WHERE s.key {which});";

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
