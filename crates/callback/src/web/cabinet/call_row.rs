//! A call as a line of a list shows it, masked for those who may not see its number.

use crate::account::Role;
use crate::engine::Shown;
use crate::store::{FORGOTTEN, OrderFacts, PlannedRow, TalliedRow};
use crate::timeline::{legs_of, stamp};
use crate::web::status::state_key;
use callback_core::arrival::{Arrival, By, Device, Place};
use callback_core::attribution::{self, Keyword};
use callback_core::flow::VisitorState;
use callback_core::record::Disposition;
use callback_core::time::Ts;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A call, in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct CallRow {
    id: Uuid,
    /// When it was ordered.
    at: String,
    site: CallSite,
    /// The visitor's number; masked for those who may not see it. What begins with "forgotten-" stands in the place of
    /// one that was erased.
    phone: String,
    /// "connected", "manager_no_answer", "visitor_no_answer", "not_called"; none while it runs.
    disposition: Option<&'static str>,
    reason: Option<&'static str>,
    /// The state that its visitor sees.
    state: &'static str,
    /// Nothing more happens in it: it stands in the journal.
    over: bool,
    /// When it is to be called, where that was for a time.
    due_at: Option<String>,
    /// Who accepted it.
    manager: Option<String>,
    /// Where he answers, an extension after ";ext=".
    telephone: Option<String>,
    talk_s: Option<u64>,
    ended_ms: Option<u64>,
    bridged_ms: Option<u64>,
    promise_ms: Option<u64>,
    /// Where it was ordered.
    page: Option<String>,
    /// Who ordered: "visitor", "cabinet" to call him again, "test" to try a draft.
    #[schema(value_type = String)]
    by: By,
    /// Where the visitor came from.
    came: Option<CameView>,
    /// The visitor's address.
    ip: Option<String>,
    /// Where that is, as far as is known.
    #[schema(value_type = Option<Object>)]
    place: Option<Place>,
    /// Where his number is at home, by its plan.
    #[schema(value_type = Option<Object>)]
    by_number: Option<Place>,
    /// "phone", "tablet", "computer".
    #[schema(value_type = Option<String>)]
    device: Option<Device>,
    /// When somebody called back, or was connected later.
    called_back_at: Option<String>,
    /// Who said so; none where it was a later call.
    called_back_by: Option<String>,
    note: Option<String>,
    /// What the visitor thought of the talk, 1 to 5.
    score: Option<u16>,
    /// The rule that showed the dialog in which it was ordered, like `hot/2`.
    rule: Option<String>,
    /// Its legs, as they are drawn: times in ms from the order.
    #[schema(value_type = Vec<Object>)]
    lanes: Vec<Value>,
}

/// Where a visitor came from, as it was understood when he ordered.
#[derive(Serialize, ToSchema)]
struct CameView {
    /// "ad", "ai", "search", "social", "messenger", "email", "referral", "direct", "internal".
    #[schema(value_type = String)]
    kind: attribution::Kind,
    /// Who it was: a known name, `utm_source`, or the host of the page before.
    name: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    content: Option<String>,
    /// What was searched for, where that was passed.
    keyword: Option<String>,
    /// Something was searched for, and it was not passed.
    keyword_hidden: bool,
    /// The name of the click id that came with him.
    click: Option<String>,
    /// The page that the dialog was opened on.
    opened_on: Option<String>,
    /// The page that the visit began on.
    landing: Option<String>,
    /// The page before it.
    referrer: Option<String>,
}

/// A call's site.
#[derive(Serialize, ToSchema)]
struct CallSite {
    key: String,
    name: String,
}

impl CameView {
    fn of(facts: &OrderFacts) -> Option<Self> {
        let came = facts.arrival.came.clone()?;
        Some(Self {
            kind: came.kind,
            name: came.name,
            medium: came.medium,
            campaign: came.campaign,
            content: came.content,
            keyword_hidden: came.keyword == Keyword::Hidden,
            keyword: if let Keyword::Known(keyword) = came.keyword { Some(keyword) } else { None },
            click: came.click,
            opened_on: visited(facts, "opened_on"),
            landing: visited(facts, "landing"),
            referrer: visited(facts, "referrer").filter(|page| !page.is_empty()),
        })
    }
}

