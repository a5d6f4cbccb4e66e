//! Open files, ports and the log are used up.

use e2e::PATIENCE;
use e2e::browser::ask;
use e2e::fault::{BOTH, LiveCall, OTHERS, World};
use e2e::ledger::Ledger;
use e2e::network::until;
use reqwest::Client;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;
use uuid::Uuid;

/// Connections that say nothing, or begin to and never end.
async fn idle(call: &LiveCall, many: usize) -> Vec<TcpStream> {
    let (began, mut all) = (Instant::now(), Vec::new());
    for at in 0..many {
        let Ok(mut stream) = TcpStream::connect(call.http()).await else { break };
        if at % 2 == 0 {
            // Whoever is turned out meanwhile cannot say it.
            let _ = stream.write_all(b"POST /w/v1/demo/orders HTTP/1.1\r\nHost: a").await;
        }
        all.push(stream);
    }
    println!("    {} connections that say nothing, within {:.3} s", all.len(), began.elapsed().as_secs_f64());
    all
}

async fn an_order_is_served(call: &LiveCall, number: &str) {
    let began = Instant::now();
    let answer = ask(&Client::new(), &call.service.url(), Uuid::new_v4(), number).await.expect("an answer");
    println!("    an order is answered after {:.3} s", began.elapsed().as_secs_f64());
    assert_eq!(answer.status(), 202);
    call.calls(number).await;
}

#[tokio::test]
async fn two_thousand_connections_that_say_nothing() {
    let mut call = LiveCall::new(World::default()).await;
    let idle = idle(&call, 2_000).await;
    assert_eq!(idle.len(), 2_000);
    an_order_is_served(&call, OTHERS[1]).await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn more_connections_than_open_files() {
    let under = ["sh", "-c", "ulimit -n 360; exec \"$0\" \"$@\""];
    let mut call = LiveCall::new(World { under: &under, ..World::default() }).await;
    let idle = idle(&call, 1_000).await;
    call.network.hear_each_other(&BOTH).await;
    an_order_is_served(&call, OTHERS[1]).await;
    assert_eq!(call.service.readiness().await.0, 200);
    drop(idle);
    an_order_is_served(&call, OTHERS[2]).await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
}

#[tokio::test]
async fn no_ports_for_another_call() {
    // Three pairs: two for those who talk, one for the next manager, none for his visitor.
    let world = World { ports: Some("20000-20005"), site: "total_time_s = 30\n", ..World::default() };
    let mut call = LiveCall::new(world).await;
    let order = Uuid::new_v4();
    assert_eq!(call.orders(order, OTHERS[1]).await, Some(202));
    let url = call.service.database().to_owned();
    let is_over = async || Ledger::read(&url, order).await.is_ok_and(|ledger| ledger.record.is_some());
    until(PATIENCE, "the order without ports is over", is_over).await;
    let told = call.service.explains(order);
    println!("    it ended {} ({})", told["disposition"], told["reason"]);
    assert_ne!(told["disposition"], "connected");
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
    // Ports rest for a while after use.
    let again = Uuid::new_v4();
    let is_called = async || {
        let _ = call.orders(again, OTHERS[2]).await;
        call.network.dials(OTHERS[2]) > 0
    };
    until(PATIENCE, "there are ports again", is_called).await;
    call.calls(OTHERS[2]).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more() {
    check_log("\"$0\" \"$@\" 2>&1 >/dev/null | head -n 1 >/dev/null").await;
}

#[tokio::test]
async fn a_log_that_is_closed() {
    check_log("exec \"$0\" \"$@\" 2>&-").await;
}

#[tokio::test]
async fn a_log_on_a_full_disk() {
    check_log("exec \"$0\" \"$@\" 2>/dev/full").await;
}

async fn check_log(words: &str) {
    let under = ["sh", "-c", words];
    let mut call = LiveCall::new(World { under: &under, ..World::default() }).await;
    an_order_is_served(&call, OTHERS[1]).await;
    call.network.hear_each_other(&BOTH).await;
    call.hangs_up().await;
    call.is_recorded().await;
}
