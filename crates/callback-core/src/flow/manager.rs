//! The managers' legs: from the dial to the accept (flow.md § A leg's life).

use super::leg::Stage;
use super::timer::{LegTimer, Timer};
use super::words::{Command, HangupReason, LegEvent, Prompt, VisitorState};
use super::{DIAL_LIMIT, Flow, GRACE, RINGS_AFTER};
use crate::id::LegId;
use crate::plan::{AcceptKey, Address, Callee, Mode, PlanManager, RingStrategy, Seat};
use crate::record::{Cause, EndedBy, Outcome};
use std::time::Duration;

/// A telephone number that answers so soon after the dial may be a switched-off mobile's voicemail.
const QUICK_ANSWER: Duration = Duration::from_secs(3);

impl Flow {
    pub(super) fn dial_manager(&mut self, seat: Seat) {
        let round = self.seek.round();
        self.seek.dialled(seat);
        let callee = Callee::Manager(seat);
        let leg = self.legs.dial(callee, round, self.now);
        self.timers.set(Timer::Leg(leg, LegTimer::Dial), self.now + DIAL_LIMIT);
        self.out.push_back(Command::Originate { leg, to: callee, round });
    }

    pub(super) fn on_manager(&mut self, id: LegId, event: LegEvent) {
        let Some(leg) = self.legs.get(id) else { return };
        let stage = leg.stage;
        match event {
            LegEvent::Sent => self.manager_sent(id),
            LegEvent::Ringing | LegEvent::EarlyMedia => self.manager_rings(id, event == LegEvent::Ringing),
            LegEvent::Answered => self.manager_answered(id),
            LegEvent::DigitsSent if stage == Stage::Digits => self.after_digits(id),
            LegEvent::Played(n) if n == leg.prompt => self.manager_prompt_over(id),
            LegEvent::Digit(key) if matches!(stage, Stage::Announcing | Stage::Keying) => match key {
                '1' => self.accept(id),
                '2' => self.give_up(id, HangupReason::Refused, Outcome::Refused),
                _ => {}
            },
            LegEvent::MediaLost { first, since } if leg.is_answered() => {
                self.manager_media_lost(id, stage, first, since);
            }
            LegEvent::MediaBack => self.media_back(id),
            LegEvent::Ended(cause, by) => self.manager_ended(id, stage, cause, by),
            LegEvent::DigitsSent | LegEvent::Played(_) | LegEvent::Digit(_) | LegEvent::MediaLost { .. } => {}
        }
    }

    pub(super) fn on_leg_timer(&mut self, id: LegId, timer: LegTimer) {
        match timer {
            LegTimer::Dial => {
                if let Some(seat) = self.legs.get(id).and_then(super::Leg::seat) {
                    self.seek.not_sent(seat, Cause::Trunk, self.now);
                }
                self.hang_up(id, HangupReason::NoAnswer, Outcome::NotSent);
            }
            LegTimer::Ring | LegTimer::Accept => self.give_up(id, HangupReason::NoAnswer, Outcome::Failed),
            LegTimer::Extension => self.send_digits(id),
            LegTimer::Digits => self.after_digits(id),
            LegTimer::Prompt => match self.legs.get(id).map(|leg| leg.stage) {
                Some(Stage::Farewell) => self.hang_up(id, HangupReason::Over, Outcome::Cut),
                _ => self.manager_prompt_over(id),
            },
        }
    }

