//! Statistics over a year of calls: one customer's million among five million, beside forty others, in both databases; and
//! how each of them looks for what is asked.

use crate::cabinet::Page;
use crate::database::Database;
use crate::figures::{Row, Spans, say};
use crate::load::World;
use crate::stage::Service;
use anyhow::{Result, bail};
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

/// How often each is asked.
const TIMES: u32 = 10;

/// The practice company among others, with so many calls.
pub(crate) async fn statistics(world: &World) -> Result<Vec<Row>> {
    let (own, others) = if world.quick { (100_000, 10_000) } else { (1_000_000, 100_000) };
    let mut rows = Vec::new();
    for database in [Database::Lite, Database::pg().await] {
        let name = database.name();
        let mut service = Service::practise(database.url()).await?;
        service.stop()?;
        say(&format!("filling {name}: {own} calls, and 40 times {others}"));
        database.fill(&service, own, others).await?;
        service.restart().await?;
        rows.extend(measured(&database).await?);
        database.tell_plans(&mut service).await?;
        let mut company = Company::open().await?;
        for (question, path, ..) in ASKED {
            for _ in 1..TIMES {
                company.ask(path).await?;
            }
            let before = database.told(&service)?.len();
            company.ask(path).await?;
            say(&format!("  {name}, {question}:"));
            let plans = database.plans(&service, before).await?;
            if plans.is_empty() {
                bail!("{name} does not tell how it looks");
            }
            for (plan, times) in plans {
                say(&format!("    {times} × {plan}"));
            }
        }
    }
    Ok(rows)
}

async fn measured(database: &Database) -> Result<Vec<Row>> {
    let mut company = Company::open().await?;
    let mut rows = Vec::new();
    for (name, path, goal, limit) in ASKED {
        let mut spans: Vec<Duration> = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            company.ask(path).await?;
            spans.push(began.elapsed());
        }
        let spans: Spans = spans.into_iter().collect();
        let name = format!("{}: {name}, p50 / p99 / longest", database.name());
        rows.push(
            Row::new(name, spans.show(), goal).if_within(spans.longest() <= Duration::from_millis(limit)),
        );
    }
    Ok(rows)
}

/// The practice company, seen by a browser.
struct Company {
    page: Page,
    number: String,
}

impl Company {
    async fn open() -> Result<Self> {
        let mut page = Page::open().await?;
        let me = page.get("/api/v1/me").await?;
        let number = me["memberships"][0]["number"].as_str().unwrap_or_default().to_owned();
        Ok(Self { page, number })
    }

    async fn ask(&mut self, path: &str) -> Result<()> {
        self.page.get(&format!("/api/v1/customers/{}{path}", self.number)).await.map(drop)
    }
}
