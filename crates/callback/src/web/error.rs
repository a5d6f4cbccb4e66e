//! The one place where errors become HTTP: problem details by RFC 9457, whose text says what to do.

use crate::account::{Crowded, Role};
use crate::door::Wrong;
use crate::store;
use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callback_core::time::Ts;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A field that is wrong.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Which, like `managers[2].address`.
    pub(crate) field: String,
    /// What kind of wrong.
    pub(crate) code: &'static str,
    /// What is wrong and what to write instead, in English.
    pub(crate) detail: String,
    /// Limits and names that belong to it.
    #[schema(value_type = Object)]
    pub(crate) params: Map<String, Value>,
}

impl FieldProblem {
    /// One that has nothing but its kind.
    pub(crate) fn plain(field: &str, code: &'static str, detail: &str) -> Self {
        Self { field: field.to_owned(), code, detail: detail.to_owned(), params: Map::new() }
    }

    /// With something that belongs to it.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Wrong> for FieldProblem {
    fn from(wrong: Wrong) -> Self {
        Self { field: wrong.field, code: wrong.code, detail: wrong.why, params: wrong.params }
    }
}

impl From<Crowded> for Problem {
    fn from(_: Crowded) -> Self {
        Self::Refused(Refusal::Crowded)
    }
}

impl From<FieldProblem> for Problem {
    fn from(problem: FieldProblem) -> Self {
        Self::Refused(Refusal::Fields(vec![problem]))
    }
}

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
    /// What stands behind the `?` is not what it should be: why, naming the field.
    QueryInvalid(String),
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
    /// The visitor has not consented to what he must.
    ConsentRequired,
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
    /// What only the cabinet is refused for.
    Refused(Refusal),
    /// What was asked for is not there.
    NotFound,
    /// Our fault; it is logged where it is made.
    Internal,
}

/// A body that did not come whole, or is longer than bodies may be.
impl From<BytesRejection> for Problem {
    fn from(refused: BytesRejection) -> Self {
        if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::BodyTooLong
        } else {
            Self::BodyInvalid("the body did not come whole; send it again".to_owned())
        }
    }
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

    /// One field that is wrong.
    pub(crate) fn field(field: &str, code: &'static str, detail: &str) -> Self {
        FieldProblem::plain(field, code, detail).into()
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
            Self::ConsentRequired => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "consent-required",
                "This site calls nobody who has not consented. Tick the box: {\"consent\": {\"given\": true}}.",
            ),
            Self::OriginRefused => (
                StatusCode::FORBIDDEN,
                "origin-refused",
                "This page is not of the site that the key belongs to. Add its address to the site's settings.",
            ),
            Self::BodyInvalid(why) => return (StatusCode::BAD_REQUEST, "body-invalid", why.clone()),
            Self::QueryInvalid(why) => return (StatusCode::BAD_REQUEST, "query-invalid", why.clone()),
            Self::BodyTooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-long",
                "The body is longer than anything here needs. Send less.",
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
                "More waits than can be served at once. Try again in half a minute.",
            ),
            Self::DatabaseAway => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database-away",
                "Nothing can be stored at the moment, so nothing is taken. Try again in half a minute.",
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
            Self::Refused(refusal) => return refusal.parts(),
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

/// What only the cabinet is refused for.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Fields of the body that are wrong.
    Fields(Vec<FieldProblem>),
    /// Nobody is signed in.
    LoginNeeded,
    /// The address or the password is wrong; so many tries are left.
    LoginRefused { left: u32 },
    /// The password is right, and the second factor's code is missing.
    CodeNeeded,
    /// The second factor's code is wrong; so many tries are left.
    CodeRefused { left: u32 },
    /// Too many tries: not before then.
    Paused { seconds: u64 },
    /// Too many passwords are being looked at already.
    Crowded,
    /// Another role is needed for this.
    NotAllowed { needed: Role },
    /// The link was used, or is too old.
    LinkOver,
    /// It cannot be as things stand: a kind, and what to do.
    Conflict(&'static str, &'static str),
}

impl Refusal {
    /// Nothing here can speak.
    pub(crate) const NO_VOICE: Self =
        Self::Conflict("no-voice", "This machine has no voice: install espeak-ng, or set speech.voice.");

    /// An address is not written to without end.
    pub(crate) const TOO_MANY_LETTERS: Self =
        Self::Conflict("too-many-letters", "Too many letters went to this address. Wait a while.");

    /// Not before an instant.
    pub(crate) fn paused(until: Ts, now: Ts) -> Problem {
        Problem::Refused(Self::Paused { seconds: until.since(now).as_secs().saturating_add(1) })
    }

    /// What some have beside the usual.
    fn more(&self) -> Value {
        if let Self::Fields(problems) = self {
            json!({ "problems": problems })
        } else if let Self::LoginRefused { left } | Self::CodeRefused { left } = self {
            json!({ "attempts_left": left })
        } else if let Self::Paused { seconds } = self {
            json!({ "retry_after_s": seconds })
        } else if let Self::NotAllowed { needed } = self {
            json!({ "role_needed": needed })
        } else {
            json!({})
        }
    }

    fn parts(&self) -> (StatusCode, &'static str, String) {
        let (status, kind, text) = match self {
            Self::Fields(problems) => {
                let told = problems.iter().map(|problem| format!("{}: {}", problem.field, problem.detail));
                let told = told.collect::<Vec<_>>().join("; ");
                return (StatusCode::UNPROCESSABLE_ENTITY, "fields-wrong", told);
            }
            Self::LoginNeeded => (StatusCode::UNAUTHORIZED, "login-needed", "Log in, and try again."),
            Self::LoginRefused { .. } => {
                (StatusCode::UNAUTHORIZED, "login-refused", "The e-mail or the password is wrong.")
            }
            Self::CodeNeeded => {
                (StatusCode::UNAUTHORIZED, "code-needed", "Give the code of your app in `code` too.")
            }
            Self::CodeRefused { .. } => (
                StatusCode::UNAUTHORIZED,
                "code-refused",
                "The code is wrong, or was used. Wait for the app's next one, or use a code on paper.",
            ),
            Self::Paused { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "paused",
                "Too many tries. Wait as long as `retry_after_s` says.",
            ),
            Self::Crowded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "logins-crowded",
                "Too many people log in at this moment. Try again in some seconds.",
            ),
            Self::NotAllowed { .. } => {
                (StatusCode::FORBIDDEN, "not-allowed", "Your role does not include this. Ask the owner.")
            }
            Self::LinkOver => {
                (StatusCode::GONE, "link-over", "This link was used, or is too old. Ask for a new one.")
            }
            Self::Conflict(kind, text) => (StatusCode::CONFLICT, *kind, *text),
        };
        (status, kind, text.to_owned())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, kind, detail) = self.parts();
        let mut body = if let Self::Refused(refusal) = &self { refusal.more() } else { json!({}) };
        let usual = json!({
            "type": format!("https://callback.example/problems/{kind}"),
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": detail,
        });
        if let (Value::Object(body), Value::Object(usual)) = (&mut body, usual) {
            body.extend(usual);
        }
        let pause = if let Self::Refused(Refusal::Paused { seconds }) = self {
            seconds
        } else if matches!(self, Self::Refused(Refusal::Crowded)) {
            3
        } else {
            30
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(pause));
        }
        response
    }
}
