//! A write of the cabinet: a function over a transaction, run as often as the transaction is tried.

use super::db::Tx;
use super::writer::{Slot, Work};
use super::{Error, LONG, Result, Store};
use futures_util::future::BoxFuture;
use std::time::{Duration, Instant};

/// Whoever looks at a page waits so long for a write.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the writer runs and answers, whatever it is.
pub(super) trait Deed: Send {
    /// The line in which it stands before it decides.
    fn line(&self) -> Option<&'static str>;
    /// Does it within a transaction; trouble of the database is the transaction's.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, sqlx::Result<()>>;
    /// The database will never take it.
    fn fail(&mut self, error: sqlx::Error);
    /// It is done by now, though nobody waits for it any more.
    fn is_overdue(&self) -> bool;
    /// It is durable: whoever waits is told.
    fn tell(self: Box<Self>);
}

/// How it is done.
pub(super) type Done<D, T> = for<'a> fn(&'a mut Tx, &'a D) -> BoxFuture<'a, Result<T>>;

struct Doing<D, T> {
    line: Option<&'static str>,
    data: D,
    how: Done<D, T>,
    until: Instant,
    slot: Slot<T>,
}

impl<D: Send + Sync, T: Send> Deed for Doing<D, T> {
    fn line(&self) -> Option<&'static str> {
        self.line
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            let late = self.until < Instant::now();
            let answer = if late { Err(Error::TooLate) } else { (self.how)(tx, &self.data).await };
            self.slot.fill(answer)
        })
    }

    fn fail(&mut self, error: sqlx::Error) {
        self.slot.fail(error);
    }

    fn is_overdue(&self) -> bool {
        self.slot.is_overdue(self.until)
    }

    fn tell(self: Box<Self>) {
        self.slot.tell();
    }
}

impl Store {
    /// Writes, and waits until it is durable; or not at all, where the database is away or takes too long.
    pub(super) async fn deed<D, T>(&self, data: D, how: Done<D, T>) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        if self.trouble.borrow().is_some() {
            return Err(Error::TooLate);
        }
        self.deed_within(PATIENCE, None, data, how).await
    }

    /// The same, in line with others who decide by what they read.
    pub(super) async fn deed_in_line<D, T>(&self, line: &'static str, data: D, how: Done<D, T>) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.deed_within(LONG, Some(line), data, how).await
    }

    /// Writes however long the database is away: what has happened is written down.
    pub(super) async fn deed_at_last<D, T>(&self, data: D, how: Done<D, T>) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.deed_within(LONG, None, data, how).await
    }

    async fn deed_within<D, T>(
        &self,
        span: Duration,
        line: Option<&'static str>,
        data: D,
        how: Done<D, T>,
    ) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        let until = Instant::now() + span;
        let done = self.ask(|slot| Work::Deed(Box::new(Doing { line, data, how, until, slot })));
        tokio::time::timeout_at(until.into(), done).await.unwrap_or(Err(Error::TooLate))
    }
}
