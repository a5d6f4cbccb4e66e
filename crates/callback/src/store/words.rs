//! What goes into the store and what comes out of it.

use super::writer::is_of_item;
use crate::ids::{CustomerId, SiteId, SiteKey};
use callback_core::arrival::Arrival;
use callback_core::billing::Terms;
use callback_core::blacklist::Blacklist;
use callback_core::flow::{Detail, Input, Intent, IntentEnd, Past, VisitorState};
use callback_core::id::{LegId, OrderId};
use callback_core::ledger::{Booking, OtherCurrency, Refused};
use callback_core::number::{Country, PhoneNumber};
use callback_core::plan::{Callee, Plan, Telephone};
use callback_core::rating::charge::Charge;
use callback_core::record::{CallRecord, Disposition, NotCalled};
use callback_core::site::Site;
use callback_core::time::Ts;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the order: stop serving it.
    #[error("another process serves the order: this one's fence is lost")]
    FenceLost,
    /// The order has a stored end: it is not dialled any more.
    #[error("the order has ended: it is not dialled any more")]
    OrderEnded,
    /// The leg's number is an earlier dial's.
    #[error("leg {0} was dialled before: no intent is dialled twice")]
    LegTaken(LegId),
    /// The database did not take it in the time that it was given; it is not stored.
    #[error("the database did not take it in time")]
    TooLate,
    /// More waits to be written than may wait.
    #[error("more waits to be written than the store may hold; try again in a moment")]
    Overloaded,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The ledger does not take a booking: nothing is written of it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A booking of another currency than its customer's.
    #[error(transparent)]
    OtherCurrency(OtherCurrency),
    /// A settings file that cannot be applied as it is.
    #[error("{0}")]
    Settings(String),
    /// The database refused.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A value that has no JSON form.
    #[error("a value has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// Whether the database is to blame, and not what it was asked: it may take the same later.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::TooLate | Self::Closed => true,
            Self::Database(error) => !is_of_item(error),
            Self::FenceLost
            | Self::OrderEnded
            | Self::LegTaken(_)
            | Self::Overloaded
            | Self::Refused(_)
            | Self::OtherCurrency(_)
            | Self::Settings(_)
            | Self::Json(_) => false,
        }
    }
}

/// What every order has, accepted or refused.
#[derive(Clone, PartialEq, Debug)]
pub struct OrderFacts {
    /// Made in the browser.
    pub id: OrderId,
    /// For which site.
    pub site: SiteId,
    /// Whose it is.
    pub customer: CustomerId,
    /// The number's home, or the visitor's own where the number has none.
    pub country: Country,
    /// The published version that it was admitted by.
    pub settings_version: u32,
    /// When it came.
    pub accepted_at: Ts,
    /// The visit, as the web has checked it.
    pub visit: Value,
    /// The consent, as the web has checked it.
    pub consent: Value,
    /// What is known of it, as it was understood when it came.
    pub arrival: Box<Arrival>,
    /// Where it came from.
    pub ip: Option<IpAddr>,
    /// The office that the visitor chose, by its name.
    pub office: Option<Arc<str>>,
}

/// An order that is brought.
#[derive(Clone, PartialEq, Debug)]
pub struct NewOrder {
    /// For whom.
    pub phone: OrderPhone,
    /// When it is due; the instant of its acceptance for "now".
    pub run_at: Ts,
    /// Why it is not called, where that is known before the store is asked: it is stored ended.
    pub refused: Option<NotCalled>,
    /// How long it looks like a call to its visitor, if what stands against it is not to be told.
    pub pretence: Duration,
    /// What is held to; none in practice, where no telephone rings.
    pub caps: Option<AddressCaps>,
    /// The rest.
    pub facts: OrderFacts,
}

/// How many orders of one address may stay without an answer: by how many they may outnumber those whose visitors
/// did answer, within a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressCaps {
    /// Within ten minutes.
    pub in_10min: u32,
    /// Within an hour.
    pub in_hour: u32,
}

/// Who claims orders, and how much he can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claimant {
    /// The process.
    pub owner: Uuid,
    /// How many he takes at once.
    pub limit: u32,
    /// How many calls he could begin if he were alone: trunks carry the calls of all processes. Those that are only to
    /// be ended, or went on before, he takes all the same.
    pub room: u32,
    /// Whether the caps per telephone are held to: not in practice.
    pub guarded: bool,
}

/// What an order was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderPhone {
    /// A number.
    Number(PhoneNumber),
    /// What was written, where it is a number that is never dialled; at most 64 characters are kept.
    Written(Arc<str>),
}

