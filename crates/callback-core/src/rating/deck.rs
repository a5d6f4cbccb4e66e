//! A carrier's deck: what a minute to the numbers of each prefix costs, and from which day on. It is read whole or not at
//! all, and finds the rate of a number at an instant. What a call costs by it is [`super::charge`]'s.

use super::table::{Row, Rows};
use crate::money::{Currency, Micros};
use crate::number::PhoneNumber;
use crate::schedule;
use crate::time::Ts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// The columns, as the first line names them.
pub const COLUMNS: [&str; 7] =
    ["prefix", "description", "rate_per_minute", "connect_fee", "initial_s", "increment_s", "effective_from"];
/// Bytes of a file, at most.
pub const FILE: usize = 64 << 20;
/// Rates of a deck, at most.
pub const RATES: usize = 1_000_000;
/// Characters of a description, at most.
pub const DESCRIPTION: usize = 200;
/// A rate and a connect fee, at most: ten million of the currency's unit.
pub const DEAREST: Micros = Micros(10_000_000_000_000);
/// Initial and increment, at most, in seconds.
pub const LONGEST_STEP_S: u16 = 3_600;
/// Problems that are told of one file, at most.
pub const PROBLEMS: usize = 20;

/// A deck's id, across its versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeckId(pub Uuid);

/// The rates of one trunk, in one currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deck {
    /// Which one.
    pub id: DeckId,
    /// Which import of it: one that was rated by stays as it is.
    pub version: u32,
    /// Whose calls it rates, by its name.
    pub trunk: Arc<str>,
    /// Of all its amounts.
    pub currency: Currency,
    /// What it says.
    pub rates: Rates,
}

/// What a file of rates says, made for finding: row by row by prefix, and by date within a prefix. What is looked at for
/// many rows is close together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// The prefix of each row, in the order of [`place`]: each before those that it begins.
    places: Vec<u64>,
    /// Where the rows of each first four digits begin, so that few are looked through.
    shelves: Vec<u32>,
    rows: Vec<Dated>,
    /// Where the description of each row is.
    described: Vec<(u32, u32)>,
    /// All descriptions, one behind the other.
    descriptions: String,
}

/// What calls to a prefix cost from an instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// For a minute.
    pub per_minute: Micros,
    /// For the answer alone.
    pub connect: Micros,
    /// Seconds that are counted in any case.
    pub initial_s: u16,
    /// By what the seconds behind them are counted.
    pub increment_s: NonZeroU16,
    /// Since when: the beginning of its day where the operator is.
    pub from: Ts,
}

/// The beginning of numbers: their first digits, 1 to 15, the first not 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Prefix(u64);

/// A text that is no prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write the first digits of numbers with their country code, like 7916")]
pub struct NotAPrefix;

/// The rate of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<'a> {
    /// The longest that has a rate.
    pub prefix: Prefix,
    /// What it costs.
    pub rate: &'a Rate,
    row: usize,
}

/// What is wrong in a file, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}{}: {what}", name_of(*.column))]
pub struct Problem {
    /// From 1.
    pub line: u32,
    /// Which field of the line, from 1.
    pub column: usize,
    /// With what to do about it.
    pub what: String,
}

/// All that is told of a file that cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems(pub Vec<Problem>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Dated {
    rate: Rate,
    /// Behind the row that is looked at where this one does not hold: the one before it of the same prefix, or else the last
    /// one of the longest prefix that begins this one.
    next: Option<NonZeroU32>,
}

/// A line that was read.
struct Read {
    place: u64,
    line: u32,
    rate: Rate,
    described: (u32, u32),
}

