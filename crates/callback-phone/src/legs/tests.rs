//! Legs, their trunks and their telephones, told in virtual time.

use super::*;
use crate::gate::Gate;
use crate::script::{self, PEER, Shown, Subject};
use crate::sip::auth::Credentials;
use crate::trunk::NumberFormat;
use callback_core::id::LegId;
use callback_core::plan::CallerId;
use rand::SeedableRng;
use uuid::Uuid;

pub(super) struct Told {
    pub(super) legs: Legs,
    gate: Gate,
    stored: Vec<StoredDialog>,
    /// The store takes its time: what it was given and has not committed.
    unstored: Option<Vec<StoredDialog>>,
}

pub(super) fn trunk(name: &str, proxy: &str, prefer: u16) -> TrunkConfig {
    TrunkConfig {
        name: name.to_owned(),
        proxy: proxy.to_owned(),
        credentials: Some(Credentials { username: name.to_owned(), password: "secret1".to_owned() }),
        caller_ids: vec!["+74950000001".parse().unwrap()],
        may_send_any_caller_id: false,
        channels: 2,
        cps: 9,
        prefer,
        number_format: NumberFormat::Bare,
        probe_every: None,
    }
}

pub(super) fn two_trunks() -> Vec<TrunkConfig> {
    vec![trunk("one", "sip:192.0.2.9", 1), trunk("two", "sip:192.0.2.7:5070", 2)]
}

pub(super) fn told(trunks: Vec<TrunkConfig>) -> Told {
    let sockets = ["198.51.100.1:5060".parse().unwrap()];
    let rng = StdRng::seed_from_u64(1);
    let legs = Legs::new(trunks, &sockets, vec!["198.51.100.1:5060".to_owned()], rng).unwrap();
    Told { legs, gate: Gate::default(), stored: Vec::new(), unstored: None }
}

pub(super) fn check(trunks: Vec<TrunkConfig>, story: &str) {
    script::check(told(trunks), story);
}

fn key(number: &str) -> LegKey {
    let number: u16 = number.parse().unwrap();
    // Ten legs to an order.
    LegKey { call: OrderId(Uuid::from_u128(u128::from(number / 10))), leg: LegId(number % 10) }
}

fn number(key: LegKey) -> u128 {
    key.call.0.as_u128() * 10 + u128::from(key.leg.0)
}

fn telephone(text: &str) -> Telephone {
    let (address, extension) =
        text.split_once('x').map_or((text, None), |(address, keys)| (address, Some(keys)));
    let address = address.parse().map_or_else(|_| Address::Sip(address.into()), Address::Phone);
    Telephone { address, extension: extension.map(|keys| keys.parse().unwrap()) }
}

impl Told {
    fn store(&mut self, stored: StoredDialog, now: Duration) {
        self.legs.dialog_stored(&stored, now);
        self.stored.push(stored);
    }
}

