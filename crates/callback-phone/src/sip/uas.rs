//! Calls in (RFC 3261 §13.3), and what the far end of any call changes while it lasts (§14.2): hold, a moved
//! address, another codec, an offer asked of us. Our 2xx is ours to repeat until its ACK comes. Nothing is
//! re-offered by ourselves.

use super::call::{Call, CallAlarm, Phase, Talk};
use super::cx::Cx;
use super::dialog::Dialog;
use super::table::Tx;
use super::wire::{ALLOW, Fields, Method, Request, Response, accept, contact_of};
use super::{CallKey, Flow, Incoming, PATIENCE, Progress, T1, T2};
use crate::cause::Ending;
use crate::sdp::{Local, Session};
use rand::Rng;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a call to us may ring: a CANCEL may be lost, and an INVITE may come after it.
const RING_LIMIT: Duration = Duration::from_secs(180);

/// An INVITE to us that has no final answer yet.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) request: Request,
    pub(super) flow: Flow,
    tx: Tx,
    /// None = the caller wants our offer.
    offer: Option<Session>,
}

/// A 2xx of ours that waits for its ACK (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(super) struct Pending {
    tx: Tx,
    response: Response,
    interval: Duration,
    /// The ACK has to bring an answer to our offer.
    offered: bool,
    /// It answers the call itself.
    pub(super) first: bool,
}

impl Call {
    /// A call to us; none = it was refused at once.
    pub(super) fn invited(key: CallKey, request: &Request, tx: Tx, flow: Flow, cx: &mut Cx) -> Option<Self> {
        let offer = match request.sdp() {
            None if request.has_other_body() => {
                cx.answer(tx, request, 415, &[accept()]);
                return None;
            }
            None => None,
            Some(sdp) => match Session::read(sdp) {
                Ok(session) if session.as_answer().is_ok() => Some(session),
                _ => {
                    cx.answer(tx, request, 488, &[]);
                    return None;
                }
            },
        };
        if request.contact().is_none() {
            cx.answer(tx, request, 400, &[]);
            return None;
        }
        let (from, name, to) = request.parties();
        let codec = offer.as_ref().and_then(|offer| offer.as_answer().ok()).map(|remote| remote.codec);
        cx.event(key, Progress::Incoming(Incoming { from, name, to, codec }));
        cx.arm(key, CallAlarm::GiveUp, RING_LIMIT);
        let names = (request.head.call_id.clone(), cx.token());
        let local = Local { address: flow.peer, id: u64::from(cx.rng.next_u32()), version: 0 };
        let called = Called { request: request.clone(), flow, tx, offer };
        Some(Self::new(key, names, None, local, Phase::Called(Box::new(called))))
    }

    pub(super) fn ring(&mut self, cx: &mut Cx) {
        self.provisionally(180, None, cx);
    }

    /// Early media needs an offer to answer; without one it only rings.
    pub(super) fn early_media(&mut self, address: SocketAddr, cx: &mut Cx) {
        let Phase::Called(called) = &self.phase else { return };
        self.local = Local { address, version: 1, ..self.local };
        match called.offer.as_ref().and_then(|offer| offer.answer(&self.local).ok()) {
            Some((sdp, sound)) => {
                self.provisionally(183, Some(&sdp), cx);
                cx.event(self.key, Progress::Media(sound));
            }
            None => self.ring(cx),
        }
    }

    fn provisionally(&mut self, status: u16, sdp: Option<&str>, cx: &mut Cx) {
        let Phase::Called(called) = &self.phase else { return };
        let more = [contact_of(&cx.sent_by(called.flow))];
        if let Ok(response) = called.request.reply(status, &self.local_tag, &more, sdp) {
            let tx = called.tx;
            cx.respond(tx, &response);
        }
    }

    pub(super) fn answer(&mut self, address: SocketAddr, cx: &mut Cx) {
        if !matches!(self.phase, Phase::Called(_)) {
            return;
        }
        let Phase::Called(called) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        self.local = Local { address, version: 1, ..self.local };
        let sound = called.offer.as_ref().and_then(|offer| offer.answer(&self.local).ok());
        let (sdp, sound) =
            sound.map_or_else(|| (self.local.offer(), None), |(sdp, sound)| (sdp, Some(sound)));
        let dialog = Dialog::of_invite(&called.request, &self.local_tag, called.flow);
        let more = [contact_of(&cx.sent_by(called.flow)), ("Allow", ALLOW.to_owned())];
        let response = called.request.reply(200, &self.local_tag, &more, Some(&sdp));
        let (Some(dialog), Ok(response)) = (dialog, response) else {
            cx.answer(called.tx, &called.request, 400, &[]);
            return self.end(Ending::MEDIA, cx);
        };
        let (tx, offered) = (called.tx, sound.is_none());
        let pending = Pending { tx, response, interval: T1, offered, first: true };
        cx.disarm(self.key, CallAlarm::GiveUp);
        self.phase = Phase::Talking(Box::new(Talk { dialog, pending: Some(pending) }));
        self.first_send(cx);
        if let Some(sound) = sound {
            cx.event(self.key, Progress::Media(sound));
        }
    }

    pub(super) fn reject(&mut self, status: u16, cx: &mut Cx) {
        let Phase::Called(called) = &self.phase else { return };
        cx.finally(called.tx, called.request.reply(status.max(300), &self.local_tag, &[], None));
        self.end(Ending::OURS, cx);
    }

