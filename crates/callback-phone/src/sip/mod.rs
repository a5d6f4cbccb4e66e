//! The SIP agent: calls out and in over one user agent (RFC 3261), sans-IO. Datagrams, commands and the time
//! go in by [`Agent::handle`], what is to be sent and what became of calls comes out of [`Agent::poll`]. It
//! has no socket, no clock and no randomness but its seed, chooses no trunk, and carries no sound.

pub(crate) mod auth;
mod call;
mod cx;
pub(crate) mod dialog;
mod face;
mod glance;
mod held;
mod leave;
mod plain;
mod table;
mod timers;
mod uac;
mod uas;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod weather;

use crate::cause::Ending;
use crate::gate::Standing;
use auth::{Credentials, Keyring};
use bytes::Bytes;
use call::{Call, CallAlarm};
use cx::Cx;
use dialog::Snapshot;
pub(crate) use face::{Command, Incoming, Input, Output, Progress};
use glance::Glance;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use table::{Matched, Owner, Table, Tx};
pub(crate) use timers::Timers;
pub(crate) use uac::Invite;
use wire::{Clock, Fields, Message, Method, Request, Response};

/// T1 of RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
/// T2 of RFC 3261 §17.1.2.2.
const T2: Duration = Duration::from_secs(4);
/// How long anything is waited for: 64·T1.
pub(crate) const PATIENCE: Duration = Duration::from_secs(32);
/// How many calls there may be, both ways together.
const MAX_CALLS: usize = 10_000;
/// How many ended calls are remembered for [`PATIENCE`], so that what comes late for them is hung up.
const MAX_GRAVES: usize = 50_000;

/// A call of the agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct CallKey(u64);

/// Between which of our sockets and which address a message goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Flow {
    pub(crate) socket: usize,
    pub(crate) peer: SocketAddr,
}

/// What the agent is set up with.
#[derive(Clone, Debug)]
pub(crate) struct AgentConfig {
    /// Our `host:port` on each socket, as the other side sees it.
    pub(crate) sent_by: Vec<String>,
    /// The accounts that calls go out by.
    pub(crate) accounts: Vec<Credentials>,
    /// Whether calls to us become calls, or are refused.
    pub(crate) answers: bool,
}

/// When what happens next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Alarm {
    Tx(Tx, Clock),
    Call(CallKey, CallAlarm),
    /// An ended call is forgotten.
    Grave(CallKey),
}

/// Where messages, alarms and events go.
#[derive(Debug)]
pub(crate) struct Wires {
    timers: Timers<Alarm>,
    out: VecDeque<Output>,
    now: Duration,
}

impl Wires {
    fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.out.push_back(Output::Send { flow, bytes });
    }

    fn arm(&mut self, alarm: Alarm, after: Duration) {
        self.timers.arm(alarm, self.now + after);
    }
}

/// What is left of a call for [`PATIENCE`] after its end: enough to hang up whoever answers late.
#[derive(Debug)]
struct Grave {
    names: (String, String),
    account: Option<usize>,
    /// The answer that was acknowledged, and how.
    acked: Option<(String, Flow, Bytes)>,
    peers: BTreeSet<IpAddr>,
}

/// A SIP user agent.
#[derive(Debug)]
pub(crate) struct Agent {
    cx: Cx,
    answers: bool,
    calls: BTreeMap<CallKey, Call>,
    graves: BTreeMap<CallKey, Grave>,
    /// Calls and graves by Call-ID and our own tag.
    names: BTreeMap<(String, String), CallKey>,
    /// From how many calls and graves messages may come from an address.
    peers: BTreeMap<IpAddr, usize>,
    next: u64,
}

impl Agent {
    pub(crate) fn new(config: AgentConfig, rng: StdRng) -> Self {
        let wires = Wires { timers: Timers::new(), out: VecDeque::new(), now: Duration::ZERO };
        let accounts = config.accounts.into_iter().map(Keyring::new).collect();
        Self {
            cx: Cx { wires, table: Table::default(), rng, sent_by: config.sent_by, accounts },
            answers: config.answers,
            calls: BTreeMap::new(),
            graves: BTreeMap::new(),
            names: BTreeMap::new(),
            peers: BTreeMap::new(),
            next: 0,
        }
    }

