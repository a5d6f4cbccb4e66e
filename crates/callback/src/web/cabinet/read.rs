//! What a request says, read at the door: what is wrong is said with its field. Bodies are JSON alone, so that no form of
//! another page makes one.

use crate::web::App;
use crate::web::error::Problem;
use axum::body::Bytes;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

/// A body that was read.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
            return Err(Problem::BodyInvalid("send the body as application/json".to_owned()));
        }
        let body = match Bytes::from_request(request, app).await {
            Ok(body) => body,
            Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(Problem::BodyTooLong);
            }
            Err(_) => {
                return Err(Problem::BodyInvalid("the body did not come whole; send it again".to_owned()));
            }
        };
        let mut json = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut json);
        let read = read.map_err(|error| Problem::BodyInvalid(error.to_string()))?;
        json.end().map_err(|error| Problem::BodyInvalid(error.to_string()))?;
        Ok(Self(read))
    }
}

/// The parts of a path; one that cannot be is of nothing that is here.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = extract::Path::from_request_parts(parts, app).await;
        read.map(|extract::Path(read)| Self(read)).map_err(|_| Problem::NotFound)
    }
}

/// What stands behind the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = extract::Query::from_request_parts(parts, app).await;
        read.map(|extract::Query(read)| Self(read)).map_err(|error| Problem::QueryInvalid(error.body_text()))
    }
}
