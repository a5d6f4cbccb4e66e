//! What waits until it is stored: a process that dies leaves nothing up that the next one could not take down. An INVITE
//! sent anew waits until its branch is stored, for its CANCEL; the ACK of an answer until its dialog is, for its BYE.
//! Whose ACK never comes repeats his answer and then hangs up by himself (RFC 3261 §13.3.1.4). Nothing is stored here.

use super::T1;
use super::call::{Call, CallAlarm, Phase};
use super::cx::Cx;
use super::dialog::Snapshot;
use crate::cause::Ending;
use std::time::Duration;

/// How long is waited: until the far end repeats its answer for the first time. Longer, and it could not hang up, which
/// it must not before the ACK (RFC 3261 §15).
const HELD: Duration = T1;

/// What waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// The INVITE.
    Invite,
    /// The ACK of the answer, and the BYE after it where the call is to be left.
    Ack { leaving: Option<Ending> },
}

impl Call {
    pub(super) fn hold(&mut self, held: Held, cx: &mut Cx) {
        self.held = Some(held);
        cx.arm(self.key, CallAlarm::Unstored, HELD);
    }

    /// This is stored of it.
    pub(super) fn stored(&mut self, snapshot: &Snapshot, cx: &mut Cx) {
        let is_it = match (&self.held, &self.phase) {
            (Some(Held::Invite), Phase::Calling(out)) => snapshot.branch == out.branch,
            (Some(Held::Ack { .. }), _) => {
                snapshot.remote_tag.as_ref() == self.acked.as_ref().map(|(tag, ..)| tag)
            }
            _ => false,
        };
        if is_it {
            self.release(cx);
        }
    }

    /// What waits goes out.
    pub(super) fn release(&mut self, cx: &mut Cx) {
        match self.held {
            Some(Held::Invite) => {
                self.held = None;
                cx.disarm(self.key, CallAlarm::Unstored);
                self.send(cx);
            }
            Some(Held::Ack { leaving }) => {
                self.acknowledge_now(cx);
                if let Some(ending) = leaving {
                    self.leave(ending, cx);
                }
            }
            None => {}
        }
    }

    /// Sends the ACK that is held, if one is.
    pub(super) fn acknowledge_now(&mut self, cx: &mut Cx) {
        if let Some(Held::Ack { .. }) = self.held.take()
            && let Some((_, flow, ack)) = &self.acked
        {
            cx.disarm(self.key, CallAlarm::Unstored);
            cx.wires.send(*flow, ack.clone());
        }
    }
}
