//! Digest challenges read and answered (RFC 7616, RFC 3261 §22.4). Which of them are met is not decided here.

use super::{MAX_VALUES, Method, Response, split, text};
use sipx_sip as lib;
use sipx_sip::HeaderName;

/// How long a challenge may be: the answer repeats most of it, and has to go into a datagram.
const MAX_CHALLENGE: usize = 1_024;

/// One demand for a digest (RFC 7616 §3.3, RFC 3261 §22).
#[derive(Clone, Debug)]
pub(crate) struct Challenge(lib::auth::Challenge);

impl Challenge {
    /// The demands of a 401 or 407 that can be met, each header line and each of its comma-joined parts.
    pub(crate) fn all(response: &Response) -> Vec<Self> {
        let kinds = [(HeaderName::WwwAuthenticate, false), (HeaderName::ProxyAuthenticate, true)];
        let mut found = Vec::new();
        for (name, from_proxy) in kinds {
            for header in response.inner.headers.get_all(&name).take(MAX_VALUES) {
                let ones = split_challenges(&text(&header.value())).into_iter().take(MAX_VALUES);
                for one in ones.filter(|one| one.len() <= MAX_CHALLENGE) {
                    let Some(mut read) = lib::auth::Challenge::parse(one.as_bytes(), from_proxy) else {
                        continue;
                    };
                    if let Some(realm) = quoted(&one, "realm") {
                        read.realm = realm;
                    }
                    found.push(Self(read));
                }
            }
        }
        found
    }

    pub(crate) fn realm(&self) -> (&str, bool) {
        (&self.0.realm, self.0.from_proxy)
    }

    pub(crate) fn nonce(&self) -> &str {
        &self.0.nonce
    }

    pub(crate) fn stale(&self) -> bool {
        self.0.stale
    }

    pub(crate) fn strength(&self) -> u8 {
        self.0.algorithm.strength()
    }

    /// The header that answers it.
    pub(crate) fn answer(
        &self,
        (username, password): (&str, &str),
        (method, uri): (Method, &str),
        count: u32,
        cnonce: &str,
    ) -> (&'static str, String) {
        let who = lib::auth::Credentials::new(username, password);
        let value = lib::auth::respond(&self.0, &who, method.name(), uri, count, cnonce);
        (if self.0.from_proxy { "Proxy-Authorization" } else { "Authorization" }, value)
    }
}

/// Splits a comma-joined list of challenges: a part that begins with a scheme begins a new one.
fn split_challenges(value: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in split(value, ',') {
        let name = part.split('=').next().unwrap_or_default().trim();
        match found.last_mut() {
            Some(last) if !name.contains(' ') => {
                last.push(',');
                last.push_str(&part);
            }
            _ => found.push(part),
        }
    }
    found
}

/// A quoted parameter as it was written, in any script.
fn quoted(challenge: &str, name: &str) -> Option<String> {
    let parameters = challenge.trim().split_once(' ')?.1;
    split(parameters, ',').into_iter().find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let inside = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        key.trim().eq_ignore_ascii_case(name).then(|| inside.replace("\\\"", "\"").replace("\\\\", "\\"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::response;
    use super::*;

    /// The values were computed by another implementation of RFC 7616.
    #[test]
    fn digests_are_those_of_the_standard() {
        let check = |algorithm: &str, digest: &str| {
            let asks = response(&format!(
                "WWW-Authenticate: Digest realm=\"far\", nonce=\"n1\", qop=\"auth\", algorithm={algorithm}"
            ));
            let challenge = &Challenge::all(&asks)[0];
            let request = (Method::Invite, "sip:1@192.0.2.9");
            let (name, value) = challenge.answer(("trunk1", "secret1"), request, 2, "abc");
            assert_eq!(name, "Authorization");
            assert!(value.contains(&format!("response=\"{digest}\"")), "{value}");
            assert!(value.contains("nc=00000002"), "{value}");
        };
        check("MD5", "83e0729bb93744c5050a8a7354484206");
        check("SHA-256", "13764d2d0dfddc01ce3e639e77f1809cf5629efcd3abcabdf97c00ebd07de163");
    }
}
