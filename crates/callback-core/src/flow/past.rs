//! What earlier processes did for an order: the start of a flow that goes on after a crash or a shutdown.

use super::words::VisitorState;
use crate::id::LegId;
use crate::plan::{Callee, Seat};
use crate::time::Ts;
use serde::{Deserialize, Serialize};

/// A dial whose intent was committed: it counts as dialled and sent, whatever became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// The leg.
    pub leg: LegId,
    /// Who was dialled.
    pub callee: Callee,
    /// In which round, from 1; 0 for the visitor.
    pub round: u8,
    /// When.
    pub at: Ts,
    /// What is known of its end.
    pub end: IntentEnd,
}

/// What is known of the end of a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentEnd {
    /// The process died first.
    Unknown,
    /// It failed at this instant.
    Failed(Ts),
    /// The manager refused.
    Refused(Ts),
    /// It was cut by a shutdown, or for another manager who is gone with his process: it is dialled again.
    Cut,
}

/// What a flow begins with; nothing, for the first process of an order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// The intents of earlier processes, in order.
    pub intents: Vec<Intent>,
    /// What the visitor saw last.
    pub shown: Option<VisitorState>,
}

impl Past {
    /// The number of the next leg.
    pub(super) fn next_leg(&self) -> u16 {
        self.intents.iter().map(|intent| intent.leg.0).max().unwrap_or(0).saturating_add(1)
    }

    /// The round to go on in, from 0.
    pub(super) fn round(&self) -> u8 {
        self.managers().map(|(_, intent)| intent.round).max().unwrap_or(1).saturating_sub(1)
    }

    /// The first dial of a manager.
    pub(super) fn first_sent(&self) -> Option<Ts> {
        self.managers().map(|(_, intent)| intent.at).min()
    }

    /// The managers' intents.
    pub(super) fn managers(&self) -> impl Iterator<Item = (Seat, &Intent)> {
        self.intents.iter().filter_map(|intent| match intent.callee {
            Callee::Visitor => None,
            Callee::Manager(seat) => Some((seat, intent)),
        })
    }
}
