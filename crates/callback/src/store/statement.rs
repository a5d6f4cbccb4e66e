//! The ledger as its customer reads it: a line for each booking that touched what he has, written with it; what is held for
//! calls that are not over. What anything cost stands in none of it.

use super::db::{Row, Tx, query};
use super::ledger::transfers;
use super::{Result, Store, statements};
use crate::ids::CustomerId;
use callback_core::id::OrderId;
use callback_core::ledger::{Booking, Key, Owner, Phase, Reason, Transfer, What};
use callback_core::money::Micros;
use callback_core::time::Ts;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A line of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementLine {
    /// Its place among all: the later, the greater.
    pub seq: i64,
    /// When it was booked.
    pub at: Ts,
    /// What for: `call`, `top_up`, `promise`, `refund`, `correction`, `promise_over`.
    pub reason: String,
    /// The call that it is about.
    pub call: Option<StatementCall>,
    /// The provider by whom a payment came; none where it was booked by hand.
    pub provider: Option<String>,
    /// What it added to the balance.
    pub amount: Micros,
    /// What was there then.
    pub balance: Micros,
}

/// A call, as a statement names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementCall {
    /// Which one.
    pub id: OrderId,
    /// The visitor's number.
    pub phone: String,
    /// Its site's name.
    pub site: String,
    /// What became of it; none while it is not over.
    pub disposition: Option<String>,
}

/// Money that is held for a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldFor {
    /// The call.
    pub call: StatementCall,
    /// How much.
    pub amount: Micros,
}

/// Writes the line of a booking, whose transfers are written; the last of them is `seq`.
pub(super) async fn write(
    tx: &mut Tx,
    booking: &Booking,
    written: &[Transfer],
    before: Micros,
    at: Ts,
) -> sqlx::Result<()> {
    let owner = Owner::Customer(booking.customer).account(booking.currency);
    let effects = written.iter().flat_map(Transfer::effects).filter(|effect| *effect.account == owner);
    let amount = effects.map(|effect| effect.by.posted.0).fold(0, i64::saturating_add);
    let of_call = |key: Key| match key {
        Key::Reserve(call, _) | Key::Settle(call) => Some(call.0),
        Key::TopUp(_) | Key::Promise(_) | Key::Reverse(_) => None,
    };
    let of_payment = |key: Key| if let Key::TopUp(payment) = key { Some(payment) } else { None };
    let (reason, key) = match &booking.what {
        What::Reserve { .. } => return Ok(()),
        What::Settle { .. } => ("call", booking.key()),
        What::TopUp { .. } => ("top_up", booking.key()),
        What::Promise { .. } => ("promise", booking.key()),
        What::Reverse { of, .. } => (reversal(written), of.key),
    };
    let line = query(LINE).bind(booking.customer.0).bind(at).bind(reason);
    let line = line.bind(of_call(key)).bind(of_payment(key)).bind(amount);
    tx.run(line.bind(before.0.saturating_add(amount))).await?;
    Ok(())
}

fn reversal(written: &[Transfer]) -> &'static str {
    match written.first().map(|transfer| transfer.reason) {
        Some(Reason::Refund { .. }) => "refund",
        Some(Reason::PromiseOver { .. }) => "promise_over",
        Some(
            Reason::Correction { .. }
            | Reason::Call
            | Reason::Owed
            | Reason::Cost
            | Reason::TopUp
            | Reason::Promise,
        )
        | None => "correction",
    }
}

impl Store {
    /// The lines of a customer's statement before one, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn statement(
        &self,
        of: CustomerId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StatementLine>> {
        let find = query(LINES).bind(of.0).bind(before.unwrap_or(i64::MAX)).bind(limit);
        let rows = self.db.all(find).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// What calls have taken of a customer's money since an instant.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent(&self, of: CustomerId, since: Ts) -> Result<Micros> {
        let row = self.db.one(query(SPENT).bind(of.0).bind(since)).await?;
        Ok(Micros(row.get::<i64>("spent")?.saturating_neg()))
    }

    /// What is held for a customer's calls that are not over, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn held(&self, of: CustomerId) -> Result<Vec<HeldFor>> {
        let rows = self.db.all(query(HELD).bind(of.0)).await?;
        let pending = |transfer: &Transfer| matches!(transfer.phase, Phase::Pending { .. });
        let mut held: BTreeMap<Uuid, HeldFor> = BTreeMap::new();
        let mut order = Vec::new();
        for (row, transfer) in rows.iter().zip(transfers(&rows)?) {
            let Some(call) = call(row)?.filter(|_| pending(&transfer)) else { continue };
            let id = call.id.0;
            let sum = held.entry(id).or_insert_with(|| {
                order.push(id);
                HeldFor { call, amount: Micros::ZERO }
            });
            sum.amount = Micros(sum.amount.0.saturating_add(transfer.amount.0));
        }
        Ok(order.iter().filter_map(|id| held.remove(id)).collect())
    }
}

fn line(row: &Row) -> sqlx::Result<StatementLine> {
    Ok(StatementLine {
        seq: row.get("seq")?,
        at: row.time("at")?,
        reason: row.get("reason")?,
        call: call(row)?,
        provider: row.get("provider")?,
        amount: Micros(row.get("amount")?),
        balance: Micros(row.get("balance")?),
    })
}

fn call(row: &Row) -> sqlx::Result<Option<StatementCall>> {
    let Some(id) = row.get::<Option<Uuid>>("order_id")? else { return Ok(None) };
    Ok(Some(StatementCall {
        id: OrderId(id),
        phone: row.get("phone")?,
        site: row.get("site")?,
        disposition: row.get("disposition")?,
    }))
}

statements! {
    LINE = "INSERT INTO statement_lines (customer_id, seq, at, reason, order_id, payment_id, amount, balance)
        VALUES ($1, (SELECT COALESCE(MAX(seq), 0) FROM transfers), $2, $3, $4, $5, $6, $7)";
    LINES = "SELECT l.seq, l.at, l.reason, l.order_id, o.phone, o.disposition, s.name AS site, p.provider, l.amount,
            l.balance
        FROM statement_lines l LEFT JOIN orders o ON o.id = l.order_id LEFT JOIN sites s ON s.id = o.site_id
        LEFT JOIN payments p ON p.id = l.payment_id
        WHERE l.customer_id = $1 AND l.seq < $2 ORDER BY l.seq DESC LIMIT $3";
    SPENT = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS spent FROM statement_lines
        WHERE customer_id = $1 AND at >= $2 AND amount < 0 AND reason = 'call'";
    HELD = "SELECT t.order_id, t.body, o.phone, o.disposition, s.name AS site
        FROM orders o JOIN transfers t ON t.order_id = o.id JOIN sites s ON s.id = o.site_id
        WHERE o.customer_id = $1 AND o.joined_to IS NULL AND o.record IS NULL AND (o.ended_at IS NULL OR o.process > 0)
        ORDER BY o.accepted_at DESC, o.id DESC, t.seq";
}
