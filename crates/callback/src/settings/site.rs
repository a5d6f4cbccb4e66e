//! A site of settings.toml, and its managers.

use super::{LONGEST_NAME, SiteSettings, blacklist, raw};
use crate::door::Door;
use crate::ids::{SiteId, SiteKey};
use callback_core::id::ManagerId;
use callback_core::number::{self, Country, PhoneNumber};
use callback_core::plan::{AcceptKey, Address, Digits, Mode, RingStrategy, Telephone};
use callback_core::schedule::{EXCEPTIONS, Hours, INTERVALS, Schedule};
use callback_core::site::{Announce, Language, MANAGERS, Manager, Origin, ShownNumber, Site};
use jiff::civil::Date;
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
    door.inside(format!("site {:?}", raw.key), |door| {
        let key = door.parse("key", &raw.key, str::parse::<SiteKey>);
        let origin = door.parse("url", &raw.url, Origin::parse);
        let name = match &raw.name {
            Some(name) => door.text("name", name, LONGEST_NAME),
            None => origin.as_ref().map(|origin| origin.host().to_owned()),
        };
        let id = key.as_ref().map(SiteId::of);
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
        let blacklist = blacklist(door, blocked, networks, country);
        let managers = managers(door, &raw.manager, id, country);
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
            recording: recording.map(Into::into),
            caller_id_to_visitor: to_visitor?,
            caller_id_to_manager: to_manager?,
            countries,
            schedule,
            blacklist,
            managers,
        };
        Some(SiteSettings { key: key?, body })
    })
}

/// Reads `schedule` and `exceptions`; a day that is not named is a day off.
fn schedule(door: &mut Door, week: Option<&raw::Week>, exceptions: &[raw::Exception]) -> Schedule {
    if exceptions.len() > EXCEPTIONS {
        door.wrong_part(format_args!("{} exceptions: a site has {EXCEPTIONS} at most", exceptions.len()));
    }
    let week = week.map(|week| {
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
            door.wrong_part("schedule: no day has hours; leave it out to be always open");
        }
        days.map(|(day, texts)| hours(door, &format!("schedule.{day}"), texts))
    });
    let mut dates = BTreeMap::new();
    for exception in exceptions {
        let date = door.parse("exceptions.date", &exception.date, |text| {
            text.parse::<Date>().map_err(|_| "write a date like 2027-01-01")
        });
        let hours = hours(door, "exceptions.hours", &exception.hours);
        if let Some(date) = date
            && dates.insert(date, hours).is_some()
        {
            door.wrong("exceptions.date", date, "another exception has it; write each date once");
        }
    }
    Schedule { week, exceptions: dates }
}

fn hours(door: &mut Door, field: &str, texts: &[String]) -> Vec<Hours> {
    if texts.len() > INTERVALS {
        door.wrong_part(format_args!("{field}: {} intervals; write {INTERVALS} at most", texts.len()));
    }
    texts.iter().filter_map(|text| door.parse(field, text, str::parse::<Hours>)).collect()
}

fn shown(door: &mut Door, field: &str, given: Option<&str>, country: Country) -> Option<ShownNumber> {
    match given {
        None | Some("service") => Some(ShownNumber::Service),
        Some("visitor") => Some(ShownNumber::Visitor),
        Some(text) => door.parse(field, text, |text| match number::parse(text, country) {
            Ok((number, _)) => Ok(ShownNumber::Number(number)),
            Err(_) => Err("write \"service\", \"visitor\", or a number like +74951234567"),
        }),
    }
}

fn countries(door: &mut Door, given: Option<&[String]>, home: Country) -> Vec<Country> {
    let Some(given) = given else { return vec![home] };
    if given.is_empty() || given.len() > MOST_COUNTRIES {
        door.wrong(
            "countries",
            given,
            format_args!("write the countries that may be called, like [\"{home}\"]"),
        );
    }
    let mut found: Vec<Country> = Vec::new();
    for text in given {
        let country = door.parse("countries", text, str::parse::<Country>);
        found.extend(country.filter(|country| !found.contains(country)));
    }
    found
}

fn managers(door: &mut Door, raw: &[raw::Manager], site: Option<SiteId>, country: Country) -> Vec<Manager> {
    if raw.len() > MANAGERS {
        door.wrong_part(format_args!("{} managers: a site has {MANAGERS} at most", raw.len()));
    }
    let mut places: BTreeMap<Telephone, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, raw) in raw.iter().enumerate() {
        let place = at.saturating_add(1);
        door.inside(format!("manager {place}"), |door| {
            let Some(manager) = manager(door, raw, site, country) else { return };
            let telephone = manager.telephone.clone();
            match places.get(&telephone) {
                Some(first) => {
                    let why = format_args!("manager {first} has the same telephone; write it once");
                    door.wrong("address", &raw.address, why);
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

fn manager(door: &mut Door, raw: &raw::Manager, site: Option<SiteId>, country: Country) -> Option<Manager> {
    let name = door.text("name", &raw.name, LONGEST_NAME);
    let address = door.parse("address", &raw.address, |text| address(text, country));
    let extension = raw.extension.as_deref().filter(|text| !text.is_empty());
    let extension = match extension {
        Some(text) => door.parse("extension", text, str::parse::<Digits>).map(Some),
        None => Some(None),
    };
    let delay = door.number("extension_delay_s", raw.extension_delay_s, USUAL_EXTENSION_DELAY_S, 0..=50);
    let accept_key = accept_key(door, raw.accept_key.as_ref());
    let telephone = Telephone { address: address?, extension: extension? };
    Some(Manager {
        id: manager_id(site?, &telephone),
        name: name?.into(),
        telephone,
        extension_delay_s: delay?,
        accept_key: accept_key?,
    })
}

/// The same as long as site and telephone are the same, whoever has it.
fn manager_id(site: SiteId, telephone: &Telephone) -> ManagerId {
    let address = match &telephone.address {
        Address::Phone(number) => number.to_string(),
        Address::Sip(uri) => uri.as_ref().to_owned(),
    };
    let extension: String = telephone.extension.iter().flat_map(Digits::keys).collect();
    ManagerId(Uuid::new_v5(&site.0, format!("{address};{extension}").as_bytes()))
}

fn accept_key(door: &mut Door, given: Option<&toml::Value>) -> Option<AcceptKey> {
    match given {
        None => Some(AcceptKey::Auto),
        Some(toml::Value::Boolean(true)) => Some(AcceptKey::Yes),
        Some(toml::Value::Boolean(false)) => Some(AcceptKey::No),
        Some(value) if value.as_str() == Some("auto") => Some(AcceptKey::Auto),
        Some(value) => {
            door.wrong("accept_key", value.to_string(), "write \"auto\", true or false");
            None
        }
    }
}

fn address(text: &str, country: Country) -> Result<Address, String> {
    let text = text.trim();
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("sip") => sip(text.get(4..).unwrap_or_default()).map(Address::Sip),
        Some("sips") => Err("sips: is not supported yet; write sip:user@host".to_owned()),
        _ => {
            let read: Result<(PhoneNumber, Country), _> = number::parse(text, country);
            read.map(|(number, _)| Address::Phone(number)).map_err(|error| error.to_string())
        }
    }
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
