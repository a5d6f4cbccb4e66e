//! The order API: what a page of a customer's site may ask (`docs/api.md`).

use super::door::Page;
use super::error::Problem;
use super::flood::StreamPass;
use super::queue::Entering;
use super::status::{Status, is_secret, pretence};
use super::widget::consent_version;
use super::{App, PATIENCE};
use crate::clock::wall_now;
use crate::engine::Pretence;
use crate::engine::{Hub, Shown};
use crate::store::{self, Acceptance, NewOrder, OrderFacts, OrderPhone, OrderRow, PublishedSite, Store};
use crate::timeline::stamp;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use callback_core::arrival::{self, Arrival, By, Place};
use callback_core::attribution::Attribution;
use callback_core::behaviour::has_rule;
use callback_core::flow::{Canceller, Detail, VisitorState};
use callback_core::id::OrderId;
use callback_core::number::{self, Country, Unusable};
use callback_core::order::may_be_called;
use callback_core::record::{Disposition, NotCalled};
use callback_core::schedule;
use callback_core::time::Ts;
use futures_util::Stream;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How far ahead a call may be asked for.
const AHEAD: Duration = Duration::from_secs(30 * 86_400);
/// How often a cancel that finds nobody to take it is tried, and after how long.
const CANCEL_TRIES: u32 = 20;
const CANCEL_AGAIN: Duration = Duration::from_millis(100);
/// How long a text of the visit may be.
const TEXT: usize = 2_048;
/// How many variables a visit may carry.
const VARIABLES: usize = 32;

/// An order, as a browser writes it.
#[derive(Deserialize, Debug)]
pub(crate) struct OrderBody {
    order_id: Uuid,
    phone: String,
    country: Country,
    #[serde(default)]
    office: Option<String>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    visit: Value,
    #[serde(default)]
    consent: Value,
}

/// What a visitor thought of his talk.
#[derive(Deserialize)]
struct Score {
    score: u8,
}

/// What is answered of an order.
#[derive(Serialize, Debug)]
pub(crate) struct OrderView {
    order_id: Uuid,
    #[serde(flatten)]
    status: Status,
    promise_seconds: Option<u32>,
    accepted_at: String,
}

/// `POST /w/v1/{site_key}/orders`
pub(crate) async fn create(
    State(app): State<App>,
    page: Page,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let answer = match body {
        Ok(body) => take_order(&app, &page, &body, wall_now()).await,
        Err(refused) => Err(refused.into()),
    };
    Ok(page.cors.on(answer.into_response()))
}

async fn take_order(
    app: &App,
    page: &Page,
    body: &[u8],
    now: Ts,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let mut order = read(body, page, app, now)?;
    let _entering = match enter(app, now).await {
        Ok(entering) => entering,
        Err(problem) => return known(app, page, &order, problem, now).await,
    };
    if let OrderPhone::Number(number) = order.phone {
        let (id, run_at) = (order.facts.id, order.run_at);
        let site = at_office(&page.site, order.facts.office.as_deref())?;
        order.pretence = Pretence::of(id, number, run_at, &order.facts, &site).ends_at().since(run_at);
    }
    // While nothing can be written nothing is accepted: the visitor is told now, not when he has gone.
    let acceptance = app.store.accept_within(PATIENCE, order).await.map_err(Problem::of_store)?;
    crate::metrics::order(&acceptance);
    let (status, order) = match acceptance {
        Acceptance::New(order) | Acceptance::Joined(order) => (StatusCode::ACCEPTED, order),
        Acceptance::Same(order) => (StatusCode::OK, order),
        Acceptance::Conflict => return Err(Problem::OrderConflict),
    };
    if order.state == VisitorState::Ended(Disposition::NotCalled(NotCalled::RefusedNumber)) {
        return Err(Problem::PhoneRefused);
    }
    app.engine.wake();
    Ok((status, view(app, &page.site, &order, now).await?))
}

