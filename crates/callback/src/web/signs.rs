//! What pages say without ordering: that they loaded a site's script, that its dialog was shown, taken up or closed, and
//! what of the page stands in its way.
//! It is noted in memory, and written together now and then. What a process that dies had noted since is lost; orders are
//! not told here.

use super::App;
use super::door::Page;
use super::error::Problem;
use crate::clock::wall_now;
use crate::ids::SiteId;
use crate::store::{Fault, FaultKind, PublishedSite, Shown, Shows, Sign, Store};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use callback_core::arrival;
use callback_core::behaviour::has_rule;
use callback_core::schedule;
use callback_core::site::Origin;
use callback_core::time::Ts;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often they are written.
const EVERY: Duration = Duration::from_secs(10);
/// Sites, and places of dialogs, that are noted between; beyond them none is.
const MOST: usize = 100_000;
/// Letters of a policy's directive.
const DIRECTIVE: usize = 32;

/// What was noted since it was written last.
#[derive(Default)]
pub(crate) struct Signs(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    signs: HashMap<SiteId, Sign>,
    shows: HashMap<Shown, Shows>,
    faults: HashMap<(SiteId, FaultKind), (Ts, Option<String>)>,
}

/// What became of a dialog, or what the page is wrong about.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Event {
    Shown,
    Opened,
    Closed,
    /// Its policy forbade something of the service's.
    Blocked,
    /// The line is there twice.
    Twice,
}

/// What a page says of a dialog.
#[derive(Deserialize)]
struct Said {
    event: Event,
    /// By which rule it was shown; or which directive of the page's policy forbade something.
    rule: Option<String>,
    /// On which page.
    page: String,
}

/// `POST /w/v1/{site_key}/events`: counted, and answered with nothing.
pub(super) async fn events(
    State(app): State<App>,
    page: Page,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let said = serde_json::from_slice(&body?).map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    app.signs.count(&page.site, said);
    Ok(page.cors.on(StatusCode::NO_CONTENT.into_response()))
}

/// `GET /w/v1/{site_key}/blocked`: a page whose policy forbids to ask can load a module still, and tells so by that.
pub(super) async fn blocked(State(app): State<App>, page: Page) -> Response {
    app.signs.fault(page.site.id, FaultKind::Connect, Some("connect-src".to_owned()));
    let nothing = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    page.cors.on((nothing, "").into_response())
}

impl Signs {
    /// Something is wrong with a site's widget.
    fn fault(&self, site: SiteId, kind: FaultKind, detail: Option<String>) {
        let mut noted = self.lock();
        if noted.faults.len() < MOST || noted.faults.contains_key(&(site, kind)) {
            noted.faults.insert((site, kind), (wall_now(), detail));
        }
    }

    /// What is wrong with the address of a page of the site's.
    fn look_at(&self, site: &PublishedSite, page: &Origin) {
        let own = &site.body.origin;
        let bare = |origin: &Origin| origin.host().trim_start_matches("www.").to_owned();
        if page.as_str().starts_with("http:") && !is_here(page) {
            self.fault(site.id, FaultKind::Http, None);
        }
        if page.host() != own.host() && bare(page) == bare(own) {
            self.fault(site.id, FaultKind::Address, Some(page.host().to_owned()));
        }
    }

    /// A page asks for a site's script. One that hides its address (Referrer-Policy) may be any.
    pub(super) fn note(&self, site: &PublishedSite, headers: &HeaderMap) {
        let page = headers.get(header::REFERER).and_then(|page| Origin::parse(page.to_str().ok()?).ok());
        let Some(page) = page else { return };
        let is_own = site.body.origin.has(&page, site.body.subdomains);
        if is_own {
            self.look_at(site, &page);
        }
        let mut noted = self.lock();
        if noted.signs.len() >= MOST && !noted.signs.contains_key(&site.id) {
            return;
        }
        let sign = noted.signs.entry(site.id).or_default();
        if is_own {
            sign.seen_at = Some(wall_now());
        } else {
            sign.elsewhere = Some((page.as_str().to_owned(), wall_now()));
        }
    }

    fn count(&self, site: &PublishedSite, said: Said) {
        match said.event {
            Event::Blocked => {
                let directive: String = said.rule.unwrap_or_default().chars().take(DIRECTIVE).collect();
                let is_one = directive.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
                let kind = FaultKind::of_directive(&directive);
                return self.fault(site.id, kind, is_one.then_some(directive));
            }
            Event::Twice => return self.fault(site.id, FaultKind::Twice, None),
            Event::Shown | Event::Opened | Event::Closed => {}
        }
        let Some(day) = schedule::date(wall_now(), &site.zone()) else { return };
        let rule = said.rule.filter(|rule| has_rule(&site.body.scenarios(), rule)).unwrap_or_default();
        let page = arrival::page(&said.page, &site.body.origin).unwrap_or_default();
        let place = Shown { site: site.id, day, rule, page };
        let mut noted = self.lock();
        if noted.signs.len() < MOST || noted.signs.contains_key(&site.id) {
            noted.signs.entry(site.id).or_default().told_at = Some(wall_now());
        }
        if noted.shows.len() >= MOST && !noted.shows.contains_key(&place) {
            return;
        }
        let shows = noted.shows.entry(place).or_default();
        match said.event {
            Event::Shown => shows.shown += 1,
            Event::Opened => shows.opened += 1,
            Event::Closed => shows.closed += 1,
            Event::Blocked | Event::Twice => {}
        }
    }

    /// Writes what was noted. Of what the database does not take, signs are noted still; counts are lost.
    pub(super) async fn flush(&self, store: &Store) {
        let Noted { signs, shows, faults } = std::mem::take(&mut *self.lock());
        if !shows.is_empty() {
            let counted: Vec<_> = shows.into_iter().collect();
            if let Err(error) = store.count_shows(counted).await {
                tracing::warn!(%error, "counts of dialogs are lost");
            }
        }
        let faults = faults.into_iter();
        let faults: Vec<_> =
            faults.map(|((site, kind), (at, detail))| (site, Fault { kind, at, detail })).collect();
        if !faults.is_empty()
            && let Err(error) = store.keep_faults(faults).await
        {
            tracing::warn!(%error, "faults of widgets are lost; pages tell them again");
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

/// A page of this machine's own needs no TLS (W3C Secure Contexts §3.1).
fn is_here(page: &Origin) -> bool {
    let host = page.host();
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
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
