//! Bookings: what happened to a customer's money, and the transfers that it consists of.

use super::account::{Account, Balance, Owner};
use super::transfer::{Key, Phase, Reason, Transfer, TransferId};
use crate::id::{CustomerId, OrderId};
use crate::money::{Currency, Micros};
use crate::rating::charge::Charge;
use crate::time::Ts;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Something that happened to a customer's money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booking {
    /// Whose money.
    pub customer: CustomerId,
    /// Of which currency.
    pub currency: Currency,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// Money is held for a call: before it is dialled, and again when it goes on.
    Reserve {
        /// The call.
        call: OrderId,
        /// 0, and counted up by what extends it.
        nth: u16,
        /// How much.
        amount: Micros,
        /// When somebody looks what became of the call.
        expires_at: Ts,
    },
    /// A call is over: it is paid from what was reserved, the rest is free, its carriers are owed their part.
    Settle {
        /// The call.
        call: OrderId,
        /// What its legs are charged.
        price: Micros,
        /// What they cost, by trunk.
        costs: BTreeMap<Arc<str>, Micros>,
        /// What becomes of a price above what was reserved.
        beyond: Beyond,
    },
    /// A payment has come, from a provider or by hand.
    TopUp {
        /// Which one.
        payment: Uuid,
        /// How much.
        amount: Micros,
    },
    /// A payment is promised, and counts already.
    Promise {
        /// Which one.
        promise: Uuid,
        /// How much.
        amount: Micros,
    },
    /// What a transfer moved goes back, wholly or in part.
    Reverse {
        /// Which reversal.
        reversal: Uuid,
        /// Of which transfer.
        of: TransferId,
        /// How much.
        amount: Micros,
        /// Why.
        why: Reversal,
    },
}

/// What becomes of a price above what was reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beyond {
    /// The customer owes it, below his limit too.
    Owe,
    /// He is not charged with it.
    Waive,
}

/// Why money goes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reversal {
    /// A payment is given back to who made it; only what the customer has.
    Refund,
    /// A transfer was wrong; below the customer's limit too.
    Correction,
    /// A promised payment has come, or will not; below the customer's limit too.
    PromiseOver,
}

/// What a booking must know, read in the transaction that writes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The fingerprint of the booking that was written with its key.
    pub before: Option<Fingerprint>,
    /// The customer's balance.
    pub balance: Balance,
    /// What that may not go below: 0, or his credit limit with its sign turned.
    pub lowest: Micros,
    /// Reservations of the call that are neither posted nor voided, in their order.
    pub reservations: &'a [Transfer],
    /// Whether the call is settled.
    pub is_settled: bool,
    /// The transfer to reverse, and what of it went back before.
    pub reversed: Option<(&'a Transfer, Micros)>,
}

/// What is to be done for a booking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Booked {
    /// These transfers are to be written, all or none, with the booking's key and fingerprint.
    Now(Vec<Transfer>),
    /// Nothing: it was written before.
    Before,
}

/// Why nothing can be booked. Nothing is written of it, so it may be asked again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Another booking has the key.
    #[error("this was booked before, with other inputs")]
    OtherInputs,
    /// The customer has not enough.
    #[error("not enough money: {free} is free")]
    Funds {
        /// What he has.
        free: Micros,
    },
    /// Reservations of a settled call would never be settled.
    #[error("the call is settled")]
    Settled,
    /// Nothing or less, or more than is ever booked at once.
    #[error("not an amount that can be booked: 0.000001 to {MOST}")]
    Amount,
    /// There is no such transfer, it moved nothing, it is of another customer, or this is no reason to reverse it.
    #[error("no transfer that can be reversed like that")]
    Irreversible,
    /// Less of it is left.
    #[error("only {left} of it is left")]
    MoreThanLeft {
        /// What did not go back before.
        left: Micros,
    },
}

/// Charges of a call that are not of the customer's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the call was charged in {charged}, and the customer pays in {paid}")]
pub struct OtherCurrency {
    /// The deck's.
    pub charged: Currency,
    /// The customer's.
    pub paid: Currency,
}

