//! `callback quote`: what calls cost by a deck that is not taken yet, and what they would be charged. It reads a file and
//! knows neither configuration nor database; whose calls, and in which currency, is nothing to it.

use crate::cli::tell;
use crate::clock::wall_now;
use anyhow::{Context as _, Result};
use callback_core::money::Micros;
use callback_core::number::{NotE164, PhoneNumber};
use callback_core::rating::charge::{Amounts, Markup, Percent};
use callback_core::rating::deck::{Found, Prefix, Rates};
use callback_core::time::Ts;
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt;
use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;

/// Seconds of a call, at most: a month's.
const LONGEST_S: u32 = 31 * 86_400;

/// What is asked.
#[derive(Args, Debug)]
pub(crate) struct Quote {
    /// The carrier's deck: prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from
    #[arg(long, value_name = "FILE.csv")]
    deck: PathBuf,
    /// Added to the cost, in percent of it
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    markup_percent: Percent,
    /// Added for each billed minute
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = amount)]
    markup_per_minute: Micros,
    /// What a billed minute is charged at least
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = amount)]
    floor_per_minute: Micros,
    /// Who is called, like +79161234567
    #[arg(long, value_parser = number, required_unless_present = "batch")]
    number: Option<PhoneNumber>,
    /// How long they talk; 0 is nobody's answer
    #[arg(long, value_parser = seconds, required_unless_present = "batch")]
    seconds: Option<u32>,
    /// Read lines of number and seconds, write number, seconds, prefix, billed seconds, cost and price: a tab between them
    #[arg(long, conflicts_with_all = ["number", "seconds", "json"])]
    batch: bool,
    /// The day of the answer; today where it is not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<Date>,
}

/// Says what was asked.
///
/// # Errors
/// The deck, or a line of a batch, is wrong, or the number has no rate.
pub(crate) fn quote(asked: &Quote, as_json: bool) -> Result<()> {
    let file =
        std::fs::read(&asked.deck).with_context(|| format!("{} cannot be read", asked.deck.display()))?;
    let zone = TimeZone::system();
    let rates = Rates::parse(&file, &zone)?;
    let at = match asked.on {
        Some(date) => Ts(date.to_zoned(zone.clone())?.timestamp().as_microsecond()),
        None => wall_now(),
    };
    let markup = Markup {
        percent: asked.markup_percent,
        per_minute: asked.markup_per_minute,
        floor_per_minute: asked.floor_per_minute,
        ..Markup::default()
    };
    let (Some(number), Some(seconds)) = (asked.number, asked.seconds) else {
        return match batch(&rates, &markup, at) {
            Err(error) if is_reader_gone(&error) => Ok(()),
            done => done,
        };
    };
    let found = rates.find(number, at).context("the deck has no rate for this number on that day")?;
    let answer = Answer::of(number, seconds, &found, rates.description(&found), &markup);
    tell(&answer, &answer, as_json);
    Ok(())
}

/// What one call costs; amounts are decimals, as texts.
#[derive(Serialize)]
struct Answer<'a> {
    number: PhoneNumber,
    seconds: u32,
    prefix: Prefix,
    description: &'a str,
    rate_per_minute: String,
    connect_fee: String,
    initial_s: u16,
    increment_s: NonZeroU16,
    billable_s: u32,
    cost: String,
    price: String,
    margin: String,
}

impl<'a> Answer<'a> {
    fn of(
        number: PhoneNumber,
        seconds: u32,
        Found { prefix, rate, .. }: &Found<'_>,
        description: &'a str,
        markup: &Markup,
    ) -> Self {
        let Amounts { billable_s, cost, price } = rate.amounts(seconds, markup);
        Self {
            number,
            seconds,
            prefix: *prefix,
            description,
            rate_per_minute: rate.per_minute.to_string(),
            connect_fee: rate.connect.to_string(),
            initial_s: rate.initial_s,
            increment_s: rate.increment_s,
            billable_s,
            cost: cost.to_string(),
            price: price.to_string(),
            margin: Micros(price.0.saturating_sub(cost.0)).to_string(),
        }
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} has the prefix {}: {}", self.number, self.prefix, self.description)?;
        write!(f, "{} a minute, {} for the answer, ", self.rate_per_minute, self.connect_fee)?;
        writeln!(f, "counted by {}/{} seconds", self.initial_s, self.increment_s)?;
        writeln!(f, "{} s are billed as {} s", self.seconds, self.billable_s)?;
        write!(f, "cost {}, price {}, margin {}", self.cost, self.price, self.margin)
    }
}

/// Answers line by line.
fn batch(rates: &Rates, markup: &Markup, at: Ts) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for (line, text) in (1_u64..).zip(io::stdin().lock().lines()) {
        let text = text.with_context(|| format!("line {line}"))?;
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        let asked = text
            .split_once('\t')
            .context("write a number, a tab and seconds")
            .and_then(|(called, lasted)| Ok((number(called)?, seconds(lasted).map_err(anyhow::Error::msg)?)));
        let (number, seconds) = match asked {
            Ok(asked) => asked,
            Err(problem) => {
                out.flush()?;
                return Err(problem.context(format!("line {line}, {text:?}")));
            }
        };
        match rates.find(number, at) {
            None => writeln!(out, "{text}\t-\t-\t-\t-")?,
            Some(Found { prefix, rate, .. }) => {
                let Amounts { billable_s, cost, price } = rate.amounts(seconds, markup);
                writeln!(out, "{text}\t{prefix}\t{billable_s}\t{cost}\t{price}")?;
            }
        }
    }
    Ok(out.flush()?)
}

fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Decks and carriers write numbers without the plus as well.
fn number(text: &str) -> Result<PhoneNumber, NotE164> {
    if text.starts_with('+') { text.parse() } else { format!("+{text}").parse() }
}

fn seconds(text: &str) -> Result<u32, String> {
    let read = text.parse().ok().filter(|seconds| *seconds <= LONGEST_S);
    read.ok_or_else(|| format!("{text:?}: write whole seconds, 0 to {LONGEST_S}"))
}

pub(crate) fn amount(text: &str) -> Result<Micros, String> {
    let read: Micros = text.parse().map_err(|problem| format!("{problem}"))?;
    if read < Micros::ZERO { Err("write 0 or more".to_owned()) } else { Ok(read) }
}
