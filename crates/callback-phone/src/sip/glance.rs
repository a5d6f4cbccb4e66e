//! A glance at a datagram that is not parsed yet: which call and which transaction it names. It may miss what is written
//! in an unusual way; nothing is decided by it but what is heard first.

/// How many lines are looked at.
const MAX_LINES: usize = 64;

/// What a datagram names (RFC 3261 §20.8, §20.42; the compact forms of §7.3.3 too).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Glance<'a> {
    pub(super) call_id: Option<&'a str>,
    /// That of the topmost Via.
    pub(super) branch: Option<&'a str>,
}

impl<'a> Glance<'a> {
    pub(super) fn at(datagram: &'a [u8]) -> Self {
        let lines = datagram.split(|octet| *octet == b'\n').skip(1).take(MAX_LINES).map(<[u8]>::trim_ascii);
        let mut glance = Self::default();
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some(colon) = line.iter().position(|octet| *octet == b':') else { continue };
            let (name, value) = line.split_at(colon);
            let Ok(value) = std::str::from_utf8(value.trim_ascii_start()) else { continue };
            let value = value.trim_start_matches(':').trim_start();
            match name.trim_ascii_end().to_ascii_lowercase().as_slice() {
                b"call-id" | b"i" => glance.call_id = glance.call_id.or(Some(value)),
                b"via" | b"v" => glance.branch = glance.branch.or_else(|| branch(value)),
                _ => {}
            }
            if glance.call_id.is_some() && glance.branch.is_some() {
                break;
            }
        }
        glance
    }
}

fn branch(via: &str) -> Option<&str> {
    let rest = via.split_once("branch=")?.1;
    rest.split([';', ',', ' ', '\t']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_transactions_are_named_in_many_ways() {
        let check = |text: &str, call_id: Option<&str>, branch: Option<&str>| {
            assert_eq!(Glance::at(text.as_bytes()), Glance { call_id, branch }, "{text:?}");
        };
        let first = "BYE sip:a@b SIP/2.0\r\n";
        check("", None, None);
        check("\0\n\n:\n", None, None);
        check(
            &format!("{first}Via: SIP/2.0/UDP a;branch=z9hG4bK1;rport\r\nCall-ID: x@y\r\n\r\n"),
            Some("x@y"),
            Some("z9hG4bK1"),
        );
        check(&format!("{first}i : x\nv:SIP/2.0/UDP a ;branch=b, SIP/2.0/UDP c\n\n"), Some("x"), Some("b"));
        check(&format!("{first}CALL-ID: one\r\nCall-ID: two\r\n"), Some("one"), None);
        check(&format!("{first}Via: SIP/2.0/UDP a\r\n\r\nCall-ID: in the body\r\n"), None, None);
        check(&format!("{first}{}Call-ID: late\r\n", "X: y\r\n".repeat(MAX_LINES)), None, None);
    }
}
