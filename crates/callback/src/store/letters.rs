//! Letters to send: written in the transaction of what they tell of, sent by a job.

use super::db::{Row, Tx, query};
use super::{Result, Store, statements};
use callback_core::time::Ts;
use std::time::Duration;
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
    let write = write.bind(letter.subject.as_str()).bind(letter.body.as_str()).bind(now);
    tx.run(write).await?;
    Ok(())
}

fn read(row: &Row) -> sqlx::Result<LetterRow> {
    Ok(LetterRow {
        id: row.get("id")?,
        letter: Letter { email: row.get("email")?, subject: row.get("subject")?, body: row.get("body")? },
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

    /// Whether a letter is due.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn letters_are_due(&self, now: Ts) -> Result<bool> {
        Ok(self.db.maybe(query(DUE).bind(now)).await?.is_some())
    }

    /// Takes letters that are due; until `until` no other process takes them.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn claim_letters(&self, now: Ts, until: Ts, limit: u32) -> Result<Vec<LetterRow>> {
        self.deed((now, until, limit), |tx, (now, until, limit)| {
            Box::pin(async move {
                let rows = tx.all(query(CLAIM).bind(*now).bind(*until).bind(*limit)).await?;
                Ok(rows.iter().map(read).collect::<sqlx::Result<_>>()?)
            })
        })
        .await
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
        "id, email, subject, body, at, run_at, attempts, sent_at, given_up_at, trouble"
    };
}

statements! {
    WRITE = "INSERT INTO letters (id, email, subject, body, at, run_at) VALUES ($1, $2, $3, $4, $5, $5)";
    NEWEST = concat!("SELECT ", columns!(), " FROM letters ORDER BY at DESC LIMIT $1");
    DUE = "SELECT id FROM letters WHERE sent_at IS NULL AND given_up_at IS NULL AND run_at <= $1 LIMIT 1";
    CLAIM = concat!("UPDATE letters SET run_at = $2, attempts = attempts + 1 WHERE id IN (
        SELECT id FROM letters WHERE sent_at IS NULL AND given_up_at IS NULL
        AND run_at <= $1 ORDER BY run_at LIMIT $3
        FOR UPDATE SKIP LOCKED) RETURNING ", columns!());
    SENT = "UPDATE letters SET sent_at = $2, trouble = NULL, body = '' WHERE id = $1";
    LATER = "UPDATE letters SET trouble = $2, run_at = $3 WHERE id = $1";
    NEVER = "UPDATE letters SET trouble = $2, given_up_at = $3 WHERE id = $1";
    FORGET = "DELETE FROM letters WHERE at < $1";
}