impl fmt::Display for OrderPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Written(text) => text
                .chars()
                .filter(|letter| *letter != '\0')
                .take(64)
                .try_for_each(|letter| write!(f, "{letter}")),
        }
    }
}

impl FromStr for OrderPhone {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Written(text.into()), Self::Number))
    }
}

/// An order as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct OrderRow {
    /// For whom.
    pub phone: OrderPhone,
    /// When it is due; of a joined order, when the other is.
    pub run_at: Ts,
    /// The running order that it saw when it came: this one is never dialled.
    pub joined_to: Option<OrderId>,
    /// What the visitor sees; of a joined order, what the other's does.
    pub state: VisitorState,
    /// What goes with it.
    pub detail: Detail,
    /// How many processes have had it.
    pub process: u16,
    /// When its outcome was settled; of a joined order, the other's.
    pub ended_at: Option<Ts>,
    /// The rest.
    pub facts: OrderFacts,
}

/// What became of an order that was brought.
#[derive(Clone, PartialEq, Debug)]
pub enum Acceptance {
    /// It is stored.
    New(OrderRow),
    /// It was stored before.
    Same(OrderRow),
    /// Its id is another order's: another telephone, or another site.
    Conflict,
    /// It is stored, and joined to one that runs, whose state it shows; whose order that is it does not say.
    Joined(OrderRow),
}

/// A process's hold on an order; writes under a lost one are refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fence {
    /// The order.
    pub order: OrderId,
    /// The how-manieth process.
    pub process: u16,
}

/// How long a claimed order is held, by which clock, and whose hold has lapsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The wall's time: what is due, and the sign of life.
    pub now: Ts,
    /// The hold's end, by a clock that does not jump.
    pub until: Ts,
    /// Holds that end before this, by the same clock, have lapsed: their process is dead.
    pub lapsed: Ts,
}

impl Hold {
    /// By a clock that is right.
    #[must_use]
    pub fn at(now: Ts, lease: Duration) -> Self {
        Self { now, until: now + lease, lapsed: now }
    }
}

/// An order that this process is to serve.
#[derive(Clone, PartialEq, Debug)]
pub struct ClaimedOrder {
    /// What every write about it carries.
    pub fence: Fence,
    /// The number to call.
    pub phone: PhoneNumber,
    /// The order.
    pub order: OrderRow,
    /// The plan of the earlier processes; none where it was never begun.
    pub plan: Option<Arc<Plan>>,
    /// The dials of earlier processes.
    pub intents: Vec<StoredIntent>,
    /// When the last of them was seen alive; the acceptance, where there was none.
    pub last_sign: Ts,
    /// What stands against it by now, though it was accepted for a time to come.
    pub refused: Option<NotCalled>,
}

impl ClaimedOrder {
    /// The visitor's telephone was dialled by an earlier process.
    #[must_use]
    pub fn rang(&self) -> bool {
        self.intents.iter().any(|stored| stored.intent.callee == Callee::Visitor)
    }

    /// What its flow begins with.
    #[must_use]
    pub fn past(&self) -> Past {
        Past {
            intents: self.intents.iter().map(|stored| stored.intent).collect(),
            shown: (self.order.process > 1).then_some(self.order.state),
        }
    }
}

/// A dial, and what is needed to hang it up after a crash.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredIntent {
    /// The dial.
    pub intent: Intent,
    /// Whose it was.
    pub process: u16,
    /// The phone's words about its dialog, where it had one.
    pub dialog: Option<Value>,
    /// When its leg was down.
    pub ended_at: Option<Ts>,
}

/// A fact of a call. Facts of one order are stored in the order in which they were given.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// A process begins its flow.
    Began {
        /// When: the flow's first instant.
        at: Ts,
        /// The plan; the first one stays.
        plan: Arc<Plan>,
        /// What the flow began with.
        past: Past,
    },
    /// The flow was told.
    Input {
        /// The how-manieth input of this process.
        seq: u32,
        /// When.
        at: Ts,
        /// What.
        input: Input,
    },
    /// A dial is about to leave.
    Intent {
        /// The dial.
        intent: Intent,
        /// The telephone, where it is a manager's.
        telephone: Option<Telephone>,
        /// What is needed to hang it up after a crash, where that is known before.
        dialog: Option<Value>,
    },
    /// What is needed to hang up a dial after a crash.
    Dialog {
        /// The dial's leg.
        leg: LegId,
        /// The phone's words.
        dialog: Value,
    },
    /// A dial's leg is down, or its try is over.
    IntentEnd {
        /// The dial's leg.
        leg: LegId,
        /// When the leg was down; none while it is not.
        down_at: Option<Ts>,
        /// What the next process is to know.
        end: IntentEnd,
    },
    /// The visitor was told.
    Shown(VisitorState, Detail),
    /// The outcome is settled: the order never goes on.
    Ended {
        /// When.
        at: Ts,
        /// What became of it.
        disposition: Disposition,
    },
    /// All is over, and counted by what was planned. A visitor who asked never to be called is put on the list with it.
    Record(Box<CallRecord>, Option<Arc<Plan>>),
    /// By what it is charged, from its beginning.
    Terms(Box<Terms>),
    /// Something happens to the customer's money. A reservation that is refused keeps the facts with it from being stored;
    /// the end of a call is stored whatever the ledger says.
    Booked(Box<Booking>, Ts),
    /// What a leg was charged.
    Charged(LegId, Box<Charge>),
    /// The next process may have it.
    HandedBack,
}

