//! What the task of a [`crate::Phone`] drives: the legs, joined with their sound. It turns commands into
//! calls of both and their reports into events; it decides nothing.

use crate::gate::Standing;
use crate::key::LegKey;
use crate::leg::{Dial, StoredDialog};
use crate::legs::{Legs, LegsOutput};
use crate::media::Media;
use crate::net::{Effect, Machine};
use crate::sip::Flow;
use callback_core::flow::{HangupReason, LegEvent};
use callback_core::id::OrderId;
use callback_core::plan::Telephone;
use callback_core::record::Cause;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What the phone tells.
#[derive(Clone, PartialEq, Debug)]
pub enum PhoneEvent {
    /// Something became of a leg, at this instant of the monotonic clock.
    Leg(LegKey, Instant, LegEvent),
    /// A telephone that this order was refused for as in service is free. Told once for each refusal.
    Free(OrderId, Telephone),
    /// What is to be stored of a leg changed: its INVITE is to be sent anew, an early dialog was made, or it was answered.
    /// What the far end then hears of us waits for [`crate::Phone::stored`], at most half a second.
    Dialog(LegKey, StoredDialog),
    /// A leg of a former process that was to be hung up is down, or nobody there knows of it.
    TakenDown(LegKey),
    /// A trunk answers OPTIONS, or does not: told at first and whenever it changes.
    Trunk {
        /// Its configured name.
        name: String,
        /// Whether it answers.
        up: bool,
    },
}

/// How much a phone has under way; all is 0 some half a minute after the last leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhoneLoad {
    /// Legs that are reserved or up, their tries over trunks, and legs of former processes that are not down yet.
    pub legs: usize,
    /// Channels of trunks that are taken.
    pub channels: usize,
    /// Telephones that are in service, or waited for.
    pub telephones: usize,
    /// SIP transactions (RFC 3261 §17).
    pub transactions: usize,
    /// SIP calls and their names, those that are over included, as long as a late answer may come.
    pub dialogs: usize,
    /// Timers that are set.
    pub timers: usize,
}

/// What the phone is told.
#[derive(Debug)]
pub(crate) enum Verb {
    Reserve(LegKey, Box<Dial>, Option<SocketAddr>, oneshot::Sender<Result<StoredDialog, Cause>>),
    Send(LegKey),
    Release(LegKey),
    Hangup(LegKey, HangupReason),
    Stored(Box<StoredDialog>),
    HoldTelephone(Telephone, Duration),
    FreeTelephone(Telephone),
    HangUpStored(Box<StoredDialog>),
    Load(oneshot::Sender<PhoneLoad>),
    /// The addresses of a trunk's proxy.
    Resolved(usize, Vec<SocketAddr>),
}

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) legs: Legs,
    pub(crate) media: Media,
}

impl Desk {
    fn reserve(
        &mut self,
        leg: LegKey,
        dial: Dial,
        endpoint: Option<SocketAddr>,
        now: Duration,
    ) -> Result<StoredDialog, Cause> {
        let rtp = self.media.open(leg).map_err(|_| Cause::NoChannel)?.address;
        let reserved = self.legs.reserve(leg, dial, endpoint, rtp, now);
        if reserved.is_err() {
            drop(self.media.close(leg));
        }
        reserved
    }
}

impl Machine for Desk {
    type Verb = Verb;
    type Event = PhoneEvent;

    fn standing(&self, ip: IpAddr, bytes: &[u8]) -> Standing {
        self.legs.standing(ip, bytes)
    }

    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration) {
        self.legs.datagram(flow, bytes, now);
    }

    fn unreachable(&mut self, peer: SocketAddr, now: Duration) {
        self.legs.unreachable(peer, now);
    }

    fn refused(&mut self, peer: SocketAddr, now: Duration) {
        self.legs.refused(peer, now);
    }

    fn verb(&mut self, verb: Verb, now: Duration) {
        match verb {
            Verb::Reserve(leg, dial, endpoint, answer) => {
                let reserved = self.reserve(leg, *dial, endpoint, now);
                // Nobody waits for the answer any more: nobody will send or release it either.
                if answer.send(reserved).is_err() {
                    self.legs.release(leg, now);
                }
            }
            Verb::Send(leg) => self.legs.send(leg, now),
            Verb::Release(leg) => self.legs.release(leg, now),
            Verb::Hangup(leg, reason) => self.legs.hangup(leg, reason, now),
            Verb::Stored(stored) => self.legs.dialog_stored(&stored, now),
            Verb::HoldTelephone(telephone, span) => self.legs.hold_telephone(telephone, span, now),
            Verb::FreeTelephone(telephone) => self.legs.free_telephone(&telephone, now),
            Verb::HangUpStored(stored) => self.legs.hang_up_stored(&stored, now),
            // Who asked may have gone.
            Verb::Load(answer) => drop(answer.send(self.legs.load())),
            Verb::Resolved(trunk, peers) => self.legs.resolved(trunk, peers),
        }
    }

    fn tick(&mut self, now: Duration) {
        self.legs.tick(now);
    }

    fn timeout(&self) -> Option<Duration> {
        self.legs.timeout()
    }

    fn poll(&mut self) -> Option<Effect<PhoneEvent>> {
        loop {
            return Some(match self.legs.poll()? {
                LegsOutput::Connect(leg, remote) => {
                    if let Err(error) = self.media.connect(leg, remote) {
                        tracing::warn!(call = %leg.call, leg = %leg.leg, %error, "the far end's sound is refused");
                        self.legs.refuse_sound(leg);
                    }
                    continue;
                }
                LegsOutput::Close(leg) => {
                    drop(self.media.close(leg));
                    continue;
                }
                LegsOutput::Send { flow, bytes } => Effect::Send { flow, bytes },
                LegsOutput::Knock(flow) => Effect::Knock(flow),
                LegsOutput::Leg(leg, event) => Effect::Event(PhoneEvent::Leg(leg, Instant::now(), event)),
                LegsOutput::Free(order, telephone) => Effect::Event(PhoneEvent::Free(order, telephone)),
                LegsOutput::Dialog(stored) => Effect::Event(PhoneEvent::Dialog(stored.leg(), stored)),
                LegsOutput::TakenDown(leg) => Effect::Event(PhoneEvent::TakenDown(leg)),
                LegsOutput::Trunk { name, up } => Effect::Event(PhoneEvent::Trunk { name, up }),
            });
        }
    }
}
