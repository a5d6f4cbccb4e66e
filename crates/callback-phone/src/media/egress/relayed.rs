//! What a leg is sent of the other side of its bridge: a packet is rewritten where it lies, its numbers spliced into the
//! leg's own time line.

use super::{Egress, FRAME, Source, Target};
use crate::media::dtmf::Keys;
use crate::media::law::Codec;
use crate::media::rtp::{HEADER, Header, TelephoneEvent, sequence_behind, timestamp_behind};
use std::ops::Range;
use std::time::{Duration, Instant};

/// A bridged leg that got nothing for so long is sent silence. Longer than a packet or two that are late.
pub(super) const FILL_AFTER: Duration = Duration::from_millis(60);
/// A source whose clock ran away by more than this (2 s) is spliced anew.
const DRIFT: u32 = 16_000;
/// A source whose sequence jumped by more than this is spliced anew.
const LEAP: u16 = 1_000;

/// What came from the other side of a bridge, as its leg understood it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::media) struct Inbound {
    pub(in crate::media) header: Header,
    pub(in crate::media) kind: Kind,
    /// Where the payload lies in the packet.
    pub(in crate::media) payload: Range<usize>,
    /// A key that was pressed in it.
    pub(in crate::media) pressed: Option<char>,
}

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::media) enum Kind {
    Voice(Codec),
    Event(TelephoneEvent),
}

/// How the numbers of a source become ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Splice {
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The source's own sequence number at the splice, and the highest since.
    first: u16,
    highest: u16,
}

impl Egress {
    /// Rewrites a packet of the other side in place; answers with what of it is to be sent, if anything is.
    pub(in crate::media) fn relay(
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

    pub(super) fn is_fed(&self, now: Instant) -> bool {
        match (self.source, self.last_sent) {
            (Source::Relay(_), Some(last)) => now.saturating_duration_since(last) < self.fill_after,
            // Our own sound goes on until the first packet of the other side, so that there is no gap.
            _ => false,
        }
    }
}
