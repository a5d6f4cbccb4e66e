//! The values of callback.toml: text in, types out.

use super::{
    Billing, Config, Credentials, HostPort, Http, Limits, Mail, MailSecurity, Media, NumberFormat, Regions,
    Secret, Sip, Speech, Trunk, raw,
};
use crate::door::Door;
use crate::speech::Voice;
use callback_core::billing::WhenOut;
use callback_core::money::Micros;
use callback_core::number::PhoneNumber;
use callback_core::site::Origin;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Ports below are the system's.
const FIRST_PORT: u16 = 1_024;
/// Addresses, networks or numbers in one list, at most.
const LONGEST_LIST: usize = 1_000;
/// A path, at most.
const LONGEST_PATH: usize = 1_000;

/// The whole file; what is wrong is said at the door.
pub(super) fn config(
    door: &mut Door,
    raw: &raw::File,
    secrets: &dyn Fn(&str) -> io::Result<String>,
) -> Option<Config> {
    let http = http(door, &raw.http);
    let database_url = database_url(door, raw.database.url.as_deref().unwrap_or("sqlite://callback.db"));
    let sip = sip(door, &raw.sip);
    let media = media(door, &raw.media);
    let limits = limits(door, &raw.limits);
    let speech = speech(door, &raw.speech);
    let regions = regions(door, &raw.regions);
    let mail = mail(door, &raw.mail, secrets);
    let billing = billing(door, &raw.billing);
    let practice = socket(door, "practice.listen", raw.practice.listen.as_deref(), "127.0.0.1:5080");
    let trunks = trunks(door, &raw.trunk, secrets);
    Some(Config {
        http: http?,
        database_url: database_url?,
        sip: sip?,
        media: media?,
        limits: limits?,
        speech: speech?,
        regions: regions?,
        mail: mail?,
        billing: billing?,
        practice: practice.filter(|_| raw.practice.enabled.unwrap_or(false)),
        trunks,
    })
}

/// None within where there is no database.
fn regions(door: &mut Door, raw: &raw::Regions) -> Option<Option<Regions>> {
    let Some(path) = raw.database.as_deref().filter(|path| !path.is_empty()) else { return Some(None) };
    let path = door.text("regions.database", path, LONGEST_PATH);
    let attribution = raw.attribution.clone().unwrap_or_default();
    let attribution = if attribution.is_empty() {
        Some(String::new())
    } else {
        door.text("regions.attribution", &attribution, 200)
    };
    Some(Some(Regions { database: path?.into(), attribution: attribution? }))
}

fn speech(door: &mut Door, raw: &raw::Speech) -> Option<Speech> {
    let voices = [
        ("auto", Voice::Auto),
        ("festival", Voice::Festival),
        ("espeak-ng", Voice::EspeakNg),
        ("none", Voice::None),
    ];
    let voice = door.word("speech.voice", raw.voice.as_deref(), &voices);
    let folder = raw.folder.as_deref().unwrap_or("callback-speech");
    let folder = door.text("speech.folder", folder, LONGEST_PATH).map(PathBuf::from);
    Some(Speech { voice: voice?, folder: folder? })
}

/// None where letters only land in the outbox.
fn mail(
    door: &mut Door,
    raw: &raw::Mail,
    secrets: &dyn Fn(&str) -> io::Result<String>,
) -> Option<Option<Mail>> {
    let securities =
        [("starttls", MailSecurity::StartTls), ("tls", MailSecurity::Tls), ("none", MailSecurity::None)];
    let security = door.word("mail.security", raw.security.as_deref(), &securities);
    let from = raw.from.as_deref().unwrap_or("CallBack <noreply@callback.example>");
    let from = door.parse("mail.from", from, |text| {
        text.parse().map_err(|_| "write from whom letters are, like CallBack <noreply@shop.example>")
    });
    let given = (raw.username.as_deref(), raw.password.as_deref(), raw.password_file.as_deref());
    let credentials = door.inside("mail".to_owned(), String::new(), |door| credentials(door, given, secrets));
    let server = match raw.server.as_deref().unwrap_or_default() {
        "" => return Some(None),
        text => door.parse("mail.server", text, |text| {
            host_port(text)
                .ok_or("write the server that takes letters, like smtp.example or smtp.example:587")
        }),
    };
    Some(Some(Mail { server: server?, security: security?, credentials: credentials?, from: from? }))
}

