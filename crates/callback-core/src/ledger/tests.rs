//! Bookings told by the transfers that they are, and a year of calls and payments with a process that dies in them.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use super::{
    Account, Balance, Beyond, Booked, Booking, Disagreement, Fingerprint, Key, Known, Owner, Phase, Reason,
    Refused, Reversal, Transfer, TransferId, What, book, check,
};
use crate::id::{CustomerId, OrderId};
use crate::money::{Currency, Micros};
use crate::plan::Address;
use crate::rating::charge::{Charge, Lasted, Markup};
use crate::rating::deck::Deck;
use crate::rating::tests::{Dice, deck};
use crate::time::Ts;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// What a store keeps, and how it asks: all of a booking or nothing of it.
#[derive(Default)]
struct Book {
    bookings: BTreeMap<Key, Fingerprint>,
    transfers: Vec<Transfer>,
    balances: BTreeMap<Account, Balance>,
    /// Indexes over the transfers.
    pending: BTreeMap<OrderId, Vec<Transfer>>,
    places: BTreeMap<TransferId, usize>,
    reversed: BTreeMap<TransferId, Micros>,
}

impl Book {
    /// The transfers of a booking, without writing them.
    fn ask(&self, booking: &Booking, lowest: Micros, at: Ts) -> Result<Booked, Refused> {
        let (call, of) = match booking.what {
            What::Reserve { call, .. } | What::Settle { call, .. } => (Some(call), None),
            What::Reverse { of, .. } => (None, Some(of)),
            What::TopUp { .. } | What::Promise { .. } => (None, None),
        };
        let reversed = of.and_then(|of| {
            let before = self.reversed.get(&of).copied().unwrap_or_default();
            Some((&self.transfers[*self.places.get(&of)?], before))
        });
        let known = Known {
            before: self.bookings.get(&booking.key()).copied(),
            balance: self.balance(&Owner::Customer(booking.customer).account(booking.currency)),
            lowest,
            reservations: call.and_then(|call| self.pending.get(&call)).map_or(&[], Vec::as_slice),
            is_settled: call.is_some_and(|call| self.bookings.contains_key(&Key::Settle(call))),
            reversed,
        };
        book(booking, &known, at)
    }

    fn write(&mut self, booking: &Booking, transfers: &[Transfer]) {
        assert!(self.bookings.insert(booking.key(), booking.fingerprint()).is_none(), "written twice");
        for transfer in transfers {
            for effect in transfer.effects() {
                self.balances.entry(effect.account.clone()).or_default().add(effect.by);
            }
            match (transfer.phase, transfer.id.key) {
                (Phase::Pending { .. }, Key::Reserve(call, _)) => {
                    self.pending.entry(call).or_default().push(transfer.clone());
                }
                (_, Key::Settle(call)) => {
                    self.pending.remove(&call);
                }
                _ => {}
            }
            if let Some(of) = transfer.reverses() {
                self.reversed.entry(of).or_default().0 += transfer.amount.0;
            }
            self.places.insert(transfer.id, self.transfers.len());
            self.transfers.push(transfer.clone());
        }
    }

    /// Books; the transfers of it, or none where it was booked before.
    fn book(&mut self, booking: &Booking, lowest: Micros, at: Ts) -> Result<Vec<Transfer>, Refused> {
        let Booked::Now(transfers) = self.ask(booking, lowest, at)? else { return Ok(Vec::new()) };
        self.write(booking, &transfers);
        Ok(transfers)
    }

    fn balance(&self, account: &Account) -> Balance {
        self.balances.get(account).copied().unwrap_or_default()
    }
}

fn roubles() -> Currency {
    "RUB".parse().unwrap()
}

fn units(amount: i64) -> Micros {
    Micros(amount * 1_000_000)
}

fn id(number: u64) -> Uuid {
    Uuid::from_u128(number.into())
}

fn order(number: u64) -> OrderId {
    OrderId(id(number))
}

