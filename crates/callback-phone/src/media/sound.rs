//! Sounds: what is played to a leg, ready in both laws of G.711. Read from WAV files or generated; nothing is
//! decoded or resampled while it plays.

use super::law::Codec;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use std::borrow::Cow;
use std::io::Cursor;
use std::time::Duration;

/// Samples a second of everything that goes over a telephone line here.
pub(super) const RATE: u32 = 8000;

/// The longest sound that is taken.
pub const LONGEST: Duration = Duration::from_secs(300);

/// The sampling rates a WAV file may have.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// A sound of 8000 samples a second, one channel, encoded in A-law and µ-law.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sound {
    alaw: Box<[u8]>,
    ulaw: Box<[u8]>,
}

/// A file that is no sound for a telephone.
#[derive(Debug, thiserror::Error)]
pub enum NotASound {
    /// It is no WAV file, or one that is damaged or compressed.
    #[error("not a WAV file of 8 to 32 bit samples: {0}")]
    Wav(#[from] hound::Error),
    /// Its sampling rate is out of range.
    #[error("a sampling rate of {0} Hz; 8000 to 48000 Hz are taken")]
    Rate(u32),
    /// It has neither one nor two channels.
    #[error("{0} channels; one or two are taken")]
    Channels(u16),
    /// It has no samples.
    #[error("no sound in it")]
    Empty,
    /// It is longer than [`LONGEST`].
    #[error("longer than 300 s")]
    TooLong,
    /// It could not be brought to 8000 Hz.
    #[error("cannot be brought to 8000 Hz: {0}")]
    Resample(String),
}

/// From here on a claim of so many octets of samples is none: programs that write into a pipe cannot know it, and write
/// the greatest that they can; [`LONGEST`] of the densest is far less.
const UNKNOWN_LENGTH: u32 = 0x7FFF_0000;

impl Sound {
    /// Reads a WAV file: PCM of 8 to 32 bits or float, 8000 to 48000 Hz, one or two channels (two are mixed).
    ///
    /// # Errors
    /// [`NotASound`] says what is wrong with the file.
    pub fn from_wav(file: &[u8]) -> Result<Self, NotASound> {
        let mut reader = hound::WavReader::new(Cursor::new(with_length(file)))?;
        let spec = reader.spec();
        if !RATES.contains(&spec.sample_rate) {
            return Err(NotASound::Rate(spec.sample_rate));
        }
        if !(1..=2).contains(&spec.channels) {
            return Err(NotASound::Channels(spec.channels));
        }
        if u64::from(reader.duration()) > u64::from(spec.sample_rate) * LONGEST.as_secs() {
            return Err(NotASound::TooLong);
        }
        let values: Vec<f32> = match spec.sample_format {
            hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
            hound::SampleFormat::Int => {
                let scale = 0.5_f32.powi(i32::from(spec.bits_per_sample) - 1);
                reader
                    .samples::<i32>()
                    .map(|value| value.map(|value| to_f32(value) * scale))
                    .collect::<Result<_, _>>()?
            }
        };
        let mono = values
            .chunks_exact(spec.channels.into())
            .map(|frame| frame.iter().sum::<f32>() / f32::from(spec.channels));
        let samples = at_8000(mono.collect(), spec.sample_rate)?;
        if samples.is_empty() {
            Err(NotASound::Empty)
        } else {
            Ok(Self::from_samples(samples.into_iter().map(to_i16)))
        }
    }

    /// A sound of these samples, 8000 a second; what is longer than [`LONGEST`] is cut.
    pub fn from_samples(samples: impl IntoIterator<Item = i16>) -> Self {
        let most = usize::try_from(LONGEST.as_secs() * u64::from(RATE)).unwrap_or(usize::MAX);
        let (alaw, ulaw): (Vec<u8>, Vec<u8>) = samples
            .into_iter()
            .take(most)
            .map(|sample| (Codec::Pcma.encode(sample), Codec::Pcmu.encode(sample)))
            .unzip();
        Self { alaw: alaw.into(), ulaw: ulaw.into() }
    }