/// None within where nothing is charged.
fn billing(door: &mut Door, raw: &raw::Billing) -> Option<Option<Billing>> {
    let policies = [("finish", WhenOut::Finish), ("cut", WhenOut::Cut)];
    let when_out = door.word("billing.when_out", raw.when_out.as_deref(), &policies);
    let warn_s = door.number("billing.warn_s", raw.warn_s, 60, 10..=60);
    let time_zone = match raw.time_zone.as_deref().unwrap_or_default() {
        "" => Some(TimeZone::system().iana_name().unwrap_or("UTC").to_owned()),
        name => door.parse("billing.time_zone", name, |name| {
            TimeZone::get(name)
                .map(|_| name.to_owned())
                .map_err(|_| "write a time zone by its IANA name, like Europe/Moscow")
        }),
    };
    let dearest_minute = match raw.dearest_minute.as_deref().unwrap_or_default() {
        "" => Some(None),
        amount => door.parse("billing.dearest_minute", amount, |amount| {
            let amount = amount.parse().ok().filter(|amount| *amount > Micros::ZERO);
            amount.map(Some).ok_or("write an amount above 0 with a decimal point, like 50.00")
        }),
    };
    let currency = match raw.currency.as_deref().unwrap_or_default() {
        "" => return Some(None),
        code => door.parse("billing.currency", code, str::parse),
    };
    let warn = Duration::from_secs(warn_s?);
    let (currency, time_zone, when_out) = (currency?, time_zone?, when_out?);
    Some(Some(Billing { currency, time_zone, when_out, warn, dearest_minute: dearest_minute? }))
}

fn http(door: &mut Door, raw: &raw::Http) -> Option<Http> {
    let listen = socket(door, "http.listen", raw.listen.as_deref(), "127.0.0.1:8080");
    let url = raw.public_url.as_deref().unwrap_or("http://127.0.0.1:8080");
    let public_url = door.parse("http.public_url", url, |url| {
        Origin::parse(url).map_err(|_| "write how browsers reach the service, like https://callback.example")
    });
    let metrics_listen = socket(door, "http.metrics_listen", raw.metrics_listen.as_deref(), "127.0.0.1:9090");
    let proxies = raw.trusted_proxies.as_deref().unwrap_or_default();
    let trusted_proxies = list(door, "http.trusted_proxies", proxies, |text| {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| "write a network or an address, like 10.0.0.0/8 or 192.0.2.1")
    });
    Some(Http {
        listen: listen?,
        public_url: public_url?,
        metrics_listen: metrics_listen?,
        trusted_proxies: trusted_proxies?,
    })
}

/// It may hold a password: it is not repeated.
fn database_url(door: &mut Door, url: &str) -> Option<Secret> {
    let known = ["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if !known || url.contains(":memory:") {
        door.wrong_part("database.url: write sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME");
        return None;
    }
    Some(Secret(url.to_owned()))
}

fn sip(door: &mut Door, raw: &raw::Sip) -> Option<Sip> {
    let usual = ["udp://127.0.0.1:5060".to_owned()];
    let given = raw.listen.as_deref().unwrap_or(&usual);
    if given.is_empty() {
        door.wrong("sip.listen", given, "write at least one address, like [\"udp://192.0.2.1:5060\"]");
    }
    let listen = list(door, "sip.listen", given, |text| match text.split_once("://") {
        Some(("tcp" | "tls" | "ws" | "wss", _)) => Err("this transport is not supported yet; write udp://…"),
        Some(("udp", address)) => address
            .parse::<SocketAddr>()
            .map_err(|_| "write an address and a port, like udp://192.0.2.1:5060"),
        _ => Err("write a transport, an address and a port, like udp://192.0.2.1:5060"),
    })?;
    let advertised = match raw.advertised.as_deref().unwrap_or_default() {
        "" => None,
        text => Some(door.parse("sip.advertised", text, |text| {
            host_port(text).ok_or("write what the outside sees, like sip.example or 192.0.2.1:5060")
        })?),
    };
    if advertised.is_none() && listen.iter().any(|address| address.ip().is_unspecified()) {
        let why = "where it listens on all addresses, write in sip.advertised which one the outside sees";
        door.wrong("sip.listen", given, why);
    }
    Some(Sip { listen, advertised, private_names: raw.private_names.unwrap_or(false) })
}

