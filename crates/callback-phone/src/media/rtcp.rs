//! RTCP (RFC 3550 §6): the reports of one leg, written and read. They end at each leg; nothing is passed across a bridge.

use super::quality::Reception;
use std::time::{Duration, Instant};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// The mean time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);

/// Our clock as RTCP speaks of it: NTP time with 32 bits of fraction, fixed to the monotonic clock once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) at: Instant,
    pub(super) ntp: u64,
}

impl Clock {
    /// The clock of a moment that lay `since_1970` after the beginning of 1970.
    pub(super) fn new(at: Instant, since_1970: Duration) -> Self {
        Self { at, ntp: fixed(since_1970).wrapping_add(2_208_988_800 << 32) }
    }

    pub(super) fn ntp(&self, now: Instant) -> u64 {
        self.ntp.wrapping_add(fixed(now.saturating_duration_since(self.at)))
    }
}

/// Seconds with 32 bits of fraction.
fn fixed(time: Duration) -> u64 {
    (time.as_secs() << 32) | ((u64::from(time.subsec_nanos()) << 32) / 1_000_000_000)
}

/// The middle 32 bits of NTP time: seconds with 16 bits of fraction.
fn middle(ntp: u64) -> u32 {
    let [_, _, a, b, c, d, _, _] = ntp.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// What we say of our own sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) timestamp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// The reports of one leg: when the next is due, and what the far end's said.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    clock: Clock,
    ssrc: u32,
    cname: [u8; 16],
    due: Instant,
    dice: u32,
    /// The middle of the far end's last sender report, and when it came.
    last_report: Option<(u32, Instant)>,
    packets_at_last: u32,
    rtt_sum_ms: f64,
    rtt_count: u32,
    lost_there: Option<u32>,
}

impl Reporter {
    /// `random` makes the canonical name (RFC 7022) and the intervals.
    pub(super) fn new(now: Instant, clock: Clock, ssrc: u32, random: u64) -> Self {
        let mut reporter = Self {
            clock,
            ssrc,
            cname: hex(random),
            due: now,
            dice: middle(random) | 1,
            last_report: None,
            packets_at_last: 0,
            rtt_sum_ms: 0.0,
            rtt_count: 0,
            lost_there: None,
        };
        reporter.schedule(now);
        reporter
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// The compound packet of this moment: a sender report if we sent since the last, else a receiver report.
    pub(super) fn report(&mut self, now: Instant, sending: Sending, reception: Option<Reception>) -> Vec<u8> {
        self.schedule(now);
        let sent = sending.packets != self.packets_at_last;
        self.packets_at_last = sending.packets;
        let mut body = self.ssrc.to_be_bytes().to_vec();
        if sent {
            body.extend(self.clock.ntp(now).to_be_bytes());
            [sending.timestamp, sending.packets, sending.octets]
                .iter()
                .for_each(|word| body.extend(word.to_be_bytes()));
        }
        if let Some(reception) = reception {
            self.block(now, reception, &mut body);
        }
        let mut compound = Vec::with_capacity(96);
        chunk(
            &mut compound,
            u8::from(reception.is_some()),
            if sent { SENDER_REPORT } else { RECEIVER_REPORT },
            &body,
        );
        let mut names = self.ssrc.to_be_bytes().to_vec();
        names.extend([1, 16]); // CNAME, its length
        names.extend(self.cname);
        names.extend([0, 0]); // the end of the items, to a whole word
        chunk(&mut compound, 1, SOURCE_DESCRIPTION, &names);
        compound
    }

    /// The last packet of a leg.
    pub(super) fn goodbye(
        &mut self,
        now: Instant,
        sending: Sending,
        reception: Option<Reception>,
    ) -> Vec<u8> {
        let mut compound = self.report(now, sending, reception);
        chunk(&mut compound, 1, BYE, &self.ssrc.to_be_bytes());
        compound
    }

    /// Reads a compound packet of the far end.
    pub(super) fn receive(&mut self, now: Instant, packet: &[u8]) {
        let mut rest = packet;
        while let Some((count, kind, body, after)) = split(rest) {
            rest = after;
            let blocks = match kind {
                SENDER_REPORT => {
                    self.last_report = word(body, 4)
                        .zip(word(body, 8))
                        .map(|(high, low)| (middle(u64::from(high) << 32 | u64::from(low)), now));
                    body.get(24..)
                }
                RECEIVER_REPORT => body.get(4..),
                _ => None,
            };
            for block in blocks.unwrap_or_default().chunks_exact(24).take(count.into()) {
                if word(block, 0) == Some(self.ssrc) {
                    self.heard_of_us(now, block);
                }
            }
        }
    }

    pub(super) fn rtt_ms(&self) -> Option<f64> {
        (self.rtt_count > 0).then(|| self.rtt_sum_ms / f64::from(self.rtt_count))
    }

    pub(super) fn lost_there(&self) -> Option<u64> {
        self.lost_there.map(u64::from)
    }

    /// A block about us: what it lost, and the round trip (RFC 3550 §6.4.1).
    fn heard_of_us(&mut self, now: Instant, block: &[u8]) {
        // A count of 24 bits with a sign; below zero where packets came twice.
        let lost = word(block, 4).unwrap_or_default() & 0xFF_FFFF;
        self.lost_there = Some(if lost & 0x80_0000 == 0 { lost } else { 0 });
        let (Some(sent), Some(held)) = (word(block, 16), word(block, 20)) else { return };
        let trip = middle(self.clock.ntp(now)).wrapping_sub(sent).wrapping_sub(held);
        // Ten seconds are no round trip but a clock that lies.
        if sent != 0 && trip < 10 << 16 {
            self.rtt_sum_ms += f64::from(trip) * 1000.0 / 65_536.0;
            self.rtt_count += 1;
        }
    }

    fn block(&self, now: Instant, reception: Reception, body: &mut Vec<u8>) {
        let (report, held) = self
            .last_report
            .map_or((0, 0), |(report, at)| (report, middle(fixed(now.saturating_duration_since(at)))));
        let loss = u32::from(reception.fraction) << 24 | reception.lost;
        for word in [reception.ssrc, loss, reception.highest, reception.jitter, report, held] {
            body.extend(word.to_be_bytes());
        }
    }

    /// Five seconds, times 0.5 to 1.5 so that the reports of many do not come together.
    fn schedule(&mut self, now: Instant) {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.due =
            now + INTERVAL / 2 + Duration::from_micros(u64::from(self.dice >> 16) * 5_000_000 / 65_536);
    }
}

/// One packet of a compound: its head (§6.4.1) before the body, whose length is of whole words.
fn chunk(compound: &mut Vec<u8>, count: u8, kind: u8, body: &[u8]) {
    let [high, low] = u16::try_from(body.len() / 4).unwrap_or_default().to_be_bytes();
    compound.extend([0x80 | count, kind, high, low]);
    compound.extend(body);
}

/// The first packet of a compound: its count, its kind, its body, and what follows.
fn split(packet: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let (&[first, kind, high, low], after) = packet.split_first_chunk::<4>()?;
    let (body, rest) = after.split_at_checked(4 * usize::from(u16::from_be_bytes([high, low])))?;
    (first >> 6 == 2).then_some((first & 0x1F, kind, body, rest))
}

fn word(body: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*body.get(at..)?.first_chunk::<4>()?))
}

