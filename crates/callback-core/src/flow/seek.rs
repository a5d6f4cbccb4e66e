//! Finding a manager: who is dialled next, and when the seeking is over (flow.md § Finding a manager).
//!
//! Pure bookkeeping of turns: it dials nobody itself and knows nothing of what is said on a leg.

use super::past::{IntentEnd, Past};
use crate::plan::{Plan, RingStrategy, Seat};
use crate::record::Cause;
use crate::time::Ts;
use std::time::Duration;

/// Between rounds.
const ROUND_GAP: Duration = Duration::from_secs(2);
/// From the end of a manager's try to his next one.
const REST: Duration = Duration::from_secs(10);
/// How long a missing channel is waited for before it is asked for again.
const CHANNEL_WAIT: Duration = Duration::from_secs(2);

/// Where a manager stands.
#[derive(Clone, Debug, Default)]
struct Chance {
    /// This round still owes him a try.
    owed: bool,
    /// He refused: never again.
    refused: bool,
    /// Busy in our service until `ManagerFree`.
    busy: bool,
    /// His turn came while an old leg of his telephone had not ended.
    aside: bool,
    /// His last dial met no channel, or no money.
    no_channel: bool,
    /// He was cut for the manager who has accepted.
    cut: bool,
    /// An old leg of his telephone has not ended.
    has_leg: bool,
    /// Not before.
    rests_until: Option<Ts>,
}

/// What the seeking wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Dial him.
    Dial(Seat),
    /// Nothing before this instant, or before an event.
    Wait(Option<Ts>),
    /// Nobody is left.
    Over,
}

#[derive(Clone, Debug)]
pub(super) struct Seek {
    strategy: RingStrategy,
    rounds: Vec<Vec<Seat>>,
    total_time: Duration,
    chances: Vec<Chance>,
    /// Those who go before the round's order, in the order in which their turn came.
    urgent: Vec<Seat>,
    /// The round, from 0.
    round: u8,
    limit_passed: bool,
    hold_until: Option<Ts>,
    /// t₀ of flow.md, where there is one.
    first_sent: Option<Ts>,
    started_at: Ts,
    round_started_at: Ts,
    last_try_end: Option<Ts>,
    last_turn_end: Option<Ts>,
    /// Tries of this round.
    pub(super) tries: u8,
    pub(super) any_busy: bool,
    pub(super) any_no_funds: bool,
    any_known: bool,
    any_unknown: bool,
}

impl Seek {
    pub(super) fn new(plan: &Plan, past: &Past, now: Ts) -> Self {
        let mut seek = Self {
            strategy: plan.strategy,
            rounds: plan.rounds.clone(),
            total_time: plan.limits.total_time,
            chances: plan.seats().map(|_| Chance { owed: true, ..Chance::default() }).collect(),
            urgent: Vec::new(),
            round: past.round(),
            limit_passed: false,
            hold_until: None,
            first_sent: past.first_sent(),
            started_at: now,
            round_started_at: now,
            last_try_end: None,
            last_turn_end: None,
            tries: 0,
            any_busy: false,
            any_no_funds: false,
            any_known: false,
            any_unknown: false,
        };
        for (seat, intent) in past.managers() {
            let this_round = intent.round.saturating_sub(1) == seek.round;
            let ended_at = match intent.end {
                IntentEnd::Unknown | IntentEnd::Cut => None,
                IntentEnd::Failed(at) | IntentEnd::Refused(at) => Some(at),
            };
            seek.any_known |= ended_at.is_some();
            seek.any_unknown |= intent.end == IntentEnd::Unknown;
            if this_round {
                seek.last_try_end = seek.last_try_end.max(ended_at);
            }
            let chance = seek.chance(seat);
            chance.owed &= !this_round || intent.end == IntentEnd::Cut;
            chance.rests_until = chance.rests_until.max(ended_at.map(|at| at + REST));
            chance.refused |= matches!(intent.end, IntentEnd::Refused(_));
        }
        let tried = seek.chances.iter().filter(|chance| !chance.owed).count();
        seek.tries = u8::try_from(tried).unwrap_or(u8::MAX);
        seek
    }

    /// When no more rounds begin, and nobody is waited for any more.
    pub(super) fn limit_at(&self) -> Ts {
        self.first_sent.unwrap_or(self.started_at) + self.total_time
    }

