//! Who is told that a customer's money runs out: whoever sees it, once until something is paid in. The letter's id is made
//! of the last line that brought money, so that it is written once for it.

use super::db::query;
use super::letters::{self, Notice, NoticeKind};
use super::notices::NOTICES;
use super::users::language;
use super::{Result, Store, statements};
use crate::account::CustomerNumber;
use crate::ids::CustomerId;
use crate::mail::low::Low;
use crate::mail::missed::Reader;
use jiff::tz::TimeZone;
use uuid::Uuid;

impl Store {
    /// Customers who have paid, or are charged.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn payers(&self) -> Result<Vec<CustomerId>> {
        let rows = self.db.all(query(PAYERS)).await?;
        Ok(rows.iter().map(|row| row.get("id").map(CustomerId)).collect::<sqlx::Result<_>>()?)
    }

    /// Tells a customer that his money runs out, unless he was told since he paid last.
    ///
    /// # Errors
    /// The store is closed.
    pub(crate) async fn tell_low(&self, customer: CustomerId, low: Low) -> Result<()> {
        self.deed_with_letters((customer, low), |tx, (customer, low)| {
            Box::pin(async move {
                let paid = tx.maybe(query(PAID).bind(customer.0)).await?;
                let paid = paid.map_or(Ok(0), |row| row.get::<i64>("seq"))?;
                for row in tx.all(query(READERS).bind(customer.0)).await? {
                    let (email, zone): (String, String) = (row.get("email")?, row.get("time_zone")?);
                    let reader = Reader {
                        number: CustomerNumber(row.number("number")?),
                        language: language(&row.get::<String>("language")?),
                        zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
                    };
                    let id = Uuid::new_v5(&NOTICES, format!("low {} {paid} {email}", customer.0).as_bytes());
                    let notice = Notice { id, customer: *customer, kind: NoticeKind::Low, about: None };
                    letters::write_notice(tx, &notice, &low.letter(&reader, &email), low.at).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

statements! {
    PAYERS = "SELECT id FROM customers WHERE currency IS NOT NULL";
    PAID = "SELECT seq FROM statement_lines WHERE customer_id = $1 AND amount > 0 ORDER BY seq DESC LIMIT 1";
    READERS = "SELECT u.email, u.language, c.number, c.time_zone FROM memberships m JOIN users u ON u.id = m.user_id
            JOIN customers c ON c.id = m.customer_id WHERE c.id = $1 AND m.role IN ('owner', 'accountant')
        UNION ALL SELECT c.email, c.language, c.number, c.time_zone FROM customers c WHERE c.id = $1
            AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.customer_id = c.id)";
}
