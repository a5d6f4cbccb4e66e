//! Keys as telephone events (RFC 4733): the time line of those we send, and the ear for those that come, whether as
//! events or as tones. The packets are written and read elsewhere.

use super::law::Codec;
use super::rtp::{TelephoneEvent, timestamp_behind};
use super::tones::ToneEar;
use callback_core::plan::{DIGIT_GAP, DIGIT_PAUSE, DIGIT_TONE, Digits};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const NAMES: &str = "0123456789*#ABCD";

/// Frames of 20 ms in the parts of a key.
const TONE_FRAMES: u16 = frames(DIGIT_TONE);
const GAP_FRAMES: u16 = frames(DIGIT_GAP);
const PAUSE_FRAMES: u16 = frames(DIGIT_PAUSE);

#[expect(clippy::cast_possible_truncation, reason = "checked at compile time: the longest is 2 s")]
const fn frames(time: Duration) -> u16 {
    assert!(time.as_millis().is_multiple_of(20) && time.as_millis() < 60_000);
    (time.as_millis() / 20) as u16
}

/// The code of a key (RFC 4733 §3.2); none for what is no key.
pub(super) fn code(key: char) -> Option<u8> {
    u8::try_from(NAMES.find(key.to_ascii_uppercase())?).ok()
}

/// The key of a code.
pub(super) fn key(code: u8) -> Option<char> {
    NAMES.chars().nth(code.into())
}

/// Keys on their way out, one step each 20 ms.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    left: VecDeque<char>,
    frame: u16,
    /// Whether the end of them is reported: those that only pass through are not.
    pub(super) reported: bool,
}

/// What is sent in one frame of 20 ms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The key sounds: its frame, counted from 0, and whether that is the last.
    Sound { key: char, frame: u16, last: bool },
    /// Nothing sounds.
    Quiet,
    /// Everything was sent.
    Done,
}

/// Keys that may wait to be passed on.
const WAITING: usize = 32;

impl Keys {
    pub(super) fn new(digits: &Digits) -> Self {
        Self { left: digits.keys().collect(), frame: 0, reported: true }
    }

    /// One key that the other side of a bridge pressed.
    pub(super) fn passed(key: char) -> Self {
        Self { left: VecDeque::from([key]), frame: 0, reported: false }
    }

    /// Adds a key of the other side; beyond the limit it is lost.
    pub(super) fn push(&mut self, key: char) {
        if self.left.len() < WAITING {
            self.left.push_back(key);
        }
    }

    pub(super) fn step(&mut self) -> Step {
        let Some(&key) = self.left.front() else { return Step::Done };
        let frame = self.frame;
        self.frame += 1;
        let (sounding, whole) =
            if key == ',' { (0, PAUSE_FRAMES) } else { (TONE_FRAMES, TONE_FRAMES + GAP_FRAMES) };
        if self.frame == whole {
            self.left.pop_front();
            self.frame = 0;
        }
        if frame < sounding { Step::Sound { key, frame, last: frame + 1 == sounding } } else { Step::Quiet }
    }
}

/// Finds each press once among the packets of telephone events: an event is known by its timestamp, so repeated ends,
/// lost starts and ends, and steps of any length make no difference.
#[derive(Clone, Copy, Debug, Default)]
struct EventEar {
    last: Option<(u32, u8)>,
}

impl EventEar {
    fn hear(&mut self, timestamp: u32, event: TelephoneEvent) -> Option<char> {
        if let Some((before, code)) = self.last {
            let ahead = timestamp_behind(before, timestamp);
            // An event longer than 8 s goes on in a segment that begins where the duration ran out (§2.5.1.3).
            let segment = code == event.code && ahead == i32::from(u16::MAX);
            if ahead <= 0 && ahead > -JUMP || segment {
                if segment {
                    self.last = Some((timestamp, code));
                }
                return None;
            }
        }
        self.last = Some((timestamp, event.code));
        key(event.code)
    }
}

/// A timestamp further back than this (10 s) is no straggler but a new count.
const JUMP: i32 = 80_000;

/// Hears keys in both forms and reports each press once, though gateways often send both.
#[derive(Clone, Debug)]
pub(super) struct KeyEar {
    events: EventEar,
    /// None once an event came: whoever can send events does not press keys by tones.
    tones: Option<ToneEar>,
    by_tone: Option<(char, Instant)>,
}

/// Within this time an event after a tone of the same key is the same press.
const SAME_PRESS: Duration = Duration::from_millis(500);

impl KeyEar {
    pub(super) fn new() -> Self {
        Self { events: EventEar::default(), tones: Some(ToneEar::new()), by_tone: None }
    }

