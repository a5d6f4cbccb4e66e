//! Why a leg ended, in the core's words: SIP statuses and Reason headers (RFC 3326) to [`Cause`], and our
//! reasons to hang up to Reason headers. It decides no disposition.

use callback_core::flow::HangupReason;
use callback_core::record::{Cause, EndedBy};
use std::time::Duration;

/// How a SIP call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    pub(crate) cause: Cause,
    pub(crate) by: EndedBy,
    /// Another trunk may still take it: 503, or nobody there.
    pub(crate) elsewhere: bool,
    /// How long it asks to be left alone (RFC 3261 §20.33).
    pub(crate) retry_after: Option<Duration>,
}

impl Ending {
    const fn of(cause: Cause, by: EndedBy, elsewhere: bool) -> Self {
        Self { cause, by, elsewhere, retry_after: None }
    }

    /// We ended it.
    pub(crate) const OURS: Self = Self::of(Cause::Normal, EndedBy::Us, false);
    /// Nothing was heard.
    pub(crate) const SILENT: Self = Self::of(Cause::Silent, EndedBy::Network, false);
    /// Offer and answer do not fit.
    pub(crate) const MEDIA: Self = Self::of(Cause::Media, EndedBy::Us, false);
    /// Nobody is there to take the call.
    pub(crate) const NO_TRUNK: Self = Self::of(Cause::Trunk, EndedBy::Network, true);

    /// By a final response of 300 or more to our INVITE, which we had cancelled or not.
    pub(crate) fn of_final(status: u16, reasons: &[(String, u16)], cancelled: bool) -> Self {
        if status == 487 && cancelled {
            return Self::OURS;
        }
        let cause = told(reasons).map_or(Cause::Sip(status), Cause::Q850);
        let by = if spoken_by_person(status, cause) { EndedBy::Far } else { EndedBy::Network };
        Self::of(cause, by, status == 503)
    }

    /// By a BYE from the other end.
    pub(crate) fn of_bye(reasons: &[(String, u16)]) -> Self {
        Self::of(told(reasons).map_or(Cause::Normal, Cause::Q850), EndedBy::Far, false)
    }

    /// By a CANCEL of an INVITE from the other end.
    pub(crate) const CANCELLED: Self = Self::of(Cause::Normal, EndedBy::Far, false);
}

/// The Q.850 cause that says more than the message it came in. 16, 31 and 127 say nothing.
fn told(reasons: &[(String, u16)]) -> Option<u8> {
    let cause = reasons.iter().find(|(protocol, _)| protocol == "Q.850")?.1;
    u8::try_from(cause).ok().filter(|cause| (1..127).contains(cause) && !matches!(cause, 16 | 31))
}

/// Busy, away, no answer, declined: the telephone or its owner said it, not the network between.
fn spoken_by_person(status: u16, cause: Cause) -> bool {
    if let Cause::Q850(q850) = cause {
        return matches!(q850, 17 | 18 | 19 | 21);
    }
    matches!(status, 480 | 486 | 487 | 600 | 603)
}

/// The Reason header of our CANCEL or BYE. The losers of a race learn that the call was taken elsewhere, so
/// that their telephones show no missed call.
pub(crate) fn reason(why: HangupReason) -> Option<String> {
    match why {
        HangupReason::CompletedElsewhere => Some(
            "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26;text=\"Call completed elsewhere\""
                .to_owned(),
        ),
        HangupReason::Over
        | HangupReason::NoAnswer
        | HangupReason::Refused
        | HangupReason::NoMedia
        | HangupReason::Cancelled
        | HangupReason::Limit
        | HangupReason::Shutdown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q850(cause: u16) -> Vec<(String, u16)> {
        vec![("SIP".to_owned(), 200), ("Q.850".to_owned(), cause)]
    }

    #[test]
    fn a_refusal_says_who_and_why() {
        let check = |status, reasons: &[(String, u16)], cancelled, cause, by| {
            let ending = Ending::of_final(status, reasons, cancelled);
            assert_eq!((ending.cause, ending.by), (cause, by), "{status} {reasons:?}");
        };
        check(486, &[], false, Cause::Sip(486), EndedBy::Far);
        check(503, &[], false, Cause::Sip(503), EndedBy::Network);
        check(480, &q850(19), false, Cause::Q850(19), EndedBy::Far);
        check(480, &q850(20), false, Cause::Q850(20), EndedBy::Network);
        check(480, &q850(16), false, Cause::Sip(480), EndedBy::Far);
        check(500, &q850(127), false, Cause::Sip(500), EndedBy::Network);
        check(404, &q850(9999), false, Cause::Sip(404), EndedBy::Network);
        check(487, &[], true, Cause::Normal, EndedBy::Us);
        check(487, &[], false, Cause::Sip(487), EndedBy::Far);
        check(486, &[], true, Cause::Sip(486), EndedBy::Far);
    }

    #[test]
    fn a_bye_is_ordinary_unless_it_says_otherwise() {
        assert_eq!(Ending::of_bye(&[]).cause, Cause::Normal);
        assert_eq!(Ending::of_bye(&q850(16)).cause, Cause::Normal);
        assert_eq!(Ending::of_bye(&q850(38)).cause, Cause::Q850(38));
    }
}
