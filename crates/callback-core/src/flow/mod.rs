//! The call as a state machine: telephone events in, telephone commands out (`docs/call-flow.md`).
//!
//! It has no clock, socket or randomness: the driver tells it what happened and when, carries its commands out,
//! and wakes it at [`Flow::poll_timeout`]. In one tick the driver gives all events of that instant, then
//! [`Input::Timeout`] if one is due, then polls until nothing is left; whom to dial is decided at that poll.
//!
//! ```text
//!     handle(Input, now)*   poll_command() -> Command*   poll_timeout() -> Option<Ts>
//! ```
//!
//! `words` are what goes in and out; `seek` knows whose turn it is; `manager`, `visitor` and `talk` heed what
//! happens on the legs; `end` settles the disposition and winds up.

mod end;
mod leg;
mod manager;
mod past;
mod pretence;
mod seek;
#[cfg(test)]
mod sim;
#[cfg(test)]
pub(crate) mod stories;
mod talk;
mod timer;
mod visitor;
mod words;

pub use past::{Intent, IntentEnd, Past};
pub use pretence::{PRETENCE, pretend};
pub use words::{
    CallLegs, Canceller, Command, Detail, Finish, HangupReason, Input, LegEvent, Prompt, VisitorState,
};

use crate::id::LegId;
use crate::plan::{Callee, Plan};
use crate::record::{CallRecord, LegRecord, Outcome, Talk};
use crate::time::Ts;
use end::{Ending, How};
use leg::{Leg, Legs, Stage};
use seek::{Next, Seek};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use timer::{LegTimer, Timer, Timers};

/// How long a dial may take to leave the process.
const DIAL_LIMIT: Duration = Duration::from_secs(15);
/// Ring timeouts count from here where nothing says that it rings.
const RINGS_AFTER: Duration = Duration::from_secs(8);
/// A prompt, or digits, count as over this long after their length.
const GRACE: Duration = Duration::from_secs(2);

/// One call.
#[derive(Clone, Debug)]
pub struct Flow {
    plan: Arc<Plan>,
    now: Ts,
    started_at: Ts,
    phase: Phase,
    legs: Legs,
    /// The visitor's only leg.
    visitor: Option<LegId>,
    /// The manager's leg that was accepted and is kept.
    accepted: Option<LegId>,
    seek: Seek,
    /// The first dial of a manager that left this process: the visitor's delay counts from it.
    first_sent: Option<Ts>,
    bridged_at: Option<Ts>,
    /// The last instant in which a manager left a bridge within a second.
    manager_left_bridge_at: Option<Ts>,
    talk: Option<Talk>,
    talk_limit: Option<Duration>,
    shutdown: bool,
    shown: VisitorState,
    late: bool,
    stop_requested: bool,
    timers: Timers,
    out: VecDeque<Command>,
}

/// Where the call is.
#[derive(Clone, Debug)]
enum Phase {
    Running,
    /// A shutdown took it from us before the visitor was dialled.
    HandingBack,
    /// The outcome is settled; farewells are heard, legs go down.
    Ended(Ending),
    Finished,
}

impl Flow {
    /// Begins a call. `past` is what earlier processes did for the order: nothing, for the first.
    #[must_use]
    pub fn new(plan: Arc<Plan>, past: &Past, now: Ts) -> Self {
        let seek = Seek::new(&plan, past, now);
        let mut flow = Self {
            now,
            started_at: now,
            phase: Phase::Running,
            legs: Legs::new(past.next_leg()),
            visitor: None,
            accepted: None,
            seek,
            first_sent: None,
            bridged_at: None,
            manager_left_bridge_at: None,
            talk: None,
            talk_limit: None,
            shutdown: false,
            shown: past.shown.unwrap_or(VisitorState::Accepted),
            late: false,
            stop_requested: false,
            timers: Timers::default(),
            out: VecDeque::with_capacity(8),
            plan,
        };
        flow.timers.set(Timer::SeekLimit, flow.seek.limit_at());
        flow.timers.set(Timer::Promise, flow.plan.accepted_at + flow.plan.limits.promise);
        flow
    }

    /// Takes an input in. `now` never goes back.
    pub fn handle(&mut self, input: Input, now: Ts) {
        self.now = self.now.max(now);
        match input {
            Input::Leg(leg, event) => self.on_leg(leg, event),
            Input::Cancel(by) => self.on_cancel(by),
            Input::ManagerFree(seat) => self.seek.freed(seat),
            Input::TalkLimit(limit) => self.on_talk_limit(limit),
            Input::Shutdown(deadline) => self.on_shutdown(deadline),
            Input::Timeout => {
                while let Some(timer) = self.timers.take_due(self.now) {
                    self.on_timer(timer);
                }
            }
        }
    }

