//! Rating: what a leg costs the operator, and what its customer is charged for it. A carrier's deck says the one, a markup
//! makes the other of it; both are whole numbers, rounded once. It moves no money: that is the ledger's.

pub mod charge;
pub mod deck;
mod table;
#[cfg(test)]
pub(crate) mod tests;
