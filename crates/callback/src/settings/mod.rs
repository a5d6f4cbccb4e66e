//! settings.toml, parsed at the door: customers, sites and managers as the core knows them.
//!
//! Everything that is wrong is said at once, each with its place and what to write instead. It reads no database:
//! whether a key is another customer's is found out when the file is applied.

mod draft;
mod look;
mod raw;
mod scenarios;
mod site;

pub(crate) use draft::{
    CompanySettings, Kept, company_draft, field_fits, read_company, read_site, site_draft, usual_site,
    with_whole_weeks,
};
pub(crate) use site::{address_in_letters, host_in_letters};

use crate::door::{Door, Kind};
use crate::ids::{self, SiteKey};
use callback_core::blacklist::{self, Blacklist, Blocked, Entry};
use callback_core::number::{self, Country};
use callback_core::site::{Language, Manager, Origin, Site};
use jiff::civil::Date;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A file is no longer than this.
const LONGEST_FILE: usize = 16 << 20;
/// Calls at once of one customer, at most.
const MAX_CALLS: i64 = 1_000;
/// Calls at once where the file does not say.
const USUAL_CALLS: i64 = 10;
/// Characters of a name, at most.
const LONGEST_NAME: usize = 64;
/// Addresses that are told of missed calls, at most: of a customer, and of a site.
const MISSED_EMAILS: usize = 10;
/// Characters of a note, at most.
const LONGEST_NOTE: usize = 200;

/// A file of customers and their sites.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SettingsFile {
    /// Those that it names.
    pub customers: Vec<CustomerSettings>,
}

/// A customer of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomerSettings {
    /// The name.
    pub name: String,
    /// The e-mail address, which tells customers apart; in small letters.
    pub email: String,
    /// The IANA name of the time zone.
    pub time_zone: String,
    /// Where numbers without a country code are read.
    pub country: Country,
    /// Calls at once.
    pub max_calls: u32,
    /// The language of its cabinet and letters.
    pub language: Language,
    /// Whom none of the sites calls.
    pub blacklist: Blacklist,
    /// Who answers for sites that have no managers of their own.
    pub managers: Vec<Manager>,
    /// Who is told of missed calls, in small letters.
    pub missed_emails: Vec<Arc<str>>,
    /// By one letter a day, in place of one for each call.
    pub missed_digest: bool,
    /// The sites.
    pub sites: Vec<SiteSettings>,
}

impl CustomerSettings {
    /// What of it a cabinet edits.
    pub(crate) fn company(&self) -> CompanySettings {
        CompanySettings {
            name: self.name.clone(),
            country: self.country,
            time_zone: self.time_zone.clone(),
            language: self.language,
            blacklist: self.blacklist.clone(),
            managers: self.managers.clone(),
            missed_emails: self.missed_emails.clone(),
            missed_digest: self.missed_digest,
        }
    }
}

/// A site of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiteSettings {
    /// Its name in addresses.
    pub key: SiteKey,
    /// What is published.
    pub body: Site,
}

/// All that is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        if text.len() > LONGEST_FILE {
            return Err(Problems(vec![format!(
                "the file is longer than {LONGEST_FILE} bytes; apply it in parts"
            )]));
        }
        let file: raw::File = toml::from_str(text).map_err(|error| Problems(vec![error.to_string()]))?;
        let mut door = Door::new();
        let customers: Vec<_> = file.customer.iter().filter_map(|raw| customer(&mut door, raw)).collect();
        same_twice(&mut door, &file);
        let problems = door.into_problems();
        if problems.is_empty() { Ok(Self { customers }) } else { Err(Problems(problems)) }
    }
}