fn media(door: &mut Door, raw: &raw::Media) -> Option<Media> {
    match raw.plane.as_deref() {
        None | Some("embedded") => {}
        Some("rtpengine") => {
            door.wrong("media.plane", "rtpengine", "this plane is not supported yet; write \"embedded\"")
        }
        Some(other) => door.wrong("media.plane", other, "write \"embedded\""),
    }
    let address = raw.address.as_deref().unwrap_or("127.0.0.1");
    let address = door.parse("media.address", address, |text| {
        text.parse::<IpAddr>().map_err(|_| "write an IP address of this machine, like 192.0.2.1")
    });
    let ports = door.parse("media.ports", raw.ports.as_deref().unwrap_or("20000-32766"), port_range);
    let advertised = match raw.advertised.as_deref().unwrap_or_default() {
        "" => Some(None),
        text => door.parse("media.advertised", text, |text| {
            text.parse::<IpAddr>()
                .map(Some)
                .map_err(|_| "write the IP address that the outside sees, like 192.0.2.1")
        }),
    };
    if advertised == Some(None) && address.is_some_and(|address| address.is_unspecified()) {
        let why = "where sound comes to all addresses, write in media.advertised which one the outside sees";
        door.wrong("media.address", raw.address.as_deref().unwrap_or_default(), why);
    }
    Some(Media { address: address?, ports: ports?, advertised: advertised? })
}

fn limits(door: &mut Door, raw: &raw::Limits) -> Option<Limits> {
    let queue = door.number("limits.queue", raw.queue, 200, 1..=100_000);
    let short = door.number("limits.orders_per_ip_10min", raw.orders_per_ip_10min, 5, 1..=1_000_000);
    let long = door.number("limits.orders_per_ip_hour", raw.orders_per_ip_hour, 30, 1..=1_000_000);
    let countries = list(door, "limits.countries", raw.countries.as_deref().unwrap_or_default(), |text| {
        text.parse().map_err(|_| "write countries by their two letters (ISO 3166), like [\"RU\", \"KZ\"]")
    });
    Some(Limits {
        queue: queue?,
        orders_per_ip_10min: short?,
        orders_per_ip_hour: long?,
        countries: countries?,
    })
}

/// An even first port, and at least one pair.
fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong =
        || format!("write an even first port of at least {FIRST_PORT} and a last one, like 20000-32766");
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: u16 = first.trim().parse().map_err(|_| wrong())?;
    let last: u16 = last.trim().parse().map_err(|_| wrong())?;
    if first >= FIRST_PORT && first.is_multiple_of(2) && first < last {
        Ok(first..=last)
    } else {
        Err(wrong())
    }
}

fn trunks(door: &mut Door, raw: &[raw::Trunk], secrets: &dyn Fn(&str) -> io::Result<String>) -> Vec<Trunk> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for (at, raw) in raw.iter().enumerate() {
        let name = raw.name.clone().unwrap_or_default();
        let place = if name.is_empty() { format!("trunk {at}") } else { format!("trunk {name:?}") };
        door.inside(place, String::new(), |door| {
            let fits = (1..=32).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if !fits {
                door.wrong("name", &name, "write 1 to 32 letters, digits, \"-\", \"_\" or \".\"");
            } else if !names.insert(name.clone()) {
                door.wrong("name", &name, "another trunk has it; write another name");
            }
            found.extend(trunk(door, raw, name, secrets));
        });
    }
    found
}

fn trunk(
    door: &mut Door,
    raw: &raw::Trunk,
    name: String,
    secrets: &dyn Fn(&str) -> io::Result<String>,
) -> Option<Trunk> {
    let proxy = door.parse("proxy", raw.proxy.as_deref().unwrap_or_default(), proxy);
    let given = (raw.username.as_deref(), raw.password.as_deref(), raw.password_file.as_deref());
    let credentials = credentials(door, given, secrets);
    if raw.register == Some(true) {
        door.wrong(
            "register",
            true,
            "registering is not supported yet; write false, and have calls sent here by address",
        );
    }
    let given = raw.caller_ids.as_deref().unwrap_or_default();
    if given.is_empty() {
        door.wrong(
            "caller_ids",
            given,
            "write the numbers that may be shown, the service's own first, like [\"+74950000001\"]",
        );
    }
    let caller_ids = list(door, "caller_ids", given, str::parse::<PhoneNumber>);
    let channels = door.number("channels", raw.channels, 30, 2..=10_000);
    let cps = door.number("cps", raw.cps, 5, 1..=10_000);
    let prefer = door.number("prefer", raw.prefer, 1, 0..=1_000);
    let number_format = match raw.number_format.as_deref().unwrap_or("+7…").trim_end_matches(['…', '.']) {
        "+7" => Some(NumberFormat::Plus),
        "7" => Some(NumberFormat::Bare),
        "8" => Some(NumberFormat::Eight),
        other => {
            door.wrong(
                "number_format",
                other,
                "write how the provider wants numbers: \"+7…\", \"7…\" or \"8…\"",
            );
            None
        }
    };
    Some(Trunk {
        name,
        proxy: proxy?,
        credentials: credentials?,
        caller_ids: caller_ids?,
        may_send_any_caller_id: raw.may_send_any_caller_id.unwrap_or(false),
        channels: channels?,
        cps: cps?,
        prefer: prefer?,
        number_format: number_format?,
    })
}

