//! The bridge: how it comes, what undoes it, and what limits the talk (flow.md § Talking).

use super::Flow;
use super::end::How;
use super::leg::Stage;
use super::timer::Timer;
use super::words::{Command, HangupReason, Prompt, VisitorState};
use crate::id::LegId;
use crate::record::{Cause, EndedBy, Outcome};
use crate::time::Ts;
use std::time::Duration;

/// A shorter bridge is no talk.
pub(super) const SHORTEST_TALK: Duration = Duration::from_secs(1);
/// Both silent for so long: the call ends.
const SILENCE: Duration = Duration::from_secs(60);
/// The manager is warned so long before the talk is cut.
const WARNING: Duration = Duration::from_secs(60);

impl Flow {
    /// Joins the accepted manager and the answered visitor.
    pub(super) fn bridge(&mut self) {
        let (Some(visitor), Some(manager)) = (self.visitor, self.accepted) else { return };
        for id in [visitor, manager] {
            let Some(leg) = self.legs.get_mut(id) else { return };
            leg.stage = Stage::Bridged;
            leg.times.bridged_at = Some(self.now);
            leg.times.unbridged_at = None;
            leg.prompt = leg.prompt.wrapping_add(1);
            let callee = leg.callee;
            self.disarm(id, callee);
        }
        self.bridged_at = Some(self.now);
        self.out.push_back(Command::Bridge { visitor, manager });
        self.arm_talk_limit();
        self.arm_silence();
        self.tell_or_update(VisitorState::Talking, true);
    }

    /// Parts them; both legs may live on.
    pub(super) fn unbridge(&mut self) {
        if self.bridged_at.take().is_none() {
            return;
        }
        for id in [self.visitor, self.accepted].into_iter().flatten() {
            if let Some(leg) = self.legs.get_mut(id) {
                leg.times.unbridged_at = Some(self.now);
                if leg.stage == Stage::Bridged {
                    leg.stage = Stage::Accepted;
                }
            }
        }
        for timer in [Timer::TalkEnds, Timer::TalkWarning, Timer::BothSilent] {
            self.timers.clear(timer);
        }
        self.out.push_back(Command::Unbridge);
    }

    /// The manager's side ends the bridge: within a second it was no talk, and the seeking goes on.
    pub(super) fn manager_left_bridge(&mut self, id: LegId, cause: Cause, by: EndedBy) {
        let talked = self.bridged_at.is_some_and(|at| self.now >= at + SHORTEST_TALK);
        if talked {
            if let Some(leg) = self.legs.get_mut(id) {
                leg.outcome = Outcome::Talked;
            }
            self.leg_ended(id, cause, by);
            self.end(How::TalkOver);
        } else {
            self.manager_left_bridge_at = Some(self.now);
            self.back_to_seeking(id, Outcome::Left);
            self.leg_ended(id, cause, by);
        }
    }

    /// Nothing was ever heard from the bridged manager: the bridge did not happen.
    pub(super) fn undo_bridge_with(&mut self, id: LegId) {
        self.back_to_seeking(id, Outcome::Failed);
        self.hang_up(id, HangupReason::NoMedia, Outcome::Failed);
    }

    fn back_to_seeking(&mut self, manager: LegId, outcome: Outcome) {
        self.unbridge();
        self.try_over(manager, outcome);
        if let Some(visitor) = self.visitor {
            self.play(visitor, Prompt::Music, true);
        }
        self.tell_again();
    }

    pub(super) fn on_talk_limit(&mut self, limit: Duration) {
        self.talk_limit = Some(limit);
        self.arm_talk_limit();
    }

    fn arm_talk_limit(&mut self) {
        let Some(from) = self.bridged_at else { return };
        let limit = self.talk_limit.unwrap_or(Duration::MAX).min(self.plan.limits.max_talk);
        let ends = from + limit;
        self.timers.set(Timer::TalkEnds, ends);
        self.timers.set(Timer::TalkWarning, (ends - WARNING).max(self.now));
    }

    pub(super) fn warn_of_talks_end(&mut self) {
        if let Some(manager) = self.accepted.filter(|_| self.bridged_at.is_some()) {
            self.play(manager, Prompt::TalkEnds, false);
        }
    }

    pub(super) fn on_talk_ends(&mut self) {
        self.end(How::Limit);
    }

    pub(super) fn media_lost(&mut self, id: LegId, since: Ts) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.silent_since = Some(since);
        }
        self.arm_silence();
    }

    pub(super) fn media_back(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.silent_since = None;
        }
        self.timers.clear(Timer::BothSilent);
    }

    fn arm_silence(&mut self) {
        if self.bridged_at.is_none() {
            return;
        }
        let silent = |id: Option<LegId>| id.and_then(|id| self.legs.get(id)).and_then(|leg| leg.silent_since);
        if let (Some(visitor), Some(manager)) = (silent(self.visitor), silent(self.accepted)) {
            self.timers.set(Timer::BothSilent, visitor.max(manager) + SILENCE);
        }
    }
}
