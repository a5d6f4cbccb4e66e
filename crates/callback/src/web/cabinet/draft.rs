//! Settings as they are being written, and publishing: of a site, and of a company.

use super::customer::not_twice;
use super::read::{Body, Path, Query};
use super::scope::{Scope, Settled, differing, refused};
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::door::Door;
use crate::settings::{Kept, field_fits, site_address, with_whole_weeks};
use crate::store::{self, Conflict, Edit, FieldChange, NewVersion, Published, Writer};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use callback_core::number;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A draft, and how it stands to what is published.
#[derive(Serialize, ToSchema)]
pub(super) struct DraftView {
    /// It grows with every write; an edit says which it has seen.
    revision: u32,
    /// The settings, with the fields of settings.toml.
    #[schema(value_type = Object)]
    body: Kept,
    /// The same of what is published; none where nothing is.
    #[schema(value_type = Option<Object>)]
    published: Option<Kept>,
    version: Option<u32>,
    changes: Vec<ChangeView>,
    problems: Vec<FieldProblem>,
    /// Who else writes now.
    editors: Vec<Editor>,
    saved_at: Option<String>,
    saved_by: Option<String>,
    /// Of an edit: fields that somebody else wrote meanwhile, and that were left as he wrote them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<Conflict>,
}

/// A field that differs.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeView {
    field: String,
    #[schema(value_type = Object)]
    from: Value,
    #[schema(value_type = Object)]
    to: Value,
}

impl From<FieldChange> for ChangeView {
    fn from(change: FieldChange) -> Self {
        Self { field: change.field, from: change.from, to: change.to }
    }
}

/// Somebody else who writes.
#[derive(Serialize, ToSchema)]
pub(super) struct Editor {
    name: String,
    at: String,
    fields: Vec<String>,
}

/// A write to a draft.
#[derive(Deserialize, ToSchema)]
pub(super) struct EditBody {
    /// The revision that was seen.
    revision: u32,
    /// The fields, and what they are to be.
    #[schema(value_type = Object)]
    set: Map<String, Value>,
}

/// The draft that is meant.
#[derive(Deserialize, ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Seen {
    /// The revision that was seen.
    pub(super) revision: u32,
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(super) struct PublishedView {
    version: u32,
    /// The version before; none where this is the first.
    previous: Option<u32>,
}

/// A draft as its page shows it.
pub(super) fn view(
    signed: &Signed,
    scope: &Scope,
    draft: Option<store::Draft>,
    conflicts: Vec<Conflict>,
) -> Result<DraftView, Problem> {
    let now = wall_now();
    let published = scope.published();
    let mut body = match &draft {
        Some(draft) => draft.body.clone(),
        None => scope.begin()?,
    };
    with_whole_weeks(&mut body);
    let read = scope.read(&body);
    // Another spelling of the same is no change.
    let settled = read.as_ref().map_or_else(|_| body.clone(), Settled::draft);
    let problems = read.err().unwrap_or_default().into_iter().map(Into::into).collect();
    let changes = published.as_ref().map_or_else(Vec::new, |published| differing(published, &settled));
    let others = draft.as_ref().map(|draft| draft.others(signed.user.id, now)).unwrap_or_default();
    let last = draft.as_ref().and_then(store::Draft::last);
    Ok(DraftView {
        revision: draft.as_ref().map_or(0, |draft| draft.revision),
        body,
        published,
        version: Some(scope.version()).filter(|version| *version > 0),
        changes: changes.into_iter().map(Into::into).collect(),
        problems,
        editors: others
            .into_iter()
            .map(|(name, (at, fields))| Editor { name, at: stamp(at), fields })
            .collect(),
        saved_at: last.map(|writer| stamp(Ts(writer.at))),
        saved_by: last.map(|writer| writer.name.clone()),
        conflicts,
    })
}

async fn show(app: &App, signed: &Signed, scope: &Scope) -> Result<Json<DraftView>, Problem> {
    let draft = app.store.draft(scope.owner()).await.map_err(Problem::of_store)?;
    Ok(Json(view(signed, scope, draft, Vec::new())?))
}