/// A published site, as orders need it.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedSite {
    /// Its id.
    pub id: SiteId,
    /// Its key.
    pub key: SiteKey,
    /// The version.
    pub version: u32,
    /// What was published.
    pub body: Site,
    /// Whose it is.
    pub customer: Customer,
}

impl PublishedSite {
    /// Where its customer's clocks are.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        // Names are checked where they are written; a zone that the system has lost since is read as UTC.
        TimeZone::get(&self.customer.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The same for who chose an office: its managers, its hours, its time zone. None where there is no such office.
    #[must_use]
    pub fn at_office(&self, office: &str) -> Option<Self> {
        let found = self.body.offices.iter().find(|known| &*known.name == office)?;
        let mut site = self.clone();
        site.body.managers.clone_from(&found.managers);
        if let Some(schedule) = &found.schedule {
            site.body.schedule.clone_from(schedule);
        }
        if let Some(zone) = &found.time_zone {
            site.customer.time_zone = zone.to_string();
        }
        Some(site)
    }

    /// The first instant from here on at which it takes calls.
    #[must_use]
    pub fn opens(&self, at: Ts) -> Option<Ts> {
        self.body.schedule.opens(at, &self.zone())
    }
}

/// Who pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    /// The id.
    pub id: CustomerId,
    /// The name.
    pub name: String,
    /// Where numbers without a country code are read.
    pub country: Country,
    /// The IANA name of the time zone.
    pub time_zone: String,
    /// Calls at once.
    pub max_calls: u32,
    /// How many sites there are.
    pub sites: u32,
    /// Whom none of them calls.
    pub blacklist: Blacklist,
    /// Telephones of the public network that were verified.
    pub verified: BTreeSet<PhoneNumber>,
}

/// A line of the journal.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalRow {
    /// The order.
    pub order: OrderRow,
    /// Its site's key.
    pub site_key: SiteKey,
    /// Its site's name.
    pub site_name: String,
    /// What became of it, once all is over.
    pub record: Option<CallRecord>,
}

/// Telephones of one person, as [`Telephone`] is written: three at most.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Telephones(pub Vec<String>);

impl Telephones {
    /// As many as one person may have.
    pub const MOST: usize = 3;

    /// All of them, and nothing in the places of those that he has not; whoever has none is at "", where nothing rings.
    pub(super) fn places(&self) -> [Option<&str>; Self::MOST] {
        let nowhere = |at| (at == 0).then_some("");
        std::array::from_fn(|at| self.0.get(at).map(String::as_str).or(nowhere(at)))
    }
}

/// A line of the journal, and the plan that the call followed.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannedRow {
    /// The line.
    pub row: JournalRow,
    /// The plan; none where it was never begun.
    pub plan: Option<Arc<Plan>>,
}

/// All that is known of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct CallFile {
    /// The order.
    pub order: OrderRow,
    /// Its site's key.
    pub site_key: SiteKey,
    /// The settings that it followed.
    pub site: Site,
    /// The plan; none where it was never begun.
    pub plan: Option<Arc<Plan>>,
    /// The processes that served it.
    pub processes: Vec<ProcessFile>,
    /// Its dials.
    pub intents: Vec<StoredIntent>,
    /// What became of it, once all is over.
    pub record: Option<CallRecord>,
}

/// What one process did for a call: its flow, to be replayed.
#[derive(Clone, PartialEq, Debug)]
pub struct ProcessFile {
    /// The how-manieth.
    pub process: u16,
    /// When its flow began, and with what; none where that was not written before the process died.
    pub began: Option<(Ts, Past)>,
    /// What the flow was told, in order.
    pub inputs: Vec<(Ts, Input)>,
}
