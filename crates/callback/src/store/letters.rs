//! Letters to send: written in the transaction of what they tell of, sent by a job.

use super::db::{Row, Tx, query};
use super::deed::Done;
use super::{Result, Store, statements};
use crate::ids::{CustomerId, SiteKey};
use callback_core::id::OrderId;
use callback_core::time::Ts;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long a letter that was sent can be looked at.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A letter, as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// To whom.
    pub email: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The same for those who read HTML; none where there is no more to it than text.
    pub html: Option<String>,
}

/// A letter in the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct LetterRow {
    /// Its id.
    pub id: Uuid,
    /// The letter.
    pub letter: Letter,
    /// When it was written.
    pub at: Ts,
    /// When it is tried next.
    pub run_at: Ts,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was sent.
    pub sent_at: Option<Ts>,
    /// When it was given up.
    pub given_up_at: Option<Ts>,
    /// Why it was not sent, the last time.
    pub trouble: Option<String>,
}

/// What a letter about calls tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeKind {
    /// One call that was missed.
    Missed,
    /// Those of a day.
    Digest,
    /// That letters arrive.
    Test,
    /// That money runs out.
    Low,
}

/// A text that is no kind of letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a letter about calls is missed, digest, test or low")]
pub struct NotANotice;

impl FromStr for NoticeKind {
    type Err = NotANotice;

    fn from_str(text: &str) -> std::result::Result<Self, NotANotice> {
        [Self::Missed, Self::Digest, Self::Test, Self::Low]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(NotANotice)
    }
}

impl NoticeKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Digest => "digest",
            Self::Test => "test",
            Self::Low => "low",
        }
    }
}

/// What is known of a letter about calls, beside its text.
pub(super) struct Notice {
    /// Derived from what it tells to whom: it is written once.
    pub(super) id: Uuid,
    pub(super) customer: CustomerId,
    pub(super) kind: NoticeKind,
    pub(super) about: Option<OrderId>,
}

/// A letter about calls in the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct NoticeRow {
    /// The letter.
    pub row: LetterRow,
    /// What it tells.
    pub kind: NoticeKind,
    /// Which call.
    pub about: Option<OrderId>,
    /// Its site.
    pub site: Option<SiteKey>,
}

/// What became of a try to send a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sending {
    /// It was taken.
    Sent,
    /// It was not, and is tried again then.
    Later(String, Ts),
    /// It was not, and never will be.
    Never(String),
}

/// Writes a letter; it is due at once.
pub(super) async fn write(tx: &mut Tx, letter: &Letter, now: Ts) -> Result<()> {
    let write = query(WRITE).bind(Uuid::now_v7()).bind(letter.email.as_str());
    let write = write.bind(letter.subject.as_str()).bind(letter.body.as_str());
    tx.run(write.bind(letter.html.as_deref()).bind(now)).await?;
    Ok(())
}

/// Writes a letter about calls, due at once; false where it was written before.
pub(super) async fn write_notice(
    tx: &mut Tx,
    notice: &Notice,
    letter: &Letter,
    now: Ts,
) -> sqlx::Result<bool> {
    let write = query(WRITE_NOTICE).bind(notice.id).bind(letter.email.as_str());
    let write = write.bind(letter.subject.as_str()).bind(letter.body.as_str()).bind(letter.html.as_deref());
    let write = write.bind(now).bind(notice.customer.0).bind(notice.kind.as_str());
    Ok(tx.run(write.bind(notice.about.map(|order| order.0))).await? == 1)
}

/// Reads the columns of [`letter_columns`], and those of a letter about calls.
pub(super) fn read_notice(row: &Row) -> sqlx::Result<NoticeRow> {
    Ok(NoticeRow {
        row: read(row)?,
        kind: row.parsed("kind")?,
        about: row.get::<Option<Uuid>>("about")?.map(OrderId),
        site: row.get::<Option<String>>("site")?.and_then(|key| key.parse().ok()),
    })
}

fn read(row: &Row) -> sqlx::Result<LetterRow> {
    Ok(LetterRow {
        id: row.get("id")?,
        letter: Letter {
            email: row.get("email")?,
            subject: row.get("subject")?,
            body: row.get("body")?,
            html: row.get("html")?,
        },
        at: row.time("at")?,
        run_at: row.time("run_at")?,
        attempts: row.number("attempts")?,
        sent_at: row.maybe_time("sent_at")?,
        given_up_at: row.maybe_time("given_up_at")?,
        trouble: row.get("trouble")?,
    })
}

