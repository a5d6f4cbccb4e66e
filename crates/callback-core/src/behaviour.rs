//! To whom a site's widget offers a call by itself, and when (R36–R44): scenarios, in the order in which they are tried,
//! each with rules of which one must hold. A rule is what must all be true of a visit. It is data: the page in the browser
//! reads it compiled, and reads over what it does not know; [`decide`] is the same reading, for whoever asks beforehand.
//!
//! What is counted of a visit stays in the browser; nothing here sees a visitor.

use crate::arrival::Device;
use crate::attribution::Kind;
use crate::language::Language;
use crate::look::Content;
use crate::number::Country;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Scenarios of a site at most.
pub const SCENARIOS: usize = 20;
/// Rules of a scenario at most.
pub const RULES: usize = 10;
/// Masks of one condition at most.
pub const MASKS: usize = 20;
/// Letters of a mask, a variable's name or an event's at most.
pub const LONGEST_MASK: usize = 100;
/// Whom to offer a call, and in which words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// The same as long as it is the same scenario, however it is called: letters, digits and hyphens.
    pub key: Arc<str>,
    /// As its owner calls it.
    pub name: Arc<str>,
    /// Whether it is tried at all.
    pub on: bool,
    /// One of them must hold.
    pub rules: Vec<Rule>,
    /// What it says; nearest wins, field by field (R45).
    #[serde(default)]
    pub content: Content,
}

/// What must all be true of a visit; what is not said leaves everybody in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// He came from one of these.
    pub source: Vec<Kind>,
    /// What he searched for is like one of these masks.
    pub keyword: Vec<Arc<str>>,
    /// The page is like one of these: its path.
    pub page: Vec<Arc<str>>,
    /// With one of these.
    pub device: Vec<Device>,
    /// From one of these, by his address.
    pub country: Vec<Country>,
    /// Whether he has been here before.
    pub visitor: Option<Visitor>,
    /// From this hour of his day until that one begins, 0–24; over midnight where the second is smaller.
    pub hours: Option<(u8, u8)>,
    /// His last order is so many days ago, or he never ordered.
    pub since_order_days: Option<u32>,
    /// What the page said of him (`CallBack.set`) is like one of these masks.
    pub variables: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// He leaves: the pointer goes upwards out of the page.
    pub exit: bool,
    /// He comes back to the page after he was away for so long.
    pub return_s: Option<u32>,
    /// The page said so (`CallBack.event`).
    pub event: Option<Arc<str>>,
    /// He has been active for so long in this visit.
    pub active_s: Option<u32>,
    /// And no longer than this.
    pub within_s: Option<u32>,
    /// He has opened so many pages.
    pub pages: Option<u32>,
    /// He has seen so much of the page, per cent.
    pub depth: Option<u32>,
    /// His activity is so high: 10 for a click, 5 for a screen scrolled, 15 for each page after the first.
    pub score: Option<u32>,
    /// He has done nothing for so long.
    pub idle_s: Option<u32>,
}

/// Whether somebody was here before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visitor {
    /// His first visit.
    New,
    /// A later one.
    Returning,
}

impl Visitor {
    /// As it is written.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returning => "returning",
        }
    }
}

/// A rule as a page reads it: for each thing that is known of a visit what it must be.
pub type Compiled = BTreeMap<String, Want>;

/// What something must be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Want {
    /// A number from this one to that; from the first on, where there is one alone; over the end and from the begin,
    /// where the second is smaller.
    Range(Vec<i64>),
    /// A text like one of these masks, in small letters: `*` stands for any letters or none.
    Masks(Vec<String>),
}

/// What is known of a visit at a moment, by its name.
pub type Facts = BTreeMap<String, Fact>;

/// Something that is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// A count.
    Number(i64),
    /// A text.
    Text(String),
}

