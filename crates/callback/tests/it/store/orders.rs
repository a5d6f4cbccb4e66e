use super::{MORNING, ROMASHKA, at, by, file, held, key, order, order_id, romashka};
use crate::world::on_both;
use callback::store::{Acceptance, Error, Fact, Fence, Letter, NewOrder, Store};
use callback_core::flow::{Detail, VisitorState};
use callback_core::record::{Disposition, NotCalled};
use callback_core::time::Ts;
use std::time::Duration;

/// What became of an order that was brought, in a word and the row it is about.
fn said(acceptance: &Acceptance) -> (&'static str, Option<u128>) {
    match acceptance {
        Acceptance::New(row) => ("new", Some(row.facts.id.0.as_u128())),
        Acceptance::Same(row) => ("same", Some(row.facts.id.0.as_u128())),
        Acceptance::Joined(row) => ("joined", row.joined_to.map(|order| order.0.as_u128())),
        Acceptance::Conflict => ("conflict", None),
    }
}

const ANNA: &str = "+79161234567";
const OLEG: &str = "+79161234568";

#[test]
fn an_order_is_stored_as_it_came() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let brought = order(&site, 1, ANNA, 0);
        let Acceptance::New(row) = store.accept(brought.clone()).await.unwrap() else { panic!("new") };
        let mut kept = brought.facts.clone();
        kept.visit["title"] = "Ромашка \u{fffd} 🌼".into();
        assert_eq!(row.facts, kept);
        assert_eq!((row.phone, row.run_at), (brought.phone, MORNING));
        assert_eq!((row.state, row.process, row.ended_at), (VisitorState::Accepted, 0, None));
        let read = store.order(&key("demo"), order_id(1)).await.unwrap().unwrap();
        assert_eq!(read.facts, kept);
        assert_eq!(store.order(&key("other"), order_id(1)).await.unwrap(), None, "another site's page");
        assert_eq!(store.order(&key("demo"), order_id(2)).await.unwrap(), None);
    });
}

#[test]
fn the_same_wish_is_called_once() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let other = store.site_by_key(&key("other")).await.unwrap().unwrap();
        let check = async |brought, expected| {
            let answer = store.accept(brought).await.unwrap();
            assert_eq!(said(&answer), expected);
        };
        check(order(&site, 1, ANNA, 0), ("new", Some(1))).await;
        check(order(&site, 1, ANNA, 9), ("same", Some(1))).await;
        check(order(&site, 1, OLEG, 9), ("conflict", None)).await;
        check(order(&other, 1, ANNA, 9), ("conflict", None)).await;
        check(order(&site, 2, ANNA, 9), ("joined", Some(1))).await;
        check(order(&site, 2, ANNA, 10), ("same", Some(2))).await;
        check(order(&site, 3, ANNA, 299), ("joined", Some(1))).await;
        check(order(&site, 4, ANNA, 300), ("new", Some(4))).await;
        check(order(&site, 5, OLEG, 10), ("new", Some(5))).await;
        check(order(&other, 6, ANNA, 10), ("new", Some(6))).await;
        let mut evening = order(&site, 7, OLEG, 11);
        evening.run_at = at(36_000);
        check(evening, ("new", Some(7))).await;
    });
}

#[test]
fn a_joined_order_is_never_dialled_and_sees_what_the_other_sees() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        store.accept(order(&site, 1, ANNA, 0)).await.unwrap();
        store.accept(order(&site, 2, ANNA, 1)).await.unwrap();
        let claimed = store.claim(by(1, 10), held(at(2))).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.fence.order).collect::<Vec<_>>(), [order_id(1)]);
        let seen = async || store.order(&key("demo"), order_id(2)).await.unwrap().unwrap();
        let detail = Detail { of: 3, ..Detail::default() };
        store.write(claimed[0].fence, vec![Fact::Shown(VisitorState::CallingManager, detail)]).await.unwrap();
        let row = seen().await;
        assert_eq!(
            (row.joined_to, row.state, row.detail),
            (Some(order_id(1)), VisitorState::CallingManager, detail)
        );
        let end = Fact::Ended { at: at(40), disposition: Disposition::Connected };
        store.write(claimed[0].fence, vec![end]).await.unwrap();
        let row = seen().await;
        assert_eq!((row.state, row.ended_at), (VisitorState::Ended(Disposition::Connected), Some(at(40))));
        let again = store.accept(order(&site, 3, ANNA, 41)).await.unwrap();
        assert_eq!(said(&again), ("new", Some(3)), "the other has ended: this is a new wish");
    });
}

