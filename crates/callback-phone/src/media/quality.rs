//! How well a leg was heard: the receiver's counts of RFC 3550 (A.1, A.3, A.8) and the verdict of ITU-T G.107. The
//! verdict is computed from the counts alone, so that every media plane gives the same.

use super::rtp::{Header, timestamp_behind};

/// The counts of a leg.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LegQuality {
    /// RTP packets we sent.
    pub packets_sent: u64,
    /// RTP packets that came from the far end.
    pub packets_received: u64,
    /// Packets of the far end that never came.
    pub packets_lost: u64,
    /// Packets of ours that the far end missed, as it reported; none if it never did.
    pub packets_lost_there: Option<u64>,
    /// The interarrival jitter of what came, as a mean over the call, in ms.
    pub jitter_ms: f64,
    /// The round trip, as a mean over the reports of the far end, in ms; none if it never sent one.
    pub rtt_ms: Option<f64>,
    /// Packets from strangers, which nobody heard.
    pub rejected: u64,
}

/// The robustness of G.711 with concealment against random loss (ITU-T G.113 appendix I).
const BPL: f64 = 25.1;

impl LegQuality {
    /// The lost share of what the far end sent, 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let expected = self.packets_received + self.packets_lost;
        if expected == 0 { 0.0 } else { to_f64(self.packets_lost) / to_f64(expected) }
    }

    /// The mean opinion score of what we heard (ITU-T G.107 with the defaults, R₀ = 93.2): 1 to 4.41; none where
    /// nothing was heard.
    #[must_use]
    pub fn mos(&self) -> Option<f64> {
        if self.packets_received == 0 {
            return None;
        }
        // One way: half the round trip, a packet of 20 ms, and a buffer of twice the jitter.
        let delay = self.rtt_ms.map_or(0.0, |rtt| rtt / 2.0 + 20.0) + 2.0 * self.jitter_ms;
        let loss = 100.0 * self.loss();
        let delay_impairment = 0.024 * delay + 0.11 * (delay - 177.3).max(0.0);
        let r = 93.2 - delay_impairment - 95.0 * loss / (loss + BPL);
        Some(if r <= 0.0 { 1.0 } else { 1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "no call has 2^52 packets")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

/// What a report block says of a source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reception {
    pub(super) ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub(super) fraction: u8,
    pub(super) lost: u32,
    pub(super) highest: u32,
    pub(super) jitter: u32,
}

/// The counts of what comes from one leg, over all its sources.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Receiver {
    source: Option<Source>,
    /// Of sources that are gone.
    past: Counts,
    jitter_sum: f64,
    jitter_count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: u64,
    lost: u64,
}

/// The state of one source (RFC 3550 A.1).
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    base: u32,
    /// The highest sequence number, with its cycles above 16 bits.
    highest: u32,
    received: u64,
    /// The sequence number that would confirm a restart.
    restart: Option<u16>,
    reported: Counts,
    /// The relative transit of the last audio packet, in samples, and the jitter times 16 (A.8).
    transit: Option<u32>,
    jitter: u32,
}

/// RFC 3550 A.1: a jump further than this is a restart, if the next packet confirms it; so is one further back.
const MAX_DROPOUT: u16 = 3000;
const MAX_MISORDER: u16 = 100;

impl Receiver {
    /// Counts a packet; `arrival` is in samples of our clock, `audio` says whether its timestamp is its own.
    pub(super) fn packet(&mut self, header: &Header, arrival: u32, audio: bool) {
        let mut source = match self.source {
            Some(source) if source.ssrc == header.ssrc => source,
            before => {
                self.leave(before);
                Source::new(header)
            }
        };
        if !source.sequence(header.sequence) {
            if source.restart != Some(header.sequence) {
                source.restart = Some(header.sequence.wrapping_add(1));
                self.source = Some(source);
                return;
            }
            self.leave(Some(source));
            source = Source::new(header);
        }
        source.received += 1;
        if audio {
            source.arrived(arrival.wrapping_sub(header.timestamp));
            self.jitter_sum += f64::from(source.jitter) / 128.0;
            self.jitter_count += 1;
        }
        self.source = Some(source);
    }

    /// The block of our next report (A.3); none while nothing was heard since the last.
    pub(super) fn report(&mut self) -> Option<Reception> {
        let source = self.source.as_mut()?;
        let counts = source.counts();
        if counts.received == source.reported.received {
            return None;
        }
        let lost = counts.lost.saturating_sub(source.reported.lost);
        let expected = lost + counts.received - source.reported.received;
        source.reported = counts;
        Some(Reception {
            ssrc: source.ssrc,
            fraction: (lost * 256)
                .checked_div(expected)
                .map_or(0, |share| u8::try_from(share).unwrap_or(u8::MAX)),
            lost: u32::try_from(counts.lost).unwrap_or(u32::MAX).min(0x7F_FFFF),
            highest: source.highest,
            jitter: source.jitter / 16,
        })
    }

    pub(super) fn received(&self) -> u64 {
        self.past.received + self.source.map_or(0, |source| source.received)
    }

    pub(super) fn lost(&self) -> u64 {
        self.past.lost + self.source.map_or(0, |source| source.counts().lost)
    }

    /// The mean of the jitter over all packets, in ms.
    pub(super) fn jitter_ms(&self) -> f64 {
        if self.jitter_count == 0 { 0.0 } else { self.jitter_sum / to_f64(self.jitter_count) }
    }

