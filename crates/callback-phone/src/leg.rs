//! A leg as everybody outside of SIP knows it: its name, what is dialled, and what is stored of it.

use crate::key::LegKey;
use crate::sip::dialog::Snapshot;
use callback_core::plan::{CallerId, Telephone};
use serde::{Deserialize, Serialize};

/// Whom to dial, and as whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dial {
    /// The telephone; its extension tells telephones apart and is not dialled here.
    pub to: Telephone,
    /// What it is shown.
    pub caller_id: CallerId,
}

/// What the next process needs to take a leg of this one down. Stored as it is, and read by nobody else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredDialog {
    pub(crate) leg: LegKey,
    /// The SIP calls for it: the one it is with, and those before it that are not known to be down.
    pub(crate) calls: Vec<StoredCall>,
}

/// One SIP call for a leg.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct StoredCall {
    /// The trunk whose account it goes by.
    pub(crate) trunk: Option<String>,
    pub(crate) snapshot: Snapshot,
}

impl StoredDialog {
    /// The leg it belongs to.
    #[must_use]
    pub fn leg(&self) -> LegKey {
        self.leg
    }

    /// The trunk that it goes by, by its name; none of a SIP endpoint's.
    #[must_use]
    pub fn trunk(&self) -> Option<&str> {
        self.calls.first()?.trunk.as_deref()
    }

    /// Whether the leg was answered when this was stored.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.calls.iter().any(|call| call.snapshot.remote_tag.is_some())
    }
}
