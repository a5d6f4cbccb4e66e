//! Live status: what each visitor sees now, for whoever watches. What it tells is
//! stored as well; it is only the earlier to know.

use crate::ids::CustomerId;
use callback_core::flow::{Detail, VisitorState};
use callback_core::id::OrderId;
use callback_core::record::LegRecord;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

/// What a visitor was told last.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Shown {
    /// The state.
    pub(crate) state: VisitorState,
    /// What goes with it.
    pub(crate) detail: Detail,
    /// The name of the manager who is being tried.
    pub(crate) manager: Option<Arc<str>>,
    /// The legs as they were then.
    pub(crate) legs: Vec<LegRecord>,
}

impl Shown {
    /// Without a manager's name.
    pub(crate) fn bare(state: VisitorState, detail: Detail) -> Self {
        Self { state, detail, manager: None, legs: Vec::new() }
    }
}

/// Orders that changed and were not taken yet by whoever watches them all; who is slower misses some.
const CHANGES: usize = 8_192;

/// Live status of the orders that run here or are watched.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    orders: Arc<Mutex<BTreeMap<OrderId, Told>>>,
    changes: broadcast::Sender<Change>,
}

/// An order that changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// Which.
    pub(crate) order: OrderId,
    /// Whose; none where it does not run here.
    pub(crate) of: Option<CustomerId>,
}

/// Whose an order is that runs here, and what was told of it last.
#[derive(Debug, Default)]
struct Told {
    of: Option<CustomerId>,
    shown: watch::Sender<Option<Shown>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { orders: Arc::default(), changes: broadcast::Sender::new(CHANGES) }
    }
}

impl Hub {
    /// An order runs here from now on.
    pub(crate) fn begin(&self, order: OrderId, of: CustomerId) {
        self.lock().entry(order).or_default().of = Some(of);
        self.changed(order, Some(of));
    }

    /// Tells whoever watches, now or later.
    pub(crate) fn publish(&self, order: OrderId, shown: Shown) {
        let of = {
            let mut orders = self.lock();
            let told = orders.entry(order).or_default();
            told.shown.send_replace(Some(shown));
            told.of
        };
        self.changed(order, of);
    }

    /// Every order that changes from here on, each time.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Nobody may watch, which is as well.
    fn changed(&self, order: OrderId, of: Option<CustomerId>) {
        let _nobody = self.changes.send(Change { order, of });
    }

    /// What was told last, of an order that runs here. Of others the store knows.
    pub(crate) fn now(&self, order: OrderId) -> Option<Shown> {
        self.lock().get(&order).and_then(|told| told.shown.borrow().clone())
    }

    /// Watches an order: the last that was told, and what will be.
    pub(crate) fn watch(&self, order: OrderId) -> watch::Receiver<Option<Shown>> {
        let mut orders = self.lock();
        orders.retain(|_, told| {
            told.of.is_some() || told.shown.receiver_count() > 0 || told.shown.borrow().is_some()
        });
        orders.entry(order).or_default().shown.subscribe()
    }

    /// How many orders it knows.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The order runs here no more; who watches it sees its last state and then the end.
    pub(crate) fn forget(&self, order: OrderId) {
        let told = self.lock().remove(&order);
        self.changed(order, told.and_then(|told| told.of));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, Told>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
