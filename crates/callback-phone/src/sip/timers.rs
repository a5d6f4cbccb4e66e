//! Every timer of an agent in one table: one deadline for each key. It reads no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Deadlines by key; arming a key again moves it.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    by_key: BTreeMap<K, Duration>,
    by_time: BTreeSet<(Duration, K)>,
}

impl<K: Copy + Ord> Timers<K> {
    pub(crate) fn new() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }

    pub(crate) fn arm(&mut self, key: K, at: Duration) {
        self.disarm(key);
        self.by_key.insert(key, at);
        self.by_time.insert((at, key));
    }

    pub(crate) fn disarm(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    /// Disarms and gives one key whose deadline has come, the earliest first.
    pub(crate) fn due(&mut self, now: Duration) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.disarm(key);
        Some(key)
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.by_time.first().map(|(at, _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_deadline() {
        let second = Duration::from_secs;
        let mut timers = Timers::new();
        timers.arm('a', second(1));
        timers.arm('b', second(2));
        timers.arm('a', second(3));
        assert_eq!(timers.next(), Some(second(2)));
        assert_eq!(timers.due(second(1)), None);
        assert_eq!(timers.due(second(9)), Some('b'));
        timers.disarm('a');
        assert_eq!((timers.due(second(9)), timers.len()), (None, 0));
    }
}
