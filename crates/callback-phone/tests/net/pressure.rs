//! A trunk of raw datagrams, which does what no honest one does.

use super::*;

/// A provider's host, of whom the phone hears what the test writes.
struct Host {
    socket: UdpSocket,
    /// Where the phone is, once it has sent something.
    phone: SocketAddr,
}

impl Host {
    fn new() -> Self {
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        // A test that waits so long has failed.
        socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        Self { phone: socket.local_addr().unwrap(), socket }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// What comes next that begins so.
    fn sees(&mut self, begin: &str) -> String {
        let mut buffer = vec![0; 4096];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).expect(begin);
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
            if text.starts_with(begin) {
                self.phone = from;
                return text;
            }
        }
    }

    fn sends(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.phone).unwrap();
    }

    /// Answers a request.
    fn says(&self, request: &str, status: &str) {
        self.says_from(request, status, "IP4 127.0.0.1");
    }

    /// Answers a request, with sound from this address.
    fn says_from(&self, request: &str, status: &str, address: &str) {
        let more = ["Via", "From", "Call-ID", "CSeq"].map(|name| line(request, name)).join("");
        let body = format!("v=0\r\nc=IN {address}\r\nm=audio 6000 RTP/AVP 8\r\n");
        self.sends(&format!(
            "SIP/2.0 {status}\r\n{more}{};tag=far\r\nContact: <sip:far@127.0.0.1:{}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            line(request, "To").trim_end(),
            self.port(),
            body.len(),
        ));
    }

    /// Asks something in the dialog that an INVITE of the phone and our answer made.
    fn asks(&self, invite: &str, method: &str, number: u32) {
        let (from, to) = (line(invite, "From"), line(invite, "To"));
        self.sends(&format!(
            "{method} sip:callback@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKin{number};rport\r\nMax-Forwards: 70\r\nFrom:{};tag=far\r\nTo:{}{}CSeq: {number} {method}\r\nContent-Length: 0\r\n\r\n",
            to.trim_start_matches("To:").trim_end(),
            from.trim_start_matches("From:"),
            line(invite, "Call-ID"),
        ));
    }
}

/// A header of a message, its end of line included.
fn line(text: &str, name: &str) -> String {
    let begin = format!("{name}:");
    text.split_inclusive('\n').find(|line| line.starts_with(&begin)).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_the_trunks_own_address_starves_no_call() {
    const ROUNDS: u32 = 300;
    const AT_ONCE: u32 = 100;
    let mut host = Host::new();
    let (phone, mut events) = phone(vec![trunk(host.port())]).await;
    phone.reserve(leg(1), dial(number())).await.unwrap();
    phone.send(leg(1)).await;
    let invite = host.sees("INVITE");
    host.says(&invite, "200 OK");
    host.sees("ACK");
    // The answers to the flood go elsewhere, and are not read.
    let flood = UdpSocket::bind((LOCAL, 0)).unwrap();
    let via = flood.local_addr().unwrap();
    for round in 0..ROUNDS {
        for one in 0..AT_ONCE {
            let call = format!("{round}-{one}");
            let text = format!(
                "INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            );
            flood.send_to(text.as_bytes(), host.phone).unwrap();
        }
        // The live call is heard each time, so the flood goes at the pace of the phone and not of a clock.
        host.asks(&invite, "OPTIONS", 1 + round);
        host.sees("SIP/2.0 200");
    }
    // A new call is made and answered in the middle of it, and the old one ends.
    phone.reserve(leg(2), dial(Address::Phone("+74951234568".parse().unwrap()))).await.unwrap();
    phone.send(leg(2)).await;
    let second = host.sees("INVITE");
    host.says(&second, "486 Busy");
    host.asks(&invite, "BYE", 1 + ROUNDS);
    let mut ended = Vec::new();
    while ended.len() < 2 {
        if let Some(PhoneEvent::Leg(key, _, LegEvent::Ended(cause, by))) = events.recv().await {
            ended.push((key, cause, by));
        }
    }
    ended.sort_unstable_by_key(|(key, ..)| *key);
    let expected = [(leg(1), Cause::Normal, EndedBy::Far), (leg(2), Cause::Sip(486), EndedBy::Far)];
    assert_eq!(ended, expected);
    let dropped = phone.dropped();
    assert!(dropped.flood > 0 && dropped.flood < u64::from(ROUNDS * AT_ONCE), "{dropped:?}");
}

/// A port where nobody listens.
fn shut() -> u16 {
    UdpSocket::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shut_port_is_found_out_and_the_next_trunk_is_called_soon() {
    let (mut silent, mut second) = (Host::new(), Host::new());
    let trunks = vec![trunk(shut()), TrunkConfig { prefer: 2, ..trunk(second.port()) }];
    let (phone, mut events) = phone(trunks).await;
    // A telephone that says nothing shows by its INVITEs (at 0, 0.5, 1.5 and 3.5 s) how far the phone's time has come.
    let deaf = Address::Sip(format!("sip:anna@127.0.0.1:{}", silent.port()).into());
    phone.reserve(leg(1), dial(deaf)).await.unwrap();
    phone.send(leg(1)).await;
    silent.sees("INVITE");
    phone.reserve(leg(2), dial(number())).await.unwrap();
    phone.send(leg(2)).await;
    let invite = second.sees("INVITE");
    silent.socket.set_nonblocking(true).unwrap();
    let heard = std::iter::from_fn(|| silent.socket.recv(&mut [0; 4096]).ok()).count();
    assert!(heard <= 2, "the second trunk is called after {heard} retransmissions");
    second.says(&invite, "486 Busy");
    let seen = until(&mut events, leg(2), is_end).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ended(Cause::Sip(486), EndedBy::Far)]);
}

#[tokio::test]
async fn without_another_trunk_a_shut_port_ends_the_leg() {
    let (phone, mut events) = phone(vec![trunk(shut())]).await;
    phone.reserve(leg(1), dial(number())).await.unwrap();
    phone.send(leg(1)).await;
    let seen = until(&mut events, leg(1), is_end).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ended(Cause::Trunk, EndedBy::Network)]);
    let off = Address::Sip(format!("sip:anna@127.0.0.1:{}", shut()).into());
    phone.reserve(leg(2), dial(off)).await.unwrap();
    phone.send(leg(2)).await;
    let seen = until(&mut events, leg(2), is_end).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ended(Cause::Sip(480), EndedBy::Network)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_no_sound_can_be_sent_to_is_hung_up() {
    let mut host = Host::new();
    let (phone, mut events) = phone(vec![trunk(host.port())]).await;
    for (number, address) in (1..).zip(["IP6 ::1", "IP6 2001:db8::9", "IP4 224.0.0.1"]) {
        let to = Address::Phone(format!("+7495000000{number}").parse().unwrap());
        phone.reserve(leg(number), dial(to)).await.unwrap();
        phone.send(leg(number)).await;
        let invite = host.sees("INVITE");
        host.says_from(&invite, "200 OK", address);
        let bye = host.sees("BYE");
        host.says(&bye, "200 OK");
        let seen = until(&mut events, leg(number), is_end).await;
        assert_eq!(seen.last(), Some(&LegEvent::Ended(Cause::Media, EndedBy::Us)), "{address}");
    }
}