/// None where the provider asks for none; passwords are never repeated.
fn credentials(
    door: &mut Door,
    (username, password, password_file): (Option<&str>, Option<&str>, Option<&str>),
    secrets: &dyn Fn(&str) -> io::Result<String>,
) -> Option<Option<Credentials>> {
    let username = username.filter(|name| !name.is_empty());
    let password = match (password.filter(|password| !password.is_empty()), password_file) {
        (Some(_), Some(_)) => {
            door.wrong_part("password and password_file: write one of them");
            return None;
        }
        (Some(password), None) => Some(password.to_owned()),
        (None, Some(file)) => match secrets(file) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                door.wrong("password_file", file, format_args!("it cannot be read: {error}"));
                return None;
            }
        },
        (None, None) => None,
    };
    match (username, password) {
        (None, None) => Some(None),
        (Some(name), Some(password)) => {
            let username = door.text("username", name, 128)?;
            Some(Some(Credentials { username, password: Secret(password) }))
        }
        (Some(name), None) => {
            door.wrong("username", name, "write its password too, or better password_file");
            None
        }
        (None, Some(_)) => {
            door.wrong_part("username: write whose password it is");
            None
        }
    }
}

/// `sip:host[:port][;transport=udp]` (RFC 3261 §19.1).
fn proxy(text: &str) -> Result<HostPort, &'static str> {
    let wrong = "write the provider's address, like sip:192.0.2.10:5060;transport=udp";
    let rest = match text.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("sips") => {
            return Err("sips: is not supported yet; write sip:…");
        }
        _ => return Err(wrong),
    };
    let mut parts = rest.split(';');
    let place = parts.next().and_then(host_port).ok_or(wrong)?;
    for parameter in parts {
        match parameter.to_ascii_lowercase().as_str() {
            "transport=udp" | "lr" => {}
            "transport=tcp" | "transport=tls" => {
                return Err("this transport is not supported yet; write transport=udp");
            }
            _ => return Err(wrong),
        }
    }
    Ok(place)
}

/// A name, an IPv4 address, or an IPv6 address in brackets, and perhaps a port.
fn host_port(text: &str) -> Option<HostPort> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        let host = address.ip().to_string();
        return (address.port() > 0).then(|| HostPort { host, port: Some(address.port()) });
    }
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(address) = bracketed.or(Some(text)).and_then(|text| text.parse::<IpAddr>().ok()) {
        return Some(HostPort { host: address.to_string(), port: None });
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0)?)),
        None => (text, None),
    };
    let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let fits = (1..=253).contains(&host.len()) && host.bytes().all(label) && !host.starts_with(['-', '.']);
    fits.then(|| HostPort { host: host.to_ascii_lowercase(), port })
}

fn socket(door: &mut Door, key: &str, given: Option<&str>, usual: &str) -> Option<SocketAddr> {
    door.parse(key, given.unwrap_or(usual), |text| {
        text.parse::<SocketAddr>().map_err(|_| format!("write an IP address and a port, like {usual}"))
    })
}

/// A list; none where one of it is wrong.
fn list<T, E: std::fmt::Display>(
    door: &mut Door,
    key: &str,
    given: &[String],
    parser: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    if given.len() > LONGEST_LIST {
        door.wrong(key, given.len(), format_args!("write {LONGEST_LIST} at most"));
        return None;
    }
    let read: Vec<_> = given.iter().map(|text| door.parse(key, text, &parser)).collect();
    read.into_iter().collect()
}
