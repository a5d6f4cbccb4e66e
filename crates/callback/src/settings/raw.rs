//! settings.toml as it is written: names and TOML types, nothing checked.

use serde::Deserialize;
use toml::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) customer: Vec<Customer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Customer {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) time_zone: Option<String>,
    pub(super) country: Option<String>,
    pub(super) max_calls: Option<i64>,
    pub(super) blocked_numbers: Option<Vec<String>>,
    pub(super) blocked_networks: Option<Vec<String>>,
    #[serde(default)]
    pub(super) site: Vec<Site>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) key: String,
    pub(super) url: String,
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    pub(super) pronunciation: Option<String>,
    pub(super) recording: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) strategy: Option<String>,
    pub(super) promise_seconds: Option<i64>,
    pub(super) rounds: Option<i64>,
    pub(super) ring_timeout_s: Option<i64>,
    pub(super) visitor_ring_timeout_s: Option<i64>,
    pub(super) total_time_s: Option<i64>,
    pub(super) delay_to_visitor_s: Option<i64>,
    pub(super) max_talk_s: Option<i64>,
    pub(super) announce: Option<String>,
    pub(super) caller_id_to_visitor: Option<String>,
    pub(super) caller_id_to_manager: Option<String>,
    pub(super) countries: Option<Vec<String>>,
    pub(super) blocked_numbers: Option<Vec<String>>,
    pub(super) blocked_networks: Option<Vec<String>>,
    pub(super) schedule: Option<Week>,
    pub(super) exceptions: Option<Vec<Exception>>,
    #[serde(default)]
    pub(super) manager: Vec<Manager>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) extension: Option<String>,
    pub(super) extension_delay_s: Option<i64>,
    pub(super) accept_key: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Week {
    #[serde(default)]
    pub(super) mon: Vec<String>,
    #[serde(default)]
    pub(super) tue: Vec<String>,
    #[serde(default)]
    pub(super) wed: Vec<String>,
    #[serde(default)]
    pub(super) thu: Vec<String>,
    #[serde(default)]
    pub(super) fri: Vec<String>,
    #[serde(default)]
    pub(super) sat: Vec<String>,
    #[serde(default)]
    pub(super) sun: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) date: String,
    pub(super) hours: Vec<String>,
}
