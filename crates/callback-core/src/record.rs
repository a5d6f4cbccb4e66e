//! What became of a call: facts, written once.

use crate::flow::HangupReason;
use crate::id::{LegId, OrderId};
use crate::plan::{Callee, Seat};
use crate::time::Ts;
use serde::{Deserialize, Serialize};

/// Why a leg ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Hung up in the ordinary way: a BYE, or our own CANCEL that was honoured (Q.850 cause 16).
    Normal,
    /// A final SIP status of 300 or more (RFC 3261 §21) that came without a Q.850 cause.
    Sip(u16),
    /// A Q.850 cause of the telephone network, from a `Reason` header (RFC 3326).
    Q850(u8),
    /// Nothing was heard from the other end within the time that SIP or we allow.
    Silent,
    /// The telephone is busy in another call of this service.
    InService,
    /// No channel is free: of the order, of the trunk, or of its calls per second.
    NoChannel,
    /// The customer's money does not cover the dial.
    NoFunds,
    /// No trunk could take the call: none configured, all down, or all refused it.
    Trunk,
    /// A number that is never dialled.
    RefusedNumber,
    /// The offer and the answer have no codec in common, or the answer was not usable.
    Media,
    /// The process that had the leg ended before the leg did.
    Interrupted,
}

/// Who ended a leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The person or machine at the other end.
    Far,
    /// This service.
    Us,
    /// What is between: the trunk, the network, a timeout.
    Network,
}

impl Cause {
    /// The called person refused for good: 603 Decline (RFC 3261 §21.6.2).
    #[must_use]
    pub fn is_decline(self) -> bool {
        self == Self::Sip(603)
    }

    /// What the failure of the visitor's leg before its answer makes of the call.
    #[must_use]
    pub fn of_visitor(self) -> Disposition {
        use VisitorFault::{Busy, Invalid, Refused, Silent};
        let visitor = |fault| Disposition::VisitorNoAnswer(fault);
        match self {
            Self::Sip(486 | 600) | Self::Q850(17) | Self::InService => visitor(Busy),
            Self::Sip(603 | 607) | Self::Q850(21) => visitor(Refused),
            Self::Sip(404 | 410 | 414 | 416 | 484 | 485 | 604) | Self::Q850(1 | 3 | 22 | 28) => {
                visitor(Invalid)
            }
            Self::Sip(408 | 480 | 487) | Self::Q850(16 | 18 | 19 | 20 | 27 | 31) | Self::Normal => {
                visitor(Silent)
            }
            Self::NoFunds => Disposition::NotCalled(NotCalled::NoFunds),
            Self::Sip(_)
            | Self::Q850(_)
            | Self::Silent
            | Self::NoChannel
            | Self::Trunk
            | Self::RefusedNumber
            | Self::Media
            | Self::Interrupted => Disposition::NotCalled(NotCalled::Trunk),
        }
    }
}

/// What became of an order: exactly one each (flow.md § Dispositions).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "disposition", content = "reason", rename_all = "snake_case")]
pub enum Disposition {
    /// They talked for a second or more.
    Connected,
    /// No manager could be brought to the visitor.
    ManagerNoAnswer(ManagerFault),
    /// The visitor could not be reached, or did not stay.
    VisitorNoAnswer(VisitorFault),
    /// It was not, or could not be, called.
    NotCalled(NotCalled),
}

/// Reasons of [`Disposition::ManagerNoAnswer`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagerFault {
    /// Everybody was tried in vain.
    AllFailed,
    /// Nobody could be dialled: at least one was busy in our service.
    AllBusy,
    /// The visitor had answered and left before a manager accepted.
    VisitorLeft,
    /// The manager hung up within a second of the bridge, and nobody was left.
    HungUpAtOnce,
}

/// Reasons of [`Disposition::VisitorNoAnswer`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitorFault {
    /// His telephone is busy.
    Busy,
    /// He did not pick up.
    Silent,
    /// He declined.
    Refused,
    /// There is no such number.
    Invalid,
    /// No sound came from him.
    NoMedia,
    /// He hung up within a second of the bridge.
    HungUpAtOnce,
    /// He hung up within 5 s of his answer.
    LeftAtOnce,
}

/// Reasons of [`Disposition::NotCalled`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCalled {
    /// The number or the network is on a blacklist.
    Blacklist,
    /// Out of hours.
    Closed,
    /// Over a cap.
    Limits,
    /// A number that is never dialled: premium, emergency, a country not allowed, a manager's own.
    RefusedNumber,
    /// No money for the dial.
    NoFunds,
    /// It waited too long.
    Stale,
    /// No manager may be called.
    NoCallableManager,
    /// Cancelled before the visitor answered.
    Cancelled,
    /// Our side's fault.
    Trunk,
    /// A crash, a shutdown, a limit.
    Interrupted,
}

impl Disposition {
    /// Whether a visitor was left without the call that he asked for: lists, caps and numbers that are never called
    /// keep it from him on purpose, and who cancels wants none.
    #[must_use]
    pub fn is_missed(self) -> bool {
        match self {
            Self::Connected => false,
            Self::ManagerNoAnswer(_) | Self::VisitorNoAnswer(_) => true,
            Self::NotCalled(reason) => match reason {
                NotCalled::Closed
                | NotCalled::NoFunds
                | NotCalled::Stale
                | NotCalled::NoCallableManager
                | NotCalled::Trunk
                | NotCalled::Interrupted => true,
                NotCalled::Blacklist
                | NotCalled::Limits
                | NotCalled::RefusedNumber
                | NotCalled::Cancelled => false,
            },
        }
    }

