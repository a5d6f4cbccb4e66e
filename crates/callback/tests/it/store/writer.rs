use super::{MORNING, at, by, held, key, order, order_id, romashka};
use crate::world::{World, on_both};
use callback::ids::SiteId;
use callback::store::{Acceptance, Error, Fact};
use callback_core::flow::{Input, VisitorState};
use std::time::Duration;
use uuid::Uuid;

/// No wait in these stories is longer; none is measured.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_item_that_cannot_be_written_takes_no_other_with_it() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let mut brought = Vec::new();
        for n in 0..60_u32 {
            let mut order = order(&site, u128::from(n), &format!("+791612345{n:02}"), 0);
            if n % 7 == 3 {
                order.facts.site = SiteId(Uuid::from_u128(0xdead));
            }
            let store = store.clone();
            brought.push((n, tokio::spawn(async move { store.accept(order).await })));
        }
        for (n, answer) in brought {
            match answer.await.unwrap() {
                Ok(Acceptance::New(_)) => assert_ne!(n % 7, 3, "{n}"),
                Err(Error::Database(_)) => assert_eq!(n % 7, 3, "{n}"),
                other => panic!("{n}: {other:?}"),
            }
        }
        assert_eq!(store.waiting(MORNING).await.unwrap(), 51);
        assert_eq!(store.trouble().borrow().clone(), None);
    });
}

#[test]
fn what_nobody_waits_for_is_written_in_its_order() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        for n in 0..4_u128 {
            store.accept(order(&site, n, &format!("+7916123456{n}"), 0)).await.unwrap();
        }
        let claimed = store.claim(by(1, 9), held(at(0))).await.unwrap();
        for seq in 0..500 {
            for claimed in &claimed {
                let fact = Fact::Input { seq, at: at(seq.into()), input: Input::Timeout };
                store.write(claimed.fence, vec![fact]).behind();
            }
        }
        store.close().await.unwrap();
        let read = world.open().await;
        for claimed in claimed {
            let told = read.call(claimed.fence.order).await.unwrap().unwrap();
            let times: Vec<_> = told.processes[0].inputs.iter().map(|(at, _)| *at).collect();
            assert_eq!(times, (0..500).map(at).collect::<Vec<_>>());
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_waited_for_and_nothing_is_lost() {
    let world = World::lite();
    let (store, site) = romashka(&world).await;
    store.accept(order(&site, 1, "+79161234567", 0)).await.unwrap();
    let fence = store.claim(by(1, 1), held(at(0))).await.unwrap()[0].fence;
    let other = sqlx::SqlitePool::connect(&world.url).await.unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut trouble = store.trouble();
    store.write(fence, vec![Fact::Shown(VisitorState::CallingManager, Default::default())]).behind();
    tokio::time::timeout(PATIENCE, trouble.wait_for(Option::is_some)).await.unwrap().unwrap();
    let read = store.order(&key("demo"), order_id(1)).await.unwrap().unwrap();
    assert_eq!(read.state, VisitorState::Accepted, "reads do not wait for it");
    let answer = store.draw_customer_number().await;
    assert!(matches!(answer, Err(Error::TooLate)), "whoever looks at a page is told at once: {answer:?}");
    let waiting = store.write(fence, vec![Fact::Shown(VisitorState::CallingVisitor, Default::default())]);
    held.rollback().await.unwrap();
    tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, trouble.wait_for(Option::is_none)).await.unwrap().unwrap();
    let read = store.order(&key("demo"), order_id(1)).await.unwrap().unwrap();
    assert_eq!(read.state, VisitorState::CallingVisitor);
    assert!(store.draw_customer_number().await.is_ok(), "and is served again afterwards");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_cuts_are_made_anew() {
    let world = World::pg().await;
    let (store, site) = romashka(&world).await;
    let admin = sqlx::PgPool::connect(&world.url).await.unwrap();
    for n in 0..5_u128 {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(cut).fetch_all(&admin).await.unwrap();
        let brought = store.accept(order(&site, n, &format!("+7916123456{n}"), 0));
        let answer = tokio::time::timeout(PATIENCE, brought).await.unwrap().unwrap();
        assert!(matches!(answer, Acceptance::New(_)), "{answer:?}");
    }
    assert_eq!(store.waiting(MORNING).await.unwrap(), 5);
}
