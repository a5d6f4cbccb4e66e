//! Calls over the agent, told in virtual time.

use super::*;
use crate::media::Remote;
use crate::script::{self, PEER, Shown, Subject};
use callback_core::flow::HangupReason;
use rand::SeedableRng;

/// One agent and its last call, commanded by words.
struct Told {
    agent: Agent,
    call: Option<CallKey>,
    stored: Option<Snapshot>,
    /// The store takes its time: what it was given and has not committed.
    unstored: Option<Vec<Snapshot>>,
}

impl Told {
    fn new(seed: u64) -> Self {
        let credentials = Credentials { username: "trunk1".to_owned(), password: "secret1".to_owned() };
        let config = AgentConfig {
            sent_by: vec!["198.51.100.1:5060".to_owned()],
            accounts: vec![credentials],
            answers: true,
        };
        Self {
            agent: Agent::new(config, StdRng::seed_from_u64(seed)),
            call: None,
            stored: None,
            unstored: None,
        }
    }
}

pub(super) fn invite() -> Invite {
    Invite {
        flow: Flow { socket: 0, peer: PEER.parse().unwrap() },
        uri: "sip:+74951234567@192.0.2.9".to_owned(),
        from: "\"Romashka\" <sip:+74950000001@192.0.2.9>".to_owned(),
        to: "<sip:+74951234567@192.0.2.9>".to_owned(),
        more: vec![("P-Asserted-Identity", "<sip:+74950000001@192.0.2.9>".to_owned())],
        account: Some(0),
        address: "198.51.100.1:20000".parse().unwrap(),
    }
}

pub(super) fn show(progress: &Progress) -> String {
    match progress {
        Progress::Ended(ending) => format!("Ended {:?} {:?}", ending.cause, ending.by),
        Progress::Media(Remote { rtp, codec, receives, sends, .. }) => {
            let way = match (receives, sends) {
                (true, true) => "both ways",
                (false, true) => "held",
                (true, false) => "mute",
                (false, false) => "inactive",
            };
            format!("Media {rtp} {codec:?} {way}")
        }
        Progress::Stored(snapshot) if snapshot.remote_tag.is_some() => "Stored answered".to_owned(),
        Progress::Stored(snapshot) => format!("Stored {}", snapshot.cseq),
        Progress::Incoming(incoming) => {
            format!("Incoming {} {} {} {:?}", incoming.from, incoming.name, incoming.to, incoming.codec)
        }
        Progress::Heard | Progress::Shut | Progress::Ringing | Progress::EarlyMedia | Progress::Answered => {
            format!("{progress:?}")
        }
    }
}

impl Told {
    fn store(&mut self, snapshot: Snapshot, now: Duration) {
        self.agent.stored(&snapshot, now);
        self.stored = Some(snapshot);
    }
}

