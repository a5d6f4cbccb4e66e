//! What stands against an order: caps per telephone and per address, wishes never to be called, and whose turn it is.

use super::{Dice, MORNING, ROMASHKA, at, by, file, held, key, order, order_id, romashka};
use crate::world::on_both;
use callback::store::{
    Acceptance, AddressCaps, Claimant, ClaimedOrder, Fact, Hold, NewOrder, PublishedSite, StopBy, Store,
};
use callback_core::flow::{Detail, Intent, IntentEnd, VisitorState};
use callback_core::id::LegId;
use callback_core::plan::{Callee, Seat};
use callback_core::record::{CallRecord, Disposition, ManagerFault, NotCalled, Talk};
use callback_core::time::Ts;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

const ANNA: &str = "+79161234567";
const OLEG: &str = "+79161234568";
const CAPS: AddressCaps = AddressCaps { in_10min: 5, in_hour: 30 };
/// Another customer and his site.
const VASILEK: &str = r#"
    [[customer]]
    name = "Vasilek"
    email = "owner@vasilek.example"
    [[customer.site]]
    key = "vasilek"
    url = "https://vasilek.example"
"#;
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// An order of this address that is held to the caps.
fn capped(site: &PublishedSite, n: u128, phone: &str, seconds: u64, ip: &str) -> NewOrder {
    let mut order = order(site, n, phone, seconds);
    order.caps = Some(CAPS);
    order.facts.ip = Some(ip.parse().unwrap());
    order
}

fn said(acceptance: &Acceptance) -> String {
    match acceptance {
        Acceptance::New(row) => {
            let ended = if let VisitorState::Ended(end) = row.state { end.keys().1 } else { None };
            ended.unwrap_or("new").to_owned()
        }
        Acceptance::Joined(row) => format!("joined to {}", row.joined_to.unwrap().0.as_u128()),
        Acceptance::Same(_) => "same".to_owned(),
        Acceptance::Conflict => "conflict".to_owned(),
    }
}

/// The visitor's telephone rings, and perhaps he answers and they talk.
async fn rings(store: &Store, claimed: &ClaimedOrder, at: Ts, answered: bool, talked: Duration) {
    begins(store, claimed, at, answered).await;
    ends(store, claimed, at, talked).await;
}

/// The visitor's telephone rings, and perhaps he answers.
async fn begins(store: &Store, claimed: &ClaimedOrder, at: Ts, answered: bool) {
    let intent = Intent { leg: LegId(1), callee: Callee::Visitor, round: 0, at, end: IntentEnd::Unknown };
    let mut facts = vec![Fact::Intent { intent, telephone: None, dialog: None }];
    if answered {
        facts.push(Fact::Shown(VisitorState::Waiting, Detail::default()));
    }
    store.write(claimed.fence, facts).await.unwrap();
}

/// The call is over; they have talked for so long.
async fn ends(store: &Store, claimed: &ClaimedOrder, at: Ts, talked: Duration) {
    let disposition = Disposition::ManagerNoAnswer(ManagerFault::AllFailed);
    let talk = Talk { manager_leg: LegId(0), manager: Seat(0), from: at, until: at + talked };
    let record = CallRecord {
        disposition,
        talk: (!talked.is_zero()).then_some(talk),
        ..CallRecord::refused(claimed.fence.order, 1, NotCalled::Interrupted, at + talked)
    };
    store.write(claimed.fence, vec![Fact::Record(Box::new(record), None)]).await.unwrap();
}

#[test]
fn a_telephone_rings_by_its_caps_and_no_more() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let other = store.site_by_key(&key("other")).await.unwrap().unwrap();
        let mut n = 0;
        // An order at this second, of an address of its own; where it is called, they talk for so long.
        let mut check = async |seconds: u64, talked: u64, expected: &str| {
            n += 1;
            let site = if n % 2 == 0 { &site } else { &other };
            let ip = format!("198.51.100.{n}");
            let answer = store.accept(capped(site, n, ANNA, seconds, &ip)).await.unwrap();
            assert_eq!(said(&answer), expected, "at {seconds} s");
            for claimed in store.claim(by(1, 9), held(at(seconds))).await.unwrap() {
                rings(&store, &claimed, at(seconds), talked > 0, Duration::from_secs(talked)).await;
            }
        };
        check(0, 60, "new").await;
        check(5 * MINUTE, 60, "new").await;
        check(9 * MINUTE, 60, "limits").await;
        check(11 * MINUTE, 60, "new").await;
        check(2 * HOUR, 60, "new").await;
        check(3 * HOUR, 60, "new").await;
        check(4 * HOUR, 60, "limits").await;
        check(DAY + MINUTE, 9, "new").await;
        check(DAY + 20 * MINUTE, 0, "new").await;
        check(DAY + 2 * HOUR + MINUTE, 60, "limits").await;
        check(2 * DAY + 2 * MINUTE, 60, "new").await;
        check(2 * DAY + 30 * MINUTE, 60, "new").await;
    });
}

