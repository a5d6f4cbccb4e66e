//! What one leg is sent: one SSRC, one sequence and one time line for its whole life (RFC 3550, RFC 3551), whatever
//! sounds on it: silence, a prompt, keys, or the other side of a bridge. Where the source changes, the time line goes on
//! and a marker says so. It knows no sockets and reads no clock.

use super::MediaEvent;
use super::dtmf::{self, Keys, Step};
use super::law::Codec;
use super::rtp::{HEADER, Header, TelephoneEvent, sequence_behind, timestamp_behind};
use super::sound::{Sound, samples_in, to_i16};
use super::tones;
use callback_core::plan::Digits;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length of our own packets.
pub(super) const FRAME: Duration = Duration::from_millis(20);
const SAMPLES: u16 = 160;
const OCTETS: usize = SAMPLES as usize;

/// A bridged leg that got nothing for so long is sent silence. Longer than a packet or two that are late.
const FILL_AFTER: Duration = Duration::from_millis(60);
/// Our own sound that fell behind by more than this (80 ms) is caught up with a jump of the timestamp.
const LAG: i32 = 640;
/// A source whose clock ran away by more than this (2 s) is spliced anew.
const DRIFT: u32 = 16_000;
/// A source whose sequence jumped by more than this is spliced anew.
const LEAP: u16 = 1_000;

/// What a leg agreed to receive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    pub(super) telephone_event: Option<u8>,
    pub(super) receives: bool,
}

/// What came from the other side of a bridge, as its leg understood it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Inbound {
    pub(super) header: Header,
    pub(super) kind: Kind,
    /// Where the payload lies in the packet.
    pub(super) payload: Range<usize>,
    /// A key that was pressed in it.
    pub(super) pressed: Option<char>,
}

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Voice(Codec),
    Event(TelephoneEvent),
}

/// The sending half of a leg.
#[derive(Debug)]
pub(super) struct Egress {
    ssrc: u32,
    born: Instant,
    /// The timestamp of the birth; that of each later moment lies 8 a millisecond above.
    base: u32,
    /// The sequence number and the least timestamp of the next packet.
    sequence: u16,
    timestamp: u32,
    source: Source,
    target: Option<Target>,
    playing: Option<Playing>,
    keys: Option<Keys>,
    /// The timestamp of the event that is being sent.
    event: u32,
    bridged: bool,
    last_sent: Option<Instant>,
    fill_after: Duration,
    packets: u32,
    octets: u32,
}

/// Where the last packet came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Nothing,
    Own,
    Relay(Splice),
}

/// How the numbers of a source become ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Splice {
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The source's own sequence number at the splice, and the highest since.
    first: u16,
    highest: u16,
}

#[derive(Debug)]
struct Playing {
    number: u16,
    sound: Arc<Sound>,
    again: bool,
    at: usize,
}

impl Egress {
    /// `random` makes the SSRC and the beginnings of sequence and timestamp.
    pub(super) fn new(now: Instant, random: [u32; 3]) -> Self {
        let [ssrc, base, sequence] = random;
        let [_, _, high, low] = sequence.to_be_bytes();
        Self {
            ssrc,
            born: now,
            base,
            sequence: u16::from_be_bytes([high, low]),
            timestamp: base,
            source: Source::Nothing,
            target: None,
            playing: None,
            keys: None,
            event: base,
            bridged: false,
            last_sent: None,
            fill_after: FILL_AFTER,
            packets: 0,
            octets: 0,
        }
    }

    /// Packets and octets of payload sent so far.
    pub(super) fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// The timestamp of a moment.
    pub(super) fn wall(&self, now: Instant) -> u32 {
        let [.., a, b, c, d] = samples_in(now.saturating_duration_since(self.born)).to_be_bytes();
        self.base.wrapping_add(u32::from_be_bytes([a, b, c, d]))
    }

    /// Begins to send, or sends otherwise than before.
    pub(super) fn connect(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// Plays a sound instead of what plays; over a bridge it is heard by this leg alone.
    pub(super) fn play(&mut self, number: u16, sound: Arc<Sound>, again: bool) {
        self.playing = Some(Playing { number, sound, again, at: 0 });
    }

    pub(super) fn stop(&mut self) {
        self.playing = None;
    }

    /// From now on the other side is heard; what plays is stopped.
    pub(super) fn bridge(&mut self) {
        (self.bridged, self.playing, self.fill_after) = (true, None, FILL_AFTER);
    }

    pub(super) fn unbridge(&mut self) {
        self.bridged = false;
        self.keys.take_if(|keys| !keys.reported);
    }

    /// Sends keys; what plays waits, what comes over a bridge is not heard meanwhile.
    pub(super) fn send_digits(&mut self, digits: &Digits) {
        self.keys = Some(Keys::new(digits));
    }

    /// Sends what is due in this frame of 20 ms.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
        tell: &mut dyn FnMut(MediaEvent),
    ) {
        let Some(target) = self.target else { return };
        if target.receives && self.tick_keys(now, target, send, tell) {
            return;
        }
        let mut frame = [target.codec.silence(); OCTETS];
        if self.playing.as_ref().is_some_and(Playing::is_over) {
            self.playing.take().iter().for_each(|over| tell(MediaEvent::Played(over.number)));
        }
        if let Some(playing) = &mut self.playing {
            playing.fill(target.codec, &mut frame);
        } else if self.bridged && self.is_fed(now) {
            return;
        }
        if target.receives {
            self.send_voice(now, target, &frame, send);
        }
    }

