//! Calls told as text: inputs in, the whole course of the call out, one `check`.
//!
//! A story file holds stories of this form; `<` lines are what happens, `>` lines what the flow does about it:
//!
//! ```text
//! ## The sentence of flow.md that it shows
//! plan together linear A B(phone ext=12 key=no) ring=15
//!    0.000 > dial A
//!    2.000 < A answers
//! ```
//!
//! `V` is the visitor, `A`, `B` … the managers. The phone of a story does by itself what a phone always does: a
//! dial is `Sent` in its tick (other results: `dials=A:iscft-`, one letter for each dial of A), a leg that is
//! hung up is down 0.1 s later (not those of `deaf=A`), prompts and digits are over after their length (not
//! those of `mute=A`). A story goes on until its last line, whatever still happens. To write one, write its
//! `<` lines, run the tests with `UPDATE_STORIES=1`, and read what came out as a lawyer would.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use super::{
    Canceller, Command, Detail, Finish, Flow, HangupReason, Input, Intent, IntentEnd, LegEvent, Past, Prompt,
    VisitorState,
};
use crate::id::{LegId, ManagerId, OrderId};
use crate::plan::{
    AcceptKey, Address, Callee, CallerId, Limits, Mode, Plan, PlanManager, PlanVisitor, PromptLengths,
    RingStrategy, Seat, Telephone,
};
use crate::record::{CallRecord, Cause, Disposition, EndedBy, Outcome};
use crate::time::Ts;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const FILES: [&str; 7] = ["leg", "seek", "modes", "talk", "cancel", "end", "crash"];

