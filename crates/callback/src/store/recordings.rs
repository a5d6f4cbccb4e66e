//! Sounds that customers sent in, to be played to their managers.

use super::db::{Row, Tx, query};
use super::{Result, Store, statements};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Recordings of one customer.
const MOST: usize = 200;
/// One that no settings name is kept so long: somebody may be about to choose it.
const TRIED: Duration = Duration::from_secs(24 * 3_600);

impl Store {
    /// Keeps a sound, a WAV file; its id, or none where the customer has too many. Before that happens, those make room
    /// that no settings name.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn keep_recording(&self, of: CustomerId, wav: Vec<u8>, now: Ts) -> Result<Option<Uuid>> {
        self.deed((of, Uuid::new_v4(), wav, now), |tx, (of, id, wav, now)| {
            Box::pin(async move {
                let known = tx.all(query(KNOWN).bind(of.0)).await?;
                if known.len() >= MOST && make_room(tx, *of, &known, *now - TRIED).await? == 0 {
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

/// Deletes those of a customer's recordings that were sent before then and that neither a version nor a draft names; how
/// many.
async fn make_room(tx: &mut Tx, of: CustomerId, known: &[Row], before: Ts) -> Result<usize> {
    let named: sqlx::Result<BTreeSet<String>> =
        tx.all(query(NAMED).bind(of.0)).await?.iter().map(|row| row.get("id")).collect();
    let named = named?;
    let mut deleted = 0;
    for row in known {
        let (id, sent_at): (Uuid, Ts) = (row.get("id")?, row.time("sent_at")?);
        if sent_at < before && !named.contains(&id.to_string()) {
            tx.run(query(DELETE).bind(id)).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

statements! {
    KNOWN = "SELECT id, sent_at FROM recordings WHERE customer_id = $1";
    NAMED = "SELECT v.body ->> 'own_recording' AS id FROM sites s JOIN site_versions v ON v.site_id = s.id \
        WHERE s.customer_id = $1 AND v.body ->> 'own_recording' IS NOT NULL \
        UNION SELECT d.body ->> 'own_recording' AS id FROM sites s JOIN drafts d ON d.owner = s.id \
        WHERE s.customer_id = $1 AND d.body ->> 'own_recording' IS NOT NULL";
    DELETE = "DELETE FROM recordings WHERE id = $1";
    KEEP = "INSERT INTO recordings (id, customer_id, sent_at, wav) VALUES ($1, $2, $3, $4)";
    WAV = "SELECT wav FROM recordings WHERE id = $1";
    OF = "SELECT id FROM recordings WHERE id = $1 AND customer_id = $2";
}
