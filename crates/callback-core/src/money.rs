//! Money: whole millionths of a currency's unit, exact from the door to the paper. It knows no rates and no accounts, and
//! turns no currency into another.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Currencies in use (ISO 4217, list one) by the digits of their minor unit.
const CURRENCIES: [(u32, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP \
         CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES \
         KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK \
         NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
         TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// Digits after the point that an amount has.
const PLACES: u32 = 6;
/// Digits before the point, at most.
const WHOLE_DIGITS: usize = 12;

/// A currency by its code (ISO 4217): `RUB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Currency([u8; 3]);

/// A text that is no currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a currency; write its three letters (ISO 4217), like RUB")]
pub struct NotACurrency;

/// An amount: millionths of a currency's unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// A text that is no exact decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotDecimal {
    /// It is no number, or not written as one is here.
    #[error("write a number with a decimal point, like 0.50")]
    Spelling,
    /// It has more digits after the point than are kept.
    #[error("at most {0} digits after the point")]
    TooFine(u32),
    /// It has more digits before the point than fit.
    #[error("at most {WHOLE_DIGITS} digits before the point")]
    TooLarge,
}

impl Currency {
    /// The digits of its minor unit: 2, as a rouble has 100 kopecks.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        listed(&self.to_string()).unwrap_or(2)
    }
}

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// For people: rounded to the currency's minor unit, halves away from zero, as in `-12.35 RUB`.
    #[must_use]
    pub fn shown(self, currency: Currency) -> String {
        let digits = currency.minor_digits();
        let unit = 10_u64.pow(PLACES.saturating_sub(digits));
        let minors = (self.0.unsigned_abs() + unit / 2) / unit;
        let sign = if self.0 < 0 && minors > 0 { "-" } else { "" };
        let one = 10_u64.pow(digits);
        let (whole, part) = (minors / one, minors % one);
        match usize::try_from(digits) {
            Ok(width @ 1..) => format!("{sign}{whole}.{part:0width$} {currency}"),
            Ok(0) | Err(_) => format!("{sign}{whole} {currency}"),
        }
    }

    /// The sum; none where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// Reads an exact decimal as a whole number of its last place: with 6 places, `0.5` is 500000.
pub(crate) fn decimal(text: &str, places: u32) -> Result<i64, NotDecimal> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !part.is_none_or(is_number) {
        return Err(NotDecimal::Spelling);
    }
    let part = part.unwrap_or_default();
    let missing = u32::try_from(part.len()).ok().and_then(|length| places.checked_sub(length));
    let missing = missing.ok_or(NotDecimal::TooFine(places))?;
    if whole.trim_start_matches('0').len() > WHOLE_DIGITS {
        return Err(NotDecimal::TooLarge);
    }
    let read: i64 = format!("{whole}{part}").parse().map_err(|_| NotDecimal::TooLarge)?;
    Ok(sign * read * 10_i64.pow(missing))
}

/// The digits of a listed currency's minor unit.
fn listed(code: &str) -> Option<u32> {
    let mut lists = CURRENCIES.iter();
    lists.find(|(_, codes)| codes.split(' ').any(|known| known == code)).map(|(digits, _)| *digits)
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let code = text.as_bytes().try_into().map_err(|_| NotACurrency)?;
        listed(text).map(|_| Self(code)).ok_or(NotACurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl TryFrom<String> for Currency {
    type Error = NotACurrency;

    fn try_from(text: String) -> Result<Self, NotACurrency> {
        text.parse()
    }
}

impl FromStr for Micros {
    type Err = NotDecimal;

    /// Reads `0.50`, `-3`, `1234.567891`: a decimal point, at most six digits after it, no separators.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        decimal(text, PLACES).map(Self)
    }
}

/// All six decimals: `0.500000`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (micros, one) = (self.0.unsigned_abs(), 10_u64.pow(PLACES));
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:06}", micros / one, micros % one)
    }
}

#[cfg(test)]
mod tests {
    use super::{Currency, Micros, NotDecimal};

    #[test]
    fn amounts_are_read_and_written_exactly() {
        let check = |text: &str, expected: Result<&str, NotDecimal>| {
            let read = text.parse::<Micros>().map(|micros| micros.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        };
        check("0.50", Ok("0.500000"));
        check("0", Ok("0.000000"));
        check("-0.000001", Ok("-0.000001"));
        check("007.5", Ok("7.500000"));
        check("1234567.891011", Ok("1234567.891011"));
        check("999999999999.999999", Ok("999999999999.999999"));
        check("0000000000000001", Ok("1.000000"));
        check("1000000000000", Err(NotDecimal::TooLarge));
        check(&"9".repeat(99), Err(NotDecimal::TooLarge));
        check("0.0000005", Err(NotDecimal::TooFine(6)));
        for wrong in
            ["", "-", ".", ".5", "5.", "0,50", "1 000", "+1", "--1", "1e3", "0x1", "NaN", "1.2.3", "١"]
        {
            check(wrong, Err(NotDecimal::Spelling));
        }
        assert_eq!(Micros(i64::MIN).to_string(), "-9223372036854.775808");
    }

    #[test]
    fn people_see_the_minor_unit_of_a_currency() {
        let check = |micros: i64, currency: &str, shown: &str| {
            assert_eq!(Micros(micros).shown(currency.parse().unwrap()), shown);
        };
        check(12_345_000, "RUB", "12.35 RUB");
        check(12_344_999, "RUB", "12.34 RUB");
        check(-12_345_000, "RUB", "-12.35 RUB");
        check(-4_999, "RUB", "0.00 RUB");
        check(1_500_000, "JPY", "2 JPY");
        check(50, "KWD", "0.000 KWD");
        check(500, "KWD", "0.001 KWD");
        check(i64::MIN, "USD", "-9223372036854.78 USD");
    }

    #[test]
    fn a_currency_is_one_that_is_in_use() {
        for code in ["RUB", "EUR", "KZT", "ISK", "BHD"] {
            assert_eq!(code.parse::<Currency>().unwrap().to_string(), code);
        }
        for wrong in ["", "RU", "rub", "RUR", "XXX", "RUBL", "B R", "₽"] {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong}");
        }
    }
}
