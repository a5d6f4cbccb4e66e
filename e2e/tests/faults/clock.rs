//! The wall's clock jumps in a talk.

use e2e::fault::{BOTH, LiveCall, OTHERS, WallClock, World};
use e2e::ledger::Ledger;
use e2e::stage::VISITOR;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_clock_that_jumps_two_hours_on() {
    check_jumps(&["+2h", "+4h", "+6h"]).await;
}

#[tokio::test]
async fn a_clock_that_jumps_two_hours_back() {
    check_jumps(&["-2h", "-4h", "-6h"]).await;
}

async fn check_jumps(jumps: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let clock = WallClock::new(folder.path());
    let mut call = LiveCall::new(World { under: &clock.under(), ..World::default() }).await;
    // At other moments between two signs of life, so that every clock of the service meets one.
    for jump in jumps {
        clock.jumps(jump);
        for _ in 0..3 {
            call.network.hear_each_other(&BOTH).await;
        }
    }
    // The service believes it: whoever orders after the jump does so in another hour.
    let later = Uuid::new_v4();
    assert_eq!(call.orders(later, OTHERS[1]).await, Some(202));
    let hour = async |order| call.accepted_at(order).await.chars().take(13).collect::<String>();
    assert_ne!(hour(call.order).await, hour(later).await);
    call.calls(OTHERS[1]).await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    let book = call.network.book();
    let visitor = book.iter().find(|entry| entry.number == VISITOR.number()).unwrap();
    let talked = visitor.over_at.unwrap() - visitor.answered_at.unwrap();
    let told = call.is_recorded().await;
    let recorded = Duration::from_millis(told["talk_ms"].as_u64().unwrap());
    println!("    talked {talked:.3?}, recorded {recorded:.3?}");
    assert!(recorded.abs_diff(talked) < Duration::from_secs(1), "talked {talked:?}, recorded {recorded:?}");
    let ledger = Ledger::read(call.service.database(), call.order).await.unwrap();
    assert_eq!(ledger.processes, 1, "nobody took the call over: the clock of leases does not jump");
}
