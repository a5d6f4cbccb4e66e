//! The rules of flow.md, known apart from the flow: it sees inputs and commands, and objects.

mod heard;
mod judged;
mod reborn;
mod settled;

use super::super::{HangupReason, Prompt, VisitorState};
use crate::id::LegId;
use crate::plan::{AcceptKey, Address, Callee, Plan, RingStrategy, Seat};
use crate::record::{Cause, Disposition};
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
use rule;

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
}
