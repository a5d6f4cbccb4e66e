//! What a site's widget says and how it looks (R45): for all, for who comes to a scenario, for who searched for something;
//! the nearest wins, field by field. And what it asks consent to, and tells the page's own counters.

use crate::language::Language;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use url::Url;

/// Keyword groups of a site at most.
pub const GROUPS: usize = 50;
/// Letters of a title or of a button at most.
pub const LONGEST_TITLE: usize = 120;
/// Letters of a text at most, of a consent's too.
pub const LONGEST_TEXT: usize = 400;

/// What the dialog says first, and how it looks; what is not said here is as usual.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    /// The text; `{seconds}` is the promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Arc<str>>,
    /// The button that orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<Arc<str>>,
    /// The colour of the buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Where the dialog stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
}

/// Where a dialog stands; on telephones each is a sheet at the bottom.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// In the middle, over the page.
    #[default]
    Center,
    /// In the lower corner, beside the page.
    Corner,
    /// At the side, as high as the page.
    Side,
    /// A sheet at the bottom.
    Sheet,
    /// A bar along the bottom.
    Bar,
}

/// A colour (sRGB): `#0B6B55`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Color([u8; 3]);

/// A text that is no colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write a colour like #0B6B55")]
pub struct NotAColor;

/// What who searched for something is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeywordGroup {
    /// As its owner calls it.
    pub name: Arc<str>,
    /// What he searched for is like one of these.
    pub masks: Vec<Arc<str>>,
    /// What he is told.
    pub content: Content,
}

/// Where the button stands that is always there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Where a line ends.
    #[default]
    Right,
    /// Where a line begins.
    Left,
    /// Nowhere: the page opens the dialog itself.
    None,
}

/// What a site's widget says and how it looks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// To all.
    pub content: Content,
    /// To who searched for something, the first that fits.
    pub groups: Vec<KeywordGroup>,
    /// What stands on the button.
    pub label: Option<Arc<str>>,
    /// Where that stands.
    pub place: Place,
    /// A visitor must tick a box before he orders (R49).
    pub consent: bool,
    /// What he consents to; as usual, where there is none.
    pub consent_text: Option<Arc<str>>,
    /// Where it says what becomes of his number.
    pub privacy_url: Option<Arc<str>>,
    /// The counter of Yandex Metrica that is told of shows, orders and talks.
    pub metrica: Option<u32>,
    /// Whether Google Analytics (`gtag`) is told.
    pub analytics: bool,
    /// Whether `dataLayer` is told.
    pub data_layer: bool,
}

impl Look {
    /// What a visitor must consent to; none where nothing is asked.
    #[must_use]
    pub fn consent(&self, language: Language) -> Option<&str> {
        let usual = match language {
            Language::Ru => "Даю согласие на обработку телефона для обратного звонка.",
            Language::En => "I agree that my phone is used for this callback.",
        };
        self.consent.then(|| self.consent_text.as_deref().unwrap_or(usual))
    }

    /// What stands on the button.
    #[must_use]
    pub fn label(&self, language: Language) -> &str {
        let usual = match language {
            Language::Ru => "Перезвоните мне",
            Language::En => "Call me back",
        };
        self.label.as_deref().unwrap_or(usual)
    }
}

impl Color {
    /// Black or white, whichever is read better on it (WCAG 2.2, relative luminance).
    #[must_use]
    pub fn readable(self) -> &'static str {
        // The two are equally far where the luminance is the root of 1.05 × 0.05, less 0.05.
        if self.luminance_ppm() > 179_128 { "#000" } else { "#fff" }
    }

    /// The contrast of that text on it, in hundredths: 450 is enough for texts (WCAG 2.2 §1.4.3).
    #[must_use]
    pub fn contrast(self) -> u64 {
        let own = self.luminance_ppm() + 50_000;
        let (high, low) = if self.readable() == "#fff" { (1_050_000, own) } else { (own, 50_000) };
        high * 100 / low
    }

    /// Relative luminance in millionths.
    fn luminance_ppm(self) -> u64 {
        let [red, green, blue] = self.0.map(linear_ppm);
        (red * 2_126 + green * 7_152 + blue * 722) / 10_000
    }
}

/// A channel of sRGB made linear, in millionths: between the points of the curve on a line, which errs by less than a
/// thousandth.
fn linear_ppm(channel: u8) -> u64 {
    const POINTS: [u64; 17] = [
        0, 5_182, 14_444, 29_557, 51_269, 80_220, 116_971, 162_029, 215_861, 278_894, 351_533, 434_154,
        527_115, 630_757, 745_404, 871_367, 1_008_944,
    ];
    let (at, rest) = (usize::from(channel / 16), u64::from(channel % 16));
    let from = POINTS.get(at).copied().unwrap_or(0);
    let to = POINTS.get(at + 1).copied().unwrap_or(from);
    from + (to - from) * rest / 16
}

impl FromStr for Color {
    type Err = NotAColor;

    fn from_str(text: &str) -> Result<Self, NotAColor> {
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.is_ascii()).ok_or(NotAColor)?;
        let channel = |at: usize| {
            let two = digits.get(at..at + 2).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            two.and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or(NotAColor)
        };
        if digits.len() != 6 {
            return Err(NotAColor);
        }
        Ok(Self([channel(0)?, channel(2)?, channel(4)?]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02X}{green:02X}{blue:02X}")
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl TryFrom<String> for Color {
    type Error = NotAColor;

    fn try_from(text: String) -> Result<Self, NotAColor> {
        text.parse()
    }
}

/// An address that a link may lead to (`http`, `https`).
///
/// # Errors
/// It is none.
pub fn link(text: &str) -> Result<Arc<str>, &'static str> {
    let wrong = "write an address like https://shop.example/privacy";
    let url = Url::parse(text.trim()).map_err(|_| wrong)?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url.as_str().into())
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, link};

    #[test]
    fn a_colour_has_a_text_that_is_read_on_it() {
        for (color, text, contrast) in [
            ("#0B6B55", "#fff", 646_u64),
            ("#3FC29E", "#000", 942),
            ("#FFFFFF", "#000", 2_100),
            ("#000000", "#fff", 2_100),
            ("#777777", "#000", 469),
            ("#FF0000", "#000", 525),
        ] {
            let parsed: Color = color.parse().unwrap();
            assert_eq!((parsed.to_string().as_str(), parsed.readable()), (color, text));
            let told = parsed.contrast();
            assert!(told.abs_diff(contrast) <= contrast / 50, "{color}: {told}, {contrast} is right");
        }
        for wrong in ["", "0B6B55", "#0B6B5", "#0B6B555", "#0B6B5G", "red", "#+1-2+3", "#яяя"] {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_leads_to_the_web() {
        assert!(link("https://shop.example/privacy").is_ok());
        for wrong in ["javascript:alert(1)", "data:text/html,x", "/privacy", "", "ftp://x"] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }
}
