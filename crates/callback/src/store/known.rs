//! Whether orders were stored before, asked while new ones are refused: one read for all who ask at the same time, so
//! that a crowd costs little more than one of it. What became of an order it does not know.

use super::db::{Db, query};
use super::words::Error;
use super::{Result, statements};
use callback_core::id::OrderId;
use std::collections::BTreeSet;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Orders that one read asks for.
const AT_ONCE: usize = 16;
/// Who waits for a place among those who wait for a read waits in line.
const WAITING: usize = 1_024;

/// An order, and who asks for it.
type Question = (OrderId, oneshot::Sender<Result<bool>>);

/// Where it is asked.
pub(super) struct Known(mpsc::Sender<Question>);

impl Known {
    /// Answers until nobody can ask any more.
    pub(super) fn start(db: Db) -> Self {
        let (to, questions) = mpsc::channel(WAITING);
        tokio::spawn(answer(db, questions));
        Self(to)
    }

    /// Whether the order is stored.
    pub(super) async fn holds(&self, order: OrderId) -> Result<bool> {
        let (to, answer) = oneshot::channel();
        self.0.send((order, to)).await.map_err(|_closed| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}

async fn answer(db: Db, mut questions: mpsc::Receiver<Question>) {
    let mut asked = Vec::with_capacity(AT_ONCE);
    while questions.recv_many(&mut asked, AT_ONCE).await > 0 {
        let stored = stored(&db, asked.iter().map(|(order, _)| *order)).await;
        for (order, to) in asked.drain(..) {
            // A database that does not answer is away; nobody may wait any more.
            let is_stored = stored.as_ref().map(|stored| stored.contains(&order));
            let _dropped = to.send(is_stored.map_err(|_away| Error::TooLate));
        }
    }
}

async fn stored(db: &Db, orders: impl Iterator<Item = OrderId> + Clone) -> sqlx::Result<BTreeSet<OrderId>> {
    // A list that is too short begins anew.
    let asked = orders.cycle().take(AT_ONCE).fold(query(STORED), |asked, order| asked.bind(order.0));
    let rows = db.all(asked).await?;
    rows.iter().map(|row| Ok(OrderId(row.get::<Uuid>("id")?))).collect()
}

statements! {
    STORED = "SELECT id FROM orders
        WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
}
