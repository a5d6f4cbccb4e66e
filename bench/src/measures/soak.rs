//! Very many calls, one after another: nothing of them may stay.

use super::rate::{AT_ONCE, QUEUE, knee};
use crate::figures::{Row, mb, say};
use crate::load::World;
use crate::stage::Setup;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Calls, and how long they may take together.
const CALLS: f64 = 100_000.0;
const LONGEST: Duration = Duration::from_secs(600);
/// What part of the highest rate is used.
const SHARE: f64 = 0.7;
/// Looks at memory between.
const LOOKS: u32 = 10;
/// What may stay a while after the last call: names of ended calls, ports, addresses of browsers.
const AFTERGLOW: Duration = Duration::from_secs(90);
/// What is empty when no call is there, by its name in `/metrics`. Addresses are kept until there are many, and bounded.
const EMPTY: [&str; 15] = [
    "callback_running_calls",
    "callback_orphaned_legs",
    "callback_watched_orders",
    "callback_unwritten",
    "callback_queue",
    "callback_http_streams",
    "callback_media_legs",
    "callback_media_resting",
    "callback_sip_legs",
    "callback_sip_channels",
    "callback_sip_telephones",
    "callback_sip_transactions",
    "callback_sip_dialogs",
    "callback_sip_timers",
    "callback_trunks_down",
];

/// As many calls as fit, at most [`CALLS`].
pub(crate) async fn soak(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(false, AT_ONCE);
    let per_s = knee(world, &service).await?.per_s * SHARE;
    let calls = if world.quick { CALLS / 50.0 } else { CALLS };
    let span = Duration::from_secs_f64(calls / per_s).min(LONGEST) / LOOKS;
    let (mut memory, mut completed, mut ordered) = (Vec::new(), 0, 0);
    for look in 1..=LOOKS {
        let load = world.load(&service, per_s, span).await?;
        ordered += load.orders.len();
        completed += load.completed();
        memory.push(service.memory_kb()?);
        say(&format!(
            "  {look}/{LOOKS}: {completed} of {ordered} calls, {}",
            memory.last().map_or_else(String::new, |kb| mb(*kb))
        ));
    }
    let ended = Instant::now();
    let mut left;
    loop {
        let metrics = service.metrics().await?;
        left = EMPTY
            .iter()
            .filter(|name| metrics.get(**name) != Some(&0.0))
            .map(|name| {
                format!("{name} {}", metrics.get(*name).map_or("is not shown".to_owned(), f64::to_string))
            })
            .collect::<Vec<_>>();
        if left.is_empty() || ended.elapsed() > AFTERGLOW {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let addresses = service.metric("callback_http_addresses").await?;
    let shown: Vec<String> = memory.iter().map(|kb| format!("{}", kb / 1_024)).collect();
    let empty = if left.is_empty() {
        format!("all {} empty after {:.0} s", EMPTY.len(), ended.elapsed().as_secs_f64())
    } else {
        left.join(", ")
    };
    Ok(vec![
        Row::new(
            format!("soak at {per_s:.0}/s: calls that came to their end"),
            format!("{completed} of {ordered}"),
            "all",
        ),
        Row::new("soak: memory after each tenth, MB", shown.join(" "), "flat"),
        Row::new(
            "soak: what is left",
            format!("{empty}; addresses of browsers {addresses}, at most 65,536"),
            "nothing",
        ),
    ])
}
