//! Telephone numbers: E.164 in, E.164 out; any national spelling at the door.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A telephone number by E.164: the digits after the `+`, at most 15, the first not 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PhoneNumber(u64);

/// A text that is no E.164 number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a telephone number in international form, like +74951234567")]
pub struct NotE164;

impl PhoneNumber {
    /// The digits without the plus, as a number.
    #[must_use]
    pub fn digits(self) -> u64 {
        self.0
    }

    /// As people read it, in the groups of its country: `+7 916 123-45-67`.
    #[must_use]
    pub fn in_groups(self) -> String {
        let util = &*PHONE_NUMBER_UTIL;
        let parsed = util.parse(self.to_string(), None::<Region>);
        parsed.map_or_else(
            |_| self.to_string(),
            |number| util.format(&number, PhoneNumberFormat::International).to_string(),
        )
    }
}

impl FromStr for PhoneNumber {
    type Err = NotE164;

    /// Reads exactly `+` and 5 to 15 digits; other spellings are [`parse`]'s.
    fn from_str(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        let fits = (5..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { digits.parse().map(Self).map_err(|_| NotE164) } else { Err(NotE164) }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.to_string()
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotE164;

    fn try_from(text: String) -> Result<Self, NotE164> {
        text.parse()
    }
}

/// Why a spelling is no number that is ever dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no telephone number.
    #[error("this is not a telephone number; write it with its country code, like +7 916 123-45-67")]
    Invalid,
    /// Emergency and other short numbers, premium, shared-cost, pagers, satellites and other numbers of no country.
    #[error(
        "numbers of this kind are not called: emergency, short, premium-rate, shared-cost, pager or satellite"
    )]
    RefusedClass,
}

/// Characters of a spelling, at most.
const LONGEST: usize = 64;

/// Countries from where one dials 8~10 to call abroad (ITU-T E.164, national prefixes).
const DIAL_810: [[u8; 2]; 5] = [*b"RU", *b"KZ", *b"BY", *b"TJ", *b"TM"];
/// Keys of an extension that stands behind a number, at most.
const LONGEST_EXTENSION: usize = 7;

/// Reads any national or international spelling (`8 (916) 123-45-67`, `+7…`, `007…`) as it is meant in `country`.
///
/// # Errors
/// [`Unusable::Invalid`] where the numbering plans know no such number; [`Unusable::RefusedClass`] for numbers
/// that exist and are never dialled.
pub fn parse(text: &str, country: Country) -> Result<(PhoneNumber, Country), Unusable> {
    if text.chars().nth(LONGEST).is_some() {
        return Err(Unusable::Invalid);
    }
    let util = &*PHONE_NUMBER_UTIL;
    let region = country.region();
    // `00` goes abroad in most countries, and is written as if it did in those where `810` does.
    let parsed = match text.trim_start().strip_prefix("00").filter(|_| DIAL_810.contains(&country.0)) {
        Some(rest) => util.parse(format!("+{rest}"), region),
        None => util.parse(text, region),
    };
    // Of any alphabet, as they are read.
    let digits = text.chars().filter(|letter| letter.is_numeric()).count();
    let parsed = parsed
        .map_err(|_| if (2..=4).contains(&digits) { Unusable::RefusedClass } else { Unusable::Invalid })?;
    // What is longer than any extension is another number: which of the two is meant?
    if parsed.extension().len() > LONGEST_EXTENSION {
        return Err(Unusable::Invalid);
    }
    if !util.is_valid_number(&parsed) {
        return Err(if digits <= 4 { Unusable::RefusedClass } else { Unusable::Invalid });
    }
    let number_type = util.get_number_type(&parsed);
    let refused = match number_type {
        PhoneNumberType::FixedLine
        | PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::TollFree
        | PhoneNumberType::VoIP
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::UAN => false,
        PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::Pager
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::Unknown => true,
    };
    let home = util.get_region_for_number(&parsed).and_then(|region| region.to_string().parse().ok());
    let number = util.format(&parsed, PhoneNumberFormat::E164).parse().ok();
    match (number, home) {
        (Some(number), Some(home)) if !refused => Ok((number, home)),
        (None, _) => Err(Unusable::Invalid),
        _ => Err(Unusable::RefusedClass),
    }
}

/// A number of a country that shows how its numbers are: a mobile one, or one of a line where there is none. Nobody has it.
#[must_use]
pub fn example(country: Country) -> Option<PhoneNumber> {
    let (util, region) = (&*PHONE_NUMBER_UTIL, country.region()?);
    let of = |kind| util.get_example_number_for_type_and_region(region, kind).ok();
    let number = of(PhoneNumberType::Mobile).or_else(|| of(PhoneNumberType::FixedLine))?;
    util.format(&number, PhoneNumberFormat::E164).parse().ok()
}

/// The extension that stands after a number, as people write it (`доб. 102`, `ext. 102`, `;ext=102`, RFC 3966).
#[must_use]
pub fn extension(text: &str, country: Country) -> Option<String> {
    let parsed = PHONE_NUMBER_UTIL.parse(text, country.region()).ok()?;
    Some(parsed.extension().to_owned()).filter(|extension| !extension.is_empty())
}

/// A country by ISO 3166-1 alpha-2, one that the numbering plans know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Country([u8; 2]);

/// A text that is no country.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a country by its two letters, like RU")]
pub struct NotACountry;

impl Country {
    fn region(self) -> Option<Region> {
        Region::try_from(std::str::from_utf8(&self.0).unwrap_or_default()).ok()
    }
}