impl Rule {
    /// As a page reads it.
    #[must_use]
    pub fn compiled(&self) -> Compiled {
        let mut wants = Compiled::new();
        let mut masks = |name: &str, all: Vec<String>| {
            if !all.is_empty() {
                wants.insert(name.to_owned(), Want::Masks(all));
            }
        };
        let lower = |all: &[Arc<str>]| all.iter().map(|mask| mask.to_lowercase()).collect::<Vec<_>>();
        masks("source", self.source.iter().map(|kind| kind.key().to_owned()).collect());
        masks("keyword", lower(&self.keyword));
        masks("page", lower(&self.page));
        masks("device", self.device.iter().map(|device| device.key().to_owned()).collect());
        masks("country", self.country.iter().map(|country| country.to_string().to_lowercase()).collect());
        masks("visitor", self.visitor.iter().map(|visitor| visitor.key().to_owned()).collect());
        masks("event", self.event.iter().map(|name| name.to_lowercase()).collect());
        for (name, all) in &self.variables {
            masks(&format!("${name}"), lower(all));
        }
        let active = match (self.active_s, self.within_s) {
            (None, None) => None,
            (from, None) => from.map(|from| vec![from.into()]),
            (from, Some(until)) => Some(vec![from.unwrap_or(0).into(), until.into()]),
        };
        let from = |count: Option<u32>| count.map(|count| vec![i64::from(count)]);
        let ranges = [
            ("hour", self.hours.map(|(from, until)| vec![from.into(), i64::from(until) - 1])),
            ("order_days", from(self.since_order_days)),
            ("exit", self.exit.then(|| vec![1])),
            ("away", from(self.return_s)),
            ("active", active),
            ("pages", from(self.pages)),
            ("depth", from(self.depth)),
            ("score", from(self.score)),
            ("idle", from(self.idle_s)),
        ];
        let ranges =
            ranges.into_iter().filter_map(|(name, range)| Some((name.to_owned(), Want::Range(range?))));
        wants.extend(ranges);
        wants
    }
}

impl Want {
    /// Whether something is as it must be; what is not known is not.
    #[must_use]
    pub fn holds(&self, fact: Option<&Fact>) -> bool {
        match (self, fact) {
            (Self::Range(range), Some(Fact::Number(number))) => match *range.as_slice() {
                [from] => from <= *number,
                [from, until] if from <= until => (from..=until).contains(number),
                [from, until] => from <= *number || *number <= until,
                _ => false,
            },
            (Self::Masks(masks), Some(Fact::Text(text))) => {
                let text = text.to_lowercase();
                masks.iter().any(|mask| is_like(mask, &text))
            }
            (Self::Range(_) | Self::Masks(_), _) => false,
        }
    }
}

/// Whether a text is like a mask.
fn is_like(mask: &str, text: &str) -> bool {
    let mut parts = mask.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return text == first };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// The first scenario of which a rule holds, and that rule, by their places.
#[must_use]
pub fn decide(scenarios: &[Vec<Compiled>], facts: &Facts) -> Option<(usize, usize)> {
    let holds = |rule: &Compiled| rule.iter().all(|(name, want)| want.holds(facts.get(name)));
    let found = scenarios.iter().enumerate();
    found.filter_map(|(at, rules)| Some((at, rules.iter().position(holds)?))).next()
}

/// Whether some scenario has this rule, as a page names it: `hot/2`.
#[must_use]
pub fn has_rule(scenarios: &[Scenario], name: &str) -> bool {
    let Some((key, place)) = name.split_once('/') else { return false };
    let place: usize = place.parse().unwrap_or(0);
    scenarios.iter().any(|one| &*one.key == key && (1..=one.rules.len()).contains(&place))
}

