//! A rehearsal (number 3 of what no one else has): settings that are not published yet, played by the flow itself with
//! telephones of habit, and looked over for what an owner would not want. It dials nobody and knows no clock.
//!
//! What it says of seconds holds for every call by these settings on a network that works: an INVITE leaves at once, and
//! no telephone is in another call. Those bounds are checked against calls of dice.

pub mod play;
mod week;

use crate::blacklist::Blacklist;
use crate::id::OrderId;
use crate::number::PhoneNumber;
use crate::order::{self, Circumstances, Order};
use crate::plan::{AcceptKey, Address, Callee, Mode, Plan, PlanManager, RingStrategy};
use crate::record::CallRecord;
use crate::schedule::Schedule;
use crate::site::Site;
use crate::time::Ts;
use play::{Habits, play};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub use week::{Hole, Night};

/// How long a manager's telephone usually rings, and a visitor's.
const USUAL_MANAGER: Duration = Duration::from_secs(6);
const USUAL_VISITOR: Duration = Duration::from_secs(8);
/// How long they ring when they are quick.
const QUICK: Duration = Duration::from_secs(2);
/// How long they talk.
const TALK: Duration = Duration::from_secs(60);
/// From the INVITE to the first ringing, as late as it counts (`docs/call-flow.md`).
const RINGS_AFTER: Duration = Duration::from_secs(8);
/// What an event that does not come is waited for (`docs/call-flow.md`).
const GRACE: Duration = Duration::from_secs(2);
/// Between the tries of one manager, at most what a round waits (`docs/call-flow.md`).
const REST: Duration = Duration::from_secs(10);
/// A telephone abroad rings no sooner.
const SHORT_RING_S: u32 = 20;
/// An announcement that is longer keeps the visitor waiting.
const LONG_ANNOUNCEMENT: Duration = Duration::from_secs(5);

/// What came of a rehearsal.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsal {
    /// The seconds from the order to the dial of the visitor's telephone; none where nobody can be called.
    pub to_visitor: Option<Bounds>,
    /// A call in which everybody is quick, a usual one, and one in which the last telephone answers at the last second.
    pub calls: Vec<Played>,
    /// What happens if the first managers do not answer: who takes the call then; last, nobody.
    pub ifs: Vec<Played>,
    /// What an owner would not want.
    pub warnings: Vec<Warning>,
}

/// The earliest, usual and latest second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Bounds {
    /// In ms: no call is earlier.
    pub earliest_ms: u64,
    /// In ms, when everybody does as usual.
    pub usual_ms: u64,
    /// In ms: no call is later.
    pub latest_ms: u64,
}

/// A call that was played.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// Which.
    pub name: &'static str,
    /// Who takes it; none where nobody does.
    pub taken_by: Option<String>,
    /// When they hear each other, in ms from the order.
    pub joined_ms: Option<u64>,
    /// When the seeking was over, where nobody took it.
    pub ended_ms: u64,
    /// The call, as it would be stored.
    #[serde(skip)]
    pub record: CallRecord,
    /// The plan that it followed.
    #[serde(skip)]
    pub plan: Arc<Plan>,
}

/// What an owner would not want, with what there is to say about it. Managers are counted as they are listed, from 0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "key", rename_all = "snake_case")]
pub enum Warning {
    /// The promise holds: usually so many seconds.
    PromiseOk {
        /// Usually.
        seconds: u64,
        /// Promised.
        promise: u32,
    },
    /// The pauses alone are longer than the promise.
    PromiseDelay {
        /// Promised.
        promise: u32,
        /// The pauses together.
        pauses: u32,
        /// The pause before the visitor that would leave it whole; none where that alone does not help.
        cut_to: Option<u32>,
        /// What could be promised.
        promise_at_least: u64,
    },
    /// If the first does not answer, it is late.
    PromiseFirst {
        /// Who is first.
        name: String,
        /// When the second is called.
        second_at: u64,
        /// When they would usually be joined.
        joined_at: u64,
        /// How long to ring instead, so that it is in time; none where even the shortest is too long.
        ring: Option<u32>,
    },
    /// The site is open, and nobody can be called.
    Hole(Hole),
    /// No line shows this number: the service's own is shown.
    CallerId {
        /// The setting.
        field: &'static str,
    },
    /// An office has no managers.
    OfficeEmpty {
        /// Which.
        office: String,
    },
    /// A manager with an extension is not asked for a key: a machine passes for him.
    ExtensionKey {
        /// Which.
        manager: usize,
        /// His name.
        name: String,
    },
    /// His extension is dialled while the machine still speaks.
    ExtensionDelay {
        /// Which.
        manager: usize,
        /// His name.
        name: String,
    },
    /// Several lead to one line, that is busy for all.
    SameLine {
        /// How many.
        count: usize,
        /// The line.
        line: String,
    },
    /// The order is random, and all are called at once.
    RandomAll,
    /// Only one can be called.
    One,
    /// His telephone was not verified: he is not called.
    Unverified {
        /// Which.
        manager: usize,
        /// His name.
        name: String,
    },
    /// Nobody is called at all.
    Nobody,
    /// The rounds do not fit into the time.
    Total {
        /// Seconds that they take.
        needed: u64,
        /// Seconds that there are.
        allowed: u32,
    },
    /// The visitor's telephone rings shortly.
    VisitorShort {
        /// Seconds.
        seconds: u32,
    },
    /// The announcement is long.
    AnnouncementLong {
        /// Seconds.
        seconds: u64,
    },
    /// At night one alone is called.
    Night(Night),
}