async fn edit(app: &App, signed: &Signed, scope: &Scope, body: EditBody) -> Result<Json<DraftView>, Problem> {
    let begin = scope.begin()?;
    if let Some(unknown) = body.set.keys().find(|field| !begin.contains_key(*field)) {
        return Err(Problem::field(unknown, "unknown_field", "there is no such field"));
    }
    let mut would_be = begin.clone();
    would_be.extend(body.set.clone());
    let is_site = matches!(scope, Scope::Site(..));
    field_fits(&would_be, is_site).map_err(refused)?;
    let recording = body.set.get("own_recording").and_then(Value::as_str).and_then(|id| id.parse().ok());
    if let Some(id) = recording
        && !app.store.has_recording(scope.company().id, id).await.map_err(Problem::of_store)?
    {
        return Err(Problem::field("own_recording", "choice", "send the recording first"));
    }
    shown_is_his(app, scope, &body.set).await?;
    address_is_free(app, scope, &body.set).await?;
    let edit = Edit {
        revision: body.revision,
        set: body.set,
        user: signed.user.id,
        name: signed.user.name.clone(),
        now: wall_now(),
        begin,
    };
    let (draft, conflicts) = app.store.edit_draft(scope.owner(), edit).await.map_err(Problem::of_store)?;
    Ok(Json(view(signed, scope, Some(draft), conflicts)?))
}

/// A number that is shown to others is one that the company has verified, or the service's own.
async fn shown_is_his(app: &App, scope: &Scope, set: &Kept) -> Result<(), Problem> {
    for field in ["caller_id_to_visitor", "caller_id_to_manager"] {
        let Some(text) = set.get(field).and_then(Value::as_str) else { continue };
        let Ok((number, _)) = number::parse(text, scope.company().settings.country) else { continue };
        let company = scope.company().id;
        let verified = app.store.verified_phones(company).await.map_err(Problem::of_store)?;
        if !app.cabinet.lines.numbers.contains(&number) && !verified.iter().any(|one| one.phone == number) {
            return Err(Problem::field(
                field,
                "not_verified",
                "verify this number first: whoever has it must agree",
            ));
        }
    }
    Ok(())
}

/// A site's new address is that of no other site of the company.
async fn address_is_free(app: &App, scope: &Scope, set: &Kept) -> Result<(), Problem> {
    let Scope::Site(site, company) = scope else { return Ok(()) };
    let Some(url) = set.get("url").and_then(Value::as_str) else { return Ok(()) };
    // What is no address is said at the field.
    let Some(origin) = site_address(&mut Door::new(), "url", url) else { return Ok(()) };
    not_twice(app, company.id, &origin, Some(&site.key)).await
}

/// Makes a draft what is given, unless somebody wrote to it since it was seen.
pub(super) async fn replace(
    app: &App,
    signed: &Signed,
    scope: &Scope,
    seen: u32,
    body: Kept,
) -> Result<Json<DraftView>, Problem> {
    let by = Writer::of(&signed.user, wall_now());
    let replaced = app.store.replace_draft(scope.owner(), seen, body, by).await;
    let draft = replaced.map_err(Problem::of_store)?.ok_or_else(moved)?;
    Ok(Json(view(signed, scope, Some(draft), Vec::new())?))
}

fn moved() -> Problem {
    Problem::Refused(Refusal::Conflict(
        "draft-moved",
        "Somebody wrote to the draft meanwhile. Look at it again.",
    ))
}

