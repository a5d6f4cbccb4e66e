//! HTTP: all routes on one page. A handler authorises, asks the store or the engine once, and replies.

pub(crate) mod asset;
mod cabinet;
mod door;
mod error;
mod flood;
mod gauges;
mod notices;
mod orders;
mod plain;
mod queue;
mod signs;
mod status;
mod stop;
mod widget;

pub(crate) use cabinet::{Cabinet, Lines, document};
pub use door::Door;
pub(crate) use error::Problem;
pub(crate) use plain::{Asked, page as plain_page};
pub(crate) use signs::keep as keep_signs;

use crate::engine::Engine;
use crate::regions::Regions;
use crate::store::Store;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flood::Flood;
use metrics_exporter_prometheus::PrometheusHandle;
use queue::Queue;
use signs::Signs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the database may take to store what somebody waits for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a body may take to come, and what is done about it.
const ANSWER: Duration = Duration::from_secs(20);
/// The longest body that is read.
const BODY: usize = 32 * 1024;

/// What handlers work with; clones are the same.
#[derive(Clone)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) door: Arc<Door>,
    pub(crate) flood: Arc<Flood>,
    queue: Arc<Queue>,
    scripts: Arc<widget::Scripts>,
    pub(crate) signs: Arc<Signs>,
    cabinet: Arc<Cabinet>,
    pub(crate) regions: Option<Regions>,
    /// Where what legs heard is kept, in practice.
    pub(crate) recordings: Option<Arc<Path>>,
}

impl App {
    /// Puts together what handlers work with, for so many connections at most.
    pub(crate) fn new(
        store: Store,
        engine: Engine,
        door: Door,
        cabinet: Cabinet,
        regions: Option<Regions>,
        connections: usize,
        recordings: Option<Arc<Path>>,
    ) -> Self {
        let (door, cabinet) = (Arc::new(door), Arc::new(cabinet));
        let flood = Arc::new(Flood::beside(connections));
        let (queue, scripts, signs) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, engine, door, flood, queue, scripts, signs, cabinet, regions, recordings }
    }
}

/// The public routes.
///
/// # Errors
/// The service's own origin is none that a header can name.
pub fn router(app: App) -> anyhow::Result<Router> {
    let cabinet = cabinet::router(&app.door.origin)?;
    Ok(Router::new()
        .route("/w/v1/{site_key}/orders", post(orders::create).options(orders::preflight))
        .route("/w/v1/{site_key}/orders/{order_id}", get(orders::show).options(orders::preflight))
        .route("/w/v1/{site_key}/orders/{order_id}/events", get(orders::events).options(orders::preflight))
        .route("/w/v1/{site_key}/orders/{order_id}/cancel", post(orders::cancel).options(orders::preflight))
        .route("/w/v1/{site_key}/orders/{order_id}/score", post(orders::score).options(orders::preflight))
        .route("/w/v1/{site_key}/offer", get(widget::offer).options(orders::preflight))
        .route("/w/v1/{site_key}/events", post(signs::events).options(orders::preflight))
        .route("/w/v1/{site_key}/trial/{token}", get(cabinet::trial_script).options(orders::preflight))
        .route("/w/v1/{site_key}/trial/{token}/orders", post(cabinet::trial_order).options(orders::preflight))
        .route("/w/v1/{site_key}/trial/{token}/events", post(cabinet::trial_event).options(orders::preflight))
        .route("/w/v1/{site_key}/trial/{token}/offer", get(widget::offer).options(orders::preflight))
        .route("/w/v1/{site_key}/blocked", get(signs::blocked).options(orders::preflight))
        .route("/w/{script}", get(widget::script))
        .route("/w/a/{file}", get(widget::file))
        .route("/preview/", get(widget::preview))
        .route("/stop", get(stop::show).post(stop::stop))
        .route("/pay/v1/{provider}", post(notices::take))
        .route("/plain/{file}", get(plain::file))
        .route("/design/{file}", get(asset::design))
        .merge(cabinet)
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .fallback(cabinet::unknown_page)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(in_time))
        .with_state(app))
}

/// No request holds its connection for long: its body comes, and its answer begins, within a bounded time.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(ANSWER, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        Problem::BodyInvalid("the body did not come in time; send it again".to_owned()).into_response()
    })
}

/// `/metrics`, on a listener of its own.
pub fn metrics_router(prometheus: PrometheusHandle, app: App) -> Router {
    let render = move || async move {
        gauges::gauges(&app).await;
        prometheus.run_upkeep();
        prometheus.render()
    };
    Router::new().route("/metrics", get(render))
}

/// Whether orders can be taken and called: database, trunk, disk.
async fn readyz(State(app): State<App>) -> Response {
    let mut wrong: Vec<String> = Vec::new();
    let trouble = app.store.trouble().borrow().clone();
    match (trouble, app.store.ping().await) {
        (Some(trouble), _) => wrong.push(format!("the database: {trouble}")),
        (None, Err(error)) => wrong.push(error.to_string()),
        (None, Ok(())) => {}
    }
    if !app.engine.can_call() {
        wrong.push("trunk: none answers".to_owned());
    }
    if wrong.is_empty() {
        "ready".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n")).into_response()
    }
}
