//! Telephones and trunk, as bad as they come.

use super::super::{Input, LegEvent};
use super::GRID;
use super::dice::Dice;
use crate::id::LegId;
use crate::plan::Callee;
use crate::record::{Cause, EndedBy};
use crate::time::Ts;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Network {
    coming: Vec<(Ts, Input)>,
    /// Legs that are up or may come up: whose, and until when at the latest.
    lines: Vec<Line>,
}

struct Line {
    leg: LegId,
    callee: Callee,
    hung_up: bool,
    down: bool,
    /// Of a process that died: its telephone counts as busy until then.
    orphan_until: Option<Ts>,
}

impl Network {
    pub(super) fn next(&self) -> Option<Ts> {
        self.coming.iter().map(|(at, ..)| *at).min()
    }

    pub(super) fn take_due(&mut self, now: Ts) -> Option<Input> {
        let at = self.coming.iter().position(|(at, _)| *at <= now)?;
        let (_, input) = self.coming.swap_remove(at);
        let ended = if let Input::Leg(leg, LegEvent::Ended(..)) = input { Some(leg) } else { None };
        if let Some(line) = self.lines.iter_mut().find(|line| Some(line.leg) == ended) {
            line.down = true;
        }
        Some(input)
    }

    pub(super) fn later(&mut self, leg: LegId, at: Ts, event: LegEvent) {
        self.coming.push((at, Input::Leg(leg, event)));
    }

    /// A busy manager comes free.
    fn free(&mut self, callee: Callee, at: Ts) {
        if let Callee::Manager(seat) = callee {
            self.coming.push((at, Input::ManagerFree(seat)));
        }
    }

    /// A dial: a refusal before the intent, or a telephone with a fate.
    pub(super) fn dial(&mut self, leg: LegId, to: Callee, now: Ts, dice: &mut Dice) -> Option<Cause> {
        let orphan = self.lines.iter().filter(|line| line.callee == to).filter_map(|line| line.orphan_until);
        if let Some(until) = orphan.filter(|until| *until > now).max() {
            self.free(to, until);
            return Some(Cause::InService);
        }
        if dice.one_in(10) {
            let refusal = [Cause::Trunk, Cause::InService, Cause::NoChannel, Cause::NoFunds][dice.pick(4)];
            if refusal == Cause::InService && dice.below(4) > 0 {
                self.free(to, now + GRID * (1 + dice.below(200)));
            }
            return Some(refusal);
        }
        self.lines.push(Line { leg, callee: to, hung_up: false, down: false, orphan_until: None });
        self.fate(leg, now, dice);
        None
    }

    /// What a telephone does of itself, drawn at the dial.
    fn fate(&mut self, leg: LegId, now: Ts, dice: &mut Dice) {
        let mut at = now;
        let mut soon = |dice: &mut Dice, most: u32| {
            at = at + GRID * dice.below(most);
            at
        };
        if dice.one_in(4) {
            let sent = soon(dice, 8);
            self.later(leg, sent, LegEvent::Sent);
        }
        if dice.below(5) > 0 {
            let ringing = soon(dice, 12);
            self.later(leg, ringing, if dice.one_in(6) { LegEvent::EarlyMedia } else { LegEvent::Ringing });
        }
        if dice.one_in(12) {
            let again = soon(dice, 60);
            self.later(leg, again, LegEvent::Ringing);
        }
        match dice.below(8) {
            0..4 => {
                let answer = soon(dice, 80);
                self.later(leg, answer, LegEvent::Answered);
                self.conversation(leg, answer, dice);
            }
            4 => {}
            _ => {
                let status = [486, 480, 603, 404, 503, 408][dice.pick(6)];
                let end = soon(dice, 80);
                self.later(leg, end, LegEvent::Ended(Cause::Sip(status), EndedBy::Far));
            }
        }
    }

    fn conversation(&mut self, leg: LegId, answer: Ts, dice: &mut Dice) {
        let mut at = answer;
        for _ in 0..dice.below(5) {
            at = at + GRID * dice.below(40);
            let event = match dice.below(12) {
                0..5 => LegEvent::Digit('1'),
                5 => LegEvent::Digit('2'),
                6 => LegEvent::Digit(['9', '5'][dice.pick(2)]),
                7 => LegEvent::MediaLost { first: false, since: at - Duration::from_secs(30) },
                8 => LegEvent::MediaBack,
                9 => LegEvent::Played(1 + u16::try_from(dice.below(3)).unwrap()),
                10 => LegEvent::Answered,
                _ => LegEvent::DigitsSent,
            };
            // What answers a command comes between two instants of the grid, never in the tick of that command.
            let between = match event {
                LegEvent::Digit(_) => GRID / 2,
                LegEvent::DigitsSent => GRID / 4,
                LegEvent::Played(_) => GRID / 8,
                _ => Duration::ZERO,
            };
            self.later(leg, at + between, event);
        }
        if dice.one_in(8) {
            self.later(leg, answer + GRID * 40, LegEvent::MediaLost { first: true, since: answer });
        }
        if dice.one_in(10) {
            for _ in 0..2 {
                let lost = at + GRID * dice.below(20);
                self.later(
                    leg,
                    lost,
                    LegEvent::MediaLost { first: false, since: lost - Duration::from_secs(30) },
                );
            }
        }
        if dice.below(4) > 0 {
            let end = at + GRID * (1 + if dice.one_in(4) { dice.below(4) } else { dice.below(300) });
            self.later(leg, end, LegEvent::Ended(Cause::Normal, EndedBy::Far));
        }
    }

    /// We hang up: it is down at once, late, or only when the phone gives up; a 200 may cross.
    pub(super) fn hang_up(&mut self, leg: LegId, now: Ts, dice: &mut Dice) {
        let Some(line) = self.lines.iter_mut().find(|line| line.leg == leg) else {
            return self.later(leg, now, LegEvent::Ended(Cause::Normal, EndedBy::Us));
        };
        if line.hung_up {
            return;
        }
        line.hung_up = true;
        if dice.one_in(8) {
            self.later(leg, now + GRID * dice.below(3), LegEvent::Answered);
        }
        let wait = match dice.below(4) {
            0 => Duration::ZERO,
            1 | 2 => GRID * dice.below(4),
            _ => GRID * dice.below(33 * 4),
        };
        self.later(leg, now + wait, LegEvent::Ended(Cause::Normal, EndedBy::Us));
        // The far end's own end, and what else it had in mind, may still come before or after.
        if dice.below(4) > 0 {
            let keep = now + wait;
            self.coming
                .retain(|(at, input)| !matches!(input, Input::Leg(of, _) if *of == leg) || *at <= keep);
        }
    }

    /// The process is dead: its legs are hung up where the stored dialog allows, the telephones stay busy so long.
    pub(super) fn orphan(&mut self, now: Ts) {
        self.coming.clear();
        for line in self.lines.iter_mut().filter(|line| !line.down && line.orphan_until.is_none()) {
            let wait = if line.hung_up { 1 } else { 3 + i64::from(line.leg.0 % 5) * 20 };
            line.orphan_until = Some(now + Duration::from_secs(wait.unsigned_abs()));
        }
    }
}