impl Subject for Told {
    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration) {
        // What the task does before the machine sees anything.
        let ip = flow.peer.ip();
        if self.gate.admits(ip, self.legs.standing(ip, bytes), now) {
            self.legs.datagram(flow, bytes, now);
        }
    }

    fn tick(&mut self, now: Duration) {
        self.legs.tick(now);
    }

    fn timeout(&self) -> Option<Duration> {
        self.legs.timeout()
    }

    fn poll(&mut self) -> Option<Shown> {
        Some(match self.legs.poll()? {
            LegsOutput::Send { flow, bytes } => Shown::Send(flow, bytes),
            LegsOutput::Leg(key, LegEvent::Ended(cause, by)) => {
                Shown::Told(format!("{} Ended {cause:?} {by:?}", number(key)))
            }
            LegsOutput::Leg(key, event) => Shown::Told(format!("{} {event:?}", number(key))),
            LegsOutput::Connect(key, remote) => {
                Shown::Told(format!("{} Connect {}", number(key), remote.rtp))
            }
            LegsOutput::Close(_) | LegsOutput::Knock(_) => Shown::Nothing,
            LegsOutput::Free(order, _) => Shown::Told(format!("Free {}", order.0.as_u128())),
            LegsOutput::TakenDown(key) => Shown::Told(format!("{} TakenDown", number(key))),
            LegsOutput::Trunk { name, up } => Shown::Told(format!("Trunk {name} {up}")),
            LegsOutput::Dialog(stored) => {
                let text = format!(
                    "{} Dialog {}",
                    number(stored.leg),
                    stored.calls[0].trunk.as_deref().unwrap_or("none")
                );
                let is_early = !stored.answered() && !stored.calls[0].snapshot.early.is_empty();
                match &mut self.unstored {
                    Some(unstored) => unstored.push(stored),
                    None => self.store(stored, self.legs.now),
                }
                // Early dialogs are many; what they are good for is seen when they are taken down.
                if is_early { Shown::Nothing } else { Shown::Told(text) }
            }
        })
    }

    fn command(&mut self, words: &str, now: Duration) {
        let words: Vec<&str> = words.split(' ').collect();
        match words[..] {
            ["reserve", leg, to] | ["reserve", leg, to, _] => {
                let caller_id = CallerId { number: None, name: "Romashka".into() };
                let dial = Dial { to: telephone(to), caller_id };
                let rtp = "198.51.100.1:20000".parse().unwrap();
                let reserved = self.legs.reserve(key(leg), dial, PEER.parse().ok(), rtp, now);
                match (words.get(3), reserved) {
                    (None, Ok(stored)) => self.stored.push(stored),
                    (Some(cause), Err(refused)) => assert_eq!(format!("{refused:?}"), **cause),
                    (expected, reserved) => panic!("{words:?}: {expected:?} {reserved:?}"),
                }
            }
            ["send", leg] => self.legs.send(key(leg), now),
            ["release", leg] => self.legs.release(key(leg), now),
            ["hangup", leg] => self.legs.hangup(key(leg), HangupReason::Over, now),
            ["refuse", "sound", leg] => self.legs.refuse_sound(key(leg)),
            ["hold", to, seconds] => {
                self.legs.hold_telephone(telephone(to), Duration::from_secs(seconds.parse().unwrap()), now);
            }
            ["free", to] => self.legs.free_telephone(&telephone(to), now),
            ["refused", peer] => self.legs.refused(peer.parse().unwrap(), now),
            ["unreachable", peer] => self.legs.unreachable(peer.parse().unwrap(), now),
            // Floods of two trunks have filled the transactions, and no further.
            ["full"] => assert_eq!(self.legs.agent.load().0, 20_000),
            ["the", "store", "is", "slow"] => self.unstored = Some(Vec::new()),
            ["it", "is", "stored"] => {
                for stored in self.unstored.take().unwrap() {
                    self.store(stored, now);
                }
            }
            ["crash"] => {
                // What is stored crosses as text.
                let stored: Vec<String> =
                    self.stored.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
                *self = told(two_trunks());
                self.stored = stored.iter().map(|one| serde_json::from_str(one).unwrap()).collect();
            }
            ["take", "down"] => {
                let stored = self.stored.last().unwrap().clone();
                self.legs.hang_up_stored(&stored, now);
            }
            _ => panic!("{words:?}"),
        }
    }

    fn left(&self) -> String {
        left(&self.legs)
    }
}

/// What is left of calls and books; empty = nothing.
pub(super) fn left(legs: &Legs) -> String {
    let trunks = &legs.trunks;
    let Legs { agent, legs, attempts, telephones, taking_down, .. } = legs;
    let load = agent.load();
    let books = (legs.len() + taking_down.len(), attempts.len(), telephones.load());
    let busy = trunks.busy();
    if (load, books, busy) == ((0, 0, 0), (0, 0, (0, 0, 0)), 0) {
        return String::new();
    }
    format!("{load:?} {books:?} {busy}")
}

/// Leg 11 rings over the first trunk.
pub(super) const RINGS: &str = "
    reserve 11 +74951234567
    send 11
    told 11 Sent
    sees INVITE | INVITE sip:74951234567@192.0.2.9 SIP/2.0 | From: \"Romashka\" <sip:74950000001@192.0.2.9>
    says 180 | tag=a
    told 11 Ringing
";

