//! The letters of a day: written when their evening has come, or as soon as a process is up after it.

use crate::clock::wall_now;
use crate::store::Store;
use std::time::Duration;
use tokio::sync::watch;

/// How often days are looked for that another process's calls made due.
const LOOK: Duration = Duration::from_secs(60);

/// Writes what is due until the service stops.
pub(crate) async fn daily(store: Store, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // A database that is away is the writer's trouble, and said there.
        let next = store.next_digest().await.unwrap_or(None);
        let now = wall_now();
        let pause = match next {
            Some(next) if next > now => next.since(now).min(LOOK),
            Some(_) if store.write_digest(now).await.unwrap_or(false) => Duration::ZERO,
            Some(_) | None => LOOK,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
    }
}