/// Something that happens to customer 1.
fn booking(what: What) -> Booking {
    Booking { customer: CustomerId(id(1)), currency: roubles(), what }
}

fn reserve(call: u64, nth: u16, amount: i64) -> What {
    What::Reserve { call: order(call), nth, amount: units(amount), expires_at: Ts(60) }
}

fn settle(call: u64, price: i64, cost: i64, beyond: Beyond) -> What {
    let costs = BTreeMap::from([("provider".into(), units(cost))]);
    What::Settle { call: order(call), price: units(price), costs, beyond }
}

fn top_up(payment: u64, amount: i64) -> What {
    What::TopUp { payment: id(payment), amount: units(amount) }
}

fn reverse(reversal: u64, of: Key, nth: u16, amount: i64, why: Reversal) -> What {
    What::Reverse { reversal: id(reversal), of: TransferId { key: of, nth }, amount: units(amount), why }
}

/// Books one after the other with a credit limit, and compares what each is, and what is on the customer's account then.
fn told(credit: i64, happened: &[(What, &str)]) -> Book {
    let mut book = Book::default();
    for (what, expected) in happened {
        let done = book.book(&booking(what.clone()), units(-credit), Ts(7));
        let said = match &done {
            Ok(transfers) => transfers.iter().map(words).collect::<Vec<_>>().join(", "),
            Err(refused) => refused.to_string(),
        };
        let Balance { posted, reserved } =
            book.balance(&Owner::Customer(CustomerId(id(1))).account(roubles()));
        let said = format!("{said} | {} / {}", posted.0 / 1_000_000, reserved.0 / 1_000_000);
        assert_eq!(said, *expected, "{what:?}");
    }
    assert_eq!(check(&book.transfers, &book.balances), []);
    book
}

fn words(transfer: &Transfer) -> String {
    let phase = match transfer.phase {
        Phase::AtOnce => "moves",
        Phase::Pending { .. } => "holds",
        Phase::Posted { .. } => "posts",
        Phase::Voided { .. } => "voids",
    };
    let name = |account: &Account| account.to_string().split('/').next().unwrap().to_owned();
    let (from, to) = (name(&transfer.from), name(&transfer.to));
    format!("{phase} {} {from}→{to}", transfer.amount.0 / 1_000_000)
}

#[test]
fn a_call_is_paid_from_what_was_reserved_for_it() {
    told(
        0,
        &[
            (reserve(1, 0, 5), "not enough money: 0.000000 is free | 0 / 0"),
            (top_up(1, 10), "moves 10 payments→customer | 10 / 0"),
            (reserve(1, 0, 5), "holds 5 customer→revenue | 10 / 5"),
            (reserve(2, 0, 6), "not enough money: 5.000000 is free | 10 / 5"),
            (reserve(1, 1, 4), "holds 4 customer→revenue | 10 / 9"),
            (reserve(1, 2, 2), "not enough money: 1.000000 is free | 10 / 9"),
            (
                settle(1, 7, 6, Beyond::Owe),
                "posts 5 customer→revenue, posts 2 customer→revenue, moves 6 cost→carrier | 3 / 0",
            ),
            (settle(1, 7, 6, Beyond::Owe), " | 3 / 0"),
            (settle(1, 8, 6, Beyond::Owe), "this was booked before, with other inputs | 3 / 0"),
            (reserve(1, 2, 1), "the call is settled | 3 / 0"),
            (reserve(1, 0, 5), " | 3 / 0"),
            (reserve(3, 0, 3), "holds 3 customer→revenue | 3 / 3"),
            (settle(3, 0, 0, Beyond::Owe), "voids 3 customer→revenue | 3 / 0"),
            (settle(4, 0, 1, Beyond::Owe), "moves 1 cost→carrier | 3 / 0"),
            (settle(5, 0, 0, Beyond::Owe), " | 3 / 0"),
        ],
    );
}

