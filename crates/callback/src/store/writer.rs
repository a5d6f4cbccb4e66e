//! Group commit: one task gathers what all calls have waiting, writes it in one transaction, answers them all.
//!
//! Latency stays one commit, throughput becomes the disk's. A database that is away, locked or full is waited for,
//! with the order of everything kept; an item that the database will never take is answered with its error, and
//! the others of its batch are written without it. It knows nothing of what it writes.

use super::db::{Db, Tx, query};
use super::deed::Deed;
use super::stops::{self, StopBy};
use super::words::{Acceptance, Claimant, ClaimedOrder, Error, Fact, Fence, Hold, NewOrder};
use super::{Difference, Result, calls, guards, ledger, orders, sites, statements};
use crate::settings::SettingsFile;
use callback_core::flow::Detail;
use callback_core::id::OrderId;
use callback_core::ledger::{Booked, Booking};
use callback_core::number::PhoneNumber;
use callback_core::record::Disposition;
use callback_core::time::Ts;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Items that may wait. Live calls write behind, so this is minutes of a whole node's calls.
pub(super) const WAITING: usize = 262_144;
/// New orders are turned away from here on, so that the rest is left to running calls.
pub(super) const WAITING_WITH_ORDERS: usize = 16_384;
/// Items of one transaction.
const BATCH: usize = 1_024;
/// Under load commits begin so long after each other, so that many items share one.
const PACE: Duration = Duration::from_millis(2);
/// It is load where the commit before was shared by so many: some 500 calls a second. With fewer, waiting saves nothing
/// that is scarce.
const MANY: usize = 8;
/// How often the lines are emptied in which nobody stands any more.
const EMPTY_LINES: Duration = Duration::from_secs(60);
/// The first pause after a failed transaction; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One item: what to write, and who waits for it.
pub(super) enum Work {
    /// Not after this instant: whoever ordered has been told that it was not taken.
    Accept(Box<NewOrder>, Instant, Slot<Acceptance>),
    Claim(Claimant, Hold, Slot<Vec<ClaimedOrder>>),
    ClaimUnrecorded(Claimant, Hold, Slot<Vec<ClaimedOrder>>),
    Renew {
        fences: Vec<Fence>,
        hold: Hold,
        slot: Slot<Vec<Fence>>,
    },
    EndLeases(Slot<()>),
    EndUnclaimed {
        order: OrderId,
        disposition: Disposition,
        now: Ts,
        slot: Slot<bool>,
    },
    EndPretence {
        order: OrderId,
        disposition: Disposition,
        detail: Detail,
        now: Ts,
        slot: Slot<bool>,
    },
    Stop {
        phone: PhoneNumber,
        by: StopBy,
        at: Ts,
        slot: Slot<bool>,
    },
    LiftStop(PhoneNumber, Slot<bool>),
    Write(Fence, Vec<Fact>, Slot<()>),
    Apply {
        file: Arc<SettingsFile>,
        author: String,
        now: Ts,
        dry_run: bool,
        slot: Slot<Difference>,
    },
    /// Something that happens to a customer's money, not by a call.
    Book {
        booking: Box<Booking>,
        note: Option<String>,
        at: Ts,
        slot: Slot<Booked>,
    },
    /// What the cabinet writes.
    Deed(Box<dyn Deed>),
    /// Nothing: its answer says that all before it is written.
    Flush(Slot<()>),
}

/// An answer, and who waits for it: told when it is durable, and not before.
pub(super) struct Slot<T> {
    to: oneshot::Sender<Result<T>>,
    answer: Option<Result<T>>,
}

impl<T> Slot<T> {
    /// A slot, and where its answer comes out.
    pub(super) fn new() -> (Self, oneshot::Receiver<Result<T>>) {
        let (to, from) = oneshot::channel();
        (Self { to, answer: None }, from)
    }

    /// It is answered well, and by then whoever waited had been told that it would not be done.
    pub(super) fn is_overdue(&self, until: Instant) -> bool {
        matches!(self.answer, Some(Ok(_))) && until < Instant::now()
    }

    /// Takes the answer in; trouble of the database is not the answer, but the transaction's.
    pub(super) fn fill(&mut self, answer: Result<T>) -> sqlx::Result<()> {
        match answer {
            Err(Error::Database(error)) => Err(error),
            answer => {
                self.answer = Some(answer);
                Ok(())
            }
        }
    }

    pub(super) fn fail(&mut self, error: sqlx::Error) {
        self.answer = Some(Err(Error::Database(error)));
    }