impl Subject for Told {
    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration) {
        self.agent.handle(Input::Datagram { flow, bytes }, now);
    }

    fn tick(&mut self, now: Duration) {
        self.agent.handle(Input::Tick, now);
    }

    fn timeout(&self) -> Option<Duration> {
        self.agent.timeout()
    }

    fn poll(&mut self) -> Option<Shown> {
        Some(match self.agent.poll()? {
            Output::Send { flow, bytes } => Shown::Send(flow, bytes),
            Output::Knock(_) => Shown::Nothing,
            Output::Probed { alive, .. } => Shown::Told(format!("Probed {alive}")),
            Output::Event { call, progress } => {
                if matches!(progress, Progress::Incoming(_)) {
                    self.call = Some(call);
                }
                if let Progress::Stored(snapshot) = &progress {
                    match &mut self.unstored {
                        Some(unstored) => unstored.push((**snapshot).clone()),
                        None => self.store((**snapshot).clone(), self.agent.cx.wires.now),
                    }
                    // Early dialogs are many; what they are good for is seen when they are taken down.
                    if !snapshot.early.is_empty() {
                        return Some(Shown::Nothing);
                    }
                }
                Shown::Told(show(&progress))
            }
        })
    }

    fn command(&mut self, words: &str, now: Duration) {
        let rtp = "198.51.100.1:20000".parse().unwrap();
        let command = match words {
            "dial" => {
                let (call, stored) = self.agent.prepare(invite()).unwrap();
                (self.call, self.stored) = (Some(call), Some(stored));
                Command::Send
            }
            "the store is slow" => {
                self.unstored = Some(Vec::new());
                return;
            }
            "it is stored" => {
                for snapshot in self.unstored.take().unwrap() {
                    self.store(snapshot, now);
                }
                return;
            }
            // The process dies: all it had is gone but what was stored.
            "crash" => {
                *self = Self { stored: self.stored.take(), ..Self::new(99) };
                return;
            }
            "take down" => {
                let flow = Flow { socket: 0, peer: PEER.parse().unwrap() };
                self.call = Some(self.agent.adopt(self.stored.as_ref().unwrap(), flow, Some(0), now));
                return;
            }
            "probe" => {
                let flow = Flow { socket: 0, peer: PEER.parse().unwrap() };
                return self.agent.handle(Input::Probe { probe: 0, flow, uri: "sip:192.0.2.9" }, now);
            }
            "unreachable" => {
                return self.agent.handle(Input::Unreachable { peer: PEER.parse().unwrap() }, now);
            }
            "ring" => Command::Ring,
            "early" => Command::EarlyMedia(rtp),
            "answer" => Command::Answer(rtp),
            "hangup" => Command::Hangup(HangupReason::Over),
            "hangup elsewhere" => Command::Hangup(HangupReason::CompletedElsewhere),
            _ => Command::Reject(words.strip_prefix("reject ").unwrap().parse().unwrap()),
        };
        self.agent.handle(Input::Command(self.call.unwrap(), command), now);
    }

    fn left(&self) -> String {
        let load = self.agent.load();
        let idle = load == (0, 0, 0) && self.agent.peers.is_empty();
        if idle { String::new() } else { format!("{load:?} {:?}", self.agent.peers) }
    }
}

fn check(story: &str) {
    script::check(Told::new(1), story);
}

/// From the dial to the answer, for stories that begin after it.
const ANSWERED: &str = "
    dial
    sees INVITE
    says 200 | tag=a | sdp
    sees ACK
    told Answered
    told Stored answered
    told Media 192.0.2.9:4000 Pcma both ways
";

fn check_answered(story: &str) {
    check(&format!("{ANSWERED}{story}"));
}

