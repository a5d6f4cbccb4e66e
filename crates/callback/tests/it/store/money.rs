//! The ledger, as it is kept: what happens to money happens once, whoever asks how often and from where.

use super::{at, by, held, order, order_id, plan, romashka};
use crate::world::{World, on_both};
use callback::ids::CustomerId;
use callback::store::{Error, Fact, Fence, Store};
use callback_core::billing::{Edition, Terms, WhenOut};
use callback_core::flow::Past;
use callback_core::id::{LegId, OrderId};
use callback_core::ledger::{
    Beyond, Booked, Booking, Key, Owner, Phase, Refused, Reversal, TransferId, What,
};
use callback_core::money::{Currency, Micros};
use callback_core::rating::charge::{Charge, Markup};
use callback_core::rating::deck::DeckId;
use callback_core::record::{CallRecord, NotCalled};
use std::sync::Arc;
use uuid::Uuid;

fn roubles() -> Currency {
    "RUB".parse().unwrap()
}

fn units(amount: i64) -> Micros {
    Micros(amount * 1_000_000)
}

fn of(customer: CustomerId, what: What) -> Booking {
    Booking { customer, currency: roubles(), what }
}

fn top_up(customer: CustomerId, payment: u128, amount: i64) -> Booking {
    of(customer, What::TopUp { payment: Uuid::from_u128(payment), amount: units(amount) })
}

fn reserve(customer: CustomerId, call: OrderId, nth: u16, amount: i64) -> Booking {
    of(customer, What::Reserve { call, nth, amount: units(amount), expires_at: at(600) })
}

fn charge(cost: i64, price: i64) -> Charge {
    Charge {
        trunk: "provider".into(),
        currency: roubles(),
        deck: DeckId(Uuid::from_u128(5)),
        deck_version: 1,
        prefix: "7916".parse().unwrap(),
        markup_version: 1,
        billable_s: 60,
        cost: units(cost),
        price: units(price),
    }
}

fn settle(customer: CustomerId, call: OrderId, cost: i64, price: i64) -> Booking {
    Booking::settle(call, (customer, roubles()), &[charge(cost, price)], Beyond::Owe).unwrap()
}

fn terms(customer: CustomerId) -> Terms {
    let edition = Edition { deck: DeckId(Uuid::from_u128(5)), version: 1 };
    Terms {
        customer,
        currency: roubles(),
        markup: Markup::default(),
        decks: [("provider".into(), edition)].into(),
        when_out: WhenOut::Finish,
        dearest_minute: None,
    }
}

/// What the customer has: posted, reserved.
async fn has(store: &Store, customer: CustomerId) -> (i64, i64) {
    let balance = store.purse(customer, roubles()).await.unwrap().balance;
    (balance.posted.0 / 1_000_000, balance.reserved.0 / 1_000_000)
}

async fn books_agree(store: &Store, transfers: u64) {
    let audit = store.check_ledger().await.unwrap();
    assert_eq!((audit.transfers, audit.wrong), (transfers, vec![]));
}

/// A store with so many orders, their customer, and other stores on the same database: those of other processes, or, where
/// the database is one process's, the same.
async fn with_orders(world: &World, orders: u128, others: usize) -> (Vec<Store>, CustomerId) {
    let (store, site) = romashka(world).await;
    for n in 0..orders {
        store.accept(order(&site, n, &format!("+79161{n:06}"), 0)).await.unwrap();
    }
    let mut stores = vec![store];
    for _ in 0..others {
        let other = if world.is_lite() { stores[0].clone() } else { world.open().await };
        stores.push(other);
    }
    (stores, site.customer.id)
}

