//! What a visitor would be shown of a call in which nobody answers: an order that met a list or a limit looks so,
//! and a stranger learns nothing. It is told by the flow itself, over a telephone network that only rings, and so
//! never differs from a call.

use super::{Command, Detail, Flow, Input, LegEvent, Past, VisitorState};
use crate::plan::Plan;
use crate::record::{Cause, Disposition, EndedBy, ManagerFault};
use crate::time::Ts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The longest pretence.
pub const PRETENCE: Duration = Duration::from_secs(38);
/// From the command to the INVITE.
const SENT: Duration = Duration::from_millis(6);
/// From the INVITE to the ringing.
const RINGING: Duration = Duration::from_millis(900);
/// From the hang-up to its end.
const DOWN: Duration = Duration::from_millis(30);

/// The states that the visitor of this plan would see if nobody answered, each with its instant: the first at the
/// plan's acceptance, the last an end after [`PRETENCE`] at most.
#[must_use]
pub fn pretend(plan: Plan) -> Vec<(Ts, VisitorState, Detail)> {
    let began = plan.accepted_at;
    // No two calls take quite the same time, and the same call is always told alike.
    let draw = u32::from(plan.order.0.as_bytes()[15]);
    let mut flow = Flow::new(Arc::new(plan), &Past::default(), began);
    let mut network: BTreeMap<(Ts, u32), Input> = BTreeMap::new();
    let mut told = vec![(began, VisitorState::Accepted, Detail::default())];
    let (mut now, mut n) = (began, 0);
    let mut after = |now: Ts, delay: Duration, input| {
        n += 1;
        ((now + delay + delay * draw / 256, n), input)
    };
    loop {
        while let Some(command) = flow.poll_command() {
            match command {
                Command::Originate { leg, .. } => network.extend([
                    after(now, SENT, Input::Leg(leg, LegEvent::Sent)),
                    after(now, SENT + RINGING, Input::Leg(leg, LegEvent::Ringing)),
                ]),
                Command::Hangup { leg, .. } => {
                    let ended = LegEvent::Ended(Cause::Sip(487), EndedBy::Us);
                    network.extend([after(now, DOWN, Input::Leg(leg, ended))]);
                }
                Command::Tell(VisitorState::Ended(_), _) | Command::Finish(_) => return ended(told, now),
                Command::Tell(state, detail) => told.push((now, state, detail)),
                Command::SendDigits { .. }
                | Command::Play { .. }
                | Command::Bridge { .. }
                | Command::Unbridge => {}
            }
        }
        let rings = network.first_key_value().map(|((at, _), _)| *at);
        let Some(next) = rings.into_iter().chain(flow.poll_timeout()).min() else { return ended(told, now) };
        if next > began + PRETENCE {
            return ended(told, began + PRETENCE);
        }
        now = next;
        while let Some(entry) = network.first_entry().filter(|entry| entry.key().0 <= now) {
            flow.handle(entry.remove(), now);
        }
        if flow.poll_timeout().is_some_and(|at| at <= now) {
            flow.handle(Input::Timeout, now);
        }
    }
}

fn ended(mut told: Vec<(Ts, VisitorState, Detail)>, at: Ts) -> Vec<(Ts, VisitorState, Detail)> {
    let all_failed = VisitorState::Ended(Disposition::ManagerNoAnswer(ManagerFault::AllFailed));
    let of = told.last().map_or(0, |(.., detail)| detail.of);
    told.push((at, all_failed, Detail { of, ..Detail::default() }));
    told
}

#[cfg(test)]
mod tests {
    use super::pretend;
    use crate::flow::stories::{read_plan, show_state};
    use std::fmt::Write as _;

    #[test]
    fn a_pretence_is_a_call_that_nobody_answers() {
        let check = |words: &str, expected: &[&str]| {
            let mut told = String::new();
            for (at, state, detail) in pretend(read_plan(words).0) {
                let _ = writeln!(
                    told,
                    "{}.{:03} {}",
                    at.0 / 1_000_000,
                    at.0 / 1_000 % 1_000,
                    show_state(state, &detail)
                );
            }
            assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{words}");
        };
        check(
            "together linear A B promise=29",
            &[
                "0.000 accepted",
                "0.006 calling_manager",
                "0.006 calling_visitor",
                "38.000 ended manager_no_answer (all_failed)",
            ],
        );
        check(
            "together linear A B delay=5 promise=29",
            &[
                "0.000 accepted",
                "0.006 calling_manager",
                "5.006 calling_visitor",
                "38.000 ended manager_no_answer (all_failed)",
            ],
        );
        check(
            "first linear A B promise=10 ring=15 rounds=2",
            &[
                "0.000 accepted",
                "0.006 calling_manager",
                "10.000 calling_manager, late, trying 1 of 2: A",
                "15.912 calling_manager, late, trying 2 of 2: B",
                "33.818 calling_manager, late, trying 1 of 2: A",
                "38.000 ended manager_no_answer (all_failed)",
            ],
        );
        check(
            "first linear A rounds=1 ring=5 promise=29",
            &["0.000 accepted", "0.006 calling_manager", "5.906 ended manager_no_answer (all_failed)"],
        );
    }
}
