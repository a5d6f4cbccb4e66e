//! The ledger as it is kept: bookings once each, transfers in the order in which they were written, balances beside them.
//! What a booking consists of is the core's to say; here it is told what it must know, in the transaction that writes.
//! Whoever books stands in one line, so that balances are read and written one booking after another.

use super::db::{Row, Tx, not_as_written, query};
use super::types::Json;
use super::writer::Work;
use super::{Error, Result, Store, statement, statements};
use callback_core::billing::Terms;
use callback_core::id::{CustomerId, LegId, OrderId};
use callback_core::ledger::{
    Account, Balance, Booked, Booking, Books, Disagreement, Fingerprint, Key, Known, OtherCurrency, Owner,
    Phase, Transfer, TransferId, What, book as decide,
};
use callback_core::money::{Currency, Micros};
use callback_core::rating::charge::Charge;
use callback_core::time::Ts;
use std::collections::BTreeMap;

/// The line of those who book.
pub(super) const LINE: &str = "ledger";
/// Transfers that are read at once when the books are checked.
const PAGE: i64 = 10_000;

/// What a customer pays in, and how much he has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purse {
    /// In what.
    pub currency: Currency,
    /// How far below nothing his balance may go.
    pub credit_limit: Micros,
    /// What is on his account.
    pub balance: Balance,
}

/// A call's money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallMoney {
    /// By what it is charged.
    pub terms: Terms,
    /// What its legs were charged; none while it is not over.
    pub charges: BTreeMap<LegId, Charge>,
    /// What was moved for it, in the order in which it was.
    pub transfers: Vec<Transfer>,
}

impl CallMoney {
    /// What is held for it, and by how many bookings it was.
    #[must_use]
    pub fn reserved(&self) -> (Micros, u16) {
        let pending =
            self.transfers.iter().filter(|transfer| matches!(transfer.phase, Phase::Pending { .. }));
        let amounts = pending.map(|transfer| transfer.amount);
        amounts.fold((Micros::ZERO, 0), |(sum, count), amount| {
            (sum.checked_add(amount).unwrap_or(Micros(i64::MAX)), count + 1)
        })
    }
}

/// What was found in the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audit {
    /// How many transfers there are.
    pub transfers: u64,
    /// On how many accounts.
    pub accounts: u64,
    /// What is wrong.
    pub wrong: Vec<Disagreement>,
}

/// Writes a booking, or knows it again.
pub(super) async fn book(tx: &mut Tx, booking: &Booking, note: Option<&str>, at: Ts) -> Result<Booked> {
    let Booking { customer, currency, what } = booking;
    let row = tx.maybe(query(PAYER).bind(customer.0)).await?.ok_or(sqlx::Error::RowNotFound)?;
    let paid = own_currency(&row)?;
    if let Some(paid) = paid.filter(|paid| paid != currency) {
        return Err(Error::OtherCurrency(OtherCurrency { charged: *currency, paid }));
    }
    let lowest = Micros(row.get::<i64>("credit_limit")?.saturating_neg());
    let (mut reservations, mut is_settled, mut reversed) = (Vec::new(), false, None);
    match what {
        What::Reserve { call, .. } => is_settled = fingerprint(tx, Key::Settle(*call)).await?.is_some(),
        What::Settle { call, .. } => {
            reservations = transfers(&tx.all(query(OF_CALL).bind(call.0)).await?)?;
            reservations.retain(|transfer| matches!(transfer.phase, Phase::Pending { .. }));
        }
        What::Reverse { of, .. } => reversed = moved(tx, *of).await?,
        What::TopUp { .. } | What::Promise { .. } => {}
    }
    let key = booking.key();
    let known = Known {
        before: fingerprint(tx, key).await?,
        balance: balance(tx, &Owner::Customer(*customer).account(*currency)).await?,
        lowest,
        reservations: &reservations,
        is_settled,
        reversed: reversed.as_ref().map(|(transfer, before)| (transfer, *before)),
    };
    let booked = decide(booking, &known, at)?;
    if let Booked::Now(transfers) = &booked {
        let print = booking.fingerprint().0.to_vec();
        let row = query(BOOK).bind(key.to_string()).bind(print).bind(customer.0).bind(at).bind(note);
        tx.run(row).await?;
        if paid.is_none() {
            tx.run(query(PAYS_IN).bind(customer.0).bind(currency.to_string())).await?;
        }
        for transfer in transfers {
            write(tx, transfer).await?;
        }
        if !transfers.is_empty() {
            statement::write(tx, booking, transfers, known.balance.posted, at).await?;
        }
    }
    Ok(booked)
}

