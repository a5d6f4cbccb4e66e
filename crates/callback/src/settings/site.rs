//! A site of settings.toml, and its managers.

use super::{LONGEST_NAME, SiteSettings, blacklist, look, raw, scenarios};
use crate::door::{Door, Kind};
use crate::ids::{SiteId, SiteKey};
use callback_core::id::ManagerId;
use callback_core::number::{self, Country, Unusable};
use callback_core::plan::{AcceptKey, Address, Digits, Mode, RingStrategy, Telephone};
use callback_core::schedule::{EXCEPTIONS, Hours, INTERVALS, Schedule};
use callback_core::site::{
    Announce, Language, MANAGERS, Manager, NotAnOrigin, OFFICES, Office, Origin, ShownNumber, Site,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;
use uuid::Uuid;

/// A path, at most.
const LONGEST_PATH: usize = 1_000;
/// Between the answer and the first key of the extension, where the file does not say.
const USUAL_EXTENSION_DELAY_S: i64 = 2;
/// Countries of one site, at most: there are no more.
const MOST_COUNTRIES: usize = 250;

/// Reads a site; its customer's country is where its numbers are read.
pub(super) fn site(door: &mut Door, raw: &raw::Site, country: Country) -> Option<SiteSettings> {
    door.inside(format!("site {:?}", raw.key), String::new(), |door| {
        let key = door.parse("key", &raw.key, str::parse::<SiteKey>);
        let origin = door.parse_as("url", "url", &raw.url, origin);
        let name = match &raw.name {
            Some(name) => door.text("name", name, LONGEST_NAME),
            None => origin.as_ref().map(|origin| origin.host().to_owned()),
        };
        let id = key.as_ref().map(|key| SiteId::of(key).0);
        let modes = [("together", Mode::Together), ("manager_first", Mode::ManagerFirst)];
        let mode = door.word("mode", raw.mode.as_deref(), &modes);
        let strategies =
            [("linear", RingStrategy::Linear), ("random", RingStrategy::Random), ("all", RingStrategy::All)];
        let strategy = door.word("strategy", raw.strategy.as_deref(), &strategies);
        let announces = [("auto", Announce::Auto), ("always", Announce::Always), ("never", Announce::Never)];
        let announce = door.word("announce", raw.announce.as_deref(), &announces);
        let languages = [("ru", Language::Ru), ("en", Language::En)];
        let language = door.word("language", raw.language.as_deref(), &languages);
        let pronunciation =
            raw.pronunciation.as_ref().and_then(|spoken| door.text("pronunciation", spoken, LONGEST_NAME));
        let recording = raw.recording.as_ref().and_then(|path| door.text("recording", path, LONGEST_PATH));
        let promise_seconds = door.number("promise_seconds", raw.promise_seconds, 29, 5..=600);
        let rounds = door.number("rounds", raw.rounds, 2, 1..=5);
        let ring_timeout_s = door.number("ring_timeout_s", raw.ring_timeout_s, 15, 5..=60);
        let visitor_ring_timeout_s =
            door.number("visitor_ring_timeout_s", raw.visitor_ring_timeout_s, 40, 15..=60);
        let total_time_s = door.number("total_time_s", raw.total_time_s, 120, 30..=600);
        let delay_to_visitor_s = door.number("delay_to_visitor_s", raw.delay_to_visitor_s, 0, 0..=60);
        let max_talk_s = door.number("max_talk_s", raw.max_talk_s, 14_400, 60..=14_400);
        let to_visitor = shown(door, "caller_id_to_visitor", raw.caller_id_to_visitor.as_deref(), country);
        let to_manager = shown(door, "caller_id_to_manager", raw.caller_id_to_manager.as_deref(), country);
        let countries = countries(door, raw.countries.as_deref(), country);
        let schedule = schedule(door, raw.schedule.as_ref(), raw.exceptions.as_deref().unwrap_or_default());
        let (blocked, networks) = (raw.blocked_numbers.as_deref(), raw.blocked_networks.as_deref());
        let blacklist = blacklist(door, (blocked, networks), raw.blocked.as_deref(), country);
        let default_country = match raw.default_country.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => door.parse_as("country", "default_country", text, str::parse::<Country>).map(Some),
        };
        let managers = managers(door, &raw.manager, id, country);
        let offices = offices(door, &raw.office, id, country);
        let missed_emails = super::missed_emails(door, &raw.missed_emails);
        let scenarios = raw.scenario.as_deref().map(|raw| scenarios::scenarios(door, raw));
        let quiet_days = door.number("quiet_days", raw.quiet_days, 7, 0..=90);
        let look = look::look(door, raw);
        let body = Site {
            name: name?.into(),
            origin: origin?,
            mode: mode?,
            strategy: strategy?,
            promise_seconds: promise_seconds?,
            rounds: rounds?,
            ring_timeout_s: ring_timeout_s?,
            visitor_ring_timeout_s: visitor_ring_timeout_s?,
            total_time_s: total_time_s?,
            delay_to_visitor_s: delay_to_visitor_s?,
            max_talk_s: max_talk_s?,
            announce: announce?,
            language: language?,
            pronunciation: pronunciation.map(Into::into),
            subdomains: raw.subdomains.unwrap_or(false),
            own_recording: raw.own_recording,
            recording: recording.map(Into::into),
            caller_id_to_visitor: to_visitor?,
            caller_id_to_manager: to_manager?,
            countries,
            schedule,
            blacklist,
            show_manager_name: raw.show_manager_name.unwrap_or(true),
            default_country: default_country?,
            own_managers: raw.own_managers.unwrap_or(true),
            managers,
            offices,
            own_missed_emails: raw.own_missed_emails,
            missed_emails,
            scenarios,
            quiet_days: quiet_days?,
            look: look?,
        };
        Some(SiteSettings { key: key?, body })
    })
}

