//! Calls that come to a talk: who hears whom.

use crate::{LATER, SOON};
use e2e::audio::Sound;
use e2e::stage::{ANNA, Stage, managers};
use e2e::telephone::{MANAGER_HZ, VISITOR_HZ};

#[tokio::test]
async fn both_hear_each_other_and_only_the_manager_hears_the_announcement() {
    let mut stage = Stage::new(&format!("announce = \"always\"\n{}", managers(&[ANNA]))).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(LATER).await;
    let mut browser = stage.order().await;
    anna.rings().await;
    visitor.rings().await;
    browser.sees("talking").await;
    anna.hears(VISITOR_HZ, 2).await;
    visitor.hears(MANAGER_HZ, 2).await;
    visitor.does("hangup").await;
    let (by_visitor, by_anna) = (Sound::read(&visitor.is_down().await), Sound::read(&anna.is_down().await));
    stage.ends(&mut browser, "connected", None).await;

    assert!(by_anna.seconds_of(VISITOR_HZ) >= 1.0 && by_visitor.seconds_of(MANAGER_HZ) >= 1.0);
    let announcement = stage.service.announcement();
    let heard = (by_anna.before(VISITOR_HZ).likeness(&announcement), by_visitor.likeness(&announcement));
    assert!(heard.0 > 0.7 && heard.1 < 0.4, "the announcement is heard like this: {heard:?}");
}

#[tokio::test]
async fn manager_first_and_his_hang_up_ends_the_visitor() {
    let site = format!("mode = \"manager_first\"\nannounce = \"never\"\n{}", managers(&[ANNA]));
    let mut stage = Stage::new(&site).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.reports("answered").await;
    visitor.rings().await;
    visitor.hears(MANAGER_HZ, 2).await;
    anna.hears(VISITOR_HZ, 2).await;
    anna.does("hangup").await;
    let (by_anna, by_visitor) = (Sound::read(&anna.is_down().await), Sound::read(&visitor.is_down().await));
    let told = stage.ends(&mut browser, "connected", None).await;
    assert!(by_anna.seconds_of(VISITOR_HZ) >= 1.0 && by_visitor.seconds_of(MANAGER_HZ) >= 1.0);
    assert_eq!(browser.states(), ["accepted", "calling_manager", "calling_visitor", "talking", "ended"]);
    assert!(told["talk_ms"].as_u64() >= Some(1_000));
}

#[tokio::test]
async fn extension_keys_arrive_as_events_and_the_manager_takes_the_call_with_a_key() {
    let manager =
        managers(&[ANNA]).replace("accept_key = false", "extension = \"12#\"\nextension_delay_s = 0");
    let mut stage = Stage::new(&format!("mode = \"manager_first\"\nannounce = \"always\"\n{manager}")).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.reports("answered").await;
    anna.receives_keys("12#").await;
    anna.hears_a_voice().await;
    anna.does("key 1").await;
    visitor.hears(MANAGER_HZ, 1).await;
    // A visitor's key passes to the manager, as in any talk.
    visitor.does("key 7").await;
    anna.receives_keys("7").await;
    anna.hears(VISITOR_HZ, 1).await;
    visitor.does("hangup").await;
    anna.is_down().await;
    stage.ends(&mut browser, "connected", None).await;
}

#[tokio::test]
async fn a_visitor_on_hold_comes_back() {
    let mut stage = Stage::new(&managers(&[ANNA])).await;
    let mut anna = stage.manager(ANNA, SOON).await;
    let mut visitor = stage.visitor(SOON).await;
    let mut browser = stage.order().await;
    anna.hears(VISITOR_HZ, 1).await;
    visitor.does("hold").await;
    visitor.reports("held").await;
    visitor.does("resume").await;
    visitor.reports("resumed").await;
    anna.hears(VISITOR_HZ, 3).await;
    visitor.hears(MANAGER_HZ, 3).await;
    anna.does("hold").await;
    anna.reports("held").await;
    anna.does("hangup").await;
    visitor.is_down().await;
    stage.ends(&mut browser, "connected", None).await;
}
