//! What the flow does about it, judged command by command.

use super::{CHANNEL_WAIT, GRACE, Line, Verdict, Watch, rule};
use crate::flow::{Command, Finish, HangupReason, Prompt, VisitorState};
use crate::id::LegId;
use crate::plan::Mode;
use crate::plan::{Callee, RingStrategy, Seat};
use crate::record::{CallRecord, Cause, Disposition, ManagerFault, NotCalled, VisitorFault};
use crate::time::Ts;
use std::time::Duration;

impl Watch {
    pub(in crate::flow::sim) fn command(&mut self, command: &Command, now: Ts) -> Verdict {
        rule!(!self.finished, "a command after Finish");
        match command {
            Command::Originate { leg, to, round } => self.originate(*leg, *to, *round, now),
            Command::SendDigits(leg) => {
                let line = self.line(*leg)?;
                rule!(line.answered.is_some() && line.was_there(now), "digits to a leg that is not there");
                line.digits = Some(now);
                Ok(())
            }
            Command::Play { leg, n, prompt, .. } => self.play(*leg, *n, *prompt, now),
            Command::Bridge { visitor, manager } => self.join(*visitor, *manager, now),
            Command::Unbridge => {
                let Some((visitor, manager, from)) = self.bridge.take() else {
                    return Err("no bridge to undo".into());
                };
                self.unbridged_at = Some(now);
                self.talked |= from != Ts(i64::MAX) && now.since(from) >= Duration::from_secs(1);
                for leg in [visitor, manager] {
                    self.line(leg)?.hears = None;
                }
                Ok(())
            }
            Command::Hangup { leg, reason } => {
                let patience = self.plan.limits.accept_timeout;
                let line = self.line(*leg)?;
                if *reason == HangupReason::NoAnswer && line.answered.is_some() && line.hung_up.is_none() {
                    let waited = line.first_word.is_some_and(|(.., at)| now >= at + patience);
                    rule!(waited, "leg {leg} answered, and is given up as if it had not");
                }
                rule!(line.down.is_none_or(|at| at == now), "a dead leg is hung up");
                rule!(
                    line.hung_up.is_none_or(|(_, at)| at == now) || line.crossed > 0,
                    "a leg is hung up twice"
                );
                line.crossed = line.crossed.saturating_sub(1);
                line.hung_up.get_or_insert((*reason, now));
                line.refused |= *reason == HangupReason::Refused;
                if *reason != HangupReason::Refused && line.refused_now {
                    // We gave him up in the very tick in which he hung up, and did so first.
                    line.refused = false;
                }
                Ok(())
            }
            Command::Tell(state, _) => self.told(*state, now),
            Command::Finish(finish) => self.finish(finish),
        }
    }

    pub(super) fn originate(&mut self, leg: LegId, to: Callee, round: u8, now: Ts) -> Verdict {
        rule!(self.ended.is_none() && !self.shutdown, "a dial after the end or a shutdown");
        rule!(!self.legs.iter().any(|line| line.id == leg), "a leg's number twice");
        let process = self.process;
        let open = |line: &&Line| line.process == process && line.callee == to && line.down.is_none();
        rule!(!self.legs.iter().any(|line| open(&line)), "a telephone has two legs");
        match to {
            Callee::Visitor => {
                rule!(!self.legs.iter().any(|line| line.callee == to), "the visitor is dialled twice");
                rule!(self.first_sent.is_some(), "the visitor is dialled before a manager");
                let delay = self.plan.limits.delay_to_visitor;
                let accepted = self.accepted_leg(now).and_then(|line| line.connecting);
                let due = match self.plan.mode {
                    Mode::Together => {
                        accepted.is_some() || self.first_sent.is_some_and(|sent| sent + delay <= now)
                    }
                    Mode::ManagerFirst => accepted.is_some_and(|at| at + delay <= now),
                };
                rule!(due, "the visitor is dialled too early");
            }
            Callee::Manager(seat) => {
                self.may_try(seat, round, now)?;
                self.reached |= 1 << seat.0;
            }
        }
        self.legs.push(Line {
            id: leg,
            callee: to,
            round,
            process,
            dialled: now,
            intent: false,
            sent: None,
            ringing: None,
            rang: None,
            answered: None,
            digits: None,
            digits_done: false,
            first_word: None,
            said_yes: false,
            spoken: false,
            connecting: None,
            hears: None,
            hung_up: None,
            down: None,
            unsent: None,
            refused: false,
            refused_now: false,
            crossed: 0,
            unknown: false,
        });
        Ok(())
    }

