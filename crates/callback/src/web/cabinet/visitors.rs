//! What is kept of a visitor, by his number: shown, given out, erased; and how long it is kept at all. The number comes in
//! a body, for addresses are logged by what stands between.

use super::phones::kept;
use super::read::{Body, Path};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::ids::CustomerId;
use crate::retention::unheard;
use crate::store::{Forgetting, Forgotten, OrderPhone, VisitorCall, VisitorFile};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callback_core::flow::{Detail, VisitorState};
use callback_core::record::{Disposition, NotCalled};
use callback_core::schedule;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use utoipa::ToSchema;
use uuid::Uuid;

/// Days after which visitors may be forgotten: a month, and ten years.
const DAYS: RangeInclusive<u32> = 30..=3_650;

/// Who is asked about.
#[derive(Deserialize, ToSchema)]
pub(super) struct Whom {
    /// His number, as people write it.
    phone: String,
}

/// What is kept of a visitor, counted.
#[derive(Serialize, ToSchema)]
pub(super) struct VisitorView {
    /// His number, as it is kept.
    phone: String,
    orders: usize,
    /// Those that came to a talk.
    connected: usize,
    first_at: Option<String>,
    last_at: Option<String>,
    /// Consents that he gave.
    consents: usize,
    notes: usize,
    scores: usize,
    /// Letters about him in the outbox.
    letters: usize,
    /// A call of his goes on: nothing can be erased.
    running: bool,
    /// An order of his waits for its time: erasing cancels it.
    scheduled: bool,
    /// He is on the list of those who are never called; he stays on it.
    stopped: bool,
    /// He is on a blacklist of the company's.
    blocked: bool,
}

/// All that is kept of a visitor.
#[derive(Serialize, ToSchema)]
pub(super) struct VisitorExport {
    phone: String,
    /// When this was given out.
    at: String,
    company: String,
    /// He is on the list of those who are never called.
    stopped: bool,
    calls: Vec<CallExport>,
    letters: Vec<LetterExport>,
}

/// An order of his.
#[derive(Serialize, ToSchema)]
struct CallExport {
    id: Uuid,
    site: String,
    at: String,
    /// When he was to be called.
    due_at: String,
    ended_at: Option<String>,
    disposition: Option<&'static str>,
    reason: Option<&'static str>,
    talk_s: Option<u64>,
    office: Option<String>,
    ip: Option<String>,
    /// What his browser told.
    #[schema(value_type = Object)]
    visit: Value,
    #[schema(value_type = Object)]
    consent: Value,
    /// What was understood of it.
    #[schema(value_type = Object)]
    arrival: Value,
    note: Option<String>,
    called_back_at: Option<String>,
    /// 1 to 5.
    score: Option<u16>,
    scored_at: Option<String>,
}

/// A letter about an order of his.
#[derive(Serialize, ToSchema)]
struct LetterExport {
    call: Uuid,
    to: String,
    subject: String,
    at: String,
    sent_at: Option<String>,
}

/// What is kept of a visitor, by his number.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/visitors/find", tag = "visitors", request_body = Whom,
    responses((status = 200, body = VisitorView), (status = 404), (status = 422, body = [FieldProblem])))]
pub(super) async fn find(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(whom): Body<Whom>,
) -> Result<Json<VisitorView>, Problem> {
    let at = signed.at(&app, &customer, Right::Visitors).await?;
    let company = company_of(&app, &at).await?;
    let phone = kept(&whom.phone, &company)?;
    let file = app.store.visitor(at.customer, &phone).await.map_err(Problem::of_store)?;
    let zone = TimeZone::get(&company.settings.time_zone).unwrap_or(TimeZone::UTC);
    let today = schedule::date(wall_now(), &zone).unwrap_or(Date::MAX);
    let count = |holds: &dyn Fn(&VisitorCall) -> bool| file.calls.iter().filter(|call| holds(call)).count();
    let at = |call: Option<&VisitorCall>| call.map(|call| stamp(call.row.order.facts.accepted_at));
    Ok(Json(VisitorView {
        phone: phone.to_string(),
        orders: file.calls.len(),
        connected: count(&|call| ended(call) == Some(Disposition::Connected)),
        first_at: at(file.calls.last()),
        last_at: at(file.calls.first()),
        consents: count(&|call| call.row.order.facts.consent.get("given") == Some(&Value::Bool(true))),
        notes: count(&|call| call.note.is_some()),
        scores: count(&|call| call.score.is_some()),
        letters: file.letters.len(),
        running: file.calls.iter().any(|call| is_open(call) && call.row.order.process > 0),
        scheduled: file.calls.iter().any(|call| is_open(call) && call.row.order.process == 0),
        stopped: file.is_stopped,
        blocked: match phone {
            OrderPhone::Number(number) => company.settings.blacklist.names(number, None, today),
            OrderPhone::Written(_) => false,
        },
    }))
}

