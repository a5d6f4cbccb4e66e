//! Settings tried before they are published: played by the flow, spoken by the voice, and by a real call to a telephone
//! that was verified.

use super::Lines;
use super::phones;
use super::read::{Body, Path};
use super::scope::{Scope, Settled};
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::store::{Acceptance, Guessed, NewOrder, OrderFacts, OrderPhone, Try};
use crate::timeline::{LegLine, legs_of_record, stamp};
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use callback_core::arrival::{Arrival, By};
use callback_core::blacklist::Blacklist;
use callback_core::id::OrderId;
use callback_core::order::{Circumstances, may_be_called};
use callback_core::rehearsal::{Bounds, Played, Rehearsal, Warning, rehearse};
use callback_core::schedule;
use callback_core::site::{Office, ShownNumber, Site};
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Sentences that are spoken for one company before there is a pause: each takes a second of a processor.
const SPOKEN: u32 = 200;

/// A rehearsal of a draft: what `callback-core` says of it, its calls as they are drawn.
#[derive(Serialize, ToSchema)]
pub(super) struct RehearsalView {
    /// From the order to the dial of the visitor, in ms: no call is earlier or later. None where nobody can be called.
    #[schema(value_type = Option<Object>)]
    to_visitor: Option<Bounds>,
    promise_ms: u64,
    /// A quick call, a usual one, a slow one.
    calls: Vec<PlayedView>,
    /// If the first managers do not answer; last, if nobody does.
    ifs: Vec<PlayedView>,
    warnings: Vec<WarningView>,
}

/// A call that was played.
#[derive(Serialize, ToSchema)]
pub(super) struct PlayedView {
    /// "quick", "usual", "slow", "next", "nobody".
    name: &'static str,
    taken_by: Option<String>,
    joined_ms: Option<u64>,
    ended_ms: u64,
    #[schema(value_type = Vec<Object>)]
    lanes: Vec<LegLine>,
}

/// What an owner would not want.
#[derive(Serialize, ToSchema)]
pub(super) struct WarningView {
    /// Calls fail by it, and not only might.
    grave: bool,
    /// Of which office, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    office_name: Option<String>,
    /// Its kind in `key`, and what there is to say about it.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    warning: Warning,
}

impl WarningView {
    fn of(warning: Warning, office: Option<&str>) -> Self {
        Self { grave: warning.is_grave(), office_name: office.map(str::to_owned), warning }
    }
}

impl From<Played> for PlayedView {
    fn from(played: Played) -> Self {
        let lanes = legs_of_record(&played.record, &played.plan);
        let Played { name, taken_by, joined_ms, ended_ms, .. } = played;
        Self { name, taken_by, joined_ms, ended_ms, lanes }
    }
}

/// Plays a site's draft, without calling anybody.
#[utoipa::path(get, path = "/api/v1/sites/{site}/rehearsal", tag = "settings",
    responses((status = 200, body = RehearsalView), (status = 422, body = [FieldProblem])))]
