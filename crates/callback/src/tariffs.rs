//! Decks at hand: each version is read once, for all calls that are charged by it. It decides no price; that is the core's.

use crate::store::Store;
use anyhow::{Context as _, Result};
use callback_core::billing::{Edition, Tariff, Terms};
use callback_core::rating::deck::{Deck, Rates};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// A deck that is read, or is being read.
type Shelf = Arc<OnceCell<Arc<Deck>>>;

/// Decks at hand; clones are the same.
#[derive(Clone)]
pub(crate) struct Tariffs {
    store: Store,
    decks: Arc<Mutex<BTreeMap<Edition, Shelf>>>,
}

impl Tariffs {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, decks: Arc::default() }
    }

    /// Terms, with what their decks say.
    ///
    /// # Errors
    /// The database cannot be read, or does not have a deck.
    pub(crate) async fn of(&self, terms: Terms) -> Result<Tariff> {
        let mut decks = Vec::new();
        for edition in terms.decks.values() {
            decks.push(self.deck(*edition).await?);
        }
        Ok(Tariff::new(terms, decks))
    }

    /// A version of a deck.
    ///
    /// # Errors
    /// The database cannot be read, or does not have it.
    pub(crate) async fn deck(&self, edition: Edition) -> Result<Arc<Deck>> {
        let shelf = self.shelf(edition);
        let deck = shelf.get_or_try_init(|| read(&self.store, edition)).await?;
        Ok(deck.clone())
    }

    fn shelf(&self, edition: Edition) -> Shelf {
        let mut decks = self.decks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = decks.get(&edition) {
            return shelf.clone();
        }
        // Calls under way keep what they are charged by; the rest of a deck's earlier versions makes room.
        let is_in_use = |shelf: &Shelf| shelf.get().is_none_or(|deck| Arc::strong_count(deck) > 1);
        decks.retain(|known, shelf| known.deck != edition.deck || is_in_use(shelf));
        decks.entry(edition).or_default().clone()
    }
}

async fn read(store: &Store, edition: Edition) -> Result<Arc<Deck>> {
    let Edition { deck: id, version } = edition;
    let stored = store.deck_file(edition).await?;
    let stored = stored.with_context(|| format!("there is no version {version} of the deck {}", id.0))?;
    let zone = TimeZone::get(&stored.time_zone)?;
    // A long deck takes a second, which is spent beside the tasks that drive calls.
    let rates = tokio::task::spawn_blocking(move || Rates::parse(&stored.file, &zone)).await??;
    Ok(Arc::new(Deck { id, version, trunk: stored.trunk, currency: stored.currency, rates }))
}