    fn manager_sent(&mut self, id: LegId) {
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Dialled) else { return };
        leg.stage = Stage::Sent;
        leg.times.sent_at = Some(now);
        leg.outcome = Outcome::Running;
        self.timers.clear(Timer::Leg(id, LegTimer::Dial));
        self.timers.set(Timer::Leg(id, LegTimer::Ring), now + RINGS_AFTER + self.plan.limits.ring_timeout);
        if self.seek.sent(now) {
            self.timers.set(Timer::SeekLimit, self.seek.limit_at());
        }
        if self.first_sent.is_none() {
            self.first_sent = Some(now);
            if self.plan.mode == Mode::Together {
                self.timers.set(Timer::VisitorDelay, now + self.plan.limits.delay_to_visitor);
            }
        }
        self.tell_or_update(VisitorState::CallingManager, self.late);
    }

    fn manager_rings(&mut self, id: LegId, ringing: bool) {
        self.manager_sent(id);
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Sent) else { return };
        let first_sign = leg.rings_since().is_none();
        let mark = if ringing { &mut leg.times.ringing_at } else { &mut leg.times.early_media_at };
        mark.get_or_insert(now);
        let in_time = leg.times.sent_at.is_some_and(|sent| now < sent + RINGS_AFTER);
        if first_sign && in_time {
            self.timers.set(Timer::Leg(id, LegTimer::Ring), now + self.plan.limits.ring_timeout);
        }
    }

    fn manager_answered(&mut self, id: LegId) {
        self.manager_sent(id);
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Sent) else { return };
        leg.stage = Stage::Extension;
        leg.times.answered_at = Some(now);
        self.timers.clear(Timer::Leg(id, LegTimer::Ring));
        match self.manager_of(id) {
            Some(manager) if manager.telephone.extension.is_some() => {
                let delay = manager.extension_delay;
                if delay.is_zero() {
                    self.send_digits(id);
                } else {
                    self.timers.set(Timer::Leg(id, LegTimer::Extension), now + delay);
                }
            }
            _ => self.after_digits(id),
        }
    }

    fn send_digits(&mut self, id: LegId) {
        let length = self.manager_of(id).and_then(|manager| manager.telephone.extension.as_ref());
        let Some(length) = length.map(crate::plan::Digits::length) else { return };
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Extension) else { return };
        leg.stage = Stage::Digits;
        self.timers.set(Timer::Leg(id, LegTimer::Digits), self.now + length + GRACE);
        self.out.push_back(Command::SendDigits(id));
    }

    /// Answered and through to the person: what must he hear and press before he counts as accepted?
    fn after_digits(&mut self, id: LegId) {
        let now = self.now;
        let (announce, key) = (self.plan.limits.announce, self.needs_key(id));
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.stage == Stage::Digits {
            leg.times.digits_sent_at = Some(now);
        }
        self.timers.clear(Timer::Leg(id, LegTimer::Digits));
        let (stage, prompt) = match (announce, key) {
            (false, false) => return self.accept(id),
            (true, false) => (Stage::Announcing, Prompt::Announcement),
            (true, true) => (Stage::Keying, Prompt::AnnouncementAndKey),
            (false, true) => (Stage::Keying, Prompt::Key),
        };
        leg.stage = stage;
        leg.times.first_word_at = Some(now);
        if key {
            self.timers.set(Timer::Leg(id, LegTimer::Accept), now + self.plan.limits.accept_timeout);
        }
        self.play(id, prompt, key);
    }

    fn needs_key(&self, id: LegId) -> bool {
        let (Some(manager), Some(leg)) = (self.manager_of(id), self.legs.get(id)) else { return true };
        match manager.accept_key {
            AcceptKey::Yes => true,
            AcceptKey::No => false,
            AcceptKey::Auto => {
                let is_number = matches!(manager.telephone.address, Address::Phone(_));
                let quick = match (leg.times.sent_at, leg.times.answered_at) {
                    (Some(sent), Some(answered)) => answered <= sent + QUICK_ANSWER,
                    _ => true,
                };
                let unannounced = leg.times.ringing_at.is_none();
                manager.telephone.extension.is_some()
                    || is_number && (self.plan.strategy == RingStrategy::All || quick || unannounced)
            }
        }
    }

    fn manager_prompt_over(&mut self, id: LegId) {
        self.timers.clear(Timer::Leg(id, LegTimer::Prompt));
        match self.legs.get(id).map(|leg| leg.stage) {
            Some(Stage::Announcing) => self.accept(id),
            Some(Stage::Accepted) => self.play(id, Prompt::Ringback, true),
            _ => {}
        }
    }

    /// He has the call: everybody else is let go, and the talk begins if the visitor is there.
    fn accept(&mut self, id: LegId) {
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.stage = Stage::Accepted;
        leg.times.accepted_at = Some(now);
        self.timers.clear_leg(id);
        self.timers.clear(Timer::Seek);
        self.accepted = Some(id);
        let others: Vec<(LegId, Option<Seat>)> =
            self.legs.managers().filter(|leg| leg.is_trying()).map(|leg| (leg.id, leg.seat())).collect();
        for (other, seat) in others {
            if let Some(seat) = seat {
                self.seek.cut_for_another(seat);
            }
            self.hang_up(other, HangupReason::CompletedElsewhere, Outcome::Elsewhere);
        }
        if self.visitor_leg().is_some_and(|leg| leg.stage == Stage::Accepted) {
            return self.bridge();
        }
        self.play(id, Prompt::Connecting, false);
        if self.visitor.is_none() && self.plan.mode == Mode::ManagerFirst {
            self.timers.set(Timer::VisitorDelay, now + self.plan.limits.delay_to_visitor);
        }
    }

    fn manager_ended(&mut self, id: LegId, stage: Stage, cause: Cause, by: EndedBy) {
        if stage == Stage::Bridged {
            return self.manager_left_bridge(id, cause, by);
        }
        if stage == Stage::Dialled {
            self.leg_ended(id, cause, by);
            if let Some(seat) = self.legs.get(id).and_then(super::Leg::seat) {
                self.seek.not_sent(seat, cause, self.now);
            }
            return self.legs.fold_unsent(id);
        }
        let hung_up_on_us = matches!(stage, Stage::Announcing | Stage::Keying) && by == EndedBy::Far;
        let outcome = if hung_up_on_us || cause.is_decline() {
            Outcome::Refused
        } else if stage == Stage::Accepted {
            Outcome::Left
        } else {
            Outcome::Failed
        };
        self.try_over(id, outcome);
        self.leg_ended(id, cause, by);
    }

    fn manager_media_lost(&mut self, id: LegId, stage: Stage, first: bool, since: crate::time::Ts) {
        match (first, stage) {
            (true, Stage::Bridged) => self.undo_bridge_with(id),
            (true, _) => self.give_up(id, HangupReason::NoMedia, Outcome::Failed),
            (false, _) => self.media_lost(id, since),
        }
    }

    /// His try is over, and we hang up.
    fn give_up(&mut self, id: LegId, reason: HangupReason, outcome: Outcome) {
        self.try_over(id, outcome);
        self.hang_up(id, reason, outcome);
    }

    /// His try is over, whoever ends the leg: his turn passes on.
    pub(super) fn try_over(&mut self, id: LegId, outcome: Outcome) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.outcome = outcome;
        let seat = leg.seat();
        if let Some(seat) = seat {
            self.seek.failed(seat, self.now, outcome == Outcome::Refused);
        }
        if self.accepted == Some(id) {
            self.accepted = None;
            self.seek.winner_left();
            if self.visitor.is_none() && self.plan.mode == Mode::ManagerFirst {
                self.timers.clear(Timer::VisitorDelay);
            }
        }
    }

    fn manager_of(&self, id: LegId) -> Option<&PlanManager> {
        self.legs.get(id).and_then(super::Leg::seat).and_then(|seat| self.plan.manager(seat))
    }
}
