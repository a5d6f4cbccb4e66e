//! Passwords: argon2id (RFC 9106), one at a time on a thread of its own, so that a flood of logins takes no more than
//! its share.

use anyhow::{Context as _, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use rustix::process::setpriority_process;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Letters at least.
const SHORTEST: usize = 10;
/// Letters at most.
const LONGEST: usize = 128;
/// Letters of it that are looked up among those that are tried first: more would only take longer.
const LOOKED_AT: usize = 64;
/// A password that is found within so many tries (as a power of ten) is one of the first that are tried.
const TRIES_LOG10: f64 = 7.0;

/// Who may wait while another's is hashed: so many that nobody waits for much over a second.
const LINE: usize = 32;
/// How much the thread stands back behind calls and pages (nice(2)): they have three parts of four of a busy core.
const NICE: i32 = 5;
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

/// The line is full: whoever comes now would wait too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub(crate) struct Crowded;

/// What is done in turn.
type Work = Box<dyn FnOnce(&Argon2<'_>) + Send>;

/// Hashes passwords; clones stand in one line.
#[derive(Clone)]
pub(crate) struct Hasher {
    line: mpsc::Sender<Work>,
    /// What an unknown user's password is compared with, so that he takes the same time.
    nobody: Arc<str>,
}

/// A place in the line for one hash; given up when it is dropped.
pub(crate) struct Place {
    line: mpsc::OwnedPermit<Work>,
    nobody: Arc<str>,
}

impl Hasher {
    /// As people need it.
    ///
    /// # Errors
    /// The system has no randomness, or no thread.
    pub(crate) fn usual() -> Result<Self> {
        Self::new(HASH_KIB)
    }

    fn new(memory_kib: u32) -> Result<Self> {
        let params = Params::new(memory_kib, 2, 1, None).ok().context("parameters of argon2")?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon.hash_password(b"nobody's").ok().context("argon2 cannot hash")?.to_string();
        let (line, waiting) = mpsc::channel(LINE);
        // Each thread that ever hashed would keep the memory of one hash: it is always the same.
        thread::Builder::new().name("hasher".to_owned()).spawn(move || serve(&argon, waiting))?;
        Ok(Self { line, nobody: nobody.into() })
    }

    /// A place in the line, taken before anything else is done for whoever asks: what is refused here has cost nothing,
    /// and was no try.
    ///
    /// # Errors
    /// The line is full.
    pub(crate) fn line_up(&self) -> Result<Place, Crowded> {
        let line = self.line.clone().try_reserve_owned().map_err(|_| Crowded)?;
        Ok(Place { line, nobody: Arc::clone(&self.nobody) })
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
}

impl Place {
    /// What is kept of a password: a PHC string.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) async fn hash(self, password: String) -> Result<String> {
        let hashed =
            move |argon: &Argon2<'_>| argon.hash_password(password.as_bytes()).map(|hash| hash.to_string());
        self.in_turn(hashed).await?.ok().context("argon2 cannot hash")
    }

    /// Whether it is the password of this hash; without one, as of who never chose any, it takes as long, and is not.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) async fn verify(self, password: String, hash: Option<String>) -> Result<bool> {
        let hash = hash.filter(|hash| PasswordHash::new(hash).is_ok());
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let verified = move |argon: &Argon2<'_>| {
            let hash = PasswordHash::new(&hash).ok();
            hash.is_some_and(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok())
        };
        Ok(self.in_turn(verified).await? && is_somebody)
    }

    async fn in_turn<T: Send + 'static>(
        self,
        work: impl FnOnce(&Argon2<'_>) -> T + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        self.line.send(Box::new(move |argon| {
            // For whoever went away meanwhile nothing is hashed.
            if !tell.is_closed() {
                let _gone = tell.send(work(argon));
            }
        }));
        told.await.context("the thread that hashes is gone")
    }
}

/// Serves the line until every hasher is gone.
fn serve(argon: &Argon2<'_>, mut waiting: mpsc::Receiver<Work>) {
    // Linux holds it for the thread alone. Where it may not, passwords are as urgent as calls.
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::debug!(%error, "hashes do not stand back");
    }
    while let Some(work) = waiting.blocking_recv() {
        // What it panics at is the trouble of whoever asked, who is told; the next is served.
        let _told = catch_unwind(AssertUnwindSafe(|| work(argon)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowded, Hasher, LINE, Refused};

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
        let hasher = Hasher::new(64).unwrap();
        let hash = hasher.line_up().unwrap().hash("три весёлых гуся".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, hash: Option<&str>| {
            let place = hasher.line_up().unwrap();
            place.verify(password.to_owned(), hash.map(str::to_owned)).await.unwrap()
        };
        assert!(verify("три весёлых гуся", Some(&hash)).await);
        assert!(!verify("два весёлых гуся", Some(&hash)).await);
        assert!(!verify("три весёлых гуся", None).await);
        assert!(!verify("nobody's", None).await, "not even by nobody's own");
        assert!(!verify("", Some("")).await, "an account that has no password yet");
    }
    #[tokio::test]
    async fn a_full_line_turns_away_and_moves_up() {
        let hasher = Hasher::new(64).unwrap();
        let mut line: Vec<_> = (0..LINE).map(|_| hasher.line_up().unwrap()).collect();
        assert_eq!(hasher.line_up().err(), Some(Crowded));
        line.pop().unwrap().hash("три весёлых гуся".to_owned()).await.unwrap();
        let next = hasher.line_up().unwrap();
        assert_eq!(hasher.line_up().err(), Some(Crowded));
        // Whoever goes away leaves his place.
        drop(next);
        assert!(hasher.line_up().is_ok());
    }
}
