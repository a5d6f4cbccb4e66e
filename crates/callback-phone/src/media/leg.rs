//! One leg: what it is sent, what comes from it, and the watch over both. It knows no sockets and reads no clock; the
//! relay brings it packets and moments and carries out what it answers.

use super::dtmf::KeyEar;
use super::egress::{Egress, Inbound, Kind, Target};
use super::law::Codec;
use super::quality::{LegQuality, Receiver};
use super::record::Tap;
use super::rtcp::{Clock, Reporter, Sending};
use super::rtp::{Header, TelephoneEvent};
use super::watch::Watch;
use super::{MediaEvent, Remote, TELEPHONE_EVENT};
use std::net::SocketAddr;
use std::time::Instant;

/// What a leg wants done.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Output<'a> {
    /// Send this from the RTP port to the leg.
    Rtp(&'a [u8]),
    /// Send this from the RTCP port to the leg.
    Rtcp(&'a [u8]),
    /// Tell this to whom it concerns.
    Tell(MediaEvent),
}

/// One leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) egress: Egress,
    pub(super) tap: Option<Tap>,
    remote: Option<Remote>,
    receiver: Receiver,
    reporter: Reporter,
    ear: KeyEar,
    watch: Option<Watch>,
    rejected: u64,
}

impl Leg {
    /// `random` makes everything that others should not guess.
    pub(super) fn new(now: Instant, clock: Clock, random: [u32; 5]) -> Self {
        let [ssrc, base, sequence, high, low] = random;
        Self {
            egress: Egress::new(now, [ssrc, base, sequence]),
            tap: None,
            remote: None,
            receiver: Receiver::default(),
            reporter: Reporter::new(now, clock, ssrc, u64::from(high) << 32 | u64::from(low)),
            ear: KeyEar::new(),
            watch: None,
            rejected: 0,
        }
    }

    /// Where it sends to and what it takes, at the answer and after each change.
    pub(super) fn connect(&mut self, now: Instant, remote: Remote) -> Option<MediaEvent> {
        self.remote = Some(remote);
        let Remote { codec, payload_type, telephone_event, receives, sends, .. } = remote;
        self.egress.connect(Target { codec, payload_type, telephone_event, receives });
        match &mut self.watch {
            Some(watch) => watch.set_sends(now, sends),
            None => {
                self.watch = Some(Watch::new(now, sends));
                None
            }
        }
    }