fn visited(facts: &OrderFacts, what: &str) -> Option<String> {
    facts.visit.get(what).and_then(Value::as_str).map(str::to_owned)
}

impl CallRow {
    /// A call that runs, or waits; one that was counted is more than that.
    pub(super) fn open(PlannedRow { row, plan }: &PlannedRow, shown: Option<&Shown>, role: Role) -> Self {
        let facts = &row.order.facts;
        let zero = facts.accepted_at;
        // What is told is written behind.
        let state = shown.map_or(row.order.state, |shown| shown.state);
        let ended = if let VisitorState::Ended(disposition) = state { Some(disposition) } else { None };
        let keys = row.record.as_ref().map(|record| record.disposition).or(ended).map(Disposition::keys);
        let talk = row.record.as_ref().and_then(|record| record.talk);
        let millis = |at: Ts| u64::try_from(at.since(zero).as_millis()).unwrap_or(u64::MAX);
        let phone = row.order.phone.to_string();
        let hidden = (!role.sees_numbers()).then(|| masked(&phone));
        let lanes = legs_of(row, plan.as_deref(), shown.map_or(&[], |shown| &shown.legs));
        let Arrival { by, place, by_number, device, rule, .. } = (*facts.arrival).clone();
        Self {
            id: facts.id.0,
            at: stamp(zero),
            site: CallSite { key: row.site_key.to_string(), name: row.site_name.clone() },
            disposition: keys.map(|(key, _)| key),
            reason: keys.and_then(|(_, reason)| reason),
            state: state_key(state).0,
            over: row.record.is_some() || (ended.is_some() && row.order.process == 0),
            due_at: (row.order.run_at > zero).then(|| stamp(row.order.run_at)),
            manager: lanes.iter().find(|lane| lane.is_accepting()).map(|lane| lane.name().to_owned()),
            telephone: None,
            talk_s: talk.map(|talk| talk.until.since(talk.from).as_secs()),
            ended_ms: row.record.as_ref().map(|record| record.ended_at).or(row.order.ended_at).map(millis),
            bridged_ms: talk.map(|talk| millis(talk.from)),
            promise_ms: plan
                .as_ref()
                .map(|plan| u64::try_from(plan.limits.promise.as_millis()).unwrap_or(u64::MAX)),
            page: visited(facts, "page"),
            by,
            came: CameView::of(facts),
            ip: facts.ip.filter(|_| role.sees_numbers()).map(|ip| ip.to_string()),
            place,
            by_number,
            device,
            called_back_at: None,
            called_back_by: None,
            note: None,
            score: None,
            rule,
            lanes: lanes
                .iter()
                .filter_map(|lane| serde_json::to_value(lane).ok())
                .map(|mut lane| {
                    if let Some(hidden) = &hidden {
                        mask(&mut lane, &phone, hidden);
                    }
                    lane
                })
                .collect(),
            phone: hidden.unwrap_or(phone),
        }
    }

    /// A call of the journal.
    pub(super) fn of(counted: &TalliedRow, role: Role) -> Self {
        let TalliedRow { row, telephone, called_back_at, called_back_by, note, score, .. } = counted;
        Self {
            telephone: telephone.clone(),
            called_back_at: called_back_at.map(stamp),
            called_back_by: called_back_by.clone(),
            note: note.clone(),
            score: *score,
            ..Self::open(row, None, role)
        }
    }
}

/// A number whose middle is nobody's business: `+7 916 •••-••-47`.
pub(super) fn masked(phone: &str) -> String {
    if phone.starts_with(FORGOTTEN) {
        return phone.to_owned();
    }
    let count = phone.chars().count();
    let hide = |at: usize| at >= 5 && at + 2 < count;
    phone.chars().enumerate().map(|(at, c)| if hide(at) { '•' } else { c }).collect()
}

/// Replaces a number wherever it stands.
pub(super) fn mask(value: &mut Value, phone: &str, masked: &str) {
    match value {
        Value::String(text) if text == phone => masked.clone_into(text),
        Value::Array(parts) => parts.iter_mut().for_each(|part| mask(part, phone, masked)),
        Value::Object(fields) => fields.values_mut().for_each(|part| mask(part, phone, masked)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        assert_eq!(masked("+79161234547"), "+7916•••••47");
        assert_eq!(masked("forgotten-abcdefgh"), "forgotten-abcdefgh", "nobody's number is no secret");
    }
}
