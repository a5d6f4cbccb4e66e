//! How long the queue is, without counting it for each order: a count is good for a moment, in which this process
//! knows what it has let in itself. Orders that are on their way to the store wait too.

use super::App;
use crate::store;
use callback_core::time::Ts;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a count is good for: other processes let orders in too, and deferred ones become due.
const MOMENT: Duration = Duration::from_millis(20);
/// The same where it leaves no room: orders are claimed all the time.
const GLANCE: Duration = Duration::from_millis(2);

/// The last count, and the orders that were let in and are not stored yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    last: Mutex<Option<Count>>,
    entering: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    at: Instant,
    waiting: u64,
    /// Let in here since, whether they wait or run.
    let_in: u64,
    /// Since when somebody counts again.
    counted_again: Option<Instant>,
}

/// A place in the queue, until the order is stored or is none.
#[derive(Debug)]
pub(super) struct Entering(Arc<Queue>);

impl Drop for Entering {
    fn drop(&mut self) {
        self.0.entering.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    /// Lets an order in, unless as many wait as may.
    pub(super) async fn enter(self: &Arc<Self>, app: &App, now: Ts) -> store::Result<Option<Entering>> {
        let most = u64::from(app.door.queue);
        let is_full = match self.known(most, Instant::now()) {
            Some(is_full) => is_full,
            None => {
                let at = Instant::now();
                // Those that are stored meanwhile are counted twice, and not left out.
                let waiting = self.entering.load(Ordering::Relaxed) + app.store.waiting(now).await?;
                let is_full = waiting >= most;
                let let_in = u64::from(!is_full);
                *self.lock() = Some(Count { at, waiting, let_in, counted_again: None });
                is_full
            }
        };
        Ok((!is_full).then(|| {
            self.entering.fetch_add(1, Ordering::Relaxed);
            Entering(Arc::clone(self))
        }))
    }

    /// What the last count says of one more; nothing where it is to be counted again, which one does for all.
    fn known(&self, most: u64, now: Instant) -> Option<bool> {
        let mut last = self.lock();
        let count = last.as_mut()?;
        let has_room = count.waiting + count.let_in < most;
        let good_for = if has_room { MOMENT } else { GLANCE };
        let since = |at| now.saturating_duration_since(at);
        if since(count.at) >= good_for && count.counted_again.is_none_or(|at| since(at) >= MOMENT) {
            count.counted_again = Some(now);
            return None;
        }
        count.let_in += u64::from(has_room);
        Some(!has_room)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Count>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, GLANCE, MOMENT, Queue};
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    #[test]
    fn a_count_is_good_for_a_moment_and_for_a_glance_where_it_leaves_no_room() {
        let at = Instant::now();
        let check = |waiting, answers: &[(Duration, Option<bool>)]| {
            let count = Count { at, waiting, let_in: 1, counted_again: None };
            let queue = Queue { last: Mutex::new(Some(count)), ..Queue::default() };
            for (after, answer) in answers {
                assert_eq!(queue.known(3, at + *after), *answer, "{waiting} waiting, {after:?} later");
            }
        };
        let now = Duration::ZERO;
        check(
            0,
            &[
                (now, Some(false)),
                (now, Some(false)),
                (now, Some(true)),
                (GLANCE, None),
                (GLANCE, Some(true)),
            ],
        );
        check(1, &[(GLANCE, Some(false)), (GLANCE, None), (GLANCE, Some(true)), (GLANCE + MOMENT, None)]);
        check(3, &[(now, Some(true)), (GLANCE, None)]);
        check(0, &[(MOMENT, None), (MOMENT, Some(false))]);
        assert_eq!(Queue::default().known(3, at), None);
    }
}