    pub(super) fn may_try(&self, seat: Seat, round: u8, now: Ts) -> Verdict {
        rule!(usize::from(seat.0) < self.plan.managers.len(), "nobody sits there");
        rule!(self.accepted_leg(now).is_none(), "a dial while a manager has accepted");
        rule!(self.busy & (1 << seat.0) == 0, "a busy manager is dialled");
        let held = self.is_held(now) && self.hold_until != Some(now + CHANNEL_WAIT);
        rule!(!held, "a dial without a channel");
        rule!(self.taken() + 1 < self.plan.limits.max_legs.into(), "the visitor's channel is taken");
        rule!(round >= self.round(), "back to an earlier round");
        rule!(round <= u8::try_from(self.plan.rounds.len()).unwrap(), "a round too many");
        rule!(round == 1 || now < self.limit(), "a later round's try after total_time");
        if self.plan.strategy != RingStrategy::All {
            rule!(!self.is_trying(now), "two tries at a time");
        }
        let theirs = || self.legs.iter().filter(|line| line.seat() == Some(seat));
        rule!(!theirs().any(|line| line.refused && !line.unknown), "who refused is dialled");
        if let Some(last) = theirs().rfind(|line| line.intent && !line.unknown) {
            let rested = last.over_at().is_none_or(|at| now.since(at) >= Duration::from_secs(10));
            let free = last.is_elsewhere() || last.was_cut_by_shutdown() || last.sent.is_none();
            rule!(rested || free, "no rest since the last try");
        }
        if let Some(last) = theirs().rfind(|line| line.intent && line.round == round) {
            let again = last.is_elsewhere() || last.was_cut_by_shutdown();
            rule!(again, "an intent is dialled twice");
        }
        if round > self.round() && self.process == 1 {
            let ends = self.legs.iter().filter(|line| line.is_manager() && line.sent.is_some());
            if let Some(last) = ends.filter(|line| line.round + 1 == round).filter_map(Line::over_at).max() {
                rule!(now.since(last) >= Duration::from_secs(2), "no gap between rounds");
            }
        }
        Ok(())
    }

    pub(super) fn play(&mut self, leg: LegId, n: u16, prompt: Prompt, now: Ts) -> Verdict {
        let bridged = self.bridge.is_some_and(|(a, b, _)| a == leg || b == leg);
        let accepted = self.legs.iter().any(|line| line.id == leg && self.accepted(line, now));
        let kept = self.accepted_leg(now).map(|line| line.id);
        let digits_length = self.digits_length(leg);
        let line = self.line(leg)?;
        rule!(line.was_there(now) && line.answered.is_some(), "a prompt to a leg that is not there");
        match prompt {
            Prompt::Announcement | Prompt::AnnouncementAndKey | Prompt::Key => {
                rule!(line.first_word.is_none(), "a first word twice");
                let digits_over = digits_length.is_none_or(|length| {
                    line.digits_done || line.digits.is_some_and(|at| now >= at + length + GRACE)
                });
                rule!(digits_over, "a word before the digits were sent");
                line.first_word = Some((n, prompt, now));
            }
            Prompt::Connecting | Prompt::Ringback => {
                rule!(
                    accepted && kept.is_none_or(|kept| kept == leg),
                    "{prompt:?} to one who has not accepted"
                );
                line.connecting.get_or_insert(now);
            }
            Prompt::TalkEnds => rule!(bridged, "a warning without a talk"),
            Prompt::VisitorNoAnswer | Prompt::Apology => {
                rule!(self.ended.is_some(), "a farewell before the end")
            }
            Prompt::Waiting | Prompt::Music => rule!(self.ended.is_none(), "music after the end"),
        }
        self.line(leg)?.hears = Some((n, prompt, now));
        Ok(())
    }

    pub(super) fn join(&mut self, visitor: LegId, manager: LegId, now: Ts) -> Verdict {
        rule!(self.bridge.is_none(), "two bridges");
        rule!(self.ended.is_none(), "a bridge after the end");
        let accepted = self
            .legs
            .iter()
            .any(|line| line.id == manager && line.was_there(now) && self.accepted(line, now));
        rule!(accepted, "a bridge with a manager who has not accepted");
        let visitor_line = self.line(visitor)?;
        let there = visitor_line.callee == Callee::Visitor
            && visitor_line.was_there(now)
            && visitor_line.answered.is_some();
        rule!(there, "a bridge with a visitor who is not there");
        self.bridge = Some((visitor, manager, now));
        Ok(())
    }

    pub(super) fn told(&mut self, state: VisitorState, now: Ts) -> Verdict {
        rule!(state >= self.shown, "the visitor sees {state:?} after {:?}", self.shown);
        self.shown = state;
        let VisitorState::Ended(disposition) = state else { return Ok(()) };
        rule!(self.ended.is_none(), "two dispositions");
        self.ended = Some((disposition, now));
        self.fits(disposition, now)
    }