/// What is kept of a booking to know it again (SHA-256 of its words).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint(pub [u8; 32]);

/// An amount of one booking, at most: a thousand million of the currency's unit.
const MOST: Micros = Micros(1_000_000_000_000_000);

/// The transfers of a booking, or that it was written before.
///
/// # Errors
/// It cannot be: then nothing is to be written.
pub fn book(booking: &Booking, known: &Known<'_>, at: Ts) -> Result<Booked, Refused> {
    match known.before {
        Some(before) if before == booking.fingerprint() => return Ok(Booked::Before),
        Some(_) => return Err(Refused::OtherInputs),
        None => {}
    }
    let mut pen = Pen { key: booking.key(), at, written: Vec::new() };
    let account = |owner: Owner| owner.account(booking.currency);
    let customer = account(Owner::Customer(booking.customer));
    let free = known.balance.free(known.lowest);
    match &booking.what {
        What::Reserve { amount, expires_at, .. } => {
            let amount = bookable(*amount)?;
            if known.is_settled {
                return Err(Refused::Settled);
            }
            if amount > free {
                return Err(Refused::Funds { free });
            }
            let phase = Phase::Pending { expires_at: *expires_at };
            pen.write(Reason::Call, phase, &customer, &account(Owner::Revenue), amount);
        }
        What::Settle { price, costs, beyond, .. } => {
            pen.settle(*price, *beyond, known.reservations, &customer, &account(Owner::Revenue))?;
            for (trunk, cost) in costs.iter().filter(|(_, cost)| **cost > Micros::ZERO) {
                let carrier = account(Owner::Carrier(trunk.clone()));
                pen.write(Reason::Cost, Phase::AtOnce, &account(Owner::Cost), &carrier, bookable(*cost)?);
            }
        }
        What::TopUp { amount, .. } => {
            let from = account(Owner::Payments);
            pen.write(Reason::TopUp, Phase::AtOnce, &from, &customer, bookable(*amount)?);
        }
        What::Promise { amount, .. } => {
            let from = account(Owner::Promised);
            pen.write(Reason::Promise, Phase::AtOnce, &from, &customer, bookable(*amount)?);
        }
        What::Reverse { of, amount, why, .. } => {
            let amount = bookable(*amount)?;
            let (transfer, before) = known.reversed.ok_or(Refused::Irreversible)?;
            let touches = transfer.from == customer || transfer.to == customer;
            let left = Micros(transfer.moved().0.saturating_sub(before.0));
            let reason = reversal(*why, transfer).filter(|_| transfer.id == *of && touches);
            let reason = reason.ok_or(Refused::Irreversible)?;
            if amount > left {
                return Err(Refused::MoreThanLeft { left });
            }
            // Credit is there to be talked with, not to be paid out.
            let free = known.balance.free(Micros::ZERO);
            if *why == Reversal::Refund && amount > free {
                return Err(Refused::Funds { free });
            }
            pen.write(reason, Phase::AtOnce, &transfer.to, &transfer.from, amount);
        }
    }
    Ok(Booked::Now(pen.written))
}

impl Booking {
    /// The end of a call whose legs were charged.
    ///
    /// # Errors
    /// They were charged in another currency than the customer's.
    pub fn settle(
        call: OrderId,
        (customer, currency): (CustomerId, Currency),
        charges: &[Charge],
        beyond: Beyond,
    ) -> Result<Self, OtherCurrency> {
        if let Some(other) = charges.iter().find(|charge| charge.currency != currency) {
            return Err(OtherCurrency { charged: other.currency, paid: currency });
        }
        let sum = |one: Micros, other: Micros| one.checked_add(other).unwrap_or(Micros(i64::MAX));
        let mut costs = BTreeMap::new();
        for charge in charges {
            let cost = costs.entry(charge.trunk.clone()).or_default();
            *cost = sum(*cost, charge.cost);
        }
        let price = charges.iter().map(|charge| charge.price).fold(Micros::ZERO, sum);
        Ok(Self { customer, currency, what: What::Settle { call, price, costs, beyond } })
    }

