//! The RTP header (RFC 3550 §5.1) and the telephone event (RFC 4733 §2.3), read and written. What they mean for
//! a call is not decided here.

use std::ops::Range;

/// The length of the header we write: no contributing sources, no extension.
pub(super) const HEADER: usize = 12;

/// The fields of an RTP header that we read or write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) payload_type: u8,
    pub(super) marker: bool,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
}

impl Header {
    /// The header of a packet, and where its payload lies, without contributing sources, extension and padding.
    /// None for what is not RTP; RTCP on the same port is not (RFC 5761 §4).
    pub(super) fn parse(packet: &[u8]) -> Option<(Self, Range<usize>)> {
        let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = packet.first_chunk::<HEADER>()?;
        if first >> 6 != 2 || (64..=95).contains(&(second & 0x7F)) {
            return None;
        }
        let mut start = HEADER + 4 * usize::from(first & 0x0F);
        if first & 0x10 != 0 {
            let &[_, _, l0, l1] = packet.get(start..)?.first_chunk::<4>()?;
            start += 4 + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        }
        let padding = if first & 0x20 == 0 { 0 } else { usize::from(*packet.last()?) };
        let end = packet.len().checked_sub(padding)?;
        let header = Self {
            payload_type: second & 0x7F,
            marker: second & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        };
        (start <= end).then_some((header, start..end))
    }

    /// The header as octets.
    pub(super) fn octets(&self) -> [u8; HEADER] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let second = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        [0x80, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

/// One packet of a telephone event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TelephoneEvent {
    /// 0–9 are the keys, 10 is `*`, 11 is `#`, 12–15 are A–D.
    pub(super) code: u8,
    pub(super) end: bool,
    /// So far, in samples.
    pub(super) duration: u16,
}

/// The level at which our keys sound, in −dBm0.
const VOLUME: u8 = 8;

impl TelephoneEvent {
    /// The event of a payload; of several in one packet (RFC 4733 §2.5.1.5 forbids them for keys) the first.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let &[code, flags, d0, d1] = payload.first_chunk::<4>()?;
        Some(Self { code, end: flags & 0x80 != 0, duration: u16::from_be_bytes([d0, d1]) })
    }

    /// The event as a payload.
    pub(super) fn octets(&self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | VOLUME, d0, d1]
    }
}

/// How far `a` lies behind `b` on the circle of sequence numbers; negative if it is ahead.
pub(super) fn sequence_behind(a: u16, b: u16) -> i16 {
    b.wrapping_sub(a).cast_signed()
}

/// How far `a` lies behind `b` on the circle of timestamps; negative if it is ahead.
pub(super) fn timestamp_behind(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Header =
        Header { payload_type: 8, marker: true, sequence: 65_535, timestamp: 1 << 31, ssrc: 7 };

    #[test]
    fn what_is_written_is_read() {
        let mut packet = PLAIN.octets().to_vec();
        packet.extend([1, 2, 3]);
        assert_eq!(Header::parse(&packet), Some((PLAIN, 12..15)));
        let event = TelephoneEvent { code: 11, end: true, duration: 800 };
        assert_eq!(TelephoneEvent::parse(&event.octets()), Some(event));
        assert_eq!(event.octets(), [11, 0x88, 3, 32]);
    }

    #[test]
    fn sources_extension_and_padding_are_passed_over() {
        let mut packet = PLAIN.octets().to_vec();
        packet[0] |= 0x31; // padding, an extension, one source
        packet.extend([0; 4]); // the source
        packet.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]); // the extension of one word
        packet.extend([5, 6]); // the payload
        packet.extend([0, 2]); // the padding
        assert_eq!(Header::parse(&packet), Some((PLAIN, 24..26)));
    }

    #[test]
    fn what_lies_about_its_length_is_refused() {
        let good = PLAIN.octets();
        assert_eq!(Header::parse(&good[..11]), None);
        for (first, second) in [(0x40, 8), (0x8F, 8), (0x90, 8), (0x80, 72 + 128)] {
            let mut packet = good;
            (packet[0], packet[1]) = (first, second);
            assert_eq!(Header::parse(&packet), None, "{first:x} {second}");
        }
        let mut padded = good;
        padded[0] |= 0x20;
        padded[11] = 200;
        assert_eq!(Header::parse(&padded), None);
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn no_octets_make_it_panic() {
        let mut dice = 1_u64;
        for length in 0..200 {
            let packet: Vec<u8> = (0..length)
                .map(|_| {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    dice.to_le_bytes()[7]
                })
                .collect();
            if let Some((_, payload)) = Header::parse(&packet) {
                assert!(payload.end <= packet.len());
            }
        }
    }

    #[test]
    fn circles_wrap() {
        assert_eq!(sequence_behind(65_535, 1), 2);
        assert_eq!(sequence_behind(1, 65_535), -2);
        assert_eq!(timestamp_behind(u32::MAX, 159), 160);
    }
}
