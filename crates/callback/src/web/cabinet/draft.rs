//! Settings as they are being written, and publishing: of a site, and of a company.

use super::body::Body;
use super::customer::{SiteSummary, summary};
use super::signed::{At, Signed};
use crate::account::Right;
use crate::door::Wrong;
use crate::engine::wall_now;
use crate::settings::{
    CompanySettings, Kept, company_draft, field_fits, read_company, read_site, site_draft, usual_site,
};
use crate::store::{
    self, Columns, Company, Conflict, Edit, FieldChange, NewVersion, Owner, Published, SiteRow, changes,
    language_name,
};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::{Path, State};
use callback_core::number::Country;
use callback_core::site::{Origin, Site};
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

/// What is to be published.
#[derive(Deserialize, ToSchema)]
pub(super) struct PublishBody {
    /// The revision that was seen.
    revision: u32,
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(super) struct PublishedView {
    version: u32,
    /// The version before; none where this is the first.
    previous: Option<u32>,
}

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

/// A name that confirms something that visitors notice.
#[derive(Deserialize, ToSchema)]
pub(super) struct Confirmed {
    /// The site's host, typed by hand.
    confirm: String,
}

/// Whose settings: with what there is of them.
pub(super) enum Scope {
    Site(Box<SiteRow>, Box<Company>),
    Company(Box<Company>),
}

impl Scope {
    pub(super) async fn of_site(app: &App, at: &At, key: &str) -> Result<Self, Problem> {
        let key = key.parse().map_err(|_| Problem::NotFound)?;
        let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
        Ok(Self::Site(Box::new(site), Box::new(company_of(app, at).await?)))
    }

    pub(super) async fn of_company(app: &App, at: &At) -> Result<Self, Problem> {
        Ok(Self::Company(Box::new(company_of(app, at).await?)))
    }

    pub(super) fn owner(&self) -> Owner {
        match self {
            Self::Site(site, _) => Owner::Site(site.id),
            Self::Company(company) => Owner::Customer(company.id),
        }
    }

    pub(super) fn company(&self) -> &Company {
        match self {
            Self::Site(_, company) | Self::Company(company) => company,
        }
    }

    /// What the audit calls it.
    pub(super) fn object(&self) -> String {
        match self {
            Self::Site(site, _) => site.key.to_string(),
            Self::Company(company) => company.number.to_string(),
        }
    }

    pub(super) fn version(&self) -> u32 {
        match self {
            Self::Site(site, _) => site.version,
            Self::Company(company) => company.version,
        }
    }

    /// What is published, as a draft; none where nothing is.
    pub(super) async fn published(&self, app: &App) -> Result<Option<Kept>, Problem> {
        match self {
            Self::Site(site, _) => published_site(app, site).await,
            Self::Company(company) => Ok(Some(company_draft(&settings_of(company)))),
        }
    }

    /// What a draft is where none was begun.
    pub(super) fn begin(&self, published: Option<&Kept>) -> Result<Kept, Problem> {
        match (self, published) {
            (_, Some(published)) => Ok(published.clone()),
            (Self::Site(site, company), None) => {
                let origin = Origin::parse(&site.origin).map_err(Problem::internal)?;
                Ok(site_draft(&usual_site(&origin, company.country, company.language)))
            }
            (Self::Company(company), None) => Ok(company_draft(&settings_of(company))),
        }
    }

    /// The draft as it would be published, and the revision that it is at.
    ///
    /// # Errors
    /// What is wrong with it, each at its field.
    pub(super) async fn settled(&self, app: &App) -> Result<(Settled, u32), Problem> {
        let published = self.published(app).await?;
        let draft = app.store.draft(self.owner()).await.map_err(Problem::of_store)?;
        let (kept, revision) = match draft {
            Some(draft) => (draft.body, draft.revision),
            None => (self.begin(published.as_ref())?, 0),
        };
        Ok((self.read(&kept).map_err(refused)?, revision))
    }

