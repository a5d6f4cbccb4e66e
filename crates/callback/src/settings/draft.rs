//! Settings as a draft of the cabinet: the same fields as settings.toml, all of them there, as JSON. What is published is
//! what a file would have made of it.

use super::raw;
use super::site::{self, address_in_letters, host_in_letters};
use super::{Blacklist, LONGEST_NAME, missed_emails, time_zone};
use super::{look, scenarios};
use crate::door::{Door, Kind, Wrong};
use crate::ids::{self, SiteKey};
use callback_core::look::Look;
use callback_core::number::Country;
use callback_core::plan::{AcceptKey, Address, Digits, Mode, RingStrategy};
use callback_core::schedule::{Hours, Schedule};
use callback_core::site::{Announce, Language, Manager, Origin, ShownNumber, Site};
use callback_phone::is_private;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::sync::Arc;

/// The fields of a draft.
pub(crate) type Kept = Map<String, Value>;

/// Fields that may be empty.
const MAY_BE_NULL: [&str; 8] = [
    "pronunciation",
    "own_recording",
    "schedule",
    "default_country",
    "button_label",
    "consent_text",
    "privacy_url",
    "metrica",
];

/// A customer's own settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CompanySettings {
    /// The name.
    pub(crate) name: String,
    /// Where numbers without a country code are read.
    pub(crate) country: Country,
    /// The IANA name of the time zone.
    pub(crate) time_zone: String,
    /// The language of its cabinet and letters.
    pub(crate) language: Language,
    /// Whom none of the sites calls.
    pub(crate) blacklist: Blacklist,
    /// Who answers for sites that have no managers of their own.
    pub(crate) managers: Vec<Manager>,
    /// Who is told of missed calls, in small letters.
    pub(crate) missed_emails: Vec<Arc<str>>,
    /// By one letter a day, in place of one for each call.
    pub(crate) missed_digest: bool,
}

/// The draft of what is published for a site.
pub(crate) fn site_draft(site: &Site) -> Kept {
    let mut draft = json!({
        "url": address_in_letters(&site.origin),
        "subdomains": site.subdomains,
        "name": site.name,
        "mode": match site.mode { Mode::Together => "together", Mode::ManagerFirst => "manager_first" },
        "strategy": match site.strategy {
            RingStrategy::Linear => "linear",
            RingStrategy::Random => "random",
            RingStrategy::All => "all",
        },
        "promise_seconds": site.promise_seconds,
        "rounds": site.rounds,
        "ring_timeout_s": site.ring_timeout_s,
        "visitor_ring_timeout_s": site.visitor_ring_timeout_s,
        "total_time_s": site.total_time_s,
        "delay_to_visitor_s": site.delay_to_visitor_s,
        "max_talk_s": site.max_talk_s,
        "announce": match site.announce {
            Announce::Auto => "auto",
            Announce::Always => "always",
            Announce::Never => "never",
        },
        "language": language(site.language),
        "pronunciation": site.pronunciation,
        "own_recording": site.own_recording,
        "show_manager_name": site.show_manager_name,
        "caller_id_to_visitor": shown(site.caller_id_to_visitor),
        "caller_id_to_manager": shown(site.caller_id_to_manager),
        "countries": site.countries,
        "default_country": site.default_country,
        "schedule": week(&site.schedule),
        "exceptions": site.schedule.exceptions.iter()
            .map(|(date, hours)| json!({ "date": date.to_string(), "hours": hours }))
            .collect::<Vec<_>>(),
        "blocked": blocked(&site.blacklist),
        "own_managers": site.own_managers,
        "managers": site.managers.iter().map(manager).collect::<Vec<_>>(),
        "offices": [],
        "own_missed_emails": site.own_missed_emails,
        "missed_emails": site.missed_emails,
        "quiet_days": site.quiet_days,
    });
    let scenarios = scenarios::in_draft(&site.scenarios());
    let offices = site.offices.iter().map(|office| {
        json!({
            "name": office.name,
            "time_zone": office.time_zone,
            "schedule": office.schedule.as_ref().map_or(Value::Null, week),
            "managers": office.managers.iter().map(manager).collect::<Vec<_>>(),
        })
    });
    let offices = Value::Array(offices.collect());
    draft.as_object_mut().map_or_else(Map::new, |draft| {
        draft.insert("offices".to_owned(), offices);
        draft.insert("scenarios".to_owned(), scenarios);
        look::in_draft(&site.look, draft);
        std::mem::take(draft)
    })
}

