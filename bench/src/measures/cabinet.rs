//! The cabinet: how long its pages wait, alone and while passwords are guessed.

use crate::browser::{ask, connect};
use crate::cabinet::{Company, Page, request};
use crate::figures::{Row, Spans, mb, say};
use crate::load::World;
use crate::stage::{HTTP, Service};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The only path whose answer does not end.
const STREAM: &str = "/customers/{customer}/calls/events";
/// No request takes longer.
const LONGEST: Duration = Duration::from_millis(100);
/// Wrong passwords in a second.
const ATTEMPTS_PER_S: u32 = 200;
/// How long whoever guesses waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A page asks so often while passwords are guessed, and an owner logs in.
const READ_EVERY: Duration = Duration::from_millis(20);
const LOGIN_EVERY: Duration = Duration::from_secs(1);

/// Each operation that reads, and the one that is asked at every key: one after the other.
pub(crate) async fn cabinet(world: &World) -> Result<Vec<Row>> {
    let _service = Service::practise(None).await?;
    let mut page = Page::open().await?;
    let company = page.look_around().await?;
    let document = page.get("/api/v1/openapi.json").await?;
    let times = if world.quick { 50 } else { 500 };
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for (name, path) in company.reads(&document)? {
        let (mut spans, mut status) = (Vec::new(), 0);
        for _ in 0..times {
            let began = Instant::now();
            let answer = if name == STREAM {
                page.begin_stream(&path).await?
            } else {
                page.ask("GET", &path, &Value::Null).await?
            };
            spans.push(began.elapsed());
            status = answer.status;
        }
        all.extend_from_slice(&spans);
        let spans: Spans = spans.into_iter().collect();
        let row = Row::new(format!("GET {name}"), format!("{} ({status})", spans.show()), "≤ 100 ms");
        rows.push(row.if_within(spans.longest() <= LONGEST));
    }
    let edits = edits(&mut page, &company, times).await?;
    let kinds = rows.len();
    let [published, restored] = publications(&mut page, &company, times / 25).await?;
    let logins = logins_alone(&mut page, times / 25).await?;
    for (name, spans) in [
        ("PATCH /sites/{site}/draft", edits),
        ("POST /sites/{site}/publish", published),
        ("POST /sites/{site}/versions/{version}/restore", restored),
        ("POST /login", logins),
    ] {
        rows.push(Row::new(name, spans.show(), "≤ 100 ms").if_within(spans.longest() <= LONGEST));
    }
    let all = all.into_iter().collect::<Spans>();
    rows.push(Row::new(
        format!("cabinet: {} requests of {kinds} kinds that read, p50 / p99 / longest", all.len()),
        all.show(),
        "≤ 100 ms",
    ));
    Ok(rows)
}

/// A field is written again and again, as by somebody who types.
async fn edits(page: &mut Page, company: &Company, times: u32) -> Result<Spans> {
    let path = format!("/api/v1/sites/{}/draft", company.site);
    let (mut revision, mut spans) = (page.get(&path).await?["revision"].clone(), Vec::new());
    for at in 0..times {
        let edit = json!({ "revision": revision, "set": { "ring_timeout_s": 10 + at % 10 } });
        let began = Instant::now();
        let answer = page.ask("PATCH", &path, &edit).await?;
        spans.push(began.elapsed());
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.body);
        }
        revision = serde_json::from_str::<Value>(&answer.body)?["revision"].clone();
    }
    Ok(spans.into_iter().collect())
}

/// A draft is published, and the version before it brought back, again and again.
async fn publications(page: &mut Page, company: &Company, times: u32) -> Result<[Spans; 2]> {
    let path = format!("/api/v1/sites/{}", company.site);
    let (mut published, mut restored) = (Vec::new(), Vec::new());
    for at in 0..times {
        let draft = page.get(&format!("{path}/draft")).await?;
        let edit = json!({ "revision": draft["revision"], "set": { "promise_seconds": 30 + at } });
        let edited = timed(page, "PATCH", &format!("{path}/draft"), &edit).await?.1;
        let seen = json!({ "revision": edited["revision"] });
        let (span, done) = timed(page, "POST", &format!("{path}/publish"), &seen).await?;
        published.push(span);
        let back = format!("{path}/versions/{}/restore", done["previous"]);
        let seen = json!({ "revision": page.get(&format!("{path}/draft")).await?["revision"] });
        restored.push(timed(page, "POST", &back, &seen).await?.0);
    }
    Ok([published, restored].map(|spans| spans.into_iter().collect()))
}

/// Somebody logs in, and again.
async fn logins_alone(page: &mut Page, times: u32) -> Result<Spans> {
    let demo = page.get("/api/v1/service").await?["demo"].clone();
    let mut spans = Vec::new();
    for _ in 0..times {
        spans.push(timed(page, "POST", "/api/v1/login", &demo).await?.0);
    }
    Ok(spans.into_iter().collect())
}

