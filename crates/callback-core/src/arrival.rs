//! What is known of an order as it came, understood once: a later rule changes nothing of it.

use crate::area::area;
use crate::attribution::Attribution;
use crate::language::Language;
use crate::number::{Country, PhoneNumber};
use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use url::Url;

/// The longest path of a page that is kept.
const LONGEST_PAGE: usize = 200;

/// Who ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A visitor, on a page.
    #[default]
    Visitor,
    /// Somebody in the cabinet, to call a visitor again.
    Cabinet,
    /// Somebody in the cabinet, to try a draft.
    Test,
}

/// What the visitor had in his hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A telephone.
    Phone,
    /// A tablet.
    Tablet,
    /// Anything else that has pages.
    Computer,
}

/// Where somebody may be, by the address of his network or by the plan of his number: an estimate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// ISO 3166.
    pub country: String,
    /// A part of the country.
    pub region: Option<String>,
    /// A town.
    pub city: Option<String>,
}

/// What is known of an order as it came.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// Who ordered.
    pub by: By,
    /// Where the visitor came from; none where the visit does not say where it began.
    pub came: Option<Attribution>,
    /// The page of the order: its path, after its host where that is not the site's.
    pub page: Option<String>,
    /// Where he was, by his address.
    pub place: Option<Place>,
    /// Where his number is at home.
    pub by_number: Option<Place>,
    /// With what.
    pub device: Option<Device>,
    /// The rule that showed the dialog in which he ordered, like `hot/2`; none where he opened it.
    pub rule: Option<String>,
}

impl Place {
    /// Where a number of this country is at home.
    #[must_use]
    pub fn of_number(number: PhoneNumber, home: Country, language: Language) -> Self {
        let region = area(number, language).map(str::to_owned);
        Self { country: home.to_string(), region, city: None }
    }
}

impl Device {
    /// As it is written.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Tablet => "tablet",
            Self::Computer => "computer",
        }
    }

    /// By what a browser says of itself (`User-Agent`, RFC 9110 §10.1.5); none where it says nothing.
    #[must_use]
    pub fn of(user_agent: &str) -> Option<Self> {
        let has = |word: &str| user_agent.contains(word);
        if user_agent.trim().is_empty() {
            None
        } else if has("iPad") || has("Tablet") || has("Kindle") || (has("Android") && !has("Mobile")) {
            Some(Self::Tablet)
        } else if has("Mobi") || has("iPhone") || has("Opera Mini") {
            Some(Self::Phone)
        } else {
            Some(Self::Computer)
        }
    }
}

/// A page as statistics name it: its path without what was asked of it, and its host before that where it is not the
/// site's.
#[must_use]
pub fn page(address: &str, own: &Origin) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_start_matches("www.");
    let is_own = host == own.host().trim_start_matches("www.");
    let page = if is_own { url.path().to_owned() } else { format!("{host}{}", url.path()) };
    let end = (0..=LONGEST_PAGE.min(page.len())).rev().find(|end| page.is_char_boundary(*end)).unwrap_or(0);
    Some(page.get(..end)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Device, page};
    use crate::origin::Origin;

    #[test]
    fn a_page_is_told_by_its_path() {
        let own = Origin::parse("https://romashka.example").unwrap();
        let long = format!("https://romashka.example/{}", "я".repeat(150));
        for (address, told) in [
            ("https://romashka.example/uborka?utm_source=x#top", Some("/uborka")),
            ("https://www.romashka.example/", Some("/")),
            ("https://shop.example/cart", Some("shop.example/cart")),
            ("about:blank", None),
            ("no address", None),
        ] {
            assert_eq!(page(address, &own).as_deref(), told, "{address}");
        }
        assert_eq!(page(&long, &own).unwrap().len(), 200);
    }

    #[test]
    fn browsers_say_what_they_run_on() {
        for (agent, device) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1",
                Some(Device::Phone),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36",
                Some(Device::Phone),
            ),
            ("Mozilla/5.0 (Linux; Android 13; SM-X700) Chrome/126.0 Safari/537.36", Some(Device::Tablet)),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) Version/16.6 Mobile/15E148",
                Some(Device::Tablet),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                Some(Device::Computer),
            ),
            ("", None),
        ] {
            assert_eq!(Device::of(agent), device, "{agent}");
        }
    }
}
