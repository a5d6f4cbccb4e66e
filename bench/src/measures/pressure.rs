//! More than can be done: ten times the orders, a flood of SIP, connections that say nothing.

use super::rate::{AT_ONCE, QUEUE, knee};
use crate::browser;
use crate::figures::{Row, Spans, mb, ms, percent, say};
use crate::load::{FOR_EVER, World};
use crate::provider::FAR;
use crate::stage::{HTTP, SIP, Service, Setup};
use anyhow::Result;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether a call is still worth anything: what a site promises unless it says otherwise.
const PROMISE: Duration = Duration::from_secs(29);
/// Messages of a flood in a second, and those that are sent at once.
const FLOOD_PER_S: u32 = 14_000;
const TOGETHER: u32 = 14;
/// Who is no provider.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Calls during the flood.
const CALLS: u32 = 100;
/// Connections that say nothing.
const SILENT: usize = 2_000;

/// Ten times what is kept, for a minute.
pub(crate) async fn overload(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(false, AT_ONCE);
    let peak = knee(world, &service).await?.per_s;
    drop(service);
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    let before = service.memory_kb()?;
    let load = world.load(&service, peak * 10.0, world.span(60, 10)).await?;
    let after = service.memory_kb()?;
    let refused =
        |status| load.orders.iter().filter(move |order| order.answer.is_some_and(|(_, of)| of == status));
    let refusals: Spans = refused(503).filter_map(|order| Some(order.answer?.0 - order.sent)).collect();
    let (accepted, completed) = (load.accepted().count(), load.completed());
    let unanswered = load.orders.iter().filter(|order| order.answer.is_none()).count();
    let kept = load.accepted().filter(|(order, callback)| {
        callback.visitor_invited.is_some_and(|at| at - order.sent <= PROMISE) && callback.over().is_some()
    });
    let rate = completed as f64 / load.span.as_secs_f64();
    Ok(vec![
        Row::new(
            format!("overload: completed of {:.0}/s ordered, the knee being {peak:.0}/s", peak * 10.0),
            format!("{rate:.0}/s, {:.0} % of the knee", rate * 100.0 / peak),
            "≥ 90 %",
        ),
        Row::new(
            format!("overload: 503 after, p50 / p99 / longest of {}", refusals.len()),
            format!(
                "{}; {} with Retry-After; {unanswered} not answered",
                refusals.show(),
                refused(503).filter(|o| o.comes_again).count()
            ),
            "p99 ≤ 50 ms",
        ),
        Row::new(
            "overload: accepted that completed in time",
            format!("{} of {accepted}", kept.count()),
            "all",
        ),
        Row::new("overload: memory", format!("{} → {}", mb(before), mb(after)), "bounded"),
    ])
}

/// A flood of SIP while calls are up: from a stranger, then from the provider's own address.
pub(crate) async fn flood(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(true, FOR_EVER);
    world.begin(CALLS, 40.0).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut rows = Vec::new();
    for (name, from) in [("a stranger", STRANGER), ("the provider's address", FAR)] {
        say(&format!("flood from {name}"));
        rows.push(flood_from(world, &service, name, from).await?);
    }
    world.everybody_leaves(&service).await?;
    Ok(rows)
}

async fn flood_from(world: &World, service: &Service, name: &str, from: Ipv4Addr) -> Result<Row> {
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (before, span) = (service.memory_kb()?, world.span(20, 5));
    let socket = UdpSocket::bind((from, 0))?;
    world.ear.report()?;
    let (stops, sends) = (Arc::clone(&stop), Arc::clone(&sent));
    let flood = std::thread::spawn(move || shout(&socket, &stops, &sends));
    tokio::time::sleep(span).await;
    stop.store(true, Ordering::Relaxed);
    // It panics nowhere.
    let _ = flood.join();
    let report = world.ear.report()?;
    let grown = service.memory_kb()?.saturating_sub(before);
    let up = service.metric("callback_running_calls").await?;
    let all = report.heard + report.lost;
    let value = format!(
        "{:.0}/s sent; memory + {}; {up} of {CALLS} calls up, {} of {all} packets lost ({}), delay p99 {}",
        sent.load(Ordering::Relaxed) as f64 / span.as_secs_f64(),
        mb(grown),
        report.lost,
        percent(report.lost, all),
        ms(report.delays.percentile(99))
    );
    Ok(Row::new(format!("flood of SIP from {name} during {CALLS} calls"), value, "≤ 64 MB, nothing lost"))
}

fn shout(socket: &UdpSocket, stop: &AtomicBool, sent: &AtomicU64) {
    let start = Instant::now();
    let from = socket.local_addr().map(|from| from.to_string()).unwrap_or_default();
    for round in 0_u32.. {
        let due = start + Duration::from_secs(1) * round * TOGETHER / FLOOD_PER_S;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for one in 0..TOGETHER {
            let call = format!("{from}-{round}-{one}");
            let text = format!(
                "INVITE sip:x@{SIP} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{call};rport\r\nMax-Forwards: 70\r\n\
                 From: <sip:a@b>;tag=1\r\nTo: <sip:x@{SIP}>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\
                 Contact: <sip:a@{from}>\r\nContent-Length: 0\r\n\r\n"
            );
            // What the service's own buffer does not take is dropped by the system, as by any network.
            let _ = socket.send_to(text.as_bytes(), SIP);
            sent.fetch_add(1, Ordering::Relaxed);
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Connections that say nothing, and orders beside them.
pub(crate) async fn idle(world: &mut World) -> Result<Vec<Row>> {
    let service = world.service(Setup { digest: true, queue: QUEUE }).await?;
    world.behave(false, AT_ONCE);
    let before = service.memory_kb()?;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(browser::connect(HTTP).await?);
    }
    let (mut answers, mut refused) = (Vec::new(), 0);
    for _ in 0..50 {
        world.crowd.hang_up();
        let order = world.crowd.order_one().await;
        match order.answer {
            Some((at, 202)) => answers.push(at - order.sent),
            _ => refused += 1,
        }
    }
    let grown = service.memory_kb()?.saturating_sub(before);
    let answers: Spans = answers.into_iter().collect();
    let value = format!("{}; {refused} not accepted; memory + {}", answers.show(), mb(grown));
    let name =
        format!("order → 202 over a new connection beside {} silent ones, p50 / p99 / longest", silent.len());
    Ok(vec![Row::new(name, value, "≤ 1 s")])
}
