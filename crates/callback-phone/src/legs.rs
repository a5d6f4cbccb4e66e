//! The legs of calls: which telephone each holds, which trunk it takes and takes next, and which SIP calls
//! serve it. Sans-IO like the agent inside it. It moves no sound and asks no database; who reserves a leg
//! stores its intent before sending it.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod faults;
mod progress;
mod takedown;
mod telephones;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod weather;

use crate::desk::PhoneLoad;
use crate::gate::Standing;
use crate::is_private;
use crate::key::LegKey;
use crate::leg::{Dial, StoredCall, StoredDialog};
use crate::media::Remote;
use crate::sip::dialog::Snapshot;
use crate::sip::{Agent, AgentConfig, CallKey, Command, Flow, Input, Invite, Timers};
use crate::trunk::{BadProxy, TrunkConfig, Trunks, named};
use bytes::Bytes;
use callback_core::flow::{HangupReason, LegEvent};
use callback_core::id::OrderId;
use callback_core::plan::{Address, Telephone};
use callback_core::record::Cause;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use telephones::Telephones;

/// How long a trunk may say nothing at all to an INVITE before the next one is tried.
const TRUNK_SILENCE: Duration = Duration::from_secs(4);

/// What the legs want done, or have to tell.
#[derive(Debug)]
pub(crate) enum LegsOutput {
    Send {
        flow: Flow,
        bytes: Bytes,
    },
    /// Find out whether anybody is there.
    Knock(Flow),
    /// Something became of a leg.
    Leg(LegKey, LegEvent),
    /// Its sound goes this way.
    Connect(LegKey, Remote),
    /// Its sound is over: nothing more is heard of the leg.
    Close(LegKey),
    /// A telephone that this order was refused for is free.
    Free(OrderId, Telephone),
    Dialog(StoredDialog),
    /// A leg of a former process is down.
    TakenDown(LegKey),
    Trunk {
        name: String,
        up: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum LegAlarm {
    /// Nothing was heard from the trunk.
    Silence(CallKey),
    Probe(usize),
    /// A telephone that was marked busy is free.
    Held(u64),
}

#[derive(Debug)]
struct Leg {
    dial: Dial,
    /// Where we receive its RTP.
    rtp: SocketAddr,
    /// Where its endpoint is, where it is no telephone number.
    endpoint: Option<SocketAddr>,
    attempt: CallKey,
    /// The trunks that were tried.
    tried: Vec<usize>,
    sent: bool,
    /// It rang, spoke or was answered: no other trunk is tried any more.
    reached: bool,
    hung: bool,
}

/// One SIP call for a leg. It may outlive the leg while the network clears it.
#[derive(Debug)]
struct Attempt {
    leg: LegKey,
    trunk: Option<usize>,
    /// None = it was taken over from a former process.
    telephone: Option<Telephone>,
}

/// The legs.
#[derive(Debug)]
pub(crate) struct Legs {
    agent: Agent,
    trunks: Trunks,
    /// The address families of our sockets: IPv4 or not.
    sockets: Vec<bool>,
    /// Our `host:port` on each.
    sent_by: Vec<String>,
    legs: BTreeMap<LegKey, Leg>,
    attempts: BTreeMap<CallKey, Attempt>,
    telephones: Telephones,
    /// How many SIP calls of former processes' legs are not down yet.
    taking_down: BTreeMap<LegKey, usize>,
    alarms: Timers<LegAlarm>,
    out: VecDeque<LegsOutput>,
    now: Duration,
}

impl Legs {
    /// `sockets` are our addresses as bound, `sent_by` as the other side sees them.
    ///
    /// # Errors
    /// A trunk that cannot be reached by what is built so far.
    pub(crate) fn new(
        trunks: Vec<TrunkConfig>,
        sockets: &[SocketAddr],
        sent_by: Vec<String>,
        rng: StdRng,
    ) -> Result<Self, BadProxy> {
        let trunks = Trunks::new(trunks)?;
        let config = AgentConfig { sent_by: sent_by.clone(), accounts: trunks.accounts(), answers: false };
        let mut alarms = Timers::new();
        for (at, _) in trunks.iter() {
            alarms.arm(LegAlarm::Probe(at), Duration::ZERO);
        }
        Ok(Self {
            agent: Agent::new(config, rng),
            trunks,
            sockets: sockets.iter().map(SocketAddr::is_ipv4).collect(),
            sent_by,
            legs: BTreeMap::new(),
            attempts: BTreeMap::new(),
            telephones: Telephones::default(),
            taking_down: BTreeMap::new(),
            alarms,
            out: VecDeque::new(),
            now: Duration::ZERO,
        })
    }

    /// How much is under way.
    pub(crate) fn load(&self) -> PhoneLoad {
        let (transactions, dialogs, timers) = self.agent.load();
        let (held, marked, waited_for) = self.telephones.load();
        PhoneLoad {
            legs: self.legs.len() + self.attempts.len() + self.taking_down.len(),
            channels: self.trunks.busy(),
            telephones: held + marked + waited_for,
            transactions,
            dialogs,
            timers,
        }
    }

    /// Reserves the telephone and a channel, and settles all that a stored intent has to name. `endpoint` is
    /// the address of a telephone that is no number, `rtp` where the leg's sound is received.
    ///
    /// # Errors
    /// Why there is no dial: [`Cause::InService`], [`Cause::NoChannel`], [`Cause::Trunk`].
    pub(crate) fn reserve(
        &mut self,
        key: LegKey,
        dial: Dial,
        endpoint: Option<SocketAddr>,
        rtp: SocketAddr,
        now: Duration,
    ) -> Result<StoredDialog, Cause> {
        self.now = now;
        if self.telephones.is_held(&dial.to) {
            self.telephones.wait(dial.to, key.call);
            return Err(Cause::InService);
        }
        // A name given twice is a slip of the caller's, and the first leg of it lives on.
        if self.legs.contains_key(&key) {
            return Err(Cause::InService);
        }
        let trunk = match &dial.to.address {
            Address::Phone(_) => Some(self.trunks.take(&[], now)?),
            Address::Sip(_) if endpoint.is_some_and(|peer| self.is_ours(peer)) => {
                return Err(Cause::RefusedNumber);
            }
            Address::Sip(_) => None,
        };
        let (attempt, stored) = self.attempt(key, &dial, trunk, endpoint, rtp)?;
        let tried = trunk.into_iter().collect();
        let leg = Leg { dial, rtp, endpoint, attempt, tried, sent: false, reached: false, hung: false };
        self.legs.insert(key, leg);
        Ok(stored)
    }

    /// Whether a trunk is there, or we are: who calls it as an endpoint would call past the trunk's limits, at our cost.
    /// In a private network, where only the operator names endpoints, a machine may be a trunk on one port and a telephone
    /// on another.
    fn is_ours(&self, peer: SocketAddr) -> bool {
        let is_same = |one: SocketAddr| {
            if is_private(peer.ip()) {
                one == peer
            } else {
                one.ip().to_canonical() == peer.ip().to_canonical()
            }
        };
        let own = self.sent_by.iter().filter_map(|own| own.parse().ok());
        self.trunks.iter().flat_map(|(_, trunk)| trunk.peers.iter().copied()).chain(own).any(is_same)
    }

    /// Prepares one SIP call; gives the trunk's channel back where it cannot be.
    fn attempt(
        &mut self,
        key: LegKey,
        dial: &Dial,
        trunk: Option<usize>,
        endpoint: Option<SocketAddr>,
        rtp: SocketAddr,
    ) -> Result<(CallKey, StoredDialog), Cause> {
        let invite = self.invite(dial, trunk, endpoint, rtp);
        let prepared = invite
            .ok_or(Cause::Trunk)
            .and_then(|invite| self.agent.prepare(invite).map_err(|_| Cause::NoChannel));
        match prepared {
            Ok((call, snapshot)) => {
                let telephone = Some(dial.to.clone());
                self.attempts.insert(call, Attempt { leg: key, trunk, telephone });
                self.telephones.hold(&dial.to, call);
                Ok((call, self.stored(key, call, snapshot)))
            }
            Err(cause) => {
                if let Some(trunk) = trunk {
                    self.trunks.give_back(trunk);
                }
                Err(cause)
            }
        }
    }

    fn invite(
        &self,
        dial: &Dial,
        trunk: Option<usize>,
        endpoint: Option<SocketAddr>,
        rtp: SocketAddr,
    ) -> Option<Invite> {
        match (&dial.to.address, trunk.and_then(|trunk| self.trunks.get(trunk))) {
            (Address::Phone(number), Some(trunk)) => {
                let uri = format!("sip:{}@{}", trunk.config.number_format.write(*number), trunk.domain);
                let (from, more) = trunk.identity(&dial.caller_id);
                let flow = self.flow(*trunk.peers.first()?)?;
                Some(Invite {
                    flow,
                    to: format!("<{uri}>"),
                    uri,
                    from,
                    more,
                    account: trunk.account,
                    address: rtp,
                })
            }
            (Address::Sip(uri), _) => {
                let flow = self.flow(endpoint?)?;
                let own =
                    self.trunks.iter().next().and_then(|(_, trunk)| trunk.config.caller_ids.first().copied());
                let number = dial.caller_id.number.or(own);
                let user = number.map_or_else(|| "anonymous".to_owned(), |number| number.to_string());
                let uri_of_ours = format!("<sip:{user}@{}>", self.sent_by.get(flow.socket)?);
                Some(Invite {
                    flow,
                    uri: uri.to_string(),
                    from: named(&dial.caller_id.name, &uri_of_ours),
                    to: format!("<{uri}>"),
                    more: Vec::new(),
                    account: None,
                    address: rtp,
                })
            }
            (Address::Phone(_), None) => None,
        }
    }

    fn flow(&self, peer: SocketAddr) -> Option<Flow> {
        let socket = self.sockets.iter().position(|ipv4| *ipv4 == peer.is_ipv4())?;
        Some(Flow { socket, peer })
    }

    /// What is to be stored of a leg whose SIP call is this one: it, and what else still rings for it.
    fn stored(&self, leg: LegKey, call: CallKey, snapshot: Snapshot) -> StoredDialog {
        let telephone = self.attempts.get(&call).and_then(|attempt| attempt.telephone.as_ref());
        let others = telephone.into_iter().flat_map(|telephone| self.telephones.calls(telephone));
        let others = others.filter(|other| *other != call);
        let others = others.filter_map(|other| Some((other, self.agent.snapshot(other)?)));
        let calls = std::iter::once((call, snapshot)).chain(others);
        let calls = calls.map(|(call, snapshot)| StoredCall { trunk: self.trunk_of(call), snapshot });
        StoredDialog { leg, calls: calls.collect() }
    }

    fn trunk_of(&self, call: CallKey) -> Option<String> {
        let trunk = self.attempts.get(&call)?.trunk?;
        self.trunks.get(trunk).map(|trunk| trunk.config.name.clone())
    }

    /// Sends the INVITE of a reserved leg.
    pub(crate) fn send(&mut self, key: LegKey, now: Duration) {
        self.now = now;
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| !leg.sent) else { return };
        leg.sent = true;
        let attempt = leg.attempt;
        self.out.push_back(LegsOutput::Leg(key, LegEvent::Sent));
        self.send_attempt(attempt, Command::Send);
    }

    fn send_attempt(&mut self, attempt: CallKey, how: Command) {
        if self.attempts.get(&attempt).is_some_and(|attempt| attempt.trunk.is_some()) {
            self.alarms.arm(LegAlarm::Silence(attempt), self.now + TRUNK_SILENCE);
        }
        self.command(attempt, how);
    }

    fn command(&mut self, call: CallKey, command: Command) {
        self.agent.handle(Input::Command(call, command), self.now);
        self.drain();
    }

    /// What [`LegsOutput::Dialog`] told is stored: what waits for that goes out.
    pub(crate) fn dialog_stored(&mut self, stored: &StoredDialog, now: Duration) {
        self.now = now;
        for call in &stored.calls {
            self.agent.stored(&call.snapshot, now);
        }
        self.drain();
    }

    /// Gives back a reservation that was never sent; nothing is reported.
    pub(crate) fn release(&mut self, key: LegKey, now: Duration) {
        self.now = now;
        if self.legs.get(&key).is_some_and(|leg| !leg.sent)
            && let Some(leg) = self.legs.remove(&key)
        {
            self.out.push_back(LegsOutput::Close(key));
            self.command(leg.attempt, Command::Hangup(HangupReason::Over));
        }
    }

    /// Hangs up a leg, whatever its state.
    pub(crate) fn hangup(&mut self, key: LegKey, reason: HangupReason, now: Duration) {
        self.now = now;
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.hung = true;
            let attempt = leg.attempt;
            self.command(attempt, Command::Hangup(reason));
        }
    }