    fn leave(&mut self, source: Option<Source>) {
        let counts = source.map(|source| source.counts()).unwrap_or_default();
        self.past.received += counts.received;
        self.past.lost += counts.lost;
    }
}

impl Source {
    fn new(header: &Header) -> Self {
        // One cycle up, so that a packet from before the first has a place.
        let base = 0x1_0000 | u32::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            base,
            highest: base,
            received: 0,
            restart: None,
            reported: Counts::default(),
            transit: None,
            jitter: 0,
        }
    }

    /// Takes a sequence number; false if it is too far from the last to be of the same count.
    fn sequence(&mut self, sequence: u16) -> bool {
        let [_, _, high, low] = self.highest.to_be_bytes();
        let ahead = sequence.wrapping_sub(u16::from_be_bytes([high, low]));
        if ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(ahead.into());
            self.restart = None;
        }
        !(MAX_DROPOUT..=u16::MAX - MAX_MISORDER).contains(&ahead)
    }

    fn counts(&self) -> Counts {
        let expected = u64::from(self.highest.wrapping_sub(self.base)) + 1;
        Counts { received: self.received, lost: expected.saturating_sub(self.received) }
    }

    fn arrived(&mut self, transit: u32) {
        if let Some(before) = self.transit.replace(transit) {
            // A timestamp that jumped by more than a second is a new count and no jitter.
            let difference = timestamp_behind(before, transit).unsigned_abs();
            if difference < 8_000 {
                self.jitter = (self.jitter + difference).saturating_sub((self.jitter + 8) / 16);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header { payload_type: 8, marker: false, sequence, timestamp, ssrc }
    }

    /// Receives these sequence numbers in time.
    fn receive(receiver: &mut Receiver, ssrc: u32, sequences: impl IntoIterator<Item = u16>) {
        for sequence in sequences {
            let timestamp = u32::from(sequence) * 160;
            receiver.packet(&header(ssrc, sequence, timestamp), timestamp.wrapping_add(77), true);
        }
    }

    fn check(sequences: impl IntoIterator<Item = u16>, received: u64, lost: u64) {
        let mut receiver = Receiver::default();
        receive(&mut receiver, 1, sequences);
        assert_eq!((receiver.received(), receiver.lost()), (received, lost));
    }

    #[test]
    fn lost_reordered_and_repeated_packets_are_counted() {
        check(0..100, 100, 0);
        check((0..100).filter(|n| n % 10 != 5), 90, 10);
        check([1, 2, 4, 3, 5], 5, 0);
        check([5, 4, 6], 3, 0);
        check([1, 1, 2, 3], 4, 0);
        check((65_530..=65_535).chain(0..10), 16, 0);
    }

    #[test]
    fn a_count_that_starts_over_is_believed_at_the_second_packet() {
        check((0..10).chain([30_000]).chain(10..20), 20, 0);
        check((0..10).chain(30_000..30_010), 19, 0);
    }

    #[test]
    fn another_source_keeps_the_counts_of_the_first() {
        let mut receiver = Receiver::default();
        receive(&mut receiver, 1, [1, 2, 4]);
        receive(&mut receiver, 2, [500, 501, 503]);
        assert_eq!((receiver.received(), receiver.lost()), (6, 2));
        assert_eq!(receiver.report().map(|report| (report.ssrc, report.lost)), Some((2, 1)));
    }

    #[test]
    fn a_report_counts_from_the_last() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.report(), None);
        receive(&mut receiver, 9, (0..100).filter(|n| n % 4 != 1));
        let first = receiver.report().unwrap();
        assert_eq!((first.fraction, first.lost, first.highest), (64, 25, 0x1_0000 + 99));
        assert_eq!(receiver.report(), None);
        receive(&mut receiver, 9, 100..200);
        let second = receiver.report().unwrap();
        assert_eq!((second.fraction, second.lost), (0, 25));
    }

    #[test]
    fn jitter_is_that_of_a8() {
        let mut receiver = Receiver::default();
        // Each second packet is 10 ms late: the difference is always 80 samples, and J goes to 80.
        for n in 0..2_000_u16 {
            let timestamp = u32::from(n) * 160;
            receiver.packet(&header(1, n, timestamp), timestamp + 80 * u32::from(n % 2), true);
        }
        assert_eq!(receiver.report().map(|report| report.jitter), Some(79)); // rounded down
        assert!((9.5..10.0).contains(&receiver.jitter_ms()), "{}", receiver.jitter_ms());
        // Events carry the timestamp of their start and are no jitter.
        for n in 2_000..2_010 {
            receiver.packet(&header(1, n, 320_000), u32::from(n) * 160, false);
        }
        assert_eq!(receiver.report().unwrap().jitter, 79);
    }

    #[test]
    fn the_verdict_is_that_of_g107() {
        let near = |quality: LegQuality, expected: f64| {
            let mos = quality.mos().unwrap();
            assert!((mos - expected).abs() < 0.01, "{mos} {expected}");
        };
        let good = LegQuality { packets_received: 100, ..LegQuality::default() };
        near(good, 4.41);
        near(LegQuality { packets_received: 95, packets_lost: 5, ..good }, 3.92);
        near(LegQuality { rtt_ms: Some(600.0), ..good }, 3.59);
        near(LegQuality { packets_received: 1, packets_lost: 1_000_000, rtt_ms: Some(5_000.0), ..good }, 1.0);
        assert_eq!(LegQuality { packets_lost: 5, ..LegQuality::default() }.mos(), None);
    }
}
