//! Numbers and networks that are never called, as a customer or a site lists them (R25).

use crate::number::PhoneNumber;
use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Entries of one list at most.
pub const ENTRIES: usize = 10_000;

/// A list of numbers and networks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Blacklist {
    /// Whom it names.
    pub entries: Vec<Entry>,
}

/// An entry of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Whom.
    pub what: Blocked,
    /// Why, for those who read the list.
    #[serde(default)]
    pub note: Arc<str>,
    /// The last day on which it counts; for ever without one.
    #[serde(default)]
    pub until: Option<Date>,
}

impl Entry {
    /// One that counts for ever.
    #[must_use]
    pub fn of(what: Blocked) -> Self {
        Self { what, note: "".into(), until: None }
    }
}

impl Blacklist {
    /// Whether it names this visitor, by his number or by where he writes from.
    #[must_use]
    pub fn names(&self, number: PhoneNumber, ip: Option<IpAddr>, today: Date) -> bool {
        let counts = |entry: &&Entry| entry.until.is_none_or(|until| until >= today);
        self.entries.iter().filter(counts).any(|entry| entry.what.covers(number, ip))
    }
}

/// One number, all that begin alike, or a network: `+79161234567`, `+7916*`, `192.0.2.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Blocked {
    /// This number.
    Number(PhoneNumber),
    /// All numbers whose digits begin with these.
    Prefix(u64),
    /// Whoever writes from there: an address, or CIDR (RFC 4632).
    Network(IpNet),
}

/// A text that is no number and no beginning of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "write a number like +79161234567, the beginning of numbers like +7916*, or a network like 192.0.2.0/24"
)]
pub struct NotBlockable;

impl Blocked {
    /// Whether it is this visitor: his number, its beginning, or where he writes from.
    #[must_use]
    pub fn covers(self, number: PhoneNumber, ip: Option<IpAddr>) -> bool {
        match self {
            Self::Number(blocked) => blocked == number,
            Self::Prefix(prefix) => {
                let mut beginning = number.digits();
                while beginning > prefix {
                    beginning /= 10;
                }
                beginning == prefix
            }
            Self::Network(network) => ip.is_some_and(|ip| network.contains(&ip)),
        }
    }
}

impl FromStr for Blocked {
    type Err = NotBlockable;

    fn from_str(text: &str) -> Result<Self, NotBlockable> {
        if text.contains(['.', ':', '/']) {
            let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
            return network.map(Self::Network).map_err(|_| NotBlockable);
        }
        let Some(prefix) = text.strip_suffix('*') else {
            return text.parse().map(Self::Number).map_err(|_| NotBlockable);
        };
        let separators = [' ', '\u{a0}', '-', '(', ')'];
        let prefix: String = prefix.chars().filter(|letter| !separators.contains(letter)).collect();
        let digits = prefix.strip_prefix('+').ok_or(NotBlockable)?;
        let fits = (1..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { digits.parse().map(Self::Prefix).map_err(|_| NotBlockable) } else { Err(NotBlockable) }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Prefix(prefix) => write!(f, "+{prefix}*"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().fmt(f)
            }
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl From<Blocked> for String {
    fn from(blocked: Blocked) -> Self {
        blocked.to_string()
    }
}

impl TryFrom<String> for Blocked {
    type Error = NotBlockable;

    fn try_from(text: String) -> Result<Self, NotBlockable> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::{Blacklist, Blocked, Entry};

    #[test]
    fn a_list_names_numbers_their_beginnings_and_networks() {
        let names = ["+79161234567", "+7495*", "192.0.2.0/24", "2001:db8::/32", "198.51.100.7"];
        let mut list = Blacklist { entries: names.map(|text| Entry::of(text.parse().unwrap())).to_vec() };
        list.entries.push(Entry {
            what: "+7926*".parse().unwrap(),
            note: "spam".into(),
            until: Some("2026-11-25".parse().unwrap()),
        });
        let today = "2026-11-25".parse().unwrap();
        let check = |number: &str, ip: Option<&str>, named: bool| {
            let ip = ip.map(|ip| ip.parse().unwrap());
            assert_eq!(list.names(number.parse().unwrap(), ip, today), named, "{number} from {ip:?}");
        };
        check("+79161234567", None, true);
        check("+79161234568", None, false);
        check("+74951234567", None, true);
        check("+74991234567", Some("198.51.100.1"), false);
        check("+79161234568", Some("192.0.2.9"), true);
        check("+79161234568", Some("192.0.3.9"), false);
        check("+79161234568", Some("2001:db8::1"), true);
        check("+79161234568", Some("198.51.100.7"), true);
        check("+79261234567", None, true);
        let tomorrow = "2026-11-26".parse().unwrap();
        assert!(!list.names("+79261234567".parse().unwrap(), None, tomorrow), "its last day is over");
        for wrong in [
            "",
            "*",
            "+*",
            "7916*",
            "+0*",
            "+7 916",
            "+7916**",
            "+1234567890123456*",
            "192.0.2.0/33",
            "1.2.3",
        ] {
            assert!(wrong.parse::<Blocked>().is_err(), "{wrong}");
        }
        for right in names {
            assert_eq!(right.parse::<Blocked>().unwrap().to_string(), right);
        }
        assert_eq!("+7 (495)\u{a0}1-2*".parse::<Blocked>().unwrap().to_string(), "+749512*");
    }
}