    /// Nobody may wait any more, which is as well.
    pub(super) fn tell(self) {
        let _dropped = self.to.send(self.answer.unwrap_or(Err(Error::Closed)));
    }
}

/// What the writer lets others know.
pub(super) struct Signals {
    /// An order is due, or may be.
    pub(super) orders: Arc<Notify>,
    /// A letter is due, or may be.
    pub(super) letters: Arc<Notify>,
    /// Why nothing can be written, while nothing can.
    pub(super) trouble: watch::Sender<Option<Arc<str>>>,
}

/// Starts writing. SQLite is written where it is called, so its writer has a thread of its own, and waits there for the
/// disk; PostgreSQL's is a task.
pub(super) fn start(db: Db, waiting: mpsc::Receiver<Work>, signals: Signals) -> io::Result<()> {
    if matches!(db, Db::Pg(_)) {
        tokio::spawn(run(db, waiting, signals));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new()
        .name("writer".into())
        .spawn(move || runtime.block_on(run(db, waiting, signals)))?;
    Ok(())
}

/// Writes until every sender is gone.
async fn run(db: Db, mut waiting: mpsc::Receiver<Work>, signals: Signals) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut pace = Pace::default();
    let mut emptied = Instant::now();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        if let Some(pause) = pace.pause(Instant::now()) {
            tokio::time::sleep(pause).await;
            while batch.len() < BATCH
                && let Ok(work) = waiting.try_recv()
            {
                batch.push(work);
            }
        }
        pace.begin(batch.len(), Instant::now());
        commit(&db, &mut batch, &signals).await;
        for work in batch.drain(..) {
            work.tell(&signals);
        }
        if matches!(db, Db::Pg(_)) && emptied.elapsed() > EMPTY_LINES {
            emptied = Instant::now();
            // What is left now is emptied next time.
            if let Err(error) = db.in_time(guards::empty_lines(&db)).await {
                tracing::debug!(%error, "lines are not emptied");
            }
        }
    }
}

/// When the next commit may begin: at once, unless the one before was shared by many.
#[derive(Default)]
struct Pace(Option<Instant>);

impl Pace {
    /// How long the next commit has to wait.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let ahead = self.0?.saturating_duration_since(now);
        (!ahead.is_zero()).then_some(ahead)
    }

    /// A commit of so many items begins.
    fn begin(&mut self, items: usize, now: Instant) {
        self.0 = (items >= MANY).then(|| now + PACE);
    }
}

/// Writes a batch, however long that takes: in parts, where the whole of it takes the database too long.
async fn commit(db: &Db, batch: &mut [Work], signals: &Signals) {
    let mut apart = false;
    let mut pause = FIRST_PAUSE;
    let (mut from, mut size) = (0, batch.len());
    while let Some(part) = batch.get_mut(from..).filter(|left| !left.is_empty()) {
        let (part, _) = part.split_at_mut(size.min(part.len()));
        let items = part.len();
        match db.in_time(attempt(db, part, apart)).await {
            Ok(()) => from += items,
            Err(error) if !apart && is_of_item(&error) => apart = true,
            // Two processes stood in each other's way: the database is well.
            Err(error) if is_conflict(&error) => tokio::time::sleep(FIRST_PAUSE).await,
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, items, "the database does not take what is written; trying again");
                }
                if matches!(error, sqlx::Error::PoolTimedOut) {
                    size = items.div_ceil(2);
                }
                signals.trouble.send_replace(Some(error.to_string().into()));
                db.begin_anew();
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
    if pause > FIRST_PAUSE {
        tracing::info!("the database takes what is written again");
    }
    signals.trouble.send_if_modified(|trouble| trouble.take().is_some());
}

/// One transaction. `apart`: an item that cannot be written is undone alone.
async fn attempt(db: &Db, batch: &mut [Work], apart: bool) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let written = match guards::stand_in_lines(&mut tx, batch.iter().flat_map(Work::lines).collect()).await {
        Ok(()) if apart => one_by_one(&mut tx, batch).await,
        Ok(()) => together(&mut tx, batch).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        // The transaction is gone or as good as gone; its own end adds nothing.
        let _gone = tx.rollback().await;
        return Err(error);
    }
    if batch.iter().any(Work::is_overdue) {
        // Whoever waited has been told that it was not done: it is not.
        let _gone = tx.rollback().await;
        return Err(sqlx::Error::PoolTimedOut);
    }
    tx.commit().await
}

