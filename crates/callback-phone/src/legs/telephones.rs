//! Which telephones are in service, because of what, and who waits for them. It dials none.

use crate::sip::CallKey;
use callback_core::id::OrderId;
use callback_core::plan::Telephone;
use std::collections::{BTreeMap, BTreeSet};

/// How many orders wait for one telephone.
const MAX_WAITING: usize = 1_000;

/// The telephones that have, or may have, a leg of this service.
#[derive(Debug, Default)]
pub(super) struct Telephones {
    holds: BTreeMap<Telephone, Holds>,
    marks: BTreeMap<u64, Telephone>,
    waiting: BTreeMap<Telephone, BTreeSet<OrderId>>,
    next_mark: u64,
}

/// Why a telephone is in service.
#[derive(Debug, Default)]
struct Holds {
    calls: BTreeSet<CallKey>,
    /// It was marked: a former process may have a leg of it.
    mark: Option<u64>,
}

impl Telephones {
    pub(super) fn is_held(&self, telephone: &Telephone) -> bool {
        self.holds.contains_key(telephone)
    }

    /// A call for the telephone begins.
    pub(super) fn hold(&mut self, telephone: &Telephone, call: CallKey) {
        self.holds.entry(telephone.clone()).or_default().calls.insert(call);
    }

    /// The calls for the telephone.
    pub(super) fn calls(&self, telephone: &Telephone) -> impl Iterator<Item = CallKey> {
        self.holds.get(telephone).into_iter().flat_map(|holds| holds.calls.iter().copied())
    }

    /// That call is over.
    pub(super) fn let_go(&mut self, telephone: &Telephone, call: CallKey) {
        if let Some(holds) = self.holds.get_mut(telephone) {
            holds.calls.remove(&call);
        }
    }

    /// An order was refused for the telephone and is told when it is free.
    pub(super) fn wait(&mut self, telephone: Telephone, order: OrderId) {
        let waiting = self.waiting.entry(telephone).or_default();
        if waiting.len() < MAX_WAITING {
            waiting.insert(order);
        }
    }

    /// Marks the telephone; gives the mark, and the one it replaces.
    pub(super) fn mark(&mut self, telephone: Telephone) -> (u64, Option<u64>) {
        self.next_mark += 1;
        let old = self.holds.entry(telephone.clone()).or_default().mark.replace(self.next_mark);
        if let Some(old) = old {
            self.marks.remove(&old);
        }
        self.marks.insert(self.next_mark, telephone);
        (self.next_mark, old)
    }

    /// Takes the telephone's mark away, where it has one.
    pub(super) fn unmark(&mut self, telephone: &Telephone) -> Option<u64> {
        let mark = self.holds.get_mut(telephone)?.mark.take()?;
        self.marks.remove(&mark);
        Some(mark)
    }

    /// The time of a mark is over; gives its telephone.
    pub(super) fn mark_ended(&mut self, mark: u64) -> Option<Telephone> {
        let telephone = self.marks.remove(&mark)?;
        if let Some(holds) = self.holds.get_mut(&telephone) {
            holds.mark = None;
        }
        Some(telephone)
    }

    /// Who waits for the telephone, if nothing holds it any more; they are told once.
    pub(super) fn freed(&mut self, telephone: &Telephone) -> BTreeSet<OrderId> {
        let free = |holds: &Holds| holds.calls.is_empty() && holds.mark.is_none();
        if !self.holds.get(telephone).is_some_and(free) {
            return BTreeSet::new();
        }
        self.holds.remove(telephone);
        self.waiting.remove(telephone).unwrap_or_default()
    }

    /// How many are held, marked and waited for.
    pub(super) fn load(&self) -> (usize, usize, usize) {
        (self.holds.len(), self.marks.len(), self.waiting.len())
    }
}