    /// Rewrites a packet of the other side in place; answers with what of it is to be sent, if anything is.
    pub(super) fn relay(
        &mut self,
        now: Instant,
        inbound: &Inbound,
        packet: &mut [u8],
    ) -> Option<Range<usize>> {
        let target = self.target.filter(|target| target.receives)?;
        let voice_is_ours = self.playing.as_ref().is_some_and(|playing| !playing.is_over());
        if !self.bridged || voice_is_ours || self.pass_key(target, inbound) {
            return None;
        }
        let payload_type = match inbound.kind {
            Kind::Voice(codec) => {
                codec.rewrite(target.codec, packet.get_mut(inbound.payload.clone())?);
                target.payload_type
            }
            Kind::Event(_) => target.telephone_event?,
        };
        let (splice, fresh) = self.splice(now, inbound);
        let from = inbound.header;
        if sequence_behind(splice.first, from.sequence) < 0 {
            return None; // a straggler from before the splice: its number is taken
        }
        let header = Header {
            payload_type,
            marker: from.marker || fresh,
            sequence: from.sequence.wrapping_add(splice.sequence_offset),
            timestamp: from.timestamp.wrapping_add(splice.timestamp_offset),
            ssrc: self.ssrc,
        };
        let start = inbound.payload.start.checked_sub(HEADER)?;
        *packet.get_mut(start..)?.first_chunk_mut::<HEADER>()? = header.octets();
        let newest = sequence_behind(splice.highest, from.sequence) >= 0;
        let highest = if newest { from.sequence } else { splice.highest };
        self.source = Source::Relay(Splice { highest, ..splice });
        let length = match inbound.kind {
            Kind::Voice(_) => u32::try_from(inbound.payload.len()).unwrap_or_default(),
            Kind::Event(event) => event.duration.into(),
        };
        self.count(now, inbound.payload.len(), header.timestamp.wrapping_add(length));
        if newest {
            self.sequence = header.sequence.wrapping_add(1);
            self.fill_after =
                FILL_AFTER.max(2 * Duration::from_micros(u64::from(length.min(960)) * 125) + FRAME);
        }
        Some(start..inbound.payload.end)
    }

    /// Sends a step of the keys, if there are any.
    fn tick_keys(
        &mut self,
        now: Instant,
        target: Target,
        send: &mut dyn FnMut(&[u8]),
        tell: &mut dyn FnMut(MediaEvent),
    ) -> bool {
        let Some(keys) = &mut self.keys else { return false };
        let mut frame = [target.codec.silence(); OCTETS];
        match keys.step() {
            Step::Done => {
                if keys.reported {
                    tell(MediaEvent::DigitsSent);
                }
                self.keys = None;
                return false;
            }
            Step::Quiet => {}
            Step::Sound { key, frame: number, last } => match (target.telephone_event, dtmf::code(key)) {
                (Some(payload_type), Some(code)) => {
                    let event = TelephoneEvent { code, end: last, duration: (number + 1) * SAMPLES };
                    self.send_event(now, payload_type, event, send);
                    return true;
                }
                _ => {
                    let first = u32::from(number) * u32::from(SAMPLES);
                    for (octet, at) in frame.iter_mut().zip(first..) {
                        *octet = target.codec.encode(to_i16(tones::sample(key, at)));
                    }
                }
            },
        }
        self.send_voice(now, target, &frame, send);
        true
    }

    /// Sends one packet of an event, its end three times (RFC 4733 §2.5.1.4).
    fn send_event(
        &mut self,
        now: Instant,
        payload_type: u8,
        event: TelephoneEvent,
        send: &mut dyn FnMut(&[u8]),
    ) {
        let first = event.duration == SAMPLES;
        if first {
            (self.event, _) = self.own_timestamp(now);
        }
        for repeat in 0..if event.end { 3 } else { 1 } {
            let marker = first && repeat == 0;
            let header = Header {
                payload_type,
                marker,
                sequence: self.sequence,
                timestamp: self.event,
                ssrc: self.ssrc,
            };
            let mut packet = [0; HEADER + 4];
            packet
                .iter_mut()
                .zip(header.octets().into_iter().chain(event.octets()))
                .for_each(|(to, from)| *to = from);
            send(&packet);
            self.sequence = self.sequence.wrapping_add(1);
            self.count(now, 4, self.event.wrapping_add(event.duration.into()));
        }
    }