/// Reads an order, and what stands against it as far as that is known without the store; how it would look is not
/// worked out before it is to be stored.
fn read(body: &[u8], page: &Page, app: &App, now: Ts) -> Result<NewOrder, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let body: OrderBody = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    json.end().map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    let run_at = body.at.as_deref().map_or(Ok(now), |at| due_at(at, now))?;
    let site = at_office(&page.site, body.office.as_deref())?;
    let visit = bounded(body.visit, "visit")?;
    let mut facts = OrderFacts {
        id: OrderId(body.order_id),
        site: site.id,
        customer: site.customer.id,
        country: body.country,
        settings_version: site.version,
        accepted_at: now,
        arrival: Box::new(understood(&visit, page, app)),
        visit,
        consent: consented(bounded(body.consent, "consent")?, &page.site)?,
        ip: Some(page.ip),
        office: body.office.map(Into::into),
    };
    let caps = app.door.caps;
    match number::parse(&body.phone, body.country) {
        Ok((number, home)) => {
            facts.country = home;
            facts.arrival.by_number = Some(Place::of_number(number, home, site.body.language));
            let lists = [&site.body.blacklist, &site.customer.blacklist];
            let today = schedule::date(now, &site.zone()).unwrap_or(Date::MAX);
            let refused = match may_be_called(number, home, &site.body) {
                Ok(()) if !app.door.calls(home) => Some(NotCalled::RefusedNumber),
                Ok(()) if lists.iter().any(|list| list.names(number, facts.ip, today)) => {
                    Some(NotCalled::Blacklist)
                }
                Ok(()) if site.opens(run_at) != Some(run_at) => Some(NotCalled::Closed),
                Ok(()) => None,
                Err(reason) => Some(reason),
            };
            let (phone, pretence) = (OrderPhone::Number(number), Duration::ZERO);
            Ok(NewOrder { phone, run_at, refused, pretence, caps, facts })
        }
        Err(Unusable::Invalid) => Err(Problem::PhoneInvalid),
        Err(Unusable::RefusedClass) => {
            let (phone, refused) = (OrderPhone::Written(body.phone.into()), Some(NotCalled::RefusedNumber));
            Ok(NewOrder { phone, run_at, refused, pretence: Duration::ZERO, caps, facts })
        }
    }
}

/// The site as who chose this office sees it.
fn at_office(site: &Arc<PublishedSite>, office: Option<&str>) -> Result<Arc<PublishedSite>, Problem> {
    let Some(office) = office else { return Ok(Arc::clone(site)) };
    let wrong = || Problem::BodyInvalid("office: the site has no office of this name".to_owned());
    site.at_office(office).map(Arc::new).ok_or_else(wrong)
}

/// A place for one more order, or why there is none.
async fn enter(app: &App, now: Ts) -> Result<Entering, Problem> {
    if app.engine.is_closing() {
        return Err(Problem::Overloaded);
    }
    if app.store.trouble().borrow().is_some() {
        return Err(Problem::DatabaseAway);
    }
    app.queue.enter(app, now).await.map_err(Problem::of_store)?.ok_or(Problem::Overloaded)
}

/// An order that was accepted lately is answered as before, whatever is in the way of new ones; of those that were not
/// none is looked for, so that a crowd of them waits for nothing.
async fn known(
    app: &App,
    page: &Page,
    order: &NewOrder,
    problem: Problem,
    now: Ts,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    if matches!(problem, Problem::DatabaseAway) || !app.store.stored_lately(order.facts.id) {
        return Err(problem);
    }
    match app.order(&page.site, Some(order.facts.id)).await {
        Ok(before) if before.phone == order.phone => {
            Ok((StatusCode::OK, view(app, &page.site, &before, now).await?))
        }
        _ => Err(problem),
    }
}

