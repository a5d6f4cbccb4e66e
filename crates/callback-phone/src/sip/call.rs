//! One SIP call, out or in: its phases, and the ways it ends. How it begins out is told in `uac`, how it
//! begins in and what the far end changes later in `uas`, how it is hung up in `leave`, and what of it waits until it is
//! stored in `held`. It never waits for the other side longer than
//! 64·T1, and it chooses neither trunk nor number.

use super::cx::Cx;
use super::dialog::{Dialog, Snapshot};
use super::held::Held;
use super::leave::Leave;
use super::uac::Outgoing;
use super::uas::{Called, Pending};
use super::wire::{Method, Response};
use super::{CallKey, Command, Flow, Grave, PATIENCE, Progress};
use crate::cause::Ending;
use crate::sdp::Local;
use bytes::Bytes;
use callback_core::flow::HangupReason;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a call waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum CallAlarm {
    /// The end is reported whatever the other side does.
    GiveUp,
    /// Our 2xx goes out again (RFC 3261 §13.3.1.4).
    Resend,
    /// No ACK has come.
    NoAck,
    /// It is not known to be stored what would take it down.
    Unstored,
    /// A former process's INVITE has no end, though it was cancelled.
    Uncancelled,
}

impl CallAlarm {
    pub(crate) const ALL: [Self; 5] =
        [Self::GiveUp, Self::Resend, Self::NoAck, Self::Unstored, Self::Uncancelled];
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) key: CallKey,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) account: Option<usize>,
    pub(super) local: Local,
    pub(super) phase: Phase,
    pub(super) hung: Option<HangupReason>,
    /// A former process sent it.
    pub(super) adopted: bool,
    /// What waits until it is stored how to take it down.
    pub(super) held: Option<Held>,
    /// The answer that is acknowledged by us: its tag, and the ACK.
    pub(super) acked: Option<(String, Flow, Bytes)>,
    /// [`CallAlarm::GiveUp`] was armed.
    giving_up: bool,
    /// The addresses its messages may come from, as far as the agent knows.
    peers: BTreeSet<IpAddr>,
}

/// Where a call stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Our INVITE waits for its end.
    Calling(Box<Outgoing>),
    /// Their INVITE waits for our answer.
    Called(Box<Called>),
    /// Answered.
    Talking(Box<Talk>),
    /// Our BYE waits for its end.
    Leaving(Box<Leave>),
    /// Over.
    Over,
}

/// An answered call.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) dialog: Dialog,
    /// A 2xx of ours that has no ACK yet.
    pub(super) pending: Option<Pending>,
}

impl Call {
    pub(super) fn new(
        key: CallKey,
        (call_id, local_tag): (String, String),
        account: Option<usize>,
        local: Local,
        phase: Phase,
    ) -> Self {
        Self {
            key,
            call_id,
            local_tag,
            account,
            local,
            phase,
            hung: None,
            adopted: false,
            held: None,
            acked: None,
            giving_up: false,
            peers: BTreeSet::new(),
        }
    }

    /// Whether it has ended.
    pub(super) fn over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Whether its dialog is with this tag.
    pub(super) fn talks_to(&self, tag: &str) -> bool {
        match &self.phase {
            Phase::Talking(talk) => talk.dialog.remote_tag == tag,
            Phase::Leaving(leave) => leave.is_with(tag),
            Phase::Called(called) => called.request.head.from_tag == tag,
            Phase::Calling(_) | Phase::Over => false,
        }
    }

    /// The addresses that came in and went out since the last question; none = no change.
    pub(super) fn new_peers(&mut self) -> Option<(BTreeSet<IpAddr>, BTreeSet<IpAddr>)> {
        let fresh = match &self.phase {
            Phase::Calling(out) => BTreeSet::from([out.flow.peer.ip()]),
            Phase::Called(called) => BTreeSet::from([called.flow.peer.ip()]),
            Phase::Talking(talk) => talk.dialog.peers(),
            Phase::Leaving(leave) => leave.peers(),
            Phase::Over => return None,
        };
        if fresh == self.peers {
            return None;
        }
        let old = std::mem::replace(&mut self.peers, fresh);
        Some((&self.peers - &old, &old - &self.peers))
    }

    pub(super) fn into_grave(self) -> Grave {
        Grave {
            names: (self.call_id, self.local_tag),
            account: self.account,
            acked: self.acked,
            peers: self.peers,
        }
    }