/// The draft of what is published for a customer.
pub(crate) fn company_draft(company: &CompanySettings) -> Kept {
    let draft = json!({
        "name": company.name,
        "country": company.country,
        "time_zone": company.time_zone,
        "language": language(company.language),
        "blocked": blocked(&company.blacklist),
        "managers": company.managers.iter().map(manager).collect::<Vec<_>>(),
        "missed_emails": company.missed_emails,
        "missed_digest": company.missed_digest,
    });
    draft.as_object().cloned().unwrap_or_default()
}

/// A site as it is begun with: what is usual, for its address.
pub(crate) fn usual_site(origin: &Origin, country: Country, language: Language) -> Site {
    Site {
        name: host_in_letters(origin).into(),
        origin: origin.clone(),
        subdomains: false,
        mode: Mode::Together,
        strategy: RingStrategy::Linear,
        promise_seconds: 29,
        rounds: 2,
        ring_timeout_s: 15,
        visitor_ring_timeout_s: 40,
        total_time_s: 120,
        delay_to_visitor_s: 0,
        max_talk_s: 14_400,
        announce: Announce::Auto,
        language,
        pronunciation: None,
        own_recording: None,
        recording: None,
        caller_id_to_visitor: ShownNumber::Service,
        caller_id_to_manager: ShownNumber::Service,
        countries: vec![country],
        schedule: Schedule::default(),
        blacklist: Blacklist::default(),
        show_manager_name: true,
        default_country: Some(country),
        own_managers: true,
        managers: Vec::new(),
        offices: Vec::new(),
        own_missed_emails: false,
        missed_emails: Vec::new(),
        scenarios: None,
        quiet_days: 7,
        look: Look::default(),
    }
}

/// Reads a draft of a site. The recording on the machine is a file's alone to name: a draft knows none.
///
/// # Errors
/// All that is wrong, each at its field.
pub(crate) fn read_site(draft: &Kept, key: &SiteKey, country: Country) -> Result<Site, Vec<Wrong>> {
    let mut door = Door::new();
    let mut draft = draft.clone();
    required(&mut door, &draft);
    if draft.contains_key("recording") || draft.contains_key("key") {
        door.wrong_as(Kind::plain("unknown_field"), "recording", "", "there is no such field");
    }
    draft.insert("key".to_owned(), key.as_str().into());
    let raw: Option<raw::Site> = typed(&mut door, Value::Object(draft));
    let site = raw.and_then(|raw| site::site(&mut door, &raw, country)).map(|site| site.body);
    if let Some(site) = &site {
        near_places(&mut door, &site.managers, "");
        for (at, office) in site.offices.iter().enumerate() {
            near_places(&mut door, &office.managers, &format!("offices[{at}]."));
        }
    }
    finished(door, site)
}

/// Reads a draft of a customer's own settings.
///
/// # Errors
/// All that is wrong, each at its field.
pub(crate) fn read_company(draft: &Kept, email: &str) -> Result<CompanySettings, Vec<Wrong>> {
    let mut door = Door::new();
    let raw: Option<raw::Company> = typed(&mut door, Value::Object(draft.clone()));
    let company = raw.and_then(|raw| {
        let name = door.text("name", &raw.name, LONGEST_NAME);
        let country = door.parse_as("country", "country", &raw.country, str::parse::<Country>);
        let zone = door.parse_as("time_zone", "time_zone", &raw.time_zone, time_zone);
        let languages = [("ru", Language::Ru), ("en", Language::En)];
        let language = door.word("language", Some(&raw.language), &languages);
        let home = country.or_else(|| "RU".parse().ok())?;
        let blacklist = super::blacklist(&mut door, (None, None), Some(&raw.blocked), home);
        let owner = Some(ids::namespace(email));
        let managers = site::managers(&mut door, &raw.managers, owner, home);
        near_places(&mut door, &managers, "");
        let missed_emails = missed_emails(&mut door, &raw.missed_emails);
        Some(CompanySettings {
            name: name?,
            country: country?,
            time_zone: zone?,
            language: language?,
            blacklist,
            managers,
            missed_emails,
            missed_digest: raw.missed_digest,
        })
    });
    finished(door, company)
}

