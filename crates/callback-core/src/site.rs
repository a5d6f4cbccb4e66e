//! Settings of a customer's site, parsed: what a published version holds. No string in here carries meaning
//! that has not been checked.

use crate::behaviour::{self, Scenario};
use crate::blacklist::Blacklist;
use crate::id::ManagerId;
use crate::look::Look;
use crate::number::{Country, PhoneNumber};
use crate::plan::{AcceptKey, Address, Mode, RingStrategy, Telephone};
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

pub use crate::language::Language;
pub use crate::origin::{NotAnOrigin, Origin};

/// Managers of one site at most (R12).
pub const MANAGERS: usize = 15;

/// A site as it was published: a version's body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The name that is spoken to managers and shown as the caller: the host of its address.
    pub name: Arc<str>,
    /// Its address: host and port; with `www` or without it, by whichever scheme, it is the same site's.
    pub origin: Origin,
    /// Whether pages of its subdomains are the site's too (R1).
    #[serde(default)]
    pub subdomains: bool,
    /// Who is dialled first.
    pub mode: Mode,
    /// How managers are sought.
    pub strategy: RingStrategy,
    /// The promise, 5–600.
    pub promise_seconds: u32,
    /// How often the managers are gone through, 1–5.
    pub rounds: u8,
    /// How long a manager rings, 5–60.
    pub ring_timeout_s: u32,
    /// How long the visitor rings, 15–60.
    pub visitor_ring_timeout_s: u32,
    /// How long managers are sought, 30–600.
    pub total_time_s: u32,
    /// Between the two calls (R17), 0–60.
    pub delay_to_visitor_s: u32,
    /// The longest talk, 60–14400.
    pub max_talk_s: u32,
    /// Whether managers hear for which site the call is (R21).
    pub announce: Announce,
    /// The language of prompts: "ru" or "en".
    pub language: Language,
    /// How the name is spoken to managers, where the voice would read it wrongly; at most 100 characters.
    #[serde(default)]
    pub pronunciation: Option<Arc<str>>,
    /// A sound that the customer sent in, by its id: it is played in place of the spoken name.
    #[serde(default)]
    pub own_recording: Option<Uuid>,
    /// A WAV file on the service's machine that is played in place of the spoken name.
    #[serde(default)]
    pub recording: Option<Arc<str>>,
    /// What the visitor is shown.
    pub caller_id_to_visitor: ShownNumber,
    /// What managers are shown.
    pub caller_id_to_manager: ShownNumber,
    /// Where visitors may be called (R24).
    pub countries: Vec<Country>,
    /// When calls are taken (R16), in the customer's time zone.
    #[serde(default)]
    pub schedule: Schedule,
    /// Who is never called for this site (R25).
    #[serde(default)]
    pub blacklist: Blacklist,
    /// Whether the dialog tells a manager's first name.
    #[serde(default = "yes")]
    pub show_manager_name: bool,
    /// Where numbers without a country code are read; the customer's country where there is none (R24).
    #[serde(default)]
    pub default_country: Option<Country>,
    /// Whether the managers are the site's own; else they are the customer's.
    #[serde(default = "yes")]
    pub own_managers: bool,
    /// Up to [`MANAGERS`], no two with the same telephone.
    pub managers: Vec<Manager>,
    /// Offices that a visitor chooses from, each with managers and hours of its own (R23).
    #[serde(default)]
    pub offices: Vec<Office>,
    /// Whether those who are told of its missed calls are the site's own; else they are the customer's (R14).
    #[serde(default)]
    pub own_missed_emails: bool,
    /// Its own addresses for that.
    #[serde(default)]
    pub missed_emails: Vec<Arc<str>>,
    /// Whom the widget offers a call by itself, the first that holds (R39); as usual, where there are none.
    #[serde(default)]
    pub scenarios: Option<Vec<Scenario>>,
    /// After an order nothing is offered by itself for so many days, 0–90 (R44).
    #[serde(default = "week")]
    pub quiet_days: u32,
    /// What the widget says and how it looks.
    #[serde(default)]
    pub look: Look,
}

/// Offices of one site at most.
pub const OFFICES: usize = 50;

/// An office of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Office {
    /// Its name.
    pub name: Arc<str>,
    /// Its time zone, by its IANA name; the customer's where there is none.
    pub time_zone: Option<Arc<str>>,
    /// Its hours; the site's where there are none.
    pub schedule: Option<Schedule>,
    /// Its managers.
    pub managers: Vec<Manager>,
}

impl Site {
    /// Whom the widget offers a call by itself.
    #[must_use]
    pub fn scenarios(&self) -> Cow<'_, [Scenario]> {
        self.scenarios.as_deref().map_or_else(|| behaviour::usual(self.language).into(), Cow::Borrowed)
    }

    /// Where managers answer who are switched on, at whatever hour: its own, and its offices'.
    #[must_use]
    pub fn managers_on(&self) -> Vec<&Address> {
        let all = self.managers.iter().chain(self.offices.iter().flat_map(|office| &office.managers));
        all.filter(|manager| manager.on).map(|manager| &manager.telephone.address).collect()
    }
}

fn yes() -> bool {
    true
}

fn week() -> u32 {
    7
}

/// A manager of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manager {
    /// The same as long as site and telephone are the same.
    pub id: ManagerId,
    /// For journal and dialog.
    pub name: Arc<str>,
    /// Where.
    pub telephone: Telephone,
    /// From the answer to the first key of the extension, 0–50 (R18).
    pub extension_delay_s: u32,
    /// Whether he must press 1.
    pub accept_key: AcceptKey,
    /// Whether he is called at all.
    #[serde(default = "yes")]
    pub on: bool,
    /// When he is called, in the customer's time zone; always, while the site is open, where there are none.
    #[serde(default)]
    pub hours: Option<Schedule>,
}

/// When managers hear the site's announcement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    /// When the customer has more than one site.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which number a side is shown (R19).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownNumber {
    /// The service's own.
    #[default]
    Service,
    /// The visitor's.
    Visitor,
    /// A certain one.
    Number(PhoneNumber),
}
