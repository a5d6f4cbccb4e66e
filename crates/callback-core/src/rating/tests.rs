//! Decks told by their lines, charges by tables, and both against a model that knows the rules apart from them.

use super::charge::{Amounts, Charge, Lasted, Markup, NotAPercent, Percent};
use super::deck::{DESCRIPTION, Deck, DeckId, PROBLEMS, Prefix, Rate, Rates};
use crate::money::Micros;
use crate::plan::Address;
use crate::time::Ts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::num::NonZeroU16;
use uuid::Uuid;

const HEADER: &str = "prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from";

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn micros(&mut self, bound: u64) -> Micros {
        Micros(i64::try_from(self.below(bound)).unwrap())
    }
}

fn moscow() -> TimeZone {
    TimeZone::get("Europe/Moscow").unwrap()
}

/// An instant by a clock on a wall in Moscow.
fn at(wall: &str) -> Ts {
    Ts(wall.parse::<DateTime>().unwrap().to_zoned(moscow()).unwrap().timestamp().as_microsecond())
}

/// A deck of these lines.
pub(crate) fn deck(lines: &str) -> Deck {
    Deck {
        id: DeckId(Uuid::nil()),
        version: 3,
        trunk: "provider".into(),
        currency: "RUB".parse().unwrap(),
        rates: Rates::parse(format!("{HEADER}\n{lines}").as_bytes(), &moscow()).unwrap(),
    }
}

#[test]
fn a_deck_tells_all_that_it_says() {
    let deck = deck(
        "7916,Mobile,2,0,1,1,2026-01-01\n7,Russia,1,0.5,60,60,2026-02-01\n7,Russia,3,0,60,60,2026-01-01\n",
    );
    let told: Vec<_> = deck
        .rates
        .rows()
        .map(|(prefix, rate, name)| format!("{prefix} {name} {} {}", rate.per_minute, rate.connect))
        .collect();
    let expected =
        ["7 Russia 3.000000 0.000000", "7 Russia 1.000000 0.500000", "7916 Mobile 2.000000 0.000000"];
    assert_eq!(told, expected);
}

fn phone(number: &str) -> Address {
    Address::Phone(number.parse().unwrap())
}

/// What a deck says of a number: prefix, rate, description.
fn found(deck: &Deck, number: &str, wall: &str) -> String {
    deck.rates.find(number.parse().unwrap(), at(wall)).map_or_else(
        || "nothing".to_owned(),
        |found| format!("{} {} {}", found.prefix, found.rate.per_minute, deck.rates.description(&found)),
    )
}

#[test]
fn the_longest_prefix_that_has_a_rate_is_found() {
    let deck = deck(
        "7,Russia,1,0,1,1,2026-01-01\n79,Mobile,2,0,1,1,2026-01-01\n791,MTS,3,0,1,1,2026-01-01\n\
         7916,Moscow,4,0,1,1,2026-01-01\n79161,Five,5,0,1,1,2026-01-01\n+7495,City,6,0,1,1,2026-01-01\n\
         791,MTS,3.5,0,1,1,2026-06-01\n7917,Later,9,0,1,1,2026-06-01\n\
         44,Britain,7,0,1,1,2026-01-01\n447000000000000,One number,8,0,1,1,2026-01-01\n",
    );
    let check = |number: &str, wall: &str, said: &str| {
        assert_eq!(found(&deck, number, wall), said, "{number} {wall}")
    };
    let march = "2026-03-01T12:00";
    check("+79161234567", march, "79161 5.000000 Five");
    check("+79162234567", march, "7916 4.000000 Moscow");
    check("+79151234567", march, "791 3.000000 MTS");
    check("+79261234567", march, "79 2.000000 Mobile");
    check("+78121234567", march, "7 1.000000 Russia");
    check("+74951234567", march, "7495 6.000000 City");
    check("+74941234567", march, "7 1.000000 Russia");
    check("+79161", march, "79161 5.000000 Five");
    check("+79160", march, "7916 4.000000 Moscow");
    check("+447000000000000", march, "447000000000000 8.000000 One number");
    check("+4470000000000", march, "44 7.000000 Britain");
    check("+447000000000001", march, "44 7.000000 Britain");
    check("+12025550123", march, "nothing");
    // A prefix whose first day is still to come is as if it were not there.
    check("+79171234567", march, "791 3.000000 MTS");
    check("+79171234567", "2026-05-31T23:59:59", "791 3.000000 MTS");
    check("+79171234567", "2026-06-01T00:00", "7917 9.000000 Later");
    check("+79151234567", "2026-06-01T00:00", "791 3.500000 MTS");
    check("+79151234567", "2025-12-31T23:59", "nothing");
}

