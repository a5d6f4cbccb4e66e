//! Visitors who asked never to be called: by key 9 in a call, on the page, or by letter to the operator.

use super::db::{Db, Tx, query};
use super::{Result, guards, statements};
use callback_core::id::OrderId;
use callback_core::number::PhoneNumber;
use callback_core::time::Ts;
use std::net::IpAddr;
use std::time::Duration;

/// Numbers that one address may bring within an hour, whether they are on the list already or not.
const FROM_ADDRESS: u64 = 10;
const HOUR: Duration = Duration::from_secs(3_600);

/// Where such a wish came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopBy {
    /// The page, from this address.
    Page(IpAddr),
    /// The operator.
    Operator,
}

/// Puts a number on the list for ever; false where its address has brought too many.
pub(super) async fn add(tx: &mut Tx, phone: PhoneNumber, by: StopBy, at: Ts) -> Result<bool> {
    let network = match by {
        StopBy::Page(ip) => Some(guards::network(ip)),
        StopBy::Operator => None,
    };
    if let Some(network) = network.as_deref() {
        let brought = tx.maybe(query(BROUGHT).bind(network).bind(at - HOUR)).await?;
        if brought.map_or(Ok(0), |row| row.number::<u64>("brought"))? >= FROM_ADDRESS {
            return Ok(false);
        }
        tx.run(query(FORGET).bind(at - HOUR)).await?;
        tx.run(query(TRY).bind(network).bind(at)).await?;
    }
    tx.run(query(ADD).bind(phone.to_string()).bind(at)).await?;
    Ok(true)
}

/// Puts the visitor of an order on the list: he pressed 9 in its call.
pub(super) async fn add_visitor_of(tx: &mut Tx, order: OrderId, at: Ts) -> Result<()> {
    tx.run(query(ADD_VISITOR).bind(order.0).bind(at)).await?;
    Ok(())
}

/// Takes a number off the list; false where it is not on it.
pub(super) async fn lift(tx: &mut Tx, phone: PhoneNumber) -> Result<bool> {
    Ok(tx.run(query(LIFT).bind(phone.to_string())).await? == 1)
}

/// Whether a number is on the list.
pub(super) async fn holds(db: &Db, phone: PhoneNumber) -> Result<bool> {
    Ok(db.maybe(query(HOLDS).bind(phone.to_string())).await?.is_some())
}

statements! {
    BROUGHT = "SELECT COUNT(*) AS brought FROM stop_tries WHERE network = $1 AND at > $2";
    FORGET = "DELETE FROM stop_tries WHERE at <= $1";
    TRY = "INSERT INTO stop_tries (network, at) VALUES ($1, $2)";
    ADD = "INSERT INTO stops (phone, at) VALUES ($1, $2) ON CONFLICT (phone) DO NOTHING";
    ADD_VISITOR = "INSERT INTO stops (phone, at, order_id) SELECT phone, $2, id FROM orders WHERE id = $1
        ON CONFLICT (phone) DO NOTHING";
    LIFT = "DELETE FROM stops WHERE phone = $1";
    HOLDS = "SELECT phone FROM stops WHERE phone = $1";
}
