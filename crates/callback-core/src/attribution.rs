//! Where a visitor came from: kind of source, its name, campaign and keyword, of nothing but the address that he landed on
//! and the page that led there.
//!
//! In this order: what an advertiser's click id says, what the site's own marks (UTM) say, then who the page before belongs
//! to. A keyword is known where it was passed; nothing is guessed.

use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use url::Url;

/// The longest text that is kept of an address.
const LONGEST: usize = 200;

/// What kind of source it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An advertisement that was paid for.
    Ad,
    /// The answer of an AI assistant.
    Ai,
    /// A search engine's page of results.
    Search,
    /// A social network.
    Social,
    /// A messenger.
    Messenger,
    /// A letter.
    Email,
    /// A page elsewhere, or a mark that names no other kind.
    Referral,
    /// Nothing led there, as far as is known.
    Direct,
    /// A page of the site itself: what led there before is not known.
    Internal,
}

impl Kind {
    /// As it is written.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Ad => "ad",
            Self::Ai => "ai",
            Self::Search => "search",
            Self::Social => "social",
            Self::Messenger => "messenger",
            Self::Email => "email",
            Self::Referral => "referral",
            Self::Direct => "direct",
            Self::Internal => "internal",
        }
    }
}

/// What was searched for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// It was passed.
    Known(String),
    /// There was one, and it was not passed.
    Hidden,
    /// There was none.
    None,
}

/// Where a visitor came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribution {
    /// The kind.
    pub kind: Kind,
    /// Who it was: `Yandex`, `utm_source`, or the host of the page before.
    pub name: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// `utm_campaign`.
    pub campaign: Option<String>,
    /// `utm_content`.
    pub content: Option<String>,
    /// What was searched for.
    pub keyword: Keyword,
    /// The name of the click id that came with it, like `yclid`.
    pub click: Option<String>,
}

/// Click ids, whose they are, and what they mean.
const CLICKS: [(&str, Kind, &str); 21] = [
    ("yclid", Kind::Ad, "Yandex"),
    ("ymclid", Kind::Ad, "Yandex Market"),
    ("gclid", Kind::Ad, "Google"),
    ("gbraid", Kind::Ad, "Google"),
    ("wbraid", Kind::Ad, "Google"),
    ("dclid", Kind::Ad, "Google"),
    ("gad_source", Kind::Ad, "Google"),
    ("msclkid", Kind::Ad, "Bing"),
    ("rb_clickid", Kind::Ad, "VK"),
    ("ttclid", Kind::Ad, "TikTok"),
    ("twclid", Kind::Ad, "X"),
    ("li_fat_id", Kind::Ad, "LinkedIn"),
    ("rdt_cid", Kind::Ad, "Reddit"),
    ("epik", Kind::Ad, "Pinterest"),
    ("ScCid", Kind::Ad, "Snapchat"),
    ("_openstat", Kind::Ad, "Openstat"),
    ("ysclid", Kind::Search, "Yandex"),
    ("srsltid", Kind::Search, "Google"),
    ("fbclid", Kind::Social, "Facebook"),
    ("igsh", Kind::Social, "Instagram"),
    ("igshid", Kind::Social, "Instagram"),
];

/// Words of `utm_medium`, and what they mean; the first that is in it holds.
const MEDIA: [(Kind, &[&str]); 7] = [
    (
        Kind::Ad,
        &[
            "cpc",
            "ppc",
            "cpm",
            "cpa",
            "cpv",
            "cpl",
            "paid",
            "paidsearch",
            "paidsocial",
            "banner",
            "display",
            "ad",
            "ads",
            "adv",
            "advertising",
            "retargeting",
            "remarketing",
            "target",
            "targeting",
            "context",
            "programmatic",
            "shopping",
            "video",
            "promo",
            "реклама",
            "таргет",
            "контекст",
        ],
    ),
    (Kind::Email, &["email", "mail", "mailing", "newsletter", "e", "рассылка", "письмо"]),
    (Kind::Messenger, &["messenger", "telegram", "tg", "whatsapp", "viber", "sms", "bot", "chat"]),
    (
        Kind::Social,
        &["social", "smm", "sm", "socialmedia", "socialnetwork", "post", "stories", "blogger", "influencer"],
    ),
    (Kind::Search, &["organic", "seo", "search"]),
    (Kind::Ai, &["ai", "chatgpt", "llm"]),
    (
        Kind::Referral,
        &["referral", "partner", "partners", "affiliate", "link", "qr", "offline", "catalog", "maps", "pr"],
    ),
];