#[test]
fn a_deck_is_read_as_it_was_saved() {
    let lines = "prefix;description;rate_per_minute;connect_fee;initial_s;increment_s;effective_from\r\n\
                 7916;\"МТС; \"\"Москва\"\"\nи область\";0.5;0;30;6;2026-01-01\r\n\r\n;;;;;;\r\n\
                 7495; Москва ;0.25;0.1;1;1;2026-01-01";
    for before in ["", "\u{feff}"] {
        let text = format!("{before}{lines}");
        let rates = Rates::parse(text.as_bytes(), &moscow()).unwrap();
        let deck = Deck { rates, ..deck("") };
        assert_eq!(
            found(&deck, "+79161234567", "2026-01-01T00:00"),
            "7916 0.500000 МТС; \"Москва\"\nи область"
        );
        assert_eq!(found(&deck, "+74951234567", "2026-01-01T00:00"), "7495 0.250000 Москва");
    }
}

#[test]
fn what_is_wrong_in_a_deck_is_told_by_line_and_column() {
    let check = |file: &[u8], expected: &str| {
        let problems = Rates::parse(file, &moscow()).unwrap_err().to_string();
        assert_eq!(problems, expected, "{}", String::from_utf8_lossy(file));
    };
    let first = format!("the first line must be {HEADER} (or with ; between them)");
    check(b"", &format!("line 1, column 1 (prefix): {first}"));
    check(b"7916,a,1,0,1,1,2026-01-01", &format!("line 1, column 1 (prefix): {first}"));
    check(b"prefix,description,price", &format!("line 1, column 3 (rate_per_minute): {first}"));
    check(format!("{HEADER},more\n").as_bytes(), &format!("line 1, column 8: {first}"));
    let line = |line: &str, expected: &str| check(format!("{HEADER}\n\n{line}\n").as_bytes(), expected);
    line(
        "8 916,a,1,0,1,1,2026-01-01",
        "line 3, column 1 (prefix): \"8 916\": write the first digits of numbers with their country code, like 7916",
    );
    line(
        "7916,a,\"0,50\",0,1,1,2026-01-01",
        "line 3, column 3 (rate_per_minute): \"0,50\": write a number with a decimal point, like 0.50",
    );
    line(
        "7916,a,0.1234567,0,1,1,2026-01-01",
        "line 3, column 3 (rate_per_minute): \"0.1234567\": at most 6 digits after the point",
    );
    line("7916,a,1,-1,1,1,2026-01-01", "line 3, column 4 (connect_fee): \"-1\": write 0 or more");
    line(
        "7916,a,10000000.000001,0,1,1,2026-01-01",
        "line 3, column 3 (rate_per_minute): \"10000000.000001\": write 10000000.000000 at most",
    );
    for wrong in ["", "-1", "+1", "1.5", "3601", "99999999"] {
        line(
            &format!("7916,a,1,0,{wrong},1,2026-01-01"),
            &format!("line 3, column 5 (initial_s): {wrong:?}: write whole seconds, 0 to 3600"),
        );
    }
    line(
        "7916,a,1,0,1,0,2026-01-01",
        "line 3, column 6 (increment_s): \"0\": write whole seconds, 1 to 3600",
    );
    for wrong in ["01.02.2026", "2026-02-30", "20260201", "2026-01-01T00:00"] {
        line(
            &format!("7916,a,1,0,1,1,{wrong}"),
            &format!(
                "line 3, column 7 (effective_from): {wrong:?}: write a day as year-month-day, like 2026-01-31"
            ),
        );
    }
    line(
        "7916,a,1,0,1,1",
        "line 3, column 6 (increment_s): columns: 6, not 7; quote a text with a separator in it",
    );
    line(
        "7916,a,b,1,0,1,1,2026-01-01",
        "line 3, column 7 (effective_from): columns: 8, not 7; quote a text with a separator in it",
    );
    line(
        "7916,\"a,1,0,1,1,2026-01-01\n7917,a,1,0,1,1,2026-01-01",
        "line 3, column 2 (description): a quote is opened and not closed; close it, or write it twice",
    );
    line(
        "7916,\"a\"b,1,0,1,1,2026-01-01\n7917",
        "line 3, column 2 (description): something stands behind a closing quote; write a quote that is meant twice\n\
         line 4, column 1 (prefix): columns: 1, not 7; quote a text with a separator in it",
    );
    line(
        &format!("7916,{},1,0,1,1,2026-01-01", "ы".repeat(DESCRIPTION + 1)),
        "line 3, column 2 (description): at most 200 characters",
    );
    line(
        "7916,a,1,0,1,1,2026-01-01\n7917,\"two\nlines\",1,0,1,1,2026-01-01\n+7916,b,2,0,1,1,2026-01-01\n7916,b,2,0,1,1,2026-01-02",
        "line 6, column 1 (prefix): this prefix has a rate from that day on line 3; remove one of them",
    );
    check(
        [HEADER.as_bytes(), b"\n7916,\xcc\xd2\xd1,1,0,1,1,2026-01-01"].concat().as_slice(),
        "line 2, column 2 (description): letters that are no UTF-8; save the table as \"CSV UTF-8\"",
    );
}