    /// All that is wrong with a draft.
    pub(super) fn read(&self, draft: &Kept) -> Result<Settled, Vec<Wrong>> {
        match self {
            Self::Site(site, company) => {
                read_site(draft, &site.key, company.country).map(|site| Settled::Site(Box::new(site)))
            }
            Self::Company(company) => read_company(draft, &company.email).map(Settled::Company),
        }
    }
}

/// Settings without a fault.
pub(super) enum Settled {
    Site(Box<Site>),
    Company(CompanySettings),
}

impl Settled {
    /// As a draft has them: each value written in the one way.
    pub(super) fn draft(&self) -> Kept {
        match self {
            Self::Site(site) => site_draft(site),
            Self::Company(company) => company_draft(company),
        }
    }

    fn body(&self) -> Result<Value, Problem> {
        match self {
            Self::Site(site) => serde_json::to_value(site).map_err(Problem::internal),
            Self::Company(company) => Ok(Value::Object(company_draft(company))),
        }
    }

    fn columns(&self) -> Result<Columns, Problem> {
        match self {
            Self::Site(site) => {
                let managers = u32::try_from(site.managers.len().max(1)).unwrap_or(u32::MAX);
                Ok(Columns::Site(site.name.to_string(), site.origin.as_str().to_owned(), managers))
            }
            Self::Company(company) => {
                let texts = [
                    company.name.clone(),
                    company.country.to_string(),
                    company.time_zone.clone(),
                    language_name(company.language).to_owned(),
                ];
                let blacklist = serde_json::to_value(&company.blacklist).map_err(Problem::internal)?;
                let managers = serde_json::to_value(&company.managers).map_err(Problem::internal)?;
                Ok(Columns::Customer(texts, blacklist, managers))
            }
        }
    }
}

async fn company_of(app: &App, at: &At) -> Result<Company, Problem> {
    app.store.company(at.customer).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)
}

fn settings_of(company: &Company) -> CompanySettings {
    CompanySettings {
        name: company.name.clone(),
        country: company.country,
        time_zone: company.time_zone.clone(),
        language: company.language,
        blacklist: company.blacklist.clone(),
        managers: company.managers.clone(),
    }
}

async fn published_site(app: &App, site: &SiteRow) -> Result<Option<Kept>, Problem> {
    let body = app.store.site_version(site.id, site.version).await.map_err(Problem::of_store)?;
    Ok(body.map(|body| site_draft(&body)))
}

/// The fields of a site's draft that differ from what is published.
pub(super) async fn changes_of_site(
    app: &App,
    site: &SiteRow,
    draft: &Kept,
    country: Country,
) -> Result<Vec<FieldChange>, Problem> {
    let Some(published) = published_site(app, site).await? else { return Ok(Vec::new()) };
    let settled = read_site(draft, &site.key, country).map(|site| site_draft(&site));
    Ok(differing(&published, settled.as_ref().unwrap_or(draft)))
}

fn differing(from: &Kept, to: &Kept) -> Vec<FieldChange> {
    changes(&Value::Object(from.clone()), &Value::Object(to.clone()))
}

async fn view(
    app: &App,
    signed: &Signed,
    scope: &Scope,
    draft: Option<store::Draft>,
    conflicts: Vec<Conflict>,
) -> Result<DraftView, Problem> {
    let now = wall_now();
    let published = scope.published(app).await?;
    let body = match &draft {
        Some(draft) => draft.body.clone(),
        None => scope.begin(published.as_ref())?,
    };
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
    Ok(Json(view(app, signed, scope, draft, Vec::new()).await?))
}