    /// The caller gives up (RFC 3261 §9.2). An answered call is not cancelled.
    pub(super) fn cancelled(&mut self, cancel: &Request, cx: &mut Cx) {
        let Phase::Called(called) = &self.phase else { return };
        cx.finally(called.tx, called.request.reply(487, &self.local_tag, &[], None));
        let ending = Ending { cause: Ending::of_bye(&cancel.reasons()).cause, ..Ending::CANCELLED };
        self.end(ending, cx);
    }

    /// A request within the dialog.
    pub(super) fn request(&mut self, request: &Request, tx: Tx, flow: Flow, cx: &mut Cx) {
        if let Phase::Talking(talk) = &mut self.phase {
            let number = request.head.cseq;
            if talk.dialog.remote_cseq.is_some_and(|last| number <= last) {
                return cx.answer(tx, request, 500, &[]);
            }
            talk.dialog.remote_cseq = Some(number);
            talk.dialog.flow = flow;
        }
        match request.head.method {
            Method::Bye => {
                if let Phase::Called(called) = &self.phase {
                    cx.finally(called.tx, called.request.reply(487, &self.local_tag, &[], None));
                }
                self.far_bye(request, tx, cx);
            }
            Method::Invite => self.reinvited(request, tx, cx),
            Method::Options | Method::NotAllowed | Method::Unknown | Method::Ack | Method::Cancel => {
                super::plain::answer(request, tx, cx);
            }
        }
    }

    /// A re-INVITE (RFC 3261 §14.2).
    fn reinvited(&mut self, request: &Request, tx: Tx, cx: &mut Cx) {
        let Phase::Talking(talk) = &mut self.phase else { return cx.answer(tx, request, 481, &[]) };
        match &talk.pending {
            // Our offer has no answer yet: theirs crosses it (RFC 3264 §4).
            Some(pending) if pending.offered => return cx.answer(tx, request, 491, &[]),
            Some(_) => return cx.answer(tx, request, 500, &[("Retry-After", "2".to_owned())]),
            None => {}
        }
        let next = Local { version: self.local.version + 1, ..self.local };
        let (sdp, sound) = match request.sdp() {
            None if request.has_other_body() => return cx.answer(tx, request, 415, &[accept()]),
            None => (next.offer(), None),
            Some(sdp) => match Session::read(sdp).and_then(|session| session.answer(&next)) {
                Ok((sdp, sound)) => (sdp, Some(sound)),
                Err(_) => return cx.answer(tx, request, 488, &[]),
            },
        };
        self.local = next;
        if let Some(target) = request.contact() {
            talk.dialog.target = target;
        }
        let more = [contact_of(&cx.sent_by(talk.dialog.flow)), ("Allow", ALLOW.to_owned())];
        let Ok(response) = request.reply(200, &self.local_tag, &more, Some(&sdp)) else {
            return cx.answer(tx, request, 400, &[]);
        };
        talk.pending = Some(Pending { tx, response, interval: T1, offered: sound.is_none(), first: false });
        self.first_send(cx);
        if let Some(sound) = sound {
            cx.event(self.key, Progress::Media(sound));
        }
    }

    fn first_send(&mut self, cx: &mut Cx) {
        let Phase::Talking(talk) = &self.phase else { return };
        let Some(pending) = &talk.pending else { return };
        cx.respond(pending.tx, &pending.response);
        cx.arm(self.key, CallAlarm::Resend, T1);
        cx.arm(self.key, CallAlarm::NoAck, PATIENCE);
    }

    pub(super) fn resend(&mut self, cx: &mut Cx) {
        let Phase::Talking(talk) = &mut self.phase else { return };
        let Some(pending) = &mut talk.pending else { return };
        cx.respond(pending.tx, &pending.response);
        pending.interval = (pending.interval * 2).min(T2);
        cx.arm(self.key, CallAlarm::Resend, pending.interval);
    }

    /// Nobody acknowledged our 2xx: the dialog is hung up (RFC 3261 §13.3.1.4).
    pub(super) fn no_ack(&mut self, cx: &mut Cx) {
        let ending = if self.hung.is_some() { Ending::OURS } else { Ending::SILENT };
        self.leave(ending, cx);
    }

    pub(super) fn ack(&mut self, request: &Request, cx: &mut Cx) {
        let Phase::Talking(talk) = &mut self.phase else { return };
        let Some(pending) = talk.pending.take_if(|pending| pending.response.head.cseq == request.head.cseq)
        else {
            return;
        };
        cx.disarm(self.key, CallAlarm::Resend);
        cx.disarm(self.key, CallAlarm::NoAck);
        if pending.first {
            cx.event(self.key, Progress::Answered);
        }
        if self.hung.is_some() {
            return self.leave(Ending::OURS, cx);
        }
        if !pending.offered {
            return;
        }
        let sound = request.sdp().and_then(|sdp| Session::read(sdp).ok()?.as_answer().ok());
        match sound {
            Some(sound) => cx.event(self.key, Progress::Media(sound)),
            // A call that never had sound is none; one that had keeps what was agreed before.
            None if pending.first => self.leave(Ending::MEDIA, cx),
            None => {}
        }
    }
}
