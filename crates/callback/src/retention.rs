//! Visitors are forgotten when their customer's time is over: looked for every hour, some orders at a time, by one process
//! for each customer. Who asks that somebody be forgotten at once is answered by the cabinet.

use crate::clock::wall_now;
use crate::ids::CustomerId;
use crate::store::{Forgetting, Forgotten, Result, Store};
use callback_core::id::OrderId;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How often customers are looked for whose time has come.
const LOOK: Duration = Duration::from_secs(60);
/// How often the orders of one are looked through.
const EVERY: Duration = Duration::from_secs(3_600);
/// A process that is silent for so long has died.
const LEASE: Duration = Duration::from_secs(300);
/// Between two steps calls have the database for themselves.
const BREATH: Duration = Duration::from_millis(50);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Forgets what is to be forgotten until the service stops.
pub(crate) async fn keep(store: Store, recordings: Option<Arc<Path>>, mut stop: watch::Receiver<bool>) {
    let set = store.retention_was_set();
    while !*stop.borrow() {
        let now = wall_now();
        // A database that is away is the writer's trouble, and said there.
        let claimed = store.claim_retention(now, now + LEASE).await.unwrap_or(None);
        let pause = match claimed {
            Some((of, retention)) => {
                match forget(&store, recordings.as_deref(), of, retention.days, &stop).await {
                    Ok(Some(forgot)) => {
                        let now = wall_now();
                        // What is not written down is done again.
                        let _again = store.retention_ran(of, forgot, now, now + EVERY).await;
                        if forgot > 0 {
                            tracing::info!(forgot, "orders whose time is over have no visitor any more");
                        }
                    }
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "visitors are not forgotten; it is tried again"),
                }
                Duration::ZERO
            }
            None => LOOK,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = set.notified() => {}
            _ = stop.changed() => return,
        }
    }
}

/// Forgets a customer's visitors of so many days ago: how many orders, or none where it is stopped before it is done.
async fn forget(
    store: &Store,
    recordings: Option<&Path>,
    of: CustomerId,
    days: u32,
    stop: &watch::Receiver<bool>,
) -> Result<Option<u32>> {
    let secret = Uuid::new_v4();
    let mut forgot = 0_u32;
    while !*stop.borrow() {
        let now = wall_now();
        if !store.hold_retention(of, days, now + LEASE).await? {
            return Ok(None);
        }
        let what = Forgetting::Before(now - DAY * days);
        let Forgotten::Orders(orders) = store.forget(of, what, secret, now).await? else {
            return Ok(Some(forgot));
        };
        if orders.is_empty() {
            return Ok(Some(forgot));
        }
        forgot = forgot.saturating_add(u32::try_from(orders.len()).unwrap_or(u32::MAX));
        unheard(recordings, &orders).await;
        tokio::time::sleep(BREATH).await;
    }
    Ok(None)
}

/// Deletes what the legs of these orders heard, where that was recorded.
pub(crate) async fn unheard(recordings: Option<&Path>, orders: &[OrderId]) {
    for order in orders {
        let Some(folder) = recordings.map(|folder| folder.join(order.to_string())) else { return };
        match tokio::fs::remove_dir_all(&folder).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "what a call's legs heard is not deleted");
            }
            _ => {}
        }
    }
}