impl Store {
    /// The newest letters of this outbox.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn letters(&self, limit: u32) -> Result<Vec<LetterRow>> {
        let rows = self.db.all(query(NEWEST).bind(limit)).await?;
        Ok(rows.iter().map(read).collect::<sqlx::Result<_>>()?)
    }

    /// Wakes whoever sends letters when one was written here; other processes' are found by asking.
    #[must_use]
    pub fn new_letters(&self) -> Arc<Notify> {
        self.letters.clone()
    }

    /// When the next letter is to be tried; none where none waits.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn next_letter(&self) -> Result<Option<Ts>> {
        Ok(self.db.maybe(query(NEXT)).await?.map(|row| row.time("run_at")).transpose()?)
    }

    /// Takes a letter that is due; until `until` no other process takes it.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn claim_letter(&self, now: Ts, until: Ts) -> Result<Option<LetterRow>> {
        self.deed((now, until), |tx, (now, until)| {
            Box::pin(async move {
                let row = tx.maybe(query(CLAIM).bind(*now).bind(*until)).await?;
                Ok(row.as_ref().map(read).transpose()?)
            })
        })
        .await
    }

    /// Says again that a letter is being sent; until `until` no other process takes it.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn hold_letter(&self, id: Uuid, until: Ts) -> Result<()> {
        self.deed((id, until), |tx, (id, until)| {
            Box::pin(async move {
                tx.run(query(HOLD).bind(*id).bind(*until)).await?;
                Ok(())
            })
        })
        .await
    }

    /// A write with letters in it: whoever sends them is woken when it is durable.
    pub(super) async fn deed_with_letters<D, T>(&self, data: D, how: Done<D, T>) -> Result<T>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
    {
        let done = self.deed(data, how).await;
        self.letters.notify_one();
        done
    }

    /// Writes down what became of a try.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn letter_tried(&self, id: Uuid, sending: Sending, now: Ts) -> Result<()> {
        self.deed_at_last((id, sending, now), |tx, (id, sending, now)| {
            Box::pin(async move {
                let write = match sending {
                    Sending::Sent => query(SENT).bind(*id).bind(*now),
                    Sending::Later(why, at) => query(LATER).bind(*id).bind(why.as_str()).bind(*at),
                    Sending::Never(why) => query(NEVER).bind(*id).bind(why.as_str()).bind(*now),
                };
                tx.run(write).await?;
                tx.run(query(FORGET).bind(*now - KEPT)).await?;
                Ok(())
            })
        })
        .await
    }
}

macro_rules! columns {
    () => {
        "id, email, subject, body, html, at, run_at, attempts, sent_at, given_up_at, trouble"
    };
}

/// The same of a letter `l`.
macro_rules! letter_columns {
    () => {
        "l.id, l.email, l.subject, l.body, l.html, l.at, l.run_at, l.attempts, l.sent_at, l.given_up_at, l.trouble"
    };
}
pub(super) use letter_columns;

statements! {
    WRITE = "INSERT INTO letters (id, email, subject, body, html, at, run_at) VALUES ($1, $2, $3, $4, $5, $6, $6)";
    WRITE_NOTICE = "INSERT INTO letters (id, email, subject, body, html, at, run_at, customer_id, kind, about)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    NEWEST = concat!("SELECT ", columns!(), " FROM letters ORDER BY at DESC LIMIT $1");
    NEXT = "SELECT run_at FROM letters WHERE sent_at IS NULL AND given_up_at IS NULL ORDER BY run_at LIMIT 1";
    CLAIM = concat!("UPDATE letters SET run_at = $2, attempts = attempts + 1 WHERE id = (
        SELECT id FROM letters WHERE sent_at IS NULL AND given_up_at IS NULL
        AND run_at <= $1 ORDER BY run_at LIMIT 1
        FOR UPDATE SKIP LOCKED) RETURNING ", columns!());
    HOLD = "UPDATE letters SET run_at = $2 WHERE id = $1 AND sent_at IS NULL AND given_up_at IS NULL";
    SENT = "UPDATE letters SET sent_at = $2, trouble = NULL, body = '', html = NULL WHERE id = $1";
    LATER = "UPDATE letters SET trouble = $2, run_at = $3 WHERE id = $1";
    NEVER = "UPDATE letters SET trouble = $2, given_up_at = $3 WHERE id = $1";
    FORGET = "DELETE FROM letters WHERE at < $1 AND (sent_at IS NOT NULL OR given_up_at IS NOT NULL)";
}