#[test]
fn a_telephone_has_one_live_call() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        let other = one.site_by_key(&key("other")).await.unwrap().unwrap();
        let racing = (1..=16_u128).map(|n| {
            let store = if n % 2 == 0 { one.clone() } else { two.clone() };
            let order = capped(if n % 4 < 2 { &site } else { &other }, n, ANNA, 0, &format!("192.0.2.{n}"));
            tokio::spawn(async move { said(&store.accept(order).await.unwrap()) })
        });
        let mut called = 0;
        for racer in racing.collect::<Vec<_>>() {
            called += u32::from(racer.await.unwrap() == "new");
        }
        assert_eq!(called, 1);
        one.apply(file(VASILEK), "operator", MORNING, false).await.unwrap();
        let third = one.site_by_key(&key("vasilek")).await.unwrap().unwrap();
        let mut later = capped(&third, 99, ANNA, 1, "192.0.2.99");
        later.run_at = at(400);
        assert_eq!(said(&one.accept(later).await.unwrap()), "new", "for a time to come");
        assert_eq!(one.claim(by(1, 9), held(at(2))).await.unwrap().len(), 1);
        let due = two.claim(by(2, 9), held(at(400))).await.unwrap();
        let refused: Vec<_> = due.iter().map(|claimed| (claimed.fence.order, claimed.refused)).collect();
        assert!(refused.contains(&(order_id(99), Some(NotCalled::Limits))), "{refused:?}: the first runs on");
    });
}

#[test]
fn an_address_is_refused_once_its_visitors_do_not_answer() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let mut n = 0;
        let mut check = async |seconds: u64, ip: &str, answered: bool, expected: &str| {
            n += 1;
            let phone = format!("+7916{:07}", 1_000_000 + n);
            let answer = store.accept(capped(&site, n, &phone, seconds, ip)).await.unwrap();
            assert_eq!(said(&answer), expected, "order {n} at {seconds} s");
            for claimed in store.claim(by(1, 9), held(at(seconds))).await.unwrap() {
                rings(&store, &claimed, at(seconds), answered, Duration::ZERO).await;
            }
        };
        for seconds in 0..5 {
            check(seconds, "192.0.2.1", false, "new").await;
        }
        check(6, "192.0.2.1", false, "limits").await;
        check(6, "192.0.2.2", false, "new").await;
        check(11 * MINUTE, "192.0.2.1", false, "new").await;
        // One /64 is one house.
        for host in 1..=5 {
            check(20 * MINUTE, &format!("2001:db8:0:7::{host}"), false, "new").await;
        }
        check(20 * MINUTE, "2001:db8:0:7:ffff::1", false, "limits").await;
        check(20 * MINUTE, "2001:db8:0:8::1", false, "new").await;
        // An office whose visitors answer is welcome all day.
        for minute in 0..200 {
            check(HOUR + minute * 20, "203.0.113.9", minute % 3 < 2, "new").await;
        }
    });
}