/// Facts of calls first, in one go: whoever gave the rest of the batch could not know of them.
async fn together(tx: &mut Tx, batch: &mut [Work]) -> sqlx::Result<()> {
    let (mut items, mut slots) = (Vec::new(), Vec::new());
    let mut rest = Vec::new();
    for work in batch {
        if let Work::Write(fence, facts, slot) = work {
            items.push((*fence, facts.as_slice()));
            slots.push(slot);
        } else {
            rest.push(work);
        }
    }
    if !items.is_empty() {
        for (slot, answer) in slots.into_iter().zip(calls::write(tx, &items).await?) {
            slot.fill(answer)?;
        }
    }
    for work in rest {
        work.run(tx).await?;
    }
    Ok(())
}

async fn one_by_one(tx: &mut Tx, batch: &mut [Work]) -> sqlx::Result<()> {
    for work in batch {
        tx.run(query(SAVEPOINT)).await?;
        match work.run(tx).await {
            Ok(()) => {}
            Err(error) if is_of_item(&error) => {
                tracing::error!(%error, "an item cannot be written");
                tx.run(query(UNDO)).await?;
                work.fail(error);
            }
            Err(error) => return Err(error),
        }
        tx.run(query(RELEASE)).await?;
    }
    Ok(())
}

/// A deadlock, or transactions that cannot be put in an order (PostgreSQL's class 40).
fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.len() == 5 && code.starts_with("40"))
}

/// Whether the item is to blame, and would be next time too; all else passes.
pub(super) fn is_of_item(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        let code = database.code();
        let code = code.as_deref().unwrap_or_default();
        return match code.parse::<u32>() {
            // SQLite's result codes: constraint, mismatch, too big, out of range, and an error in the statement.
            Ok(number) if code.len() < 5 => matches!(number & 0xff, 1 | 18 | 19 | 20 | 25),
            // PostgreSQL's classes: cardinality, data, integrity, statement, checks.
            _ => ["21", "22", "23", "42", "44"].iter().any(|class| code.starts_with(class)),
        };
    }
    matches!(
        error,
        sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound
    )
}