/// All that is kept of a visitor, to be given to him.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/visitors/export", tag = "visitors", request_body = Whom,
    responses((status = 200, body = VisitorExport), (status = 404), (status = 422, body = [FieldProblem])))]
pub(super) async fn export(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(whom): Body<Whom>,
) -> Result<Json<VisitorExport>, Problem> {
    let at = signed.at(&app, &customer, Right::Visitors).await?;
    let company = company_of(&app, &at).await?;
    let phone = kept(&whom.phone, &company)?;
    let file = app.store.visitor(at.customer, &phone).await.map_err(Problem::of_store)?;
    let entry = signed.did("visitor.export", &customer, json!({ "orders": file.calls.len() }));
    app.store.note_deed(at.customer, entry).await.map_err(Problem::of_store)?;
    let VisitorFile { calls, letters, is_stopped } = file;
    let letters = letters.into_iter().map(|one| LetterExport {
        call: one.order,
        to: one.email,
        subject: one.subject,
        at: stamp(one.at),
        sent_at: one.sent_at.map(stamp),
    });
    Ok(Json(VisitorExport {
        phone: phone.to_string(),
        at: stamp(wall_now()),
        company: company.settings.name,
        stopped: is_stopped,
        calls: calls.into_iter().map(exported).collect::<Result<_, _>>()?,
        letters: letters.collect(),
    }))
}

fn exported(call: VisitorCall) -> Result<CallExport, Problem> {
    let keys = ended(&call).map(Disposition::keys);
    let VisitorCall { row, note, called_back_at, score } = call;
    let talk = row.record.as_ref().and_then(|record| record.talk);
    let facts = row.order.facts;
    let (score, scored_at) = score.unzip();
    Ok(CallExport {
        id: facts.id.0,
        site: row.site_name,
        at: stamp(facts.accepted_at),
        due_at: stamp(row.order.run_at),
        ended_at: row.order.ended_at.map(stamp),
        disposition: keys.map(|(key, _)| key),
        reason: keys.and_then(|(_, reason)| reason),
        talk_s: talk.map(|talk| talk.until.since(talk.from).as_secs()),
        office: facts.office.map(|office| office.to_string()),
        ip: facts.ip.map(|ip| ip.to_string()),
        visit: facts.visit,
        consent: facts.consent,
        arrival: serde_json::to_value(&facts.arrival).map_err(Problem::internal)?,
        note,
        called_back_at: called_back_at.map(stamp),
        score,
        scored_at: scored_at.map(stamp),
    })
}