    /// This sound, then another; what is longer than [`LONGEST`] is cut.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let most = usize::try_from(LONGEST.as_secs() * u64::from(RATE)).unwrap_or(usize::MAX);
        let join = |one: &[u8], other: &[u8]| one.iter().chain(other).take(most).copied().collect();
        Self { alaw: join(&self.alaw, &next.alaw), ulaw: join(&self.ulaw, &next.ulaw) }
    }

    /// Silence of a length.
    #[must_use]
    pub fn silence(length: Duration) -> Self {
        Self::from_samples((0..samples_in(length)).map(|_| 0))
    }

    /// The ringback tone of Russia and most of Europe (ITU-T E.180): 425 Hz, 1 s on, 4 s off; to be played again and again.
    #[must_use]
    pub fn ringback() -> Self {
        let on = (0..RATE).map(|n| to_i16(tone(425.0, n, -17.0)));
        Self::from_samples(on.chain((0..4 * RATE).map(|_| 0)))
    }

    /// How long it is.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.alaw.len()).unwrap_or(u64::MAX).saturating_mul(125))
    }

    /// Its octets in a law.
    pub(super) fn octets(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcma => &self.alaw,
            Codec::Pcmu => &self.ulaw,
        }
    }
}

/// The level of a sine that fills the range, in dBm0 (G.711: +3.14 in A-law, +3.17 in µ-law; here the middle).
const FULL_DBM0: f32 = 3.155;

/// A sample of a sine: frequency in Hz, number of the sample, level in dBm0.
pub(super) fn tone(hertz: f32, sample: u32, dbm0: f32) -> f32 {
    // Whole periods of all the frequencies of telephony pass in a second, so the angle can start over.
    let angle = f64::from(sample % RATE) * f64::from(hertz) * std::f64::consts::TAU / f64::from(RATE);
    10_f32.powf((dbm0 - FULL_DBM0) / 20.0) * to_single(angle.sin())
}

