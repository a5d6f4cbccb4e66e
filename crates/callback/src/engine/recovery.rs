//! What becomes of an order that an earlier process had (`docs/call-flow.md` § Stored, and after a crash).

use super::STALE_LEG;
use crate::store::{CallFile, ClaimedOrder, ProcessFile, StoredIntent};
use callback_core::flow::{Command, Flow, Past, VisitorState};
use callback_core::id::{LegId, OrderId};
use callback_core::order::STALE;
use callback_core::plan::{Callee, Plan, Telephone};
use callback_core::record::{CallRecord, Disposition, LegRecord, NotCalled};
use callback_core::time::Ts;
use callback_phone::StoredDialog;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An order goes on at most so often.
const PROCESSES: u16 = 3;

/// Whether the order goes on: it is young or nobody was dialled, the visitor was not, and not too often.
pub(super) fn goes_on(claimed: &ClaimedOrder, plan: &Plan, now: Ts) -> bool {
    let visitor_dialled = claimed.intents.iter().any(|stored| stored.intent.callee == Callee::Visitor);
    let young = now.since(plan.accepted_at) < STALE || claimed.intents.is_empty();
    young && !visitor_dialled && claimed.fence.process <= PROCESSES
}

/// A leg that a dead process may have left up.
pub(super) struct Orphan {
    pub(super) dialog: StoredDialog,
    pub(super) telephone: Telephone,
    /// How long its telephone counts as busy unless it is known to be down before.
    pub(super) busy_for: Duration,
}

/// The legs that may still be up.
pub(super) fn orphans(intents: &[StoredIntent], plan: &Plan, now: Ts) -> Vec<Orphan> {
    let open = intents.iter().filter(|stored| stored.ended_at.is_none());
    open.filter_map(|stored| {
        let dialog = serde_json::from_value(stored.dialog.clone()?).ok()?;
        let telephone = plan.telephone(stored.intent.callee)?;
        let busy_for = STALE_LEG.saturating_sub(now.since(stored.intent.at));
        Some(Orphan { dialog, telephone, busy_for })
    })
    .collect()
}

/// The record of a call whose last process died: what it was told is given to a fresh flow, which is then settled
/// by the table at the last instant of which anything is known.
pub(super) fn bury(file: &CallFile, plan: &Arc<Plan>, last_sign: Ts) -> CallRecord {
    let begun = file.processes.iter().rev().find_map(|process| replay(process, plan));
    match begun {
        Some(replayed) => replayed.flow.interrupted(replayed.until.max(last_sign)),
        None => Flow::new(Arc::clone(plan), &Past::default(), plan.accepted_at).interrupted(last_sign),
    }
}

/// Every leg of a call: those of its record, and those of processes before.
pub(crate) fn legs(file: &CallFile, plan: &Arc<Plan>, record: &CallRecord) -> Vec<LegRecord> {
    let mut legs = legs_so_far(file, plan);
    legs.extend(record.legs.iter().map(|leg| (leg.leg, leg.clone())));
    legs.into_values().collect()
}

/// The legs of a call's processes, as far as these were told of them; what is not known to have ended ended then.
pub(crate) fn legs_so_far(file: &CallFile, plan: &Arc<Plan>) -> BTreeMap<LegId, LegRecord> {
    let mut legs = BTreeMap::new();
    for replayed in file.processes.iter().filter_map(|process| replay(process, plan)) {
        for mut leg in replayed.flow.legs_so_far() {
            leg.times.ended_at = leg.times.ended_at.or(Some(replayed.until));
            legs.insert(leg.leg, leg);
        }
    }
    legs
}

/// The trunks that dials went by, by their legs.
pub(crate) fn trunks(intents: &[StoredIntent]) -> BTreeMap<LegId, Arc<str>> {
    let dialog = |stored: &StoredIntent| {
        let dialog: StoredDialog = serde_json::from_value(stored.dialog.clone()?).ok()?;
        Some((stored.intent.leg, dialog.trunk()?.into()))
    };
    intents.iter().filter_map(dialog).collect()
}

/// A call that was cancelled between two processes has its end from there, and not from a flow.
fn cancelled_between(file: &CallFile, record: CallRecord) -> CallRecord {
    let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
    match file.order.ended_at {
        Some(ended_at) if file.order.state == VisitorState::Ended(cancelled) => {
            CallRecord { disposition: cancelled, ended_at, ..record }
        }
        _ => record,
    }
}