#[test]
fn as_many_problems_are_told_as_one_reads() {
    let lines = "x,a,1,0,1,1,2026-01-01\n".repeat(PROBLEMS + 5);
    let problems = Rates::parse(format!("{HEADER}\n{lines}").as_bytes(), &moscow()).unwrap_err();
    assert_eq!((problems.0.len(), problems.0.last().unwrap().line), (PROBLEMS, 21));
}

fn rate(per_minute: i64, connect: i64, initial_s: u16, increment_s: u16) -> Rate {
    Rate {
        per_minute: Micros(per_minute),
        connect: Micros(connect),
        initial_s,
        increment_s: NonZeroU16::new(increment_s).unwrap(),
        from: Ts(0),
    }
}

#[test]
fn seconds_are_counted_as_carriers_count_them() {
    const SECONDS: [u32; 8] = [0, 1, 29, 30, 31, 59, 60, 61];
    let check = |initial, increment, expected: [u32; 8]| {
        let rate = rate(60_000_000, 0, initial, increment);
        let amounts = SECONDS.map(|seconds| rate.amounts(seconds, &Markup::default()));
        assert_eq!(amounts.map(|amounts| amounts.billable_s), expected, "{initial}/{increment}");
        assert_eq!(amounts.map(|amounts| amounts.cost.0), expected.map(|s| i64::from(s) * 1_000_000));
    };
    check(1, 1, [0, 1, 29, 30, 31, 59, 60, 61]);
    check(60, 60, [0, 60, 60, 60, 60, 60, 60, 120]);
    check(30, 6, [0, 30, 30, 30, 36, 60, 60, 66]);
    check(6, 6, [0, 6, 30, 30, 36, 60, 60, 66]);
    check(60, 1, [0, 60, 60, 60, 60, 60, 60, 61]);
    check(0, 1, [0, 1, 29, 30, 31, 59, 60, 61]);
    check(0, 60, [0, 60, 60, 60, 60, 60, 60, 120]);
    check(1, 60, [0, 1, 61, 61, 61, 61, 61, 61]);
}

