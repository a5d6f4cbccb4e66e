//! Requests outside of a dialog: OPTIONS both ways (RFC 3261 §11), and a proper refusal of the rest.

use super::cx::Cx;
use super::table::{Owner, Tx};
use super::wire::{ALLOW, Draft, Method, Request, accept};
use super::{Flow, Output};

/// Answers a request that belongs to no dialog and makes none.
pub(super) fn answer(request: &Request, tx: Tx, cx: &mut Cx) {
    let allow = ("Allow", ALLOW.to_owned());
    match request.head.method {
        Method::Options => cx.answer(tx, request, 200, &[allow, accept()]),
        Method::NotAllowed => cx.answer(tx, request, 405, &[allow]),
        Method::Unknown => cx.answer(tx, request, 501, &[allow]),
        Method::Invite | Method::Ack | Method::Bye | Method::Cancel => cx.answer(tx, request, 481, &[]),
    }
}

/// Asks a peer whether it is there.
pub(super) fn probe(probe: usize, flow: Flow, uri: &str, cx: &mut Cx) {
    let (sent_by, branch, call_id, tag) = (cx.sent_by(flow), cx.branch(), cx.token(), cx.token());
    let draft = Draft {
        method: Method::Options,
        uri,
        sent_by: &sent_by,
        branch: &branch,
        from: &format!("<sip:callback@{sent_by}>;tag={tag}"),
        to: &format!("<{uri}>"),
        call_id: &call_id,
        cseq: 1,
        routes: &[],
        more: &[],
        sdp: None,
    };
    match draft.build() {
        Ok(request) => {
            cx.send(&request, Owner::Probe(probe), flow);
        }
        Err(_) => cx.wires.out.push_back(Output::Probed { probe, alive: false }),
    }
}