#[test]
fn two_hundred_orders_at_once_on_a_balance_for_three_calls_reserve_three() {
    on_both(async |world| {
        let (stores, customer) = with_orders(&world, 200, 15).await;
        stores[0].book(top_up(customer, 1, 35), None, at(0)).await.unwrap();
        let mut asked = Vec::new();
        for n in 0..200 {
            let store = stores[n % stores.len()].clone();
            let booking = reserve(customer, order_id(n as u128), 0, 10);
            asked.push(tokio::spawn(async move { store.book(booking, None, at(1)).await }));
        }
        let mut reserved = 0;
        for answer in asked {
            match answer.await.unwrap() {
                Ok(Booked::Now(_)) => reserved += 1,
                Err(Error::Refused(Refused::Funds { free })) => assert!(free < units(10)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((reserved, has(&stores[0], customer).await), (3, (35, 30)));
        books_agree(&stores[0], 4).await;
    });
}

#[test]
fn what_is_booked_again_is_booked_once() {
    on_both(async |world| {
        let (stores, customer) = with_orders(&world, 2, 15).await;
        let store = &stores[0];
        let mut asked = Vec::new();
        for n in 0..100 {
            let store = stores[n % stores.len()].clone();
            let booking = top_up(customer, 1, 100);
            asked.push(tokio::spawn(async move { store.book(booking, None, at(1)).await.unwrap() }));
        }
        let mut written = 0;
        for answer in asked {
            written += usize::from(answer.await.unwrap() != Booked::Before);
        }
        assert_eq!((written, has(store, customer).await), (1, (100, 0)));
        let other = store.book(top_up(customer, 1, 101), None, at(2)).await;
        assert!(matches!(other, Err(Error::Refused(Refused::OtherInputs))), "{other:?}");
        let call = order_id(1);
        store.book(reserve(customer, call, 0, 30), None, at(3)).await.unwrap();
        store.book(reserve(customer, call, 1, 10), None, at(4)).await.unwrap();
        assert_eq!(has(store, customer).await, (100, 40));
        for again in [false, true] {
            let booked = store.book(settle(customer, call, 20, 33), None, at(5)).await.unwrap();
            assert_eq!(booked == Booked::Before, again);
            assert_eq!(has(store, customer).await, (67, 0));
        }
        let late = store.book(reserve(customer, call, 2, 1), None, at(6)).await;
        assert!(matches!(late, Err(Error::Refused(Refused::Settled))), "{late:?}");
        // Half of the payment goes back, and not more of it than was paid.
        let payment = TransferId { key: Key::TopUp(Uuid::from_u128(1)), nth: 0 };
        let back = |n, amount| {
            let why = Reversal::Correction;
            of(
                customer,
                What::Reverse { reversal: Uuid::from_u128(n), of: payment, amount: units(amount), why },
            )
        };
        store.book(back(1, 60), None, at(7)).await.unwrap();
        let more = store.book(back(2, 41), None, at(8)).await;
        assert!(
            matches!(more, Err(Error::Refused(Refused::MoreThanLeft { left })) if left == units(40)),
            "{more:?}"
        );
        assert_eq!(has(store, customer).await, (7, 0));
        books_agree(store, 7).await;
    });
}

#[test]
fn credit_lets_a_balance_go_below_nothing_and_a_customer_pays_in_one_currency() {
    on_both(async |world| {
        let (stores, customer) = with_orders(&world, 2, 0).await;
        let store = &stores[0];
        store.limit_credit(customer, units(5)).await.unwrap();
        let over = store.book(reserve(customer, order_id(1), 0, 6), None, at(1)).await;
        assert!(matches!(over, Err(Error::Refused(Refused::Funds { .. }))), "{over:?}");
        store.book(reserve(customer, order_id(1), 0, 5), None, at(1)).await.unwrap();
        let euros = Booking { currency: "EUR".parse().unwrap(), ..top_up(customer, 1, 1) };
        let other = store.book(euros, None, at(2)).await;
        assert!(matches!(other, Err(Error::OtherCurrency(_))), "{other:?}");
        let owed = store.book(settle(customer, order_id(1), 7, 9), None, at(3)).await.unwrap();
        let Booked::Now(transfers) = owed else { panic!("booked before") };
        assert_eq!(transfers.len(), 3, "the reservation, what is owed above it, and the carrier's part");
        assert_eq!(has(store, customer).await, (-9, 0));
        books_agree(store, 4).await;
    });
}

async fn served(world: &World, money: i64) -> (Store, Fence, CustomerId) {
    let (store, site) = romashka(world).await;
    let customer = site.customer.id;
    store.book(top_up(customer, 1, money), Some("by hand".into()), at(0)).await.unwrap();
    store.accept(order(&site, 1, "+79161234567", 0)).await.unwrap();
    let claimed = store.claim(by(1, 1), held(at(0))).await.unwrap();
    (store, claimed[0].fence, customer)
}

fn beginning(fence: Fence, customer: CustomerId, amount: i64) -> Vec<Fact> {
    vec![
        Fact::Booked(Box::new(reserve(customer, fence.order, 0, amount)), at(1)),
        Fact::Terms(Box::new(terms(customer))),
        Fact::Began { at: at(1), plan: plan(fence.order), past: Past::default() },
    ]
}

fn end(fence: Fence, customer: CustomerId, price: i64) -> Vec<Fact> {
    let record = CallRecord::refused(fence.order, 1, NotCalled::Trunk, at(20));
    vec![
        Fact::Charged(LegId(1), Box::new(charge(2, price))),
        Fact::Booked(Box::new(settle(customer, fence.order, 2, price)), at(20)),
        Fact::Record(Box::new(record), None),
    ]
}

#[test]
fn a_call_begins_with_its_reservation_and_ends_with_its_charge_or_not_at_all() {
    on_both(async |world| {
        let (store, fence, customer) = served(&world, 10).await;
        let refused = store.write(fence, beginning(fence, customer, 11)).await;
        assert!(matches!(refused, Err(Error::Refused(Refused::Funds { .. }))), "{refused:?}");
        let told = store.call(fence.order).await.unwrap().unwrap();
        assert_eq!((told.plan, told.processes), (None, vec![]));
        assert_eq!(store.call_money(fence.order).await.unwrap(), None);
        let stranger = Fence { process: 9, ..fence };
        let lost = store.write(stranger, beginning(fence, customer, 4)).await;
        assert!(matches!(lost, Err(Error::FenceLost)), "{lost:?}");
        assert_eq!(has(&store, customer).await, (10, 0));

        store.write(fence, beginning(fence, customer, 4)).await.unwrap();
        let money = store.call_money(fence.order).await.unwrap().unwrap();
        assert_eq!((money.terms.clone(), money.reserved()), (terms(customer), (units(4), 1)));
        assert_eq!(has(&store, customer).await, (10, 4));
        for _ in 0..2 {
            store.write(fence, end(fence, customer, 3)).await.unwrap();
            assert_eq!(has(&store, customer).await, (7, 0));
        }
        // What another process makes of the same call changes nothing, and keeps no record from being written.
        store.write(fence, end(fence, customer, 4)).await.unwrap();
        let money = store.call_money(fence.order).await.unwrap().unwrap();
        assert_eq!(money.charges, [(LegId(1), charge(2, 3))].into());
        let paid: Vec<_> = money.transfers.iter().map(|transfer| (transfer.phase, transfer.amount)).collect();
        let reservation = TransferId { key: Key::Reserve(fence.order, 0), nth: 0 };
        assert_eq!(
            paid,
            [
                (Phase::Pending { expires_at: at(600) }, units(4)),
                (Phase::Posted { reservation, reserved: units(4) }, units(3)),
                (Phase::AtOnce, units(2)),
            ]
        );
        assert_eq!(money.transfers[2].to.owner, Owner::Carrier("provider".into()));
        books_agree(&store, 4).await;
    });
}

/// Sixteen who write at once: each has orders of his own, pays, reserves, extends, settles, and asks again.
#[test]
fn sixteen_writers_leave_books_that_agree() {
    on_both(async |world| {
        let (stores, customer) = with_orders(&world, 160, 15).await;
        let stores: Vec<Arc<Store>> = stores.into_iter().map(Arc::new).collect();
        let mut writers = Vec::new();
        for (writer, store) in (0_u128..).zip(stores.iter().cloned()) {
            writers.push(tokio::spawn(async move {
                for n in writer * 10..writer * 10 + 10 {
                    let call = order_id(n);
                    let bookings = [
                        top_up(customer, n + 1, 10),
                        reserve(customer, call, 0, 6),
                        reserve(customer, call, 1, 2),
                        settle(customer, call, 3, 7),
                        settle(customer, call, 3, 7),
                    ];
                    for booking in bookings {
                        store.book(booking, None, at(2)).await.unwrap();
                    }
                }
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(has(&stores[0], customer).await, (160 * 3, 0));
        books_agree(&stores[0], 160 * 6).await;
    });
}
