//! Who asks: the user of a cookie, and his part at the customer that is asked about. What is not his is not there: it is
//! answered like what never was.

use crate::account::{CustomerNumber, Right, Role, Secret, fingerprint};
use crate::clock::wall_now;
use crate::ids::SiteKey;
use crate::store::{self, ABSOLUTE, Entry, LoginSession, NewSession, Part, User};
use crate::web::App;
use crate::web::door::client_ip;
use crate::web::error::{Problem, Refusal};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use callback_core::id::OrderId;
use callback_core::site::Origin;
use serde::Deserialize;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;
use uuid::Uuid;

/// The longest device's name that is kept.
const DEVICE: usize = 60;

/// Where a request comes from; one address may not ask without end.
pub(super) struct From {
    pub(super) ip: IpAddr,
    pub(super) device: String,
    /// The fingerprint of the cookie that the browser has; it may be worth nothing any more.
    cookie: Option<String>,
}

impl FromRequestParts<App> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        let ip = client_ip(&parts.headers, peer.ok_or(Problem::NotFound)?, app);
        app.flood.request(ip, Instant::now())?;
        Ok(Self { ip, device: device(&parts.headers), cookie: Cookie::of(&parts.headers, &app.door.origin) })
    }
}

impl From {
    /// A browser that signs in from here, and its cookie.
    pub(super) fn session(&self, app: &App) -> Result<(NewSession, Cookie), Problem> {
        let secret = Secret::draw().map_err(Problem::internal)?;
        let session = NewSession {
            id: Uuid::now_v7(),
            secret: secret.fingerprint(),
            ip: self.ip.to_string(),
            device: self.device.clone(),
            instead_of: self.cookie.clone(),
            now: wall_now(),
        };
        Ok((session, Cookie::set(&app.door.origin, &secret)))
    }
}

/// The browser, as its owner knows it again: "Firefox, Linux".
fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("YaBrowser", "Yandex Browser"),
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().filter(|c| !c.is_control()).take(DEVICE).collect(),
    }
}

/// The cookie that an answer sets or takes back (RFC 6265bis: `__Host-` where there is TLS).
pub(super) struct Cookie(String);

impl Cookie {
    fn name(origin: &Origin) -> &'static str {
        if origin.as_str().starts_with("https:") { "__Host-callback" } else { "callback" }
    }

    /// The fingerprint of the one that a request brings.
    fn of(headers: &HeaderMap, origin: &Origin) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == Self::name(origin)).map(|(_, secret)| fingerprint(secret))
    }

    fn set(origin: &Origin, secret: &Secret) -> Self {
        Self::with(origin, secret.expose(), ABSOLUTE.as_secs())
    }

    pub(super) fn none(origin: &Origin) -> Self {
        Self::with(origin, "", 0)
    }

    fn with(origin: &Origin, value: &str, seconds: u64) -> Self {
        let name = Self::name(origin);
        let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
        Self(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"))
    }

    /// Adds it to an answer.
    pub(super) fn on(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}

/// A user who is signed in, and his browser.
pub(super) struct Signed {
    pub(super) user: User,
    pub(super) session: LoginSession,
    pub(super) from: From,
}

impl FromRequestParts<App> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let from = From::from_request_parts(parts, app).await?;
        let secret = from.cookie.as_deref().ok_or(Problem::Refused(Refusal::LoginNeeded))?;
        let signed = app.store.signed_in(secret, wall_now()).await.map_err(Problem::of_store)?;
        let (user, session) = signed.ok_or(Problem::Refused(Refusal::LoginNeeded))?;
        // A page says who writes; somebody else may have logged in meanwhile, in another tab.
        let writes = parts.headers.get("x-user").map(HeaderValue::as_bytes);
        if writes.is_some_and(|writes| writes != user.id.to_string().as_bytes()) {
            let text = "Somebody else has logged in in this browser. Load the page again.";
            return Err(Problem::Refused(Refusal::Conflict("other-login", text)));
        }
        Ok(Self { user, session, from })
    }
}

impl Signed {
    /// His part at a customer, by its number in the path.
    pub(super) async fn at(&self, app: &App, number: &str, right: Right) -> Result<Part, Problem> {
        let number: CustomerNumber = number.parse().map_err(|_| Problem::NotFound)?;
        let part = app.store.part(self.user.id, store::Asked::Customer(number)).await;
        may(part.map_err(Problem::of_store)?, right)
    }

    /// His part at the customer of a site.
    pub(super) async fn at_site(&self, app: &App, key: &str, right: Right) -> Result<Part, Problem> {
        let key: SiteKey = key.parse().map_err(|_| Problem::NotFound)?;
        let part = app.store.part(self.user.id, store::Asked::Site(key)).await;
        may(part.map_err(Problem::of_store)?, right)
    }

    /// His part at the customer of a call.
    pub(super) async fn at_call(&self, app: &App, call: Uuid, right: Right) -> Result<Part, Problem> {
        let part = app.store.part(self.user.id, store::Asked::Call(OrderId(call))).await;
        may(part.map_err(Problem::of_store)?, right)
    }

    /// What he does, for the audit.
    pub(super) fn did(&self, what: &'static str, object: &str, detail: Value) -> Entry {
        Entry {
            user: Some(self.user.id),
            who: self.user.name.clone(),
            what,
            object: object.to_owned(),
            detail,
            now: wall_now(),
        }
    }
}

/// Of which site something is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfSite {
    /// The key of the site; all where there is none.
    pub(super) site: Option<String>,
}

/// A site that is asked about beside its customer: one of another is not there.
pub(super) async fn asked_site(app: &App, at: &Part, key: Option<&str>) -> Result<Option<SiteKey>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let key: SiteKey = key.parse().map_err(|_| Problem::NotFound)?;
    let is_its = app.store.has_site(at.customer, &key).await.map_err(Problem::of_store)?;
    if is_its { Ok(Some(key)) } else { Err(Problem::NotFound) }
}

fn may(part: Option<Part>, right: Right) -> Result<Part, Problem> {
    let part = part.ok_or(Problem::NotFound)?;
    if part.role.may(right) {
        Ok(part)
    } else {
        Err(Problem::Refused(Refusal::NotAllowed { needed: Role::Owner }))
    }
}
