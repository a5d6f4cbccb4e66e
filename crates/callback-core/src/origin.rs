//! The origins of web pages, and which of them are of one site.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::{Host, Url};

/// The origin of a web page (RFC 6454): scheme, host in ASCII, port where it is not the scheme's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(Arc<str>);

/// A text that is no site's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a site's address, like https://shop.example")]
pub struct NotAnOrigin;

impl Origin {
    /// Takes the origin out of an address (WHATWG URL): path, query, a default port and the root's dot fall away, letters
    /// become small.
    ///
    /// # Errors
    /// No `http` or `https`, no host, a host that is not ASCII (give its punycode), user information.
    pub fn parse(address: &str) -> Result<Self, NotAnOrigin> {
        let (_, rest) = address.trim().split_once("://").ok_or(NotAnOrigin)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
        if authority.len() > 255 || !authority.bytes().all(allowed) {
            return Err(NotAnOrigin);
        }
        let url = Url::parse(address.trim()).map_err(|_| NotAnOrigin)?;
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = match url.host().filter(|_| matches!(url.scheme(), "http" | "https") && port != ":0") {
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let is_label = |label: &str| {
                    (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
                };
                Some(name.to_owned()).filter(|name| name.split('.').all(is_label))
            }
            Some(address @ (Host::Ipv4(_) | Host::Ipv6(_))) => Some(address.to_string()),
            None => None,
        };
        let host = host.ok_or(NotAnOrigin)?;
        Ok(Self(format!("{}://{host}{port}", url.scheme()).into()))
    }

    /// The host, without scheme and port.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or(&*self.0, |(_, authority)| authority);
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Whether another one is of the same site: with `www` or without it, by `http` or `https`; or, where those are of
    /// it too, of a subdomain.
    #[must_use]
    pub fn has(&self, other: &Self, subdomains: bool) -> bool {
        let bare = |origin: &Self| {
            let authority = origin.0.split_once("://").map_or(&*origin.0, |(_, authority)| authority);
            authority.strip_prefix("www.").unwrap_or(authority).to_owned()
        };
        let (own, other) = (bare(self), bare(other));
        own == other || (subdomains && other.strip_suffix(&own).is_some_and(|rest| rest.ends_with('.')))
    }

    /// As a browser writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn a_site_is_the_same_by_www_and_scheme() {
        let origin = |text: &str| Origin::parse(text).unwrap();
        let own = origin("https://roga.example");
        for (other, alone, with_subdomains) in [
            ("https://www.roga.example", true, true),
            ("http://roga.example", true, true),
            ("http://shop.roga.example", false, true),
            ("https://otherroga.example", false, false),
            ("https://roga.example.evil.example", false, false),
            ("https://roga.example:8443", false, false),
        ] {
            assert_eq!(
                (own.has(&origin(other), false), own.has(&origin(other), true)),
                (alone, with_subdomains),
                "{other}"
            );
        }
        assert!(origin("http://www.roga.example").has(&own, false));
        for wrong in ["https://a..example", "https://-x.example", "https://x-.example", "https://.example"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_one_origin_however_it_is_written() {
        let check = |text: &str, origin: Option<&str>, host: &str| {
            let parsed = Origin::parse(text).ok();
            assert_eq!(parsed.as_ref().map(Origin::as_str), origin, "{text}");
            assert_eq!(parsed.as_ref().map_or("", Origin::host), host, "{text}");
        };
        check("https://Shop.Example/catalogue?x=1", Some("https://shop.example"), "shop.example");
        check("https://shop.example:443", Some("https://shop.example"), "shop.example");
        check("http://localhost:8080/", Some("http://localhost:8080"), "localhost");
        check("http://[::1]:8080", Some("http://[::1]:8080"), "[::1]");
        check("https://xn--80aswg.xn--p1ai", Some("https://xn--80aswg.xn--p1ai"), "xn--80aswg.xn--p1ai");
        for wrong in [
            "",
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://user@shop.example",
            "https://сайт.рф",
        ] {
            check(wrong, None, "");
        }
    }
}