async fn edit(app: &App, signed: &Signed, scope: &Scope, body: EditBody) -> Result<Json<DraftView>, Problem> {
    let published = scope.published(app).await?;
    let begin = scope.begin(published.as_ref())?;
    if let Some(unknown) = body.set.keys().find(|field| !begin.contains_key(*field)) {
        return Err(Problem::field(unknown, "unknown_field", "there is no such field"));
    }
    let mut would_be = begin.clone();
    would_be.extend(body.set.clone());
    let is_site = matches!(scope, Scope::Site(..));
    field_fits(&would_be, is_site).map_err(refused)?;
    let edit = Edit {
        revision: body.revision,
        set: body.set,
        user: signed.user.id,
        name: signed.user.name.clone(),
        now: wall_now(),
        begin,
    };
    let (draft, conflicts) = app.store.edit_draft(scope.owner(), edit).await.map_err(Problem::of_store)?;
    Ok(Json(view(app, signed, scope, Some(draft), conflicts).await?))
}

async fn reset(app: &App, signed: &Signed, scope: &Scope) -> Result<Json<DraftView>, Problem> {
    let published = scope.published(app).await?;
    let begin = scope.begin(published.as_ref())?;
    let draft = app.store.replace_draft(scope.owner(), begin, wall_now()).await.map_err(Problem::of_store)?;
    Ok(Json(view(app, signed, scope, Some(draft), Vec::new()).await?))
}

async fn publish(
    app: &App,
    signed: &Signed,
    scope: &Scope,
    body: PublishBody,
) -> Result<Json<PublishedView>, Problem> {
    let published = scope.published(app).await?;
    let draft = app.store.draft(scope.owner()).await.map_err(Problem::of_store)?;
    let kept = match draft {
        Some(draft) => draft.body,
        None => scope.begin(published.as_ref())?,
    };
    let mut settled = scope.read(&kept).map_err(refused)?;
    if let (Settled::Site(body), Scope::Site(site, _)) = (&mut settled, scope) {
        // A recording is the operator's to name, in a file: it stays what it was.
        let before = app.store.site_version(site.id, site.version).await.map_err(Problem::of_store)?;
        body.recording = before.and_then(|before| before.recording);
        app.engine.speak(body);
    }
    let changed = published.map_or_else(Vec::new, |published| differing(&published, &settled.draft()));
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
        Published::Moved(_) => Err(Problem::Refused(Refusal::Conflict(
            "draft-moved",
            "Somebody wrote to the draft meanwhile. Look at it again.",
        ))),
    }
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
    let found = app.store.versions(scope.owner()).await.map_err(Problem::of_store)?;
    found.into_iter().find(|version| version.version == number).ok_or(Problem::NotFound)
}

async fn version_view(app: &App, scope: &Scope, number: u32) -> Result<Json<VersionBody>, Problem> {
    let found = version(app, scope, number).await?;
    let body = kept(scope, found.body)?;
    Ok(Json(VersionBody { version: found.version, author: found.author, at: stamp(found.at), body }))
}

async fn restore(app: &App, signed: &Signed, scope: &Scope, number: u32) -> Result<Json<DraftView>, Problem> {
    let body = kept(scope, version(app, scope, number).await?.body)?;
    let draft = app.store.replace_draft(scope.owner(), body, wall_now()).await.map_err(Problem::of_store)?;
    Ok(Json(view(app, signed, scope, Some(draft), Vec::new()).await?))
}

async fn put_away(
    app: &App,
    signed: &Signed,
    at: &At,
    key: &str,
    away: bool,
    confirm: Option<&str>,
) -> Result<Json<SiteSummary>, Problem> {
    let key = key.parse().map_err(|_| Problem::NotFound)?;
    let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let origin = Origin::parse(&site.origin).map_err(Problem::internal)?;
    if confirm.is_some_and(|typed| typed.trim() != origin.host()) {
        return Err(Problem::field("confirm", "confirm", "write the site's address to confirm"));
    }
    let what = if away { "site.archive" } else { "site.unarchive" };
    let entry = signed.did(what, key.as_str(), json!({ "url": site.origin }));
    app.store.archive(site.id, at.customer, away, entry).await.map_err(Problem::of_store)?;
    let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let country = company_of(app, at).await?.country;
    Ok(Json(summary(app, site, country).await?))
}