#[test]
fn who_asks_never_to_be_called_is_never_called() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let ip: IpAddr = "192.0.2.7".parse().unwrap();
        let stop = async |phone: &str, seconds| {
            store.stop(phone.parse().unwrap(), StopBy::Page(ip), at(seconds)).await.unwrap()
        };
        assert!(stop(ANNA, 0).await);
        assert!(stop(ANNA, 1).await, "again is as well");
        assert_eq!(said(&store.accept(order(&site, 1, ANNA, 365 * DAY)).await.unwrap()), "blacklist");
        for n in 0..8 {
            assert!(stop(&format!("+7916123450{n}"), 2).await);
        }
        assert!(!stop("+79161234599", 3).await, "too many of one address");
        assert!(!stop(ANNA, 3).await, "who is on the list is not to be told by that");
        assert!(stop("+79161234599", HOUR + 3).await);
        let mut later = order(&site, 2, "+79161234598", 0);
        later.run_at = at(2 * HOUR);
        assert_eq!(said(&store.accept(later).await.unwrap()), "new");
        store.stop("+79161234598".parse().unwrap(), StopBy::Operator, at(HOUR)).await.unwrap();
        let due = store.claim(by(1, 9), held(at(2 * HOUR))).await.unwrap();
        assert_eq!(due[0].refused, Some(NotCalled::Blacklist), "he asked meanwhile");
        assert!(store.lift_stop(ANNA.parse().unwrap()).await.unwrap());
        assert!(!store.lift_stop(ANNA.parse().unwrap()).await.unwrap());
        assert_eq!(said(&store.accept(order(&site, 3, ANNA, 366 * DAY)).await.unwrap()), "new");
    });
}

#[test]
fn what_only_looks_like_a_call_can_be_joined_and_cancelled_like_one() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        store.stop(ANNA.parse().unwrap(), StopBy::Operator, MORNING).await.unwrap();
        let check = async |n, seconds, expected: &str| {
            assert_eq!(said(&store.accept(order(&site, n, ANNA, seconds)).await.unwrap()), expected);
        };
        check(1, 0, "blacklist").await;
        check(2, 30, "joined to 1").await;
        check(3, 38, "blacklist").await;
        let listed = NewOrder { refused: Some(NotCalled::Blacklist), ..order(&site, 20, OLEG, 39) };
        assert_eq!(said(&store.accept(order(&site, 21, OLEG, 38)).await.unwrap()), "new");
        assert_eq!(
            said(&store.accept(listed).await.unwrap()),
            "joined to 21",
            "a call that runs is seen by all"
        );
        let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
        assert!(store.end_pretence(order_id(3), cancelled, Detail::default(), at(40)).await.unwrap());
        assert!(!store.end_pretence(order_id(3), cancelled, Detail::default(), at(41)).await.unwrap());
        assert!(
            !store.end_pretence(order_id(1), cancelled, Detail::default(), at(41)).await.unwrap(),
            "it is over"
        );
        let row = store.order(&key("demo"), order_id(3)).await.unwrap().unwrap();
        assert_eq!((row.state, row.ended_at), (VisitorState::Ended(cancelled), Some(at(40))));
        check(4, 42, "blacklist").await;
    });
}

#[test]
fn a_customer_has_no_more_calls_at_once_than_he_may() {
    on_both(async |world| {
        let (one, site) = romashka(&world).await;
        let two = world.open().await;
        let few = ROMASHKA.replacen("@romashka.example\"", "@romashka.example\"\nmax_calls = 3", 1);
        one.apply(file(&format!("{few}{VASILEK}")), "operator", MORNING, false).await.unwrap();
        let other_customer = one.site_by_key(&key("vasilek")).await.unwrap().unwrap();
        for n in 0..10_u32 {
            let phone = format!("+791612345{n:02}");
            one.accept(order(&site, n.into(), &phone, 0)).await.unwrap();
        }
        one.accept(order(&other_customer, 50, ANNA, 1)).await.unwrap();
        let claim = async |store: &Store, n, seconds| {
            let claimed = store.claim(by(n, 64), held(at(seconds))).await.unwrap();
            claimed.into_iter().map(|claimed| claimed.fence).collect::<Vec<_>>()
        };
        let (first, second) = tokio::join!(claim(&one, 1, 1), claim(&two, 2, 1));
        let mut running: Vec<_> = first.into_iter().chain(second).collect();
        assert_eq!(running.len(), 4, "three of his, and the other customer's behind them");
        running.sort_unstable();
        assert_eq!(claim(&one, 1, 2).await, []);
        let end = Fact::Ended { at: at(3), disposition: Disposition::Connected };
        one.write(running[0], vec![end]).await.unwrap();
        assert_eq!(claim(&two, 2, 3).await.len(), 1, "one has ended: the next goes");
        let stale = claim(&one, 1, 61).await;
        let stale = stale.iter().filter(|fence| fence.process == 1).count();
        assert_eq!(stale, 6, "whoever waited for a minute is let go, as leads");
    });
}

