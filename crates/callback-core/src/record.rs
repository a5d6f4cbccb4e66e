//! What became of a call: facts, written once.

use serde::{Deserialize, Serialize};

/// Why a leg ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Hung up in the ordinary way: a BYE, or our own CANCEL that was honoured (Q.850 cause 16).
    Normal,
    /// A final SIP status of 300 or more (RFC 3261 §21) that came without a Q.850 cause.
    Sip(u16),
    /// A Q.850 cause of the telephone network, from a `Reason` header (RFC 3326).
    Q850(u8),
    /// Nothing was heard from the other end within the time that SIP or we allow.
    Silent,
    /// The telephone is busy in another call of this service.
    InService,
    /// No channel is free: of the order, of the trunk, or of its calls per second.
    NoChannel,
    /// The customer's money does not cover the dial.
    NoFunds,
    /// No trunk could take the call: none configured, all down, or all refused it.
    Trunk,
    /// A number that is never dialled.
    RefusedNumber,
    /// The offer and the answer have no codec in common, or the answer was not usable.
    Media,
    /// The process that had the leg ended before the leg did.
    Interrupted,
}

/// Who ended a leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The person or machine at the other end.
    Far,
    /// This service.
    Us,
    /// What is between: the trunk, the network, a timeout.
    Network,
}