#[test]
fn amounts_are_rounded_once_and_up() {
    let markup = |percent: &str, per_minute, floor| Markup {
        version: 1,
        percent: percent.parse().unwrap(),
        per_minute: Micros(per_minute),
        floor_per_minute: Micros(floor),
    };
    let check = |rate: Rate, markup: Markup, seconds, cost, price| {
        let found = rate.amounts(seconds, &markup);
        assert_eq!(
            (found.cost, found.price),
            (Micros(cost), Micros(price)),
            "{rate:?} {markup:?} {seconds} s"
        );
    };
    // 61 s of 0.50 a minute under 60/60 are 1.00; and 10 % and 0.50 a minute: 1.10 + 1.00.
    check(rate(500_000, 0, 60, 60), markup("10", 500_000, 0), 61, 1_000_000, 2_100_000);
    // 1/60 and 1/60 of a millionth: the price is of the exact cost, 1.1/60 + 1/60, not of its rounded one.
    check(rate(1, 0, 1, 1), markup("10", 1, 0), 1, 1, 1);
    check(rate(1, 0, 1, 1), markup("10", 1, 0), 28, 1, 1);
    check(rate(1, 0, 1, 1), markup("10", 1, 0), 29, 1, 2);
    check(rate(10, 0, 1, 1), markup("10", 0, 0), 6, 1, 2);
    check(rate(10, 0, 1, 1), markup("0", 0, 0), 6, 1, 1);
    check(rate(10, 0, 1, 1), markup("0", 0, 0), 7, 2, 2);
    check(rate(10, 0, 1, 1), markup("0.0001", 0, 0), 6, 1, 2);
    // The connect fee is marked up too, and paid for the answer.
    check(rate(0, 1_000_000, 60, 60), markup("10", 0, 0), 1, 1_000_000, 1_100_000);
    check(rate(500_000, 1_000_000, 60, 60), markup("10", 500_000, 0), 0, 0, 0);
    // Free seconds are free, unless they are marked up or have a floor.
    check(rate(0, 0, 60, 60), markup("10", 0, 0), 61, 0, 0);
    check(rate(0, 0, 60, 60), markup("10", 500_000, 0), 61, 0, 1_000_000);
    check(rate(100_000, 0, 30, 6), markup("10", 0, 2_000_000), 31, 60_000, 1_200_000);
    check(rate(5_000_000, 0, 30, 6), markup("10", 0, 2_000_000), 31, 3_000_000, 3_300_000);
    check(rate(i64::MAX, i64::MAX, 60, 60), markup("1000", i64::MAX, 0), u32::MAX, i64::MAX, i64::MAX);
}

#[test]
fn percentages_are_exact() {
    let check = |text: &str, expected: Result<&str, NotAPercent>| {
        let read = text.parse::<Percent>().map(|percent| percent.to_string());
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    };
    check("10", Ok("10"));
    check("12.50", Ok("12.5"));
    check("0", Ok("0"));
    check("100", Ok("100"));
    check("0.0001", Ok("0.0001"));
    check("1000", Ok("1000"));
    check("1000.0001", Err(NotAPercent::OutOfRange));
    check("-1", Err(NotAPercent::OutOfRange));
    for wrong in ["0.00001", "10%", ""] {
        assert!(matches!(wrong.parse::<Percent>(), Err(NotAPercent::Decimal(_))), "{wrong}");
    }
}

#[test]
fn a_leg_is_charged_by_its_answer_and_what_became_of_it() {
    let deck = deck("7916,MTS,0.60,0,1,1,2026-01-01\n7916,MTS,6.00,0,1,1,2026-02-01\n");
    let markup = Markup { version: 7, percent: "10".parse().unwrap(), ..Markup::default() };
    let check = |to: &Address, lasted, expected: &str| {
        let charge = Charge::of(to, lasted, &deck, &markup);
        let said = charge.as_ref().map(|charge| match charge {
            None => "free".to_owned(),
            Some(Charge { prefix, billable_s, cost, price, .. }) => {
                format!("{prefix} {billable_s} s {cost} {price}")
            }
        });
        assert_eq!(said.unwrap_or_else(|error| error.to_string()), expected);
        if let Ok(Some(charge)) = charge {
            assert_eq!((charge.deck_version, charge.markup_version), (3, 7));
            assert!(charge.agrees_with(to, lasted, &deck, &markup));
            let later = Deck { version: 4, ..deck.clone() };
            assert!(!charge.agrees_with(to, lasted, &later, &markup), "by another deck");
            let dearer = Charge { price: Micros(charge.price.0 + 1), ..charge };
            assert!(!dearer.agrees_with(to, lasted, &deck, &markup));
        }
    };
    let answered = |wall: &str, ms| Lasted::Answered { at: at(wall), ms };
    let visitor = phone("+79161234567");
    check(&visitor, answered("2026-01-31T12:00", 60_000), "7916 60 s 0.600000 0.660000");
    check(&visitor, answered("2026-01-31T12:00", 60_001), "7916 61 s 0.610000 0.671000");
    check(&visitor, answered("2026-01-31T12:00", 0), "7916 1 s 0.010000 0.011000");
    // The new rate comes in the middle of the call, and is of calls that are answered by then.
    check(&visitor, answered("2026-01-31T23:59:30", 120_000), "7916 120 s 1.200000 1.320000");
    check(&visitor, answered("2026-02-01T00:00", 120_000), "7916 120 s 12.000000 13.200000");
    check(&visitor, Lasted::LostRace { at: at("2026-01-31T12:00"), ms: 1_500 }, "7916 2 s 0.020000 0.000000");
    check(&visitor, Lasted::Unanswered, "free");
    check(&Address::Sip("sip:anna@192.0.2.7".into()), answered("2026-01-31T12:00", 60_000), "free");
    check(&phone("+12025550123"), Lasted::Unanswered, "free");
    check(&phone("+12025550123"), answered("2026-01-31T12:00", 1), "the deck has no rate for this number");
}

