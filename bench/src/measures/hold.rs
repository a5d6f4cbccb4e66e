//! Calls that stay: how many before sound suffers, and what each takes of memory.

use super::rate::QUEUE;
use crate::figures::{Row, mb, ms, percent, say};
use crate::load::{FOR_EVER, World};
use crate::sound::Report;
use crate::stage::{Service, Setup};
use anyhow::Result;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// By how many calls each step is higher, and how many are begun in a second.
const STEP: u32 = 200;
const BEGUN_PER_S: f64 = 40.0;
/// What sound may suffer: of ten thousand packets lost, and the delay of a hundredth above that of few calls.
const LOST: u64 = 10;
const LATER: Duration = Duration::from_millis(20);
/// More are not tried: the ports and files of one service end there.
const MOST: u32 = 3_600;
/// Calls for the memory of one.
const FOR_MEMORY: u32 = 400;

/// Adds calls until sound is lost or late.
pub(crate) async fn held(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(true, FOR_EVER);
    let (mut calls, mut good, mut first, mut beyond) = (0, None, None, "the ports of one service".to_owned());
    while calls < if world.quick { 2 * STEP } else { MOST } {
        world.begin(STEP, BEGUN_PER_S).await?;
        calls += STEP;
        let (report, cpu) = listen(world, &service).await?;
        let usual = *first.get_or_insert(report.delays.percentile(99));
        say(&format!(
            "  {calls} calls, {} telephones: {} of {} lost ({}), delay {}, processor {cpu:.0} %, our own packets late by {}",
            report.streams,
            report.lost,
            report.heard + report.lost,
            percent(report.lost, report.heard + report.lost),
            report.delays.show(),
            report.late.show()
        ));
        let is_late = report.delays.percentile(99) > usual + LATER;
        if report.lost * 10_000 > LOST * (report.heard + report.lost) || is_late {
            beyond = blame(&report, is_late);
            break;
        }
        good = Some((calls, report, cpu));
    }
    world.everybody_leaves(&service).await?;
    let Some((calls, report, cpu)) = good else {
        return Ok(vec![Row::new("held calls", format!("fewer than {STEP}: {beyond}"), "≥ 1,000")]);
    };
    let value = format!(
        "{calls} ({cpu:.0} % of the core, delay p99 {}, lost {}; then {beyond})",
        ms(report.delays.percentile(99)),
        percent(report.lost, report.heard + report.lost)
    );
    Ok(vec![Row::new("held calls, G.711", value, "≥ 1,000")])
}

fn blame(report: &Report, is_late: bool) -> String {
    let what = if is_late { "late" } else { "lost" };
    let late = report.late.percentile(99);
    if late > LATER / 2 {
        format!("{what}: the load's core is the limit, its own packets left {} late", ms(late))
    } else {
        what.to_owned()
    }
}

/// A while of sound, and the processor's share.
async fn listen(world: &World, service: &Service) -> Result<(Report, f64)> {
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.ear.report()?;
    let (span, cpu) = (world.span(6, 3), service.cpu()?);
    tokio::time::sleep(span).await;
    let share = (service.cpu()?.saturating_sub(cpu)).as_secs_f64() * 100.0 / span.as_secs_f64();
    Ok((world.ear.report()?, share))
}

/// Idle memory, memory of a held call, and the start.
pub(crate) async fn memory(world: &mut World) -> Result<Vec<Row>> {
    let mut service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = service.memory_kb()?;
    world.behave(true, FOR_EVER);
    // What all calls share is there after the first ones.
    world.begin(FOR_MEMORY / 4, BEGUN_PER_S).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let few = service.memory_kb()?;
    world.begin(FOR_MEMORY, BEGUN_PER_S).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let many = service.memory_kb()?;
    world.everybody_leaves(&service).await?;
    let mut starts = Vec::new();
    for _ in 0..5 {
        service.restart().await?;
        starts.push(service.ready_after);
    }
    let starts: crate::figures::Spans = starts.into_iter().collect();
    let each = many.saturating_sub(few) as f64 / f64::from(FOR_MEMORY);
    Ok(vec![
        Row::new("idle memory", mb(idle), "≤ 40 MB"),
        Row::new(format!("memory of a held call, of {FOR_MEMORY}"), format!("{each:.1} kB"), "≤ 60 kB"),
        Row::new("start → /readyz 200, median / longest of 5", starts.show(), "≤ 500 ms"),
    ])
}

impl World {
    /// Begins calls, and waits until both sides of each hear each other; or as long as that may take.
    pub(crate) async fn begin(&mut self, calls: u32, per_s: f64) -> Result<()> {
        let orders = self.crowd.order(per_s, Duration::from_secs_f64(f64::from(calls) / per_s)).await;
        let refused = orders.iter().filter(|order| !order.is_accepted()).count();
        if refused > 0 {
            say(&format!("  {refused} of {calls} orders were not accepted"));
        }
        Ok(())
    }

    /// All visitors hang up; comes back when no call is left.
    pub(crate) async fn everybody_leaves(&self, service: &Service) -> Result<()> {
        self.manners.leave.store(true, Ordering::Relaxed);
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if service.metric("callback_running_calls").await? == 0.0 {
                break;
            }
        }
        Ok(())
    }
}
