//! Orders: accepted, refused, claimed by processes, read by the web. What happens in their calls is `calls`'.

use super::Result;
use super::db::{Db, Row, Tx, query};
use super::types::{Json, Ts as Column};
use super::words::{
    Acceptance, ClaimedOrder, Fence, Hold, NewOrder, OrderFacts, OrderPhone, OrderRow, RefusedOrder,
};
use super::{calls, statements};
use crate::ids::{CustomerId, SiteId, SiteKey};
use callback_core::flow::{Detail, VisitorState};
use callback_core::id::OrderId;
use callback_core::record::Disposition;
use callback_core::time::Ts;
use std::time::Duration;
use uuid::Uuid;

/// Two orders of one telephone on one site whose times are closer than this are one wish.
pub const JOINED_WITHIN: Duration = Duration::from_secs(300);

/// Stores an order that is to be called, or finds out that it need not be.
pub(super) async fn accept(tx: &mut Tx, order: &NewOrder) -> Result<Acceptance> {
    let facts = &order.facts;
    let phone = order.phone.to_string();
    tx.run(query(STAND_IN_LINE).bind(facts.site.0).bind(phone.as_str())).await?;
    if let Some(before) = stored_before(tx, facts, &phone).await? {
        return Ok(before);
    }
    let running = query(RUNNING)
        .bind(facts.site.0)
        .bind(phone.as_str())
        .bind(order.run_at - JOINED_WITHIN)
        .bind(order.run_at + JOINED_WITHIN);
    let running: Option<Uuid> = tx.maybe(running).await?.map(|row| row.get("id")).transpose()?;
    let state =
        if order.run_at > facts.accepted_at { VisitorState::Scheduled } else { VisitorState::Accepted };
    insert(tx, facts, &Place { phone: &phone, run_at: order.run_at, joined_to: running, state, ended: None })
        .await?;
    let stored = by_id(tx, facts.id).await?;
    Ok(if running.is_some() { Acceptance::Joined(stored) } else { Acceptance::New(stored) })
}

/// Stores an order that ended at its admission.
pub(super) async fn refuse(tx: &mut Tx, order: &RefusedOrder) -> Result<Acceptance> {
    let facts = &order.facts;
    let phone = order.phone.to_string();
    tx.run(query(STAND_IN_LINE).bind(facts.site.0).bind(phone.as_str())).await?;
    if let Some(before) = stored_before(tx, facts, &phone).await? {
        return Ok(before);
    }
    let place = Place {
        phone: &phone,
        run_at: facts.accepted_at,
        joined_to: None,
        state: VisitorState::Ended(order.disposition),
        ended: Some(order.disposition),
    };
    insert(tx, facts, &place).await?;
    Ok(Acceptance::New(by_id(tx, facts.id).await?))
}

/// Gives due orders to a process, the oldest first.
pub(super) async fn claim(tx: &mut Tx, owner: Uuid, hold: Hold, limit: u32) -> Result<Vec<ClaimedOrder>> {
    let due = query(CLAIM).bind(owner).bind(hold.until).bind(hold.now).bind(limit).bind(hold.lapsed);
    let rows = tx.all(due).await?;
    claimed(tx, rows).await
}

/// Gives orders that have ended, but whose process died before it wrote the record, to a process that writes it.
pub(super) async fn claim_unrecorded(
    tx: &mut Tx,
    owner: Uuid,
    hold: Hold,
    limit: u32,
) -> Result<Vec<ClaimedOrder>> {
    let open =
        query(CLAIM_UNRECORDED).bind(owner).bind(hold.until).bind(hold.now).bind(limit).bind(hold.lapsed);
    let rows = tx.all(open).await?;
    claimed(tx, rows).await
}

