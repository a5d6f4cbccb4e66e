//! A deck's import: what differs from the deck in force, and then the deck itself, whole or not at all.

use super::{Import, billing};
use crate::cli::tell;
use crate::clock::wall_now;
use crate::config::Config;
use crate::store::{DeckFile, Store};
use crate::tariffs::Tariffs;
use anyhow::{Context as _, Result, bail};
use callback_core::rating::deck::{Prefix, Rate, Rates};
use callback_core::schedule;
use callback_core::time::Ts;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Lines of a difference that people are told.
const TOLD: usize = 200;
/// The trunk of practice, which no configuration names.
const PRACTICE: &str = "practice";

/// What an import changes.
#[derive(Serialize)]
struct Difference {
    trunk: String,
    currency: String,
    dry_run: bool,
    /// The version that it became, or would become.
    version: u32,
    rates: usize,
    changes: Vec<Change>,
}

/// A rate that differs.
#[derive(Serialize)]
struct Change {
    prefix: Prefix,
    /// The day from which it holds.
    from: String,
    description: String,
    before: Option<String>,
    after: Option<String>,
}

pub(super) async fn import(config: &Config, asked: &Import, as_json: bool) -> Result<()> {
    let billing = billing(config)?;
    let is_practice = config.practice.is_some() && asked.trunk == PRACTICE;
    if !is_practice && config.trunks.iter().all(|trunk| trunk.name != asked.trunk) {
        bail!("there is no trunk {:?} in the configuration", asked.trunk);
    }
    let file =
        std::fs::read(&asked.file).with_context(|| format!("{} cannot be read", asked.file.display()))?;
    let zone = TimeZone::get(&billing.time_zone)?;
    let rates = Rates::parse(&file, &zone)?;
    let currency = asked.currency.unwrap_or(billing.currency);
    let store = Store::open(config.database_url.expose()).await?;
    let in_force = store.decks(currency).await?.get(asked.trunk.as_str()).copied();
    let before = match in_force {
        Some(edition) => Some(Tariffs::new(store.clone()).deck(edition).await?),
        None => None,
    };
    let nothing = Rates::default();
    let changes = changes(before.as_ref().map_or(&nothing, |deck| &deck.rates), &rates, &zone);
    let mut version = in_force.map_or(0, |edition| edition.version) + 1;
    if !asked.dry_run {
        let time_zone = billing.time_zone.clone();
        let deck = DeckFile { trunk: asked.trunk.as_str().into(), currency, time_zone, file };
        version = store.import_deck(deck, wall_now()).await?.version;
    }
    store.close().await?;
    let difference = Difference {
        trunk: asked.trunk.clone(),
        currency: currency.to_string(),
        dry_run: asked.dry_run,
        version,
        rates: rates.rows().count(),
        changes,
    };
    tell(&difference, &difference, as_json);
    Ok(())
}

fn changes(before: &Rates, after: &Rates, zone: &TimeZone) -> Vec<Change> {
    type Row<'a> = (&'a Rate, &'a str);
    let by_day = |rates| -> BTreeMap<(Prefix, Ts), Row<'_>> {
        Rates::rows(rates).map(|(prefix, rate, name)| ((prefix, rate.from), (rate, name))).collect()
    };
    let (before, after) = (by_day(before), by_day(after));
    let mut all: Vec<_> = before.keys().chain(after.keys()).collect();
    all.sort_unstable_by_key(|(prefix, from)| (prefix.to_string(), *from));
    all.dedup();
    let told = |row: Option<&Row<'_>>| row.map(|(rate, _)| of(rate));
    let change = |key: &(Prefix, Ts)| {
        let (was, is) = (before.get(key), after.get(key));
        let (before, after) = (told(was), told(is));
        (before != after).then(|| Change {
            prefix: key.0,
            from: schedule::date(key.1, zone).map_or_else(String::new, |day| day.to_string()),
            description: is.or(was).map(|(_, name)| (*name).to_owned()).unwrap_or_default(),
            before,
            after,
        })
    };
    all.into_iter().filter_map(change).collect()
}

/// A rate in words: `1.500000 a minute, 0.200000 for the answer, 60/60`.
fn of(rate: &Rate) -> String {
    let Rate { per_minute, connect, initial_s, increment_s, .. } = rate;
    format!("{per_minute} a minute, {connect} for the answer, {initial_s}/{increment_s}")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.changes.iter().take(TOLD) {
            let Change { prefix, from, description, before, after } = change;
            match (before, after) {
                (None, Some(after)) => writeln!(f, "+ {prefix} {description} from {from}: {after}")?,
                (Some(before), None) => writeln!(f, "- {prefix} {description} from {from}: {before}")?,
                (Some(before), Some(after)) => {
                    writeln!(f, "~ {prefix} {description} from {from}: {before} -> {after}")?
                }
                (None, None) => {}
            }
        }
        if let Some(more @ 1..) = self.changes.len().checked_sub(TOLD) {
            writeln!(f, "and {more} more; --json tells all")?;
        }
        let Self { trunk, currency, version, rates, changes, .. } = self;
        let (is, count) = (if self.dry_run { "would be" } else { "is" }, changes.len());
        write!(
            f,
            "deck of {trunk} in {currency}: version {version} {is} in force, {rates} rates, {count} of them changed"
        )
    }
}