/// Asks for what must be done, and how long that takes.
async fn timed(page: &mut Page, method: &str, path: &str, body: &Value) -> Result<(Duration, Value)> {
    let began = Instant::now();
    let answer = page.ask(method, path, body).await?;
    let span = began.elapsed();
    if answer.status != 200 {
        bail!("{path}: {} {}", answer.status, answer.body);
    }
    Ok((span, serde_json::from_str(&answer.body)?))
}

/// The API without a flood of logins, and beside one.
pub(crate) async fn logins(world: &World) -> Result<Vec<Row>> {
    let service = Service::practise(None).await?;
    let mut page = Page::open().await?;
    let company = page.look_around().await?;
    let document = page.get("/api/v1/openapi.json").await?;
    let reads: Vec<String> = company.reads(&document)?.into_iter().map(|(_, path)| path).collect();
    let reads: Vec<String> = reads.into_iter().filter(|path| !path.ends_with("/events")).collect();
    let span = world.span(30, 8);
    let quiet = read(&mut page, &reads, span).await?;
    let before = service.memory_kb()?;
    let local = LocalSet::new();
    let guessed =
        local.run_until(async { tokio::join!(read(&mut page, &reads, span), guess(span), log_in(span)) });
    let (beside, attempts, owner) = guessed.await;
    let (beside, owner) = (beside?, owner?);
    let ratio = |percent: usize| {
        let [quiet, beside] = [&quiet, &beside].map(|spans| spans.percentile(percent));
        let times = beside.as_secs_f64() / quiet.as_secs_f64();
        let [quiet, beside] = [quiet, beside].map(|span| span.as_secs_f64() * 1_000.0);
        let what = format!("cabinet beside {ATTEMPTS_PER_S} wrong logins/s: p{percent}");
        Row::new(what, format!("{quiet:.2} → {beside:.2} ms (× {times:.1})"), "× 2").if_within(times <= 2.0)
    };
    let told: Vec<_> = attempts.iter().map(|(answer, count)| format!("{count} {answer}")).collect();
    let grown = service.memory_kb()?.saturating_sub(before);
    Ok(vec![
        ratio(50),
        ratio(99),
        Row::new(
            "these logins were answered",
            format!("{}; memory + {}", told.join(", "), mb(grown)),
            "bounded",
        ),
        Row::new("a right login meanwhile", owner, ""),
    ])
}

/// One page that reads everything in turn, at a pace of its own.
async fn read(page: &mut Page, paths: &[String], span: Duration) -> Result<Spans> {
    let (began, mut spans) = (Instant::now(), Vec::new());
    let mut every = interval(READ_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for path in paths.iter().cycle() {
        every.tick().await;
        if began.elapsed() >= span {
            break;
        }
        let asked = Instant::now();
        let answer = page.ask("GET", path, &Value::Null).await?;
        spans.push(asked.elapsed());
        if answer.status >= 429 {
            bail!("{path}: {} {}", answer.status, answer.body);
        }
    }
    Ok(spans.into_iter().collect())
}

/// Passwords of many accounts, guessed from many addresses, each over a connection of its own: what was answered, and
/// how often.
async fn guess(span: Duration) -> BTreeMap<String, u32> {
    let (began, mut sent, mut under_way) = (Instant::now(), 0, JoinSet::new());
    let mut answers = BTreeMap::new();
    let mut every = interval(Duration::from_millis(5));
    while began.elapsed() < span {
        every.tick().await;
        let due = (began.elapsed().min(span).as_secs_f64() * f64::from(ATTEMPTS_PER_S)) as u32;
        for number in sent..due {
            under_way.spawn_local(guess_one(number));
        }
        sent = due.max(sent);
        while let Some(Ok(answer)) = under_way.try_join_next() {
            *answers.entry(answer).or_default() += 1;
        }
    }
    say(&format!("  {sent} logins sent, {} wait for their answers", under_way.len()));
    // Whoever still waits goes away.
    let waited = u32::try_from(under_way.len()).unwrap_or(u32::MAX);
    under_way.abort_all();
    *answers.entry("that still waited".to_owned()).or_default() += waited;
    answers
}

async fn guess_one(number: u32) -> String {
    let login =
        json!({ "email": format!("guess{number}@shop.example"), "password": "correct horse battery" });
    let request = request("POST", "/api/v1/login", &login, number, "");
    let asked = async { ask(&mut connect(HTTP).await?, &request).await };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => format!("by {}", answer.status),
        Ok(Err(_)) => "by a closed connection".to_owned(),
        Err(_) => format!("by nothing within {} s", PATIENCE.as_secs()),
    }
}

/// Somebody who knows his password, again and again.
async fn log_in(span: Duration) -> Result<String> {
    let (began, mut spans, mut refused) = (Instant::now(), Vec::new(), 0);
    let mut every = interval(LOGIN_EVERY);
    while began.elapsed() < span {
        every.tick().await;
        let asked = Instant::now();
        match timeout(PATIENCE, Page::open()).await {
            Ok(Ok(_)) => spans.push(asked.elapsed()),
            Ok(Err(_)) | Err(_) => refused += 1,
        }
    }
    let spans: Spans = spans.into_iter().collect();
    Ok(format!("{} of {}, {refused} without success", spans.show(), spans.len()))
}