/// Reads `schedule` and `exceptions`; a day that is not named is a day off.
fn schedule(door: &mut Door, week: Option<&raw::Week>, exceptions: &[raw::Exception]) -> Schedule {
    if exceptions.len() > EXCEPTIONS {
        let why = format_args!("{} exceptions: a site has {EXCEPTIONS} at most", exceptions.len());
        door.too_many("exceptions", EXCEPTIONS, why);
    }
    let week = week.map(|week| week_of(door, "schedule", week));
    let mut dates = BTreeMap::new();
    for exception in exceptions {
        let date = door.parse_as("date", "exceptions.date", &exception.date, super::date);
        let hours = hours(door, "exceptions.hours", &exception.hours);
        if let Some(date) = date
            && dates.insert(date, hours).is_some()
        {
            let kind = Kind::with("twice", &json!({ "with": date.to_string() }));
            door.wrong_as(kind, "exceptions.date", date, "another exception has it; write each date once");
        }
    }
    Schedule { week, exceptions: dates }
}

/// The hours of a week, Monday's first; a day that is not named is a day off.
fn week_of(door: &mut Door, field: &str, week: &raw::Week) -> [Vec<Hours>; 7] {
    let days = [
        ("mon", &week.mon),
        ("tue", &week.tue),
        ("wed", &week.wed),
        ("thu", &week.thu),
        ("fri", &week.fri),
        ("sat", &week.sat),
        ("sun", &week.sun),
    ];
    if days.iter().all(|(_, texts)| texts.is_empty()) {
        let why = "no day has hours; leave it out to be always open";
        door.wrong_as(Kind::plain("required"), field, "", why);
    }
    days.map(|(day, texts)| hours(door, &format!("{field}.{day}"), texts))
}

fn hours(door: &mut Door, field: &str, texts: &[String]) -> Vec<Hours> {
    if texts.len() > INTERVALS {
        let why = format_args!("{field}: {} intervals; write {INTERVALS} at most", texts.len());
        door.too_many(field, INTERVALS, why);
    }
    let read = texts.iter().filter_map(|text| door.parse_as("hours", field, text, str::parse::<Hours>));
    let hours: Vec<Hours> = read.collect();
    for (at, one) in hours.iter().enumerate() {
        if let Some(other) = hours.iter().take(at).find(|other| other.overlaps(*one)) {
            let kind = Kind::with("hours_overlap", &json!({ "a": other, "b": one }));
            door.wrong_as(
                kind,
                field,
                one.to_string(),
                format_args!("it overlaps {other}; write them as one"),
            );
        }
    }
    hours
}

fn shown(door: &mut Door, field: &str, given: Option<&str>, country: Country) -> Option<ShownNumber> {
    match given {
        None | Some("service") => Some(ShownNumber::Service),
        Some("visitor") => Some(ShownNumber::Visitor),
        Some(text) => door.parse_as("caller_id", field, text, |text| match number::parse(text, country) {
            Ok((number, _)) => Ok(ShownNumber::Number(number)),
            Err(_) => Err("write \"service\", \"visitor\", or a number like +74951234567"),
        }),
    }
}

fn countries(door: &mut Door, given: Option<&[String]>, home: Country) -> Vec<Country> {
    let Some(given) = given else { return vec![home] };
    if given.is_empty() {
        let why = format_args!("write the countries that may be called, like [\"{home}\"]");
        door.wrong_as(Kind::plain("required"), "countries", given, why);
    } else if given.len() > MOST_COUNTRIES {
        let why = format_args!("{} countries: {MOST_COUNTRIES} at most", given.len());
        door.too_many("countries", MOST_COUNTRIES, why);
    }
    let mut found: Vec<Country> = Vec::new();
    for text in given {
        let country = door.parse_as("country", "countries", text, str::parse::<Country>);
        found.extend(country.filter(|country| !found.contains(country)));
    }
    found
}