    /// The round, from 1.
    pub(super) fn round(&self) -> u8 {
        self.round.saturating_add(1)
    }

    /// Somebody was `Sent`, in this process or an earlier one.
    pub(super) fn any_sent(&self) -> bool {
        self.first_sent.is_some()
    }

    /// Somebody was tried, and of no try the end is known.
    pub(super) fn only_unknown(&self) -> bool {
        self.any_unknown && !self.any_known
    }

    /// The seeking's next step. `trying`: a try runs; `free_channels`: legs that managers may still have.
    pub(super) fn next(&mut self, now: Ts, trying: bool, free_channels: usize) -> Next {
        loop {
            let may_dial = self.strategy == RingStrategy::All || !trying;
            if let Some(seat) = may_dial.then(|| self.pick(now, free_channels)).flatten() {
                return Next::Dial(seat);
            }
            if trying || self.owes_somebody() {
                return Next::Wait(self.wake(now));
            }
            match self.next_round_at() {
                Some(at) if at <= now => self.begin_round(now),
                Some(at) => return Next::Wait(Some(at)),
                None if self.awaits_busy() => return Next::Wait(None),
                None => return Next::Over,
            }
        }
    }

    /// Whether, with no try running, somebody could still be dialled.
    pub(super) fn has_more(&self) -> bool {
        self.owes_somebody() || self.next_round_at().is_some() || self.awaits_busy()
    }

    /// He is being dialled.
    pub(super) fn dialled(&mut self, seat: Seat) {
        self.urgent.retain(|other| *other != seat);
        let chance = self.chance(seat);
        chance.owed = false;
        chance.aside = false;
        chance.no_channel = false;
        chance.cut = false;
        chance.has_leg = true;
    }

    /// His INVITE left: it is a try. Whether it is the first of the order.
    pub(super) fn sent(&mut self, now: Ts) -> bool {
        self.tries = self.tries.saturating_add(1);
        let first = self.first_sent.is_none();
        if first {
            // t₀ moves from the start to here, and the limit with it.
            self.first_sent = Some(now);
            self.limit_passed = false;
        }
        first
    }

    /// His try has ended without success.
    pub(super) fn failed(&mut self, seat: Seat, now: Ts, refused: bool) {
        self.any_known = true;
        self.last_try_end = Some(now);
        let chance = self.chance(seat);
        chance.rests_until = Some(now + REST);
        chance.refused |= refused;
    }

    /// He declined, be it across our own hang-up.
    pub(super) fn refused(&mut self, seat: Option<Seat>) {
        if let Some(seat) = seat {
            self.chance(seat).refused = true;
        }
    }

    /// His try was cut because another manager accepted.
    pub(super) fn cut_for_another(&mut self, seat: Seat) {
        self.chance(seat).cut = true;
    }

    /// The manager who had accepted is gone: those cut for him are owed their try again.
    pub(super) fn winner_left(&mut self) {
        for chance in &mut self.chances {
            chance.owed |= chance.cut;
            chance.cut = false;
        }
    }

    /// A dial ended before it was sent: what that means for his turn.
    pub(super) fn not_sent(&mut self, seat: Seat, cause: Cause, now: Ts) {
        let waits = !self.limit_passed;
        match cause {
            Cause::InService => {
                self.any_busy = true;
                let chance = self.chance(seat);
                chance.busy = true;
                chance.owed = waits;
            }
            Cause::NoChannel | Cause::NoFunds => {
                self.any_no_funds |= cause == Cause::NoFunds;
                let chance = self.chance(seat);
                chance.owed = waits;
                chance.no_channel = true;
                if waits {
                    self.hold_until = Some(now + CHANNEL_WAIT);
                    self.urgent.insert(0, seat);
                } else {
                    self.last_turn_end = Some(now);
                }
            }
            Cause::Normal
            | Cause::Sip(_)
            | Cause::Q850(_)
            | Cause::Silent
            | Cause::Trunk
            | Cause::RefusedNumber
            | Cause::Media
            | Cause::Interrupted => self.last_turn_end = Some(now),
        }
    }

    /// A leg is down, the visitor's or a manager's.
    pub(super) fn leg_down(&mut self, seat: Option<Seat>, held_channel: bool) {
        if held_channel {
            self.hold_until = None;
        }
        if let Some(seat) = seat {
            let chance = self.chance(seat);
            chance.has_leg = false;
            if std::mem::take(&mut chance.aside) && chance.owed {
                self.urgent.push(seat);
            }
        }
    }

