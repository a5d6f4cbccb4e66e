//! The sending half of a leg in virtual time: one time line, whatever sounds on it.

use super::*;
use crate::media::rtp::TelephoneEvent;
use crate::media::tones;

const ALAW: Target =
    Target { codec: Codec::Pcma, payload_type: 8, telephone_event: Some(96), receives: true };

/// A leg in virtual time: what it was sent, and what it told.
struct Story {
    start: Instant,
    now: Duration,
    egress: Egress,
    sent: Vec<(Duration, Header, Vec<u8>)>,
    told: Vec<MediaEvent>,
}

impl Story {
    fn new(target: Target) -> Self {
        let start = Instant::now();
        let mut egress = Egress::new(start, [7, u32::MAX - 400, 65_530]);
        egress.connect(target);
        Self { start, now: Duration::ZERO, egress, sent: Vec::new(), told: Vec::new() }
    }

    /// Ticks so many frames of 20 ms.
    fn tick(&mut self, frames: u32) {
        for _ in 0..frames {
            let Self { start, now, egress, sent, told } = self;
            let mut send = |packet: &[u8]| {
                let (header, payload) = Header::parse(packet).unwrap();
                sent.push((*now, header, packet[payload].to_vec()));
            };
            egress.tick(*start + *now, &mut send, &mut |event| told.push(event));
            self.now += FRAME;
        }
    }

    /// A packet of the other side arrives; whether it was sent on.
    fn relay(&mut self, ssrc: u32, sequence: u16, timestamp: u32, payload: &[u8]) -> bool {
        self.relay_as(
            Header { payload_type: 8, marker: false, sequence, timestamp, ssrc },
            Kind::Voice(Codec::Pcma),
            payload,
            None,
        )
    }

    fn relay_as(&mut self, header: Header, kind: Kind, payload: &[u8], pressed: Option<char>) -> bool {
        let mut packet = [&header.octets(), payload].concat();
        let inbound = Inbound { header, kind, payload: HEADER..packet.len(), pressed };
        let part = self.egress.relay(self.start + self.now, &inbound, &mut packet);
        part.is_some_and(|part| {
            let (header, payload) = Header::parse(&packet[part.clone()]).unwrap();
            self.sent.push((self.now, header, packet[part][payload].to_vec()));
            true
        })
    }

    /// The first octets of all payloads, `.` for silence.
    fn heard(&self) -> String {
        self.sent
            .iter()
            .map(|(_, _, payload)| if payload[0] == 0xD5 { '.' } else { char::from(payload[0]) })
            .collect()
    }

    /// Sequence numbers without a hole, timestamps that never go back and stay near the clock.
    fn assert_one_time_line(&self, slack: Duration) {
        for pair in self.sent.windows(2) {
            assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
            assert!(timestamp_behind(pair[0].1.timestamp, pair[1].1.timestamp) >= 0);
            assert_eq!(pair[0].1.ssrc, 7);
        }
        for (at, header, _) in &self.sent {
            let ahead = timestamp_behind(self.egress.wall(self.start + *at), header.timestamp).unsigned_abs();
            assert!(u64::from(ahead) <= samples_in(slack), "{at:?} {ahead}");
        }
    }

    fn markers(&self) -> Vec<usize> {
        self.sent.iter().enumerate().filter(|(_, (_, header, _))| header.marker).map(|(n, _)| n).collect()
    }
}

/// A sound of so many samples of one octet of A-law.
fn sound(octet: u8, samples: usize) -> Arc<Sound> {
    Arc::new(Sound::from_samples(std::iter::repeat_n(Codec::Pcma.decode(octet), samples)))
}

#[test]
fn silence_never_stops_and_has_one_time_line() {
    let mut story = Story::new(ALAW);
    story.tick(50);
    assert_eq!(story.heard(), ".".repeat(50));
    assert_eq!(story.sent[0].2, [0xD5; 160]);
    assert_eq!(story.markers(), [0]);
    story.assert_one_time_line(Duration::ZERO);
    let mut story = Story::new(Target { codec: Codec::Pcmu, payload_type: 0, ..ALAW });
    story.tick(1);
    assert_eq!((story.sent[0].1.payload_type, &story.sent[0].2), (0, &vec![0xFF; 160]));
}

#[test]
fn nothing_is_sent_before_the_answer_and_a_prompt_waits_for_it() {
    let mut story = Story::new(ALAW);
    story.egress.target = None;
    story.egress.play(3, sound(b'a', 320), false);
    story.tick(5);
    assert!(!story.relay(1, 1, 160, b"x"));
    assert_eq!(story.sent.len(), 0);
    story.egress.connect(ALAW);
    story.tick(4);
    assert_eq!(story.heard(), "aa..");
}

