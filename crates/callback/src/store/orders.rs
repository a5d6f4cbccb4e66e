//! Orders: accepted, refused, claimed by processes, read by the web. What happens in their calls is `calls`'.

use super::Result;
use super::db::{Db, Row, Tx, query};
use super::types::{Json, Ts as Column};
use super::words::{
    Acceptance, Claimant, ClaimedOrder, Fence, Hold, NewOrder, OrderFacts, OrderPhone, OrderRow,
};
use super::{calls, guards, notices, statements, tallies};
use crate::ids::{CustomerId, SiteId, SiteKey};
use callback_core::flow::{Detail, VisitorState};
use callback_core::id::OrderId;
use callback_core::order::{SLOT, STALE};
use callback_core::record::{Disposition, NotCalled};
use callback_core::tally::Tally;
use callback_core::time::Ts;
use std::time::Duration;
use uuid::Uuid;

/// Two orders of one telephone on one site whose times are closer than this are one wish.
pub const JOINED_WITHIN: Duration = Duration::from_secs(300);

/// Stores an order: to be called, or ended where something stands against it, or joined to one that runs.
pub(super) async fn accept(tx: &mut Tx, order: &NewOrder) -> Result<Acceptance> {
    let facts = &order.facts;
    let phone = order.phone.to_string();
    if let Some(before) = stored_before(tx, facts, &phone).await? {
        return Ok(before);
    }
    let mut refused = order.refused;
    // Lists do not keep anybody from seeing that a call runs: else they could be told by that.
    let may_join = refused.is_none_or(NotCalled::is_secret);
    let mut joined_to = if may_join { beside(tx, RUNNING, order, &phone).await? } else { None };
    if refused.is_none() && joined_to.is_none() {
        refused = guards::against_new(tx, order, &phone).await?;
    }
    if joined_to.is_none() && refused.is_some_and(NotCalled::is_secret) {
        // It looks like a call, and whoever orders again sees that one.
        joined_to = beside(tx, PRETENDED, order, &phone).await?;
    }
    let seems = if refused.is_some_and(NotCalled::is_secret) { order.pretence } else { Duration::ZERO };
    let ended = refused.filter(|_| joined_to.is_none());
    let ended = ended.map(|reason| (Disposition::NotCalled(reason), order.run_at + seems));
    let state = match ended {
        Some((disposition, _)) => VisitorState::Ended(disposition),
        None if order.run_at > facts.accepted_at => VisitorState::Scheduled,
        None => VisitorState::Accepted,
    };
    let stored =
        insert(tx, facts, &Place { phone: &phone, run_at: order.run_at, joined_to, state, ended }).await?;
    Ok(match joined_to {
        // It shows the other's state.
        Some(_) => Acceptance::Joined(by_id(tx, facts.id).await?),
        None => Acceptance::New(stored),
    })
}

/// Another order of the same telephone and site, for about the same time.
async fn beside(tx: &mut Tx, which: &'static str, order: &NewOrder, phone: &str) -> Result<Option<Uuid>> {
    let mut beside = query(which)
        .bind(order.facts.site.0)
        .bind(phone)
        .bind(order.run_at - JOINED_WITHIN)
        .bind(order.run_at + JOINED_WITHIN);
    if which == PRETENDED {
        beside = beside.bind(order.facts.accepted_at);
    }
    Ok(tx.maybe(beside).await?.map(|row| row.get("id")).transpose()?)
}

/// Gives due orders to a process, the oldest first: no more of a customer's than may run at once, and of a site's
/// that were made for this time no more than managers are free. What is stale goes to whoever ends it.
pub(super) async fn claim(tx: &mut Tx, by: Claimant, hold: Hold) -> Result<Vec<ClaimedOrder>> {
    let due = query(CLAIM)
        .bind(by.owner)
        .bind(hold.until)
        .bind(hold.now)
        .bind(by.limit)
        .bind(hold.lapsed)
        .bind(hold.now - STALE)
        .bind(hold.now - SLOT)
        .bind(by.room);
    let rows = tx.all(due).await?;
    let mut claimed = claimed(tx, rows).await?;
    for claimed in claimed.iter_mut().filter(|claimed| by.guarded && !claimed.rang()) {
        claimed.refused = guards::against_claimed(tx, &claimed.order, hold.now).await?;
    }
    Ok(claimed)
}