#[test]
fn what_is_above_the_reservation_is_owed_or_waived() {
    told(
        2,
        &[
            (reserve(1, 0, 3), "not enough money: 2.000000 is free | 0 / 0"),
            (reserve(1, 0, 2), "holds 2 customer→revenue | 0 / 2"),
            (settle(1, 5, 0, Beyond::Waive), "posts 2 customer→revenue | -2 / 0"),
            (top_up(1, 1), "moves 1 payments→customer | -1 / 0"),
            (
                reverse(1, Key::TopUp(id(1)), 0, 1, Reversal::Refund),
                "not enough money: -1.000000 is free | -1 / 0",
            ),
            (reserve(2, 0, 1), "holds 1 customer→revenue | -1 / 1"),
            (settle(2, 5, 0, Beyond::Owe), "posts 1 customer→revenue, moves 4 customer→revenue | -6 / 0"),
            (reserve(3, 0, 1), "not enough money: -4.000000 is free | -6 / 0"),
        ],
    );
}

#[test]
fn a_payment_counts_once_and_goes_back_at_most_once() {
    let paid = Key::TopUp(id(1));
    let (refund, wrong) = (Reversal::Refund, Reversal::Correction);
    told(
        0,
        &[
            (top_up(1, 10), "moves 10 payments→customer | 10 / 0"),
            (top_up(1, 10), " | 10 / 0"),
            (top_up(1, 11), "this was booked before, with other inputs | 10 / 0"),
            (top_up(2, 0), "not an amount that can be booked: 0.000001 to 1000000000.000000 | 10 / 0"),
            (top_up(2, -1), "not an amount that can be booked: 0.000001 to 1000000000.000000 | 10 / 0"),
            (
                top_up(2, 2_000_000_000),
                "not an amount that can be booked: 0.000001 to 1000000000.000000 | 10 / 0",
            ),
            (reserve(1, 0, 4), "holds 4 customer→revenue | 10 / 4"),
            (reverse(1, paid, 0, 7, refund), "not enough money: 6.000000 is free | 10 / 4"),
            (reverse(1, paid, 0, 6, refund), "moves 6 customer→payments | 4 / 4"),
            (reverse(1, paid, 0, 6, refund), " | 4 / 4"),
            (settle(1, 3, 0, Beyond::Owe), "posts 3 customer→revenue | 1 / 0"),
            (reverse(2, paid, 0, 5, wrong), "only 4.000000 of it is left | 1 / 0"),
            (reverse(2, paid, 0, 4, wrong), "moves 4 customer→payments | -3 / 0"),
            (reverse(3, paid, 1, 1, wrong), "no transfer that can be reversed like that | -3 / 0"),
        ],
    );
}

#[test]
fn errors_are_corrected_and_promises_end() {
    let (call, promise) = (Key::Settle(order(1)), Key::Promise(id(1)));
    let promised = What::Promise { promise: id(1), amount: units(5) };
    let (wrong, over) = (Reversal::Correction, Reversal::PromiseOver);
    told(
        0,
        &[
            (promised, "moves 5 promised→customer | 5 / 0"),
            (reserve(1, 0, 4), "holds 4 customer→revenue | 5 / 4"),
            (reverse(1, Key::Reserve(order(1), 0), 0, 1, wrong), "only 0.000000 of it is left | 5 / 4"),
            (settle(1, 3, 2, Beyond::Owe), "posts 3 customer→revenue, moves 2 cost→carrier | 2 / 0"),
            (reverse(2, call, 0, 1, Reversal::Refund), "no transfer that can be reversed like that | 2 / 0"),
            (reverse(2, call, 0, 1, over), "no transfer that can be reversed like that | 2 / 0"),
            (reverse(2, call, 1, 1, wrong), "no transfer that can be reversed like that | 2 / 0"),
            (reverse(2, call, 0, 2, wrong), "moves 2 revenue→customer | 4 / 0"),
            (reverse(3, call, 0, 2, wrong), "only 1.000000 of it is left | 4 / 0"),
            (reverse(4, Key::Reverse(id(2)), 0, 2, wrong), "moves 2 customer→revenue | 2 / 0"),
            (reverse(5, promise, 0, 5, over), "moves 5 customer→promised | -3 / 0"),
        ],
    );
}

