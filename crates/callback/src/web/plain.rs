//! Pages without script, in the reader's language: `/stop`, `/outbox`; and their files.

use super::asset::{Assets, asset, assets};
use super::error::Problem;
pub(super) use crate::html::escaped;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callback_core::site::Language;
use serde::Deserialize;

/// Style and no script; nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const FILES: &Assets = assets! { "plain", "style.css": "text/css; charset=utf-8", };

/// The language that the address asks for.
#[derive(Deserialize, Debug)]
pub(crate) struct Asked {
    lang: Option<String>,
}

impl Asked {
    /// What was asked for, or what the browser likes best.
    pub(crate) fn language(&self, headers: &HeaderMap) -> Language {
        let likes = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match self.lang.as_deref().or(likes).unwrap_or("ru").get(..2) {
            Some("ru" | "be" | "kk" | "uk") => Language::Ru,
            _ => Language::En,
        }
    }
}

/// `GET /plain/{file}`
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    asset(FILES, &name, &headers)
}

/// A page, with the rules that browsers keep on it.
pub(crate) fn page(status: StatusCode, html: String) -> Response {
    let rules: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, rules, html).into_response()
}
