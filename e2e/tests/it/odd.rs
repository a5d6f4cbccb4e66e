//! Odd far ends and dead trunks.

use crate::SOON;
use e2e::stage::{ANNA, BORIS, Stage, VISITOR, managers};
use e2e::telephone::{MANAGER_HZ, VISITOR_HZ};

#[tokio::test]
async fn an_answer_that_crosses_our_cancel_is_hung_up() {
    let site = format!("mode = \"manager_first\"\nring_timeout_s = 5\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(&site).await;
    let mut anna = stage.far_end(ANNA, "cross").await;
    let mut boris = stage.manager(BORIS, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.is_content().await;
    boris.hears(VISITOR_HZ, 2).await;
    visitor.does("hangup").await;
    boris.is_down().await;
    stage.ends(&mut browser, "connected", None).await;
}

#[tokio::test]
async fn of_a_fork_that_answers_twice_one_is_kept_and_the_other_is_hung_up() {
    let mut stage = Stage::new(&format!("mode = \"manager_first\"\n{}", managers(&[ANNA]))).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.far_end(VISITOR, "fork").await;
    let mut browser = stage.order().await;
    anna.hears(VISITOR_HZ, 2).await;
    anna.does("hangup").await;
    visitor.is_content().await;
    stage.ends(&mut browser, "connected", None).await;
}

#[tokio::test]
async fn calls_go_over_the_second_trunk_when_the_first_is_gone() {
    let mut stage = Stage::with_two_providers(&managers(&[ANNA])).await;
    stage.provider.dies().await;
    calls_go_over_the_second_trunk(stage).await;
}

#[tokio::test]
async fn calls_go_over_the_second_trunk_when_the_first_says_nothing() {
    let mut stage = Stage::with_two_providers(&managers(&[ANNA])).await;
    stage.provider.falls_silent();
    calls_go_over_the_second_trunk(stage).await;
}

async fn calls_go_over_the_second_trunk(mut stage: Stage) {
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.hears(VISITOR_HZ, 2).await;
    visitor.hears(MANAGER_HZ, 2).await;
    visitor.does("hangup").await;
    anna.is_down().await;
    stage.ends(&mut browser, "connected", None).await;
    assert_eq!(stage.dials(ANNA), 1);
}
