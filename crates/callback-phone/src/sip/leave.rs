//! The ways out of a dialog (RFC 3261 §15.1): our BYE, one for each dialog where a fork made many, and the far end's.
//! When that is to be done is decided elsewhere.

use super::auth::Rounds;
use super::call::{Call, CallAlarm, Phase, Talk};
use super::cx::Cx;
use super::dialog::Dialog;
use super::held::Held;
use super::table::{Owner, Tx};
use super::wire::{Fields, Method, Request, Response};
use crate::cause::{self, Ending};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How far the numbers of BYEs are apart that are under way in the dialogs of one call.
const APART: u32 = 100;

/// A call whose BYEs are under way.
#[derive(Debug)]
pub(super) struct Leave {
    byes: Vec<Bye>,
    pub(super) ending: Ending,
    /// The INVITE, where it has no final response yet.
    pub(super) invite: Option<Tx>,
}

/// A BYE that has no final response yet.
#[derive(Debug)]
struct Bye {
    dialog: Dialog,
    rounds: Rounds,
}

impl Leave {
    pub(super) fn is_with(&self, tag: &str) -> bool {
        self.byes.iter().any(|bye| bye.dialog.remote_tag == tag)
    }

    pub(super) fn peers(&self) -> BTreeSet<IpAddr> {
        self.byes.iter().flat_map(|bye| bye.dialog.peers()).collect()
    }
}

impl Call {
    /// Hangs up an answered call (RFC 3261 §15.1.1); one whose ACK is held, after that.
    pub(super) fn leave(&mut self, ending: Ending, cx: &mut Cx) {
        if !matches!(self.phase, Phase::Talking(_)) {
            return;
        }
        self.be_patient(cx);
        if let Some(Held::Ack { leaving }) = &mut self.held {
            leaving.get_or_insert(ending);
            return;
        }
        let Phase::Talking(talk) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        let Talk { dialog, .. } = *talk;
        cx.disarm(self.key, CallAlarm::Resend);
        cx.disarm(self.key, CallAlarm::NoAck);
        self.leave_dialogs(vec![dialog], None, ending, cx);
    }

    /// As [`Self::leave`], of dialogs that are not talked in; answered or not yet, as a caller may (RFC 3261 §15).
    pub(super) fn leave_dialogs(
        &mut self,
        dialogs: Vec<Dialog>,
        invite: Option<Tx>,
        ending: Ending,
        cx: &mut Cx,
    ) {
        self.be_patient(cx);
        let numbered = dialogs.into_iter().zip(0..).map(|(mut dialog, at)| {
            dialog.cseq = dialog.cseq.saturating_add(1 + APART * at);
            Bye { dialog, rounds: Rounds::default() }
        });
        let byes: Vec<Bye> = numbered.collect();
        let numbers: Vec<u32> = byes.iter().map(|bye| bye.dialog.cseq).collect();
        self.phase = Phase::Leaving(Box::new(Leave { byes, ending, invite }));
        for number in numbers {
            self.bye(number, cx);
        }
    }

    fn bye(&mut self, cseq: u32, cx: &mut Cx) {
        let Phase::Leaving(leave) = &mut self.phase else { return };
        let Some(bye) = leave.byes.iter_mut().find(|bye| bye.dialog.cseq == cseq) else { return };
        let uri = bye.dialog.request_uri();
        let mut more = cx.credentials(self.account, Method::Bye, &uri, &mut bye.rounds);
        more.extend(self.hung.and_then(cause::reason).map(|reason| ("Reason", reason)));
        let (branch, sent_by, hop) = (cx.branch(), cx.sent_by(bye.dialog.flow), bye.dialog.next_hop());
        match bye.dialog.request(Method::Bye, &branch, &sent_by, &more) {
            Ok(request) => {
                cx.send(&request, Owner::Call(self.key), hop);
            }
            Err(_) => self.bye_ended(cseq, cx),
        }
    }

    pub(super) fn bye_response(&mut self, response: &Response, cx: &mut Cx) {
        let Phase::Leaving(leave) = &mut self.phase else { return };
        let cseq = response.head.cseq;
        let Some(bye) = leave.byes.iter_mut().find(|bye| bye.dialog.cseq == cseq) else { return };
        if cx.learn(self.account, response, &mut bye.rounds) {
            bye.dialog.cseq += 1;
            self.bye(cseq + 1, cx);
        } else {
            self.bye_ended(cseq, cx);
        }
    }

    /// The BYE with this number is answered, or nobody answers it. The last one is the end.
    pub(super) fn bye_ended(&mut self, cseq: u32, cx: &mut Cx) {
        let Phase::Leaving(leave) = &mut self.phase else { return };
        leave.byes.retain(|bye| bye.dialog.cseq != cseq);
        if leave.byes.is_empty() {
            let ending = leave.ending;
            self.end(ending, cx);
        }
    }

    /// The far end hangs up (RFC 3261 §15.1.2).
    pub(super) fn far_bye(&mut self, request: &Request, tx: Tx, cx: &mut Cx) {
        cx.answer(tx, request, 200, &[]);
        match &self.phase {
            Phase::Leaving(leave) => {
                let of_it = |bye: &&Bye| bye.dialog.remote_tag == request.head.from_tag;
                let cseq = leave.byes.iter().find(of_it).map(|bye| bye.dialog.cseq);
                cseq.into_iter().for_each(|cseq| self.bye_ended(cseq, cx));
            }
            Phase::Talking(_) | Phase::Called(_) | Phase::Calling(_) | Phase::Over => {
                self.end(Ending::of_bye(&request.reasons()), cx);
            }
        }
    }
}
