//! The settled input of a call: what `admit` decided once and the flow only follows.

use crate::id::{ManagerId, OrderId};
use crate::number::PhoneNumber;
use crate::time::Ts;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Where a leg is dialled to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// A number of the telephone network, reached over a trunk.
    Phone(PhoneNumber),
    /// A SIP endpoint, dialled directly: a `sip:` URI as the phone's parser accepted it (RFC 3261 §19.1).
    Sip(Arc<str>),
}

/// A telephone: what may have at most one leg of this service at a time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Telephone {
    /// Where it is.
    pub address: Address,
    /// The extension behind it, empty where there is none.
    pub extension: Option<Digits>,
}

/// As it is stored and compared: `+74951234567;ext=102` (RFC 3966 §5.3), `sip:anna@192.0.2.7`.
impl fmt::Display for Telephone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Phone(number) => write!(f, "{number}")?,
            Address::Sip(uri) => f.write_str(uri)?,
        }
        match &self.extension {
            Some(extension) => write!(f, ";ext={extension}"),
            None => Ok(()),
        }
    }
}

/// What the called side is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallerId {
    /// The number to show; none = the service's own, the first of the trunk that takes the call. A number
    /// that the trunk may not send is replaced by the service's own; SIP endpoints are shown any number.
    pub number: Option<PhoneNumber>,
    /// The display name of the SIP `From`.
    pub name: Arc<str>,
}

/// Keys to press after the answer: `0-9`, `*`, `#`, and `,` for a pause; at most 32.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digits(Arc<str>);

/// A text that is no sequence of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an extension is 1 to 32 of 0-9, *, # and \",\" for a pause of two seconds")]
pub struct NotDigits;

/// How long one key sounds, and how long the silence after it is.
pub const DIGIT_TONE: Duration = Duration::from_millis(100);
/// The silence after each key.
pub const DIGIT_GAP: Duration = Duration::from_millis(100);
/// What a `,` among the keys waits.
pub const DIGIT_PAUSE: Duration = Duration::from_secs(2);

impl Digits {
    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = char> {
        self.0.chars()
    }

    /// How long it takes to send them all.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.keys().map(|key| if key == ',' { DIGIT_PAUSE } else { DIGIT_TONE + DIGIT_GAP }).sum()
    }
}

impl FromStr for Digits {
    type Err = NotDigits;

    fn from_str(text: &str) -> Result<Self, NotDigits> {
        let fits = (1..=32).contains(&text.len())
            && text.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#' | ','));
        if fits { Ok(Self(text.into())) } else { Err(NotDigits) }
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Digits> for String {
    fn from(digits: Digits) -> Self {
        digits.to_string()
    }
}

impl TryFrom<String> for Digits {
    type Error = NotDigits;

    fn try_from(text: String) -> Result<Self, NotDigits> {
        text.parse()
    }
}

/// Everything the flow follows, fixed at admission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The order that it serves.
    pub order: OrderId,
    /// When the order was accepted: the promise counts from here.
    pub accepted_at: Ts,
    /// The version of the settings that it was made from.
    pub settings_version: u32,
    /// Who is dialled first.
    pub mode: Mode,
    /// How managers are sought.
    pub strategy: RingStrategy,
    /// The visitor.
    pub visitor: PlanVisitor,
    /// The callable managers, in the listed order; no two have the same telephone.
    pub managers: Vec<PlanManager>,
    /// The order of each round: the listed one, or a permutation drawn at admission.
    pub rounds: Vec<Vec<Seat>>,
    /// Times and counts.
    pub limits: Limits,
    /// How long each prompt is.
    pub prompts: PromptLengths,
}

/// A manager's place in [`Plan::managers`], from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub u8);

/// Who a leg is dialled to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callee {
    /// The one who ordered.
    Visitor,
    /// A manager of the plan.
    Manager(Seat),
}

/// Who is dialled first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Managers and visitor side by side.
    Together,
    /// The visitor when a manager has accepted.
    ManagerFirst,
}

/// How managers are sought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingStrategy {
    /// One after another, in the listed order.
    Linear,
    /// One after another, each round in its own random order.
    Random,
    /// All at once; the first to accept gets the call.
    All,
}

/// Whether a manager must press 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptKey {
    /// Where a machine may have answered: flow.md § A leg's life.
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// The visitor's part of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanVisitor {
    /// The number that was ordered for.
    pub number: PhoneNumber,
    /// What he is shown.
    pub caller_id: CallerId,
}

/// A manager's part of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanManager {
    /// Who.
    pub id: ManagerId,
    /// The name that journal and dialog show.
    pub name: Arc<str>,
    /// Where.
    pub telephone: Telephone,
    /// From the answer to the first key of the extension.
    pub extension_delay: Duration,
    /// Whether he must press 1.
    pub accept_key: AcceptKey,
    /// What he is shown.
    pub caller_id: CallerId,
}

/// Times and counts of a plan; the ranges are the settings' (requirements R17, R18, flow.md).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// How long a manager rings.
    pub ring_timeout: Duration,
    /// How long the visitor rings.
    pub visitor_ring_timeout: Duration,
    /// From the first manager's dial until no more round begins.
    pub total_time: Duration,
    /// The visitor's dial after the first manager's (together) or after the accept (manager first).
    pub delay_to_visitor: Duration,
    /// The longest talk.
    pub max_talk: Duration,
    /// How long the announcement asks for key 1.
    pub accept_timeout: Duration,
    /// From the acceptance until the visitor's telephone should have rung.
    pub promise: Duration,
    /// Legs that the order may have at once, at least 2; one is the visitor's.
    pub max_legs: u16,
    /// Whether managers hear the site's announcement.
    pub announce: bool,
}

/// How long each prompt that is not endless lasts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PromptLengths {
    /// [`Prompt::Announcement`](crate::flow::Prompt).
    pub announcement: Duration,
    /// To the manager who is being connected.
    pub connecting: Duration,
    /// To the manager whose visitor does not answer.
    pub visitor_no_answer: Duration,
    /// To the visitor who waits.
    pub waiting: Duration,
    /// To the visitor for whom nobody is free.
    pub apology: Duration,
}

impl Plan {
    /// The manager of a seat.
    #[must_use]
    pub fn manager(&self, seat: Seat) -> Option<&PlanManager> {
        self.managers.get(usize::from(seat.0))
    }

    /// All seats, in the listed order.
    pub fn seats(&self) -> impl Iterator<Item = Seat> + use<> {
        (0..u8::try_from(self.managers.len()).unwrap_or(u8::MAX)).map(Seat)
    }

    /// What the called side is shown.
    #[must_use]
    pub fn caller_id(&self, callee: Callee) -> Option<&CallerId> {
        match callee {
            Callee::Visitor => Some(&self.visitor.caller_id),
            Callee::Manager(seat) => self.manager(seat).map(|manager| &manager.caller_id),
        }
    }

    /// The telephone that is dialled.
    #[must_use]
    pub fn telephone(&self, callee: Callee) -> Option<Telephone> {
        match callee {
            Callee::Visitor => {
                Some(Telephone { address: Address::Phone(self.visitor.number), extension: None })
            }
            Callee::Manager(seat) => self.manager(seat).map(|manager| manager.telephone.clone()),
        }
    }
}
