//! A running call's money: held before anything is dialled, held on while they talk, paid when it is over. It says which
//! facts that is and when; the call writes them, and the ledger decides.

use super::{Engine, recovery};
use crate::clock::wall_now;
use crate::config::Billing;
use crate::store::{CallMoney, ClaimedOrder, Fact};
use anyhow::{Context as _, Result};
use callback_core::billing::{Tariff, Terms, WhenOut};
use callback_core::id::{LegId, OrderId};
use callback_core::ledger::{Booking, What};
use callback_core::money::Micros;
use callback_core::plan::{Address, Plan};
use callback_core::record::{CallRecord, LegRecord, NotCalled};
use callback_core::time::Ts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A call begins with money for so many seconds of both its legs.
pub(super) const FIRST_S: u32 = 120;
/// And goes on by so many.
const NEXT_S: u32 = 60;
/// Money that was not there is asked for again so much later: somebody may have paid.
const AGAIN: Duration = Duration::from_secs(10);
/// A talk is cut so much before its money ends: hanging up takes a moment, and what has begun is billed.
const EARLIER: Duration = Duration::from_secs(2);

/// How calls are charged.
pub(crate) struct Charging {
    pub(crate) billing: Billing,
    /// The trunks, by their names: each must have a deck.
    pub(crate) trunks: Vec<Arc<str>>,
}

/// What a call holds, and until when that lasts.
pub(super) struct Meter {
    tariff: Tariff,
    plan: Arc<Plan>,
    warn: Duration,
    /// Between these instants its legs may be answered.
    answers: (Ts, Ts),
    held: Micros,
    bookings: u16,
    /// What is held is enough for so many seconds from the first answer.
    seconds: u32,
    answered_at: Option<Ts>,
    bridged_at: Option<Ts>,
    /// When more is asked for; none while nothing counts, or while it is being asked for.
    next: Option<Ts>,
    /// The talk is cut then, unless money comes.
    cut_at: Option<Ts>,
    trunks: BTreeMap<LegId, Arc<str>>,
    /// Legs of earlier processes.
    earlier: BTreeMap<LegId, LegRecord>,
}

/// More money, for so many seconds all in all.
#[derive(Clone, Debug)]
pub(super) struct More {
    seconds: u32,
    /// None where the seconds cost nothing.
    booking: Option<Box<Booking>>,
    held: Micros,
}

impl Engine {
    /// The meter of a call; none where it is not charged.
    ///
    /// # Errors
    /// Within: why the order is not called. Without: the database cannot be read.
    pub(super) async fn meter(
        &self,
        claimed: &ClaimedOrder,
        plan: &Arc<Plan>,
        now: Ts,
    ) -> Result<std::result::Result<Option<Meter>, NotCalled>> {
        let (store, order) = (&self.inner.tools.store, claimed.fence.order);
        if claimed.plan.is_some() {
            // It goes on by the terms that it began with, or uncharged, as it began.
            let Some(money) = store.call_money(order).await? else { return Ok(Ok(None)) };
            let file = store.call(order).await?.context("the order has no file")?;
            let (held, bookings) = money.reserved();
            let mut meter = self.metered(money.terms, plan, now).await?;
            (meter.held, meter.bookings) = (held, bookings);
            meter.seconds = FIRST_S + NEXT_S * u32::from(bookings.saturating_sub(1));
            meter.trunks = recovery::trunks(&claimed.intents);
            meter.earlier = recovery::legs_so_far(&file, plan);
            return Ok(Ok(Some(meter)));
        }
        let Some(charging) = &self.inner.charging else { return Ok(Ok(None)) };
        let customer = claimed.order.facts.customer;
        let purse = store.purse(customer, charging.billing.currency).await?;
        match self.terms(charging, customer, &purse).await? {
            Ok(terms) => Ok(Ok(Some(self.metered(terms, plan, now).await?))),
            Err(bare) => {
                let (trunk, currency) = (&*bare, purse.currency);
                tracing::error!(%order, trunk, %currency, "the trunk has no deck: nothing is called");
                Ok(Err(NotCalled::Trunk))
            }
        }
    }

