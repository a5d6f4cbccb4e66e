//! What a site's pages load: one script with the site's published settings in it, and the files that it asks for when
//! they are needed, whose names change with their content.

mod config;
pub(super) mod trial;

pub(super) use config::version as consent_version;

use super::App;
use super::door::Page;
use super::error::Problem;
use super::status::slots;
use crate::clock::wall_now;
use crate::ids::SiteKey;
use crate::store::PublishedSite;
use crate::timeline::stamp;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use callback_core::number;
use callback_core::order::could_call;
use callback_core::site::Origin;
use callback_core::time::Ts;
use config::{Config, digest, trial_label};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// The built files.
#[derive(RustEmbed)]
#[folder = "../../web/widget/dist"]
#[allow_missing = true]
struct Built;

/// Where the loader has its site's settings.
const SETTINGS: &str = "\"$CONFIG$\"";
/// Sites whose scripts are kept; beyond them they are made anew.
const MOST: usize = 10_000;
/// A page that was loaded lately has the script of then; an older one is good enough while the next is fetched.
const SCRIPT_CACHING: &str = "public, max-age=60, stale-while-revalidate=86400";
const FILE_CACHING: &str = "public, max-age=31536000, immutable";
/// Times that are offered where it is closed.
const SLOTS: usize = 6;

/// The names of the built files.
#[derive(Deserialize)]
struct Files {
    watch: String,
    dialog: String,
    ru: String,
    en: String,
}

/// A script as it is sent.
struct Script {
    /// Of these settings.
    site: Arc<PublishedSite>,
    tag: String,
    plain: Bytes,
    gzip: Bytes,
}

/// Scripts by their sites' keys, each made once for the settings that it has.
#[derive(Default)]
pub(super) struct Scripts(RwLock<HashMap<SiteKey, Arc<Script>>>);

impl Scripts {
    fn of(&self, site: &Arc<PublishedSite>, own: &Origin) -> Result<Arc<Script>, Problem> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&site.key).cloned();
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.site, site)) {
            return Ok(known);
        }
        let made = Arc::new(Script::of(site, own)?);
        let mut scripts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if scripts.len() >= MOST {
            scripts.clear();
        }
        scripts.insert(site.key.clone(), made.clone());
        Ok(made)
    }
}

impl Script {
    fn of(site: &Arc<PublishedSite>, own: &Origin) -> Result<Self, Problem> {
        let scenarios = site.body.scenarios();
        let config = Config::of(site, &scenarios, own, &files()?, &COUNTRIES.0);
        let plain = with_settings(&config)?;
        Ok(Self {
            site: site.clone(),
            tag: format!("\"{}\"", digest(plain.as_bytes())),
            gzip: packed(&plain).map_err(Problem::internal)?,
            plain: plain.into(),
        })
    }
}

/// The names of the built files.
fn files() -> Result<Files, Problem> {
    let files = Built::get("files.json").ok_or(Problem::NotFound)?;
    serde_json::from_slice(&files.data).map_err(Problem::internal)
}

/// The loader, with a site's settings in it.
fn with_settings(config: &Config<'_>) -> Result<String, Problem> {
    let loader = Built::get("loader.js").ok_or(Problem::NotFound)?;
    let loader = String::from_utf8_lossy(&loader.data);
    let (before, after) = loader.split_once(SETTINGS).ok_or(Problem::NotFound)?;
    Ok(format!("{before}{}{after}", in_script(config)?))
}

/// The script of a site as a draft would have it, for who has the token.
pub(super) fn trial_script(app: &App, site: &PublishedSite, token: &str) -> Result<Response, Problem> {
    let key = format!("{}/trial/{token}", site.key);
    let label = trial_label(&site.body.look, site.body.language);
    let scenarios = site.body.scenarios();
    let config = Config::of(site, &scenarios, &app.door.origin, &files()?, &COUNTRIES.0);
    Ok((JAVASCRIPT, with_settings(&config.on_trial(&key, &label))?).into_response())
}

fn packed(text: &str) -> io::Result<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes())?;
    gzip.finish().map(Bytes::from)
}