    /// What it is about.
    #[must_use]
    pub fn key(&self) -> Key {
        match self.what {
            What::Reserve { call, nth, .. } => Key::Reserve(call, nth),
            What::Settle { call, .. } => Key::Settle(call),
            What::TopUp { payment, .. } => Key::TopUp(payment),
            What::Promise { promise, .. } => Key::Promise(promise),
            What::Reverse { reversal, .. } => Key::Reverse(reversal),
        }
    }

    /// What is kept to know it again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.to_string()).into())
    }
}

/// All of its inputs in words that stay, for its fingerprint is stored.
impl fmt::Display for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} customer {} {}", self.key(), self.customer, self.currency)?;
        match &self.what {
            What::Reserve { amount, expires_at, .. } => write!(f, " {amount} until {}", expires_at.0),
            What::Settle { price, costs, beyond, .. } => {
                let beyond = match beyond {
                    Beyond::Owe => "owed",
                    Beyond::Waive => "waived",
                };
                write!(f, " {price} beyond {beyond}")?;
                costs.iter().try_for_each(|(trunk, cost)| write!(f, " cost {cost} of {trunk:?}"))
            }
            What::TopUp { amount, .. } | What::Promise { amount, .. } => write!(f, " {amount}"),
            What::Reverse { of: TransferId { key, nth }, amount, why, .. } => {
                let why = match why {
                    Reversal::Refund => "refund",
                    Reversal::Correction => "correction",
                    Reversal::PromiseOver => "promise over",
                };
                write!(f, " {amount} of {key} {nth} {why}")
            }
        }
    }
}

/// Writes the transfers of one booking.
struct Pen {
    key: Key,
    at: Ts,
    written: Vec<Transfer>,
}

impl Pen {
    fn write(&mut self, reason: Reason, phase: Phase, from: &Account, to: &Account, amount: Micros) {
        let nth = u16::try_from(self.written.len()).unwrap_or(u16::MAX);
        let id = TransferId { key: self.key, nth };
        let (from, to) = (from.clone(), to.clone());
        self.written.push(Transfer { id, reason, phase, from, to, amount, at: self.at });
    }

    /// Pays a price from reservations, the first first.
    fn settle(
        &mut self,
        price: Micros,
        beyond: Beyond,
        reservations: &[Transfer],
        customer: &Account,
        revenue: &Account,
    ) -> Result<(), Refused> {
        let mut left = if price == Micros::ZERO { price } else { bookable(price)? };
        for Transfer { id: reservation, amount, .. } in reservations {
            let (reservation, reserved) = (*reservation, *amount);
            let paid = left.min(reserved);
            left = Micros(left.0 - paid.0);
            let (phase, amount) = match paid {
                Micros::ZERO => (Phase::Voided { reservation }, reserved),
                paid => (Phase::Posted { reservation, reserved }, paid),
            };
            self.write(Reason::Call, phase, customer, revenue, amount);
        }
        if left > Micros::ZERO && beyond == Beyond::Owe {
            self.write(Reason::Owed, Phase::AtOnce, customer, revenue, left);
        }
        Ok(())
    }
}

fn bookable(amount: Micros) -> Result<Micros, Refused> {
    if amount > Micros::ZERO && amount <= MOST { Ok(amount) } else { Err(Refused::Amount) }
}

/// What a transfer that reverses another is for; none where that is no reason.
fn reversal(why: Reversal, transfer: &Transfer) -> Option<Reason> {
    let of = transfer.id;
    match (why, transfer.reason) {
        (Reversal::Refund, Reason::TopUp) => Some(Reason::Refund { of }),
        (Reversal::PromiseOver, Reason::Promise) => Some(Reason::PromiseOver { of }),
        (Reversal::Correction, _) => Some(Reason::Correction { of }),
        (Reversal::Refund | Reversal::PromiseOver, _) => None,
    }
}
