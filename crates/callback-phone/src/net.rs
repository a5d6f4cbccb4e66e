//! The sockets and the clock: one task that drives one machine. What the gate does not admit is dropped
//! before anybody parses it; it carries datagrams both ways, and keeps events until they are taken. It understands no
//! SIP.

use crate::StartError;
use crate::gate::{Gate, Standing};
use crate::knock::{Knocks, is_unreachable};
use crate::sip::Flow;
use crate::sip::wire::MAX_MESSAGE;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// What a datagram should not exceed where the path's MTU is unknown (RFC 3261 §18.1.1).
const MAX_UDP: usize = 1_300;
/// How many errors of a socket are taken in one go.
const MAX_ERRORS: usize = 8;
/// How many events wait for a reader that does not read.
const MAX_EVENTS: usize = 100_000;
/// How many datagrams are taken before events and commands get their turn.
const BURST: usize = 32;

/// A sans-IO machine that the task drives.
pub(crate) trait Machine: Send + 'static {
    /// What it can be told.
    type Verb: Send + 'static;
    /// What it tells.
    type Event: Send + 'static;

    /// What it knows of a datagram at a glance.
    fn standing(&self, ip: IpAddr, bytes: &[u8]) -> Standing;
    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration);
    /// A datagram could not be sent.
    fn unreachable(&mut self, peer: SocketAddr, now: Duration);
    /// A knock was refused.
    fn refused(&mut self, peer: SocketAddr, now: Duration);
    fn verb(&mut self, verb: Self::Verb, now: Duration);
    fn tick(&mut self, now: Duration);
    fn timeout(&self) -> Option<Duration>;
    fn poll(&mut self) -> Option<Effect<Self::Event>>;
}

/// What a machine wants.
#[derive(Debug)]
pub(crate) enum Effect<E> {
    Send {
        flow: Flow,
        bytes: Bytes,
    },
    /// Find out whether anybody is there.
    Knock(Flow),
    Event(E),
}

/// Binds the sockets of a machine.
pub(crate) async fn bind(listen: &[SocketAddr]) -> Result<Vec<UdpSocket>, StartError> {
    let mut sockets = Vec::with_capacity(listen.len());
    for address in listen {
        let bound = UdpSocket::bind(address).await;
        sockets.push(bound.map_err(|error| StartError::Bind(*address, error))?);
    }
    Ok(sockets)
}

/// Drives a machine until nobody can tell it anything any more.
pub(crate) async fn drive<M: Machine>(
    mut machine: M,
    sockets: Vec<UdpSocket>,
    mut verbs: mpsc::Receiver<M::Verb>,
    events: mpsc::Sender<M::Event>,
    mut gate: Gate,
) {
    let start = Instant::now();
    let mut waiting: VecDeque<M::Event> = VecDeque::new();
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut knocks = Knocks::default();
    loop {
        deliver(&mut machine, &sockets, &mut knocks, &mut waiting, start).await;
        let alarm = machine.timeout().map(|at| start + at);
        tokio::select! {
            biased;
            // Whoever stopped listening is not waited for: the calls go on to their end.
            permit = events.reserve(), if !waiting.is_empty() => match (permit, waiting.pop_front()) {
                (Ok(permit), Some(event)) => permit.send(event),
                _ => waiting.clear(),
            },
            verb = verbs.recv() => match verb {
                Some(verb) => machine.verb(verb, start.elapsed()),
                None => return,
            },
            () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => machine.tick(start.elapsed()),
            peer = knocks.refused() => machine.refused(peer, start.elapsed()),
            flow = receive(&sockets, &mut buffer) => {
                let (mut next, mut left) = (Some(flow), BURST);
                while let Some((flow, length)) = next {
                    let (ip, now) = (flow.peer.ip(), start.elapsed());
                    if let Some(bytes) = buffer.get(..length)
                        && gate.admits(ip, machine.standing(ip, bytes), now)
                    {
                        machine.datagram(flow, bytes, now);
                    }
                    left -= 1;
                    next = if left > 0 { receive_now(&sockets, &mut buffer) } else { None };
                }
            }
        }
    }
}

async fn deliver<M: Machine>(
    machine: &mut M,
    sockets: &[UdpSocket],
    knocks: &mut Knocks,
    waiting: &mut VecDeque<M::Event>,
    start: Instant,
) {
    while let Some(effect) = machine.poll() {
        match effect {
            Effect::Event(event) if waiting.len() < MAX_EVENTS => waiting.push_back(event),
            Effect::Event(_) => tracing::error!("nobody takes the phone's events: one is lost"),
            Effect::Knock(Flow { socket, peer }) => {
                let local = sockets.get(socket).and_then(|socket| socket.local_addr().ok());
                local.into_iter().for_each(|local| knocks.knock(local.ip(), peer));
            }
            Effect::Send { flow, bytes } => {
                let Some(socket) = sockets.get(flow.socket) else { continue };
                if bytes.len() > MAX_UDP {
                    tracing::debug!(length = bytes.len(), "a SIP message is larger than UDP may carry");
                }
                // `send_to` waits for the socket once where `try_send_to` would lose the first datagram.
                if let Err(error) = socket.send_to(&bytes, flow.peer).await {
                    tracing::debug!(%error, peer = %flow.peer, "a SIP datagram could not be sent");
                    if is_unreachable(error) {
                        machine.unreachable(flow.peer, start.elapsed());
                    }
                }
            }
        }
    }
}

/// Waits for a datagram on any socket. Errors are of datagrams sent before, whose retransmission tells.
async fn receive(sockets: &[UdpSocket], buffer: &mut [u8]) -> (Flow, usize) {
    poll_fn(|cx| {
        for (at, socket) in sockets.iter().enumerate() {
            let mut read = ReadBuf::new(buffer);
            for _ in 0..MAX_ERRORS {
                match socket.poll_recv_from(cx, &mut read) {
                    Poll::Ready(Ok(peer)) => {
                        return Poll::Ready((Flow { socket: at, peer }, read.filled().len()));
                    }
                    Poll::Ready(Err(error)) => tracing::debug!(%error, "a SIP socket has an error"),
                    Poll::Pending => break,
                }
            }
        }
        // A socket that is not pending does not wake us; the timers do.
        Poll::Pending
    })
    .await
}

fn receive_now(sockets: &[UdpSocket], buffer: &mut [u8]) -> Option<(Flow, usize)> {
    sockets.iter().enumerate().find_map(|(socket, one)| {
        let (length, peer) = one.try_recv_from(buffer).ok()?;
        Some((Flow { socket, peer }, length))
    })
}
