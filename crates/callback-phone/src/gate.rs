//! The gate before a machine: a stranger's datagram is dropped, and nobody else is heard more often than a service like
//! this gives him reason for. It parses nothing: whether a datagram is about something under way, the machine says at a
//! glance, and what is has a bucket of its own, so that a flood of the rest starves no call.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many sources are told apart; those beyond share one pair of buckets.
const MAX_SOURCES: usize = 1_024;

/// A token bucket's size: messages a second, and how many at once.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_s: u32,
    burst: u32,
}

/// For messages of calls and transactions under way. A callback costs a trunk's side some eight messages (two legs, each
/// with a challenge, provisionals, answer and end), so these are 2,500 callbacks begun in a second: more than one core
/// carries.
const KNOWN: Rate = Rate { per_s: 20_000, burst: 20_000 };
/// For everything else: OPTIONS, and calls to us. The transaction of such a request may live for 64·T1 = 32 s, so one
/// source holds no more than 500 × 32 + 1,000 = 17,000 of the agent's 20,000.
const UNKNOWN: Rate = Rate { per_s: 500, burst: 1_000 };

/// What a machine knows of a datagram that it has not parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Nobody there has a reason to send us anything.
    Stranger,
    /// It comes from where messages may come from.
    Allowed,
    /// It names a call or a transaction under way, too.
    Known,
}

/// How many datagrams were dropped unread since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// Of those who have no reason to send us anything.
    pub strangers: u64,
    /// Beyond what their source may send.
    pub flood: u64,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    strangers: AtomicU64,
    flood: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Dropped {
        Dropped {
            strangers: self.strangers.load(Ordering::Relaxed),
            flood: self.flood.load(Ordering::Relaxed),
        }
    }
}

/// The buckets of all sources.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    sources: BTreeMap<IpAddr, Source>,
    pub(crate) counts: Arc<Counts>,
}

/// When each bucket of a source will be full again.
#[derive(Debug, Default)]
struct Source {
    known: Duration,
    unknown: Duration,
}

impl Gate {
    /// Whether a datagram goes on to the machine; what does not is counted.
    pub(crate) fn admits(&mut self, ip: IpAddr, standing: Standing, now: Duration) -> bool {
        if standing == Standing::Stranger {
            self.counts.strangers.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&ip) {
            self.sources.retain(|_, source| source.known > now || source.unknown > now);
        }
        let room = self.sources.len() < MAX_SOURCES || self.sources.contains_key(&ip);
        let source = self.sources.entry(if room { ip } else { Ipv4Addr::UNSPECIFIED.into() }).or_default();
        let admitted = match standing {
            Standing::Known => KNOWN.take(&mut source.known, now),
            Standing::Allowed | Standing::Stranger => UNKNOWN.take(&mut source.unknown, now),
        };
        if !admitted {
            self.counts.flood.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }
}

impl Rate {
    /// Takes a token, if there is one.
    fn take(self, full_at: &mut Duration, now: Duration) -> bool {
        let token = Duration::from_secs(1) / self.per_s;
        let after = (*full_at).max(now) + token;
        let admitted = after <= now + token * self.burst;
        if admitted {
            *full_at = after;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUNK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

    /// Sends so many datagrams in this second, evenly; how many were admitted.
    fn second(gate: &mut Gate, ip: IpAddr, standing: Standing, second: u64, count: u32) -> u32 {
        let at = |n| Duration::from_secs(second) + Duration::from_secs(1) * n / count;
        (0..count).map(|n| u32::from(gate.admits(ip, standing, at(n)))).sum()
    }

    #[test]
    fn a_flood_gets_its_rate_and_what_is_known_is_not_starved_by_it() {
        let mut gate = Gate::default();
        let mut check = |standing, of, at, sent, admitted: std::ops::RangeInclusive<u32>| {
            let heard = second(&mut gate, of, standing, at, sent);
            assert!(admitted.contains(&heard), "{standing:?} of {of} at {at}: {heard}");
        };
        let other = IpAddr::from([192, 0, 2, 7]);
        check(Standing::Allowed, TRUNK, 0, 14_000, 1_499..=1_501);
        check(Standing::Allowed, TRUNK, 1, 14_000, 499..=501);
        check(Standing::Known, TRUNK, 1, 10_000, 10_000..=10_000);
        check(Standing::Allowed, other, 1, 100, 100..=100);
        check(Standing::Allowed, TRUNK, 4, 900, 900..=900);
        check(Standing::Known, TRUNK, 5, 60_000, 39_998..=40_002);
        check(Standing::Stranger, other, 5, 9, 0..=0);
        let Dropped { strangers, flood } = gate.counts.read();
        assert_eq!((strangers, flood.abs_diff(12_500 + 13_500 + 20_000) < 5), (9, true), "{flood}");
    }

    #[test]
    fn sources_are_bounded_and_those_beyond_share_a_bucket() {
        let mut gate = Gate::default();
        let mut admitted = 0;
        for host in 0..20_000_u32 {
            admitted +=
                u32::from(gate.admits(Ipv4Addr::from(host + 1).into(), Standing::Allowed, Duration::ZERO));
            assert!(gate.sources.len() <= MAX_SOURCES + 1);
        }
        assert_eq!(admitted, 1_024 + 1_000);
        // Those that are full again are forgotten.
        assert!(gate.admits(TRUNK, Standing::Allowed, Duration::from_secs(3)));
        assert_eq!(gate.sources.len(), 1);
    }
}
