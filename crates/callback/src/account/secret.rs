//! Secrets that are shown once, in a link or a cookie, and kept only as a fingerprint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::{TryRng as _, rngs::SysRng};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// 256 bits that nobody guesses.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Draws one from the system's source.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn draw() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// For the link or the cookie.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What is kept of a secret: enough to know it again, too little to say it.
pub(crate) fn fingerprint(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::{Secret, fingerprint};

    #[test]
    fn a_secret_is_known_again_and_told_to_nobody() {
        let (one, two) = (Secret::draw().unwrap(), Secret::draw().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.fingerprint(), fingerprint(one.expose()));
        assert_eq!((one.expose().len(), format!("{one:?}").as_str()), (43, "***"));
    }
}
