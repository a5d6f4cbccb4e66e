//! The second factor: codes of a telephone's app (RFC 6238), and ten codes on paper for whoever lost it.

use super::secret::fingerprint;
use anyhow::{Context as _, Result};
use rand::{TryRng as _, rngs::SysRng};
use totp_rs::{Builder, Secret, Totp};

/// What apps show beside the code.
const ISSUER: &str = "CallBack";
/// Codes on paper.
const RECOVERY: usize = 10;
/// Letters of such a code: those that are not taken for each other.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// The secret of a user's app.
pub(crate) struct SecondFactor(Totp);

impl SecondFactor {
    /// Draws one.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn draw(email: &str) -> Result<Self> {
        let mut secret = [0; 20];
        SysRng.try_fill_bytes(&mut secret)?;
        Self::of(secret.to_vec(), email)
    }

    /// Reads the one that is kept.
    ///
    /// # Errors
    /// It is no such secret.
    pub(crate) fn read(base32: &str, email: &str) -> Result<Self> {
        let secret = Secret::try_from_base32(base32).ok().context("the secret of a second factor")?;
        Self::of(secret.as_bytes().to_vec(), email)
    }

    fn of(secret: Vec<u8>, email: &str) -> Result<Self> {
        // A colon parts the issuer from the account in what apps read.
        let builder = Builder::new().with_secret(secret).with_account_name(email.replace(':', "."));
        Ok(Self(builder.with_issuer(Some(ISSUER)).build().ok().context("a second factor")?))
    }

    /// To be typed into an app.
    pub(crate) fn secret(&self) -> String {
        self.0.secret().to_base32()
    }

    /// To be shown as a picture that apps read.
    ///
    /// # Errors
    /// The e-mail address cannot stand in it.
    pub(crate) fn uri(&self) -> Result<String> {
        self.0.to_url().ok().context("the address of a second factor")
    }

    /// The step that a code is of, a step early or late included. A step that was used is not used again: give the
    /// last one that was.
    pub(crate) fn step(&self, code: &str, now_s: u64, last: u64) -> Option<u64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        self.0.check(&code, now_s).filter(|step| *step > last)
    }
}

/// Ten codes, and what is kept of each.
///
/// # Errors
/// The system has no randomness to give.
pub(crate) fn recovery_codes() -> Result<(Vec<String>, Vec<String>)> {
    let mut codes = Vec::with_capacity(RECOVERY);
    for _ in 0..RECOVERY {
        let mut bytes = [0_u8; 10];
        SysRng.try_fill_bytes(&mut bytes)?;
        let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied());
        codes.push(letters.map(char::from).collect::<String>());
    }
    let kept = codes.iter().map(|code| fingerprint(code)).collect();
    Ok((codes, kept))
}

#[cfg(test)]
mod tests {
    use super::{SecondFactor, recovery_codes};

    #[test]
    fn a_code_is_good_for_its_time_and_once() {
        // RFC 6238, appendix B: the last six digits of SHA-1's at 59 s.
        let factor = SecondFactor::of(b"12345678901234567890".to_vec(), "a@b.example").unwrap();
        assert_eq!(factor.step("287 082", 59, 0), Some(1));
        assert_eq!(factor.step("287082", 89, 0), Some(1), "a step late");
        assert_eq!(factor.step("287082", 130, 0), None);
        assert_eq!(factor.step("287082", 59, 1), None, "used");
        assert_eq!(factor.step("", 59, 0), None);
        let again = SecondFactor::read(&factor.secret(), "a@b.example").unwrap();
        assert_eq!(again.step("287082", 59, 0), Some(1));
        assert!(factor.uri().unwrap().starts_with("otpauth://totp/CallBack:a%40b.example?secret="));
    }

    #[test]
    fn ten_codes_on_paper_are_all_different() {
        let (codes, kept) = recovery_codes().unwrap();
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!((different.len(), kept.len()), (10, 10));
        assert!(codes.iter().all(|code| code.len() == 10));
    }
}
