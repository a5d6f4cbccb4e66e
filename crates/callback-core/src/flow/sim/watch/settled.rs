//! What must be so after every tick: nobody waits who need not, nothing stays that must go.

use super::{GRACE, Line, Verdict, Watch, rule};
use crate::flow::Prompt;
use crate::plan::{Callee, RingStrategy, Seat};
use crate::record::Cause;
use crate::time::Ts;
use std::time::Duration;

impl Watch {
    pub(in crate::flow::sim) fn tick_over(&self, now: Ts) -> Verdict {
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
    pub(super) fn rings_until(&self, line: &Line) -> Option<Ts> {
        let latest = line.sent? + Duration::from_secs(8);
        let rings = line.rang.map_or(latest, |rang| rang.min(latest));
        let limits = &self.plan.limits;
        Some(rings + if line.is_manager() { limits.ring_timeout } else { limits.visitor_ring_timeout })
    }

    pub(super) fn may_stay(&self, line: &Line, now: Ts) -> bool {
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
    pub(super) fn nothing_is_left_waiting(&self, now: Ts) -> Verdict {
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

    pub(super) fn owes(&self, seat: Seat, round: u8, now: Ts) -> bool {
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
    pub(super) fn waits_in_vain(&self, seat: Seat, round: u8) -> bool {
        let last = self.legs.iter().rev().find(|line| line.seat() == Some(seat) && line.round == round);
        last.is_some_and(|line| {
            matches!(line.unsent, Some(Cause::InService | Cause::NoChannel | Cause::NoFunds))
        })
    }

    pub(super) fn could_be_dialled(&self, seat: Seat, now: Ts) -> bool {
        let open = self
            .legs
            .iter()
            .any(|line| line.process == self.process && line.seat() == Some(seat) && line.down.is_none());
        !open && !self.has_refused(seat) && self.busy & (1 << seat.0) == 0 && self.rested(seat, now)
    }

    pub(super) fn rested(&self, seat: Seat, now: Ts) -> bool {
        let is_try = |line: &Line| line.intent && (line.sent.is_some() || line.process < self.process);
        let tries = self.legs.iter().filter(|line| line.seat() == Some(seat) && is_try(line));
        tries
            .filter(|line| !line.is_elsewhere() && !line.was_cut_by_shutdown())
            .filter_map(Line::over_at)
            .all(|at| now.since(at) >= Duration::from_secs(10))
    }

    pub(super) fn has_refused(&self, seat: Seat) -> bool {
        self.legs.iter().any(|line| line.seat() == Some(seat) && line.refused && !line.unknown)
    }
}