#[test]
fn orders_of_one_slot_are_released_one_per_free_manager() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let two = ROMASHKA.replacen(
            "address = \"+74951234567\"",
            "address = \"+74951234567\"\n[[customer.site.manager]]\nname = \"Boris\"\naddress = \"+74951234568\"",
            1,
        );
        store.apply(file(&two), "operator", MORNING, false).await.unwrap();
        for n in 0..6_u32 {
            let mut later = order(&site, n.into(), &format!("+791612345{n:02}"), 0);
            later.run_at = at(HOUR);
            store.accept(later).await.unwrap();
        }
        let claim = async |seconds| store.claim(by(1, 64), held(at(seconds))).await.unwrap();
        let first = claim(HOUR).await;
        assert_eq!(first.len(), 2, "two managers");
        assert_eq!(claim(HOUR + 1).await, []);
        rings(&store, &first[0], at(HOUR + 2), true, Duration::from_secs(3)).await;
        assert_eq!(claim(HOUR + 5).await.len(), 1);
        store.accept(order(&site, 50, ANNA, HOUR + 6)).await.unwrap();
        let now = claim(HOUR + 6).await;
        assert_eq!(now[0].fence.order, order_id(50), "who asks for now does not wait for them");
        assert_eq!(claim(HOUR + 14 * MINUTE).await.len(), 3, "leases of a dead process, to go on with");
        assert_eq!(claim(HOUR + 15 * MINUTE).await.len(), 6, "the slot is over: leads");
    });
}

#[test]
fn orders_of_a_slot_keep_nobody_else_of_the_customer_waiting() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let other = store.site_by_key(&key("other")).await.unwrap().unwrap();
        for n in 0..20_u32 {
            let mut later = order(&site, n.into(), &format!("+791612345{n:02}"), 0);
            later.run_at = at(HOUR);
            store.accept(later).await.unwrap();
        }
        assert_eq!(store.claim(by(1, 64), held(at(HOUR))).await.unwrap().len(), 1, "one manager");
        store.accept(order(&other, 50, ANNA, HOUR + 5)).await.unwrap();
        let now = store.claim(by(1, 64), held(at(HOUR + 5))).await.unwrap();
        assert_eq!(now.iter().map(|claimed| claimed.fence.order).collect::<Vec<_>>(), [order_id(50)]);
    });
}

#[test]
fn of_two_orders_of_one_telephone_for_the_same_time_one_is_called() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        let other = store.site_by_key(&key("other")).await.unwrap().unwrap();
        for (n, site) in [(1, &site), (2, &other)] {
            let mut later = order(site, n, ANNA, 0);
            later.run_at = at(HOUR);
            store.accept(later).await.unwrap();
        }
        let due = store.claim(by(1, 64), held(at(HOUR))).await.unwrap();
        let refused: Vec<_> = due.iter().map(|claimed| claimed.refused).collect();
        assert_eq!(refused, [None, Some(NotCalled::Limits)]);
    });
}

#[test]
fn whoever_asked_meanwhile_is_not_called_by_a_next_process_either() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        store.accept(order(&site, 1, ANNA, 0)).await.unwrap();
        store.claim(by(1, 9), held(at(1))).await.unwrap();
        store.stop(ANNA.parse().unwrap(), StopBy::Operator, at(2)).await.unwrap();
        let next = store.claim(by(2, 9), held(at(40))).await.unwrap();
        assert_eq!((next[0].fence.process, next[0].refused), (2, Some(NotCalled::Blacklist)));
    });
}

#[test]
fn what_the_trunks_cannot_carry_is_left() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        for n in 0..5_u32 {
            store.accept(order(&site, n.into(), &format!("+791612345{n:02}"), 0)).await.unwrap();
        }
        let claim = async |n, room, seconds| {
            let by = Claimant { room, ..by(n, 64) };
            store.claim(by, held(at(seconds))).await.unwrap().len()
        };
        assert_eq!(claim(1, 2, 0).await, 2);
        assert_eq!(claim(1, 0, 1).await, 0);
        assert_eq!(claim(2, 2, 1).await, 0, "the trunks carry the other process's calls");
        assert_eq!(claim(2, 3, 1).await, 1);
        assert_eq!(store.waiting(at(2)).await.unwrap(), 2);
    });
}

