//! The messages of RFC 4475 and RFC 5118, written anew from what these say of each, and what becomes of them here; then
//! the same mutated, in numbers. Whatever comes: no panic, what we send is a message, and 200 s later
//! nothing of it is left.

mod invalid;
mod ipv6;
mod meaning;
mod valid;

use super::tests::{invite, show};
use super::*;
use crate::script::PEER;
use callback_core::flow::HangupReason;
use rand::{RngExt, SeedableRng};

/// A message, and what an agent with one call under way does with it: what it answers, and what it tells.
struct Torture {
    /// RFC and section.
    section: &'static str,
    name: &'static str,
    outcome: &'static str,
    /// Lines that end with LF alone; AUTO is the length of the body, BRANCH, FROMTAG and CALLID are those of the call.
    text: &'static str,
}

/// An agent whose INVITE is out, and who takes calls.
struct Victim {
    agent: Agent,
    call: CallKey,
    stored: Snapshot,
}

impl Victim {
    fn new(seed: u64) -> Self {
        let config = AgentConfig {
            sent_by: vec!["198.51.100.1:5060".to_owned()],
            accounts: vec![Credentials { username: "u".to_owned(), password: "p".to_owned() }],
            answers: true,
        };
        let mut agent = Agent::new(config, StdRng::seed_from_u64(seed));
        let (call, stored) = agent.prepare(invite()).unwrap();
        agent.handle(Input::Command(call, Command::Send), Duration::ZERO);
        while agent.poll().is_some() {}
        Self { agent, call, stored }
    }

    /// A message as it comes over the wire, made to be about the call where it can be.
    fn about_the_call(&self, text: &str) -> Vec<u8> {
        text.replace("BRANCH", &self.stored.branch)
            .replace("FROMTAG", &self.stored.local_tag)
            .replace("CALLID", &self.stored.call_id)
            .into_bytes()
    }

    /// What it sends and tells about a datagram; an incoming call is refused.
    fn hears(&mut self, peer: SocketAddr, bytes: &[u8], now: Duration) -> Vec<String> {
        self.agent.handle(Input::Datagram { flow: Flow { socket: 0, peer }, bytes }, now);
        let mut seen = Vec::new();
        let mut called = None;
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { bytes, .. } => seen.push(sent(&bytes)),
                Output::Event { call, progress } => {
                    called = matches!(progress, Progress::Incoming(_)).then_some(call).or(called);
                    seen.push(format!("told {}", show(&progress)));
                    if let Progress::Stored(stored) = &progress {
                        self.agent.stored(stored, now);
                    }
                }
                Output::Probed { .. } | Output::Knock(_) => {}
            }
        }
        if let Some(call) = called {
            self.agent.handle(Input::Command(call, Command::Reject(486)), now);
        }
        seen
    }

    /// Its call is hung up, and 200 s later nothing may be left.
    fn ends(mut self, now: Duration, context: &str) {
        self.agent.handle(Input::Command(self.call, Command::Hangup(HangupReason::Over)), now);
        while let Some(at) = self.agent.timeout().filter(|at| *at <= now + Duration::from_secs(200)) {
            while self.agent.poll().is_some() {}
            self.agent.handle(Input::Tick, at);
        }
        assert_eq!(self.agent.load(), (0, 0, 0), "{context}");
        assert!(self.agent.peers.is_empty(), "{context}");
    }
}

/// What of a message of ours is looked at. It has to be one that we would read.
fn sent(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split(' ');
    let first = words.next().filter(|word| *word != "SIP/2.0").or(words.next()).unwrap_or_default();
    let read = wire::read(bytes, PEER.parse().unwrap());
    // A refusal of what is malformed names it as it came, and a Via at our limit grows by its `received`.
    let excused = ["400", "505"].contains(&first) || text.lines().any(|line| line.len() > 4_000);
    let sound = excused || matches!(read, Some(Message::Response(_) | Message::Request(_)));
    assert!(sound, "we sent {text}");
    first.to_owned()
}

/// A message with the ends of line and the length that it has over the wire.
fn wired(text: &str) -> String {
    let text = text.replace('\n', "\r\n");
    let body = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
    text.replace("AUTO", &body.to_string())
}

fn all() -> impl Iterator<Item = &'static Torture> {
    [valid::VALID, invalid::INVALID, meaning::MEANING, ipv6::IPV6].into_iter().flatten()
}

