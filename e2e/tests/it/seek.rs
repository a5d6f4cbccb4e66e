//! Calls that have to look for their manager, and calls that come to no talk.

use crate::SOON;
use e2e::stage::{ANNA, BORIS, Stage, VERA, VISITOR, managers, outcomes};
use e2e::telephone::{Answers, MANAGER_HZ, VISITOR_HZ};

#[tokio::test]
async fn a_busy_and_a_silent_manager_are_passed_over() {
    let site = format!("ring_timeout_s = 5\n{}", managers(&[ANNA, BORIS, VERA]));
    let mut stage = Stage::new(&site).await;
    let mut busy = stage.far_end(ANNA, "busy").await;
    let mut silent = stage.far_end(BORIS, "ring").await;
    let mut vera = stage.manager(VERA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    busy.is_content().await;
    browser.sees("waiting").await;
    silent.is_content().await;
    vera.hears(VISITOR_HZ, 2).await;
    visitor.hears(MANAGER_HZ, 2).await;
    vera.does("hangup").await;
    visitor.is_down().await;
    let told = stage.ends(&mut browser, "connected", None).await;
    assert_eq!(outcomes(&told), ["failed", "failed", "talked"]);
    assert_eq!(told["lanes"][0]["cause"], "sip-486");
}

#[tokio::test]
async fn of_two_who_answer_together_one_has_the_call_and_the_other_is_let_go() {
    let site = format!("strategy = \"all\"\nmode = \"manager_first\"\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(&site).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut boris = stage.manager(BORIS, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.rings().await;
    boris.rings().await;
    visitor.hears(MANAGER_HZ, 2).await;
    visitor.does("hangup").await;
    anna.is_down().await;
    boris.is_down().await;
    let told = stage.ends(&mut browser, "connected", None).await;
    let mut outcomes = outcomes(&told);
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["elsewhere", "talked"]);
}

#[tokio::test]
async fn a_visitor_who_does_not_answer_is_given_up_and_the_manager_is_told() {
    let site = format!("mode = \"manager_first\"\nvisitor_ring_timeout_s = 15\n{}", managers(&[ANNA]));
    let mut stage = Stage::new(&site).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.far_end(VISITOR, "ring").await;
    let mut browser = stage.order().await;
    anna.reports("answered").await;
    visitor.is_content().await;
    anna.is_down().await;
    let told = stage.ends(&mut browser, "visitor_no_answer", Some("silent")).await;
    assert!(told["talk_ms"].is_null());
}

#[tokio::test]
async fn a_busy_visitor_takes_the_ringing_manager_down() {
    let mut stage = Stage::new(&managers(&[ANNA])).await;
    let mut anna = stage.manager(ANNA, Answers::WhenTold).await;
    let mut visitor = stage.far_end(VISITOR, "busy").await;
    let mut browser = stage.order().await;
    visitor.is_content().await;
    anna.is_down().await;
    stage.ends(&mut browser, "visitor_no_answer", Some("busy")).await;
}

#[tokio::test]
async fn a_cancelled_order_rings_nobody_any_more() {
    let mut stage = Stage::new(&managers(&[ANNA])).await;
    let mut anna = stage.manager(ANNA, Answers::WhenTold).await;
    let mut visitor = stage.visitor(Answers::WhenTold).await;
    let mut browser = stage.order().await;
    anna.rings().await;
    visitor.rings().await;
    assert_eq!(browser.cancels().await["reason"], "cancelled");
    anna.is_down().await;
    visitor.is_down().await;
    stage.ends(&mut browser, "not_called", Some("cancelled")).await;
}
