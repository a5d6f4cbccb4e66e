//! Sounds that a company sends in, to be played to its managers in place of a spoken name.

use super::read::Path;
use super::scope::Scope;
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_phone::Sound;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest file: half a minute at 16 kHz, or a third of it in studio quality.
const BYTES: usize = 1024 * 1024;
/// The longest sound: a manager who has answered waits for its end.
const LONGEST: Duration = Duration::from_secs(15);

/// A sound that was kept.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordingView {
    /// What `own_recording` of a site's settings is to be.
    id: Uuid,
    length_ms: u64,
}

/// Keeps a sound, a WAV file of 15 s at most; nobody hears it before a site's settings name it.
#[utoipa::path(post, path = "/api/v1/sites/{site}/recordings", tag = "settings",
    request_body(content = Vec<u8>, content_type = "audio/wav"),
    responses((status = 201, body = RecordingView), (status = 413), (status = 422, body = [FieldProblem])))]
pub(super) async fn send(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    let wav = to_bytes(body, BYTES).await.map_err(|_| Problem::BodyTooLong)?;
    let sound = Sound::from_wav(&wav)
        .map_err(|error| Problem::field("own_recording", "sound", &error.to_string()))?;
    if sound.length() > LONGEST {
        let long = FieldProblem::plain("own_recording", "sound_too_long", "send a shorter sound");
        return Err(long.with("max", LONGEST.as_secs()).into());
    }
    let kept = app.store.keep_recording(scope.company().id, wav.into(), wall_now()).await;
    let id = kept.map_err(Problem::of_store)?.ok_or(Problem::Refused(Refusal::Conflict(
        "too-many-recordings",
        "There are as many recordings as there may be.",
    )))?;
    let length_ms = u64::try_from(sound.length().as_millis()).unwrap_or(u64::MAX);
    Ok((StatusCode::CREATED, Json(RecordingView { id, length_ms })).into_response())
}
