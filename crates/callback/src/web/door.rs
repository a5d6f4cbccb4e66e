//! Who may ask: the page's origin must be the site's, or the service's own; and whose address a request has.

use super::App;
use super::error::Problem;
use crate::store::{AddressCaps, PublishedSite};
use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callback_core::arrival::Device;
use callback_core::id::OrderId;
use callback_core::number::Country;
use callback_core::site::Origin;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// What of the configuration decides who may ask.
#[derive(Clone, Debug)]
pub struct Door {
    /// The service's own origin.
    pub origin: Origin,
    /// Proxies whose word on a visitor's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// How many orders may wait.
    pub queue: u32,
    /// The countries that are called; all of them where it is empty.
    pub countries: Vec<Country>,
    /// What is held to; none in practice.
    pub caps: Option<AddressCaps>,
}

impl Door {
    /// Whether the operator has this country called at all, by whatever site.
    pub(crate) fn calls(&self, country: Country) -> bool {
        self.countries.is_empty() || self.countries.contains(&country)
    }
}

/// A request from a site's page: for which site, and whose; it may be asked.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) site: Arc<PublishedSite>,
    /// The order that it is about, where its id is one.
    pub(crate) order: Option<OrderId>,
    /// The visitor's address.
    pub(crate) ip: IpAddr,
    /// With what he is there.
    pub(crate) device: Option<Device>,
    pub(crate) cors: Cors,
}

impl FromRequestParts<App> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path: Result<Path<Vec<(String, String)>>, _> = Path::from_request_parts(parts, app).await;
        let Path(path) = path.map_err(|_| Problem::NotFound)?;
        let mut path = path.into_iter().map(|(_, part)| part);
        let (key, order) = (path.next().unwrap_or_default(), path.next());
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        let peer = peer.ok_or(Problem::NotFound)?;
        let ip = client_ip(&parts.headers, peer, app);
        app.flood.request(ip, Instant::now())?;
        let key = key.parse().map_err(|_| Problem::SiteUnknown)?;
        let site = app.store.site_by_key(&key).await.map_err(Problem::of_store)?;
        let site = site.ok_or(Problem::SiteUnknown)?;
        let cors = if parts.method == Method::POST {
            post(&parts.headers, &site, app)
        } else {
            get(&parts.headers, &site, app)
        }?;
        let order = order.and_then(|order| order.parse().ok()).map(OrderId);
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { site, order, ip, device: agent.and_then(Device::of), cors })
    }
}

/// The headers that let the page read the answer (WHATWG Fetch, CORS).
#[derive(Debug)]
pub(crate) struct Cors(Option<HeaderValue>);

/// A request that changes something: its origin must be named and right.
fn post(headers: &HeaderMap, site: &PublishedSite, app: &App) -> Result<Cors, Problem> {
    let origin = headers.get(header::ORIGIN).ok_or(Problem::OriginRefused)?;
    allowed(origin, site, app)
}

/// A request that only reads: without an origin it must come from our own pages.
fn get(headers: &HeaderMap, site: &PublishedSite, app: &App) -> Result<Cors, Problem> {
    match headers.get(header::ORIGIN) {
        Some(origin) => allowed(origin, site, app),
        None if headers.get("sec-fetch-site").is_some_and(|from| from == "same-origin") => Ok(Cors(None)),
        None => Err(Problem::OriginRefused),
    }
}

fn allowed(origin: &HeaderValue, site: &PublishedSite, app: &App) -> Result<Cors, Problem> {
    let named = origin.to_str().ok().and_then(|text| Origin::parse(text).ok());
    let body = &site.body;
    if named.is_some_and(|named| body.origin.has(&named, body.subdomains) || named == app.door.origin) {
        Ok(Cors(Some(origin.clone())))
    } else {
        Err(Problem::OriginRefused)
    }
}

impl Cors {
    /// Adds the headers to an answer.
    pub(crate) fn on(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(origin) = self.0 {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        response
    }

    /// The answer to a browser that asks first.
    pub(crate) fn preflight(self) -> Response {
        let mut response = self.on(StatusCode::NO_CONTENT.into_response());
        let allow: [(HeaderName, &str); 3] = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ];
        for (name, value) in allow {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The visitor's address: the peer's, or what a trusted proxy says, read from the right (RFC 7239 §8.1).
pub(super) fn client_ip(headers: &HeaderMap, peer: SocketAddr, app: &App) -> IpAddr {
    let trusted = |ip: &IpAddr| app.door.trusted_proxies.iter().any(|network| network.contains(ip));
    let mut ip = peer.ip().to_canonical();
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    while trusted(&ip) {
        let Some(hop) = hops.pop().and_then(|hop| hop_ip(hop.trim())) else { break };
        ip = hop.to_canonical();
    }
    ip
}

/// The address of a hop; some proxies write its port after it (RFC 7239 §6).
fn hop_ip(hop: &str) -> Option<IpAddr> {
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip())).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::hop_ip;

    #[test]
    fn proxies_write_addresses_with_and_without_ports() {
        for (hop, ip) in [
            ("192.0.2.43", Some("192.0.2.43")),
            ("192.0.2.43:47011", Some("192.0.2.43")),
            ("2001:db8:cafe::17", Some("2001:db8:cafe::17")),
            ("[2001:db8:cafe::17]", Some("2001:db8:cafe::17")),
            ("[2001:db8:cafe::17]:4711", Some("2001:db8:cafe::17")),
            ("unknown", None),
            ("_hidden", None),
            ("192.0.2.43:", None),
            ("", None),
        ] {
            assert_eq!(hop_ip(hop).map(|ip| ip.to_string()).as_deref(), ip, "{hop}");
        }
    }
}
