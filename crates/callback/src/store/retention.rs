//! How long customers keep what they know of visitors, and who looks whether that is over.

use super::db::{Row, query};
use super::{Entry, Result, Store, audit, statements};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use std::sync::Arc;
use tokio::sync::Notify;

/// How long a customer keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// After so many days an order's visitor is forgotten.
    pub days: u32,
    /// When that was looked for last.
    pub ran_at: Option<Ts>,
    /// How many orders were forgotten then.
    pub forgot: u32,
}

fn retention(row: &Row) -> sqlx::Result<Retention> {
    Ok(Retention {
        days: row.number("days")?,
        ran_at: row.maybe_time("ran_at")?,
        forgot: row.get::<Option<i64>>("forgot")?.and_then(|forgot| forgot.try_into().ok()).unwrap_or(0),
    })
}

fn claimed(row: &Row) -> sqlx::Result<(CustomerId, Retention)> {
    Ok((CustomerId(row.get("customer_id")?), retention(row)?))
}

impl Store {
    /// How long a customer keeps it; none where for ever.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn retention(&self, of: CustomerId) -> Result<Option<Retention>> {
        Ok(self.db.maybe(query(OF).bind(of.0)).await?.map(|row| retention(&row)).transpose()?)
    }

    /// Says how long; none is for ever.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn set_retention(&self, of: CustomerId, days: Option<u32>, entry: Entry) -> Result<()> {
        let set = self.deed((of, days, entry), |tx, (of, days, entry)| {
            Box::pin(async move {
                let set = match days {
                    Some(days) => query(SET).bind(of.0).bind(*days).bind(entry.now),
                    None => query(NEVER).bind(of.0),
                };
                tx.run(set).await?;
                audit::write(tx, *of, entry).await
            })
        });
        set.await?;
        self.retention_set.notify_one();
        Ok(())
    }

    /// Wakes whoever forgets when it was said here how long to keep; what was said elsewhere is found by asking.
    #[must_use]
    pub fn retention_was_set(&self) -> Arc<Notify> {
        self.retention_set.clone()
    }

    /// Takes a customer whose visitors are to be looked through; until `until` no other process does.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn claim_retention(&self, now: Ts, until: Ts) -> Result<Option<(CustomerId, Retention)>> {
        self.deed((now, until), |tx, (now, until)| {
            Box::pin(async move {
                let row = tx.maybe(query(CLAIM).bind(*now).bind(*until)).await?;
                Ok(row.map(|row| claimed(&row)).transpose()?)
            })
        })
        .await
    }

    /// Says again that it is being looked through; false where the customer keeps it for another time by now.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn hold_retention(&self, of: CustomerId, days: u32, until: Ts) -> Result<bool> {
        self.deed((of, days, until), |tx, (of, days, until)| {
            Box::pin(async move { Ok(tx.run(query(HOLD).bind(of.0).bind(*until).bind(*days)).await? == 1) })
        })
        .await
    }

    /// It was looked through: so many orders were forgotten, and it is looked through again at `next`.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn retention_ran(&self, of: CustomerId, forgot: u32, now: Ts, next: Ts) -> Result<()> {
        self.deed((of, forgot, now, next), |tx, (of, forgot, now, next)| {
            Box::pin(async move {
                tx.run(query(RAN).bind(of.0).bind(*forgot).bind(*now).bind(*next)).await?;
                Ok(())
            })
        })
        .await
    }
}

statements! {
    OF = "SELECT days, ran_at, forgot FROM retention WHERE customer_id = $1";
    SET = "INSERT INTO retention (customer_id, days, due_at) VALUES ($1, $2, $3)
        ON CONFLICT (customer_id) DO UPDATE SET days = excluded.days, due_at = excluded.due_at";
    NEVER = "DELETE FROM retention WHERE customer_id = $1";
    CLAIM = "UPDATE retention SET due_at = $2 WHERE customer_id = (
            SELECT customer_id FROM retention WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING customer_id, days, ran_at, forgot";
    HOLD = "UPDATE retention SET due_at = $2 WHERE customer_id = $1 AND days = $3";
    RAN = "UPDATE retention SET forgot = $2, ran_at = $3, due_at = $4 WHERE customer_id = $1";
}