#[test]
fn a_prompt_is_told_to_be_played_once_at_its_end() {
    let mut story = Story::new(ALAW);
    story.tick(1);
    story.egress.play(3, sound(b'a', 330), false);
    story.tick(3);
    assert_eq!((story.heard(), story.told.len()), (".aaa".into(), 0));
    assert_eq!(story.sent[3].2[10..], [0xD5; 150]);
    story.tick(3);
    assert_eq!((story.heard(), &story.told), (".aaa...".into(), &vec![MediaEvent::Played(3)]));
    assert_eq!(story.markers(), [0]);
    story.assert_one_time_line(Duration::ZERO);
}

#[test]
fn what_repeats_is_replaced_or_stopped_is_not_told_to_be_played() {
    let mut story = Story::new(ALAW);
    story.egress.play(1, sound(b'a', 240), true);
    story.tick(3);
    assert_eq!(story.sent[1].2, [b'a'; 160]);
    story.egress.play(2, sound(b'b', 800), false);
    story.tick(2);
    story.egress.play(3, sound(b'c', 160), false);
    story.tick(2);
    story.egress.play(4, sound(b'd', 800), false);
    story.tick(1);
    story.egress.stop();
    story.tick(1);
    assert_eq!((story.heard(), story.told), ("aaabbc.d.".into(), vec![MediaEvent::Played(3)]));
}

#[test]
fn a_bridge_keeps_the_deltas_of_the_source() {
    let mut story = Story::new(ALAW);
    story.tick(3);
    story.egress.bridge();
    // Two are swapped, one is lost.
    for (sequence, octet) in [(100, b"1"), (102, b"3"), (101, b"2"), (104, b"5")] {
        assert!(story.relay(1, sequence, 5_000 + 160 * u32::from(sequence), octet));
        story.now += FRAME;
    }
    let numbers: Vec<_> = story
        .sent
        .iter()
        .skip(3)
        .map(|(_, header, _)| header.sequence.wrapping_sub(story.sent[2].1.sequence))
        .collect();
    assert_eq!(numbers, [1, 3, 2, 5]);
    let times: Vec<_> = story
        .sent
        .iter()
        .skip(3)
        .map(|(_, header, _)| header.timestamp.wrapping_sub(story.sent[3].1.timestamp))
        .collect();
    assert_eq!(times, [0, 320, 160, 640]);
    assert_eq!(story.markers(), [0, 3]);
    assert!(!story.relay(1, 99, 5_000 + 160 * 99, b"0"), "a straggler from before the splice");
}

#[test]
fn silence_fills_the_gaps_of_a_bridge() {
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    story.tick(2);
    for sequence in 0..3_u16 {
        assert!(story.relay(1, sequence, 160 * u32::from(sequence), b"x"));
        story.tick(1);
    }
    story.tick(5);
    assert!(story.relay(1, 8, 160 * 8, b"x"));
    story.tick(4);
    assert_eq!(story.heard(), "..xxx...x.");
    assert_eq!(story.markers(), [0, 2, 5, 8, 9]);
    story.assert_one_time_line(Duration::from_millis(40));
}

#[test]
fn another_source_a_leap_or_a_wrong_clock_is_a_new_splice() {
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    let mut sequence = 0_u16;
    for (ssrc, leap, jump) in [(1, 0, 0), (2, 0, 0), (2, 5_000, 0), (2, 0, 100_000), (3, 40_000, 9)] {
        sequence = sequence.wrapping_add(leap);
        for _ in 0..10 {
            sequence = sequence.wrapping_add(1);
            assert!(story.relay(ssrc, sequence, jump + 160 * u32::from(sequence), b"x"));
            story.now += FRAME;
        }
    }
    assert_eq!(story.markers(), [0, 10, 20, 30, 40]);
    story.assert_one_time_line(Duration::from_millis(1));
}

#[test]
fn a_warning_is_heard_over_the_bridge_and_the_bridge_goes_on() {
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    for sequence in 0..10_u16 {
        if sequence == 4 {
            story.egress.play(9, sound(b'w', 480), false);
        }
        let sent = story.relay(1, sequence, 160 * u32::from(sequence), b"x");
        assert_eq!(sent, !(4..7).contains(&sequence), "{sequence}");
        story.tick(1);
    }
    assert_eq!((story.heard(), &story.told), ("xxxxwwwxxx".into(), &vec![MediaEvent::Played(9)]));
    assert_eq!(story.markers(), [0, 4, 7]);
    story.assert_one_time_line(Duration::from_millis(20));
}

#[test]
fn after_the_bridge_there_is_silence_at_once() {
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    assert!(story.relay(1, 1, 160, b"x"));
    story.tick(1);
    story.egress.unbridge();
    assert!(!story.relay(1, 2, 320, b"x"));
    story.tick(2);
    assert_eq!(story.heard(), "x..");
}

#[test]
fn the_laws_are_rewritten_where_they_differ() {
    let mut story = Story::new(Target { codec: Codec::Pcmu, payload_type: 0, ..ALAW });
    story.egress.bridge();
    assert!(story.relay(1, 1, 160, &[0xD5; 160]));
    assert_eq!((story.sent[0].1.payload_type, Codec::Pcmu.decode(story.sent[0].2[0])), (0, 8));
}

