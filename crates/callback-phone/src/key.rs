//! The name by which the parts of the phone speak of one leg.

use callback_core::id::{LegId, OrderId};
use serde::{Deserialize, Serialize};

/// One leg of one call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LegKey {
    /// The call, which is its order.
    pub call: OrderId,
    /// The leg within it.
    pub leg: LegId,
}
