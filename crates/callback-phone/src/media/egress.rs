//! What one leg is sent: one SSRC, one sequence and one time line for its whole life (RFC 3550, RFC 3551), whatever
//! sounds on it: silence, a prompt, keys, or the other side of a bridge. Where the source changes, the time line goes on
//! and a marker says so. It knows no sockets and reads no clock.

mod keys;
mod playing;
mod relayed;
#[cfg(test)]
mod tests;

pub(super) use relayed::{Inbound, Kind};

use super::MediaEvent;
use super::dtmf::Keys;
use super::law::Codec;
use super::rtp::{HEADER, Header, timestamp_behind};
use super::sound::{Sound, samples_in};
use callback_core::plan::Digits;
use playing::Playing;
use relayed::{FILL_AFTER, Splice};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length of our own packets.
pub(super) const FRAME: Duration = Duration::from_millis(20);
const SAMPLES: u16 = 160;
const OCTETS: usize = SAMPLES as usize;

/// Our own sound that fell behind by more than this (80 ms) is caught up with a jump of the timestamp.
const LAG: i32 = 640;

/// What a leg agreed to receive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    pub(super) telephone_event: Option<u8>,
    pub(super) receives: bool,
}

/// The sending half of a leg.
#[derive(Debug)]
pub(super) struct Egress {
    ssrc: u32,
    born: Instant,
    /// The timestamp of the birth; that of each later moment lies 8 a millisecond above.
    base: u32,
    /// The sequence number and the least timestamp of the next packet.
    sequence: u16,
    timestamp: u32,
    source: Source,
    target: Option<Target>,
    playing: Option<Playing>,
    keys: Option<Keys>,
    /// The timestamp of the event that is being sent.
    event: u32,
    bridged: bool,
    last_sent: Option<Instant>,
    fill_after: Duration,
    packets: u32,
    octets: u32,
}

/// Where the last packet came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Nothing,
    Own,
    Relay(Splice),
}

impl Egress {
    /// `random` makes the SSRC and the beginnings of sequence and timestamp.
    pub(super) fn new(now: Instant, random: [u32; 3]) -> Self {
        let [ssrc, base, sequence] = random;
        let [_, _, high, low] = sequence.to_be_bytes();
        Self {
            ssrc,
            born: now,
            base,
            sequence: u16::from_be_bytes([high, low]),
            timestamp: base,
            source: Source::Nothing,
            target: None,
            playing: None,
            keys: None,
            event: base,
            bridged: false,
            last_sent: None,
            fill_after: FILL_AFTER,
            packets: 0,
            octets: 0,
        }
    }

    /// Packets and octets of payload sent so far.
    pub(super) fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// The timestamp of a moment.
    pub(super) fn wall(&self, now: Instant) -> u32 {
        let [.., a, b, c, d] = samples_in(now.saturating_duration_since(self.born)).to_be_bytes();
        self.base.wrapping_add(u32::from_be_bytes([a, b, c, d]))
    }

    /// Begins to send, or sends otherwise than before.
    pub(super) fn connect(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// Plays a sound instead of what plays; over a bridge it is heard by this leg alone.
    pub(super) fn play(&mut self, number: u16, sound: Arc<Sound>, again: bool) {
        self.playing = Some(Playing::new(number, sound, again));
    }

    pub(super) fn stop(&mut self) {
        self.playing = None;
    }

    /// From now on the other side is heard; what plays is stopped.
    pub(super) fn bridge(&mut self) {
        (self.bridged, self.playing, self.fill_after) = (true, None, FILL_AFTER);
    }

    pub(super) fn unbridge(&mut self) {
        self.bridged = false;
        self.keys.take_if(|keys| !keys.reported);
    }

    /// Sends keys; what plays waits, what comes over a bridge is not heard meanwhile.
    pub(super) fn send_digits(&mut self, digits: &Digits) {
        self.keys = Some(Keys::new(digits));
    }

    /// Sends what is due in this frame of 20 ms.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
        tell: &mut dyn FnMut(MediaEvent),
    ) {
        let Some(target) = self.target else { return };
        if target.receives && self.tick_keys(now, target, send, tell) {
            return;
        }
        let mut frame = [target.codec.silence(); OCTETS];
        if self.playing.as_ref().is_some_and(Playing::is_over) {
            self.playing.take().iter().for_each(|over| tell(MediaEvent::Played(over.number)));
        }
        if let Some(playing) = &mut self.playing {
            playing.fill(target.codec, &mut frame);
        } else if self.bridged && self.is_fed(now) {
            return;
        }
        if target.receives {
            self.send_voice(now, target, &frame, send);
        }
    }

    fn send_voice(
        &mut self,
        now: Instant,
        target: Target,
        frame: &[u8; OCTETS],
        send: &mut dyn FnMut(&[u8]),
    ) {
        let (timestamp, marker) = self.own_timestamp(now);
        let Target { payload_type, .. } = target;
        let header = Header { payload_type, marker, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        let mut packet = [0; HEADER + OCTETS];
        packet.iter_mut().zip(header.octets().iter().chain(frame)).for_each(|(to, from)| *to = *from);
        send(&packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.count(now, OCTETS, timestamp.wrapping_add(SAMPLES.into()));
    }

    /// The timestamp of our own next packet, and whether it begins something.
    fn own_timestamp(&mut self, now: Instant) -> (u32, bool) {
        let goes_on = self.source == Source::Own && timestamp_behind(self.timestamp, self.wall(now)) <= LAG;
        self.source = Source::Own;
        (if goes_on { self.timestamp } else { self.fresh_timestamp(now) }, !goes_on)
    }

    /// The timestamp of something that begins: that of the moment, but never one that was used.
    fn fresh_timestamp(&self, now: Instant) -> u32 {
        let wall = self.wall(now);
        if timestamp_behind(self.timestamp, wall) > 0 { wall } else { self.timestamp }
    }

    fn count(&mut self, now: Instant, octets: usize, end: u32) {
        self.last_sent = Some(now);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(octets).unwrap_or_default());
        if timestamp_behind(self.timestamp, end) > 0 {
            self.timestamp = end;
        }
    }
}
