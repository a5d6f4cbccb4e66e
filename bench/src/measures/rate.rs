//! How many callbacks, and how soon: with a digest and without, with sound and without.

use crate::figures::{Row, ms, say};
use crate::load::{Load, World};
use crate::stage::{Service, Setup};
use anyhow::Result;
use std::time::Duration;

/// Orders that may wait: the usual bound.
pub(crate) const QUEUE: u32 = 200;
/// The first rate, and by how much each next one is higher.
const FIRST: f64 = 60.0;
const HIGHER: f64 = 1.35;
/// The rates at which the processor's time is measured: an easy one, and one at which commits are shared by many.
const EASY_PER_S: f64 = 250.0;
const BUSY_PER_S: f64 = 700.0;
/// Rates between the last that was kept and the first that was not.
const BETWEEN: usize = 2;
/// How long visitors stay where they hang up at once: so long that their call is bridged before.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(100);
/// How long they stay where there is sound.
pub(crate) const STAY: Duration = Duration::from_secs(2);

/// The highest rate that is kept, and what it was like.
pub(crate) struct Knee {
    pub(crate) per_s: f64,
    pub(crate) load: Load,
    /// What was in the way of more.
    pub(crate) beyond: &'static str,
}

/// Callbacks a second, with and without a digest, without sound and with 2 s of it.
pub(crate) async fn callbacks(world: &mut World) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (speak, hold, goal) in [(false, AT_ONCE, "≥ 1,500/s"), (true, STAY, "≥ 400/s")] {
        for digest in [false, true] {
            if world.quick && digest != speak {
                continue;
            }
            let name = match (speak, digest) {
                (false, false) => "without digest, without sound",
                (false, true) => "with digest, without sound",
                (true, false) => "without digest, 2 s of sound each",
                (true, true) => "with digest, 2 s of sound each",
            };
            say(&format!("callbacks {name}"));
            let service = world.service(Setup { digest, queue: QUEUE }).await?;
            world.behave(speak, hold);
            let knee = knee(world, &service).await?;
            let all = service.metric("callback_calls_total").await?;
            let value = format!(
                "{:.0}/s ({} of processor each; then {}; {all} records in all)",
                knee.per_s,
                ms(knee.load.cpu_each()),
                knee.beyond
            );
            rows.push(Row::new(format!("callbacks {name}"), value, goal));
        }
    }
    Ok(rows)
}

/// The processor's time for a callback at a rate that is kept: other load on the machine changes it little.
pub(crate) async fn cost(world: &mut World) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (per_s, digest, speak, hold) in [
        (EASY_PER_S, false, false, AT_ONCE),
        (BUSY_PER_S, false, false, AT_ONCE),
        (EASY_PER_S, true, false, AT_ONCE),
        (EASY_PER_S, true, true, STAY),
    ] {
        let service = world.service(Setup { digest, queue: QUEUE }).await?;
        world.behave(speak, hold);
        let load = world.load(&service, per_s, world.span(15, 6)).await?;
        let name = format!(
            "processor for a callback, {} digest, {}, at {per_s:.0}/s",
            if digest { "with" } else { "without" },
            if speak { "2 s of sound" } else { "without sound" }
        );
        let value = format!("{} ({} of {})", ms(load.cpu_each()), load.completed(), load.orders.len());
        rows.push(Row::new(name, value, ""));
    }
    Ok(rows)
}

/// Raises the rate until orders wait or calls are late.
pub(crate) async fn knee(world: &mut World, service: &Service) -> Result<Knee> {
    let span = world.span(6, 3);
    let mut kept: Option<(f64, Load)> = None;
    let (mut per_s, mut beyond) = (FIRST, "nothing");
    let mut too_much = f64::INFINITY;
    let mut between = 0;
    loop {
        let load = world.load(service, per_s, span).await?;
        let late = load.is_late();
        say(&format!(
            "  {per_s:.0}/s: {} of {} over, INVITE after {}, end after {}, {} of processor each{}",
            load.completed(),
            load.orders.len(),
            load.to_invite().show(),
            load.to_end().show(),
            ms(load.cpu_each()),
            late.map(|why| format!(": {why}")).unwrap_or_default()
        ));
        match late {
            Some(why) => (too_much, beyond) = (per_s, why),
            None => kept = Some((per_s, load)),
        }
        let best = kept.as_ref().map_or(FIRST / 2.0, |(per_s, _)| *per_s);
        per_s = if too_much.is_infinite() {
            best * HIGHER
        } else if between < BETWEEN || kept.is_none() && per_s > 1.0 {
            between += 1;
            if kept.is_none() { per_s / 2.0 } else { (best * too_much).sqrt() }
        } else {
            break;
        };
    }
    let (per_s, load) = kept.ok_or_else(|| anyhow::anyhow!("no rate is kept"))?;
    Ok(Knee { per_s, load, beyond })
}

/// From an order to its INVITE, the durable commit included, at a moderate rate.
pub(crate) async fn order(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(false, AT_ONCE);
    let load = world.load(&service, 50.0, world.span(20, 5)).await?;
    let name = "order → INVITE, p50 / p99 / longest, at 50/s";
    let answer = "order → 202, p50 / p99 / longest, at 50/s";
    Ok(vec![
        Row::new(name, load.to_invite().show(), "p99 ≤ 10 ms"),
        Row::new(answer, load.to_answer().show(), ""),
    ])
}

/// From the second answer until both hear each other, at a moderate rate.
pub(crate) async fn sound(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(true, Duration::from_millis(500));
    let load = world.load(&service, 20.0, world.span(20, 5)).await?;
    let sound = load.to_sound();
    let name = format!("second answer → both hear, p50 / p99 / longest of {}", sound.len());
    Ok(vec![Row::new(name, sound.show(), "p99 ≤ 40 ms")])
}
