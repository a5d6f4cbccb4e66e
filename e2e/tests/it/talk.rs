//! Calls that come to a talk.

use e2e::audio::Sound;
use e2e::stage::{ANNA, Stage, managers};
use e2e::telephone::{Answers, MANAGER_HZ, VISITOR_HZ};
use std::time::Duration;

#[tokio::test]
async fn manager_and_visitor_hear_each_other_and_only_the_manager_hears_the_announcement() {
    let mut stage = Stage::new(&format!("announce = \"always\"\n{}", managers(&[ANNA]))).await;
    let mut anna = stage.manager(ANNA, Answers::After(Duration::from_millis(500))).await;
    let mut visitor = stage.visitor(Answers::After(Duration::from_millis(1_500))).await;
    let mut browser = stage.order().await;
    anna.rings().await;
    visitor.rings().await;
    browser.sees("talking").await;
    anna.hears(VISITOR_HZ, 2).await;
    visitor.hears(MANAGER_HZ, 2).await;
    visitor.does("hangup").await;
    let (by_anna, by_visitor) = (Sound::read(&anna.is_down().await), Sound::read(&visitor.is_down().await));
    stage.ends(&mut browser, "connected", None).await;
    assert!(by_anna.seconds_of(VISITOR_HZ) >= 1.0 && by_visitor.seconds_of(MANAGER_HZ) >= 1.0);
}
