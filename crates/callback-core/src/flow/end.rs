//! The end: the disposition by the table, the farewells, the record (flow.md § Dispositions, § Closing).

use super::leg::{Leg, Stage};
use super::talk::SHORTEST_TALK;
use super::timer::Timer;
use super::words::{Canceller, Command, Detail, Finish, HangupReason, LegEvent, Prompt, VisitorState};
use super::{Flow, Phase};
use crate::id::LegId;
use crate::plan::Callee;
use crate::record::{CallRecord, Cause, Disposition, ManagerFault, NotCalled, Outcome, Talk, VisitorFault};
use crate::time::Ts;
use std::time::Duration;

/// A visitor who hangs up sooner after his answer did not mean to wait.
const LEFT_AT_ONCE: Duration = Duration::from_secs(5);
/// How long the visitor's telephone rings at least, though the seeking is over.
const RINGS_ON: Duration = Duration::from_secs(10);

/// What ended the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    Cancelled(Canceller),
    /// The visitor's leg failed before its answer.
    VisitorFailed(Disposition, Cause),
    /// Nothing was heard from the visitor.
    VisitorUnheard,
    /// He hung up while waiting, or pressed 9.
    VisitorLeft,
    TalkOver,
    TalkOverByVisitor,
    /// The talk's limit.
    Limit,
    /// Nothing was heard from either.
    Silence,
    SeekOver,
    SeekCutByShutdown,
    Deadline,
    /// The process died.
    Interrupted,
}

/// The settled outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ending {
    at: Ts,
    disposition: Disposition,
}

impl Flow {
    pub(super) fn on_cancel(&mut self, by: Canceller) {
        match self.phase {
            Phase::Running | Phase::HandingBack => self.end(How::Cancelled(by)),
            Phase::Ended(_) => {
                let rings = self.visitor_leg().filter(|leg| leg.stage <= Stage::Sent).map(|leg| leg.id);
                if let Some(id) = rings {
                    self.hang_up(id, HangupReason::Cancelled, Outcome::Cut);
                }
            }
            Phase::Finished => {}
        }
    }

    /// The outcome is settled now: tell it, say farewell, hang up.
    pub(super) fn end(&mut self, how: How) {
        if !matches!(self.phase, Phase::Running | Phase::HandingBack) {
            return;
        }
        let disposition = self.disposition(how);
        if disposition == Disposition::Connected {
            self.count_talk();
        }
        self.phase = Phase::Ended(Ending { at: self.now, disposition });
        self.timers.clear_all_but_deadline();
        self.unbridge();
        let cause = if let How::VisitorFailed(_, cause) = how { Some(cause) } else { None };
        self.shown = VisitorState::Ended(disposition);
        let talk = self.talk.map(|talk| talk.until.since(talk.from));
        let of = self.detail().of;
        let detail = Detail { of, cause, talk, ..Detail::default() };
        self.out.push_back(Command::Tell(self.shown, detail));
        let reason = match how {
            How::VisitorFailed(..) => {
                self.let_managers_know();
                HangupReason::Over
            }
            How::SeekOver | How::SeekCutByShutdown => {
                self.let_visitor_go();
                HangupReason::Over
            }
            How::Cancelled(_) => HangupReason::Cancelled,
            How::Limit => HangupReason::Limit,
            How::VisitorUnheard | How::Silence => HangupReason::NoMedia,
            How::Deadline | How::Interrupted => HangupReason::Shutdown,
            How::VisitorLeft | How::TalkOver | How::TalkOverByVisitor => HangupReason::Over,
        };
        let left: Vec<(LegId, Outcome)> = self
            .legs
            .iter()
            .filter(|leg| self.goes_down_now(leg))
            .map(|leg| (leg.id, self.outcome_at_end(leg)))
            .collect();
        for (leg, outcome) in left {
            self.hang_up(leg, reason, outcome);
        }
    }

    /// The first row of the table that fits.
    fn disposition(&self, how: How) -> Disposition {
        use Disposition::{Connected, ManagerNoAnswer, NotCalled as Uncalled, VisitorNoAnswer};
        let answered_at = self.visitor_leg().and_then(|leg| leg.times.answered_at);
        let bridged = self.bridged_at;
        let cancelled = matches!(how, How::Cancelled(_));
        if how != How::VisitorUnheard && bridged.is_some_and(|at| self.now >= at + SHORTEST_TALK) {
            return Connected;
        }
        if cancelled && answered_at.is_none() {
            return Uncalled(NotCalled::Cancelled);
        }
        match how {
            How::VisitorFailed(disposition, _) => disposition,
            How::VisitorUnheard => VisitorNoAnswer(VisitorFault::NoMedia),
            How::TalkOverByVisitor | How::Cancelled(_) if bridged.is_some() => {
                VisitorNoAnswer(VisitorFault::HungUpAtOnce)
            }
            How::VisitorLeft | How::Cancelled(_) => {
                let by_himself = matches!(how, How::VisitorLeft | How::Cancelled(Canceller::Visitor));
                let at_once = answered_at.is_some_and(|at| self.now <= at + LEFT_AT_ONCE);
                if by_himself && at_once {
                    VisitorNoAnswer(VisitorFault::LeftAtOnce)
                } else {
                    ManagerNoAnswer(ManagerFault::VisitorLeft)
                }
            }
            How::SeekOver if self.manager_left_bridge_at == Some(self.now) => {
                ManagerNoAnswer(ManagerFault::HungUpAtOnce)
            }
            How::SeekOver if !self.seek.any_sent() => match (self.seek.any_busy, self.seek.any_no_funds) {
                (true, _) => ManagerNoAnswer(ManagerFault::AllBusy),
                (false, true) => Uncalled(NotCalled::NoFunds),
                (false, false) => Uncalled(NotCalled::Trunk),
            },
            How::SeekOver if !self.seek.only_unknown() => ManagerNoAnswer(ManagerFault::AllFailed),
            How::SeekOver
            | How::SeekCutByShutdown
            | How::TalkOver
            | How::TalkOverByVisitor
            | How::Limit
            | How::Silence
            | How::Deadline
            | How::Interrupted => Uncalled(NotCalled::Interrupted),
        }
    }

