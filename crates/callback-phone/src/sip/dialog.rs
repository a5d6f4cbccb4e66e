//! A dialog (RFC 3261 §12): whom we talk to, by which route, and with which sequence number. It builds the
//! requests within it and sends none.

use super::Flow;
use super::wire::{self, Draft, Fields, Method, Request, Response, Unbuildable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// How many numbers of requests a former process is thought to have used at most.
const ROOM: u32 = 100;

/// An established dialog.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our side, as it stands in From of what we send; its tag included.
    pub(crate) local: String,
    /// The other side, as it stands in To of what we send; its tag included.
    pub(crate) remote: String,
    pub(crate) local_tag: String,
    pub(crate) remote_tag: String,
    /// The other side's Contact (RFC 3261 §12.1.2).
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    /// The number of our last request.
    pub(crate) cseq: u32,
    /// The number of the other side's last request.
    pub(crate) remote_cseq: Option<u32>,
    /// Whence its last message came: where requests go whose next hop is a name.
    pub(crate) flow: Flow,
}

impl Dialog {
    /// The dialog that a 2xx to our INVITE makes, or an earlier response with a tag (RFC 3261 §12.1.2); an answer
    /// without a tag is of an old peer.
    pub(crate) fn of_answer(answer: &Response, fallback_target: &str, flow: Flow) -> Option<Self> {
        let mut routes = answer.record_route();
        routes.reverse();
        Some(Self {
            call_id: answer.head.call_id.clone(),
            local: answer.value("From")?,
            remote: answer.value("To")?,
            local_tag: answer.head.from_tag.clone(),
            remote_tag: answer.head.to_tag.clone().unwrap_or_default(),
            target: answer.contact().unwrap_or_else(|| fallback_target.to_owned()),
            routes,
            cseq: answer.head.cseq,
            remote_cseq: None,
            flow,
        })
    }

    /// The dialog that our answer to an INVITE makes (RFC 3261 §12.1.1).
    pub(crate) fn of_invite(invite: &Request, tag: &str, flow: Flow) -> Option<Self> {
        Some(Self {
            call_id: invite.head.call_id.clone(),
            local: format!("{};tag={tag}", invite.value("To")?),
            remote: invite.value("From")?,
            local_tag: tag.to_owned(),
            remote_tag: invite.head.from_tag.clone(),
            target: invite.contact()?,
            routes: invite.record_route(),
            cseq: 0,
            remote_cseq: Some(invite.head.cseq),
            flow,
        })
    }

    /// The Request-URI and the Route values of a request within it (RFC 3261 §12.2.1.1): a strict router
    /// as first hop takes the place of the target.
    fn way(&self) -> (String, Vec<String>) {
        match self.routes.first() {
            Some(first) if wire::place(first).is_some_and(|place| !place.loose) => {
                let mut routes: Vec<String> = self.routes.iter().skip(1).cloned().collect();
                routes.push(format!("<{}>", self.target));
                (first.trim_matches(['<', '>']).to_owned(), routes)
            }
            _ => (self.target.clone(), self.routes.clone()),
        }
    }

    /// Where a request within it is sent: the address in the first route or the target, or where the other
    /// side's messages come from while that is a name.
    pub(crate) fn next_hop(&self) -> Flow {
        let hop = self.routes.first().map_or(self.target.as_str(), String::as_str);
        let peer = wire::place(hop).and_then(|place| {
            let same_family = place.ip?.is_ipv4() == self.flow.peer.is_ipv4();
            same_family
                .then(|| SocketAddr::new(place.ip.unwrap_or(self.flow.peer.ip()), place.port.unwrap_or(5060)))
        });
        Flow { peer: peer.unwrap_or(self.flow.peer), ..self.flow }
    }

    /// Builds a request within it. An ACK takes the number of its INVITE, which is `self.cseq`.
    ///
    /// # Errors
    /// A value of the other side that cannot be sent back.
    pub(crate) fn request(
        &self,
        method: Method,
        branch: &str,
        sent_by: &str,
        more: &[(&'static str, String)],
    ) -> Result<Request, Unbuildable> {
        let (uri, routes) = self.way();
        Draft {
            method,
            uri: &uri,
            sent_by,
            branch,
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            cseq: self.cseq,
            routes: &routes,
            more,
            sdp: None,
        }
        .build()
    }

    /// The Request-URI that a digest of a request within it is computed over.
    pub(crate) fn request_uri(&self) -> String {
        self.way().0
    }

    /// The addresses that messages of this dialog may come from.
    pub(crate) fn peers(&self) -> BTreeSet<IpAddr> {
        let hops = self.routes.iter().chain(std::iter::once(&self.target));
        let mut peers: BTreeSet<IpAddr> = hops.filter_map(|hop| wire::place(hop)?.ip).collect();
        peers.insert(self.flow.peer.ip());
        peers
    }
}

/// What the next process needs to take a call of this one down: to cancel its INVITE, or to hang it up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) call_id: String,
    pub(crate) local: String,
    pub(crate) local_tag: String,
    pub(crate) remote: String,
    /// None while it is not answered.
    pub(crate) remote_tag: Option<String>,
    /// The Request-URI of the INVITE, or the other side's Contact.
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    /// The INVITE's branch, which its CANCEL shares.
    pub(crate) branch: String,
    /// Our `host:port` in the INVITE's Via, which is part of what its CANCEL is matched by.
    pub(crate) sent_by: String,
    pub(crate) cseq: u32,
    pub(crate) peer: SocketAddr,
    /// While it is not answered: the dialogs that provisional responses made.
    #[serde(default)]
    pub(crate) early: Vec<Early>,
}

/// A dialog before its answer (RFC 3261 §12.1): what differs between those of one INVITE, which forks make many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Early {
    remote: String,
    pub(crate) remote_tag: String,
    target: String,
    routes: Vec<String>,
}

impl Early {
    pub(crate) fn of_dialog(dialog: Dialog) -> Self {
        Self {
            remote: dialog.remote,
            remote_tag: dialog.remote_tag,
            target: dialog.target,
            routes: dialog.routes,
        }
    }
}

impl Snapshot {
    pub(crate) fn of_dialog(dialog: &Dialog) -> Self {
        Self {
            call_id: dialog.call_id.clone(),
            local: dialog.local.clone(),
            local_tag: dialog.local_tag.clone(),
            remote: dialog.remote.clone(),
            remote_tag: Some(dialog.remote_tag.clone()),
            target: dialog.target.clone(),
            routes: dialog.routes.clone(),
            branch: String::new(),
            sent_by: String::new(),
            cseq: dialog.cseq,
            peer: dialog.flow.peer,
            early: Vec::new(),
        }
    }

    /// The dialog it was taken of, if that was answered. The numbers used since are unknown: it leaves room.
    pub(crate) fn dialog(&self, flow: Flow) -> Option<Dialog> {
        Some(Dialog {
            call_id: self.call_id.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone()?,
            target: self.target.clone(),
            routes: self.routes.clone(),
            cseq: self.cseq.saturating_add(ROOM),
            remote_cseq: None,
            flow,
        })
    }

    /// The dialogs that were there before an answer, any of which may have been answered since.
    pub(crate) fn early_dialogs(&self, flow: Flow) -> Vec<Dialog> {
        let dialog = |early: &Early| Dialog {
            call_id: self.call_id.clone(),
            local: self.local.clone(),
            remote: early.remote.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: early.remote_tag.clone(),
            target: early.target.clone(),
            routes: early.routes.clone(),
            cseq: self.cseq.saturating_add(ROOM),
            remote_cseq: None,
            flow,
        };
        self.early.iter().map(dialog).collect()
    }
}
