//! The media over real sockets of the loopback address: telephones that speak, hear, press keys and attack.

use super::egress::{FRAME, Kind};
use super::leg::{Leg, Output};
use super::rtcp::Clock;
use super::rtp::{HEADER, Header, TelephoneEvent};
use super::*;
use callback_core::flow::Prompt;
use callback_core::id::{LegId, OrderId};
use std::time::Duration;
use uuid::Uuid;

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// Longer than anything here takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(leg: u16) -> LegKey {
    LegKey { call: OrderId(Uuid::from_u128(1)), leg: LegId(leg) }
}

fn start(ports: RangeInclusive<u16>) -> (Media, mpsc::Receiver<(LegKey, MediaEvent)>) {
    Media::start(MediaConfig { address: LOCAL, advertised: None, ports }).unwrap()
}

/// A telephone: an RTP socket and the RTCP socket beside it.
struct Telephone {
    media: Media,
    key: LegKey,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    to: SocketAddr,
    sequence: u16,
}

/// A packet that a telephone got.
struct Got {
    header: Header,
    payload: Vec<u8>,
}

impl Telephone {
    /// A telephone whose leg is open, and not connected yet.
    fn ringing(media: &Media, leg: u16) -> Self {
        let to = media.open(key(leg)).unwrap().address;
        let (rtp, rtcp) = std::iter::repeat_with(|| {
            let rtp = UdpSocket::bind((LOCAL, 0)).unwrap();
            let next = rtp.local_addr().unwrap().port().checked_add(1);
            next.and_then(|port| UdpSocket::bind((LOCAL, port)).ok()).map(|rtcp| (rtp, rtcp))
        })
        .flatten()
        .next()
        .unwrap();
        rtp.set_read_timeout(Some(PATIENCE)).unwrap();
        rtcp.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { media: media.clone(), key: key(leg), rtp, rtcp, to, sequence: 0 }
    }

    fn answered(media: &Media, leg: u16, codec: Codec) -> Self {
        let telephone = Self::ringing(media, leg);
        telephone.connect(|remote| Remote { codec, payload_type: codec.payload_type(), ..remote });
        telephone
    }

    fn connect(&self, change: impl FnOnce(Remote) -> Remote) {
        let rtp = self.rtp.local_addr().unwrap();
        let remote = Remote {
            rtp,
            codec: Codec::Pcma,
            payload_type: 8,
            telephone_event: Some(101),
            receives: true,
            sends: true,
        };
        self.media.connect(self.key, change(remote)).unwrap();
    }

    /// Sends a payload as the next 20 ms.
    fn send(&mut self, payload_type: u8, payload: &[u8]) {
        self.sequence += 1;
        let timestamp = 160 * u32::from(self.sequence);
        self.send_at(payload_type, timestamp, payload);
    }

    fn send_at(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let ssrc = u32::from(self.key.leg.0);
        let header = Header { payload_type, marker: false, sequence: self.sequence, timestamp, ssrc };
        self.rtp.send_to(&[&header.octets(), payload].concat(), self.to).unwrap();
    }

    fn receive(&self) -> Got {
        let mut buffer = [0; 2048];
        let (length, from) = self.rtp.recv_from(&mut buffer).expect("the media went silent");
        assert_eq!(from, self.to);
        let (header, payload) = Header::parse(&buffer[..length]).unwrap();
        Got { header, payload: buffer[payload].to_vec() }
    }

    /// What comes next that begins with this octet.
    fn receive_voice(&self, octet: u8) -> Got {
        std::iter::repeat_with(|| self.receive())
            .take(1_000)
            .find(|got| got.payload[0] == octet)
            .expect("not heard")
    }
}

fn next(events: &mut mpsc::Receiver<(LegKey, MediaEvent)>) -> (LegKey, MediaEvent) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, events.recv()).await })
        .expect("no event")
        .expect("ended")
}