/// What `utm_source` is called for short, and who that is.
const NICKNAMES: [(&str, &str); 17] = [
    ("google", "google.com"),
    ("yandex", "ya.ru"),
    ("ya", "ya.ru"),
    ("bing", "bing.com"),
    ("vk", "vk.com"),
    ("vkontakte", "vk.com"),
    ("ok", "ok.ru"),
    ("fb", "facebook.com"),
    ("facebook", "facebook.com"),
    ("ig", "instagram.com"),
    ("instagram", "instagram.com"),
    ("telegram", "t.me"),
    ("tg", "t.me"),
    ("whatsapp", "wa.me"),
    ("youtube", "youtube.com"),
    ("dzen", "dzen.ru"),
    ("chatgpt", "chatgpt.com"),
];

/// Who a page belongs to.
#[derive(Clone, Copy)]
struct Known {
    kind: Kind,
    name: &'static str,
    /// Query parameters with the keyword, by commas.
    params: &'static str,
}

impl Known {
    /// Whether the hosts below its own are its too. Those of a search engine are not all search, and below a portal stand
    /// others.
    fn has_all_below(&self) -> bool {
        !matches!(self.kind, Kind::Search | Kind::Referral)
    }
}

static KNOWN: LazyLock<BTreeMap<&'static str, Known>> = LazyLock::new(|| {
    let lists = [include_str!("../assets/sources/sources.tsv"), include_str!("../assets/sources/own.tsv")];
    lists.iter().flat_map(|list| list.lines()).filter_map(known).collect()
});

/// The names of search engines.
static ENGINES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    KNOWN.values().filter(|known| known.kind == Kind::Search).map(|known| known.name).collect()
});

fn known(line: &'static str) -> Option<(&'static str, Known)> {
    let mut parts = line.split('\t');
    let kind = match parts.next()? {
        "ad" => Kind::Ad,
        "ai" => Kind::Ai,
        "search" => Kind::Search,
        "social" => Kind::Social,
        "messenger" => Kind::Messenger,
        "email" => Kind::Email,
        "referral" => Kind::Referral,
        _ => return None,
    };
    let (name, place, params) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    Some((place.strip_prefix("www.").unwrap_or(place), Known { kind, name, params }))
}

impl Attribution {
    /// Of the address that a visit began with and the page before it; either may be empty, or no address at all.
    #[must_use]
    pub fn of(landing: &str, referrer: &str, own: &Origin) -> Self {
        let landing = Url::parse(landing).ok();
        let mark = |name: &str| landing.as_ref().and_then(|landing| parameter(landing, name));
        let before = Url::parse(referrer).ok().filter(Url::has_host);
        let led = before.as_ref().map(|before| led_by(before, own));
        let source = mark("utm_source").filter(|source| !is_none(source));
        let medium = mark("utm_medium").filter(|medium| !is_none(medium));
        let click = CLICKS.iter().find(|(name, ..)| mark(name).is_some());

        let by_click = click.map(|(_, kind, who)| (*kind, Some((*who).to_owned())));
        let by_ad = by_click.clone().filter(|(kind, _)| *kind == Kind::Ad);
        let by_mark = (source.is_some() || medium.is_some()).then(|| {
            let named = source.as_deref().and_then(named);
            let led = led.as_ref().map(|led| led.kind).filter(|kind| *kind != Kind::Internal);
            let said = medium.as_deref().and_then(said).or(named.map(|known| known.kind)).or(led);
            (said.unwrap_or(Kind::Referral), None)
        });
        let by_page = led.as_ref().map(|led| (led.kind, led.name.clone()));
        let (kind, who) = by_ad.or(by_mark).or(by_click).or(by_page).unwrap_or((Kind::Direct, None));
        let called = source.map(|source| named(&source).map_or(source, |known| known.name.to_owned()));
        let name = called.or(who).or_else(|| led.as_ref().and_then(|led| led.name.clone()));
        // An advertisement that no search engine showed was not searched for.
        let is_engine = led.as_ref().is_some_and(|led| led.kind == Kind::Search)
            || name.as_deref().is_some_and(|name| ENGINES.contains(name));
        let term = mark("utm_term").filter(|term| !is_none(term));
        let keyword = match term.or_else(|| led.as_ref().and_then(|led| led.keyword.clone())) {
            Some(keyword) => Keyword::Known(keyword),
            None if kind == Kind::Search || (kind == Kind::Ad && is_engine) => Keyword::Hidden,
            None => Keyword::None,
        };
        Self {
            kind,
            name,
            medium,
            campaign: mark("utm_campaign"),
            content: mark("utm_content"),
            keyword,
            click: click.map(|(name, ..)| (*name).to_owned()),
        }
    }
}

/// Whom the page before belongs to.
struct Led {
    kind: Kind,
    name: Option<String>,
    keyword: Option<String>,
}