impl Warning {
    /// Whether calls fail by it, and not only might.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        match self {
            Self::PromiseDelay { .. }
            | Self::PromiseFirst { .. }
            | Self::Hole(_)
            | Self::OfficeEmpty { .. }
            | Self::ExtensionKey { .. }
            | Self::SameLine { .. }
            | Self::Unverified { .. }
            | Self::Nobody
            | Self::Total { .. } => true,
            Self::PromiseOk { .. }
            | Self::ExtensionDelay { .. }
            | Self::RandomAll
            | Self::CallerId { .. }
            | Self::One
            | Self::VisitorShort { .. }
            | Self::AnnouncementLong { .. }
            | Self::Night(_) => false,
        }
    }
}

/// Rehearses settings: `around` is what admission would be told, `week` the instant at which the week to look over
/// begins.
#[must_use]
pub fn rehearse(site: &Site, around: &Circumstances, week: Ts) -> Rehearsal {
    let (open, unlisted) = always_open(site, around);
    let plan = visitor(site).and_then(|visitor| order::admit(&visitor, &open, &unlisted, Ts(0)).ok());
    let plan = plan.map(Arc::new);
    let mut rehearsal = Rehearsal { to_visitor: None, calls: vec![], ifs: vec![], warnings: vec![] };
    if let Some(plan) = &plan {
        rehearsal.calls = played_calls(plan);
        rehearsal.ifs = played_ifs(plan);
        rehearsal.to_visitor = Some(bounds(plan, &rehearsal.calls));
        promise_warnings(plan, &rehearsal.calls, &rehearsal.ifs, &mut rehearsal.warnings);
        time_warnings(plan, &mut rehearsal.warnings);
    } else {
        rehearsal.warnings.push(Warning::Nobody);
    }
    manager_warnings(site, &around.verified, &mut rehearsal.warnings);
    week::warnings(site, around, week, &mut rehearsal.warnings);
    rehearsal
}

/// The visitor of a rehearsal: nobody's number, in a country that may be called.
fn visitor(site: &Site) -> Option<Order> {
    Some(Order {
        id: OrderId(Uuid::nil()),
        number: "+10000000000".parse().ok()?,
        country: site.countries.first().copied()?,
        ip: None,
        accepted_at: Ts(0),
        due_at: Ts(0),
    })
}

/// The same site at an hour at which everybody is there: hours are looked at apart.
fn always_open(site: &Site, around: &Circumstances) -> (Site, Circumstances) {
    let mut site = Site { schedule: Schedule::default(), blacklist: Blacklist::default(), ..site.clone() };
    for manager in &mut site.managers {
        manager.hours = None;
    }
    let around = Circumstances { blacklist: Blacklist::default(), ..around.clone() };
    (site, around)
}

fn played_calls(plan: &Arc<Plan>) -> Vec<Played> {
    let last_ring = plan.limits.ring_timeout.saturating_sub(Duration::from_millis(500));
    let last_visitor = plan.limits.visitor_ring_timeout.saturating_sub(Duration::from_millis(500));
    let tries = plan.rounds.iter().map(Vec::len).sum::<usize>();
    let last = tries.saturating_sub(1);
    [
        ("quick", Habits { fails: 0, manager: QUICK, visitor: QUICK, talk: TALK }),
        ("usual", Habits { fails: 0, manager: USUAL_MANAGER, visitor: USUAL_VISITOR, talk: TALK }),
        ("slow", Habits { fails: last, manager: last_ring, visitor: last_visitor, talk: TALK }),
    ]
    .map(|(name, habits)| played(name, plan, habits))
    .into()
}

