//! Whole calls in virtual time: the flow decides, the legs speak SIP bytes with a network that loses, repeats and
//! reorders them. Whatever the weather, a call ends once, in bounded time, with every leg down on both sides, and
//! nobody is joined who is not there.

use super::tests::{left, told, two_trunks};
use super::*;
use crate::sip::{Output, Progress};
use callback_core::flow::{Canceller, Command as Wish, Finish, Flow as Call, Input as Told, Past};
use callback_core::id::{LegId, ManagerId};
use callback_core::plan::{
    AcceptKey, Callee, CallerId, Limits, Mode, Plan, PlanManager, PlanVisitor, PromptLengths, RingStrategy,
    Seat,
};
use callback_core::record::{CallRecord, Disposition, EndedBy};
use callback_core::time::Ts;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

const OURS: &str = "198.51.100.1:5060";
const TRUNK: &str = "192.0.2.9:5060";

/// What is to come.
enum Coming {
    In(Bytes),
    Out(Bytes),
    /// A telephone behind the trunk does something.
    Telephone(CallKey, Command),
    /// A prompt, or digits, come to their end.
    Sound(LegId, LegEvent),
    Cancel,
}

struct World {
    call: Call,
    plan: Arc<Plan>,
    legs: Legs,
    trunk: Agent,
    coming: BTreeMap<(Duration, u64), Coming>,
    rng: StdRng,
    loss: f64,
    count: u64,
    now: Duration,
    /// Legs that are answered, as the flow was told.
    there: BTreeSet<LegId>,
    bridged: Option<(LegId, LegId)>,
    finished: Option<CallRecord>,
}

fn plan(rng: &mut StdRng) -> Plan {
    let s = Duration::from_secs;
    let manager = |at: u8| PlanManager {
        id: ManagerId(Uuid::from_u128(at.into())),
        name: "M".into(),
        telephone: Telephone {
            address: Address::Phone(format!("+7495123450{at}").parse().unwrap()),
            extension: None,
        },
        extension_delay: Duration::ZERO,
        accept_key: AcceptKey::No,
        caller_id: CallerId { number: None, name: "Shop".into() },
    };
    let managers: Vec<_> = (0..rng.random_range(1..4)).map(manager).collect();
    let order: Vec<Seat> = (0..u8::try_from(managers.len()).unwrap()).map(Seat).collect();
    Plan {
        order: OrderId(Uuid::from_u128(1)),
        accepted_at: Ts(0),
        settings_version: 1,
        mode: if rng.random_bool(0.5) { Mode::Together } else { Mode::ManagerFirst },
        strategy: if rng.random_bool(0.5) { RingStrategy::Linear } else { RingStrategy::All },
        visitor: PlanVisitor {
            number: "+79161234567".parse().unwrap(),
            caller_id: CallerId { number: None, name: "Shop".into() },
        },
        rounds: vec![order; 2],
        limits: Limits {
            ring_timeout: s(rng.random_range(5..20)),
            visitor_ring_timeout: s(30),
            total_time: s(60),
            delay_to_visitor: s(rng.random_range(0..4)),
            max_talk: s(40),
            accept_timeout: s(20),
            promise: s(29),
            max_legs: u16::try_from(managers.len() + 1).unwrap(),
            announce: rng.random_bool(0.3),
        },
        prompts: PromptLengths {
            announcement: s(2),
            connecting: s(1),
            visitor_no_answer: s(2),
            waiting: s(3),
            apology: s(3),
        },
        managers,
    }
}

impl World {
    fn new(seed: u64, loss: f64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Arc::new(plan(&mut rng));
        let config = AgentConfig { sent_by: vec![TRUNK.to_owned()], accounts: Vec::new(), answers: true };
        let mut trunks = two_trunks();
        trunks.truncate(1);
        trunks[0].channels = 9;
        Self {
            call: Call::new(Arc::clone(&plan), &Past::default(), Ts(0)),
            plan,
            legs: told(trunks).legs,
            trunk: Agent::new(config, StdRng::seed_from_u64(!seed)),
            coming: BTreeMap::new(),
            rng,
            loss,
            count: 0,
            now: Duration::ZERO,
            there: BTreeSet::new(),
            bridged: None,
            finished: None,
        }
    }