/// Whether a value is of a field's type, right or wrong; what is not could never be read again.
///
/// # Errors
/// It is not, or there is no such field.
pub(crate) fn field_fits(draft: &Kept, is_site: bool) -> Result<(), Vec<Wrong>> {
    let mut door = Door::new();
    let mut draft = draft.clone();
    if is_site && ["recording", "key"].iter().any(|field| draft.contains_key(*field)) {
        door.wrong_as(Kind::plain("unknown_field"), "recording", "", "there is no such field");
    }
    if is_site {
        draft.retain(|field, value| !value.is_null() || MAY_BE_NULL.contains(&field.as_str()));
        draft.insert("key".to_owned(), "key".into());
        let _typed: Option<raw::Site> = typed(&mut door, Value::Object(draft));
    } else {
        let _typed: Option<raw::Company> = typed(&mut door, Value::Object(draft));
    }
    let wrongs = door.into_wrongs();
    if wrongs.is_empty() { Ok(()) } else { Err(wrongs) }
}

/// The service's own machine and network are the operator's, who names telephones there in a file: a customer's draft
/// leads to none of them.
fn near_places(door: &mut Door, managers: &[Manager], inside: &str) {
    for (at, manager) in managers.iter().enumerate() {
        let Address::Sip(uri) = &manager.telephone.address else { continue };
        if is_near(uri) {
            let field = format!("{inside}managers[{at}].address");
            door.wrong_as(
                Kind::plain("sip"),
                &field,
                uri,
                "this address is of a private network; ask the operator",
            );
        }
    }
}

/// Whether a SIP address names a host of a private network, by its literal or its name.
fn is_near(uri: &str) -> bool {
    let place = uri.rsplit_once('@').map_or(uri, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(ip) => is_private(ip),
        Err(_) => !host.contains('.') || host.ends_with(".local") || host.ends_with(".internal"),
    }
}

fn required(door: &mut Door, draft: &Kept) {
    for (field, value) in draft {
        if value.is_null() && !MAY_BE_NULL.contains(&field.as_str()) {
            door.wrong_as(Kind::plain("required"), field, "", "write a value");
        }
    }
}

fn typed<T: DeserializeOwned>(door: &mut Door, draft: Value) -> Option<T> {
    match serde_path_to_error::deserialize(draft) {
        Ok(read) => Some(read),
        Err(error) => {
            let field = error.path().to_string();
            let why = error.inner().to_string();
            let code = if why.starts_with("unknown field") { "unknown_field" } else { "wrong_type" };
            door.wrong_as(Kind::plain(code), if field == "." { "" } else { &field }, "", why);
            None
        }
    }
}

fn finished<T>(door: Door, read: Option<T>) -> Result<T, Vec<Wrong>> {
    let wrongs = door.into_wrongs();
    match read {
        Some(read) if wrongs.is_empty() => Ok(read),
        _ => Err(wrongs),
    }
}

fn language(language: Language) -> &'static str {
    match language {
        Language::Ru => "ru",
        Language::En => "en",
    }
}

