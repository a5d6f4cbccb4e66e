//! What the watch hears: what was told to the flow, and what the network makes of it.

use super::{CHANNEL_WAIT, Watch};
use crate::flow::{Input, LegEvent};
use crate::id::LegId;
use crate::record::{Cause, EndedBy};
use crate::time::Ts;
use std::time::Duration;

impl Watch {
    pub(in crate::flow::sim) fn input(&mut self, input: &Input, now: Ts) {
        match *input {
            Input::Leg(leg, event) => self.leg_input(leg, event, now),
            Input::Cancel(_) => self.cancelled = true,
            Input::ManagerFree(seat) => self.busy &= !(1 << seat.0),
            Input::TalkLimit(_) => self.limited = true,
            Input::Shutdown(deadline) => {
                self.shutdown = true;
                self.deadline = Some(deadline);
            }
            Input::Timeout => self.drop_the_awaited(now),
        }
    }

    /// Whoever is waited for at the limit is waited for no more in this round.
    pub(super) fn drop_the_awaited(&mut self, now: Ts) {
        let round = self.round();
        if now >= self.limit() && round == 1 {
            for seat in self.plan.seats() {
                let waits = self.busy & (1 << seat.0) != 0 || self.waits_in_vain(seat, round);
                if waits && !self.dropped.contains(&(seat, round)) {
                    self.dropped.push((seat, round));
                }
            }
        }
    }

    pub(super) fn leg_input(&mut self, id: LegId, event: LegEvent, now: Ts) {
        let process = self.process;
        let Some(at) = self.legs.iter().position(|line| line.id == id && line.process == process) else {
            return;
        };
        let line = &mut self.legs[at];
        if line.down.is_some() {
            return;
        }
        if line.hung_up.is_some() && !matches!(event, LegEvent::Answered | LegEvent::Ended(..)) {
            return;
        }
        let manager = line.is_manager();
        if !matches!(
            event,
            LegEvent::Ended(..)
                | LegEvent::Played(_)
                | LegEvent::Digit(_)
                | LegEvent::DigitsSent
                | LegEvent::MediaLost { .. }
                | LegEvent::MediaBack
        ) && line.hung_up.is_none()
            && line.sent.is_none()
        {
            line.sent = Some(now);
            if manager {
                self.first_sent.get_or_insert(now);
                self.t0.get_or_insert(now);
            }
        }
        let line = &mut self.legs[at];
        match event {
            LegEvent::Ringing if line.answered.is_none() => {
                line.ringing.get_or_insert(now);
                line.rang.get_or_insert(now);
            }
            LegEvent::EarlyMedia if line.answered.is_none() => {
                line.rang.get_or_insert(now);
            }
            LegEvent::Answered if line.hung_up.is_some() => line.crossed += 1,
            LegEvent::Answered => {
                line.answered.get_or_insert(now);
            }
            LegEvent::DigitsSent if line.digits.is_some() => line.digits_done = true,
            LegEvent::Played(n) => line.spoken |= line.first_word.is_some_and(|(word, ..)| word == n),
            LegEvent::Digit('1') if line.first_word.is_some() => line.said_yes = true,
            LegEvent::Digit('2') => {
                let asked = line.first_word.is_some();
                let accepted = self.had_accepted(at, now);
                let refuses = manager && asked && !accepted;
                self.legs[at].refused_now |= refuses && !self.legs[at].refused;
                self.legs[at].refused |= refuses;
            }
            LegEvent::Ended(cause, by) => self.leg_down(at, cause, by, now),
            LegEvent::MediaLost { first: true, .. } => {
                // Whoever ended the talk earlier in this tick has settled it.
                let gone = |id: LegId| self.legs.iter().any(|line| line.id == id && line.down.is_some());
                let settled = self.bridge.is_some_and(|(a, b, _)| gone(a) || gone(b)) || self.cancelled;
                if !settled && self.bridge.is_some_and(|(a, b, _)| a == id || b == id) {
                    self.bridge = self.bridge.map(|(a, b, _)| (a, b, Ts(i64::MAX)));
                }
            }
            _ => {}
        }
    }

    /// Before this tick's timers: events go first.
    pub(super) fn had_accepted(&self, at: usize, now: Ts) -> bool {
        self.accepted(&self.legs[at], now - Duration::from_micros(1))
    }

    pub(super) fn leg_down(&mut self, at: usize, cause: Cause, by: EndedBy, now: Ts) {
        let accepted = self.had_accepted(at, now);
        let line = &mut self.legs[at];
        line.down = Some(now);
        line.refused |= line.is_manager() && cause.is_decline();
        if line.hung_up.is_some() {
            self.hold_until = None;
            return;
        }
        if line.sent.is_none() {
            line.unsent = Some(cause);
            if let Some(seat) = line.seat() {
                match cause {
                    Cause::InService => self.busy |= 1 << seat.0,
                    Cause::NoChannel | Cause::NoFunds => self.hold_until = Some(now + CHANNEL_WAIT),
                    _ => {}
                }
            }
            self.drop_the_awaited(now);
            return;
        }
        let asked = line.first_word.is_some() && !accepted && by == EndedBy::Far;
        line.refused_now = line.is_manager() && asked && !line.refused;
        line.refused |= line.refused_now;
        self.hold_until = None;
    }

    pub(in crate::flow::sim) fn intent(&mut self, leg: LegId) {
        let process = self.process;
        if let Some(line) = self.legs.iter_mut().find(|line| line.id == leg && line.process == process) {
            line.intent = true;
        }
    }
}