    fn at(&mut self, after: Duration, coming: Coming) {
        self.count += 1;
        self.coming.insert((self.now + after, self.count), coming);
    }

    /// Sends a datagram through the weather.
    fn post(&mut self, bytes: &Bytes, coming: impl Fn(Bytes) -> Coming) {
        let lost = self.rng.random_bool(self.loss);
        for _ in 0..usize::from(!lost) * (1 + usize::from(self.rng.random_bool(0.1))) {
            let most = if self.rng.random_bool(0.1) { 2_000 } else { 60 };
            let after = Duration::from_millis(self.rng.random_range(0..most));
            self.at(after, coming(bytes.clone()));
        }
    }

    fn give(&mut self, input: Told) {
        self.call.handle(input, Ts(0) + self.now);
    }

    /// The end of a tick: the flow's timeout if due, then what it wishes.
    fn tick(&mut self) {
        if self.call.poll_timeout().is_some_and(|at| at <= Ts(0) + self.now) {
            self.give(Told::Timeout);
        }
        while let Some(wish) = self.call.poll_command() {
            self.carry_out(wish);
        }
    }

    fn carry_out(&mut self, wish: Wish) {
        let key = |leg| LegKey { call: OrderId(Uuid::from_u128(1)), leg };
        match wish {
            Wish::Originate { leg, to, .. } => {
                let dial = Dial {
                    to: self.plan.telephone(to).unwrap(),
                    caller_id: self.plan.caller_id(to).unwrap().clone(),
                };
                let rtp = "198.51.100.1:20000".parse().unwrap();
                match self.legs.reserve(key(leg), dial, None, rtp, self.now) {
                    Ok(_) => self.legs.send(key(leg), self.now),
                    Err(cause) => self.give(Told::Leg(leg, LegEvent::Ended(cause, EndedBy::Us))),
                }
            }
            Wish::Hangup { leg, reason } => self.legs.hangup(key(leg), reason, self.now),
            Wish::Play { leg, n, again: false, .. } => {
                self.at(Duration::from_secs(2), Coming::Sound(leg, LegEvent::Played(n)));
            }
            Wish::Bridge { visitor, manager } => {
                assert!(self.bridged.is_none(), "two bridges");
                let there = |leg: &LegId| self.there.contains(leg);
                assert!(there(&visitor) && there(&manager), "a bridge with one who is not there");
                assert_eq!(self.call.callee(visitor), Some(Callee::Visitor));
                self.bridged = Some((visitor, manager));
            }
            Wish::Unbridge => self.bridged = None,
            Wish::Finish(finish) => {
                let Finish::Over(record) = *finish else { panic!("handed back without a shutdown") };
                assert!(self.finished.replace(record).is_none(), "two ends");
            }
            Wish::SendDigits(_) | Wish::Play { .. } | Wish::Tell(..) => {}
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.legs.poll() {
            match output {
                LegsOutput::Send { bytes, .. } => self.post(&bytes, Coming::Out),
                LegsOutput::Leg(key, event) => {
                    if event == LegEvent::Answered {
                        self.there.insert(key.leg);
                    } else if matches!(event, LegEvent::Ended(..)) {
                        self.there.remove(&key.leg);
                    }
                    self.give(Told::Leg(key.leg, event));
                }
                LegsOutput::Free(_, telephone) => {
                    let mut seats = self.plan.seats();
                    let is_it = |seat: &Seat| {
                        self.plan.telephone(Callee::Manager(*seat)).as_ref() == Some(&telephone)
                    };
                    if let Some(seat) = seats.find(is_it) {
                        self.give(Told::ManagerFree(seat));
                    }
                }
                LegsOutput::Connect(..)
                | LegsOutput::Close(_)
                | LegsOutput::Dialog(_)
                | LegsOutput::TakenDown(_)
                | LegsOutput::Trunk { .. }
                | LegsOutput::Knock(_) => {}
            }
        }
        while let Some(output) = self.trunk.poll() {
            match output {
                Output::Send { bytes, .. } => self.post(&bytes, Coming::In),
                Output::Event { call, progress: Progress::Incoming(_) } => self.telephone(call),
                Output::Event { .. } | Output::Probed { .. } | Output::Knock(_) => {}
            }
        }
    }

    /// What the called telephone will do: mostly ring and answer, sometimes not.
    fn telephone(&mut self, call: CallKey) {
        let rtp = "192.0.2.1:4000".parse().unwrap();
        let ms = |rng: &mut StdRng, most| Duration::from_millis(rng.random_range(0..most));
        let rings = ms(&mut self.rng, 2_000);
        self.at(rings, Coming::Telephone(call, Command::Ring));
        let acts = rings + ms(&mut self.rng, 15_000);
        match self.rng.random_range(0..10) {
            0..6 => {
                self.at(acts, Coming::Telephone(call, Command::Answer(rtp)));
                let talks = ms(&mut self.rng, 30_000);
                self.at(acts + talks, Coming::Telephone(call, Command::Hangup(HangupReason::Over)));
            }
            6 | 7 => {
                let status = [486, 503, 603][self.rng.random_range(0..3)];
                self.at(acts, Coming::Telephone(call, Command::Reject(status)));
            }
            8 => self.at(acts, Coming::Telephone(call, Command::EarlyMedia(rtp))),
            _ => {}
        }
    }

    fn act(&mut self, coming: Coming) {
        let flow = |address: &str| Flow { socket: 0, peer: address.parse().unwrap() };
        match coming {
            Coming::In(bytes) => self.legs.datagram(flow(TRUNK), &bytes, self.now),
            Coming::Out(bytes) => {
                self.trunk.handle(Input::Datagram { flow: flow(OURS), bytes: &bytes }, self.now);
            }
            Coming::Telephone(call, command) => self.trunk.handle(Input::Command(call, command), self.now),
            Coming::Sound(leg, event) => self.give(Told::Leg(leg, event)),
            Coming::Cancel => self.give(Told::Cancel(Canceller::Visitor)),
        }
    }

    fn run(&mut self, end: Duration) {
        self.tick();
        loop {
            let call = self.call.poll_timeout().map(|at| at.since(Ts(0)));
            let timers = [self.legs.timeout(), self.trunk.timeout(), call].into_iter().flatten().min();
            let next = self.coming.keys().next().map(|(at, _)| *at);
            let Some(at) = timers.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if next == Some(at) {
                let (_, coming) = self.coming.pop_first().unwrap();
                self.act(coming);
            } else {
                self.legs.tick(self.now);
                self.trunk.handle(Input::Tick, self.now);
            }
            self.drain();
            self.tick();
        }
        self.now = end;
    }
}

/// One call in one weather; its disposition.
fn call(seed: u64, loss: f64) -> Disposition {
    let mut world = World::new(seed, loss);
    if seed.is_multiple_of(5) {
        let after = Duration::from_millis(world.rng.random_range(0..40_000));
        world.at(after, Coming::Cancel);
    }
    world.run(Duration::from_secs(600));
    let record = world.finished.take().unwrap_or_else(|| panic!("seed {seed}: the call does not end"));
    assert!(world.there.is_empty() && world.bridged.is_none(), "seed {seed}: somebody stays on the line");
    let dialled_twice = record.legs.iter().filter(|leg| leg.callee == Callee::Visitor).count() > 1;
    assert!(!dialled_twice, "seed {seed}: the visitor is dialled twice");
    world.run(Duration::from_secs(1_200));
    assert_eq!(left(&world.legs), "", "seed {seed}");
    assert_eq!(world.trunk.timeout(), None, "seed {seed}: something goes on at the far end");
    record.disposition
}

#[test]
fn in_any_weather_a_call_ends_once_and_wholly() {
    let mut seen: BTreeMap<Disposition, u32> = BTreeMap::new();
    for seed in 0..600 {
        let loss = [0.0, 0.1, 0.3][usize::try_from(seed % 3).unwrap()];
        *seen.entry(call(seed, loss)).or_default() += 1;
    }
    assert!(seen.get(&Disposition::Connected).is_some_and(|count| *count > 100), "{seen:?}");
    assert!(seen.len() >= 6, "the dice throw what is meant to be tested: {seen:?}");
}
