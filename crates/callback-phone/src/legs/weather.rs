//! Legs over two trunks, of which either may be deaf, in a network that loses, repeats and reorders: a
//! telephone never has two legs, every leg ends once and in time, everybody who waits is told once, and the
//! books close.

use super::tests::{told, two_trunks};
use super::*;
use crate::sip::{Output, Progress};
use callback_core::id::LegId;
use callback_core::plan::CallerId;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

const OURS: &str = "198.51.100.1:5060";
const TRUNKS: [&str; 2] = ["192.0.2.9:5060", "192.0.2.7:5070"];

/// What is to come.
enum Coming {
    /// To us, from a trunk.
    In(usize, Bytes),
    /// To a trunk, from us.
    Out(usize, Bytes),
    /// The network behind a trunk makes a call do something.
    Network(usize, CallKey, Command),
    Dial(u16),
    Release(u16),
    Hangup(u16),
    Stored(Box<StoredDialog>),
}

/// What is known of a leg.
#[derive(Default)]
struct Known {
    telephone: Option<Telephone>,
    hung: Option<Duration>,
    answered: bool,
    connected: bool,
    ended: bool,
}

struct World {
    legs: Legs,
    trunks: [Agent; 2],
    deaf: [bool; 2],
    coming: BTreeMap<(Duration, u64), Coming>,
    known: BTreeMap<u16, Known>,
    /// Orders that were refused a telephone and not told yet.
    waiting: BTreeMap<u16, Telephone>,
    rng: StdRng,
    loss: f64,
    count: u64,
    now: Duration,
    /// How often each was seen: refused as in service, answered, sent over another trunk.
    seen: [usize; 3],
}

fn key(number: u16) -> LegKey {
    LegKey { call: OrderId(Uuid::from_u128(u128::from(number))), leg: LegId(1) }
}

fn number(order: OrderId) -> u16 {
    u16::try_from(order.0.as_u128()).unwrap()
}

impl World {
    fn new(seed: u64, loss: f64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let trunk = |address: &str, seed| {
            let config =
                AgentConfig { sent_by: vec![address.to_owned()], accounts: Vec::new(), answers: true };
            Agent::new(config, StdRng::seed_from_u64(seed))
        };
        let deaf = [rng.random_bool(0.3), rng.random_bool(0.1)];
        Self {
            legs: told(two_trunks()).legs,
            trunks: [trunk(TRUNKS[0], seed), trunk(TRUNKS[1], !seed)],
            deaf,
            coming: BTreeMap::new(),
            known: BTreeMap::new(),
            waiting: BTreeMap::new(),
            rng,
            loss,
            count: 0,
            now: Duration::ZERO,
            seen: [0; 3],
        }
    }

    fn later(&mut self, most_ms: u64, coming: Coming) {
        let after = Duration::from_millis(self.rng.random_range(0..most_ms));
        self.count += 1;
        self.coming.insert((self.now + after, self.count), coming);
    }

    /// Sends a datagram through the weather.
    fn post(&mut self, bytes: &Bytes, coming: impl Fn(Bytes) -> Coming) {
        let copies =
            usize::from(!self.rng.random_bool(self.loss)) * (1 + usize::from(self.rng.random_bool(0.1)));
        for _ in 0..copies {
            let most = if self.rng.random_bool(0.1) { 3_000 } else { 60 };
            self.later(most, coming(bytes.clone()));
        }
    }

    fn act(&mut self, coming: Coming) {
        let now = self.now;
        match coming {
            Coming::In(trunk, bytes) => {
                let flow = Flow { socket: 0, peer: TRUNKS[trunk].parse().unwrap() };
                self.legs.datagram(flow, &bytes, now);
            }
            Coming::Out(trunk, bytes) => {
                let flow = Flow { socket: 0, peer: OURS.parse().unwrap() };
                if !self.deaf[trunk] {
                    self.trunks[trunk].handle(Input::Datagram { flow, bytes: &bytes }, now);
                }
            }
            Coming::Network(trunk, call, command) => {
                self.trunks[trunk].handle(Input::Command(call, command), now)
            }
            Coming::Stored(stored) => self.legs.dialog_stored(&stored, now),
            Coming::Dial(leg) => self.dial(leg),
            Coming::Release(leg) => {
                self.legs.release(key(leg), now);
                self.known.remove(&leg);
            }
            Coming::Hangup(leg) => {
                self.known.entry(leg).or_default().hung.get_or_insert(now);
                self.legs.hangup(key(leg), HangupReason::Over, now);
            }
        }
    }

