//! A call's money from its quote to its end: what is held before it is dialled, and what its legs are charged when it is
//! over. It follows terms that are settled when the call begins, so that no later deck and no later markup rates it anew.
//! It moves no money: it says which [`Booking`] does.

use crate::id::{CustomerId, LegId, OrderId};
use crate::ledger::{Beyond, Booking, OtherCurrency};
use crate::money::{Currency, Micros};
use crate::plan::{Address, Callee, Plan};
use crate::rating::charge::{Charge, Lasted, Markup};
use crate::rating::deck::{Deck, DeckId};
use crate::record::{LegRecord, Outcome};
use crate::time::Ts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// By what a call is charged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// Who pays.
    pub customer: CustomerId,
    /// In what.
    pub currency: Currency,
    /// What makes a price of a cost.
    pub markup: Markup,
    /// The deck of each trunk, by the trunk's name.
    pub decks: BTreeMap<Arc<str>, Edition>,
    /// What becomes of a talk that its money does not cover.
    pub when_out: WhenOut,
    /// A number whose first minute is charged more is not dialled: a deck's mistake, and who lives by being called, cost so
    /// much at most.
    #[serde(default)]
    pub dearest_minute: Option<Micros>,
}

/// One import of a deck.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Edition {
    /// The deck.
    pub deck: DeckId,
    /// Which import of it.
    pub version: u32,
}

/// What becomes of a talk that its customer's money does not cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOut {
    /// It goes on, and he owes what it takes.
    Finish,
    /// It is cut in time, and he owes nothing.
    Cut,
}

/// Terms, and what their decks say.
#[derive(Clone, Debug)]
pub struct Tariff {
    terms: Terms,
    decks: BTreeMap<Arc<str>, Arc<Deck>>,
}

/// What a leg is charged, for who asks before it is dialled: with the rate and the markup that are in force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Price {
    /// A minute, with what the answer is charged.
    pub first_minute: Micros,
    /// Each minute after it.
    pub next_minute: Micros,
    /// Seconds that are counted at least.
    pub initial_s: u16,
    /// And beyond them so many at a time.
    pub increment_s: u16,
}

/// What the legs of a call are charged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Charged {
    /// Each that costs something, by its number.
    pub legs: BTreeMap<LegId, Charge>,
    /// Those that were answered, and for which there is no rate: nobody pays them but the operator.
    pub unrated: Vec<LegId>,
}

impl Price {
    /// Of a telephone that is reached without a carrier.
    const NOTHING: Self =
        Self { first_minute: Micros::ZERO, next_minute: Micros::ZERO, initial_s: 1, increment_s: 1 };
}

impl Tariff {
    /// With the decks that the terms name.
    #[must_use]
    pub fn new(terms: Terms, decks: impl IntoIterator<Item = Arc<Deck>>) -> Self {
        let decks = decks.into_iter().map(|deck| (deck.trunk.clone(), deck)).collect();
        Self { terms, decks }
    }

    /// By what it charges.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What a leg of so many seconds is charged at most, whichever trunk it goes by; none where one of them has no rate
    /// for it, or it is too dear, so that it may not be dialled.
    #[must_use]
    pub fn leg(&self, to: &Address, answered: (Ts, Ts), seconds: u32) -> Option<Micros> {
        if matches!(to, Address::Sip(_)) {
            return Some(Micros::ZERO);
        }
        let most = |seconds| {
            let quotes =
                self.decks.values().map(|deck| deck.quote(to, answered, seconds, &self.terms.markup));
            quotes.collect::<Option<Vec<_>>>()?.into_iter().max()
        };
        if self.is_too_dear(most(60)?) { None } else { most(seconds) }
    }

    fn is_too_dear(&self, first_minute: Micros) -> bool {
        self.terms.dearest_minute.is_some_and(|dearest| first_minute > dearest)
    }

    /// What a leg is charged by the dearest trunk; none where one of them has no rate for it, or it is too dear,
    /// so that it is not dialled.
    #[must_use]
    pub fn price(&self, to: &Address, at: Ts) -> Option<Price> {
        let number = match to {
            Address::Phone(number) => *number,
            Address::Sip(_) => return Some(Price::NOTHING),
        };
        let price = |deck: &Arc<Deck>| {
            let rate = deck.rates.find(number, at)?.rate;
            let minutes = |count: u32| rate.amounts(count * 60, &self.terms.markup).price;
            let (first, second) = (minutes(1), minutes(2));
            Some(Price {
                first_minute: first,
                next_minute: Micros(second.0.saturating_sub(first.0)),
                initial_s: rate.initial_s,
                increment_s: rate.increment_s.get(),
            })
        };
        let dearest = self.decks.values().map(price).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(dearest).filter(|price| !self.is_too_dear(price.first_minute))
    }