    pub(super) fn event(&mut self, now: Instant, timestamp: u32, event: TelephoneEvent) -> Option<char> {
        let pressed = self.events.hear(timestamp, event)?;
        self.tones = None;
        let twice = self
            .by_tone
            .take()
            .is_some_and(|(key, at)| key == pressed && now.duration_since(at) < SAME_PRESS);
        (!twice).then_some(pressed)
    }

    pub(super) fn voice(&mut self, now: Instant, codec: Codec, payload: &[u8]) -> Option<char> {
        let pressed = self.tones.as_mut()?.hear(codec, payload)?;
        self.by_tone = Some((pressed, now));
        Some(pressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::sound::{Sound, to_i16};
    use crate::media::tones;

    /// One press as packets: its timestamp, and the durations, those with the end bit marked `e`.
    fn press(ear: &mut KeyEar, at: u32, key: char, packets: &str) -> String {
        let now = Instant::now();
        let events = packets.split(' ').map(|text| TelephoneEvent {
            code: code(key).unwrap(),
            end: text.ends_with('e'),
            duration: text.trim_end_matches('e').parse().unwrap(),
        });
        events.filter_map(|event| ear.event(now, at, event)).collect()
    }

    #[test]
    fn a_press_is_one_key_however_its_packets_come() {
        for packets in [
            "160 320 480 640 800e 800e 800e",
            "0 320 640 960e 960e 960e", // steps of 320
            "480 640 800e",             // the start is lost
            "160 320",                  // the end is lost
            "800e",                     // all but one are lost
            "800e 800e 160 320",        // reordered
        ] {
            let mut ear = KeyEar::new();
            assert_eq!(press(&mut ear, 1_000, '7', packets), "7", "{packets}");
            assert_eq!(press(&mut ear, 2_600, '7', packets), "7", "{packets}, again");
            assert_eq!(press(&mut ear, 1_000, '7', "800e"), "", "a straggler of the first");
            assert_eq!(press(&mut ear, 4_200, '#', packets), "#", "{packets}, another");
        }
    }

    #[test]
    fn timestamps_may_wrap_and_start_over() {
        let mut ear = KeyEar::new();
        assert_eq!(press(&mut ear, u32::MAX - 100, '1', "160 320e"), "1");
        assert_eq!(press(&mut ear, 1_500, '1', "160 320e"), "1");
        assert_eq!(press(&mut ear, 801_500, '1', "160"), "1");
        assert_eq!(press(&mut ear, 5, '1', "160"), "1", "a count that started over");
    }

    #[test]
    fn a_press_longer_than_its_count_is_one_key() {
        let mut ear = KeyEar::new();
        assert_eq!(press(&mut ear, 1_000, '9', "65375 65535"), "9");
        assert_eq!(press(&mut ear, 66_535, '9', "160 320e"), "");
    }

    #[test]
    fn flash_and_other_events_are_no_keys() {
        let mut ear = KeyEar::new();
        assert_eq!(ear.event(Instant::now(), 5, TelephoneEvent { code: 16, end: true, duration: 800 }), None);
        assert_eq!(code(','), None);
        assert!(NAMES.chars().all(|name| key(code(name).unwrap()) == Some(name)));
    }

    #[test]
    fn a_gateway_that_sends_both_forms_presses_once() {
        let mut ear = KeyEar::new();
        let now = Instant::now();
        let sound = Sound::from_samples((0..800).map(|n| to_i16(tones::sample('5', n))));
        let heard: String = sound
            .octets(Codec::Pcma)
            .chunks(160)
            .filter_map(|frame| ear.voice(now, Codec::Pcma, frame))
            .collect();
        assert_eq!(heard, "5");
        assert_eq!(press(&mut ear, 800, '5', "160 320e"), "", "the same press");
        assert_eq!(press(&mut ear, 8_000, '5', "160 320e"), "5", "the next press");
        assert_eq!(
            ear.voice(now, Codec::Pcma, sound.octets(Codec::Pcma)),
            None,
            "tones are not listened to any more"
        );
    }

    #[test]
    fn keys_go_out_in_frames() {
        let mut keys = Keys::new(&"1,2".parse().unwrap());
        let mut story = String::new();
        loop {
            match keys.step() {
                Step::Sound { key, frame, last } => {
                    story.push_str(&format!("{key}{frame}{}", if last { "e" } else { "" }))
                }
                Step::Quiet => story.push('.'),
                Step::Done => break,
            }
        }
        let pause = ".".repeat(100);
        assert_eq!(story, format!("1011121314e.....{pause}2021222324e....."));
    }

    #[test]
    fn keys_that_pass_through_have_a_limit() {
        let mut keys = Keys::passed('1');
        (0..100).for_each(|_| keys.push('2'));
        assert_eq!(keys.left.len(), WAITING);
    }
}