    /// Takes what happened at `now`.
    pub(crate) fn handle(&mut self, input: Input<'_>, now: Duration) {
        self.cx.wires.now = now;
        match input {
            Input::Datagram { flow, bytes } => match wire::read(bytes, flow.peer) {
                Some(Message::Request(request)) => self.request(&request, flow),
                Some(Message::Response(response)) => self.response(&response, flow),
                Some(Message::Bad(answer)) => self.cx.wires.send(flow, answer),
                None => {}
            },
            Input::Unreachable { peer } => {
                for (owner, method, cseq) in self.cx.table.unreachable(peer, &mut self.cx.wires) {
                    self.lost(owner, method, cseq, Ending::NO_TRUNK);
                }
            }
            Input::Refused { peer } => self.refused(peer),
            Input::Tick => self.tick(),
            Input::Command(key, command) => self.with(key, |call, cx| call.command(command, cx)),
            Input::Probe { probe, flow, uri } => plain::probe(probe, flow, uri, &mut self.cx),
        }
    }

    /// The next thing to send or to tell.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.cx.wires.out.pop_front()
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.cx.wires.timers.next()
    }

    /// What is known of a datagram that is not parsed: `allowed` from there, or from where a call, or one that ended
    /// a moment ago, may hear; and whether it names such a call or a request of ours.
    pub(crate) fn standing(&self, allowed: bool, ip: IpAddr, datagram: &[u8]) -> Standing {
        if !allowed && !self.peers.contains_key(&ip) {
            return Standing::Stranger;
        }
        let Glance { call_id, branch } = Glance::at(datagram);
        let of_call = call_id.is_some_and(|call_id| {
            let mut from = self.names.range((call_id.to_owned(), String::new())..);
            from.next().is_some_and(|((known, _), _)| known == call_id)
        });
        if of_call || branch.is_some_and(|branch| self.cx.table.sent(branch)) {
            Standing::Known
        } else {
            Standing::Allowed
        }
    }

    /// How many transactions, calls (the remembered ones too, each with its name) and timers there are.
    pub(crate) fn load(&self) -> (usize, usize, usize) {
        (
            self.cx.table.len(),
            self.calls.len() + self.graves.len() + self.names.len(),
            self.cx.wires.timers.len(),
        )
    }

    /// Makes a call without sending anything: [`Command::Send`] does.
    ///
    /// # Errors
    /// Too many calls.
    pub(crate) fn prepare(&mut self, invite: Invite) -> Result<(CallKey, Snapshot), Full> {
        if self.calls.len() >= MAX_CALLS {
            return Err(Full);
        }
        let key = self.key();
        let call = Call::prepare(key, invite, &mut self.cx);
        let snapshot = call.snapshot().ok_or(Full)?;
        self.admit(call);
        Ok((key, snapshot))
    }

    /// What the next process needs to take a call down, as it is.
    pub(crate) fn snapshot(&self, call: CallKey) -> Option<Snapshot> {
        self.calls.get(&call)?.snapshot()
    }

    /// This is stored: what waited for it goes out.
    pub(crate) fn stored(&mut self, snapshot: &Snapshot, now: Duration) {
        self.cx.wires.now = now;
        let name = (snapshot.call_id.clone(), snapshot.local_tag.clone());
        if let Some(key) = self.names.get(&name).copied() {
            self.with(key, |call, cx| call.stored(snapshot, cx));
        }
    }

    /// Takes down a call of a former process; ends as other calls do.
    pub(crate) fn adopt(
        &mut self,
        stored: &Snapshot,
        flow: Flow,
        account: Option<usize>,
        now: Duration,
    ) -> CallKey {
        self.cx.wires.now = now;
        let key = self.key();
        let call = Call::adopt(key, stored, flow, account, &mut self.cx);
        self.admit(call);
        key
    }

    fn key(&mut self) -> CallKey {
        self.next = self.next.wrapping_add(1);
        CallKey(self.next)
    }

    fn admit(&mut self, call: Call) {
        let key = call.key;
        self.names.insert((call.call_id.clone(), call.local_tag.clone()), key);
        self.calls.insert(key, call);
        self.with(key, |_, _| {});
    }

    fn tick(&mut self) {
        while let Some(alarm) = self.cx.wires.timers.due(self.cx.wires.now) {
            match alarm {
                Alarm::Tx(tx, clock) => {
                    if let Matched::TimedOut(owner, method, cseq) =
                        self.cx.table.timer(tx, clock, &mut self.cx.wires)
                    {
                        self.lost(owner, method, cseq, Ending::SILENT);
                    }
                }
                Alarm::Call(key, alarm) => self.with(key, |call, cx| call.alarm(alarm, cx)),
                Alarm::Grave(key) => {
                    if let Some(grave) = self.graves.remove(&key) {
                        self.names.remove(&grave.names);
                        self.forget(&grave.peers);
                    }
                }
            }
        }
    }

    fn refused(&mut self, peer: SocketAddr) {
        let (shut, gone) = self.cx.table.refused(peer, &mut self.cx.wires);
        for call in shut {
            self.cx.event(call, Progress::Shut);
        }
        for (owner, method, cseq) in gone {
            self.lost(owner, method, cseq, Ending::NO_TRUNK);
        }
    }

    fn lost(&mut self, owner: Owner, method: Method, cseq: u32, ending: Ending) {
        match owner {
            Owner::Call(key) => self.with(key, |call, cx| call.lost(method, cseq, ending, cx)),
            Owner::Probe(probe) => self.cx.wires.out.push_back(Output::Probed { probe, alive: false }),
            Owner::Nobody => {}
        }
    }

    fn response(&mut self, response: &Response, flow: Flow) {
        match self.cx.table.response(response, &mut self.cx.wires) {
            Matched::Up(_, Owner::Call(key)) if self.calls.contains_key(&key) => {
                self.with(key, |call, cx| call.response(response, flow, cx));
            }
            Matched::Up(_, Owner::Probe(probe)) if response.status >= 200 => {
                let alive = !matches!(response.status, 408 | 503);
                self.cx.wires.out.push_back(Output::Probed { probe, alive });
            }
            Matched::Up(..) | Matched::Unknown => self.late(response, flow),
            Matched::Absorbed | Matched::TimedOut(..) => {}
        }
    }

    /// A 2xx that belongs to no transaction: again, of another fork, or after the end (RFC 3261 §13.2.2.4).
    /// Whoever is answered and not wanted is hung up, from what stands in his answer alone if need be.
    fn late(&mut self, response: &Response, flow: Flow) {
        if response.head.method != Method::Invite || !(200..300).contains(&response.status) {
            return;
        }
        let name = (response.head.call_id.clone(), response.head.from_tag.clone());
        let key = self.names.get(&name).copied();
        if let Some(key) = key.filter(|key| self.calls.contains_key(key)) {
            return self.with(key, |call, cx| call.response(response, flow, cx));
        }
        let grave = key.and_then(|key| self.graves.get(&key));
        match grave.and_then(|grave| grave.acked.as_ref()) {
            Some((tag, flow, ack)) if *tag == response.head.to_tag.clone().unwrap_or_default() => {
                self.cx.wires.send(*flow, ack.clone());
            }
            _ => {
                let account = grave.and_then(|grave| grave.account);
                uac::turn_away(response, flow, grave.is_some(), account, &mut self.cx);
            }
        }
    }

    fn request(&mut self, request: &Request, flow: Flow) {
        let known = if request.head.method == Method::Cancel {
            self.cx.table.cancelled_by(request).is_some()
        } else {
            self.dialog_of(request).is_some()
        };
        let matched = self.cx.table.request(request, known, flow, &mut self.cx.wires);
        if request.head.method == Method::Ack {
            if matches!(matched, Matched::Up(..) | Matched::Unknown)
                && let Some(key) = self.dialog_of(request)
            {
                self.with(key, |call, cx| call.ack(request, cx));
            }
        } else if let Matched::Up(tx, _) = matched {
            self.fresh(request, tx, flow);
        }
    }

    /// A request that was not seen before.
    fn fresh(&mut self, request: &Request, tx: Tx, flow: Flow) {
        if request.head.method == Method::Cancel {
            return self.cancel(request, tx);
        }
        if request.is_for_another_scheme() {
            return self.cx.answer(tx, request, 416, &[]);
        }
        let required = request.value("Require").or_else(|| request.value("Proxy-Require"));
        if let Some(required) = required.filter(|required| !required.trim().is_empty()) {
            return self.cx.answer(tx, request, 420, &[("Unsupported", required)]);
        }
        if request.head.to_tag.is_some() {
            match self.dialog_of(request) {
                Some(key) => self.with(key, |call, cx| call.request(request, tx, flow, cx)),
                None => self.cx.answer(tx, request, 481, &[]),
            }
        } else if request.head.method == Method::Invite {
            self.invited(request, tx, flow);
        } else {
            plain::answer(request, tx, &mut self.cx);
        }
    }

    fn invited(&mut self, request: &Request, tx: Tx, flow: Flow) {
        if !self.answers {
            return self.cx.answer(tx, request, 403, &[]);
        }
        if self.calls.len() >= MAX_CALLS {
            return self.cx.answer(tx, request, 503, &[("Retry-After", "10".to_owned())]);
        }
        let key = self.key();
        if let Some(call) = Call::invited(key, request, tx, flow, &mut self.cx) {
            self.cx.table.belongs_to(tx, key);
            self.admit(call);
        }
    }

    fn cancel(&mut self, request: &Request, tx: Tx) {
        let Some((_, key)) = self.cx.table.cancelled_by(request) else {
            return self.cx.answer(tx, request, 481, &[]);
        };
        self.cx.answer(tx, request, 200, &[]);
        if let Some(key) = key {
            self.with(key, |call, cx| call.cancelled(request, cx));
        }
    }

    fn dialog_of(&self, request: &Request) -> Option<CallKey> {
        let tag = request.head.to_tag.clone()?;
        let key = *self.names.get(&(request.head.call_id.clone(), tag))?;
        self.calls.get(&key).filter(|call| call.talks_to(&request.head.from_tag)).map(|_| key)
    }

    /// Lets a call act; buries it if that was its end.
    fn with(&mut self, key: CallKey, act: impl FnOnce(&mut Call, &mut Cx)) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        act(call, &mut self.cx);
        let (over, peers) = (call.over(), call.new_peers());
        if let Some((fresh, stale)) = peers {
            for ip in fresh {
                *self.peers.entry(ip).or_default() += 1;
            }
            self.forget(&stale);
        }
        if over {
            self.bury(key);
        }
    }

    fn bury(&mut self, key: CallKey) {
        let Some(call) = self.calls.remove(&key) else { return };
        for alarm in CallAlarm::ALL {
            self.cx.wires.timers.disarm(Alarm::Call(key, alarm));
        }
        let grave = call.into_grave();
        if self.graves.len() >= MAX_GRAVES {
            self.names.remove(&grave.names);
            return self.forget(&grave.peers);
        }
        self.graves.insert(key, grave);
        self.cx.wires.arm(Alarm::Grave(key), PATIENCE);
    }

    fn forget(&mut self, peers: &BTreeSet<IpAddr>) {
        for ip in peers {
            if let Some(count) = self.peers.get_mut(ip) {
                *count -= 1;
                if *count == 0 {
                    self.peers.remove(ip);
                }
            }
        }
    }
}

/// There are as many calls as there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many calls at once")]
pub(crate) struct Full;
