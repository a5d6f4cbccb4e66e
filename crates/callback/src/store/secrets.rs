//! What this installation alone knows: all of its processes the same.

use super::db::query;
use super::{Error, Result, Store, statements};

/// Bytes of a secret.
const LENGTH: usize = 32;

impl Store {
    /// The secret of this name; `drawn`, where there is none yet.
    ///
    /// # Errors
    /// The database cannot be read, or not be written.
    pub async fn secret(&self, name: &'static str, drawn: [u8; LENGTH]) -> Result<Vec<u8>> {
        if let Some(row) = self.db.maybe(query(SECRET).bind(name)).await? {
            return Ok(row.get("secret")?);
        }
        self.deed((name, drawn), |tx, (name, drawn)| {
            Box::pin(async move {
                tx.run(query(KEEP).bind(*name).bind(drawn.to_vec())).await?;
                // Another process may have been faster.
                let row = tx.maybe(query(SECRET).bind(*name)).await?;
                Ok(row.ok_or(Error::Closed)?.get("secret")?)
            })
        })
        .await
    }
}

statements! {
    SECRET = "SELECT secret FROM secrets WHERE name = $1";
    KEEP = "INSERT INTO secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
}
