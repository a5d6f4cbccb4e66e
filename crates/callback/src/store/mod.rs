//! The database: the only room with SQL.
//!
//! Everything that is written goes through one task that commits for all (`writer`); reads go beside it and never
//! wait. A module stands for a noun: `orders`, `calls`, `sites`. It decides nothing about calls, and knows no web.

mod audit;
mod calls;
mod companies;
mod counted;
mod db;
mod decks;
mod deed;
mod difference;
mod drafts;
mod faults;
mod forget;
mod guards;
mod kept;
mod known;
mod ledger;
mod letters;
mod links;
mod lite;
mod low;
mod members;
mod notices;
mod orders;
mod payments;
mod phones;
mod recordings;
mod retention;
mod schema;
mod scores;
mod secrets;
mod shows;
mod signs;
mod sites;
mod statement;
mod stops;
mod tallies;
mod throttles;
mod types;
mod users;
mod visitors;
mod words;
mod writer;

pub use audit::{Entry, EntryRow};
pub use companies::{Asked, Company, NewCompany, NewSite, Part, SiteRow};
pub use counted::{
    After, Answering, Begun, CallFilter, CallOrder, Count, ExportRow, Outcomes, Panel, PanelLine, TalliedRow,
};
pub use decks::DeckFile;
pub use difference::{Change, Difference, FieldChange};
pub use drafts::{Columns, Conflict, Draft, Edit, NewVersion, Owner, Published, Version, Writer};
pub use faults::{Fault, FaultKind, NotAFault};
pub use forget::{FORGOTTEN, Forgetting, Forgotten};
pub(crate) use guards::network;
pub use ledger::{Audit, CallMoney, Purse};
pub use letters::{Letter, LetterRow, NoticeKind, NoticeRow, Sending};
pub use links::{EmailChange, Leads, Link, NewLink};
pub use members::{Change as MemberChange, Member, Membership};
pub use orders::JOINED_WITHIN;
pub use payments::{Came, NewPayment, Payment, PaymentState, TopUp};
pub(crate) use phones::GOOD_FOR as CODE_GOOD_FOR;
pub use phones::{Asking, Telling, VerifiedPhone};
pub use retention::Retention;
pub use scores::Scores;
pub use shows::{Shown, Shows};
pub use signs::{Sign, SilentSite};
pub use statement::{HeldFor, StatementCall, StatementLine};
pub use stops::StopBy;
pub use throttles::{Guessed, Try};
pub(crate) use users::{ABSOLUTE, language_name};
pub use users::{LoginSession, NewSession, User, UserChange};
pub use visitors::{VisitorCall, VisitorFile, VisitorLetter};
pub use words::{
    Acceptance, AddressCaps, CallFile, Claimant, ClaimedOrder, Customer, Error, Fact, Fence, Hold,
    JournalRow, NewOrder, OrderFacts, OrderPhone, OrderRow, PlannedRow, ProcessFile, PublishedSite,
    StoredIntent, Telephones,
};

use crate::ids::{CustomerId, SiteId, SiteKey};
use crate::settings::SettingsFile;
use anyhow::{Context as _, bail};
use callback_core::flow::Detail;
use callback_core::id::OrderId;
use callback_core::number::PhoneNumber;
use callback_core::record::Disposition;
use callback_core::site::Site;
use callback_core::time::Ts;
use db::{Db, query};
use kept::Kept;
use known::Known;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use writer::{Signals, Slot, Work};

/// What the store answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Whoever waits for a commit without an end of his own.
const LONG: Duration = Duration::from_secs(3_600);
/// How often other processes' changes of settings are looked for.
const EPOCH_POLL: Duration = Duration::from_millis(500);

/// The store; clones are the same store.
#[derive(Clone)]
pub struct Store {
    db: Db,
    writer: mpsc::Sender<Work>,
    orders: Arc<Notify>,
    letters: Arc<Notify>,
    retention_set: Arc<Notify>,
    settings: watch::Receiver<u64>,
    kept: Arc<Kept>,
    known: Arc<Known>,
    applied: Arc<Notify>,
    trouble: watch::Receiver<Option<Arc<str>>>,
}

/// A write on its way: resolves when it is committed. Dropped, it is written all the same.
#[must_use = "await it where something waits for the commit; else call `behind`"]
pub struct Commit(oneshot::Receiver<Result<()>>);

impl Commit {
    /// Nobody waits: it is written behind, and its order is kept.
    pub fn behind(self) {}
}

impl Future for Commit {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(Error::Closed)))
    }
}

