//! What stands against an order, as the database knows it: wishes never to be called, how often a telephone has
//! rung, how much came from one address (R50). All of it is counted from orders, so that all processes count alike;
//! who asks stands in line first, so that two at once see each other.

use super::db::{Db, Tx, query};
use super::words::{AddressCaps, NewOrder, OrderRow};
use super::{Result, statements};
use callback_core::id::OrderId;
use callback_core::record::NotCalled;
use callback_core::time::Ts;
use std::collections::BTreeSet;
use std::iter;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

const TEN_MINUTES: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// An order's telephone has rung so long after it was due, or never.
const LATEST_RING: Duration = HOUR;

/// A telephone rings at most so often within ten minutes.
const RINGS_IN_10MIN: u64 = 2;
/// The same within a day.
const RINGS_IN_DAY: u64 = 5;
/// The same within a day, of those without a conversation.
const RINGS_IN_VAIN: u64 = 2;

/// After every time that an order can be made for: the last instant of the year 9999.
const END_OF_TIME: Ts = Ts(253_402_300_799_999_999);

/// The network that an address counts as: itself, or its /64 (RFC 4291 §2.5.4).
pub(crate) fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

/// Waits for those who decide about the same telephones, or the same networks, or take orders at all: all do it in the
/// same order and before they decide, so that no two wait for each other.
pub(super) async fn stand_in_lines(tx: &mut Tx, names: BTreeSet<String>) -> sqlx::Result<()> {
    if !tx.is_alone() {
        for name in names {
            tx.run(query(STAND_IN_LINE).bind(name)).await?;
        }
    }
    Ok(())
}

/// The same, of one who found out in his transaction only that he decides about it: two who wait for each other are
/// told so by the database, and try again.
pub(super) async fn stand_in_line(tx: &mut Tx, name: &str) -> sqlx::Result<()> {
    stand_in_lines(tx, [name.to_owned()].into()).await
}

/// The lines that decide about this order.
pub(super) fn lines(order: &NewOrder) -> impl Iterator<Item = String> {
    let network = order.facts.ip.filter(|_| order.caps.is_some()).map(network);
    iter::once(order.phone.to_string()).chain(network)
}

/// Forgets the lines in which nobody stands.
pub(super) async fn empty_lines(db: &Db) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    tx.run(query(EMPTY_LINES)).await?;
    tx.commit().await
}

/// Why a new order is not called.
pub(super) async fn against_new(tx: &mut Tx, order: &NewOrder, phone: &str) -> Result<Option<NotCalled>> {
    let facts = &order.facts;
    if stopped(tx, phone).await? {
        return Ok(Some(NotCalled::Blacklist));
    }
    let Some(caps) = order.caps else { return Ok(None) };
    if let Some(ip) = facts.ip
        && address_is_over(tx, &network(ip), caps, facts.accepted_at).await?
    {
        return Ok(Some(NotCalled::Limits));
    }
    let is_deferred = order.run_at > facts.accepted_at;
    let over = !is_deferred && telephone_is_over(tx, phone, facts.id, END_OF_TIME, facts.accepted_at).await?;
    Ok(over.then_some(NotCalled::Limits))
}

/// Why an order that was accepted, and whose visitor was not dialled yet, is not called after all.
pub(super) async fn against_claimed(tx: &mut Tx, order: &OrderRow, now: Ts) -> Result<Option<NotCalled>> {
    let phone = order.phone.to_string();
    if stopped(tx, &phone).await? {
        return Ok(Some(NotCalled::Blacklist));
    }
    if order.run_at == order.facts.accepted_at {
        // It was counted as one that rings since it was stored.
        return Ok(None);
    }
    stand_in_line(tx, &phone).await?;
    let over = telephone_is_over(tx, &phone, order.facts.id, order.run_at, now).await?;
    Ok(over.then_some(NotCalled::Limits))
}

async fn stopped(tx: &mut Tx, phone: &str) -> Result<bool> {
    Ok(tx.maybe(query(STOPPED).bind(phone)).await?.is_some())
}

/// An order that is open counts as one that will ring, one for a time to come as soon as it is due. Of two orders for
/// now the earlier stored may have come later; of two for times to come the first is called.
async fn telephone_is_over(
    tx: &mut Tx,
    phone: &str,
    order: OrderId,
    deferred_to: Ts,
    now: Ts,
) -> Result<bool> {
    let rings = query(RINGS)
        .bind(phone)
        .bind(order.0)
        .bind(now)
        .bind(now - TEN_MINUTES)
        .bind(now - DAY)
        .bind(now - DAY - LATEST_RING)
        .bind(deferred_to);
    let Some(row) = tx.maybe(rings).await? else { return Ok(false) };
    Ok(row.number::<u64>("live")? > 0
        || row.number::<u64>("lately")? >= RINGS_IN_10MIN
        || row.number::<u64>("today")? >= RINGS_IN_DAY
        || row.number::<u64>("in_vain")? >= RINGS_IN_VAIN)
}

/// An office or a mobile network stays welcome as long as most of its visitors answer the telephone that they gave.
async fn address_is_over(tx: &mut Tx, network: &str, caps: AddressCaps, now: Ts) -> Result<bool> {
    let orders = query(FROM_NETWORK).bind(network).bind(now - TEN_MINUTES).bind(now - HOUR);
    let Some(row) = tx.maybe(orders).await? else { return Ok(false) };
    let outnumber = |unanswered: &str, answered: &str| -> sqlx::Result<u64> {
        Ok(row.number::<u64>(unanswered)?.saturating_sub(row.number::<u64>(answered)?))
    };
    Ok(outnumber("unanswered_10min", "answered_10min")? >= caps.in_10min.into()
        || outnumber("unanswered", "answered")? >= caps.in_hour.into())
}

statements! {
    STAND_IN_LINE = "INSERT INTO lines (name, turns) VALUES ($1, 1)
        ON CONFLICT (name) DO UPDATE SET turns = lines.turns + 1";
    EMPTY_LINES = "DELETE FROM lines WHERE name IN (SELECT o.name FROM lines o FOR UPDATE OF o SKIP LOCKED)";
    STOPPED = "SELECT phone FROM stops WHERE phone = $1";
    RINGS = "SELECT
            COUNT(CASE WHEN ended_at IS NULL AND (run_at = accepted_at OR (run_at, id) < ($7, $2)) THEN 1 END)
                AS live,
            COUNT(CASE WHEN rang_at > $4 THEN 1 END) AS lately,
            COUNT(CASE WHEN rang_at > $5 THEN 1 END) AS today,
            COUNT(CASE WHEN rang_at > $5 AND COALESCE(talk_s, 0) < 10 THEN 1 END) AS in_vain
        FROM orders WHERE phone = $1 AND id <> $2 AND joined_to IS NULL AND run_at > $6
            AND (run_at <= $3 OR run_at = accepted_at)";
    FROM_NETWORK = "SELECT
            COUNT(CASE WHEN answered = 0 AND accepted_at > $2 THEN 1 END) AS unanswered_10min,
            COUNT(CASE WHEN answered = 1 AND accepted_at > $2 THEN 1 END) AS answered_10min,
            COUNT(CASE WHEN answered = 0 THEN 1 END) AS unanswered,
            COUNT(CASE WHEN answered = 1 THEN 1 END) AS answered
        FROM orders WHERE network = $1 AND accepted_at > $3 AND joined_to IS NULL";
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn an_address_counts_as_itself_or_as_its_64() {
        let check = |ip: &str, expected: &str| assert_eq!(network(ip.parse().unwrap()), expected);
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2::", "2001:db8:1:2::/64");
    }
}
