//! The transactions under way (RFC 3261 §17), bounded: finds the one a message belongs to, carries out what
//! its machine asks for, and says when its user is concerned. It knows nothing of calls but their key.
//!
//! A client transaction is found by our branch and the method alone: a border controller may rewrite the
//! rest of our Via.

use super::wire::{ClientMachine, Clock, Method, Request, Response, ServerKey, ServerMachine, Step};
use super::{Alarm, CallKey, Flow, Output, Wires};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// How many transactions may be under way; a request beyond it is not heard.
pub(crate) const MAX_TRANSACTIONS: usize = 20_000;
/// How many more there may be for calls that are there: what nobody waits for cannot take their room.
const RESERVED: usize = 10_000;

/// A transaction of this agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Tx(u64);

/// Who is told of a client transaction's responses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    Call(CallKey),
    /// An OPTIONS probe, by its number.
    Probe(usize),
    /// Nobody waits: the call is over.
    Nobody,
}

#[derive(Debug)]
enum Machine {
    Client {
        machine: Box<ClientMachine>,
        owner: Owner,
        method: Method,
        branch: String,
        cseq: u32,
        /// Whether anything came back.
        heard: bool,
        /// Whether a knock was refused.
        refused: bool,
    },
    Server {
        machine: Box<ServerMachine>,
        key: ServerKey,
        call: Option<CallKey>,
    },
}

#[derive(Debug)]
struct Entry {
    machine: Machine,
    flow: Flow,
}

/// What a message or a timer did to a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Matched {
    /// It is taken care of.
    Absorbed,
    /// The user of the transaction has to see it.
    Up(Tx, Owner),
    /// Nothing was heard within 64·T1 of a request with this CSeq.
    TimedOut(Owner, Method, u32),
    /// It belongs to no transaction.
    Unknown,
}