/// What a process's inputs lead to in a fresh flow.
pub(crate) struct Replayed {
    /// The flow, as it was after the last input.
    pub(crate) flow: Flow,
    /// The last input's instant.
    pub(crate) until: Ts,
    /// The record, where the call was over.
    pub(crate) record: Option<CallRecord>,
}

/// Gives a process's inputs to a fresh flow, tick by tick; none where it never began.
pub(crate) fn replay(process: &ProcessFile, plan: &Arc<Plan>) -> Option<Replayed> {
    let (began_at, past) = process.began.as_ref()?;
    let flow = Flow::new(Arc::clone(plan), past, *began_at);
    let mut replayed = Replayed { flow, until: *began_at, record: None };
    replayed.poll();
    for tick in process.inputs.chunk_by(|(one, _), (other, _)| one == other) {
        for (at, input) in tick {
            replayed.until = *at;
            replayed.flow.handle(*input, *at);
        }
        replayed.poll();
    }
    Some(replayed)
}

impl Replayed {
    fn poll(&mut self) {
        while let Some(command) = self.flow.poll_command() {
            if let Command::Finish(finish) = command {
                self.record = finish.into_record();
            }
        }
    }
}

/// What a replay of a call showed.
#[derive(Serialize, Debug)]
pub(crate) struct Verdict {
    order: OrderId,
    processes: usize,
    inputs: usize,
    outcome: Agreement,
    recorded: Option<CallRecord>,
    replayed: Option<CallRecord>,
}

/// How recorded and replayed compare.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Agreement {
    /// They are the same.
    Same,
    /// They differ.
    Different,
    /// The call has no record yet.
    StillRunning,
    /// The order joined another's call.
    Joined,
    /// The order ended before any flow began.
    NothingToReplay,
}

/// Replays a call's last process and compares what it comes to with what was recorded.
pub(crate) fn verdict(file: &CallFile) -> Verdict {
    let last = file.processes.iter().rev().find(|process| process.began.is_some());
    let replayed = match (&file.plan, last, &file.record) {
        (Some(plan), Some(process), Some(record)) => replay(process, plan).map(|replayed| {
            // A process that died was settled by the table at the last sign of life: so is its replay.
            let died = |flow: Flow| cancelled_between(file, flow.interrupted(record.finished_at));
            replayed.record.unwrap_or_else(|| died(replayed.flow))
        }),
        _ => None,
    };
    let outcome = match (&file.record, last) {
        (_, None) if file.order.joined_to.is_some() => Agreement::Joined,
        (_, None) if file.order.ended_at.is_none() => Agreement::StillRunning,
        (_, None) => Agreement::NothingToReplay,
        (None, Some(_)) => Agreement::StillRunning,
        (Some(_), Some(_)) if replayed == file.record => Agreement::Same,
        (Some(_), Some(_)) => Agreement::Different,
    };
    Verdict {
        order: file.order.facts.id,
        processes: file.processes.len(),
        inputs: file.processes.iter().map(|process| process.inputs.len()).sum(),
        outcome,
        recorded: file.record.clone(),
        replayed,
    }
}

impl Verdict {
    /// Nothing speaks against the record.
    pub(crate) fn agrees(&self) -> bool {
        self.outcome != Agreement::Different
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "order {}: {} inputs of {} processes", self.order, self.inputs, self.processes)?;
        for (what, record) in [("recorded", &self.recorded), ("replayed", &self.replayed)] {
            match record.as_ref().map(|record| record.disposition.keys()) {
                Some((key, Some(reason))) => writeln!(f, "{what}: {key} ({reason})")?,
                Some((key, None)) => writeln!(f, "{what}: {key}")?,
                None => {}
            }
        }
        f.write_str(match self.outcome {
            Agreement::Same => "the fresh flow decides the same, to the microsecond",
            Agreement::Different => "the fresh flow decides otherwise; --json shows both records",
            Agreement::StillRunning => "the call is not over yet: there is no record to compare with",
            Agreement::Joined => "the order joined a call that was running: that one can be replayed",
            Agreement::NothingToReplay => "the order ended before it was called: there is nothing to replay",
        })
    }
}
