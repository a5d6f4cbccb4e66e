//! Settings as they were published: the list, what each changed, and the way back.

use super::draft::{ChangeView, DraftView, Seen, replace};
use super::read::{Body, Path};
use super::scope::{Scope, differing};
use super::signed::Signed;
use crate::account::Right;
use crate::settings::{Kept, site_draft};
use crate::store;
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
use callback_core::site::Site;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A published version, in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionView {
    version: u32,
    author: String,
    at: String,
    /// What it changed of the version before.
    changes: Vec<ChangeView>,
}

/// A published version.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionBody {
    version: u32,
    author: String,
    at: String,
    #[schema(value_type = Object)]
    body: Kept,
}

/// A version's settings, as a draft has them.
fn kept(scope: &Scope, body: Value) -> Result<Kept, Problem> {
    match scope {
        Scope::Site(..) => {
            let site: Site = serde_json::from_value(body).map_err(Problem::internal)?;
            Ok(site_draft(&site))
        }
        Scope::Company(_) => body.as_object().cloned().ok_or(Problem::Internal),
    }
}

async fn versions(app: &App, scope: &Scope) -> Result<Json<Vec<VersionView>>, Problem> {
    let found = app.store.versions(scope.owner()).await.map_err(Problem::of_store)?;
    let mut listed: Vec<VersionView> = Vec::new();
    let mut older = found.iter().skip(1);
    for version in &found {
        let body = kept(scope, version.body.clone())?;
        let before = older.next().map(|older| kept(scope, older.body.clone())).transpose()?;
        let changes = before.map_or_else(Vec::new, |before| differing(&before, &body));
        listed.push(VersionView {
            version: version.version,
            author: version.author.clone(),
            at: stamp(version.at),
            changes: changes.into_iter().map(Into::into).collect(),
        });
    }
    Ok(Json(listed))
}

async fn version(app: &App, scope: &Scope, number: u32) -> Result<store::Version, Problem> {
    let found = app.store.version(scope.owner(), number).await;
    found.map_err(Problem::of_store)?.ok_or(Problem::NotFound)
}

async fn version_view(app: &App, scope: &Scope, number: u32) -> Result<Json<VersionBody>, Problem> {
    let found = version(app, scope, number).await?;
    let body = kept(scope, found.body)?;
    Ok(Json(VersionBody { version: found.version, author: found.author, at: stamp(found.at), body }))
}

async fn restore(
    app: &App,
    signed: &Signed,
    scope: &Scope,
    number: u32,
    seen: u32,
) -> Result<Json<DraftView>, Problem> {
    let body = kept(scope, version(app, scope, number).await?.body)?;
    replace(app, signed, scope, seen, body).await
}

/// A site's versions, the newest first.
#[utoipa::path(get, path = "/api/v1/sites/{site}/versions", tag = "settings",
    responses((status = 200, body = [VersionView]), (status = 404)))]
pub(super) async fn site_versions(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<Vec<VersionView>>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    versions(&app, &scope).await
}

/// A company's versions, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/versions", tag = "settings",
    responses((status = 200, body = [VersionView]), (status = 404)))]
pub(super) async fn company_versions(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<Vec<VersionView>>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::SeeSettings).await?;
    versions(&app, &scope).await
}

/// A version of a site.
#[utoipa::path(get, path = "/api/v1/sites/{site}/versions/{version}", tag = "settings",
    responses((status = 200, body = VersionBody), (status = 404)))]
pub(super) async fn site_version(
    State(app): State<App>,
    signed: Signed,
    Path((site, number)): Path<(String, u32)>,
) -> Result<Json<VersionBody>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    version_view(&app, &scope, number).await
}

/// Makes a site's draft what a version was.
#[utoipa::path(post, path = "/api/v1/sites/{site}/versions/{version}/restore", tag = "settings", request_body = Seen,
    responses((status = 200, body = DraftView), (status = 404), (status = 409)))]
pub(super) async fn restore_site(
    State(app): State<App>,
    signed: Signed,
    Path((site, number)): Path<(String, u32)>,
    Body(seen): Body<Seen>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    restore(&app, &signed, &scope, number, seen.revision).await
}

/// A version of a company's settings.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/versions/{version}", tag = "settings",
    responses((status = 200, body = VersionBody), (status = 404)))]
pub(super) async fn company_version(
    State(app): State<App>,
    signed: Signed,
    Path((customer, number)): Path<(String, u32)>,
) -> Result<Json<VersionBody>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::SeeSettings).await?;
    version_view(&app, &scope, number).await
}

/// Makes a company's draft what a version was.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/versions/{version}/restore", tag = "settings", request_body = Seen,
    responses((status = 200, body = DraftView), (status = 404), (status = 409)))]
pub(super) async fn restore_company(
    State(app): State<App>,
    signed: Signed,
    Path((customer, number)): Path<(String, u32)>,
    Body(seen): Body<Seen>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::ChangeSettings).await?;
    restore(&app, &signed, &scope, number, seen.revision).await
}
