//! `kill -9` in the middle, and a new start on the same database.

use crate::SOON;
use e2e::stage::{ANNA, BORIS, Stage, managers};
use e2e::telephone::{MANAGER_HZ, VISITOR_HZ};

#[tokio::test]
async fn an_order_goes_on_after_a_crash_and_nobody_is_rung_twice() {
    let site = format!("mode = \"manager_first\"\nring_timeout_s = 60\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(&site).await;
    let mut anna = stage.far_end(ANNA, "ring").await;
    let mut boris = stage.manager(BORIS, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.sees("180 Ringing").await;
    browser.sees("calling_manager").await;
    stage.service.is_killed().await;
    stage.service.starts_again().await;
    browser.watch().await;
    anna.is_content().await;
    boris.hears(VISITOR_HZ, 2).await;
    visitor.hears(MANAGER_HZ, 2).await;
    visitor.does("hangup").await;
    boris.is_down().await;
    stage.ends(&mut browser, "connected", None).await;
    assert_eq!((stage.dials(ANNA), stage.dials(BORIS)), (1, 1));
}

#[tokio::test]
async fn a_talk_that_a_crash_left_up_is_hung_up_and_stays_connected() {
    let mut stage = Stage::new(&managers(&[ANNA])).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    // A process says every 5 s that it lives; what lasted until such a sign is known to whoever comes after it.
    anna.hears(VISITOR_HZ, 7).await;
    visitor.hears(MANAGER_HZ, 7).await;
    stage.service.is_killed().await;
    stage.service.starts_again().await;
    anna.is_down().await;
    visitor.is_down().await;
    browser.watch().await;
    stage.ends(&mut browser, "connected", None).await;
}
