//! What becomes of an order that an earlier process had (`docs/call-flow.md` § Stored, and after a crash).

use super::STALE_LEG;
use crate::store::{CallFile, ClaimedOrder, ProcessFile, StoredIntent};
use callback_core::flow::{Command, Flow, Past};
use callback_core::id::OrderId;
use callback_core::order::STALE;
use callback_core::plan::{Callee, Plan, Telephone};
use callback_core::record::CallRecord;
use callback_core::time::Ts;
use callback_phone::StoredDialog;
use serde::Serialize;
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
    recorded: Option<CallRecord>,
    replayed: Option<CallRecord>,
    same: bool,
}

/// Replays a call's last process and compares what it comes to with what was recorded.
pub(crate) fn verdict(file: &CallFile) -> Verdict {
    let last = file.processes.iter().rev().find(|process| process.began.is_some());
    let replayed = match (&file.plan, last) {
        (Some(plan), Some(process)) => replay(process, plan).map(|replayed| {
            let until = file.record.as_ref().map_or(replayed.until, |record| record.finished_at);
            // A process that died was settled by the table at the last sign of life: so is its replay.
            replayed.record.unwrap_or_else(|| replayed.flow.interrupted(until))
        }),
        _ => None,
    };
    Verdict {
        order: file.order.facts.id,
        processes: file.processes.len(),
        inputs: file.processes.iter().map(|process| process.inputs.len()).sum(),
        same: replayed == file.record || last.is_none(),
        recorded: file.record.clone(),
        replayed,
    }
}

impl Verdict {
    /// The fresh flow decides the same.
    pub(crate) fn agrees(&self) -> bool {
        self.same
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disposition =
            |record: &Option<CallRecord>| match record.as_ref().map(|record| record.disposition.keys()) {
                Some((key, Some(reason))) => format!("{key} ({reason})"),
                Some((key, None)) => key.to_owned(),
                None => "nothing".to_owned(),
            };
        writeln!(f, "order {}: {} inputs of {} processes", self.order, self.inputs, self.processes)?;
        writeln!(f, "recorded: {}", disposition(&self.recorded))?;
        writeln!(f, "replayed: {}", disposition(&self.replayed))?;
        f.write_str(if self.same {
            "the fresh flow decides the same, to the microsecond"
        } else {
            "the fresh flow decides otherwise; --json shows both records"
        })
    }
}
