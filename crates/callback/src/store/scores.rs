//! What visitors thought of their talks: kept, and counted over the calls that statistics count.

use super::db::{Row, query};
use super::tallies::counted;
use super::{CallFilter, Result, Store, statements};
use callback_core::id::OrderId;
use callback_core::time::Ts;

/// What visitors thought of the talks of one manager.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scores {
    /// As the settings named him; none where nobody accepted the call.
    pub manager: Option<String>,
    /// How many visitors said so.
    pub scores: u64,
    /// All of them together: each is 1 to 5.
    pub sum: u64,
}

impl Store {
    /// What visitors thought of these calls, by who talked with them; who was thought of most often first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn scores(&self, filter: &CallFilter) -> Result<Vec<Scores>> {
        let line = |row: &Row| {
            Ok(Scores {
                manager: row.get("manager")?,
                scores: row.number("scores")?,
                sum: row.number("total")?,
            })
        };
        let rows = self.db.all(filter.ask(SCORES)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

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
    SCORES = counted!("c.manager, COUNT(*) AS scores, CAST(SUM(r.score) AS BIGINT) AS total",
        "JOIN scores r ON r.order_id = c.order_id", "GROUP BY c.manager ORDER BY scores DESC, c.manager");
    SCORE = "INSERT INTO scores (order_id, score, at) SELECT id, $2, $3 FROM orders
        WHERE id = $1 AND disposition = 'connected' AND joined_to IS NULL
        ON CONFLICT (order_id) DO UPDATE SET score = excluded.score, at = excluded.at";
}