#[test]
fn a_call_is_settled_by_its_charges() {
    let deck = deck("7916,MTS,60,0,1,1,2026-01-01\n");
    let to = Address::Phone("+79161234567".parse().unwrap());
    let markup = Markup { percent: "10".parse().unwrap(), ..Markup::default() };
    let at = Ts(1_800_000_000_000_000);
    let charge = |lasted, deck: &Deck| Charge::of(&to, lasted, deck, &markup).unwrap().unwrap();
    let other = Deck { trunk: "other".into(), ..deck.clone() };
    let charges = [
        charge(Lasted::Answered { at, ms: 10_000 }, &deck),
        charge(Lasted::LostRace { at, ms: 1_000 }, &deck),
        charge(Lasted::Answered { at, ms: 5_000 }, &other),
    ];
    let settled = Booking::settle(order(1), (CustomerId(id(1)), roubles()), &charges, Beyond::Owe).unwrap();
    let costs = BTreeMap::from([("other".into(), units(5)), ("provider".into(), units(11))]);
    let price = Micros(16_500_000);
    assert_eq!(settled.what, What::Settle { call: order(1), price, costs, beyond: Beyond::Owe });
    assert_eq!(
        settled.to_string(),
        "call/00000000-0000-0000-0000-000000000001/settle customer 00000000-0000-0000-0000-000000000001 RUB 16.500000 \
         beyond owed cost 5.000000 of \"other\" cost 11.000000 of \"provider\""
    );
    let euros = (CustomerId(id(1)), "EUR".parse().unwrap());
    let wrong = Booking::settle(order(1), euros, &charges, Beyond::Owe).unwrap_err();
    assert_eq!(wrong.to_string(), "the call was charged in RUB, and the customer pays in EUR");
}