    fn dial(&mut self, leg: u16) {
        let address = Address::Phone(format!("+7495123450{}", self.rng.random_range(0..3)).parse().unwrap());
        let to = Telephone { address, extension: None };
        let dial = Dial { to: to.clone(), caller_id: CallerId { number: None, name: "".into() } };
        match self.legs.reserve(key(leg), dial, None, "198.51.100.1:20000".parse().unwrap(), self.now) {
            Ok(_) => {
                let other =
                    self.known.values().find(|known| known.telephone.as_ref() == Some(&to) && !known.ended);
                assert!(other.is_none(), "a telephone has two legs");
                self.known.insert(leg, Known { telephone: Some(to), ..Known::default() });
                if self.rng.random_bool(0.1) {
                    return self.later(3_000, Coming::Release(leg));
                }
                self.legs.send(key(leg), self.now);
                self.later(30_000, Coming::Hangup(leg));
            }
            Err(Cause::InService) => {
                self.seen[0] += 1;
                self.waiting.insert(leg, to);
            }
            Err(cause) => assert!(matches!(cause, Cause::NoChannel | Cause::Trunk), "{cause:?}"),
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.legs.poll() {
            match output {
                LegsOutput::Send { flow, bytes } => {
                    let trunk = usize::from(flow.peer == TRUNKS[1].parse().unwrap());
                    self.post(&bytes, |bytes| Coming::Out(trunk, bytes));
                }
                LegsOutput::Leg(leg, event) => self.told(number(leg.call), event),
                LegsOutput::Connect(leg, _) => {
                    let known = self.known.get_mut(&number(leg.call)).unwrap();
                    assert!(known.answered && !known.ended, "sound without an answer");
                    known.connected = true;
                }
                LegsOutput::Close(leg) => {
                    self.known
                        .get_mut(&number(leg.call))
                        .map(|known| known.connected = false)
                        .unwrap_or_default();
                }
                LegsOutput::Free(order, telephone) => {
                    assert_eq!(
                        self.waiting.remove(&number(order)),
                        Some(telephone),
                        "told twice, or unasked"
                    );
                }
                LegsOutput::Dialog(stored) => {
                    self.seen[2] += usize::from(stored.calls[0].trunk.as_deref() == Some("two"));
                    // The database is swift, slow, or away.
                    if self.rng.random_bool(0.8) {
                        self.later(700, Coming::Stored(Box::new(stored)));
                    }
                }
                LegsOutput::TakenDown(_) | LegsOutput::Trunk { .. } | LegsOutput::Knock(_) => {}
            }
        }
        for trunk in 0..2 {
            while let Some(output) = self.trunks[trunk].poll() {
                match output {
                    Output::Send { bytes, .. } => self.post(&bytes, |bytes| Coming::In(trunk, bytes)),
                    Output::Event { call, progress: Progress::Incoming(_) } => self.incoming(trunk, call),
                    Output::Event { .. } | Output::Probed { .. } | Output::Knock(_) => {}
                }
            }
        }
    }

    fn incoming(&mut self, trunk: usize, call: CallKey) {
        let rtp = "192.0.2.1:4000".parse().unwrap();
        let refusal = [486, 503, 603][self.rng.random_range(0..3)];
        for command in [
            Command::Ring,
            Command::EarlyMedia(rtp),
            Command::Answer(rtp),
            Command::Reject(refusal),
            Command::Hangup(HangupReason::Over),
        ] {
            for _ in 0..2 {
                if self.rng.random_bool(0.4) {
                    self.later(20_000, Coming::Network(trunk, call, command));
                }
            }
        }
    }

    fn told(&mut self, leg: u16, event: LegEvent) {
        let known = self.known.get_mut(&leg).unwrap();
        assert!(!known.ended, "{event:?} after the end");
        if event == LegEvent::Answered {
            known.answered = true;
            self.seen[1] += 1;
        }
        if let LegEvent::Ended(..) = event {
            known.ended = true;
            assert!(!known.connected, "the sound goes on");
            if let Some(hung) = known.hung {
                assert!(
                    self.now <= hung + Duration::from_secs(33),
                    "leg {leg} ended {:?} after its hangup",
                    self.now - hung
                );
            }
        }
    }

    fn run(&mut self, end: Duration) {
        loop {
            let [one, two] = &self.trunks;
            let timer = [self.legs.timeout(), one.timeout(), two.timeout()].into_iter().flatten().min();
            let next = self.coming.keys().next().map(|(at, _)| *at);
            let Some(at) = timer.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if next == Some(at) {
                let (_, coming) = self.coming.pop_first().unwrap();
                self.act(coming);
            } else {
                self.legs.tick(self.now);
                for trunk in &mut self.trunks {
                    trunk.handle(Input::Tick, self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }
}

fn storm(seed: u64, loss: f64) -> [usize; 3] {
    let mut world = World::new(seed, loss);
    for leg in 1..=12 {
        world.later(40_000, Coming::Dial(leg));
    }
    world.run(Duration::from_secs(110));
    let open: Vec<_> = world.known.iter().filter(|(_, known)| !known.ended).map(|(leg, _)| leg).collect();
    assert!(open.is_empty(), "seed {seed}: no end of {open:?}");
    world.run(Duration::from_secs(360));
    assert!(world.waiting.is_empty(), "seed {seed}: never told {:?}", world.waiting);
    assert_eq!(tests::left(&world.legs), "", "seed {seed}");
    world.seen
}

#[test]
fn in_any_weather_the_books_close() {
    let mut seen = [0; 3];
    for seed in 0..300 {
        for (sum, one) in
            seen.iter_mut().zip(storm(seed, [0.0, 0.2, 0.4][usize::try_from(seed % 3).unwrap()]))
        {
            *sum += one;
        }
    }
    assert!(seen.iter().all(|count| *count > 200), "the dice throw what is meant to be tested: {seen:?}");
}
