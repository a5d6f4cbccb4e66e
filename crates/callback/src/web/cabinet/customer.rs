//! A company, its sites, and what was done by whom.

use super::Lines;
use super::fields::{home, name};
use super::me::{Me, me};
use super::read::{Body, Path, Query};
use super::scope::{company_of, differing};
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::door::Door;
use crate::ids::{CustomerId, SiteKey};
use crate::settings::{self, address_in_letters, host_in_letters, site_draft};
use crate::store::{self, NewSite, Part, SiteRow, language_name};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::number::Country;
use callback_core::site::Origin;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Entries of the audit at once.
const ENTRIES: u32 = 50;

/// A company.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerView {
    number: String,
    name: String,
    email: String,
    country: String,
    time_zone: String,
    language: &'static str,
    max_calls: u32,
    /// What the one who asks may do here.
    role: Role,
    /// Whether anybody was called for it yet.
    has_calls: bool,
    /// Which numbers its calls may show.
    lines: Lines,
    /// Its calls are charged, so that it has a balance.
    is_charged: bool,
    sites: Vec<SiteSummary>,
}

/// A site, in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct SiteSummary {
    key: String,
    name: String,
    url: String,
    /// None where nothing was published yet: nobody is called for it.
    version: Option<u32>,
    published_at: Option<String>,
    author: Option<String>,
    /// Fields of the draft that differ from what is published.
    changes: usize,
    archived_at: Option<String>,
}

/// A site, in a list, with what its draft changes.
fn summary(site: SiteRow, country: Country) -> SiteSummary {
    let changes = site.body.as_ref().zip(site.draft.as_ref()).map_or(0, |(published, draft)| {
        let settled = settings::read_site(draft, &site.key, country).map(|site| site_draft(&site));
        differing(&site_draft(published), settled.as_ref().unwrap_or(draft)).len()
    });
    let (published_at, author) = site.published.unzip();
    SiteSummary {
        key: site.key.to_string(),
        name: site.name,
        url: Origin::parse(&site.origin).map_or(site.origin, |origin| address_in_letters(&origin)),
        version: Some(site.version).filter(|version| *version > 0),
        published_at: published_at.map(stamp),
        author,
        changes,
        archived_at: site.archived_at.map(stamp),
    }
}

/// A company and its sites.
#[utoipa::path(get, path = "/api/v1/customers/{customer}", tag = "customer",
    responses((status = 200, body = CustomerView), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    let at = signed.at(&app, &customer, Right::See).await?;
    let company = company_of(&app, &at).await?;
    let sites = app.store.sites_of(at.customer).await.map_err(Problem::of_store)?;
    let has_calls = app.store.has_calls(at.customer).await.map_err(Problem::of_store)?;
    Ok(Json(CustomerView {
        number: company.number.to_string(),
        name: company.settings.name,
        email: company.email,
        country: company.settings.country.to_string(),
        time_zone: company.settings.time_zone,
        language: language_name(company.settings.language),
        max_calls: company.max_calls,
        role: at.role,
        has_calls,
        lines: app.cabinet.lines.clone(),
        is_charged: app.cabinet.currency.is_some(),
        sites: sites.into_iter().map(|site| summary(site, company.settings.country)).collect(),
    }))
}

/// A company that is about to be.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewCompany {
    company: String,
    /// Where its numbers are read, by ISO 3166.
    country: String,
    /// Its time zone, by its IANA name.
    time_zone: String,
}

/// Makes a company for somebody who has a login already; there is one of each address.
#[utoipa::path(post, path = "/api/v1/customers", tag = "customer", request_body = NewCompany,
    responses((status = 201, body = Me), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn found(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<NewCompany>,
) -> Result<Response, Problem> {
    let mut wrong = Vec::new();
    let company = name(&mut wrong, "company", &body.company);
    let home = home(&mut wrong, &body.country, &body.time_zone);
    let (Some(company), Some(country)) = (company, home) else {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    };
    let number = app.store.draw_customer_number().await.map_err(Problem::of_store)?;
    let new = store::NewCompany {
        name: company,
        number,
        country: country.to_string(),
        time_zone: body.time_zone,
        language: language_name(signed.user.language).to_owned(),
    };
    let (user, session) = (signed.user.id, signed.session.id);
    if !app.store.found(signed.user, new, wall_now()).await.map_err(Problem::of_store)? {
        let text =
            "Your address has a company already. Make the other under another address, and invite yours.";
        return Err(Problem::Refused(Refusal::Conflict("company-exists", text)));
    }
    Ok((StatusCode::CREATED, Json(me(&app, user, session).await?)).into_response())
}

/// A site that is about to be.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewSiteBody {
    /// Its address, as people write it.
    url: String,
}

