//! The rules of flow.md, known apart from the flow: it sees inputs and commands, and objects.

use super::super::{Command, Finish, HangupReason, Input, Intent, IntentEnd, LegEvent, Prompt, VisitorState};
use crate::id::LegId;
use crate::plan::Mode;
use crate::plan::{AcceptKey, Address, Callee, Plan, RingStrategy, Seat};
use crate::record::{CallRecord, Cause, Disposition, EndedBy, ManagerFault, NotCalled, VisitorFault};
use crate::time::Ts;
use std::time::Duration;

type Verdict = Result<(), String>;

const GRACE: Duration = Duration::from_secs(2);
const CHANNEL_WAIT: Duration = Duration::from_secs(2);

macro_rules! rule {
    ($holds:expr, $($rule:tt)*) => {
        if !$holds {
            return Err(format!($($rule)*));
        }
    };
}

pub(super) struct Watch {
    plan: Plan,
    legs: Vec<Line>,
    process: u8,
    process_began: Ts,
    first_sent: Option<Ts>,
    /// t₀, over all processes.
    t0: Option<Ts>,
    hold_until: Option<Ts>,
    busy: u32,
    /// Managers whose turn ever came.
    reached: u32,
    /// Those who were waited for in vain until the limit, and in which round.
    dropped: Vec<(Seat, u8)>,
    bridge: Option<(LegId, LegId, Ts)>,
    unbridged_at: Option<Ts>,
    /// A bridge that counts.
    talked: bool,
    shown: VisitorState,
    ended: Option<(Disposition, Ts)>,
    shutdown: bool,
    deadline: Option<Ts>,
    cancelled: bool,
    limited: bool,
    finished: bool,
}

/// A leg as it looks from outside.
struct Line {
    id: LegId,
    callee: Callee,
    round: u8,
    process: u8,
    dialled: Ts,
    intent: bool,
    sent: Option<Ts>,
    ringing: Option<Ts>,
    rang: Option<Ts>,
    answered: Option<Ts>,
    digits: Option<Ts>,
    digits_done: bool,
    first_word: Option<(u16, Prompt, Ts)>,
    said_yes: bool,
    spoken: bool,
    /// When it first heard that it is being connected: the instant of the accept.
    connecting: Option<Ts>,
    hears: Option<(u16, Prompt, Ts)>,
    hung_up: Option<(HangupReason, Ts)>,
    down: Option<Ts>,
    unsent: Option<Cause>,
    refused: bool,
    /// By a key, or by hanging up.
    refused_now: bool,
    /// 200s that came after our hang-up, and have had no answer yet.
    crossed: u8,
    /// The end is not in the database.
    unknown: bool,
}

impl Line {
    fn is_live(&self) -> bool {
        self.hung_up.is_none() && self.down.is_none()
    }

    fn seat(&self) -> Option<Seat> {
        match self.callee {
            Callee::Visitor => None,
            Callee::Manager(seat) => Some(seat),
        }
    }

    fn is_manager(&self) -> bool {
        self.callee != Callee::Visitor
    }

    /// There when this tick began: a command of the tick may find it gone.
    fn was_there(&self, now: Ts) -> bool {
        self.hung_up.is_none_or(|(_, at)| at == now) && self.down.is_none_or(|at| at == now)
    }

    /// When its try ended.
    fn over_at(&self) -> Option<Ts> {
        match (self.hung_up, self.down) {
            (Some((_, up)), Some(down)) => Some(up.min(down)),
            (Some((_, at)), None) | (None, Some(at)) => Some(at),
            (None, None) => None,
        }
    }

    fn is_elsewhere(&self) -> bool {
        self.hung_up.is_some_and(|(reason, _)| reason == HangupReason::CompletedElsewhere)
    }

    fn was_cut_by_shutdown(&self) -> bool {
        self.hung_up.is_some_and(|(reason, _)| reason == HangupReason::Shutdown)
    }
}

