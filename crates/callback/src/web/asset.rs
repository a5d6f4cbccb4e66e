//! Files that pages are made of, from inside the binary; those of the design are every page's.

use super::error::Problem;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

/// Files by their names, each with its kind.
pub(crate) type Assets = [(&'static str, &'static str, &'static [u8])];

/// Files of a folder of `web`, each with its kind.
macro_rules! assets {
    ($folder:literal, $($name:literal: $kind:literal,)*) => {
        &[$(($name, $kind, include_bytes!(concat!("../../../../web/", $folder, "/", $name)))),*]
    };
}
pub(crate) use assets;

/// Colours, sizes and letters, the same on every page.
const DESIGN: &Assets = assets! {
    "design",
    "tokens.css": "text/css; charset=utf-8",
    "onest-cyrillic.woff2": "font/woff2",
    "onest-latin.woff2": "font/woff2",
    "onest-rub.woff2": "font/woff2",
};

/// `GET /design/{file}`
pub(super) async fn design(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    asset(DESIGN, &name, &headers)
}

/// A file. A browser keeps it and asks each time whether it is still the same (RFC 9110 §8.8.3).
pub(crate) fn asset(assets: &Assets, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let (_, kind, body) = assets.iter().find(|(known, ..)| *known == name).ok_or(Problem::NotFound)?;
    let tag = format!("\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_OID, body).simple());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, *kind)], *body).into_response())
}
