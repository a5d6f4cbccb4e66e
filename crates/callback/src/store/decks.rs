//! What carriers take and what is added to it: decks and markups, each version as it was set. They are inserted and never
//! changed, and a call names those that it is charged by.

use super::db::{Row, query};
use super::{Result, Store, statements};
use callback_core::billing::Edition;
use callback_core::id::CustomerId;
use callback_core::money::{Currency, Micros};
use callback_core::rating::charge::Markup;
use callback_core::rating::deck::DeckId;
use callback_core::time::Ts;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// A deck, as it was imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeckFile {
    /// Whose calls it rates, by its name.
    pub trunk: Arc<str>,
    /// Of all its amounts.
    pub currency: Currency,
    /// By whose midnights its dates count: an IANA name.
    pub time_zone: String,
    /// The file.
    pub file: Vec<u8>,
}

impl Store {
    /// Puts a deck in force for the calls that begin from then on; which one it is.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn import_deck(&self, deck: DeckFile, at: Ts) -> Result<Edition> {
        self.deed((deck, Uuid::new_v4(), at), |tx, (deck, id, at)| {
            Box::pin(async move {
                let find = query(LAST_OF).bind(&*deck.trunk).bind(deck.currency.to_string());
                let last = tx.maybe(find).await?.map(|row| edition(&row)).transpose()?;
                let first = Edition { deck: DeckId(*id), version: 0 };
                let Edition { deck: id, version } = last.unwrap_or(first);
                let row = query(IMPORT).bind(id.0).bind(version + 1).bind(&*deck.trunk);
                let row = row.bind(deck.currency.to_string()).bind(deck.time_zone.as_str());
                tx.run(row.bind(deck.file.clone()).bind(*at)).await?;
                Ok(Edition { deck: id, version: version + 1 })
            })
        })
        .await
    }

    /// The decks in force of a currency, by trunk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn decks(&self, currency: Currency) -> Result<BTreeMap<Arc<str>, Edition>> {
        let rows = self.db.all(query(IN_FORCE).bind(currency.to_string())).await?;
        let line = |row: &Row| Ok((row.get::<String>("trunk")?.into(), edition(row)?));
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// A deck, as it was imported.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn deck_file(&self, Edition { deck, version }: Edition) -> Result<Option<DeckFile>> {
        let row = self.db.maybe(query(FILE).bind(deck.0).bind(version)).await?;
        let read = |row: Row| {
            Ok(DeckFile {
                trunk: row.get::<String>("trunk")?.into(),
                currency: row.parsed("currency")?,
                time_zone: row.get("time_zone")?,
                file: row.get("file")?,
            })
        };
        Ok(row.map(read).transpose().map_err(|error: sqlx::Error| error)?)
    }

    /// Puts a markup in force for the calls that begin from then on: of all customers, or of one; its version.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn set_markup(
        &self,
        customer: Option<CustomerId>,
        currency: Currency,
        markup: Markup,
        at: Ts,
    ) -> Result<u32> {
        self.deed((customer, currency, markup, at), |tx, (customer, currency, markup, at)| {
            Box::pin(async move {
                let row = query(SET_MARKUP)
                    .bind(customer.map(|of| of.0))
                    .bind(currency.to_string())
                    .bind(markup.percent.to_string())
                    .bind(markup.per_minute.0)
                    .bind(markup.floor_per_minute.0)
                    .bind(*at);
                let set = tx.maybe(row).await?.ok_or(sqlx::Error::RowNotFound)?;
                Ok(set.number("version")?)
            })
        })
        .await
    }

    /// The markup in force for a customer: his own where he has one, or that of all; nothing where none was set.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn markup(&self, of: CustomerId, currency: Currency) -> Result<Markup> {
        let find = |text| query(text).bind(currency.to_string());
        let own = self.db.maybe(find(OWN_MARKUP).bind(of.0)).await?.map(|row| markup(&row)).transpose()?;
        let general = self.db.maybe(find(GENERAL_MARKUP)).await?.map(|row| markup(&row)).transpose()?;
        Ok(Markup::for_customer(general.unwrap_or_default(), own))
    }
}

fn edition(row: &Row) -> sqlx::Result<Edition> {
    Ok(Edition { deck: DeckId(row.get("id")?), version: row.number("version")? })
}

fn markup(row: &Row) -> sqlx::Result<Markup> {
    Ok(Markup {
        version: row.number("version")?,
        percent: row.parsed("percent")?,
        per_minute: Micros(row.get("per_minute")?),
        floor_per_minute: Micros(row.get("floor_per_minute")?),
    })
}

statements! {
    LAST_OF = "SELECT id, version FROM decks WHERE trunk = $1 AND currency = $2 ORDER BY version DESC LIMIT 1";
    IMPORT = "INSERT INTO decks (id, version, trunk, currency, time_zone, file, published_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    IN_FORCE = "SELECT d.trunk, d.id, d.version FROM decks d WHERE d.currency = $1 AND d.version =
        (SELECT MAX(version) FROM decks WHERE trunk = d.trunk AND currency = d.currency)";
    FILE = "SELECT trunk, currency, time_zone, file FROM decks WHERE id = $1 AND version = $2";
    SET_MARKUP = "INSERT INTO markups (version, customer_id, currency, percent, per_minute, floor_per_minute, set_at)
        VALUES ((SELECT COALESCE(MAX(version), 0) + 1 FROM markups), $1, $2, $3, $4, $5, $6) RETURNING version";
    OWN_MARKUP = "SELECT version, percent, per_minute, floor_per_minute FROM markups
        WHERE currency = $1 AND customer_id = $2 ORDER BY version DESC LIMIT 1";
    GENERAL_MARKUP = "SELECT version, percent, per_minute, floor_per_minute FROM markups
        WHERE currency = $1 AND customer_id IS NULL ORDER BY version DESC LIMIT 1";
}
