//! How each telephone that a call rang ended, in the words of the cabinet's drawing.

use callback_core::flow::HangupReason;
use callback_core::plan::{Callee, Plan};
use callback_core::record::{CallRecord, Cause, Disposition, EndedBy, LegRecord, Outcome, VisitorFault};
use callback_core::site::Language;
use std::sync::Arc;

/// One telephone that was rung.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tried {
    /// A manager as the settings named him; none where it was the visitor's.
    name: Option<Arc<str>>,
    end: End,
    /// For how long it rang, in whole seconds.
    rang_s: u64,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Busy,
    InCall,
    Declined,
    NoAnswer,
    Refused,
    KeyMissing,
    NoNumber,
    Congested,
    Line,
    NoMedia,
    Elsewhere,
    Stopped,
    Cancelled,
    HungUp,
    LetGo,
    NoFunds,
}

impl Tried {
    /// Those that a call rang, in its order; without a plan managers have no names.
    pub(crate) fn all(record: &CallRecord, plan: Option<&Plan>) -> Vec<Self> {
        let silent = record.disposition == Disposition::VisitorNoAnswer(VisitorFault::Silent);
        let one = |leg: &LegRecord| Self {
            name: match leg.callee {
                Callee::Visitor => None,
                Callee::Manager(seat) => {
                    let manager = plan.and_then(|plan| plan.manager(seat));
                    Some(manager.map_or_else(Arc::default, |manager| manager.name.clone()))
                }
            },
            end: End::of(leg, silent && leg.callee == Callee::Visitor),
            rang_s: rang_s(leg),
        };
        record.legs.iter().filter(|leg| leg.times.sent_at.is_some()).map(one).collect()
    }

    /// `Анна: нет ответа 15 с`
    pub(crate) fn told(&self, language: Language) -> String {
        let (visitor, manager) = match language {
            Language::Ru => ("Посетитель", "Менеджер"),
            Language::En => ("Visitor", "Manager"),
        };
        let name = self.name.as_deref().map_or(visitor, |name| if name.is_empty() { manager } else { name });
        format!("{name}: {}", self.end.told(language, self.rang_s))
    }
}

/// From the first ring, or from the dial where nothing was heard of it, until it was over.
fn rang_s(leg: &LegRecord) -> u64 {
    let times = &leg.times;
    let over = times.hung_up_at.into_iter().chain(times.ended_at).min();
    let from = times.ringing_at.or(times.early_media_at).or(times.sent_at).unwrap_or(times.dialled_at);
    let millis = over.map_or(0, |over| over.since(from).as_millis());
    u64::try_from((millis + 500) / 1_000).unwrap_or(u64::MAX)
}

impl End {
    /// The same decision as the drawing's, `legEnd` of web/cabinet/src/lib/told.ts.
    fn of(leg: &LegRecord, missed: bool) -> Self {
        let (cause, by) = leg.ended.unzip();
        match (leg.outcome, leg.hangup, cause) {
            (Outcome::Elsewhere, ..) => return Self::Elsewhere,
            (_, Some(HangupReason::Cancelled), _) => return Self::Cancelled,
            (_, _, Some(Cause::InService)) => return Self::InCall,
            (_, _, Some(Cause::NoFunds)) => return Self::NoFunds,
            _ => {}
        }
        if leg.times.answered_at.is_none() {
            return match (cause, leg.hangup) {
                (Some(Cause::Sip(486 | 600) | Cause::Q850(17)), _) => Self::Busy,
                (Some(Cause::Sip(603 | 607) | Cause::Q850(21)), _) => Self::Declined,
                (_, Some(HangupReason::NoAnswer))
                | (Some(Cause::Sip(408 | 480 | 487) | Cause::Q850(18..=20) | Cause::Silent), _) => {
                    Self::NoAnswer
                }
                _ if missed => Self::NoAnswer,
                (Some(Cause::Sip(404 | 410 | 484) | Cause::Q850(1 | 22 | 28)), _) => Self::NoNumber,
                (Some(Cause::Sip(503) | Cause::Q850(34 | 42) | Cause::NoChannel), _) => Self::Congested,
                (_, Some(_)) => Self::Stopped,
                (_, None) => Self::Line,
            };
        }
        match (leg.hangup, leg.outcome, by) {
            (Some(HangupReason::NoMedia), ..) => Self::NoMedia,
            (Some(HangupReason::NoAnswer), ..) => Self::KeyMissing,
            (_, Outcome::Refused, _) => Self::Refused,
            (None, _, Some(EndedBy::Far)) => Self::HungUp,
            _ => Self::LetGo,
        }
    }

