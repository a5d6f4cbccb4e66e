//! Accounts, and what is on them.

use crate::id::CustomerId;
use crate::money::{Currency, Micros};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An account: one owner's money of one currency.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Account {
    /// Whose.
    pub owner: Owner,
    /// Of what.
    pub currency: Currency,
}

/// Whose money it is, or what it stands for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    /// What a customer has paid and not used; below nothing, what he owes.
    Customer(CustomerId),
    /// What customers were charged.
    Revenue,
    /// What calls cost; below nothing, for it is spent.
    Cost,
    /// What a carrier is owed, by its trunk's name.
    Carrier(Arc<str>),
    /// The world that payments come from; below nothing by what has come.
    Payments,
    /// Payments that were promised, and count until they come or are given up.
    Promised,
}

/// What is on an account, kept beside the transfers that it is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// What came in, less what went out.
    pub posted: Micros,
    /// What of it is reserved.
    pub reserved: Micros,
}

/// A text that names no account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an account; write one like revenue/RUB")]
pub struct NotAnAccount;

impl Owner {
    /// Their account of a currency.
    #[must_use]
    pub fn account(self, currency: Currency) -> Account {
        Account { owner: self, currency }
    }
}

impl Balance {
    /// Adds what a transfer does; what does not fit stays at the end of the numbers, where no check agrees with it.
    pub fn add(&mut self, by: Self) {
        self.posted = Micros(self.posted.0.saturating_add(by.posted.0));
        self.reserved = Micros(self.reserved.0.saturating_add(by.reserved.0));
    }

    /// What can still be reserved, where the balance may not go below `lowest`: 0, or a credit limit with its sign turned.
    #[must_use]
    pub fn free(self, lowest: Micros) -> Micros {
        Micros(self.posted.0.saturating_sub(self.reserved.0).saturating_sub(lowest.0))
    }
}

/// As it is stored: `customer/01980f5e-…/RUB`, `carrier/provider/RUB`, `revenue/RUB`.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let currency = self.currency;
        match &self.owner {
            Owner::Customer(id) => write!(f, "customer/{id}/{currency}"),
            Owner::Revenue => write!(f, "revenue/{currency}"),
            Owner::Cost => write!(f, "cost/{currency}"),
            Owner::Carrier(trunk) => write!(f, "carrier/{trunk}/{currency}"),
            Owner::Payments => write!(f, "payments/{currency}"),
            Owner::Promised => write!(f, "promised/{currency}"),
        }
    }
}

impl FromStr for Account {
    type Err = NotAnAccount;

    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        let (owner, currency) = text.rsplit_once('/').ok_or(NotAnAccount)?;
        let owner = match owner.split_once('/') {
            Some(("customer", id)) => Owner::Customer(CustomerId(id.parse().map_err(|_| NotAnAccount)?)),
            Some(("carrier", trunk)) => Owner::Carrier(trunk.into()),
            None if owner == "revenue" => Owner::Revenue,
            None if owner == "cost" => Owner::Cost,
            None if owner == "payments" => Owner::Payments,
            None if owner == "promised" => Owner::Promised,
            Some(_) | None => return Err(NotAnAccount),
        };
        Ok(owner.account(currency.parse().map_err(|_| NotAnAccount)?))
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

impl TryFrom<String> for Account {
    type Error = NotAnAccount;

    fn try_from(text: String) -> Result<Self, NotAnAccount> {
        text.parse()
    }
}