/// `GET /w/v1/{site_key}/orders/{order_id}`
pub(crate) async fn show(State(app): State<App>, page: Page) -> Response {
    let shown = match app.order(&page.site, page.order).await {
        Ok(order) => view(&app, &page.site, &order, wall_now()).await,
        Err(problem) => Err(problem),
    };
    page.cors.on(shown.into_response())
}

/// `POST /w/v1/{site_key}/orders/{order_id}/cancel`
pub(crate) async fn cancel(State(app): State<App>, page: Page) -> Response {
    let shown = match cancelled(&app, &page).await {
        Ok(order) => view(&app, &page.site, &order, wall_now()).await,
        Err(problem) => Err(problem),
    };
    page.cors.on(shown.into_response())
}

/// Cancels what may be cancelled; the order as it is then.
async fn cancelled(app: &App, page: &Page) -> Result<OrderRow, Problem> {
    for _ in 0..CANCEL_TRIES {
        let order = app.order(&page.site, page.order).await?;
        if order.joined_to.is_some() {
            return Ok(order);
        }
        // What runs here is cancelled here, whatever became of its lease; after its end what still rings is let go.
        let runs_here = app.engine.cancel(order.facts.id, Canceller::Visitor);
        let reached = tokio::time::timeout(PATIENCE, runs_here).await.map_err(|_| Problem::DatabaseAway)?;
        let has_ended = order.ended_at.is_some() && !is_secret(order.state);
        if reached || has_ended || end_unbegun(app, &order).await? {
            return app.order(&page.site, page.order).await;
        }
        // Claimed and not begun yet, or another node's: it will be ours to cancel in a moment, or is not ours.
        tokio::time::sleep(CANCEL_AGAIN).await;
    }
    Err(Problem::NotCancelled)
}

/// Ends an order that nobody serves, or that only looks like a call. It goes on where whoever asked has gone. False:
/// somebody serves it.
async fn end_unbegun(app: &App, order: &OrderRow) -> Result<bool, Problem> {
    let (store, engine) = (app.store.clone(), app.engine.clone());
    let id = order.facts.id;
    // What it seemed to be until then, as a call would tell at its end.
    let pretence = pretence(order, &store).await.map_err(Problem::of_store)?;
    let pretence = pretence.map(|pretence| pretence.at(wall_now()).0.detail.of);
    let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
    let ending = tokio::spawn(async move {
        let detail = Detail { of: pretence.unwrap_or_default(), ..Detail::default() };
        let ended = if pretence.is_some() {
            store.end_pretence(id, cancelled, detail, wall_now()).await?
        } else {
            store.end_unclaimed(id, cancelled, wall_now()).await?
        };
        if ended {
            engine.ended_unbegun(id, cancelled, detail);
        }
        // A pretence that is over has ended by itself.
        store::Result::Ok(ended || pretence.is_some())
    });
    let ended = tokio::time::timeout(PATIENCE, ending).await.map_err(|_| Problem::DatabaseAway)?;
    ended.map_err(Problem::internal)?.map_err(Problem::of_store)
}

/// `GET /w/v1/{site_key}/orders/{order_id}/events`: the present state first; the stream ends after `ended`.
pub(crate) async fn events(State(app): State<App>, page: Page) -> Response {
    let Page { site, order, ip, cors, .. } = page;
    let live = match app.flood.stream(ip) {
        Ok(pass) => live(&app, site, order, pass).await,
        Err(problem) => Err(problem),
    };
    cors.on(live.into_response())
}

async fn live(
    app: &App,
    site: Arc<PublishedSite>,
    id: Option<OrderId>,
    pass: StreamPass,
) -> Result<Response, Problem> {
    let order = app.order(&site, id).await?;
    let watched = order.joined_to.unwrap_or(order.facts.id);
    // Watched before the present state is asked for, so that nothing falls between.
    let mut changes = app.engine.hub().watch(watched);
    changes.mark_unchanged();
    let order = app.order(&site, id).await?;
    let pretence = pretence(&order, &app.store).await.map_err(Problem::of_store)?;
    let (hub, store) = (app.engine.hub().clone(), app.store.clone());
    let said = Status::of_order(&order, pretence.as_ref(), &site, wall_now());
    let stream = Live { order, site, hub, store, changes, pretence, said, _pass: pass }.into_stream();
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(sse.into_response())
}