/// What a site begins with: the three scenarios of which only who leaves is asked (R40–R43), in its language.
#[must_use]
pub fn usual(language: Language) -> Vec<Scenario> {
    let is_russian = language == Language::Ru;
    let say = |ru: &str, en: &str| Arc::<str>::from(if is_russian { ru } else { en });
    let scenario = |key: &str, name, on, rules, title, text| Scenario {
        key: key.into(),
        name,
        on,
        rules,
        content: Content { title: Some(title), text: Some(text), ..Content::default() },
    };
    let hot = if is_russian {
        ["*цен*", "*купить*", "*заказать*", "*срочно*"]
    } else {
        ["*price*", "*buy*", "*order*", "*urgent*"]
    };
    let usual = Rule::default;
    vec![
        scenario(
            "hot",
            say("Ловить горячих", "Catch the hot ones"),
            false,
            vec![
                Rule {
                    source: vec![Kind::Search, Kind::Ad],
                    keyword: hot.map(Into::into).to_vec(),
                    active_s: Some(10),
                    ..usual()
                },
                Rule { source: vec![Kind::Direct], active_s: Some(15), ..usual() },
                Rule { score: Some(60), within_s: Some(60), ..usual() },
            ],
            say(
                "Хотите, бесплатно перезвоним вам за {seconds}?",
                "Shall we call you in {seconds}, free of charge?",
            ),
            say(
                "Мы поможем с поиском на сайте и ответим на все ваши вопросы!",
                "We’ll help you find things here and answer any question.",
            ),
        ),
        scenario(
            "long",
            say("Кто долго ищет", "Who searches long"),
            false,
            vec![Rule { active_s: Some(180), pages: Some(4), ..usual() }],
            say("Вы нашли, что искали на сайте?", "Found what you were looking for?"),
            say(
                "Хотите, перезвоним вам за {seconds} и поможем с поиском?",
                "We can call in {seconds} and help you look.",
            ),
        ),
        scenario(
            "leaving",
            say("Ловить на выходе", "Catch who leaves"),
            true,
            vec![Rule { exit: true, ..usual() }],
            say("Не нашли, что искали?", "Didn’t find it?"),
            say(
                "Хотите, вам перезвоним за {seconds}? Мы ответим на все вопросы и расскажем о текущих скидках!",
                "We can call in {seconds}, answer questions and tell you about current offers.",
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Compiled, Fact, Facts, Rule, Want, decide, is_like, usual};
    use crate::language::Language;
    use serde_json::{Value, json};

    fn facts(value: Value) -> Facts {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn masks_stand_for_any_letters() {
        for (mask, text, is) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*цен*", "уборка цена", true),
            ("/shop/*", "/shop/", true),
            ("/shop/*", "/shop", false),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a*b*a", "abba", true),
            ("*a*", "b", false),
            ("*ab", "aab", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(is_like(mask, text), is, "{mask} {text}");
        }
    }

    #[test]
    fn a_rule_holds_where_all_of_it_does() {
        let rule = |value: Value| serde_json::from_value::<Rule>(value).unwrap().compiled();
        let night = rule(
            json!({ "hours": [22, 6], "page": ["/Aktsii*"], "variables": { "plan": ["pro"] }, "exit": true }),
        );
        for (visit, holds) in [
            (json!({ "hour": 23, "page": "/aktsii/1", "$plan": "PRO", "exit": 1 }), true),
            (json!({ "hour": 5, "page": "/aktsii", "$plan": "pro", "exit": 1 }), true),
            (json!({ "hour": 6, "page": "/aktsii", "$plan": "pro", "exit": 1 }), false),
            (json!({ "hour": 23, "page": "/aktsii", "$plan": "pro", "exit": 0 }), false),
            (json!({ "hour": 23, "page": "/aktsii", "exit": 1 }), false),
        ] {
            assert_eq!(decide(&[vec![night.clone()]], &facts(visit.clone())).is_some(), holds, "{visit}");
        }
        let busy = rule(json!({ "score": 60, "within_s": 60 }));
        assert!(decide(&[vec![busy.clone()]], &facts(json!({ "score": 60, "active": 60 }))).is_some());
        assert!(decide(&[vec![busy]], &facts(json!({ "score": 90, "active": 61 }))).is_none());
    }

    #[test]
    fn what_is_not_known_holds_nobody_up() {
        let newer = Compiled::from([("mood".to_owned(), Want::Masks(vec!["*".to_owned()]))]);
        let exit = Rule { exit: true, ..Rule::default() }.compiled();
        let leaves = Facts::from([("exit".to_owned(), Fact::Number(1))]);
        assert_eq!(decide(&[vec![newer.clone()], vec![newer, exit]], &leaves), Some((1, 1)));
    }

    #[test]
    fn a_site_begins_with_asking_those_who_leave() {
        for language in [Language::Ru, Language::En] {
            let scenarios = usual(language);
            let on: Vec<_> = scenarios.iter().filter(|one| one.on).map(|one| &*one.key).collect();
            assert_eq!(on, ["leaving"]);
            let says = |one: &crate::look::Content| {
                [&one.title, &one.text].into_iter().flatten().any(|text| text.contains("{seconds}"))
            };
            assert!(scenarios.iter().all(|one| says(&one.content)));
        }
    }
}
