//! Links with which an owner sees a draft on his own site: a token behind the site's address, good for a while, for one
//! site and one revision of its draft (HMAC-SHA256, RFC 2104). Nothing is kept of it, and nobody is called by it.

use crate::ids::SiteId;
use callback_core::time::Ts;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// How long a link is good.
pub(in crate::web) const GOOD_FOR: Duration = Duration::from_secs(3_600);
/// Bytes of a block of SHA-256, and of the part of the code that is written.
const BLOCK: usize = 64;
const WRITTEN: usize = 16;
const MICROS: i64 = 1_000_000;

/// A token: which revision, until which second, and the code that says that it was made here.
pub(in crate::web) fn token(secret: &[u8], site: SiteId, revision: u32, until: Ts) -> String {
    let until = until.0.div_euclid(MICROS);
    format!("{revision}.{until}.{}", code(secret, site, revision, until))
}

/// The revision that a token is for; none where it was not made here, for this site, or is over.
pub(in crate::web) fn revision(secret: &[u8], site: SiteId, token: &str, now: Ts) -> Option<u32> {
    let mut parts = token.splitn(3, '.');
    let (revision, until) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_right = same(parts.next()?.as_bytes(), code(secret, site, revision, until).as_bytes());
    (is_right && now.0.div_euclid(MICROS) < until).then_some(revision)
}

/// In a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn code(secret: &[u8], site: SiteId, revision: u32, until: i64) -> String {
    let told = [&site.0.as_bytes()[..], &revision.to_be_bytes(), &until.to_be_bytes()].concat();
    let mut text = String::new();
    for byte in hmac(secret, &told).into_iter().take(WRITTEN) {
        let _fits = write!(text, "{byte:02x}");
    }
    text
}

/// Of a key that is no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let padded = |with: u8| {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{GOOD_FOR, hmac, revision, token};
    use crate::ids::SiteId;
    use callback_core::time::Ts;
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn the_code_is_hmac_s() {
        // RFC 4231 §4.3.
        let made = hmac(b"Jefe", b"what do ya want for nothing?");
        let hex: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_link_is_good_for_its_site_its_draft_and_its_hour() {
        let (site, other) = (SiteId(Uuid::from_u128(1)), SiteId(Uuid::from_u128(2)));
        let now = Ts(1_800_000_000_000_000);
        let made = token(&[7; 32], site, 12, now + GOOD_FOR);
        let check = |secret: u8, of: SiteId, token: &str, after: u64| {
            revision(&[secret; 32], of, token, now + Duration::from_secs(after))
        };
        assert_eq!(check(7, site, &made, 0), Some(12));
        assert_eq!(check(7, site, &made, 3_599), Some(12));
        assert_eq!(check(7, site, &made, 3_600), None, "its hour is over");
        assert_eq!(check(7, other, &made, 0), None);
        assert_eq!(check(8, site, &made, 0), None);
        assert_eq!(check(7, site, &made.replacen("12.", "13.", 1), 0), None);
        assert_eq!(check(7, site, &made[..made.len() - 1], 0), None);
        for wrong in ["", ".", "12", "12.9", "x.y.z", "12.99999999999999999999.00"] {
            assert_eq!(check(7, site, wrong, 0), None, "{wrong}");
        }
    }
}