    fn send_voice(
        &mut self,
        now: Instant,
        target: Target,
        frame: &[u8; OCTETS],
        send: &mut dyn FnMut(&[u8]),
    ) {
        let (timestamp, marker) = self.own_timestamp(now);
        let Target { payload_type, .. } = target;
        let header = Header { payload_type, marker, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        let mut packet = [0; HEADER + OCTETS];
        packet.iter_mut().zip(header.octets().iter().chain(frame)).for_each(|(to, from)| *to = *from);
        send(&packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.count(now, OCTETS, timestamp.wrapping_add(SAMPLES.into()));
    }

    /// The timestamp of our own next packet, and whether it begins something.
    fn own_timestamp(&mut self, now: Instant) -> (u32, bool) {
        let goes_on = self.source == Source::Own && timestamp_behind(self.timestamp, self.wall(now)) <= LAG;
        self.source = Source::Own;
        (if goes_on { self.timestamp } else { self.fresh_timestamp(now) }, !goes_on)
    }

    /// The timestamp of something that begins: that of the moment, but never one that was used.
    fn fresh_timestamp(&self, now: Instant) -> u32 {
        let wall = self.wall(now);
        if timestamp_behind(self.timestamp, wall) > 0 { wall } else { self.timestamp }
    }

    /// How this source is spliced in, and whether that begins with this packet.
    fn splice(&self, now: Instant, inbound: &Inbound) -> (Splice, bool) {
        let from = inbound.header;
        if let Source::Relay(splice) = self.source {
            let leap = sequence_behind(splice.highest, from.sequence).unsigned_abs();
            let timestamp = from.timestamp.wrapping_add(splice.timestamp_offset);
            // An event keeps the timestamp of its start, so it does not show how the clock runs.
            let drift = match inbound.kind {
                Kind::Voice(_) => timestamp_behind(timestamp, self.wall(now)).unsigned_abs(),
                Kind::Event(_) => 0,
            };
            if splice.ssrc == from.ssrc && leap < LEAP && drift < DRIFT {
                return (splice, false);
            }
        }
        let splice = Splice {
            ssrc: from.ssrc,
            sequence_offset: self.sequence.wrapping_sub(from.sequence),
            timestamp_offset: self.fresh_timestamp(now).wrapping_sub(from.timestamp),
            first: from.sequence,
            highest: from.sequence,
        };
        (splice, true)
    }

    /// Whether keys are being sent instead of what comes; a key for a leg that takes no events is added to them as tones.
    fn pass_key(&mut self, target: Target, inbound: &Inbound) -> bool {
        if let (None, Kind::Event(_), Some(key)) = (target.telephone_event, inbound.kind, inbound.pressed) {
            match &mut self.keys {
                Some(keys) => keys.push(key),
                None => self.keys = Some(Keys::passed(key)),
            }
        }
        self.keys.is_some()
    }

    fn is_fed(&self, now: Instant) -> bool {
        match (self.source, self.last_sent) {
            (Source::Relay(_), Some(last)) => now.saturating_duration_since(last) < self.fill_after,
            // Our own sound goes on until the first packet of the other side, so that there is no gap.
            _ => false,
        }
    }

    fn count(&mut self, now: Instant, octets: usize, end: u32) {
        self.last_sent = Some(now);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(octets).unwrap_or_default());
        if timestamp_behind(self.timestamp, end) > 0 {
            self.timestamp = end;
        }
    }
}

impl Playing {
    fn is_over(&self) -> bool {
        !self.again && self.at >= self.sound.octets(Codec::Pcma).len()
    }

    /// Writes the next 20 ms; past the end of a sound that is not repeated the frame stays as it is.
    fn fill(&mut self, codec: Codec, frame: &mut [u8]) {
        let octets = self.sound.octets(codec);
        for to in frame {
            if self.again && self.at >= octets.len() {
                self.at = 0;
            }
            let Some(octet) = octets.get(self.at) else { break };
            *to = *octet;
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let ahead =
                    timestamp_behind(self.egress.wall(self.start + *at), header.timestamp).unsigned_abs();
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
                let header = Header {
                    payload_type: 101,
                    marker: packet == 0,
                    sequence: packet,
                    timestamp: 160,
                    ssrc: 1,
                };
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
                .all(|(_, header, _)| (header.payload_type, header.timestamp)
                    == (96, story.sent[0].1.timestamp))
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
}
