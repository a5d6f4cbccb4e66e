//! Live calls: what it costs the service that owners watch them.

use super::rate::QUEUE;
use crate::cabinet::Page;
use crate::figures::Row;
use crate::load::World;
use crate::stage::Setup;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// How many calls run at once: so many are ordered in a second, and a visitor stays so long.
const PER_S: f64 = 10.0;
const HOLD: Duration = Duration::from_secs(20);

/// The processor's share that goes to telling owners, of all companies, of every change of their calls; without and with
/// them twice, so that a machine that grows busy is noticed.
pub(crate) async fn live(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(false, HOLD);
    let mut page = Page::of_all(&service).await?;
    let companies = page.companies().await?;
    let (span, rounds) = (world.span(60, 20), if world.quick { 1 } else { 2 });
    let (told, mut calls) = (Arc::new(AtomicU64::new(0)), 0);
    let (mut alone, mut watched) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        alone += world.load(&service, PER_S, span).await?.cpu;
        let mut watching = JoinSet::new();
        for company in &companies {
            watching.spawn(page.watch(company, Arc::clone(&told)).await?);
        }
        let load = world.load(&service, PER_S, span).await?;
        watched += load.cpu;
        calls += load.completed();
    }
    let spans = (span + HOLD).as_secs_f64() * f64::from(rounds);
    let share = |cpu: Duration| cpu.as_secs_f64() * 100.0 / spans;
    let (alone, watched) = (share(alone), share(watched));
    let told = told.load(Ordering::Relaxed);
    let value = format!(
        "{:.2} % of the core ({watched:.2} % − {alone:.2} %; {told} changes of {calls} calls)",
        watched - alone
    );
    let name = format!(
        "200 live calls, 10 begun in a second, watched by the owners of {} companies",
        companies.len()
    );
    Ok(vec![Row::new(name, value, "≤ 1 %").if_within(watched - alone <= 1.0)])
}
