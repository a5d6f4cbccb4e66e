//! What a visitor may know of an order, in the words of the order API (`docs/api.md`). A stranger learns nothing
//! from it of lists and limits: an order that met one looks as if nobody had answered.

use crate::engine::Pretence;
use crate::engine::Shown;
use crate::store::{self, OrderPhone, OrderRow, PublishedSite, Store};
use crate::timeline::{cause_key, stamp};
use callback_core::flow::{Detail, VisitorState};
use callback_core::record::{Disposition, NotCalled, VisitorFault};
use callback_core::time::Ts;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The nearest time that is offered for another try.
const SOON: Duration = Duration::from_secs(15 * 60);
/// How many are offered where it is closed.
const SLOTS: usize = 4;
/// Openings that are looked through for one that a quarter of an hour falls into.
const SEARCH: usize = 8;

/// An event, or the state part of an order's body.
#[derive(Clone, Serialize, PartialEq, Debug)]
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
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
pub(crate) struct Next {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl Status {
    /// What the store knows; how it looks, where that is not what it is.
    pub(crate) fn of_order(
        order: &OrderRow,
        pretence: Option<&Pretence>,
        site: &PublishedSite,
        now: Ts,
    ) -> Self {
        let (shown, at) = match pretence {
            Some(pretence) => (pretence.at(now).0, now.min(pretence.ends_at())),
            None => (Shown::bare(order.state, order.detail), order.ended_at.unwrap_or(now)),
        };
        if order.joined_to.is_some() {
            Self::coarse(&shown, site, now)
        } else {
            Self::of(&Shown { manager: None, ..shown }, site, at)
        }
    }

    /// What was told.
    pub(crate) fn of(shown: &Shown, site: &PublishedSite, now: Ts) -> Self {
        let (state, ended) = state_key(shown.state);
        let (disposition, reason) = ended.map_or((None, None), |ended| {
            let (key, reason) = ended.keys();
            (Some(key), reason)
        });
        Self {
            state,
            at: stamp(now),
            detail: detail(&shown.detail, shown.manager.as_deref(), reason),
            next: next(ended, shown.detail.late, site, now),
            disposition,
            reason,
        }
    }

    /// What one sees who ordered the same number again: the state, and nothing of who is called.
    pub(crate) fn coarse(shown: &Shown, site: &PublishedSite, now: Ts) -> Self {
        Self::of(&Shown::bare(shown.state, Detail::default()), site, now)
    }

    /// His telephone is not being called yet: the promise still counts.
    pub(crate) fn is_before_the_visitors_call(&self) -> bool {
        matches!(self.state, "scheduled" | "accepted" | "calling_manager")
    }

    /// Whether the two differ in nothing but their instant.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        (self.state, &self.detail, self.reason) == (other.state, &other.detail, other.reason)
    }

    /// Nothing comes after it.
    pub(crate) fn is_last(&self) -> bool {
        self.state == "ended"
    }
}

/// How an order looks that met something of which a stranger is not told, by the site as it was when the order came;
/// none where it is what it seems.
pub(crate) async fn pretence(order: &OrderRow, store: &Store) -> store::Result<Option<Pretence>> {
    let OrderPhone::Number(number) = order.phone else { return Ok(None) };
    if !is_secret(order.state) {
        return Ok(None);
    }
    let site = store.site_of(&order.facts).await?;
    let id = order.joined_to.unwrap_or(order.facts.id);
    Ok(Some(Pretence::of(id, number, order.run_at, &order.facts, &site)))
}

/// Whether a state is not to be told to strangers.
pub(crate) fn is_secret(state: VisitorState) -> bool {
    matches!(state, VisitorState::Ended(Disposition::NotCalled(reason)) if reason.is_secret())
}

pub(super) fn state_key(state: VisitorState) -> (&'static str, Option<Disposition>) {
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

fn next(ended: Option<Disposition>, late: bool, site: &PublishedSite, now: Ts) -> Vec<Next> {
    let offer = |kind| Next { kind, at: None };
    let slots = |count| slots(site, now).take(count).map(|at| Next { kind: "slot", at: Some(stamp(at)) });
    match ended {
        None if late => slots(1).collect(),
        None | Some(Disposition::Connected) => Vec::new(),
        Some(Disposition::VisitorNoAnswer(VisitorFault::Invalid)) => vec![offer("fix_number")],
        Some(Disposition::VisitorNoAnswer(_) | Disposition::NotCalled(NotCalled::Cancelled)) => {
            vec![offer("again"), offer("other_time")]
        }
        Some(Disposition::NotCalled(NotCalled::Closed)) => {
            slots(SLOTS).chain([offer("other_time")]).collect()
        }
        Some(Disposition::ManagerNoAnswer(_) | Disposition::NotCalled(_)) => {
            slots(1).chain([offer("other_time")]).collect()
        }
    }
}

/// Quarters of an hour at which calls are taken, from soon on.
pub(super) fn slots(site: &PublishedSite, now: Ts) -> impl Iterator<Item = Ts> {
    let mut from = now + SOON;
    std::iter::from_fn(move || {
        // The first quarter after an opening may be past the closing of very short hours: then the next opening's.
        let slot = (0..SEARCH).find_map(|_| {
            let slot = quarter(site.opens(from)?);
            from = slot;
            (site.opens(slot) == Some(slot)).then_some(slot)
        })?;
        from = slot + Duration::from_secs(900);
        Some(slot)
    })
}

/// The quarter of an hour that is now or comes next.
fn quarter(at: Ts) -> Ts {
    const QUARTER: i64 = 900_000_000;
    Ts(at.0 + (-at.0).rem_euclid(QUARTER))
}