#[test]
fn a_quote_reckons_with_a_rate_that_changes_until_the_answer() {
    let deck = deck(
        "7916,MTS,1,0,60,60,2026-01-01\n7916,MTS,3,0,60,60,2026-02-01\n7916,MTS,2,0,60,60,2026-02-02\n\
         79161,Part,9,0,60,60,2026-02-03\n",
    );
    let check = |number: &str, from: &str, until: &str, expected: Option<i64>| {
        let quote = deck.quote(&phone(number), (at(from), at(until)), 61, &Markup::default());
        assert_eq!(quote, expected.map(|units| Micros(units * 1_000_000)), "{number} {from} {until}");
    };
    let number = "+79161234567";
    check(number, "2026-01-31T12:00", "2026-01-31T12:01", Some(2));
    check(number, "2026-01-31T23:59", "2026-02-01T00:00", Some(6));
    check(number, "2026-02-01T23:59", "2026-02-02T00:01", Some(6));
    check(number, "2026-02-02T00:00", "2026-02-02T00:01", Some(4));
    check(number, "2026-02-02T23:59", "2026-02-03T00:00", Some(18));
    check("+79162234567", "2026-02-02T23:59", "2026-02-03T00:00", Some(4));
    check("+79161234567", "2025-12-31T23:59", "2026-01-01T00:01", Some(2));
    check("+12025550123", "2026-02-02T23:59", "2026-02-03T00:00", None);
    let sip = Address::Sip("sip:anna@192.0.2.7".into());
    assert_eq!(deck.quote(&sip, (Ts(0), Ts(1)), 61, &Markup::default()), Some(Micros::ZERO));
}

/// A fraction, in its lowest terms.
#[derive(Clone, Copy)]
struct Fraction(i128, i128);

impl Fraction {
    fn of(over: i128, under: i128) -> Self {
        let (mut a, mut b) = (over, under);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self(over / a.max(1), under / a.max(1))
    }

