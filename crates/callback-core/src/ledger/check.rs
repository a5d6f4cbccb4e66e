//! Whether the books are right: balances against the transfers that they are made of, and transfers against each other. It
//! trusts nothing that [`super::book`] saw to.

use super::account::{Account, Balance};
use super::transfer::{Phase, Transfer, TransferId};
use crate::money::{Currency, Micros};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// Something that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Disagreement {
    /// Balances of a currency do not add up to nothing.
    #[error("all balances in {currency} add up to {sum} millionths, not to 0")]
    Sum {
        /// The currency.
        currency: Currency,
        /// What they add up to, in millionths.
        sum: i128,
    },
    /// A balance is not what its transfers make.
    #[error("{account}: {} posted and {} reserved are kept, {} and {} are made", kept.posted, kept.reserved, made.posted, made.reserved)]
    Balance {
        /// Whose.
        account: Account,
        /// What is kept.
        kept: Balance,
        /// What its transfers make.
        made: Balance,
    },
    /// Two transfers have one id.
    #[error("{} {}: written twice", .0.key, .0.nth)]
    Twice(TransferId),
    /// It moves nothing or less, or between currencies, or from an account to itself.
    #[error("{} {}: no transfer at all", .0.key, .0.nth)]
    Absurd(TransferId),
    /// It settles what was never reserved between its accounts, or more than that, or what is settled already.
    #[error("{} {}: settles what is not reserved", .0.key, .0.nth)]
    Unreserved(TransferId),
    /// It takes back what was never moved, or more than is left of it.
    #[error("{} {}: takes back what did not move", .0.key, .0.nth)]
    Unmoved(TransferId),
}

/// Everything that is wrong in all transfers, in the order in which they were written, and in the balances.
pub fn check<T: Borrow<Transfer>>(
    transfers: impl IntoIterator<Item = T>,
    balances: &BTreeMap<Account, Balance>,
) -> Vec<Disagreement> {
    let mut books = Books::default();
    for transfer in transfers {
        books.read(transfer.borrow());
    }
    books.compare(balances)
}

/// What transfers made, as far as they were read: for whoever reads them one by one.
#[derive(Default, Debug)]
pub struct Books {
    seen: BTreeMap<TransferId, Seen>,
    made: BTreeMap<Account, Balance>,
    wrong: Vec<Disagreement>,
}

/// What became of a transfer.
#[derive(Debug)]
enum Seen {
    /// It moved money, of which so much was not taken back.
    Moved(Micros),
    /// It is pending.
    Pending(Box<Transfer>),
    /// It moved nothing, and moves nothing any more.
    Over,
}

impl Books {
    /// Reads the next transfer, in the order in which they were written.
    pub fn read(&mut self, transfer: &Transfer) {
        let Transfer { id, from, to, amount, .. } = transfer;
        if *amount <= Micros::ZERO || from.currency != to.currency || from == to {
            self.wrong.push(Disagreement::Absurd(*id));
        }
        let settles = match transfer.phase {
            Phase::Posted { reservation, reserved } => Some((reservation, reserved)),
            Phase::Voided { reservation } => Some((reservation, *amount)),
            Phase::AtOnce | Phase::Pending { .. } => None,
        };
        if let Some((reservation, reserved)) = settles {
            let fits = |held: &Transfer| {
                held.amount == reserved && *amount <= reserved && (&held.from, &held.to) == (from, to)
            };
            match self.seen.insert(reservation, Seen::Over) {
                Some(Seen::Pending(held)) if fits(&held) => {}
                _ => self.wrong.push(Disagreement::Unreserved(*id)),
            }
        }
        if let Some(of) = transfer.reverses() {
            match self.seen.get_mut(&of) {
                Some(Seen::Moved(left)) if *left >= *amount => left.0 -= amount.0,
                _ => self.wrong.push(Disagreement::Unmoved(*id)),
            }
        }
        let seen = match transfer.phase {
            Phase::Pending { .. } => Seen::Pending(Box::new(transfer.clone())),
            Phase::AtOnce | Phase::Posted { .. } => Seen::Moved(*amount),
            Phase::Voided { .. } => Seen::Over,
        };
        if self.seen.insert(*id, seen).is_some() {
            self.wrong.push(Disagreement::Twice(*id));
        }
        for effect in transfer.effects() {
            if !self.made.contains_key(effect.account) {
                self.made.insert(effect.account.clone(), Balance::default());
            }
            if let Some(made) = self.made.get_mut(effect.account) {
                made.add(effect.by);
            }
        }
    }

    /// Everything that is wrong in what was read, and in the balances against it.
    #[must_use]
    pub fn compare(mut self, balances: &BTreeMap<Account, Balance>) -> Vec<Disagreement> {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (account, kept) in balances {
            *sums.entry(account.currency).or_default() += i128::from(kept.posted.0);
            let made = self.made.remove(account).unwrap_or_default();
            if made != *kept {
                self.wrong.push(Disagreement::Balance { account: account.clone(), kept: *kept, made });
            }
        }
        for (account, made) in self.made {
            if made != Balance::default() {
                self.wrong.push(Disagreement::Balance { account, kept: Balance::default(), made });
            }
        }
        let sums = sums.into_iter().filter(|(_, sum)| *sum != 0);
        self.wrong.extend(sums.map(|(currency, sum)| Disagreement::Sum { currency, sum }));
        self.wrong
    }
}
