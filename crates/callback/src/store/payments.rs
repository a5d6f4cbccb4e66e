//! Payments by way of a provider: from when they are asked for until they have come or will not. What has come is booked in
//! the transaction that writes it down, and the ledger knows a payment again: however often it is told, it is credited once.

use super::audit;
use super::db::{Row, Tx, query};
use super::{Entry, Error, Result, Store, ledger, statements};
use crate::ids::CustomerId;
use callback_core::ledger::{Booked, Booking, Key, Phase, Reason, Refused, Reversal, TransferId, What};
use callback_core::money::{Currency, Micros};
use callback_core::time::Ts;
use uuid::Uuid;

/// Payments of a customer that nobody has made yet, at most.
const WAITING: i64 = 20;
/// Payments that are looked for at once.
const AT_ONCE: u32 = 20;

/// A payment that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewPayment {
    /// Made by whoever asks, so that asking twice is asking once.
    pub id: Uuid,
    /// Who pays.
    pub customer: CustomerId,
    /// By way of whom.
    pub provider: &'static str,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Micros,
}

/// A payment, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Which one, here and in the ledger.
    pub id: Uuid,
    /// Who pays.
    pub customer: CustomerId,
    /// What the provider calls it; none until he has answered.
    pub provider_id: Option<String>,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Micros,
    /// How far it is.
    pub state: PaymentState,
    /// Where it is made.
    pub url: Option<String>,
    /// When it was asked for.
    pub created_at: Ts,
    /// How often it was looked for.
    pub looks: u32,
}

/// How far a payment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaymentState {
    /// Nobody has made it yet.
    Waiting,
    /// It has come.
    Paid,
    /// It will not come. If it does all the same, it is credited.
    Failed,
}

/// What a provider says has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Came {
    /// Who says so.
    pub provider: &'static str,
    /// Of what he calls so.
    pub provider_id: String,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Micros,
}

impl PaymentState {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }
}

