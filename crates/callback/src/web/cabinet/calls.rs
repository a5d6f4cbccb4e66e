//! Calls: the journal of a company, and one call with all that happened in it.

use super::read::{Path, Query};
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::ids::CustomerId;
use crate::store::{JournalOf, OrderFacts, Part, PlannedRow, Telephones};
use crate::timeline::{Timeline, legs_of, stamp};
use crate::web::App;
use crate::web::error::Problem;
use crate::web::flood::StreamPass;
use crate::web::status::state_key;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use callback_core::attribution::{self, Keyword};
use callback_core::flow::VisitorState;
use callback_core::id::OrderId;
use callback_core::record::Disposition;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use uuid::Uuid;

/// Lines of a page, at most and as usual.
const MOST: u32 = 100;
const USUAL: u32 = 50;

/// Which lines of the journal.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Lines {
    /// `next` of the page before.
    before: Option<String>,
    /// Lines, 100 at most.
    limit: Option<u32>,
    /// Of one site alone, by its key.
    site: Option<String>,
}

/// A page of the journal.
#[derive(Serialize, ToSchema)]
pub(super) struct CallPage {
    calls: Vec<CallRow>,
    /// Where the next page begins; none where this is the last.
    next: Option<String>,
}

/// A call, in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct CallRow {
    id: Uuid,
    /// When it was ordered.
    at: String,
    site: CallSite,
    /// The visitor's number; masked for those who may not see it.
    phone: String,
    /// "connected", "manager_no_answer", "visitor_no_answer", "not_called"; none while it runs.
    disposition: Option<&'static str>,
    reason: Option<&'static str>,
    /// The state that its visitor sees.
    state: &'static str,
    /// Who accepted it.
    manager: Option<String>,
    talk_s: Option<u64>,
    ended_ms: Option<u64>,
    bridged_ms: Option<u64>,
    promise_ms: Option<u64>,
    /// Where it was ordered.
    page: Option<String>,
    /// Where the visitor came from.
    came: Option<CameView>,
    /// Its legs, as they are drawn: times in ms from the order.
    #[schema(value_type = Vec<Object>)]
    lanes: Vec<Value>,
}

/// Where a visitor came from, as it was understood when he ordered.
#[derive(Serialize, ToSchema)]
pub(super) struct CameView {
    /// "ad", "ai", "search", "social", "messenger", "email", "referral", "direct", "internal".
    #[schema(value_type = String)]
    kind: attribution::Kind,
    /// Who it was: a known name, `utm_source`, or the host of the page before.
    name: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    content: Option<String>,
    /// What was searched for, where that was passed.
    keyword: Option<String>,
    /// Something was searched for, and it was not passed.
    keyword_hidden: bool,
    /// The page that the visit began on.
    landing: Option<String>,
    /// The page before it.
    referrer: Option<String>,
}

impl CameView {
    fn of(facts: &OrderFacts) -> Option<Self> {
        let came = facts.arrival.came.clone()?;
        let text = |name: &str| facts.visit.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            kind: came.kind,
            name: came.name,
            medium: came.medium,
            campaign: came.campaign,
            content: came.content,
            keyword_hidden: came.keyword == Keyword::Hidden,
            keyword: if let Keyword::Known(keyword) = came.keyword { Some(keyword) } else { None },
            landing: text("landing"),
            referrer: text("referrer").filter(|page| !page.is_empty()),
        })
    }
}

/// A call's site.
#[derive(Serialize, ToSchema)]
pub(super) struct CallSite {
    key: String,
    name: String,
}

/// The journal of a company, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls", tag = "calls", params(Lines),
    responses((status = 200, body = CallPage), (status = 404)))]
pub(super) async fn journal(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(lines): Query<Lines>,
) -> Result<Json<CallPage>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let before = lines.before.as_deref().map(|text| cursor(text).ok_or(Problem::NotFound)).transpose()?;
    let limit = lines.limit.unwrap_or(USUAL).clamp(1, MOST);
    let site = lines.site.map(|key| key.parse().map_err(|_| Problem::NotFound)).transpose()?;
    let of = JournalOf { customer: at.customer, site, telephones: own(&at).cloned() };
    let rows = app.store.journal_of(&of, limit, before).await.map_err(Problem::of_store)?;
    let is_last = rows.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.last().map(|row| &row.row.order.facts).filter(|_| !is_last);
    let next = next.map(|order| format!("{}.{}", order.accepted_at.0, order.id.0.simple()));
    Ok(Json(CallPage { calls: rows.iter().map(|row| line(row, at.role)).collect(), next }))
}

/// Where the calls rang that he may see; none where he may see all.
fn own(at: &Part) -> Option<&Telephones> {
    at.role.sees_own_calls().then_some(&at.telephones)
}

/// Whether he may see a call of the customer.
async fn may_see(app: &App, at: &Part, order: OrderId) -> Result<bool, Problem> {
    match own(at) {
        Some(telephones) => app.store.rang_at(order, telephones).await.map_err(Problem::of_store),
        None => Ok(true),
    }
}

fn cursor(text: &str) -> Option<(Ts, OrderId)> {
    let (at, id) = text.split_once('.')?;
    Some((Ts(at.parse().ok()?), OrderId(id.parse().ok()?)))
}

