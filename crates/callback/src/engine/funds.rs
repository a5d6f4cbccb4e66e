//! What customers can pay, as far as somebody is promised a call by it: a page asks for every visitor, so it is known for a
//! moment and not read each time. It holds no money; a call that begins asks the ledger.

use super::Engine;
use super::money::{Charging, FIRST_S};
use crate::ids::CustomerId;
use crate::store::{PublishedSite, Purse};
use anyhow::Result;
use callback_core::billing::{Tariff, Terms};
use callback_core::money::Micros;
use callback_core::number::{self, PhoneNumber};
use callback_core::order::callable;
use callback_core::plan::Address;
use callback_core::time::Ts;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long what was read is good for: whoever pays is promised calls again so soon.
const MOMENT: Duration = Duration::from_secs(2);
/// Customers who are known; beyond them they are read anew.
const MOST: usize = 10_000;

/// What a customer has, and by what he would be charged.
pub(crate) struct Means {
    pub(crate) purse: Purse,
    /// None where a trunk has no deck: then nothing is called.
    pub(crate) tariff: Option<Tariff>,
}

/// Whether calls of a customer's sites could be paid.
pub(crate) enum Funds {
    /// Calls are not charged.
    Free,
    /// It cannot be read.
    Unknown,
    /// By what he has.
    Of(Arc<Means>),
}

/// What a usual call is made of, and what it is charged.
pub(crate) struct Usual {
    /// The number whose price stands for the visitor's; none where there is no rate for it.
    pub(crate) visitor: Option<PhoneNumber>,
    /// The visitor's leg and the dearest manager's.
    pub(crate) price: Micros,
}

/// What is known of customers' means.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<CustomerId, Read>>);

struct Read {
    at: Instant,
    /// Since when somebody reads again.
    read_again: Option<Instant>,
    means: Arc<Means>,
}

impl Funds {
    /// Whether a call of a site could begin: a visitor's of its country, by what is free.
    pub(crate) fn cover(&self, site: &PublishedSite, now: Ts) -> bool {
        match self {
            Self::Free => true,
            Self::Unknown => false,
            Self::Of(means) => means.cover(site, now),
        }
    }
}

impl Means {
    /// What can be spent.
    pub(crate) fn free(&self) -> Micros {
        self.purse.balance.free(Micros(self.purse.credit_limit.0.saturating_neg()))
    }

    /// What so many seconds of a call of a site are charged at most, by who of its managers may be dialled; none where
    /// nobody may.
    pub(crate) fn usual(
        &self,
        site: &PublishedSite,
        managers: &[&Address],
        seconds: u32,
        now: Ts,
    ) -> Option<Usual> {
        let tariff = self.tariff.as_ref()?;
        let leg = |to: &Address| tariff.leg(to, (now, now), seconds);
        let dearest = managers.iter().filter_map(|address| leg(address)).max()?;
        let visitor = number::example(site.customer.country);
        let visitor = visitor.and_then(|number| Some((number, leg(&Address::Phone(number))?)));
        let (visitor, price) = visitor.unzip();
        let price = price.unwrap_or_default().checked_add(dearest).unwrap_or(Micros(i64::MAX));
        Some(Usual { visitor, price })
    }

    fn cover(&self, site: &PublishedSite, now: Ts) -> bool {
        let zone = site.zone();
        let managers = callable(&site.body, &site.customer.verified, &zone, now);
        let managers: Vec<_> = managers.map(|manager| &manager.telephone.address).collect();
        self.usual(site, &managers, FIRST_S, now).is_some_and(|usual| usual.price <= self.free())
    }
}

impl Engine {
    /// What a customer's calls could be paid by, as it was a moment ago.
    pub(crate) async fn funds(&self, of: CustomerId) -> Funds {
        if self.inner.charging.is_none() {
            return Funds::Free;
        }
        if let Some(means) = self.inner.funds.at_hand(of, Instant::now()) {
            return Funds::Of(means);
        }
        match self.means(of).await {
            Ok(Some(means)) => Funds::Of(self.inner.funds.keep(of, means, Instant::now())),
            Ok(None) => Funds::Free,
            Err(error) => {
                tracing::debug!(%error, "what a customer has cannot be read");
                Funds::Unknown
            }
        }
    }

    /// What a customer has; none where calls are not charged.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn means(&self, of: CustomerId) -> Result<Option<Means>> {
        let Some(charging) = &self.inner.charging else { return Ok(None) };
        let purse = self.inner.tools.store.purse(of, charging.billing.currency).await?;
        let tariff = match self.terms(charging, of, &purse).await? {
            Ok(terms) => Some(self.inner.tariffs.of(terms).await?),
            Err(_) => None,
        };
        Ok(Some(Means { purse, tariff }))
    }

    /// By what a customer's calls are charged that begin.
    ///
    /// # Errors
    /// Within: the trunk that has no deck. Without: the database cannot be read.
    pub(super) async fn terms(
        &self,
        Charging { billing, trunks }: &Charging,
        customer: CustomerId,
        purse: &Purse,
    ) -> Result<Result<Terms, Arc<str>>> {
        let (store, currency) = (&self.inner.tools.store, purse.currency);
        let mut decks = store.decks(currency).await?;
        decks.retain(|trunk, _| trunks.contains(trunk));
        if let Some(bare) = trunks.iter().find(|trunk| !decks.contains_key(*trunk)) {
            return Ok(Err(bare.clone()));
        }
        let markup = store.markup(customer, currency).await?;
        let dearest_minute = billing.dearest_minute.filter(|_| currency == billing.currency);
        Ok(Ok(Terms { customer, currency, markup, decks, when_out: billing.when_out, dearest_minute }))
    }
}

impl Known {
    /// What is good, or as good as that while somebody reads again.
    fn at_hand(&self, of: CustomerId, now: Instant) -> Option<Arc<Means>> {
        let mut known = self.lock();
        let read = known.get_mut(&of)?;
        let since = |at| now.saturating_duration_since(at);
        if since(read.at) >= MOMENT && read.read_again.is_none_or(|at| since(at) >= MOMENT) {
            read.read_again = Some(now);
            return None;
        }
        Some(read.means.clone())
    }

    fn keep(&self, of: CustomerId, means: Means, now: Instant) -> Arc<Means> {
        let means = Arc::new(means);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(of, Read { at: now, read_again: None, means: means.clone() });
        means
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CustomerId, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, MOMENT, Means};
    use crate::ids::CustomerId;
    use crate::store::Purse;
    use callback_core::ledger::Balance;
    use callback_core::money::Micros;
    use std::time::{Duration, Instant};
    use uuid::Uuid;

    #[test]
    fn what_was_read_is_good_for_a_moment_and_one_reads_again_for_all() {
        let (known, of, at) = (Known::default(), CustomerId(Uuid::from_u128(1)), Instant::now());
        let currency = "RUB".parse().unwrap();
        let purse = Purse { currency, credit_limit: Micros::ZERO, balance: Balance::default() };
        let check = |after: Duration, expected: bool| {
            assert_eq!(known.at_hand(of, at + after).is_some(), expected, "{after:?} later");
        };
        check(Duration::ZERO, false);
        known.keep(of, Means { purse, tariff: None }, at);
        check(MOMENT / 2, true);
        check(MOMENT, false);
        check(MOMENT, true);
        check(MOMENT * 2, false);
    }
}
