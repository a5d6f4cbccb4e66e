//! The call as a state machine: telephone events in, telephone commands out.

use crate::record::{Cause, EndedBy};
use crate::time::Ts;
use serde::{Deserialize, Serialize};

/// What the phone reports of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegEvent {
    /// The INVITE left.
    Sent,
    /// The telephone rings (SIP 180).
    Ringing,
    /// A voice of the network before the answer (SIP 183 with a session): never an answer.
    EarlyMedia,
    /// The call was answered (SIP 2xx).
    Answered,
    /// The last key of the digits was sent, its gap included.
    DigitsSent,
    /// The prompt with this number came to its end; never reported of one that repeats or was replaced.
    Played(u16),
    /// A key was pressed at the other end.
    Digit(char),
    /// No sound comes from the other end.
    MediaLost {
        /// Nothing came within 10 s of the answer.
        first: bool,
        /// When the silence began.
        since: Ts,
    },
    /// Sound comes again.
    MediaBack,
    /// The leg is down: the last event of a leg.
    Ended(Cause, EndedBy),
}

/// Why we hang up a leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangupReason {
    /// The other side of the call left, or the call is over.
    Over,
    /// Another manager took the call: "Call completed elsewhere" (RFC 3326, Q.850 cause 26).
    CompletedElsewhere,
    /// It rang for as long as it may, or did not accept in time.
    NoAnswer,
    /// The called person refused by key 2.
    Refused,
    /// Nothing was heard from it.
    NoMedia,
    /// The visitor or the cabinet cancelled the order.
    Cancelled,
    /// The talk reached its limit.
    Limit,
    /// The process is shutting down.
    Shutdown,
}

/// What a leg can be made to hear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// To the manager: the site's announcement, alone.
    Announcement,
    /// To the manager: the announcement, then "press 1".
    AnnouncementAndKey,
    /// To the manager: "a call from {site}, press 1".
    Key,
    /// To the manager: the visitor is being connected.
    Connecting,
    /// To the manager: a ringback tone.
    Ringback,
    /// To the manager: the visitor does not answer.
    VisitorNoAnswer,
    /// To the manager: one minute is left.
    TalkEnds,
    /// To the visitor: wait, and key 9 is "never call me".
    Waiting,
    /// To the visitor: music.
    Music,
    /// To the visitor: nobody is free, we are sorry.
    Apology,
}