fn led_by(before: &Url, own: &Origin) -> Led {
    let host = before.host_str().unwrap_or_default().to_ascii_lowercase();
    if before.scheme() == "android-app" {
        return match KNOWN.get(format!("app:{host}").as_str()) {
            Some(app) => Led { kind: app.kind, name: Some(app.name.to_owned()), keyword: None },
            None => Led { kind: Kind::Referral, name: Some(host), keyword: None },
        };
    }
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let (here, host) = (bare(own.host()), bare(&host));
    if host == here || host.ends_with(&format!(".{here}")) {
        return Led { kind: Kind::Internal, name: None, keyword: None };
    }
    match owner(&host, before.path()) {
        Some(known) => {
            let keyword = known.params.split(',').find_map(|name| parameter(before, name));
            Led { kind: known.kind, name: Some(known.name.to_owned()), keyword }
        }
        None if calls_itself_mail(&host) => Led { kind: Kind::Email, name: Some(host), keyword: None },
        None => Led { kind: Kind::Referral, name: (!host.is_empty()).then_some(host), keyword: None },
    }
}

/// Whether letters are read there: providers and companies call the host of their mail so, the world over.
fn calls_itself_mail(host: &str) -> bool {
    let (first, rest) = host.split_once('.').unwrap_or_default();
    ["mail", "email", "webmail"].contains(&first) && rest.contains('.')
}

/// Who has this host, or this part of it: by its own name, or by its name in another country.
fn owner(host: &str, path: &str) -> Option<Known> {
    let mut at = Some(host);
    while let Some(name) = at {
        let is_whole = name == host;
        let found = [Some(name.to_owned()), abroad(name), at_home(name)].into_iter().flatten();
        for place in found {
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            for depth in (0..=parts.len().min(3)).rev() {
                let part =
                    parts.iter().take(depth).fold(place.clone(), |place, part| format!("{place}/{part}"));
                if let Some(known) =
                    KNOWN.get(part.as_str()).filter(|known| is_whole || known.has_all_below())
                {
                    return Some(*known);
                }
            }
        }
        at = name.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.contains('.'));
    }
    None
}

/// `google.co.uk` as the lists have it: `google.{}`.
fn abroad(host: &str) -> Option<String> {
    let (rest, top) = host.rsplit_once('.')?;
    if top.len() != 2 && !["com", "net", "org", "xn--p1ai"].contains(&top) {
        return None;
    }
    let second = rest.rsplit_once('.').filter(|(_, second)| ["co", "com", "net", "org"].contains(second));
    Some(format!("{}.{{}}", second.map_or(rest, |(rest, _)| rest)))
}

/// `de.search.yahoo.com` as the lists have it: `{}.search.yahoo.com`.
fn at_home(host: &str) -> Option<String> {
    let (country, rest) = host.split_once('.')?;
    (country.len() == 2 && rest.contains('.')).then(|| format!("{{}}.{rest}"))
}

/// Who is meant by `utm_source`.
fn named(source: &str) -> Option<Known> {
    let small = source.to_lowercase();
    let called = |name: &str| NICKNAMES.iter().find(|(nickname, _)| *nickname == name);
    // `yandex-direct`, `google_ads`, `vk.ads`: who it is stands first.
    let first = small.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let is_host = small.contains('.') && owner(&small, "").is_some();
    let nickname = called(&small).or_else(|| called(first).filter(|_| !is_host));
    let host = nickname.map_or(small.as_str(), |(_, host)| host);
    host.contains('.').then(|| owner(host.strip_prefix("www.").unwrap_or(host), "")).flatten()
}

/// What a mark says of itself that says nothing: no keyword, no source (Google Analytics, Yandex Direct).
fn is_none(mark: &str) -> bool {
    let small = mark.to_lowercase();
    small.starts_with("---")
        || ["(not provided)", "(not set)", "(none)", "(direct)", "not provided"].contains(&small.as_str())
}

/// What `utm_medium` says.
fn said(medium: &str) -> Option<Kind> {
    let small = medium.to_lowercase();
    let words: Vec<&str> = small.split(|letter: char| !letter.is_alphanumeric()).collect();
    MEDIA.iter().find(|(_, known)| words.iter().any(|word| known.contains(word))).map(|(kind, _)| *kind)
}

/// A parameter of an address, unless it is empty or a macro that nobody filled in.
fn parameter(of: &Url, name: &str) -> Option<String> {
    let (_, value) = of.query_pairs().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let value = value.trim();
    let is_macro = ["{", "[", "%7B", "__"].iter().any(|mark| value.starts_with(mark));
    let is_readable = !value.is_empty() && !is_macro && !value.contains('\u{fffd}');
    is_readable.then(|| value.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect())
}

#[cfg(test)]
mod tests;
