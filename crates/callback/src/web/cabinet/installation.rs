//! How a site shows the widget, and whether it does.

use super::read::Path;
use super::scope::Scope;
use super::signed::Signed;
use crate::account::Right;
use crate::store::Fault;
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
use callback_core::site::Origin;
use serde::Serialize;
use utoipa::ToSchema;

/// What a site's owner needs for it.
#[derive(Serialize, ToSchema)]
pub(super) struct Installation {
    /// The line for the site's pages.
    line: String,
    /// The service's origin, for pages with a policy (CSP).
    service: String,
    /// When a page of the site loaded it last.
    seen_at: Option<String>,
    /// Another site that loaded it; it does not show itself there.
    elsewhere: Option<Elsewhere>,
    /// The host that the settings name.
    host: String,
    /// What is wrong on the site's pages, the latest first.
    faults: Vec<FaultView>,
}

/// Something that is wrong on a page of the site's.
#[derive(Serialize, ToSchema)]
pub(super) struct FaultView {
    /// "twice", "http", "address", "script", "connect", "policy".
    kind: &'static str,
    /// When it was seen last.
    at: String,
    /// The host as the page has it, or the directive of its policy that forbids something.
    detail: Option<String>,
}

/// A page elsewhere.
#[derive(Serialize, ToSchema)]
pub(super) struct Elsewhere {
    origin: String,
    at: String,
}

/// How a site shows the widget, and when a page of it did.
#[utoipa::path(get, path = "/api/v1/sites/{site}/installation", tag = "settings",
    responses((status = 200, body = Installation), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<Installation>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    let Scope::Site(site, _) = scope else { return Err(Problem::NotFound) };
    let service = app.door.origin.as_str();
    app.signs.flush(&app.store).await;
    let sign = app.store.sign(site.id).await.map_err(Problem::of_store)?;
    let faults = app.store.faults(site.id, &sign).await.map_err(Problem::of_store)?;
    let origin = Origin::parse(&site.origin).map_err(Problem::internal)?;
    Ok(Json(Installation {
        line: format!("<script async src=\"{service}/w/{}.js\"></script>", site.key),
        service: service.to_owned(),
        seen_at: sign.seen_at.map(stamp),
        elsewhere: sign.elsewhere.map(|(origin, at)| Elsewhere { origin, at: stamp(at) }),
        host: origin.host().to_owned(),
        faults: faults
            .into_iter()
            .map(|Fault { kind, at, detail }| FaultView { kind: kind.as_str(), at: stamp(at), detail })
            .collect(),
    }))
}
