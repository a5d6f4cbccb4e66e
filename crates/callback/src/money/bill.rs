//! What a call was charged, and why: each leg by its deck, its rate and its seconds, made again and compared; and what was
//! moved for it.

use crate::config::Config;
use crate::engine::recovery;
use crate::store::{CallFile, CallMoney, Store};
use crate::tariffs::Tariffs;
use anyhow::{Context as _, Result};
use callback_core::billing::{Edition, Terms, WhenOut, lasted};
use callback_core::id::OrderId;
use callback_core::ledger::{Phase, Reason, Transfer};
use callback_core::money::Micros;
use callback_core::plan::{Address, Callee};
use callback_core::rating::charge::{Charge, Lasted};
use callback_core::record::LegRecord;
use callback_core::time::Ts;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// A call's bill; amounts are decimals, as texts.
#[derive(Serialize)]
pub(super) struct Bill {
    order: Uuid,
    /// None where the call is not charged.
    terms: Option<Terms>,
    is_over: bool,
    legs: Vec<Leg>,
    transfers: Vec<Moved>,
    cost: String,
    price: String,
    margin: String,
    /// What of the price has moved: less where a talk was cut for want of money.
    paid: String,
}

/// A leg that was answered.
#[derive(Serialize)]
struct Leg {
    leg: u16,
    who: String,
    to: String,
    answered_at: String,
    ms: u64,
    lost_race: bool,
    /// None where it costs nothing, or has no rate.
    charge: Option<Rated>,
}

/// What it costs, and by what.
#[derive(Serialize)]
struct Rated {
    trunk: String,
    deck: Uuid,
    deck_version: u32,
    prefix: String,
    description: String,
    rate_per_minute: String,
    connect_fee: String,
    initial_s: u16,
    increment_s: u16,
    billable_s: u32,
    markup_version: u32,
    cost: String,
    price: String,
    /// It comes out the same when it is made again.
    agrees: bool,
}

/// A transfer.
#[derive(Serialize)]
struct Moved {
    key: String,
    nth: u16,
    what: &'static str,
    from: String,
    to: String,
    amount: String,
    at: String,
}

impl Bill {
    pub(super) async fn read(config: &Config, call: Uuid) -> Result<Self> {
        let store = Store::open(config.database_url.expose()).await?;
        let order = OrderId(call);
        let file = store.call(order).await?;
        let file = file.with_context(|| format!("there is no order {call} in this database"))?;
        let money = store.call_money(order).await?;
        let bill = Self::of(&file, money, &Tariffs::new(store.clone())).await;
        store.close().await?;
        bill
    }

    /// Every charge is what it would be if it were made again.
    pub(super) fn agrees(&self) -> bool {
        self.legs.iter().filter_map(|leg| leg.charge.as_ref()).all(|charge| charge.agrees)
    }

    async fn of(file: &CallFile, money: Option<CallMoney>, tariffs: &Tariffs) -> Result<Self> {
        let mut bill = Self {
            order: file.order.facts.id.0,
            terms: None,
            is_over: file.record.is_some(),
            legs: Vec::new(),
            transfers: Vec::new(),
            cost: Micros::ZERO.to_string(),
            price: Micros::ZERO.to_string(),
            margin: Micros::ZERO.to_string(),
            paid: Micros::ZERO.to_string(),
        };
        let Some(CallMoney { terms, charges, transfers }) = money else { return Ok(bill) };
        if let (Some(record), Some(plan)) = (&file.record, &file.plan) {
            for leg in recovery::legs(file, plan, record) {
                let Some(to) = plan.telephone(leg.callee) else { continue };
                let lasted = lasted(&leg, record.finished_at);
                let charge = match charges.get(&leg.leg) {
                    Some(charge) => Some(rated(charge, &to.address, lasted, &terms, tariffs).await?),
                    None => None,
                };
                bill.legs.extend(answered(&leg, to.to_string(), lasted, charge));
            }
        }
        let sum = |amounts: &mut dyn Iterator<Item = Micros>| {
            Micros(amounts.map(|amount| amount.0).fold(0, i64::saturating_add))
        };
        let cost = sum(&mut charges.values().map(|charge| charge.cost));
        let price = sum(&mut charges.values().map(|charge| charge.price));
        let is_price = |transfer: &&Transfer| matches!(transfer.reason, Reason::Call | Reason::Owed);
        bill.paid = sum(&mut transfers.iter().filter(is_price).map(Transfer::moved)).to_string();
        bill.margin = Micros(price.0.saturating_sub(cost.0)).to_string();
        (bill.cost, bill.price) = (cost.to_string(), price.to_string());
        bill.transfers = transfers.iter().map(moved).collect();
        bill.terms = Some(terms);
        Ok(bill)
    }
}