#[test]
fn every_sentence_of_the_flow_has_its_story() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flow/stories");
    let update = std::env::var_os("UPDATE_STORIES").is_some();
    let mut told = 0;
    let mut wrong = String::new();
    for file in FILES {
        let path = folder.join(file).with_extension("txt");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut rewritten = String::new();
        for story in text.split("## ").skip(1) {
            let title = story.lines().next().unwrap();
            let actual = std::panic::catch_unwind(|| tell(story))
                .unwrap_or_else(|_| panic!("{file}.txt, ## {title}: cannot be told"));
            if actual.trim_end() != story.trim_end() {
                let _ = write!(wrong, "\n{file}.txt, expected:\n## {story}\ntold:\n## {actual}");
            }
            let _ = write!(rewritten, "## {}\n\n", actual.trim_end());
            told += 1;
        }
        if update {
            std::fs::write(&path, format!("{}\n", rewritten.trim_end())).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
    assert!(told >= 60, "{told} stories");
}

/// The course of a story's call: its text again, with the `>` lines that belong there.
pub(super) fn tell(story: &str) -> String {
    let mut lines = story.lines();
    let title = lines.next().unwrap();
    let plan_line = lines.next().unwrap();
    let mut theatre = Theatre::new(plan_line.strip_prefix("plan ").expect("a plan line"));
    let mut tick: Vec<(Ts, &str)> = Vec::new();
    let inputs =
        lines.filter_map(|line| line.split_once('<')).map(|(at, what)| (seconds(at.trim()), what.trim()));
    for (at, what) in inputs {
        if tick.first().is_some_and(|(earlier, _)| *earlier != at) {
            theatre.play(&std::mem::take(&mut tick));
        }
        tick.push((at, what));
    }
    theatre.play(&tick);
    format!("{title}\n{plan_line}\n{}", theatre.text)
}

/// The stage of one story.
struct Theatre {
    flow: Flow,
    plan: Arc<Plan>,
    now: Ts,
    text: String,
    /// Legs by who: their ids in the order of dialling.
    legs: Vec<(LegId, Callee)>,
    dials: BTreeMap<Callee, Vec<char>>,
    deaf: BTreeSet<Callee>,
    mute: BTreeSet<Callee>,
    /// What the phone will report by itself.
    coming: Vec<(Ts, LegId, LegEvent)>,
    /// The process is dead: nothing happens any more.
    crashed: bool,
}

impl Theatre {
    fn new(words: &str) -> Self {
        let (plan, dials, deaf, mute, past) = read_plan(words);
        let plan = Arc::new(plan);
        let now = Ts(0);
        let mut theatre = Self {
            flow: Flow::new(Arc::clone(&plan), &past, now),
            plan,
            now,
            text: String::new(),
            legs: Vec::new(),
            dials,
            deaf,
            mute,
            coming: Vec::new(),
            crashed: false,
        };
        theatre.tick();
        theatre
    }

    /// Runs to the instant of these inputs, then gives them in one tick.
    fn play(&mut self, inputs: &[(Ts, &str)]) {
        let Some((at, _)) = inputs.first() else { return };
        self.run_until(*at);
        self.now = *at;
        for (_, what) in inputs {
            let _ = writeln!(self.text, "{} < {what}", stamp(*at));
            self.give(what);
        }
        self.tick();
    }

    fn run_until(&mut self, until: Ts) {
        while !self.crashed {
            let coming = self.coming.iter().map(|(at, ..)| *at).min();
            let Some(next) =
                coming.into_iter().chain(self.flow.poll_timeout()).min().filter(|at| *at < until)
            else {
                break;
            };
            self.now = self.now.max(next);
            let now = self.now;
            let due: Vec<_> = self.coming.iter().filter(|(at, ..)| *at <= now).copied().collect();
            self.coming.retain(|(at, ..)| *at > now);
            for (_, leg, event) in due {
                self.flow.handle(Input::Leg(leg, event), now);
            }
            self.tick();
        }
    }

    /// The end of a tick: a timeout if due, then the commands and what they bring about at once.
    fn tick(&mut self) {
        if self.crashed {
            return;
        }
        if self.flow.poll_timeout().is_some_and(|at| at <= self.now) {
            self.flow.handle(Input::Timeout, self.now);
        }
        while let Some(command) = self.flow.poll_command() {
            let line = self.show(&command);
            let _ = writeln!(self.text, "{} > {line}", stamp(self.now));
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Originate { leg, to, .. } => {
                self.legs.push((leg, to));
                let dials = self.dials.entry(to).or_default();
                let result = if dials.is_empty() { 's' } else { dials.remove(0) };
                let event = match result {
                    'i' => LegEvent::Ended(Cause::InService, EndedBy::Us),
                    'c' => LegEvent::Ended(Cause::NoChannel, EndedBy::Us),
                    'f' => LegEvent::Ended(Cause::NoFunds, EndedBy::Us),
                    't' => LegEvent::Ended(Cause::Trunk, EndedBy::Network),
                    '-' => return,
                    _ => LegEvent::Sent,
                };
                self.flow.handle(Input::Leg(leg, event), self.now);
            }
            Command::Hangup { leg, .. } if !self.deaf.contains(&self.callee(leg)) => {
                self.coming.push((
                    self.now + Duration::from_millis(100),
                    leg,
                    LegEvent::Ended(Cause::Normal, EndedBy::Us),
                ));
            }
            Command::Play { leg, n, prompt, again: false } if !self.mute.contains(&self.callee(leg)) => {
                let length = self.flow.length_of(prompt).unwrap_or(Duration::from_secs(3));
                self.coming.push((self.now + length, leg, LegEvent::Played(n)));
            }
            Command::SendDigits(leg) if !self.mute.contains(&self.callee(leg)) => {
                let telephone = self.plan.telephone(self.callee(leg)).unwrap();
                self.coming.push((
                    self.now + telephone.extension.unwrap().length(),
                    leg,
                    LegEvent::DigitsSent,
                ));
            }
            _ => {}
        }
    }

    fn give(&mut self, what: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        let number = |at: usize| Duration::from_secs_f64(words[at].parse().unwrap());
        let input = match words[0] {
            "cancel" => Input::Cancel(match words[1] {
                "cabinet" => Canceller::Cabinet,
                "operator" => Canceller::Operator,
                _ => Canceller::Visitor,
            }),
            "free" => Input::ManagerFree(seat(words[1])),
            "limit" => Input::TalkLimit(number(1)),
            "shutdown" => Input::Shutdown(self.now + number(1)),
            "crash" => {
                let record = self.flow.clone().interrupted(self.now);
                let _ = writeln!(self.text, "{} > {}", stamp(self.now), show_record(&record));
                self.crashed = true;
                return;
            }
            "quiet" => {
                assert!(
                    self.crashed || self.flow.is_finished() && self.flow.poll_timeout().is_none(),
                    "not quiet: {}",
                    self.text
                );
                return;
            }
            who => Input::Leg(self.leg(who), self.event(&words)),
        };
        self.flow.handle(input, self.now);
    }

    fn event(&self, words: &[&str]) -> LegEvent {
        let ended = |status| LegEvent::Ended(Cause::Sip(status), EndedBy::Far);
        let ago = |seconds| self.now - Duration::from_secs(seconds);
        match words[1] {
            "sent" => LegEvent::Sent,
            "rings" => LegEvent::Ringing,
            "early" => LegEvent::EarlyMedia,
            "answers" => LegEvent::Answered,
            "presses" => LegEvent::Digit(words[2].chars().next().unwrap()),
            "busy" => ended(486),
            "declines" => ended(603),
            "fails" => ended(words[2].parse().unwrap()),
            "hangs" => LegEvent::Ended(Cause::Normal, EndedBy::Far),
            "down" => LegEvent::Ended(Cause::Normal, EndedBy::Us),
            "mute" => LegEvent::MediaLost { first: true, since: ago(10) },
            "lost" => LegEvent::MediaLost { first: false, since: ago(30) },
            "heard" => LegEvent::MediaBack,
            "played" => LegEvent::Played(words[2].parse().unwrap()),
            "digits" => LegEvent::DigitsSent,
            other => panic!("no such event: {other}"),
        }
    }

    /// `A`: the last leg of A; `A1`: the first.
    fn leg(&self, who: &str) -> LegId {
        let name = &who[..1];
        let callee = if name == "V" { Callee::Visitor } else { Callee::Manager(seat(name)) };
        let of: Vec<LegId> =
            self.legs.iter().filter(|(_, other)| *other == callee).map(|(leg, _)| *leg).collect();
        match who[1..].parse::<usize>() {
            Ok(nth) => of[nth - 1],
            Err(_) => *of.last().unwrap_or_else(|| panic!("{who} has no leg yet:\n{}", self.text)),
        }
    }

    fn callee(&self, leg: LegId) -> Callee {
        self.legs.iter().find(|(other, _)| *other == leg).unwrap().1
    }

    fn show(&self, command: &Command) -> String {
        let who = |leg: &LegId| name(self.callee(*leg));
        match command {
            Command::Originate { to, .. } => format!("dial {}", name(*to)),
            Command::SendDigits(leg) => format!("digits {}", who(leg)),
            Command::Play { leg, prompt, again, .. } => {
                format!("play {} {}{}", who(leg), show_prompt(*prompt), if *again { " again" } else { "" })
            }
            Command::Bridge { visitor, manager } => format!("bridge {} {}", who(visitor), who(manager)),
            Command::Unbridge => "unbridge".into(),
            Command::Hangup { leg, reason } => format!("hang up {}: {}", who(leg), show_reason(*reason)),
            Command::Tell(state, detail) => format!("tell {}", show_state(*state, detail)),
            Command::Finish(finish) => match &**finish {
                Finish::Over(record) => show_record(record),
                Finish::HandedBack(legs) => {
                    let cut = legs.iter().filter(|leg| leg.outcome == Outcome::CutByShutdown).count();
                    format!("finish: handed back, {cut} cut by the shutdown")
                }
            },
        }
    }
}

fn show_record(record: &CallRecord) -> String {
    let outcomes: Vec<String> = record
        .legs
        .iter()
        .map(|leg| format!("{} {}", name(leg.callee), snake(&format!("{:?}", leg.outcome))))
        .collect();
    let talk = record.talk.map(|talk| format!(" {:.3} s", talk.until.since(talk.from).as_secs_f64()));
    let stop = if record.stop_requested { ", never call again" } else { "" };
    let legs = outcomes.join(", ");
    format!("finish: {}{}{stop} [{legs}]", show_disposition(record.disposition), talk.unwrap_or_default())
}

fn show_disposition(disposition: Disposition) -> String {
    match disposition.keys() {
        (key, Some(reason)) => format!("{key} ({reason})"),
        (key, None) => key.into(),
    }
}

pub(super) fn show_state(state: VisitorState, detail: &Detail) -> String {
    let mut text = match state {
        VisitorState::Ended(disposition) => format!("ended {}", show_disposition(disposition)),
        other => snake(&format!("{other:?}")),
    };
    if detail.late {
        text.push_str(", late");
    }
    if let Some(trying) = detail.trying {
        let _ = write!(text, ", trying {trying} of {}", detail.of);
    }
    if let Some(manager) = detail.manager {
        let _ = write!(text, ": {}", name(Callee::Manager(manager)));
    }
    if detail.next_manager {
        text.push_str(", next manager");
    }
    text
}

fn show_prompt(prompt: Prompt) -> String {
    snake(&format!("{prompt:?}"))
}

fn show_reason(reason: HangupReason) -> String {
    snake(&format!("{reason:?}"))
}

fn snake(camel: &str) -> String {
    let mut text = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn name(callee: Callee) -> String {
    match callee {
        Callee::Visitor => "V".into(),
        Callee::Manager(Seat(at)) => char::from(b'A' + at).to_string(),
    }
}

fn seat(name: &str) -> Seat {
    Seat(name.bytes().next().unwrap() - b'A')
}

fn stamp(at: Ts) -> String {
    format!("{:>8}.{:03}", at.0 / 1_000_000, at.0 / 1000 % 1000)
}

fn seconds(text: &str) -> Ts {
    let value: f64 = text.parse().unwrap_or_else(|_| panic!("no time: {text}"));
    Ts(0) + Duration::from_secs_f64(value)
}

type Stage = (Plan, BTreeMap<Callee, Vec<char>>, BTreeSet<Callee>, BTreeSet<Callee>, Past);

/// Reads a plan's line; see the module's head.
pub(super) fn read_plan(line: &str) -> Stage {
    let mut plan = bare_plan();
    let (mut dials, mut deaf, mut mute) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let mut past = Past::default();
    let mut rounds = 2;
    let mut orders: Vec<Vec<Seat>> = Vec::new();
    for word in line.replace("( ", "(").split_inclusive([' ', ')']).fold(Vec::<String>::new(), join_brackets)
    {
        let (key, value) = word.split_once('=').unwrap_or((&word, ""));
        let time = || Duration::from_secs_f64(value.parse().unwrap());
        match key {
            "together" => plan.mode = Mode::Together,
            "first" => plan.mode = Mode::ManagerFirst,
            "linear" => plan.strategy = RingStrategy::Linear,
            "random" => plan.strategy = RingStrategy::Random,
            "all" => plan.strategy = RingStrategy::All,
            "announce" => plan.limits.announce = true,
            "ring" => plan.limits.ring_timeout = time(),
            "vring" => plan.limits.visitor_ring_timeout = time(),
            "total" => plan.limits.total_time = time(),
            "delay" => plan.limits.delay_to_visitor = time(),
            "talk" => plan.limits.max_talk = time(),
            "promise" => plan.limits.promise = time(),
            "legs" => plan.limits.max_legs = value.parse().unwrap(),
            "rounds" => rounds = value.parse().unwrap(),
            "orders" => {
                orders = value
                    .split(',')
                    .map(|order| order.chars().map(|c| seat(&c.to_string())).collect())
                    .collect()
            }
            "dials" => {
                let (who, results) = value.split_once(':').unwrap();
                dials.insert(callee_of(who), results.chars().collect());
            }
            "deaf" => drop(deaf.insert(callee_of(value))),
            "mute" => drop(mute.insert(callee_of(value))),
            "past" => {
                past.intents = value.split(',').zip(1..).map(|(word, leg)| read_intent(word, leg)).collect()
            }
            _ => plan.managers.push(read_manager(&word)),
        }
    }
    plan.rounds = if orders.is_empty() { vec![plan.seats().collect(); rounds] } else { orders };
    (plan, dials, deaf, mute, past)
}

/// `A(ext=1 key=no)` is one word.
fn join_brackets(mut words: Vec<String>, part: &str) -> Vec<String> {
    match words.last_mut() {
        Some(open) if open.contains('(') && !open.contains(')') => {
            open.push(' ');
            open.push_str(part.trim());
        }
        _ if part.trim().is_empty() => {}
        _ => words.push(part.trim().into()),
    }
    words
}

/// `A1u-5`: A in round 1, unknown (`f`ailed, `r`efused, `c`ut by a shutdown), 5 s before the start.
fn read_intent(word: &str, leg: u16) -> Intent {
    let at = Ts(-word[4..].parse::<i64>().unwrap() * 1_000_000);
    let end = match &word[2..3] {
        "f" => IntentEnd::Failed(at + Duration::from_secs(1)),
        "r" => IntentEnd::Refused(at + Duration::from_secs(1)),
        "c" => IntentEnd::Cut,
        _ => IntentEnd::Unknown,
    };
    Intent { leg: LegId(leg), callee: callee_of(&word[..1]), round: word[1..2].parse().unwrap(), at, end }
}

fn callee_of(name: &str) -> Callee {
    if name == "V" { Callee::Visitor } else { Callee::Manager(seat(name)) }
}

fn read_manager(word: &str) -> PlanManager {
    let (who, options) = word.trim_end_matches(')').split_once('(').unwrap_or((word, ""));
    let at = seat(who).0;
    let mut manager = PlanManager {
        id: ManagerId(Uuid::from_u128(u128::from(at))),
        name: who.into(),
        telephone: Telephone {
            address: Address::Sip(format!("sip:{who}@192.0.2.1").into()),
            extension: None,
        },
        extension_delay: Duration::ZERO,
        accept_key: AcceptKey::Auto,
        caller_id: CallerId { number: None, name: "Shop".into() },
    };
    for option in options.split(' ').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "phone" => {
                manager.telephone.address = Address::Phone(format!("+7495000000{at}").parse().unwrap())
            }
            "ext" => manager.telephone.extension = Some(value.parse().unwrap()),
            "wait" => manager.extension_delay = Duration::from_secs(value.parse().unwrap()),
            "key" if value == "yes" => manager.accept_key = AcceptKey::Yes,
            "key" => manager.accept_key = AcceptKey::No,
            other => panic!("no such option: {other}"),
        }
    }
    manager
}

pub(crate) fn bare_plan() -> Plan {
    let s = Duration::from_secs;
    Plan {
        order: OrderId(Uuid::nil()),
        accepted_at: Ts(0),
        settings_version: 1,
        mode: Mode::Together,
        strategy: RingStrategy::Linear,
        visitor: PlanVisitor {
            number: "+79161234567".parse().unwrap(),
            caller_id: CallerId { number: None, name: "Shop".into() },
        },
        managers: Vec::new(),
        rounds: Vec::new(),
        limits: Limits {
            ring_timeout: s(15),
            visitor_ring_timeout: s(40),
            total_time: s(120),
            delay_to_visitor: s(0),
            max_talk: s(14400),
            accept_timeout: s(20),
            promise: s(29),
            max_legs: 16,
            announce: false,
        },
        prompts: PromptLengths {
            announcement: s(3),
            connecting: s(2),
            visitor_no_answer: s(3),
            waiting: s(5),
            apology: s(4),
        },
    }
}
