//! Calls: the journal of a company, what is on the air, one call with all that happened in it, and what is done about it.

use super::call_row::{CallRow, mask, masked};
use super::charged::Charged;
use super::filter::{Chosen, PeriodView};
use super::read::{Body, Path, Query};
use super::scope::company_of;
use super::signed::{OfSite, Signed, asked_site};
use crate::account::Right;
use crate::clock::wall_now;
use crate::store::{
    Acceptance, After, CallOrder, FORGOTTEN, NewOrder, OrderFacts, OrderPhone, Outcomes, Part, PlannedRow,
    Telephones,
};
use crate::timeline::{Timeline, stamp};
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::arrival::{Arrival, By, Place};
use callback_core::flow::VisitorState;
use callback_core::id::OrderId;
use callback_core::order::may_be_called;
use callback_core::record::{Disposition, NotCalled};
use callback_core::schedule;
use callback_core::time::Ts;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Lines of a page, at most and as usual.
const MOST: u32 = 100;
const USUAL: u32 = 50;
/// The longest note, in letters.
const LONGEST_NOTE: usize = 500;
/// Which lines of the journal.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Lines {
    /// "newest", "oldest", "talk": the longest talk first.
    order: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Lines, 100 at most.
    limit: Option<u32>,
}

/// A page of the journal.
#[derive(Serialize, ToSchema)]
pub(super) struct CallPage {
    period: PeriodView,
    /// What became of all that were asked for; with the first page alone.
    totals: Option<Totals>,
    calls: Vec<CallRow>,
    /// Where the next page begins; none where this is the last.
    next: Option<String>,
}

/// What became of calls.
#[derive(Serialize, ToSchema, Default, PartialEq, Eq, Debug, Clone, Copy)]
pub(super) struct Totals {
    pub(super) orders: u64,
    pub(super) connected: u64,
    pub(super) manager_no_answer: u64,
    pub(super) visitor_no_answer: u64,
    /// Those are in no share.
    pub(super) not_called: u64,
    /// Seconds that were talked.
    pub(super) talk_s: u64,
    /// Visitors whose telephone rang within what was promised.
    pub(super) rang_in_time: u64,
    /// Talks that began within it.
    pub(super) connected_in_time: u64,
}

impl Totals {
    pub(super) fn of(outcomes: &[Outcomes]) -> Self {
        let mut totals = Self::default();
        for line in outcomes {
            totals.add(&line.disposition, line.orders);
            totals.talk_s += line.talk_s;
            totals.rang_in_time += line.rang_in_time;
            totals.connected_in_time += line.connected_in_time;
        }
        totals
    }

    /// Adds others.
    pub(super) fn sum(&mut self, others: &Self) {
        self.orders += others.orders;
        self.connected += others.connected;
        self.manager_no_answer += others.manager_no_answer;
        self.visitor_no_answer += others.visitor_no_answer;
        self.not_called += others.not_called;
        self.talk_s += others.talk_s;
        self.rang_in_time += others.rang_in_time;
        self.connected_in_time += others.connected_in_time;
    }

    /// Adds orders of a disposition.
    pub(super) fn add(&mut self, disposition: &str, orders: u64) {
        self.orders += orders;
        *match disposition {
            "connected" => &mut self.connected,
            "manager_no_answer" => &mut self.manager_no_answer,
            "visitor_no_answer" => &mut self.visitor_no_answer,
            _ => &mut self.not_called,
        } += orders;
    }
}

/// The journal of a company: calls that are over.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls", tag = "calls", params(Chosen, Lines),
    responses((status = 200, body = CallPage), (status = 404)))]
pub(super) async fn journal(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(chosen): Query<Chosen>,
    Query(lines): Query<Lines>,
) -> Result<Json<CallPage>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let period = chosen.period(&company_of(&app, &at).await?, wall_now())?;
    let filter = chosen.filter(&app, &at, &period).await?;
    let order = match lines.order.as_deref() {
        None | Some("newest") => CallOrder::Newest,
        Some("oldest") => CallOrder::Oldest,
        Some("talk") => CallOrder::Talk,
        Some(_) => return Err(Problem::field("order", "choice", "write newest, oldest or talk")),
    };
    let after = lines.after.as_deref().map(|text| cursor(text).ok_or(Problem::NotFound)).transpose()?;
    let limit = lines.limit.unwrap_or(USUAL).clamp(1, MOST);
    let (rows, totals) = tokio::join!(app.store.tallied(&filter, order, after, limit), async {
        if after.is_some() { Ok(None) } else { app.store.outcomes(&filter).await.map(Some) }
    });
    let (rows, totals) = (rows.map_err(Problem::of_store)?, totals.map_err(Problem::of_store)?);
    let is_last = rows.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.last().filter(|_| !is_last).map(|last| {
        let facts = &last.row.row.order.facts;
        format!("{}.{}.{}", facts.accepted_at.0, facts.id.0.simple(), last.talk_s)
    });
    Ok(Json(CallPage {
        period: PeriodView::from(&period),
        totals: totals.map(|totals| Totals::of(&totals)),
        calls: rows.iter().map(|row| CallRow::of(row, at.role)).collect(),
        next,
    }))
}

