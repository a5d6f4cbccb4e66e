//! Two agents and a network between them that loses, repeats and reorders: whatever it does, both sides end
//! every call, in time, and keep nothing.

use super::*;
use crate::cause::Ending;
use callback_core::flow::HangupReason;
use callback_core::record::Cause;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

const CALLS: u64 = 6;

/// An agent, its address, and what it said of its calls.
struct Side {
    agent: Agent,
    address: SocketAddr,
    ended: BTreeMap<CallKey, (Ending, Duration)>,
    begun: usize,
}

impl Side {
    fn new(address: &str, seed: u64) -> Self {
        let config = AgentConfig { sent_by: vec![address.to_owned()], accounts: Vec::new(), answers: true };
        let agent = Agent::new(config, StdRng::seed_from_u64(seed));
        Self { agent, address: address.parse().unwrap(), ended: BTreeMap::new(), begun: 0 }
    }
}

/// What is to come: by instant, then by order of sending.
enum Coming {
    Datagram { to: usize, from: SocketAddr, bytes: Bytes },
    Command(usize, CallKey, Command),
    Stored(usize, Box<Snapshot>),
}

struct Weather {
    sides: [Side; 2],
    coming: BTreeMap<(Duration, u64), Coming>,
    rng: StdRng,
    count: u64,
    now: Duration,
    loss: f64,
}

impl Weather {
    fn later(&mut self, after: Duration, coming: Coming) {
        self.count += 1;
        self.coming.insert((self.now + after, self.count), coming);
    }

    fn ms(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(0..most))
    }

    fn drain(&mut self, side: usize) {
        while let Some(output) = self.sides[side].agent.poll() {
            match output {
                Output::Send { bytes, .. } => {
                    let copies = if self.rng.random_bool(self.loss) {
                        0
                    } else {
                        1 + usize::from(self.rng.random_bool(0.1))
                    };
                    for _ in 0..copies {
                        // Most are swift, some overtake each other by seconds.
                        let delay = if self.rng.random_bool(0.1) { self.ms(3_000) } else { self.ms(60) };
                        let from = self.sides[side].address;
                        self.later(delay, Coming::Datagram { to: 1 - side, from, bytes: bytes.clone() });
                    }
                }
                Output::Event { call, progress } => self.told(side, call, &progress),
                Output::Probed { .. } | Output::Knock(_) => {}
            }
        }
    }

    fn told(&mut self, side: usize, call: CallKey, progress: &Progress) {
        match progress {
            Progress::Ended(ending) => {
                let twice = self.sides[side].ended.insert(call, (*ending, self.now));
                assert_eq!(twice, None, "a call ended twice");
            }
            Progress::Incoming(_) => {
                self.sides[side].begun += 1;
                let rtp = "192.0.2.1:4000".parse().unwrap();
                let plan = [
                    Command::Ring,
                    Command::EarlyMedia(rtp),
                    Command::Answer(rtp),
                    Command::Reject(486),
                    Command::Hangup(HangupReason::Over),
                ];
                for command in plan {
                    for _ in 0..2 {
                        if self.rng.random_bool(0.4) {
                            let after = self.ms(20_000);
                            self.later(after, Coming::Command(side, call, command));
                        }
                    }
                }
            }
            Progress::Stored(stored) => {
                assert!(!self.sides[side].ended.contains_key(&call), "{progress:?} after the end");
                // The database is swift, slow, or away.
                if self.rng.random_bool(0.8) {
                    let after = self.ms(700);
                    self.later(after, Coming::Stored(side, stored.clone()));
                }
            }
            Progress::Heard
            | Progress::Shut
            | Progress::Ringing
            | Progress::EarlyMedia
            | Progress::Answered
            | Progress::Media(_) => {
                assert!(!self.sides[side].ended.contains_key(&call), "{progress:?} after the end");
            }
        }
    }

    fn run(&mut self, end: Duration) {
        loop {
            let timers = self.sides.iter().filter_map(|side| side.agent.timeout()).min();
            let next = self.coming.keys().next().map(|(at, _)| *at);
            let Some(at) = timers.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if next == Some(at) {
                let (_, coming) = self.coming.pop_first().unwrap();
                match coming {
                    Coming::Datagram { to, from, bytes } => {
                        let flow = Flow { socket: 0, peer: from };
                        self.sides[to].agent.handle(Input::Datagram { flow, bytes: &bytes }, self.now);
                    }
                    Coming::Stored(side, stored) => self.sides[side].agent.stored(&stored, self.now),
                    Coming::Command(side, call, command) => {
                        self.sides[side].agent.handle(Input::Command(call, command), self.now);
                    }
                }
            } else {
                for side in &mut self.sides {
                    side.agent.handle(Input::Tick, self.now);
                }
            }
            self.drain(0);
            self.drain(1);
        }
        self.now = end;
    }
}