    /// The sound that was agreed cannot be carried: the leg is hung up with [`Cause::Media`].
    pub(crate) fn refuse_sound(&mut self, key: LegKey) {
        if let Some(leg) = self.legs.get(&key) {
            let attempt = leg.attempt;
            self.command(attempt, Command::NoSound);
        }
    }

    /// Marks a telephone as busy for a while: a former process may have a leg of it.
    pub(crate) fn hold_telephone(&mut self, telephone: Telephone, span: Duration, now: Duration) {
        self.now = now;
        let (mark, old) = self.telephones.mark(telephone);
        if let Some(old) = old {
            self.alarms.disarm(LegAlarm::Held(old));
        }
        self.alarms.arm(LegAlarm::Held(mark), now + span);
    }

    /// Takes such a mark back before its time.
    pub(crate) fn free_telephone(&mut self, telephone: &Telephone, now: Duration) {
        self.now = now;
        if let Some(mark) = self.telephones.unmark(telephone) {
            self.alarms.disarm(LegAlarm::Held(mark));
            self.freed(telephone);
        }
    }

    /// A trunk's proxy was looked up.
    pub(crate) fn resolved(&mut self, trunk: usize, found: Vec<SocketAddr>) {
        self.trunks.resolved(trunk, found);
    }

    pub(crate) fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration) {
        self.now = now;
        self.agent.handle(Input::Datagram { flow, bytes }, now);
        self.drain();
    }

    pub(crate) fn unreachable(&mut self, peer: SocketAddr, now: Duration) {
        self.now = now;
        self.agent.handle(Input::Unreachable { peer }, now);
        self.drain();
    }

    /// A knock was refused.
    pub(crate) fn refused(&mut self, peer: SocketAddr, now: Duration) {
        self.now = now;
        self.agent.handle(Input::Refused { peer }, now);
        self.drain();
    }

    pub(crate) fn tick(&mut self, now: Duration) {
        self.now = now;
        self.agent.handle(Input::Tick, now);
        self.drain();
        while let Some(alarm) = self.alarms.due(now) {
            match alarm {
                LegAlarm::Silence(call) => self.silence(call),
                LegAlarm::Probe(trunk) => self.probe(trunk),
                LegAlarm::Held(mark) => {
                    if let Some(telephone) = self.telephones.mark_ended(mark) {
                        self.freed(&telephone);
                    }
                }
            }
        }
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.agent.timeout().into_iter().chain(self.alarms.next()).min()
    }

    pub(crate) fn poll(&mut self) -> Option<LegsOutput> {
        self.out.pop_front()
    }

    /// Whether a datagram is read at all: it is of a trunk, or of somebody a leg is with.
    pub(crate) fn standing(&self, ip: IpAddr, bytes: &[u8]) -> Standing {
        let is_trunk = self.trunks.iter().any(|(_, trunk)| trunk.peers.iter().any(|peer| peer.ip() == ip));
        self.agent.standing(is_trunk, ip, bytes)
    }

    fn probe(&mut self, trunk: usize) {
        let Some(known) = self.trunks.get(trunk) else { return };
        let Some(every) = known.config.probe_every else { return };
        self.alarms.arm(LegAlarm::Probe(trunk), self.now + every);
        let uri = format!("sip:{}", known.domain);
        if let Some(flow) = known.peers.first().and_then(|peer| self.flow(*peer)) {
            self.agent.handle(Input::Probe { probe: trunk, flow, uri: &uri }, self.now);
            self.drain();
        }
    }
}