    /// What so many seconds of a call are charged at most: the visitor's leg, and the dearest manager's that may be
    /// dialled. None where the visitor or every manager has no rate.
    #[must_use]
    pub fn quote(&self, plan: &Plan, answered: (Ts, Ts), seconds: u32) -> Option<Micros> {
        let visitor = self.leg(&Address::Phone(plan.visitor.number), answered, seconds)?;
        let managers = plan.managers.iter();
        let dearest =
            managers.filter_map(|manager| self.leg(&manager.telephone.address, answered, seconds)).max()?;
        Some(visitor.checked_add(dearest).unwrap_or(Micros(i64::MAX)))
    }

    /// What legs are charged, each by the trunk that it went by; those that are not known to be down lasted until `until`.
    #[must_use]
    pub fn charge<'a>(
        &self,
        legs: impl IntoIterator<Item = &'a LegRecord>,
        plan: &Plan,
        trunk: impl Fn(LegId) -> Option<Arc<str>>,
        until: Ts,
    ) -> Charged {
        let mut charged = Charged::default();
        for leg in legs {
            let Some(to) = address(plan, leg.callee) else { continue };
            let lasted = lasted(leg, until);
            if lasted == Lasted::Unanswered || matches!(to, Address::Sip(_)) {
                continue;
            }
            let deck = trunk(leg.leg).and_then(|trunk| self.decks.get(&trunk));
            let charge = deck.map(|deck| Charge::of(&to, lasted, deck, &self.terms.markup));
            match charge {
                Some(Ok(Some(charge))) => _ = charged.legs.insert(leg.leg, charge),
                Some(Ok(None)) => {}
                Some(Err(_)) | None => charged.unrated.push(leg.leg),
            }
        }
        charged
    }

    /// The end of a call.
    ///
    /// # Errors
    /// A deck is of another currency than the terms.
    pub fn settle(&self, order: OrderId, charged: &Charged) -> Result<Booking, OtherCurrency> {
        let beyond = match self.terms.when_out {
            WhenOut::Finish => Beyond::Owe,
            WhenOut::Cut => Beyond::Waive,
        };
        let charges: Vec<_> = charged.legs.values().cloned().collect();
        Booking::settle(order, (self.terms.customer, self.terms.currency), &charges, beyond)
    }
}

fn address(plan: &Plan, callee: Callee) -> Option<Address> {
    Some(plan.telephone(callee)?.address)
}