async fn publish(
    app: &App,
    signed: &Signed,
    scope: &Scope,
    body: Seen,
) -> Result<Json<PublishedView>, Problem> {
    let (kept, revision) = scope.draft(app).await?;
    if revision != body.revision {
        return Err(moved());
    }
    let mut settled = scope.read(&kept).map_err(refused)?;
    shown_is_his(app, scope, &kept).await?;
    address_is_free(app, scope, &kept).await?;
    if matches!(scope, Scope::Site(site, _) if site.archived_at.is_some()) {
        let text = "This site was put away. Take it back first.";
        return Err(Problem::Refused(Refusal::Conflict("site-archived", text)));
    }
    if let (Settled::Site(body), Scope::Site(site, _)) = (&mut settled, scope) {
        // A recording is the operator's to name, in a file: it stays what it was.
        body.recording = site.body.as_ref().and_then(|before| before.recording.clone());
        app.engine.speak(body);
    }
    let changed =
        scope.published().map_or_else(Vec::new, |published| differing(&published, &settled.draft()));
    if scope.version() > 0 && changed.is_empty() {
        let text = "The draft is what is published already.";
        return Err(Problem::Refused(Refusal::Conflict("nothing-to-publish", text)));
    }
    let fields: Vec<String> = changed.into_iter().map(|change| change.field).collect();
    let what = if matches!(scope, Scope::Site(..)) { "site.publish" } else { "company.publish" };
    let new = NewVersion {
        revision: body.revision,
        body: settled.body()?,
        draft: settled.draft(),
        columns: settled.columns()?,
        entry: signed.did(what, &scope.object(), json!({ "fields": fields })),
    };
    let done = app.store.publish(scope.owner(), scope.company().id, new).await.map_err(Problem::of_store)?;
    match done {
        Published::Version(version) => {
            let previous = Some(version.saturating_sub(1)).filter(|version| *version > 0);
            Ok(Json(PublishedView { version, previous }))
        }
        Published::Moved(_) => Err(moved()),
    }
}

/// A site's draft.
#[utoipa::path(get, path = "/api/v1/sites/{site}/draft", tag = "settings",
    responses((status = 200, body = DraftView), (status = 404)))]
pub(super) async fn site(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    show(&app, &signed, &scope).await
}

/// Writes fields of a site's draft.
#[utoipa::path(patch, path = "/api/v1/sites/{site}/draft", tag = "settings",
    request_body = EditBody, responses((status = 200, body = DraftView), (status = 422, body = [FieldProblem])))]
pub(super) async fn change_site(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Body(body): Body<EditBody>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    edit(&app, &signed, &scope, body).await
}

/// Makes a site's draft what is published.
#[utoipa::path(delete, path = "/api/v1/sites/{site}/draft", tag = "settings", params(Seen),
    responses((status = 200, body = DraftView), (status = 404), (status = 409)))]
pub(super) async fn reset_site(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    let published = scope.begin()?;
    replace(&app, &signed, &scope, seen.revision, published).await
}

/// Publishes a site's draft.
#[utoipa::path(post, path = "/api/v1/sites/{site}/publish", tag = "settings",
    request_body = Seen,
    responses((status = 200, body = PublishedView), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn publish_site(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Body(body): Body<Seen>,
) -> Result<Json<PublishedView>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::ChangeSettings).await?;
    publish(&app, &signed, &scope, body).await
}

/// A company's draft.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/draft", tag = "settings",
    responses((status = 200, body = DraftView), (status = 404)))]
pub(super) async fn company(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::SeeSettings).await?;
    show(&app, &signed, &scope).await
}

/// Writes fields of a company's draft.
#[utoipa::path(patch, path = "/api/v1/customers/{customer}/draft", tag = "settings",
    request_body = EditBody,
    responses((status = 200, body = DraftView), (status = 422, body = [FieldProblem])))]
pub(super) async fn change_company(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<EditBody>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::ChangeSettings).await?;
    edit(&app, &signed, &scope, body).await
}

/// Makes a company's draft what is published.
#[utoipa::path(delete, path = "/api/v1/customers/{customer}/draft", tag = "settings", params(Seen),
    responses((status = 200, body = DraftView), (status = 404), (status = 409)))]
pub(super) async fn reset_company(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Json<DraftView>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::ChangeSettings).await?;
    let published = scope.begin()?;
    replace(&app, &signed, &scope, seen.revision, published).await
}

/// Publishes a company's draft.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/publish", tag = "settings",
    request_body = Seen,
    responses((status = 200, body = PublishedView), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn publish_company(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<Seen>,
) -> Result<Json<PublishedView>, Problem> {
    let scope = Scope::of_company(&app, &signed, &customer, Right::ChangeSettings).await?;
    publish(&app, &signed, &scope, body).await
}
