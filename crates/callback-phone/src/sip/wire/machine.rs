//! The transaction machines of RFC 3261 §17 and RFC 6026 behind types of ours: what goes in is ours, what
//! comes out is a list of steps. Whose transaction it is, the table knows.

use super::{Request, Response};
use bytes::Bytes;
use sipx_sip as lib;
use sipx_sip::TransactionKey;
use std::time::Duration;

/// A timer of a transaction (RFC 3261 §17, table 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Clock(usize);

impl Clock {
    /// Every timer that a transaction may have.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..lib::Timer::ALL.len()).map(Self)
    }
}

/// What a transaction wants done.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Bytes),
    Arm(Clock, Duration),
    Disarm(Clock),
    /// What was given to the machine concerns its user.
    Up,
    /// Nothing was heard within 64·T1.
    Timeout,
    Done,
}

fn steps(outputs: Vec<lib::Output>) -> Vec<Step> {
    outputs.into_iter().filter_map(step).collect()
}

fn step(output: lib::Output) -> Option<Step> {
    let clock = |timer| lib::Timer::ALL.iter().position(|one| *one == timer).map(Clock);
    if let lib::Output::Send(message) = output {
        return Some(Step::Send(message.to_bytes()));
    }
    if let lib::Output::SetTimer { timer, after } = output {
        return Some(Step::Arm(clock(timer)?, after));
    }
    if let lib::Output::ClearTimer(timer) = output {
        return Some(Step::Disarm(clock(timer)?));
    }
    if let lib::Output::ToTu(event) = output {
        let timeout = matches!(*event, lib::TuEvent::Timeout | lib::TuEvent::TransportError);
        return Some(if timeout { Step::Timeout } else { Step::Up });
    }
    matches!(output, lib::Output::Terminated(_)).then_some(Step::Done)
}

/// A client transaction (RFC 3261 §17.1, RFC 6026).
#[derive(Debug)]
pub(crate) struct ClientMachine(lib::ClientTransaction);

impl ClientMachine {
    /// Starts it over UDP: the request goes out.
    pub(crate) fn start(request: &Request) -> (Self, Vec<Step>) {
        let (machine, outputs) = lib::ClientTransaction::new(
            request.inner.clone(),
            lib::Reliability::Unreliable,
            lib::Timers::default(),
        );
        (Self(machine), steps(outputs))
    }

    pub(crate) fn response(&mut self, response: &Response) -> Vec<Step> {
        steps(self.0.on_response(response.inner.clone()))
    }

    pub(crate) fn timer(&mut self, clock: Clock) -> Vec<Step> {
        lib::Timer::ALL.get(clock.0).map(|timer| steps(self.0.on_timer(*timer))).unwrap_or_default()
    }
}

/// A server transaction (RFC 3261 §17.2, RFC 6026).
#[derive(Debug)]
pub(crate) struct ServerMachine(lib::ServerTransaction);

impl ServerMachine {
    pub(crate) fn start(request: &Request) -> (Self, Vec<Step>) {
        let (machine, outputs) = lib::ServerTransaction::new(
            request.inner.clone(),
            lib::Reliability::Unreliable,
            lib::Timers::default(),
        );
        (Self(machine), steps(outputs))
    }

    pub(crate) fn request(&mut self, request: &Request) -> Vec<Step> {
        steps(self.0.on_request(&request.inner))
    }

    pub(crate) fn respond(&mut self, response: &Response) -> Vec<Step> {
        steps(self.0.on_tu_response(response.inner.clone()))
    }

    pub(crate) fn timer(&mut self, clock: Clock) -> Vec<Step> {
        lib::Timer::ALL.get(clock.0).map(|timer| steps(self.0.on_timer(*timer))).unwrap_or_default()
    }
}

/// What a received request is matched to its server transaction by (RFC 3261 §17.2.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ServerKey(TransactionKey);

impl ServerKey {
    pub(crate) fn of(request: &Request) -> Option<Self> {
        TransactionKey::from_request(&request.inner).map(Self)
    }

    /// The INVITE that a CANCEL means (RFC 3261 §9.2).
    pub(crate) fn cancelled_by(cancel: &Request) -> Option<Self> {
        TransactionKey::for_cancelled_invite(&cancel.inner).map(Self)
    }
}
