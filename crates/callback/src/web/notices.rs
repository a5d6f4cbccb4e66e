//! Where payment providers say what has come. A notice that is not theirs is refused; one that was taken in is answered when
//! it is written down, so that it is told again where it could not be.

use super::App;
use super::error::Problem;
use crate::clock::wall_now;
use crate::payments::{Forged, SIGNATURE};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

/// `POST /pay/v1/{provider}`
pub(super) async fn take(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let payments = app.cabinet.payments.as_ref().filter(|payments| payments.provider() == provider);
    let payments = payments.ok_or(Problem::NotFound)?;
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let now = wall_now();
    let notice = payments.read(signature, &body?, now).map_err(|Forged| {
        tracing::warn!(provider, "a notice that is not the provider's");
        Problem::BodyInvalid("the signature is not of this body and this time".to_owned())
    })?;
    payments.take_in(notice, &app.store, now).await.map_err(Problem::of_store)?;
    Ok(StatusCode::NO_CONTENT)
}
