//! What an agent is told and what it tells: the words between it and those who have sockets, trunks and legs.

use super::dialog::Snapshot;
use super::{CallKey, Flow};
use crate::cause::Ending;
use crate::media::{Codec, Remote};
use bytes::Bytes;
use callback_core::flow::HangupReason;
use std::net::SocketAddr;

/// What happens to the agent.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// A datagram came.
    Datagram { flow: Flow, bytes: &'a [u8] },
    /// Nothing can be sent there (RFC 3261 §8.1.3.1).
    Unreachable { peer: SocketAddr },
    /// A knock there was refused, which is told twice before it is believed: between us and a host that is there may
    /// stand somebody who lets pass only what comes from the port of our SIP.
    Refused { peer: SocketAddr },
    /// The instant of [`super::Agent::timeout`] has come.
    Tick,
    /// A call is to do something.
    Command(CallKey, Command),
    /// Asks whether somebody answers at all (OPTIONS, RFC 3261 §11); answered by [`Output::Probed`].
    Probe { probe: usize, flow: Flow, uri: &'a str },
}

/// What a call can be told to do; what does not fit its state is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Send the INVITE that was prepared.
    Send,
    /// As [`Self::Send`], once [`super::Agent::stored`] says that it is stored, or after a while.
    SendOnceStored,
    /// Say that the telephone rings (180).
    Ring,
    /// Be heard before the answer (183), with our RTP at this address.
    EarlyMedia(SocketAddr),
    /// Answer (200), with our RTP at this address.
    Answer(SocketAddr),
    /// Refuse with this status of 300 or more.
    Reject(u16),
    /// End it, whatever its state.
    Hangup(HangupReason),
    /// End it, because what was agreed about its sound cannot be carried.
    NoSound,
}

/// What the agent wants done, or has to tell.
#[derive(Debug)]
pub(crate) enum Output {
    Send {
        flow: Flow,
        bytes: Bytes,
    },
    /// A request met silence: is anybody there? A refusal is told by [`Input::Refused`].
    Knock(Flow),
    Event {
        call: CallKey,
        progress: Progress,
    },
    Probed {
        probe: usize,
        alive: bool,
    },
}

/// What became of a call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Progress {
    /// Somebody calls us.
    Incoming(Incoming),
    /// The other side said something about our INVITE, for the first time.
    Heard,
    /// Where our INVITE went the port seems to be shut.
    Shut,
    /// It rings there.
    Ringing,
    /// A voice before the answer.
    EarlyMedia,
    /// It was answered (2xx).
    Answered,
    /// What is agreed about the sound: after the answer, and whenever the far end changes it.
    Media(Remote),
    /// What the next process needs to take the call down, each time it changes. What makes it needed, an INVITE sent
    /// anew or the ACK of an answer, waits until [`super::Agent::stored`] says that it is stored, or for a while.
    Stored(Box<Snapshot>),
    /// It is over: the last of a call.
    Ended(Ending),
}

/// An INVITE to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Incoming {
    /// The user part of From.
    pub(crate) from: String,
    /// The display name of From.
    pub(crate) name: String,
    /// The user part of the Request-URI.
    pub(crate) to: String,
    /// The codec that would be agreed; none = the caller wants our offer.
    pub(crate) codec: Option<Codec>,
}