#[test]
fn a_call_is_made_and_hung_up() {
    check(
        "dial
        sees INVITE | P-Asserted-Identity: <sip:+74950000001@192.0.2.9> | From: \"Romashka\" <sip:+74950000001@ | m=audio 20000 RTP/AVP 8 0 101
        says 100
        says 180 | tag=a
        told Heard
        told Ringing
        says 200 | tag=a | sdp
        sees ACK | CSeq: 1 ACK | tag=a
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcma both ways
        hangup
        sees BYE | CSeq: 2 BYE | tag=a
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn a_digest_is_given_where_it_is_asked_for() {
    let story = |status: &str, ask: &str, answer: &str| {
        check(&format!(
            "dial
            sees INVITE | not uthorization
            says {status} | tag=x | {ask}
            sees ACK | not uthorization
            told Stored 2
            sees INVITE | CSeq: 2 INVITE | {answer} | nc=00000001
            says 200 | tag=a | sdp
            sees ACK | CSeq: 2 ACK | {answer}
            told Answered
            told Stored answered
            told Media 192.0.2.9:4000 Pcma both ways
            hangup
            sees BYE | CSeq: 3 BYE | {answer} | nc=00000002
            says 200
            told Ended Normal Us
            dial
            sees INVITE | CSeq: 1 INVITE | {answer} | nc=00000003
            says 486 | tag=b
            sees ACK
            told Ended Sip(486) Far"
        ));
    };
    let far = "Digest realm=\"far\", nonce=\"n1\", qop=\"auth\"";
    story(
        "401",
        &format!("WWW-Authenticate: {far}, algorithm=MD5"),
        "algorithm=MD5 | not Proxy-Authorization",
    );
    story("407", &format!("Proxy-Authenticate: {far}"), "algorithm=MD5 | Proxy-Authorization: Digest");
    story("401", &format!("WWW-Authenticate: {far}, algorithm=SHA-256"), "algorithm=SHA-256");
    // The strongest of several, on lines of their own or on one.
    let both = format!("WWW-Authenticate: {far}, algorithm=MD5 | WWW-Authenticate: {far}, algorithm=SHA-256");
    story("401", &both, "algorithm=SHA-256 | not algorithm=MD5");
    let joined = format!("WWW-Authenticate: {far}, algorithm=SHA-256, {far}, algorithm=MD5");
    story("401", &joined, "algorithm=SHA-256 | not algorithm=MD5");
    // Two realms are both answered, in any script; what is not understood is left alone.
    let realms = "Proxy-Authenticate: Digest realm=\"связь\", nonce=\"n1\", qop=\"auth\" | WWW-Authenticate: Digest realm=\"b\", nonce=\"n2\" | WWW-Authenticate: Basic realm=\"c\"";
    story("407", realms, "realm=\"связь\" | realm=\"b\" | not realm=\"c\"");
}

#[test]
fn a_stale_nonce_is_replaced_and_a_wrong_password_is_not_tried_again() {
    let ask = |nonce: &str, more: &str| {
        format!(
            "says 407 | tag=x | Proxy-Authenticate: Digest realm=\"far\", nonce=\"{nonce}\", qop=\"auth\"{more}\nsees ACK"
        )
    };
    check(&format!(
        "dial
        sees INVITE
        {}
        told Stored 2
        sees INVITE | nonce=\"n1\"
        {}
        told Stored 3
        sees INVITE | nonce=\"n2\" | nc=00000001
        {}
        told Ended Sip(407) Network",
        ask("n1", ""),
        ask("n2", ", stale=true"),
        ask("n2", "")
    ));
    // A server that gives a new nonce each time and never says stale.
    check(&format!(
        "dial
        sees INVITE
        {}
        told Stored 2
        sees INVITE
        {}
        told Stored 3
        sees INVITE
        {}
        told Ended Sip(407) Network",
        ask("n1", ""),
        ask("n2", ""),
        ask("n3", "")
    ));
    // A digest that cannot be given.
    check(
        "dial
        sees INVITE
        says 401 | tag=x | WWW-Authenticate: Digest realm=\"far\", nonce=\"n\", algorithm=FOO
        sees ACK
        told Ended Sip(401) Network",
    );
}

#[test]
fn a_bye_is_authenticated_too() {
    check_answered(
        "hangup
        sees BYE | CSeq: 2 BYE
        says 407 | Proxy-Authenticate: Digest realm=\"far\", nonce=\"n1\", qop=\"auth\"
        sees BYE | CSeq: 3 BYE | nonce=\"n1\"
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn requests_in_the_dialog_go_the_recorded_way() {
    check(
        "dial
        sees INVITE
        says 200 | tag=a | sdp | Record-Route: <sip:192.0.2.5;lr>, <sip:192.0.2.6:5070;lr> | Contact: <sip:far@192.0.2.66:5099>
        sees ACK | ACK sip:far@192.0.2.66:5099 SIP/2.0 | Route: <sip:192.0.2.6:5070;lr> | Route: <sip:192.0.2.5;lr> | at 192.0.2.6:5070
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcma both ways
        hangup
        sees BYE | BYE sip:far@192.0.2.66:5099 SIP/2.0 | at 192.0.2.6:5070
        says 200
        told Ended Normal Us",
    );
    // A strict router takes the Request-URI (RFC 3261 §12.2.1.1).
    check(
        "dial
        sees INVITE
        says 200 | tag=a | sdp | Record-Route: <sip:192.0.2.5> | Contact: <sip:far@192.0.2.66:5099>
        sees ACK | ACK sip:192.0.2.5 SIP/2.0 | Route: <sip:far@192.0.2.66:5099> | at 192.0.2.5:5060
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcma both ways
        hangup
        sees BYE | BYE sip:192.0.2.5 SIP/2.0
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn early_media_is_no_answer() {
    check(
        "dial
        sees INVITE
        says 183 | tag=a | sdp
        told Heard
        told EarlyMedia
        says 180 | tag=a
        told Ringing
        says 183 | tag=a | sdp
        says 183 | tag=a
        wait 100s
        says 480 | tag=a | Reason: Q.850;cause=20;text=\"subscriber absent\"
        sees ACK
        told Ended Q850(20) Network",
    );
    // An answer without a description after a 183 with one.
    check(
        "dial
        sees INVITE
        says 183 | tag=a | sdp=ulaw
        told Heard
        told EarlyMedia
        says 200 | tag=a
        sees ACK
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcmu both ways
        hangup
        sees BYE
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn an_answer_that_cannot_be_used_is_hung_up() {
    for body in [
        "",
        " | sdp=g729",
        " | sdp=video",
        " | sdp=group",
        " | sdp=broadcast",
        " | sdp=refused",
        " | sdp=huge",
    ] {
        check(&format!(
            "dial
            sees INVITE
            says 200 | tag=a{body}
            told Stored answered
            sees ACK
            sees BYE
            says 200
            told Ended Media Us"
        ));
    }
    // What cannot be an answer cannot be an offer either, of a call or within it.
    for body in ["g729", "video", "group", "broadcast", "refused", "huge"] {
        check(&format!(
            "calls INVITE | sdp={body} | branch=z9hG4bKin
            sees 488
            asks ACK | branch=z9hG4bKin"
        ));
        check_answered(&format!(
            "asks INVITE | tag=a | cseq=4 | sdp={body} | branch=z9hG4bKin
            sees 488
            asks ACK | tag=a | cseq=4 | branch=z9hG4bKin
            told nothing
            asks BYE | tag=a | cseq=5
            sees 200
            told Ended Normal Far"
        ));
    }
    // An address of zeros is the hold of RFC 2543: an answer all the same.
    check(
        "dial
        sees INVITE
        says 200 | tag=a | sdp=zeros
        sees ACK
        told Answered
        told Stored answered
        told Media 0.0.0.0:4000 Pcma held
        hangup
        sees BYE
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn silence_ends_after_64_t1() {
    check(
        "dial
        sees INVITE
        wait 31s
        sees INVITE
        sees INVITE
        sees INVITE
        sees INVITE
        sees INVITE
        told nothing
        wait 1s
        sees INVITE
        told Ended Silent Network",
    );
    // Once it rings, only we decide how long.
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        wait 300s
        told nothing
        says 603 | tag=a
        sees ACK
        told Ended Sip(603) Far",
    );
    check(
        "dial
        sees INVITE
        unreachable
        told Ended Trunk Network",
    );
}

#[test]
fn cancel_waits_for_a_provisional() {
    check(
        "dial
        sees INVITE
        hangup elsewhere
        sees nothing
        wait 400ms
        sees nothing
        says 100
        told Heard
        sees CANCEL | CSeq: 1 CANCEL | Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26
        says 200
        says 487 | tag=a | to INVITE
        sees ACK | CSeq: 1 ACK
        told Ended Normal Us",
    );
    // Nothing is ever heard: the INVITE's own end is the end.
    check(
        "dial
        sees INVITE
        hangup
        wait 31s
        told nothing
        wait 1s
        ignores
        told Ended Normal Us",
    );
    // Refused while we wait.
    check(
        "dial
        sees INVITE
        hangup
        says 486 | tag=a
        sees ACK
        told Ended Sip(486) Far",
    );
    // A challenge is not answered any more.
    check(
        "dial
        sees INVITE
        hangup
        says 407 | tag=a | Proxy-Authenticate: Digest realm=\"far\", nonce=\"n\"
        sees ACK
        told Ended Normal Us",
    );
}

#[test]
fn cancel_has_the_branch_of_its_invite_and_no_reason_in_the_ordinary_case() {
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        hangup
        hangup
        sees CANCEL | not Reason
        sees nothing
        wait 500ms
        sees CANCEL
        says 200
        says 487 | tag=a | to INVITE
        sees ACK
        repeats
        sees ACK
        told Ended Normal Us",
    );
}

#[test]
fn a_200_that_crosses_cancel_is_acknowledged_and_hung_up() {
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        hangup elsewhere
        sees CANCEL
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        told Answered
        told Stored answered
        sees BYE | Reason: SIP;cause=200
        says 200 | to CANCEL
        says 200 | to BYE
        told Ended Normal Us",
    );
}

#[test]
fn the_end_comes_in_time_whatever_the_network_says() {
    // Nobody answers the CANCEL, and the telephone is taken up long after.
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        hangup
        wait 31s
        told nothing
        wait 1s
        ignores
        told Ended Silent Us
        wait 10s
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        sees BYE
        says 200
        wait 60s
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        sees BYE
        says 481",
    );
    // The answer crosses at the last moment, and its BYE is lost for ever: one bound for both.
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        hangup
        wait 31s
        ignores
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        told Answered
        told Stored answered
        sees BYE
        told nothing
        wait 1s
        ignores
        told Ended Normal Us
        wait 40s
        ignores",
    );
    // A deaf far end.
    check_answered(
        "hangup
        wait 31s
        told nothing
        wait 1s
        ignores
        told Ended Normal Us",
    );
}

#[test]
fn a_repeated_200_gets_the_same_ack() {
    check_answered(
        "says 200 | tag=a | sdp
        sees ACK | CSeq: 1 ACK
        hangup
        sees BYE
        says 200 | tag=a | sdp | to INVITE
        sees ACK | CSeq: 1 ACK
        says 200 | to BYE
        told Ended Normal Us
        says 200 | tag=a | sdp | to INVITE
        sees ACK | CSeq: 1 ACK",
    );
}

#[test]
fn an_answer_without_a_tag_is_an_answer() {
    check(
        "dial
        sees INVITE
        says 200 | sdp
        sees ACK | not ;tag=a
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcma both ways
        says 200 | sdp
        sees ACK
        hangup
        sees BYE
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn the_second_answer_of_a_fork_is_let_go() {
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        says 180 | tag=b
        says 200 | tag=a | sdp
        sees ACK | tag=a
        told Answered
        told Stored answered
        told Media 192.0.2.9:4000 Pcma both ways
        says 200 | tag=b | sdp | Contact: <sip:other@192.0.2.44>
        sees ACK | tag=b | ACK sip:other@192.0.2.44 | at 192.0.2.44:5060
        sees BYE | tag=b | at 192.0.2.44:5060
        says 200
        hangup
        sees BYE | tag=a
        says 200 | tag=c | sdp | to INVITE
        sees ACK | tag=c
        sees BYE | tag=c
        says 200 | to BYE 2
        told Ended Normal Us
        says 200 | to BYE 3
        says 200 | tag=d | sdp | to INVITE
        sees ACK | tag=d
        sees BYE | tag=d
        says 200",
    );
}

#[test]
fn the_far_end_hangs_up() {
    check_answered(
        "asks BYE | tag=a | cseq=5
        sees 200
        told Ended Normal Far
        repeats
        sees 200
        asks BYE | tag=a | cseq=6
        sees 481",
    );
    check_answered(
        "asks BYE | tag=a | Reason: Q.850;cause=27
        sees 200
        told Ended Q850(27) Far",
    );
    // Both at once.
    check_answered(
        "hangup
        sees BYE
        asks BYE | tag=a
        sees 200
        told Ended Normal Us
        says 481",
    );
}

#[test]
fn the_far_end_changes_the_session() {
    let change = |body: &str, answer: &str, told: &str| {
        check_answered(&format!(
            "asks INVITE | tag=a | cseq=1 | {body}
            sees 200 | {answer}
            told {told}
            asks ACK | tag=a | cseq=1
            asks INVITE | tag=a | cseq=2 | sdp
            sees 200 | a=sendrecv
            told Media 192.0.2.9:4000 Pcma both ways
            asks ACK | tag=a | cseq=2
            asks BYE | tag=a | cseq=3
            sees 200
            told Ended Normal Far"
        ));
    };
    change(
        "sdp=hold",
        "a=recvonly | Contact: <sip:callback@198.51.100.1:5060>",
        "Media 192.0.2.9:4000 Pcma held",
    );
    change("sdp=moved", "a=rtpmap:8 PCMA/8000 | not PCMU", "Media 192.0.2.77:5000 Pcma both ways");
    change("sdp=ulaw", "a=rtpmap:0 PCMU/8000 | not PCMA", "Media 192.0.2.9:4000 Pcmu both ways");
}

#[test]
fn a_moved_contact_is_followed() {
    check_answered(
        "asks INVITE | tag=a | sdp | Contact: <sip:far@192.0.2.88:5061> | from 192.0.2.88:5061
        sees 200 | at 192.0.2.88:5061
        told Media 192.0.2.9:4000 Pcma both ways
        asks ACK | tag=a | from 192.0.2.88:5061
        hangup
        sees BYE | BYE sip:far@192.0.2.88:5061 | at 192.0.2.88:5061
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn an_offer_is_made_where_it_is_asked_for() {
    check_answered(
        "asks INVITE | tag=a | cseq=1
        sees 200 | m=audio 20000 RTP/AVP 8 0 101
        asks INVITE | tag=a | cseq=2 | sdp
        sees 491
        asks ACK | tag=a | cseq=2
        told nothing
        asks ACK | tag=a | cseq=1 | sdp=moved
        told Media 192.0.2.77:5000 Pcma both ways
        asks BYE | tag=a | cseq=3
        sees 200
        told Ended Normal Far",
    );
}

#[test]
fn a_reinvite_that_cannot_be_met_changes_nothing() {
    check_answered(
        "asks INVITE | tag=a | cseq=4 | sdp=g729
        sees 488
        asks ACK | tag=a | cseq=4 | branch=z9hG4bKpeer1
        asks INVITE | tag=a | cseq=3 | sdp
        sees 500
        asks ACK | tag=a | cseq=3 | branch=z9hG4bKpeer2
        asks INVITE | tag=a | cseq=5 | sdp
        sees 200
        told Media 192.0.2.9:4000 Pcma both ways
        asks INVITE | tag=a | cseq=6 | sdp
        sees 500 | Retry-After: 2
        asks ACK | tag=a | cseq=6 | branch=z9hG4bKpeer4
        asks ACK | tag=a | cseq=5
        asks UPDATE | tag=a | cseq=7
        sees 405 | Allow: INVITE, ACK, CANCEL, BYE, OPTIONS
        asks REFER | tag=a | cseq=8
        sees 405
        asks DANCE | tag=a | cseq=9
        sees 501
        asks OPTIONS | tag=a | cseq=10
        sees 200
        asks BYE | tag=a | cseq=10
        sees 500
        asks INVITE | tag=a | cseq=11 | sdp | Require: 100rel
        sees 420 | Unsupported: 100rel
        asks ACK | tag=a | cseq=11 | branch=z9hG4bKpeer11
        asks BYE | tag=a | cseq=12
        sees 200
        told Ended Normal Far",
    );
}

#[test]
fn our_200_is_repeated_until_its_ack_and_then_given_up() {
    check_answered(
        "asks INVITE | tag=a | sdp=hold
        sees 200
        told Media 192.0.2.9:4000 Pcma held
        wait 1500ms
        sees 200
        sees 200
        repeats
        sees nothing
        asks ACK | tag=a
        wait 40s
        sees nothing
        asks INVITE | tag=a | cseq=2 | sdp
        sees 200
        told Media 192.0.2.9:4000 Pcma both ways
        wait 31s
        ignores
        told nothing
        wait 1s
        finally BYE
        says 200
        told Ended Silent Network",
    );
}

#[test]
fn a_call_comes_in_and_is_answered() {
    check(
        "calls INVITE | sdp
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        ring
        sees 180 | Contact: <sip:callback@198.51.100.1:5060>
        early
        sees 183 | m=audio 20000 RTP/AVP 8 101
        told Media 192.0.2.9:4000 Pcma both ways
        answer
        sees 200 | m=audio 20000 RTP/AVP 8 101
        told Media 192.0.2.9:4000 Pcma both ways
        wait 500ms
        sees 200
        asks ACK
        told Answered
        answer
        ring
        early
        reject 486
        sees nothing
        asks INVITE | cseq=2 | sdp=hold
        sees 200 | a=recvonly
        told Media 192.0.2.9:4000 Pcma held
        asks ACK | cseq=2
        hangup
        sees BYE | CSeq: 1 BYE | BYE sip:far@192.0.2.9:5060
        says 200
        told Ended Normal Us",
    );
}

#[test]
fn a_call_comes_in_without_an_offer() {
    check(
        "calls INVITE | Record-Route: <sip:192.0.2.5;lr>
        told Incoming 1001 Anna 84951234567 None
        answer
        sees 200 | m=audio 20000 RTP/AVP 8 0 101 | Record-Route: <sip:192.0.2.5;lr>
        asks ACK | sdp=ulaw
        told Answered
        told Media 192.0.2.9:4000 Pcmu both ways
        hangup
        sees BYE | Route: <sip:192.0.2.5;lr> | at 192.0.2.5:5060
        says 200
        told Ended Normal Us",
    );
    check(
        "calls INVITE
        told Incoming 1001 Anna 84951234567 None
        answer
        sees 200
        asks ACK
        told Answered
        sees BYE
        says 200
        told Ended Media Us",
    );
}

#[test]
fn a_call_in_is_cancelled_refused_or_lost() {
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        wait 200ms
        sees 100
        ring
        sees 180
        asks CANCEL | branch=z9hG4bKin
        sees 200 | CSeq: 1 CANCEL
        sees 487 | CSeq: 1 INVITE
        told Ended Normal Far
        asks ACK | branch=z9hG4bKin
        answer",
    );
    // It rings for ever.
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        ring
        sees 180
        wait 180s
        sees 480
        told Ended Normal Us
        asks ACK | branch=z9hG4bKin",
    );
    // Too late: it was answered.
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        answer
        sees 200
        told Media 192.0.2.9:4000 Pcma both ways
        asks CANCEL | branch=z9hG4bKin
        sees 200 | CSeq: 1 CANCEL
        asks ACK
        told Answered
        asks BYE | cseq=2
        sees 200
        told Ended Normal Far",
    );
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        reject 486
        sees 486
        told Ended Normal Us
        wait 500ms
        sees 486
        asks ACK | branch=z9hG4bKin",
    );
}

#[test]
fn a_call_in_is_left_around_its_ack() {
    // Nobody acknowledges the answer; a hang-up waits for that (RFC 3261 §15).
    check(
        "calls INVITE | sdp
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        answer
        sees 200
        told Media 192.0.2.9:4000 Pcma both ways
        hangup
        sees nothing
        wait 31s
        ignores
        told nothing
        wait 1s
        finally BYE
        says 200
        told Ended Normal Us",
    );
    // The caller hangs up before, and after, his ACK was due.
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        ring
        sees 180
        asks BYE | cseq=2
        sees 487 | CSeq: 1 INVITE
        sees 200 | CSeq: 2 BYE
        told Ended Normal Far
        asks ACK | branch=z9hG4bKin",
    );
    check(
        "calls INVITE | sdp | branch=z9hG4bKin
        told Incoming 1001 Anna 84951234567 Some(Pcma)
        answer
        sees 200
        told Media 192.0.2.9:4000 Pcma both ways
        asks BYE | cseq=2
        sees 200 | CSeq: 2 BYE
        told Ended Normal Far
        wait 2s
        sees nothing",
    );
}

#[test]
fn requests_outside_of_a_dialog() {
    // A request that cannot be answered is not waited upon for ever.
    check("calls INVITE | sdp | Require: a\0b\nsees nothing");
    check(
        "calls INVITE | sdp | Require: 100rel | branch=z9hG4bK1
        sees 420
        asks ACK | branch=z9hG4bK1
        asks OPTIONS | cseq=2
        sees 481
        raw nonsense",
    );
    let raw = |line: &str, answer: &str| {
        let (method, uri) = line.split_once(' ').unwrap();
        let message = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let mut told = Told::new(1);
        told.datagram(Flow { socket: 0, peer: PEER.parse().unwrap() }, message.as_bytes(), Duration::ZERO);
        let Some(Shown::Send(flow, bytes)) = told.poll() else { panic!("{line}: no answer") };
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with(&format!("SIP/2.0 {answer} ")), "{text}");
        assert!(text.contains("\r\nTo: <sip:c@d>;tag="), "{text}");
        assert_eq!(flow.peer.to_string(), PEER);
    };
    raw("OPTIONS sip:x@y", "200");
    raw("REGISTER sip:x@y", "405");
    raw("REFER sip:x@y", "405");
    raw("DANCE sip:x@y", "501");
    raw("BYE sip:x@y", "481");
    raw("CANCEL sip:x@y", "481");
    raw("OPTIONS sip:x@y?a=b", "400");
}

#[test]
fn a_peer_is_asked_whether_it_is_there() {
    let story = |answer: &str, told: &str| {
        check(&format!(
            "probe
            sees OPTIONS | OPTIONS sip:192.0.2.9 SIP/2.0
            {answer}
            told Probed {told}"
        ));
    };
    story("says 200 | tag=x", "true");
    story("says 405 | tag=x", "true");
    story("says 503 | tag=x", "false");
    story("wait 32s\nignores", "false");
}

#[test]
fn the_next_process_takes_down_what_was_stored() {
    check(
        "dial
        sees INVITE
        says 180 | tag=a
        told Heard
        told Ringing
        crash
        take down
        sees CANCEL | CSeq: 1 CANCEL | CANCEL sip:+74951234567@192.0.2.9
        says 200
        says 487 | tag=a | to INVITE
        sees ACK | CSeq: 1 ACK
        told Ended Normal Us",
    );
    // It was taken up in between.
    check(
        "dial
        sees INVITE
        crash
        take down
        sees CANCEL
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        told Answered
        sees BYE
        says 200
        told Ended Normal Us",
    );
    // It never went out.
    check(
        "dial
        sees INVITE
        crash
        take down
        sees CANCEL
        says 481
        told Ended Normal Us",
    );
    // It had been answered and acknowledged.
    check_answered(
        "crash
        take down
        sees BYE | tag=a
        says 200
        told Ended Normal Us",
    );
    // Nobody is there any more.
    check_answered(
        "crash
        take down
        wait 32s
        ignores
        told Ended Normal Us",
    );
}

#[test]
fn what_comes_from_the_far_end_cannot_break_a_line_of_ours() {
    check(
        "dial
        sees INVITE
        says 200 | tag=\"a\0b\" | sdp
        told Ended Media Us",
    );
}
