//! The letters about a company's missed calls: what became of them, and one to try.

use super::links::letter_may_be_written;
use super::read::{Path, Query};
use super::scope::company_of;
use super::signed::{OfSite, Signed, asked_site};
use crate::account::Right;
use crate::clock::wall_now;
use crate::mail::missed::Reader;
use crate::store::NoticeRow;
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A letter about calls, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeView {
    id: Uuid,
    at: String,
    to: String,
    /// "missed" about one call, "digest" about a day's, "test", "low" about money that runs out.
    kind: &'static str,
    /// The call that it is about.
    call: Option<Uuid>,
    /// The key of its site.
    site: Option<String>,
    /// "waiting", "sent", "given_up".
    state: &'static str,
    sent_at: Option<String>,
    /// When it is tried next, while it waits.
    next_at: Option<String>,
    tries: u32,
    /// What the mail server said against it, in its own words.
    trouble: Option<String>,
}

impl From<NoticeRow> for NoticeView {
    fn from(notice: NoticeRow) -> Self {
        let row = notice.row;
        let state = match (row.sent_at, row.given_up_at) {
            (Some(_), _) => "sent",
            (None, Some(_)) => "given_up",
            (None, None) => "waiting",
        };
        Self {
            id: row.id,
            at: stamp(row.at),
            to: row.letter.email,
            kind: notice.kind.as_str(),
            call: notice.about.map(|order| order.0),
            site: notice.site.map(|key| key.to_string()),
            state,
            sent_at: row.sent_at.map(stamp),
            next_at: (state == "waiting").then(|| stamp(row.run_at)),
            tries: row.attempts,
            trouble: row.trouble,
        }
    }
}

/// The newest letters about a company's calls, fifty at most.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/notices", tag = "notices", params(OfSite),
    responses((status = 200, body = [NoticeView]), (status = 404)))]
pub(super) async fn list(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(of): Query<OfSite>,
) -> Result<Json<Vec<NoticeView>>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeSettings).await?;
    let site = asked_site(&app, &at, of.site.as_deref()).await?;
    let rows = app.store.notices(at.customer, site.as_ref()).await.map_err(Problem::of_store)?;
    Ok(Json(rows.into_iter().map(Into::into).collect()))
}

/// Where a letter went.
#[derive(Serialize, ToSchema)]
pub(super) struct Posted {
    to: String,
}

/// Sends a letter to whoever asks, so that he sees that they arrive.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/missed-email/test", tag = "notices",
    responses((status = 202, body = Posted), (status = 404), (status = 409)))]
pub(super) async fn test(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::ChangeSettings).await?;
    let company = company_of(&app, &at).await?;
    let to = signed.user.email.clone();
    if !letter_may_be_written(&app, &to, signed.from.ip).await? {
        return Err(Problem::Refused(Refusal::TOO_MANY_LETTERS));
    }
    let reader = Reader {
        number: company.number,
        language: company.settings.language,
        zone: TimeZone::get(&company.settings.time_zone).map_err(Problem::internal)?,
    };
    let name = company.settings.name;
    let written = app.store.write_test_notice(at.customer, reader, name, to.clone(), wall_now()).await;
    written.map_err(Problem::of_store)?;
    Ok((StatusCode::ACCEPTED, Json(Posted { to })).into_response())
}
