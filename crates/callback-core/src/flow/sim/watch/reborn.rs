//! A crash and what comes after it: what was stored, what is forgotten, how a next process begins.

use super::Watch;
use crate::flow::{Intent, IntentEnd, VisitorState};
use crate::plan::Callee;
use crate::time::Ts;

impl Watch {
    pub(in crate::flow::sim) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(in crate::flow::sim) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(in crate::flow::sim) fn has_intents(&self) -> bool {
        self.legs.iter().any(|line| line.intent)
    }

    pub(in crate::flow::sim) fn visitor_has_intent(&self) -> bool {
        self.legs.iter().any(|line| line.callee == Callee::Visitor && line.intent)
    }

    pub(in crate::flow::sim) fn shown(&self) -> VisitorState {
        self.shown
    }

    /// The database does not know what came after the last commit: the ends after the last intent.
    pub(in crate::flow::sim) fn forget_tail(&mut self, stored: bool) {
        if stored {
            return;
        }
        let committed = self.legs.iter().rposition(|line| line.intent).unwrap_or(0);
        let process = self.process;
        if let Some(line) = self.legs.get_mut(committed).filter(|line| line.process == process) {
            line.unknown = true;
        }
    }

    pub(in crate::flow::sim) fn intents(&self) -> Vec<Intent> {
        let lines = self.legs.iter().filter(|line| line.intent);
        lines
            .map(|line| {
                let at = line.sent.unwrap_or(line.dialled);
                let cut = line.was_cut_by_shutdown() || line.is_elsewhere();
                let end = match line.over_at() {
                    Some(over) if line.refused && !line.unknown => IntentEnd::Refused(over),
                    Some(_) if cut && !line.unknown => IntentEnd::Cut,
                    Some(over) if !line.unknown => IntentEnd::Failed(over),
                    _ => IntentEnd::Unknown,
                };
                Intent { leg: line.id, callee: line.callee, round: line.round, at, end }
            })
            .collect()
    }

    pub(in crate::flow::sim) fn restart(&mut self, now: Ts) {
        for line in self.legs.iter_mut().filter(|line| line.process == self.process) {
            line.unknown |= line.over_at().is_none();
        }
        self.legs.retain(|line| line.intent);
        let dialled =
            self.legs.iter().filter(|line| line.is_manager()).map(|line| line.sent.unwrap_or(line.dialled));
        self.t0 = dialled.min();
        self.process += 1;
        self.process_began = now;
        self.first_sent = None;
        self.hold_until = None;
        self.busy = 0;
        self.bridge = None;
        self.cancelled = false;
        self.shutdown = false;
        self.deadline = None;
        self.finished = false;
    }
}