fn storm(seed: u64, loss: f64) -> usize {
    let mut weather = Weather {
        sides: [Side::new("198.51.100.1:5060", seed), Side::new("192.0.2.9:5060", seed ^ 1)],
        coming: BTreeMap::new(),
        rng: StdRng::seed_from_u64(seed),
        count: 0,
        now: Duration::ZERO,
        loss,
    };
    let mut hung = BTreeMap::new();
    for _ in 0..CALLS {
        let (call, _) = weather.sides[0].agent.prepare(tests::invite()).unwrap();
        weather.later(Duration::ZERO, Coming::Command(0, call, Command::Send));
        let after = weather.ms(25_000);
        weather.later(after, Coming::Command(0, call, Command::Hangup(HangupReason::Over)));
        hung.insert(call, after);
    }
    weather.run(Duration::from_secs(60));
    for (call, hung) in hung {
        let (ending, at) =
            weather.sides[0].ended.get(&call).unwrap_or_else(|| panic!("seed {seed}: {call:?} has no end"));
        assert!(
            *at <= hung + Duration::from_secs(33),
            "seed {seed}: {call:?} ended {at:?}, hung up {hung:?}: {ending:?}"
        );
    }
    weather.run(Duration::from_secs(260));
    for side in &weather.sides {
        assert_eq!(side.agent.load(), (0, 0, 0), "seed {seed}: something is left");
    }
    let [ours, theirs] = &weather.sides;
    assert_eq!(theirs.begun, theirs.ended.len(), "seed {seed}: a call in has no end");
    ours.ended.values().filter(|(ending, _)| ending.cause == Cause::Normal).count()
}

#[test]
fn in_any_weather_every_call_ends_and_nothing_is_left() {
    let fair: usize = (0..200).map(|seed| storm(seed, 0.0)).sum();
    let foul: usize = (1_000..1_400).map(|seed| storm(seed, 0.3)).sum();
    let blind: usize = (2_000..2_020).map(|seed| storm(seed, 1.0)).sum();
    // The dice throw what is meant to be tested.
    assert!(fair > 400 && foul > 400 && blind > 0, "{fair} {foul} {blind}");
}

#[test]
fn strangers_cannot_fill_the_memory() {
    let mut side = Side::new("198.51.100.1:5060", 1);
    for number in 0..table::MAX_TRANSACTIONS + 5_000 {
        let text = format!(
            "INVITE sip:x@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{number};rport\r\nMax-Forwards: 70\r\nFrom: <sip:c@d>;tag=a\r\nTo: <sip:a@b>\r\nCall-ID: {number}\r\nCSeq: 7 INVITE\r\nContact: <sip:far@192.0.2.9>\r\nContent-Length: 0\r\n\r\n"
        );
        let flow = Flow { socket: 0, peer: "192.0.2.9:5060".parse().unwrap() };
        side.agent.handle(Input::Datagram { flow, bytes: text.as_bytes() }, Duration::ZERO);
        while side.agent.poll().is_some() {}
    }
    assert_eq!(side.agent.calls.len(), MAX_CALLS);
    assert_eq!(side.agent.cx.table.len(), table::MAX_TRANSACTIONS);
}
