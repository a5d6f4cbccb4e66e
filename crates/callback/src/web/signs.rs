//! What pages say without ordering: that they loaded a site's script, and that its dialog was shown, taken up or closed.
//! It is noted in memory, and written together now and then. What a process that dies had noted since is lost; orders are
//! not told here.

use super::App;
use super::door::Page;
use super::error::Problem;
use crate::clock::wall_now;
use crate::ids::SiteId;
use crate::store::{PublishedSite, Shown, Shows, Sign, Store};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use callback_core::arrival;
use callback_core::behaviour::has_rule;
use callback_core::schedule;
use callback_core::site::Origin;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often they are written.
const EVERY: Duration = Duration::from_secs(10);
/// Sites, and places of dialogs, that are noted between; beyond them none is.
const MOST: usize = 100_000;

/// What was noted since it was written last.
#[derive(Default)]
pub(crate) struct Signs(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    signs: HashMap<SiteId, Sign>,
    shows: HashMap<Shown, Shows>,
}

/// What became of a dialog.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Event {
    Shown,
    Opened,
    Closed,
}

/// What a page says of a dialog.
#[derive(Deserialize)]
struct Said {
    event: Event,
    /// By which rule it was shown.
    rule: Option<String>,
    /// On which page.
    page: String,
}

/// `POST /w/v1/{site_key}/events`: counted, and answered with nothing.
pub(super) async fn events(State(app): State<App>, page: Page, body: Bytes) -> Result<Response, Problem> {
    let said = serde_json::from_slice(&body).map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    app.signs.count(&page.site, said);
    Ok(page.cors.on(StatusCode::NO_CONTENT.into_response()))
}

impl Signs {
    /// A page asks for a site's script. One that hides its address (Referrer-Policy) may be any.
    pub(super) fn note(&self, site: &PublishedSite, headers: &HeaderMap) {
        let page = headers.get(header::REFERER).and_then(|page| Origin::parse(page.to_str().ok()?).ok());
        let Some(page) = page else { return };
        let mut noted = self.lock();
        if noted.signs.len() >= MOST && !noted.signs.contains_key(&site.id) {
            return;
        }
        let sign = noted.signs.entry(site.id).or_default();
        if site.body.origin.has(&page, site.body.subdomains) {
            sign.seen_at = Some(wall_now());
        } else {
            sign.elsewhere = Some((page.as_str().to_owned(), wall_now()));
        }
    }

    fn count(&self, site: &PublishedSite, said: Said) {
        let Some(day) = schedule::date(wall_now(), &site.zone()) else { return };
        let rule = said.rule.filter(|rule| has_rule(&site.body.scenarios(), rule)).unwrap_or_default();
        let page = arrival::page(&said.page, &site.body.origin).unwrap_or_default();
        let place = Shown { site: site.id, day, rule, page };
        let mut noted = self.lock();
        if noted.shows.len() >= MOST && !noted.shows.contains_key(&place) {
            return;
        }
        let shows = noted.shows.entry(place).or_default();
        match said.event {
            Event::Shown => shows.shown += 1,
            Event::Opened => shows.opened += 1,
            Event::Closed => shows.closed += 1,
        }
    }

    /// Writes what was noted. Of what the database does not take, signs are noted still; counts are lost.
    pub(super) async fn flush(&self, store: &Store) {
        let Noted { signs, shows } = std::mem::take(&mut *self.lock());
        if !shows.is_empty() {
            let counted: Vec<_> = shows.into_iter().collect();
            if let Err(error) = store.count_shows(counted).await {
                tracing::warn!(%error, "counts of dialogs are lost");
            }
        }
        let signs: Vec<_> = signs.into_iter().collect();
        if signs.is_empty() || store.keep_signs(signs.clone()).await.is_ok() {
            return;
        }
        let mut noted = self.lock();
        for (site, sign) in signs {
            noted.signs.entry(site).or_insert(sign);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is noted now and then, and once more in the end.
pub(crate) async fn keep(signs: Arc<Signs>, store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        let is_over = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            _ = stop.changed() => true,
        };
        signs.flush(&store).await;
        if is_over {
            return;
        }
    }
}
