//! The order API: what a page of a customer's site may ask (`docs/api.md`).

use super::error::Problem;
use super::status::{Status, pretence};
use super::{App, door};
use crate::engine::{Shown, wall_now};
use crate::ids::SiteKey;
use crate::store::{Acceptance, NewOrder, OrderFacts, OrderPhone, OrderRow, PublishedSite, RefusedOrder};
use crate::timeline::stamp;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use callback_core::flow::Canceller;
use callback_core::id::OrderId;
use callback_core::number::{self, Country, Unusable};
use callback_core::order::may_be_called;
use callback_core::record::{Disposition, NotCalled};
use callback_core::time::Ts;
use futures_util::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How far ahead a call may be asked for.
const AHEAD: Duration = Duration::from_secs(30 * 86_400);
/// How long the database may take to store an order.
const PATIENCE: Duration = Duration::from_secs(5);
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
    at: Option<String>,
    #[serde(default)]
    visit: Value,
    #[serde(default)]
    consent: Value,
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
    Path(key): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let site = app.site(&key).await?;
    let cors = door::post(&headers, &site, &app)?;
    let now = wall_now();
    let answer = match body {
        Ok(body) => take_order(&app, &site, &headers, peer, &body, now).await,
        Err(_) => Err(Problem::BodyTooLong),
    };
    Ok(cors.on(answer.into_response()))
}

async fn take_order(
    app: &App,
    site: &PublishedSite,
    headers: &HeaderMap,
    peer: SocketAddr,
    body: &[u8],
    now: Ts,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let body: OrderBody =
        serde_json::from_slice(body).map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    if app.engine.is_closing() {
        return Err(Problem::Overloaded);
    }
    let run_at = body.at.as_deref().map_or(Ok(now), |at| due_at(at, now))?;
    let mut facts = OrderFacts {
        id: OrderId(body.order_id),
        site: site.id,
        customer: site.customer.id,
        country: body.country,
        settings_version: site.version,
        accepted_at: now,
        visit: bounded(body.visit, "visit")?,
        consent: bounded(body.consent, "consent")?,
        ip: Some(door::client_ip(headers, peer, app)),
    };
    let (phone, home) = match number::parse(&body.phone, body.country) {
        Ok(parsed) => parsed,
        Err(Unusable::Invalid) => return Err(Problem::PhoneInvalid),
        Err(Unusable::RefusedClass) => {
            return Err(refuse(app, OrderPhone::Written(body.phone.into()), facts).await);
        }
    };
    facts.country = home;
    if may_be_called(phone, home, &site.body).is_err() {
        return Err(refuse(app, OrderPhone::Number(phone), facts).await);
    }
    if app.store.waiting(now).await.map_err(Problem::of_store)? >= u64::from(app.door.queue) {
        return Err(Problem::Overloaded);
    }
    let stopped = app.store.stopped(phone).await.map_err(Problem::of_store)?;
    // While nothing can be written nothing is accepted: the visitor is told now, not when he has gone.
    let accepted = tokio::time::timeout(PATIENCE, async {
        if stopped {
            let disposition = Disposition::NotCalled(NotCalled::Blacklist);
            app.store.refuse(RefusedOrder { phone: OrderPhone::Number(phone), disposition, facts }).await
        } else {
            app.store.accept_within(PATIENCE, NewOrder { phone, run_at, facts }).await
        }
    });
    let (status, order) = match accepted.await.map_err(|_| Problem::DatabaseAway)? {
        Ok(Acceptance::New(order) | Acceptance::Joined(order)) => (StatusCode::ACCEPTED, order),
        Ok(Acceptance::Same(order)) => (StatusCode::OK, order),
        Ok(Acceptance::Conflict) => return Err(Problem::OrderConflict),
        Err(error) => return Err(Problem::of_store(error)),
    };
    app.engine.wake();
    Ok((status, Json(view(app, site, &order, now))))
}

/// A number that is never called: the order is kept, and the visitor is told.
async fn refuse(app: &App, phone: OrderPhone, facts: OrderFacts) -> Problem {
    let disposition = Disposition::NotCalled(NotCalled::RefusedNumber);
    let refused = app.store.refuse(RefusedOrder { phone, disposition, facts });
    match tokio::time::timeout(PATIENCE, refused).await {
        Ok(Ok(Acceptance::Conflict)) => Problem::OrderConflict,
        Ok(Ok(_)) => Problem::PhoneRefused,
        Ok(Err(error)) => Problem::of_store(error),
        Err(_) => Problem::DatabaseAway,
    }
}

/// `GET /w/v1/{site_key}/orders/{order_id}`
pub(crate) async fn show(
    State(app): State<App>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let site = app.site(&key).await?;
    let cors = door::get(&headers, &site, &app)?;
    let order = app.order(&site, &id).await;
    Ok(cors.on(order.map(|order| Json(view(&app, &site, &order, wall_now()))).into_response()))
}