impl Store {
    /// Writes down that a payment is asked for; the one that was asked for with this id before, where there is one. None
    /// where too many of the customer's wait.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn begin_payment(
        &self,
        new: NewPayment,
        look_at: Ts,
        entry: Entry,
    ) -> Result<Option<(Payment, bool)>> {
        self.deed((new, look_at, entry), |tx, (new, look_at, entry)| {
            Box::pin(async move {
                if let Some(row) = tx.maybe(query(ONE).bind(new.id)).await? {
                    return Ok(Some((payment(&row)?, false)));
                }
                let waiting = tx.maybe(query(COUNT).bind(new.customer.0)).await?;
                if waiting.map_or(Ok(0), |row| row.get::<i64>("waiting"))? >= WAITING {
                    return Ok(None);
                }
                let row = query(BEGIN).bind(new.id).bind(new.customer.0).bind(new.provider);
                let row = row.bind(new.currency.to_string()).bind(new.amount.0).bind(entry.now);
                tx.run(row.bind(*look_at)).await?;
                audit::write(tx, new.customer, entry).await?;
                let row = tx.maybe(query(ONE).bind(new.id)).await?.ok_or(sqlx::Error::RowNotFound)?;
                Ok(Some((payment(&row)?, true)))
            })
        })
        .await
    }

    /// Keeps what the provider calls a payment, and where it is made.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn name_payment(&self, id: Uuid, provider_id: String, url: String) -> Result<()> {
        self.deed((id, provider_id, url), |tx, (id, provider_id, url)| {
            Box::pin(async move {
                tx.run(query(NAME).bind(*id).bind(provider_id.as_str()).bind(url.as_str())).await?;
                Ok(())
            })
        })
        .await
    }

    /// A payment has come: it is credited, once. Whether it was now; none where nobody asked for it so.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OtherCurrency`]; the store is closed.
    pub async fn payment_came(&self, came: Came, at: Ts) -> Result<Option<bool>> {
        self.deed_in_line(ledger::LINE, (came, at), |tx, (came, at)| {
            Box::pin(async move {
                let Came { provider, provider_id, currency, amount } = came;
                let Some(known) = by_provider(tx, provider, provider_id).await? else { return Ok(None) };
                if (known.currency, known.amount) != (*currency, *amount) {
                    return Ok(None);
                }
                let what = What::TopUp { payment: known.id, amount: *amount };
                let booking = Booking { customer: known.customer, currency: *currency, what };
                let note = format!("{provider} {provider_id}");
                let booked = ledger::book(tx, &booking, Some(&note), *at).await?;
                tx.run(query(END).bind(known.id).bind(PaymentState::Paid.as_str()).bind(*at)).await?;
                Ok(Some(booked != Booked::Before))
            })
        })
        .await
    }

    /// A payment went back at its provider's: it is taken from the balance, once, below its limit too, for it has gone.
    /// Whether it was now; none where nobody paid it so.
    ///
    /// # Errors
    /// [`Error::Refused`]: more goes back than has come. The store is closed.
    pub async fn payment_went_back(&self, back: Came, refund: Uuid, at: Ts) -> Result<Option<bool>> {
        self.deed_in_line(ledger::LINE, (back, refund, at), |tx, (back, refund, at)| {
            Box::pin(async move {
                let Came { provider, provider_id, currency, amount } = back;
                let Some(known) = by_provider(tx, provider, provider_id).await? else { return Ok(None) };
                let of = TransferId { key: Key::TopUp(known.id), nth: 0 };
                let booking = |why| {
                    let what = What::Reverse { reversal: *refund, of, amount: *amount, why };
                    Booking { customer: known.customer, currency: *currency, what }
                };
                let note = format!("{provider} {provider_id}");
                let mut booked = ledger::book(tx, &booking(Reversal::Refund), Some(&note), *at).await;
                if let Err(Error::Refused(Refused::Funds { .. } | Refused::OtherInputs)) = booked {
                    booked = ledger::book(tx, &booking(Reversal::Correction), Some(&note), *at).await;
                }
                Ok(Some(booked? != Booked::Before))
            })
        })
        .await
    }

    /// A payment will not come.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn payment_failed(&self, provider: &'static str, provider_id: String, at: Ts) -> Result<()> {
        self.deed((provider, provider_id, at), |tx, (provider, provider_id, at)| {
            Box::pin(async move {
                let Some(known) = by_provider(tx, provider, provider_id).await? else { return Ok(()) };
                if known.state == PaymentState::Waiting {
                    tx.run(query(END).bind(known.id).bind(PaymentState::Failed.as_str()).bind(*at)).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Payments that are to be looked for; nobody else looks for them before `hold`.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn payments_to_look_for(&self, now: Ts, hold: Ts) -> Result<Vec<Payment>> {
        self.deed((now, hold), |tx, (now, hold)| {
            Box::pin(async move {
                let rows = tx.all(query(TAKE).bind(*now).bind(*hold).bind(AT_ONCE)).await?;
                Ok(rows.iter().map(payment).collect::<sqlx::Result<_>>()?)
            })
        })
        .await
    }

    /// A payment has not come yet: it is looked for again, or never where it is too old.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn look_again(&self, id: Uuid, look_at: Option<Ts>, now: Ts) -> Result<()> {
        self.deed((id, look_at, now), |tx, (id, look_at, now)| {
            Box::pin(async move {
                match look_at {
                    Some(look_at) => tx.run(query(LOOK).bind(*id).bind(*look_at)).await?,
                    None => tx.run(query(GIVE_UP).bind(*id).bind(*now)).await?,
                };
                Ok(())
            })
        })
        .await
    }

    /// A customer's payments, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn payments(&self, of: CustomerId) -> Result<Vec<Payment>> {
        let rows = self.db.all(query(OF_CUSTOMER).bind(of.0).bind(AT_ONCE)).await?;
        Ok(rows.iter().map(payment).collect::<sqlx::Result<_>>()?)
    }

    /// Who made a payment, in what, and what of it is left; none where there is none with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn top_up(&self, payment: Uuid) -> Result<Option<TopUp>> {
        let key = Key::TopUp(payment).to_string();
        let name = format!("{key} 0");
        let Some(row) = self.db.maybe(query(TOP_UP).bind(key).bind(name)).await? else { return Ok(None) };
        let transfer: callback_core::ledger::Transfer = row.json("body")?;
        if !matches!((transfer.reason, transfer.phase), (Reason::TopUp, Phase::AtOnce)) {
            return Ok(None);
        }
        Ok(Some(TopUp {
            customer: CustomerId(row.get("customer_id")?),
            currency: transfer.to.currency,
            left: Micros(transfer.amount.0.saturating_sub(row.get::<i64>("back")?)),
            provider: row.get("provider")?,
        }))
    }
}

/// A payment, as it was booked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopUp {
    /// Who made it.
    pub customer: CustomerId,
    /// In what.
    pub currency: Currency,
    /// What of it has not gone back.
    pub left: Micros,
    /// By way of whom; none where it was booked by hand.
    pub provider: Option<String>,
}