fn played_ifs(plan: &Arc<Plan>) -> Vec<Played> {
    let usual = |fails| Habits { fails, manager: USUAL_MANAGER, visitor: USUAL_VISITOR, talk: TALK };
    let one_by_one = plan.strategy != RingStrategy::All;
    let others = (1..plan.managers.len()).filter(|_| one_by_one);
    let mut ifs: Vec<Played> = others.map(|fails| played("next", plan, usual(fails))).collect();
    ifs.push(played("nobody", plan, usual(usize::MAX)));
    ifs
}

fn played(name: &'static str, plan: &Arc<Plan>, habits: Habits) -> Played {
    let record = play(plan, habits).record;
    let taken = record.legs.iter().find(|leg| leg.times.bridged_at.is_some() && leg.round > 0);
    let taken_by = taken.and_then(|leg| match leg.callee {
        Callee::Manager(seat) => plan.manager(seat).map(|manager| manager.name.to_string()),
        Callee::Visitor => None,
    });
    Played {
        name,
        taken_by,
        joined_ms: record.talk.map(|talk| millis(talk.from.since(Ts(0)))),
        ended_ms: millis(record.ended_at.since(Ts(0))),
        record,
        plan: Arc::clone(plan),
    }
}

/// The earliest and latest dial of the visitor, by the rules; the usual one, as it was played.
fn bounds(plan: &Plan, calls: &[Played]) -> Bounds {
    let delay = plan.limits.delay_to_visitor;
    let soonest = plan.managers.iter().map(soonest_accept).min().unwrap_or_default();
    let latest_accept = latest_accept(plan);
    let (earliest, latest) = match plan.mode {
        // At the delay, or with the first accept, whichever is first.
        Mode::Together => (delay.min(soonest), delay.min(latest_accept)),
        Mode::ManagerFirst => (soonest + delay, latest_accept + delay),
    };
    let usual = calls.iter().find(|call| call.name == "usual");
    let usual = usual.and_then(|call| {
        let visitor = call.record.legs.iter().find(|leg| leg.round == 0)?;
        Some(visitor.times.dialled_at.since(Ts(0)))
    });
    Bounds {
        earliest_ms: millis(earliest),
        usual_ms: millis(usual.unwrap_or(earliest)),
        latest_ms: millis(latest),
    }
}

/// The soonest accept of a manager: he answers at once, and presses 1 with the first word.
fn soonest_accept(manager: &PlanManager) -> Duration {
    // How long the digits take is the phone's to say.
    manager.telephone.extension.as_ref().map_or(Duration::ZERO, |_| manager.extension_delay)
}

/// The longest try of a manager that ends in an accept.
fn longest_try(plan: &Plan, manager: &PlanManager) -> Duration {
    let limits = &plan.limits;
    let digits = manager.telephone.extension.as_ref();
    let digits = digits.map_or(Duration::ZERO, |digits| manager.extension_delay + digits.length() + GRACE);
    let announcement = if limits.announce { plan.prompts.announcement + GRACE } else { Duration::ZERO };
    let key = if manager.accept_key == AcceptKey::No {
        announcement
    } else {
        announcement.max(limits.accept_timeout)
    };
    RINGS_AFTER + limits.ring_timeout + digits + key
}

/// The latest accept: in the first round, which reaches everybody, or of a try that began just before the time was over.
fn latest_accept(plan: &Plan) -> Duration {
    let tries: Vec<Duration> = plan.managers.iter().map(|manager| longest_try(plan, manager)).collect();
    let longest = tries.iter().copied().max().unwrap_or_default();
    let round = match plan.strategy {
        RingStrategy::All => longest,
        RingStrategy::Linear | RingStrategy::Random => tries.iter().sum(),
    };
    let rounds = u32::try_from(plan.rounds.len()).unwrap_or(u32::MAX);
    let all = (round + REST).saturating_mul(rounds).saturating_sub(REST);
    let later = if rounds > 1 { (plan.limits.total_time + longest).min(all) } else { round };
    round.max(later)
}