    /// He is free again.
    pub(super) fn freed(&mut self, seat: Seat) {
        let chance = self.chance(seat);
        if std::mem::take(&mut chance.busy) && chance.owed && !self.urgent.contains(&seat) {
            self.urgent.push(seat);
        }
    }

    /// `total_time_s` has passed: in round 1 nobody is waited for any more, of later rounds no try begins.
    pub(super) fn limit(&mut self) {
        self.limit_passed = true;
        self.hold_until = None;
        if self.round == 0 {
            for chance in &mut self.chances {
                chance.owed &= !chance.busy && !chance.no_channel;
            }
        }
    }

    fn may_begin_tries(&self) -> bool {
        self.round == 0 || !self.limit_passed
    }

    fn pick(&mut self, now: Ts, free_channels: usize) -> Option<Seat> {
        if free_channels == 0 || !self.may_begin_tries() || self.hold_until.is_some_and(|until| until > now) {
            return None;
        }
        let order = self.rounds.get(usize::from(self.round)).map_or(&[][..], Vec::as_slice);
        for seat in self.urgent.iter().chain(order) {
            let Some(chance) = self.chances.get_mut(usize::from(seat.0)) else { continue };
            if !chance.may_be_dialled() {
                continue;
            }
            if chance.has_leg {
                chance.aside = true;
            } else if chance.rests_until.is_none_or(|until| until <= now) {
                return Some(*seat);
            }
        }
        None
    }

    /// Somebody of this round is still to be dialled without being waited for by name.
    fn owes_somebody(&self) -> bool {
        self.may_begin_tries() && self.chances.iter().any(Chance::may_be_dialled)
    }

    /// Somebody of this round is busy in our service and may come free in time.
    fn awaits_busy(&self) -> bool {
        !self.limit_passed && self.chances.iter().any(|chance| chance.owed && chance.busy && !chance.refused)
    }

    fn wake(&self, now: Ts) -> Option<Ts> {
        let rests = self.chances.iter().filter(|chance| chance.may_be_dialled() && !chance.has_leg);
        let rest = rests.filter_map(|chance| chance.rests_until).filter(|until| *until > now).min();
        match self.hold_until.filter(|until| *until > now) {
            Some(hold) => Some(hold),
            None => rest,
        }
    }

    /// When the next round begins, where there is one that can still dial somebody.
    fn next_round_at(&self) -> Option<Ts> {
        if self.limit_passed || usize::from(self.round) + 1 >= self.rounds.len() {
            return None;
        }
        let after = self.last_try_end.or(self.last_turn_end).unwrap_or(self.round_started_at);
        let gap = after + ROUND_GAP;
        let candidates = || self.chances.iter().filter(|chance| !chance.refused);
        candidates().next()?;
        let rests =
            || candidates().filter(|chance| !chance.busy).map(|chance| chance.rests_until.unwrap_or(gap));
        let (begin, first_dial) = match self.strategy {
            RingStrategy::All => {
                let all_rested = rests().max().unwrap_or(gap).max(gap);
                (all_rested, all_rested)
            }
            RingStrategy::Linear | RingStrategy::Random => (gap, rests().min().unwrap_or(gap).max(gap)),
        };
        (first_dial < self.limit_at()).then_some(begin)
    }

    fn begin_round(&mut self, now: Ts) {
        self.round = self.round.saturating_add(1);
        self.round_started_at = now;
        self.last_try_end = None;
        self.last_turn_end = None;
        self.tries = 0;
        self.urgent.clear();
        for chance in &mut self.chances {
            chance.owed = !chance.refused;
            chance.aside = false;
            chance.no_channel = false;
            chance.cut = false;
        }
    }

    fn chance(&mut self, seat: Seat) -> &mut Chance {
        let at = usize::from(seat.0);
        if at >= self.chances.len() {
            self.chances.resize_with(at + 1, Chance::default);
        }
        #[expect(clippy::indexing_slicing, reason = "made to fit just above")]
        &mut self.chances[at]
    }
}

impl Chance {
    fn may_be_dialled(&self) -> bool {
        self.owed && !self.refused && !self.busy
    }
}
