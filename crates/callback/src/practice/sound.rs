//! What a leg heard, for a browser: the left channel of its recording (A-law, 58 octets of header, then what it
//! heard and what it said by turns) as a WAV file of 16 bits that every browser plays, whole or in parts.

use callback_phone::Codec;
use std::io::Read as _;
use std::path::Path;

/// The header of a recording.
const RECORDED_HEADER: usize = 58;
/// The longest recording that is played here: ten minutes.
const LONGEST: u64 = 600 * 16_000;

/// Reads a recording; none where there is none.
pub(super) fn heard(path: &Path) -> Option<Vec<u8>> {
    let mut recorded = Vec::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_end(&mut recorded).ok()?;
    recorded.starts_with(b"RIFF").then(|| wav(recorded.get(RECORDED_HEADER..).unwrap_or_default()))
}

/// A WAV file of 8 kHz, 16 bits, one channel, of the left of two channels of A-law.
fn wav(frames: &[u8]) -> Vec<u8> {
    let left = frames.chunks_exact(2).filter_map(|frame| frame.first().copied());
    // A recording begins with the dial: nobody wants to hear how nothing is heard yet.
    let heard = left.skip_while(|octet| *octet == Codec::Pcma.silence());
    let samples: Vec<u8> = heard.flat_map(|octet| Codec::Pcma.decode(octet).to_le_bytes()).collect();
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX - 36);
    let mut file = Vec::with_capacity(samples.len() + 44);
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes()); // PCM
    file.extend(1_u16.to_le_bytes()); // channels
    file.extend(8_000_u32.to_le_bytes()); // samples a second
    file.extend(16_000_u32.to_le_bytes()); // octets a second
    file.extend(2_u16.to_le_bytes()); // octets a frame
    file.extend(16_u16.to_le_bytes()); // bits a sample
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}

/// The part that a `Range` asks for (RFC 9110 §14.1.2), first and last octet; an error where the file has no such
/// part. What is no single range of octets is the whole.
pub(super) fn part(range: Option<&str>, length: usize) -> Result<Option<(usize, usize)>, ()> {
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let end = length.checked_sub(1).ok_or(())?;
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if last >= first => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 => (length.saturating_sub(suffix), end),
        (Err(_), Ok(0)) if first.is_empty() => return Err(()),
        _ => return Ok(None),
    };
    if first > end { Err(()) } else { Ok(Some((first, last))) }
}

#[cfg(test)]
mod tests {
    use super::{part, wav};

    #[test]
    fn only_what_was_heard_is_in_the_file() {
        let file = wav(&[0xD5, 0x11, 0x55, 0x22, 0x55, 0x33, 0x2A, 0x44, 0x99]);
        assert_eq!(file.len(), 44 + 6);
        assert_eq!(file[40..44], 6_u32.to_le_bytes());
        let samples: Vec<i16> =
            file[44..].chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(samples[0], samples[1]);
        assert!(samples[0].abs() <= 8 && samples[2].abs() > 30_000, "{samples:?}");
    }

    #[test]
    fn parts_are_those_of_the_standard() {
        let check = |range: &str, expected| assert_eq!(part(Some(range), 100), expected, "{range}");
        check("bytes=0-", Ok(Some((0, 99))));
        check("bytes=10-19", Ok(Some((10, 19))));
        check("bytes=90-500", Ok(Some((90, 99))));
        check("bytes=-5", Ok(Some((95, 99))));
        check("bytes=-500", Ok(Some((0, 99))));
        check("bytes=100-", Err(()));
        check("bytes=-0", Err(()));
        check("bytes=9-3", Ok(None));
        check("bytes=1-2,5-6", Ok(None));
        check("seconds=1-2", Ok(None));
        assert_eq!(part(None, 100), Ok(None));
        assert_eq!(part(Some("bytes=0-"), 0), Err(()));
    }
}