    /// The RTP address of the far end, once it is known.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote.map(|remote| remote.rtp)
    }

    /// The law in which it hears.
    pub(super) fn codec(&self) -> Codec {
        self.remote.map_or(Codec::Pcma, |remote| remote.codec)
    }

    /// Does what is due in this frame of 20 ms.
    pub(super) fn tick(&mut self, now: Instant, out: &mut dyn FnMut(Output<'_>)) {
        let mut told = [None; 2];
        let codec = self.codec();
        let Self { egress, tap, .. } = self;
        let mut send = |packet: &[u8]| {
            heard(tap.as_mut(), now, codec, packet);
            out(Output::Rtp(packet));
        };
        egress.tick(now, &mut send, &mut |event| {
            told.iter_mut().find(|place| place.is_none()).into_iter().for_each(|place| *place = Some(event));
        });
        let lost = self.watch.as_mut().and_then(|watch| watch.tick(now));
        told.into_iter().flatten().chain(lost).for_each(|event| out(Output::Tell(event)));
        if self.remote.is_some() && self.reporter.is_due(now) {
            let report = self.reporter.report(now, sending(&self.egress, now), self.receiver.report());
            out(Output::Rtcp(&report));
        }
    }

    /// A packet on the RTP port. What a stranger sends is counted and nothing else.
    pub(super) fn rtp(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &[u8],
        tell: &mut dyn FnMut(MediaEvent),
    ) -> Option<Inbound> {
        let Some(remote) = self.remote.filter(|remote| is_from(from, remote.rtp)) else {
            self.rejected += 1;
            return None;
        };
        let (header, payload) = Header::parse(packet)?;
        let octets = packet.get(payload.clone())?;
        let kind = kind(remote, header.payload_type, octets);
        let voice = matches!(kind, Some(Kind::Voice(_)));
        self.receiver.packet(&header, self.egress.wall(now), voice);
        if let Some(back) = self.watch.as_mut().and_then(|watch| watch.packet(now)) {
            tell(back);
        }
        let kind = kind?;
        let pressed = match kind {
            Kind::Voice(codec) => {
                if let Some(tap) = &mut self.tap {
                    tap.said(now, codec, octets);
                }
                self.ear.voice(now, codec, octets)
            }
            Kind::Event(event) => self.ear.event(now, header.timestamp, event),
        };
        pressed.into_iter().for_each(|key| tell(MediaEvent::Digit(key)));
        Some(Inbound { header, kind, payload, pressed })
    }

    /// A packet on the RTCP port.
    pub(super) fn rtcp(&mut self, now: Instant, from: SocketAddr, packet: &[u8]) {
        if self.remote.is_some_and(|remote| is_from(from, rtcp_address(remote.rtp))) {
            self.reporter.receive(now, packet);
        } else {
            self.rejected += 1;
        }
    }

    /// What the bridge brought for this leg was sent.
    pub(super) fn relayed(&mut self, now: Instant, packet: &[u8]) {
        let codec = self.codec();
        heard(self.tap.as_mut(), now, codec, packet);
    }

    /// The last report to the far end, and the counts of the call.
    pub(super) fn close(mut self, now: Instant) -> (LegQuality, Option<Vec<u8>>) {
        let quality = LegQuality {
            packets_sent: self.egress.sent().0.into(),
            packets_received: self.receiver.received(),
            packets_lost: self.receiver.lost(),
            packets_lost_there: self.reporter.lost_there(),
            jitter_ms: self.receiver.jitter_ms(),
            rtt_ms: self.reporter.rtt_ms(),
            rejected: self.rejected,
        };
        let goodbye = self
            .remote
            .map(|_| self.reporter.goodbye(now, sending(&self.egress, now), self.receiver.report()));
        if let Some(tap) = self.tap {
            tap.close(now);
        }
        (quality, goodbye)
    }
}

/// The RTCP address that belongs to an RTP address (RFC 3550 §11).
pub(super) fn rtcp_address(rtp: SocketAddr) -> SocketAddr {
    SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1))
}

/// Whether a packet came from exactly this address and port; the scope and flow of IPv6 are ours and not the sender's.
fn is_from(from: SocketAddr, expected: SocketAddr) -> bool {
    from.ip() == expected.ip() && from.port() == expected.port()
}

/// What a payload type carries on this leg. A sender may use either law, whichever was named first in the answer.
fn kind(remote: Remote, payload_type: u8, octets: &[u8]) -> Option<Kind> {
    if payload_type == remote.payload_type {
        return Some(Kind::Voice(remote.codec));
    }
    if let Some(codec) = Codec::of_payload_type(payload_type) {
        return Some(Kind::Voice(codec));
    }
    let event =
        remote.telephone_event.is_some_and(|theirs| [theirs, TELEPHONE_EVENT].contains(&payload_type));
    if event { TelephoneEvent::parse(octets).map(Kind::Event) } else { None }
}

fn sending(egress: &Egress, now: Instant) -> Sending {
    let (packets, octets) = egress.sent();
    Sending { timestamp: egress.wall(now), packets, octets }
}

/// Records the voice of a packet that we sent.
fn heard(tap: Option<&mut Tap>, now: Instant, codec: Codec, packet: &[u8]) {
    if let (Some(tap), Some((header, payload))) = (tap, Header::parse(packet))
        && Codec::of_payload_type(header.payload_type) == Some(codec)
    {
        tap.heard(now, codec, packet.get(payload).unwrap_or_default());
    }
}
