//! One call told for people: two lanes on one clock, and what happened on them in order. The same for
//! `callback explain`, its JSON, and the page that draws it.

use crate::engine::recovery;
use crate::store::{CallFile, JournalRow};
use callback_core::flow::{HangupReason, VisitorState};
use callback_core::plan::{Callee, Mode, Plan, RingStrategy};
use callback_core::record::{CallRecord, Cause, Disposition, EndedBy, LegRecord, Outcome};
use callback_core::time::Ts;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;

/// A call as it is drawn: all times in milliseconds from the order.
#[derive(Serialize, Debug)]
pub(crate) struct Timeline {
    order_id: uuid::Uuid,
    site: String,
    site_key: String,
    phone: String,
    settings_version: u32,
    mode: Option<Mode>,
    strategy: Option<RingStrategy>,
    promise_ms: Option<u64>,
    accepted_at: String,
    disposition: Option<&'static str>,
    reason: Option<&'static str>,
    ended_ms: Option<u64>,
    talk_ms: Option<u64>,
    bridged_ms: Option<u64>,
    processes: usize,
    lanes: Vec<LegLine>,
    events: Vec<Line>,
}

/// A leg of it.
#[derive(Serialize, Debug)]
pub(crate) struct LegLine {
    leg: u16,
    lane: &'static str,
    name: String,
    round: u8,
    outcome: Outcome,
    dialled_ms: u64,
    sent_ms: Option<u64>,
    ringing_ms: Option<u64>,
    answered_ms: Option<u64>,
    accepted_ms: Option<u64>,
    bridged_ms: Option<u64>,
    unbridged_ms: Option<u64>,
    over_ms: Option<u64>,
    cause: Option<String>,
    ended_by: Option<EndedBy>,
    hangup: Option<HangupReason>,
}

/// Something that happened.
#[derive(Serialize, Debug)]
pub(crate) struct Line {
    at_ms: u64,
    lane: &'static str,
    leg: Option<u16>,
    name: String,
    what: &'static str,
    cause: Option<String>,
    ended_by: Option<EndedBy>,
    #[serde(skip)]
    stage: usize,
}

impl Timeline {
    /// Tells a call: by its record, or, while it runs, by what its flow was told so far.
    pub(crate) fn of(file: &CallFile) -> Self {
        let so_far = file.plan.as_ref().filter(|_| file.record.is_none()).and_then(|plan| {
            let running = file.processes.iter().rev().find_map(|process| recovery::replay(process, plan));
            running.map(|running| running.flow.legs_so_far())
        });
        let over = file.record.as_ref();
        let legs = over.map(|record| &record.legs).or(so_far.as_ref()).map_or(&[][..], Vec::as_slice);
        let zero = file.order.facts.accepted_at;
        let plan = file.plan.as_deref();
        let phone = file.order.phone.to_string();
        let names = |callee| named(callee, &phone, plan);
        let lanes: Vec<LegLine> = legs.iter().map(|leg| LegLine::of(leg, names(leg.callee), zero)).collect();
        let mut events: Vec<Line> =
            legs.iter().flat_map(|leg| lines(leg, &names(leg.callee), zero)).collect();
        // What happens in one instant: first all that leads to the talk, then the talk, then its end.
        events.sort_by_key(|line| (line.at_ms, line.stage));
        // An order that ended before it was called has its end, and will have no record.
        let unbegun = file.processes.is_empty() && file.order.joined_to.is_none();
        let ended =
            if let VisitorState::Ended(disposition) = file.order.state { Some(disposition) } else { None };
        let ended = ended.filter(|_| unbegun);
        let keys = over.map(|record| record.disposition).or(ended).map(Disposition::keys);
        let talk = over.and_then(|record| record.talk);
        Self {
            order_id: file.order.facts.id.0,
            site: file.site.name.to_string(),
            site_key: file.site_key.to_string(),
            phone: file.order.phone.to_string(),
            settings_version: file.order.facts.settings_version,
            mode: plan.map(|plan| plan.mode),
            strategy: plan.map(|plan| plan.strategy),
            promise_ms: plan.map(|plan| millis(plan.limits.promise)),
            accepted_at: stamp(zero),
            disposition: keys.map(|(key, _)| key),
            reason: keys.and_then(|(_, reason)| reason),
            ended_ms: over
                .map(|record| record.ended_at)
                .or(file.order.ended_at.filter(|_| unbegun))
                .map(|at| millis(at.since(zero))),
            talk_ms: talk.map(|talk| millis(talk.until.since(talk.from))),
            bridged_ms: talk.map(|talk| millis(talk.from.since(zero))),
            processes: file.processes.len(),
            lanes,
            events,
        }
    }
}

/// As text, a line an event.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "order {} of {} ({}), settings version {}, accepted {}",
            self.order_id, self.site, self.site_key, self.settings_version, self.accepted_at
        )?;
        writeln!(f, "{:>9}  {:<8} {:<16} what", "seconds", "lane", "who")?;
        for line in &self.events {
            let cause = line.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            let by = match line.ended_by {
                Some(EndedBy::Far) => " by the other side",
                Some(EndedBy::Us) => " by us",
                Some(EndedBy::Network) => " by the network",
                None => "",
            };
            let at = format!("{}.{:03}", line.at_ms / 1000, line.at_ms % 1000);
            writeln!(f, "{at:>9}  {:<8} {:<16} {}{cause}{by}", line.lane, line.name, line.what)?;
        }
        match (self.disposition, self.reason) {
            (Some(disposition), Some(reason)) => write!(f, "{disposition} ({reason})")?,
            (Some(disposition), None) => f.write_str(disposition)?,
            (None, _) => f.write_str("not over yet")?,
        }
        match self.talk_ms {
            Some(talk) => write!(f, ", talked {}.{:03} s", talk / 1000, talk % 1000),
            None => Ok(()),
        }
    }
}

