//! Listening to recordings: how long a tone was heard and when, and whether something that was said is in there.

use std::f64::consts::TAU;
use std::path::Path;

/// Samples of telephony, a second.
const RATE: u32 = 8_000;
/// The window in which a tone is looked for: long enough to tell 440 Hz from the 425 Hz of ringback.
const WINDOW: usize = 1_600;
/// From one window to the next.
const STEP: usize = 400;
/// The part of a window's energy that a tone must have.
const PURE: f64 = 0.7;
/// Windows with less than this on average are silence.
const AUDIBLE: f64 = 0.01;
/// How much of something that was said is looked for at once, at half the rate: half a second.
const PHRASE: usize = 2_000;
/// How many phrases of it are looked for: a telephone that stutters spoils one or two.
const PHRASES: usize = 4;

/// A mono recording with 8,000 samples a second, each from -1 to 1.
#[derive(Clone, Debug)]
pub struct Sound(Vec<f64>);

impl Sound {
    /// Reads a WAV file; another rate is made 8,000.
    ///
    /// # Panics
    /// When it is no such file.
    #[must_use]
    pub fn read(file: &Path) -> Self {
        let mut reader =
            hound::WavReader::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let rate = reader.spec().sample_rate;
        let samples = reader.samples::<i16>();
        let samples: Vec<f64> = samples.map_while(Result::ok).map(|s| f64::from(s) / 32_768.0).collect();
        Self(if rate == RATE { samples } else { resampled(&samples, f64::from(rate) / f64::from(RATE)) })
    }

    /// How long it is.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX)) / f64::from(RATE)
    }

    /// For how many seconds this tone, and nearly nothing else, is heard.
    #[must_use]
    pub fn seconds_of(&self, hz: u32) -> f64 {
        let windows = self.windows_of(hz).count();
        f64::from(u32::try_from(windows * STEP).unwrap_or(u32::MAX)) / f64::from(RATE)
    }

    /// What was heard before this tone first was; everything where it never was.
    #[must_use]
    pub fn before(&self, hz: u32) -> Self {
        let end = self.windows_of(hz).next().unwrap_or(self.0.len());
        Self(self.0.get(..end).unwrap_or_default().to_vec())
    }

    /// How well the best of a few half seconds of a speech is found in here: 1 is exactly, 0 is not at all.
    #[must_use]
    pub fn likeness(&self, speech: &Self) -> f64 {
        let (here, speech) = (halved(&self.0), halved(&speech.0));
        // The loudest parts of the speech, so that no pause is looked for.
        let mut phrases: Vec<_> = speech.chunks_exact(PHRASE).collect();
        phrases.sort_by(|a, b| energy(b).total_cmp(&energy(a)));
        let of = |phrase: &[f64]| {
            let wanted = energy(phrase);
            let likeness = |part: &[f64]| {
                let product: f64 = part.iter().zip(phrase).map(|(a, b)| a * b).sum();
                let both = (energy(part) * wanted).sqrt();
                if energy(part) < 1e-4 { 0.0 } else { product / both }
            };
            here.windows(PHRASE).map(likeness).fold(0.0, f64::max)
        };
        phrases.into_iter().take(PHRASES).map(of).fold(0.0, f64::max)
    }

    /// Where the windows begin that are made of this tone.
    fn windows_of(&self, hz: u32) -> impl Iterator<Item = usize> {
        let windows = self.0.windows(WINDOW).step_by(STEP).enumerate();
        windows.filter(move |(_, window)| is_tone(window, hz)).map(|(at, _)| at * STEP)
    }
}

/// By Goertzel's algorithm.
fn is_tone(window: &[f64], hz: u32) -> bool {
    let k = 2.0 * (TAU * f64::from(hz) / f64::from(RATE)).cos();
    let (before, last) =
        window.iter().fold((0.0, 0.0), |(before, last), sample| (last, sample + k * last - before));
    let power: f64 = before * before + last * last - k * before * last;
    let (all, length) = (energy(window), f64::from(u32::try_from(window.len()).unwrap_or(u32::MAX)));
    all > AUDIBLE * AUDIBLE * length && 2.0 * power / length > PURE * all
}

fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// At another rate: the mean of what each new sample stands for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places in a recording")]
fn resampled(samples: &[f64], step: f64) -> Vec<f64> {
    let mut edges = (0_u32..).map(|at| (f64::from(at) * step) as usize);
    let mut from = edges.next().unwrap_or_default();
    let parts = edges.map_while(|until| samples.get(std::mem::replace(&mut from, until)..until));
    parts.map(mean).collect()
}

fn halved(samples: &[f64]) -> Vec<f64> {
    samples.chunks_exact(2).map(mean).collect()
}

fn mean(part: &[f64]) -> f64 {
    part.iter().sum::<f64>() / f64::from(u32::try_from(part.len()).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::{RATE, Sound};
    use std::f64::consts::TAU;

    fn tone(hz: f64, seconds: u32) -> Vec<f64> {
        (0..RATE * seconds).map(|at| 0.3 * (TAU * hz * f64::from(at) / f64::from(RATE)).sin()).collect()
    }

    #[test]
    fn a_tone_is_told_from_others_and_from_silence() {
        let sound = Sound([vec![0.0; 8_000], tone(425.0, 1), tone(440.0, 2), tone(660.0, 3)].concat());
        let check = |hz: u32, seconds: f64| {
            assert!((sound.seconds_of(hz) - seconds).abs() < 0.3, "{hz}: {}", sound.seconds_of(hz));
        };
        check(440, 2.0);
        check(660, 3.0);
        check(1_000, 0.0);
        assert!((sound.before(440).seconds() - 2.0).abs() < 0.2);
        assert!(sound.before(440).seconds_of(660) < 0.1);
    }

    #[test]
    fn what_was_said_is_found_where_it_was_said() {
        let speech: Vec<f64> =
            (0..16_000_u32).map(|at| (f64::from(at * at % 1_999) / 1_000.0 - 1.0) * 0.3).collect();
        let speech = Sound(speech.chunks(4).flat_map(|part| [part[0]; 4]).collect());
        let heard = Sound([vec![0.0; 3_001], speech.0.clone(), tone(440.0, 1)].concat());
        assert!(heard.likeness(&speech) > 0.8, "{}", heard.likeness(&speech));
        assert!(Sound(tone(440.0, 3)).likeness(&speech) < 0.3);
    }
}
