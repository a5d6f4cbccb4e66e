//! Published sites as they were read, until anything is published. It asks nobody: what is missing is read by whoever
//! asked, and kept here.

use super::words::PublishedSite;
use crate::ids::{SiteId, SiteKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Sites that are kept, of each kind.
const SITES: usize = 10_000;

/// The sites that were read.
pub(super) struct Kept {
    /// Changes with every change of settings.
    epoch: watch::Receiver<u64>,
    sites: Mutex<Sites>,
}

/// What was read at one epoch.
#[derive(Default)]
struct Sites {
    epoch: u64,
    by_key: BTreeMap<SiteKey, Arc<PublishedSite>>,
    /// As orders were admitted by.
    by_version: BTreeMap<(SiteId, u32), Arc<PublishedSite>>,
}

impl Kept {
    pub(super) fn new(epoch: watch::Receiver<u64>) -> Self {
        Self { epoch, sites: Mutex::default() }
    }

    /// To be taken before a site is read: what was read under an older one may be older than what is published.
    pub(super) fn epoch(&self) -> u64 {
        *self.epoch.borrow()
    }

    pub(super) fn by_key(&self, key: &SiteKey) -> Option<Arc<PublishedSite>> {
        self.sites().by_key.get(key).cloned()
    }

    pub(super) fn by_version(&self, version: (SiteId, u32)) -> Option<Arc<PublishedSite>> {
        self.sites().by_version.get(&version).cloned()
    }

    pub(super) fn keep_by_key(&self, epoch: u64, key: &SiteKey, site: &Arc<PublishedSite>) {
        let mut sites = self.sites();
        if sites.epoch == epoch {
            keep(&mut sites.by_key, key.clone(), site);
        }
    }

    pub(super) fn keep_by_version(&self, epoch: u64, version: (SiteId, u32), site: &Arc<PublishedSite>) {
        let mut sites = self.sites();
        if sites.epoch == epoch {
            keep(&mut sites.by_version, version, site);
        }
    }

    /// Something was published by this process: it knows before the epoch says so.
    pub(super) fn forget(&self) {
        let mut sites = self.sites();
        *sites = Sites { epoch: sites.epoch, ..Sites::default() };
    }

    /// What was read at the present epoch.
    fn sites(&self) -> MutexGuard<'_, Sites> {
        let epoch = self.epoch();
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.epoch != epoch {
            *sites = Sites { epoch, ..Sites::default() };
        }
        sites
    }
}

fn keep<K: Ord>(sites: &mut BTreeMap<K, Arc<PublishedSite>>, key: K, site: &Arc<PublishedSite>) {
    if sites.len() >= SITES {
        sites.clear();
    }
    sites.insert(key, Arc::clone(site));
}