    /// The next command, until there is none.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.out.is_empty() {
            self.decide();
        }
        self.out.pop_front()
    }

    /// When it wants [`Input::Timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Ts> {
        self.timers.next()
    }

    /// The last command has been given.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished)
    }

    /// Whether the visitor's dial was decided.
    #[must_use]
    pub fn visitor_is_dialled(&self) -> bool {
        self.visitor.is_some()
    }

    /// Whose leg it is.
    #[must_use]
    pub fn callee(&self, leg: LegId) -> Option<Callee> {
        self.legs.get(leg).map(|leg| leg.callee)
    }

    /// What is known of the end of each dial so far, for the intents' rows (see [`Past`]), and since when its leg
    /// is down.
    pub fn intent_ends(&self) -> impl Iterator<Item = (LegId, IntentEnd, Option<Ts>)> {
        self.legs.iter().filter_map(|leg| Some((leg.id, leg.intent_end()?, leg.times.ended_at)))
    }

    /// The process that had this call died at `now`: settles it by the table, with what is known.
    #[must_use]
    pub fn interrupted(mut self, now: Ts) -> CallRecord {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Running | Phase::HandingBack) {
            self.end(How::Interrupted);
        }
        self.legs.interrupt();
        self.record()
    }

    /// Its legs so far, each as it is: for whoever looks at a running call.
    #[must_use]
    pub fn legs_so_far(&self) -> Vec<LegRecord> {
        self.legs.records()
    }

    fn on_leg(&mut self, id: LegId, event: LegEvent) {
        let Some(leg) = self.legs.get(id) else { return };
        match (leg.stage, event) {
            (Stage::Ended, _) => {}
            (Stage::HungUp, LegEvent::Answered) => {
                let reason = leg.hangup.unwrap_or(HangupReason::Over);
                self.out.push_back(Command::Hangup { leg: id, reason });
            }
            (Stage::HungUp | Stage::Farewell, LegEvent::Ended(cause, by)) => self.leg_ended(id, cause, by),
            (Stage::HungUp, _) => {}
            (Stage::Farewell, _) => self.on_farewell(id, event),
            _ if leg.callee == Callee::Visitor => self.on_visitor(id, event),
            _ => self.on_manager(id, event),
        }
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Deadline => self.on_deadline(),
            Timer::TalkEnds => self.on_talk_ends(),
            Timer::BothSilent => self.end(How::Silence),
            Timer::VisitorDial => self.visitor_unsent(),
            Timer::VisitorRing => self.visitor_silent(),
            Timer::VisitorRingsOn => self.visitor_rang_on(),
            Timer::VisitorPrompt => self.visitor_prompt_over(),
            Timer::Promise => self.promise_passed(),
            Timer::TalkWarning => self.warn_of_talks_end(),
            Timer::SeekLimit => self.seek.limit(),
            Timer::VisitorDelay | Timer::Seek => {}
            Timer::Leg(leg, timer) => self.on_leg_timer(leg, timer),
        }
    }

    /// Whom to dial, and whether there is anybody left: decided at the tick's end.
    fn decide(&mut self) {
        match self.phase {
            Phase::Running => {}
            Phase::HandingBack | Phase::Ended(_) => return self.finish_when_all_is_down(),
            Phase::Finished => return,
        }
        if self.accepted.is_none() && !self.seek_on() {
            return;
        }
        if !self.shutdown && self.visitor.is_none() && self.visitor_is_due() {
            self.dial_visitor();
        }
    }

    /// Dials whoever's turn it is. False: the seeking is over, and with it the call.
    fn seek_on(&mut self) -> bool {
        self.timers.clear(Timer::Seek);
        loop {
            let trying = self.legs.managers().any(Leg::is_trying);
            let next = if !self.shutdown {
                let taken = self.legs.managers().filter(|leg| leg.stage != Stage::Ended).count();
                let channels = usize::from(self.plan.limits.max_legs).saturating_sub(1);
                self.seek.next(self.now, trying, channels.saturating_sub(taken))
            } else if trying {
                Next::Wait(None)
            } else {
                Next::Over
            };
            match next {
                Next::Dial(seat) => self.dial_manager(seat),
                Next::Wait(until) => {
                    if let Some(at) = until {
                        self.timers.set(Timer::Seek, at);
                    }
                    return true;
                }
                Next::Over => {
                    let by_shutdown = self.shutdown && self.seek.has_more();
                    self.end(if by_shutdown { How::SeekCutByShutdown } else { How::SeekOver });
                    return false;
                }
            }
        }
    }

    fn on_shutdown(&mut self, deadline: Ts) {
        if matches!(self.phase, Phase::Finished) {
            return;
        }
        self.timers.set(Timer::Deadline, deadline);
        self.shutdown = true;
        if matches!(self.phase, Phase::Running) && self.visitor.is_none() {
            self.phase = Phase::HandingBack;
            self.timers.clear_all_but_deadline();
            self.hang_up_all(HangupReason::Shutdown, Outcome::CutByShutdown);
        }
    }

    fn on_deadline(&mut self) {
        match self.phase {
            Phase::Running => self.end(How::Deadline),
            Phase::Ended(_) => {
                self.timers.clear_all();
                self.hang_up_all(HangupReason::Shutdown, Outcome::Cut);
            }
            Phase::HandingBack | Phase::Finished => {}
        }
    }

    /// The promise's second: from here on the visitor is told who is being tried.
    fn promise_passed(&mut self) {
        let rings = self.visitor_leg().is_some_and(|leg| leg.times.ringing_at.is_some() || leg.is_answered());
        if !rings {
            self.late = true;
            self.tell_again();
        }
    }

    /// Tells the visitor a state that he has not seen; states never go back.
    fn tell(&mut self, state: VisitorState) {
        self.tell_or_update(state, false);
    }

    /// The same, or the present state once more with what has changed in its detail.
    fn tell_or_update(&mut self, state: VisitorState, changed: bool) {
        let new = state > self.shown;
        self.shown = self.shown.max(state);
        if new || changed {
            self.tell_again();
        }
    }

    fn tell_again(&mut self) {
        let detail = self.detail();
        self.out.push_back(Command::Tell(self.shown, detail));
    }

    fn detail(&self) -> Detail {
        let mut trying = self.legs.managers().filter(|leg| leg.is_trying()).filter_map(Leg::seat);
        let (one, another) = (trying.next(), trying.next());
        let manager = if another.is_none() { one } else { None };
        Detail {
            trying: (self.late && manager.is_some()).then_some(self.seek.tries),
            of: u8::try_from(self.plan.managers.len()).unwrap_or(u8::MAX),
            manager: manager.filter(|_| self.late),
            late: self.late,
            next_manager: self.shown == VisitorState::Talking && self.bridged_at.is_none(),
            cause: None,
            talk: None,
        }
    }

    /// Makes a leg hear a prompt in place of what it hears.
    fn play(&mut self, id: LegId, prompt: Prompt, again: bool) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.prompt = leg.prompt.wrapping_add(1);
        let (n, callee) = (leg.prompt, leg.callee);
        let timer = match callee {
            Callee::Visitor => Timer::VisitorPrompt,
            Callee::Manager(_) => Timer::Leg(id, LegTimer::Prompt),
        };
        self.timers.clear(timer);
        if let Some(length) = self.length_of(prompt).filter(|_| !again) {
            self.timers.set(timer, self.now + length + GRACE);
        }
        self.out.push_back(Command::Play { leg: id, n, prompt, again });
    }

    fn length_of(&self, prompt: Prompt) -> Option<Duration> {
        let lengths = &self.plan.prompts;
        match prompt {
            Prompt::Announcement => Some(lengths.announcement),
            Prompt::Connecting => Some(lengths.connecting),
            Prompt::VisitorNoAnswer => Some(lengths.visitor_no_answer),
            Prompt::Waiting => Some(lengths.waiting),
            Prompt::Apology => Some(lengths.apology),
            Prompt::AnnouncementAndKey
            | Prompt::Key
            | Prompt::Ringback
            | Prompt::Music
            | Prompt::TalkEnds => None,
        }
    }

    fn hang_up(&mut self, id: LegId, reason: HangupReason, outcome: Outcome) {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.is_live()) else { return };
        // A dial that was cut before it left is owed to the next process as one that was cut while it rang.
        let cut = matches!(outcome, Outcome::CutByShutdown | Outcome::Elsewhere);
        if leg.outcome == Outcome::Running || leg.outcome == Outcome::NotSent && cut {
            leg.outcome = outcome;
        }
        leg.stage = Stage::HungUp;
        leg.hangup = Some(reason);
        leg.times.hung_up_at = Some(self.now);
        let callee = leg.callee;
        self.disarm(id, callee);
        self.out.push_back(Command::Hangup { leg: id, reason });
    }

    fn hang_up_all(&mut self, reason: HangupReason, outcome: Outcome) {
        let live: Vec<LegId> = self.legs.iter().filter(|leg| leg.is_live()).map(|leg| leg.id).collect();
        for leg in live {
            self.hang_up(leg, reason, outcome);
        }
    }

    /// A leg is down, whatever it was doing.
    fn leg_ended(&mut self, id: LegId, cause: crate::record::Cause, by: crate::record::EndedBy) {
        let now = self.now;
        let Some(leg) = self.legs.get_mut(id) else { return };
        let held_channel = leg.stage != Stage::Dialled;
        leg.stage = Stage::Ended;
        leg.ended = Some((cause, by));
        leg.times.ended_at = Some(now);
        let (callee, seat) = (leg.callee, leg.seat());
        if cause.is_decline() && callee != Callee::Visitor {
            leg.outcome = Outcome::Refused;
            self.seek.refused(seat);
        }
        self.disarm(id, callee);
        self.seek.leg_down(seat, held_channel);
    }

    fn disarm(&mut self, id: LegId, callee: Callee) {
        match callee {
            Callee::Manager(_) => self.timers.clear_leg(id),
            Callee::Visitor => {
                for timer in
                    [Timer::VisitorDial, Timer::VisitorRing, Timer::VisitorRingsOn, Timer::VisitorPrompt]
                {
                    self.timers.clear(timer);
                }
            }
        }
    }

    fn visitor_leg(&self) -> Option<&Leg> {
        self.visitor.and_then(|id| self.legs.get(id))
    }
}
