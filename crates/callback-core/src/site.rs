//! Settings of a customer's site, parsed: what a published version holds. No string in here carries meaning
//! that has not been checked.

use crate::behaviour::{self, Scenario};
use crate::blacklist::Blacklist;
use crate::id::ManagerId;
use crate::look::Look;
use crate::number::{Country, PhoneNumber};
use crate::plan::{AcceptKey, Mode, RingStrategy, Telephone};
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use url::{Host, Url};
use uuid::Uuid;

/// Managers of one site at most (R12).
pub const MANAGERS: usize = 15;

/// A site as it was published: a version's body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The name that is spoken to managers and shown as the caller: the host of its address.
    pub name: Arc<str>,
    /// Its address: host and port; with `www` or without it, by whichever scheme, it is the same site's.
    pub origin: Origin,
    /// Whether pages of its subdomains are the site's too (R1).
    #[serde(default)]
    pub subdomains: bool,
    /// Who is dialled first.
    pub mode: Mode,
    /// How managers are sought.
    pub strategy: RingStrategy,
    /// The promise, 5–600.
    pub promise_seconds: u32,
    /// How often the managers are gone through, 1–5.
    pub rounds: u8,
    /// How long a manager rings, 5–60.
    pub ring_timeout_s: u32,
    /// How long the visitor rings, 15–60.
    pub visitor_ring_timeout_s: u32,
    /// How long managers are sought, 30–600.
    pub total_time_s: u32,
    /// Between the two calls (R17), 0–60.
    pub delay_to_visitor_s: u32,
    /// The longest talk, 60–14400.
    pub max_talk_s: u32,
    /// Whether managers hear for which site the call is (R21).
    pub announce: Announce,
    /// The language of prompts: "ru" or "en".
    pub language: Language,
    /// How the name is spoken to managers, where the voice would read it wrongly; at most 100 characters.
    #[serde(default)]
    pub pronunciation: Option<Arc<str>>,
    /// A sound that the customer sent in, by its id: it is played in place of the spoken name.
    #[serde(default)]
    pub own_recording: Option<Uuid>,
    /// A WAV file on the service's machine that is played in place of the spoken name.
    #[serde(default)]
    pub recording: Option<Arc<str>>,
    /// What the visitor is shown.
    pub caller_id_to_visitor: ShownNumber,
    /// What managers are shown.
    pub caller_id_to_manager: ShownNumber,
    /// Where visitors may be called (R24).
    pub countries: Vec<Country>,
    /// When calls are taken (R16), in the customer's time zone.
    #[serde(default)]
    pub schedule: Schedule,
    /// Who is never called for this site (R25).
    #[serde(default)]
    pub blacklist: Blacklist,
    /// Whether the dialog tells a manager's first name.
    #[serde(default = "yes")]
    pub show_manager_name: bool,
    /// Where numbers without a country code are read; the customer's country where there is none (R24).
    #[serde(default)]
    pub default_country: Option<Country>,
    /// Whether the managers are the site's own; else they are the customer's.
    #[serde(default = "yes")]
    pub own_managers: bool,
    /// Up to [`MANAGERS`], no two with the same telephone.
    pub managers: Vec<Manager>,
    /// Offices that a visitor chooses from, each with managers and hours of its own (R23).
    #[serde(default)]
    pub offices: Vec<Office>,
    /// Whether those who are told of its missed calls are the site's own; else they are the customer's (R14).
    #[serde(default)]
    pub own_missed_emails: bool,
    /// Its own addresses for that.
    #[serde(default)]
    pub missed_emails: Vec<Arc<str>>,
    /// Whom the widget offers a call by itself, the first that holds (R39); as usual, where there are none.
    #[serde(default)]
    pub scenarios: Option<Vec<Scenario>>,
    /// After an order nothing is offered by itself for so many days, 0–90 (R44).
    #[serde(default = "week")]
    pub quiet_days: u32,
    /// What the widget says and how it looks.
    #[serde(default)]
    pub look: Look,
}

/// Offices of one site at most.
pub const OFFICES: usize = 50;

/// An office of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Office {
    /// Its name.
    pub name: Arc<str>,
    /// Its time zone, by its IANA name; the customer's where there is none.
    pub time_zone: Option<Arc<str>>,
    /// Its hours; the site's where there are none.
    pub schedule: Option<Schedule>,
    /// Its managers.
    pub managers: Vec<Manager>,
}

impl Site {
    /// Whom the widget offers a call by itself.
    #[must_use]
    pub fn scenarios(&self) -> Cow<'_, [Scenario]> {
        self.scenarios.as_deref().map_or_else(|| behaviour::usual(self.language).into(), Cow::Borrowed)
    }
}

fn yes() -> bool {
    true
}

fn week() -> u32 {
    7
}

/// A manager of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manager {
    /// The same as long as site and telephone are the same.
    pub id: ManagerId,
    /// For journal and dialog.
    pub name: Arc<str>,
    /// Where.
    pub telephone: Telephone,
    /// From the answer to the first key of the extension, 0–50 (R18).
    pub extension_delay_s: u32,
    /// Whether he must press 1.
    pub accept_key: AcceptKey,
    /// Whether he is called at all.
    #[serde(default = "yes")]
    pub on: bool,
    /// When he is called, in the customer's time zone; always, while the site is open, where there are none.
    #[serde(default)]
    pub hours: Option<Schedule>,
}

/// When managers hear the site's announcement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    /// When the customer has more than one site.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The language of prompts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

/// Which number a side is shown (R19).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownNumber {
    /// The service's own.
    #[default]
    Service,
    /// The visitor's.
    Visitor,
    /// A certain one.
    Number(PhoneNumber),
}

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
