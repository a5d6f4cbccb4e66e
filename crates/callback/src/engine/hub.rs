//! Live status: what each visitor sees now, for whoever watches. It remembers nothing that the store does not
//! know, and an order that nobody watches has no place in it.

use callback_core::flow::{Detail, VisitorState};
use callback_core::id::OrderId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

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

/// Live status of all orders that somebody watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hub {
    orders: Arc<Mutex<BTreeMap<OrderId, watch::Sender<Option<Shown>>>>>,
}

impl Hub {
    /// Tells whoever watches.
    pub(crate) fn publish(&self, order: OrderId, shown: Shown) {
        let mut orders = self.lock();
        let ended = matches!(shown.state, VisitorState::Ended(_));
        let watched = orders.get(&order).is_some_and(|sender| sender.send(Some(shown)).is_ok());
        if ended || !watched {
            orders.remove(&order);
        }
    }

    /// Watches an order: what is told from now on. The present state is the store's to tell.
    pub(crate) fn watch(&self, order: OrderId) -> watch::Receiver<Option<Shown>> {
        let mut orders = self.lock();
        orders.retain(|_, sender| !sender.is_closed());
        orders.entry(order).or_insert_with(|| watch::Sender::new(None)).subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, watch::Sender<Option<Shown>>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