fn promise_warnings(plan: &Plan, calls: &[Played], ifs: &[Played], warnings: &mut Vec<Warning>) {
    let promise = plan.limits.promise;
    let promise_s = u32::try_from(promise.as_secs()).unwrap_or(u32::MAX);
    let rings_visitor = |call: &Played| {
        let leg = call.record.legs.iter().find(|leg| leg.round == 0)?;
        Some(leg.times.dialled_at.since(Ts(0)))
    };
    let quick = calls.iter().find(|call| call.name == "quick").and_then(rings_visitor);
    let usual = calls.iter().find(|call| call.name == "usual").and_then(rings_visitor);
    let delay = plan.limits.delay_to_visitor;
    if quick.is_some_and(|at| at > promise) {
        let at = quick.unwrap_or_default();
        let without = at.saturating_sub(delay);
        let left = promise.checked_sub(without);
        warnings.push(Warning::PromiseDelay {
            promise: promise_s,
            pauses: u32::try_from(delay.as_secs()).unwrap_or(u32::MAX),
            cut_to: left.map(|left| u32::try_from(left.as_secs()).unwrap_or(0)),
            promise_at_least: usual.unwrap_or(at).as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
        });
        return;
    }
    let first = plan.rounds.first().and_then(|round| round.first()).and_then(|seat| plan.manager(*seat));
    let second = ifs.iter().find(|call| call.name == "next");
    let late = second.and_then(|call| rings_visitor(call).filter(|at| *at > promise));
    if let (Some(first), Some(call), Some(_)) = (first, second, late) {
        let second_at = call.record.legs.iter().filter(|leg| leg.round > 0).nth(1);
        let second_at = second_at.map_or(Duration::ZERO, |leg| leg.times.dialled_at.since(Ts(0)));
        let over = late.unwrap_or_default().saturating_sub(promise);
        let ring = plan.limits.ring_timeout.checked_sub(over).filter(|ring| ring.as_secs() >= 5);
        warnings.push(Warning::PromiseFirst {
            name: first.name.to_string(),
            second_at: second_at.as_secs(),
            joined_at: call.joined_ms.unwrap_or(0) / 1_000,
            ring: ring.map(|ring| u32::try_from(ring.as_secs()).unwrap_or(0)),
        });
    } else if usual.is_some_and(|at| at <= promise) {
        let seconds = usual.unwrap_or_default().as_secs();
        warnings.push(Warning::PromiseOk { seconds, promise: promise_s });
    }
}

fn time_warnings(plan: &Plan, warnings: &mut Vec<Warning>) {
    let limits = &plan.limits;
    let each = limits.ring_timeout + Duration::from_secs(1);
    let seats: usize = match plan.strategy {
        RingStrategy::All => plan.rounds.len(),
        RingStrategy::Linear | RingStrategy::Random => plan.rounds.iter().map(Vec::len).sum(),
    };
    let seats = u32::try_from(seats).unwrap_or(u32::MAX);
    // The last try has only to begin in time.
    let needed = each.saturating_mul(seats.saturating_sub(1));
    if plan.rounds.len() > 1 && needed > limits.total_time {
        let allowed = u32::try_from(limits.total_time.as_secs()).unwrap_or(u32::MAX);
        warnings.push(Warning::Total { needed: needed.as_secs(), allowed });
    }
    let visitor_s = u32::try_from(limits.visitor_ring_timeout.as_secs()).unwrap_or(u32::MAX);
    if visitor_s < SHORT_RING_S {
        warnings.push(Warning::VisitorShort { seconds: visitor_s });
    }
    if limits.announce && plan.prompts.announcement > LONG_ANNOUNCEMENT {
        warnings.push(Warning::AnnouncementLong { seconds: plan.prompts.announcement.as_secs() });
    }
    if plan.managers.len() == 1 {
        warnings.push(Warning::One);
    }
}

fn manager_warnings(site: &Site, verified: &BTreeSet<PhoneNumber>, warnings: &mut Vec<Warning>) {
    let on = || site.managers.iter().enumerate().filter(|(_, manager)| manager.on);
    for (at, manager) in on() {
        let name = || manager.name.to_string();
        if manager.telephone.extension.is_some() && manager.accept_key == AcceptKey::No {
            warnings.push(Warning::ExtensionKey { manager: at, name: name() });
        }
        if manager.telephone.extension.is_some() && manager.extension_delay_s == 0 {
            warnings.push(Warning::ExtensionDelay { manager: at, name: name() });
        }
        if let Address::Phone(number) = manager.telephone.address
            && !verified.contains(&number)
        {
            warnings.push(Warning::Unverified { manager: at, name: name() });
        }
    }
    let lines: BTreeSet<&Address> = on().map(|(_, manager)| &manager.telephone.address).collect();
    if let ([line], true) = (&lines.into_iter().collect::<Vec<_>>()[..], on().count() > 1) {
        let line = match line {
            Address::Phone(number) => number.to_string(),
            Address::Sip(uri) => uri.to_string(),
        };
        warnings.push(Warning::SameLine { count: on().count(), line });
    }
    for office in site.offices.iter().filter(|office| !office.managers.iter().any(|manager| manager.on)) {
        warnings.push(Warning::OfficeEmpty { office: office.name.to_string() });
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