/// Reads a list of managers; `owner` is whose they are, and with it who they are.
pub(super) fn managers(
    door: &mut Door,
    raw: &[raw::Manager],
    owner: Option<Uuid>,
    country: Country,
) -> Vec<Manager> {
    if raw.len() > MANAGERS {
        let why = format_args!("{} managers: a site has {MANAGERS} at most", raw.len());
        door.too_many("managers", MANAGERS, why);
    }
    let mut places: BTreeMap<Telephone, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, raw) in raw.iter().enumerate() {
        let place = at.saturating_add(1);
        door.inside(format!("manager {place}"), format!("managers[{at}]"), |door| {
            let Some(manager) = manager(door, raw, owner, country) else { return };
            let telephone = manager.telephone.clone();
            match places.get(&telephone) {
                Some(first) => {
                    let name = found.get(first - 1).map(|known: &Manager| known.name.clone());
                    let kind = Kind::with("twice", &json!({ "with": name }));
                    let why = format_args!("manager {first} has the same telephone; write it once");
                    door.wrong_as(kind, "address", &raw.address, why);
                }
                None => {
                    places.insert(telephone, place);
                    found.push(manager);
                }
            }
        });
    }
    found
}

fn manager(door: &mut Door, raw: &raw::Manager, owner: Option<Uuid>, country: Country) -> Option<Manager> {
    let name = door.text("name", &raw.name, LONGEST_NAME);
    let address = address(door, &raw.address, country);
    let written = raw.extension.clone().filter(|text| !text.is_empty());
    // One that is written after the number is not lost.
    let extension = match written.or_else(|| number::extension(&raw.address, country)).as_deref() {
        Some(text) => door.parse_as("extension", "extension", text, str::parse::<Digits>).map(Some),
        None => Some(None),
    };
    let delay = door.number("extension_delay_s", raw.extension_delay_s, USUAL_EXTENSION_DELAY_S, 0..=50);
    let accept_key = accept_key(door, raw.accept_key.as_ref());
    let telephone = Telephone { address: address?, extension: extension? };
    Some(Manager {
        id: manager_id(owner?, &telephone),
        name: name?.into(),
        telephone,
        extension_delay_s: delay?,
        accept_key: accept_key?,
        on: raw.on.unwrap_or(true),
        hours: raw
            .hours
            .as_ref()
            .map(|week| Schedule { week: Some(week_of(door, "hours", week)), exceptions: BTreeMap::new() }),
    })
}

/// The same as long as owner and telephone are the same, whoever has it.
fn manager_id(owner: Uuid, telephone: &Telephone) -> ManagerId {
    let address = match &telephone.address {
        Address::Phone(number) => number.to_string(),
        Address::Sip(uri) => uri.as_ref().to_owned(),
    };
    let extension: String = telephone.extension.iter().flat_map(Digits::keys).collect();
    ManagerId(Uuid::new_v5(&owner, format!("{address};{extension}").as_bytes()))
}

fn accept_key(door: &mut Door, given: Option<&Value>) -> Option<AcceptKey> {
    match given {
        None => Some(AcceptKey::Auto),
        Some(Value::Bool(true)) => Some(AcceptKey::Yes),
        Some(Value::Bool(false)) => Some(AcceptKey::No),
        Some(value) if value == "auto" => Some(AcceptKey::Auto),
        Some(value) if value == "yes" => Some(AcceptKey::Yes),
        Some(value) if value == "no" => Some(AcceptKey::No),
        Some(value) => {
            door.wrong("accept_key", value.to_string(), "write \"auto\", true or false");
            None
        }
    }
}

fn address(door: &mut Door, given: &str, country: Country) -> Option<Address> {
    let text = given.trim();
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("sip") => door
            .parse_as("sip", "address", given, |_| sip(text.get(4..).unwrap_or_default()).map(Address::Sip)),
        Some("sips") => {
            door.wrong_as(
                Kind::plain("sip"),
                "address",
                given,
                "sips: is not supported yet; write sip:user@host",
            );
            None
        }
        _ => match number::parse(text, country) {
            Ok((number, _)) => Some(Address::Phone(number)),
            Err(error) => {
                let code = match error {
                    _ if text.is_empty() => "required",
                    Unusable::Invalid => "phone",
                    Unusable::RefusedClass => "phone_refused",
                };
                door.wrong_as(Kind::plain(code), "address", given, error);
                None
            }
        },
    }
}