async fn claimed(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<ClaimedOrder>> {
    let mut claimed = Vec::new();
    for row in rows {
        let order = by_id(tx, OrderId(row.get("id")?)).await?;
        let OrderPhone::Number(phone) = order.phone else { continue };
        let fence = Fence { order: order.facts.id, process: order.process };
        let intents = calls::intents(tx, fence.order).await?;
        let last_sign = row.get::<Option<Column>>("last_sign")?.map_or(order.facts.accepted_at, |at| at.0);
        claimed.push(ClaimedOrder { fence, phone, plan: row.maybe_json("plan")?, intents, last_sign, order });
    }
    claimed.sort_by_key(|claimed| (claimed.order.run_at, claimed.fence.order));
    Ok(claimed)
}

/// Lengthens leases; returns those that are lost.
pub(super) async fn renew(tx: &mut Tx, fences: &[Fence], hold: Hold) -> Result<Vec<Fence>> {
    let mut lost = Vec::new();
    for fence in fences {
        let renewed = query(RENEW).bind(fence.order.0).bind(fence.process).bind(hold.until).bind(hold.now);
        if tx.run(renewed).await? == 0 {
            lost.push(*fence);
        }
    }
    Ok(lost)
}

/// Ends every lease: those who had them are dead.
pub(super) async fn end_leases(tx: &mut Tx) -> Result<()> {
    tx.run(query(END_LEASES)).await?;
    Ok(())
}

/// Ends an order that no process has; false where one has it, or where it has ended.
pub(super) async fn end_unclaimed(tx: &mut Tx, order: OrderId, end: Disposition, now: Ts) -> Result<bool> {
    let (disposition, reason) = end.keys();
    let ended = query(END_UNCLAIMED)
        .bind(order.0)
        .bind(now)
        .bind(disposition)
        .bind(reason)
        .bind(Json::of(&VisitorState::Ended(end))?);
    Ok(tx.run(ended).await? == 1)
}

/// The order as its own site's visitors may ask for it.
pub(super) async fn order(db: &Db, site: &SiteKey, id: OrderId) -> Result<Option<OrderRow>> {
    let row = db.maybe(query(ORDER_OF_SITE).bind(id.0).bind(site.as_str())).await?;
    Ok(row.map(|row| order_row(&row)).transpose()?)
}

/// How many orders are due and wait for a process.
pub(super) async fn waiting(db: &Db, now: Ts) -> Result<u64> {
    Ok(db.one(query(WAITING).bind(now)).await?.number("waiting")?)
}

/// What an order is before its facts.
struct Place<'a> {
    phone: &'a str,
    run_at: Ts,
    joined_to: Option<Uuid>,
    state: VisitorState,
    ended: Option<Disposition>,
}

async fn insert(tx: &mut Tx, facts: &OrderFacts, place: &Place<'_>) -> Result<()> {
    let (disposition, reason) = place.ended.map(Disposition::keys).unzip();
    let order = query(INSERT)
        .bind(facts.id.0)
        .bind(facts.site.0)
        .bind(facts.customer.0)
        .bind(place.phone)
        .bind(facts.country.to_string())
        .bind(facts.settings_version)
        .bind(facts.accepted_at)
        .bind(place.run_at)
        .bind(Json::of(&facts.visit)?)
        .bind(Json::of(&facts.consent)?)
        .bind(facts.ip.map(|ip| ip.to_string()))
        .bind(place.joined_to)
        .bind(Json::of(&place.state)?)
        .bind(Json::of(&Detail::default())?)
        .bind(place.ended.map(|_| facts.accepted_at))
        .bind(disposition)
        .bind(reason.flatten());
    tx.run(order).await?;
    Ok(())
}

/// An order of this id that is there already.
async fn stored_before(tx: &mut Tx, facts: &OrderFacts, phone: &str) -> Result<Option<Acceptance>> {
    let Some(row) = tx.maybe(query(ORDER).bind(facts.id.0)).await? else { return Ok(None) };
    let before = order_row(&row)?;
    let same = before.phone.to_string() == phone && before.facts.site == facts.site;
    Ok(Some(if same { Acceptance::Same(before) } else { Acceptance::Conflict }))
}

async fn by_id(tx: &mut Tx, id: OrderId) -> Result<OrderRow> {
    let row = tx.maybe(query(ORDER).bind(id.0)).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(order_row(&row)?)
}

