//! Scenarios of a site's widget, as they are written and as a draft has them.

use super::{LONGEST_NAME, look, raw};
use crate::door::{Door, Kind};
use callback_core::arrival::Device;
use callback_core::attribution::Kind as Source;
use callback_core::behaviour::{LONGEST_MASK, MASKS, RULES, Rule, SCENARIOS, Scenario, Visitor};
use callback_core::number::Country;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of a scenario's key at most.
const LONGEST_KEY: usize = 32;
/// A day, in seconds: nobody stays longer.
const DAY_S: i64 = 86_400;

const SOURCES: [(&str, Source); 9] = [
    ("ad", Source::Ad),
    ("ai", Source::Ai),
    ("search", Source::Search),
    ("social", Source::Social),
    ("messenger", Source::Messenger),
    ("email", Source::Email),
    ("referral", Source::Referral),
    ("direct", Source::Direct),
    ("internal", Source::Internal),
];
const DEVICES: [(&str, Device); 3] =
    [("phone", Device::Phone), ("tablet", Device::Tablet), ("computer", Device::Computer)];
const VISITORS: [(&str, Visitor); 2] = [("new", Visitor::New), ("returning", Visitor::Returning)];

/// Reads the scenarios of a site.
pub(super) fn scenarios(door: &mut Door, raw: &[raw::Scenario]) -> Vec<Scenario> {
    if raw.len() > SCENARIOS {
        let why = format_args!("{} scenarios: a site has {SCENARIOS} at most", raw.len());
        door.too_many("scenarios", SCENARIOS, why);
    }
    let mut found: Vec<Scenario> = Vec::new();
    for (at, raw) in raw.iter().take(SCENARIOS).enumerate() {
        let place = format!("scenario {}", at.saturating_add(1));
        let read = door.inside(place, format!("scenarios[{at}]"), |door| scenario(door, raw, &found));
        found.extend(read);
    }
    found
}

fn scenario(door: &mut Door, raw: &raw::Scenario, others: &[Scenario]) -> Option<Scenario> {
    let key = door.parse("key", &raw.key, key);
    if let Some(key) = key.as_ref().filter(|key| others.iter().any(|other| other.key == **key)) {
        let kind = Kind::with("twice", &json!({ "with": key }));
        door.wrong_as(kind, "key", key, "another scenario has it; write another key");
    }
    let name = door.text("name", &raw.name, LONGEST_NAME);
    if raw.rules.is_empty() {
        door.wrong_as(Kind::plain("required"), "rules", "", "write a rule: whom to ask, and when");
    } else if raw.rules.len() > RULES {
        let why = format_args!("{} rules: a scenario has {RULES} at most", raw.rules.len());
        door.too_many("rules", RULES, why);
    }
    let rules = raw.rules.iter().take(RULES).enumerate().filter_map(|(at, raw)| {
        let place = format!("rule {}", at.saturating_add(1));
        door.inside(place, format!("rules[{at}]"), |door| rule(door, raw))
    });
    let rules = rules.collect();
    let content = look::content(door, &raw.content);
    Some(Scenario { key: key?, name: name?.into(), on: raw.on.unwrap_or(true), rules, content })
}

fn key(text: &str) -> Result<Arc<str>, &'static str> {
    let fits = (1..=LONGEST_KEY).contains(&text.len());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if fits && text.bytes().all(plain) {
        Ok(text.into())
    } else {
        Err("write small letters, digits and hyphens")
    }
}

fn rule(door: &mut Door, raw: &raw::Rule) -> Option<Rule> {
    let count = |door: &mut Door, field: &str, given: Option<i64>, most: i64| -> Option<u32> {
        given.and_then(|given| door.number(field, Some(given), 1, 1..=most))
    };
    let hours = raw.hours.map(|[from, until]| {
        let from = door.number::<u8>("hours", Some(from), 0, 0..=23);
        from.zip(door.number::<u8>("hours", Some(until), 24, 1..=24))
    });
    let rule = Rule {
        source: words(door, "source", &raw.source, &SOURCES),
        keyword: masks(door, "keyword", &raw.keyword),
        page: masks(door, "page", &raw.page),
        device: words(door, "device", &raw.device, &DEVICES),
        country: raw
            .country
            .iter()
            .filter_map(|code| door.parse_as("country", "country", code, str::parse::<Country>))
            .collect(),
        visitor: raw.visitor.as_deref().and_then(|word| door.word("visitor", Some(word), &VISITORS)),
        hours: hours.flatten(),
        since_order_days: count(door, "since_order_days", raw.since_order_days, 3_650),
        variables: variables(door, &raw.variables),
        exit: raw.exit,
        return_s: count(door, "return_s", raw.return_s, DAY_S),
        event: raw.event.as_deref().and_then(|name| door.text("event", name, LONGEST_MASK)).map(Into::into),
        active_s: count(door, "active_s", raw.active_s, DAY_S),
        within_s: count(door, "within_s", raw.within_s, DAY_S),
        pages: count(door, "pages", raw.pages, 1_000),
        depth: count(door, "depth", raw.depth, 100),
        score: count(door, "score", raw.score, 10_000),
        idle_s: count(door, "idle_s", raw.idle_s, DAY_S),
    };
    let counts = [raw.return_s, raw.active_s, raw.pages, raw.depth, raw.score, raw.idle_s];
    if !raw.exit && raw.event.is_none() && counts.iter().all(Option::is_none) {
        let why = "it says not when: leaving, after so many seconds, pages, activity";
        door.wrong_as(Kind::plain("no_moment"), "", "", why);
        return None;
    }
    Some(rule)
}

fn words<T: Copy + PartialEq>(door: &mut Door, field: &str, given: &[String], words: &[(&str, T)]) -> Vec<T> {
    let mut found = Vec::new();
    for word in given {
        found.extend(door.word(field, Some(word), words).filter(|word| !found.contains(word)));
    }
    found
}

pub(super) fn masks(door: &mut Door, field: &str, given: &[String]) -> Vec<Arc<str>> {
    if given.len() > MASKS {
        door.too_many(field, MASKS, format_args!("{} masks: {MASKS} at most", given.len()));
    }
    given.iter().take(MASKS).filter_map(|mask| door.text(field, mask, LONGEST_MASK)).map(Into::into).collect()
}

fn variables(door: &mut Door, given: &BTreeMap<String, Vec<String>>) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    if given.len() > MASKS {
        door.too_many("variables", MASKS, format_args!("{} variables: {MASKS} at most", given.len()));
    }
    let read = given.iter().take(MASKS).filter_map(|(name, all)| {
        let name = door.text("variables", name, LONGEST_MASK)?;
        let all = masks(door, "variables", all);
        (!all.is_empty()).then(|| (name.into(), all))
    });
    read.collect()
}

/// Scenarios as a draft has them: of a rule what it says.
pub(super) fn in_draft(scenarios: &[Scenario]) -> Value {
    let rule = |rule: &Rule| {
        let said = serde_json::to_value(rule).ok();
        let said = said.as_ref().and_then(Value::as_object).into_iter().flatten();
        let is_said = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(all) => !all.is_empty(),
            Value::Object(all) => !all.is_empty(),
            Value::Bool(true) | Value::Number(_) | Value::String(_) => true,
        };
        let said = said.filter(|(_, value)| is_said(value));
        Value::Object(said.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
    };
    let scenario = |scenario: &Scenario| {
        json!({
            "key": scenario.key,
            "name": scenario.name,
            "on": scenario.on,
            "content": scenario.content,
            "rules": scenario.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    };
    scenarios.iter().map(scenario).collect()
}