impl Work {
    /// The lines in which it stands before it decides.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Accept(order, ..) => guards::lines(order).collect(),
            Self::Claim(..) => vec!["claims".to_owned()],
            Self::Book { .. } => vec![ledger::LINE.to_owned()],
            Self::Write(_, facts, _) if facts.iter().any(|fact| matches!(fact, Fact::Booked(..))) => {
                vec![ledger::LINE.to_owned()]
            }
            Self::Stop { by: StopBy::Page(ip), .. } => vec![guards::network(*ip)],
            Self::Deed(deed) => deed.line().into_iter().map(str::to_owned).collect(),
            Self::Stop { .. }
            | Self::ClaimUnrecorded(..)
            | Self::Renew { .. }
            | Self::EndLeases(_)
            | Self::EndUnclaimed { .. }
            | Self::EndPretence { .. }
            | Self::LiftStop(..)
            | Self::Write(..)
            | Self::Apply { .. }
            | Self::Flush(_) => Vec::new(),
        }
    }

    /// It is done by now, though nobody waits for it any more.
    fn is_overdue(&self) -> bool {
        match self {
            Self::Accept(_, until, slot) => slot.is_overdue(*until),
            Self::Deed(deed) => deed.is_overdue(),
            Self::Claim(..)
            | Self::ClaimUnrecorded(..)
            | Self::Renew { .. }
            | Self::EndLeases(_)
            | Self::EndUnclaimed { .. }
            | Self::EndPretence { .. }
            | Self::Stop { .. }
            | Self::LiftStop(..)
            | Self::Write(..)
            | Self::Apply { .. }
            | Self::Book { .. }
            | Self::Flush(_) => false,
        }
    }

    async fn run(&mut self, tx: &mut Tx) -> sqlx::Result<()> {
        match self {
            Self::Accept(_, until, slot) if *until < Instant::now() => slot.fill(Err(Error::TooLate)),
            Self::Accept(order, _, slot) => slot.fill(orders::accept(tx, order).await),
            Self::Claim(by, hold, slot) => slot.fill(orders::claim(tx, *by, *hold).await),
            Self::ClaimUnrecorded(by, hold, slot) => {
                slot.fill(orders::claim_unrecorded(tx, *by, *hold).await)
            }
            Self::Renew { fences, hold, slot } => slot.fill(orders::renew(tx, fences, *hold).await),
            Self::EndLeases(slot) => slot.fill(orders::end_leases(tx).await),
            Self::EndUnclaimed { order, disposition, now, slot } => {
                slot.fill(orders::end_unclaimed(tx, *order, *disposition, *now).await)
            }
            Self::EndPretence { order, disposition, detail, now, slot } => {
                slot.fill(orders::end_pretence(tx, *order, *disposition, *detail, *now).await)
            }
            Self::Stop { phone, by, at, slot } => slot.fill(stops::add(tx, *phone, *by, *at).await),
            Self::LiftStop(phone, slot) => slot.fill(stops::lift(tx, *phone).await),
            Self::Write(fence, facts, slot) => {
                let answer = calls::write(tx, &[(*fence, facts)]).await?.pop();
                slot.fill(answer.unwrap_or(Err(Error::Closed)))
            }
            Self::Apply { file, author, now, dry_run, slot } => {
                slot.fill(sites::apply(tx, file, author, *now, *dry_run).await)
            }
            Self::Book { booking, note, at, slot } => {
                slot.fill(ledger::book(tx, booking, note.as_deref(), *at).await)
            }
            Self::Deed(deed) => deed.run(tx).await,
            Self::Flush(slot) => slot.fill(Ok(())),
        }
    }

    fn fail(&mut self, error: sqlx::Error) {
        match self {
            Self::Accept(_, _, slot) => slot.fail(error),
            Self::Claim(_, _, slot) | Self::ClaimUnrecorded(_, _, slot) => slot.fail(error),
            Self::Renew { slot, .. } => slot.fail(error),
            Self::EndUnclaimed { slot, .. }
            | Self::EndPretence { slot, .. }
            | Self::Stop { slot, .. }
            | Self::LiftStop(_, slot) => slot.fail(error),
            Self::Write(_, _, slot) | Self::Flush(slot) | Self::EndLeases(slot) => slot.fail(error),
            Self::Apply { slot, .. } => slot.fail(error),
            Self::Book { slot, .. } => slot.fail(error),
            Self::Deed(deed) => deed.fail(error),
        }
    }

    /// A call was missed by it, and somebody may be told.
    fn may_write_letters(&self) -> bool {
        match self {
            Self::Accept(order, ..) => {
                order.refused.is_some_and(|why| Disposition::NotCalled(why).is_missed())
            }
            Self::EndUnclaimed { disposition, .. } => disposition.is_missed(),
            Self::Write(_, facts, _) => facts
                .iter()
                .any(|fact| matches!(fact, Fact::Record(record, _) if record.disposition.is_missed())),
            // What the cabinet writes tells of its letters itself.
            Self::Deed(_)
            | Self::Claim(..)
            | Self::ClaimUnrecorded(..)
            | Self::Renew { .. }
            | Self::EndLeases(_)
            | Self::EndPretence { .. }
            | Self::Stop { .. }
            | Self::LiftStop(..)
            | Self::Apply { .. }
            | Self::Book { .. }
            | Self::Flush(_) => false,
        }
    }

    fn tell(self, signals: &Signals) {
        if self.may_write_letters() {
            signals.letters.notify_one();
        }
        match self {
            Self::Accept(_, _, slot) => {
                slot.tell();
                signals.orders.notify_one();
            }
            Self::Claim(_, _, slot) | Self::ClaimUnrecorded(_, _, slot) => slot.tell(),
            Self::Renew { slot, .. } => slot.tell(),
            Self::EndUnclaimed { slot, .. }
            | Self::EndPretence { slot, .. }
            | Self::Stop { slot, .. }
            | Self::LiftStop(_, slot) => slot.tell(),
            Self::Write(_, _, slot) | Self::Flush(slot) | Self::EndLeases(slot) => slot.tell(),
            Self::Apply { slot, .. } => slot.tell(),
            Self::Book { slot, .. } => slot.tell(),
            Self::Deed(deed) => deed.tell(),
        }
    }
}

statements! {
    SAVEPOINT = "SAVEPOINT item";
    UNDO = "ROLLBACK TO SAVEPOINT item";
    RELEASE = "RELEASE SAVEPOINT item";
}

#[cfg(test)]
mod tests {
    use super::{MANY, PACE, Pace};
    use std::time::{Duration, Instant};

    #[test]
    fn only_a_commit_that_many_shared_holds_up_the_next() {
        let now = Instant::now();
        let check = |items, after, pause: Option<Duration>| {
            let mut pace = Pace::default();
            pace.begin(items, now);
            assert_eq!(pace.pause(now + after), pause, "{items} items, {after:?} later");
        };
        check(1, Duration::ZERO, None);
        check(MANY - 1, Duration::ZERO, None);
        check(MANY, Duration::ZERO, Some(PACE));
        check(MANY, PACE / 2, Some(PACE / 2));
        check(MANY, PACE, None);
        assert_eq!(Pace::default().pause(now), None);
    }
}
