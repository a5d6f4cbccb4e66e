//! How fast legs are charged, and what a large deck takes: the core's own code, alone on its core.

use crate::figures::{Row, mb, ms};
use anyhow::{Context as _, Result};
use callback_core::plan::Address;
use callback_core::rating::charge::{Charge, Lasted, Markup};
use callback_core::rating::deck::{COLUMNS, Deck, DeckId, Rates};
use callback_core::time::Ts;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PREFIXES: u64 = 200_000;
const NUMBERS: usize = 1_000_000;
/// After the first day of all rates.
const ANSWERED: Ts = Ts(1_800_000_000_000_000);

/// A deck of 200,000 prefixes, and charges of random numbers by it.
pub(crate) fn rating(quick: bool) -> Result<Vec<Row>> {
    let mut dice = Dice(1);
    let file = file(&mut dice);
    let zone = TimeZone::get("Europe/Moscow")?;
    let before = memory("VmRSS")?;
    // The peak is counted from here.
    fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let rates = Rates::parse(file.as_bytes(), &zone).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let loaded = began.elapsed();
    let (kept, peak) = (memory("VmRSS")?.saturating_sub(before), memory("VmHWM")?.saturating_sub(before));
    let deck = Deck {
        id: DeckId(Uuid::nil()),
        version: 1,
        trunk: "provider".into(),
        currency: "RUB".parse()?,
        rates,
    };
    let rate = charges(&deck, &mut dice, if quick { 5 } else { 50 })?;
    let load = format!("{}; {} kept, {} at most", ms(loaded), mb(kept), mb(peak));
    let is_small = loaded <= Duration::from_secs(1) && peak <= 64 << 10;
    Ok(vec![
        Row::new("a deck of 200,000 prefixes is read", load, "1 s, 64 MB").if_within(is_small),
        Row::new(
            "charges of random numbers by it",
            format!("{:.1} million a second of processor", rate / 1e6),
            "5 million",
        )
        .if_within(rate >= 5e6),
    ])
}

/// Charges a second of processor, in the quickest of some rounds: what other programs do to the caches is not measured.
fn charges(deck: &Deck, dice: &mut Dice, rounds: usize) -> Result<f64> {
    let markup = Markup { percent: "10".parse()?, ..Markup::default() };
    let numbers: Vec<_> = (0..NUMBERS)
        .map(|_| Ok(Address::Phone(format!("+{}", 10_000_000_000 + dice.below(80_000_000_000)).parse()?)))
        .collect::<Result<_>>()?;
    let mut quickest = Duration::MAX;
    for round in 0..rounds {
        let began = processor()?;
        for (at, number) in numbers.iter().enumerate() {
            let lasted = Lasted::Answered { at: ANSWERED, ms: (at * 31 + round) as u64 % 600_000 };
            black_box(Charge::of(black_box(number), lasted, deck, &markup)?);
        }
        quickest = quickest.min(processor()?.saturating_sub(began));
    }
    Ok(NUMBERS as f64 / quickest.as_secs_f64())
}

/// How long this thread has had a processor.
fn processor() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let spent = text.split_whitespace().next().context("/proc/self/schedstat")?;
    Ok(Duration::from_nanos(spent.parse()?))
}

/// Every beginning of 1 to 8 with a digit behind it has a rate, so each number has one; most prefixes are longer.
fn file(dice: &mut Dice) -> String {
    let mut text = COLUMNS.join(",");
    for at in 0..PREFIXES {
        let prefix = match at {
            0..80 => 10 + at,
            _ => 100_000 + at * 4 + dice.below(4),
        };
        let rate = dice.below(9_000_000);
        let _ = write!(
            text,
            "\n{prefix},\"Country {}, network {at}\",{}.{:06},0.01,",
            prefix % 200,
            rate / 1_000_000,
            rate % 1_000_000
        );
        text.push_str(if dice.below(2) == 0 { "60,60,2026-01-01" } else { "1,1,2026-02-01" });
    }
    text
}

/// A line of `/proc/self/status`, in kB.
fn memory(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let words = line.and_then(|line| line.split_whitespace().next()).context("/proc/self/status")?;
    Ok(words.parse()?)
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 20) % bound
    }
}