fn shown(number: ShownNumber) -> String {
    match number {
        ShownNumber::Service => "service".to_owned(),
        ShownNumber::Visitor => "visitor".to_owned(),
        ShownNumber::Number(number) => number.to_string(),
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn week(schedule: &Schedule) -> Value {
    let Some(week) = &schedule.week else { return Value::Null };
    let day = |(day, hours): (&str, &Vec<Hours>)| (day.to_owned(), json!(hours));
    Value::Object(DAYS.into_iter().zip(week).map(day).collect())
}

/// Gives the weeks of a draft all their days: those that were not written are closed.
pub(crate) fn with_whole_weeks(draft: &mut Kept) {
    for (field, value) in draft {
        match value {
            Value::Object(week) if ["schedule", "hours"].contains(&field.as_str()) => {
                for day in DAYS {
                    week.entry(day).or_insert_with(|| json!([]));
                }
            }
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(with_whole_weeks)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
        }
    }
}

fn blocked(list: &Blacklist) -> Value {
    let entry = |entry: &callback_core::blacklist::Entry| json!({ "what": entry.what, "note": entry.note, "until": entry.until.map(|date| date.to_string()) });
    Value::Array(list.entries.iter().map(entry).collect())
}

fn manager(manager: &Manager) -> Value {
    json!({
        "name": manager.name,
        "address": match &manager.telephone.address {
            Address::Phone(number) => number.to_string(),
            Address::Sip(uri) => uri.to_string(),
        },
        "extension": manager.telephone.extension.as_ref().map(Digits::to_string),
        "extension_delay_s": manager.extension_delay_s,
        "accept_key": match manager.accept_key {
            AcceptKey::Auto => "auto",
            AcceptKey::Yes => "yes",
            AcceptKey::No => "no",
        },
        "on": manager.on,
        "hours": manager.hours.as_ref().map_or(Value::Null, week),
    })
}

#[cfg(test)]
mod tests {
    use super::{company_draft, field_fits, read_company, read_site, site_draft};
    use crate::settings::SettingsFile;
    use callback_core::site::Site;
    use serde_json::{Value, json};

    /// A site with everything in it that a site can have.
    fn full() -> Site {
        let text = r##"
            [[customer]]
            name = "R"
            email = "a@b.example"
            [[customer.site]]
            key = "demo"
            url = "магазин.рф/каталог"
            mode = "manager_first"
            strategy = "all"
            announce = "always"
            language = "en"
            pronunciation = "shop"
            caller_id_to_manager = "visitor"
            caller_id_to_visitor = "+74950000001"
            countries = ["RU", "KZ"]
            default_country = "KZ"
            show_manager_name = false
            schedule = { mon = ["09:00-13:00", "14:00-18:00"], sat = ["22:00-02:00"] }
            exceptions = [{ date = "2027-01-01", hours = [] }]
            blocked = [{ what = "8 916 123-45-67", note = "spam", until = "2027-01-01" }, { what = "192.0.2.0/24" }]
            own_missed_emails = true
            missed_emails = ["Leads@shop.example"]
            quiet_days = 3
            content = { text = "Позвоним за {seconds}", layout = "corner" }
            button_label = "Звонок"
            button_place = "left"
            consent = true
            consent_text = "Согласен"
            privacy_url = "https://shop.example/privacy"
            metrica = 12345
            data_layer = true
            [[customer.site.keyword_group]]
            name = "Цены"
            masks = ["*цен*"]
            content = { button = "Узнать цену" }
            [[customer.site.scenario]]
            key = "night"
            name = "Ночная акция"
            content = { title = "Не спится?", color = "#112233" }
            [[customer.site.scenario.rule]]
            source = ["search", "ad"]
            keyword = ["*цен*"]
            page = ["/aktsii*"]
            device = ["computer"]
            country = ["RU"]
            visitor = "returning"
            hours = [22, 6]
            since_order_days = 30
            variables = { plan = ["pro"] }
            score = 60
            within_s = 60
            [[customer.site.scenario.rule]]
            exit = true
            [[customer.site.manager]]
            name = "Anna"
            address = "+74951234567"
            extension = "12,3"
            accept_key = true
            on = false
            hours = { tue = ["10:00-12:00"] }
            [[customer.site.office]]
            name = "Kazan"
            time_zone = "Europe/Samara"
            schedule = { mon = ["09:00-13:00"] }
            [[customer.site.office.manager]]
            name = "Boris"
            address = "sip:boris@192.0.2.7"
        "##;
        SettingsFile::parse(text).unwrap().customers.remove(0).sites.remove(0).body
    }

    #[test]
    fn a_draft_of_what_is_published_reads_as_the_same() {
        let site = full();
        assert_eq!(site.origin.as_str(), "https://xn--80aairftm.xn--p1ai");
        let draft = site_draft(&site);
        assert_eq!(draft["url"], "https://магазин.рф");
        assert_eq!(read_site(&draft, &"demo".parse().unwrap(), "RU".parse().unwrap()).unwrap(), site);
        let none_is_missing = site_draft(&site);
        assert_eq!(field_fits(&none_is_missing, true), Ok(()));
    }

    /// What is said against a draft of a site with one field set.
    fn said(field: &str, value: Value) -> Vec<(String, &'static str)> {
        let mut draft = site_draft(&full());
        draft.insert(field.to_owned(), value);
        let read = read_site(&draft, &"demo".parse().unwrap(), "RU".parse().unwrap());
        read.err().unwrap_or_default().into_iter().map(|wrong| (wrong.field, wrong.code)).collect()
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let check = |field: &str, value: Value, at: &str, code: &'static str| {
            assert_eq!(said(field, value), [(at.to_owned(), code)], "{field}");
        };
        let manager = |name: &str, address: &str| json!({ "name": name, "address": address });
        check("rounds", json!(9), "rounds", "range");
        check("rounds", Value::Null, "rounds", "required");
        check("name", json!(""), "name", "required");
        check("url", json!("магазин"), "url", "url");
        check("mode", json!("both"), "mode", "choice");
        check("managers", json!([manager("", "+74951234567")]), "managers[0].name", "required");
        check("managers", json!([manager("A", "112")]), "managers[0].address", "phone_refused");
        check("managers", json!([manager("A", "abc")]), "managers[0].address", "phone");
        check("managers", json!([manager("A", "sip:a")]), "managers[0].address", "sip");
        let twice = json!([manager("A", "+74951234567"), manager("B", "8 495 123-45-67")]);
        check("managers", twice, "managers[1].address", "twice");
        check("schedule", json!({ "mon": ["09:00-12:00", "11:00-13:00"] }), "schedule.mon", "hours_overlap");
        check("schedule", json!({ "mon": ["9-12"] }), "schedule.mon", "hours");
        check("schedule", json!({}), "schedule", "required");
        check("blocked", json!([{ "what": "1.2.3.4/99" }]), "blocked[0].what", "blocked_number");
        check(
            "offices",
            json!([{ "name": "A", "time_zone": "Moscow" }]),
            "offices[0].time_zone",
            "time_zone",
        );
        check("caller_id_to_visitor", json!("me"), "caller_id_to_visitor", "caller_id");
        check("missed_emails", json!(["a@b.example", "nobody"]), "missed_emails[1]", "email");
        check("missed_emails", json!([""]), "missed_emails[0]", "required");
        check("missed_emails", json!(["a@b.example", "A@b.example "]), "missed_emails[1]", "twice");
        let many: Vec<_> = (0..11).map(|n| format!("a{n}@b.example")).collect();
        check("missed_emails", json!(many), "missed_emails", "too_many");
        let scenario = |rule: Value| json!([{ "key": "a", "name": "A", "rules": [rule] }]);
        check("scenarios", scenario(json!({ "source": ["search"] })), "scenarios[0].rules[0]", "no_moment");
        check("scenarios", scenario(json!({ "depth": 101 })), "scenarios[0].rules[0].depth", "range");
        let wrong = json!({ "exit": true, "source": ["tv"] });
        check("scenarios", scenario(wrong), "scenarios[0].rules[0].source", "choice");
        check(
            "scenarios",
            json!([{ "key": "a", "name": "A", "rules": [] }]),
            "scenarios[0].rules",
            "required",
        );
        let same = json!({ "key": "a", "name": "A", "rules": [{ "exit": true }] });
        check("scenarios", json!([same, same]), "scenarios[1].key", "twice");
        check("content", json!({ "color": "red" }), "content.color", "color");
        check("content", json!({ "layout": "round" }), "content.layout", "choice");
        check("keyword_groups", json!([{ "name": "A" }]), "keyword_groups[0].masks", "required");
        check("privacy_url", json!("javascript:alert(1)"), "privacy_url", "url");
        check("button_place", json!("up"), "button_place", "choice");
        check("metrica", json!(0), "metrica", "range");
        check("quiet_days", json!(91), "quiet_days", "range");
        assert_eq!(said("scenarios", json!([])), [], "no scenario: nothing is offered by itself");
        assert_eq!(said("pronunciation", Value::Null), []);
    }

    #[test]
    fn a_value_of_another_type_is_not_kept() {
        let fits = |field: &str, value: Value| {
            let mut draft = site_draft(&full());
            draft.insert(field.to_owned(), value);
            field_fits(&draft, true).err().map(|wrongs| (wrongs[0].field.clone(), wrongs[0].code))
        };
        assert_eq!(fits("rounds", json!(9)), None, "a wrong number is a number");
        assert_eq!(fits("rounds", Value::Null), None, "an empty field is kept as it is");
        assert_eq!(fits("rounds", json!("two")), Some(("rounds".to_owned(), "wrong_type")));
        assert_eq!(fits("roundz", json!(2)).unwrap().1, "unknown_field");
        assert_eq!(fits("managers", json!([{ "name": 1 }])).unwrap().1, "wrong_type");
    }

    #[test]
    fn a_company_reads_as_it_was_written() {
        let draft = json!({
            "name": "Ромашка", "country": "RU", "time_zone": "Europe/Moscow", "language": "ru",
            "blocked": [{ "what": "+7916*", "note": "", "until": null }],
            "managers": [{ "name": "Anna", "address": "8 (495) 123-45-67" }],
            "missed_emails": ["Leads@shop.example"], "missed_digest": true,
        });
        let company = read_company(draft.as_object().unwrap(), "a@b.example").unwrap();
        assert_eq!(read_company(&company_draft(&company), "a@b.example").unwrap(), company);
        assert_eq!(company_draft(&company)["managers"][0]["address"], "+74951234567");
        assert_eq!(company_draft(&company)["missed_emails"], json!(["leads@shop.example"]));
        // A version that was published before there were such letters names nobody.
        let mut older = draft.as_object().unwrap().clone();
        older.retain(|field, _| !field.starts_with("missed"));
        assert_eq!(read_company(&older, "a@b.example").unwrap().missed_emails, []);
    }
}