/// The legs of a line of the journal, as they are drawn; of a call that runs, those that it has so far.
pub(crate) fn legs_of(row: &JournalRow, plan: Option<&Plan>, so_far: &[LegRecord]) -> Vec<LegLine> {
    let zero = row.order.facts.accepted_at;
    let phone = row.order.phone.to_string();
    let name = |callee| named(callee, &phone, plan);
    let legs = row.record.as_ref().map_or(so_far, |record| &record.legs);
    legs.iter().map(|leg| LegLine::of(leg, name(leg.callee), zero)).collect()
}

/// The legs of a call that was rehearsed, as they are drawn.
pub(crate) fn legs_of_record(record: &CallRecord, plan: &Plan) -> Vec<LegLine> {
    let name = |callee| named(callee, "", Some(plan));
    record.legs.iter().map(|leg| LegLine::of(leg, name(leg.callee), plan.accepted_at)).collect()
}

/// What a side of the call is called: the visitor's number, a manager's name.
fn named(callee: Callee, phone: &str, plan: Option<&Plan>) -> String {
    match callee {
        Callee::Visitor => phone.to_owned(),
        Callee::Manager(seat) => plan
            .and_then(|plan| plan.manager(seat))
            .map_or_else(String::new, |manager| manager.name.to_string()),
    }
}

impl LegLine {
    /// Whether it is the manager's who took the call.
    pub(crate) fn is_accepting(&self) -> bool {
        self.accepted_ms.is_some() && self.lane == "manager"
    }

    /// Whose it is.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn of(leg: &LegRecord, name: String, zero: Ts) -> Self {
        let ms = |at: Option<Ts>| at.map(|at| millis(at.since(zero)));
        let times = &leg.times;
        Self {
            leg: leg.leg.0,
            lane: lane(leg.callee),
            name,
            round: leg.round,
            outcome: leg.outcome,
            dialled_ms: millis(times.dialled_at.since(zero)),
            sent_ms: ms(times.sent_at),
            ringing_ms: ms(times.ringing_at.or(times.early_media_at)),
            answered_ms: ms(times.answered_at),
            accepted_ms: ms(times.accepted_at),
            bridged_ms: ms(times.bridged_at),
            unbridged_ms: ms(times.unbridged_at),
            over_ms: ms(times.hung_up_at.into_iter().chain(times.ended_at).min()),
            cause: leg.ended.map(|(cause, _)| cause_key(cause)),
            ended_by: leg.ended.map(|(_, by)| by),
            hangup: leg.hangup,
        }
    }
}

fn lines(leg: &LegRecord, name: &str, zero: Ts) -> Vec<Line> {
    let times = &leg.times;
    let told = [
        (Some(times.dialled_at), "dialled"),
        (times.sent_at, "sent"),
        (times.ringing_at, "rings"),
        (times.early_media_at, "speaks before the answer"),
        (times.answered_at, "answered"),
        (times.digits_sent_at, "extension sent"),
        (times.first_word_at, "hears the announcement"),
        (times.accepted_at.filter(|_| leg.callee != Callee::Visitor), "accepted"),
        (times.bridged_at, "talks"),
        (times.unbridged_at, "talks no more"),
        (times.hung_up_at, hangup_words(leg.hangup)),
    ];
    let line = |stage, at: Ts, what, cause, ended_by| Line {
        at_ms: millis(at.since(zero)),
        lane: lane(leg.callee),
        leg: Some(leg.leg.0),
        name: name.to_owned(),
        what,
        cause,
        ended_by,
        stage,
    };
    let mut lines: Vec<Line> =
        (0..).zip(told).filter_map(|(stage, (at, what))| Some(line(stage, at?, what, None, None))).collect();
    if let (Some(at), Some((cause, by))) = (times.ended_at, leg.ended) {
        lines.push(line(told.len(), at, "down", Some(cause_key(cause)), Some(by)));
    }
    lines
}

fn hangup_words(reason: Option<HangupReason>) -> &'static str {
    match reason {
        None | Some(HangupReason::Over) => "hung up",
        Some(HangupReason::CompletedElsewhere) => "let go: another manager has the call",
        Some(HangupReason::NoAnswer) => "given up: no answer",
        Some(HangupReason::Refused) => "let go: he refused",
        Some(HangupReason::NoMedia) => "hung up: nothing is heard",
        Some(HangupReason::Cancelled) => "hung up: cancelled",
        Some(HangupReason::Limit) => "hung up: the talk's limit",
        Some(HangupReason::Shutdown) => "hung up: the service stops",
    }
}

fn lane(callee: Callee) -> &'static str {
    match callee {
        Callee::Visitor => "visitor",
        Callee::Manager(_) => "manager",
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// By RFC 3339, in UTC.
pub(crate) fn stamp(at: Ts) -> String {
    Timestamp::from_microsecond(at.0).map(|stamp| format!("{stamp:.3}")).unwrap_or_default()
}

/// A cause as API, timeline and strings have it: `sip-486`, `q850-17`, `trunk`.
pub(crate) fn cause_key(cause: Cause) -> String {
    match cause {
        Cause::Normal => "normal".into(),
        Cause::Sip(status) => format!("sip-{status}"),
        Cause::Q850(code) => format!("q850-{code}"),
        Cause::Silent => "silent".into(),
        Cause::InService => "in_service".into(),
        Cause::NoChannel => "no_channel".into(),
        Cause::NoFunds => "no_funds".into(),
        Cause::Trunk => "trunk".into(),
        Cause::RefusedNumber => "refused_number".into(),
        Cause::Media => "media".into(),
        Cause::Interrupted => "interrupted".into(),
    }
}
