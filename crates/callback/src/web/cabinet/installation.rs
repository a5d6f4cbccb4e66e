//! How a site shows the widget, and whether it does.

use super::read::Path;
use super::scope::Scope;
use super::signed::Signed;
use crate::account::Right;
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
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
    Ok(Json(Installation {
        line: format!("<script async src=\"{service}/w/{}.js\"></script>", site.key),
        service: service.to_owned(),
        seen_at: sign.seen_at.map(stamp),
        elsewhere: sign.elsewhere.map(|(origin, at)| Elsewhere { origin, at: stamp(at) }),
    }))
}