pub(super) async fn rehearsal(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<RehearsalView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    let Settled::Site(mut body) = scope.settled(&app).await? else { return Err(Problem::NotFound) };
    let company = scope.company();
    if !body.own_managers {
        body.managers.clone_from(&company.settings.managers);
    }
    let verified = app.store.verified_phones(scope.company().id).await.map_err(Problem::of_store)?;
    let sites = app.store.sites_of(scope.company().id).await.map_err(Problem::of_store)?;
    let around = |zone: &TimeZone, body: &Site| Circumstances {
        version: scope.version(),
        customer_sites: u32::try_from(sites.iter().filter(|site| site.archived_at.is_none()).count())
            .unwrap_or(1),
        blacklist: Blacklist::default(),
        verified: verified.iter().map(|one| one.phone).collect(),
        zone: zone.clone(),
        prompts: app.engine.prompt_lengths(body),
        draw: 0,
    };
    let played = |zone: &str, body: &Site| -> Result<Rehearsal, Problem> {
        let zone = TimeZone::get(zone).map_err(Problem::internal)?;
        Ok(rehearse(body, &around(&zone, body), this_monday(&zone).ok_or(Problem::Internal)?))
    };
    let site = played(&company.settings.time_zone, &body)?;
    let mut warnings: Vec<WarningView> = lines(&body, &app.cabinet.lines).collect();
    let mut offices = Vec::new();
    for office in &body.offices {
        let zone = office.time_zone.as_deref().unwrap_or(&company.settings.time_zone);
        let rehearsal = played(zone, &at_office(&body, office))?;
        let of_office = |warning| WarningView::of(warning, Some(&office.name));
        // What is true of the whole site is told once.
        let own = rehearsal.warnings.iter().filter(|warning| !site.warnings.contains(warning));
        let own = own.filter(|warning| !matches!(warning, Warning::PromiseOk { .. }));
        if office.managers.iter().any(|manager| manager.on) {
            warnings.extend(own.cloned().map(of_office));
            offices.push(rehearsal);
        }
    }
    // A site whose visitors choose an office has nobody else: its picture is the first office's.
    let is_by_offices = body.managers.is_empty() && !offices.is_empty();
    let Rehearsal { to_visitor, calls, ifs, warnings: told } =
        if is_by_offices { offices.swap_remove(0) } else { site };
    let told = told.into_iter().filter(|_| !is_by_offices);
    let told: Vec<_> = told.map(|warning| WarningView::of(warning, None)).chain(warnings).collect();
    Ok(Json(RehearsalView {
        to_visitor,
        promise_ms: u64::from(body.promise_seconds) * 1_000,
        calls: calls.into_iter().map(Into::into).collect(),
        ifs: ifs.into_iter().map(Into::into).collect(),
        warnings: told,
    }))
}

/// The site as who chooses this office sees it.
fn at_office(site: &Site, office: &Office) -> Site {
    let mut site = site.clone();
    site.managers.clone_from(&office.managers);
    if let Some(schedule) = &office.schedule {
        site.schedule.clone_from(schedule);
    }
    site.offices.clear();
    site
}

/// Numbers that the trunks do not show: the service's own stands in their place.
fn lines(site: &Site, lines: &Lines) -> impl Iterator<Item = WarningView> {
    let is_shown = |number: &ShownNumber| match number {
        ShownNumber::Service => true,
        ShownNumber::Visitor => lines.any,
        ShownNumber::Number(number) => lines.any || lines.numbers.contains(number),
    };
    let shown = [
        ("caller_id_to_visitor", site.caller_id_to_visitor),
        ("caller_id_to_manager", site.caller_id_to_manager),
    ];
    let hidden = shown.into_iter().filter(move |(_, number)| !is_shown(number));
    hidden
        .map(|(field, _)| WarningView::of(Warning::CallerId { field }, None))
        .collect::<Vec<_>>()
        .into_iter()
}

/// What managers hear of a site's draft, spoken by the voice of this machine: a WAV file.
#[utoipa::path(get, path = "/api/v1/sites/{site}/announcement", tag = "settings",
    responses((status = 200, content_type = "audio/wav", body = Vec<u8>), (status = 409)))]
pub(super) async fn announcement(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Response, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    let Settled::Site(body) = scope.settled(&app).await? else { return Err(Problem::NotFound) };
    let by = vec![Guessed { name: format!("voice:{}", scope.company().id.0), free: SPOKEN }];
    if let Try::Paused { until } = app.store.try_at(by, wall_now()).await.map_err(Problem::of_store)? {
        return Err(Refusal::paused(until, wall_now()));
    }
    let spoken = app.engine.spoken_wav(&body).await.map_err(|error| match body.own_recording {
        Some(_) => Problem::internal(error),
        None => {
            tracing::warn!(%error, "an announcement cannot be spoken");
            Problem::Refused(Refusal::NO_VOICE)
        }
    })?;
    Ok(([(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "no-store")], spoken).into_response())
}

