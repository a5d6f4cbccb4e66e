//! Tests told as text: a scripted peer that speaks SIP bytes, in virtual time. See [`check`] for the words.

use crate::sip::Flow;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// What is tested: a sans-IO machine with commands in words.
pub(crate) trait Subject {
    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration);
    fn tick(&mut self, now: Duration);
    fn timeout(&self) -> Option<Duration>;
    fn poll(&mut self) -> Option<Shown>;
    fn command(&mut self, words: &str, now: Duration);
    /// What is left of transactions, calls, timers and books, as text; empty = nothing.
    fn left(&self) -> String;
}

pub(crate) enum Shown {
    Send(Flow, Bytes),
    Told(String),
    Nothing,
}

/// Where the peer is when a line says nothing else.
pub(crate) const PEER: &str = "192.0.2.9:5060";
/// How the Call-IDs of a flood begin.
const FLOOD: &str = "flood-";

struct Stage<S> {
    subject: S,
    now: Duration,
    sent: VecDeque<(SocketAddr, String)>,
    told: VecDeque<String>,
    /// The requests that the subject sent and the story saw.
    seen: Vec<String>,
    /// The last datagram of the peer.
    said: Option<(SocketAddr, String)>,
    /// Our side of the dialog as the peer knows it: Call-ID, our name with its tag, its own name.
    dialog: (String, String, String),
    branches: u32,
}

/// Plays a story, one step a line, the parts of a line parted by ` | `:
///
/// - `sees INVITE | text | not text | at 192.0.2.5:5060` – the next datagram is this request, or this status;
///   `sees nothing`; `ignores` drops what was sent,
///   `finally BYE` what was sent before that
/// - `told Ringing` – the next thing reported; `told nothing`
/// - `says 180 | tag=a | sdp | Header: value | to INVITE 1 | from 192.0.2.7:5060` – the peer answers the last
///   request it saw, or the first INVITE
/// - `asks BYE | tag=a | cseq=2` – the peer sends a request in the dialog; `calls` – the one that makes it
/// - `floods 20s | from 192.0.2.9:5060 | from 192.0.2.7:5070` – peers send 14,000 calls a second together; how
///   those are answered is not looked at
/// - `repeats` – the peer's last datagram again; `raw text`
/// - `wait 4s`, `wait 200ms`
/// - everything else is a command
///
/// After it nothing may be unseen or untold, and 200 s later nothing may be left.
pub(crate) fn check<S: Subject>(subject: S, story: &str) {
    let mut stage = Stage {
        subject,
        now: Duration::from_secs(1_000),
        sent: VecDeque::new(),
        told: VecDeque::new(),
        seen: Vec::new(),
        said: None,
        dialog: Default::default(),
        branches: 0,
    };
    for (at, line) in story.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        stage.step(line, &format!("line {at}: {line}"));
    }
    let (sent, told) = (&stage.sent, &stage.told);
    assert!(sent.is_empty() && told.is_empty(), "not in the story: {told:?} {sent:#?}");
    stage.wait(Duration::from_secs(200));
    assert_eq!(stage.subject.left(), "", "left 200 s after the story");
}