async fn by_provider(tx: &mut Tx, provider: &str, provider_id: &str) -> sqlx::Result<Option<Payment>> {
    let row = tx.maybe(query(BY_PROVIDER).bind(provider).bind(provider_id)).await?;
    row.map(|row| payment(&row)).transpose()
}

fn payment(row: &Row) -> sqlx::Result<Payment> {
    let state: String = row.get("state")?;
    Ok(Payment {
        id: row.get("id")?,
        customer: CustomerId(row.get("customer_id")?),
        provider_id: row.get("provider_id")?,
        currency: row.parsed("currency")?,
        amount: Micros(row.get("amount")?),
        state: match state.as_str() {
            "paid" => PaymentState::Paid,
            "failed" => PaymentState::Failed,
            _ => PaymentState::Waiting,
        },
        url: row.get("url")?,
        created_at: row.time("created_at")?,
        looks: row.number("looks")?,
    })
}

statements! {
    ONE = "SELECT * FROM payments WHERE id = $1";
    COUNT = "SELECT COUNT(*) AS waiting FROM payments WHERE customer_id = $1 AND state = 'waiting'";
    BEGIN = "INSERT INTO payments (id, customer_id, provider, currency, amount, state, created_at, looks, look_at)
        VALUES ($1, $2, $3, $4, $5, 'waiting', $6, 0, $7)";
    NAME = "UPDATE payments SET provider_id = $2, url = $3 WHERE id = $1 AND provider_id IS NULL";
    BY_PROVIDER = "SELECT * FROM payments WHERE provider = $1 AND provider_id = $2 FOR UPDATE";
    END = "UPDATE payments SET state = $2, ended_at = $3, look_at = NULL WHERE id = $1 AND state <> $2";
    TAKE = "UPDATE payments SET look_at = $2, looks = looks + 1 WHERE id IN
        (SELECT id FROM payments WHERE look_at <= $1 ORDER BY look_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING *";
    LOOK = "UPDATE payments SET look_at = $2 WHERE id = $1 AND state = 'waiting'";
    GIVE_UP = "UPDATE payments SET state = 'failed', ended_at = $2, look_at = NULL WHERE id = $1 AND state = 'waiting'";
    OF_CUSTOMER = "SELECT * FROM payments WHERE customer_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
    TOP_UP = "SELECT b.customer_id, t.body, p.provider, (SELECT CAST(COALESCE(SUM(CAST(r.body ->> 'amount' AS BIGINT)), 0)
            AS BIGINT) FROM transfers r WHERE r.reverses = $2) AS back FROM bookings b JOIN transfers t ON t.key = b.key
        LEFT JOIN statement_lines l ON l.seq = t.seq AND l.customer_id = b.customer_id
        LEFT JOIN payments p ON p.id = l.payment_id WHERE b.key = $1 AND t.nth = 0";
}