    fn plus(self, other: Self) -> Self {
        Self::of(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn times(self, other: Self) -> Self {
        Self::of(self.0 * other.0, self.1 * other.1)
    }

    fn max(self, other: Self) -> Self {
        if self.0 * other.1 < other.0 * self.1 { other } else { self }
    }

    /// The least whole number that is not below it.
    fn ceiling(self) -> i64 {
        i64::try_from(-(-self.0).div_euclid(self.1)).unwrap()
    }
}

/// The rules as they are written, by fractions and by counting.
fn by_the_book(rate: &Rate, percent: u32, markup: &Markup, seconds: u32) -> Amounts {
    if seconds == 0 {
        return Amounts { billable_s: 0, cost: Micros(0), price: Micros(0) };
    }
    let mut billable_s = u32::from(rate.initial_s);
    while billable_s < seconds {
        billable_s += u32::from(rate.increment_s.get());
    }
    let whole = |amount: Micros| Fraction::of(amount.0.into(), 1);
    let minutes = Fraction::of(billable_s.into(), 60);
    let cost = whole(rate.connect).plus(whole(rate.per_minute).times(minutes));
    let share = Fraction::of(1, 1).plus(Fraction::of(percent.into(), 1_000_000));
    let price = cost.times(share).plus(whole(markup.per_minute).times(minutes));
    let price = price.max(whole(markup.floor_per_minute).times(minutes));
    Amounts { billable_s, cost: Micros(cost.ceiling()), price: Micros(price.ceiling()) }
}

#[test]
fn amounts_are_those_of_the_book() {
    let mut dice = Dice::seeded(1);
    for case in 0..100_000 {
        let most = [10, 1_000, 1_000_000, 50_000_000][usize::try_from(dice.below(4)).unwrap()];
        let steps = [0, 1, 5, 6, 30, 60, 3_600];
        let step = |dice: &mut Dice| steps[usize::try_from(dice.below(7)).unwrap()];
        let (per_minute, connect) = (dice.micros(most), dice.micros(most / 5));
        let rate = rate(per_minute.0, connect.0, step(&mut dice), step(&mut dice).max(1));
        let percent =
            u32::try_from([0, 100_000, dice.below(10_000_001)][usize::try_from(dice.below(3)).unwrap()]);
        let percent = percent.unwrap();
        let markup = Markup {
            version: 1,
            percent: format!("{}.{:04}", percent / 10_000, percent % 10_000).parse().unwrap(),
            per_minute: dice.micros(most),
            floor_per_minute: dice.micros(3 * most),
        };
        let seconds = u32::try_from(dice.below(14_401)).unwrap();
        let found = rate.amounts(seconds, &markup);
        assert_eq!(
            found,
            by_the_book(&rate, percent, &markup, seconds),
            "case {case}: {rate:?} {markup:?} {seconds} s"
        );
        let fewer = u32::try_from(dice.below(u64::from(seconds) + 1)).unwrap();
        assert!(rate.amounts(fewer, &markup).price <= found.price, "{fewer} s of {seconds} s");
    }
}

#[test]
fn numbers_are_found_as_by_looking_at_each_prefix() {
    let mut dice = Dice::seeded(2);
    let mut lines: Vec<(String, u64, String)> = Vec::new();
    for _ in 0..2_000 {
        let length = usize::try_from(1 + dice.below(6)).unwrap();
        let prefix =
            format!("{}{}", 1 + dice.below(3), format!("{:05}", dice.below(300)).get(..length - 1).unwrap());
        let day = 1 + dice.below(20);
        if !lines.iter().any(|(other, then, _)| (other, then) == (&prefix, &day)) {
            lines.push((prefix, day, format!("{}", lines.len())));
        }
    }
    let text = lines.iter().map(|(prefix, day, name)| format!("{prefix},{name},1,0,1,1,2026-01-{day:02}\n"));
    let deck = deck(&text.collect::<String>());
    for _ in 0..5_000 {
        let length = usize::try_from(5 + dice.below(11)).unwrap();
        let digits = format!("{}{:05}{:09}", 1 + dice.below(3), dice.below(300), dice.below(1_000_000_000));
        let number = digits.get(..length).unwrap();
        let today = 1 + dice.below(22);
        let known = lines.iter().filter(|(prefix, day, _)| number.starts_with(prefix) && *day <= today);
        let expected = known.max_by_key(|(prefix, day, _)| (prefix.len(), *day));
        let expected = expected.map(|(prefix, _, name)| format!("{prefix} 1.000000 {name}"));
        let said = found(&deck, &format!("+{number}"), &format!("2026-01-{today:02}T12:00"));
        assert_eq!(said, expected.unwrap_or_else(|| "nothing".to_owned()), "{number} on {today}");
    }
}

#[test]
fn a_customers_own_markup_stands_in_for_the_general_one() {
    let general = Markup { version: 1, percent: "10".parse().unwrap(), ..Markup::default() };
    let own = Markup { version: 2, per_minute: Micros(5), ..Markup::default() };
    assert_eq!(Markup::for_customer(general, Some(own)), own);
    assert_eq!(Markup::for_customer(general, None), general);
}

#[test]
fn prefixes_are_digits() {
    for (text, expected) in [("7", "7"), ("+7916", "7916"), ("123456789012345", "123456789012345")] {
        assert_eq!(text.parse::<Prefix>().unwrap().to_string(), expected);
    }
    for wrong in ["", "+", "0", "07", "7 916", "7*", "1234567890123456", "++7", "٧"] {
        assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
    }
}
