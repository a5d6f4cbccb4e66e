//! What is kept of one visitor at one customer, found by his number. It changes nothing: `forget` does.

use super::calls::journal_row;
use super::db::{Row, query};
use super::orders::order_columns;
use super::{JournalRow, OrderPhone, Result, Store, letters, statements};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use uuid::Uuid;

/// Orders and letters of one visitor that are given out at once, at most: the newest.
const MOST: u32 = 1_000;

/// All that is kept of a visitor.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct VisitorFile {
    /// His orders, the newest first.
    pub calls: Vec<VisitorCall>,
    /// Letters that were written about them.
    pub letters: Vec<VisitorLetter>,
    /// He asked never to be called.
    pub is_stopped: bool,
}

/// An order, with what was noted of it.
#[derive(Clone, PartialEq, Debug)]
pub struct VisitorCall {
    /// The order, and its record once all is over.
    pub row: JournalRow,
    /// What was noted about it.
    pub note: Option<String>,
    /// When he was called back, or connected later.
    pub called_back_at: Option<Ts>,
    /// What he thought of the talk, and when he said so.
    pub score: Option<(u16, Ts)>,
}

/// A letter to the customer about an order.
#[derive(Clone, PartialEq, Debug)]
pub struct VisitorLetter {
    /// About which.
    pub order: Uuid,
    /// To whom.
    pub email: String,
    /// Its subject.
    pub subject: String,
    /// When it was written.
    pub at: Ts,
    /// When it was sent.
    pub sent_at: Option<Ts>,
}

impl Store {
    /// What is kept of who has this number, at one customer.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn visitor(&self, of: CustomerId, phone: &OrderPhone) -> Result<VisitorFile> {
        let asked = |text| query(text).bind(of.0).bind(phone.to_string()).bind(MOST);
        let calls = self.db.all(asked(CALLS)).await?;
        let letters = self.db.all(asked(LETTERS)).await?;
        Ok(VisitorFile {
            calls: calls.iter().map(call).collect::<sqlx::Result<_>>()?,
            letters: letters.iter().map(letter).collect::<sqlx::Result<_>>()?,
            is_stopped: match phone {
                OrderPhone::Number(number) => self.stopped(*number).await?,
                OrderPhone::Written(_) => false,
            },
        })
    }
}

fn call(row: &Row) -> sqlx::Result<VisitorCall> {
    let score = row.get::<Option<i64>>("score")?.and_then(|score| score.try_into().ok());
    Ok(VisitorCall {
        row: journal_row(row)?,
        note: row.get("note")?,
        called_back_at: row.maybe_time("called_back_at")?,
        score: score.zip(row.maybe_time("scored_at")?),
    })
}

fn letter(row: &Row) -> sqlx::Result<VisitorLetter> {
    Ok(VisitorLetter {
        order: row.get("about")?,
        email: row.get("email")?,
        subject: row.get("subject")?,
        at: row.time("at")?,
        sent_at: row.maybe_time("sent_at")?,
    })
}

statements! {
    CALLS = concat!("SELECT ", order_columns!(), ", s.key, s.name, o.record, t.note, t.called_back_at, c.score,
            c.at AS scored_at
        FROM orders o JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
        LEFT JOIN tallies t ON t.customer_id = o.customer_id AND t.accepted_at = o.accepted_at AND t.order_id = o.id
        LEFT JOIN scores c ON c.order_id = o.id
        WHERE o.customer_id = $1 AND o.phone = $2 ORDER BY o.accepted_at DESC, o.id DESC LIMIT $3");
    LETTERS = concat!("SELECT ", letters::letter_columns!(), ", l.about FROM orders o JOIN letters l ON l.about = o.id
        WHERE o.customer_id = $1 AND o.phone = $2 ORDER BY l.at DESC, l.id LIMIT $3");
}