/// The transactions.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: BTreeMap<Tx, Entry>,
    clients: BTreeMap<(String, Method), Tx>,
    servers: HashMap<ServerKey, Tx>,
    next: u64,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no room for a request, of a call that is `known` or not.
    pub(crate) fn full(&self, known: bool) -> bool {
        self.entries.len() >= MAX_TRANSACTIONS + if known { RESERVED } else { 0 }
    }

    /// Whether a request with this branch was sent and is under way.
    pub(crate) fn sent(&self, branch: &str) -> bool {
        let mut from = self.clients.range((branch.to_owned(), Method::Invite)..);
        from.next().is_some_and(|((sent, _), _)| sent == branch)
    }

    fn insert(&mut self, machine: Machine, flow: Flow) -> Tx {
        self.next = self.next.wrapping_add(1);
        let tx = Tx(self.next);
        self.entries.insert(tx, Entry { machine, flow });
        tx
    }

    /// Sends a request and looks after it. A full table refuses nobody here: calls are bounded elsewhere.
    pub(crate) fn send(&mut self, request: &Request, owner: Owner, flow: Flow, wires: &mut Wires) -> Tx {
        let (machine, steps) = ClientMachine::start(request);
        let tx = self.client(request, machine, owner, flow);
        self.carry_out(tx, steps, wires);
        tx
    }

    /// Takes up an INVITE that a former process sent and that was heard: nothing is sent.
    pub(crate) fn adopt(&mut self, invite: &Request, trying: &Response, owner: Owner, flow: Flow) -> Tx {
        let (mut machine, _) = ClientMachine::start(invite);
        machine.response(trying);
        self.client(invite, machine, owner, flow)
    }

    fn client(&mut self, request: &Request, machine: ClientMachine, owner: Owner, flow: Flow) -> Tx {
        let (method, branch) = (request.head.method, request.head.branch.clone());
        let key = (branch.clone(), method);
        let (machine, cseq) = (Box::new(machine), request.head.cseq);
        let client = Machine::Client { machine, owner, method, branch, cseq, heard: false, refused: false };
        let tx = self.insert(client, flow);
        self.clients.insert(key, tx);
        tx
    }

    /// Gives a response to the transaction it answers (RFC 3261 §17.1.3).
    pub(crate) fn response(&mut self, response: &Response, wires: &mut Wires) -> Matched {
        let key = (response.head.branch.clone(), response.head.method);
        let Some(tx) = self.clients.get(&key).copied() else { return Matched::Unknown };
        let Some(Entry { machine: Machine::Client { machine, heard, .. }, .. }) = self.entries.get_mut(&tx)
        else {
            return Matched::Unknown;
        };
        *heard = true;
        let steps = machine.response(response);
        self.carry_out(tx, steps, wires)
    }

    /// Gives a request to the transaction it repeats or acknowledges, or begins one where there is room.
    /// An ACK begins none.
    pub(crate) fn request(
        &mut self,
        request: &Request,
        known: bool,
        flow: Flow,
        wires: &mut Wires,
    ) -> Matched {
        let Some(key) = ServerKey::of(request) else { return Matched::Absorbed };
        if let Some(tx) = self.servers.get(&key).copied() {
            let Some(Entry { machine: Machine::Server { machine, .. }, .. }) = self.entries.get_mut(&tx)
            else {
                return Matched::Unknown;
            };
            let steps = machine.request(request);
            return self.carry_out(tx, steps, wires);
        }
        if request.head.method == Method::Ack {
            return Matched::Unknown;
        }
        if self.full(known) {
            return Matched::Absorbed;
        }
        let (machine, steps) = ServerMachine::start(request);
        let machine = Machine::Server { machine: Box::new(machine), key: key.clone(), call: None };
        let tx = self.insert(machine, Flow { peer: request.reply_to(flow.peer), ..flow });
        self.servers.insert(key, tx);
        self.carry_out(tx, steps, wires)
    }

    /// The call that the INVITE of a server transaction made, and that transaction (RFC 3261 §9.2).
    pub(crate) fn cancelled_by(&self, cancel: &Request) -> Option<(Tx, Option<CallKey>)> {
        let tx = *self.servers.get(&ServerKey::cancelled_by(cancel)?)?;
        match &self.entries.get(&tx)?.machine {
            Machine::Server { call, .. } => Some((tx, *call)),
            Machine::Client { .. } => None,
        }
    }

    /// Remembers the call that an incoming INVITE made.
    pub(crate) fn belongs_to(&mut self, tx: Tx, owner: CallKey) {
        if let Some(Entry { machine: Machine::Server { call, .. }, .. }) = self.entries.get_mut(&tx) {
            *call = Some(owner);
        }
    }

    /// Answers a received request.
    pub(crate) fn respond(&mut self, tx: Tx, response: &Response, wires: &mut Wires) {
        if let Some(Entry { machine: Machine::Server { machine, .. }, .. }) = self.entries.get_mut(&tx) {
            let steps = machine.respond(response);
            self.carry_out(tx, steps, wires);
        }
    }

    /// A timer of a transaction has come.
    pub(crate) fn timer(&mut self, tx: Tx, clock: Clock, wires: &mut Wires) -> Matched {
        let steps = match self.entries.get_mut(&tx) {
            Some(Entry { machine: Machine::Client { machine, heard, .. }, flow }) => {
                let steps = machine.timer(clock);
                if !*heard && steps.iter().any(|step| matches!(step, Step::Send(_))) {
                    wires.out.push_back(Output::Knock(*flow));
                }
                steps
            }
            Some(Entry { machine: Machine::Server { machine, .. }, .. }) => machine.timer(clock),
            None => Vec::new(),
        };
        self.carry_out(tx, steps, wires)
    }

    /// Ends what is under way to a peer that cannot be reached, save what was heard there; gives whose it was.
    pub(crate) fn unreachable(&mut self, peer: SocketAddr, wires: &mut Wires) -> Vec<(Owner, Method, u32)> {
        self.refused(peer, wires);
        self.refused(peer, wires).1
    }

    /// A knock at a peer was refused: gives the calls whose INVITEs met that for the first time, and ends what met it
    /// before and was not heard.
    pub(crate) fn refused(
        &mut self,
        peer: SocketAddr,
        wires: &mut Wires,
    ) -> (Vec<CallKey>, Vec<(Owner, Method, u32)>) {
        let (mut shut, mut gone) = (Vec::new(), Vec::new());
        for (tx, entry) in self.entries.iter_mut().filter(|(_, entry)| entry.flow.peer == peer) {
            let Machine::Client { owner, method, cseq, heard: false, refused, .. } = &mut entry.machine
            else {
                continue;
            };
            if std::mem::replace(refused, true) {
                gone.push((*tx, (*owner, *method, *cseq)));
            } else if let (Owner::Call(call), Method::Invite) = (*owner, *method) {
                shut.push(call);
            }
        }
        let gone = gone.into_iter().map(|(tx, whose)| {
            self.drop(tx, wires);
            whose
        });
        (shut, gone.collect())
    }

    /// Forgets a transaction and its timers.
    pub(crate) fn drop(&mut self, tx: Tx, wires: &mut Wires) {
        match self.entries.remove(&tx).map(|entry| entry.machine) {
            Some(Machine::Client { branch, method, .. }) => {
                self.clients.remove(&(branch, method));
            }
            Some(Machine::Server { key, .. }) => {
                self.servers.remove(&key);
            }
            None => {}
        }
        for clock in Clock::all() {
            wires.timers.disarm(Alarm::Tx(tx, clock));
        }
    }

    fn carry_out(&mut self, tx: Tx, steps: Vec<Step>, wires: &mut Wires) -> Matched {
        let mut matched = Matched::Absorbed;
        for step in steps {
            let Some(entry) = self.entries.get(&tx) else { return matched };
            match step {
                Step::Send(bytes) => wires.send(entry.flow, bytes),
                Step::Arm(clock, after) => wires.arm(Alarm::Tx(tx, clock), after),
                Step::Disarm(clock) => wires.timers.disarm(Alarm::Tx(tx, clock)),
                Step::Up => matched = Matched::Up(tx, entry.machine.owner()),
                Step::Timeout => {
                    if let Machine::Client { owner, method, cseq, .. } = &entry.machine {
                        matched = Matched::TimedOut(*owner, *method, *cseq);
                    }
                }
                Step::Done => self.drop(tx, wires),
            }
        }
        matched
    }
}

impl Machine {
    fn owner(&self) -> Owner {
        match self {
            Self::Client { owner, .. } => *owner,
            Self::Server { call, .. } => call.map_or(Owner::Nobody, Owner::Call),
        }
    }
}