#[test]
fn two_bridged_legs_hear_each_other_without_a_gap() {
    let (media, _events) = start(20_000..=20_199);
    let mut a = Telephone::answered(&media, 1, Codec::Pcma);
    let mut b = Telephone::answered(&media, 2, Codec::Pcmu);
    media.bridge(a.key, b.key);
    // Each sends in answer to what it gets, so the test runs at the pace of the media and not of a clock.
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    while of_a.len() < 100 || of_b.len() < 100 {
        a.send(8, &[0x10; 160]);
        b.send(0, &[0x20; 160]);
        of_b.push(a.receive());
        of_a.push(b.receive());
    }
    let mut there = [0x20];
    Codec::Pcmu.rewrite(Codec::Pcma, &mut there);
    let voice = of_b.iter().filter(|got| got.payload == [there[0]; 160]).count();
    assert!(voice >= 90, "{voice} of {}", of_b.len());
    Codec::Pcma.rewrite(Codec::Pcmu, &mut { there });
    for heard in [of_a, of_b] {
        for pair in heard.windows(2) {
            assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
            assert_eq!(pair[1].header.ssrc, pair[0].header.ssrc);
        }
    }
    media.unbridge(a.key, b.key);
    a.receive_voice(0xD5);
    b.receive_voice(0xFF);
}

#[test]
fn an_attacker_is_heard_by_nobody_and_gets_nothing() {
    let (media, mut events) = start(20_200..=20_399);
    let mut a = Telephone::answered(&media, 1, Codec::Pcma);
    let b = Telephone::answered(&media, 2, Codec::Pcma);
    media.bridge(a.key, b.key);
    let attacker = UdpSocket::bind((LOCAL, 0)).unwrap();
    attacker.set_nonblocking(true).unwrap();
    let mut buffer = [0; 2048];
    for sequence in 0..200_u16 {
        let header = Header {
            payload_type: 8,
            marker: false,
            sequence,
            timestamp: 160 * u32::from(sequence),
            ssrc: 1,
        };
        let event = TelephoneEvent { code: 9, end: true, duration: 800 };
        let press = Header { payload_type: 101, ..header };
        for to in [a.to, b.to, leg::rtcp_address(a.to)] {
            attacker.send_to(&[&header.octets()[..], &[0x66; 160]].concat(), to).unwrap();
            attacker.send_to(&[&press.octets()[..], &event.octets()].concat(), to).unwrap();
        }
        a.send(8, &[0x10; 160]);
        let got = b.receive();
        assert_ne!(got.payload[0], 0x66, "the attacker was heard");
        assert_eq!(
            attacker.recv_from(&mut buffer).map_err(|error| error.kind()),
            Err(io::ErrorKind::WouldBlock)
        );
    }
    // The last packet of A closes the story: what the attacker sent came before it.
    a.send(8, &[0x11; 160]);
    b.receive_voice(0x11);
    let quality = media.close(a.key).blocking_recv().unwrap();
    assert!(quality.rejected >= 400, "{quality:?}");
    assert_eq!((quality.packets_received, quality.packets_lost), (201, 0));
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let keys = told.filter(|(_, event)| matches!(event, MediaEvent::Digit(_))).count();
    assert_eq!(keys, 0, "the attacker pressed a key");
}

#[test]
fn before_the_answer_nobody_is_heard_and_nothing_is_sent() {
    let (media, mut events) = start(20_400..=20_599);
    let mut a = Telephone::ringing(&media, 1);
    let b = Telephone::answered(&media, 2, Codec::Pcma);
    media.bridge(a.key, b.key);
    for _ in 0..10 {
        a.send(8, &[0x33; 160]);
        assert_eq!(b.receive().payload, [0xD5; 160]);
    }
    a.rtp.set_nonblocking(true).unwrap();
    assert!(a.rtp.recv_from(&mut [0; 100]).is_err());
    let quality = media.close(a.key).blocking_recv().unwrap();
    assert_eq!((quality.packets_received, quality.packets_sent, quality.rejected), (0, 0, 10));
    assert!(
        matches!(events.try_recv(), Ok((_, MediaEvent::Closed(_))) | Err(_)),
        "nothing but its end is told"
    );
}

