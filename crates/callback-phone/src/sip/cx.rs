//! What a call works with: transactions, timers, randomness, accounts, and the way out. It holds no call.

use super::auth::{Keyring, Rounds};
use super::call::CallAlarm;
use super::table::{Owner, Table, Tx};
use super::wire::{Method, Request, Response, Unbuildable};
use super::{Alarm, CallKey, Flow, Output, Progress, Wires};
use rand::Rng;
use rand::rngs::StdRng;
use std::time::Duration;

/// The surroundings of a call.
#[derive(Debug)]
pub(crate) struct Cx {
    pub(super) wires: Wires,
    pub(super) table: Table,
    pub(super) rng: StdRng,
    pub(super) sent_by: Vec<String>,
    pub(super) accounts: Vec<Keyring>,
}

impl Cx {
    /// 64 random bits as text: a tag, a cnonce, a part of a name.
    pub(super) fn token(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    /// A branch (RFC 3261 §8.1.1.7).
    pub(super) fn branch(&mut self) -> String {
        format!("z9hG4bK{}{}", self.token(), self.token())
    }

    /// Our `host:port` on a socket.
    pub(super) fn sent_by(&self, flow: Flow) -> String {
        self.sent_by.get(flow.socket).or(self.sent_by.first()).cloned().unwrap_or_default()
    }

    pub(super) fn event(&mut self, call: CallKey, progress: Progress) {
        self.wires.out.push_back(Output::Event { call, progress });
    }

    pub(super) fn arm(&mut self, call: CallKey, alarm: CallAlarm, after: Duration) {
        self.wires.arm(Alarm::Call(call, alarm), after);
    }

    pub(super) fn disarm(&mut self, call: CallKey, alarm: CallAlarm) {
        self.wires.timers.disarm(Alarm::Call(call, alarm));
    }

    /// Sends a request and looks after it.
    pub(super) fn send(&mut self, request: &Request, owner: Owner, flow: Flow) -> Tx {
        self.table.send(request, owner, flow, &mut self.wires)
    }

    /// Answers a request without a body.
    pub(super) fn answer(&mut self, tx: Tx, request: &Request, status: u16, more: &[(&'static str, String)]) {
        let tag = self.token();
        self.finally(tx, request.reply(status, &tag, more, None));
    }

    /// Sends a final response. A request to which none can be built is forgotten: it would wait for one for ever.
    pub(super) fn finally(&mut self, tx: Tx, response: Result<Response, Unbuildable>) {
        match response {
            Ok(response) => self.respond(tx, &response),
            Err(Unbuildable) => self.table.drop(tx, &mut self.wires),
        }
    }

    pub(super) fn respond(&mut self, tx: Tx, response: &Response) {
        self.table.respond(tx, response, &mut self.wires);
    }

    /// The headers by which an account authenticates a request.
    pub(super) fn credentials(
        &mut self,
        account: Option<usize>,
        method: Method,
        uri: &str,
        rounds: &mut Rounds,
    ) -> Vec<(&'static str, String)> {
        let cnonce = self.token();
        let keyring = account.and_then(|account| self.accounts.get_mut(account));
        keyring.map(|keyring| keyring.answers(method, uri, &cnonce, rounds)).unwrap_or_default()
    }

    /// Learns from a 401 or 407; true = the request is worth sending again.
    pub(super) fn learn(&mut self, account: Option<usize>, response: &Response, rounds: &mut Rounds) -> bool {
        let asks = matches!(response.status, 401 | 407);
        let keyring = account.and_then(|account| self.accounts.get_mut(account)).filter(|_| asks);
        keyring.is_some_and(|keyring| keyring.learn(response, rounds))
    }
}
