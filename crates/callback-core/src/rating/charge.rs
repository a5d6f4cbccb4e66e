//! What a leg cost and what is charged for it: whole seconds of a deck's rate, and a markup on them. Everything is computed
//! exactly and rounded once, up, to a millionth. It is pure arithmetic of its inputs, so that any charge can be made again
//! and compared.

use super::deck::{Deck, DeckId, Prefix, Rate};
use crate::money::{Currency, Micros, NotDecimal, decimal};
use crate::number::PhoneNumber;
use crate::plan::Address;
use crate::time::Ts;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A whole, in millionths.
const WHOLE: u32 = 1_000_000;
/// Digits after the point that a percentage has, so that it is whole millionths of the whole.
const PERCENT_PLACES: u32 = 4;
/// A percentage, at most: ten times the cost on top of it.
const MOST: u32 = 10 * WHOLE;

/// A share, in whole millionths: 10 % are 100000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Percent(u32);

/// A text that is no percentage of a markup.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAPercent {
    /// It is no exact decimal.
    #[error(transparent)]
    Decimal(#[from] NotDecimal),
    /// It is below nothing, or beyond all sense.
    #[error("write 0 to 1000 percent")]
    OutOfRange,
}

/// What is added to a cost to make a price of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Markup {
    /// Among all markups: one that was charged by stays as it is.
    pub version: u32,
    /// Of the cost.
    pub percent: Percent,
    /// For each billed minute.
    pub per_minute: Micros,
    /// What a billed minute is charged at least, all in all.
    pub floor_per_minute: Micros,
}

/// How long a leg lasted, and what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasted {
    /// Nobody picked up.
    Unanswered,
    /// Somebody did.
    Answered {
        /// When.
        at: Ts,
        /// Until it ended, counted on the monotonic clock.
        ms: u64,
    },
    /// Somebody did, and another one had the call already: the carrier is paid, the customer pays nothing.
    LostRace {
        /// When.
        at: Ts,
        /// Until it ended.
        ms: u64,
    },
}

/// What so many seconds cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amounts {
    /// As the carrier counts them.
    pub billable_s: u32,
    /// What the carrier takes.
    pub cost: Micros,
    /// What the customer is charged.
    pub price: Micros,
}

/// What a leg cost and is charged, with all that it was computed by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Charge {
    /// Whose carrier is paid.
    pub trunk: Arc<str>,
    /// Of both amounts.
    pub currency: Currency,
    /// The deck.
    pub deck: DeckId,
    /// Its version.
    pub deck_version: u32,
    /// The prefix whose rate it was.
    pub prefix: Prefix,
    /// The markup.
    pub markup_version: u32,
    /// Seconds, as the carrier counts them.
    pub billable_s: u32,
    /// What the carrier takes.
    pub cost: Micros,
    /// What the customer is charged.
    pub price: Micros,
}

/// The deck has no rate for a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the deck has no rate for this number")]
pub struct NoRate;

impl Markup {
    /// Whose markup holds for a customer: his own, as a whole, where he has one.
    #[must_use]
    pub fn for_customer(general: Self, own: Option<Self>) -> Self {
        own.unwrap_or(general)
    }
}

impl Charge {
    /// What a leg to an address is charged; none where it costs nothing: to SIP endpoints, and where nobody picked up.
    ///
    /// # Errors
    /// The deck had no rate for the number when it was answered.
    pub fn of(to: &Address, lasted: Lasted, deck: &Deck, markup: &Markup) -> Result<Option<Self>, NoRate> {
        let (at, ms, is_charged) = match lasted {
            Lasted::Unanswered => return Ok(None),
            Lasted::Answered { at, ms } => (at, ms, true),
            Lasted::LostRace { at, ms } => (at, ms, false),
        };
        let number = match to {
            Address::Sip(_) => return Ok(None),
            Address::Phone(number) => *number,
        };
        let found = deck.rates.find(number, at).ok_or(NoRate)?;
        let Amounts { billable_s, cost, price } = found.rate.amounts(seconds(ms), markup);
        Ok(Some(Self {
            trunk: deck.trunk.clone(),
            currency: deck.currency,
            deck: deck.id,
            deck_version: deck.version,
            prefix: found.prefix,
            markup_version: markup.version,
            billable_s,
            cost,
            price: if is_charged { price } else { Micros::ZERO },
        }))
    }

