//! Passwords: argon2id (RFC 9106), a few at a time, so that a flood of logins takes no more than its share.

use anyhow::{Context as _, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Letters at least.
const SHORTEST: usize = 10;
/// Letters at most.
const LONGEST: usize = 128;
/// Letters of it that are looked up among those that are tried first: more would only take longer.
const LOOKED_AT: usize = 64;
/// A password that is found within so many tries (as a power of ten) is one of the first that are tried.
const TRIES_LOG10: f64 = 7.0;

/// Hashes at the same time: a flood of logins takes no more processor than this.
const HASHES: usize = 1;
/// Passwords that wait for their turn, some two seconds; whoever comes then is told to come later.
const WAITING: usize = 40;
/// Memory of one hash, in KiB (OWASP's recommendation for argon2id).
const HASH_KIB: u32 = 19_456;

/// Why a password is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// Shorter than [`SHORTEST`].
    TooShort {
        /// Letters at least.
        min: usize,
    },
    /// Longer than [`LONGEST`].
    TooLong {
        /// Letters at most.
        max: usize,
    },
    /// It is among those that are tried first.
    Common,
}

/// Why a password was not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotHashed {
    /// More wait than can be served soon.
    #[error("too many passwords wait to be looked at")]
    Crowded,
    /// Our fault.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Hashes passwords; clones take turns with each other.
#[derive(Clone)]
pub(crate) struct Hasher {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Places in the line for a turn.
    line: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that he takes the same time.
    nobody: Arc<str>,
}

impl Hasher {
    /// As people need it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(crate) fn usual() -> Result<Self> {
        Self::new(HASHES, HASH_KIB)
    }

    fn new(at_a_time: usize, memory_kib: u32) -> Result<Self> {
        let params = Params::new(memory_kib, 2, 1, None).ok().context("parameters of argon2")?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon.hash_password(b"nobody's").ok().context("argon2 cannot hash")?.to_string();
        let (turns, line) = (Semaphore::new(at_a_time), Semaphore::new(WAITING));
        Ok(Self { argon, turns: turns.into(), line: line.into(), nobody: nobody.into() })
    }

    /// Whether a password may be chosen; `known` are texts that are guessed for this user, like his e-mail.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn accept(password: &str, known: &[&str]) -> Result<(), Refused> {
        let length = password.chars().count();
        if length < SHORTEST {
            return Err(Refused::TooShort { min: SHORTEST });
        }
        if length > LONGEST {
            return Err(Refused::TooLong { max: LONGEST });
        }
        let start: String = password.chars().take(LOOKED_AT).collect();
        let parts: Vec<&str> =
            known.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).collect();
        let common = zxcvbn::zxcvbn(&start, &[known, &parts].concat()).guesses_log10() < TRIES_LOG10;
        if common { Err(Refused::Common) } else { Ok(()) }
    }

    /// What is kept of a password: a PHC string.
    ///
    /// # Errors
    /// Too many wait; the system has no randomness.
    pub(crate) async fn hash(&self, password: String) -> Result<String, NotHashed> {
        let turn = self.turn().await?;
        let argon = self.argon.clone();
        let hashed = move || {
            let _turn = turn;
            argon.hash_password(password.as_bytes()).map(|hash| hash.to_string())
        };
        let hashed = tokio::task::spawn_blocking(hashed).await.context("argon2 cannot hash")?;
        Ok(hashed.ok().context("argon2 cannot hash")?)
    }

    /// Whether it is the password of this hash; without one it takes as long, and is not.
    ///
    /// # Errors
    /// Too many wait; the process ends.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, NotHashed> {
        let turn = self.turn().await?;
        let argon = self.argon.clone();
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let verified = move || {
            let _turn = turn;
            let hash = PasswordHash::new(&hash).ok();
            hash.is_some_and(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok())
        };
        Ok(tokio::task::spawn_blocking(verified).await.context("argon2 cannot verify")? && is_somebody)
    }

    /// Whoever goes away meanwhile does not give his turn to the next before his hash is done.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, NotHashed> {
        let _place = self.line.try_acquire().map_err(|_| NotHashed::Crowded)?;
        Ok(Arc::clone(&self.turns).acquire_owned().await.context("the process ends")?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hasher, NotHashed, Refused, WAITING};
    use std::future::Future as _;
    use std::task::{Context, Waker};

    #[test]
    fn a_password_is_taken_by_its_length_and_unless_it_is_tried_first() {
        let check = |password: &str, answer: Result<(), Refused>| {
            let known = ["klimova@romashka.example", "Ромашка"];
            assert_eq!(Hasher::accept(password, &known), answer, "{password}");
        };
        check("краткий", Err(Refused::TooShort { min: 10 }));
        check(&"долгий ".repeat(20), Err(Refused::TooLong { max: 128 }));
        check("password123", Err(Refused::Common));
        check("qwertyuiop", Err(Refused::Common));
        check("1234567890", Err(Refused::Common));
        check("aaaaaaaaaaaaaaaa", Err(Refused::Common));
        check("klimova@romashka.example", Err(Refused::Common));
        check("klimova2026", Err(Refused::Common));
        check("три весёлых гуся", Ok(()));
        check("correct horse battery", Ok(()));
        check("zk7Tq2!mwPx", Ok(()));
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_nobody_has_none() {
        let hasher = Hasher::new(1, 64).unwrap();
        let hash = hasher.hash("три весёлых гуся".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, hash: Option<&str>| {
            hasher.verify(password.to_owned(), hash.map(str::to_owned)).await.unwrap()
        };
        assert!(verify("три весёлых гуся", Some(&hash)).await);
        assert!(!verify("два весёлых гуся", Some(&hash)).await);
        assert!(!verify("три весёлых гуся", None).await);
        assert!(!verify("nobody's", None).await, "not even by nobody's own");
        assert!(!verify("", Some("")).await, "an account that has no password yet");
    }

    #[tokio::test]
    async fn beyond_the_line_whoever_comes_is_told_at_once() {
        let hasher = Hasher::new(1, 64).unwrap();
        let held = hasher.turn().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(hasher.turn())).collect();
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.iter_mut().all(|one| one.as_mut().poll(&mut context).is_pending()));
        let late = hasher.verify("три весёлых гуся".to_owned(), None).await;
        assert!(matches!(late, Err(NotHashed::Crowded)), "{late:?}");
        drop((held, waiting));
        assert!(hasher.turn().await.is_ok());
    }
}