/// The handlers of one scope differ in their path alone.
macro_rules! handlers {
    ($($(#[$told:meta])* $name:ident = $at:ident, $of:ident, $right:ident, |$app:ident, $signed:ident, $scope:ident $(, $more:ident: $kind:ty)?| $work:expr => $answer:ty;)*) => {$(
        $(#[$told])*
        pub(super) async fn $name(
            State($app): State<App>,
            $signed: Signed,
            Path(id): Path<String>,
            $(Body($more): Body<$kind>,)?
        ) -> Result<Json<$answer>, Problem> {
            let at = $signed.$at(&$app, &id, Right::$right).await?;
            let $scope = scope!($of, &$app, &at, &id);
            $work.await
        }
    )*};
}

macro_rules! scope {
    (site, $app:expr, $at:expr, $id:expr) => {
        Scope::of_site($app, $at, $id).await?
    };
    (company, $app:expr, $at:expr, $id:expr) => {
        Scope::of_company($app, $at).await?
    };
}

handlers! {
    /// A site's draft.
    #[utoipa::path(get, path = "/api/v1/sites/{site}/draft", tag = "settings", params(("site" = String, Path)),
        responses((status = 200, body = DraftView), (status = 404)))]
    site = at_site, site, SeeSettings, |app, signed, scope| show(&app, &signed, &scope) => DraftView;

    /// Writes fields of a site's draft.
    #[utoipa::path(patch, path = "/api/v1/sites/{site}/draft", tag = "settings", params(("site" = String, Path)),
        request_body = EditBody, responses((status = 200, body = DraftView), (status = 422, body = [FieldProblem])))]
    change_site = at_site, site, ChangeSettings, |app, signed, scope, body: EditBody|
        edit(&app, &signed, &scope, body) => DraftView;

    /// Makes a site's draft what is published.
    #[utoipa::path(delete, path = "/api/v1/sites/{site}/draft", tag = "settings", params(("site" = String, Path)),
        responses((status = 200, body = DraftView), (status = 404)))]
    reset_site = at_site, site, ChangeSettings, |app, signed, scope| reset(&app, &signed, &scope) => DraftView;

    /// Publishes a site's draft.
    #[utoipa::path(post, path = "/api/v1/sites/{site}/publish", tag = "settings", params(("site" = String, Path)),
        request_body = PublishBody,
        responses((status = 200, body = PublishedView), (status = 409), (status = 422, body = [FieldProblem])))]
    publish_site = at_site, site, ChangeSettings, |app, signed, scope, body: PublishBody|
        publish(&app, &signed, &scope, body) => PublishedView;

    /// A site's versions, the newest first.
    #[utoipa::path(get, path = "/api/v1/sites/{site}/versions", tag = "settings", params(("site" = String, Path)),
        responses((status = 200, body = [VersionView]), (status = 404)))]
    site_versions = at_site, site, SeeSettings, |app, signed, scope| versions(&app, &scope) => Vec<VersionView>;

    /// A company's draft.
    #[utoipa::path(get, path = "/api/v1/customers/{customer}/draft", tag = "settings",
        params(("customer" = String, Path)), responses((status = 200, body = DraftView), (status = 404)))]
    company = at, company, SeeSettings, |app, signed, scope| show(&app, &signed, &scope) => DraftView;

    /// Writes fields of a company's draft.
    #[utoipa::path(patch, path = "/api/v1/customers/{customer}/draft", tag = "settings",
        params(("customer" = String, Path)), request_body = EditBody,
        responses((status = 200, body = DraftView), (status = 422, body = [FieldProblem])))]
    change_company = at, company, ChangeSettings, |app, signed, scope, body: EditBody|
        edit(&app, &signed, &scope, body) => DraftView;

    /// Makes a company's draft what is published.
    #[utoipa::path(delete, path = "/api/v1/customers/{customer}/draft", tag = "settings",
        params(("customer" = String, Path)), responses((status = 200, body = DraftView), (status = 404)))]
    reset_company = at, company, ChangeSettings, |app, signed, scope| reset(&app, &signed, &scope) => DraftView;

    /// Publishes a company's draft.
    #[utoipa::path(post, path = "/api/v1/customers/{customer}/publish", tag = "settings",
        params(("customer" = String, Path)), request_body = PublishBody,
        responses((status = 200, body = PublishedView), (status = 409), (status = 422, body = [FieldProblem])))]
    publish_company = at, company, ChangeSettings, |app, signed, scope, body: PublishBody|
        publish(&app, &signed, &scope, body) => PublishedView;

    /// A company's versions, the newest first.
    #[utoipa::path(get, path = "/api/v1/customers/{customer}/versions", tag = "settings",
        params(("customer" = String, Path)), responses((status = 200, body = [VersionView]), (status = 404)))]
    company_versions = at, company, SeeSettings, |app, signed, scope| versions(&app, &scope) => Vec<VersionView>;
}