#[test]
fn a_leg_is_reserved_sent_answered_and_hung_up() {
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            hangup 11
            sees BYE
            says 200
            told 11 Ended Normal Us"
        ),
    );
    check(two_trunks(), "reserve 11 +74951234567\nrelease 11\nsend 11\nhangup 11\ntold nothing");
    check(two_trunks(), "reserve 11 +74951234567\nhangup 11\ntold 11 Ended Normal Us\nsees nothing");
}

#[test]
fn a_leg_whose_sound_cannot_be_carried_is_hung_up() {
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            refuse sound 11
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            refuse sound 11
            sees BYE
            says 200
            told 11 Ended Media Us"
        ),
    );
}

#[test]
fn a_telephone_has_one_leg_and_those_refused_learn_when_it_is_free() {
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            reserve 21 +74951234567 InService
            reserve 22 +74951234567 InService
            reserve 31 +74951234567 InService
            reserve 41 +74951234567x12
            reserve 41 +74951234500 InService
            release 41
            hangup 11
            sees CANCEL
            says 200
            told nothing
            says 487 | tag=a | to INVITE
            sees ACK
            told 11 Ended Normal Us
            told Free 2
            told Free 3
            reserve 21 +74951234567
            release 21"
        ),
    );
    // Hung up or not: the telephone is held until the leg is down.
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            hangup 11
            sees CANCEL
            reserve 21 +74951234567 InService
            wait 31s
            told nothing
            wait 1s
            ignores
            told 11 Ended Silent Us
            told Free 2"
        ),
    );
}

#[test]
fn a_telephone_may_be_marked_busy_for_a_while() {
    check(
        two_trunks(),
        "hold +74951234567 180
        reserve 21 +74951234567 InService
        wait 179s
        told nothing
        wait 1s
        told Free 2
        hold +74951234567 180
        reserve 31 +74951234567 InService
        hold +74951234567 500
        free +74951234567
        told Free 3
        reserve 31 +74951234567
        hold +74951234567 10
        release 31
        reserve 41 +74951234567 InService
        wait 10s
        told Free 4",
    );
}

#[test]
fn channels_are_counted_until_the_end() {
    check(
        vec![trunk("one", "sip:192.0.2.9", 1)],
        "reserve 11 +74951234501
        reserve 12 +74951234502
        reserve 13 +74951234503 NoChannel
        release 12
        reserve 13 +74951234503
        release 13
        release 11",
    );
    check(vec![], "reserve 11 +74951234501 Trunk");
}

#[test]
fn the_next_trunk_takes_a_call_that_the_first_refuses() {
    for refusal in ["says 503 | tag=a\nsees ACK", "unreachable 192.0.2.9:5060"] {
        check(
            two_trunks(),
            &format!(
                "reserve 11 +74951234567
                send 11
                told 11 Sent
                sees INVITE | at 192.0.2.9:5060
                {refusal}
                told 11 Dialog two
                sees INVITE | INVITE sip:74951234567@192.0.2.7:5070 SIP/2.0 | at 192.0.2.7:5070
                says 180 | tag=b | from 192.0.2.7:5070
                told 11 Ringing
                says 486 | tag=b | from 192.0.2.7:5070
                sees ACK
                told 11 Ended Sip(486) Far"
            ),
        );
    }
    // Nobody takes it.
    check(
        two_trunks(),
        "reserve 11 +74951234567
        send 11
        told 11 Sent
        sees INVITE
        says 503 | tag=a
        sees ACK
        told 11 Dialog two
        sees INVITE
        says 503 | tag=a | from 192.0.2.7:5070
        sees ACK
        told 11 Ended Trunk Network",
    );
    // A busy telephone is busy over every trunk, and what rang is not rung again.
    check(
        two_trunks(),
        "reserve 11 +74951234567
        send 11
        told 11 Sent
        sees INVITE
        says 486 | tag=a
        sees ACK
        told 11 Ended Sip(486) Far",
    );
    check(two_trunks(), &format!("{RINGS}\nsays 503 | tag=a\nsees ACK\ntold 11 Ended Sip(503) Network"));
}

