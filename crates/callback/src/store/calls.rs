//! Calls: the facts that their processes write, under a fence, and all that is known of one.

use super::Result;
use super::db::{Db, Row, Tx, query};
use super::orders::{order_columns, order_row};
use super::statements;
use super::stops;
use super::types::{Json, Ts as Column};
use super::words::{CallFile, Error, Fact, Fence, JournalRow, ProcessFile, StoredIntent};
use callback_core::flow::{Detail, Intent, IntentEnd, VisitorState};
use callback_core::id::{LegId, OrderId};
use callback_core::plan::Callee;
use callback_core::record::{CallRecord, Disposition};
use callback_core::time::Ts;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The journal begins before this: the last instant of the year 9999.
const END_OF_TIME: Ts = Ts(253_402_300_799_999_999);
/// Lines of the journal at once, at most.
const JOURNAL_LINES: u32 = 1_000;

/// Writes facts of a call, unless another process has it.
pub(super) async fn write(tx: &mut Tx, fence: Fence, facts: &[Fact]) -> Result<()> {
    let hold = tx.maybe(query(HOLD).bind(fence.order.0)).await?.ok_or(Error::FenceLost)?;
    if hold.number::<u16>("process")? != fence.process {
        return Err(Error::FenceLost);
    }
    let mut ended = hold.get::<Option<Column>>("ended_at")?.is_some();
    let mut refused = None;
    for fact in facts {
        match fact {
            Fact::Intent { .. } if ended => refused = Some(Error::OrderEnded),
            Fact::Ended { .. } if ended => {}
            Fact::Ended { at, disposition } => {
                end(tx, fence.order, *at, *disposition).await?;
                ended = true;
            }
            Fact::Record(record) => {
                if !ended {
                    end(tx, fence.order, record.ended_at, record.disposition).await?;
                    ended = true;
                }
                store_record(tx, record, fence.order).await?;
            }
            Fact::Intent { intent, dialog } => {
                if !store_intent(tx, fence, intent, dialog.as_ref()).await? {
                    refused = Some(Error::LegTaken(intent.leg));
                }
            }
            Fact::Shown(state, detail) => show(tx, fence.order, *state, detail, ended).await?,
            Fact::HandedBack => {
                tx.run(query(HAND_BACK).bind(fence.order.0)).await?;
            }
            Fact::Began { .. } | Fact::Input { .. } | Fact::Dialog { .. } | Fact::IntentEnd { .. } => {
                append(tx, fence, fact).await?
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Facts that may come at any time, after the end too.
async fn append(tx: &mut Tx, fence: Fence, fact: &Fact) -> Result<()> {
    let order = fence.order.0;
    match fact {
        Fact::Began { at, plan, past } => {
            tx.run(query(PLAN).bind(order).bind(Json::of(plan)?)).await?;
            let began = query(BEGAN).bind(order).bind(fence.process).bind(*at).bind(Json::of(past)?);
            tx.run(began).await?;
        }
        Fact::Input { seq, at, input } => {
            let input =
                query(INPUT).bind(order).bind(fence.process).bind(*seq).bind(*at).bind(Json::of(input)?);
            tx.run(input).await?;
        }
        Fact::Dialog { leg, dialog } => {
            tx.run(query(DIALOG).bind(order).bind(leg.0).bind(Json::of(dialog)?)).await?;
        }
        Fact::IntentEnd { leg, down_at, end } => {
            tx.run(query(INTENT_END).bind(order).bind(leg.0).bind(Json::of(end)?).bind(*down_at)).await?;
        }
        Fact::Intent { .. } | Fact::Shown(..) | Fact::Ended { .. } | Fact::Record(_) | Fact::HandedBack => {}
    }
    Ok(())
}

async fn end(tx: &mut Tx, order: OrderId, at: Ts, end: Disposition) -> Result<()> {
    let (disposition, reason) = end.keys();
    let state = Json::of(&VisitorState::Ended(end))?;
    tx.run(query(END).bind(order.0).bind(at).bind(disposition).bind(reason).bind(state)).await?;
    Ok(())
}

async fn store_record(tx: &mut Tx, record: &CallRecord, order: OrderId) -> Result<()> {
    let talked = record.talk.map(|talk| talk.until.since(talk.from).as_secs());
    let talked = talked.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
    tx.run(query(RECORD).bind(order.0).bind(Json::of(record)?).bind(talked)).await?;
    if record.stop_requested {
        // Also where the process that heard the key has died.
        stops::add_visitor_of(tx, order, record.ended_at).await?;
    }
    Ok(())
}

/// Stores a dial; false where the leg's number is another dial's. The same dial again is no other.
async fn store_intent(
    tx: &mut Tx,
    fence: Fence,
    intent: &Intent,
    dialog: Option<&serde_json::Value>,
) -> Result<bool> {
    let callee = Json::of(&intent.callee)?;
    let stored = query(INTENT)
        .bind(fence.order.0)
        .bind(intent.leg.0)
        .bind(fence.process)
        .bind(callee)
        .bind(u16::from(intent.round))
        .bind(intent.at)
        .bind(dialog.map(Json::of).transpose()?)
        .bind(Json::of(&intent.end)?);
    if tx.run(stored).await? == 1 {
        if intent.callee == Callee::Visitor {
            tx.run(query(RANG).bind(fence.order.0).bind(intent.at)).await?;
        }
        return Ok(true);
    }
    let before = intents(tx, fence.order).await?;
    let same = |stored: &StoredIntent| {
        stored.process == fence.process
            && (stored.intent.leg, stored.intent.callee, stored.intent.at)
                == (intent.leg, intent.callee, intent.at)
    };
    Ok(before.iter().any(same))
}

/// What the visitor sees; after the end only what goes with it.
async fn show(tx: &mut Tx, order: OrderId, state: VisitorState, detail: &Detail, ended: bool) -> Result<()> {
    if matches!(state, VisitorState::Ended(_)) {
        tx.run(query(SHOW_DETAIL).bind(order.0).bind(Json::of(detail)?)).await?;
    } else if !ended {
        let answered = u32::from(state >= VisitorState::Waiting);
        let show = query(SHOW).bind(order.0).bind(Json::of(&state)?).bind(Json::of(detail)?).bind(answered);
        tx.run(show).await?;
    }
    Ok(())
}

/// The dials of an order, by leg.
pub(super) async fn intents(tx: &mut Tx, order: OrderId) -> Result<Vec<StoredIntent>> {
    let rows = tx.all(query(INTENTS).bind(order.0)).await?;
    Ok(rows.iter().map(intent_row).collect::<sqlx::Result<_>>()?)
}

fn intent_row(row: &Row) -> sqlx::Result<StoredIntent> {
    Ok(StoredIntent {
        intent: Intent {
            leg: LegId(row.number("leg")?),
            callee: row.json("callee")?,
            round: row.number("round")?,
            at: row.get::<Column>("at")?.0,
            end: row.json::<IntentEnd>("outcome")?,
        },
        process: row.number("process")?,
        dialog: row.maybe_json("dialog")?,
        ended_at: row.get::<Option<Column>>("ended_at")?.map(|at| at.0),
    })
}

/// Orders, the newest first; joined ones are not in it.
pub(super) async fn journal(db: &Db, limit: u32, before: Option<(Ts, OrderId)>) -> Result<Vec<JournalRow>> {
    let (at, id) = before.unwrap_or((END_OF_TIME, OrderId(Uuid::max())));
    let rows = db.all(query(JOURNAL).bind(at).bind(id.0).bind(limit.min(JOURNAL_LINES))).await?;
    let line = |row: &Row| {
        Ok(JournalRow {
            order: order_row(row)?,
            site_key: row.parsed("key")?,
            site_name: row.get("name")?,
            record: row.maybe_json("record")?,
        })
    };
    Ok(rows.iter().map(line).collect::<sqlx::Result<_>>()?)
}

/// All that is known of a call.
pub(super) async fn call(db: &Db, id: OrderId) -> Result<Option<CallFile>> {
    let Some(row) = db.maybe(query(CALL).bind(id.0)).await? else { return Ok(None) };
    let mut processes = BTreeMap::new();
    let blank = |process| ProcessFile { process, began: None, inputs: Vec::new() };
    for row in db.all(query(PROCESSES).bind(id.0)).await? {
        let process: u16 = row.number("process")?;
        let began = Some((row.get::<Column>("began_at")?.0, row.json("past")?));
        processes.entry(process).or_insert_with(|| blank(process)).began = began;
    }
    for row in db.all(query(INPUTS).bind(id.0)).await? {
        let process: u16 = row.number("process")?;
        let input = (row.get::<Column>("at")?.0, row.json("input")?);
        processes.entry(process).or_insert_with(|| blank(process)).inputs.push(input);
    }
    let intents = db.all(query(INTENTS).bind(id.0)).await?;
    Ok(Some(CallFile {
        order: order_row(&row)?,
        site_key: row.parsed("key")?,
        site: row.json("body")?,
        plan: row.maybe_json("plan")?,
        processes: processes.into_values().collect(),
        intents: intents.iter().map(intent_row).collect::<sqlx::Result<_>>()?,
        record: row.maybe_json("record")?,
    }))
}

statements! {
    HOLD = "SELECT process, ended_at FROM orders WHERE id = $1 FOR UPDATE";
    PLAN = "UPDATE orders SET plan = $2 WHERE id = $1 AND plan IS NULL";
    BEGAN = "INSERT INTO processes (order_id, process, began_at, past) VALUES ($1, $2, $3, $4)
        ON CONFLICT (order_id, process) DO NOTHING";
    INPUT = "INSERT INTO inputs (order_id, process, seq, at, input) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (order_id, process, seq) DO NOTHING";
    INTENT = "INSERT INTO intents (order_id, leg, process, callee, round, at, dialog, outcome)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (order_id, leg) DO NOTHING";
    RANG = "UPDATE orders SET rang_at = $2 WHERE id = $1";
    DIALOG = "UPDATE intents SET dialog = $3 WHERE order_id = $1 AND leg = $2";
    INTENT_END = "UPDATE intents SET outcome = $3, ended_at = COALESCE($4, ended_at)
        WHERE order_id = $1 AND leg = $2";
    SHOW = "UPDATE orders SET state = $2, detail = $3, answered = $4 WHERE id = $1 AND ended_at IS NULL";
    SHOW_DETAIL = "UPDATE orders SET detail = $2 WHERE id = $1";
    END = "UPDATE orders SET ended_at = $2, disposition = $3, reason = $4, state = $5
        WHERE id = $1 AND ended_at IS NULL";
    RECORD = "UPDATE orders SET record = $2, talk_s = $3, lease_owner = NULL, lease_until = NULL
        WHERE id = $1 AND record IS NULL";
    HAND_BACK = "UPDATE orders SET lease_owner = NULL, lease_until = NULL WHERE id = $1";
    INTENTS = "SELECT leg, process, callee, round, at, dialog, outcome, ended_at FROM intents
        WHERE order_id = $1 ORDER BY leg";
    JOURNAL = concat!("SELECT ", order_columns!(), ", s.key, s.name, o.record FROM orders o
        JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.joined_to IS NULL AND (o.accepted_at, o.id) < ($1, $2)
        ORDER BY o.accepted_at DESC, o.id DESC LIMIT $3");
    CALL = concat!("SELECT ", order_columns!(), ", s.key, v.body, o.plan, o.record FROM orders o
        JOIN sites s ON s.id = o.site_id
        JOIN site_versions v ON v.site_id = o.site_id AND v.version = o.settings_version
        LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1");
    PROCESSES = "SELECT process, began_at, past FROM processes WHERE order_id = $1 ORDER BY process";
    INPUTS = "SELECT process, at, input FROM inputs WHERE order_id = $1 ORDER BY process, seq";
}