    /// What the next process needs to take it down.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        match &self.phase {
            Phase::Calling(out) => Some(out.snapshot(&self.call_id, &self.local_tag)),
            Phase::Talking(talk) => Some(Snapshot::of_dialog(&talk.dialog)),
            Phase::Called(_) | Phase::Leaving(_) | Phase::Over => None,
        }
    }

    pub(super) fn command(&mut self, command: Command, cx: &mut Cx) {
        match command {
            Command::Send => self.send(cx),
            Command::SendOnceStored => self.hold(Held::Invite, cx),
            Command::Ring => self.ring(cx),
            Command::EarlyMedia(address) => self.early_media(address, cx),
            Command::Answer(address) => self.answer(address, cx),
            Command::Reject(status) => self.reject(status, cx),
            Command::Hangup(reason) => self.hangup(reason, cx),
            Command::NoSound => self.leave(Ending::MEDIA, cx),
        }
    }

    /// Takes a response to a request of this call.
    pub(super) fn response(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        match response.head.method {
            Method::Invite => self.invite_response(response, flow, cx),
            Method::Bye if response.status >= 200 => self.bye_response(response, cx),
            Method::Cancel => self.cancel_response(response.status, cx),
            Method::Bye | Method::Ack | Method::Options | Method::NotAllowed | Method::Unknown => {}
        }
    }

    /// A request of this call was answered by nobody.
    pub(super) fn lost(&mut self, method: Method, cseq: u32, ending: Ending, cx: &mut Cx) {
        match (&self.phase, method) {
            (Phase::Calling(out), Method::Invite) if out.cseq == cseq => {
                self.end(if self.hung.is_some() { Ending::OURS } else { ending }, cx);
            }
            (Phase::Leaving(_), Method::Bye) => self.bye_ended(cseq, cx),
            _ => {}
        }
    }

    pub(super) fn alarm(&mut self, alarm: CallAlarm, cx: &mut Cx) {
        match alarm {
            CallAlarm::GiveUp => self.give_up(cx),
            CallAlarm::Resend => self.resend(cx),
            CallAlarm::NoAck => self.no_ack(cx),
            CallAlarm::Unstored => self.release(cx),
            CallAlarm::Uncancelled => self.leave_early(cx),
        }
    }

    /// Bounds what is left of it, from the first time that its end was wanted.
    pub(super) fn be_patient(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.giving_up, true) {
            cx.arm(self.key, CallAlarm::GiveUp, PATIENCE);
        }
    }

    fn give_up(&mut self, cx: &mut Cx) {
        self.release(cx);
        match &self.phase {
            Phase::Calling(out) => {
                if let Some(tx) = out.tx {
                    cx.table.drop(tx, &mut cx.wires);
                }
                self.end(Ending { by: callback_core::record::EndedBy::Us, ..Ending::SILENT }, cx);
            }
            Phase::Leaving(leave) => self.end(leave.ending, cx),
            Phase::Called(_) => self.reject(480, cx),
            Phase::Talking(_) | Phase::Over => {}
        }
    }

    fn hangup(&mut self, reason: HangupReason, cx: &mut Cx) {
        match &mut self.phase {
            Phase::Calling(out) if out.tx.is_none() => self.end(Ending::OURS, cx),
            Phase::Calling(out) => {
                let heard = out.heard;
                if self.hung.is_none() {
                    self.hung = Some(reason);
                    self.be_patient(cx);
                    if heard {
                        self.cancel(cx);
                    }
                }
            }
            Phase::Called(_) => self.reject(480, cx),
            Phase::Talking(talk) => {
                self.hung = Some(reason);
                // Whoever has not acknowledged our first answer yet must not be sent a BYE (RFC 3261 §15).
                if !talk.pending.as_ref().is_some_and(|pending| pending.first) {
                    self.leave(Ending::OURS, cx);
                }
            }
            Phase::Leaving(_) | Phase::Over => {}
        }
    }

    /// The end.
    pub(super) fn end(&mut self, ending: Ending, cx: &mut Cx) {
        // Whoever answered and is gone is acknowledged all the same, or repeats his answer.
        self.acknowledge_now(cx);
        if let Phase::Leaving(leave) = &self.phase
            && let Some(invite) = leave.invite
        {
            cx.table.drop(invite, &mut cx.wires);
        }
        self.phase = Phase::Over;
        cx.event(self.key, Progress::Ended(ending));
    }
}