/// How many samples a time has.
pub(super) fn samples_in(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 8).saturating_mul(8) / 1000
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped before; a fraction of a step is what rounding is for"
)]
pub(super) fn to_i16(value: f32) -> i16 {
    (value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[expect(clippy::cast_precision_loss, reason = "24 bits are more than a telephone carries")]
fn to_f32(value: i32) -> f32 {
    value as f32
}

#[expect(clippy::cast_possible_truncation, reason = "24 bits are more than a telephone carries")]
fn to_single(value: f64) -> f32 {
    value as f32
}

fn at_8000(samples: Vec<f32>, rate: u32) -> Result<Vec<f32>, NotASound> {
    if rate == RATE || samples.is_empty() {
        return Ok(samples);
    }
    let failed = |error: &dyn std::fmt::Display| NotASound::Resample(error.to_string());
    let (from, to) = (usize::try_from(rate).unwrap_or_default(), usize::try_from(RATE).unwrap_or_default());
    let mut resampler =
        Fft::<f32>::new(from, to, 1024, 1, FixedSync::Both).map_err(|error| failed(&error))?;
    let input = InterleavedSlice::new(&samples, 1, samples.len()).map_err(|error| failed(&error))?;
    let output = resampler.process_all(&input, samples.len(), None).map_err(|error| failed(&error))?;
    Ok(output.take_data())
}

/// The file, with the length of its samples (RIFF's `data` chunk) where it does not know it itself.
fn with_length(file: &[u8]) -> Cow<'_, [u8]> {
    let (mut at, mut frame) = (12_usize, 1);
    while let Some([id @ .., l0, l1, l2, l3]) = file.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let (claim, body) = (u32::from_le_bytes([*l0, *l1, *l2, *l3]), at + 8);
        match id {
            b"fmt " => {
                let align = file.get(body + 12..).and_then(<[u8]>::first_chunk);
                frame = align.map_or(1, |align| usize::from(u16::from_le_bytes(*align)).max(1));
            }
            b"data" if claim >= UNKNOWN_LENGTH => {
                let there = file.len() - body;
                let length = u32::try_from(there - there % frame).unwrap_or(u32::MAX);
                let (head, samples) = file.split_at(body);
                let head = head.get(..at + 4).unwrap_or_default();
                return [head, &length.to_le_bytes(), samples].concat().into();
            }
            b"data" => break,
            _ => {}
        }
        let claim = usize::try_from(claim).unwrap_or(usize::MAX);
        // Chunks begin at even places.
        at = body.saturating_add(claim).saturating_add(claim % 2);
    }
    file.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    fn wav(spec: hound::WavSpec, samples: impl Iterator<Item = f32>) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for sample in samples {
            for _ in 0..spec.channels {
                writer.write_sample(to_i16(sample)).unwrap();
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn spec(sample_rate: u32, channels: u16) -> hound::WavSpec {
        hound::WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int }
    }

    /// The share of the energy that lies at a frequency.
    fn purity(sound: &Sound, hertz: f64) -> f64 {
        let samples: Vec<f64> =
            sound.octets(Codec::Pcma).iter().map(|&octet| f64::from(Codec::Pcma.decode(octet))).collect();
        let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
        for (n, sample) in (0_u32..).zip(&samples) {
            let angle = f64::from(n) * hertz * std::f64::consts::TAU / 8000.0;
            (re, im, energy) =
                (re + sample * angle.cos(), im + sample * angle.sin(), energy + sample * sample);
        }
        (re * re + im * im) / (energy * f64::from(u32::try_from(samples.len()).unwrap()) / 2.0)
    }

    #[test]
    fn files_of_all_common_rates_become_the_same_tone() {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000] {
            for channels in [1, 2] {
                let tone = (0..rate)
                    .map(|n| 0.3 * (f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(rate)).sin());
                let sound = Sound::from_wav(&wav(spec(rate, channels), tone.map(to_single))).unwrap();
                assert_eq!(sound.length().as_millis(), 1000, "{rate}");
                assert!(purity(&sound, 440.0) > 0.98, "{rate} Hz: {}", purity(&sound, 440.0));
            }
        }
    }

    #[test]
    fn what_a_telephone_cannot_carry_is_filtered_and_not_folded() {
        let rate = 16_000;
        let tone =
            (0..rate).map(|n| 0.3 * (f64::from(n) * 6_000.0 * std::f64::consts::TAU / f64::from(rate)).sin());
        let sound = Sound::from_wav(&wav(spec(rate, 1), tone.map(to_single))).unwrap();
        let loudest = sound
            .octets(Codec::Pcma)
            .iter()
            .skip(800)
            .take(6400)
            .map(|&octet| Codec::Pcma.decode(octet).abs())
            .max();
        assert!(loudest.unwrap() < 100, "{loudest:?}");
    }

    #[test]
    fn what_is_no_sound_is_refused_by_name() {
        let refused = |file: &[u8]| Sound::from_wav(file).unwrap_err().to_string();
        assert!(refused(b"not a sound at all").starts_with("not a WAV file"));
        assert_eq!(
            refused(&wav(spec(96_000, 1), [0.0].into_iter())),
            "a sampling rate of 96000 Hz; 8000 to 48000 Hz are taken"
        );
        assert_eq!(refused(&wav(spec(8_000, 3), [0.0].into_iter())), "3 channels; one or two are taken");
        assert_eq!(refused(&wav(spec(8_000, 1), std::iter::empty())), "no sound in it");
        assert_eq!(refused(&wav(spec(8_000, 1), (0..8_000 * 301).map(|_| 0.0))), "longer than 300 s");
    }

    /// The octets of a WAV file with this fmt chunk and this claim of data.
    fn raw(format: u16, channels: u16, rate: u32, bits: u16, claim: u32, data: &[u8]) -> Vec<u8> {
        let align = channels.wrapping_mul(bits / 8);
        let mut file = [&b"RIFF"[..], &u32::MAX.to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
        file.extend([format, channels].iter().flat_map(|value| value.to_le_bytes()));
        file.extend([rate, rate.wrapping_mul(align.into())].iter().flat_map(|value| value.to_le_bytes()));
        file.extend([align, bits].iter().flat_map(|value| value.to_le_bytes()));
        [&file, &b"data"[..], &claim.to_le_bytes(), data].concat()
    }

    #[test]
    fn a_damaged_or_foreign_file_is_refused_whatever_it_claims() {
        let whole = raw(1, 1, 8_000, 16, 320, &[0; 320]);
        assert_eq!(Sound::from_wav(&whole).unwrap().length(), Duration::from_millis(20));
        assert_eq!(
            Sound::from_wav(&raw(1, 2, 48_000, 24, 288_000, &[0; 288_000])).unwrap().length().as_secs(),
            1
        );
        // As programs write into a pipe, and with half a sample at the end.
        for claim in [0x7FFF_F000, u32::MAX] {
            let piped = Sound::from_wav(&raw(1, 1, 8_000, 16, claim, &[0; 321])).unwrap();
            assert_eq!(piped.length(), Duration::from_millis(20));
        }
        let check = |what: &str, file: &[u8], refusal: &str| {
            let error = Sound::from_wav(file).expect_err(what).to_string();
            assert!(error.starts_with(refusal), "{what}: {error}");
        };
        for cut in 0..whole.len() {
            check("cut", &whole[..cut], "not a WAV file");
        }
        let samples = [0; 320];
        check("no RIFF", &[b"RIFX", &whole[4..]].concat(), "not a WAV file");
        for (format, bits) in
            [(6, 8), (7, 8), (0x11, 4), (0x55, 16), (0, 16), (1, 0), (1, 12), (1, 64), (3, 16)]
        {
            check("another codec", &raw(format, 1, 8_000, bits, 320, &samples), "not a WAV file");
        }
        check("no channel", &raw(1, 0, 8_000, 16, 320, &samples), "");
        check("7999 Hz", &raw(1, 1, 7_999, 16, 320, &samples), "a sampling rate of 7999 Hz");
        check("0 Hz", &raw(1, 1, 0, 16, 320, &samples), "a sampling rate of 0 Hz");
        check("1 GB", &raw(1, 1, 8_000, 16, 1 << 30, &samples), "longer than 300 s");
        check("1 GB of the densest", &raw(1, 2, 48_000, 32, 1 << 30, &samples), "longer than 300 s");
        check("more than there is", &raw(1, 1, 8_000, 16, 322, &samples), "not a WAV file");
    }

    #[test]
    fn no_mutated_file_ends_the_process() {
        let mut rng = StdRng::seed_from_u64(5);
        let kinds = [(1, 1, 8_000, 16), (1, 2, 44_100, 24), (3, 1, 16_000, 32), (1, 2, 8_000, 8)];
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let (format, channels, rate, bits) = kinds[rng.random_range(0..kinds.len())];
            let mut file = raw(format, channels, rate, bits, 96, &[7; 96]);
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..file.len());
                file[at] = rng.random();
            }
            *if Sound::from_wav(&file).is_ok() { &mut taken } else { &mut refused } += 1;
        }
        assert!(taken > 1_000 && refused > 1_000, "{taken} {refused}");
    }

    #[test]
    fn generated_sounds_are_as_long_as_they_should_be() {
        assert_eq!(Sound::ringback().length(), Duration::from_secs(5));
        assert!(purity(&Sound::from_samples((0..RATE).map(|n| to_i16(tone(425.0, n, -17.0)))), 425.0) > 0.99);
        assert_eq!(Sound::silence(Duration::from_millis(20)).octets(Codec::Pcma), [0xD5; 160]);
        assert_eq!(Sound::silence(Duration::from_millis(20)).octets(Codec::Pcmu), [0xFF; 160]);
    }
}