/// Gives orders that have ended, but whose process died before it wrote the record, to a process that writes it.
pub(super) async fn claim_unrecorded(tx: &mut Tx, by: Claimant, hold: Hold) -> Result<Vec<ClaimedOrder>> {
    let open = query(CLAIM_UNRECORDED).bind(by.owner).bind(hold.until).bind(hold.now).bind(by.limit);
    let open = open.bind(hold.lapsed);
    let rows = tx.all(open).await?;
    claimed(tx, rows).await
}

async fn claimed(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<ClaimedOrder>> {
    let mut claimed = Vec::new();
    for row in rows {
        let order = order_row(&row)?;
        let OrderPhone::Number(phone) = order.phone else { continue };
        let fence = Fence { order: order.facts.id, process: order.process };
        let (plan, intents) = match fence.process {
            1 => (None, Vec::new()),
            _ => (calls::plan(tx, fence.order).await?, calls::intents(tx, fence.order).await?),
        };
        let last_sign = row.get::<Option<Column>>("last_sign")?.map_or(order.facts.accepted_at, |at| at.0);
        claimed.push(ClaimedOrder { fence, phone, plan, intents, last_sign, order, refused: None });
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
    let Some(row) = tx.maybe(ended).await? else { return Ok(false) };
    // What a process had has its record still to come, and is counted then.
    if row.number::<u16>("process")? == 0 {
        let of = CustomerId(row.get("customer_id")?);
        count_uncalled(tx, order, of, row.time("accepted_at")?, (end, now)).await?;
    }
    Ok(true)
}

/// Ends what the visitor sees of an order that only looks like a call; what became of it stays. False where it does
/// not look so any more.
pub(super) async fn end_pretence(
    tx: &mut Tx,
    order: OrderId,
    end: Disposition,
    detail: Detail,
    now: Ts,
) -> Result<bool> {
    let seen = Json::of(&VisitorState::Ended(end))?;
    let ended = query(END_PRETENCE).bind(order.0).bind(now).bind(seen).bind(Json::of(&detail)?);
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
    ended: Option<(Disposition, Ts)>,
}

/// Stores an order; as it is then, texts without NUL.
async fn insert(tx: &mut Tx, facts: &OrderFacts, place: &Place<'_>) -> Result<OrderRow> {
    let (disposition, reason) = place.ended.map(|(disposition, _)| disposition.keys()).unzip();
    let (visit, consent) = (Json::of(&facts.visit)?, Json::of(&facts.consent)?);
    let detail = Detail::default();
    let Ok(phone) = place.phone.parse();
    let stored = OrderRow {
        phone,
        run_at: place.run_at,
        joined_to: place.joined_to.map(OrderId),
        state: place.state,
        detail,
        process: 0,
        ended_at: place.ended.map(|(_, at)| at),
        facts: OrderFacts { visit: visit.read()?, consent: consent.read()?, ..facts.clone() },
    };
    let order = query(INSERT)
        .bind(facts.id.0)
        .bind(facts.site.0)
        .bind(facts.customer.0)
        .bind(place.phone)
        .bind(facts.country.to_string())
        .bind(facts.settings_version)
        .bind(facts.accepted_at)
        .bind(place.run_at)
        .bind(visit)
        .bind(consent)
        .bind(facts.ip.map(|ip| ip.to_string()))
        .bind(facts.ip.map(guards::network))
        .bind(place.joined_to)
        .bind(Json::of(&place.state)?)
        .bind(Json::of(&detail)?)
        .bind(stored.ended_at)
        .bind(disposition)
        .bind(reason.flatten())
        .bind(facts.office.as_deref())
        .bind(Json::of(&facts.arrival)?);
    tx.run(order).await?;
    if let Some((end, _)) = place.ended {
        // One that was ordered for a time when nobody is there is told when it came.
        let at = facts.accepted_at;
        count_uncalled(tx, facts.id, facts.customer, at, (end, at)).await?;
    }
    Ok(stored)
}

/// Counts an order that ended before anybody was called, and tells of it where it was missed.
async fn count_uncalled(
    tx: &mut Tx,
    order: OrderId,
    of: CustomerId,
    accepted_at: Ts,
    (end, at): (Disposition, Ts),
) -> sqlx::Result<()> {
    if tallies::write(tx, order, of, accepted_at, &Tally::default()).await? && end.is_missed() {
        notices::missed(tx, order, Vec::new(), at).await?;
    }
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
            arrival: row.maybe_json("arrival")?.unwrap_or_default(),
            ip: ip.and_then(|ip| ip.parse().ok()),
            office: row.get::<Option<String>>("office")?.map(Into::into),
        },
    })
}

