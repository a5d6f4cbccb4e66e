//! Telephones that managers answer: verified by a code that a call spoke, before any is dialled for a visitor (R12).

use super::db::{Row, Tx, query};
use super::{Result, Store, audit, sites, statements};
use crate::account::fingerprint;
use crate::ids::CustomerId;
use callback_core::number::PhoneNumber;
use callback_core::time::Ts;
use std::time::Duration;
use uuid::Uuid;

/// Calls that speak a code, within a day: to one number, from one customer.
const TO_NUMBER: u32 = 3;
const OF_CUSTOMER: u32 = 10;
/// The day.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long a code is good.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(10 * 60);
/// Wrong codes before it is good no more.
const TRIES: u32 = 5;

/// A telephone that was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedPhone {
    /// Its number.
    pub phone: PhoneNumber,
    /// When.
    pub at: Ts,
}

/// What came of asking for a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asking {
    /// It may be spoken; so many calls to this number are left today.
    Asked {
        /// Calls that are left.
        left: u32,
    },
    /// Too many calls today.
    TooMany,
}

/// What came of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Telling {
    /// It is right: the telephone is verified.
    Verified,
    /// It is wrong; so many tries are left.
    Wrong {
        /// Tries that are left.
        left: u32,
    },
    /// There is none that is good: ask for another call.
    Over,
}

pub(super) async fn set_verified(
    tx: &mut Tx,
    customer: CustomerId,
    phone: PhoneNumber,
    by: &str,
    now: Ts,
) -> Result<()> {
    let write = query(SET_VERIFIED).bind(customer.0).bind(phone.to_string());
    tx.run(write.bind(now).bind(by)).await?;
    Ok(())
}

async fn ask(
    tx: &mut Tx,
    customer: CustomerId,
    phone: PhoneNumber,
    (code, is_capped): (&str, bool),
    now: Ts,
) -> Result<Asking> {
    // All that is asked for one number, and of one customer, stands in line.
    tx.maybe(query(HOLD_CUSTOMER).bind(customer.0)).await?;
    super::guards::stand_in_line(tx, &format!("code {phone}")).await?;
    let count = |row: Option<Row>| row.map_or(Ok(0), |row| row.number::<u32>("calls"));
    let to_number = tx.maybe(query(TO).bind(phone.to_string()).bind(now - DAY)).await?;
    let of_customer = tx.maybe(query(OF).bind(customer.0).bind(now - DAY)).await?;
    let (to_number, of_customer) = (count(to_number)?, count(of_customer)?);
    if is_capped && (to_number >= TO_NUMBER || of_customer >= OF_CUSTOMER) {
        return Ok(Asking::TooMany);
    }
    let write = query(ASK).bind(Uuid::now_v7()).bind(customer.0).bind(phone.to_string());
    tx.run(write.bind(fingerprint(code)).bind(now)).await?;
    Ok(Asking::Asked { left: TO_NUMBER.saturating_sub(to_number.saturating_add(1)) })
}

async fn tell(
    tx: &mut Tx,
    customer: CustomerId,
    phone: PhoneNumber,
    code: &str,
    entry: &audit::Entry,
) -> Result<Telling> {
    let now = entry.now;
    let find = query(NEWEST).bind(customer.0).bind(phone.to_string()).bind(now - GOOD_FOR);
    let Some(row) = tx.maybe(find).await? else { return Ok(Telling::Over) };
    let tries = row.number::<u32>("tries")?.saturating_add(1);
    if tries > TRIES {
        return Ok(Telling::Over);
    }
    tx.run(query(TRIED).bind(row.get::<Uuid>("id")?).bind(tries)).await?;
    if row.get::<String>("code")? != fingerprint(code) {
        return Ok(Telling::Wrong { left: TRIES - tries });
    }
    set_verified(tx, customer, phone, &entry.who, now).await?;
    tx.run(query(END).bind(customer.0).bind(phone.to_string())).await?;
    audit::write(tx, customer, entry).await?;
    sites::next_epoch(tx).await?;
    Ok(Telling::Verified)
}

impl Store {
    /// The telephones of a customer that were verified.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn verified_phones(&self, customer: CustomerId) -> Result<Vec<VerifiedPhone>> {
        let rows = self.db.all(query(VERIFIED).bind(customer.0)).await?;
        let phone = |row: &Row| Ok(VerifiedPhone { phone: row.parsed("phone")?, at: row.time("at")? });
        Ok(rows.iter().map(phone).collect::<sqlx::Result<_>>()?)
    }

    /// Counts a call that speaks a code, before it is made; in practice, where no telephone rings, there may be more.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn ask_code(
        &self,
        customer: CustomerId,
        phone: PhoneNumber,
        code: String,
        is_capped: bool,
        now: Ts,
    ) -> Result<Asking> {
        self.deed((customer, phone, code, is_capped, now), |tx, (customer, phone, code, is_capped, now)| {
            Box::pin(ask(tx, *customer, *phone, (code, *is_capped), *now))
        })
        .await
    }

    /// Takes a code back that was not spoken after all: it counts for nothing.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn take_code_back(&self, customer: CustomerId, phone: PhoneNumber, code: String) -> Result<()> {
        self.deed((customer, phone, code), |tx, (customer, phone, code)| {
            Box::pin(async move {
                let take = query(TAKE_BACK).bind(customer.0).bind(phone.to_string());
                tx.run(take.bind(fingerprint(code))).await?;
                Ok(())
            })
        })
        .await
    }

    /// Tells a code: where it is right, the telephone is verified.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn tell_code(
        &self,
        customer: CustomerId,
        phone: PhoneNumber,
        code: String,
        entry: audit::Entry,
    ) -> Result<Telling> {
        let told = self
            .deed((customer, phone, code, entry), |tx, (customer, phone, code, entry)| {
                Box::pin(tell(tx, *customer, *phone, code, entry))
            })
            .await;
        self.settings_changed();
        told
    }
}

statements! {
    VERIFIED = "SELECT phone, at FROM verified_phones WHERE customer_id = $1 ORDER BY phone";
    SET_VERIFIED = "INSERT INTO verified_phones (customer_id, phone, at, by_whom) VALUES ($1, $2, $3, $4)
        ON CONFLICT (customer_id, phone) DO NOTHING";
    HOLD_CUSTOMER = "SELECT id FROM customers WHERE id = $1 FOR UPDATE";
    TO = "SELECT COUNT(*) AS calls FROM verifications WHERE phone = $1 AND at > $2";
    OF = "SELECT COUNT(*) AS calls FROM verifications WHERE customer_id = $1 AND at > $2";
    ASK = "INSERT INTO verifications (id, customer_id, phone, code, at) VALUES ($1, $2, $3, $4, $5)";
    TAKE_BACK = "DELETE FROM verifications WHERE customer_id = $1 AND phone = $2 AND code = $3";
    NEWEST = "SELECT id, code, tries FROM verifications WHERE customer_id = $1 AND phone = $2 AND at > $3
        AND code <> '' ORDER BY at DESC, id DESC LIMIT 1 FOR UPDATE";
    TRIED = "UPDATE verifications SET tries = $2 WHERE id = $1";
    END = "UPDATE verifications SET code = '' WHERE customer_id = $1 AND phone = $2";
}
