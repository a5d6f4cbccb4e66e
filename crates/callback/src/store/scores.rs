//! What visitors thought of their talks.

use super::db::query;
use super::{Result, Store, statements};
use callback_core::id::OrderId;
use callback_core::time::Ts;

impl Store {
    /// Keeps what a visitor thought of his talk, in place of what he said before; false where he had none.
    ///
    /// # Errors
    /// The database is away.
    pub async fn score(&self, order: OrderId, score: u8, at: Ts) -> Result<bool> {
        self.deed((order, score, at), |tx, (order, score, at)| {
            Box::pin(async move {
                Ok(tx.run(query(SCORE).bind(order.0).bind(u16::from(*score)).bind(*at)).await? == 1)
            })
        })
        .await
    }
}

statements! {
    SCORE = "INSERT INTO scores (order_id, score, at) SELECT id, $2, $3 FROM orders
        WHERE id = $1 AND disposition = 'connected' AND joined_to IS NULL
        ON CONFLICT (order_id) DO UPDATE SET score = excluded.score, at = excluded.at";
}
