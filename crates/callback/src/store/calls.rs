//! Calls: the facts that their processes write, under a fence, and all that is known of one.

use super::Result;
use super::db::{Db, Query, Row, Tx, query};
use super::orders::{order_columns, order_row};
use super::statements;
use super::types::{Json, Ts as Column};
use super::words::{
    CallFile, Error, Fact, Fence, JournalRow, PlannedRow, ProcessFile, StoredIntent, Telephones,
};
use super::{ledger, notices, stops, tallies};
use crate::ids::{CustomerId, SiteKey};
use crate::mail::tried::Tried;
use callback_core::flow::{Detail, Intent, IntentEnd, VisitorState};
use callback_core::id::{LegId, OrderId};
use callback_core::ledger::What;
use callback_core::plan::{Callee, Plan};
use callback_core::record::{CallRecord, Disposition};
use callback_core::tally::Tally;
use callback_core::time::Ts;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// The journal begins before this: the last instant of the year 9999.
const END_OF_TIME: Ts = Ts(253_402_300_799_999_999);
/// Lines of the journal at once, at most.
const JOURNAL_LINES: u32 = 1_000;
/// Orders whose holds one statement reads.
const HELD_AT_ONCE: usize = 8;

/// Writes facts of calls, in their order, each item unless another process has its order; says so item by item.
/// Orders are held once for all, and each order's row is written once for all, so nothing else of the transaction may
/// read or write an order's row before this returns.
pub(super) async fn write(tx: &mut Tx, items: &[(Fence, &[Fact])]) -> sqlx::Result<Vec<Result<()>>> {
    let mut held = hold(tx, items.iter().map(|(fence, _)| fence.order).collect()).await?;
    let mut answers = Vec::with_capacity(items.len());
    for (fence, facts) in items {
        let held = held.get_mut(&fence.order).filter(|held| held.process == fence.process);
        let answer = match held {
            Some(held) => held.take(tx, *fence, facts).await,
            None => Err(Error::FenceLost),
        };
        match answer {
            Err(Error::Database(error)) => return Err(error),
            answer => answers.push(answer),
        }
    }
    for (order, held) in held {
        held.store(tx, order).await?;
    }
    Ok(answers)
}

/// Reads the holds on these orders, which then stay as they are until the transaction ends.
async fn hold(tx: &mut Tx, orders: BTreeSet<OrderId>) -> sqlx::Result<BTreeMap<OrderId, Held>> {
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let mut held = BTreeMap::new();
    for some in orders.chunks(HELD_AT_ONCE) {
        // A list that is too short is filled with its last.
        let ids = some.iter().chain(some.last().into_iter().cycle()).take(HELD_AT_ONCE);
        for row in tx.all(ids.fold(query(HOLD), |hold, order| hold.bind(order.0))).await? {
            let ended = row.get::<Option<Column>>("ended_at")?.is_some();
            let of = Some((row.get("customer_id")?, row.time("accepted_at")?));
            let order = Held { process: row.number("process")?, of, ended, ..Held::default() };
            held.insert(OrderId(row.get("id")?), order);
        }
    }
    Ok(held)
}

/// An order as a transaction found it, and what the facts make of its row and of its dials'.
#[derive(Default)]
struct Held {
    process: u16,
    /// Whose it is, and when it was accepted.
    of: Option<(Uuid, Ts)>,
    ended: bool,
    state: Option<Json>,
    detail: Option<Json>,
    answered: Option<u32>,
    rang_at: Option<Ts>,
    end: Option<(Ts, Disposition)>,
    record: Option<Over>,
    is_handed_back: bool,
    legs: BTreeMap<LegId, HeldLeg>,
}

/// What is known of a call that is over.
struct Over {
    record: Json,
    tally: Tally,
    /// The telephones that it rang, and when it was over, where it was missed.
    missed: Option<(Vec<Tried>, Ts)>,
}

/// What the facts make of a dial's row.
#[derive(Default)]
struct HeldLeg {
    dialog: Option<Json>,
    outcome: Option<Json>,
    ended_at: Option<Ts>,
}

