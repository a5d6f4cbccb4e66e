//! Calls as statistics count them: one row each, written in the transaction that ends the call, found by the time of its
//! order. Every number of every page is counted over the same rows by the same condition.

use super::counted::{
    After, Answering, Begun, CallFilter, CallOrder, Count, ExportRow, Outcomes, Panel, PanelLine, TalliedRow,
};
use super::db::{Query, Row, Tx, query};
use super::orders::order_columns;
use super::words::{PlannedRow, Telephones};
use super::{Entry, Result, Store, audit, calls, statements};
use crate::ids::{CustomerId, SiteId, SiteKey};
use callback_core::id::OrderId;
use callback_core::quarter::Quarter;
use callback_core::tally::Tally;
use callback_core::time::Ts;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Lines of a panel.
const PANEL: u32 = 100;

impl CallFilter {
    /// A statement over the rows that `counted` leaves in, with its arguments.
    pub(super) fn ask(&self, text: &'static str) -> Query {
        let listed = |keys: &[&str]| (!keys.is_empty()).then(|| format!(",{},", keys.join(",")));
        // The long list is looked through for those alone that are at the right time of some week.
        let quarters = self.quarters.as_ref().map(|all| all.iter().map(|one| one.0).collect());
        let of_week = self.quarters.as_ref().map(|all| all.iter().map(|one| one.of_week()).collect());
        let flag = |is: bool| is.then_some(1_i64);
        let ask = query(text)
            .bind(self.customer.0)
            .bind(self.from)
            .bind(self.until)
            .bind(self.site.as_ref().map(|key| SiteId::of(key).0))
            .bind(listed(&self.dispositions))
            .bind(self.reason.clone())
            .bind(self.source_kind.clone())
            .bind(self.source.clone())
            .bind(self.campaign.clone())
            .bind(self.keyword.clone())
            .bind(self.page.clone())
            .bind(self.region.clone())
            .bind(self.device.clone())
            .bind(self.manager.clone())
            .bind(of_week.map(numbered))
            .bind(self.digits.clone())
            .bind(flag(self.is_late))
            .bind(flag(self.is_waiting));
        let places = self.telephones.as_ref().map_or([None; Telephones::MOST], Telephones::places);
        places.into_iter().fold(ask, Query::bind).bind(quarters.map(numbered))
    }
}

/// A list as a pattern finds a number in it: `,1,5,`.
fn numbered(numbers: BTreeSet<i64>) -> String {
    numbers.iter().fold(String::from(","), |list, number| format!("{list}{number},"))
}

fn export_row(row: &Row) -> sqlx::Result<ExportRow> {
    let number =
        |name: &str| Ok::<_, sqlx::Error>(row.get::<Option<i64>>(name)?.and_then(|n| u64::try_from(n).ok()));
    Ok(ExportRow {
        at: row.time("accepted_at")?,
        order: OrderId(row.get("order_id")?),
        site: row.get("name")?,
        phone: row.get("phone")?,
        disposition: row.get("disposition")?,
        reason: row.get("reason")?,
        manager: row.get("manager")?,
        telephone: row.get("telephone")?,
        talk_s: number("talk_s")?,
        connected_ms: number("connected_ms")?,
        source_kind: row.get("source_kind")?,
        source: row.get("source")?,
        campaign: row.get("campaign")?,
        keyword: row.get("keyword")?,
        page: row.get("page")?,
        opened_on: row.get("opened_on")?,
        landing: row.get("landing")?,
        referrer: row.get("referrer")?,
        ip: row.get("ip")?,
        device: row.get("device")?,
        arrival: row.maybe_json("arrival")?.unwrap_or_default(),
        record: row.maybe_json("record")?,
        called_back_at: row.maybe_time("called_back_at")?,
        note: row.get("note")?,
        score: number("score")?,
    })
}

/// An order may be for so long ahead.
const AHEAD: Duration = Duration::from_secs(31 * 86_400);