impl Rates {
    /// Reads a file: UTF-8, with a byte order mark or without, `,` or `;` between the columns, a decimal point in numbers.
    /// A date counts from its midnight in `zone`.
    ///
    /// # Errors
    /// Anything is wrong: then nothing of it is taken.
    pub fn parse(file: &[u8], zone: &TimeZone) -> Result<Self, Problems> {
        let one = |problem| Problems(vec![problem]);
        let text = text_of(file).map_err(one)?;
        let mut rows = Rows::of(text);
        header(rows.next()).map_err(one)?;
        let mut descriptions = String::new();
        let (mut read, mut problems) = (Vec::new(), Vec::new());
        for row in rows {
            match row.and_then(|row| rate(&row, zone, &mut descriptions)) {
                Ok(line) if read.len() == RATES => {
                    problems.push(Problem::at(
                        line.line,
                        1,
                        format!("more than {RATES} rates; split the deck"),
                    ));
                    break;
                }
                Ok(line) => read.push(line),
                Err(problem) => problems.push(problem),
            }
            if problems.len() == PROBLEMS {
                break;
            }
        }
        if problems.is_empty() {
            read.sort_unstable_by_key(|line: &Read| (line.place, line.rate.from, line.line));
            problems = twice(&read);
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        descriptions.shrink_to_fit();
        Ok(indexed(read, descriptions))
    }

    /// The rate of a number at an instant: of the longest prefix that has one by then, the latest.
    #[must_use]
    pub fn find(&self, number: PhoneNumber, at: Ts) -> Option<Found<'_>> {
        let (row, Dated { rate, .. }) = self.of(number).find(|(_, dated)| dated.rate.from <= at)?;
        Some(Found { prefix: Prefix(digits(*self.places.get(row)?)), rate, row })
    }

    /// What the deck calls the numbers of a prefix.
    #[must_use]
    pub fn description(&self, of: &Found<'_>) -> &str {
        let range = self
            .described
            .get(of.row)
            .and_then(|(begin, end)| Some(usize::try_from(*begin).ok()?..usize::try_from(*end).ok()?));
        range.and_then(|range| self.descriptions.get(range)).unwrap_or_default()
    }

    /// Everything that it says, in the order of prefixes and, within one, of dates; with what the numbers are called.
    pub fn rows(&self) -> impl Iterator<Item = (Prefix, &Rate, &str)> {
        let rows = self.places.iter().zip(&self.rows).enumerate();
        rows.map(|(row, (place, Dated { rate, .. }))| {
            let found = Found { prefix: Prefix(digits(*place)), rate, row };
            (found.prefix, rate, self.description(&found))
        })
    }

    /// When the rate of a number may become another one, after an instant and until another.
    pub(super) fn changes(&self, number: PhoneNumber, after: Ts, until: Ts) -> impl Iterator<Item = Ts> {
        let all = self.of(number).map(|(_, dated)| dated.rate.from);
        all.filter(move |from| (after < *from) && (*from <= until))
    }

    /// The rows of a number: of its longest prefix first, of that the latest.
    fn of(&self, number: PhoneNumber) -> impl Iterator<Item = (usize, &Dated)> {
        let number = place(number.digits());
        // Prefixes behind its longest one that are not behind the number begin with that one, and lead to it.
        let row = |behind: usize| behind.checked_sub(1).and_then(|row| Some((row, self.rows.get(row)?)));
        let next = move |(_, dated): &(usize, &Dated)| row(usize::try_from(dated.next?.get()).ok()?);
        let rows = std::iter::successors(row(self.behind(number)), next);
        rows.filter(move |(row, _)| self.places.get(*row).is_some_and(|place| begins(*place, number)))
    }

    /// How many rows stand at a place or before it.
    fn behind(&self, place: u64) -> usize {
        let shelf = shelf(place);
        let edge = |at: usize| self.shelves.get(at).and_then(|edge| usize::try_from(*edge).ok());
        let (begin, end) = (edge(shelf).unwrap_or(0), edge(shelf + 1).unwrap_or(0));
        let few = self.places.get(begin..end).unwrap_or_default();
        begin + few.partition_point(|known| *known <= place)
    }
}

impl Problem {
    pub(super) fn at(line: u32, column: usize, what: String) -> Self {
        Self { line, column, what }
    }
}

fn name_of(column: usize) -> String {
    let name = column.checked_sub(1).and_then(|at| COLUMNS.get(at));
    name.map_or_else(String::new, |name| format!(" ({name})"))
}

