//! The flow against a telephone network of dice, every invariant of flow.md after every step.
//!
//! `dice` draws, and keeps what it drew, so that a failing case can be replayed and shrunk. `network` is what the
//! telephones and the trunk do: lose, repeat, reorder, answer across a CANCEL, answer twice in a tick, never end.
//! `watch` knows the rules independently of the flow: it sees only inputs and commands. This file runs a case,
//! with crashes and restarts at any step, and tells a failing one as a story.
//!
//! Run by `cargo xtask test` with a million cases and by `cargo xtask sim --seed N --explain` with one.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

mod dice;
mod network;
mod watch;

use super::{Canceller, Command, Finish, Flow, Input, Intent, LegEvent, Past};
use crate::plan::{AcceptKey, Address, CallerId, Mode, Plan, PlanManager, RingStrategy, Seat, Telephone};
use crate::record::EndedBy;
use crate::time::Ts;
use dice::Dice;
use network::Network;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use watch::Watch;

/// Everything happens on this grid, so that things coincide.
const GRID: Duration = Duration::from_millis(250);
/// An order goes on at most so often.
const PROCESSES: u8 = 3;
/// An older order does not go on, unless nothing of it was dialled.
const FRESH: Duration = Duration::from_secs(60);

#[test]
fn a_hostile_network_breaks_no_invariant() {
    let cases = variable("SIM_CASES").unwrap_or(1_000_000);
    let first = variable("SIM_SEED").unwrap_or(1);
    let explain = std::env::var_os("SIM_EXPLAIN").is_some();
    let workers =
        std::thread::available_parallelism().map_or(1, usize::from).min(usize::try_from(cases).unwrap());
    let handles: Vec<_> = (0..workers)
        .map(|worker| {
            std::thread::spawn(move || {
                let mut seeds = (first..first + cases).skip(worker).step_by(workers);
                seeds.find(|seed| run(Dice::seeded(*seed), None).is_err())
            })
        })
        .collect();
    let failed = handles.into_iter().filter_map(|handle| handle.join().unwrap()).min();
    if let Some(seed) = failed {
        panic!("seed {seed}:\n{}", shrunk(seed));
    }
    if explain {
        let mut story = String::new();
        run(Dice::seeded(first), Some(&mut story)).unwrap();
        println!("seed {first}:\n{story}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how a test is told its seed")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The shortest case found that fails as this seed does, told as a story.
fn shrunk(seed: u64) -> String {
    let mut dice = Dice::seeded(seed);
    let _ = run_with(&mut dice, None);
    let mut tape = dice.into_tape();
    let fails = |tape: &[u32]| run(Dice::replaying(tape.to_vec()), None).is_err();
    let mut size = tape.len();
    while size > 0 {
        let mut at = 0;
        while at < tape.len() {
            let end = (at + size).min(tape.len());
            let mut shorter = tape.clone();
            shorter.drain(at..end);
            let mut calmer = tape.clone();
            calmer[at..end].fill(0);
            if fails(&shorter) {
                tape = shorter;
            } else {
                if calmer != tape && fails(&calmer) {
                    tape = calmer;
                }
                at += size;
            }
        }
        size /= 2;
    }
    let mut story = String::new();
    let broken = run(Dice::replaying(tape), Some(&mut story)).unwrap_err();
    format!("{broken}\n{story}")
}

fn run(mut dice: Dice, story: Option<&mut String>) -> Result<(), String> {
    run_with(&mut dice, story)
}

/// One order: from its first process to its end, whatever happens.
fn run_with(dice: &mut Dice, story: Option<&mut String>) -> Result<(), String> {
    let plan = Arc::new(draw_plan(dice));
    let mut case = Case {
        flow: Flow::new(Arc::clone(&plan), &Past::default(), Ts(0)),
        network: Network::default(),
        watch: Watch::new(&plan),
        now: Ts(0),
        process: 1,
        plan,
        story,
    };
    if let Some(story) = case.story.as_deref_mut() {
        let _ = writeln!(story, "{}", show_plan(&case.plan));
    }
    case.live(dice)
}

struct Case<'a> {
    flow: Flow,
    network: Network,
    watch: Watch,
    now: Ts,
    process: u8,
    plan: Arc<Plan>,
    story: Option<&'a mut String>,
}

impl Case<'_> {
    fn live(&mut self, dice: &mut Dice) -> Result<(), String> {
        let disturbance = draw_disturbance(dice);
        let within = if dice.one_in(2) { 400 } else { 40 };
        let disturb_at = Ts(0) + GRID * dice.below(within);
        let mut disturbed = matches!(disturbance, Disturbance::None);
        let mut crash_in = dice.one_in(5).then(|| 1 + dice.below(60));
        self.tick(dice)?;
        let end_of_time = Ts(0) + self.watch.longest_life();
        loop {
            let mut next = self.network.next().into_iter().chain(self.flow.poll_timeout()).min();
            if !disturbed {
                next = Some(next.map_or(disturb_at, |next| next.min(disturb_at)));
            }
            let Some(at) = next else { break };
            self.now = self.now.max(at);
            if self.now > end_of_time {
                return Err(format!("goes on after {:?}", self.now.since(Ts(0))));
            }
            while let Some(input) = self.network.take_due(self.now) {
                self.give(input);
            }
            if !disturbed && disturb_at <= self.now {
                disturbed = true;
                let input = disturbance.input(self.now);
                self.give(input);
            }
            if let Some(left) = crash_in.as_mut() {
                *left -= 1;
                if *left == 0 {
                    crash_in = (dice.one_in(3)).then(|| 1 + dice.below(30));
                    if !self.crash(dice)? {
                        return Ok(());
                    }
                }
            }
            self.tick(dice)?;
        }
        if self.flow.is_finished() {
            Ok(())
        } else {
            Err("nothing comes any more, and it has not finished".into())
        }
    }

    fn give(&mut self, input: Input) {
        let story = &mut self.story;
        if let Some(story) = story.as_deref_mut() {
            let _ = writeln!(story, "{:>9.3} < {input:?}", seconds(self.now));
        }
        self.watch.input(&input, self.now);
        self.flow.handle(input, self.now);
    }

    fn tick(&mut self, dice: &mut Dice) -> Result<(), String> {
        if self.flow.poll_timeout().is_some_and(|at| at <= self.now) {
            self.give(Input::Timeout);
        }
        while let Some(command) = self.flow.poll_command() {
            if let Some(story) = self.story.as_deref_mut() {
                let _ = writeln!(story, "{:>9.3} > {}", seconds(self.now), show(&command));
            }
            self.watch.command(&command, self.now)?;
            let handed_back =
                matches!(&command, Command::Finish(finish) if matches!(**finish, Finish::HandedBack(_)));
            if handed_back && self.process < PROCESSES {
                self.restart();
                return self.tick(dice);
            }
            self.obey(command, dice);
        }
        if self.flow.is_finished() && self.flow.poll_timeout().is_some() {
            return Err("a timer is armed after Finish".into());
        }
        if let Some(due) = self.flow.poll_timeout().filter(|due| *due <= self.now) {
            return Err(format!("a timer of {due:?} stays due"));
        }
        self.watch.tick_over(self.now)
    }

    fn obey(&mut self, command: Command, dice: &mut Dice) {
        match command {
            Command::Originate { leg, to, .. } => {
                if let Some(refusal) = self.network.dial(leg, to, self.now, dice) {
                    self.give(Input::Leg(leg, LegEvent::Ended(refusal, EndedBy::Us)));
                } else {
                    self.watch.intent(leg);
                    if dice.below(4) > 0 {
                        self.give(Input::Leg(leg, LegEvent::Sent));
                    }
                }
            }
            Command::Hangup { leg, .. } => self.network.hang_up(leg, self.now, dice),
            Command::Play { leg, n, prompt, again } => {
                if !again && dice.below(8) > 0 {
                    let length = self.watch.length_of(prompt);
                    self.network.later(leg, self.now + length, LegEvent::Played(n));
                }
            }
            Command::SendDigits(leg) => {
                if dice.below(8) > 0 {
                    self.network.later(leg, self.now + GRID * 9 / 4, LegEvent::DigitsSent);
                }
            }
            Command::Finish(_) | Command::Bridge { .. } | Command::Unbridge | Command::Tell(..) => {}
        }
    }

    /// The process dies here. False: the order does not go on, and its record is right.
    fn crash(&mut self, dice: &mut Dice) -> Result<bool, String> {
        let stored = dice.below(3) > 0;
        if self.watch.is_finished() {
            return Ok(true);
        }
        self.tell(&|| "the process dies".into());
        let fresh = self.now <= self.plan.accepted_at + FRESH || !self.watch.has_intents();
        let goes_on =
            fresh && !self.watch.visitor_has_intent() && self.process < PROCESSES && !self.watch.has_ended();
        if !goes_on {
            let record = self.flow.clone().interrupted(self.now);
            self.watch.buried(&record)?;
            return Ok(false);
        }
        self.watch.forget_tail(stored);
        self.restart();
        Ok(true)
    }

    fn restart(&mut self) {
        self.process += 1;
        let intents: Vec<Intent> = self.watch.intents();
        let past = Past { intents, shown: Some(self.watch.shown()) };
        self.network.orphan(self.now);
        self.watch.restart(self.now);
        self.flow = Flow::new(Arc::clone(&self.plan), &past, self.now);
    }

    fn tell(&mut self, line: &dyn Fn() -> String) {
        let at = seconds(self.now);
        if let Some(story) = self.story.as_deref_mut() {
            let _ = writeln!(story, "{at:>9.3} . {}", line());
        }
    }
}