/// Counts a call that is over: its order has its end. Who was connected now was called back for what he missed before.
/// False where it was counted before.
pub(super) async fn write(
    tx: &mut Tx,
    order: OrderId,
    of: CustomerId,
    accepted_at: Ts,
    tally: &Tally,
) -> sqlx::Result<bool> {
    let int = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let row = query(TALLY)
        .bind(order.0)
        .bind(Quarter::of(accepted_at).0)
        .bind(int(tally.rang_ms))
        .bind(int(tally.connected_ms))
        .bind(int(tally.promise_ms))
        .bind(int(tally.talk_s))
        .bind(tally.manager.as_ref().map(|who| who.name.to_string()))
        .bind(tally.manager.as_ref().map(|who| who.telephone.clone()));
    if tx.run(row).await? == 0 {
        return Ok(false);
    }
    for one in &tally.tries {
        let row = query(TRY).bind(of.0).bind(accepted_at).bind(order.0).bind(one.leg);
        let row = row.bind(&*one.who.name).bind(one.who.telephone.as_str()).bind(int(one.answered_ms));
        tx.run(row).await?;
    }
    let talked_at = tally.connected_ms.map(|ms| accepted_at + Duration::from_millis(ms));
    if let Some(talked_at) = talked_at.filter(|_| tally.talk_s.is_some_and(|talk| talk > 0)) {
        tx.run(query(CALLED_BACK).bind(of.0).bind(order.0).bind(talked_at)).await?;
    } else if let Some(talked_at) = talk_after(tx, order, of, accepted_at).await? {
        tx.run(query(ANSWERED).bind(of.0).bind(order.0).bind(talked_at)).await?;
    }
    Ok(true)
}

/// The first talk with the same visitor that began after an order came, though it was counted before: it was ordered
/// earlier, perhaps for this hour.
async fn talk_after(tx: &mut Tx, order: OrderId, of: CustomerId, at: Ts) -> sqlx::Result<Option<Ts>> {
    let talks = tx.all(query(TALKS_OF).bind(of.0).bind(order.0).bind(at - AHEAD)).await?;
    let talks = talks
        .iter()
        .map(|row| Ok(row.time("accepted_at")? + Duration::from_millis(row.number("connected_ms")?)));
    let talks = talks.collect::<sqlx::Result<Vec<_>>>()?;
    Ok(talks.into_iter().filter(|talk| *talk > at).min())
}

/// The shortest and the longest promise of some calls.
fn promise(row: &Row) -> sqlx::Result<Option<(u64, u64)>> {
    let ends = ["least_promise", "most_promise"].map(|name| row.get::<Option<i64>>(name));
    let [least, most] = ends.map(|end| Ok::<_, sqlx::Error>(end?.and_then(|ms| ms.try_into().ok())));
    Ok(least?.zip(most?))
}

fn count(row: &Row) -> sqlx::Result<Count> {
    Ok(Count {
        orders: row.number("orders")?,
        called: row.number("called")?,
        connected: row.number("connected")?,
    })
}