fn line(PlannedRow { row, plan }: &PlannedRow, role: Role) -> CallRow {
    let zero = row.order.facts.accepted_at;
    let ended = if let VisitorState::Ended(disposition) = row.order.state { Some(disposition) } else { None };
    let keys = row.record.as_ref().map(|record| record.disposition).or(ended).map(Disposition::keys);
    let talk = row.record.as_ref().and_then(|record| record.talk);
    let millis = |at: Ts| u64::try_from(at.since(zero).as_millis()).unwrap_or(u64::MAX);
    let phone = row.order.phone.to_string();
    let hidden = (!role.sees_numbers()).then(|| masked(&phone));
    let lanes = legs_of(row, plan.as_deref());
    let manager = lanes.iter().find(|lane| lane.is_accepting()).map(|lane| lane.name().to_owned());
    CallRow {
        id: row.order.facts.id.0,
        at: stamp(zero),
        site: CallSite { key: row.site_key.to_string(), name: row.site_name.clone() },
        disposition: keys.map(|(key, _)| key),
        reason: keys.and_then(|(_, reason)| reason),
        state: state_key(row.order.state).0,
        manager,
        talk_s: talk.map(|talk| talk.until.since(talk.from).as_secs()),
        ended_ms: row.record.as_ref().map(|record| record.ended_at).or(row.order.ended_at).map(millis),
        bridged_ms: talk.map(|talk| millis(talk.from)),
        promise_ms: plan
            .as_ref()
            .map(|plan| u64::try_from(plan.limits.promise.as_millis()).unwrap_or(u64::MAX)),
        page: row.order.facts.visit.get("page").and_then(Value::as_str).map(str::to_owned),
        came: CameView::of(&row.order.facts),
        lanes: lanes
            .iter()
            .filter_map(|lane| serde_json::to_value(lane).ok())
            .map(|mut lane| {
                if let Some(hidden) = &hidden {
                    mask(&mut lane, &phone, hidden);
                }
                lane
            })
            .collect(),
        phone: hidden.unwrap_or(phone),
    }
}

/// The calls of a company as they change: an event `call` with a call's line each time.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls/events", tag = "calls",
    responses((status = 200, content_type = "text/event-stream", body = CallRow), (status = 404)))]
pub(super) async fn events(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let pass = app.flood.stream(signed.from.ip)?;
    let changes = app.engine.hub().changes();
    let watch = Watch { app, customer: at.customer, number: customer, signed, changes, _pass: pass };
    let stream = futures_util::stream::unfold(watch, |mut watch| async move {
        let row = watch.next().await?;
        let event = Event::default().event("call").json_data(&row).unwrap_or_default();
        Some((Ok::<_, Infallible>(event), watch))
    });
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([(header::CACHE_CONTROL, "no-store")], sse).into_response())
}

/// Somebody who watches a company's calls.
struct Watch {
    app: App,
    customer: CustomerId,
    /// As the path names the customer.
    number: String,
    signed: Signed,
    changes: broadcast::Receiver<OrderId>,
    _pass: StreamPass,
}

impl Watch {
    async fn next(&mut self) -> Option<CallRow> {
        loop {
            let order = match self.changes.recv().await {
                Ok(order) => order,
                // Whoever is too slow asks the journal again.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return None,
            };
            let Ok(Some(mut found)) = self.app.store.journal_line(self.customer, order).await else {
                continue;
            };
            if let Some(shown) = self.app.engine.hub().now(order) {
                // What is told is written behind.
                found.row.order.state = shown.state;
            }
            // Whoever was signed out, or has another part by now, sees no more.
            let user = &self.signed.user;
            let sessions = self.app.store.sessions(user.id, wall_now()).await.ok()?;
            sessions.iter().find(|session| session.id == self.signed.session.id)?;
            let at = self.signed.at(&self.app, &self.number, Right::SeeCalls).await.ok()?;
            if may_see(&self.app, &at, order).await.ok()? {
                return Some(line(&found, at.role));
            }
        }
    }
}

/// A number whose middle is nobody's business: `+7 916 •••-••-47`.
fn masked(phone: &str) -> String {
    let count = phone.chars().count();
    let hide = |at: usize| at >= 5 && at + 2 < count;
    phone.chars().enumerate().map(|(at, c)| if hide(at) { '•' } else { c }).collect()
}

/// One call, with all that happened in it.
#[utoipa::path(get, path = "/api/v1/calls/{call}", tag = "calls",
    responses((status = 200, body = Object), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(call): Path<Uuid>,
) -> Result<Json<Value>, Problem> {
    let at = signed.at_call(&app, call, Right::SeeCalls).await?;
    if !may_see(&app, &at, OrderId(call)).await? {
        return Err(Problem::NotFound);
    }
    let file = app.store.call(OrderId(call)).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let mut told = serde_json::to_value(Timeline::of(&file)).map_err(Problem::internal)?;
    let phone = file.order.phone.to_string();
    if !at.role.sees_numbers() {
        mask(&mut told, &phone, &masked(&phone));
    }
    Ok(Json(told))
}

/// Replaces a number wherever it stands.
fn mask(value: &mut Value, phone: &str, masked: &str) {
    match value {
        Value::String(text) if text == phone => masked.clone_into(text),
        Value::Array(parts) => parts.iter_mut().for_each(|part| mask(part, phone, masked)),
        Value::Object(fields) => fields.values_mut().for_each(|part| mask(part, phone, masked)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        assert_eq!(masked("+79161234547"), "+7916•••••47");
    }
}