    /// Its two keys, as API, records and strings have them: `("not_called", "trunk")`.
    #[must_use]
    pub fn keys(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Connected => ("connected", None),
            Self::ManagerNoAnswer(fault) => (
                "manager_no_answer",
                Some(match fault {
                    ManagerFault::AllFailed => "all_failed",
                    ManagerFault::AllBusy => "all_busy",
                    ManagerFault::VisitorLeft => "visitor_left",
                    ManagerFault::HungUpAtOnce => "hung_up_at_once",
                }),
            ),
            Self::VisitorNoAnswer(fault) => (
                "visitor_no_answer",
                Some(match fault {
                    VisitorFault::Busy => "busy",
                    VisitorFault::Silent => "silent",
                    VisitorFault::Refused => "refused",
                    VisitorFault::Invalid => "invalid",
                    VisitorFault::NoMedia => "no_media",
                    VisitorFault::HungUpAtOnce => "hung_up_at_once",
                    VisitorFault::LeftAtOnce => "left_at_once",
                }),
            ),
            Self::NotCalled(reason) => ("not_called", Some(reason.key())),
        }
    }
}

impl NotCalled {
    /// A stranger is not told of it: lists and caps look as if nobody had answered.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Blacklist | Self::Limits)
    }

    /// The key of the reason.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Blacklist => "blacklist",
            Self::Closed => "closed",
            Self::Limits => "limits",
            Self::RefusedNumber => "refused_number",
            Self::NoFunds => "no_funds",
            Self::Stale => "stale",
            Self::NoCallableManager => "no_callable_manager",
            Self::Cancelled => "cancelled",
            Self::Trunk => "trunk",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What became of a call: an immutable fact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallRecord {
    /// The order that it served.
    pub order: OrderId,
    /// The version of the settings that it followed.
    pub settings_version: u32,
    /// What became of it.
    pub disposition: Disposition,
    /// When this process began with it.
    pub started_at: Ts,
    /// When the outcome was settled.
    pub ended_at: Ts,
    /// When the last leg was down.
    pub finished_at: Ts,
    /// The talk that counts: the bridge of a connected call.
    pub talk: Option<Talk>,
    /// The visitor pressed 9: his number is never called again.
    pub stop_requested: bool,
    /// Every leg, in the order of dialling.
    pub legs: Vec<LegRecord>,
}

impl CallRecord {
    /// The record of an order that was refused at admission.
    #[must_use]
    pub fn refused(order: OrderId, settings_version: u32, reason: NotCalled, at: Ts) -> Self {
        Self {
            order,
            settings_version,
            disposition: Disposition::NotCalled(reason),
            started_at: at,
            ended_at: at,
            finished_at: at,
            talk: None,
            stop_requested: false,
            legs: Vec::new(),
        }
    }
}

/// A time in which visitor and manager heard each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Talk {
    /// The manager's leg.
    pub manager_leg: LegId,
    /// Who he is.
    pub manager: Seat,
    /// From.
    pub from: Ts,
    /// Until.
    pub until: Ts,
}

/// What became of a leg.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LegRecord {
    /// Its number.
    pub leg: LegId,
    /// Who was dialled.
    pub callee: Callee,
    /// The round of the seeking, from 1; 0 for the visitor.
    pub round: u8,
    /// How the try went.
    pub outcome: Outcome,
    /// Its instants.
    pub times: LegTimes,
    /// Why we hung it up, where we did.
    pub hangup: Option<HangupReason>,
    /// Why it ended, and who ended it.
    pub ended: Option<(Cause, EndedBy)>,
}

/// The instants of a leg's life, each where it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LegTimes {
    /// The flow dialled.
    pub dialled_at: Ts,
    /// The INVITE left.
    pub sent_at: Option<Ts>,
    /// First 180.
    pub ringing_at: Option<Ts>,
    /// First 183 with a voice.
    pub early_media_at: Option<Ts>,
    /// 2xx.
    pub answered_at: Option<Ts>,
    /// The extension was sent.
    pub digits_sent_at: Option<Ts>,
    /// The first word of announcement or key prompt.
    pub first_word_at: Option<Ts>,
    /// Accepted.
    pub accepted_at: Option<Ts>,
    /// Last bridged.
    pub bridged_at: Option<Ts>,
    /// That bridge's end.
    pub unbridged_at: Option<Ts>,
    /// Our hang-up.
    pub hung_up_at: Option<Ts>,
    /// Down.
    pub ended_at: Option<Ts>,
}

/// How a leg's try went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was never sent: no try.
    #[default]
    NotSent,
    /// It is still going on.
    Running,
    /// It failed.
    Failed,
    /// The manager refused.
    Refused,
    /// Another manager accepted first.
    Elsewhere,
    /// The manager accepted and left before the bridge, or within a second of it.
    Left,
    /// It was cut by the call's end.
    Cut,
    /// It was cut by a shutdown: the next process dials again.
    CutByShutdown,
    /// It was bridged.
    Talked,
}
