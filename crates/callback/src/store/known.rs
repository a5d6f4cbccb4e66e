//! The orders that were stored lately, by whatever process: known without asking the database, for while new orders are
//! refused nothing may wait for it. It is bounded: an order of long ago it does not know.

use super::db::{Db, query};
use super::statements;
use callback_core::id::OrderId;
use callback_core::time::Ts;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use uuid::Uuid;

/// Orders that are known: of a minute at the least, however many come.
const MOST: u32 = 65_536;
/// How often other processes' orders are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// What is stored so late after it came is found all the same.
const OVERLAP: Duration = Duration::from_secs(1);

/// Orders of lately.
#[derive(Default)]
pub(super) struct Known(Mutex<Lately>);

#[derive(Default)]
struct Lately {
    orders: BTreeSet<OrderId>,
    oldest_first: VecDeque<OrderId>,
}

impl Known {
    /// Reads what was stored last, and goes on to look for more as long as anybody may ask.
    pub(super) async fn start(db: &Db) -> sqlx::Result<Arc<Self>> {
        let known = Arc::new(Self::default());
        let newest = known.look(db, Ts(0)).await?;
        tokio::spawn(keep_looking(db.clone(), Arc::downgrade(&known), newest));
        Ok(known)
    }

    /// An order is stored.
    pub(super) fn add(&self, order: OrderId) {
        let mut lately = self.lock();
        if lately.orders.insert(order) {
            lately.oldest_first.push_back(order);
        }
        if lately.orders.len() > usize::try_from(MOST).unwrap_or(usize::MAX)
            && let Some(oldest) = lately.oldest_first.pop_front()
        {
            lately.orders.remove(&oldest);
        }
    }

    /// Whether the order is known to be stored.
    pub(super) fn holds(&self, order: OrderId) -> bool {
        self.lock().orders.contains(&order)
    }

    /// Adds the orders that came after this instant; when the newest did.
    async fn look(&self, db: &Db, after: Ts) -> sqlx::Result<Ts> {
        let rows = db.all(query(LATELY).bind(after).bind(MOST)).await?;
        for row in rows.iter().rev() {
            self.add(OrderId(row.get::<Uuid>("id")?));
        }
        rows.first().map_or(Ok(after), |row| Ok(row.get::<super::types::Ts>("accepted_at")?.0))
    }

    fn lock(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_looking(db: Db, known: Weak<Known>, mut newest: Ts) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(known) = known.upgrade() else { return };
        // A database that does not answer is the writer's trouble, and said there.
        if let Ok(found) = known.look(&db, newest - OVERLAP).await {
            newest = newest.max(found);
        }
    }
}

statements! {
    LATELY = "SELECT id, accepted_at FROM orders WHERE joined_to IS NULL AND accepted_at > $1
        ORDER BY accepted_at DESC, id DESC LIMIT $2";
}

#[cfg(test)]
mod tests {
    use super::{Known, MOST};
    use callback_core::id::OrderId;
    use uuid::Uuid;

    #[test]
    fn what_is_known_is_bounded_and_the_oldest_is_forgotten() {
        let (known, order) = (Known::default(), |n: u32| OrderId(Uuid::from_u128(n.into())));
        for n in 0..=MOST {
            known.add(order(n));
            known.add(order(n));
        }
        assert_eq!([0, 1, MOST, MOST + 1].map(|n| known.holds(order(n))), [false, true, true, false]);
    }
}