/// What tells customers and sites apart stands once in the file.
fn same_twice(door: &mut Door, file: &raw::File) {
    let (mut emails, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for customer in &file.customer {
        door.inside(format!("customer {:?}", customer.name), String::new(), |door| {
            if !emails.insert(customer.email.trim().to_ascii_lowercase()) {
                door.wrong("email", &customer.email, "another customer has it; write each customer once");
            }
            for site in customer.site.iter().filter(|site| !keys.insert(site.key.as_str())) {
                door.wrong("key", &site.key, "another site has it; write each site once");
            }
        });
    }
}

fn customer(door: &mut Door, raw: &raw::Customer) -> Option<CustomerSettings> {
    door.inside(format!("customer {:?}", raw.name), String::new(), |door| {
        let name = door.text("name", &raw.name, LONGEST_NAME);
        let email = door.parse_as("email", "email", &raw.email, email);
        let zone = raw.time_zone.as_deref().unwrap_or("Europe/Moscow");
        let time_zone = door.parse_as("time_zone", "time_zone", zone, time_zone);
        let country = raw.country.as_deref().unwrap_or("RU");
        let country = door.parse_as("country", "country", country, str::parse::<Country>);
        let max_calls = door.number("max_calls", raw.max_calls, USUAL_CALLS, 1..=MAX_CALLS);
        // Without a country numbers cannot be read; with one that is wrong the rest is still looked at.
        let home = country.or_else(|| "RU".parse().ok())?;
        let listed = (raw.blocked_numbers.as_deref(), raw.blocked_networks.as_deref());
        let blacklist = blacklist(door, listed, raw.blocked.as_deref(), home);
        let languages = [("ru", Language::Ru), ("en", Language::En)];
        let language = door.word("language", raw.language.as_deref(), &languages);
        let owner = email.as_deref().map(ids::namespace);
        let managers = site::managers(door, &raw.manager, owner, home);
        let missed_emails = missed_emails(door, &raw.missed_emails);
        let sites = raw.site.iter().filter_map(|raw| site::site(door, raw, home)).collect();
        Some(CustomerSettings {
            name: name?,
            email: email?,
            time_zone: time_zone?,
            country: country?,
            max_calls: max_calls?,
            language: language?,
            blacklist,
            managers,
            missed_emails,
            missed_digest: raw.missed_digest,
            sites,
        })
    })
}

/// Reads `blocked_numbers`, `blocked_networks` and `blocked`, of a customer or of a site.
fn blacklist(
    door: &mut Door,
    (numbers, networks): (Option<&[String]>, Option<&[String]>),
    entries: Option<&[raw::Blocked]>,
    country: Country,
) -> Blacklist {
    let (numbers, networks) = (numbers.unwrap_or_default(), networks.unwrap_or_default());
    let entries = entries.unwrap_or_default();
    for (field, count) in
        [("blocked_numbers", numbers.len()), ("blocked_networks", networks.len()), ("blocked", entries.len())]
    {
        if count > blacklist::ENTRIES {
            let most = blacklist::ENTRIES;
            door.too_many(field, most, format_args!("{field}: {count} entries; write {most} at most"));
        }
    }
    let blocked = |text: &str| match number::parse(text, country) {
        Ok((number, _)) => Ok(Blocked::Number(number)),
        Err(_) => text.trim().parse::<Blocked>(),
    };
    let network = |text: &str| match text.trim().parse() {
        Ok(network @ Blocked::Network(_)) => Ok(network),
        Ok(Blocked::Number(_) | Blocked::Prefix(_)) | Err(_) => {
            Err("write an address or a network, like 192.0.2.0/24")
        }
    };
    let mut list = Blacklist::default();
    for text in numbers {
        list.entries.extend(door.parse("blocked_numbers", text, blocked).map(Entry::of));
    }
    for text in networks {
        list.entries.extend(door.parse("blocked_networks", text, network).map(Entry::of));
    }
    let mut known = BTreeSet::new();
    for (at, raw) in entries.iter().take(blacklist::ENTRIES).enumerate() {
        let place = format!("blocked {}", at.saturating_add(1));
        list.entries.extend(door.inside(place, format!("blocked[{at}]"), |door| {
            let what = door.parse_as("blocked_number", "what", &raw.what, blocked);
            if what.is_some_and(|what| !known.insert(what)) {
                let kind = Kind::with("twice", &json!({ "with": raw.what }));
                door.wrong_as(kind, "what", &raw.what, "it is listed already");
            }
            let note = if raw.note.trim().is_empty() {
                Some(String::new())
            } else {
                door.text("note", &raw.note, LONGEST_NOTE)
            };
            let until = match raw.until.as_deref().filter(|text| !text.is_empty()) {
                None => Some(None),
                Some(text) => door.parse_as("date", "until", text, date).map(Some),
            };
            Some(Entry { what: what?, note: note?.into(), until: until? })
        }));
    }
    list
}

fn date(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_| "write a date like 2027-01-01")
}

/// A site's address, as people write it.
pub(crate) fn site_address(door: &mut Door, field: &str, given: &str) -> Option<Origin> {
    door.parse_as("url", field, given, site::origin)
}

const NOT_AN_EMAIL: &str = "write an e-mail address, like owner@shop.example";

/// An e-mail address, in small letters.
pub(crate) fn email(text: &str) -> Result<String, &'static str> {
    let text = text.trim().to_ascii_lowercase();
    let plain =
        text.len() <= 254 && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    let parts = text
        .split_once('@')
        .filter(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'));
    if plain && parts.is_some() { Ok(text) } else { Err(NOT_AN_EMAIL) }
}

/// Whom a customer's or a site's missed calls are told.
fn missed_emails(door: &mut Door, given: &[String]) -> Vec<Arc<str>> {
    if given.len() > MISSED_EMAILS {
        let why = format_args!("{} addresses: write {MISSED_EMAILS} at most", given.len());
        door.too_many("missed_emails", MISSED_EMAILS, why);
    }
    let mut found: Vec<Arc<str>> = Vec::new();
    for (at, text) in given.iter().take(MISSED_EMAILS).enumerate() {
        let field = format!("missed_emails[{at}]");
        let Some(address) = door.parse_as("email", &field, text, letters_go_to) else { continue };
        if found.iter().any(|known| **known == *address) {
            let kind = Kind::with("twice", &json!({ "with": address }));
            door.wrong_as(kind, &field, &address, "it stands here already; write each address once");
        } else {
            found.push(address.into());
        }
    }
    found
}

/// An e-mail address that a letter can be sent to.
fn letters_go_to(text: &str) -> Result<String, &'static str> {
    let read = email(text)?;
    if read.parse::<lettre::Address>().is_ok() { Ok(read) } else { Err(NOT_AN_EMAIL) }
}

fn time_zone(name: &str) -> Result<String, &'static str> {
    match jiff::tz::TimeZone::get(name) {
        Ok(_) => Ok(name.to_owned()),
        Err(_) => Err("write a time zone by its IANA name, like Europe/Moscow"),
    }
}

#[cfg(test)]
mod tests;