/// What else may happen to an order.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    None,
    Cancel(Canceller),
    Shutdown(Duration),
    TalkLimit(Duration),
}

impl Disturbance {
    fn input(self, now: Ts) -> Input {
        match self {
            Self::Cancel(by) => Input::Cancel(by),
            Self::Shutdown(after) => Input::Shutdown(now + after),
            Self::TalkLimit(limit) => Input::TalkLimit(limit),
            Self::None => Input::Timeout,
        }
    }
}

fn draw_disturbance(dice: &mut Dice) -> Disturbance {
    match dice.below(8) {
        1 => Disturbance::Cancel([Canceller::Visitor, Canceller::Cabinet][dice.pick(2)]),
        2 => Disturbance::Shutdown(GRID * dice.below(200)),
        3 => Disturbance::TalkLimit(GRID * dice.below(800)),
        _ => Disturbance::None,
    }
}

fn draw_plan(dice: &mut Dice) -> Plan {
    let mut plan = super::stories::bare_plan();
    let s = |seconds: u32| Duration::from_secs(u64::from(seconds));
    plan.mode = [Mode::Together, Mode::ManagerFirst][dice.pick(2)];
    plan.strategy = [RingStrategy::Linear, RingStrategy::All, RingStrategy::Random][dice.pick(3)];
    let managers = 1 + dice.below(4);
    for at in 0..managers {
        plan.managers.push(draw_manager(u8::try_from(at).unwrap(), dice));
    }
    for _ in 0..=dice.below(3) {
        let mut order: Vec<Seat> = plan.seats().collect();
        if plan.strategy == RingStrategy::Random {
            let turn = dice.pick(order.len());
            order.rotate_left(turn);
        }
        plan.rounds.push(order);
    }
    let limits = &mut plan.limits;
    limits.ring_timeout = s(5 + dice.below(12) * 2);
    limits.visitor_ring_timeout = s(40 - dice.below(26));
    limits.total_time = s(120 - dice.below(3) * 45);
    limits.delay_to_visitor = if dice.one_in(2) { s(dice.below(40)) } else { Duration::ZERO };
    limits.max_talk = s(600 - dice.below(560));
    limits.accept_timeout = s(20);
    limits.promise = s(29);
    limits.max_legs = if dice.one_in(4) { 2 + u16::try_from(dice.below(3)).unwrap() } else { 16 };
    limits.announce = dice.one_in(3);
    plan
}