/// A day as it is: who orders, from where, and what becomes of it.
struct Day {
    dice: Dice,
    /// Orders to come: second, address, telephone, how often he has ordered in vain.
    coming: BTreeSet<(u64, String, u64, u32)>,
}

impl Day {
    /// Twelve hours: an office of 20 behind one address, a mobile network with 100 orders an hour behind another, and
    /// as many who have an address of their own.
    fn new(dice: u64) -> Self {
        let mut day = Self { dice: Dice(dice), coming: BTreeSet::new() };
        for n in 0..20 {
            let at = day.dice.below(12 * HOUR);
            day.coming.insert((at, "203.0.113.20".to_owned(), n, 0));
        }
        for n in 0..1_200 {
            let (at, home) = (day.dice.below(12 * HOUR), day.dice.below(12 * HOUR));
            day.coming.insert((at, "203.0.113.100".to_owned(), 1_000 + n, 0));
            day.coming.insert((home, format!("198.51.{}.{}", n / 250, n % 250), 5_000 + n, 0));
        }
        day
    }
}

#[tokio::test]
async fn days_of_real_visitors_go_by_without_refusals() {
    let days = futures_util::future::join_all((1..=4).map(go_by)).await;
    let (orders, refused) = days.iter().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
    println!("{orders} orders, {refused} refused");
    assert!(orders > 10_000);
    assert!(refused * 1_000 <= orders, "{refused} of {orders} refused");
}

/// How many ordered on a day, and how many were refused.
async fn go_by(dice: u64) -> (u128, u128) {
    let world = crate::world::World::lite();
    let (store, site) = romashka(&world).await;
    let many = ROMASHKA.replacen("@romashka.example\"", "@romashka.example\"\nmax_calls = 1000", 1);
    store.apply(file(&many), "operator", MORNING, false).await.unwrap();
    let mut day = Day::new(dice);
    let (mut orders, mut refused) = (0, 0);
    // What happens next in the calls that are under way: when, whose, and whether it is the end.
    let mut running: BTreeMap<(u64, u128, bool), (ClaimedOrder, bool, bool)> = BTreeMap::new();
    while let Some((now, ip, who, vain)) = day.coming.pop_first() {
        while let Some(entry) = running.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((.., over), (claimed, answered, talked)) = entry.remove_entry();
            let rang_at = claimed.order.run_at;
            if over {
                ends(&store, &claimed, rang_at, Duration::from_secs(if talked { 90 } else { 0 })).await;
            } else {
                begins(&store, &claimed, rang_at, answered).await;
            }
        }
        orders += 1;
        let phone = format!("+7916{:07}", 1_000_000 + who);
        let answer = said(&store.accept(capped(&site, orders, &phone, now, &ip)).await.unwrap());
        if answer == "limits" {
            refused += 1;
            assert!(vain >= 2, "order {orders} of {ip} is refused for its address");
        }
        for claimed in store.claim(by(1, 64), Hold::at(at(now), Duration::from_secs(DAY))).await.unwrap() {
            // Of a hundred visitors 94 answer the telephone that they gave, and 91 of these find a manager.
            let answered = day.dice.percent(94);
            let talked = answered && day.dice.percent(91);
            let until = now + if talked { 120 } else { 40 };
            let whose = claimed.fence.order.0.as_u128();
            running.insert((now + 15, whose, false), (claimed.clone(), answered, talked));
            running.insert((until, whose, true), (claimed, answered, talked));
            // One in six whom nobody served orders again soon; one in twenty who was has another question later.
            let (waits, likely) = if talked { (2 * HOUR, 5) } else { (20 * MINUTE, 16) };
            if day.dice.percent(likely) {
                let later = until + 30 + day.dice.below(waits);
                day.coming.insert((later, ip.clone(), who, vain + u32::from(!talked)));
            }
            // And some press twice.
            if day.dice.percent(3) {
                day.coming.insert((now + 5, ip.clone(), who, vain));
            }
        }
    }
    (orders, refused)
}