pub(super) fn refused(wrongs: Vec<Wrong>) -> Problem {
    Problem::Refused(Refusal::Fields(wrongs.into_iter().map(Into::into).collect()))
}

/// A version of a site.
#[utoipa::path(get, path = "/api/v1/sites/{site}/versions/{version}", tag = "settings",
    responses((status = 200, body = VersionBody), (status = 404)))]
pub(super) async fn site_version(
    State(app): State<App>,
    signed: Signed,
    Path((site, number)): Path<(String, u32)>,
) -> Result<Json<VersionBody>, Problem> {
    let at = signed.at_site(&app, &site, Right::SeeSettings).await?;
    version_view(&app, &Scope::of_site(&app, &at, &site).await?, number).await
}

/// Makes a site's draft what a version was.
#[utoipa::path(post, path = "/api/v1/sites/{site}/versions/{version}/restore", tag = "settings",
    responses((status = 200, body = DraftView), (status = 404)))]
pub(super) async fn restore_site(
    State(app): State<App>,
    signed: Signed,
    Path((site, number)): Path<(String, u32)>,
) -> Result<Json<DraftView>, Problem> {
    let at = signed.at_site(&app, &site, Right::ChangeSettings).await?;
    restore(&app, &signed, &Scope::of_site(&app, &at, &site).await?, number).await
}

/// A version of a company's settings.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/versions/{version}", tag = "settings",
    responses((status = 200, body = VersionBody), (status = 404)))]
pub(super) async fn company_version(
    State(app): State<App>,
    signed: Signed,
    Path((customer, number)): Path<(String, u32)>,
) -> Result<Json<VersionBody>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeSettings).await?;
    version_view(&app, &Scope::of_company(&app, &at).await?, number).await
}

/// Makes a company's draft what a version was.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/versions/{version}/restore", tag = "settings",
    responses((status = 200, body = DraftView), (status = 404)))]
pub(super) async fn restore_company(
    State(app): State<App>,
    signed: Signed,
    Path((customer, number)): Path<(String, u32)>,
) -> Result<Json<DraftView>, Problem> {
    let at = signed.at(&app, &customer, Right::ChangeSettings).await?;
    restore(&app, &signed, &Scope::of_company(&app, &at).await?, number).await
}

/// Puts a site away: nobody is called for it any more, its history stays.
#[utoipa::path(post, path = "/api/v1/sites/{site}/archive", tag = "settings", request_body = Confirmed,
    responses((status = 200, body = SiteSummary), (status = 422, body = [FieldProblem])))]
pub(super) async fn archive(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Body(body): Body<Confirmed>,
) -> Result<Json<SiteSummary>, Problem> {
    let at = signed.at_site(&app, &site, Right::ChangeSettings).await?;
    put_away(&app, &signed, &at, &site, true, Some(&body.confirm)).await
}

/// Takes a site back.
#[utoipa::path(post, path = "/api/v1/sites/{site}/unarchive", tag = "settings",
    responses((status = 200, body = SiteSummary), (status = 404)))]
pub(super) async fn unarchive(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<SiteSummary>, Problem> {
    let at = signed.at_site(&app, &site, Right::ChangeSettings).await?;
    put_away(&app, &signed, &at, &site, false, None).await
}
