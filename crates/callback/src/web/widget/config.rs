//! What a page is told of its site (`web/widget/src/config.ts`): few letters, for every page carries them.

use super::Files;
use crate::store::PublishedSite;
use callback_core::behaviour::{Compiled, Rule, Scenario};
use callback_core::look::{Color, Content, Layout, Look, Place};
use callback_core::number::{self, Country};
use callback_core::site::{Language, Origin};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A site's published settings, as its pages need them.
#[derive(Serialize)]
pub(super) struct Config<'a> {
    base: &'a str,
    key: &'a str,
    host: &'a str,
    subdomains: bool,
    language: Language,
    label: &'a str,
    place: Place,
    country: Country,
    code: String,
    /// How its numbers are grouped: `3 3-2-2`.
    grouping: String,
    promise: u32,
    /// After an order nothing is offered by itself for so many days.
    quiet: u32,
    scenarios: Vec<Offered<'a>>,
    content: Says<'a>,
    groups: Vec<(Vec<String>, Says<'a>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Consent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goals: Option<(u32, bool, bool)>,
    /// What is said instead of a call, in a trial of a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<&'static str>,
    files: Paths,
}

/// A scenario: its key, its rules, and what it says.
#[derive(Serialize)]
struct Offered<'a>(String, Vec<Compiled>, Says<'a>);

/// What the dialog says and how it looks; of a colour also what is read on it.
#[derive(Serialize)]
struct Says<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
}

impl<'a> From<&'a Content> for Says<'a> {
    fn from(content: &'a Content) -> Self {
        Self {
            title: content.title.as_deref(),
            text: content.text.as_deref(),
            button: content.button.as_deref(),
            color: content.color,
            on: content.color.map(Color::readable),
            layout: content.layout,
        }
    }
}

/// What a visitor must consent to: its text, and by what that is known.
#[derive(Serialize)]
struct Consent<'a> {
    text: &'a str,
    version: String,
}

#[derive(Serialize)]
struct Paths {
    watch: String,
    dialog: String,
    words: String,
    countries: String,
}

impl<'a> Config<'a> {
    /// Of a site, its scenarios read out of it, at a service's address.
    pub(super) fn of(
        site: &'a PublishedSite,
        scenarios: &'a [Scenario],
        base: &'a Origin,
        files: &Files,
        countries: &str,
    ) -> Self {
        let body = &site.body;
        let look = &body.look;
        let at = |name: &str| format!("/w/a/{name}");
        let words = match body.language {
            Language::Ru => &files.ru,
            Language::En => &files.en,
        };
        let country = body.default_country.unwrap_or(site.customer.country);
        let offered = |one: &'a Scenario| {
            Offered(
                one.key.to_string(),
                one.rules.iter().map(Rule::compiled).collect(),
                (&one.content).into(),
            )
        };
        Self {
            base: base.as_str(),
            key: site.key.as_str(),
            host: body.origin.as_str().split_once("://").map_or("", |(_, host)| host),
            subdomains: body.subdomains,
            language: body.language,
            label: look.label(body.language),
            place: look.place,
            country,
            code: code_of(country),
            grouping: number::groups(country),
            promise: body.promise_seconds,
            quiet: body.quiet_days,
            scenarios: scenarios.iter().filter(|one| one.on).map(offered).collect(),
            content: (&look.content).into(),
            groups: look
                .groups
                .iter()
                .map(|group| {
                    let masks = group.masks.iter().map(|mask| mask.to_lowercase()).collect();
                    (masks, (&group.content).into())
                })
                .collect(),
            consent: look.consent(body.language).map(|text| Consent { text, version: version(text) }),
            privacy: look.privacy_url.as_deref(),
            goals: goals(look),
            trial: None,
            files: Paths {
                watch: at(&files.watch),
                dialog: at(&files.dialog),
                words: at(words),
                countries: at(countries),
            },
        }
    }
}

impl<'a> Config<'a> {
    /// The same of a draft: asked about under a key of its own, told to no counter, and there is a button to say so.
    pub(super) fn on_trial(self, key: &'a str, label: &'a str) -> Self {
        let trial = match self.language {
            Language::Ru => "Это проба черновика: никому не звоним.",
            Language::En => "This is a trial of a draft: nobody is called.",
        };
        let place = if self.place == Place::None { Place::Right } else { self.place };
        Self { key, label, place, trial: Some(trial), goals: None, ..self }
    }
}

/// What stands on the button in a trial.
pub(super) fn trial_label(look: &Look, language: Language) -> String {
    let draft = match language {
        Language::Ru => "Черновик",
        Language::En => "Draft",
    };
    format!("{draft} · {}", look.label(language))
}

/// By what a text of consent is known for ever: the first digits of its hash (SHA-256).
pub(in crate::web) fn version(text: &str) -> String {
    digest(text.as_bytes())
}

fn goals(look: &Look) -> Option<(u32, bool, bool)> {
    let told = look.metrica.is_some() || look.analytics || look.data_layer;
    told.then(|| (look.metrica.unwrap_or(0), look.analytics, look.data_layer))
}

fn code_of(country: Country) -> String {
    let known = number::countries().into_iter().find(|(known, _)| *known == country);
    known.map_or_else(String::new, |(_, code)| format!("+{code}"))
}

/// The first digits of a hash (SHA-256) of bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes).iter().take(8) {
        let _fits = write!(text, "{byte:02x}");
    }
    text
}