    async fn metered(&self, terms: Terms, plan: &Arc<Plan>, now: Ts) -> Result<Meter> {
        let limits = &plan.limits;
        let seeking = limits.total_time + limits.ring_timeout + limits.accept_timeout;
        let ringing = limits.delay_to_visitor + limits.visitor_ring_timeout;
        let warn = self.inner.charging.as_ref().map_or(Duration::ZERO, |charging| charging.billing.warn);
        let tariff = self.inner.tariffs.of(terms).await?;
        Ok(Meter::new(tariff, plan.clone(), warn, (now, now + seeking + ringing)))
    }

    /// What pays a call whose process died, by what is stored of it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) async fn settled(&self, record: &CallRecord, plan: Option<&Arc<Plan>>) -> Result<Vec<Fact>> {
        let (store, order) = (&self.inner.tools.store, record.order);
        let Some(CallMoney { terms, .. }) = store.call_money(order).await? else { return Ok(Vec::new()) };
        let file = store.call(order).await?.context("the order has no file")?;
        let tariff = self.inner.tariffs.of(terms).await?;
        let Some(plan) = plan.or(file.plan.as_ref()) else { return Ok(Vec::new()) };
        let legs = recovery::legs(&file, plan, record);
        Ok(settle(&tariff, plan, &legs, &recovery::trunks(&file.intents), record))
    }
}

impl Meter {
    /// Of a call of which nothing is held yet: its legs may be answered between these instants.
    fn new(tariff: Tariff, plan: Arc<Plan>, warn: Duration, answers: (Ts, Ts)) -> Self {
        Self {
            tariff,
            plan,
            warn,
            answers,
            held: Micros::ZERO,
            bookings: 0,
            seconds: 0,
            answered_at: None,
            bridged_at: None,
            next: None,
            cut_at: None,
            trunks: BTreeMap::new(),
            earlier: BTreeMap::new(),
        }
    }

    /// What a call begins with; none where a number has no rate.
    pub(super) fn begin(&self, order: OrderId, now: Ts) -> Option<(More, Fact)> {
        let more = self.up_to(FIRST_S, order, now)?;
        Some((more, Fact::Terms(Box::new(self.tariff.terms().clone()))))
    }

    /// Whether its first money was held before, by an earlier process.
    pub(super) fn is_begun(&self) -> bool {
        self.seconds > 0
    }

    /// A telephone that has no rate is not dialled.
    pub(super) fn may_dial(&self, to: &Address) -> bool {
        self.tariff.leg(to, self.answers, 1).is_some()
    }

    /// A leg goes by this trunk.
    pub(super) fn goes_by(&mut self, leg: LegId, trunk: Option<&str>) {
        if let Some(trunk) = trunk {
            self.trunks.insert(leg, trunk.into());
        }
    }

    /// A leg was answered: from the first on, money is spent.
    pub(super) fn answered(&mut self, at: Ts) {
        if self.answered_at.is_none() {
            self.answered_at = Some(at);
            self.next = self.ends_at().map(|ends| ends - self.warn);
        }
    }

    /// They talk, from then on; how long at most, where money is short.
    pub(super) fn bridged(&mut self, at: Ts) -> Option<Duration> {
        self.bridged_at = Some(at);
        self.limit()
    }

    /// They do not talk any more.
    pub(super) fn unbridged(&mut self) {
        self.bridged_at = None;
    }

    /// When more money is due.
    pub(super) fn next(&self) -> Option<Ts> {
        self.next
    }