/// Who is to be erased.
#[derive(Deserialize, ToSchema)]
pub(super) struct Erasing {
    /// His number, as people write it.
    phone: String,
    /// Where he is on a blacklist of the company's he stays on it, so that he is never called again.
    #[serde(default)]
    stays_blocked: bool,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(super) struct Erased {
    orders: usize,
}

/// Erases what is kept of a visitor: his number, his address, where he came from, what was noted of him. What happened is
/// counted still, and charged; whoever asked never to be called stays on that list.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/visitors/erase", tag = "visitors", request_body = Erasing,
    responses((status = 200, body = Erased), (status = 404), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn erase(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(erasing): Body<Erasing>,
) -> Result<Json<Erased>, Problem> {
    let at = signed.at(&app, &customer, Right::Visitors).await?;
    let phone = kept(&erasing.phone, &company_of(&app, &at).await?)?;
    cancel_scheduled(&app, at.customer, &phone).await?;
    let entry = signed.did("visitor.erase", &customer, json!({}));
    let begun = app.store.begin_to_forget(at.customer, phone.clone(), erasing.stays_blocked, entry).await;
    if !begun.map_err(Problem::of_store)? {
        return Err(running());
    }
    let (secret, mut orders) = (Uuid::new_v4(), 0);
    loop {
        let what = Forgetting::Visitor(phone.clone());
        match app.store.forget(at.customer, what, secret, wall_now()).await.map_err(Problem::of_store)? {
            Forgotten::Running => return Err(running()),
            Forgotten::Orders(none) if none.is_empty() => return Ok(Json(Erased { orders })),
            Forgotten::Orders(some) => {
                orders += some.len();
                unheard(app.recordings.as_deref(), &some).await;
            }
        }
    }
}

fn running() -> Problem {
    let text = "This number is being called now. Erase it when the call is over.";
    Problem::Refused(Refusal::Conflict("call-running", text))
}

/// Ends his orders that nobody has begun to serve: who is forgotten is not called.
async fn cancel_scheduled(app: &App, of: CustomerId, phone: &OrderPhone) -> Result<(), Problem> {
    let file = app.store.visitor(of, phone).await.map_err(Problem::of_store)?;
    let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
    for call in file.calls.iter().filter(|call| is_open(call) && call.row.order.process == 0) {
        let id = call.row.order.facts.id;
        if app.store.end_unclaimed(id, cancelled, wall_now()).await.map_err(Problem::of_store)? {
            app.engine.ended_unbegun(id, cancelled, Detail::default());
        }
    }
    Ok(())
}

/// It goes on, or is to come.
fn is_open(call: &VisitorCall) -> bool {
    let order = &call.row.order;
    let is_over = call.row.record.is_some() || (order.ended_at.is_some() && order.process == 0);
    order.joined_to.is_none() && !is_over
}

fn ended(call: &VisitorCall) -> Option<Disposition> {
    let state = call.row.order.state;
    let seen = if let VisitorState::Ended(disposition) = state { Some(disposition) } else { None };
    call.row.record.as_ref().map(|record| record.disposition).or(seen)
}

/// How long visitors are known.
#[derive(Serialize, ToSchema)]
pub(super) struct RetentionView {
    /// Days after which they are forgotten; none where they never are.
    days: Option<u32>,
    /// When that was looked for last.
    ran_at: Option<String>,
    /// How many orders were forgotten then.
    forgot: u32,
}

/// How long a company's visitors are known.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/retention", tag = "visitors",
    responses((status = 200, body = RetentionView), (status = 404)))]
pub(super) async fn retention(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<RetentionView>, Problem> {
    let at = signed.at(&app, &customer, Right::Visitors).await?;
    let known = app.store.retention(at.customer).await.map_err(Problem::of_store)?;
    Ok(Json(RetentionView {
        days: known.map(|known| known.days),
        ran_at: known.and_then(|known| known.ran_at).map(stamp),
        forgot: known.map_or(0, |known| known.forgot),
    }))
}

/// How long they are to be known.
#[derive(Deserialize, ToSchema)]
pub(super) struct Keep {
    /// 30 to 3,650 days; none for ever.
    days: Option<u32>,
}

/// Says how long a company's visitors are known. It holds at once, also of those who came before.
#[utoipa::path(put, path = "/api/v1/customers/{customer}/retention", tag = "visitors", request_body = Keep,
    responses((status = 204), (status = 404), (status = 422, body = [FieldProblem])))]
pub(super) async fn keep(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(Keep { days }): Body<Keep>,
) -> Result<StatusCode, Problem> {
    let at = signed.at(&app, &customer, Right::Visitors).await?;
    if days.is_some_and(|days| !DAYS.contains(&days)) {
        let wrong = FieldProblem::plain("days", "range", "write 30 to 3650 days, or nothing");
        return Err(wrong.with("min", *DAYS.start()).with("max", *DAYS.end()).into());
    }
    let entry = signed.did("retention.set", &customer, json!({ "days": days }));
    app.store.set_retention(at.customer, days, entry).await.map_err(Problem::of_store)?;
    Ok(StatusCode::NO_CONTENT)
}