impl<S: Subject> Stage<S> {
    fn step(&mut self, line: &str, context: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut parts = rest.split(" | ").map(str::trim);
        match word {
            "sees" => self.sees(parts.next().unwrap(), &parts.collect::<Vec<_>>(), context),
            "ignores" => self.sent.clear(),
            "finally" => {
                while self.sent.front().is_some_and(|(_, text)| !text.starts_with(rest)) {
                    self.sent.pop_front();
                }
                self.sees(rest, &[], context);
            }
            "told" if rest == "nothing" => assert_eq!(self.told.front(), None, "{context}"),
            "told" => assert_eq!(self.told.pop_front().as_deref(), Some(rest), "{context}\n{:#?}", self.sent),
            "says" => self.says(parts.next().unwrap(), &parts.collect::<Vec<_>>()),
            "asks" | "calls" => self.asks(word, parts.next().unwrap(), &parts.collect::<Vec<_>>()),
            "floods" => self.floods(parts.next().unwrap(), &parts.collect::<Vec<_>>()),
            "repeats" => {
                let (source, text) = self.said.clone().unwrap();
                self.deliver(source, &text);
            }
            "raw" => self.deliver(PEER.parse().unwrap(), rest),
            "wait" => {
                let span = rest.strip_suffix("ms").map(|ms| Duration::from_millis(ms.parse().unwrap()));
                self.wait(
                    span.unwrap_or_else(|| Duration::from_secs(rest.trim_end_matches('s').parse().unwrap())),
                );
            }
            _ => {
                self.subject.command(line, self.now);
                self.drain();
            }
        }
    }

    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.subject.timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.subject.tick(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn floods(&mut self, span: &str, parts: &[&str]) {
        let sources: Vec<SocketAddr> =
            parts.iter().map(|part| part.strip_prefix("from ").unwrap().parse().unwrap()).collect();
        let seconds: u32 = span.strip_suffix('s').unwrap().parse().unwrap();
        for (number, source) in (0..seconds * 14_000).zip(sources.iter().copied().cycle()) {
            self.wait(Duration::from_secs(1) / 14_000);
            let text = format!(
                "INVITE sip:x@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{number};rport\r\nMax-Forwards: 70\r\nFrom: <sip:c@d>;tag=a\r\nTo: <sip:a@b>\r\nCall-ID: {FLOOD}{number}\r\nCSeq: 7 INVITE\r\nContact: <sip:far@{source}>\r\nContent-Length: 0\r\n\r\n"
            );
            self.deliver(source, &text);
        }
    }

    fn drain(&mut self) {
        while let Some(shown) = self.subject.poll() {
            match shown {
                Shown::Send(flow, bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if !header(&text, "Call-ID").starts_with(FLOOD) {
                        self.sent.push_back((flow.peer, text));
                    }
                }
                Shown::Told(text) => self.told.push_back(text),
                Shown::Nothing => {}
            }
        }
    }

    fn deliver(&mut self, source: SocketAddr, text: &str) {
        self.subject.datagram(Flow { socket: 0, peer: source }, text.as_bytes(), self.now);
        self.drain();
    }

    fn sees(&mut self, what: &str, parts: &[&str], context: &str) {
        let next = self.sent.pop_front();
        if what == "nothing" {
            assert_eq!(next, None, "{context}");
            return;
        }
        let (target, text) =
            next.unwrap_or_else(|| panic!("{context}: nothing was sent; told {:?}", self.told));
        let begins = text.starts_with(&format!("{what} ")) || text.starts_with(&format!("SIP/2.0 {what} "));
        assert!(begins, "{context}\n{text}");
        for part in parts {
            if let Some(absent) = part.strip_prefix("not ") {
                assert!(!text.contains(absent), "{context}\n{text}");
            } else if let Some(at) = part.strip_prefix("at ") {
                assert_eq!(target.to_string(), at, "{context}");
            } else {
                assert!(text.contains(part), "{context}: {part}\n{text}");
            }
        }
        if text.starts_with("SIP/2.0") {
            self.dialog.1 = header(&text, "To");
            return;
        }
        if what == "INVITE" {
            self.dialog = (header(&text, "Call-ID"), header(&text, "From"), header(&text, "To"));
        }
        if what != "ACK" {
            self.seen.push(text);
        }
    }

    /// The request a `to INVITE 1` means: the n-th of that method, or the last of it.
    fn request(&self, parts: &[&str]) -> String {
        let Some(wanted) = parts.iter().find_map(|part| part.strip_prefix("to ")) else {
            return self.seen.last().unwrap().clone();
        };
        let (method, number) = wanted.split_once(' ').unwrap_or((wanted, ""));
        let mut of_method = self.seen.iter().filter(|text| text.starts_with(method));
        match number.parse::<usize>() {
            Ok(number) => of_method.nth(number - 1).unwrap().clone(),
            Err(_) => of_method.next_back().unwrap().clone(),
        }
    }

    fn says(&mut self, status: &str, parts: &[&str]) {
        let request = self.request(parts);
        let mut to = header(&request, "To");
        if let Some(tag) = parts.iter().find_map(|part| part.strip_prefix("tag=")) {
            to = format!("{to};tag={tag}");
        }
        let mut lines = vec![format!("SIP/2.0 {status} Said")];
        lines.extend(request.lines().filter(|line| line.starts_with("Via:")).map(str::to_owned));
        for name in ["From", "Call-ID", "CSeq"] {
            lines.push(format!("{name}: {}", header(&request, name)));
        }
        lines.push(format!("To: {to}"));
        self.finish(lines, parts);
    }

    fn asks(&mut self, word: &str, method: &str, parts: &[&str]) {
        if word == "calls" {
            self.dialog = (
                "call-in".to_owned(),
                "<sip:84951234567@198.51.100.1>".to_owned(),
                "\"Anna\" <sip:1001@far>;tag=in".to_owned(),
            );
        }
        let method = if word == "calls" { "INVITE" } else { method };
        let value = |name: &str| parts.iter().find_map(|part| part.strip_prefix(name));
        let cseq = value("cseq=").unwrap_or("1");
        let (call_id, to, mut from) = self.dialog.clone();
        if let Some(tag) = value("tag=") {
            from = format!("{from};tag={tag}");
        }
        let branch = value("branch=").map_or_else(
            || {
                self.branches += 1;
                format!("z9hG4bKpeer{}", self.branches)
            },
            str::to_owned,
        );
        let lines = vec![
            format!("{method} sip:84951234567@198.51.100.1:5060 SIP/2.0"),
            format!("Via: SIP/2.0/UDP {PEER};branch={branch};rport"),
            "Max-Forwards: 70".to_owned(),
            format!("From: {from}"),
            format!("To: {to}"),
            format!("Call-ID: {call_id}"),
            format!("CSeq: {cseq} {method}"),
        ];
        self.finish(lines, parts);
    }

    fn finish(&mut self, mut lines: Vec<String>, parts: &[&str]) {
        if !parts.iter().any(|part| part.starts_with("Contact:")) {
            lines.push(format!("Contact: <sip:far@{PEER}>"));
        }
        lines.extend(parts.iter().filter(|part| part.contains(": ")).map(|part| (*part).to_owned()));
        let body =
            parts.iter().find(|part| part.starts_with("sdp")).map(|part| sdp(part)).unwrap_or_default();
        if !body.is_empty() {
            lines.push("Content-Type: application/sdp".to_owned());
        }
        let text = format!("{}\r\nContent-Length: {}\r\n\r\n{body}", lines.join("\r\n"), body.len());
        let source = parts.iter().find_map(|part| part.strip_prefix("from ")).unwrap_or(PEER);
        let source = source.parse().unwrap();
        self.said = Some((source, text.clone()));
        self.deliver(source, &text);
    }
}

/// A header of a message of ours.
fn header(text: &str, name: &str) -> String {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    values.next().unwrap_or_default().to_owned()
}

fn sdp(kind: &str) -> String {
    let (address, port, formats, more) = match kind {
        "sdp" => ("192.0.2.9", 4000, "8 101", "a=rtpmap:101 telephone-event/8000"),
        "sdp=hold" => ("192.0.2.9", 4000, "8 101", "a=sendonly"),
        "sdp=moved" => ("192.0.2.77", 5000, "8", "a=sendrecv"),
        "sdp=ulaw" => ("192.0.2.9", 4000, "0", "a=sendrecv"),
        "sdp=video" => ("192.0.2.9", 4000, "31", "m=video 4002 RTP/AVP 8"),
        "sdp=group" => ("239.1.2.3", 4000, "8", "a=sendrecv"),
        "sdp=broadcast" => ("255.255.255.255", 4000, "8", "a=sendrecv"),
        "sdp=refused" => ("192.0.2.9", 0, "8", "a=sendrecv"),
        "sdp=huge" => ("192.0.2.9", 4000, "99999999999999999999 256", "a=rtpmap:256 PCMA/8000"),
        "sdp=zeros" => ("0.0.0.0", 4000, "8", "a=sendrecv"),
        "sdp=g729" => ("192.0.2.9", 4000, "18", "a=sendrecv"),
        _ => panic!("no such description: {kind}"),
    };
    format!(
        "v=0\r\no=far 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n{more}\r\n"
    )
}