#[test]
fn who_goes_on_sending_to_a_port_of_another_leg_is_a_stranger_there() {
    let ports = 21_700..=21_703;
    let (media, mut events) = start(ports.clone());
    let mut old = Telephone::answered(&media, 1, Codec::Pcma);
    let b = Telephone::answered(&media, 2, Codec::Pcma);
    old.receive();
    media.close(old.key).blocking_recv().unwrap();
    old.rtp.set_nonblocking(true).unwrap();
    while old.rtp.recv(&mut [0; 2048]).is_ok() {}
    // The pair has rested.
    *media.shared.ports.lock().unwrap() = PortPool::new(&ports, 0);
    let mut fresh = Telephone::ringing(&media, 3);
    assert_eq!(fresh.to, old.to);
    media.bridge(fresh.key, b.key);
    for round in 0..40 {
        if round == 20 {
            fresh.connect(|remote| remote);
        }
        old.send(8, &[0x66; 160]);
        old.send(101, &TelephoneEvent { code: 9, end: true, duration: 800 }.octets());
        assert_ne!(b.receive().payload[0], 0x66, "the old telephone was heard");
    }
    fresh.send(8, &[0x11; 160]);
    b.receive_voice(0x11);
    assert_eq!(old.rtp.recv(&mut [0; 2048]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let quality = media.close(fresh.key).blocking_recv().unwrap();
    assert_eq!((quality.rejected, quality.packets_received), (80, 1));
    let told = std::iter::from_fn(|| events.try_recv().ok());
    assert_eq!(told.filter(|(_, event)| matches!(event, MediaEvent::Digit(_))).count(), 0, "a key was heard");
}

#[test]
fn a_prompt_is_heard_to_its_end_and_told() {
    let (media, mut events) = start(20_600..=20_799);
    let a = Telephone::answered(&media, 1, Codec::Pcma);
    let sound = prompt::builtin(prompt::Language::En, Prompt::TalkEnds).unwrap();
    media.play(a.key, 7, Arc::clone(&sound), false);
    assert_eq!(next(&mut events), (a.key, MediaEvent::Played(7)));
    let octets = sound.octets(Codec::Pcma);
    a.rtp.set_nonblocking(true).unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 2048];
    while let Ok((length, _)) = a.rtp.recv_from(&mut buffer) {
        heard.extend_from_slice(&buffer[HEADER..length]);
    }
    assert!(heard.windows(octets.len()).step_by(160).any(|window| window == octets), "not what was played");
}

#[test]
fn keys_arrive_on_both_ways_and_across_the_bridge() {
    let (media, mut events) = start(20_800..=20_999);
    let mut a = Telephone::answered(&media, 1, Codec::Pcma);
    let b = Telephone::answered(&media, 2, Codec::Pcma);
    b.connect(|remote| Remote { telephone_event: Some(96), ..remote });
    media.send_digits(b.key, "5".parse().unwrap());
    assert_eq!(next(&mut events), (b.key, MediaEvent::DigitsSent));
    let sent: Vec<_> =
        (0..1_000).map(|_| b.receive()).filter(|got| got.header.payload_type == 96).take(7).collect();
    assert_eq!(
        TelephoneEvent::parse(&sent[6].payload),
        Some(TelephoneEvent { code: 5, end: true, duration: 800 })
    );

    media.bridge(a.key, b.key);
    for packet in 1..=3_u16 {
        a.sequence += 1;
        a.send_at(101, 160, &TelephoneEvent { code: 11, end: packet == 3, duration: 320 * packet }.octets());
    }
    assert_eq!(next(&mut events), (a.key, MediaEvent::Digit('#')));
    let passed =
        std::iter::repeat_with(|| b.receive()).take(1_000).find(|got| got.header.payload_type == 96).unwrap();
    assert_eq!(passed.payload[0], 11);
}

#[test]
fn keys_in_the_voice_are_heard() {
    let (media, mut events) = start(21_000..=21_199);
    let mut a = Telephone::answered(&media, 1, Codec::Pcmu);
    let tone = Sound::from_samples((0..800).map(|n| sound::to_i16(tones::sample('8', n))));
    tone.octets(Codec::Pcmu).chunks(160).for_each(|frame| a.send(0, frame));
    assert_eq!(next(&mut events), (a.key, MediaEvent::Digit('8')));
}

#[test]
fn hold_and_a_moved_address_are_followed() {
    let (media, _events) = start(21_200..=21_399);
    let mut a = Telephone::answered(&media, 1, Codec::Pcma);
    let mut b = Telephone::answered(&media, 2, Codec::Pcma);
    media.bridge(a.key, b.key);
    a.send(8, &[0x10; 160]);
    b.receive_voice(0x10);
    // A moves to another telephone; the old one is a stranger from then on.
    let moved = UdpSocket::bind((LOCAL, 0)).unwrap();
    let old = std::mem::replace(&mut a.rtp, moved);
    a.rtp.set_read_timeout(Some(PATIENCE)).unwrap();
    a.connect(|remote| remote);
    a.receive(); // from here on the media knows
    let stranger = Header { payload_type: 8, marker: false, sequence: 2, timestamp: 320, ssrc: 1 };
    old.send_to(&[&stranger.octets()[..], &[0x66; 160]].concat(), a.to).unwrap();
    a.send(8, &[0x12; 160]);
    let heard =
        std::iter::repeat_with(|| b.receive()).take(1_000).find(|got| got.payload[0] != 0xD5).unwrap();
    assert_eq!(heard.payload[0], 0x12);
    b.send(8, &[0x20; 160]);
    a.receive_voice(0x20);
    assert_eq!(media.close(a.key).blocking_recv().unwrap().rejected, 1);
}

#[test]
fn a_leg_says_goodbye_and_its_ports_rest() {
    let (media, _events) = start(21_400..=21_403);
    let a = Telephone::answered(&media, 1, Codec::Pcma);
    a.receive();
    assert!(media.open(key(2)).is_ok());
    assert!(matches!(media.open(key(3)), Err(NoPort::Exhausted)));
    let quality = media.close(a.key).blocking_recv().unwrap();
    assert!(quality.packets_sent >= 1);
    let mut buffer = [0; 2048];
    let (length, from) = a.rtcp.recv_from(&mut buffer).unwrap();
    assert_eq!(from, leg::rtcp_address(a.to));
    assert_eq!(buffer[length - 8..length - 4], [0x81, 203, 0, 1]);
    assert!(matches!(media.open(key(3)), Err(NoPort::Exhausted)), "the pair rests");
    assert!(media.close(a.key).blocking_recv().is_err(), "it was closed");
}

#[test]
fn the_media_ends_with_its_last_handle() {
    let (media, mut events) = start(21_600..=21_699);
    let a = Telephone::answered(&media, 1, Codec::Pcma);
    a.receive();
    let clone = media.clone();
    drop(media);
    clone.play(a.key, 1, Arc::new(Sound::silence(FRAME)), false);
    assert_eq!(next(&mut events), (a.key, MediaEvent::Played(1)));
    let Telephone { media, rtcp, .. } = a;
    drop((clone, media));
    assert_eq!(events.blocking_recv(), None);
    assert!(rtcp.recv_from(&mut [0; 2048]).is_ok(), "a goodbye");
}

#[test]
fn ports_without_a_pair_are_refused_at_the_start() {
    for ports in [20_001..=20_002, 20_000..=20_000] {
        let error = Media::start(MediaConfig { address: LOCAL, advertised: None, ports }).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn addresses_that_are_nobodys_telephone_are_refused() {
    let remote = |text: &str| Remote {
        rtp: text.parse().unwrap(),
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: None,
        receives: true,
        sends: true,
    };
    let outside = MediaConfig {
        address: "192.0.2.7".parse().unwrap(),
        advertised: Some("203.0.113.5".parse().unwrap()),
        ports: 20_000..=30_000,
    };
    let inside = MediaConfig { address: LOCAL, advertised: None, ports: 20_000..=30_000 };
    use RefusedAddress::{Loopback, NotOneHost, OtherFamily, Own};
    for (text, from_outside, from_inside) in [
        ("198.51.100.1:4000", Ok(()), Ok(())),
        ("224.0.0.1:4000", Err(NotOneHost), Err(NotOneHost)),
        ("[ff02::1]:4000", Err(NotOneHost), Err(NotOneHost)),
        ("[::ffff:224.0.0.1]:4000", Err(NotOneHost), Err(NotOneHost)),
        ("255.255.255.255:4000", Err(NotOneHost), Err(NotOneHost)),
        ("0.0.0.0:4000", Err(NotOneHost), Err(NotOneHost)),
        ("198.51.100.1:0", Err(NotOneHost), Err(NotOneHost)),
        ("127.0.0.1:4000", Err(Loopback), Ok(())),
        ("[::1]:4000", Err(OtherFamily), Err(OtherFamily)),
        ("[2001:db8::9]:4000", Err(OtherFamily), Err(OtherFamily)),
        ("192.0.2.7:20010", Err(Own), Ok(())),
        ("203.0.113.5:20010", Err(Own), Ok(())),
        ("203.0.113.5:40000", Ok(()), Ok(())),
    ] {
        assert_eq!(outside.allows(&remote(text)), from_outside, "{text}");
        assert_eq!(inside.allows(&remote(text)), from_inside, "{text}");
    }
    for text in ["0.0.0.0:0", "[::]:0"] {
        let held = Remote { receives: false, ..remote(text) };
        assert_eq!(outside.allows(&held), Ok(()));
    }
}

/// A leg in virtual time, answered, with its far end at this address.
fn leg(start: Instant) -> (Leg, Remote) {
    let mut leg = Leg::new(start, Clock::new(start, Duration::ZERO), [1, 2, 3, 4, 5]);
    let remote = Remote {
        rtp: "192.0.2.9:4000".parse().unwrap(),
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: Some(96),
        receives: true,
        sends: true,
    };
    assert_eq!(leg.connect(start, remote), None);
    (leg, remote)
}

fn packet(payload_type: u8, sequence: u16) -> Vec<u8> {
    let header =
        Header { payload_type, marker: false, sequence, timestamp: 160 * u32::from(sequence), ssrc: 5 };
    [&header.octets()[..], &[0xD5; 160]].concat()
}

#[test]
fn a_leg_that_falls_silent_is_told_with_the_moment_of_its_last_packet() {
    let start = Instant::now();
    let (mut leg, remote) = leg(start);
    let mut told = Vec::new();
    let mut reports = 0;
    for frame in 0..50 * 60_u32 {
        let now = start + frame * FRAME;
        if frame < 500 {
            leg.rtp(now, remote.rtp, &packet(8, u16::try_from(frame).unwrap()), &mut |event| {
                told.push(event)
            });
        }
        leg.tick(now, &mut |output| match output {
            Output::Tell(event) => told.push(event),
            Output::Rtcp(_) => reports += 1,
            Output::Rtp(_) => {}
        });
    }
    assert_eq!(told, [MediaEvent::MediaLost { first: false, since: start + 499 * FRAME }]);
    assert!((8..=24).contains(&reports), "{reports} reports in a minute");
    let (quality, goodbye) = leg.close(start + Duration::from_secs(60));
    assert_eq!((quality.packets_sent, quality.packets_received, quality.packets_lost), (3_000, 500, 0));
    assert!(goodbye.is_some() && quality.mos() > Some(4.4));
}

#[test]
fn a_leg_takes_what_was_agreed_and_nothing_else() {
    let start = Instant::now();
    let (mut leg, remote) = leg(start);
    let mut kind = |from: &str, packet: &[u8]| {
        leg.rtp(start, from.parse().unwrap(), packet, &mut |_| {}).map(|inbound| inbound.kind)
    };
    let here = remote.rtp.to_string();
    assert_eq!(kind(&here, &packet(8, 1)), Some(Kind::Voice(Codec::Pcma)));
    assert_eq!(kind(&here, &packet(0, 2)), Some(Kind::Voice(Codec::Pcmu)), "the other law of G.711");
    assert!(matches!(kind(&here, &packet(96, 3)), Some(Kind::Event(_))));
    assert!(matches!(kind(&here, &packet(101, 4)), Some(Kind::Event(_))), "the number of our offer");
    assert_eq!(kind(&here, &packet(13, 5)), None, "comfort noise");
    assert_eq!(kind(&here, &packet(18, 6)), None, "G.729");
    assert_eq!(kind(&here, b"not RTP"), None);
    assert_eq!(kind("192.0.2.9:4001", &packet(8, 7)), None, "another port");
    assert_eq!(kind("192.0.2.8:4000", &packet(8, 8)), None, "another host");
    assert_eq!(leg.close(start).0.rejected, 2);
}