async fn rated(
    charge: &Charge,
    to: &Address,
    lasted: Lasted,
    terms: &Terms,
    tariffs: &Tariffs,
) -> Result<Rated> {
    let deck = tariffs.deck(Edition { deck: charge.deck, version: charge.deck_version }).await?;
    let number = match to {
        Address::Phone(number) => Some(*number),
        Address::Sip(_) => None,
    };
    let at = match lasted {
        Lasted::Unanswered => None,
        Lasted::Answered { at, .. } | Lasted::LostRace { at, .. } => Some(at),
    };
    let found = number.zip(at).and_then(|(number, at)| deck.rates.find(number, at));
    let found = found.context("a charge without a rate")?;
    Ok(Rated {
        trunk: charge.trunk.to_string(),
        deck: charge.deck.0,
        deck_version: charge.deck_version,
        prefix: charge.prefix.to_string(),
        description: deck.rates.description(&found).to_owned(),
        rate_per_minute: found.rate.per_minute.to_string(),
        connect_fee: found.rate.connect.to_string(),
        initial_s: found.rate.initial_s,
        increment_s: found.rate.increment_s.get(),
        billable_s: charge.billable_s,
        markup_version: charge.markup_version,
        cost: charge.cost.to_string(),
        price: charge.price.to_string(),
        agrees: charge.agrees_with(to, lasted, &deck, &terms.markup),
    })
}

fn answered(leg: &LegRecord, to: String, lasted: Lasted, charge: Option<Rated>) -> Option<Leg> {
    let (at, ms, lost_race) = match lasted {
        Lasted::Unanswered => return None,
        Lasted::Answered { at, ms } => (at, ms, false),
        Lasted::LostRace { at, ms } => (at, ms, true),
    };
    let who = match leg.callee {
        Callee::Visitor => "visitor".to_owned(),
        Callee::Manager(seat) => format!("manager {}", u16::from(seat.0) + 1),
    };
    Some(Leg { leg: leg.leg.0, who, to, answered_at: stamp(at), ms, lost_race, charge })
}

fn moved(transfer: &Transfer) -> Moved {
    let what = match (transfer.phase, transfer.reason) {
        (Phase::Pending { .. }, _) => "reserved",
        (Phase::Posted { .. }, _) => "paid from it",
        (Phase::Voided { .. }, _) => "free again",
        (Phase::AtOnce, Reason::Owed) => "owed",
        (Phase::AtOnce, Reason::Cost) => "cost",
        (Phase::AtOnce, _) => "moved",
    };
    Moved {
        key: transfer.id.key.to_string(),
        nth: transfer.id.nth,
        what,
        from: transfer.from.to_string(),
        to: transfer.to.to_string(),
        amount: transfer.amount.to_string(),
        at: stamp(transfer.at),
    }
}

fn stamp(at: Ts) -> String {
    Timestamp::from_microsecond(at.0).map_or_else(|_| at.0.to_string(), |at| format!("{at:.3}"))
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(terms) = &self.terms else {
            return write!(f, "order {}: it is not charged", self.order);
        };
        let markup = terms.markup;
        let when_out = match terms.when_out {
            WhenOut::Finish => "it goes on, and is owed",
            WhenOut::Cut => "it is cut",
        };
        writeln!(f, "order {}, in {}; when money runs out, {when_out}", self.order, terms.currency)?;
        writeln!(
            f,
            "markup {}: {} % of the cost, {} a minute, {} a minute at least",
            markup.version, markup.percent, markup.per_minute, markup.floor_per_minute
        )?;
        self.legs.iter().try_for_each(|leg| leg.fmt(f))?;
        for Moved { key, nth, what, amount, from, to, at } in &self.transfers {
            writeln!(f, "{at} {key} {nth}: {amount} {what}, {from} -> {to}")?;
        }
        if !self.is_over {
            return f.write_str("it is not over");
        }
        let Self { cost, price, margin, paid, .. } = self;
        write!(f, "price {price}, of which {paid} is paid; cost {cost}, margin {margin}")
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leg, who, to, answered_at, ms, .. } = self;
        writeln!(f, "leg {leg}, {who} {to}: answered {answered_at}, {ms} ms")?;
        let Some(charge) = &self.charge else {
            return writeln!(f, "    it costs nothing, or its trunk has no rate for it");
        };
        let Rated { trunk, deck_version, prefix, description, rate_per_minute, connect_fee, .. } = charge;
        let Rated { initial_s, increment_s, billable_s, cost, price, .. } = charge;
        writeln!(
            f,
            "    deck of {trunk}, version {deck_version}, prefix {prefix} {description}: {rate_per_minute} a minute, {connect_fee} for the answer, {initial_s}/{increment_s}"
        )?;
        let race = if self.lost_race { " (another one had the call already)" } else { "" };
        let agrees = if charge.agrees { "made again, it is the same" } else { "MADE AGAIN, IT DIFFERS" };
        writeln!(f, "    billed {billable_s} s: cost {cost}, price {price}{race}; {agrees}")
    }
}
