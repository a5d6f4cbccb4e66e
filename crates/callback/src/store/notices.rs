//! Who is told of missed calls: a letter for each, or a line for the letter of the day, written in the transaction that
//! ends the call. Ids are derived from what is told to whom, so nothing is told twice.

use super::db::{Row, Tx, query};
use super::letters::{self, Notice, NoticeKind, NoticeRow};
use super::orders::{order_columns, order_row};
use super::users::language;
use super::{Result, Store, statements};
use crate::account::CustomerNumber;
use crate::ids::{CustomerId, SiteKey};
use crate::mail::missed::{Missed, Reader, TOLD};
use crate::mail::tried::Tried;
use callback_core::arrival::By;
use callback_core::flow::VisitorState;
use callback_core::id::OrderId;
use callback_core::schedule;
use callback_core::site::Site;
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// The name space of letters' ids (RFC 9562 §5.5), drawn once.
pub(super) const NOTICES: Uuid = Uuid::from_u128(0x0c1d_52f6_9b6e_4f0e_8d77_3a91_e4b6_02c5);
/// The hour, by the customer's clock, at which a day's missed calls are told.
const EVENING: i8 = 20;
/// Letters of a page.
const NEWEST: u32 = 50;

/// Tells of a call that was missed, once: its order has its end, and was counted in this transaction. What is stored
/// otherwise than this program reads it keeps no call from its end.
pub(super) async fn missed(tx: &mut Tx, order: OrderId, tries: Vec<Tried>, at: Ts) -> sqlx::Result<()> {
    match tell(tx, order, tries, at).await {
        Err(error @ sqlx::Error::ColumnDecode { .. }) => {
            tracing::error!(%order, %error, "nobody is told of a missed call");
            Ok(())
        }
        told => told,
    }
}

async fn tell(tx: &mut Tx, order: OrderId, tries: Vec<Tried>, at: Ts) -> sqlx::Result<()> {
    let Some(row) = tx.maybe(query(MISSED).bind(order.0)).await? else { return Ok(()) };
    let (missed, reader) = read(&row, tries)?;
    let facts = &missed.order.facts;
    let ended = matches!(missed.order.state, VisitorState::Ended(end) if end.is_missed());
    // Whoever calls a visitor again sees himself what became of it.
    if !ended || facts.arrival.by != By::Visitor {
        return Ok(());
    }
    let own = row.maybe_json::<Site>("body")?.filter(|site| site.own_missed_emails);
    let emails: Vec<Arc<str>> =
        own.map_or_else(|| row.json("missed_emails"), |site| Ok(site.missed_emails))?;
    let daily = row.get::<i64>("missed_digest")? != 0;
    for email in emails {
        if daily {
            let line = (facts.accepted_at, order);
            wait(tx, facts.customer, &email, line, evening(at, &reader.zone)).await?;
            continue;
        }
        let notice = Notice {
            id: Uuid::new_v5(&NOTICES, format!("{} {email}", order.0).as_bytes()),
            customer: facts.customer,
            kind: NoticeKind::Missed,
            about: Some(order),
        };
        letters::write_notice(tx, &notice, &reader.one(&missed, &email), at).await?;
    }
    Ok(())
}

/// Keeps a call for the letter of its day.
async fn wait(
    tx: &mut Tx,
    customer: CustomerId,
    email: &str,
    (accepted_at, order): (Ts, OrderId),
    due_at: Ts,
) -> sqlx::Result<()> {
    let wait = query(WAIT).bind(order.0).bind(email).bind(customer.0).bind(accepted_at);
    tx.run(wait.bind(due_at)).await?;
    Ok(())
}

