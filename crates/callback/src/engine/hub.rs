//! Live status: what each visitor sees now, for whoever watches. What it tells is
//! stored as well; it is only the earlier to know.

use callback_core::flow::{Detail, VisitorState};
use callback_core::id::OrderId;
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
}

impl Shown {
    /// Without a manager's name.
    pub(crate) fn bare(state: VisitorState, detail: Detail) -> Self {
        Self { state, detail, manager: None }
    }
}

/// Orders that changed and were not taken yet by whoever watches them all; who is slower misses some.
const CHANGES: usize = 1_024;

/// Live status of the orders that run here or are watched.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    orders: Arc<Mutex<BTreeMap<OrderId, watch::Sender<Option<Shown>>>>>,
    changes: broadcast::Sender<OrderId>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { orders: Arc::default(), changes: broadcast::Sender::new(CHANGES) }
    }
}

impl Hub {
    /// Tells whoever watches, now or later.
    pub(crate) fn publish(&self, order: OrderId, shown: Shown) {
        self.lock().entry(order).or_default().send_replace(Some(shown));
        self.changed(order);
    }

    /// Every order that changes from here on, each time.
    pub(crate) fn changes(&self) -> broadcast::Receiver<OrderId> {
        self.changes.subscribe()
    }

    /// Nobody may watch, which is as well.
    fn changed(&self, order: OrderId) {
        let _nobody = self.changes.send(order);
    }

    /// What was told last, of an order that runs here. Of others the store knows.
    pub(crate) fn now(&self, order: OrderId) -> Option<Shown> {
        self.lock().get(&order).and_then(|sender| sender.borrow().clone())
    }

    /// Watches an order: the last that was told, and what will be.
    pub(crate) fn watch(&self, order: OrderId) -> watch::Receiver<Option<Shown>> {
        let mut orders = self.lock();
        orders.retain(|_, sender| sender.receiver_count() > 0 || sender.borrow().is_some());
        orders.entry(order).or_default().subscribe()
    }

    /// How many orders it knows.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The order runs here no more; who watches it sees its last state and then the end.
    pub(crate) fn forget(&self, order: OrderId) {
        self.lock().remove(&order);
        self.changed(order);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, watch::Sender<Option<Shown>>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
