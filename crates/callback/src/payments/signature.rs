//! Signed notices: an instant and an HMAC-SHA256 (RFC 2104) of it and the body, so that none is made by somebody else, and
//! none that was heard long ago is told again.

use callback_core::time::Ts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;
use std::time::Duration;

/// The header that carries it: `t=1800000000,v1=0f3a…`.
pub(crate) const SIGNATURE: &str = "callback-signature";
/// A notice is on its way for so long at most, and clocks differ by no more.
const GOOD_FOR: Duration = Duration::from_secs(300);

/// Who signs, and who knows what is signed by him: both have the secret.
#[derive(Clone)]
pub(crate) struct Signer(Vec<u8>);

impl Signer {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(secret.to_vec())
    }

    /// What stands in the header of a notice that leaves.
    pub(crate) fn sign(&self, body: &[u8], now: Ts) -> String {
        let seconds = now.0 / 1_000_000;
        let mac = self.mac(seconds, body).map(|mac| mac.finalize().into_bytes());
        let mut text = format!("t={seconds},v1=");
        for byte in mac.iter().flatten() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Whether a signature is of this body, and not too old. How much of it is right takes no time to find out.
    pub(crate) fn is_of(&self, signature: &str, body: &[u8], now: Ts) -> bool {
        let part = |name: &str| signature.split(',').find_map(|part| part.trim().strip_prefix(name));
        let (Some(seconds), Some(told)) = (part("t="), part("v1=")) else { return false };
        let (Ok(seconds), Some(told)) = (seconds.parse::<i64>(), bytes(told)) else { return false };
        let off = (now.0 / 1_000_000).abs_diff(seconds);
        off <= GOOD_FOR.as_secs()
            && self.mac(seconds, body).is_some_and(|mac| mac.verify_slice(&told).is_ok())
    }

    fn mac(&self, seconds: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        Some(mac)
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let pairs = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(pairs.chunks(2).filter_map(|pair| Some(pair.first()? * 16 + pair.last()?)).collect())
}

#[cfg(test)]
mod tests {
    use super::{GOOD_FOR, Signer};
    use callback_core::time::Ts;
    use std::time::Duration;

    const NOW: Ts = Ts(1_800_000_000_000_000);

    #[test]
    fn a_notice_is_who_s_secret_it_is_and_of_its_instant() {
        let (signer, body) = (Signer::new(b"secret"), b"{\"state\":\"paid\"}");
        let right = signer.sign(body, NOW);
        // printf '1800000000.{"state":"paid"}' | openssl dgst -sha256 -hmac secret
        assert_eq!(right, "t=1800000000,v1=38db2f3f1ed5cceb858ce3a712b1e694503db34aca720f66330ab01a18a8cc23");
        let check = |signature: &str, body: &[u8], now: Ts, expected: bool| {
            assert_eq!(signer.is_of(signature, body, now), expected, "{signature} {now:?}");
        };
        check(&right, body, NOW, true);
        check(&right.replace(',', ", "), body, NOW + GOOD_FOR, true);
        check(&right, body, NOW + GOOD_FOR + Duration::from_secs(1), false);
        check(&right, b"{\"state\":\"paid\" }", NOW, false);
        check(&right.replace("t=1800000000", "t=1800000001"), body, NOW, false);
        check(&Signer::new(b"other").sign(body, NOW), body, NOW, false);
        for wrong in ["", "t=1800000000", "v1=00", "t=1800000000,v1=", "t=x,v1=00", "t=1800000000,v1=zz"] {
            check(wrong, body, NOW, false);
        }
    }
}