/// The midnight with which this week began.
fn this_monday(zone: &TimeZone) -> Option<Ts> {
    let today = schedule::date(wall_now(), zone)?;
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
    Some(Ts(monday.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond()))
}

/// Whom to call.
#[derive(Deserialize, ToSchema)]
pub(super) struct TestCall {
    /// A telephone that was verified, and is none of the managers'.
    phone: String,
    /// The office that its visitor chooses.
    #[serde(default)]
    office: Option<String>,
}

/// A call that was ordered.
#[derive(Serialize, ToSchema)]
pub(super) struct Called {
    call: Uuid,
    at: String,
}

/// Places a real call by a site's draft, to a telephone that was verified, as its visitor.
#[utoipa::path(post, path = "/api/v1/sites/{site}/test-call", tag = "settings", request_body = TestCall,
    responses((status = 202, body = Called), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn test_call(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Body(body): Body<TestCall>,
) -> Result<Response, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    let Settled::Site(draft) = scope.settled(&app).await? else { return Err(Problem::NotFound) };
    let Scope::Site(row, company) = &scope else { return Err(Problem::NotFound) };
    let (phone, country) = phones::read(&app, &body.phone, company)?;
    let verified = app.store.verified_phones(scope.company().id).await.map_err(Problem::of_store)?;
    if !verified.iter().any(|one| one.phone == phone) {
        return Err(Problem::field(
            "phone",
            "unverified",
            "verify this number first: whoever has it must agree",
        ));
    }
    let office = body.office.filter(|name| !name.is_empty());
    let chosen = office.as_ref().map(|name| draft.offices.iter().find(|known| *known.name == **name));
    let sited = match chosen {
        Some(None) => return Err(Problem::field("office", "choice", "the draft has no office of this name")),
        Some(Some(office)) => at_office(&draft, office),
        None => (*draft).clone(),
    };
    if may_be_called(phone, country, &sited).is_err() {
        return Err(Problem::field(
            "phone",
            "own_manager",
            "this is a manager's number; call another one of yours",
        ));
    }
    if !app.engine.can_call() {
        return Err(Problem::Refused(Refusal::Conflict(
            "line",
            "The line cannot call now. Try again in a minute.",
        )));
    }
    let now = wall_now();
    let order = OrderId(Uuid::new_v4());
    let entry = signed.did("site.test_call", row.key.as_str(), json!({ "call": order.0 }));
    let version = app.store.try_version(row.id, scope.company().id, (*draft).clone(), entry);
    let facts = OrderFacts {
        id: order,
        site: row.id,
        customer: scope.company().id,
        country,
        settings_version: version.await.map_err(Problem::of_store)?,
        accepted_at: now,
        visit: json!({ "page": format!("{}/#test", row.origin) }),
        consent: json!({}),
        arrival: Box::new(Arrival { by: By::Test, ..Arrival::default() }),
        ip: Some(signed.from.ip),
        office: office.map(Into::into),
    };
    let phone = OrderPhone::Number(phone);
    let new =
        NewOrder { phone, run_at: now, refused: None, pretence: Duration::ZERO, caps: app.door.caps, facts };
    let accepted = app.store.accept(new).await.map_err(Problem::of_store)?;
    let refused = |kind, text| Err(Problem::Refused(Refusal::Conflict(kind, text)));
    match accepted {
        Acceptance::New(row) if row.ended_at.is_none() => {}
        Acceptance::Joined(_) => {
            return refused("in-call", "This number is being called now. Watch it on the air.");
        }
        // One that met a cap is stored, and looks to its visitor as if nobody had answered; here it is told.
        Acceptance::New(_) | Acceptance::Same(_) | Acceptance::Conflict => {
            return refused("capped", "This number was called often of late. Wait a while.");
        }
    }
    app.engine.wake();
    Ok((StatusCode::ACCEPTED, Json(Called { call: order.0, at: stamp(now) })).into_response())
}
