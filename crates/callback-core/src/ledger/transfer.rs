//! Transfers: what moves money, and what they do to balances.

use super::account::{Account, Balance};
use crate::id::OrderId;
use crate::money::Micros;
use crate::time::Ts;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Money that goes from one account to another, or is held for that. It is written once and never changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// Which one.
    pub id: TransferId,
    /// What for.
    #[serde(flatten)]
    pub reason: Reason,
    /// How far it goes.
    #[serde(flatten)]
    pub phase: Phase,
    /// Who gives.
    pub from: Account,
    /// Who gets.
    pub to: Account,
    /// How much: more than nothing.
    pub amount: Micros,
    /// When it was written.
    pub at: Ts,
}

/// A transfer's id: the booking that it belongs to, and its place in that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TransferId {
    /// The booking.
    pub key: Key,
    /// From 0.
    pub nth: u16,
}

/// What a booking is about: it is written once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Key {
    /// The reservation for a call, from 0; the others extend it.
    Reserve(OrderId, u16),
    /// The end of a call.
    Settle(OrderId),
    /// A payment.
    TopUp(Uuid),
    /// The promise of a payment.
    Promise(Uuid),
    /// The reversal of a transfer.
    Reverse(Uuid),
}

/// A text that is no key of a booking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the key of a booking")]
pub struct NotAKey;

/// How far a transfer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// The money has moved.
    AtOnce,
    /// The money is reserved, and moves later or not at all.
    Pending {
        /// When somebody looks what became of it.
        expires_at: Ts,
    },
    /// The money of a reservation has moved: this amount of it, and the rest is free again.
    Posted {
        /// The reservation.
        reservation: TransferId,
        /// How much it was.
        reserved: Micros,
    },
    /// All of a reservation is free again.
    Voided {
        /// The reservation, of this amount.
        reservation: TransferId,
    },
}

/// What a transfer is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// A call: a customer to the revenue.
    Call,
    /// A call, beyond what was reserved.
    Owed,
    /// What a call cost: to its carrier.
    Cost,
    /// A payment.
    TopUp,
    /// A promised payment.
    Promise,
    /// A payment, given back.
    Refund {
        /// The transfer that brought it.
        of: TransferId,
    },
    /// A transfer that was wrong, given back.
    Correction {
        /// That one.
        of: TransferId,
    },
    /// A promise that is over.
    PromiseOver {
        /// The transfer that lent it.
        of: TransferId,
    },
}

/// What a transfer adds to a balance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect<'a> {
    /// Whose.
    pub account: &'a Account,
    /// To both of its parts.
    pub by: Balance,
}

impl Transfer {
    /// What it does to the balances of its two accounts: who gives, who gets.
    #[must_use]
    pub fn effects(&self) -> [Effect<'_>; 2] {
        let (moved, reserved) = match self.phase {
            Phase::AtOnce => (self.amount, Micros::ZERO),
            Phase::Pending { .. } => (Micros::ZERO, self.amount),
            Phase::Posted { reserved, .. } => (self.amount, Micros(-reserved.0)),
            Phase::Voided { .. } => (Micros::ZERO, Micros(-self.amount.0)),
        };
        [
            Effect { account: &self.from, by: Balance { posted: Micros(-moved.0), reserved } },
            Effect { account: &self.to, by: Balance { posted: moved, reserved: Micros::ZERO } },
        ]
    }

    /// The transfer that it takes back, wholly or in part.
    #[must_use]
    pub fn reverses(&self) -> Option<TransferId> {
        match self.reason {
            Reason::Refund { of } | Reason::Correction { of } | Reason::PromiseOver { of } => Some(of),
            Reason::Call | Reason::Owed | Reason::Cost | Reason::TopUp | Reason::Promise => None,
        }
    }

    /// How much has moved.
    #[must_use]
    pub fn moved(&self) -> Micros {
        match self.phase {
            Phase::AtOnce | Phase::Posted { .. } => self.amount,
            Phase::Pending { .. } | Phase::Voided { .. } => Micros::ZERO,
        }
    }
}

/// As it is stored: `call/ORDER/reserve/0`, `payment/ID`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserve(call, nth) => write!(f, "call/{call}/reserve/{nth}"),
            Self::Settle(call) => write!(f, "call/{call}/settle"),
            Self::TopUp(id) => write!(f, "payment/{id}"),
            Self::Promise(id) => write!(f, "promise/{id}"),
            Self::Reverse(id) => write!(f, "reversal/{id}"),
        }
    }
}

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let id = |text: &str| Uuid::parse_str(text).map_err(|_| NotAKey);
        match text.split('/').collect::<Vec<_>>().as_slice() {
            ["call", call, "reserve", nth] => {
                Ok(Self::Reserve(OrderId(id(call)?), nth.parse().map_err(|_| NotAKey)?))
            }
            ["call", call, "settle"] => Ok(Self::Settle(OrderId(id(call)?))),
            ["payment", payment] => id(payment).map(Self::TopUp),
            ["promise", promise] => id(promise).map(Self::Promise),
            ["reversal", reversal] => id(reversal).map(Self::Reverse),
            _ => Err(NotAKey),
        }
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.parse()
    }
}
