//! The wheel of 20 ms: each leg has its own millisecond in it, so that the packets of many legs do not leave in one burst.

use std::time::{Duration, Instant};

/// The slots of the wheel, 1 ms each.
pub(super) const SLOTS: usize = 20;

/// Frames that are still sent when the thread was late; later ones are lost, and the time line jumps.
const CATCH_UP_MS: u64 = 100;

/// Which slot is due when.
#[derive(Debug)]
pub(super) struct Wheel {
    start: Instant,
    /// The next millisecond to run, counted from the start.
    next: u64,
    legs: [usize; SLOTS],
}

impl Wheel {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, next: 0, legs: [0; SLOTS] }
    }

    pub(super) fn add(&mut self, leg: usize) {
        self.legs.get_mut(leg % SLOTS).into_iter().for_each(|count| *count += 1);
    }

    pub(super) fn remove(&mut self, leg: usize) {
        self.legs.get_mut(leg % SLOTS).into_iter().for_each(|count| *count = count.saturating_sub(1));
    }

    /// The next slot that is due, each once a turn.
    pub(super) fn due(&mut self, now: Instant) -> Option<usize> {
        let passed = milliseconds(now.saturating_duration_since(self.start));
        if passed.saturating_sub(self.next) > CATCH_UP_MS {
            self.next = passed;
        }
        if self.next > passed {
            return None;
        }
        let slot = slot(self.next);
        self.next += 1;
        Some(slot)
    }

    /// How long until a slot with legs is due; none while there are no legs.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let due =
            (self.next..).take(SLOTS).find(|ms| self.legs.get(slot(*ms)).is_some_and(|count| *count > 0))?;
        Some((self.start + Duration::from_millis(due)).saturating_duration_since(now))
    }
}

fn slot(ms: u64) -> usize {
    usize::try_from(ms).unwrap_or_default() % SLOTS
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_is_due_once_in_twenty_milliseconds() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let mut turns = [0; SLOTS];
        for ms in (0..2_000).step_by(7).chain([1_999]) {
            while let Some(slot) = wheel.due(start + Duration::from_millis(ms)) {
                turns[slot] += 1;
            }
        }
        assert!(turns.iter().all(|turns| *turns == 100), "{turns:?}");
    }

    #[test]
    fn it_waits_for_the_next_leg_only() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        assert_eq!(wheel.wait(start), None);
        wheel.add(45);
        assert_eq!(wheel.wait(start), Some(Duration::from_millis(5)));
        while wheel.due(start + Duration::from_millis(5)).is_some() {}
        assert_eq!(wheel.wait(start + Duration::from_millis(6)), Some(Duration::from_millis(19)));
        wheel.remove(45);
        assert_eq!(wheel.wait(start), None);
    }

    #[test]
    fn a_thread_that_slept_too_long_does_not_send_the_past() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let mut count = || {
            let mut slots = 0;
            while wheel.due(start + Duration::from_millis(90)).is_some() {
                slots += 1;
            }
            slots
        };
        assert_eq!((count(), count()), (91, 0));
        assert_eq!(wheel.due(start + Duration::from_secs(60)), Some(0));
        assert_eq!(wheel.due(start + Duration::from_secs(60)), None);
    }
}
