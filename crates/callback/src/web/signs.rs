//! By which pages sites' scripts are loaded: noted in memory as they are asked for, and written together now and then. What
//! a process that dies had noted since is lost; pages are loaded again.

use crate::clock::wall_now;
use crate::ids::SiteId;
use crate::store::{PublishedSite, Sign, Store};
use axum::http::{HeaderMap, header};
use callback_core::site::Origin;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often they are written.
const EVERY: Duration = Duration::from_secs(10);
/// Sites that are noted between; beyond them none is.
const MOST: usize = 100_000;

/// What was seen of sites since it was written last.
#[derive(Default)]
pub(crate) struct Signs(Mutex<HashMap<SiteId, Sign>>);

impl Signs {
    /// A page asks for a site's script. One that hides its address (Referrer-Policy) may be any.
    pub(super) fn note(&self, site: &PublishedSite, headers: &HeaderMap) {
        let page = headers.get(header::REFERER).and_then(|page| Origin::parse(page.to_str().ok()?).ok());
        let Some(page) = page else { return };
        let mut noted = self.lock();
        if noted.len() >= MOST && !noted.contains_key(&site.id) {
            return;
        }
        let sign = noted.entry(site.id).or_default();
        if site.body.origin.has(&page, site.body.subdomains) {
            sign.seen_at = Some(wall_now());
        } else {
            sign.elsewhere = Some((page.as_str().to_owned(), wall_now()));
        }
    }

    /// Writes what was noted; what the database does not take is noted still.
    pub(super) async fn flush(&self, store: &Store) {
        let signs: Vec<_> = self.lock().drain().collect();
        if signs.is_empty() || store.keep_signs(signs.clone()).await.is_ok() {
            return;
        }
        let mut noted = self.lock();
        for (site, sign) in signs {
            noted.entry(site).or_insert(sign);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Sign>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is noted now and then, and once more in the end.
pub(crate) async fn keep(signs: Arc<Signs>, store: Store, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
        signs.flush(&store).await;
    }
}
