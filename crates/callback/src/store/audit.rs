//! Who changed what at a customer; written in the transaction of the change.

use super::db::{Row, Tx, query};
use super::types::Json;
use super::{Result, Store, statements};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use serde_json::Value;
use uuid::Uuid;

/// Something that was done.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Who did it; none where it was a file or the service.
    pub user: Option<Uuid>,
    /// How he was called then.
    pub who: String,
    /// What, like `site.publish`.
    pub what: &'static str,
    /// To what: a site's key, a person's address.
    pub object: String,
    /// What there is to tell of it.
    pub detail: Value,
    /// When.
    pub now: Ts,
}

/// An entry that was written.
#[derive(Clone, PartialEq, Debug)]
pub struct EntryRow {
    /// Its id; they grow with time.
    pub id: Uuid,
    /// When.
    pub at: Ts,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// To what.
    pub object: String,
    /// What there is to tell of it.
    pub detail: Value,
}

pub(super) async fn write(tx: &mut Tx, customer: CustomerId, entry: &Entry) -> Result<()> {
    let write = query(WRITE).bind(Uuid::now_v7()).bind(customer.0).bind(entry.now).bind(entry.user);
    let write = write.bind(entry.who.as_str()).bind(entry.what).bind(entry.object.as_str());
    tx.run(write.bind(Json::of(&entry.detail)?)).await?;
    Ok(())
}

impl Store {
    /// Writes down what was done that changes nothing.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn note_deed(&self, of: CustomerId, entry: Entry) -> Result<()> {
        self.deed((of, entry), |tx, (of, entry)| Box::pin(write(tx, *of, entry))).await
    }

    /// What was done at a customer, the newest first; `before` is the last entry of the page before.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit(
        &self,
        customer: CustomerId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<EntryRow>> {
        let before = before.unwrap_or(Uuid::max());
        let rows = self.db.all(query(READ).bind(customer.0).bind(before).bind(limit)).await?;
        let entry = |row: &Row| {
            Ok(EntryRow {
                id: row.get("id")?,
                at: row.time("at")?,
                who: row.get("who")?,
                what: row.get("what")?,
                object: row.get("object")?,
                detail: row.json("detail")?,
            })
        };
        Ok(rows.iter().map(entry).collect::<sqlx::Result<_>>()?)
    }
}

statements! {
    WRITE = "INSERT INTO audit (id, customer_id, at, user_id, who, what, object, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    READ = "SELECT id, at, who, what, object, detail FROM audit WHERE customer_id = $1 AND id < $2
        ORDER BY id DESC LIMIT $3";
}
