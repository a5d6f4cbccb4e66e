//! What is counted, under the names that `/metrics` has. No number of a visitor and no name is a label.

use callback_core::record::CallRecord;
use metrics::{counter, histogram};

/// A call is over.
pub(crate) fn call_over(record: &CallRecord) {
    let (disposition, reason) = record.disposition.keys();
    counter!("callback_calls_total", "disposition" => disposition, "reason" => reason.unwrap_or("none")).increment(1);
    for leg in &record.legs {
        let cause = leg.ended.map_or_else(|| "unknown".to_owned(), |(cause, _)| crate::timeline::cause_key(cause));
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
