//! When sites' scripts were loaded last: the sign that the widget is there.

use super::db::{Row, query};
use super::{Result, Store, statements};
use crate::ids::{CustomerId, SiteId, SiteKey};
use callback_core::time::Ts;

/// By which pages a site's script was loaded last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sign {
    /// By one of the site's own.
    pub seen_at: Option<Ts>,
    /// By one elsewhere, where the widget does not show itself: its origin.
    pub elsewhere: Option<(String, Ts)>,
    /// When a page told what became of a dialog.
    pub told_at: Option<Ts>,
}

/// A site whose widget is not seen any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SilentSite {
    /// Which.
    pub key: SiteKey,
    /// As it is called.
    pub name: String,
    /// When it was seen last.
    pub seen_at: Ts,
}

impl Store {
    /// Keeps what was seen of sites; what is none of it stays as it was.
    ///
    /// # Errors
    /// The database is away.
    pub async fn keep_signs(&self, signs: Vec<(SiteId, Sign)>) -> Result<()> {
        self.deed(signs, |tx, signs| {
            Box::pin(async move {
                for (site, Sign { seen_at, elsewhere, told_at }) in signs {
                    let (origin, at) = elsewhere.clone().unzip();
                    let keep = query(KEEP).bind(site.0).bind(*seen_at).bind(origin).bind(at);
                    tx.run(keep.bind(*told_at)).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What was seen of a site.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sign(&self, site: SiteId) -> Result<Sign> {
        let sign = |row: Row| -> sqlx::Result<Sign> {
            let at = row.maybe_time("elsewhere_at")?;
            Ok(Sign {
                seen_at: row.maybe_time("seen_at")?,
                elsewhere: row.get::<Option<String>>("elsewhere")?.zip(at),
                told_at: row.maybe_time("told_at")?,
            })
        };
        let row = self.db.maybe(query(SIGN).bind(site.0)).await?;
        Ok(row.map(sign).transpose()?.unwrap_or_default())
    }

    /// Sites that are in use, were seen once, and not since `since`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn silent_sites(&self, of: CustomerId, since: Ts) -> Result<Vec<SilentSite>> {
        let line = |row: &Row| {
            Ok(SilentSite { key: row.parsed("key")?, name: row.get("name")?, seen_at: row.time("seen_at")? })
        };
        let rows = self.db.all(query(SILENT).bind(of.0).bind(since)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }
}

statements! {
    KEEP = "INSERT INTO signs (site_id, seen_at, elsewhere, elsewhere_at, told_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (site_id) DO UPDATE SET seen_at = COALESCE(excluded.seen_at, signs.seen_at),
            elsewhere = COALESCE(excluded.elsewhere, signs.elsewhere),
            elsewhere_at = COALESCE(excluded.elsewhere_at, signs.elsewhere_at),
            told_at = COALESCE(excluded.told_at, signs.told_at)";
    SIGN = "SELECT seen_at, elsewhere, elsewhere_at, told_at FROM signs WHERE site_id = $1";
    SILENT = "SELECT s.key, s.name, g.seen_at FROM sites s JOIN signs g ON g.site_id = s.id
        WHERE s.customer_id = $1 AND s.archived_at IS NULL AND s.version IS NOT NULL AND g.seen_at < $2
        ORDER BY s.name, s.key";
}
