//! The one place where errors become HTTP: problem details by RFC 9457, whose text says what to do.

use crate::store;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What a request can be refused for.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No site has this key.
    SiteUnknown,
    /// No such order here.
    OrderUnknown,
    /// The page is not of the site.
    OriginRefused,
    /// The body is not what it should be: why, naming the field.
    BodyInvalid(String),
    /// The body is longer than any order.
    BodyTooLong,
    /// The path is right, and not for this.
    MethodNotAllowed,
    /// What was written is no number.
    PhoneInvalid,
    /// The number is never called from this site.
    PhoneRefused,
    /// The time asked for cannot be.
    AtInvalid,
    /// The order's id is another order's.
    OrderConflict,
    /// More orders wait than can be carried.
    Overloaded,
    /// The database does not answer.
    DatabaseAway,
    /// The cancel has not reached the call.
    NotCancelled,
    /// One address asks too much.
    TooMany,
    /// What was asked for is not there.
    NotFound,
    /// Our fault; it is logged where it is made.
    Internal,
}

impl Problem {
    /// Logs what went wrong, once, and says no more of it outside.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::Internal
    }

    /// What the store could not do: a database that is away is so by itself, and is logged where it is written to.
    pub(crate) fn of_store(error: store::Error) -> Self {
        if error.is_away() {
            Self::DatabaseAway
        } else if matches!(error, store::Error::Overloaded) {
            Self::Overloaded
        } else {
            Self::internal(error)
        }
    }

    fn parts(&self) -> (StatusCode, &'static str, String) {
        let (status, kind, text) = match self {
            Self::SiteUnknown => (
                StatusCode::NOT_FOUND,
                "site-unknown",
                "No site has this key. Copy the line from the installation page again.",
            ),
            Self::OrderUnknown => {
                (StatusCode::NOT_FOUND, "order-unknown", "There is no such order on this site.")
            }
            Self::OriginRefused => (
                StatusCode::FORBIDDEN,
                "origin-refused",
                "This page is not of the site that the key belongs to. Add its address to the site's settings.",
            ),
            Self::BodyInvalid(why) => return (StatusCode::BAD_REQUEST, "body-invalid", why.clone()),
            Self::BodyTooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-long",
                "The body is longer than any order needs. Send less of the visit.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Orders are made by POST and read by GET; see docs/api.md.",
            ),
            Self::PhoneInvalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "phone-invalid",
                "`phone` is not a telephone number. Write it with its country code, like +7 916 123-45-67.",
            ),
            Self::PhoneRefused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "phone-refused",
                "Numbers of this kind or country are not called from this site. Give another number.",
            ),
            Self::AtInvalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "at-invalid",
                "`at` must be a time by RFC 3339 within the next 30 days. Choose another time.",
            ),
            Self::OrderConflict => (
                StatusCode::CONFLICT,
                "order-conflict",
                "`order_id` is taken by an order for another number. Make a new one.",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "More calls wait than can be made at once. Try again in half a minute.",
            ),
            Self::DatabaseAway => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database-away",
                "Orders cannot be stored at the moment, so none is taken. Try again in half a minute.",
            ),
            Self::NotCancelled => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-cancelled",
                "The cancel has not reached the call yet. Cancel again in a moment.",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests come from this address. Wait half a minute.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is nothing here."),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong on our side. Try again in a moment.",
            ),
        };
        (status, kind, text.to_owned())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, kind, detail) = self.parts();
        let body = json!({
            "type": format!("https://callback.example/problems/{kind}"),
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": detail,
        });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        response
    }
}
