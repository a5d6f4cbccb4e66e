//! The provider and everybody's telephones in one thread: it asks for a digest where it is told to, lets each call ring
//! and answers it at once, and hangs visitors up after a while. Messages are put together from the lines of what they
//! answer: it understands no more of SIP (RFC 3261) than that, and so leaves most of its core to those who order.

use crate::sound::{Ear, Sound};
use anyhow::{Context as _, Result};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Where it is.
pub(crate) const PROVIDER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(FAR, 5_060));
/// The address of the provider and of all telephones.
pub(crate) const FAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The account that it gives to the service, and the password.
pub(crate) const USER: &str = "bench";
pub(crate) const PASSWORD: &str = "secret";

/// T1 of RFC 3261, after which what was not answered is said again, and how often.
const AGAIN: Duration = Duration::from_millis(500);
const TIMES: u32 = 8;
/// How long it listens before it looks at its clock.
const GLANCE: Duration = Duration::from_millis(1);
/// What it holds unread; the system may give less.
const BUFFER: usize = 4 << 20;
/// Visitors who hang up within a second, when all do.
const LEAVING_PER_S: u32 = 300;

/// Whose leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Manager,
    Visitor,
}

/// What became of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// Its first INVITE came.
    Invited,
    /// It was answered.
    Answered,
    /// It is over: BYE and 200.
    Over,
    /// Its telephone heard the other side for the first time.
    Heard,
}

/// What happened, of which visitor's callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) call: u64,
    pub(crate) side: Side,
    pub(crate) what: What,
    pub(crate) at: Instant,
}

/// How the telephones behave, as it is changed while they do.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    /// Whether a digest is asked for.
    pub(crate) digest: AtomicBool,
    /// Whether the telephones speak.
    pub(crate) speak: AtomicBool,
    /// After how many milliseconds a visitor hangs up.
    pub(crate) hold_ms: AtomicU64,
    /// All visitors hang up.
    pub(crate) leave: AtomicBool,
}

/// Starts it; it ends with the program.
pub(crate) fn start(manners: Arc<Manners>) -> Result<(Receiver<Told>, Ear)> {
    let socket = UdpSocket::bind(PROVIDER).with_context(|| format!("the provider's place {PROVIDER}"))?;
    socket.set_read_timeout(Some(GLANCE))?;
    set_socket_recv_buffer_size(&socket, BUFFER)?;
    let (tell, told) = channel();
    let (sound, ear) = Sound::start(tell.clone())?;
    let provider = Provider {
        socket,
        manners,
        tell,
        sound,
        legs: HashMap::new(),
        challenged: HashSet::new(),
        due: BinaryHeap::new(),
        tag: 0,
    };
    std::thread::Builder::new().name("provider".into()).spawn(move || provider.run())?;
    Ok((told, ear))
}

struct Provider {
    socket: UdpSocket,
    manners: Arc<Manners>,
    tell: Sender<Told>,
    sound: Sound,
    /// By Call-ID.
    legs: HashMap<String, Leg>,
    /// Call-IDs of those that were asked for a digest.
    challenged: HashSet<String>,
    due: BinaryHeap<Reverse<(Instant, String)>>,
    tag: u64,
}

/// A leg that was answered.
struct Leg {
    call: u64,
    side: Side,
    state: State,
    peer: SocketAddr,
    /// The 200, then the BYE: what is said again until it is answered.
    saying: String,
    bye: String,
    times: u32,
    /// When it says that again, or hangs up.
    due: Option<Instant>,
    /// The number of its sound.
    sound: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Answered,
    Talking,
    Leaving,
}

