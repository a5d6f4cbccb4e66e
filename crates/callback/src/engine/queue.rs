//! The queue as one process sees it: which orders it claims and how many, that it says it lives, and what it takes over
//! from those that died. What becomes of an order that was claimed is not its concern.

use super::{CHANNELS, Engine, Inner, LEASE, log_end, recovery};
use crate::clock::wall_now;
use crate::store::{Claimant, ClaimedOrder, Fact, Fence, Hold};
use anyhow::Context as _;
use callback_core::flow::VisitorState;
use callback_core::record::{CallRecord, NotCalled};
use callback_core::time::Ts;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How often due orders are looked for where nothing announces them.
const POLL: Duration = Duration::from_secs(1);
/// How many orders are claimed at once.
const BATCH: u32 = 64;

impl Engine {
    /// Claims orders as they come due, until the process closes.
    pub(super) async fn claim(self) {
        let mut recorded_at: Option<Instant> = None;
        loop {
            if self.is_closing() {
                return;
            }
            // The leases of a process that died a moment ago may still run: asked again, and again after a full batch.
            if recorded_at.is_none_or(|at| at.elapsed() > LEASE / 3) {
                let full = self.record_the_unrecorded().await;
                recorded_at = (!full).then(Instant::now);
            }
            let asked_at = Instant::now();
            let claimed = self.inner.tools.store.claim(self.claimant(), self.hold()).await;
            if asked_at.elapsed() > LEASE / 3 {
                self.distrust_leases();
            }
            match claimed {
                Ok(claimed) => {
                    let full = claimed.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                    for order in claimed {
                        self.begin(order);
                    }
                    if full {
                        continue;
                    }
                }
                Err(error) => tracing::error!(%error, "due orders could not be claimed"),
            }
            let _ = tokio::time::timeout(POLL, self.inner.wake.notified()).await;
        }
    }

    /// As much as the trunks can carry beside what runs.
    fn claimant(&self) -> Claimant {
        let taken: u32 = self.lock().values().map(|running| running.channels).sum();
        let room = self.inner.bounds.channels.saturating_sub(taken) / CHANNELS;
        let Inner { owner, bounds, .. } = &*self.inner;
        Claimant { owner: *owner, limit: BATCH, room: room.min(BATCH), guarded: bounds.guarded }
    }

    /// What is claimed is held so long. While leases are not trusted, none has lapsed.
    fn hold(&self) -> Hold {
        let hold = self.inner.tools.hold();
        let distrusted = self.inner.distrusted.lock().unwrap_or_else(PoisonError::into_inner);
        if distrusted.is_some_and(|until| Instant::now() < until) {
            Hold { lapsed: Ts(0), ..hold }
        } else {
            hold
        }
    }

    /// The database was away, and nobody could say that he lives: all get the time for it before what they have
    /// counts as a dead process's.
    fn distrust_leases(&self) {
        let until = Instant::now() + LEASE;
        *self.inner.distrusted.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Says that the running calls live, as long as there are any or may come any.
    pub(super) async fn renew(self) {
        let mut every = tokio::time::interval(LEASE / 3);
        loop {
            every.tick().await;
            let fences: Vec<Fence> = self.lock().values().map(|running| running.fence).collect();
            if fences.is_empty() {
                if self.is_closing() {
                    return;
                }
                continue;
            }
            match self.inner.tools.store.renew(fences, self.inner.tools.hold()).await {
                // The next write of such a call meets the lost fence, and lets go.
                Ok(lost) => lost.iter().filter(|fence| self.inbox(fence.order).is_some()).for_each(|fence| {
                    tracing::warn!(order = %fence.order, "another process has taken a call over");
                }),
                Err(error) => tracing::error!(%error, "the hold on running calls could not be renewed"),
            }
        }
    }

    /// Writes the records of calls that had ended when their process died. Whether there may be more.
    async fn record_the_unrecorded(&self) -> bool {
        let claimed = self.inner.tools.store.claim_unrecorded(self.claimant(), self.hold()).await;
        match claimed {
            Ok(claimed) => {
                let full = claimed.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                for order in claimed {
                    if let Err(error) = self.record(&order).await {
                        tracing::error!(order = %order.fence.order, %error, "a call that had ended is not recorded");
                    }
                }
                full
            }
            Err(error) => {
                tracing::error!(%error, "calls without a record could not be claimed");
                false
            }
        }
    }

    async fn record(&self, claimed: &ClaimedOrder) -> anyhow::Result<()> {
        let file =
            self.inner.tools.store.call(claimed.fence.order).await?.context("the order has no file")?;
        let VisitorState::Ended(disposition) = claimed.order.state else { return Ok(()) };
        let ended_at = claimed.order.ended_at.unwrap_or(claimed.last_sign);
        let record = match &claimed.plan {
            // What was told and stored is what became of it, whatever of the last tick was not.
            Some(plan) => CallRecord { disposition, ended_at, ..recovery::bury(&file, plan, ended_at) },
            None => CallRecord {
                disposition,
                ..CallRecord::refused(claimed.fence.order, 0, NotCalled::Interrupted, ended_at)
            },
        };
        if let Some(plan) = &claimed.plan {
            self.take_down(claimed, plan, wall_now()).await;
        }
        let mut facts = self.settled(&record, claimed.plan.as_ref()).await?;
        facts.push(Fact::Record(Box::new(record.clone()), claimed.plan.clone()));
        self.inner.tools.store.write(claimed.fence, facts).await?;
        log_end(&record);
        Ok(())
    }
}