impl Store {
    /// How many visitors they are of.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn visitors(&self, filter: &CallFilter) -> Result<u64> {
        Ok(self.db.one(filter.ask(VISITORS)).await?.number("visitors")?)
    }

    /// What became of them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn outcomes(&self, filter: &CallFilter) -> Result<Vec<Outcomes>> {
        let line = |row: &Row| {
            Ok(Outcomes {
                disposition: row.get("disposition")?,
                orders: row.number("orders")?,
                talk_s: row.number("talk_s")?,
                rang_in_time: row.number("rang_in_time")?,
                connected_in_time: row.number("connected_in_time")?,
                promise_ms: promise(row)?,
            })
        };
        let rows = self.db.all(filter.ask(OUTCOMES)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// After how many tenths of a second how many talks began, and whether that was late.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn connected_after(&self, filter: &CallFilter) -> Result<Vec<Begun>> {
        let line = |row: &Row| {
            let is_late = row.get::<i64>("late")? == 1;
            Ok(Begun { tenths: row.number("tenths")?, is_late, talks: row.number("orders")? })
        };
        let rows = self.db.all(filter.ask(CONNECTED_AFTER)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// After how many tenths of a second how many visitors' telephones rang.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rang_after(&self, filter: &CallFilter) -> Result<Vec<(u64, u64)>> {
        let rows = self.db.all(filter.ask(RANG_AFTER)).await?;
        let line = |row: &Row| Ok((row.number("tenths")?, row.number("orders")?));
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// How many came in each quarter of an hour, by what became of them: the disposition's first key, how many.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn quarters(&self, filter: &CallFilter) -> Result<Vec<(Quarter, String, u64)>> {
        let line =
            |row: &Row| Ok((Quarter(row.get("quarter")?), row.get("disposition")?, row.number("orders")?));
        let rows = self.db.all(filter.ask(QUARTERS)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// How many came by what, the most first; a hundred lines at most.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn panel(&self, filter: &CallFilter, panel: Panel) -> Result<Vec<PanelLine>> {
        let text = match panel {
            Panel::Sources => SOURCES,
            Panel::Campaigns => CAMPAIGNS,
            Panel::Keywords => KEYWORDS,
            Panel::Pages => PAGES,
            Panel::Regions => REGIONS,
            Panel::Devices => DEVICES,
            Panel::Sites => SITES,
        };
        let line = |row: &Row| {
            Ok(PanelLine { kind: row.get("kind")?, value: row.get("value")?, count: count(row)? })
        };
        let rows = self.db.all(filter.ask(text).bind(PANEL)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// How managers answered, who talked most first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn answering(&self, filter: &CallFilter) -> Result<Vec<Answering>> {
        let line = |row: &Row| {
            Ok(Answering {
                manager: row.get("manager")?,
                tries: row.number("tries")?,
                taken: row.number("taken")?,
                answered_ms: row.number("answered_ms")?,
                talks: row.number("talks")?,
            })
        };
        let rows = self.db.all(filter.ask(ANSWERING).bind(PANEL)).await?;
        Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
    }

    /// A page of the journal.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tallied(
        &self,
        filter: &CallFilter,
        order: CallOrder,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<TalliedRow>> {
        let text = match order {
            CallOrder::Newest => NEWEST,
            CallOrder::Oldest => OLDEST,
            CallOrder::Talk => LONGEST,
        };
        let last = match order {
            CallOrder::Newest | CallOrder::Talk => (filter.until, OrderId(Uuid::max())),
            CallOrder::Oldest => (filter.from, OrderId(Uuid::nil())),
        };
        let (at, id) = after.map_or(last, |after| (after.at, after.order));
        let ask = filter.ask(text).bind(at).bind(id.0).bind(limit);
        let ask = if order == CallOrder::Talk {
            ask.bind(after.map_or(i64::MAX, |after| after.talk_s.into()))
        } else {
            ask
        };
        let rows = self.db.all(ask).await?;
        Ok(rows.iter().map(tallied_row).collect::<sqlx::Result<_>>()?)
    }

    /// A page of the table of these calls, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn exported(
        &self,
        filter: &CallFilter,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<ExportRow>> {
        let (at, id) = after.map_or((filter.until, OrderId(Uuid::max())), |after| (after.at, after.order));
        let rows = self.db.all(filter.ask(EXPORT).bind(at).bind(id.0).bind(limit)).await?;
        Ok(rows.iter().map(export_row).collect::<sqlx::Result<_>>()?)
    }

    /// Whether there is a call of a customer's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_calls(&self, of: CustomerId) -> Result<bool> {
        Ok(self.db.maybe(query(ANY).bind(of.0)).await?.is_some())
    }

    /// One call of the journal; none where it is not over, or another customer's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tallied_row(&self, of: CustomerId, order: OrderId) -> Result<Option<TalliedRow>> {
        let row = self.db.maybe(query(ONE).bind(order.0).bind(of.0)).await?;
        Ok(row.map(|row| tallied_row(&row)).transpose()?)
    }

    /// Says that the visitor of a call was called back, for all that he had missed until then, or takes all that back;
    /// false where there is no such call, or it was connected.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn mark_called_back(
        &self,
        of: CustomerId,
        order: OrderId,
        is: bool,
        entry: Entry,
    ) -> Result<bool> {
        self.deed((of, order, is, entry), |tx, (of, order, is, entry)| {
            Box::pin(async move {
                let statement = if *is {
                    query(MARK).bind(order.0).bind(of.0).bind(entry.now).bind(entry.who.clone())
                } else {
                    query(UNMARK).bind(order.0).bind(of.0)
                };
                let marked = tx.run(statement).await? > 0;
                if marked {
                    audit::write(tx, *of, entry).await?;
                }
                Ok(marked)
            })
        })
        .await
    }

    /// Writes a note about a call, or takes it away; false where there is no such call.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn note_call(&self, of: CustomerId, order: OrderId, note: Option<String>) -> Result<bool> {
        self.deed((of, order, note), |tx, (of, order, note)| {
            Box::pin(async move {
                Ok(tx.run(query(NOTE).bind(order.0).bind(of.0).bind(note.as_deref())).await? == 1)
            })
        })
        .await
    }

    /// What of a customer's is not over: running, waiting, or ordered for later; the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_calls(
        &self,
        of: CustomerId,
        site: Option<&SiteKey>,
        telephones: Option<&Telephones>,
    ) -> Result<Vec<PlannedRow>> {
        calls::open(&self.db, of, site, telephones).await
    }
}