/// Reads the columns of [`order_columns`].
pub(super) fn order_row(row: &Row) -> sqlx::Result<OrderRow> {
    let ip: Option<String> = row.get("ip")?;
    Ok(OrderRow {
        phone: row.parsed("phone")?,
        run_at: row.get::<Column>("run_at")?.0,
        joined_to: row.get::<Option<Uuid>>("joined_to")?.map(OrderId),
        state: row.json("state")?,
        detail: row.json("detail")?,
        process: row.number("process")?,
        ended_at: row.get::<Option<Column>>("ended_at")?.map(|at| at.0),
        facts: OrderFacts {
            id: OrderId(row.get("id")?),
            site: SiteId(row.get("site_id")?),
            customer: CustomerId(row.get("customer_id")?),
            country: row.parsed("country")?,
            settings_version: row.number("settings_version")?,
            accepted_at: row.get::<Column>("accepted_at")?.0,
            visit: row.json("visit")?,
            consent: row.json("consent")?,
            ip: ip.and_then(|ip| ip.parse().ok()),
        },
    })
}

/// The columns of an order `o`, and of `j`, the order that it is joined to.
macro_rules! order_columns {
    () => {
        "o.id, o.site_id, o.customer_id, o.phone, o.country, o.settings_version, o.accepted_at, o.run_at, \
         o.visit, o.consent, o.ip, o.joined_to, o.process, COALESCE(j.state, o.state) AS state, \
         COALESCE(j.detail, o.detail) AS detail, COALESCE(j.ended_at, o.ended_at) AS ended_at"
    };
}
pub(super) use order_columns;

statements! {
    STAND_IN_LINE = "INSERT INTO order_lines (site_id, phone, turns) VALUES ($1, $2, 1)
        ON CONFLICT (site_id, phone) DO UPDATE SET turns = order_lines.turns + 1";
    INSERT = "INSERT INTO orders (id, site_id, customer_id, phone, country, settings_version, accepted_at,
            run_at, visit, consent, ip, joined_to, state, detail, process, ended_at, disposition, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17)";
    ORDER = concat!("SELECT ", order_columns!(), " FROM orders o LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1");
    ORDER_OF_SITE = concat!("SELECT ", order_columns!(), " FROM orders o
        JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1 AND s.key = $2");
    RUNNING = "SELECT id FROM orders
        WHERE site_id = $1 AND phone = $2 AND run_at > $3 AND run_at < $4
            AND ended_at IS NULL AND joined_to IS NULL
        ORDER BY run_at, id LIMIT 1";
    CLAIM = "WITH due AS MATERIALIZED (
            SELECT id FROM orders
            WHERE ended_at IS NULL AND joined_to IS NULL AND run_at <= $3
                AND (lease_until IS NULL OR lease_until <= $5)
            ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
        UPDATE orders SET process = process + 1, lease_owner = $1, lease_until = $2, last_sign = seen_at,
            seen_at = $3
        WHERE id IN (SELECT id FROM due) RETURNING id, plan, last_sign";
    CLAIM_UNRECORDED = "WITH open AS MATERIALIZED (
            SELECT id FROM orders
            WHERE ended_at IS NOT NULL AND record IS NULL AND process > 0
                AND (lease_until IS NULL OR lease_until <= $5)
            ORDER BY ended_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
        UPDATE orders SET process = process + 1, lease_owner = $1, lease_until = $2, last_sign = seen_at,
            seen_at = $3
        WHERE id IN (SELECT id FROM open) RETURNING id, plan, last_sign";
    RENEW = "UPDATE orders SET lease_until = $3, seen_at = $4
        WHERE id = $1 AND process = $2 AND lease_until IS NOT NULL";
    END_LEASES = "UPDATE orders SET lease_until = NULL WHERE lease_until IS NOT NULL";
    END_UNCLAIMED = "UPDATE orders SET ended_at = $2, disposition = $3, reason = $4, state = $5,
            process = CASE process WHEN 0 THEN 0 ELSE process + 1 END, lease_owner = NULL, lease_until = NULL
        WHERE id = $1 AND ended_at IS NULL AND joined_to IS NULL AND (lease_until IS NULL OR lease_until <= $2)";
    WAITING = "SELECT COUNT(*) AS waiting FROM orders
        WHERE ended_at IS NULL AND joined_to IS NULL AND run_at <= $1
            AND (lease_until IS NULL OR lease_until <= $1)";
}
