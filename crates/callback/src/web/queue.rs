//! How long the queue is, without counting it for each order: a count is good for a moment, in which this process
//! knows what it has let in itself. Near the bound each order is counted for; beyond it a crowd is turned away by one count.

use super::App;
use crate::store;
use callback_core::time::Ts;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a count is good for: other processes let orders in too, and deferred ones become due.
const MOMENT: Duration = Duration::from_millis(20);

/// The last count.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Option<Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    at: Instant,
    waiting: u64,
    /// Let in here since, whether they wait or run.
    let_in: u64,
}

impl Queue {
    /// Whether as many orders wait as may; if not, one more is let in.
    pub(super) async fn is_full(&self, app: &App, now: Ts) -> store::Result<bool> {
        let most = u64::from(app.door.queue);
        if let Some(is_full) = self.known(most, Instant::now()) {
            return Ok(is_full);
        }
        let at = Instant::now();
        let waiting = app.store.waiting(now).await?;
        let let_in = u64::from(waiting < most);
        *self.lock() = Some(Count { at, waiting, let_in });
        Ok(let_in == 0)
    }

    /// What the last count says; nothing where it says nothing sure.
    fn known(&self, most: u64, now: Instant) -> Option<bool> {
        let mut last = self.lock();
        let count = last.as_mut().filter(|count| now.saturating_duration_since(count.at) < MOMENT)?;
        if count.waiting >= most {
            return Some(true);
        }
        let has_room = count.waiting + count.let_in < most;
        count.let_in += u64::from(has_room);
        has_room.then_some(false)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, MOMENT, Queue};
    use std::sync::Mutex;
    use std::time::Instant;

    #[test]
    fn a_count_is_good_for_a_moment_and_for_what_surely_fits() {
        let at = Instant::now();
        let check = |waiting, answers: &[Option<bool>]| {
            let queue = Queue(Mutex::new(Some(Count { at, waiting, let_in: 1 })));
            let given: Vec<_> = answers.iter().map(|_| queue.known(3, at)).collect();
            assert_eq!(given, answers);
            assert_eq!(queue.known(3, at + MOMENT), None);
        };
        check(0, &[Some(false), Some(false), None, None]);
        check(1, &[Some(false), None]);
        check(3, &[Some(true), Some(true)]);
        assert_eq!(Queue::default().known(3, at), None);
    }
}