    fn count_talk(&mut self) {
        let manager = self.accepted.and_then(|id| self.legs.get(id));
        if let (Some(from), Some((leg, seat))) =
            (self.bridged_at, manager.and_then(|leg| Some((leg.id, leg.seat()?))))
        {
            self.talk = Some(Talk { manager_leg: leg, manager: seat, from, until: self.now });
        }
    }

    /// The visitor could not be reached: every answered manager hears it.
    fn let_managers_know(&mut self) {
        let answered: Vec<LegId> =
            self.legs.managers().filter(|leg| leg.is_answered()).map(|leg| leg.id).collect();
        for leg in answered {
            self.say_farewell(leg, Prompt::VisitorNoAnswer);
        }
    }

    /// Nobody is left: a waiting visitor hears the apology, a ringing one rings on for a while.
    fn let_visitor_go(&mut self) {
        let Some(leg) = self.visitor_leg() else { return };
        let (id, stage, rings_since) = (leg.id, leg.stage, leg.rings_since());
        match (stage, rings_since) {
            (Stage::Accepted, _) => self.say_farewell(id, Prompt::Apology),
            (Stage::Sent, Some(since)) if self.now < since + RINGS_ON => {
                self.timers.set(Timer::VisitorRingsOn, since + RINGS_ON);
            }
            _ => {}
        }
    }

    pub(super) fn say_farewell(&mut self, id: LegId, prompt: Prompt) {
        let Some(outcome) = self.legs.get(id).map(|leg| self.outcome_at_end(leg)) else { return };
        if let Some(leg) = self.legs.get_mut(id) {
            let callee = leg.callee;
            leg.stage = Stage::Farewell;
            leg.outcome = outcome;
            self.disarm(id, callee);
            self.play(id, prompt, false);
        }
    }

    /// A leg that hears why the call is over.
    pub(super) fn on_farewell(&mut self, id: LegId, event: LegEvent) {
        let Some(leg) = self.legs.get(id) else { return };
        match event {
            LegEvent::Played(n) if n == leg.prompt => self.hang_up(id, HangupReason::Over, Outcome::Cut),
            LegEvent::Digit('9') if leg.callee == Callee::Visitor => {
                self.stop_requested = true;
                self.hang_up(id, HangupReason::Over, Outcome::Cut);
            }
            LegEvent::Sent
            | LegEvent::Ringing
            | LegEvent::EarlyMedia
            | LegEvent::Answered
            | LegEvent::DigitsSent
            | LegEvent::Played(_)
            | LegEvent::Digit(_)
            | LegEvent::MediaLost { .. }
            | LegEvent::MediaBack
            | LegEvent::Ended(..) => {}
        }
    }

    fn goes_down_now(&self, leg: &Leg) -> bool {
        let rings_on = leg.callee == Callee::Visitor && self.timers.is_set(Timer::VisitorRingsOn);
        leg.is_live() && leg.stage != Stage::Farewell && !rings_on
    }

    pub(super) fn finish_when_all_is_down(&mut self) {
        if self.legs.iter().any(|leg| leg.stage != Stage::Ended) {
            return;
        }
        self.timers.clear_all();
        let finish = if matches!(self.phase, Phase::HandingBack) {
            Finish::HandedBack(self.legs.records())
        } else {
            Finish::Over(self.record())
        };
        self.phase = Phase::Finished;
        self.out.push_back(Command::Finish(Box::new(finish)));
    }

    pub(super) fn record(&self) -> CallRecord {
        let (at, disposition) = if let Phase::Ended(ending) = &self.phase {
            (ending.at, ending.disposition)
        } else {
            (self.now, Disposition::NotCalled(NotCalled::Interrupted))
        };
        CallRecord {
            order: self.plan.order,
            settings_version: self.plan.settings_version,
            disposition,
            started_at: self.started_at,
            ended_at: at,
            finished_at: self.now,
            talk: self.talk,
            stop_requested: self.stop_requested,
            legs: self.legs.records(),
        }
    }

    /// What the call's end makes of a leg that it finds.
    fn outcome_at_end(&self, leg: &Leg) -> Outcome {
        let talked =
            self.talk.is_some_and(|talk| leg.callee == Callee::Visitor || talk.manager_leg == leg.id);
        if leg.outcome != Outcome::Running {
            leg.outcome
        } else if talked {
            Outcome::Talked
        } else {
            Outcome::Cut
        }
    }
}
