//! The visitor's leg: dialled once, made to hear something as long as he waits (flow.md § Two modes).

use super::end::How;
use super::leg::{Leg, Stage};
use super::timer::Timer;
use super::words::{Command, HangupReason, LegEvent, Prompt, VisitorState};
use super::{DIAL_LIMIT, Flow, Phase, RINGS_AFTER};
use crate::id::LegId;
use crate::plan::{Callee, Mode};
use crate::record::{Cause, Disposition, EndedBy, NotCalled, Outcome, VisitorFault};

/// The key with which the visitor asks never to be called again.
const STOP_KEY: char = '9';

impl Flow {
    pub(super) fn visitor_is_due(&self) -> bool {
        let delay = self.plan.limits.delay_to_visitor;
        let accepted_at =
            self.accepted.and_then(|id| self.legs.get(id)).and_then(|leg| leg.times.accepted_at);
        match self.plan.mode {
            Mode::Together => {
                accepted_at.is_some() || self.first_sent.is_some_and(|sent| sent + delay <= self.now)
            }
            Mode::ManagerFirst => accepted_at.is_some_and(|at| at + delay <= self.now),
        }
    }

    pub(super) fn dial_visitor(&mut self) {
        let leg = self.legs.dial(Callee::Visitor, 0, self.now);
        self.visitor = Some(leg);
        self.timers.clear(Timer::VisitorDelay);
        self.timers.set(Timer::VisitorDial, self.now + DIAL_LIMIT);
        self.out.push_back(Command::Originate { leg, to: Callee::Visitor, round: 0 });
        self.tell(VisitorState::CallingVisitor);
    }

    pub(super) fn on_visitor(&mut self, id: LegId, event: LegEvent) {
        let Some(leg) = self.legs.get(id) else { return };
        let stage = leg.stage;
        match event {
            LegEvent::Sent => self.visitor_sent(id),
            LegEvent::Ringing | LegEvent::EarlyMedia => self.visitor_rings(id, event == LegEvent::Ringing),
            LegEvent::Answered => self.visitor_answered(id),
            LegEvent::Played(n) if n == leg.prompt => self.visitor_prompt_over(),
            LegEvent::Digit(STOP_KEY) if stage == Stage::Accepted => {
                self.stop_requested = true;
                self.end(How::VisitorLeft);
            }
            LegEvent::MediaLost { first: true, .. } if leg.is_answered() => self.end(How::VisitorUnheard),
            LegEvent::MediaLost { first: false, since } if leg.is_answered() => {
                if stage == Stage::Bridged {
                    self.media_lost(id, since);
                } else {
                    self.end(How::VisitorUnheard);
                }
            }
            LegEvent::MediaBack => self.media_back(id),
            LegEvent::Ended(cause, by) => self.visitor_ended(id, stage, cause, by),
            LegEvent::DigitsSent | LegEvent::Played(_) | LegEvent::Digit(_) | LegEvent::MediaLost { .. } => {}
        }
    }

    fn visitor_sent(&mut self, id: LegId) {
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Dialled) else { return };
        leg.stage = Stage::Sent;
        leg.times.sent_at = Some(now);
        leg.outcome = Outcome::Running;
        self.timers.clear(Timer::VisitorDial);
        self.timers.set(Timer::VisitorRing, now + RINGS_AFTER + self.plan.limits.visitor_ring_timeout);
    }

    fn visitor_rings(&mut self, id: LegId, ringing: bool) {
        self.visitor_sent(id);
        let (now, ended) = (self.now, matches!(self.phase, Phase::Ended(_)));
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Sent) else { return };
        let first_sign = leg.rings_since().is_none();
        let mark = if ringing { &mut leg.times.ringing_at } else { &mut leg.times.early_media_at };
        mark.get_or_insert(now);
        let in_time = leg.times.sent_at.is_some_and(|sent| now < sent + RINGS_AFTER);
        if first_sign && in_time && !ended {
            self.timers.set(Timer::VisitorRing, now + self.plan.limits.visitor_ring_timeout);
        }
        if ringing {
            self.timers.clear(Timer::Promise);
        }
    }

    fn visitor_answered(&mut self, id: LegId) {
        self.visitor_sent(id);
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.stage == Stage::Sent) else { return };
        leg.times.answered_at = Some(now);
        leg.stage = Stage::Accepted;
        self.timers.clear(Timer::VisitorRing);
        self.timers.clear(Timer::VisitorRingsOn);
        self.timers.clear(Timer::Promise);
        if matches!(self.phase, Phase::Ended(_)) {
            self.say_farewell(id, Prompt::Apology);
        } else if self.accepted.is_some() {
            self.bridge();
        } else {
            self.play(id, Prompt::Waiting, false);
            self.tell(VisitorState::Waiting);
        }
    }

    /// The waiting prompt, or the apology, is over.
    pub(super) fn visitor_prompt_over(&mut self) {
        self.timers.clear(Timer::VisitorPrompt);
        let Some(id) = self.visitor else { return };
        match self.legs.get(id).map(|leg| leg.stage) {
            Some(Stage::Accepted) => self.play(id, Prompt::Music, true),
            Some(Stage::Farewell) => self.hang_up(id, HangupReason::Over, Outcome::Cut),
            _ => {}
        }
    }

    fn visitor_ended(&mut self, id: LegId, stage: Stage, cause: Cause, by: EndedBy) {
        self.leg_ended(id, cause, by);
        let outcome = if stage <= Stage::Sent {
            self.end(How::VisitorFailed(cause.of_visitor(), cause));
            Outcome::Failed
        } else if stage == Stage::Bridged {
            self.end(How::TalkOverByVisitor);
            if self.talk.is_some() { Outcome::Talked } else { Outcome::Left }
        } else {
            self.end(How::VisitorLeft);
            Outcome::Left
        };
        if let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.times.sent_at.is_some()) {
            leg.outcome = outcome;
        }
    }

    pub(super) fn visitor_silent(&mut self) {
        self.end(How::VisitorFailed(Disposition::VisitorNoAnswer(VisitorFault::Silent), Cause::Silent));
    }

    pub(super) fn visitor_unsent(&mut self) {
        self.end(How::VisitorFailed(Disposition::NotCalled(NotCalled::Trunk), Cause::Trunk));
    }

    /// After the end his telephone has rung for as long as it should.
    pub(super) fn visitor_rang_on(&mut self) {
        if let Some(id) = self.visitor.filter(|id| self.legs.get(*id).is_some_and(Leg::is_live)) {
            self.hang_up(id, HangupReason::Over, Outcome::Cut);
        }
    }
}
