//! The settled input of a call: what `admit` decided once and the flow only follows.

use crate::number::PhoneNumber;
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
