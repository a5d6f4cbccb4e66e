//! Telephone numbers: E.164 in, E.164 out; any national spelling at the door.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A telephone number by E.164: the digits after the `+`, at most 15, the first not 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PhoneNumber(u64);

/// A text that is no E.164 number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a telephone number in international form, like +74951234567")]
pub struct NotE164;

impl PhoneNumber {
    /// The digits without the plus, as a number.
    #[must_use]
    pub fn digits(self) -> u64 {
        self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = NotE164;

    /// Reads exactly `+` and 5 to 15 digits; other spellings are [`parse`]'s.
    fn from_str(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        let fits = (5..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { digits.parse().map(Self).map_err(|_| NotE164) } else { Err(NotE164) }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotE164;

    fn try_from(text: String) -> Result<Self, NotE164> {
        text.parse()
    }
}