fn text_of(file: &[u8]) -> Result<&str, Problem> {
    if file.len() > FILE {
        return Err(Problem::at(1, 1, format!("more than {} MB; split the deck", FILE >> 20)));
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = String::from_utf8_lossy(file.get(..error.valid_up_to()).unwrap_or_default());
        let line = before.rsplit('\n').next().unwrap_or_default();
        let lines = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
        let what = "letters that are no UTF-8; save the table as \"CSV UTF-8\"";
        Problem::at(lines.saturating_add(1), line.matches([',', ';']).count() + 1, what.to_owned())
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn header(row: Option<Result<Row<'_>, Problem>>) -> Result<(), Problem> {
    let Row { line, fields } = row.unwrap_or_else(|| Ok(Row { line: 1, fields: Vec::new() }))?;
    let differs = |at: usize| fields.get(at).map(AsRef::as_ref) != COLUMNS.get(at).copied();
    match (0..fields.len().max(COLUMNS.len())).find(|at| differs(*at)) {
        None => Ok(()),
        Some(at) => {
            let first = COLUMNS.join(",");
            Err(Problem::at(line, at + 1, format!("the first line must be {first} (or with ; between them)")))
        }
    }
}

/// Reads a line; its description goes to the others.
fn rate(row: &Row<'_>, zone: &TimeZone, descriptions: &mut String) -> Result<Read, Problem> {
    let wrong = |column: usize, what: String| Problem::at(row.line, column, what);
    let [prefix, description, per_minute, connect, initial, increment, date] = row.fields.as_slice() else {
        let found = row.fields.len();
        let count = COLUMNS.len();
        let what = format!("columns: {found}, not {count}; quote a text with a separator in it");
        return Err(wrong(found.min(count), what));
    };
    let value = |text: &str| format!("{:?}", text.chars().take(40).collect::<String>());
    let amount = |column, text: &str| match text.parse::<Micros>() {
        Ok(amount) if amount < Micros::ZERO => {
            Err(wrong(column, format!("{}: write 0 or more", value(text))))
        }
        Ok(amount) if amount > DEAREST => {
            Err(wrong(column, format!("{}: write {DEAREST} at most", value(text))))
        }
        Ok(amount) => Ok(amount),
        Err(problem) => Err(wrong(column, format!("{}: {problem}", value(text)))),
    };
    let seconds = |column, text: &str, least: u16| {
        let fits = |seconds: &u16| (least..=LONGEST_STEP_S).contains(seconds);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(fits).filter(|_| is_plain).ok_or_else(|| {
            wrong(column, format!("{}: write whole seconds, {least} to {LONGEST_STEP_S}", value(text)))
        })
    };
    let read =
        Prefix::from_str(prefix).map_err(|problem| wrong(1, format!("{}: {problem}", value(prefix))))?;
    if description.chars().nth(DESCRIPTION).is_some() {
        return Err(wrong(2, format!("at most {DESCRIPTION} characters")));
    }
    let rate = Rate {
        per_minute: amount(3, per_minute)?,
        connect: amount(4, connect)?,
        initial_s: seconds(5, initial, 0)?,
        increment_s: seconds(6, increment, 1).map(|step| NonZeroU16::new(step).unwrap_or(NonZeroU16::MIN))?,
        from: day(date, zone).ok_or_else(|| {
            wrong(7, format!("{}: write a day as year-month-day, like 2026-01-31", value(date)))
        })?,
    };
    let described = described(description, descriptions);
    Ok(Read { place: place(read.0), line: row.line, rate, described })
}

/// Where a description is among the others, of which the last is often the same.
fn described(description: &str, all: &mut String) -> (u32, u32) {
    // The limit of a file keeps them within 32 bits.
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let begin = if all.ends_with(description) { all.len() - description.len() } else { all.len() };
    if begin == all.len() {
        all.push_str(description);
    }
    (offset(begin), offset(all.len()))
}

/// When a date begins in a zone.
fn day(text: &str, zone: &TimeZone) -> Option<Ts> {
    // Other spellings of ISO 8601 are not for people.
    let date: Date = Some(text).filter(|text| text.len() == "2026-01-31".len())?.parse().ok()?;
    schedule::instant(date, 0, zone)
}

/// Prefixes that have two rates from one day on.
fn twice(sorted: &[Read]) -> Vec<Problem> {
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    let same = pairs.filter(|(one, other)| (one.place, one.rate.from) == (other.place, other.rate.from));
    let mut lines: Vec<_> = same.map(|(one, other)| (other.line, one.line)).collect();
    lines.sort_unstable();
    lines.truncate(PROBLEMS);
    let told = |(line, before)| {
        let what = format!("this prefix has a rate from that day on line {before}; remove one of them");
        Problem::at(line, 1, what)
    };
    lines.into_iter().map(told).collect()
}

fn indexed(sorted: Vec<Read>, descriptions: String) -> Rates {
    let rows = sorted.len();
    let mut rates = Rates {
        places: Vec::with_capacity(rows),
        shelves: Vec::with_capacity(SHELVES + 1),
        rows: Vec::with_capacity(rows),
        described: Vec::with_capacity(rows),
        descriptions,
    };
    // The last rows of those prefixes that may begin the next one, each of which begins the one behind it.
    let mut open: Vec<(u64, NonZeroU32)> = Vec::new();
    // The limit of rates keeps them within 32 bits.
    for (at, Read { place, rate, described, .. }) in (0_u32..).zip(sorted) {
        while open.last().is_some_and(|(before, _)| !begins(*before, place)) {
            open.pop();
        }
        rates.rows.push(Dated { rate, next: open.last().map(|(_, behind)| *behind) });
        open.push((place, NonZeroU32::MIN.saturating_add(at)));
        rates.shelves.resize(rates.shelves.len().max(shelf(place) + 1), at);
        rates.places.push(place);
        rates.described.push(described);
    }
    rates.shelves.resize(SHELVES + 1, u32::try_from(rows).unwrap_or(u32::MAX));
    rates
}

/// Digits of the longest number.
const LONGEST: u32 = 15;
const TENS: [u64; 16] = {
    let mut tens = [1; 16];
    let mut at = 1;
    while at < tens.len() {
        #[expect(clippy::indexing_slicing, reason = "within its length")]
        {
            tens[at] = tens[at - 1] * 10;
        }
        at += 1;
    }
    tens
};

fn ten_to(power: u32) -> u64 {
    usize::try_from(power).ok().and_then(|power| TENS.get(power)).copied().unwrap_or(1)
}

/// Where digits stand in the order of a dictionary: filled up with zeros to 15, and how many they were.
fn place(digits: u64) -> u64 {
    let length = digits.checked_ilog10().map_or(1, |tens| tens + 1);
    digits * ten_to(LONGEST.saturating_sub(length)) * 16 + u64::from(length)
}

/// Beginnings of four digits.
const SHELVES: usize = 9_000;

/// Which of these a place has, from 0.
fn shelf(place: u64) -> usize {
    usize::try_from(place / 16 / ten_to(LONGEST - 4)).unwrap_or(SHELVES).saturating_sub(1_000)
}

/// How many digits have a place.
fn length(place: u64) -> u32 {
    u32::try_from(place % 16).unwrap_or(LONGEST)
}

/// The digits of a place.
fn digits(of: u64) -> u64 {
    of / 16 / ten_to(LONGEST.saturating_sub(length(of)))
}

/// Whether the digits of one place are the first of another's, which is that one or stands behind it.
fn begins(prefix: u64, other: u64) -> bool {
    (other / 16).wrapping_sub(prefix / 16) < ten_to(LONGEST.saturating_sub(length(prefix)))
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    /// Reads 1 to 15 digits, with a `+` before them or without.
    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (1..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { digits.parse().map(Self).map_err(|_| NotAPrefix) } else { Err(NotAPrefix) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl TryFrom<String> for Prefix {
    type Error = NotAPrefix;

    fn try_from(text: String) -> Result<Self, NotAPrefix> {
        text.parse()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
