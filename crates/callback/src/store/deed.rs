//! A write of the cabinet: a function over a transaction, run as often as the transaction is tried.

use super::db::Tx;
use super::writer::{Slot, Work};
use super::{Result, Store};
use futures_util::future::BoxFuture;

/// What the writer runs and answers, whatever it is.
pub(super) trait Deed: Send {
    /// Does it within a transaction; trouble of the database is the transaction's.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, sqlx::Result<()>>;
    /// The database will never take it.
    fn fail(&mut self, error: sqlx::Error);
    /// It is durable: whoever waits is told.
    fn tell(self: Box<Self>);
}

/// How it is done.
type Done<D, T> = for<'a> fn(&'a mut Tx, &'a D) -> BoxFuture<'a, Result<T>>;

struct Doing<D, T> {
    data: D,
    how: Done<D, T>,
    slot: Slot<T>,
}

impl<D: Send + Sync, T: Send> Deed for Doing<D, T> {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            let answer = (self.how)(tx, &self.data).await;
            self.slot.fill(answer)
        })
    }

    fn fail(&mut self, error: sqlx::Error) {
        self.slot.fail(error);
    }

    fn tell(self: Box<Self>) {
        self.slot.tell();
    }
}

impl Store {
    /// Writes, and waits until it is durable.
    pub(super) async fn deed<D, T>(&self, data: D, how: Done<D, T>) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.ask(|slot| Work::Deed(Box::new(Doing { data, how, slot }))).await
    }
}