/// Keeps by what a call is charged; the first terms stay.
pub(super) async fn keep_terms(tx: &mut Tx, order: OrderId, terms: &Terms) -> Result<()> {
    tx.run(query(KEEP_TERMS).bind(order.0).bind(Json::of(terms)?)).await?;
    Ok(())
}

/// Keeps what a leg was charged.
pub(super) async fn keep_charge(tx: &mut Tx, order: OrderId, leg: LegId, charge: &Charge) -> Result<()> {
    tx.run(query(KEEP_CHARGE).bind(order.0).bind(leg.0).bind(Json::of(charge)?)).await?;
    Ok(())
}

async fn write(tx: &mut Tx, transfer: &Transfer) -> Result<()> {
    let order = match transfer.id.key {
        Key::Reserve(order, _) | Key::Settle(order) => Some(order.0),
        Key::TopUp(_) | Key::Promise(_) | Key::Reverse(_) => None,
    };
    let row = query(TRANSFER)
        .bind(transfer.id.key.to_string())
        .bind(u32::from(transfer.id.nth))
        .bind(order)
        .bind(transfer.reverses().map(name))
        .bind(Json::of(transfer)?);
    tx.run(row).await?;
    for effect in transfer.effects() {
        let row = query(BALANCE).bind(effect.account.to_string());
        tx.run(row.bind(effect.by.posted.0).bind(effect.by.reserved.0)).await?;
    }
    Ok(())
}

/// A transfer, as another one names it.
fn name(TransferId { key, nth }: TransferId) -> String {
    format!("{key} {nth}")
}

async fn fingerprint(tx: &mut Tx, key: Key) -> sqlx::Result<Option<Fingerprint>> {
    let Some(row) = tx.maybe(query(BEFORE).bind(key.to_string())).await? else { return Ok(None) };
    let print: [u8; 32] = row
        .get::<Vec<u8>>("fingerprint")?
        .try_into()
        .map_err(|_| not_as_written("fingerprint", std::io::Error::other("not 32 bytes")))?;
    Ok(Some(Fingerprint(print)))
}

async fn balance(tx: &mut Tx, account: &Account) -> sqlx::Result<Balance> {
    let row = tx.maybe(query(BALANCE_OF).bind(account.to_string())).await?;
    row.map_or(Ok(Balance::default()), |row| read_balance(&row))
}

/// A transfer, and what of it went back.
async fn moved(tx: &mut Tx, of: TransferId) -> sqlx::Result<Option<(Transfer, Micros)>> {
    let find = query(ONE).bind(of.key.to_string()).bind(u32::from(of.nth));
    let Some(row) = tx.maybe(find).await? else { return Ok(None) };
    let reversals = transfers(&tx.all(query(REVERSALS).bind(name(of))).await?)?;
    let back = reversals.iter().map(|one| one.moved().0).fold(0, i64::saturating_add);
    Ok(Some((row.json("body")?, Micros(back))))
}

pub(super) fn transfers(rows: &[Row]) -> sqlx::Result<Vec<Transfer>> {
    rows.iter().map(|row| row.json("body")).collect()
}

fn read_balance(row: &Row) -> sqlx::Result<Balance> {
    Ok(Balance { posted: Micros(row.get("posted")?), reserved: Micros(row.get("reserved")?) })
}

fn own_currency(row: &Row) -> sqlx::Result<Option<Currency>> {
    let own: Option<String> = row.get("currency")?;
    own.map(|own| own.parse().map_err(|error| not_as_written("currency", error))).transpose()
}

impl Store {
    /// Books: durable when this returns, with a note for people.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::OtherCurrency`]: nothing is written. The store is closed; there is no such customer.
    pub async fn book(&self, booking: Booking, note: Option<String>, at: Ts) -> Result<Booked> {
        self.ask(|slot| Work::Book { booking: Box::new(booking), note, at, slot }).await
    }

    /// What a customer pays in, that of the installation where he has not paid yet, and how much he has.
    ///
    /// # Errors
    /// The database cannot be read, or knows no such customer.
    pub async fn purse(&self, of: CustomerId, usual: Currency) -> Result<Purse> {
        let row = self.db.one(query(PAYER).bind(of.0)).await?;
        let currency = own_currency(&row)?.unwrap_or(usual);
        let account = Owner::Customer(of).account(currency);
        let balance = self.db.maybe(query(BALANCE_OF).bind(account.to_string())).await?;
        Ok(Purse {
            currency,
            credit_limit: Micros(row.get("credit_limit")?),
            balance: balance.map_or(Ok(Balance::default()), |row| read_balance(&row))?,
        })
    }

