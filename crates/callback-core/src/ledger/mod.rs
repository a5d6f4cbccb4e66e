//! The ledger: money moves between accounts by transfers that are never changed. Double entry: what one account gives,
//! another gets, so that all balances of a currency add up to nothing. In two phases: a reservation is pending until it is
//! posted, wholly or in part, or voided.
//!
//! A [`Booking`] says what happened; [`book`] says which [`Transfer`]s that is, or why it cannot be. It is given what it
//! must know and writes nothing: whoever stores the transfers does so in the transaction in which he read that. A booking
//! has a key by what it is about; what has the key of one that was written is that one, or an error. [`check()`] compares
//! balances with what they are made of.

mod account;
mod booking;
mod check;
#[cfg(test)]
mod tests;
mod transfer;

pub use account::{Account, Balance, NotAnAccount, Owner};
pub use booking::{
    Beyond, Booked, Booking, Fingerprint, Known, OtherCurrency, Refused, Reversal, What, book,
};
pub use check::{Books, Disagreement, check};
pub use transfer::{Effect, Key, NotAKey, Phase, Reason, Transfer, TransferId};