    fn told(self, language: Language, rang_s: u64) -> String {
        let (ru, en) = match self {
            Self::NoAnswer => {
                return match language {
                    Language::Ru => format!("нет ответа {rang_s}\u{a0}с"),
                    Language::En => format!("no answer in {rang_s}\u{a0}s"),
                };
            }
            Self::Busy => ("занято", "busy"),
            Self::InCall => ("говорит по другому звонку", "already in a call"),
            Self::Declined => ("сброс", "declined"),
            Self::Refused => ("сброс", "hung up"),
            Self::KeyMissing => ("1 не нажата", "didn’t press 1"),
            Self::NoNumber => ("такого номера нет", "no such number"),
            Self::Congested => ("линия перегружена", "line congested"),
            Self::Line => ("линия не отвечает", "line is down"),
            Self::NoMedia => ("ответ без звука", "answered, no sound"),
            Self::Elsewhere => ("ответил другой", "someone else answered"),
            Self::Stopped => ("прекратили", "we stopped"),
            Self::Cancelled => ("отменили", "cancelled"),
            Self::HungUp => ("трубка положена", "hung up"),
            Self::LetGo => ("разъединили", "let go"),
            Self::NoFunds => ("кончились деньги", "out of funds"),
        };
        if language == Language::Ru { ru } else { en }.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Tried, rang_s};
    use callback_core::flow::HangupReason;
    use callback_core::id::LegId;
    use callback_core::plan::Callee;
    use callback_core::record::{Cause, EndedBy, LegRecord, LegTimes, Outcome};
    use callback_core::site::Language;
    use callback_core::time::Ts;

    /// A telephone that rang for 15 s, and was up for 2 s more where it was answered.
    fn leg(outcome: Outcome, hangup: Option<HangupReason>, cause: Cause, is_answered: bool) -> LegRecord {
        let at = |seconds: i64| Some(Ts(seconds * 1_000_000));
        LegRecord {
            leg: LegId(1),
            callee: Callee::Visitor,
            round: 0,
            outcome,
            times: LegTimes {
                sent_at: at(1),
                ringing_at: at(2),
                answered_at: at(17).filter(|_| is_answered),
                ended_at: at(if is_answered { 19 } else { 17 }),
                ..LegTimes::default()
            },
            hangup,
            ended: Some((cause, EndedBy::Far)),
        }
    }

    #[test]
    fn an_end_is_told_as_the_cabinet_draws_it() {
        let check = |leg: &LegRecord, ru: &str, en: &str| {
            let tried = Tried { name: Some("Anna".into()), end: End::of(leg, false), rang_s: rang_s(leg) };
            assert_eq!(tried.told(Language::Ru), format!("Anna: {ru}"));
            assert_eq!(tried.told(Language::En), format!("Anna: {en}"));
        };
        let rang = |cause| leg(Outcome::Failed, None, cause, false);
        check(&rang(Cause::Sip(486)), "занято", "busy");
        check(&rang(Cause::Q850(21)), "сброс", "declined");
        check(&rang(Cause::Sip(480)), "нет ответа 15\u{a0}с", "no answer in 15\u{a0}s");
        check(&rang(Cause::Sip(404)), "такого номера нет", "no such number");
        check(&rang(Cause::NoChannel), "линия перегружена", "line congested");
        check(&rang(Cause::Trunk), "линия не отвечает", "line is down");
        check(&rang(Cause::InService), "говорит по другому звонку", "already in a call");
        let given_up = leg(Outcome::Failed, Some(HangupReason::NoAnswer), Cause::Normal, false);
        check(&given_up, "нет ответа 15\u{a0}с", "no answer in 15\u{a0}s");
        let let_go = leg(Outcome::Cut, Some(HangupReason::Over), Cause::Normal, false);
        check(&let_go, "прекратили", "we stopped");
        let elsewhere = leg(Outcome::Elsewhere, Some(HangupReason::CompletedElsewhere), Cause::Normal, false);
        check(&elsewhere, "ответил другой", "someone else answered");
        let answered = |outcome, hangup| leg(outcome, hangup, Cause::Normal, true);
        check(&answered(Outcome::Failed, Some(HangupReason::NoAnswer)), "1 не нажата", "didn’t press 1");
        check(&answered(Outcome::Refused, None), "сброс", "hung up");
        check(&answered(Outcome::Left, None), "трубка положена", "hung up");
        check(&answered(Outcome::Cut, Some(HangupReason::Over)), "разъединили", "let go");
        assert_eq!(End::of(&let_go, true), End::NoAnswer, "the visitor who did not pick up");
    }
}
