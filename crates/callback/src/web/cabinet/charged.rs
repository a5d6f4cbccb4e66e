//! What a call was charged, leg by leg: prices alone.

use crate::store::CallMoney;
use callback_core::ledger::{Phase, Reason, Transfer};
use callback_core::money::Micros;
use serde::Serialize;

/// A call's price. Amounts are decimals with a point, as texts.
#[derive(Serialize)]
pub(super) struct Charged {
    currency: String,
    /// None while the call is not over.
    paid: Option<String>,
    /// What is held for it while it is not.
    held: Option<String>,
    /// Legs that are charged something; the rest is free.
    legs: Vec<ChargedLeg>,
}

/// A leg's.
#[derive(Serialize)]
struct ChargedLeg {
    leg: u16,
    /// Seconds, as they are counted.
    seconds: u32,
    price: String,
}

impl Charged {
    pub(super) fn of(money: &CallMoney) -> Self {
        let is_over = |transfer: &Transfer| !matches!(transfer.phase, Phase::Pending { .. });
        let is_over = money.transfers.iter().any(is_over) || !money.charges.is_empty();
        let is_price = |transfer: &&Transfer| matches!(transfer.reason, Reason::Call | Reason::Owed);
        let paid = money.transfers.iter().filter(is_price).map(|transfer| transfer.moved().0);
        let paid = Micros(paid.fold(0, i64::saturating_add));
        let legs = money.charges.iter().filter(|(_, charge)| charge.price > Micros::ZERO);
        Self {
            currency: money.terms.currency.to_string(),
            paid: is_over.then(|| paid.to_string()),
            held: (!is_over).then(|| money.reserved().0.to_string()),
            legs: legs
                .map(|(leg, charge)| ChargedLeg {
                    leg: leg.0,
                    seconds: charge.billable_s,
                    price: charge.price.to_string(),
                })
                .collect(),
        }
    }
}
