//! Sounds that customers sent in, to be played to their managers.

use super::db::query;
use super::{Result, Store, statements};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use uuid::Uuid;

/// Recordings of one customer. Versions of settings name them, so that none is ever deleted.
const MOST: usize = 200;

impl Store {
    /// Keeps a sound, a WAV file; its id, or none where the customer has too many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn keep_recording(&self, of: CustomerId, wav: Vec<u8>, now: Ts) -> Result<Option<Uuid>> {
        self.deed((of, Uuid::new_v4(), wav, now), |tx, (of, id, wav, now)| {
            Box::pin(async move {
                if tx.all(query(KNOWN).bind(of.0)).await?.len() >= MOST {
                    return Ok(None);
                }
                tx.run(query(KEEP).bind(*id).bind(of.0).bind(*now).bind(wav.clone())).await?;
                Ok(Some(*id))
            })
        })
        .await
    }

    /// A sound, as it was sent.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn recording(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
        let row = self.db.maybe(query(WAV).bind(id)).await?;
        Ok(row.map(|row| row.get("wav")).transpose()?)
    }

    /// Whether a sound is this customer's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_recording(&self, of: CustomerId, id: Uuid) -> Result<bool> {
        Ok(self.db.maybe(query(OF).bind(id).bind(of.0)).await?.is_some())
    }
}

statements! {
    KNOWN = "SELECT id FROM recordings WHERE customer_id = $1";
    KEEP = "INSERT INTO recordings (id, customer_id, sent_at, wav) VALUES ($1, $2, $3, $4)";
    WAV = "SELECT wav FROM recordings WHERE id = $1";
    OF = "SELECT id FROM recordings WHERE id = $1 AND customer_id = $2";
}