fn cursor(text: &str) -> Option<After> {
    let mut parts = text.split('.');
    let (at, order, talk) = (parts.next()?, parts.next()?, parts.next()?);
    Some(After { at: Ts(at.parse().ok()?), order: OrderId(order.parse().ok()?), talk_s: talk.parse().ok()? })
}

/// What is not over: it runs, it waits, or it was ordered for later; the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls/open", tag = "calls", params(OfSite),
    responses((status = 200, body = [CallRow]), (status = 404)))]
pub(super) async fn open(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(of): Query<OfSite>,
) -> Result<Json<Vec<CallRow>>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let site = asked_site(&app, &at, of.site.as_deref()).await?;
    let rows = app.store.open_calls(at.customer, site.as_ref(), own(&at)).await;
    let hub = app.engine.hub();
    let line = |found: &PlannedRow| CallRow::open(found, hub.now(found.row.order.facts.id).as_ref(), at.role);
    Ok(Json(rows.map_err(Problem::of_store)?.iter().map(line).collect()))
}

/// Where the calls rang that he may see; none where he may see all.
pub(super) fn own(at: &Part) -> Option<&Telephones> {
    at.role.sees_own_calls().then_some(&at.telephones)
}

/// Whether he may see a call of the customer.
pub(super) async fn may_see(app: &App, at: &Part, order: OrderId) -> Result<bool, Problem> {
    match own(at) {
        Some(telephones) => app.store.rang_at(order, telephones).await.map_err(Problem::of_store),
        None => Ok(true),
    }
}

/// One call, with all that happened in it; `row` is its line in the journal, `charged` what its legs were charged, for who
/// sees money.
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
    let (file, row, line) = tokio::join!(
        app.store.call(OrderId(call)),
        app.store.tallied_row(at.customer, OrderId(call)),
        app.store.journal_line(at.customer, OrderId(call)),
    );
    let file = file.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let row = match (row.map_err(Problem::of_store)?, line.map_err(Problem::of_store)?) {
        (Some(row), _) => Some(CallRow::of(&row, at.role)),
        (None, line) => {
            line.map(|line| CallRow::open(&line, app.engine.hub().now(OrderId(call)).as_ref(), at.role))
        }
    };
    let mut told = serde_json::to_value(Timeline::of(&file)).map_err(Problem::internal)?;
    let phone = file.order.phone.to_string();
    if !at.role.sees_numbers() {
        mask(&mut told, &phone, &masked(&phone));
    }
    let charged = if at.role.may(Right::Money) {
        app.store.call_money(OrderId(call)).await.map_err(Problem::of_store)?.map(|money| Charged::of(&money))
    } else {
        None
    };
    if let Value::Object(told) = &mut told {
        told.insert("row".to_owned(), serde_json::to_value(row).map_err(Problem::internal)?);
        told.insert("charged".to_owned(), serde_json::to_value(charged).map_err(Problem::internal)?);
    }
    Ok(Json(told))
}

/// His part at a call that he may do something about.
async fn at_own(app: &App, signed: &Signed, call: Uuid) -> Result<Part, Problem> {
    let at = signed.at_call(app, call, Right::AnswerCalls).await?;
    if may_see(app, &at, OrderId(call)).await? { Ok(at) } else { Err(Problem::NotFound) }
}

/// Whether the visitor was called back.
#[derive(Deserialize, ToSchema)]
pub(super) struct CalledBack {
    is: bool,
}

/// Says that the visitor of a call that came to no talk was called back, or takes that back.
#[utoipa::path(put, path = "/api/v1/calls/{call}/called-back", tag = "calls", request_body = CalledBack,
    responses((status = 204), (status = 404), (status = 409)))]
pub(super) async fn called_back(
    State(app): State<App>,
    signed: Signed,
    Path(call): Path<Uuid>,
    Body(body): Body<CalledBack>,
) -> Result<StatusCode, Problem> {
    let at = at_own(&app, &signed, call).await?;
    let entry = signed.did("call.called_back", &call.to_string(), json!({ "is": body.is }));
    let marked = app.store.mark_called_back(at.customer, OrderId(call), body.is, entry).await;
    if marked.map_err(Problem::of_store)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::Refused(Refusal::Conflict("not-missed", "This call is not over, or was connected.")))
    }
}

/// What is written about a call.
#[derive(Deserialize, ToSchema)]
pub(super) struct Note {
    /// Empty to take it away.
    note: String,
}

/// Writes a note about a call.
#[utoipa::path(put, path = "/api/v1/calls/{call}/note", tag = "calls", request_body = Note,
    responses((status = 204), (status = 404), (status = 409), (status = 422)))]