impl Watch {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            legs: Vec::with_capacity(8),
            process: 1,
            process_began: Ts(0),
            first_sent: None,
            t0: None,
            hold_until: None,
            busy: 0,
            reached: 0,
            dropped: Vec::new(),
            bridge: None,
            unbridged_at: None,
            talked: false,
            shown: VisitorState::Accepted,
            ended: None,
            shutdown: false,
            deadline: None,
            cancelled: false,
            limited: false,
            finished: false,
        }
    }

    // What happens.

    pub(super) fn input(&mut self, input: &Input, now: Ts) {
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
    fn drop_the_awaited(&mut self, now: Ts) {
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

    fn leg_input(&mut self, id: LegId, event: LegEvent, now: Ts) {
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
    fn had_accepted(&self, at: usize, now: Ts) -> bool {
        self.accepted(&self.legs[at], now - Duration::from_micros(1))
    }

    fn leg_down(&mut self, at: usize, cause: Cause, by: EndedBy, now: Ts) {
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

    pub(super) fn intent(&mut self, leg: LegId) {
        let process = self.process;
        if let Some(line) = self.legs.iter_mut().find(|line| line.id == leg && line.process == process) {
            line.intent = true;
        }
    }

    // What the flow does about it.

    pub(super) fn command(&mut self, command: &Command, now: Ts) -> Verdict {
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

    fn originate(&mut self, leg: LegId, to: Callee, round: u8, now: Ts) -> Verdict {
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

    fn may_try(&self, seat: Seat, round: u8, now: Ts) -> Verdict {
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

    fn play(&mut self, leg: LegId, n: u16, prompt: Prompt, now: Ts) -> Verdict {
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

    fn join(&mut self, visitor: LegId, manager: LegId, now: Ts) -> Verdict {
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

    fn told(&mut self, state: VisitorState, now: Ts) -> Verdict {
        rule!(state >= self.shown, "the visitor sees {state:?} after {:?}", self.shown);
        self.shown = state;
        let VisitorState::Ended(disposition) = state else { return Ok(()) };
        rule!(self.ended.is_none(), "two dispositions");
        self.ended = Some((disposition, now));
        self.fits(disposition, now)
    }

    /// The disposition is one that these events can have.
    fn fits(&self, disposition: Disposition, now: Ts) -> Verdict {
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

    fn reached_everybody(&self, now: Ts) -> Verdict {
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

    fn had_a_try(&self, seat: Seat) -> bool {
        self.legs.iter().any(|line| line.seat() == Some(seat) && line.intent && !line.is_elsewhere())
    }

    fn finish(&mut self, finish: &Finish) -> Verdict {
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
    pub(super) fn buried(&self, record: &CallRecord) -> Verdict {
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

    // After every tick.

    pub(super) fn tick_over(&self, now: Ts) -> Verdict {
        let over = self.ended.is_some()
            || (self.shutdown && !self.legs.iter().any(|line| line.callee == Callee::Visitor));
        for line in self.legs.iter().filter(|line| line.process == self.process) {
            rule!(line.crossed == 0, "leg {} answered across our CANCEL and is not hung up", line.id);
            if !line.is_live() {
                continue;
            }
            let bridged = self.bridge.is_some_and(|(a, b, _)| a == line.id || b == line.id);
            if over {
                rule!(self.may_stay(line, now), "leg {} stays up after the end", line.id);
            }
            if let (None, Some(due)) = (line.answered, self.rings_until(line)) {
                rule!(now < due || over, "leg {} rings for too long", line.id);
            }
            if line.answered.is_some() {
                let in_digits = line.is_manager()
                    && line.first_word.is_none()
                    && self.digits_length(line.id).is_some_and(|length| {
                        !line.digits_done && line.digits.is_none_or(|at| now < at + length + GRACE)
                    });
                rule!(bridged || line.hears.is_some() || in_digits, "leg {} hears nothing", line.id);
            }
        }
        if !over && !self.finished {
            self.nothing_is_left_waiting(now)?;
        }
        Ok(())
    }

    /// When a leg that does not answer is given up: from its first ringing, or from `Sent` + 8 s.
    fn rings_until(&self, line: &Line) -> Option<Ts> {
        let latest = line.sent? + Duration::from_secs(8);
        let rings = line.rang.map_or(latest, |rang| rang.min(latest));
        let limits = &self.plan.limits;
        Some(rings + if line.is_manager() { limits.ring_timeout } else { limits.visitor_ring_timeout })
    }

    fn may_stay(&self, line: &Line, now: Ts) -> bool {
        if self.deadline.is_some_and(|deadline| deadline <= now) && self.ended.is_some() {
            return false;
        }
        match line.hears {
            Some((_, prompt @ (Prompt::Apology | Prompt::VisitorNoAnswer), at)) => {
                now < at + self.length_of(prompt) + GRACE
            }
            _ => {
                line.callee == Callee::Visitor
                    && line.answered.is_none()
                    && line.rang.is_some_and(|rang| now < rang + Duration::from_secs(10))
            }
        }
    }

    /// What may be done is done in its tick: the bridge, the visitor's dial, the next try.
    fn nothing_is_left_waiting(&self, now: Ts) -> Verdict {
        let visitor = self.legs.iter().find(|line| line.callee == Callee::Visitor);
        let accepted = self.accepted_leg(now);
        if let (Some(_), Some(visitor)) = (accepted, visitor) {
            let there = visitor.is_live() && visitor.answered.is_some();
            rule!(!there || self.bridge.is_some(), "both are there, and are not bridged");
        }
        if self.shutdown || accepted.is_some() || self.is_trying(now) {
            return Ok(());
        }
        if self.is_held(now) || self.taken() + 1 >= usize::from(self.plan.limits.max_legs) {
            return Ok(());
        }
        let round = self.round();
        for seat in self.plan.seats() {
            let waits = self.owes(seat, round, now) && self.could_be_dialled(seat, now);
            rule!(!waits, "seat {} could be tried, and is not", seat.0);
        }
        let owes_anybody =
            self.plan.seats().any(|seat| self.owes(seat, round, now) && self.busy & (1 << seat.0) == 0);
        if owes_anybody || usize::from(round) >= self.plan.rounds.len() || now >= self.limit() {
            return Ok(());
        }
        let tries = self
            .legs
            .iter()
            .filter(|line| line.is_manager() && line.round == round && line.intent && line.sent.is_some());
        let Some(last) = tries.filter_map(Line::over_at).max() else { return Ok(()) };
        if now.since(last) < Duration::from_secs(2) || self.process > 1 {
            return Ok(());
        }
        let may = |seat: &Seat| self.could_be_dialled(*seat, now);
        let wanted = |seat: &Seat| !self.has_refused(*seat);
        let ready = match self.plan.strategy {
            RingStrategy::All => {
                self.plan.seats().filter(wanted).all(|seat| self.rested(seat, now))
                    && self.plan.seats().any(|seat| may(&seat))
            }
            RingStrategy::Linear | RingStrategy::Random => self.plan.seats().any(|seat| may(&seat)),
        };
        rule!(!ready, "the next round could begin, and does not");
        Ok(())
    }

    fn owes(&self, seat: Seat, round: u8, now: Ts) -> bool {
        let last = self.legs.iter().rfind(|line| line.seat() == Some(seat) && line.round == round);
        let in_time = now < self.limit();
        match last {
            _ if self.has_refused(seat) || (round > 1 && !in_time) => false,
            _ if self.dropped.contains(&(seat, round)) => false,
            None => true,
            Some(line)
                if matches!(line.unsent, Some(Cause::InService | Cause::NoChannel | Cause::NoFunds)) =>
            {
                in_time
            }
            Some(line) => !line.unknown && (line.is_elsewhere() || line.was_cut_by_shutdown()),
        }
    }

    /// His last dial of the round met an obstacle that passes.
    fn waits_in_vain(&self, seat: Seat, round: u8) -> bool {
        let last = self.legs.iter().rev().find(|line| line.seat() == Some(seat) && line.round == round);
        last.is_some_and(|line| {
            matches!(line.unsent, Some(Cause::InService | Cause::NoChannel | Cause::NoFunds))
        })
    }

    fn could_be_dialled(&self, seat: Seat, now: Ts) -> bool {
        let open = self
            .legs
            .iter()
            .any(|line| line.process == self.process && line.seat() == Some(seat) && line.down.is_none());
        !open && !self.has_refused(seat) && self.busy & (1 << seat.0) == 0 && self.rested(seat, now)
    }

    fn rested(&self, seat: Seat, now: Ts) -> bool {
        let is_try = |line: &Line| line.intent && (line.sent.is_some() || line.process < self.process);
        let tries = self.legs.iter().filter(|line| line.seat() == Some(seat) && is_try(line));
        tries
            .filter(|line| !line.is_elsewhere() && !line.was_cut_by_shutdown())
            .filter_map(Line::over_at)
            .all(|at| now.since(at) >= Duration::from_secs(10))
    }

    fn has_refused(&self, seat: Seat) -> bool {
        self.legs.iter().any(|line| line.seat() == Some(seat) && line.refused && !line.unknown)
    }

    // What follows from what it saw.

    /// A manager's leg has been through all that its plan asks for.
    fn accepted(&self, line: &Line, now: Ts) -> bool {
        let Some(seat) = line.seat() else { return false };
        let (Some(manager), Some(answered), Some(sent)) = (self.plan.manager(seat), line.answered, line.sent)
        else {
            return false;
        };
        if let Some(length) = self.digits_length(line.id) {
            let over = line.digits_done || line.digits.is_some_and(|at| now >= at + length + GRACE);
            if !over {
                return false;
            }
        }
        let number = matches!(manager.telephone.address, Address::Phone(_));
        let key = match manager.accept_key {
            AcceptKey::Yes => true,
            AcceptKey::No => false,
            AcceptKey::Auto => {
                let machine = answered.since(sent) <= Duration::from_secs(3) || line.ringing.is_none();
                manager.telephone.extension.is_some()
                    || number && (machine || self.plan.strategy == RingStrategy::All)
            }
        };
        match (key, self.plan.limits.announce) {
            (true, _) => line.said_yes,
            (false, true) => {
                let spoken =
                    line.first_word.is_some_and(|(_, prompt, at)| now >= at + self.length_of(prompt) + GRACE);
                line.said_yes || line.spoken || spoken
            }
            (false, false) => true,
        }
    }

    fn line(&mut self, leg: LegId) -> Result<&mut Line, String> {
        let process = self.process;
        let line = self.legs.iter_mut().find(|line| line.id == leg && line.process == process);
        line.ok_or_else(|| format!("leg {leg} does not exist"))
    }

    fn accepted_leg(&self, now: Ts) -> Option<&Line> {
        self.legs.iter().find(|line| {
            line.process == self.process && line.is_live() && line.is_manager() && self.accepted(line, now)
        })
    }

    fn is_trying(&self, now: Ts) -> bool {
        self.legs.iter().any(|line| {
            line.process == self.process && line.is_live() && line.is_manager() && !self.accepted(line, now)
        })
    }

    /// A channel is waited for; nobody is, after the limit.
    fn is_held(&self, now: Ts) -> bool {
        now < self.limit() && self.hold_until.is_some_and(|until| until > now)
    }

    fn taken(&self) -> usize {
        self.legs
            .iter()
            .filter(|line| line.process == self.process && line.is_manager() && line.down.is_none())
            .count()
    }

    fn round(&self) -> u8 {
        self.legs
            .iter()
            .filter(|line| line.is_manager() && (line.process == self.process || line.intent))
            .map(|line| line.round)
            .max()
            .unwrap_or(1)
    }

    fn limit(&self) -> Ts {
        self.t0.unwrap_or(self.process_began) + self.plan.limits.total_time
    }

    fn digits_length(&self, leg: LegId) -> Option<Duration> {
        let seat = self.legs.iter().find(|line| line.id == leg).and_then(Line::seat)?;
        self.plan.manager(seat)?.telephone.extension.as_ref().map(crate::plan::Digits::length)
    }

    pub(super) fn length_of(&self, prompt: Prompt) -> Duration {
        let lengths = &self.plan.prompts;
        match prompt {
            Prompt::Announcement => lengths.announcement,
            Prompt::Connecting => lengths.connecting,
            Prompt::VisitorNoAnswer => lengths.visitor_no_answer,
            Prompt::Waiting => lengths.waiting,
            Prompt::Apology => lengths.apology,
            _ => Duration::from_secs(3),
        }
    }

    /// The sum of the plan's limits, and 33 s for each try and once more.
    pub(super) fn longest_life(&self) -> Duration {
        let s = Duration::from_secs;
        let limits = &self.plan.limits;
        let tries = u32::try_from(self.plan.managers.len() * self.plan.rounds.len() * 2 + 2).unwrap();
        let one = s(15 + 8) + limits.ring_timeout + limits.accept_timeout + s(10 + 33 + 15);
        let visitor = s(15 + 8 + 10 + 33) + limits.visitor_ring_timeout + limits.delay_to_visitor;
        (one * tries + limits.total_time * 2 + limits.max_talk * 2 + visitor + s(200)) * 3
    }

    // Crash and restart.

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn has_intents(&self) -> bool {
        self.legs.iter().any(|line| line.intent)
    }

    pub(super) fn visitor_has_intent(&self) -> bool {
        self.legs.iter().any(|line| line.callee == Callee::Visitor && line.intent)
    }

    pub(super) fn shown(&self) -> VisitorState {
        self.shown
    }

    /// The database does not know what came after the last commit: the ends after the last intent.
    pub(super) fn forget_tail(&mut self, stored: bool) {
        if stored {
            return;
        }
        let committed = self.legs.iter().rposition(|line| line.intent).unwrap_or(0);
        let process = self.process;
        if let Some(line) = self.legs.get_mut(committed).filter(|line| line.process == process) {
            line.unknown = true;
        }
    }

    pub(super) fn intents(&self) -> Vec<Intent> {
        let lines = self.legs.iter().filter(|line| line.intent);
        lines
            .map(|line| {
                let at = line.sent.unwrap_or(line.dialled);
                let cut = line.was_cut_by_shutdown() || line.is_elsewhere();
                let end = match line.over_at() {
                    Some(over) if line.refused && !line.unknown => IntentEnd::Refused(over),
                    Some(_) if cut && !line.unknown => IntentEnd::Cut,
                    Some(over) if !line.unknown => IntentEnd::Failed(over),
                    _ => IntentEnd::Unknown,
                };
                Intent { leg: line.id, callee: line.callee, round: line.round, at, end }
            })
            .collect()
    }

    pub(super) fn restart(&mut self, now: Ts) {
        for line in self.legs.iter_mut().filter(|line| line.process == self.process) {
            line.unknown |= line.over_at().is_none();
        }
        self.legs.retain(|line| line.intent);
        let dialled =
            self.legs.iter().filter(|line| line.is_manager()).map(|line| line.sent.unwrap_or(line.dialled));
        self.t0 = dialled.min();
        self.process += 1;
        self.process_began = now;
        self.first_sent = None;
        self.hold_until = None;
        self.busy = 0;
        self.bridge = None;
        self.cancelled = false;
        self.shutdown = false;
        self.deadline = None;
        self.finished = false;
    }
}