/// Sixteen orders at the same instant, half of them at each of two processes.
async fn race(stores: [&Store; 2], orders: Vec<NewOrder>) -> Vec<&'static str> {
    let racing: Vec<_> = orders
        .into_iter()
        .zip(stores.into_iter().cycle())
        .map(|(order, store)| {
            let store = store.clone();
            tokio::spawn(async move { store.accept(order).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racing {
        answers.push(said(&racer.await.unwrap()).0);
    }
    answers.sort_unstable();
    answers
}

#[test]
fn of_racing_orders_one_is_dialled() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        let many = ROMASHKA.replacen("@romashka.example\"", "@romashka.example\"\nmax_calls = 99", 1);
        one.apply(file(&many), "operator", MORNING, false).await.unwrap();
        // The same telephones again, each time an hour later: first they are new to the service, then known.
        for round in 0..8_u128 {
            let seconds = u64::try_from(round).unwrap() * 3_600;
            let other_ids = (0..16).map(|n| order(&site, 100 * round + n, ANNA, seconds)).collect();
            let mut expected = vec!["joined"; 15];
            expected.push("new");
            assert_eq!(race([&one, &two], other_ids).await, expected);
            let same_id = (0..16).map(|_| order(&site, 100 * round + 99, OLEG, seconds)).collect();
            expected = vec!["same"; 15];
            expected.insert(0, "new");
            assert_eq!(race([&one, &two], same_id).await, expected);
        }
        let late = at(100_000);
        let (first, second) =
            tokio::join!(one.claim(by(1, 99), held(late)), two.claim(by(2, 99), held(late)));
        let claimed = first.unwrap().len() + second.unwrap().len();
        assert_eq!(claimed, 16, "one for each telephone and hour");
    });
}

#[test]
fn due_orders_go_to_one_process_each_the_oldest_first() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        let many = ROMASHKA.replacen("@romashka.example\"", "@romashka.example\"\nmax_calls = 99", 1);
        one.apply(file(&many), "operator", MORNING, false).await.unwrap();
        for n in 0..40_u32 {
            let phone = format!("+791612345{n:02}");
            one.accept(order(&site, u128::from(n), &phone, u64::from(40 - n))).await.unwrap();
        }
        assert_eq!(one.waiting(at(20)).await.unwrap(), 20);
        let first: Vec<_> = one.claim(by(1, 3), held(at(20))).await.unwrap();
        let seconds: Vec<_> = first.iter().map(|claimed| claimed.order.run_at).collect();
        assert_eq!(seconds, [at(1), at(2), at(3)]);
        let mut taken: Vec<_> = first.iter().map(|claimed| claimed.fence).collect();
        loop {
            let (a, b) = tokio::join!(one.claim(by(1, 5), held(at(40))), two.claim(by(2, 5), held(at(40))));
            let both: Vec<_> =
                a.unwrap().into_iter().chain(b.unwrap()).map(|claimed| claimed.fence).collect();
            if both.is_empty() {
                break;
            }
            taken.extend(both);
        }
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 40);
        assert!(taken.iter().all(|fence| fence.process == 1));
        assert_eq!(one.waiting(at(40)).await.unwrap(), 0);
    });
}

#[test]
fn a_lost_lease_is_a_lost_fence() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        one.accept(order(&site, 1, ANNA, 0)).await.unwrap();
        let claim = async |store: &Store, n, now: Ts| store.claim(by(n, 9), held(now)).await.unwrap();
        let first = claim(&one, 1, at(0)).await[0].fence;
        assert_eq!(claim(&two, 2, at(29)).await, []);
        assert_eq!(one.renew(vec![first], held(at(30))).await.unwrap(), []);
        assert_eq!(claim(&two, 2, at(59)).await, []);
        let second = claim(&two, 2, at(60)).await;
        assert_eq!(second[0].last_sign, at(30));
        assert_eq!(second[0].fence, Fence { order: order_id(1), process: 2 });
        assert_eq!(one.renew(vec![first], held(at(61))).await.unwrap(), [first]);
        let tell = vec![Fact::Shown(VisitorState::CallingManager, Detail::default())];
        assert!(matches!(one.write(first, tell.clone()).await, Err(Error::FenceLost)));
        two.write(second[0].fence, tell).await.unwrap();
        two.write(second[0].fence, vec![Fact::HandedBack]).await.unwrap();
        let third = claim(&one, 1, at(61)).await;
        assert_eq!((third[0].fence.process, third[0].past().shown), (3, Some(VisitorState::CallingManager)));
    });
}

