//! A meter by the second: what it asks for, when, and what it makes of a talk that it cannot pay.

use super::{Meter, More};
use callback_core::billing::{Edition, Tariff, Terms, WhenOut};
use callback_core::id::{CustomerId, ManagerId, OrderId};
use callback_core::ledger::What;
use callback_core::plan::{
    AcceptKey, Address, CallerId, Limits, Mode, Plan, PlanManager, PlanVisitor, PromptLengths, RingStrategy,
    Telephone,
};
use callback_core::rating::charge::Markup;
use callback_core::rating::deck::{Deck, DeckId, Rates};
use callback_core::time::Ts;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const DECK: &str = "prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from\n\
                    7,Russia,60,0.5,1,1,2020-01-01\n";

fn at(seconds: u64) -> Ts {
    Ts(1_800_000_000_000_000) + Duration::from_secs(seconds)
}

fn plan() -> Plan {
    let s = Duration::from_secs;
    let caller_id = CallerId { number: None, name: "Shop".into() };
    let anna = PlanManager {
        id: ManagerId(Uuid::nil()),
        name: "Anna".into(),
        telephone: Telephone { address: Address::Phone("+74951234567".parse().unwrap()), extension: None },
        extension_delay: s(0),
        accept_key: AcceptKey::No,
        caller_id: caller_id.clone(),
    };
    Plan {
        order: OrderId(Uuid::nil()),
        accepted_at: at(0),
        settings_version: 1,
        mode: Mode::Together,
        strategy: RingStrategy::Linear,
        visitor: PlanVisitor { number: "+79161234567".parse().unwrap(), caller_id },
        managers: vec![anna],
        rounds: Vec::new(),
        limits: Limits {
            ring_timeout: s(15),
            visitor_ring_timeout: s(40),
            total_time: s(120),
            delay_to_visitor: s(0),
            max_talk: s(14_400),
            accept_timeout: s(20),
            promise: s(29),
            max_legs: 2,
            announce: false,
        },
        prompts: PromptLengths::default(),
    }
}

/// A meter that holds its first money: two legs of a rouble a second each.
fn meter(when_out: WhenOut) -> Meter {
    let deck = Deck {
        id: DeckId(Uuid::nil()),
        version: 1,
        trunk: "provider".into(),
        currency: "RUB".parse().unwrap(),
        rates: Rates::parse(DECK.as_bytes(), &TimeZone::UTC).unwrap(),
    };
    let terms = Terms {
        customer: CustomerId(Uuid::nil()),
        currency: deck.currency,
        markup: Markup::default(),
        decks: [("provider".into(), Edition { deck: deck.id, version: 1 })].into(),
        when_out,
        dearest_minute: None,
    };
    let tariff = Tariff::new(terms, [Arc::new(deck)]);
    let mut meter = Meter::new(tariff, Arc::new(plan()), Duration::from_secs(60), (at(0), at(175)));
    let (first, _) = meter.begin(meter.plan.order, at(0)).unwrap();
    assert_eq!(asked(&first), (120, 0, 241));
    assert_eq!(meter.hold(&first), None);
    meter.answered(at(10));
    meter.answered(at(12));
    assert_eq!(meter.bridged(at(15)), None);
    meter
}

/// For how many seconds all in all it asks, by which booking, for how much.
fn asked(more: &More) -> (u32, u16, i64) {
    let booking = more.booking.as_ref().unwrap();
    let What::Reserve { nth, amount, .. } = booking.what else { panic!("no reservation") };
    (more.seconds, nth, amount.0 / 1_000_000)
}

#[test]
fn a_talk_is_paid_a_minute_ahead_and_each_minute_is_asked_for_once() {
    let mut meter = meter(WhenOut::Finish);
    assert_eq!(meter.next(), Some(at(70)));
    assert!(meter.due(at(69)).is_none());
    let more = meter.due(at(70)).unwrap();
    assert_eq!(asked(&more), (180, 1, 120));
    assert!(meter.due(at(71)).is_none(), "it is being asked for");
    assert_eq!((meter.hold(&more), meter.next()), (None, Some(at(130))));
    assert_eq!(asked(&meter.due(at(130)).unwrap()), (240, 2, 120));
}

#[test]
fn a_talk_that_goes_on_without_money_asks_for_all_that_it_took_meanwhile() {
    let mut meter = meter(WhenOut::Finish);
    assert!(meter.due(at(70)).is_some());
    assert_eq!((meter.do_without(at(70)), meter.next()), (None, Some(at(80))));
    let more = meter.due(at(310)).unwrap();
    assert_eq!(asked(&more), (361, 1, 482));
    assert_eq!((meter.hold(&more), meter.next()), (None, Some(at(311))));
}

#[test]
fn a_talk_that_is_to_be_cut_has_what_is_left_and_is_free_again_when_money_comes() {
    let mut meter = meter(WhenOut::Cut);
    assert!(meter.due(at(70)).is_some());
    // What is held ends at 130, and they talk since 15.
    assert_eq!(meter.do_without(at(70)), Some(Duration::from_secs(113)));
    assert!(meter.due(at(80)).is_some());
    assert_eq!(meter.do_without(at(80)), None, "the manager is warned once");
    meter.unbridged();
    assert_eq!(meter.bridged(at(85)), Some(Duration::from_secs(43)));
    let more = meter.due(at(90)).unwrap();
    assert_eq!(meter.hold(&more), Some(Duration::from_secs(14_400)));
    assert_eq!((meter.bridged(at(95)), meter.next()), (None, Some(at(130))));
}
