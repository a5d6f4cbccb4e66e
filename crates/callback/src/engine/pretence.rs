//! How an order that met a list or a cap looks to its visitor: as the call that its site would make if nobody
//! answered. A stranger learns nothing of lists and caps.

use super::Shown;
use crate::store::{OrderFacts, PublishedSite};
use callback_core::blacklist::Blacklist;
use callback_core::flow::{Detail, VisitorState, pretend};
use callback_core::id::OrderId;
use callback_core::number::PhoneNumber;
use callback_core::order::{self, Circumstances, Order};
use callback_core::plan::PromptLengths;
use callback_core::record::Disposition;
use callback_core::site::Site;
use callback_core::time::Ts;

/// What is shown, and from when on; the last is the end.
#[derive(Clone, Debug)]
pub(crate) struct Pretence {
    told: Vec<(Ts, Shown)>,
}

impl Pretence {
    /// Of the order with this id, or which it was joined to, for this number at this time.
    pub(crate) fn of(
        id: OrderId,
        number: PhoneNumber,
        due_at: Ts,
        facts: &OrderFacts,
        site: &PublishedSite,
    ) -> Self {
        let order =
            Order { id, number, country: facts.country, ip: None, accepted_at: facts.accepted_at, due_at };
        let around = Circumstances {
            version: site.version,
            customer_sites: site.customer.sites,
            blacklist: Blacklist::default(),
            verified: site.customer.verified.clone(),
            zone: site.zone(),
            prompts: PromptLengths::default(),
            draw: id.0.as_u64_pair().1,
        };
        let body = Site { blacklist: Blacklist::default(), ..site.body.clone() };
        let mut told = vec![(facts.accepted_at, Shown::bare(VisitorState::Scheduled, Detail::default()))];
        match order::admit(&order, &body, &around, due_at) {
            Ok(plan) => {
                let names: Vec<_> = plan.managers.iter().map(|manager| manager.name.clone()).collect();
                told.extend(pretend(plan).into_iter().map(|(at, state, detail)| {
                    let manager = detail.manager.and_then(|seat| names.get(usize::from(seat.0)).cloned());
                    (at, Shown { state, detail, manager, legs: Vec::new() })
                }));
            }
            Err(reason) => {
                let ended = VisitorState::Ended(Disposition::NotCalled(reason));
                told.push((due_at, Shown::bare(ended, Detail::default())));
            }
        }
        Self { told }
    }

    /// What is shown at an instant, and when that changes next.
    pub(crate) fn at(&self, now: Ts) -> (Shown, Option<Ts>) {
        let next = self.told.partition_point(|(at, _)| *at <= now).max(1);
        let shown = self
            .told
            .get(next - 1)
            .map_or(Shown::bare(VisitorState::Accepted, Detail::default()), |(_, shown)| shown.clone());
        (shown, self.told.get(next).map(|(at, _)| *at))
    }

    /// When it seems to end.
    pub(crate) fn ends_at(&self) -> Ts {
        self.told.last().map_or(Ts::default(), |(at, _)| *at)
    }
}