/// `OPTIONS` of all of these: what a browser asks before it sends JSON.
pub(crate) async fn preflight(page: Page) -> Response {
    page.cors.preflight()
}

/// A visitor's view of an order that goes on.
struct Live {
    order: OrderRow,
    site: Arc<PublishedSite>,
    hub: Hub,
    store: Store,
    changes: watch::Receiver<Option<Shown>>,
    /// How it looks, where that is not what it is.
    pretence: Option<Pretence>,
    /// What was said last.
    said: Status,
    _pass: StreamPass,
}

impl Live {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let first = self.said.clone();
        futures_util::stream::unfold((self, Some(first), false), |(mut live, first, over)| async move {
            if over {
                return None;
            }
            let status = match first {
                Some(first) => first,
                None => live.next().await?,
            };
            let event = Event::default().event("state").json_data(&status).unwrap_or_default();
            let over = status.is_last();
            Some((Ok(event), (live, None, over)))
        })
    }

    async fn next(&mut self) -> Option<Status> {
        loop {
            let pretended = self.pretence.as_ref().map(|pretence| pretence.at(wall_now()).1);
            let changes_in = match pretended {
                Some(next) => Some(next?.since(wall_now())),
                None => None,
            };
            let shown = tokio::select! {
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        // The call is over; what only looks like one goes on, and may be cancelled.
                        self.pretence.as_ref()?;
                        self.changes = self.hub.watch(self.order.joined_to.unwrap_or(self.order.facts.id));
                    }
                    self.changes.borrow_and_update().clone()
                }
                () = tokio::time::sleep(changes_in.unwrap_or_default()), if changes_in.is_some() => {
                    self.pretence.as_ref().map(|pretence| pretence.at(wall_now()).0)
                }
            };
            let Some(shown) = shown else { continue };
            if is_secret(shown.state) {
                self.order.state = shown.state;
                // Where that cannot be read now, the browser asks again.
                self.pretence = Some(pretence(&self.order, &self.store).await.ok()??);
                continue;
            }
            let coarse = self.order.joined_to.is_some();
            let now = wall_now();
            let status = if coarse {
                Status::coarse(&shown, &self.site, now)
            } else {
                Status::of(&shown, &self.site, now)
            };
            if !status.says_the_same_as(&self.said) {
                self.said = status.clone();
                return Some(status);
            }
        }
    }
}

async fn view(
    app: &App,
    site: &PublishedSite,
    order: &OrderRow,
    now: Ts,
) -> Result<Json<OrderView>, Problem> {
    let pretence = pretence(order, &app.store).await.map_err(Problem::of_store)?;
    let status = Status::of_order(order, pretence.as_ref(), site, now);
    let can_keep = status.is_before_the_visitors_call()
        && app.engine.can_call()
        && site.body.promise_seconds > site.body.delay_to_visitor_s
        && app.engine.funds(site.customer.id).await.cover(site, now);
    Ok(Json(OrderView {
        order_id: order.facts.id.0,
        status,
        promise_seconds: can_keep.then_some(site.body.promise_seconds),
        accepted_at: stamp(order.facts.accepted_at),
    }))
}

fn due_at(text: &str, now: Ts) -> Result<Ts, Problem> {
    let at: Timestamp = text.parse().map_err(|_| Problem::AtInvalid)?;
    let at = Ts(at.as_microsecond());
    if at < now - Duration::from_secs(60) || at > now + AHEAD {
        Err(Problem::AtInvalid)
    } else {
        Ok(at.max(now))
    }
}

