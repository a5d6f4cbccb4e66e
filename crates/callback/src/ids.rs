//! Ids of what only the service knows; those of calls are the core's.

use rand::{TryRng as _, rngs::SysRng};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

pub use callback_core::id::CustomerId;

/// The name space of site ids (RFC 9562 §5.5), drawn once.
const SITES: Uuid = Uuid::from_u128(0x6f3a_9c51_7d0e_4b7a_9a4e_52d1_c0b8_e7f4);

/// A site, across versions of its settings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteId(pub Uuid);

/// The name of a site in addresses: 3 to 40 of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SiteKey(Arc<str>);

/// A text that is no key of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a site's key is 3 to 40 of a-z, 0-9 and \"-\"")]
pub struct NotASiteKey;

/// What the ids of managers of a customer's own list are made in: his address's, which stays.
#[must_use]
pub fn namespace(email: &str) -> Uuid {
    Uuid::new_v5(&SITES, email.as_bytes())
}

impl SiteId {
    /// The id of the site with this key: a key is one site's for ever.
    #[must_use]
    pub fn of(key: &SiteKey) -> Self {
        Self(Uuid::new_v5(&SITES, key.0.as_bytes()))
    }
}

impl SiteKey {
    /// Draws one that nobody guesses.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn draw() -> Result<Self, rand::rngs::SysError> {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let mut bytes = [0_u8; 16];
        SysRng.try_fill_bytes(&mut bytes)?;
        let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied());
        Ok(Self(letters.map(char::from).collect::<String>().into()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SiteKey {
    type Err = NotASiteKey;

    fn from_str(text: &str) -> Result<Self, NotASiteKey> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (3..=40).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.into())) } else { Err(NotASiteKey) }
    }
}

impl fmt::Display for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SiteKey> for String {
    fn from(key: SiteKey) -> Self {
        key.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for SiteKey {
    type Error = NotASiteKey;

    fn try_from(text: String) -> Result<Self, NotASiteKey> {
        text.parse()
    }
}