    /// More money, where it is due: nothing is asked for until it is there or refused.
    pub(super) fn due(&mut self, now: Ts) -> Option<More> {
        self.next.filter(|next| *next <= now)?;
        self.next = None;
        let spent = self.answered_at.map_or(Duration::ZERO, |answered| now.since(answered)) + self.warn;
        let ahead = u32::try_from(spent.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        self.up_to(ahead.max(self.seconds.saturating_add(NEXT_S)), self.plan.order, now)
    }

    /// It is there. How long they may talk, where that was short.
    pub(super) fn hold(&mut self, more: &More) -> Option<Duration> {
        self.held = more.held;
        self.bookings += u16::from(more.booking.is_some());
        self.seconds = more.seconds;
        self.next = self.ends_at().map(|ends| ends - self.warn);
        self.cut_at.take().map(|_| self.plan.limits.max_talk)
    }

    /// It is not there. How long they may talk, where that is to be cut.
    pub(super) fn do_without(&mut self, now: Ts) -> Option<Duration> {
        self.next = Some(now + AGAIN);
        match self.tariff.terms().when_out {
            WhenOut::Finish => None,
            // The manager is warned once.
            WhenOut::Cut if self.cut_at.is_some() => None,
            WhenOut::Cut => {
                self.cut_at = self.ends_at().map(|ends| ends - EARLIER);
                self.limit()
            }
        }
    }

    /// What pays the call.
    pub(super) fn settle(&self, record: &CallRecord) -> Vec<Fact> {
        let own = record.legs.iter().map(|leg| (leg.leg, leg));
        let legs: BTreeMap<_, _> = self.earlier.iter().map(|(leg, of)| (*leg, of)).chain(own).collect();
        settle(&self.tariff, &self.plan, legs.into_values(), &self.trunks, record)
    }

    /// Until when what is held is enough.
    fn ends_at(&self) -> Option<Ts> {
        self.answered_at.map(|answered| answered + Duration::from_secs(self.seconds.into()))
    }

    fn limit(&self) -> Option<Duration> {
        Some(self.cut_at?.since(self.bridged_at?))
    }

    /// What is not held yet of so many seconds; none where a number has no rate.
    fn up_to(&self, seconds: u32, order: OrderId, now: Ts) -> Option<More> {
        let quote = self.tariff.quote(&self.plan, self.answers, seconds)?;
        let amount = Micros(quote.0.saturating_sub(self.held.0));
        let Terms { customer, currency, .. } = *self.tariff.terms();
        let expires_at = now.max(self.answers.1) + Duration::from_secs(seconds.into());
        let what = What::Reserve { call: order, nth: self.bookings, amount, expires_at };
        let booking = (amount > Micros::ZERO).then(|| Box::new(Booking { customer, currency, what }));
        Some(More { seconds, booking, held: quote.max(self.held) })
    }
}

impl More {
    /// The fact that asks for it; none where nothing is to be asked.
    pub(super) fn fact(&self, now: Ts) -> Option<Fact> {
        Some(Fact::Booked(self.booking.clone()?, now))
    }
}

fn settle<'a>(
    tariff: &Tariff,
    plan: &Plan,
    legs: impl IntoIterator<Item = &'a LegRecord>,
    trunks: &BTreeMap<LegId, Arc<str>>,
    record: &CallRecord,
) -> Vec<Fact> {
    let order = record.order;
    let charged = tariff.charge(legs, plan, |leg| trunks.get(&leg).cloned(), record.finished_at);
    for leg in &charged.unrated {
        tracing::error!(%order, %leg, "a leg is not charged: its trunk has no rate for it");
    }
    let end = match tariff.settle(order, &charged) {
        Ok(booking) => Some(Fact::Booked(Box::new(booking), wall_now())),
        Err(error) => {
            tracing::error!(%order, %error, "a call is not charged");
            None
        }
    };
    let charges = charged.legs.into_iter().map(|(leg, charge)| Fact::Charged(leg, Box::new(charge)));
    charges.chain(end).collect()
}

#[cfg(test)]
mod tests;
