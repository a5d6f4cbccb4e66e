//! Numbers and networks that are never called, as a customer or a site lists them (R25).

use crate::number::PhoneNumber;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Entries of each kind at most.
pub const ENTRIES: usize = 10_000;

/// A list of numbers and networks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Blacklist {
    /// Visitors' numbers.
    pub numbers: Vec<Blocked>,
    /// Visitors' networks: addresses or CIDR (RFC 4632).
    pub networks: Vec<IpNet>,
}

impl Blacklist {
    /// Whether it names this visitor, by his number or by where he writes from.
    #[must_use]
    pub fn names(&self, number: PhoneNumber, ip: Option<IpAddr>) -> bool {
        let from = |ip: IpAddr| self.networks.iter().any(|network| network.contains(&ip));
        self.numbers.iter().any(|blocked| blocked.covers(number)) || ip.is_some_and(from)
    }
}

/// One number, or all that begin alike: `+79161234567` or `+7916*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Blocked {
    /// This number.
    Number(PhoneNumber),
    /// All numbers whose digits begin with these.
    Prefix(u64),
}

/// A text that is no number and no beginning of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write a number like +79161234567, or the beginning of numbers like +7916*")]
pub struct NotBlockable;

impl Blocked {
    /// Whether it is this number, or its beginning.
    #[must_use]
    pub fn covers(self, number: PhoneNumber) -> bool {
        match self {
            Self::Number(blocked) => blocked == number,
            Self::Prefix(prefix) => {
                let mut beginning = number.digits();
                while beginning > prefix {
                    beginning /= 10;
                }
                beginning == prefix
            }
        }
    }
}

impl FromStr for Blocked {
    type Err = NotBlockable;

    fn from_str(text: &str) -> Result<Self, NotBlockable> {
        let Some(prefix) = text.strip_suffix('*') else {
            return text.parse().map(Self::Number).map_err(|_| NotBlockable);
        };
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
    use super::{Blacklist, Blocked};

    #[test]
    fn a_list_names_numbers_their_beginnings_and_networks() {
        let list = Blacklist {
            numbers: vec!["+79161234567".parse().unwrap(), "+7495*".parse().unwrap()],
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        };
        let check = |number: &str, ip: Option<&str>, named: bool| {
            let ip = ip.map(|ip| ip.parse().unwrap());
            assert_eq!(list.names(number.parse().unwrap(), ip), named, "{number} from {ip:?}");
        };
        check("+79161234567", None, true);
        check("+79161234568", None, false);
        check("+74951234567", None, true);
        check("+74991234567", Some("198.51.100.1"), false);
        check("+79161234568", Some("192.0.2.9"), true);
        check("+79161234568", Some("192.0.3.9"), false);
        check("+79161234568", Some("2001:db8::1"), true);
        for wrong in ["", "*", "+*", "7916*", "+0*", "+7 916", "+7916**", "+1234567890123456*"] {
            assert!(wrong.parse::<Blocked>().is_err(), "{wrong}");
        }
        let written: Blocked = "+7916*".parse().unwrap();
        assert_eq!(written.to_string(), "+7916*");
    }
}
