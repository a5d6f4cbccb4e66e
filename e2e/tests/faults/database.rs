//! The database is taken away.

use e2e::fault::{BOTH, LiveCall, World, lasts};
use e2e::postgres::Postgres;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::time::{Instant, sleep_until};

/// The fault lasts until then, whatever the story did meanwhile.
async fn lasts_until(then: Instant) {
    sleep_until(then).await;
}

/// While the database is away: the call goes on and can be hung up, an order is refused, and `/readyz` says why.
async fn nobody_in_the_call_notices(call: &LiveCall) {
    call.network.hear_each_other(&BOTH).await;
    call.refuses_an_order().await;
    call.says_what_is_wrong("database").await;
    call.network.hear_each_other(&BOTH).await;
}

#[tokio::test]
async fn a_database_that_another_process_locks() {
    let mut call = LiveCall::new(World::default()).await;
    let mut other = SqliteConnection::connect(call.service.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let then = Instant::now() + lasts(10);
    nobody_in_the_call_notices(&call).await;
    lasts_until(then).await;
    other.execute("COMMIT").await.unwrap();
    call.takes_orders_again().await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn a_disk_that_does_not_keep_what_is_written() {
    check_broken("fsync:error=EIO").await;
}

#[tokio::test]
async fn a_full_disk() {
    check_broken("pwrite64:error=ENOSPC").await;
}

async fn check_broken(inject: &str) {
    let mut call = LiveCall::new(World::default()).await;
    let broken = call.with_broken(inject).await;
    let then = Instant::now() + lasts(10);
    nobody_in_the_call_notices(&call).await;
    lasts_until(then).await;
    call.hangs_up().await;
    broken.is_mended().await;
    call.takes_orders_again().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn a_slow_disk() {
    let mut call = LiveCall::new(World::default()).await;
    let broken = call.with_broken("fsync:delay_enter=400000").await;
    call.network.hear_each_other(&BOTH).await;
    // It is slow and it works.
    call.takes_orders_again().await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    broken.is_mended().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn a_database_server_that_stands_still() {
    let server = Postgres::start().await;
    let mut call = LiveCall::new(World { database: Some(server.database().await), ..World::default() }).await;
    server.is_stopped();
    let then = Instant::now() + lasts(10);
    nobody_in_the_call_notices(&call).await;
    lasts_until(then).await;
    server.goes_on();
    call.takes_orders_again().await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn a_database_server_that_is_gone_and_comes_back() {
    let mut server = Postgres::start().await;
    let mut call = LiveCall::new(World { database: Some(server.database().await), ..World::default() }).await;
    server.is_gone().await;
    let then = Instant::now() + lasts(10);
    nobody_in_the_call_notices(&call).await;
    lasts_until(then).await;
    call.hangs_up().await;
    server.starts_again().await;
    call.takes_orders_again().await;
    call.is_recorded().await;
}