/// `POST /w/v1/{site_key}/orders/{order_id}/cancel`
pub(crate) async fn cancel(
    State(app): State<App>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let site = app.site(&key).await?;
    let cors = door::post(&headers, &site, &app)?;
    let order = cancelled(&app, &site, &id).await;
    Ok(cors.on(order.map(|order| Json(view(&app, &site, &order, wall_now()))).into_response()))
}

/// Cancels what may be cancelled; the order as it is then.
async fn cancelled(app: &App, site: &PublishedSite, id: &str) -> Result<OrderRow, Problem> {
    let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
    for _ in 0..CANCEL_TRIES {
        let order = app.order(site, id).await?;
        let is_theirs = order.joined_to.is_none() && pretence(&order).is_none();
        if !is_theirs || order.ended_at.is_some() {
            return Ok(order);
        }
        let id = order.facts.id;
        // What runs here is cancelled here, whatever became of its lease meanwhile.
        if app.engine.cancel(id, Canceller::Visitor).await {
            continue;
        }
        if app.store.end_unclaimed(id, cancelled, wall_now()).await.map_err(Problem::of_store)? {
            app.engine.ended_unbegun(id, cancelled);
        } else {
            // Claimed and not begun yet, or another node's: it will be ours to cancel in a moment, or is not ours.
            tokio::time::sleep(CANCEL_AGAIN).await;
        }
    }
    Err(Problem::Overloaded)
}

/// `GET /w/v1/{site_key}/orders/{order_id}/events`: the present state first; the stream ends after `ended`.
pub(crate) async fn events(
    State(app): State<App>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let site = app.site(&key).await?;
    let cors = door::get(&headers, &site, &app)?;
    Ok(cors.on(live(&app, site, &id).await.into_response()))
}

async fn live(app: &App, site: PublishedSite, id: &str) -> Result<Response, Problem> {
    let order = app.order(&site, id).await?;
    let watched = order.joined_to.unwrap_or(order.facts.id);
    // Watched before the present state is asked for, so that nothing falls between.
    let mut changes = app.engine.hub().watch(watched);
    changes.mark_unchanged();
    let order = app.order(&site, id).await?;
    let stream = if pretence(&order).is_some() {
        Live::Pretended(order, site)
    } else {
        Live::Real { order, changes, site }
    };
    let sse = Sse::new(stream.into_stream()).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(sse.into_response())
}

/// `OPTIONS` of all of these: what a browser asks before it sends JSON.
pub(crate) async fn preflight(
    State(app): State<App>,
    Path(path): Path<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = path.first().map(|(_, key)| key.as_str()).unwrap_or_default();
    let site = app.site(key).await?;
    let cors = door::get(&headers, &site, &app)?;
    Ok(cors.preflight())
}

/// A visitor's view of an order that goes on.
enum Live {
    Pretended(OrderRow, PublishedSite),
    Real { order: OrderRow, changes: watch::Receiver<Option<Shown>>, site: PublishedSite },
}

impl Live {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let (Self::Pretended(order, site) | Self::Real { order, site, .. }) = &self;
        let first = Status::of_order(order, &site.body, wall_now());
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
        match self {
            Self::Pretended(order, site) => {
                let (_, changes_at) = Status::pretended(order, &site.body, wall_now());
                tokio::time::sleep(changes_at?.since(wall_now())).await;
                Some(Status::pretended(order, &site.body, wall_now()).0)
            }
            Self::Real { order, changes, .. } => loop {
                changes.changed().await.ok()?;
                let Some(shown) = changes.borrow_and_update().clone() else { continue };
                let now = wall_now();
                return Some(if order.joined_to.is_some() {
                    Status::coarse(&shown, now)
                } else {
                    Status::of(&shown, now)
                });
            },
        }
    }
}

fn view(app: &App, site: &PublishedSite, order: &OrderRow, now: Ts) -> OrderView {
    let status = Status::of_order(order, &site.body, now);
    let can_keep = status.is_before_the_visitors_call()
        && app.engine.can_call()
        && site.body.promise_seconds > site.body.delay_to_visitor_s;
    OrderView {
        order_id: order.facts.id.0,
        status,
        promise_seconds: can_keep.then_some(site.body.promise_seconds),
        accepted_at: stamp(order.facts.accepted_at),
    }
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
    async fn site(&self, key: &str) -> Result<PublishedSite, Problem> {
        let key: SiteKey = key.parse().map_err(|_| Problem::SiteUnknown)?;
        self.store.site_by_key(&key).await.map_err(Problem::of_store)?.ok_or(Problem::SiteUnknown)
    }

    async fn order(&self, site: &PublishedSite, id: &str) -> Result<OrderRow, Problem> {
        let id: Uuid = id.parse().map_err(|_| Problem::OrderUnknown)?;
        let order = self.store.order(&site.key, OrderId(id)).await.map_err(Problem::of_store)?;
        let mut order = order.ok_or(Problem::OrderUnknown)?;
        // A running call's state is told before it is written.
        let told = self.engine.hub().now(order.joined_to.unwrap_or(order.facts.id));
        if let Some(shown) = told.filter(|shown| shown.state >= order.state) {
            (order.state, order.detail) = (shown.state, shown.detail);
        }
        Ok(order)
    }
}