    /// Lets a customer's balance go so far below nothing.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn limit_credit(&self, of: CustomerId, limit: Micros) -> Result<()> {
        self.deed((of, limit), |tx, (of, limit)| {
            Box::pin(async move {
                tx.run(query(LIMIT_CREDIT).bind(of.0).bind(limit.0)).await?;
                Ok(())
            })
        })
        .await
    }

    /// A call's money; none where it is not charged.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn call_money(&self, order: OrderId) -> Result<Option<CallMoney>> {
        let Some(row) = self.db.maybe(query(TERMS).bind(order.0)).await? else { return Ok(None) };
        let charges = self.db.all(query(CHARGES).bind(order.0)).await?;
        let charges = charges.iter().map(|row| Ok((LegId(row.number("leg")?), row.json("body")?)));
        Ok(Some(CallMoney {
            terms: row.json("body")?,
            charges: charges.collect::<sqlx::Result<_>>()?,
            transfers: transfers(&self.db.all(query(OF_CALL).bind(order.0)).await?)?,
        }))
    }

    /// Reads all transfers, and compares what they make with the balances that are kept, as both were at one instant.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn check_ledger(&self) -> Result<Audit> {
        // One statement sees one instant, and transfers up to the last one of then are all there and never change.
        let (mut balances, mut until) = (BTreeMap::new(), 0);
        for row in self.db.all(query(BALANCES)).await? {
            until = row.get("last")?;
            balances.insert(row.parsed::<Account>("account")?, read_balance(&row)?);
        }
        let (mut books, mut count, mut after) = (Books::default(), 0, 0);
        loop {
            let rows = self.db.all(query(NEXT).bind(after).bind(until).bind(PAGE)).await?;
            for row in &rows {
                books.read(&row.json("body")?);
                after = row.get("seq")?;
                count += 1;
            }
            if rows.is_empty() {
                let accounts = u64::try_from(balances.len()).unwrap_or(u64::MAX);
                return Ok(Audit { transfers: count, accounts, wrong: books.compare(&balances) });
            }
        }
    }
}

statements! {
    PAYER = "SELECT currency, credit_limit FROM customers WHERE id = $1";
    PAYS_IN = "UPDATE customers SET currency = $2 WHERE id = $1 AND currency IS NULL";
    LIMIT_CREDIT = "UPDATE customers SET credit_limit = $2 WHERE id = $1";
    BEFORE = "SELECT fingerprint FROM bookings WHERE key = $1";
    BOOK = "INSERT INTO bookings (key, fingerprint, customer_id, at, note) VALUES ($1, $2, $3, $4, $5)";
    TRANSFER = "INSERT INTO transfers (seq, key, nth, order_id, reverses, body)
        VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM transfers), $1, $2, $3, $4, $5)";
    BALANCE = "INSERT INTO balances (account, posted, reserved) VALUES ($1, $2, $3)
        ON CONFLICT (account) DO UPDATE SET posted = balances.posted + excluded.posted,
            reserved = balances.reserved + excluded.reserved";
    BALANCE_OF = "SELECT posted, reserved FROM balances WHERE account = $1";
    BALANCES = "SELECT account, posted, reserved, (SELECT COALESCE(MAX(seq), 0) FROM transfers) AS last FROM balances";
    NEXT = "SELECT seq, body FROM transfers WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    ONE = "SELECT body FROM transfers WHERE key = $1 AND nth = $2";
    OF_CALL = "SELECT body FROM transfers WHERE order_id = $1 ORDER BY seq";
    REVERSALS = "SELECT body FROM transfers WHERE reverses = $1 ORDER BY seq";
    TERMS = "SELECT body FROM terms WHERE order_id = $1";
    KEEP_TERMS = "INSERT INTO terms (order_id, body) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING";
    CHARGES = "SELECT leg, body FROM charges WHERE order_id = $1 ORDER BY leg";
    KEEP_CHARGE = "INSERT INTO charges (order_id, leg, body) VALUES ($1, $2, $3)
        ON CONFLICT (order_id, leg) DO NOTHING";
}
