//! What is counted, under the names that `/metrics` has. No number of a visitor and no name is a label.

use crate::store::Acceptance;
use callback_core::flow::VisitorState;
use callback_core::plan::Plan;
use callback_core::record::CallRecord;
use callback_phone::media::LegQuality;
use metrics::{counter, histogram};

/// How well a leg was heard.
pub(crate) fn leg_heard(quality: &LegQuality) {
    counter!("callback_rtp_received_total").increment(quality.packets_received);
    counter!("callback_rtp_lost_total").increment(quality.packets_lost);
    counter!("callback_rtp_rejected_total").increment(quality.rejected);
    if let Some(mos) = quality.mos() {
        histogram!("callback_leg_mos").record(mos);
    }
}

/// Whether the visitor's telephone rang by the promise's second.
pub(crate) fn promise(plan: &Plan, record: &CallRecord) {
    let rang = record.legs.iter().find(|leg| leg.round == 0).and_then(|leg| {
        let times = &leg.times;
        times.ringing_at.into_iter().chain(times.early_media_at).chain(times.answered_at).min()
    });
    if let Some(rang) = rang {
        histogram!("callback_ring_seconds").record(rang.since(plan.accepted_at).as_secs_f64());
    }
    let kept = rang.is_some_and(|at| at <= plan.accepted_at + plan.limits.promise);
    counter!("callback_promises_total", "kept" => if kept { "yes" } else { "no" }).increment(1);
}

/// An order came: what became of it at the door.
pub(crate) fn order(acceptance: &Acceptance) {
    let outcome = match acceptance {
        Acceptance::New(order) => match order.state {
            VisitorState::Ended(disposition) => disposition.keys().1.unwrap_or("none"),
            VisitorState::Scheduled
            | VisitorState::Accepted
            | VisitorState::CallingManager
            | VisitorState::CallingVisitor
            | VisitorState::Waiting
            | VisitorState::Talking => "accepted",
        },
        Acceptance::Same(_) => "same",
        Acceptance::Joined(_) => "joined",
        Acceptance::Conflict => "conflict",
    };
    counter!("callback_orders_total", "outcome" => outcome).increment(1);
}

/// A call is over.
pub(crate) fn call_over(record: &CallRecord) {
    let (disposition, reason) = record.disposition.keys();
    counter!("callback_calls_total", "disposition" => disposition, "reason" => reason.unwrap_or("none"))
        .increment(1);
    for leg in &record.legs {
        let cause =
            leg.ended.map_or_else(|| "unknown".to_owned(), |(cause, _)| crate::timeline::cause_key(cause));
        let lane = if leg.round == 0 { "visitor" } else { "manager" };
        counter!("callback_legs_total", "lane" => lane, "cause" => cause).increment(1);
        if let (Some(sent), Some(answered)) = (leg.times.sent_at, leg.times.answered_at) {
            histogram!("callback_answer_seconds", "lane" => lane).record(answered.since(sent).as_secs_f64());
        }
    }
    if let Some(talk) = record.talk {
        histogram!("callback_talk_seconds").record(talk.until.since(talk.from).as_secs_f64());
    }
}