impl Held {
    /// Inserts what is to be inserted, and takes in what is to be changed.
    async fn take(&mut self, tx: &mut Tx, fence: Fence, facts: &[Fact]) -> Result<()> {
        let mut refused = None;
        for fact in facts {
            match fact {
                Fact::Intent { .. } if self.ended => refused = Some(Error::OrderEnded),
                Fact::Intent { intent, telephone, dialog } => {
                    let telephone = telephone.as_ref().map(ToString::to_string);
                    if !self.dial(tx, fence, intent, telephone, dialog.as_ref()).await? {
                        refused = Some(Error::LegTaken(intent.leg));
                    } else if intent.callee == Callee::Visitor {
                        self.rang_at = Some(intent.at);
                    }
                }
                Fact::Ended { at, disposition } => self.end(*at, *disposition)?,
                Fact::Record(record, plan) => {
                    self.end(record.ended_at, record.disposition)?;
                    self.record(record, plan.as_deref())?;
                    if record.stop_requested {
                        // Also where the process that heard the key has died.
                        stops::add_visitor_of(tx, fence.order, record.ended_at).await?;
                    }
                }
                Fact::Shown(state, detail) => self.show(*state, detail)?,
                Fact::Booked(booking, at) => {
                    let booked = ledger::book(tx, booking, None, *at).await;
                    let is_end = matches!(booking.what, What::Settle { .. });
                    match booked {
                        Err(error @ (Error::Refused(_) | Error::OtherCurrency(_))) if is_end => {
                            tracing::error!(order = %fence.order, %error, "the end of a call is not booked");
                        }
                        booked => _ = booked?,
                    }
                }
                Fact::Terms(terms) => ledger::keep_terms(tx, fence.order, terms).await?,
                Fact::Charged(leg, charge) => ledger::keep_charge(tx, fence.order, *leg, charge).await?,
                Fact::HandedBack => self.is_handed_back = true,
                Fact::Dialog { leg, dialog } => {
                    self.legs.entry(*leg).or_default().dialog = Some(Json::of(dialog)?);
                }
                Fact::IntentEnd { leg, down_at, end } => {
                    let leg = self.legs.entry(*leg).or_default();
                    leg.outcome = Some(Json::of(end)?);
                    leg.ended_at = down_at.or(leg.ended_at);
                }
                Fact::Began { .. } | Fact::Input { .. } => append(tx, fence, fact).await?,
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Stores a dial; false where the leg's number is another dial's. The same dial again is no other.
    async fn dial(
        &self,
        tx: &mut Tx,
        fence: Fence,
        intent: &Intent,
        telephone: Option<String>,
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
            .bind(Json::of(&intent.end)?)
            .bind(telephone);
        if tx.run(stored).await? == 1 {
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
    fn show(&mut self, state: VisitorState, detail: &Detail) -> Result<()> {
        let is_end = matches!(state, VisitorState::Ended(_));
        if !is_end && !self.ended {
            self.state = Some(Json::of(&state)?);
            self.answered = Some(u32::from(state >= VisitorState::Waiting));
        }
        if is_end || !self.ended {
            self.detail = Some(Json::of(detail)?);
        }
        Ok(())
    }

    /// The first end stays.
    fn end(&mut self, at: Ts, end: Disposition) -> Result<()> {
        if !self.ended {
            self.state = Some(Json::of(&VisitorState::Ended(end))?);
            self.end = Some((at, end));
            self.ended = true;
        }
        Ok(())
    }

    /// The first record stays.
    fn record(&mut self, record: &CallRecord, plan: Option<&Plan>) -> Result<()> {
        if self.record.is_none() {
            let missed = record.disposition.is_missed();
            let missed = missed.then(|| (Tried::all(record, plan), record.finished_at));
            self.record = Some(Over { record: Json::of(record)?, tally: Tally::of(record, plan), missed });
        }
        Ok(())
    }

    /// Writes what was taken in: what no index knows apart from the rest, for that is what most facts are about.
    async fn store(self, tx: &mut Tx, order: OrderId) -> sqlx::Result<()> {
        if self.state.is_some() || self.detail.is_some() || self.rang_at.is_some() {
            let show = query(SHOW).bind(order.0).bind(self.state).bind(self.detail);
            tx.run(show.bind(self.answered).bind(self.rang_at)).await?;
        }
        if let Some((at, end)) = self.end {
            let (disposition, reason) = end.keys();
            tx.run(query(END).bind(order.0).bind(at).bind(disposition).bind(reason)).await?;
        }
        if let Some(Over { record, tally, missed }) = self.record {
            let talked = tally.talk_s.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
            tx.run(query(RECORD).bind(order.0).bind(record).bind(talked)).await?;
            if let Some((of, accepted_at)) = self.of {
                let is_new = tallies::write(tx, order, CustomerId(of), accepted_at, &tally).await?;
                if let Some((tries, at)) = missed.filter(|_| is_new) {
                    notices::missed(tx, order, tries, at).await?;
                }
            }
        }
        if self.is_handed_back {
            tx.run(query(HAND_BACK).bind(order.0)).await?;
        }
        for (leg, HeldLeg { dialog, outcome, ended_at }) in self.legs {
            let change = query(CHANGE_INTENT).bind(order.0).bind(leg.0);
            tx.run(change.bind(dialog).bind(outcome).bind(ended_at)).await?;
        }
        Ok(())
    }
}

/// Facts that are rows of their own.
async fn append(tx: &mut Tx, fence: Fence, fact: &Fact) -> Result<()> {
    let row = |text| query(text).bind(fence.order.0).bind(fence.process);
    let row = match fact {
        Fact::Began { at, plan, past } => row(BEGAN).bind(*at).bind(Json::of(plan)?).bind(Json::of(past)?),
        Fact::Input { seq, at, input } => row(INPUT).bind(*seq).bind(*at).bind(Json::of(input)?),
        Fact::Intent { .. }
        | Fact::Dialog { .. }
        | Fact::IntentEnd { .. }
        | Fact::Shown(..)
        | Fact::Ended { .. }
        | Fact::Record(..)
        | Fact::Terms(_)
        | Fact::Booked(..)
        | Fact::Charged(..)
        | Fact::HandedBack => return Ok(()),
    };
    tx.run(row).await?;
    Ok(())
}

/// How the order is called: settled by the first process that began.
pub(super) async fn plan(tx: &mut Tx, order: OrderId) -> Result<Option<Arc<Plan>>> {
    let row = tx.maybe(query(PLAN).bind(order.0)).await?;
    Ok(row.map(|row| row.json("plan")).transpose()?)
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
    Ok(rows.iter().map(journal_row).collect::<sqlx::Result<_>>()?)
}

/// An order as a line, with the plan that it followed; none where it is another customer's.
pub(super) async fn journal_line(db: &Db, of: CustomerId, order: OrderId) -> Result<Option<PlannedRow>> {
    let row = db.maybe(query(JOURNAL_LINE).bind(order.0).bind(of.0)).await?;
    Ok(row.map(|row| planned_row(&row)).transpose()?)
}

/// What of a customer's is not over, the newest first: it runs, winds up, waits, or was ordered for later.
pub(super) async fn open(
    db: &Db,
    of: CustomerId,
    site: Option<&SiteKey>,
    telephones: Option<&Telephones>,
) -> Result<Vec<PlannedRow>> {
    let find = query(OPEN).bind(of.0).bind(site.map(SiteKey::as_str)).bind(JOURNAL_LINES);
    let places = telephones.map_or([None; Telephones::MOST], Telephones::places);
    let rows = db.all(places.into_iter().fold(find, Query::bind)).await?;
    Ok(rows.iter().map(planned_row).collect::<sqlx::Result<_>>()?)
}

/// Whether it rang at one of these.
pub(super) async fn rang_at(db: &Db, order: OrderId, telephones: &Telephones) -> Result<bool> {
    let find = telephones.places().into_iter().fold(query(RANG_AT).bind(order.0), Query::bind);
    Ok(db.maybe(find).await?.is_some())
}

pub(super) fn journal_row(row: &Row) -> sqlx::Result<JournalRow> {
    Ok(JournalRow {
        order: order_row(row)?,
        site_key: row.parsed("key")?,
        site_name: row.get("name")?,
        record: row.maybe_json("record")?,
    })
}

pub(super) fn planned_row(row: &Row) -> sqlx::Result<PlannedRow> {
    Ok(PlannedRow { row: journal_row(row)?, plan: row.maybe_json("plan")? })
}

/// All that is known of a call.
pub(super) async fn call(db: &Db, id: OrderId) -> Result<Option<CallFile>> {
    let Some(row) = db.maybe(query(CALL).bind(id.0)).await? else { return Ok(None) };
    let mut processes = BTreeMap::new();
    let blank = |process| ProcessFile { process, began: None, inputs: Vec::new() };
    let mut plan = None;
    for row in db.all(query(PROCESSES).bind(id.0)).await? {
        let process: u16 = row.number("process")?;
        if plan.is_none() {
            plan = Some(row.json("plan")?);
        }
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
        plan,
        processes: processes.into_values().collect(),
        intents: intents.iter().map(intent_row).collect::<sqlx::Result<_>>()?,
        record: row.maybe_json("record")?,
    }))
}

/// Lines of the journal from somewhere, with the plan where one was begun with.
macro_rules! planned {
    ($from:literal) => {
        concat!(
            "SELECT ",
            order_columns!(),
            ", s.key, s.name, o.record, p.plan FROM ",
            $from,
            " JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
            LEFT JOIN processes p ON p.order_id = o.id AND p.process = 1"
        )
    };
}

statements! {
    HOLD = "SELECT id, process, customer_id, accepted_at, ended_at FROM orders WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8)
        ORDER BY id FOR UPDATE";
    BEGAN = "INSERT INTO processes (order_id, process, began_at, plan, past) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (order_id, process) DO NOTHING";
    INPUT = "INSERT INTO inputs (order_id, process, seq, at, input) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (order_id, process, seq) DO NOTHING";
    INTENT = "INSERT INTO intents (order_id, leg, process, callee, round, at, dialog, outcome, telephone)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (order_id, leg) DO NOTHING";
    CHANGE_INTENT = "UPDATE intents SET dialog = COALESCE($3, dialog), outcome = COALESCE($4, outcome),
            ended_at = COALESCE($5, ended_at)
        WHERE order_id = $1 AND leg = $2";
    SHOW = "UPDATE orders SET state = COALESCE($2, state), detail = COALESCE($3, detail),
            answered = COALESCE($4, answered), rang_at = COALESCE($5, rang_at)
        WHERE id = $1";
    END = "UPDATE orders SET ended_at = $2, disposition = $3, reason = $4 WHERE id = $1 AND ended_at IS NULL";
    RECORD = "UPDATE orders SET record = $2, talk_s = $3, lease_owner = NULL, lease_until = NULL
        WHERE id = $1 AND record IS NULL";
    HAND_BACK = "UPDATE orders SET lease_owner = NULL, lease_until = NULL WHERE id = $1";
    PLAN = "SELECT plan FROM processes WHERE order_id = $1 ORDER BY process LIMIT 1";
    INTENTS = "SELECT leg, process, callee, round, at, dialog, outcome, ended_at FROM intents
        WHERE order_id = $1 ORDER BY leg";
    JOURNAL = concat!("SELECT ", order_columns!(), ", s.key, s.name, o.record FROM orders o
        JOIN sites s ON s.id = o.site_id LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.joined_to IS NULL AND (o.accepted_at, o.id) < ($1, $2)
        ORDER BY o.accepted_at DESC, o.id DESC LIMIT $3");
    OPEN = concat!(planned!("orders o"), " WHERE o.customer_id = $1 AND o.joined_to IS NULL AND o.record IS NULL
            AND (o.ended_at IS NULL OR o.process > 0) AND (CAST($2 AS TEXT) IS NULL OR s.key = $2)
            AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM intents i
                WHERE i.order_id = o.id AND i.telephone IN ($4, $5, $6)))
        ORDER BY o.accepted_at DESC, o.id DESC LIMIT $3");
    RANG_AT = "SELECT leg FROM intents WHERE order_id = $1 AND telephone IN ($2, $3, $4) LIMIT 1";
    JOURNAL_LINE = concat!(planned!("orders o"), " WHERE o.joined_to IS NULL AND o.id = $1 AND o.customer_id = $2");
    CALL = concat!("SELECT ", order_columns!(), ", s.key, v.body, o.record FROM orders o
        JOIN sites s ON s.id = o.site_id
        JOIN site_versions v ON v.site_id = o.site_id AND v.version = o.settings_version
        LEFT JOIN orders j ON j.id = o.joined_to
        WHERE o.id = $1");
    PROCESSES = "SELECT process, began_at, plan, past FROM processes WHERE order_id = $1 ORDER BY process";
    INPUTS = "SELECT process, at, input FROM inputs WHERE order_id = $1 ORDER BY process, seq";
}
