//! The first page over HTTP: the page itself, the practice numbers and settings, the journal and the sound. It is
//! served to this machine alone; orders go the public way, through the order API.

use super::settings::{self, Choice, Published};
use super::{KEY, numbers, sound};
use crate::clock::wall_now;
use crate::store;
use crate::timeline::Timeline;
use crate::web::asset::{Assets, asset, assets};
use crate::web::{App, Problem};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use callback_core::id::OrderId;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use uuid::Uuid;

/// Lines of the journal at once.
const LINES: u32 = 10;
/// How many orders of other sites are looked through for a page of the journal.
const PAGES: usize = 20;

/// The routes of the page.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/practice/", get(|headers| async move { asset(ASSETS, "index.html", &headers) }))
        .route("/practice", get(|| async { Redirect::permanent("/practice/") }))
        .route(
            "/practice/{file}",
            get(|Path(file): Path<String>, headers| async move { asset(ASSETS, &file, &headers) }),
        )
        .route("/practice/v1/numbers", get(|| async { Json(&numbers::NUMBERS) }))
        .route("/practice/v1/settings", get(show_settings).post(change_settings))
        .route("/practice/v1/calls", get(journal))
        .route("/practice/v1/calls/{order}", get(call))
        .route("/practice/v1/calls/{order}/{file}", get(heard))
        .layer(from_fn_with_state(app.clone(), neighbours_only))
        .layer(from_fn(strict_headers))
        .with_state(app)
}

/// Lets in only who asks from this machine, for the service's own address: neither somebody behind a proxy, nor a
/// page elsewhere whose name was made to lead here.
pub(super) async fn neighbours_only(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    if !peer.ip().to_canonical().is_loopback() || is_forwarded {
        return Problem::NotFound.into_response();
    }
    let own = app.door.origin.as_str();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if own.split_once("://").is_none_or(|(_, authority)| authority != host) {
        return match request.uri().path() {
            "/practice/" => Redirect::temporary(&format!("{own}/practice/")).into_response(),
            _ => Problem::OriginRefused.into_response(),
        };
    }
    next.run(request).await
}

/// What a browser is told to do with the page and all that belongs to it.
async fn strict_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let rules: [(HeaderName, &str); 4] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
             media-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in rules {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

const ASSETS: &Assets = assets! {
    "practice",
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "shop.css": "text/css; charset=utf-8",
    "shop.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "lanes.js": "text/javascript; charset=utf-8",
    "told.js": "text/javascript; charset=utf-8",
    "strings.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
};

async fn show_settings(State(app): State<App>) -> Result<Json<Published>, Problem> {
    let site = settings::published(&app.store).await.map_err(Problem::internal)?;
    Ok(Json(Published::from(&*site.ok_or(Problem::SiteUnknown)?)))
}

async fn change_settings(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Published>, Problem> {
    if headers
        .get(header::ORIGIN)
        .is_none_or(|origin| origin.as_bytes() != app.door.origin.as_str().as_bytes())
    {
        return Err(Problem::OriginRefused);
    }
    let choice: Choice =
        serde_json::from_slice(&body).map_err(|error| Problem::BodyInvalid(error.to_string()))?;
    match choice.publish(&app.store, &app.door.origin, wall_now()).await {
        Ok(published) => Ok(Json(published)),
        Err(store::Error::Settings(why)) => Err(Problem::BodyInvalid(why)),
        Err(error) => Err(Problem::internal(error)),
    }
}

/// Where the next page of the journal begins: the last line of the page before.
#[derive(Deserialize)]
struct Before {
    before: Option<String>,
}

/// A page of the journal.
#[derive(Serialize)]
struct Journal {
    calls: Vec<Timeline>,
    before: Option<String>,
}

async fn journal(State(app): State<App>, Query(from): Query<Before>) -> Result<Json<Journal>, Problem> {
    let wrong = || Problem::BodyInvalid("`before` is not what an earlier page gave".to_owned());
    let mut before = match from.before {
        Some(text) => Some(cursor(&text).ok_or_else(wrong)?),
        None => None,
    };
    let mut calls = Vec::new();
    for _ in 0..PAGES {
        let rows = app.store.journal(LINES, before).await.map_err(Problem::internal)?;
        before = rows.last().map(|row| (row.order.facts.accepted_at, row.order.facts.id));
        for row in rows.iter().filter(|row| row.site_key.as_str() == KEY) {
            if let Some(file) = app.store.call(row.order.facts.id).await.map_err(Problem::internal)? {
                calls.push(Timeline::of(&file));
            }
        }
        if before.is_none() || !calls.is_empty() {
            break;
        }
    }
    Ok(Json(Journal { calls, before: before.map(|(at, id)| format!("{}_{id}", at.0)) }))
}

fn cursor(text: &str) -> Option<(Ts, OrderId)> {
    let (at, id) = text.split_once('_')?;
    Some((Ts(at.parse().ok()?), OrderId(id.parse().ok()?)))
}

async fn call(State(app): State<App>, Path(order): Path<Uuid>) -> Result<Json<Timeline>, Problem> {
    let file = app.store.call(OrderId(order)).await.map_err(Problem::internal)?;
    let file = file.filter(|file| file.site_key.as_str() == KEY).ok_or(Problem::OrderUnknown)?;
    Ok(Json(Timeline::of(&file)))
}

/// What a leg heard. The order is a UUID and the leg a number: no path can be told.
async fn heard(
    State(app): State<App>,
    Path((order, file)): Path<(Uuid, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let leg: u16 = file.strip_suffix(".wav").and_then(|leg| leg.parse().ok()).ok_or(Problem::NotFound)?;
    let folder = app.recordings.ok_or(Problem::NotFound)?;
    let path = folder.join(order.to_string()).join(format!("{leg}.wav"));
    let sound = tokio::task::spawn_blocking(move || sound::heard(&path)).await.map_err(Problem::internal)?;
    let sound = sound.ok_or(Problem::NotFound)?;
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let kind = [(header::CONTENT_TYPE, "audio/wav"), (header::ACCEPT_RANGES, "bytes")];
    let length = sound.len();
    Ok(match sound::part(range, length) {
        Ok(None) => (kind, sound).into_response(),
        Ok(Some((first, last))) => {
            let part = sound.get(first..=last).unwrap_or_default().to_vec();
            let place = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, kind, place, part).into_response()
        }
        Err(()) => {
            let place = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, place).into_response()
        }
    })
}