    /// Whether it comes out the same when it is made again.
    #[must_use]
    pub fn agrees_with(&self, to: &Address, lasted: Lasted, deck: &Deck, markup: &Markup) -> bool {
        Self::of(to, lasted, deck, markup).is_ok_and(|again| again.as_ref() == Some(self))
    }
}

impl Deck {
    /// What so many seconds to an address are charged at most where it is answered between two instants; none where there
    /// is no rate then. A charge for as many seconds, or fewer, is never above it; to go on for longer, what the quote of all
    /// seconds is above what is reserved is reserved too.
    #[must_use]
    pub fn quote(&self, to: &Address, answered: (Ts, Ts), seconds: u32, markup: &Markup) -> Option<Micros> {
        let number: PhoneNumber = match to {
            Address::Sip(_) => return Some(Micros::ZERO),
            Address::Phone(number) => *number,
        };
        let (earliest, latest) = answered;
        let changes = self.rates.changes(number, earliest, latest);
        let found = changes.chain([earliest]).filter_map(|at| self.rates.find(number, at));
        found.map(|found| found.rate.amounts(seconds, markup).price).max()
    }
}

impl Rate {
    /// What so many seconds cost; 0 are those of a leg that nobody answered. Amounts that do not fit are the greatest that
    /// does: no leg of a month comes near.
    #[must_use]
    pub fn amounts(&self, seconds: u32, markup: &Markup) -> Amounts {
        let billable_s = self.billable_s(seconds);
        if seconds == 0 {
            return Amounts { billable_s, cost: Micros::ZERO, price: Micros::ZERO };
        }
        let billable = i128::from(billable_s);
        let per_minute = |amount: Micros| i128::from(amount.0) * billable;
        // Sixtieths of a millionth, and millionths of those.
        let cost = i128::from(self.connect.0) * MINUTE + per_minute(self.per_minute);
        let price =
            cost * i128::from(WHOLE + markup.percent.0) + per_minute(markup.per_minute) * i128::from(WHOLE);
        let floor = per_minute(markup.floor_per_minute) * i128::from(WHOLE);
        Amounts {
            billable_s,
            cost: up(cost, MINUTE),
            price: up(price.max(floor), MINUTE * i128::from(WHOLE)),
        }
    }

    /// Seconds, as the carrier counts them.
    fn billable_s(&self, seconds: u32) -> u32 {
        let initial = u32::from(self.initial_s);
        let increment = u32::from(self.increment_s.get());
        match seconds.checked_sub(initial) {
            _ if seconds == 0 => 0,
            None => initial,
            Some(rest) => initial.saturating_add(rest.div_ceil(increment).saturating_mul(increment)),
        }
    }
}

/// Seconds of a minute.
const MINUTE: i128 = 60;

/// Divides what is not below nothing, and rounds up.
fn up(amount: i128, by: i128) -> Micros {
    Micros(i64::try_from((amount + by - 1) / by).unwrap_or(i64::MAX))
}

/// Whole seconds of a leg that was answered, begun ones among them: one at least.
fn seconds(ms: u64) -> u32 {
    u32::try_from(ms.div_ceil(1_000).max(1)).unwrap_or(u32::MAX)
}

impl FromStr for Percent {
    type Err = NotAPercent;

    /// Reads `10`, `12.5`: percent, at most four digits after the point.
    fn from_str(text: &str) -> Result<Self, NotAPercent> {
        let millionths =
            u32::try_from(decimal(text, PERCENT_PLACES)?).map_err(|_| NotAPercent::OutOfRange)?;
        if millionths <= MOST { Ok(Self(millionths)) } else { Err(NotAPercent::OutOfRange) }
    }
}

/// As it is read: `12.5`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u32.pow(PERCENT_PLACES);
        let text = format!("{}.{:04}", self.0 / one, self.0 % one);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl TryFrom<String> for Percent {
    type Error = NotAPercent;

    fn try_from(text: String) -> Result<Self, NotAPercent> {
        text.parse()
    }
}
