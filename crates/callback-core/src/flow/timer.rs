//! All the flow's timers, in one table.

use crate::id::LegId;
use crate::time::Ts;

/// The timers, in the order in which they are heeded when several are due: the call's end goes before the
/// managers' (flow.md § Contract).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// Everything is hung up: a shutdown's deadline.
    Deadline,
    /// The talk has reached its limit.
    TalkEnds,
    /// Both directions have been silent for too long.
    BothSilent,
    /// The visitor's INVITE did not leave.
    VisitorDial,
    /// The visitor does not answer.
    VisitorRing,
    /// After the end: the visitor's telephone has rung for long enough.
    VisitorRingsOn,
    /// A prompt to the visitor should have ended.
    VisitorPrompt,
    /// The promise's second.
    Promise,
    /// The manager hears that the talk is about to end.
    TalkWarning,
    /// The visitor's delay has passed.
    VisitorDelay,
    /// `total_time_s`: no more rounds, no more waiting for busy managers.
    SeekLimit,
    /// The seeking may go on: a round's gap, a manager's rest, a missing channel.
    Seek,
    /// A manager's leg.
    Leg(LegId, LegTimer),
}

/// Timers of a manager's leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum LegTimer {
    /// The INVITE did not leave.
    Dial,
    /// It rings for too long.
    Ring,
    /// The extension's delay has passed.
    Extension,
    /// The digits should have been sent.
    Digits,
    /// A prompt should have ended.
    Prompt,
    /// He did not press 1.
    Accept,
}

/// The armed timers: few, so a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(Vec<(Timer, Ts)>);

impl Timers {
    /// Arms a timer, anew where it was armed.
    pub(super) fn set(&mut self, timer: Timer, at: Ts) {
        match self.0.iter_mut().find(|(armed, _)| *armed == timer) {
            Some(entry) => entry.1 = at,
            None => self.0.push((timer, at)),
        }
    }

    /// Whether it is armed.
    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.0.iter().any(|(armed, _)| *armed == timer)
    }

    /// Disarms a timer.
    pub(super) fn clear(&mut self, timer: Timer) {
        self.0.retain(|(armed, _)| *armed != timer);
    }

    /// Disarms all timers of a manager's leg.
    pub(super) fn clear_leg(&mut self, leg: LegId) {
        self.0.retain(|(armed, _)| !matches!(armed, Timer::Leg(of, _) if *of == leg));
    }

    /// Disarms all, save a shutdown's deadline.
    pub(super) fn clear_all_but_deadline(&mut self) {
        self.0.retain(|(armed, _)| *armed == Timer::Deadline);
    }

    /// Disarms all.
    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }

    /// The earliest instant.
    pub(super) fn next(&self) -> Option<Ts> {
        self.0.iter().map(|(_, at)| *at).min()
    }

    /// Takes the first of those that are due.
    pub(super) fn take_due(&mut self, now: Ts) -> Option<Timer> {
        let due = self.0.iter().filter(|(_, at)| *at <= now).map(|(timer, _)| *timer).min()?;
        self.clear(due);
        Some(due)
    }
}
