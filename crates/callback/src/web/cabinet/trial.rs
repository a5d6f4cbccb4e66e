//! A draft on the site itself, for its owner alone: the link, and what the site's page then loads. Nothing of it is counted,
//! and nobody is called.

use super::read::Path;
use super::scope::{Scope, Settled, refused};
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::store::PublishedSite;
use crate::timeline::stamp;
use crate::web::App;
use crate::web::door::Page;
use crate::web::error::{FieldProblem, Problem, Refusal};
use crate::web::widget::{self, trial};
use axum::Json;
use axum::extract::{self, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::site::Site;
use rand::{TryRng as _, rngs::SysRng};
use serde::Serialize;
use utoipa::ToSchema;

/// What the secret is called that the links are signed by.
const SECRET: &str = "trial";

/// A link to the site with the draft.
#[derive(Serialize, ToSchema)]
pub(super) struct Trial {
    url: String,
    /// Until when it is good; it is over before, where the draft is changed.
    until: String,
}

/// Makes a link with which the owner sees the draft on his site.
#[utoipa::path(post, path = "/api/v1/sites/{site}/trial", tag = "settings",
    responses((status = 200, body = Trial), (status = 404), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn link(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<Trial>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    if scope.version() == 0 {
        let text = "Publish the site once: until then its pages load nothing.";
        return Err(Problem::Refused(Refusal::Conflict("unpublished", text)));
    }
    let (draft, revision) = scope.draft(&app).await?;
    scope.read(&draft).map_err(refused)?;
    let Scope::Site(site, _) = scope else { return Err(Problem::NotFound) };
    let until = wall_now() + trial::GOOD_FOR;
    let token = trial::token(&secret(&app).await?, site.id, revision, until);
    Ok(Json(Trial { url: format!("{}/#callback-test={token}", site.origin), until: stamp(until) }))
}

async fn secret(app: &App) -> Result<Vec<u8>, Problem> {
    let mut drawn = [0; 32];
    SysRng.try_fill_bytes(&mut drawn).map_err(Problem::internal)?;
    app.store.secret(SECRET, drawn).await.map_err(Problem::of_store)
}

/// `GET /w/v1/{site_key}/trial/{token}`: the site's script, as the draft would have it.
pub(in crate::web) async fn script(
    State(app): State<App>,
    extract::Path((_, token)): extract::Path<(String, String)>,
    page: Page,
) -> Response {
    let script = drafted(&app, &page, &token).await;
    page.cors.on(script.into_response())
}

async fn drafted(app: &App, page: &Page, token: &str) -> Result<Response, Problem> {
    let over = || Problem::Refused(Refusal::LinkOver);
    let asked = trial::revision(&secret(app).await?, page.site.id, token, wall_now()).ok_or_else(over)?;
    let site = app.store.site_row(&page.site.key).await.map_err(Problem::of_store)?.ok_or_else(over)?;
    let company = app.store.company(page.site.customer.id).await.map_err(Problem::of_store)?;
    let scope = Scope::Site(Box::new(site), Box::new(company.ok_or_else(over)?));
    let (draft, revision) = scope.draft(app).await?;
    let settled = scope.read(&draft).ok().filter(|_| revision == asked).ok_or_else(over)?;
    let Settled::Site(body) = settled else { return Err(over()) };
    widget::trial_script(app, &of_draft(&page.site, *body), token)
}

fn of_draft(site: &PublishedSite, body: Site) -> PublishedSite {
    PublishedSite { body, ..site.clone() }
}

/// `POST /w/v1/{site_key}/trial/{token}/orders`: nobody is called.
pub(in crate::web) async fn order(page: Page) -> Response {
    let text = "This is a trial of a draft: nobody is called. Publish it first.";
    page.cors.on(Problem::Refused(Refusal::Conflict("trial", text)).into_response())
}

/// `POST /w/v1/{site_key}/trial/{token}/events`: nothing is counted.
pub(in crate::web) async fn event(page: Page) -> Response {
    page.cors.on(StatusCode::NO_CONTENT.into_response())
}
