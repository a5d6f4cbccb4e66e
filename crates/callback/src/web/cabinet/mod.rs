//! The cabinet's API, `/api/v1` (docs/api.md): accounts, teams, settings, calls. Its OpenAPI document is made from these
//! handlers, and the browser's types are made from that.

mod account;
mod balance;
mod call_row;
mod calls;
mod charged;
mod customer;
mod draft;
mod export;
mod fields;
mod filter;
mod guess;
mod installation;
mod known;
mod links;
mod me;
mod notices;
mod outbox;
mod pages;
mod payments;
mod phones;
mod read;
mod recordings;
mod scenarios;
mod scope;
mod signed;
mod statement;
mod statistics;
mod team;
mod trial;
mod tried;
mod versions;
mod visitors;
mod watch;

use super::App;
use super::error::Problem;
use crate::account::Hasher;
use crate::payments::Payments;
use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use axum::routing::get;
use callback_core::money::Currency;
use callback_core::number::PhoneNumber;
use callback_core::site::Origin;
use callback_phone::TrunkConfig;
pub(super) use pages::unknown as unknown_page;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower_http::csrf::CsrfLayer;
pub(super) use trial::{event as trial_event, order as trial_order, script as trial_script};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest body: a field of a draft is sent as a whole, and a blacklist has ten thousand entries.
const BODY: usize = 4 << 20;

/// What the cabinet works with, beside the rest.
pub(crate) struct Cabinet {
    pub(super) hasher: Hasher,
    /// Letters leave by SMTP; else they stay in the outbox.
    pub(super) mails: bool,
    /// Nobody outside is called.
    pub(super) practice: bool,
    /// What the lines show.
    pub(super) lines: Lines,
    /// In what calls are charged; none where they are not.
    pub(super) currency: Option<Currency>,
    /// How customers pay; none where they pay by hand alone.
    pub(super) payments: Option<Payments>,
}

/// Which numbers the trunks may show.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Lines {
    /// Any.
    pub(crate) any: bool,
    /// Or these.
    #[schema(value_type = Vec<String>)]
    pub(crate) numbers: BTreeSet<PhoneNumber>,
}

impl Lines {
    /// Of all trunks: what one of them may show.
    pub(crate) fn of(trunks: &[TrunkConfig]) -> Self {
        Self {
            any: trunks.iter().any(|trunk| trunk.may_send_any_caller_id),
            numbers: trunks.iter().flat_map(|trunk| trunk.caller_ids.iter().copied()).collect(),
        }
    }
}

impl Cabinet {
    /// Puts it together.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(crate) fn new(
        mails: bool,
        practice: bool,
        lines: Lines,
        currency: Option<Currency>,
        payments: Option<Payments>,
    ) -> anyhow::Result<Self> {
        Ok(Self { hasher: Hasher::usual()?, mails, practice, lines, currency, payments })
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "CallBack",
    description = "Accounts, settings and calls of a company. Errors are problem details (RFC 9457).",
    license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
))]
struct Document;

