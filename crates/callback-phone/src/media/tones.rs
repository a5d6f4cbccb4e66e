//! Keys that sound in the voice itself (ITU-T Q.23, Q.24), found by Goertzel's filters. Speech and music must not
//! press keys: a tone counts only when it is nearly all that is heard, for three blocks in a row.

use super::law::Codec;

/// The key for each pair of a low and a high frequency.
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The low frequencies, then the high ones, in Hz (ITU-T Q.23).
const HERTZ: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];

/// Samples of a block: 12.75 ms, the least that still tells neighbouring frequencies apart.
const BLOCK: u8 = 102;

/// Blocks with the same key before it counts, and blocks without it before it can be pressed again.
const BLOCKS_ON: u8 = 3;
const BLOCKS_OFF: u8 = 2;

/// The amplitude below which a tone is not heard, −30 dBm0, squared, times (block / 2)².
const FLOOR: f32 = 0.000_485 * 51.0 * 51.0;
/// The share of a block's energy that the two tones must have; speech has less, as it is full of harmonics.
const SHARE: f32 = 0.8;
/// By how much a frequency must stand out of the others of its group: 8 dB.
const PEAK: f32 = 6.3;
/// By how much the high tone may be louder than the low one (6 dB), and the low one than the high one (9 dB).
const TWIST: f32 = 4.0;
const REVERSE_TWIST: f32 = 8.0;

/// Listens for keys in a voice.
#[derive(Clone, Debug)]
pub(super) struct ToneEar {
    coefficient: [f32; 8],
    /// The state of each filter one and two samples ago.
    one: [f32; 8],
    two: [f32; 8],
    energy: f32,
    heard: u8,
    /// What the last block had, and how many blocks in a row had it.
    last: Option<char>,
    run: u8,
    /// The key that is down.
    down: Option<char>,
}

impl ToneEar {
    pub(super) fn new() -> Self {
        let coefficient = HERTZ.map(|hertz| 2.0 * (hertz * std::f32::consts::TAU / 8000.0).cos());
        Self {
            coefficient,
            one: [0.0; 8],
            two: [0.0; 8],
            energy: 0.0,
            heard: 0,
            last: None,
            run: 0,
            down: None,
        }
    }

    /// Hears a payload; answers with the key that was pressed, if one was. Two cannot be in one packet of 20 ms.
    pub(super) fn hear(&mut self, codec: Codec, payload: &[u8]) -> Option<char> {
        let mut pressed = None;
        for &octet in payload {
            let sample = f32::from(codec.decode(octet)) / 32_768.0;
            self.energy += sample * sample;
            for (c, (one, two)) in self.coefficient.iter().zip(self.one.iter_mut().zip(self.two.iter_mut())) {
                (*one, *two) = (c * *one - *two + sample, *one);
            }
            self.heard += 1;
            if self.heard == BLOCK {
                let key = self.block();
                pressed = self.follow(key).or(pressed);
            }
        }
        pressed
    }

    /// The key of the block that just ended, and a fresh block.
    fn block(&mut self) -> Option<char> {
        let power = std::array::from_fn::<f32, 8, _>(|n| {
            let at = |of: &[f32; 8]| of.get(n).copied().unwrap_or_default();
            let (one, two) = (at(&self.one), at(&self.two));
            one * one + two * two - at(&self.coefficient) * one * two
        });
        let energy = self.energy;
        (self.one, self.two, self.energy, self.heard) = ([0.0; 8], [0.0; 8], 0.0, 0);
        let (low, high) = power.split_at(4);
        let ((row, low), (column, high)) = (strongest(low)?, strongest(high)?);
        let alone = low + high > SHARE * energy * f32::from(BLOCK) / 2.0;
        let matched = high <= low * TWIST && low <= high * REVERSE_TWIST;
        if alone && matched { KEYS.get(row)?.get(column).copied() } else { None }
    }

    fn follow(&mut self, key: Option<char>) -> Option<char> {
        self.run = if key == self.last { self.run.saturating_add(1) } else { 1 };
        self.last = key;
        match key {
            None if self.run == BLOCKS_OFF => self.down = None,
            Some(_) if self.run == BLOCKS_ON && self.down != key => {
                self.down = key;
                return key;
            }
            _ => {}
        }
        None
    }
}

/// The strongest of a group, if it is loud enough and stands out.
fn strongest(group: &[f32]) -> Option<(usize, f32)> {
    let (at, power) = group.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let stands_out = group.iter().enumerate().all(|(n, other)| n == at || other * PEAK < power);
    (power > FLOOR && stands_out).then_some((at, power))
}

