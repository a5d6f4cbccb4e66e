//! Digest authentication of what we send (RFC 3261 §22, RFC 7616): which challenges are met, with which
//! nonce and count. One keyring serves all calls of an account, so a known nonce saves the first refusal.
//! It authenticates nobody who calls us.

use super::wire::{Challenge, Method, Response};
use std::collections::BTreeMap;
use std::fmt;

/// How often one request is sent again with credentials.
pub(crate) const MAX_ROUNDS: u8 = 3;
/// How often of these without the server saying that the nonce was stale.
const MAX_ROUNDS_NOT_STALE: u8 = 2;
/// How many realms an account may meet.
const MAX_REALMS: usize = 8;

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What an account has learnt of the realms that ask for it.
#[derive(Debug)]
pub(crate) struct Keyring {
    credentials: Credentials,
    realms: BTreeMap<(String, bool), Known>,
}

#[derive(Debug)]
struct Known {
    challenge: Challenge,
    count: u32,
}

/// What one request has been through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    rounds: u8,
    not_stale: u8,
    /// The nonces that were answered in the request's last form.
    used: Vec<String>,
}

impl Keyring {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, realms: BTreeMap::new() }
    }

    /// Learns from a 401 or 407 to a request. True = it is worth sending again.
    ///
    /// It is not where a nonce that was just answered comes back without `stale`: the password is wrong.
    pub(crate) fn learn(&mut self, response: &Response, rounds: &mut Rounds) -> bool {
        let mut strongest: BTreeMap<(String, bool), Challenge> = BTreeMap::new();
        for challenge in Challenge::all(response) {
            let (realm, proxy) = challenge.realm();
            let key = (realm.to_owned(), proxy);
            let better = strongest.get(&key).is_none_or(|held| held.strength() < challenge.strength());
            if better {
                strongest.insert(key, challenge);
            }
        }
        let refused = |challenge: &Challenge| {
            !challenge.stale() && rounds.used.iter().any(|nonce| nonce == challenge.nonce())
        };
        if strongest.is_empty() || strongest.values().any(refused) {
            return false;
        }
        rounds.rounds += 1;
        rounds.not_stale += u8::from(!strongest.values().any(Challenge::stale));
        for (key, challenge) in strongest {
            if self.realms.len() < MAX_REALMS || self.realms.contains_key(&key) {
                self.realms.insert(key, Known { challenge, count: 0 });
            }
        }
        rounds.rounds <= MAX_ROUNDS && rounds.not_stale <= MAX_ROUNDS_NOT_STALE
    }

    /// The headers that answer every realm known so far; each use counts (RFC 7616 §3.4).
    pub(crate) fn answers(
        &mut self,
        method: Method,
        uri: &str,
        cnonce: &str,
        rounds: &mut Rounds,
    ) -> Vec<(&'static str, String)> {
        rounds.used.clear();
        let who = (self.credentials.username.as_str(), self.credentials.password.as_str());
        let mut headers = Vec::new();
        for known in self.realms.values_mut() {
            known.count = known.count.saturating_add(1);
            rounds.used.push(known.challenge.nonce().to_owned());
            headers.push(known.challenge.answer(who, (method, uri), known.count, cnonce));
        }
        headers
    }
}
