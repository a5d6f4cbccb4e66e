//! What statistics count of a call: taken from its record once, when that is written.

use crate::plan::{Callee, Plan, PlanManager, Seat};
use crate::record::{CallRecord, Cause, LegRecord, Outcome};
use crate::time::Ts;
use std::sync::Arc;

/// A call, as it is counted. Milliseconds run from the order, or, where that was for a time, from its turn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Until the visitor's telephone rang.
    pub rang_ms: Option<u64>,
    /// Until they talked.
    pub connected_ms: Option<u64>,
    /// What was promised; none where nothing was planned.
    pub promise_ms: Option<u64>,
    /// How long they talked, in whole seconds.
    pub talk_s: Option<u64>,
    /// Who took the call.
    pub manager: Option<Who>,
    /// Each manager's try that was his to answer: none that was cut for another, or by the visitor's leaving.
    pub tries: Vec<Try>,
}

/// A manager at a telephone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// As the settings named him.
    pub name: Arc<str>,
    /// As [`crate::plan::Telephone`] is written.
    pub telephone: String,
}

/// A manager's try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Try {
    /// Its leg.
    pub leg: u16,
    /// Whose it was.
    pub who: Who,
    /// From the dial until he picked up, where he took the call.
    pub answered_ms: Option<u64>,
}

impl Tally {
    /// Counts a call; of one without a plan no more is known than how long was talked.
    #[must_use]
    pub fn of(record: &CallRecord, plan: Option<&Plan>) -> Self {
        let talk_s = record.talk.map(|talk| talk.until.since(talk.from).as_secs());
        let Some(plan) = plan else { return Self { talk_s, ..Self::default() } };
        let since = |at: Ts| millis(plan.accepted_at, at);
        let who = |seat| plan.manager(seat).map(Who::of);
        Self {
            rang_ms: record
                .legs
                .iter()
                .filter(|leg| leg.callee == Callee::Visitor)
                .find_map(rang_at)
                .map(since),
            connected_ms: record.talk.map(|talk| since(talk.from)),
            promise_ms: Some(u64::try_from(plan.limits.promise.as_millis()).unwrap_or(u64::MAX)),
            talk_s,
            manager: record.talk.and_then(|talk| who(talk.manager)).or_else(|| {
                let mut accepted = record.legs.iter().filter(|leg| leg.times.accepted_at.is_some());
                accepted.find_map(|leg| seat(leg).and_then(who))
            }),
            tries: record
                .legs
                .iter()
                .filter_map(|leg| {
                    let answered_ms = answered_ms(leg)?;
                    Some(Try { leg: leg.leg.0, who: who(seat(leg)?)?, answered_ms })
                })
                .collect(),
        }
    }
}

impl Who {
    fn of(manager: &PlanManager) -> Self {
        Self { name: manager.name.clone(), telephone: manager.telephone.to_string() }
    }
}

fn seat(leg: &LegRecord) -> Option<Seat> {
    match leg.callee {
        Callee::Manager(seat) => Some(seat),
        Callee::Visitor => None,
    }
}

/// When a telephone rang, at the latest.
fn rang_at(leg: &LegRecord) -> Option<Ts> {
    let times = &leg.times;
    [times.ringing_at, times.early_media_at, times.answered_at].into_iter().flatten().min()
}

/// None where the try was not his to answer; none within where he did not.
fn answered_ms(leg: &LegRecord) -> Option<Option<u64>> {
    let times = &leg.times;
    if times.accepted_at.is_some() {
        return Some(times.answered_at.map(|at| millis(times.sent_at.unwrap_or(times.dialled_at), at)));
    }
    match (leg.outcome, leg.ended) {
        (_, Some((cause, _))) if is_ours(cause) => None,
        (Outcome::Failed | Outcome::Refused | Outcome::Left, _) => Some(None),
        (
            Outcome::NotSent
            | Outcome::Running
            | Outcome::Elsewhere
            | Outcome::Cut
            | Outcome::CutByShutdown
            | Outcome::Talked,
            _,
        ) => None,
    }
}

/// It failed before anybody could have answered, or while he was answering another.
fn is_ours(cause: Cause) -> bool {
    match cause {
        Cause::InService
        | Cause::NoChannel
        | Cause::NoFunds
        | Cause::Trunk
        | Cause::RefusedNumber
        | Cause::Interrupted => true,
        Cause::Normal | Cause::Sip(_) | Cause::Q850(_) | Cause::Silent | Cause::Media => false,
    }
}

fn millis(from: Ts, until: Ts) -> u64 {
    u64::try_from(until.since(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::id::OrderId;
    use crate::order::{Order, admit};
    use crate::record::{CallRecord, NotCalled};
    use crate::rehearsal::play::{Habits, play};
    use crate::rehearsal::tests::{MONDAY, around, site};
    use std::sync::Arc;
    use std::time::Duration;
    use uuid::Uuid;

    fn told(fails: usize, visitor: u64) -> String {
        let order = Order {
            id: OrderId(Uuid::nil()),
            number: "+79161234567".parse().unwrap(),
            country: "RU".parse().unwrap(),
            ip: None,
            accepted_at: MONDAY,
            due_at: MONDAY,
        };
        let plan = Arc::new(admit(&order, &site(), &around(), MONDAY).unwrap());
        let habits = Habits {
            fails,
            manager: Duration::from_secs(4),
            visitor: Duration::from_secs(visitor),
            talk: Duration::from_secs(61),
        };
        let tally = Tally::of(&play(&plan, habits).record, Some(&plan));
        let tries = tally.tries.iter().map(|one| format!(" {}:{:?}", one.who.name, one.answered_ms));
        format!(
            "rang {:?} connected {:?} talked {:?} {:?}{}",
            tally.rang_ms,
            tally.connected_ms,
            tally.talk_s,
            tally.manager.map(|who| who.telephone),
            tries.collect::<String>()
        )
    }

    #[test]
    fn a_call_is_counted_by_its_record() {
        assert_eq!(
            told(0, 3),
            "rang Some(5800) connected Some(8800) talked Some(61) Some(\"+74951234501\") Anna:Some(4899)"
        );
        assert_eq!(
            told(1, 3),
            "rang Some(21700) connected Some(24700) talked Some(61) Some(\"sip:boris@192.0.2.7\") Anna:None Boris:Some(4899)"
        );
        assert_eq!(
            told(0, 600),
            "rang Some(5800) connected None talked None Some(\"+74951234501\") Anna:Some(4899)"
        );
        assert_eq!(
            told(9, 3),
            "rang None connected None talked None None Anna:None Boris:None Anna:None Boris:None"
        );
    }

    #[test]
    fn what_was_not_called_has_nothing_to_count() {
        let record = CallRecord::refused(OrderId(Uuid::nil()), 1, NotCalled::Closed, MONDAY);
        assert_eq!(Tally::of(&record, None), Tally::default());
    }
}
