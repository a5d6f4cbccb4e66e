//! The cabinet's pages: files that the web parts' build left in `web/cabinet/dist`, inside this program. Their names under
//! `/assets` change with their content, so browsers keep them for ever.

use crate::web::App;
use crate::web::error::Problem;
use axum::Router;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// Nothing but the service's own files, and nothing inline.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "../../web/cabinet/dist"]
#[allow_missing = true]
struct Files;

/// The addresses of pages; each is the same file, which draws the page.
const PAGES: [&str; 12] = [
    "/",
    "/login",
    "/register",
    "/confirm",
    "/forgot",
    "/reset",
    "/email",
    "/invite",
    "/account",
    "/c",
    "/c/{*page}",
    "/operator",
];

/// The routes of the pages and their files.
pub(super) fn router() -> Router<App> {
    let page = |headers: HeaderMap| async move { file("index.html", &headers, "no-cache") };
    let pages = PAGES.into_iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    let asset = |uri: Uri, headers: HeaderMap| async move {
        file(uri.path().trim_start_matches('/'), &headers, "public, max-age=31536000, immutable")
    };
    pages.route("/assets/{*file}", get(asset)).route("/theme.js", get(plain)).route("/icon.svg", get(plain))
}

/// An address that there is not: whoever looks with a browser is told by a page.
pub(in crate::web) async fn unknown(method: Method, headers: HeaderMap) -> Response {
    let looks = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if method != Method::GET || !looks.is_some_and(|kinds| kinds.starts_with("text/html")) {
        return Problem::NotFound.into_response();
    }
    let mut page = file("index.html", &headers, "no-cache");
    *page.status_mut() = StatusCode::NOT_FOUND;
    page
}

async fn plain(uri: Uri, headers: HeaderMap) -> Response {
    file(uri.path().trim_start_matches('/'), &headers, "no-cache")
}

/// A file, compressed as the browser can read it.
fn file(name: &str, headers: &HeaderMap, caching: &'static str) -> Response {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |coding: &str| accepted.split(',').any(|part| part.trim().split(';').next() == Some(coding));
    let kinds = [("br", ".br"), ("gzip", ".gz")];
    let packed = kinds
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .find_map(|(coding, end)| Files::get(&format!("{name}{end}")).map(|file| (Some(coding), file)));
    let Some((coding, file)) = packed.or_else(|| Files::get(name).map(|file| (None, file))) else {
        return missing(name);
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    let rules: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
        (header::ETAG, &tag),
    ];
    let mut answer =
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            file.data.into_response()
        };
    for (name, value) in rules {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(name, value);
        }
    }
    if let Some(coding) = coding {
        answer.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(coding));
    }
    answer
}

/// The web parts were not built: whoever builds from source is told how.
fn missing(name: &str) -> Response {
    if name != "index.html" {
        return Problem::NotFound.into_response();
    }
    let text = "This program was built without its pages. Run `cargo xtask web`, then build it again.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