/// Leg 11 met four seconds of silence and rings over the second trunk.
pub(super) const SILENCE: &str = "reserve 11 +74951234567
        send 11
        told 11 Sent
        sees INVITE | at 192.0.2.9:5060
        wait 3900ms
        sees INVITE
        sees INVITE
        sees INVITE
        sees nothing
        wait 100ms
        told 11 Dialog two
        sees INVITE | at 192.0.2.7:5070
        says 180 | tag=b | from 192.0.2.7:5070
        told 11 Ringing";

#[test]
fn the_next_trunk_takes_a_call_that_meets_silence() {
    // The first one rings late: it is cancelled at once.
    check(
        two_trunks(),
        &format!(
            "{SILENCE}
            says 180 | tag=a | to INVITE 1
            sees CANCEL | at 192.0.2.9:5060
            says 200
            says 487 | tag=a | to INVITE 1
            sees ACK
            told nothing
            hangup 11
            sees CANCEL | at 192.0.2.7:5070
            says 200 | from 192.0.2.7:5070
            says 487 | tag=b | to INVITE | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Normal Us"
        ),
    );
    // It even answers: it is hung up. The leg ends, and its telephone is held until the first trunk's call is down.
    check(
        two_trunks(),
        &format!(
            "{SILENCE}
            says 486 | tag=b | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Sip(486) Far
            reserve 21 +74951234567 InService
            says 200 | tag=a | sdp | to INVITE 1
            told 11 Dialog one
            sees ACK
            sees BYE | at 192.0.2.9:5060
            says 200
            told Free 2
            reserve 22 +74951234568
            send 22
            told 22 Sent
            sees INVITE | at 192.0.2.9:5060
            says 486 | tag=c
            sees ACK
            told 22 Ended Sip(486) Far"
        ),
    );
}

#[test]
fn a_silent_trunk_is_chosen_last_and_an_only_one_waited_for() {
    // The silent trunk is chosen last from then on.
    check(
        two_trunks(),
        &format!(
            "{SILENCE}
            reserve 21 +74951234568
            send 21
            told 21 Sent
            sees INVITE | at 192.0.2.7:5070
            says 486 | tag=c | from 192.0.2.7:5070
            sees ACK
            told 21 Ended Sip(486) Far
            says 486 | tag=b | to INVITE 5 | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Sip(486) Far
            wait 60s
            ignores"
        ),
    );
    // Without another trunk the only one is waited for.
    check(
        vec![trunk("one", "sip:192.0.2.9", 1)],
        "reserve 11 +74951234567
        send 11
        told 11 Sent
        wait 31s
        ignores
        told nothing
        wait 1s
        ignores
        told 11 Ended Trunk Network",
    );
}

#[test]
fn a_hung_up_leg_takes_no_other_trunk() {
    check(
        two_trunks(),
        "reserve 11 +74951234567
        send 11
        told 11 Sent
        sees INVITE
        hangup 11
        wait 5s
        ignores
        told nothing
        says 503 | tag=a
        sees ACK
        told 11 Ended Sip(503) Network",
    );
}

#[test]
fn a_sip_endpoint_is_called_directly() {
    check(
        vec![trunk("two", "sip:192.0.2.7:5070", 2)],
        "reserve 11 sip:anna@192.0.2.9:5060
        send 11
        told 11 Sent
        sees INVITE | INVITE sip:anna@192.0.2.9:5060 SIP/2.0 | From: \"Romashka\" <sip:+74950000001@198.51.100.1:5060> | at 192.0.2.9:5060
        says 503 | tag=a
        sees ACK
        told 11 Ended Sip(503) Network",
    );
}

#[test]
fn a_trunk_is_no_endpoint_whatever_its_port() {
    check(
        two_trunks(),
        "reserve 11 sip:+88299999@192.0.2.9:5080 RefusedNumber
        reserve 12 sip:+88299999@192.0.2.7 RefusedNumber
        reserve 13 sip:anna@198.51.100.1:5062 RefusedNumber
        sees nothing",
    );
}