/// Adds a site: its draft has what is usual, and nothing is published.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/sites", tag = "customer", request_body = NewSiteBody,
    responses((status = 201, body = SiteSummary), (status = 422, body = [FieldProblem])))]
pub(super) async fn add_site(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<NewSiteBody>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::ChangeSettings).await?;
    let company = company_of(&app, &at).await?;
    let mut door = Door::new();
    let origin = settings::site_address(&mut door, "url", &body.url);
    let origin = origin.ok_or_else(|| {
        Problem::Refused(Refusal::Fields(door.into_wrongs().into_iter().map(Into::into).collect()))
    })?;
    not_twice(&app, at.customer, &origin, None).await?;
    let key = SiteKey::draw().map_err(Problem::internal)?;
    let new = NewSite {
        key: key.clone(),
        name: host_in_letters(&origin),
        origin: origin.as_str().to_owned(),
        customer: at.customer,
        entry: signed.did("site.add", key.as_str(), json!({ "url": origin })),
    };
    if !app.store.add_site(new).await.map_err(Problem::of_store)? {
        return Err(Problem::Refused(Refusal::Conflict(
            "too-many-sites",
            "There are as many sites as there may be.",
        )));
    }
    let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    Ok((StatusCode::CREATED, Json(summary(site, company.settings.country))).into_response())
}

/// A name that confirms something that visitors notice.
#[derive(Deserialize, ToSchema)]
pub(super) struct Confirmed {
    /// The site's host, typed by hand.
    confirm: String,
}

/// A company has one site of an address, beside those that were put away.
pub(super) async fn not_twice(
    app: &App,
    company: CustomerId,
    origin: &Origin,
    but: Option<&SiteKey>,
) -> Result<(), Problem> {
    let known = app.store.sites_of(company).await.map_err(Problem::of_store)?;
    let is_it = |known: &str| Origin::parse(known).is_ok_and(|known| known.has(origin, false));
    let mut others = known.iter().filter(|site| site.archived_at.is_none() && Some(&site.key) != but);
    if others.any(|site| is_it(&site.origin)) {
        let twice = FieldProblem::plain("url", "twice", "this site is here already");
        return Err(twice.with("with", address_in_letters(origin)).into());
    }
    Ok(())
}

async fn put_away(
    app: &App,
    signed: &Signed,
    at: &Part,
    key: &str,
    away: bool,
    confirm: Option<&str>,
) -> Result<Json<SiteSummary>, Problem> {
    let key = key.parse().map_err(|_| Problem::NotFound)?;
    let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let origin = Origin::parse(&site.origin).map_err(Problem::internal)?;
    let is_host = |typed: &str| typed == origin.host() || typed == host_in_letters(&origin);
    if confirm.is_some_and(|typed| !is_host(typed.trim())) {
        return Err(Problem::field("confirm", "confirm", "write the site's address to confirm"));
    }
    if !away {
        not_twice(app, at.customer, &origin, None).await?;
    }
    let what = if away { "site.archive" } else { "site.unarchive" };
    let entry = signed.did(what, key.as_str(), json!({ "url": site.origin }));
    app.store.archive(site.id, at.customer, away, entry).await.map_err(Problem::of_store)?;
    let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let country = company_of(app, at).await?.settings.country;
    Ok(Json(summary(site, country)))
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

/// Where a page of the audit begins.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// `next` of the page before.
    before: Option<Uuid>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    entries: Vec<AuditEntry>,
    /// Where the next page begins; none where this is the last.
    next: Option<Uuid>,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditEntry {
    id: Uuid,
    at: String,
    who: String,
    /// Like `site.publish`.
    what: String,
    object: String,
    #[schema(value_type = Object)]
    detail: Value,
}

/// Who changed what, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/audit", tag = "customer", params(Before),
    responses((status = 200, body = AuditPage), (status = 404)))]
pub(super) async fn audit(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(page): Query<Before>,
) -> Result<Json<AuditPage>, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let found = app.store.audit(at.customer, page.before, ENTRIES).await.map_err(Problem::of_store)?;
    let is_last = found.len() < usize::try_from(ENTRIES).unwrap_or(usize::MAX);
    let next = found.last().map(|entry| entry.id).filter(|_| !is_last);
    let entry = |entry: store::EntryRow| AuditEntry {
        id: entry.id,
        at: stamp(entry.at),
        who: entry.who,
        what: entry.what,
        object: entry.object,
        detail: entry.detail,
    };
    Ok(Json(AuditPage { entries: found.into_iter().map(entry).collect(), next }))
}