/// How long a leg lasted, and whether another one had the call already.
#[must_use]
pub fn lasted(leg: &LegRecord, until: Ts) -> Lasted {
    let Some(at) = leg.times.answered_at else { return Lasted::Unanswered };
    let lasted = leg.times.ended_at.unwrap_or(until).since(at);
    let ms = u64::try_from(lasted.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    match leg.outcome {
        Outcome::Elsewhere => Lasted::LostRace { at, ms },
        Outcome::NotSent
        | Outcome::Running
        | Outcome::Failed
        | Outcome::Refused
        | Outcome::Left
        | Outcome::Cut
        | Outcome::CutByShutdown
        | Outcome::Talked => Lasted::Answered { at, ms },
    }
}

#[cfg(test)]
mod tests {
    use super::{Edition, Tariff, Terms, WhenOut};
    use crate::flow::stories::bare_plan;
    use crate::id::{CustomerId, LegId, ManagerId, OrderId};
    use crate::ledger::{Beyond, What};
    use crate::money::Micros;
    use crate::plan::{AcceptKey, Address, Callee, CallerId, Plan, PlanManager, Seat, Telephone};
    use crate::rating::charge::Markup;
    use crate::rating::tests::deck;
    use crate::record::{LegRecord, LegTimes, Outcome};
    use crate::time::Ts;
    use std::sync::Arc;
    use uuid::Uuid;

    const RATES: &str = "7,Russia,1,0.5,1,1,2020-01-01\n7495,Moscow,3,0,60,60,2020-01-01\n";

    fn tariff(when_out: WhenOut) -> Tariff {
        let deck = deck(RATES);
        let terms = Terms {
            customer: CustomerId(Uuid::from_u128(7)),
            currency: deck.currency,
            markup: Markup { version: 2, percent: "100".parse().unwrap(), ..Markup::default() },
            decks: [(deck.trunk.clone(), Edition { deck: deck.id, version: deck.version })].into(),
            when_out,
            dearest_minute: None,
        };
        Tariff::new(terms, [Arc::new(deck)])
    }

    /// A plan to a visitor, with managers at these addresses.
    fn plan(managers: &[&str]) -> Plan {
        let address = |text: &&str| match text.parse() {
            Ok(number) => Address::Phone(number),
            Err(_) => Address::Sip((*text).into()),
        };
        let caller_id = CallerId { number: None, name: "Shop".into() };
        let managers = managers.iter().map(|text| PlanManager {
            id: ManagerId(Uuid::nil()),
            name: "M".into(),
            telephone: Telephone { address: address(text), extension: None },
            extension_delay: std::time::Duration::ZERO,
            accept_key: AcceptKey::No,
            caller_id: caller_id.clone(),
        });
        Plan { managers: managers.collect(), ..bare_plan() }
    }

    fn leg(number: u16, callee: Callee, outcome: Outcome, seconds: Option<i64>) -> LegRecord {
        let answered_at = seconds.map(|_| NOW);
        let ended_at = seconds.filter(|seconds| *seconds >= 0).map(|seconds| Ts(NOW.0 + seconds * 1_000_000));
        let times = LegTimes { answered_at, ended_at, ..LegTimes::default() };
        LegRecord { leg: LegId(number), callee, round: 1, outcome, times, hangup: None, ended: None }
    }

    const NOW: Ts = Ts(1_800_000_000_000_000);

    #[test]
    fn a_call_is_quoted_by_its_visitor_and_its_dearest_manager() {
        let check = |managers: &[&str], seconds, expected: Option<i64>| {
            let quote = tariff(WhenOut::Finish).quote(&plan(managers), (NOW, NOW), seconds);
            assert_eq!(quote, expected.map(Micros), "{managers:?}");
        };
        // The visitor: (0.5 + 1 a minute) doubled.
        check(&["sip:anna@192.0.2.7"], 60, Some(3_000_000));
        check(&["sip:anna@192.0.2.7", "+74951234567", "+78121234567"], 60, Some(9_000_000));
        check(&["+74951234567", "+491711234567"], 61, Some(3_033_334 + 12_000_000));
        check(&["+491711234567"], 60, None);
        check(&[], 60, None);
    }

    #[test]
    fn a_number_s_price_is_told_before_it_is_called() {
        let check = |to: &str, expected: Option<(i64, i64, u16, u16)>| {
            let address = plan(&[to]).managers[0].telephone.address.clone();
            let price = tariff(WhenOut::Finish).price(&address, NOW);
            let told = price.map(|of| (of.first_minute.0, of.next_minute.0, of.initial_s, of.increment_s));
            assert_eq!(told, expected, "{to}");
        };
        check("+78121234567", Some((3_000_000, 2_000_000, 1, 1)));
        check("+74951234567", Some((6_000_000, 6_000_000, 60, 60)));
        check("sip:anna@192.0.2.7", Some((0, 0, 1, 1)));
        check("+491711234567", None);
    }

    #[test]
    fn a_number_that_is_too_dear_is_not_dialled() {
        let mut tariff = tariff(WhenOut::Finish);
        let mut check = |dearest: i64, quote: Option<i64>, price: bool| {
            tariff.terms.dearest_minute = Some(Micros(dearest));
            // Moscow's first minute is 6, Russia's 3.
            let plan = plan(&["+74951234567", "+78121234567"]);
            assert_eq!(tariff.quote(&plan, (NOW, NOW), 120), quote.map(Micros), "{dearest}");
            let moscow = &plan.managers[0].telephone.address;
            assert_eq!(tariff.price(moscow, NOW).is_some(), price, "{dearest}");
        };
        check(6_000_000, Some(5_000_000 + 12_000_000), true);
        check(5_999_999, Some(5_000_000 + 5_000_000), false);
        check(2_999_999, None, false);
    }

    #[test]
    fn legs_are_charged_by_what_became_of_them() {
        let plan = plan(&["+74951234567", "+78121234567", "sip:anna@192.0.2.7", "+491711234567"]);
        let manager = |seat| Callee::Manager(Seat(seat));
        let legs = [
            leg(1, Callee::Visitor, Outcome::Talked, Some(61)),
            leg(2, manager(0), Outcome::Talked, Some(-1)),
            leg(3, manager(1), Outcome::Elsewhere, Some(0)),
            leg(4, manager(2), Outcome::Left, Some(9)),
            leg(5, manager(3), Outcome::Left, Some(9)),
            leg(6, manager(1), Outcome::Failed, None),
            leg(7, manager(1), Outcome::Failed, Some(2)),
        ];
        let tariff = tariff(WhenOut::Cut);
        let known = |leg| (leg != LegId(7)).then(|| "provider".into());
        let charged = tariff.charge(&legs, &plan, known, Ts(NOW.0 + 60_000_000));
        let told: Vec<_> =
            charged.legs.iter().map(|(leg, charge)| (leg.0, charge.cost.0, charge.price.0)).collect();
        assert_eq!(told, [(1, 1_516_667, 3_033_334), (2, 3_000_000, 6_000_000), (3, 516_667, 0)]);
        assert_eq!(charged.unrated, [LegId(5), LegId(7)]);
        let booking = tariff.settle(OrderId(Uuid::nil()), &charged).unwrap();
        let What::Settle { price, costs, beyond, .. } = booking.what else { panic!("no end") };
        assert_eq!((price.0, beyond), (9_033_334, Beyond::Waive));
        assert_eq!(costs, [("provider".into(), Micros(5_033_334))].into());
    }
}
