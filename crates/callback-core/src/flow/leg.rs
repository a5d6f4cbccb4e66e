//! A leg's life, and the list of a call's legs.

use super::past::IntentEnd;
use super::words::HangupReason;
use crate::id::LegId;
use crate::plan::{Callee, Seat};
use crate::record::{Cause, EndedBy, LegRecord, LegTimes, Outcome};
use crate::time::Ts;

/// Where a leg is in its life (flow.md § A leg's life). A visitor's leg knows no parts between the answer and
/// the accept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Stage {
    Dialled,
    Sent,
    /// Answered; the extension's delay runs.
    Extension,
    Digits,
    /// The announcement is spoken; its end accepts.
    Announcing,
    /// Key 1 is asked for.
    Keying,
    /// Accepted and waiting; for the visitor: answered.
    Accepted,
    Bridged,
    /// The call has ended; it hears why.
    Farewell,
    HungUp,
    Ended,
}

#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) callee: Callee,
    pub(super) round: u8,
    pub(super) stage: Stage,
    pub(super) times: LegTimes,
    pub(super) outcome: Outcome,
    pub(super) hangup: Option<HangupReason>,
    pub(super) ended: Option<(Cause, EndedBy)>,
    /// The number of the last prompt.
    pub(super) prompt: u16,
    /// Since when nothing is heard from it.
    pub(super) silent_since: Option<Ts>,
}

impl Leg {
    /// Neither hung up nor ended.
    pub(super) fn is_live(&self) -> bool {
        self.stage < Stage::HungUp
    }

    /// Dialled, and neither accepted nor given up.
    pub(super) fn is_trying(&self) -> bool {
        self.stage < Stage::Accepted
    }

    /// Somebody or something is on the line.
    pub(super) fn is_answered(&self) -> bool {
        (Stage::Extension..Stage::HungUp).contains(&self.stage)
    }

    pub(super) fn seat(&self) -> Option<Seat> {
        match self.callee {
            Callee::Visitor => None,
            Callee::Manager(seat) => Some(seat),
        }
    }

    /// The first sign of ringing: 180 or a voice before the answer.
    pub(super) fn rings_since(&self) -> Option<Ts> {
        match (self.times.ringing_at, self.times.early_media_at) {
            (Some(ringing), Some(early)) => Some(ringing.min(early)),
            (ringing, early) => ringing.or(early),
        }
    }

    /// What the next process must know of this dial; none = nothing yet.
    pub(super) fn intent_end(&self) -> Option<IntentEnd> {
        let over_at = self.times.hung_up_at.into_iter().chain(self.times.ended_at).min()?;
        match self.outcome {
            Outcome::Refused => Some(IntentEnd::Refused(over_at)),
            Outcome::Elsewhere | Outcome::CutByShutdown => Some(IntentEnd::Cut),
            Outcome::NotSent | Outcome::Failed | Outcome::Left | Outcome::Cut | Outcome::Talked => {
                Some(IntentEnd::Failed(over_at))
            }
            Outcome::Running => None,
        }
    }

    fn record(&self) -> LegRecord {
        LegRecord {
            leg: self.id,
            callee: self.callee,
            round: self.round,
            outcome: self.outcome,
            times: self.times,
            hangup: self.hangup,
            ended: self.ended,
        }
    }
}

/// The legs of a call, in the order of dialling.
#[derive(Clone, Debug)]
pub(super) struct Legs {
    next: u16,
    all: Vec<Leg>,
}

impl Legs {
    pub(super) fn new(next: u16) -> Self {
        Self { next, all: Vec::with_capacity(8) }
    }

    pub(super) fn dial(&mut self, callee: Callee, round: u8, now: Ts) -> LegId {
        let id = LegId(self.next);
        self.next = self.next.saturating_add(1);
        self.all.push(Leg {
            id,
            callee,
            round,
            stage: Stage::Dialled,
            times: LegTimes { dialled_at: now, ..LegTimes::default() },
            outcome: Outcome::NotSent,
            hangup: None,
            ended: None,
            prompt: 0,
            silent_since: None,
        });
        id
    }

    pub(super) fn get(&self, id: LegId) -> Option<&Leg> {
        self.all.iter().rev().find(|leg| leg.id == id)
    }

    pub(super) fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.all.iter_mut().rev().find(|leg| leg.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Leg> {
        self.all.iter()
    }

    /// The managers' legs.
    pub(super) fn managers(&self) -> impl Iterator<Item = &Leg> {
        self.all.iter().filter(|leg| leg.callee != Callee::Visitor)
    }

    /// Forgets a leg that was never sent where the one before it met the same obstacle: a channel that stays
    /// away would fill the record otherwise.
    pub(super) fn fold_unsent(&mut self, id: LegId) {
        let Some(at) = self.all.iter().rposition(|leg| leg.id == id) else { return };
        let Some(leg) = self.all.get(at) else { return };
        let (callee, ended) = (leg.callee, leg.ended);
        let earlier = self.all.iter().take(at).rev().find(|other| other.callee == callee);
        if earlier.is_some_and(|other| other.times.sent_at.is_none() && other.ended == ended) {
            self.all.remove(at);
        }
    }

    /// The process died: what it had up is down for it, and nobody hung up.
    pub(super) fn interrupt(&mut self) {
        for leg in self.all.iter_mut().filter(|leg| leg.ended.is_none()) {
            if leg.hangup == Some(HangupReason::Shutdown) {
                leg.hangup = None;
                leg.times.ended_at = leg.times.hung_up_at.take();
            }
            leg.ended = Some((Cause::Interrupted, EndedBy::Us));
        }
    }

    pub(super) fn records(&self) -> Vec<LegRecord> {
        self.all.iter().map(Leg::record).collect()
    }
}
