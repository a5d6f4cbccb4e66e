//! The environment over the file: every key of callback.toml is also `CALLBACK_SECTION_KEY`, lists with commas,
//! and a trunk's is `CALLBACK_TRUNK_0_KEY`, counted from 0 in the order of the file. Other variables are nobody's
//! business: an orchestrator sets its own with the same beginning.

use crate::door::Door;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Trunks that the environment can speak of.
const TRUNKS: usize = 32;

/// How the text of a variable is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    List,
    Number,
    Flag,
}
use Kind::{Flag, List, Number, Text};

/// Every key: its section, its name, how it is read.
pub(super) const KEYS: [(&str, &str, Kind); 45] = [
    ("http", "listen", Text),
    ("http", "public_url", Text),
    ("http", "metrics_listen", Text),
    ("http", "trusted_proxies", List),
    ("database", "url", Text),
    ("sip", "listen", List),
    ("sip", "advertised", Text),
    ("sip", "private_names", Flag),
    ("media", "plane", Text),
    ("media", "address", Text),
    ("media", "ports", Text),
    ("media", "advertised", Text),
    ("limits", "queue", Number),
    ("limits", "orders_per_ip_10min", Number),
    ("limits", "orders_per_ip_hour", Number),
    ("limits", "countries", List),
    ("speech", "voice", Text),
    ("speech", "folder", Text),
    ("regions", "database", Text),
    ("regions", "attribution", Text),
    ("mail", "server", Text),
    ("mail", "security", Text),
    ("mail", "username", Text),
    ("mail", "password_file", Text),
    ("mail", "password", Text),
    ("mail", "from", Text),
    ("billing", "currency", Text),
    ("billing", "time_zone", Text),
    ("billing", "when_out", Text),
    ("billing", "warn_s", Number),
    ("billing", "dearest_minute", Text),
    ("practice", "enabled", Flag),
    ("practice", "listen", Text),
    ("trunk", "name", Text),
    ("trunk", "proxy", Text),
    ("trunk", "username", Text),
    ("trunk", "password_file", Text),
    ("trunk", "password", Text),
    ("trunk", "register", Flag),
    ("trunk", "caller_ids", List),
    ("trunk", "may_send_any_caller_id", Flag),
    ("trunk", "channels", Number),
    ("trunk", "cps", Number),
    ("trunk", "prefer", Number),
    ("trunk", "number_format", Text),
];

/// Puts the environment's values over the file's.
pub(super) fn overlay(door: &mut Door, file: &mut Table, env: &BTreeMap<String, String>) {
    for (section, key, kind) in KEYS {
        if section == "trunk" {
            continue;
        }
        if let Some(value) = read(door, env, &name(section, key), kind) {
            let section = file.entry(section).or_insert_with(|| Value::Table(Table::new()));
            set(section, key, value);
        }
    }
    for at in 0..TRUNKS {
        for (section, key, kind) in KEYS {
            if section != "trunk" {
                continue;
            }
            let name = name(&format!("{section}_{at}"), key);
            let Some(value) = read(door, env, &name, kind) else { continue };
            let trunks = file.entry(section).or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(trunks) = trunks else { continue };
            if trunks.len() == at {
                trunks.push(Value::Table(Table::new()));
            }
            match trunks.get_mut(at) {
                Some(trunk) => set(trunk, key, value),
                None => door.wrong_part(format_args!(
                    "{name}: there are {} trunks before it; count from 0",
                    trunks.len()
                )),
            }
        }
    }
}

/// The variable of a key.
pub(super) fn name(section: &str, key: &str) -> String {
    format!("CALLBACK_{section}_{key}").to_ascii_uppercase()
}

fn set(section: &mut Value, key: &str, value: Value) {
    // What is no table is said when the whole is read.
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

fn read(door: &mut Door, env: &BTreeMap<String, String>, name: &str, kind: Kind) -> Option<Value> {
    let given = env.get(name)?;
    match kind {
        Text => Some(Value::String(given.clone())),
        List => {
            let parts = given.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        Number => {
            let number = given.trim().parse::<i64>().ok();
            if number.is_none() {
                door.wrong(name, given, "write a whole number");
            }
            number.map(Value::Integer)
        }
        Flag => {
            let flag = given.trim().parse::<bool>().ok();
            if flag.is_none() {
                door.wrong(name, given, "write true or false");
            }
            flag.map(Value::Boolean)
        }
    }
}