pub(super) async fn note(
    State(app): State<App>,
    signed: Signed,
    Path(call): Path<Uuid>,
    Body(body): Body<Note>,
) -> Result<StatusCode, Problem> {
    let at = at_own(&app, &signed, call).await?;
    let note = body.note.trim().replace('\0', "\u{fffd}");
    if note.chars().count() > LONGEST_NOTE {
        let long = FieldProblem::plain("note", "too_long", "write 500 letters at most");
        return Err(long.with("max", LONGEST_NOTE).into());
    }
    let note = Some(note).filter(|note| !note.is_empty());
    if app.store.note_call(at.customer, OrderId(call), note).await.map_err(Problem::of_store)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::Refused(Refusal::Conflict("not-over", "This call is not over yet. Write when it is.")))
    }
}

/// A call that was ordered.
#[derive(Serialize, ToSchema)]
pub(super) struct Ordered {
    call: Uuid,
    at: String,
}

/// Calls a visitor again: an order of its own, by what is published now.
#[utoipa::path(post, path = "/api/v1/calls/{call}/again", tag = "calls",
    responses((status = 202, body = Ordered), (status = 404), (status = 409)))]
pub(super) async fn again(
    State(app): State<App>,
    signed: Signed,
    Path(call): Path<Uuid>,
) -> Result<Response, Problem> {
    let at = at_own(&app, &signed, call).await?;
    let line = app.store.journal_line(at.customer, OrderId(call)).await.map_err(Problem::of_store)?;
    let line = line.ok_or(Problem::NotFound)?.row;
    let phone = match &line.order.phone {
        OrderPhone::Number(phone) => *phone,
        OrderPhone::Written(text) if text.starts_with(FORGOTTEN) => {
            let text = "This visitor's number was erased. He cannot be called again.";
            return Err(Problem::Refused(Refusal::Conflict("forgotten", text)));
        }
        OrderPhone::Written(_) => return Err(refused(NotCalled::RefusedNumber)),
    };
    let site = app.store.site_by_key(&line.site_key).await.map_err(Problem::of_store)?;
    let site = site.ok_or(Problem::Refused(Refusal::Conflict(
        "site-archived",
        "This site is in the archive. Bring it back first.",
    )))?;
    if !app.engine.can_call() {
        return Err(refused(NotCalled::Trunk));
    }
    let (now, country) = (wall_now(), line.order.facts.country);
    let today = schedule::date(now, &site.zone()).unwrap_or(Date::MAX);
    let lists = [&site.body.blacklist, &site.customer.blacklist];
    if may_be_called(phone, country, &site.body).is_err() || !app.door.calls(country) {
        return Err(refused(NotCalled::RefusedNumber));
    }
    if lists.iter().any(|list| list.names(phone, None, today)) {
        return Err(refused(NotCalled::Blacklist));
    }
    if site.opens(now) != Some(now) {
        return Err(refused(NotCalled::Closed));
    }
    let order = OrderId(Uuid::new_v4());
    let arrival = Arrival {
        by: By::Cabinet,
        by_number: Some(Place::of_number(phone, country, site.body.language)),
        ..Arrival::default()
    };
    let facts = OrderFacts {
        id: order,
        site: site.id,
        customer: at.customer,
        country,
        settings_version: site.version,
        accepted_at: now,
        visit: json!({ "again": call }),
        consent: line.order.facts.consent,
        arrival: Box::new(arrival),
        // It is not the visitor who asks: his address is not known, and the cap of one is not the office's.
        ip: None,
        office: None,
    };
    let phone = OrderPhone::Number(phone);
    let new =
        NewOrder { phone, run_at: now, refused: None, pretence: Duration::ZERO, caps: app.door.caps, facts };
    match app.store.accept(new).await.map_err(Problem::of_store)? {
        Acceptance::New(row) => {
            if let VisitorState::Ended(Disposition::NotCalled(reason)) = row.state {
                return Err(refused(reason));
            }
            app.engine.wake();
            Ok((StatusCode::ACCEPTED, Json(Ordered { call: order.0, at: stamp(now) })).into_response())
        }
        Acceptance::Joined(_) => Err(Problem::Refused(Refusal::Conflict(
            "in-call",
            "This number is being called now. Watch it on the air.",
        ))),
        Acceptance::Same(_) | Acceptance::Conflict => Err(Problem::Internal),
    }
}

/// Why a visitor is not called again, in words.
fn refused(reason: NotCalled) -> Problem {
    let (kind, text) = match reason {
        NotCalled::Limits => ("capped", "This number was called often of late. Wait a while."),
        NotCalled::Blacklist => ("blocked", "This number is on the blacklist, or asked not to be called."),
        NotCalled::Closed => ("closed", "The site is closed by its schedule. Call when it is open."),
        NotCalled::RefusedNumber => ("number-refused", "This number is not called from this site."),
        NotCalled::NoFunds
        | NotCalled::Stale
        | NotCalled::NoCallableManager
        | NotCalled::Cancelled
        | NotCalled::Trunk
        | NotCalled::Interrupted => ("line", "The line cannot call now. Try again in a minute."),
    };
    Problem::Refused(Refusal::Conflict(kind, text))
}