#[test]
fn strangers_are_not_heard() {
    check(
        vec![trunk("one", "sip:192.0.2.7", 1)],
        "calls INVITE | sdp
        sees nothing
        asks OPTIONS
        sees nothing
        asks OPTIONS | from 192.0.2.7:5060
        sees 200
        calls INVITE | sdp | branch=z9hG4bKx | from 192.0.2.7:5060
        sees 403
        asks ACK | branch=z9hG4bKx | from 192.0.2.7:5060",
    );
}

#[test]
fn a_flood_from_the_trunks_own_addresses_leaves_the_calls_whole() {
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            floods 20s | from 192.0.2.9:5060 | from 192.0.2.7:5070
            full
            asks INVITE | tag=a | cseq=1 | sdp=moved
            sees 200
            asks ACK | tag=a | cseq=1
            told 11 Connect 192.0.2.77:5000
            floods 1s | from 192.0.2.9:5060
            asks BYE | tag=a | cseq=2
            sees 200
            told 11 Ended Normal Far
            reserve 21 +74951234568
            send 21
            told 21 Sent
            sees INVITE
            floods 1s | from 192.0.2.9:5060
            ignores
            says 200 | tag=a | sdp
            sees ACK
            told 21 Answered
            told 21 Dialog one
            told 21 Connect 192.0.2.9:4000
            hangup 21
            sees BYE
            says 200
            told 21 Ended Normal Us"
        ),
    );
    // A trunk that floods is still known to be there.
    let mut one = trunk("one", "sip:192.0.2.9", 1);
    one.probe_every = Some(Duration::from_secs(1_000));
    check(
        vec![one],
        "floods 3s | from 192.0.2.9:5060
        sees OPTIONS
        ignores
        says 200 | tag=x
        told Trunk one true",
    );
}

#[test]
fn the_next_process_takes_legs_down() {
    check(
        two_trunks(),
        &format!(
            "{RINGS}
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            crash
            hold +74951234567 180
            take down
            sees BYE | tag=a
            says 200
            told 11 TakenDown
            free +74951234567"
        ),
    );
    check(
        two_trunks(),
        &format!("{RINGS}\ncrash\ntake down\nsees CANCEL\nsays 200\nwait 32s\nignores\ntold 11 TakenDown"),
    );
}

#[test]
fn the_next_process_cancels_over_both_trunks_what_may_ring_over_both() {
    check(
        two_trunks(),
        &format!(
            "{SILENCE}
            crash
            take down
            sees CANCEL | at 192.0.2.7:5070
            sees CANCEL | at 192.0.2.9:5060
            says 481
            told nothing
            says 200 | to CANCEL 1 | from 192.0.2.7:5070
            says 487 | tag=b | to INVITE | from 192.0.2.7:5070
            sees ACK
            told 11 TakenDown"
        ),
    );
}

#[test]
fn a_trunk_that_stops_answering_takes_no_calls() {
    let mut one = trunk("one", "sip:192.0.2.9", 1);
    one.probe_every = Some(Duration::from_secs(40));
    let mut subject = told(vec![one, trunk("two", "sip:192.0.2.7:5070", 2)]);
    let mut at = Duration::ZERO;
    let mut seen = Vec::new();
    // The first OPTIONS is answered, no later one.
    while at < Duration::from_secs(100) {
        at = subject.timeout().unwrap();
        subject.tick(at);
        while let Some(shown) = subject.poll() {
            match shown {
                Shown::Send(flow, bytes) if at == Duration::ZERO => {
                    let text = String::from_utf8_lossy(&bytes).replacen(
                        "OPTIONS sip:192.0.2.9 SIP/2.0",
                        "SIP/2.0 200 OK",
                        1,
                    );
                    let text = text.replace("To: <sip:192.0.2.9>", "To: <sip:192.0.2.9>;tag=x");
                    subject.datagram(flow, text.as_bytes(), at);
                }
                Shown::Told(text) => seen.push((text, at.as_secs())),
                Shown::Send(..) | Shown::Nothing => {}
            }
        }
    }
    assert_eq!(seen, [("Trunk one true".to_owned(), 0), ("Trunk one false".to_owned(), 72)]);
    subject.command("reserve 11 +74951234567", at);
    assert_eq!(subject.stored.last().unwrap().calls[0].trunk.as_deref(), Some("two"));
}
