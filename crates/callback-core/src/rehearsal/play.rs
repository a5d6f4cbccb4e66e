//! The flow over telephones of habit: so many tries fail, the next manager answers, and the visitor too.

use crate::flow::{Command, Detail, Flow, Input, LegEvent, Past, Prompt, VisitorState};
use crate::id::LegId;
use crate::plan::{Callee, Plan};
use crate::record::{CallRecord, Cause, EndedBy};
use crate::time::Ts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Between two instants at least.
const TICK: Duration = Duration::from_micros(1);
/// From the INVITE to the ringing.
const RINGING: Duration = Duration::from_millis(900);
/// From our hang-up to its end.
const DOWN: Duration = Duration::from_millis(30);
/// From the first word to the key, where one is asked for.
const KEY: Duration = Duration::from_secs(2);

/// What telephones do.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// So many managers' tries ring and are not answered.
    pub fails: usize,
    /// After how long a manager answers who does.
    pub manager: Duration,
    /// And the visitor.
    pub visitor: Duration,
    /// How long they talk.
    pub talk: Duration,
}

/// A call that was played, from its plan's acceptance on.
#[derive(Clone, Debug)]
pub struct Told {
    /// What the flow was told, each with its instant: given to a fresh one, it decides the same.
    pub inputs: Vec<(Ts, Input)>,
    /// What the visitor saw at the end.
    pub shown: (VisitorState, Detail),
    /// What became of it.
    pub record: CallRecord,
}

/// What is still to happen.
#[derive(Default)]
struct Coming {
    events: BTreeMap<(Ts, u32), Input>,
    n: u32,
}

impl Coming {
    fn at(&mut self, at: Ts, leg: LegId, event: LegEvent) {
        self.n += 1;
        self.events.insert((at, self.n), Input::Leg(leg, event));
    }
}

/// Plays a call to its end.
#[must_use]
pub fn play(plan: &Arc<Plan>, habits: Habits) -> Told {
    let (mut now, mut tries) = (plan.accepted_at, 0);
    let mut flow = Flow::new(Arc::clone(plan), &Past::default(), now);
    let mut coming = Coming::default();
    let mut inputs = Vec::new();
    let mut shown = (VisitorState::Accepted, Detail::default());
    loop {
        while let Some(command) = flow.poll_command() {
            match command {
                Command::Originate { leg, to, .. } => {
                    coming.at(now, leg, LegEvent::Sent);
                    coming.at(now + RINGING, leg, LegEvent::Ringing);
                    match to {
                        Callee::Visitor => coming.at(now + RINGING + habits.visitor, leg, LegEvent::Answered),
                        Callee::Manager(_) if tries < habits.fails => tries += 1,
                        Callee::Manager(_) => {
                            coming.at(now + RINGING + habits.manager, leg, LegEvent::Answered);
                        }
                    }
                }
                Command::Hangup { leg, .. } => {
                    coming.at(now + DOWN, leg, LegEvent::Ended(Cause::Normal, EndedBy::Us));
                }
                Command::SendDigits(leg) => {
                    let extension = flow.callee(leg).and_then(|callee| plan.telephone(callee));
                    let length =
                        extension.and_then(|telephone| telephone.extension.map(|digits| digits.length()));
                    coming.at(now + length.unwrap_or_default(), leg, LegEvent::DigitsSent);
                }
                Command::Play { leg, prompt: Prompt::Key | Prompt::AnnouncementAndKey, .. } => {
                    coming.at(now + KEY, leg, LegEvent::Digit('1'));
                }
                Command::Play { leg, n, prompt, again: false } => {
                    coming.at(now + length(plan, prompt), leg, LegEvent::Played(n));
                }
                Command::Bridge { visitor, .. } => {
                    coming.at(now + habits.talk, visitor, LegEvent::Ended(Cause::Normal, EndedBy::Far));
                }
                Command::Finish(finish) => {
                    let record = finish.into_record().unwrap_or_else(|| flow.clone().interrupted(now));
                    return Told { inputs, shown, record };
                }
                Command::Tell(state, detail) => shown = (state, detail),
                Command::Play { .. } | Command::Unbridge => {}
            }
        }
        let events = coming.events.first_key_value().map(|((at, _), _)| *at);
        let Some(next) = events.into_iter().chain(flow.poll_timeout()).min() else {
            return Told { inputs, shown, record: flow.interrupted(now) };
        };
        // No two ticks have the same instant, so that a replay knows them apart.
        now = next.max(now + TICK);
        let mut tick = Vec::new();
        while let Some(entry) = coming.events.first_entry().filter(|entry| entry.key().0 <= now) {
            tick.push(entry.remove());
        }
        for input in &tick {
            flow.handle(*input, now);
        }
        if flow.poll_timeout().is_some_and(|at| at <= now) {
            flow.handle(Input::Timeout, now);
            tick.push(Input::Timeout);
        }
        inputs.extend(tick.into_iter().map(|input| (now, input)));
    }
}

fn length(plan: &Plan, prompt: Prompt) -> Duration {
    match prompt {
        Prompt::Announcement => plan.prompts.announcement,
        Prompt::Connecting => plan.prompts.connecting,
        Prompt::VisitorNoAnswer => plan.prompts.visitor_no_answer,
        Prompt::Waiting => plan.prompts.waiting,
        Prompt::Apology => plan.prompts.apology,
        Prompt::AnnouncementAndKey | Prompt::Key | Prompt::Ringback | Prompt::TalkEnds | Prompt::Music => {
            Duration::from_secs(3)
        }
    }
}
