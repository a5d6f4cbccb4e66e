//! A call out (RFC 3261 §13.2, §9.1): the INVITE and its credentials, ringing, the answer, and all that can
//! cross on the way: CANCEL and 200, the answers of a fork, an answer after the end. A voice before the
//! answer is never an answer.

use super::auth::Rounds;
use super::call::{Call, CallAlarm, Phase, Talk};
use super::cx::Cx;
use super::dialog::{Dialog, Early, Snapshot};
use super::held::Held;
use super::table::{Owner, Tx};
use super::wire::{self, Draft, Fields, Method, Request, Response, Unbuildable};
use super::{CallKey, Flow, Progress, T1};
use crate::cause::{self, Ending};
use crate::media::Remote;
use crate::sdp::{Local, Session};
use callback_core::flow::HangupReason;
use rand::Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How many early dialogs of a fork are told apart.
const MAX_EARLY: usize = 8;
/// How long after its CANCEL a former process's INVITE is thought to be unanswered, where nobody says so.
const UNCANCELLED: Duration = T1.saturating_mul(2);

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) flow: Flow,
    /// The Request-URI.
    pub(crate) uri: String,
    /// From, without a tag.
    pub(crate) from: String,
    /// To.
    pub(crate) to: String,
    /// More headers, as P-Asserted-Identity.
    pub(crate) more: Vec<(&'static str, String)>,
    /// Whose credentials are used.
    pub(crate) account: Option<usize>,
    /// Where we receive RTP.
    pub(crate) address: SocketAddr,
}