fn tallied_row(row: &Row) -> sqlx::Result<TalliedRow> {
    Ok(TalliedRow {
        row: calls::planned_row(row)?,
        telephone: row.get("telephone")?,
        talk_s: row.number("talked")?,
        called_back_at: row.maybe_time("called_back_at")?,
        called_back_by: row.get("called_back_by")?,
        note: row.get("note")?,
        score: row.get::<Option<i64>>("score")?.and_then(|score| score.try_into().ok()),
    })
}

/// Something of the rows that a [`CallFilter`] leaves in.
macro_rules! counted {
    ($what:literal, $from:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM tallies c ",
            $from,
            " WHERE c.customer_id = $1 AND c.accepted_at >= $2 AND c.accepted_at < $3
            AND (CAST($4 AS UUID) IS NULL OR c.site_id = $4)
            AND (CAST($5 AS TEXT) IS NULL OR $5 LIKE '%,' || c.disposition || ',%')
            AND (CAST($6 AS TEXT) IS NULL OR c.reason = $6)
            AND c.source_kind = COALESCE(CAST($7 AS TEXT), NULLIF(c.source_kind, 'test'))
            AND (CAST($8 AS TEXT) IS NULL OR COALESCE(c.source, '') = $8)
            AND (CAST($9 AS TEXT) IS NULL OR COALESCE(c.campaign, '') = $9)
            AND (CAST($10 AS TEXT) IS NULL OR COALESCE(c.keyword, '(none)') = $10)
            AND (CAST($11 AS TEXT) IS NULL OR COALESCE(c.page, '') = $11)
            AND (CAST($12 AS TEXT) IS NULL OR COALESCE(c.region, '') = $12)
            AND (CAST($13 AS TEXT) IS NULL OR COALESCE(c.device, '') = $13)
            AND (CAST($14 AS TEXT) IS NULL OR c.manager = $14)
            AND (CAST($15 AS TEXT) IS NULL OR ($15 LIKE '%,' || (c.quarter % 672) || ',%'
                AND $22 LIKE '%,' || c.quarter || ',%'))
            AND (CAST($16 AS TEXT) IS NULL OR c.phone LIKE '%' || $16 || '%')
            AND (CAST($17 AS BIGINT) IS NULL OR c.connected_ms > c.promise_ms)
            AND (CAST($18 AS BIGINT) IS NULL OR (c.called_back_at IS NULL AND c.disposition <> 'connected'
                AND (c.disposition <> 'not_called'
                    OR c.reason NOT IN ('blacklist', 'limits', 'refused_number', 'cancelled'))
                AND c.phone NOT LIKE 'forgotten-%'))
            AND (CAST($19 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM intents i
                WHERE i.order_id = c.order_id AND i.telephone IN ($19, $20, $21))) ",
            $rest
        )
    };
}
pub(super) use counted;

/// The columns of [`Count`].
macro_rules! count_columns {
    () => {
        "COUNT(*) AS orders, COUNT(CASE WHEN c.disposition <> 'not_called' THEN 1 END) AS called, \
         COUNT(CASE WHEN c.disposition = 'connected' THEN 1 END) AS connected"
    };
}

/// Those rows by one thing: what it is called is `kind` and `value`.
macro_rules! panel {
    ($columns:literal, $from:literal) => {
        concat!(
            "SELECT c.kind, c.value, ",
            count_columns!(),
            " FROM (",
            counted!($columns, $from, ""),
            ") c GROUP BY c.kind, c.value ORDER BY orders DESC, c.kind, c.value LIMIT $23"
        )
    };
}