/// An address of a site as people write it: without a scheme, in letters of any alphabet (IDNA, RFC 5891).
pub(super) fn origin(text: &str) -> Result<Origin, NotAnOrigin> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (place, _) = rest.split_at(end);
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty() => {
            (host, format!(":{port}"))
        }
        _ => (place, String::new()),
    };
    if host.is_ascii() {
        // A host of one word that is no address of a machine at home is a slip.
        let is_whole = text.contains("://") || host.contains(['.', ':', '[']) || host == "localhost";
        return if is_whole { Origin::parse(&format!("{scheme}://{place}")) } else { Err(NotAnOrigin) };
    }
    if !host.contains('.') {
        return Err(NotAnOrigin);
    }
    let host = idna::domain_to_ascii(host).map_err(|_| NotAnOrigin)?;
    Origin::parse(&format!("{scheme}://{host}{port}"))
}

/// An address as people read it: its host in the letters of its alphabet.
pub(crate) fn address_in_letters(origin: &Origin) -> String {
    origin.as_str().replacen(origin.host(), &host_in_letters(origin), 1)
}

/// The host of an address in the letters of its alphabet (IDNA, RFC 5891); as it is, where those would not lead back to it.
pub(crate) fn host_in_letters(origin: &Origin) -> String {
    let host = origin.host();
    let (letters, read) = idna::domain_to_unicode(host);
    let leads_back = read.is_ok() && idna::domain_to_ascii(&letters).is_ok_and(|back| back == host);
    if leads_back { letters } else { host.to_owned() }
}

fn offices(door: &mut Door, raw: &[raw::Office], owner: Option<Uuid>, country: Country) -> Vec<Office> {
    if raw.len() > OFFICES {
        door.too_many(
            "offices",
            OFFICES,
            format_args!("{} offices: a site has {OFFICES} at most", raw.len()),
        );
    }
    let mut found: Vec<Office> = Vec::new();
    for (at, raw) in raw.iter().take(OFFICES).enumerate() {
        let place = format!("office {}", at.saturating_add(1));
        found.extend(door.inside(place, format!("offices[{at}]"), |door| {
            let name = door.text("name", &raw.name, LONGEST_NAME);
            if let Some(name) = name.as_deref().filter(|name| found.iter().any(|known| &*known.name == *name))
            {
                let kind = Kind::with("twice", &json!({ "with": name }));
                door.wrong_as(kind, "name", name, "another office has it; write another name");
            }
            let zone = match raw.time_zone.as_deref().filter(|zone| !zone.is_empty()) {
                None => Some(None),
                Some(zone) => door.parse_as("time_zone", "time_zone", zone, super::time_zone).map(Some),
            };
            let week = raw.schedule.as_ref().map(|week| week_of(door, "schedule", week));
            let schedule = week.map(|week| Schedule { week: Some(week), exceptions: BTreeMap::new() });
            let managers = managers(door, &raw.manager, owner, country);
            Some(Office { name: name?.into(), time_zone: zone?.map(Into::into), schedule, managers })
        }));
    }
    found
}

/// `user@host[:port]` of letters that need no escape in SIP (RFC 3261 §25.1); the host in small letters.
fn sip(rest: &str) -> Result<Arc<str>, String> {
    let wrong = || "write a SIP address like sip:anna@192.0.2.7 or sip:anna@pbx.example:5060".to_owned();
    let (user, place) = rest.split_once('@').ok_or_else(wrong)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$".contains(&byte);
    let user_fits = (1..=64).contains(&user.len()) && user.bytes().all(plain);
    let place = place.to_ascii_lowercase();
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place.as_str(), None),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port_fits = port.is_none_or(|port| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0));
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => {
            let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            (1..=253).contains(&host.len()) && host.bytes().all(label)
        }
    };
    // The usual port says nothing: with and without it, it is one telephone.
    let port = port.filter(|port| *port != "5060").map_or(String::new(), |port| format!(":{port}"));
    if user_fits && host_fits && port_fits {
        Ok(format!("sip:{user}@{host}{port}").into())
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::{address_in_letters, origin};

    #[test]
    fn an_address_is_read_in_the_letters_of_its_alphabet() {
        let check = |typed: &str, read: &str| {
            let origin = origin(typed).unwrap();
            assert_eq!(address_in_letters(&origin), read);
            assert_eq!(super::origin(read), Ok(origin), "{typed}");
        };
        check("Магазин.рф/каталог", "https://магазин.рф");
        check("http://xn--80aairftm.xn--p1ai:8080", "http://магазин.рф:8080");
        check("shop.example", "https://shop.example");
        check("http://[::1]:8080", "http://[::1]:8080");
        assert!(origin("https://xn--a.example").is_err(), "letters of no alphabet");
    }
}
