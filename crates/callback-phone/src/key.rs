//! The name by which the parts of the phone speak of one leg.

use callback_core::id::{LegId, OrderId};

/// One leg of one call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LegKey {
    /// The call.
    pub call: OrderId,
    /// The leg within it.
    pub leg: LegId,
}