/// All that a line of the journal shows, of calls that were found before.
macro_rules! lines {
    ($from:literal) => {
        concat!(
            "SELECT ",
            order_columns!(),
            ", s.key, s.name, o.record, p.plan, c.telephone, COALESCE(c.talk_s, 0) AS talked, c.called_back_at, \
             c.called_back_by, c.note, r.score FROM ",
            $from,
            " c JOIN orders o ON o.id = c.order_id JOIN sites s ON s.id = o.site_id
            LEFT JOIN orders j ON j.id = o.joined_to
            LEFT JOIN processes p ON p.order_id = o.id AND p.process = 1
            LEFT JOIN scores r ON r.order_id = o.id "
        )
    };
}

/// A page of those rows.
macro_rules! page {
    ($after:literal, $order:literal) => {
        concat!(
            "WITH page AS (",
            counted!(
                "c.accepted_at, c.order_id, c.telephone, c.talk_s, c.called_back_at, c.called_back_by, c.note",
                "",
                $after
            ),
            $order,
            " LIMIT $25) ",
            lines!("page"),
            $order
        )
    };
}

statements! {
    TALLY = "INSERT INTO tallies (customer_id, accepted_at, order_id, site_id, quarter, phone, disposition,
            reason, rang_ms, connected_ms, promise_ms, talk_s, manager, telephone, source_kind, source, campaign,
            keyword, page, region, device, rule)
        SELECT customer_id, accepted_at, id, site_id, CAST($2 AS BIGINT),
            phone, disposition, reason, CAST($3 AS BIGINT),
            CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS TEXT), CAST($8 AS TEXT),
            COALESCE(arrival -> 'came' ->> 'kind', arrival ->> 'by', 'visitor'), arrival -> 'came' ->> 'name',
            arrival -> 'came' ->> 'campaign',
            CASE WHEN arrival -> 'came' ->> 'keyword' = 'hidden' THEN ''
                ELSE arrival -> 'came' -> 'keyword' ->> 'known' END,
            arrival ->> 'page', COALESCE(arrival -> 'place' ->> 'region', arrival -> 'place' ->> 'country',
                arrival -> 'by_number' ->> 'region', arrival -> 'by_number' ->> 'country'),
            arrival ->> 'device', arrival ->> 'rule'
        FROM orders WHERE id = $1 AND disposition IS NOT NULL AND joined_to IS NULL
        ON CONFLICT (customer_id, accepted_at, order_id) DO NOTHING";
    TRY = "INSERT INTO tries (customer_id, accepted_at, order_id, leg, manager, telephone, answered_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (customer_id, accepted_at, order_id, leg) DO NOTHING";
    CALLED_BACK = "UPDATE tallies SET called_back_at = $3
        WHERE customer_id = $1 AND phone = (SELECT phone FROM orders WHERE id = $2) AND accepted_at < $3
            AND called_back_at IS NULL AND disposition <> 'connected'";
    TALKS_OF = "SELECT accepted_at, connected_ms FROM tallies
        WHERE customer_id = $1 AND phone = (SELECT phone FROM orders WHERE id = $2) AND accepted_at >= $3
            AND disposition = 'connected' AND talk_s > 0 AND connected_ms IS NOT NULL";
    ANSWERED = "UPDATE tallies SET called_back_at = $3 WHERE customer_id = $1 AND order_id = $2";
    OUTCOMES = counted!("c.disposition, COUNT(*) AS orders, CAST(COALESCE(SUM(c.talk_s), 0) AS BIGINT) AS talk_s, \
        COUNT(CASE WHEN c.rang_ms <= c.promise_ms THEN 1 END) AS rang_in_time, \
        COUNT(CASE WHEN c.connected_ms <= c.promise_ms THEN 1 END) AS connected_in_time, \
        MIN(c.promise_ms) AS least_promise, MAX(c.promise_ms) AS most_promise", "",
        "GROUP BY c.disposition");
    VISITORS = counted!("COUNT(DISTINCT c.phone) AS visitors", "", "");
    CONNECTED_AFTER = counted!("c.connected_ms / 100 AS tenths, \
            CAST(CASE WHEN c.connected_ms > c.promise_ms THEN 1 ELSE 0 END AS BIGINT) AS late, COUNT(*) AS orders", "",
        "AND c.connected_ms IS NOT NULL GROUP BY c.connected_ms / 100,
            CASE WHEN c.connected_ms > c.promise_ms THEN 1 ELSE 0 END ORDER BY tenths, late");
    RANG_AFTER = counted!("c.rang_ms / 100 AS tenths, COUNT(*) AS orders", "",
        "AND c.rang_ms IS NOT NULL GROUP BY c.rang_ms / 100 ORDER BY tenths");
    QUARTERS = counted!("c.quarter, c.disposition, COUNT(*) AS orders", "", "GROUP BY c.quarter, c.disposition");
    SOURCES = panel!("c.source_kind AS kind, c.source AS value, c.disposition", "");
    CAMPAIGNS = panel!("CAST(NULL AS TEXT) AS kind, c.campaign AS value, c.disposition", "");
    KEYWORDS = panel!("CAST(NULL AS TEXT) AS kind, c.keyword AS value, c.disposition", "");
    PAGES = panel!("CAST(NULL AS TEXT) AS kind, c.page AS value, c.disposition", "");
    REGIONS = panel!("CAST(NULL AS TEXT) AS kind, c.region AS value, c.disposition", "");
    DEVICES = panel!("CAST(NULL AS TEXT) AS kind, c.device AS value, c.disposition", "");
    SITES = panel!("CAST(NULL AS TEXT) AS kind, s.key AS value, c.disposition", "JOIN sites s ON s.id = c.site_id");
    ANSWERING = counted!("t.manager, COUNT(*) AS tries, COUNT(t.answered_ms) AS taken, \
        CAST(COALESCE(SUM(t.answered_ms), 0) AS BIGINT) AS answered_ms, \
        COUNT(CASE WHEN c.disposition = 'connected' AND c.telephone = t.telephone AND t.answered_ms IS NOT NULL \
            THEN 1 END) AS talks",
        "JOIN tries t ON t.customer_id = c.customer_id AND t.accepted_at = c.accepted_at AND t.order_id = c.order_id",
        "AND (CAST($19 AS TEXT) IS NULL OR t.telephone IN ($19, $20, $21)) GROUP BY t.manager ORDER BY talks DESC, taken DESC, t.manager LIMIT $23");
    NEWEST = page!("AND (c.accepted_at, c.order_id) < ($23, $24)", " ORDER BY c.accepted_at DESC, c.order_id DESC");
    OLDEST = page!("AND (c.accepted_at, c.order_id) > ($23, $24)", " ORDER BY c.accepted_at, c.order_id");
    LONGEST = page!("AND (COALESCE(c.talk_s, 0), c.accepted_at, c.order_id) < (CAST($26 AS BIGINT), $23, $24)",
        " ORDER BY COALESCE(c.talk_s, 0) DESC, c.accepted_at DESC, c.order_id DESC");
    EXPORT = concat!("WITH page AS (", counted!("c.*", "", "AND (c.accepted_at, c.order_id) < ($23, $24)
            ORDER BY c.accepted_at DESC, c.order_id DESC LIMIT $25"), ")
        SELECT c.*, s.name, o.ip, o.visit ->> 'opened_on' AS opened_on, o.visit ->> 'landing' AS landing,
            o.visit ->> 'referrer' AS referrer, o.arrival, o.record, r.score
        FROM page c JOIN orders o ON o.id = c.order_id JOIN sites s ON s.id = c.site_id
            LEFT JOIN scores r ON r.order_id = c.order_id
        ORDER BY c.accepted_at DESC, c.order_id DESC");
    ANY = "SELECT order_id FROM tallies WHERE customer_id = $1 LIMIT 1";
    ONE = concat!(lines!("tallies"), "WHERE c.order_id = $1 AND c.customer_id = $2");
    MARK = "UPDATE tallies AS c SET called_back_at = $3, called_back_by = $4 FROM tallies o
        WHERE o.order_id = $1 AND o.customer_id = $2 AND o.disposition <> 'connected'
            AND c.customer_id = o.customer_id AND c.phone = o.phone AND c.accepted_at <= o.accepted_at
            AND c.disposition <> 'connected' AND (c.called_back_at IS NULL OR c.order_id = o.order_id)";
    UNMARK = "UPDATE tallies AS c SET called_back_at = NULL, called_back_by = NULL FROM tallies o
        WHERE o.order_id = $1 AND o.customer_id = $2 AND o.disposition <> 'connected'
            AND c.customer_id = o.customer_id AND c.phone = o.phone
            AND (c.called_back_at = o.called_back_at OR c.order_id = o.order_id)";
    NOTE = "UPDATE tallies SET note = $3 WHERE order_id = $1 AND customer_id = $2";
}
