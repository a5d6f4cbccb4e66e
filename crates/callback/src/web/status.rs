//! What a visitor may know of an order, in the words of the order API (`docs/api.md`). A stranger learns nothing
//! from it of lists and limits: an order that met one looks as if nobody had answered.

use crate::engine::Shown;
use crate::store::OrderRow;
use crate::timeline::{cause_key, stamp};
use callback_core::flow::{Detail, VisitorState};
use callback_core::plan::Mode;
use callback_core::record::{Disposition, ManagerFault, NotCalled, VisitorFault};
use callback_core::site::Site;
use callback_core::time::Ts;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an order that met a list or a limit pretends to be called.
const PRETENCE: Duration = Duration::from_secs(38);
/// When such a pretence says that a manager is being called.
const PRETENCE_CALLS: Duration = Duration::from_millis(20);
/// How an order that met a list or a limit seems to end.
const AS_IF: Disposition = Disposition::ManagerNoAnswer(ManagerFault::AllFailed);
/// The nearest time that is offered for another try.
const SOON: Duration = Duration::from_secs(15 * 60);

/// An event, or the state part of an order's body.
#[derive(Serialize, PartialEq, Debug)]
pub(crate) struct Status {
    pub(crate) state: &'static str,
    pub(crate) at: String,
    pub(crate) detail: Value,
    pub(crate) next: Vec<Next>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disposition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

/// What is offered to the visitor next.
#[derive(Serialize, PartialEq, Eq, Debug)]
pub(crate) struct Next {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl Status {
    /// What the store knows.
    pub(crate) fn of_order(order: &OrderRow, site: &Site, now: Ts) -> Self {
        let shown = Shown { state: order.state, detail: order.detail, manager: None };
        match pretence(order) {
            Some(_) => Self::pretended(order, site, now).0,
            None if order.joined_to.is_some() => Self::coarse(&shown, now),
            None => Self::of(&shown, order.ended_at.unwrap_or(now)),
        }
    }

    /// What was told.
    pub(crate) fn of(shown: &Shown, now: Ts) -> Self {
        let (state, ended) = state_key(for_strangers(shown.state));
        let (disposition, reason) = ended.map_or((None, None), |ended| {
            let (key, reason) = ended.keys();
            (Some(key), reason)
        });
        Self {
            state,
            at: stamp(now),
            detail: detail(&shown.detail, shown.manager.as_deref(), reason),
            next: next(ended, shown.detail.late, now),
            disposition,
            reason,
        }
    }

    /// What one sees who ordered the same number again: the state, and nothing of who is called.
    pub(crate) fn coarse(shown: &Shown, now: Ts) -> Self {
        Self::of(&Shown { detail: Detail::default(), manager: None, state: shown.state }, now)
    }

    /// An order that met a list or a limit, as if nobody answered; and when that changes next.
    pub(crate) fn pretended(order: &OrderRow, site: &Site, now: Ts) -> (Self, Option<Ts>) {
        let began = order.facts.accepted_at;
        let calling = match site.mode {
            Mode::Together => VisitorState::CallingVisitor,
            Mode::ManagerFirst => VisitorState::CallingManager,
        };
        let (state, next) = if now >= began + PRETENCE {
            (VisitorState::Ended(AS_IF), None)
        } else if now >= began + PRETENCE_CALLS {
            (calling, Some(began + PRETENCE))
        } else {
            (VisitorState::Accepted, Some(began + PRETENCE_CALLS))
        };
        let called = state > VisitorState::Accepted;
        let of = if called { u8::try_from(site.managers.len()).unwrap_or(u8::MAX) } else { 0 };
        (Self::of(&Shown { state, detail: Detail { of, ..Detail::default() }, manager: None }, now), next)
    }

    /// His telephone is not being called yet: the promise still counts.
    pub(crate) fn is_before_the_visitors_call(&self) -> bool {
        matches!(self.state, "scheduled" | "accepted" | "calling_manager")
    }

    /// Nothing comes after it.
    pub(crate) fn is_last(&self) -> bool {
        self.state == "ended"
    }
}

/// Lists and limits look as if nobody had answered.
fn for_strangers(state: VisitorState) -> VisitorState {
    if is_secret(state).is_some() { VisitorState::Ended(AS_IF) } else { state }
}

fn is_secret(state: VisitorState) -> Option<NotCalled> {
    let ended =
        if let VisitorState::Ended(Disposition::NotCalled(reason)) = state { Some(reason) } else { None };
    ended.filter(|reason| matches!(reason, NotCalled::Blacklist | NotCalled::Limits))
}

/// Whether an order met something that a stranger is not told of.
pub(crate) fn pretence(order: &OrderRow) -> Option<NotCalled> {
    is_secret(order.state)
}

fn state_key(state: VisitorState) -> (&'static str, Option<Disposition>) {
    match state {
        VisitorState::Scheduled => ("scheduled", None),
        VisitorState::Accepted => ("accepted", None),
        VisitorState::CallingManager => ("calling_manager", None),
        VisitorState::CallingVisitor => ("calling_visitor", None),
        VisitorState::Waiting => ("waiting", None),
        VisitorState::Talking => ("talking", None),
        VisitorState::Ended(disposition) => ("ended", Some(disposition)),
    }
}

fn detail(detail: &Detail, manager: Option<&str>, reason: Option<&str>) -> Value {
    let first_name = manager.and_then(|name| name.split_whitespace().next());
    json!({
        "trying": detail.trying,
        "of": if detail.of == 0 { None } else { Some(detail.of) },
        "manager": first_name,
        "late": detail.late,
        "next_manager": detail.next_manager,
        "reason": reason,
        "cause": detail.cause.map(cause_key),
        "talk_s": detail.talk.map(|talk| talk.as_secs()),
    })
}

fn next(ended: Option<Disposition>, late: bool, now: Ts) -> Vec<Next> {
    let offer = |kind| Next { kind, at: None };
    let slot = || {
        let quarter = 900_000_000;
        let soon = (now + SOON).0;
        Next { kind: "slot", at: Some(stamp(Ts(soon - soon.rem_euclid(quarter) + quarter))) }
    };
    match ended {
        None if late => vec![slot()],
        None | Some(Disposition::Connected) => Vec::new(),
        Some(Disposition::VisitorNoAnswer(VisitorFault::Invalid)) => vec![offer("fix_number")],
        Some(Disposition::VisitorNoAnswer(_) | Disposition::NotCalled(NotCalled::Cancelled)) => {
            vec![offer("again"), offer("other_time")]
        }
        Some(Disposition::ManagerNoAnswer(_) | Disposition::NotCalled(_)) => {
            vec![slot(), offer("other_time")]
        }
    }
}
