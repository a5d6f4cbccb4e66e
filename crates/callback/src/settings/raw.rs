//! Settings as they are written, in settings.toml or in a draft of the cabinet: names and types, nothing checked. The two
//! have the same fields; a draft says `managers` where a file repeats `[[manager]]`.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

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
    pub(super) language: Option<String>,
    pub(super) blocked: Option<Vec<Blocked>>,
    #[serde(default)]
    pub(super) missed_emails: Vec<String>,
    #[serde(default)]
    pub(super) missed_digest: bool,
    #[serde(default)]
    pub(super) manager: Vec<Manager>,
    #[serde(default)]
    pub(super) site: Vec<Site>,
}

/// What a draft of a customer's own settings has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Company {
    pub(super) name: String,
    pub(super) country: String,
    pub(super) time_zone: String,
    pub(super) language: String,
    pub(super) blocked: Vec<Blocked>,
    pub(super) managers: Vec<Manager>,
    #[serde(default)]
    pub(super) missed_emails: Vec<String>,
    #[serde(default)]
    pub(super) missed_digest: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Blocked {
    pub(super) what: String,
    #[serde(default)]
    pub(super) note: String,
    pub(super) until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Office {
    pub(super) name: String,
    pub(super) time_zone: Option<String>,
    pub(super) schedule: Option<Week>,
    #[serde(default, alias = "managers")]
    pub(super) manager: Vec<Manager>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) key: String,
    pub(super) url: String,
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    pub(super) subdomains: Option<bool>,
    pub(super) pronunciation: Option<String>,
    pub(super) own_recording: Option<Uuid>,
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
    pub(super) blocked: Option<Vec<Blocked>>,
    pub(super) show_manager_name: Option<bool>,
    pub(super) default_country: Option<String>,
    pub(super) own_managers: Option<bool>,
    #[serde(default)]
    pub(super) own_missed_emails: bool,
    #[serde(default)]
    pub(super) missed_emails: Vec<String>,
    #[serde(default, alias = "managers")]
    pub(super) manager: Vec<Manager>,
    #[serde(default, alias = "offices")]
    pub(super) office: Vec<Office>,
    #[serde(default, alias = "scenarios")]
    pub(super) scenario: Option<Vec<Scenario>>,
    pub(super) quiet_days: Option<i64>,
    #[serde(default)]
    pub(super) content: Content,
    #[serde(default, alias = "keyword_groups")]
    pub(super) keyword_group: Vec<KeywordGroup>,
    pub(super) button_label: Option<String>,
    pub(super) button_place: Option<String>,
    #[serde(default)]
    pub(super) consent: bool,
    pub(super) consent_text: Option<String>,
    pub(super) privacy_url: Option<String>,
    pub(super) metrica: Option<i64>,
    #[serde(default)]
    pub(super) analytics: bool,
    #[serde(default)]
    pub(super) data_layer: bool,
}

/// What the dialog says and how it looks.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Content {
    pub(super) title: Option<String>,
    pub(super) text: Option<String>,
    pub(super) button: Option<String>,
    pub(super) color: Option<String>,
    pub(super) layout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeywordGroup {
    pub(super) name: String,
    #[serde(default)]
    pub(super) masks: Vec<String>,
    #[serde(default)]
    pub(super) content: Content,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) on: Option<bool>,
    #[serde(default)]
    pub(super) content: Content,
    #[serde(default, alias = "rule")]
    pub(super) rules: Vec<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rule {
    pub(super) source: Vec<String>,
    pub(super) keyword: Vec<String>,
    pub(super) page: Vec<String>,
    pub(super) device: Vec<String>,
    pub(super) country: Vec<String>,
    pub(super) visitor: Option<String>,
    pub(super) hours: Option<[i64; 2]>,
    pub(super) since_order_days: Option<i64>,
    pub(super) variables: BTreeMap<String, Vec<String>>,
    pub(super) exit: bool,
    pub(super) return_s: Option<i64>,
    pub(super) event: Option<String>,
    pub(super) active_s: Option<i64>,
    pub(super) within_s: Option<i64>,
    pub(super) pages: Option<i64>,
    pub(super) depth: Option<i64>,
    pub(super) score: Option<i64>,
    pub(super) idle_s: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) extension: Option<String>,
    pub(super) extension_delay_s: Option<i64>,
    pub(super) accept_key: Option<Value>,
    pub(super) on: Option<bool>,
    pub(super) hours: Option<Week>,
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