fn check(torture: &Torture) {
    let Torture { section, name, outcome, text } = torture;
    let peer = if section.starts_with("5118") { "[2001:db8::9:1]:5060" } else { PEER };
    let mut victim = Victim::new(1);
    let bytes = victim.about_the_call(&wired(text));
    let seen = victim.hears(peer.parse().unwrap(), &bytes, Duration::ZERO).join(", ");
    assert_eq!(seen, *outcome, "{section} {name}");
    victim.ends(Duration::ZERO, name);
}

#[test]
fn every_torture_message_meets_its_answer() {
    assert_eq!(all().filter(|one| one.section.starts_with("4475")).count(), 49);
    all().for_each(check);
}

/// How many mutated messages are heard, and how many by one agent.
const MUTATIONS: usize = 1_000_000;
const AT_ONE: usize = 25;

/// What is mutated: the torture, and every message that is usual in a call.
fn samples() -> Vec<String> {
    let mut samples: Vec<String> = all().map(|one| wired(one.text)).collect();
    let head = "From: \"R\" <sip:a@b>;tag=FROMTAG\nTo: <sip:c@d>;tag=a\nCall-ID: CALLID\nContact: <sip:far@192.0.2.9>\nRecord-Route: <sip:192.0.2.5;lr>, <sip:192.0.2.6>\nReason: Q.850;cause=17;text=\"x\"\nContent-Type: application/sdp\nContent-Length: AUTO";
    let body = "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n";
    for status in ["180 Ringing", "183 Progress", "200 OK", "407 Auth", "503 Busy"] {
        samples.push(wired(&format!("SIP/2.0 {status}\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=BRANCH\nCSeq: 1 INVITE\nRetry-After: 5 (x)\nProxy-Authenticate: Digest realm=\"far\", nonce=\"n\", qop=\"auth\"\n{head}\n\n{body}")));
    }
    let theirs = head.replace("From:", "X:").replace("To:", "From:").replace("X:", "To:");
    for (method, body) in
        [("INVITE", body), ("INVITE", ""), ("BYE", ""), ("ACK", body), ("CANCEL", ""), ("OPTIONS", "")]
    {
        samples.push(wired(&format!("{method} sip:x@198.51.100.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa;rport\nMax-Forwards: 70\nCSeq: 7 {method}\n{theirs}\n\n{body}")));
    }
    samples
}

/// Changes a message in one place: an octet, a line, a number, or its end.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut StdRng) {
    let at = rng.random_range(0..bytes.len().max(1));
    let line = |bytes: &[u8]| {
        let start = bytes.iter().take(at).rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        let end = bytes
            .iter()
            .skip(start)
            .position(|octet| *octet == b'\n')
            .map_or(bytes.len(), |end| start + end + 1);
        start..end
    };
    match rng.random_range(0..9) {
        _ if bytes.is_empty() => bytes.extend_from_slice(other),
        0 => bytes[at] = rng.random(),
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, b"\0\r\n\";<>,= :@[]%\t\xff"[rng.random_range(0..17)]),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(line(bytes))),
        5 => {
            let again = bytes[line(bytes)].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            bytes.truncate(at);
            bytes.extend(other.iter().skip(at));
        }
        7 => {
            let number = ["0", "-1", "4294967296", "99999999999999999999999"][rng.random_range(0..4)];
            bytes.splice(at..at, number.bytes());
        }
        _ => {
            let many = [bytes[at]].repeat(rng.random_range(1..2_000));
            bytes.splice(at..at, many);
        }
    }
}

#[test]
fn no_mutation_of_a_million_ends_the_process_or_leaves_anything() {
    let (mut rng, samples) = (StdRng::seed_from_u64(5), samples());
    let (mut answered, mut told) = (0, 0);
    for round in 0..MUTATIONS / AT_ONE {
        let mut victim = Victim::new(rng.random());
        for number in 0..AT_ONE {
            let [one, other] = [(); 2].map(|()| &samples[rng.random_range(0..samples.len())]);
            let (mut bytes, other) = (victim.about_the_call(one), victim.about_the_call(other));
            for _ in 0..rng.random_range(1..4) {
                mutate(&mut bytes, &other, &mut rng);
            }
            let now = Duration::from_millis(u64::try_from(number).unwrap());
            let seen = victim.hears(PEER.parse().unwrap(), &bytes, now);
            answered += seen.len();
            told += seen.iter().filter(|one| one.starts_with("told")).count();
        }
        victim.ends(Duration::from_secs(1), &format!("round {round}"));
    }
    // The dice throw what is meant to be tested.
    assert!(answered > MUTATIONS / 3 && told > MUTATIONS / 20, "{answered} {told}");
}
