//! How often sites' dialogs were shown, taken up, ordered in, and came to a talk.

use super::db::query;
use super::{Result, Store, statements};
use crate::ids::{CustomerId, SiteId};
use callback_core::time::Ts;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Where and why a dialog was there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shown {
    /// Of which site.
    pub site: SiteId,
    /// On which day of its customer's.
    pub day: Date,
    /// By which rule, like `hot/2`; empty where somebody opened it.
    pub rule: String,
    /// On which page.
    pub page: String,
}

/// What became of dialogs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shows {
    /// Shown by themselves.
    pub shown: u32,
    /// Taken up: somebody pressed or wrote something.
    pub opened: u32,
    /// Closed.
    pub closed: u32,
    /// Orders that were made in them.
    pub ordered: u32,
    /// Those that came to a talk.
    pub connected: u32,
}

impl Store {
    /// Adds what was counted; orders are counted of calls.
    ///
    /// # Errors
    /// The database is away.
    pub async fn count_shows(&self, counted: Vec<(Shown, Shows)>) -> Result<()> {
        self.deed(counted, |tx, counted| {
            Box::pin(async move {
                for (Shown { site, day, rule, page }, shows) in counted {
                    let row = query(COUNT).bind(site.0).bind(day.to_string()).bind(&**rule).bind(&**page);
                    tx.run(row.bind(shows.shown).bind(shows.opened).bind(shows.closed)).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What became of a site's dialogs since a day that began at `from`, by the rule.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn shows(
        &self,
        of: CustomerId,
        site: SiteId,
        since: Date,
        from: Ts,
    ) -> Result<BTreeMap<String, Shows>> {
        let mut found: BTreeMap<String, Shows> = BTreeMap::new();
        for row in self.db.all(query(SHOWS).bind(site.0).bind(since.to_string())).await? {
            let line = found.entry(row.get("rule")?).or_default();
            line.shown = row.number("shown")?;
            line.opened = row.number("opened")?;
            line.closed = row.number("closed")?;
        }
        for row in self.db.all(query(ORDERS).bind(of.0).bind(from).bind(site.0)).await? {
            let line = found.entry(row.get("rule")?).or_default();
            line.ordered = row.number("ordered")?;
            line.connected = row.number("connected")?;
        }
        Ok(found)
    }
}

statements! {
    COUNT = "INSERT INTO shows (site_id, day, rule, page, shown, opened, closed) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (site_id, day, rule, page) DO UPDATE SET shown = shows.shown + excluded.shown,
            opened = shows.opened + excluded.opened, closed = shows.closed + excluded.closed";
    SHOWS = "SELECT rule, CAST(SUM(shown) AS BIGINT) AS shown, CAST(SUM(opened) AS BIGINT) AS opened,
            CAST(SUM(closed) AS BIGINT) AS closed
        FROM shows WHERE site_id = $1 AND day >= $2 GROUP BY rule";
    ORDERS = "SELECT COALESCE(rule, '') AS rule, COUNT(*) AS ordered,
            COUNT(CASE WHEN disposition = 'connected' THEN 1 END) AS connected
        FROM tallies WHERE customer_id = $1 AND accepted_at >= $2 AND site_id = $3
            AND source_kind NOT IN ('test', 'cabinet') GROUP BY COALESCE(rule, '')";
}