#[test]
fn keys_are_events_on_the_time_line() {
    let mut story = Story::new(ALAW);
    story.tick(2);
    story.egress.send_digits(&"1#".parse().unwrap());
    story.tick(22);
    let events: Vec<_> = story.sent.iter().filter(|(_, header, _)| header.payload_type == 96).collect();
    let text: Vec<_> = events
        .iter()
        .map(|(_, header, payload)| {
            let event = TelephoneEvent::parse(payload).unwrap();
            format!(
                "{}{}{}{}",
                if header.marker { "m" } else { "" },
                event.code,
                if event.end { "e" } else { ":" },
                event.duration
            )
        })
        .collect();
    assert_eq!(text[..7], ["m1:160", "1:320", "1:480", "1:640", "1e800", "1e800", "1e800"]);
    assert_eq!(text[7..], ["m11:160", "11:320", "11:480", "11:640", "11e800", "11e800", "11e800"]);
    let start = events[0].1.timestamp;
    assert!(events[..7].iter().all(|(_, header, _)| header.timestamp == start));
    assert_eq!(events[7].1.timestamp, start.wrapping_add(1_600));
    let after = story.sent.iter().position(|(at, ..)| *at == Duration::from_millis(140)).unwrap();
    assert_eq!(story.sent[after].1.timestamp, start.wrapping_add(800));
    assert_eq!(story.told, [MediaEvent::DigitsSent]);
    story.assert_one_time_line(Duration::from_millis(100));
}

#[test]
fn a_pause_is_two_seconds_of_silence_and_nothing_else_sounds_meanwhile() {
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    story.egress.send_digits(&",5".parse().unwrap());
    story.tick(1);
    assert!(!story.relay(1, 1, 160, b"x"));
    story.tick(99);
    assert_eq!(story.heard(), ".".repeat(100));
    story.tick(10);
    assert_eq!(story.told, []);
    story.tick(1);
    assert_eq!(story.told, [MediaEvent::DigitsSent]);
    assert!(story.relay(1, 2, 320, b"x"));
}

#[test]
fn without_events_keys_are_tones_that_an_ear_hears() {
    let mut story = Story::new(Target { telephone_event: None, ..ALAW });
    story.egress.send_digits(&"190#".parse().unwrap());
    story.tick(41);
    let mut ear = tones::ToneEar::new();
    let heard: String =
        story.sent.iter().filter_map(|(_, _, payload)| ear.hear(Codec::Pcma, payload)).collect();
    assert_eq!((heard.as_str(), story.told.len()), ("190#", 1));
    story.assert_one_time_line(Duration::ZERO);
}

#[test]
fn an_event_crosses_the_bridge_with_the_other_payload_type_or_as_a_tone() {
    let press = |story: &mut Story| {
        for packet in 0..5_u16 {
            let header =
                Header { payload_type: 101, marker: packet == 0, sequence: packet, timestamp: 160, ssrc: 1 };
            let event = TelephoneEvent { code: 5, end: packet == 4, duration: 160 * (packet + 1) };
            story.relay_as(header, Kind::Event(event), &event.octets(), (packet == 0).then_some('5'));
            story.tick(1);
        }
    };
    let mut story = Story::new(ALAW);
    story.egress.bridge();
    press(&mut story);
    assert!(
        story
            .sent
            .iter()
            .all(|(_, header, _)| (header.payload_type, header.timestamp) == (96, story.sent[0].1.timestamp))
    );
    assert_eq!((story.sent.len(), story.markers()), (5, vec![0]));

    let mut story = Story::new(Target { telephone_event: None, ..ALAW });
    story.egress.bridge();
    press(&mut story);
    story.tick(10);
    let mut ear = tones::ToneEar::new();
    let heard: String =
        story.sent.iter().filter_map(|(_, _, payload)| ear.hear(Codec::Pcma, payload)).collect();
    assert_eq!((heard.as_str(), story.told.len()), ("5", 0));
}

#[test]
fn a_leg_on_hold_is_sent_nothing_and_its_time_goes_on() {
    let mut story = Story::new(ALAW);
    story.tick(2);
    story.egress.connect(Target { receives: false, ..ALAW });
    story.egress.play(1, sound(b'a', 160), false);
    story.egress.bridge();
    assert!(!story.relay(1, 1, 160, b"x"));
    story.tick(50);
    assert_eq!(story.sent.len(), 2);
    story.egress.connect(ALAW);
    story.tick(1);
    assert_eq!((story.heard(), story.markers()), ("...".into(), vec![0, 2]));
    story.assert_one_time_line(Duration::ZERO);
}

#[test]
fn a_thread_that_slept_jumps_in_time() {
    let mut story = Story::new(ALAW);
    story.tick(2);
    story.now += Duration::from_secs(3);
    story.tick(2);
    assert_eq!(story.markers(), [0, 2]);
    story.assert_one_time_line(Duration::ZERO);
}
