//! The service is told to stop in a talk.

use e2e::PATIENCE;
use e2e::fault::{BOTH, LiveCall, World};
use e2e::network::until;
use tokio::time::Instant;

#[tokio::test]
async fn a_talk_may_end_by_itself_after_a_signal() {
    let mut call = LiveCall::new(World::default()).await;
    call.service.program().signal("TERM");
    until(PATIENCE, "it takes no orders", async || call.service.is_stopping().await).await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    assert!(call.service.program().ends().await, "it ends well");
    call.is_recorded().await;
}

#[tokio::test]
async fn a_talk_that_goes_on_is_hung_up_at_the_deadline() {
    let mut call = LiveCall::new(World::default()).await;
    call.service.program().signal("TERM");
    call.is_hung_up().await;
    assert!(call.service.program().ends().await, "it ends well");
    call.is_recorded().await;
}

#[tokio::test]
async fn a_second_signal_hangs_up_at_once() {
    let mut call = LiveCall::new(World::default()).await;
    call.service.program().signal("TERM");
    until(PATIENCE, "it takes no orders", async || call.service.is_stopping().await).await;
    call.network.hear_each_other(&BOTH).await;
    let began = Instant::now();
    call.service.program().signal("INT");
    call.is_hung_up().await;
    assert!(call.service.program().ends().await, "it ends well");
    println!("    it has ended {:.3} s after the second signal", began.elapsed().as_secs_f64());
    call.is_recorded().await;
}