/// The routes of the API, and the document that tells of them.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(account::service))
        .routes(routes!(account::register))
        .routes(routes!(account::confirm))
        .routes(routes!(account::login))
        .routes(routes!(account::logout))
        .routes(routes!(account::forgot))
        .routes(routes!(account::reset))
        .routes(routes!(account::confirm_email))
        .routes(routes!(account::invitation, account::accept_invitation))
        .routes(routes!(me::show, me::change))
        .routes(routes!(me::session))
        .routes(routes!(me::password))
        .routes(routes!(me::email))
        .routes(routes!(me::sessions))
        .routes(routes!(me::sign_out))
        .routes(routes!(me::begin_totp, me::end_totp))
        .routes(routes!(me::confirm_totp))
        .routes(routes!(customer::found))
        .routes(routes!(customer::show))
        .routes(routes!(customer::audit))
        .routes(routes!(customer::add_site))
        .routes(routes!(visitors::find))
        .routes(routes!(visitors::export))
        .routes(routes!(visitors::erase))
        .routes(routes!(visitors::retention, visitors::keep))
        .routes(routes!(team::show))
        .routes(routes!(team::invite))
        .routes(routes!(team::end_invitation))
        .routes(routes!(team::change, team::remove))
        .routes(routes!(team::telephones))
        .routes(routes!(team::tie))
        .routes(routes!(draft::site, draft::change_site, draft::reset_site))
        .routes(routes!(draft::publish_site))
        .routes(routes!(versions::site_versions))
        .routes(routes!(versions::site_version))
        .routes(routes!(versions::restore_site))
        .routes(routes!(installation::show))
        .routes(routes!(trial::link))
        .routes(routes!(scenarios::shows))
        .routes(routes!(scenarios::attempt))
        .routes(routes!(tried::rehearsal))
        .routes(routes!(customer::archive))
        .routes(routes!(customer::unarchive))
        .routes(routes!(draft::company, draft::change_company, draft::reset_company))
        .routes(routes!(draft::publish_company))
        .routes(routes!(versions::company_versions))
        .routes(routes!(versions::company_version))
        .routes(routes!(versions::restore_company))
        .routes(routes!(tried::announcement))
        .routes(routes!(recordings::send))
        .routes(routes!(tried::test_call))
        .routes(routes!(known::countries))
        .routes(routes!(known::holidays))
        .routes(routes!(phones::show))
        .routes(routes!(phones::verify))
        .routes(routes!(phones::confirm))
        .routes(routes!(statistics::overview))
        .routes(routes!(statistics::analysis))
        .routes(routes!(calls::journal))
        .routes(routes!(export::csv))
        .routes(routes!(export::xlsx))
        .routes(routes!(calls::open))
        .routes(routes!(watch::events))
        .routes(routes!(calls::show))
        .routes(routes!(calls::again))
        .routes(routes!(calls::called_back))
        .routes(routes!(calls::note))
        .routes(routes!(balance::show))
        .routes(routes!(balance::price))
        .routes(routes!(statement::lines))
        .routes(routes!(statement::csv))
        .routes(routes!(payments::list, payments::begin))
        .routes(routes!(notices::list))
        .routes(routes!(notices::test))
}

/// The document, as `callback openapi` prints it.
///
/// # Errors
/// It has no JSON form.
pub(crate) fn document() -> anyhow::Result<String> {
    Ok(api().into_openapi().to_pretty_json()?)
}

/// The cabinet's routes: its API, its pages, and the outbox.
pub(super) fn router(origin: &Origin) -> anyhow::Result<Router<App>> {
    let (api, document) = api().split_for_parts();
    let document = Arc::new(document);
    let told = get(move || {
        let document = Arc::clone(&document);
        async move { Json(&*document).into_response() }
    });
    // Behind a proxy that changes `Host`, the service's own pages are known by their origin.
    let csrf = CsrfLayer::new()
        .add_trusted_origin(origin.as_str())?
        .with_rejection_response(|_| Problem::OriginRefused.into_response());
    Ok(api
        .route("/api/v1/openapi.json", told)
        .layer(csrf)
        .layer(DefaultBodyLimit::max(BODY))
        .route("/outbox", get(outbox::show))
        .merge(pages::router()))
}

#[cfg(test)]
mod tests {
    use super::document;
    use serde_json::Value;

    #[test]
    fn the_document_names_every_part_of_a_path() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        for (path, kinds) in document["paths"].as_object().unwrap() {
            let parts: Vec<_> =
                path.split('{').skip(1).filter_map(|part| part.split('}').next()).map(Value::from).collect();
            for (kind, operation) in kinds.as_object().unwrap() {
                let named = operation["parameters"].as_array().into_iter().flatten();
                let named: Vec<_> =
                    named.filter(|part| part["in"] == "path").map(|part| part["name"].clone()).collect();
                assert_eq!(named, parts, "{kind} {path}");
            }
        }
    }
}