/// What is known of an order as it comes; where its visitor came from, by where his visit began.
fn understood(visit: &Value, page: &Page, app: &App) -> Arrival {
    let text = |name: &str| visit.get(name).and_then(Value::as_str);
    let own = &page.site.body.origin;
    let landing = text("landing").or_else(|| text("opened_on")).or_else(|| text("page"));
    let referrer = text("referrer").unwrap_or_default();
    Arrival {
        by: By::Visitor,
        came: landing.map(|landing| Attribution::of(landing, referrer, own)),
        page: text("page").and_then(|address| arrival::page(address, own)),
        place: app.regions.as_ref().and_then(|regions| regions.place(page.ip, page.site.body.language)),
        by_number: None,
        device: page.device,
        rule: text("rule").filter(|rule| has_rule(&page.site.body.scenarios(), rule)).map(str::to_owned),
    }
}

/// What a visitor consented to, with its text where that is the one that is asked for: the evidence that he did (R49).
fn consented(mut consent: Value, site: &PublishedSite) -> Result<Value, Problem> {
    let Some(text) = site.body.look.consent(site.body.language) else { return Ok(consent) };
    if consent.get("given") != Some(&Value::Bool(true)) {
        return Err(Problem::ConsentRequired);
    }
    let is_of_it = consent.get("text_version").and_then(Value::as_str) == Some(&*consent_version(text));
    if let (true, Some(fields)) = (is_of_it, consent.as_object_mut()) {
        fields.insert("text".to_owned(), text.into());
        fields.insert("privacy_url".to_owned(), site.body.look.privacy_url.as_deref().into());
    }
    Ok(consent)
}

/// `POST /w/v1/{site_key}/orders/{order_id}/score`: what a visitor thought of his talk.
pub(crate) async fn score(
    State(app): State<App>,
    page: Page,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let kept = match body {
        Ok(body) => scored(&app, &page, &body).await,
        Err(refused) => Err(refused.into()),
    };
    page.cors.on(kept.into_response())
}

async fn scored(app: &App, page: &Page, body: &[u8]) -> Result<StatusCode, Problem> {
    let wrong = || Problem::BodyInvalid("write {\"score\": 1} to 5".to_owned());
    let body: Score = serde_json::from_slice(body).map_err(|_| wrong())?;
    if !(1..=5).contains(&body.score) {
        return Err(wrong());
    }
    let order = app.order(&page.site, page.order).await?;
    let kept = app.store.score(order.facts.id, body.score, wall_now()).await.map_err(Problem::of_store)?;
    if kept { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::OrderUnknown) }
}

/// Keeps of a visit, or a consent, what is known of it, each text bounded.
fn bounded(value: Value, field: &str) -> Result<Value, Problem> {
    let fields = match value {
        Value::Null => return Ok(json!({})),
        Value::Object(fields) => fields,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Problem::BodyInvalid(format!("`{field}` must be an object")));
        }
    };
    let fits = |value: &Value| match value {
        Value::String(text) => text.len() <= TEXT,
        Value::Object(inner) => {
            inner.len() <= VARIABLES && inner.values().all(|value| value.to_string().len() <= TEXT)
        }
        Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    if fields.len() > VARIABLES || !fields.values().all(fits) {
        return Err(Problem::BodyInvalid(format!("`{field}` is too long")));
    }
    Ok(Value::Object(fields))
}

impl App {
    async fn order(&self, site: &PublishedSite, id: Option<OrderId>) -> Result<OrderRow, Problem> {
        let id = id.ok_or(Problem::OrderUnknown)?;
        let order = self.store.order(&site.key, id).await.map_err(Problem::of_store)?;
        let mut order = order.ok_or(Problem::OrderUnknown)?;
        // A running call's state is told before it is written.
        let told = self.engine.hub().now(order.joined_to.unwrap_or(order.facts.id));
        if let Some(shown) = told.filter(|shown| shown.state >= order.state) {
            (order.state, order.detail) = (shown.state, shown.detail);
        }
        Ok(order)
    }
}