impl Provider {
    fn run(mut self) {
        let mut buffer = [0; 8_192];
        loop {
            // Errors are the ends of glances, and answers to what was sent to a port that is shut.
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer)
                && let Some(Ok(text)) = buffer.get(..length).map(std::str::from_utf8)
            {
                self.hear(text, from);
            }
            self.ring_alarms();
            if self.manners.leave.swap(false, Ordering::Relaxed) {
                self.let_all_leave();
            }
        }
    }

    fn hear(&mut self, text: &str, from: SocketAddr) {
        let (method, _) = text.split_once(' ').unwrap_or_default();
        match method {
            "INVITE" => self.invited(text, from),
            "ACK" => self.acknowledged(header(text, "Call-ID")),
            "BYE" => {
                self.say(from, &answer(text, "200 OK", "", ""));
                self.over(header(text, "Call-ID"));
            }
            "OPTIONS" | "CANCEL" => self.say(from, &answer(text, "200 OK", "", "")),
            "SIP/2.0" if header(text, "CSeq").ends_with("BYE") => self.over(header(text, "Call-ID")),
            _ => {}
        }
    }

    fn invited(&mut self, text: &str, from: SocketAddr) {
        let id = header(text, "Call-ID");
        if let Some(leg) = self.legs.get(id) {
            return self.say(from, &leg.saying);
        }
        let (called, caller) = (user(text), user(header(text, "From")));
        let is_managers = called.starts_with("7495");
        let (side, call) = if is_managers { (Side::Manager, caller) } else { (Side::Visitor, called) };
        let call = call.parse().unwrap_or_default();
        // Each call is challenged, whatever key an earlier one was given.
        let asks = self.manners.digest.load(Ordering::Relaxed) && !self.challenged.remove(id);
        self.tell(call, side, What::Invited);
        self.tag += 1;
        let tag = format!(";tag={}", self.tag);
        if asks {
            self.challenged.insert(id.to_owned());
            let challenge = format!(
                "WWW-Authenticate: Digest realm=\"bench\", nonce=\"n{}\", algorithm=MD5, qop=\"auth\"\r\n",
                self.tag
            );
            return self.say(from, &answer(text, "401 Unauthorized", &tag, &challenge));
        }
        self.say(from, &answer(text, "180 Ringing", &tag, CONTACT));
        let (sound, port) = if self.manners.speak.load(Ordering::Relaxed) {
            let (number, port) = self.sound.open(call, side, rtp_port(text));
            (Some(number), port)
        } else {
            (None, self.sound.deaf_port)
        };
        let saying = with_sound(&answer(text, "200 OK", &tag, CONTACT), port);
        self.say(from, &saying);
        self.tell(call, side, What::Answered);
        let (bye, state) = (bye(text, &tag, self.tag), State::Answered);
        let leg = Leg { call, side, state, peer: from, saying, bye, times: 0, due: None, sound };
        self.legs.insert(id.to_owned(), leg);
        self.set_alarm(id, AGAIN);
    }

    fn acknowledged(&mut self, id: &str) {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.state == State::Answered) else { return };
        (leg.state, leg.due) = (State::Talking, None);
        let side = leg.side;
        let hold = Duration::from_millis(self.manners.hold_ms.load(Ordering::Relaxed));
        match side {
            Side::Visitor if hold.is_zero() => self.leave(id),
            Side::Visitor => self.set_alarm(id, hold),
            Side::Manager => {}
        }
    }

    /// Hangs up.
    fn leave(&mut self, id: &str) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        (leg.state, leg.times) = (State::Leaving, 0);
        leg.saying = std::mem::take(&mut leg.bye);
        // Where the service's port is shut, it has no calls either.
        let _ = self.socket.send_to(leg.saying.as_bytes(), leg.peer);
        self.set_alarm(id, AGAIN);
    }

    fn let_all_leave(&mut self) {
        let talks = |leg: &Leg| leg.side == Side::Visitor && leg.state == State::Talking;
        let visitors: Vec<_> =
            self.legs.iter().filter(|(_, leg)| talks(leg)).map(|(id, _)| id.clone()).collect();
        for (n, id) in (0..).zip(visitors) {
            self.set_alarm(&id, Duration::from_secs(1) * n / LEAVING_PER_S);
        }
    }

    fn over(&mut self, id: &str) {
        let Some(leg) = self.legs.remove(id) else { return };
        leg.sound.into_iter().for_each(|number| self.sound.close(number));
        self.tell(leg.call, leg.side, What::Over);
    }

    fn set_alarm(&mut self, id: &str, after: Duration) {
        let at = Instant::now() + after;
        if let Some(leg) = self.legs.get_mut(id) {
            leg.due = Some(at);
            self.due.push(Reverse((at, id.to_owned())));
        }
    }

    fn ring_alarms(&mut self) {
        let now = Instant::now();
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, id))) = self.due.pop() else { return };
            let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.due == Some(at)) else { continue };
            leg.times += 1;
            let times = leg.times;
            match leg.state {
                State::Talking => self.leave(&id),
                State::Answered | State::Leaving if times > TIMES => self.over(&id),
                State::Answered | State::Leaving => {
                    let _ = self.socket.send_to(leg.saying.as_bytes(), leg.peer);
                    self.set_alarm(&id, AGAIN * times.min(8));
                }
            }
        }
    }

    fn tell(&self, call: u64, side: Side, what: What) {
        // Whoever listened has gone: so does the program.
        let _ = self.tell.send(Told { call, side, what, at: Instant::now() });
    }

    fn say(&self, to: SocketAddr, text: &str) {
        let _ = self.socket.send_to(text.as_bytes(), to);
    }
}

/// Where the telephones are, in their own words.
const CONTACT: &str = "Contact: <sip:far@127.0.0.2:5060>\r\n";

/// A header's value; nothing where it is missing.
fn header<'a>(text: &'a str, name: &str) -> &'a str {
    let mut values = text.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    values.next().unwrap_or_default()
}

/// The user of the first `sip:` address in a text, without its plus.
fn user(text: &str) -> &str {
    let after = text.split_once("sip:").unwrap_or_default().1;
    after.split('@').next().unwrap_or_default().trim_start_matches('+')
}

/// The port of the audio in a description.
fn rtp_port(text: &str) -> u16 {
    let after = text.split_once("\r\nm=audio ").unwrap_or_default().1;
    after.split(' ').next().unwrap_or_default().parse().unwrap_or_default()
}

/// An answer to a request, without a body.
fn answer(request: &str, status: &str, tag: &str, more: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.split("\r\n").filter(|line| line.starts_with("Via: ")) {
        let _ = write!(text, "{line}\r\n");
    }
    for name in ["From", "Call-ID", "CSeq"] {
        let _ = write!(text, "{name}: {}\r\n", header(request, name));
    }
    let _ = write!(text, "To: {}{tag}\r\n{more}Content-Length: 0\r\n\r\n", header(request, "To"));
    text
}

/// The same with a description of sound.
fn with_sound(answer: &str, port: u16) -> String {
    let body = format!(
        "v=0\r\no=far 1 1 IN IP4 {FAR}\r\ns=-\r\nc=IN IP4 {FAR}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
         a=rtpmap:8 PCMA/8000\r\n"
    );
    let head = answer.trim_end_matches("Content-Length: 0\r\n\r\n");
    format!("{head}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The BYE of whoever was called by this INVITE.
fn bye(invite: &str, tag: &str, number: u64) -> String {
    let contact = header(invite, "Contact").trim_start_matches('<').split('>').next().unwrap_or_default();
    format!(
        "BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {PROVIDER};branch=z9hG4bKbye{number};rport\r\nMax-Forwards: 70\r\n\
         From: {}{tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        header(invite, "To"),
        header(invite, "From"),
        header(invite, "Call-ID"),
    )
}
