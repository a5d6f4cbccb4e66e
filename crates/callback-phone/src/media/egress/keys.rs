//! Keys on the time line of a leg: events of RFC 4733, or tones where the leg takes none.

use super::{Egress, OCTETS, SAMPLES, Target};
use crate::media::dtmf::{self, Step};
use crate::media::rtp::{HEADER, Header, TelephoneEvent};
use crate::media::sound::to_i16;
use crate::media::{MediaEvent, tones};
use std::time::Instant;

impl Egress {
    /// Sends a step of the keys, if there are any.
    pub(super) fn tick_keys(
        &mut self,
        now: Instant,
        target: Target,
        send: &mut dyn FnMut(&[u8]),
        tell: &mut dyn FnMut(MediaEvent),
    ) -> bool {
        let Some(keys) = &mut self.keys else { return false };
        let mut frame = [target.codec.silence(); OCTETS];
        match keys.step() {
            Step::Done => {
                if keys.reported {
                    tell(MediaEvent::DigitsSent);
                }
                self.keys = None;
                return false;
            }
            Step::Quiet => {}
            Step::Sound { key, frame: number, last } => match (target.telephone_event, dtmf::code(key)) {
                (Some(payload_type), Some(code)) => {
                    let event = TelephoneEvent { code, end: last, duration: (number + 1) * SAMPLES };
                    self.send_event(now, payload_type, event, send);
                    return true;
                }
                _ => {
                    let first = u32::from(number) * u32::from(SAMPLES);
                    for (octet, at) in frame.iter_mut().zip(first..) {
                        *octet = target.codec.encode(to_i16(tones::sample(key, at)));
                    }
                }
            },
        }
        self.send_voice(now, target, &frame, send);
        true
    }

    /// Sends one packet of an event, its end three times (RFC 4733 §2.5.1.4).
    fn send_event(
        &mut self,
        now: Instant,
        payload_type: u8,
        event: TelephoneEvent,
        send: &mut dyn FnMut(&[u8]),
    ) {
        let first = event.duration == SAMPLES;
        if first {
            (self.event, _) = self.own_timestamp(now);
        }
        for repeat in 0..if event.end { 3 } else { 1 } {
            let marker = first && repeat == 0;
            let header = Header {
                payload_type,
                marker,
                sequence: self.sequence,
                timestamp: self.event,
                ssrc: self.ssrc,
            };
            let mut packet = [0; HEADER + 4];
            packet
                .iter_mut()
                .zip(header.octets().into_iter().chain(event.octets()))
                .for_each(|(to, from)| *to = from);
            send(&packet);
            self.sequence = self.sequence.wrapping_add(1);
            self.count(now, 4, self.event.wrapping_add(event.duration.into()));
        }
    }
}