/// A call out that has no answer yet.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(super) flow: Flow,
    sent_by: String,
    uri: String,
    from: String,
    to: String,
    more: Vec<(&'static str, String)>,
    pub(super) branch: String,
    pub(super) cseq: u32,
    /// None = not sent yet.
    pub(super) tx: Option<Tx>,
    /// A provisional response came: CANCEL may be sent.
    pub(super) heard: bool,
    rang: bool,
    early: bool,
    /// The dialogs that provisional responses made.
    dialogs: Vec<Early>,
    /// What early dialogs said of their sound.
    previews: BTreeMap<String, Remote>,
    rounds: Rounds,
    credentials: Vec<(&'static str, String)>,
}

impl Outgoing {
    pub(super) fn snapshot(&self, call_id: &str, local_tag: &str) -> Snapshot {
        Snapshot {
            call_id: call_id.to_owned(),
            local: self.from.clone(),
            local_tag: local_tag.to_owned(),
            remote: self.to.clone(),
            remote_tag: None,
            target: self.uri.clone(),
            routes: Vec::new(),
            branch: self.branch.clone(),
            sent_by: self.sent_by.clone(),
            cseq: self.cseq,
            peer: self.flow.peer,
            early: self.dialogs.clone(),
        }
    }

    fn draft(
        &self,
        method: Method,
        call_id: &str,
        more: &[(&'static str, String)],
        sdp: Option<&str>,
    ) -> Result<Request, Unbuildable> {
        Draft {
            method,
            uri: &self.uri,
            sent_by: &self.sent_by,
            branch: &self.branch,
            from: &self.from,
            to: &self.to,
            call_id,
            cseq: self.cseq,
            routes: &[],
            more,
            sdp,
        }
        .build()
    }
}

impl Call {
    /// A call that is not sent yet.
    pub(super) fn prepare(key: CallKey, invite: Invite, cx: &mut Cx) -> Self {
        let names = (format!("{}{}", cx.token(), cx.token()), cx.token());
        let local = Local { address: invite.address, id: u64::from(cx.rng.next_u32()), version: 1 };
        let out = Outgoing {
            sent_by: cx.sent_by(invite.flow),
            flow: invite.flow,
            uri: invite.uri,
            from: format!("{};tag={}", invite.from, names.1),
            to: invite.to,
            more: invite.more,
            branch: cx.branch(),
            cseq: 1,
            tx: None,
            heard: false,
            rang: false,
            early: false,
            dialogs: Vec::new(),
            previews: BTreeMap::new(),
            rounds: Rounds::default(),
            credentials: Vec::new(),
        };
        Self::new(key, names, invite.account, local, Phase::Calling(Box::new(out)))
    }

    /// A call of a former process, to be taken down: what was answered by BYE, the rest by CANCEL with the
    /// branch of its INVITE (RFC 3261 §9.1).
    pub(super) fn adopt(
        key: CallKey,
        stored: &Snapshot,
        flow: Flow,
        account: Option<usize>,
        cx: &mut Cx,
    ) -> Self {
        let names = (stored.call_id.clone(), stored.local_tag.clone());
        let local = Local { address: flow.peer, id: 0, version: 1 };
        let out = Outgoing {
            flow,
            sent_by: stored.sent_by.clone(),
            uri: stored.target.clone(),
            from: stored.local.clone(),
            to: stored.remote.clone(),
            more: Vec::new(),
            branch: stored.branch.clone(),
            cseq: stored.cseq,
            tx: None,
            heard: true,
            rang: false,
            early: false,
            dialogs: stored.early.clone(),
            previews: BTreeMap::new(),
            rounds: Rounds::default(),
            credentials: Vec::new(),
        };
        let mut call = Self::new(key, names, account, local, Phase::Calling(Box::new(out)));
        call.hung = Some(HangupReason::Over);
        call.adopted = true;
        if let Some(dialog) = stored.dialog(flow) {
            call.leave_dialogs(vec![dialog], None, Ending::OURS, cx);
        } else {
            call.adopt_invite(cx);
        }
        call
    }

    fn adopt_invite(&mut self, cx: &mut Cx) {
        let Phase::Calling(out) = &mut self.phase else { return };
        let trying = out.draft(Method::Invite, &self.call_id, &[], None).and_then(|invite| {
            let trying = invite.reply(100, "", &[], None)?;
            Ok((invite, trying))
        });
        let Ok((invite, trying)) = trying else { return self.end(Ending::OURS, cx) };
        out.tx = Some(cx.table.adopt(&invite, &trying, Owner::Call(self.key), out.flow));
        self.be_patient(cx);
        cx.arm(self.key, CallAlarm::Uncancelled, UNCANCELLED);
        self.cancel(cx);
    }

    /// Sends the INVITE, for the first time or again with credentials.
    pub(super) fn send(&mut self, cx: &mut Cx) {
        let Phase::Calling(out) = &mut self.phase else { return };
        if out.tx.is_some() {
            return;
        }
        out.credentials = cx.credentials(self.account, Method::Invite, &out.uri, &mut out.rounds);
        let more: Vec<_> = out.more.iter().chain(&out.credentials).cloned().collect();
        match out.draft(Method::Invite, &self.call_id, &more, Some(&self.local.offer())) {
            Ok(request) => out.tx = Some(cx.send(&request, Owner::Call(self.key), out.flow)),
            Err(Unbuildable) => self.end(Ending::MEDIA, cx),
        }
    }

    /// Sends CANCEL, which shares the branch of its INVITE. Only called once a provisional response came.
    pub(super) fn cancel(&mut self, cx: &mut Cx) {
        let Phase::Calling(out) = &self.phase else { return };
        let reason = self.hung.and_then(cause::reason).map(|reason| ("Reason", reason));
        let more: Vec<_> = reason.into_iter().collect();
        if let Ok(request) = out.draft(Method::Cancel, &self.call_id, &more, None) {
            let flow = out.flow;
            cx.send(&request, Owner::Call(self.key), flow);
        }
    }

    /// 481 to the CANCEL of a former process's INVITE: it is not there, or had been answered (RFC 3261 §9.2).
    pub(super) fn cancel_response(&mut self, status: u16, cx: &mut Cx) {
        let Phase::Calling(out) = &self.phase else { return };
        if !self.adopted || status != 481 {
            return;
        }
        if !out.dialogs.is_empty() {
            return self.leave_early(cx);
        }
        if let Some(tx) = out.tx {
            cx.table.drop(tx, &mut cx.wires);
        }
        self.end(Ending::OURS, cx);
    }

    /// A former process's INVITE is not ended by its CANCEL: one of its early dialogs was answered and acknowledged, and
    /// nobody says which. Each is hung up, as a caller may (RFC 3261 §15); where there is none it is waited on.
    pub(super) fn leave_early(&mut self, cx: &mut Cx) {
        let Phase::Calling(out) = &self.phase else { return };
        let dialogs = out.snapshot(&self.call_id, &self.local_tag).early_dialogs(out.flow);
        if !dialogs.is_empty() {
            let invite = out.tx;
            self.leave_dialogs(dialogs, invite, Ending::OURS, cx);
        }
    }

    pub(super) fn invite_response(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        let success = (200..300).contains(&response.status);
        match &mut self.phase {
            Phase::Calling(out) if out.cseq == response.head.cseq => match response.status {
                100..200 => self.provisional(response, flow, cx),
                200..300 => self.answered(response, flow, cx),
                _ => self.refused(response, cx),
            },
            Phase::Talking(_) | Phase::Leaving(_) if success => self.answered_again(response, flow, cx),
            // No dialog of it is left, and its transaction ends by itself.
            Phase::Leaving(leave) if leave.invite.is_some() && response.status >= 300 => {
                leave.invite = None;
                self.end(Ending::OURS, cx);
            }
            Phase::Calling(_) | Phase::Called(_) | Phase::Talking(_) | Phase::Leaving(_) | Phase::Over => {}
        }
    }

    fn provisional(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        self.early_dialog(response, flow, cx);
        let Phase::Calling(out) = &mut self.phase else { return };
        let first = !std::mem::replace(&mut out.heard, true);
        if first {
            cx.event(self.key, Progress::Heard);
        }
        if self.hung.is_some() {
            if first {
                self.cancel(cx);
            }
            return;
        }
        let sound = response.sdp().and_then(|sdp| Session::read(sdp).ok()?.as_answer().ok());
        if let (Some(tag), Some(sound)) = (&response.head.to_tag, sound)
            && out.previews.len() < MAX_EARLY
        {
            out.previews.insert(tag.clone(), sound);
        }
        if response.status == 180 && !std::mem::replace(&mut out.rang, true) {
            cx.event(self.key, Progress::Ringing);
        }
        if response.status != 100 && response.sdp().is_some() && !std::mem::replace(&mut out.early, true) {
            cx.event(self.key, Progress::EarlyMedia);
        }
    }

    /// The early dialog that a provisional response makes, if it is another one (RFC 3261 §12.1).
    fn early_dialog(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        let Phase::Calling(out) = &mut self.phase else { return };
        let Some(tag) = response.head.to_tag.as_ref().filter(|_| response.status > 100) else { return };
        if out.dialogs.len() >= MAX_EARLY || out.dialogs.iter().any(|early| early.remote_tag == *tag) {
            return;
        }
        let Some(dialog) = Dialog::of_answer(response, &out.uri, flow) else { return };
        out.dialogs.push(Early::of_dialog(dialog));
        let stored = out.snapshot(&self.call_id, &self.local_tag);
        cx.event(self.key, Progress::Stored(Box::new(stored)));
    }

    fn refused(&mut self, response: &Response, cx: &mut Cx) {
        let Phase::Calling(out) = &mut self.phase else { return };
        let asked = matches!(response.status, 401 | 407);
        if self.hung.is_none() && cx.learn(self.account, response, &mut out.rounds) {
            out.cseq += 1;
            out.branch = cx.branch();
            out.tx = None;
            out.heard = false;
            out.dialogs.clear();
            let stored = out.snapshot(&self.call_id, &self.local_tag);
            cx.event(self.key, Progress::Stored(Box::new(stored)));
            return self.hold(Held::Invite, cx);
        }
        let ending = if self.hung.is_some() && asked {
            Ending::OURS
        } else {
            let retry_after = response.retry_after().filter(|_| response.status == 503);
            Ending {
                retry_after,
                ..Ending::of_final(response.status, &response.reasons(), self.hung.is_some())
            }
        };
        self.end(ending, cx);
    }

    /// The first 2xx: its dialog is the call.
    fn answered(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        let Phase::Calling(out) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        if let Some(tx) = out.tx {
            cx.table.drop(tx, &mut cx.wires);
        }
        let dialog = Dialog::of_answer(response, &out.uri, flow);
        let acked = dialog.and_then(|dialog| Some((acknowledgement(&dialog, &out.credentials, cx)?, dialog)));
        let Some((acked, dialog)) = acked else { return self.end(Ending::MEDIA, cx) };
        self.acked = Some(acked);
        self.hold(Held::Ack { leaving: None }, cx);
        if self.adopted {
            return self.answered_late(&out, dialog, cx);
        }
        let sound = match response.sdp() {
            Some(sdp) => Session::read(sdp).ok().and_then(|session| session.as_answer().ok()),
            None => out.previews.get(&dialog.remote_tag).copied(),
        };
        let stored = Snapshot::of_dialog(&dialog);
        self.phase = Phase::Talking(Box::new(Talk { dialog, pending: None }));
        if sound.is_some() {
            cx.event(self.key, Progress::Answered);
        }
        cx.event(self.key, Progress::Stored(Box::new(stored)));
        match sound {
            None => self.leave(Ending::MEDIA, cx),
            Some(_) if self.hung.is_some() => self.leave(Ending::OURS, cx),
            Some(sound) => cx.event(self.key, Progress::Media(sound)),
        }
    }

    /// A former process's INVITE is answered after all: that dialog is hung up, and each other one, because the dead may
    /// have acknowledged another answer of a fork.
    fn answered_late(&mut self, out: &Outgoing, dialog: Dialog, cx: &mut Cx) {
        self.acknowledge_now(cx);
        let mut dialogs = out.snapshot(&self.call_id, &self.local_tag).early_dialogs(out.flow);
        dialogs.retain(|early| early.remote_tag != dialog.remote_tag);
        dialogs.insert(0, dialog);
        cx.event(self.key, Progress::Answered);
        self.leave_dialogs(dialogs, None, Ending::OURS, cx);
    }

    /// Another 2xx: of the same telephone, whose ACK was lost, or of another one, which is let go.
    fn answered_again(&mut self, response: &Response, flow: Flow, cx: &mut Cx) {
        match &self.acked {
            Some((tag, flow, ack)) if *tag == response.head.to_tag.clone().unwrap_or_default() => {
                if !matches!(self.held, Some(Held::Ack { .. })) {
                    cx.wires.send(*flow, ack.clone());
                }
            }
            None if !self.adopted => {} // A call to us: no INVITE of ours is answered.
            _ => turn_away(response, flow, true, self.account, cx),
        }
    }
}

/// The ACK of a 2xx, which is a request of its own, with the credentials of the INVITE (RFC 3261 §13.2.2.4, §22.1).
fn acknowledgement(
    dialog: &Dialog,
    credentials: &[(&'static str, String)],
    cx: &mut Cx,
) -> Option<(String, Flow, bytes::Bytes)> {
    let (branch, sent_by, hop) = (cx.branch(), cx.sent_by(dialog.flow), dialog.next_hop());
    let ack = dialog.request(Method::Ack, &branch, &sent_by, credentials).ok()?.bytes();
    Some((dialog.remote_tag.clone(), hop, ack))
}

/// Acknowledges and hangs up an answer that nobody wants any more, of a call that is `known` or not.
pub(super) fn turn_away(response: &Response, flow: Flow, known: bool, account: Option<usize>, cx: &mut Cx) {
    let target = response.value("To").unwrap_or_default();
    let fallback = wire::without_headers(target.split(['<', '>']).nth(1).unwrap_or_default());
    let Some(mut dialog) = Dialog::of_answer(response, fallback, flow) else { return };
    let Some((_, hop, ack)) = acknowledgement(&dialog, &[], cx) else { return };
    cx.wires.send(hop, ack);
    if cx.table.full(known) {
        return;
    }
    dialog.cseq += 1;
    let (branch, sent_by, hop) = (cx.branch(), cx.sent_by(flow), dialog.next_hop());
    let more = cx.credentials(account, Method::Bye, &dialog.request_uri(), &mut Rounds::default());
    if let Ok(request) = dialog.request(Method::Bye, &branch, &sent_by, &more) {
        cx.send(&request, Owner::Nobody, hop);
    }
}