/// The next evening after an instant, by a zone's clock.
fn evening(at: Ts, zone: &TimeZone) -> Ts {
    let of = |date: jiff::civil::Date| {
        let zoned = date.at(EVENING, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(Ts(zoned.timestamp().as_microsecond()))
    };
    let today = schedule::date(at, zone);
    let tomorrow = today.and_then(|today| today.checked_add(1.day()).ok());
    [today, tomorrow].into_iter().flatten().filter_map(of).find(|evening| *evening > at).unwrap_or(at)
}

fn read(row: &Row, tries: Vec<Tried>) -> sqlx::Result<(Missed, Reader)> {
    let zone: String = row.get("time_zone")?;
    let reader = Reader {
        number: CustomerNumber(row.number("number")?),
        language: language(&row.get::<String>("language")?),
        zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
    };
    let missed = Missed {
        order: order_row(row)?,
        site: row.get("name")?,
        tries,
        called_back: row.maybe_time("called_back_at")?.is_some(),
    };
    Ok((missed, reader))
}

/// Writes one customer's letters of the day; false where none is due.
async fn tell_day(tx: &mut Tx, now: Ts) -> Result<bool> {
    let Some(row) = tx.maybe(query(DUE).bind(now)).await? else { return Ok(false) };
    let customer = CustomerId(row.get("customer_id")?);
    let mut waiting: BTreeMap<String, BTreeSet<(Ts, OrderId)>> = BTreeMap::new();
    for row in tx.all(query(TAKE).bind(customer.0).bind(now)).await? {
        let line = (row.time("accepted_at")?, OrderId(row.get("order_id")?));
        waiting.entry(row.get("email")?).or_default().insert(line);
    }
    for (email, lines) in waiting {
        let mut calls = Vec::new();
        let mut reader = None;
        for (_, order) in lines.iter().take(TOLD) {
            let row = tx.maybe(query(MISSED).bind(order.0)).await?;
            let Some((missed, known)) = row.map(|row| read(&row, Vec::new())).transpose()? else { continue };
            calls.push(missed);
            reader = Some(known);
        }
        let Some(reader) = reader else { continue };
        let today = schedule::date(now, &reader.zone).map_or_else(String::new, |date| date.to_string());
        let notice = Notice {
            id: Uuid::new_v5(&NOTICES, format!("{} {today} {email}", customer.0).as_bytes()),
            customer,
            kind: NoticeKind::Digest,
            about: None,
        };
        let letter = reader.day_of(&calls, lines.len(), now, &email);
        if !letters::write_notice(tx, &notice, &letter, now).await? {
            // Today's letter is written: what came too late for it is told tomorrow.
            for line in lines {
                wait(tx, customer, &email, line, evening(now, &reader.zone)).await?;
            }
        }
    }
    Ok(true)
}

impl Store {
    /// When the next letter about a day is to be written; none where nothing waits for one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn next_digest(&self) -> Result<Option<Ts>> {
        Ok(self.db.maybe(query(NEXT)).await?.map(|row| row.time("due_at")).transpose()?)
    }

    /// Writes the letters about a day that are due, of one customer; false where none is.
    ///
    /// # Errors
    /// The store is closed; the database is away.
    pub async fn write_digest(&self, now: Ts) -> Result<bool> {
        self.deed_with_letters(now, |tx, now| Box::pin(tell_day(tx, *now))).await
    }

    /// Writes a letter that shows somebody of a customer that letters arrive.
    ///
    /// # Errors
    /// The store is closed.
    pub(crate) async fn write_test_notice(
        &self,
        customer: CustomerId,
        reader: Reader,
        company: String,
        email: String,
        now: Ts,
    ) -> Result<()> {
        self.deed_with_letters(
            (customer, reader, company, email, now),
            |tx, (customer, reader, company, email, now)| {
                Box::pin(async move {
                    let (customer, kind) = (*customer, NoticeKind::Test);
                    let notice = Notice { id: Uuid::now_v7(), customer, kind, about: None };
                    letters::write_notice(tx, &notice, &reader.test(company, email), *now).await?;
                    Ok(())
                })
            },
        )
        .await
    }

    /// The newest letters about a customer's calls; of one site those alone that are about one of its calls.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn notices(&self, of: CustomerId, site: Option<&SiteKey>) -> Result<Vec<NoticeRow>> {
        let find = query(NOTICES_OF).bind(of.0).bind(site.map(SiteKey::as_str)).bind(NEWEST);
        let rows = self.db.all(find).await?;
        Ok(rows.iter().map(letters::read_notice).collect::<sqlx::Result<_>>()?)
    }
}

statements! {
    MISSED = concat!("SELECT ", order_columns!(), ", s.name, v.body, c.number, c.language, c.time_zone, c.missed_emails,
            c.missed_digest, t.called_back_at
        FROM orders o JOIN sites s ON s.id = o.site_id JOIN customers c ON c.id = o.customer_id
        LEFT JOIN orders j ON j.id = o.joined_to
        LEFT JOIN site_versions v ON v.site_id = s.id AND v.version = s.version
        LEFT JOIN tallies t ON t.customer_id = o.customer_id AND t.accepted_at = o.accepted_at AND t.order_id = o.id
        WHERE o.id = $1");
    WAIT = "INSERT INTO digests (order_id, email, customer_id, accepted_at, due_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (order_id, email) DO NOTHING";
    NEXT = "SELECT due_at FROM digests ORDER BY due_at LIMIT 1";
    DUE = "SELECT customer_id FROM digests WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED";
    TAKE = "DELETE FROM digests WHERE customer_id = $1 AND due_at <= $2 RETURNING order_id, email, accepted_at";
    NOTICES_OF = concat!("SELECT ", letters::letter_columns!(), ", l.kind, l.about, s.key AS site
        FROM letters l LEFT JOIN orders o ON o.id = l.about LEFT JOIN sites s ON s.id = o.site_id
        WHERE l.customer_id = $1 AND (CAST($2 AS TEXT) IS NULL OR s.key = $2)
        ORDER BY l.at DESC, l.id LIMIT $3");
}

#[cfg(test)]
mod tests {
    use super::evening;
    use callback_core::time::Ts;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn the_evening_is_the_customer_s_also_where_clocks_change() {
        let check = |at: &str, zone: &str, evening_at: &str| {
            let ts = |text: &str| Ts(text.parse::<Timestamp>().unwrap().as_microsecond());
            let found = evening(ts(at), &TimeZone::get(zone).unwrap());
            assert_eq!(found, ts(evening_at), "{at} in {zone}");
        };
        check("2026-11-20T10:59:00Z", "Europe/Moscow", "2026-11-20T17:00:00Z");
        check("2026-11-20T17:00:00Z", "Europe/Moscow", "2026-11-21T17:00:00Z");
        check("2026-11-20T20:59:00Z", "Europe/Moscow", "2026-11-21T17:00:00Z");
        check("2026-11-20T21:01:00Z", "Europe/Moscow", "2026-11-21T17:00:00Z");
        check("2026-10-24T19:00:00Z", "Europe/Berlin", "2026-10-25T19:00:00Z");
        check("2026-11-20T23:59:00Z", "America/New_York", "2026-11-21T01:00:00Z");
    }
}