#[test]
fn books_that_do_not_agree_are_told() {
    let honest = || {
        told(
            0,
            &[
                (top_up(1, 10), "moves 10 payments→customer | 10 / 0"),
                (reserve(1, 0, 5), "holds 5 customer→revenue | 10 / 5"),
                (settle(1, 4, 3, Beyond::Owe), "posts 4 customer→revenue, moves 3 cost→carrier | 6 / 0"),
            ],
        )
    };
    let wrong = |change: &dyn Fn(&mut Book), expected: &[&str]| {
        let mut book = honest();
        change(&mut book);
        let found = check(&book.transfers, &book.balances);
        assert_eq!(found.iter().map(Disagreement::to_string).collect::<Vec<_>>(), expected);
    };
    let revenue = Owner::Revenue.account(roubles());
    wrong(&|_| {}, &[]);
    wrong(
        &|book| book.balances.get_mut(&revenue).unwrap().posted.0 += 1,
        &[
            "revenue/RUB: 4.000001 posted and 0.000000 reserved are kept, 4.000000 and 0.000000 are made",
            "all balances in RUB add up to 1 millionths, not to 0",
        ],
    );
    wrong(
        &|book| assert!(book.balances.remove(&revenue).is_some()),
        &[
            "revenue/RUB: 0.000000 posted and 0.000000 reserved are kept, 4.000000 and 0.000000 are made",
            "all balances in RUB add up to -4000000 millionths, not to 0",
        ],
    );
    let settled = "call/00000000-0000-0000-0000-000000000001/settle";
    // Transfers that were changed or are too many, with balances that are made of them.
    let rewrite = |change: &dyn Fn(&mut Vec<Transfer>), expected: &[&str]| {
        let rewritten = |book: &mut Book| {
            change(&mut book.transfers);
            book.balances.clear();
            for effect in book.transfers.iter().flat_map(Transfer::effects) {
                book.balances.entry(effect.account.clone()).or_default().add(effect.by);
            }
        };
        wrong(&rewritten, expected);
    };
    let unreserved = |nth: u16| format!("{settled} {nth}: settles what is not reserved");
    rewrite(
        &|transfers| transfers.push(transfers[2].clone()),
        &[&unreserved(0), &format!("{settled} 0: written twice")],
    );
    let another = |of: &Transfer| Transfer { id: TransferId { nth: 9, ..of.id }, ..of.clone() };
    rewrite(&|transfers| transfers.push(another(&transfers[2])), &[&unreserved(9)]);
    rewrite(&|transfers| transfers[2].amount = units(6), &[&unreserved(0)]);
    rewrite(
        &|transfers| transfers[2].from = "customer/00000000-0000-0000-0000-000000000002/RUB".parse().unwrap(),
        &[&unreserved(0)],
    );
    rewrite(&|transfers| drop(transfers.remove(1)), &[&unreserved(0)]);
    rewrite(&|transfers| transfers[3].amount = units(0), &[&format!("{settled} 1: no transfer at all")]);
    rewrite(
        &|transfers| transfers[3].to = "carrier/provider/EUR".parse().unwrap(),
        &[
            &format!("{settled} 1: no transfer at all"),
            "all balances in EUR add up to 3000000 millionths, not to 0",
            "all balances in RUB add up to -3000000 millionths, not to 0",
        ],
    );
    let correction = |of: &Transfer, amount| Transfer {
        reason: Reason::Correction { of: of.id },
        phase: Phase::AtOnce,
        amount: units(amount),
        ..another(of)
    };
    rewrite(&|transfers| transfers.push(correction(&transfers[2], 4)), &[]);
    let unmoved = format!("{settled} 9: takes back what did not move");
    rewrite(&|transfers| transfers.push(correction(&transfers[2], 5)), &[&unmoved]);
}