impl Store {
    /// Opens the database at `sqlite://…` or `postgres://…` and brings its schema up to date.
    ///
    /// # Errors
    /// In words: what cannot be opened, or whose schema it is.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let db = Db::open(url).await?;
        schema::migrate(&db).await?;
        let (writer, waiting) = mpsc::channel(writer::WAITING);
        let orders = Arc::new(Notify::new());
        let applied = Arc::new(Notify::new());
        let (trouble_in, trouble) = watch::channel(None);
        let letters = Arc::<Notify>::default();
        let signals = Signals { orders: orders.clone(), letters: letters.clone(), trouble: trouble_in };
        let epoch = sites::epoch(&db).await.context("the database cannot be read")?;
        let (epoch_in, settings) = watch::channel(epoch);
        writer::start(db.clone(), waiting, signals)?;
        tokio::spawn(watch_settings(db.clone(), applied.clone(), epoch_in));
        let kept = Arc::new(Kept::new(settings.clone()));
        let known = Known::start(&db).await.context("the database cannot be read")?;
        let retention_set = Arc::default();
        Ok(Self { db, writer, orders, letters, retention_set, settings, kept, known, applied, trouble })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        self.db.one(query(PING)).await?;
        Ok(())
    }

    /// Whether other processes may write to the database: SQLite's is one process's.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.db, Db::Pg(_))
    }

    /// Prepares every statement of this program, and returns what the database says against them: nothing,
    /// where program and schema fit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn check_statements(&self) -> Result<Vec<String>> {
        let modules = [
            orders::STATEMENTS,
            known::STATEMENTS,
            guards::STATEMENTS,
            stops::STATEMENTS,
            tallies::STATEMENTS,
            calls::STATEMENTS,
            sites::STATEMENTS,
            users::STATEMENTS,
            members::STATEMENTS,
            links::STATEMENTS,
            letters::STATEMENTS,
            notices::STATEMENTS,
            low::STATEMENTS,
            audit::STATEMENTS,
            throttles::STATEMENTS,
            companies::STATEMENTS,
            drafts::STATEMENTS,
            phones::STATEMENTS,
            recordings::STATEMENTS,
            scores::STATEMENTS,
            secrets::STATEMENTS,
            shows::STATEMENTS,
            signs::STATEMENTS,
            decks::STATEMENTS,
            ledger::STATEMENTS,
            statement::STATEMENTS,
            payments::STATEMENTS,
            faults::STATEMENTS,
            forget::STATEMENTS,
            visitors::STATEMENTS,
            retention::STATEMENTS,
            writer::STATEMENTS,
        ];
        Ok(self.db.prepare(modules.concat()).await?)
    }

    /// Writes all that waits, and closes the database.
    ///
    /// # Errors
    /// Something that waited could not be written.
    pub async fn close(self) -> Result<()> {
        let flushed = self.flush().await;
        self.db.close().await;
        flushed
    }

    /// Waits until all that was given before is written.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn flush(&self) -> Result<()> {
        self.ask(Work::Flush).await
    }

    /// A whole and consistent copy of a SQLite database, taken while it is used.
    ///
    /// # Errors
    /// PostgreSQL has its own tool; the file is there already, or cannot be written.
    pub async fn backup(&self, path: &Path) -> anyhow::Result<()> {
        let Db::Lite { r, .. } = &self.db else {
            bail!("this database is PostgreSQL's: make the copy with its own pg_dump");
        };
        if path.exists() {
            bail!("{} is there already: name a file that is not", path.display());
        }
        let text = path.to_str().context("the file's name is not UTF-8")?;
        let mut reader = r.acquire().await.context("the database does not answer")?;
        sqlx::query(MAY_WRITE).execute(&mut *reader).await?;
        let copied = sqlx::query(BACKUP).bind(text.to_owned()).execute(&mut *reader).await;
        sqlx::query(MAY_READ).execute(&mut *reader).await?;
        copied.with_context(|| format!("the copy cannot be written to {}", path.display()))?;
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || std::fs::File::open(path)?.sync_all()).await??;
        Ok(())
    }

    /// Wakes whoever claims orders when a new one was stored here; other processes' are found by asking.
    #[must_use]
    pub fn new_orders(&self) -> Arc<Notify> {
        self.orders.clone()
    }

    /// A number that changes within a second of every change of settings, whoever made it.
    #[must_use]
    pub fn settings_epoch(&self) -> watch::Receiver<u64> {
        self.settings.clone()
    }

    /// Why nothing can be written, while nothing can.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.trouble.clone()
    }

    /// Stores an order; committed when this returns. Decides in the transaction whether it is another's repetition,
    /// and whether something stands against it: then it is stored ended.
    ///
    /// # Errors
    /// Overloaded; the order names a site that is not there; the store is closed.
    pub async fn accept(&self, order: NewOrder) -> Result<Acceptance> {
        self.accept_within(LONG, order).await
    }

    /// The same, or not at all: what was not begun to be written by then is not written later.
    ///
    /// # Errors
    /// As [`Self::accept`]; it took longer.
    pub async fn accept_within(&self, span: Duration, order: NewOrder) -> Result<Acceptance> {
        self.make_room()?;
        let (until, id) = (Instant::now() + span, order.facts.id);
        let accepted = self.ask(|slot| Work::Accept(Box::new(order), until, slot));
        let accepted = tokio::time::timeout_at(until.into(), accepted).await.unwrap_or(Err(Error::TooLate));
        if accepted.is_ok() {
            self.known.add(id);
        }
        accepted
    }

    /// Due orders that no living process has and whose turn has come, the oldest first; they are the claimant's
    /// until the lease ends.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn claim(&self, by: Claimant, hold: Hold) -> Result<Vec<ClaimedOrder>> {
        self.ask(|slot| Work::Claim(by, hold, slot)).await
    }

    /// Orders that have ended, but whose process died before their record: to be recorded, never dialled.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn claim_unrecorded(&self, by: Claimant, hold: Hold) -> Result<Vec<ClaimedOrder>> {
        self.ask(|slot| Work::ClaimUnrecorded(by, hold, slot)).await
    }

    /// Lengthens the leases of these; returns those that another process has, or that are over.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn renew(&self, fences: Vec<Fence>, hold: Hold) -> Result<Vec<Fence>> {
        self.ask(|slot| Work::Renew { fences, hold, slot }).await
    }

    /// Ends every lease: whoever had one is known to be dead.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn end_leases(&self) -> Result<()> {
        self.ask(Work::EndLeases).await
    }

    /// Ends an order that no process has: cancelled or stale before it was begun. False where one has it, or
    /// where it has ended.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn end_unclaimed(&self, order: OrderId, disposition: Disposition, now: Ts) -> Result<bool> {
        self.ask(|slot| Work::EndUnclaimed { order, disposition, now, slot }).await
    }

    /// Ends what the visitor sees of an order that only looks like a call. False where it does not look so any more.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn end_pretence(
        &self,
        order: OrderId,
        disposition: Disposition,
        detail: Detail,
        now: Ts,
    ) -> Result<bool> {
        self.ask(|slot| Work::EndPretence { order, disposition, detail, now, slot }).await
    }

    /// Puts a number on the list of those who are never called. False where its address has brought too many.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn stop(&self, phone: PhoneNumber, by: StopBy, at: Ts) -> Result<bool> {
        self.ask(|slot| Work::Stop { phone, by, at, slot }).await
    }

    /// Takes a number off that list. False where it is not on it.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn lift_stop(&self, phone: PhoneNumber) -> Result<bool> {
        self.ask(|slot| Work::LiftStop(phone, slot)).await
    }

    /// Writes facts of a call. It never waits: await the [`Commit`] where something waits for it.
    ///
    /// An order with a stored end gets no more intents, and what its visitor was told stays.
    pub fn write(&self, fence: Fence, facts: Vec<Fact>) -> Commit {
        let (slot, answer) = Slot::new();
        if let Err(refused) = self.writer.try_send(Work::Write(fence, facts, slot)) {
            let error = match refused {
                mpsc::error::TrySendError::Full(_) => Error::Overloaded,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            };
            tracing::error!(%error, order = %fence.order, "facts of a call are lost");
            let (to, answer) = oneshot::channel();
            let _waits_below = to.send(Err(error));
            return Commit(answer);
        }
        Commit(answer)
    }

    /// Brings customers and sites to what a file says, or says what that would change.
    ///
    /// # Errors
    /// A site's key is another customer's; the store is closed.
    pub async fn apply(
        &self,
        file: Arc<SettingsFile>,
        author: &str,
        now: Ts,
        dry_run: bool,
    ) -> Result<Difference> {
        let author = author.to_owned();
        let applied = self.ask(|slot| Work::Apply { file, author, now, dry_run, slot }).await;
        self.settings_changed();
        applied
    }

    /// What was kept of settings may be over.
    fn settings_changed(&self) {
        self.kept.forget();
        self.applied.notify_one();
    }

    /// The published version of the site with this key, within a second of its publication elsewhere.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn site_by_key(&self, key: &SiteKey) -> Result<Option<Arc<PublishedSite>>> {
        if let Some(known) = self.kept.by_key(key) {
            return Ok(Some(known));
        }
        let epoch = self.kept.epoch();
        let site = sites::by_key(&self.db, key).await?.map(Arc::new);
        if let Some(site) = &site {
            self.kept.keep_by_key(epoch, key, site);
        }
        Ok(site)
    }

    /// The site as it was when an order was admitted: its version of the settings, and the customer of today; at the
    /// order's office, where it has one.
    ///
    /// # Errors
    /// The database cannot be read, or holds no such site.
    pub async fn site_of(&self, order: &OrderFacts) -> Result<Arc<PublishedSite>> {
        let site = self.whole_site_of(order).await?;
        let office = order.office.as_deref().and_then(|office| site.at_office(office));
        Ok(office.map_or(site, Arc::new))
    }

    async fn whole_site_of(&self, order: &OrderFacts) -> Result<Arc<PublishedSite>> {
        let version = (order.site, order.settings_version);
        if let Some(known) = self.kept.by_version(version) {
            return Ok(known);
        }
        let epoch = self.kept.epoch();
        let site = Arc::new(sites::of(&self.db, order).await?);
        self.kept.keep_by_version(epoch, version, &site);
        Ok(site)
    }

    /// A version of a site.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn site_version(&self, site: SiteId, version: u32) -> Result<Option<Site>> {
        sites::version(&self.db, site, version).await
    }

    /// An order of this site.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn order(&self, site: &SiteKey, id: OrderId) -> Result<Option<OrderRow>> {
        orders::order(&self.db, site, id).await
    }

    /// Whether an order was stored lately, of whatever site, by whatever process: it asks no database.
    #[must_use]
    pub fn stored_lately(&self, order: OrderId) -> bool {
        self.known.holds(order)
    }

    /// How many orders are due and wait for a process.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&self, now: Ts) -> Result<u64> {
        orders::waiting(&self.db, now).await
    }

    /// Orders, the newest first, joined ones left out; `before` is the last line of the page before.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn journal(&self, limit: u32, before: Option<(Ts, OrderId)>) -> Result<Vec<JournalRow>> {
        calls::journal(&self.db, limit, before).await
    }

    /// One line of a customer's journal; none where the order is another's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn journal_line(&self, of: CustomerId, order: OrderId) -> Result<Option<PlannedRow>> {
        calls::journal_line(&self.db, of, order).await
    }

    /// Whether a call rang at one of these telephones.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rang_at(&self, order: OrderId, telephones: &Telephones) -> Result<bool> {
        calls::rang_at(&self.db, order, telephones).await
    }

    /// All that is known of a call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn call(&self, order: OrderId) -> Result<Option<CallFile>> {
        calls::call(&self.db, order).await
    }

    /// Whether a number asked never to be called.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn stopped(&self, phone: PhoneNumber) -> Result<bool> {
        stops::holds(&self.db, phone).await
    }

    /// How many items wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.writer.max_capacity().saturating_sub(self.writer.capacity())
    }

    /// New orders are the first to be turned away.
    fn make_room(&self) -> Result<()> {
        let waiting = self.unwritten();
        if waiting > writer::WAITING_WITH_ORDERS { Err(Error::Overloaded) } else { Ok(()) }
    }

    async fn ask<T>(&self, work: impl FnOnce(Slot<T>) -> Work) -> Result<T> {
        let (slot, answer) = Slot::new();
        self.writer.send(work(slot)).await.map_err(|_closed| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}

/// Looks for changes of settings: at once for this process's own, by asking for others'.
async fn watch_settings(db: Db, applied: Arc<Notify>, epoch: watch::Sender<u64>) {
    loop {
        tokio::select! {
            () = applied.notified() => {}
            () = tokio::time::sleep(EPOCH_POLL) => {}
            () = epoch.closed() => return,
        }
        // A database that does not answer is the writer's trouble, and said there.
        if let Ok(found) = sites::epoch(&db).await {
            epoch.send_if_modified(|known| std::mem::replace(known, found) != found);
        }
    }
}

/// Names statements, and lists them for the test that prepares every one on both databases.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: &str = $text;)*
        /// Every statement of this module.
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
use statements;

const PING: &str = "SELECT 1 AS pong";
/// SQLite's own (`VACUUM INTO`): it has no likeness in PostgreSQL.
const BACKUP: &str = "VACUUM INTO $1";
/// A reader may write the copy, and nothing else.
const MAY_WRITE: &str = "PRAGMA query_only = off";
const MAY_READ: &str = "PRAGMA query_only = on";