/// The columns of an order `o`, and of `j`, the order that it is joined to.
macro_rules! order_columns {
    () => {
        "o.id, o.site_id, o.customer_id, o.phone, o.country, o.settings_version, o.accepted_at, \
         COALESCE(j.run_at, o.run_at) AS run_at, \
         o.visit, o.consent, o.arrival, o.ip, o.office, o.joined_to, o.process, COALESCE(j.state, o.state) AS state, \
         COALESCE(j.detail, o.detail) AS detail, COALESCE(j.ended_at, o.ended_at) AS ended_at"
    };
}
pub(super) use order_columns;

/// The same of an order that is joined to none.
macro_rules! own_columns {
    () => {
        "id, site_id, customer_id, phone, country, settings_version, accepted_at, run_at, visit, consent, arrival, \
         ip, office, joined_to, process, state, detail, ended_at"
    };
}

// CLAIM looks for what waits, for what has lapsed and for what others have by an index each, none of which has all that
// is held; COALESCE keeps the last of these from being looked for among all that has not lapsed.
statements! {
    INSERT = "INSERT INTO orders (id, site_id, customer_id, phone, country, settings_version, accepted_at,
            run_at, visit, consent, ip, network, joined_to, state, detail, process, ended_at, disposition, reason,
            office, arrival)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, $16, $17, $18, $19, $20)";
    ORDER = concat!("SELECT ", order_columns!(), " FROM orders o LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1");
    ORDER_OF_SITE = concat!("SELECT ", order_columns!(), " FROM orders o
        JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1 AND s.key = $2");
    RUNNING = "SELECT id FROM orders
        WHERE site_id = $1 AND phone = $2 AND run_at > $3 AND run_at < $4
            AND ended_at IS NULL AND joined_to IS NULL
        ORDER BY run_at, id LIMIT 1";
    PRETENDED = "SELECT id FROM orders
        WHERE phone = $2 AND run_at > $3 AND run_at < $4 AND site_id = $1
            AND reason IN ('blacklist', 'limits') AND ended_at > $5 AND joined_to IS NULL
        ORDER BY run_at, id LIMIT 1";
    CLAIM = concat!("WITH free AS MATERIALIZED (
            SELECT id, customer_id, site_id, run_at, accepted_at, process FROM orders
            WHERE ended_at IS NULL AND joined_to IS NULL AND run_at <= $3 AND lease_until IS NULL
            UNION ALL
            SELECT id, customer_id, site_id, run_at, accepted_at, process FROM orders
            WHERE ended_at IS NULL AND run_at <= $3 AND lease_until <= $5),
        line AS MATERIALIZED (
            SELECT id, customer_id, site_id, run_at, run_at > accepted_at AS deferred,
                process > 0 OR run_at <= $7 OR (run_at <= $6 AND run_at = accepted_at) AS must,
                ROW_NUMBER() OVER (PARTITION BY site_id, run_at > accepted_at ORDER BY run_at, id) AS of_site
            FROM free),
        busy AS MATERIALIZED (
            SELECT customer_id, site_id, COUNT(*) AS calls FROM orders
            WHERE ended_at IS NULL AND lease_until IS NOT NULL AND lease_until > $5
                AND customer_id IN (SELECT customer_id FROM line)
            GROUP BY customer_id, site_id),
        released AS MATERIALIZED (
            SELECT l.id, l.customer_id, l.run_at, l.must,
                ROW_NUMBER() OVER (PARTITION BY l.customer_id ORDER BY l.must DESC, l.run_at, l.id) AS of_customer
            FROM line l JOIN sites s ON s.id = l.site_id
            WHERE l.must OR NOT l.deferred
                OR l.of_site + COALESCE((SELECT calls FROM busy WHERE site_id = s.id), 0) <= s.managers),
        turn AS MATERIALIZED (
            SELECT r.id, r.must, ROW_NUMBER() OVER (PARTITION BY r.must ORDER BY r.run_at, r.id) AS place
            FROM released r JOIN customers c ON c.id = r.customer_id
            WHERE r.must
                OR r.of_customer + COALESCE((SELECT SUM(calls) FROM busy WHERE customer_id = c.id), 0) <= c.max_calls),
        others AS MATERIALIZED (
            SELECT (SELECT COUNT(*) FROM orders
                    WHERE lease_owner < $1 AND ended_at IS NULL AND COALESCE(lease_until, $5) > $5)
                + (SELECT COUNT(*) FROM orders
                    WHERE lease_owner > $1 AND ended_at IS NULL AND COALESCE(lease_until, $5) > $5) AS calls),
        due AS MATERIALIZED (
            SELECT o.id FROM orders o JOIN turn t ON t.id = o.id CROSS JOIN others
            WHERE t.must OR t.place <= $8 - others.calls
            ORDER BY o.run_at, o.id LIMIT $4 FOR UPDATE OF o SKIP LOCKED)
        UPDATE orders SET process = process + 1, lease_owner = $1, lease_until = $2, last_sign = seen_at,
            seen_at = $3
        WHERE id IN (SELECT id FROM due) RETURNING ", own_columns!(), ", last_sign");
    CLAIM_UNRECORDED = concat!("WITH open AS MATERIALIZED (
            SELECT id FROM orders o
            WHERE ended_at IS NOT NULL AND record IS NULL AND process > 0
                AND (lease_until IS NULL OR lease_until <= $5)
            ORDER BY ended_at, id LIMIT $4 FOR UPDATE OF o SKIP LOCKED)
        UPDATE orders SET process = process + 1, lease_owner = $1, lease_until = $2, last_sign = seen_at,
            seen_at = $3
        WHERE id IN (SELECT id FROM open) RETURNING ", own_columns!(), ", last_sign");
    RENEW = "UPDATE orders SET lease_until = $3, seen_at = $4
        WHERE id = $1 AND process = $2 AND lease_until IS NOT NULL";
    END_LEASES = "UPDATE orders SET lease_until = NULL WHERE lease_until IS NOT NULL";
    END_UNCLAIMED = "UPDATE orders SET ended_at = $2, disposition = $3, reason = $4, state = $5,
            process = CASE process WHEN 0 THEN 0 ELSE process + 1 END, lease_owner = NULL, lease_until = NULL
        WHERE id = $1 AND ended_at IS NULL AND joined_to IS NULL AND (lease_until IS NULL OR lease_until <= $2)
        RETURNING process, customer_id, accepted_at";
    END_PRETENCE = "UPDATE orders SET state = $3, detail = $4, ended_at = $2
        WHERE id = $1 AND joined_to IS NULL AND reason IN ('blacklist', 'limits') AND ended_at > $2";
    WAITING = "SELECT (SELECT COUNT(*) FROM orders
            WHERE ended_at IS NULL AND joined_to IS NULL AND run_at <= $1 AND lease_until IS NULL)
        + (SELECT COUNT(*) FROM orders WHERE ended_at IS NULL AND run_at <= $1 AND lease_until <= $1) AS waiting";
}