/// JSON that ends no script that it stands in.
fn in_script(value: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_string(value).map_err(Problem::internal)?;
    Ok(json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// All countries with their calling codes and the groups of their numbers, a module of one text: `RU7:3 3-2-2,…`; its
/// name, its text, and that as it is sent.
static COUNTRIES: LazyLock<(String, Bytes, Bytes)> = LazyLock::new(|| {
    let line = |(country, code)| format!("{country}{code}:{}", number::groups(country));
    let list: Vec<String> = number::countries().into_iter().map(line).collect();
    let text = format!("export default\"{}\"", list.join(","));
    let gzip = packed(&text).unwrap_or_default();
    (format!("countries-{}.js", digest(text.as_bytes())), text.into(), gzip)
});

/// `GET /w/{site_key}.js`: any page may load it; it shows itself on the site's own.
pub(super) async fn script(
    State(app): State<App>,
    Path(script): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = script.strip_suffix(".js").and_then(|key| key.parse().ok()).ok_or(Problem::SiteUnknown)?;
    let site = app.store.site_by_key(&key).await.map_err(Problem::of_store)?.ok_or(Problem::SiteUnknown)?;
    let script = app.scripts.of(&site, &app.door.origin)?;
    app.signs.note(&site, &headers);
    let known =
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == script.tag.as_bytes());
    let caching = [(header::ETAG, script.tag.clone()), (header::CACHE_CONTROL, SCRIPT_CACHING.to_owned())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let takes_gzip = accepts(&headers, "gzip");
    let body = if takes_gzip { script.gzip.clone() } else { script.plain.clone() };
    let mut answer = (caching, JAVASCRIPT, body).into_response();
    if takes_gzip {
        answer.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}

const JAVASCRIPT: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
    (header::VARY, "accept-encoding"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| list.split(',').any(|part| part.trim().split(';').next() == Some(coding)))
}

/// Its own files alone, in a frame of the service's own pages alone.
const PREVIEW_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'none'; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'self'";

/// `GET /preview/`: the dialog as a draft would have it, for the cabinet's frame.
pub(super) async fn preview() -> Result<Response, Problem> {
    let page = Built::get("preview.html").ok_or(Problem::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PREVIEW_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, page.data).into_response())
}

/// `GET /w/a/{file}`: a module of any page (CORS), the same for ever.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let always = [(header::CACHE_CONTROL, FILE_CACHING), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    if name == COUNTRIES.0 {
        let (_, plain, gzip) = &*COUNTRIES;
        return Ok(if accepts(&headers, "gzip") && !gzip.is_empty() {
            (always, JAVASCRIPT, [(header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response()
        } else {
            (always, JAVASCRIPT, plain.clone()).into_response()
        });
    }
    // A module is named with its content; the loader, and what was packed, are not asked for by name.
    if !name.ends_with(".js") || !name.contains('-') {
        return Err(Problem::NotFound);
    }
    let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(coding, _)| accepts(&headers, coding));
    let mut packed = packed.filter_map(|(coding, end)| Some((coding, Built::get(&format!("{name}{end}"))?)));
    let (coding, file) = match packed.next() {
        Some((coding, file)) => (Some(coding), file),
        None => (None, Built::get(&name).ok_or(Problem::NotFound)?),
    };
    let mut answer = (always, JAVASCRIPT, file.data).into_response();
    if let Some(coding) = coding {
        answer.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(coding));
    }
    Ok(answer)
}

/// What can be promised now.
#[derive(Serialize)]
pub(super) struct Offer {
    /// None where no call could be made at once.
    promise_seconds: Option<u32>,
    /// When it could, where not now.
    slots: Vec<String>,
    /// When it opens, where it is closed.
    opens_at: Option<String>,
    offices: Vec<OfficeOffer>,
    /// Where the visitor is, by his address (ISO 3166); none where that is not known.
    country: Option<String>,
}

/// An office, as the visitor chooses.
#[derive(Serialize)]
struct OfficeOffer {
    name: String,
    open: bool,
    opens_at: Option<String>,
}

/// `GET /w/v1/{site_key}/offer`
pub(super) async fn offer(State(app): State<App>, page: Page) -> Response {
    let (site, now) = (&page.site, wall_now());
    let can_call = app.engine.can_call();
    let funds = app.engine.funds(site.customer.id).await;
    let could = |site: &PublishedSite| {
        can_call
            && could_call(&site.body, &site.customer.verified, &site.zone(), now)
            && funds.cover(site, now)
    };
    let offices: Vec<_> =
        site.body.offices.iter().filter_map(|office| site.at_office(&office.name)).collect();
    let is_open = could(site) || offices.iter().any(could);
    let keeps = site.body.promise_seconds > site.body.delay_to_visitor_s;
    let view = |site: &PublishedSite, name: &str| {
        let open = could(site);
        OfficeOffer { name: name.to_owned(), open, opens_at: later(site, now).filter(|_| !open) }
    };
    let named = site.body.offices.iter().zip(&offices).map(|(office, at)| view(at, &office.name)).collect();
    let offer = Offer {
        promise_seconds: (is_open && keeps).then_some(site.body.promise_seconds),
        slots: if is_open { Vec::new() } else { slots(site, now).take(SLOTS).map(stamp).collect() },
        opens_at: later(site, now).filter(|_| !is_open),
        offices: named,
        country: app
            .regions
            .as_ref()
            .and_then(|regions| regions.place(page.ip, site.body.language))
            .map(|at| at.country),
    };
    page.cors.on(Json(offer).into_response())
}

/// When a site opens that is closed.
fn later(site: &PublishedSite, now: Ts) -> Option<String> {
    site.opens(now).filter(|opens| *opens > now).map(stamp)
}
