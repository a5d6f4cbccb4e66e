//! The words of the flow: what it is told, and what it tells.

use crate::id::LegId;
use crate::plan::{Callee, Seat};
use crate::record::{CallRecord, Cause, Disposition, EndedBy};
use crate::time::Ts;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the flow is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The phone reports of a leg.
    Leg(LegId, LegEvent),
    /// Somebody cancels the order.
    Cancel(Canceller),
    /// A manager who was busy in our service is free; given once to every flow that was refused him.
    ManagerFree(Seat),
    /// The money reaches for so long a talk, from the bridge on; replaces an earlier one.
    TalkLimit(Duration),
    /// The process ends: no new dial; everything is down at the deadline.
    Shutdown(Ts),
    /// The instant of [`Flow::poll_timeout`](super::Flow::poll_timeout) has come.
    Timeout,
}

/// Who cancels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Canceller {
    /// The visitor, in the dialog.
    Visitor,
    /// Somebody of the customer's, in the cabinet.
    Cabinet,
    /// The operator.
    Operator,
}

/// What the flow wants done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Dial; address and caller id are the plan's. The intent is committed before the INVITE leaves.
    Originate {
        /// The new leg.
        leg: LegId,
        /// Who is dialled.
        to: Callee,
        /// The round of the seeking, from 1; 0 for the visitor.
        round: u8,
    },
    /// Send the manager's extension.
    SendDigits(LegId),
    /// Make a leg hear a prompt, in place of what it hears.
    Play {
        /// The leg.
        leg: LegId,
        /// The prompt's number on this leg.
        n: u16,
        /// What.
        prompt: Prompt,
        /// Over and over, until replaced.
        again: bool,
    },
    /// Let visitor and manager hear each other.
    Bridge {
        /// The visitor's leg.
        visitor: LegId,
        /// The manager's leg.
        manager: LegId,
    },
    /// Undo the bridge.
    Unbridge,
    /// Hang up.
    Hangup {
        /// The leg.
        leg: LegId,
        /// Why.
        reason: HangupReason,
    },
    /// Let the visitor know.
    Tell(VisitorState, Detail),
    /// All is over: the last command.
    Finish(Box<Finish>),
}

/// How a flow is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The call is over.
    Over(CallRecord),
    /// A shutdown came before the visitor was dialled: the next process goes on.
    HandedBack(CallLegs),
}

impl Finish {
    /// The record, of a call that is over.
    #[must_use]
    pub fn into_record(self) -> Option<CallRecord> {
        match self {
            Self::Over(record) => Some(record),
            Self::HandedBack(_) => None,
        }
    }
}

/// The legs of a call that was handed back.
pub type CallLegs = Vec<crate::record::LegRecord>;

/// What the visitor sees; states never go back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitorState {
    /// For a time to come.
    Scheduled,
    /// Stored.
    Accepted,
    /// A manager's telephone is dialled.
    CallingManager,
    /// His own is.
    CallingVisitor,
    /// He has answered; no manager yet.
    Waiting,
    /// They talk.
    Talking,
    /// Over.
    Ended(Disposition),
}

/// What goes with a [`VisitorState`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Detail {
    /// The how-manieth try of this round runs, from 1; only once the promise's second has passed.
    pub trying: Option<u8>,
    /// Of how many managers.
    pub of: u8,
    /// Who is being tried, where it is one.
    pub manager: Option<Seat>,
    /// The promise's second has passed without the visitor's telephone ringing: offer him a time.
    pub late: bool,
    /// The bridge was undone, and the next manager is sought.
    pub next_manager: bool,
    /// Why the deciding leg ended.
    pub cause: Option<Cause>,
    /// How long they talked.
    pub talk: Option<Duration>,
}

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