/// All countries of the numbering plans, each with its calling code (ITU-T E.164), by their letters.
#[must_use]
pub fn countries() -> Vec<(Country, u16)> {
    let coded = |region: Region| {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
        Some((region.to_string().parse().ok()?, u16::try_from(code).ok()?))
    };
    let mut found: Vec<(Country, u16)> =
        PHONE_NUMBER_UTIL.get_supported_regions().filter_map(coded).collect();
    found.sort_unstable();
    found
}

/// How many digits stand in each group of a country's usual numbers after its calling code, and what stands between:
/// `3 3-2-2`, of mobile telephones where it has such; empty where nobody says.
#[must_use]
pub fn groups(country: Country) -> String {
    let util = &*PHONE_NUMBER_UTIL;
    let written = example(country)
        .and_then(|number| util.parse(number.to_string(), None).ok())
        .map(|number| util.format(&number, PhoneNumberFormat::International).into_owned());
    let groups =
        written.as_deref().and_then(|written| written.split_once(' ')).map_or("", |(_, groups)| groups);
    let between = groups.split(|letter: char| letter.is_ascii_digit()).filter(|between| !between.is_empty());
    let lengths = groups.split(|letter: char| !letter.is_ascii_digit()).filter(|group| !group.is_empty());
    let mut between = between.map(str::to_owned);
    lengths.map(|group| format!("{}{}", group.len(), between.next().unwrap_or_default())).collect()
}

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        let letters: [u8; 2] = text.to_ascii_uppercase().into_bytes().try_into().map_err(|_| NotACountry)?;
        let country = Self(letters);
        let known = country
            .region()
            .is_some_and(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some());
        if known { Ok(country) } else { Err(NotACountry) }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl TryFrom<String> for Country {
    type Error = NotACountry;

    fn try_from(text: String) -> Result<Self, NotACountry> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::{Country, Unusable, countries, parse};

    #[test]
    fn every_country_has_its_calling_code() {
        let all = countries();
        let code = |country: &str| {
            let country: Country = country.parse().unwrap();
            all.iter().find(|(known, _)| *known == country).map(|(_, code)| *code)
        };
        assert_eq!((code("RU"), code("KZ"), code("US"), code("GB")), (Some(7), Some(7), Some(1), Some(44)));
        assert!((240..=250).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted());
    }

    #[test]
    fn numbers_are_grouped_as_their_country_writes_them() {
        let groups = |country: &str| super::groups(country.parse().unwrap());
        assert_eq!(["RU", "BY", "KZ"].map(groups), ["3 3-2-2", "2 3-2-2", "3 3 4"]);
        assert_eq!(["US", "GB", "DE"].map(groups), ["3-3-4", "4 6", "4 7"]);
        let silent =
            countries().into_iter().filter(|(country, _)| super::groups(*country).is_empty()).count();
        assert_eq!(silent, 0);
    }

    #[test]
    fn a_country_has_an_example_of_its_numbers() {
        let example =
            |country: &str| super::example(country.parse().unwrap()).map(|number| number.to_string());
        assert_eq!(example("RU").as_deref(), Some("+79123456789"));
        let missing = countries().into_iter().filter(|(country, _)| super::example(*country).is_none());
        assert_eq!(missing.count(), 0);
    }

    #[test]
    fn an_extension_is_read_behind_its_number() {
        let read = |text: &str| super::extension(text, "RU".parse().unwrap());
        for text in ["+7 495 123-45-67 доб. 102", "8 (495) 123-45-67 ext 102", "+74951234567;ext=102"] {
            assert_eq!(read(text).as_deref(), Some("102"), "{text}");
        }
        assert_eq!(read("+7 495 123-45-67"), None);
    }

    #[test]
    fn every_spelling_is_one_number_of_one_country() {
        let check = |text: &str, country: &str, expected: Result<&str, Unusable>| {
            let country: Country = country.parse().unwrap();
            let read = parse(text, country).map(|(number, home)| format!("{number} {home}"));
            assert_eq!(read, expected.map(str::to_owned), "{text} in {country}");
        };
        for spelling in
            ["8 (916) 123-45-67", "+7 916 123 45 67", "9161234567", "89161234567", "8-916-123-45-67"]
        {
            check(spelling, "RU", Ok("+79161234567 RU"));
        }
        let read = |number: &str| number.parse::<super::PhoneNumber>().unwrap().in_groups();
        assert_eq!(read("+79161234567"), "+7 916 123-45-67");
        assert_eq!(read("+442079460018"), "+44 20 7946 0018");
        assert_eq!(read("+99912345"), "+99912345", "of no country");
        check("007 916 123-45-67", "RU", Ok("+79161234567 RU"));
        check("007 701 123 45 67", "KZ", Ok("+77011234567 KZ"));
        check("00375 29 123-45-67", "BY", Ok("+375291234567 BY"));
        check("84951234567, 84951234568", "RU", Err(Unusable::Invalid));
        check("8 800 555-01-23", "RU", Ok("+78005550123 RU"));
        check("+7 701 123 45 67", "RU", Ok("+77011234567 KZ"));
        check("020 7946 0018", "GB", Ok("+442079460018 GB"));
        check("001 650 253 0000", "GB", Ok("+16502530000 US"));
        for refused in
            ["112", "１１２", "01", "911", "+7 803 123 45 67", "+1 900 234 5678", "+8816 1234 5678"]
        {
            check(refused, "RU", Err(Unusable::RefusedClass));
        }
        for wrong in [
            "",
            "12345",
            "call me",
            "+7 916 123 45 6",
            "+999 123 456 789",
            "９１６１２３４",
            &"9".repeat(100),
        ] {
            check(wrong, "RU", Err(Unusable::Invalid));
        }
    }
}
