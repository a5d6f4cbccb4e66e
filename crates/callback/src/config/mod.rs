//! callback.toml and the environment, parsed at the door: what the operator decides about one node.
//!
//! Everything that is wrong is said at once, with its key, its value and what to write instead. It opens nothing:
//! whether a port is free or a database answers is `check`'s to find out.

mod env;
mod parse;
mod raw;

use crate::door::Door;
use crate::speech::Voice;
use callback_core::billing::WhenOut;
use callback_core::money::{Currency, Micros};
use callback_core::number::{Country, PhoneNumber};
use callback_core::site::Origin;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is read where none is named.
pub const USUAL_FILE: &str = "callback.toml";

/// What the operator decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Browsers, and whoever measures.
    pub http: Http,
    /// `sqlite://FILE` or `postgres://…`; it may hold a password.
    pub database_url: Secret,
    /// Signalling.
    pub sip: Sip,
    /// Sound.
    pub media: Media,
    /// How much is taken in.
    pub limits: Limits,
    /// Announcements.
    pub speech: Speech,
    /// Where addresses are; none where nobody tells.
    pub regions: Option<Regions>,
    /// The way of letters; none where they only land in the outbox.
    pub mail: Option<Mail>,
    /// How calls are charged; none where they are not.
    pub billing: Option<Billing>,
    /// The practice exchange; none where it is off.
    pub practice: Option<SocketAddr>,
    /// The providers, in the order of the file.
    pub trunks: Vec<Trunk>,
}

/// `[http]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Http {
    /// Where pages and the API are served.
    pub listen: SocketAddr,
    /// How browsers reach it.
    pub public_url: Origin,
    /// Where `/metrics` is served.
    pub metrics_listen: SocketAddr,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Http {
    /// Whether a neighbour's word about where a request came from is believed.
    #[must_use]
    pub fn trusts(&self, neighbour: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&neighbour))
    }
}

/// `[sip]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sip {
    /// UDP addresses; at least one.
    pub listen: Vec<SocketAddr>,
    /// What the outside sees instead, behind NAT.
    pub advertised: Option<HostPort>,
    /// Whether a SIP endpoint's name may lead into a private network.
    pub private_names: bool,
}

/// A host, and a port where it is not the usual one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostPort {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

impl fmt::Display for HostPort {
    /// As in a URI (RFC 3986 §3.2): IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// `[media]`, of the embedded plane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Media {
    /// Where it is bound.
    pub address: IpAddr,
    /// Even first port; RTP on even ports, RTCP on the next.
    pub ports: RangeInclusive<u16>,
    /// What the outside sees instead, behind NAT.
    pub advertised: Option<IpAddr>,
}

/// `[limits]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Orders that may wait.
    pub queue: u32,
    /// Of one address; IPv6 by /64.
    pub orders_per_ip_10min: u32,
    /// Of one address; IPv6 by /64.
    pub orders_per_ip_hour: u32,
    /// What is called at all; everything where it is empty.
    pub countries: Vec<Country>,
}

/// `[speech]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Speech {
    /// Who speaks.
    pub voice: Voice,
    /// Where what was spoken is kept.
    pub folder: PathBuf,
}

/// `[regions]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Regions {
    /// A database in MaxMind's format.
    pub database: PathBuf,
    /// What its licence asks to be said of it; may be empty.
    pub attribution: String,
}

/// `[mail]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The server that takes letters (SMTP, RFC 5321).
    pub server: HostPort,
    /// How the way to it is guarded.
    pub security: MailSecurity,
    /// For SMTP AUTH, where the server asks for it.
    pub credentials: Option<Credentials>,
    /// From whom letters are.
    pub from: lettre::message::Mailbox,
}

/// `[billing]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Billing {
    /// What customers pay in who have not paid yet.
    pub currency: Currency,
    /// By whose midnights the dates of decks count: an IANA name.
    pub time_zone: String,
    /// What becomes of a talk that its customer's money does not cover.
    pub when_out: WhenOut,
    /// A talk is paid so long ahead: when that cannot be, it is cut so much later, and the manager warned until then.
    pub warn: Duration,
    /// A number whose first minute is charged more, in this currency, is not dialled.
    pub dearest_minute: Option<Micros>,
}

/// How the way to the server of letters is guarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailSecurity {
    /// TLS is begun on the way, or nothing is sent (RFC 3207); port 587.
    StartTls,
    /// TLS from the first byte (RFC 8314); port 465.
    Tls,
    /// Not at all: for a server on the same machine; port 25.
    None,
}

/// `[[trunk]]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trunk {
    /// In logs and records.
    pub name: String,
    /// Where calls are sent, over UDP.
    pub proxy: HostPort,
    /// For digest authentication, where the provider asks for it.
    pub credentials: Option<Credentials>,
    /// The numbers that may be shown; the first is the service's own. At least one.
    pub caller_ids: Vec<PhoneNumber>,
    /// Any other number may be shown too.
    pub may_send_any_caller_id: bool,
    /// Calls at once.
    pub channels: u16,
    /// New calls within a second.
    pub cps: u16,
    /// The lower the earlier it is chosen.
    pub prefer: u16,
    /// How the provider wants numbers.
    pub number_format: NumberFormat,
}

/// A user name and its password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How a provider wants numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberFormat {
    /// `+74951234567`
    Plus,
    /// `74951234567`
    Bare,
    /// `84951234567`, and `810…` for other countries
    Eight,
}

/// A text that is shown to nobody: its `Debug` is three stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for whom it is meant.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// All that is wrong with the configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the named file, or [`USUAL_FILE`] where there is one, and this process's environment.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(file: Option<&Path>) -> Result<Self, Problems> {
        let path = file.unwrap_or(Path::new(USUAL_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Problems(vec![format!("{} cannot be read: {error}", path.display())])),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, &std::env::vars().collect(), |name| std::fs::read_to_string(folder.join(name)))
    }

    /// Reads a text, and an environment over it. `secrets` reads the files of passwords.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn parse(
        text: &str,
        env: &BTreeMap<String, String>,
        secrets: impl Fn(&str) -> io::Result<String>,
    ) -> Result<Self, Problems> {
        // Read twice: the text alone for errors with their lines, then with the environment over it.
        toml::from_str::<raw::File>(text).map_err(|error| Problems(vec![in_line(text, &error)]))?;
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| Problems(vec![in_line(text, &error)]))?;
        let mut door = Door::new();
        env::overlay(&mut door, &mut table, env);
        let file = table.try_into::<raw::File>();
        let file = file.map_err(|error| Problems(vec![format!("the environment: {}", error.message())]))?;
        let config = parse::config(&mut door, &file, &secrets);
        let problems = door.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(Problems(problems)),
        }
    }
}

/// An error of TOML with its line; the line itself is not repeated, it may be a password's.
fn in_line(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.matches('\n').count().saturating_add(1);
    let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
    if line.contains("password") || line.contains("url") {
        return format!("line {number}: write a text in quotes");
    }
    format!("line {number}: {}", error.message())
}

#[cfg(test)]
mod tests;