fn hex(number: u64) -> [u8; 16] {
    std::array::from_fn(|digit| {
        let nibble = (number >> (4 * digit)) & 0xF;
        char::from_digit(u32::try_from(nibble).unwrap_or_default(), 16)
            .map_or(b'0', |c| u8::try_from(c).unwrap_or(b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDING: Sending = Sending { timestamp: 8_000, packets: 50, octets: 8_000 };

    fn reception(ssrc: u32) -> Reception {
        Reception { ssrc, fraction: 64, lost: 25, highest: 70_000, jitter: 80 }
    }

    fn pair(now: Instant) -> (Reporter, Reporter) {
        let clock = Clock::new(now, Duration::from_secs(1_800_000_000));
        let other = Clock::new(now, Duration::from_secs(1_500_000_000)); // the clocks need not agree
        (Reporter::new(now, clock, 1, 11), Reporter::new(now, other, 2, 22))
    }

    #[test]
    fn the_round_trip_is_measured_across_clocks_that_disagree() {
        let start = Instant::now();
        let (mut here, mut there) = pair(start);
        let at = |ms| start + Duration::from_millis(ms);
        let report = here.report(at(5_000), SENDING, Some(reception(2)));
        there.receive(at(5_040), &report);
        assert_eq!((there.rtt_ms(), there.lost_there()), (None, Some(25)));
        let report = there.report(at(9_040), SENDING, Some(reception(1)));
        here.receive(at(9_100), &report);
        assert!((here.rtt_ms().unwrap() - 100.0).abs() < 0.1, "{:?}", here.rtt_ms());
        assert_eq!(here.lost_there(), Some(25));
    }

    #[test]
    fn a_sender_reports_as_one_and_a_listener_too() {
        let start = Instant::now();
        let (mut here, _) = pair(start);
        assert_eq!(here.report(start, SENDING, None)[..2], [0x80, SENDER_REPORT]);
        assert_eq!(here.report(start, SENDING, Some(reception(2)))[..2], [0x81, RECEIVER_REPORT]);
        let bye = here.goodbye(start, SENDING, None);
        assert_eq!(bye[bye.len() - 8..], [0x81, BYE, 0, 1, 0, 0, 0, 1]);
        let mut kinds = Vec::new();
        let mut rest = &bye[..];
        while let Some((_, kind, _, after)) = split(rest) {
            kinds.push(kind);
            rest = after;
        }
        assert_eq!((kinds, rest.len()), (vec![RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE], 0));
    }

    #[test]
    fn reports_come_between_half_and_one_and_a_half_times_five_seconds() {
        let mut now = Instant::now();
        let (mut here, _) = pair(now);
        for _ in 0..1_000 {
            let wait = here.due - now;
            assert!((2_500..7_500).contains(&wait.as_millis()), "{wait:?}");
            now = here.due;
            assert!(here.is_due(now));
            here.report(now, SENDING, None);
        }
    }

    #[test]
    fn reports_about_others_and_broken_ones_say_nothing() {
        let start = Instant::now();
        let (mut here, mut there) = pair(start);
        let report = there.report(start, SENDING, Some(reception(77)));
        here.receive(start, &report);
        assert_eq!((here.rtt_ms(), here.lost_there()), (None, None));
        let good = there.report(start, SENDING, Some(reception(1)));
        for length in 0..32 {
            here.receive(start, &good[..length]);
        }
        assert_eq!(here.lost_there(), None);
    }
}