fn draw_manager(at: u8, dice: &mut Dice) -> PlanManager {
    let address = if dice.one_in(2) {
        Address::Phone(
            ["+74950000000", "+74950000001", "+74950000002", "+74950000003"][usize::from(at)]
                .parse()
                .unwrap(),
        )
    } else {
        Address::Sip("sip:manager@192.0.2.1".into())
    };
    PlanManager {
        id: crate::id::ManagerId(uuid::Uuid::from_u128(u128::from(at))),
        name: "M".into(),
        telephone: Telephone { address, extension: dice.one_in(5).then(|| "12".parse().unwrap()) },
        extension_delay: GRID * dice.below(8),
        accept_key: [AcceptKey::Auto, AcceptKey::No, AcceptKey::Yes][dice.pick(3)],
        caller_id: CallerId { number: None, name: "Shop".into() },
    }
}

fn show_plan(plan: &Plan) -> String {
    let managers: Vec<String> = plan
        .managers
        .iter()
        .map(|manager| {
            let kind = if matches!(manager.telephone.address, Address::Phone(_)) { "phone" } else { "sip" };
            let extension = manager.telephone.extension.as_ref().map(|digits| format!(" ext={digits}"));
            format!("({kind} key={:?}{})", manager.accept_key, extension.unwrap_or_default())
        })
        .collect();
    format!(
        "{:?} {:?} rounds={:?} {:?} {}",
        plan.mode,
        plan.strategy,
        plan.rounds,
        plan.limits,
        managers.join(" ")
    )
}

fn show(command: &Command) -> String {
    match command {
        Command::Finish(finish) => match &**finish {
            Finish::Over(record) => format!("finish: {:?}", record.disposition),
            Finish::HandedBack(_) => "finish: handed back".into(),
        },
        other => format!("{other:?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for the reader of a story")]
fn seconds(at: Ts) -> f64 {
    at.0 as f64 / 1e6
}
