//! The two laws of G.711 and the tables between them. No other codec is spoken here.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use std::sync::LazyLock;

/// A law of G.711, 8000 samples a second of one octet each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// A-law.
    Pcma,
    /// µ-law.
    Pcmu,
}

/// What is needed of a law, once for each octet.
struct Tables {
    decode: [i16; 256],
    /// To the other law.
    other: [u8; 256],
}

static ALAW: LazyLock<Tables> = LazyLock::new(|| Tables::new(decode_alaw, encode_ulaw));
static ULAW: LazyLock<Tables> = LazyLock::new(|| Tables::new(decode_ulaw, encode_alaw));

impl Codec {
    /// The law of a static payload type (RFC 3551 §6).
    #[must_use]
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }

    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// The octet of silence.
    #[must_use]
    pub fn silence(self) -> u8 {
        match self {
            Self::Pcma => 0xD5,
            Self::Pcmu => 0xFF,
        }
    }

    /// One sample, 16 bits linear, as this law writes it.
    #[must_use]
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcma => encode_alaw(sample),
            Self::Pcmu => encode_ulaw(sample),
        }
    }

    /// The sample that an octet stands for.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the table has an entry for each octet")]
    pub fn decode(self, octet: u8) -> i16 {
        self.tables().decode[usize::from(octet)]
    }

    /// Rewrites octets of this law as those of `to`; nothing is touched where they are the same.
    #[expect(clippy::indexing_slicing, reason = "the table has an entry for each octet")]
    pub(super) fn rewrite(self, to: Self, octets: &mut [u8]) {
        if self != to {
            let table = &self.tables().other;
            octets.iter_mut().for_each(|octet| *octet = table[usize::from(*octet)]);
        }
    }

    fn tables(self) -> &'static Tables {
        match self {
            Self::Pcma => &ALAW,
            Self::Pcmu => &ULAW,
        }
    }
}

impl Tables {
    fn new(decode: fn(u8) -> i16, encode: fn(i16) -> u8) -> Self {
        let mut octets = 0..=u8::MAX;
        let decode = std::array::from_fn(|_| decode(octets.next().unwrap_or_default()));
        Self { decode, other: decode.map(encode) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_nearly_nothing_and_stays_it_across_the_laws() {
        for (law, other) in [(Codec::Pcma, Codec::Pcmu), (Codec::Pcmu, Codec::Pcma)] {
            assert!(law.decode(law.silence()).abs() <= 8);
            let mut octets = [law.silence()];
            law.rewrite(other, &mut octets);
            assert!(other.decode(octets[0]).abs() <= 8);
        }
    }

    #[test]
    fn an_octet_decoded_and_encoded_is_itself() {
        for octet in 0..=255 {
            assert_eq!(Codec::Pcma.encode(Codec::Pcma.decode(octet)), octet);
            if octet != 0x7F {
                assert_eq!(Codec::Pcmu.encode(Codec::Pcmu.decode(octet)), octet); // 0x7F is the other zero
            }
        }
    }

    #[test]
    fn the_other_law_changes_a_sample_by_no_more_than_a_step() {
        for octet in 0..=255 {
            let before = Codec::Pcma.decode(octet);
            let mut there = [octet];
            Codec::Pcma.rewrite(Codec::Pcmu, &mut there);
            let after = Codec::Pcmu.decode(there[0]);
            assert!((i32::from(before) - i32::from(after)).abs() <= i32::from(before).abs() / 20 + 16);
        }
    }

    #[test]
    fn the_same_law_is_left_as_it_is() {
        let mut octets = [1, 2, 3];
        Codec::Pcmu.rewrite(Codec::Pcmu, &mut octets);
        assert_eq!(octets, [1, 2, 3]);
    }
}