#[test]
fn what_is_stored_is_read_again() {
    let accounts = [
        "customer/01980f5e-0000-7000-8000-000000000001/RUB",
        "carrier/a/b/EUR",
        "revenue/RUB",
        "cost/RUB",
        "payments/RUB",
        "promised/RUB",
    ];
    for text in accounts {
        assert_eq!(text.parse::<Account>().unwrap().to_string(), text);
    }
    for wrong in
        ["", "revenue", "revenue/RUR", "customer/1/RUB", "customer/RUB", "revenue/x/RUB", "thief/RUB"]
    {
        assert!(wrong.parse::<Account>().is_err(), "{wrong}");
    }
    let keys = [
        Key::Reserve(order(1), 2),
        Key::Settle(order(1)),
        Key::TopUp(id(1)),
        Key::Promise(id(1)),
        Key::Reverse(id(1)),
    ];
    for key in keys {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    for wrong in ["", "call/1/settle", "call/00000000-0000-0000-0000-000000000001/reserve/70000", "payment/1"]
    {
        assert!(wrong.parse::<Key>().is_err(), "{wrong}");
    }
    let book = told(0, &[(top_up(1, 10), "moves 10 payments→customer | 10 / 0")]);
    let text = serde_json::to_string(&book.transfers[0]).unwrap();
    assert_eq!(
        text,
        "{\"id\":{\"key\":\"payment/00000000-0000-0000-0000-000000000001\",\"nth\":0},\"reason\":\"top_up\",\
         \"phase\":\"at_once\",\"from\":\"payments/RUB\",\
         \"to\":\"customer/00000000-0000-0000-0000-000000000001/RUB\",\"amount\":10000000,\"at\":7}"
    );
    assert_eq!(serde_json::from_str::<Transfer>(&text).unwrap(), book.transfers[0]);
}

/// Customers in play; every third has credit.
const CUSTOMERS: u64 = 12;
/// Seconds that are reserved at a time.
const AHEAD: u32 = 60;

/// A call as it went, which is stored beside the books.
struct Talk {
    to: Address,
    at: Ts,
    ms: u64,
    lost: Option<u64>,
    /// Reservations so far.
    reserved: u16,
}

/// Calls and payments of some customers, and the process that books them.
struct World {
    dice: Dice,
    deck: Deck,
    markup: Markup,
    book: Book,
    now: Ts,
    /// Calls that are under way, as they will have gone when they end.
    calls: BTreeMap<u64, (u64, Talk)>,
    /// What was booked lately: whoever died before he heard so asks again.
    lately: Vec<Booking>,
    /// Transfers that somebody may want back.
    reversible: Vec<(u64, TransferId, Reason, Micros)>,
    /// What no limit holds back, by customer.
    beyond: BTreeMap<u64, Micros>,
    counted: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let deck = deck(
            "7,Russia,0.90,0.05,60,60,2026-01-01\n7916,MTS,0.333333,0,1,1,2026-01-01\n7916,MTS,3.1,0.2,30,6,2027-02-01\n\
             79161,Part,2.5,1,6,6,2026-01-01\n7495,City,0.000007,0,60,1,2026-01-01\n",
        );
        let markup = Markup {
            version: 1,
            percent: "12.3456".parse().unwrap(),
            per_minute: Micros(70_001),
            floor_per_minute: Micros(100_003),
        };
        Self {
            dice: Dice::seeded(seed),
            deck,
            markup,
            book: Book::default(),
            now: Ts(1_800_000_000_000_000),
            calls: BTreeMap::new(),
            lately: Vec::new(),
            reversible: Vec::new(),
            beyond: BTreeMap::new(),
            counted: 0,
        }
    }

    fn lowest(customer: u64) -> Micros {
        if customer.is_multiple_of(3) { units(-50) } else { Micros::ZERO }
    }

    fn customer(customer: u64) -> Account {
        Owner::Customer(CustomerId(id(customer))).account(roubles())
    }

    /// Books, or dies before it is written, or before it is known to be.
    fn happens(&mut self, customer: u64, what: What) -> Result<Vec<Transfer>, Refused> {
        let booking = Booking { customer: CustomerId(id(customer)), currency: roubles(), what };
        let lowest = Self::lowest(customer);
        while self.dice.one_in(10) {
            let _died_before_it_was_written = self.book.ask(&booking, lowest, self.now);
        }
        let transfers = self.book.book(&booking, lowest, self.now)?;
        self.counted += 1;
        for transfer in &transfers {
            if transfer.moved() > Micros::ZERO && transfer.reason != Reason::Cost {
                self.reversible.push((customer, transfer.id, transfer.reason, transfer.amount));
            }
            let bound = matches!(transfer.reason, Reason::Call | Reason::Refund { .. });
            let takes = transfer.from == Self::customer(customer);
            if takes && !bound {
                self.beyond.entry(customer).or_default().0 += transfer.moved().0;
            }
        }
        while self.dice.one_in(10) {
            assert_eq!(self.book.ask(&booking, lowest, self.now), Ok(Booked::Before), "{booking}");
        }
        self.lately.push(booking);
        self.keeps_its_limit(customer);
        Ok(transfers)
    }

    /// Nothing takes more than there is, but what is allowed to.
    fn keeps_its_limit(&self, customer: u64) {
        let Balance { posted, reserved } = self.book.balance(&Self::customer(customer));
        let beyond = self.beyond.get(&customer).copied().unwrap_or_default();
        assert!(reserved >= Micros::ZERO);
        assert!(posted.0 - reserved.0 + beyond.0 >= Self::lowest(customer).0, "{posted} {reserved} {beyond}");
    }

    fn step(&mut self) {
        self.now = self.now + Duration::from_millis(1 + self.dice.below(60_000));
        let customer = 1 + self.dice.below(CUSTOMERS);
        match self.dice.below(100) {
            0..30 => self.dial(customer),
            30..85 => self.goes_on(),
            85..93 => self.pays(customer),
            93..97 => self.takes_back(),
            97..99 => self.asks_again(),
            _ => self.dies(),
        }
    }

    fn dial(&mut self, customer: u64) {
        let numbers = ["+79161234567", "+79162234567", "+74951234567", "+78121234567"];
        let to = if self.dice.one_in(20) {
            Address::Sip("sip:anna@192.0.2.7".into())
        } else {
            Address::Phone(numbers[usize::try_from(self.dice.below(4)).unwrap()].parse().unwrap())
        };
        let ms = if self.dice.one_in(4) { 0 } else { self.dice.below(240_000) };
        let lost = self.dice.one_in(5).then(|| self.dice.below(2_000));
        let number = 1_000_000 + self.counted;
        let at = self.now + Duration::from_secs(self.dice.below(60));
        let mut talk = Talk { to, at, ms, lost, reserved: 0 };
        if self.calls.contains_key(&number) || self.extend(customer, number, &mut talk).is_err() {
            return;
        }
        self.calls.insert(number, (customer, talk));
    }

    /// Reserves for the next minute.
    fn extend(&mut self, customer: u64, call: u64, talk: &mut Talk) -> Result<(), Refused> {
        let latest = talk.at + Duration::from_secs(60);
        let quote =
            |seconds| self.deck.quote(&talk.to, (self.now.min(talk.at), latest), seconds, &self.markup);
        let before =
            if talk.reserved == 0 { Micros::ZERO } else { quote(AHEAD * u32::from(talk.reserved)).unwrap() };
        let amount = Micros(quote(AHEAD * (u32::from(talk.reserved) + 1)).unwrap().0 - before.0);
        if amount > Micros::ZERO {
            let what = What::Reserve { call: order(call), nth: talk.reserved, amount, expires_at: latest };
            self.happens(customer, what)?;
        }
        talk.reserved += 1;
        Ok(())
    }

    /// Some call is extended, cut for want of money, or ends.
    fn goes_on(&mut self) {
        let from = self.dice.below(2_000_000);
        let found = self.calls.range(from..).next().or_else(|| self.calls.iter().next());
        let Some(call) = found.map(|(call, _)| *call) else { return };
        let Some((customer, mut talk)) = self.calls.remove(&call) else { return };
        let seconds = u64::from(AHEAD) * u64::from(talk.reserved);
        if talk.ms > seconds * 1_000 {
            if self.extend(customer, call, &mut talk).is_ok() {
                self.calls.insert(call, (customer, talk));
                return;
            }
            // It is cut, at once or after its policy's grace.
            talk.ms = seconds * 1_000 + self.dice.below(3) * 5_000;
        }
        self.ends(customer, call, &talk);
    }

    fn ends(&mut self, customer: u64, call: u64, talk: &Talk) {
        let lasted = match talk.ms {
            0 => Lasted::Unanswered,
            ms => Lasted::Answered { at: talk.at, ms },
        };
        let lost = talk.lost.map_or(Lasted::Unanswered, |ms| Lasted::LostRace { at: talk.at, ms });
        let mut charges = Vec::new();
        for lasted in [lasted, lost] {
            let charge = Charge::of(&talk.to, lasted, &self.deck, &self.markup).unwrap();
            let Some(charge) = charge else { continue };
            assert!(charge.agrees_with(&talk.to, lasted, &self.deck, &self.markup));
            let seconds = u32::try_from(talk.ms.div_ceil(1_000)).unwrap();
            let quote = self.deck.quote(&talk.to, (talk.at, talk.at), seconds, &self.markup).unwrap();
            assert!(charge.price <= quote, "{charge:?} {quote}");
            charges.push(charge);
        }
        let beyond = if self.dice.one_in(2) { Beyond::Owe } else { Beyond::Waive };
        let who = (CustomerId(id(customer)), roubles());
        let settled = Booking::settle(order(call), who, &charges, beyond).unwrap();
        let transfers = self.happens(customer, settled.what).unwrap();
        assert!(!self.book.pending.contains_key(&order(call)));
        // What was reserved in time is enough.
        let within = talk.ms <= u64::from(AHEAD) * u64::from(talk.reserved) * 1_000;
        let owed = transfers.iter().any(|transfer| transfer.reason == Reason::Owed);
        assert!(!(within && owed), "call {call}");
    }

    fn pays(&mut self, customer: u64) {
        let amount = Micros(i64::try_from(1 + self.dice.below(20_000_000)).unwrap());
        let number = id(self.counted);
        let what = if self.dice.one_in(8) {
            What::Promise { promise: number, amount }
        } else {
            What::TopUp { payment: number, amount }
        };
        self.happens(customer, what).unwrap();
    }

    fn takes_back(&mut self) {
        if self.reversible.is_empty() {
            return;
        }
        let at = self.dice.below(u64::try_from(self.reversible.len()).unwrap());
        let (customer, of, reason, amount) = self.reversible.swap_remove(usize::try_from(at).unwrap());
        let why = match reason {
            Reason::TopUp if self.dice.one_in(2) => Reversal::Refund,
            Reason::Promise => Reversal::PromiseOver,
            _ => Reversal::Correction,
        };
        let part = Micros(1 + i64::try_from(self.dice.below(u64::try_from(amount.0).unwrap())).unwrap());
        let amount = if self.dice.one_in(3) { part } else { amount };
        let what = What::Reverse { reversal: id(self.counted), of, amount, why };
        let refused = self.happens(customer, what).err();
        assert!(matches!(refused, None | Some(Refused::Funds { .. })), "{refused:?}");
    }

    /// A webhook comes again, in another order, or with another amount.
    fn asks_again(&mut self) {
        if self.lately.is_empty() {
            return;
        }
        let at = self.dice.below(u64::try_from(self.lately.len()).unwrap());
        let mut again = self.lately[usize::try_from(at).unwrap()].clone();
        assert_eq!(self.book.ask(&again, Micros::ZERO, self.now), Ok(Booked::Before));
        match &mut again.what {
            What::Reserve { amount, .. }
            | What::TopUp { amount, .. }
            | What::Promise { amount, .. }
            | What::Reverse { amount, .. } => amount.0 += 1,
            What::Settle { price, .. } => price.0 += 1,
        }
        assert_eq!(self.book.ask(&again, Micros::ZERO, self.now), Err(Refused::OtherInputs));
    }

    /// Whatever the process knew is gone: the next one books again what it cannot know of, and ends the calls by what is
    /// stored of them.
    fn dies(&mut self) {
        for booking in std::mem::take(&mut self.lately) {
            let done = self.book.book(&booking, units(-1_000), self.now);
            assert_eq!(done, Ok(Vec::new()), "{booking}");
        }
        let ended: Vec<_> = self.book.pending.keys().copied().collect();
        for OrderId(call) in ended {
            let call = u64::try_from(call.as_u128()).unwrap();
            let (customer, talk) = self.calls.remove(&call).unwrap();
            self.ends(customer, call, &talk);
        }
    }

    fn run(mut self, bookings: u64) {
        while self.counted < bookings {
            self.step();
        }
        self.dies();
        assert!(self.book.pending.is_empty());
        assert!(self.book.balances.values().all(|balance| balance.reserved == Micros::ZERO));
        assert_eq!(check(&self.book.transfers, &self.book.balances), []);
    }
}

#[test]
fn books_agree_whatever_happens() {
    World::new(1).run(50_000);
}

#[test]
#[ignore = "takes long in a debug build; run it by cargo test --release -p callback-core -- --ignored million"]
fn books_agree_after_a_million() {
    World::new(2).run(1_000_000);
}