    /// The disposition is one that these events can have.
    pub(super) fn fits(&self, disposition: Disposition, now: Ts) -> Verdict {
        let visitor = self.legs.iter().find(|line| line.callee == Callee::Visitor);
        let answered = visitor.is_some_and(|line| line.answered.is_some());
        let any_intent = self.legs.iter().any(|line| line.is_manager() && line.sent.is_some());
        let any_past =
            self.legs.iter().any(|line| line.is_manager() && line.intent && line.process < self.process);
        let any_sent = any_intent || any_past;
        let fits = match disposition {
            Disposition::Connected => self.talked,
            Disposition::NotCalled(NotCalled::Cancelled) => self.cancelled && !answered,
            Disposition::NotCalled(NotCalled::Interrupted) => {
                self.shutdown || self.process > 1 || self.limited
            }
            Disposition::NotCalled(NotCalled::Trunk | NotCalled::NoFunds) => visitor.is_some() || !any_sent,
            Disposition::NotCalled(_) => false,
            Disposition::VisitorNoAnswer(VisitorFault::HungUpAtOnce) => {
                self.unbridged_at == Some(now) && !self.talked
            }
            Disposition::VisitorNoAnswer(VisitorFault::LeftAtOnce) => visitor
                .and_then(|line| line.answered)
                .is_some_and(|at| now.since(at) <= Duration::from_secs(5)),
            Disposition::VisitorNoAnswer(VisitorFault::NoMedia) => answered,
            Disposition::VisitorNoAnswer(_) => visitor.is_some() && !answered,
            Disposition::ManagerNoAnswer(ManagerFault::VisitorLeft) => answered,
            Disposition::ManagerNoAnswer(ManagerFault::AllBusy) => !any_sent,
            Disposition::ManagerNoAnswer(ManagerFault::HungUpAtOnce) => self.unbridged_at == Some(now),
            Disposition::ManagerNoAnswer(ManagerFault::AllFailed) => {
                rule!(any_sent, "all_failed, and nobody was tried");
                return self.reached_everybody(now);
            }
        };
        rule!(fits, "{disposition:?} cannot be");
        Ok(())
    }

    pub(super) fn reached_everybody(&self, now: Ts) -> Verdict {
        for seat in self.plan.seats() {
            rule!(self.reached & (1 << seat.0) != 0, "all_failed, and seat {} was never reached", seat.0);
            let Some(last) = self.legs.iter().rev().find(|line| line.seat() == Some(seat)) else { continue };
            let missed = matches!(last.unsent, Some(Cause::InService | Cause::NoChannel | Cause::NoFunds));
            let owed = !self.has_refused(seat) && (missed || (last.is_elsewhere() && !last.unknown));
            let excused =
                now >= self.limit() || self.shutdown || self.dropped.iter().any(|(other, _)| *other == seat);
            rule!(
                !owed || excused || last.round > 1 || self.had_a_try(seat),
                "all_failed, and seat {} is still owed a try",
                seat.0
            );
        }
        Ok(())
    }

    pub(super) fn had_a_try(&self, seat: Seat) -> bool {
        self.legs.iter().any(|line| line.seat() == Some(seat) && line.intent && !line.is_elsewhere())
    }

    pub(super) fn finish(&mut self, finish: &Finish) -> Verdict {
        self.finished = true;
        let process = self.process;
        let open = self.legs.iter().any(|line| line.process == process && line.down.is_none());
        rule!(!open, "Finish with a leg up");
        match finish {
            Finish::HandedBack(_) => {
                rule!(self.shutdown && self.ended.is_none(), "handed back without a shutdown");
                rule!(
                    !self.legs.iter().any(|line| line.callee == Callee::Visitor),
                    "handed back after the visitor's dial"
                );
                Ok(())
            }
            Finish::Over(record) => {
                rule!(
                    self.ended.map(|(disposition, _)| disposition) == Some(record.disposition),
                    "two dispositions"
                );
                self.buried(record)
            }
        }
    }

    /// A call's record says what happened.
    pub(in crate::flow::sim) fn buried(&self, record: &CallRecord) -> Verdict {
        let open =
            self.bridge.is_some_and(|(_, _, from)| record.finished_at.since(from) >= Duration::from_secs(1));
        let connected = record.disposition == Disposition::Connected;
        rule!(
            connected == (self.talked || open),
            "{:?}, and talked: {}",
            record.disposition,
            self.talked || open
        );
        rule!(connected == record.talk.is_some(), "a record without its talk");
        Ok(())
    }
}