/// A sample of the tones of a key, each at −8 dBm0; silence for what is no key.
pub(super) fn sample(key: char, number: u32) -> f32 {
    let place =
        KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|&k| k == key)?)));
    let Some((row, column)) = place else { return 0.0 };
    let tone = |n: usize| HERTZ.get(n).map_or(0.0, |&hertz| super::sound::tone(hertz, number, -8.0));
    tone(row) + tone(4 + column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::prompt::{Language, builtin};
    use crate::media::sound::{Sound, to_i16};
    use callback_core::flow::Prompt;

    /// What is heard of samples, 160 at a time.
    fn heard(samples: impl IntoIterator<Item = f32>) -> String {
        let sound = Sound::from_samples(samples.into_iter().map(to_i16));
        let mut ears = [(Codec::Pcma, ToneEar::new()), (Codec::Pcmu, ToneEar::new())];
        let [alaw, ulaw] = ears.each_mut().map(|(codec, ear)| {
            sound.octets(*codec).chunks(160).filter_map(|frame| ear.hear(*codec, frame)).collect::<String>()
        });
        assert_eq!(alaw, ulaw);
        alaw
    }

    fn press(key: char, on: u32, off: u32) -> impl Iterator<Item = f32> {
        (0..on * 8).map(move |n| sample(key, n)).chain((0..off * 8).map(|_| 0.0))
    }

    fn pair(low: f32, high: f32, low_level: f32, high_level: f32) -> String {
        let tone = crate::media::sound::tone;
        heard((0..640).map(|n| tone(low, n, low_level) + tone(high, n, high_level)))
    }

    #[test]
    fn all_keys_are_heard_once_each() {
        let all = "123A456B789C*0#D";
        assert_eq!(heard(all.chars().flat_map(|key| press(key, 100, 100))), all);
        assert_eq!(heard(all.chars().flat_map(|key| press(key, 52, 40))), all);
        assert_eq!(heard("11199".chars().flat_map(|key| press(key, 70, 50))), "11199");
    }

    #[test]
    fn a_key_held_for_long_is_one_key_and_a_click_is_none() {
        assert_eq!(heard(press('5', 3_000, 100)), "5");
        assert_eq!(heard(press('5', 23, 100)), "");
    }

    #[test]
    fn a_gap_of_one_lost_packet_does_not_press_twice() {
        assert_eq!(heard(press('5', 100, 20).chain(press('5', 100, 100)).take(960)), "5");
    }

    #[test]
    fn levels_twist_and_frequencies_within_q24_are_heard_and_beyond_are_not() {
        assert_eq!(pair(770.0, 1336.0, -8.0, -8.0), "5");
        assert_eq!(pair(770.0, 1336.0, -27.0, -27.0), "5");
        assert_eq!(pair(770.0, 1336.0, -40.0, -40.0), "");
        assert_eq!(pair(770.0, 1336.0, -12.0, -8.0), "5");
        assert_eq!(pair(770.0, 1336.0, -8.0, -14.0), "5");
        assert_eq!(pair(770.0, 1336.0, -20.0, -8.0), "");
        for skew in [0.985, 1.015] {
            assert_eq!(pair(770.0 * skew, 1336.0 * skew, -8.0, -8.0), "5");
        }
        assert_eq!(pair(770.0 * 1.05, 1336.0 * 1.05, -8.0, -8.0), "");
        assert_eq!(heard((0..1_600).map(|n| crate::media::sound::tone(770.0, n, -8.0))), "");
    }

    #[test]
    fn a_key_under_noise_of_a_line_is_heard() {
        let mut dice = 1_u32;
        let noise = move || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f32::from(u16::try_from(dice >> 16).unwrap()) / 32_768.0 - 1.0) * 0.02
        };
        let mut noise = noise;
        assert_eq!(
            heard("159#".chars().flat_map(|key| press(key, 80, 80)).map(|s| s + noise()).collect::<Vec<_>>()),
            "159#"
        );
    }

    #[test]
    fn speech_and_music_press_no_keys() {
        let prompts =
            [Prompt::Waiting, Prompt::Apology, Prompt::Connecting, Prompt::VisitorNoAnswer, Prompt::TalkEnds];
        for prompt in prompts.into_iter().chain([Prompt::Key, Prompt::Music, Prompt::Ringback]) {
            for language in [Language::Ru, Language::En] {
                let sound = builtin(language, prompt).unwrap();
                for offset in (0..102).step_by(17) {
                    let mut ear = ToneEar::new();
                    assert_eq!(
                        ear.hear(Codec::Pcma, &sound.octets(Codec::Pcma)[offset..]),
                        None,
                        "{language:?} {prompt:?}"
                    );
                }
            }
        }
    }
}