#[test]
fn leases_of_the_dead_end_at_once() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        one.accept(order(&site, 1, ANNA, 0)).await.unwrap();
        let first = one.claim(by(1, 9), held(at(0))).await.unwrap()[0].fence;
        assert_eq!(two.claim(by(2, 9), held(at(1))).await.unwrap(), []);
        two.end_leases().await.unwrap();
        assert_eq!(two.claim(by(2, 9), held(at(1))).await.unwrap()[0].fence.process, 2);
        assert_eq!(one.renew(vec![first], held(at(2))).await.unwrap(), [first]);
    });
}

#[test]
fn refused_orders_are_stored_ended() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let refused =
            |n, phone: &str, reason| NewOrder { refused: Some(reason), ..order(&site, n, phone, 0) };
        let closed = store.accept(refused(1, ANNA, NotCalled::Closed)).await.unwrap();
        let Acceptance::New(row) = &closed else { panic!("{closed:?}") };
        let end = VisitorState::Ended(Disposition::NotCalled(NotCalled::Closed));
        assert_eq!((row.state, row.ended_at), (end, Some(MORNING)));
        let short = store.accept(refused(2, "1\u{0}12", NotCalled::RefusedNumber)).await.unwrap();
        let Acceptance::New(row) = &short else { panic!("{short:?}") };
        assert_eq!(row.phone.to_string(), "112");
        assert_eq!(
            said(&store.accept(refused(1, ANNA, NotCalled::Closed)).await.unwrap()),
            ("same", Some(1))
        );
        assert_eq!(said(&store.accept(order(&site, 1, OLEG, 1)).await.unwrap()), ("conflict", None));
        assert_eq!(store.claim(by(1, 9), held(at(9))).await.unwrap(), []);
        assert_eq!(said(&store.accept(order(&site, 3, ANNA, 1)).await.unwrap()), ("new", Some(3)));
    });
}

#[test]
fn an_order_that_nobody_serves_can_be_ended() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
        store.accept(order(&site, 1, ANNA, 0)).await.unwrap();
        store.accept(order(&site, 2, OLEG, 0)).await.unwrap();
        let claimed = store.claim(by(1, 1), held(at(1))).await.unwrap();
        assert!(
            !store.end_unclaimed(claimed[0].fence.order, cancelled, at(2)).await.unwrap(),
            "it is served"
        );
        assert!(store.end_unclaimed(order_id(2), cancelled, at(2)).await.unwrap());
        assert!(!store.end_unclaimed(order_id(2), cancelled, at(3)).await.unwrap(), "it has ended");
        assert_eq!(store.claim(by(1, 9), held(at(9))).await.unwrap(), []);
        let row = store.order(&key("demo"), order_id(2)).await.unwrap().unwrap();
        assert_eq!((row.state, row.ended_at), (VisitorState::Ended(cancelled), Some(at(2))));
        assert!(store.end_unclaimed(order_id(1), cancelled, at(31)).await.unwrap(), "its process is dead");
        let late = store.write(claimed[0].fence, vec![Fact::HandedBack]).await;
        assert!(matches!(late, Err(Error::FenceLost)));
    });
}

#[tokio::test]
async fn a_new_order_wakes_who_waits_for_it() {
    let world = crate::world::World::lite();
    let (store, site) = romashka(&world).await;
    let woken = store.new_orders();
    store.accept(order(&site, 1, ANNA, 0)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), woken.notified()).await.unwrap();
}

#[tokio::test]
async fn a_new_letter_wakes_who_sends_it() {
    let world = crate::world::World::lite();
    let store = world.open().await;
    let woken = store.new_letters();
    let letter = Letter {
        email: "a@shop.example".to_owned(),
        subject: "S".to_owned(),
        body: "B".to_owned(),
        html: None,
    };
    store.write_letter(letter, at(0)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), woken.notified()).await.unwrap();
}
