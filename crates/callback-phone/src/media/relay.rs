//! A media thread: the sockets of its legs, the wheel that makes them sound, and the packets between bridged legs. A
//! packet is rewritten where it lies and sent on: no lock, no allocation, no other task. What to send is decided by
//! [`Leg`].

use super::egress::FRAME;
use super::leg::{Leg, Output, rtcp_address};
use super::ports::PortPool;
use super::record::{self, Chunk, Tap};
use super::rtcp::Clock;
use super::sound::Sound;
use super::wheel::{SLOTS, Wheel};
use super::{LegQuality, MediaConfig, MediaEvent, Remote};
use crate::key::LegKey;
use callback_core::plan::Digits;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{io, thread};
use tokio::sync::{mpsc, oneshot};

/// What a media thread is told to do.
#[derive(Debug)]
pub(super) enum Command {
    Open { key: LegKey, port: u16, rtp: std::net::UdpSocket, rtcp: std::net::UdpSocket, random: [u32; 5] },
    Connect(LegKey, Remote),
    Play { key: LegKey, number: u16, sound: Arc<Sound>, again: bool },
    Stop(LegKey),
    Bridge(LegKey, LegKey),
    Unbridge(LegKey, LegKey),
    SendDigits(LegKey, Digits),
    Record(LegKey, PathBuf),
    Close(LegKey, oneshot::Sender<LegQuality>),
    Shutdown,
}

/// The token of the waker; sockets have twice their place, and one more for RTCP.
const WAKE: Token = Token(usize::MAX);
/// Sockets that are heard of at once, and packets that are read of one before the others and the wheel have their turn.
const READY: usize = 256;
const BATCH: usize = 8;
/// The largest packet that is taken.
const LARGEST: usize = 2048;
/// Events that wait while nobody takes them.
const BACKLOG: usize = 65_536;

/// A media thread and what it owns.
pub(super) struct Worker {
    poll: Poll,
    commands: Receiver<Command>,
    ports: Arc<Mutex<PortPool>>,
    first_port: u16,
    clock: Clock,
    wheel: Wheel,
    /// The legs, each at the place of its ports; boxed, for there are many places and each turn looks at a twentieth.
    slots: Vec<Option<Box<Slot>>>,
    places: BTreeMap<LegKey, usize>,
    /// Sockets that may have more to read.
    ready: VecDeque<Token>,
    outbox: Outbox,
    recordings: SyncSender<Chunk>,
    buffer: Box<[u8; LARGEST]>,
}

/// A leg with its sockets.
struct Slot {
    key: LegKey,
    port: u16,
    leg: Leg,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// The place of the other side of its bridge.
    peer: Option<usize>,
}

/// Events on their way out; the thread never waits for who takes them.
struct Outbox {
    events: mpsc::Sender<(LegKey, MediaEvent)>,
    backlog: VecDeque<(LegKey, MediaEvent)>,
}

impl Worker {
    /// Starts a thread; it is told what to do through the channel, and woken by the waker to look.
    pub(super) fn start(
        config: &MediaConfig,
        ports: Arc<Mutex<PortPool>>,
        events: mpsc::Sender<(LegKey, MediaEvent)>,
        queue: usize,
    ) -> io::Result<(SyncSender<Command>, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (sender, commands) = sync_channel(queue);
        let now = Instant::now();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut worker = Self {
            poll,
            commands,
            ports,
            first_port: *config.ports.start(),
            clock: Clock::new(now, since_1970),
            wheel: Wheel::new(now),
            slots: (0..=config.ports.len() / 2).map(|_| None).collect(),
            places: BTreeMap::new(),
            ready: VecDeque::new(),
            outbox: Outbox { events, backlog: VecDeque::new() },
            recordings: record::start()?,
            buffer: Box::new([0; LARGEST]),
        };
        thread::Builder::new().name("media".into()).spawn(move || worker.run())?;
        Ok((sender, waker))
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(READY);
        loop {
            let now = Instant::now();
            let wait = match (self.ready.is_empty(), self.outbox.backlog.is_empty()) {
                (false, _) => Some(Duration::ZERO),
                (true, true) => self.wheel.wait(now),
                (true, false) => Some(FRAME),
            };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the media thread cannot wait for packets");
                return;
            }
            self.ready.extend(events.iter().map(mio::event::Event::token).filter(|token| *token != WAKE));
            while let Ok(command) = self.commands.try_recv() {
                if matches!(command, Command::Shutdown) {
                    return self.close_all();
                }
                self.obey(Instant::now(), command);
            }
            for _ in 0..self.ready.len() {
                self.ready.pop_front().into_iter().for_each(|token| self.read(token));
            }
            self.turn(Instant::now());
            self.outbox.flush();
        }
    }

    fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Open { key, port, rtp, rtcp, random } => self.open(now, key, port, (rtp, rtcp), random),
            Command::Connect(key, remote) => {
                if let Some(slot) = slot(&self.places, &mut self.slots, key) {
                    let event = slot.leg.connect(now, remote);
                    event.into_iter().for_each(|event| self.outbox.tell(key, event));
                }
            }
            Command::Play { key, number, sound, again } => {
                self.leg(key, |leg| leg.egress.play(number, sound, again))
            }
            Command::Stop(key) => self.leg(key, |leg| leg.egress.stop()),
            Command::SendDigits(key, digits) => self.leg(key, |leg| leg.egress.send_digits(&digits)),
            Command::Record(key, path) => {
                let recordings = self.recordings.clone();
                self.leg(key, |leg| {
                    if let Some(before) = leg.tap.replace(Tap::new(now, path, recordings)) {
                        before.close(now);
                    }
                });
            }
            Command::Bridge(a, b) => self.bridge(a, b),
            Command::Unbridge(a, b) => {
                if let (Some(a), Some(b)) = (self.places.get(&a).copied(), self.places.get(&b).copied())
                    && self.slots.get(a).and_then(Option::as_ref).is_some_and(|slot| slot.peer == Some(b))
                {
                    self.part(a);
                }
            }
            Command::Close(key, reply) => {
                if let Some(quality) = self.close(now, key) {
                    self.outbox.tell(key, MediaEvent::Closed(quality));
                    // Who asked may have stopped listening.
                    let _ = reply.send(quality);
                }
            }
            Command::Shutdown => {}
        }
    }

    fn leg(&mut self, key: LegKey, change: impl FnOnce(&mut Leg)) {
        match slot(&self.places, &mut self.slots, key) {
            Some(slot) => change(&mut slot.leg),
            None => {
                tracing::debug!(call = %key.call, leg = %key.leg, "a media command for a leg that is closed")
            }
        }
    }

    fn open(
        &mut self,
        now: Instant,
        key: LegKey,
        port: u16,
        sockets: (std::net::UdpSocket, std::net::UdpSocket),
        random: [u32; 5],
    ) {
        self.close(now, key);
        let place = usize::from(port.saturating_sub(self.first_port)) / 2;
        let (mut rtp, mut rtcp) = (UdpSocket::from_std(sockets.0), UdpSocket::from_std(sockets.1));
        let registry = self.poll.registry();
        let registered = registry
            .register(&mut rtp, Token(2 * place), Interest::READABLE)
            .and_then(|()| registry.register(&mut rtcp, Token(2 * place + 1), Interest::READABLE));
        if let Err(error) = registered {
            // The leg stays, deaf: the watch will tell that nothing comes.
            tracing::error!(%error, port, "cannot wait for the packets of a leg");
        }
        let leg = Leg::new(now, self.clock, random);
        if let Some(empty) = self.slots.get_mut(place) {
            *empty = Some(Box::new(Slot { key, port, leg, rtp, rtcp, peer: None }));
            self.places.insert(key, place);
            self.wheel.add(place);
        }
    }

    fn bridge(&mut self, a: LegKey, b: LegKey) {
        let (Some(a), Some(b)) = (self.places.get(&a).copied(), self.places.get(&b).copied()) else { return };
        if a == b {
            return;
        }
        self.part(a);
        self.part(b);
        for (place, other) in [(a, b), (b, a)] {
            if let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) {
                slot.peer = Some(other);
                slot.leg.egress.bridge();
            }
        }
    }

    /// Undoes the bridge of a leg, if it has one.
    fn part(&mut self, place: usize) {
        let peer = self.slots.get_mut(place).and_then(Option::as_mut).and_then(|slot| slot.peer);
        for place in peer.into_iter().chain([place]) {
            if let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) {
                slot.peer = None;
                slot.leg.egress.unbridge();
            }
        }
    }

    fn close(&mut self, now: Instant, key: LegKey) -> Option<LegQuality> {
        let place = self.places.remove(&key)?;
        self.part(place);
        let mut slot = self.slots.get_mut(place)?.take()?;
        self.wheel.remove(place);
        let remote = slot.leg.remote();
        let (quality, goodbye) = slot.leg.close(now);
        goodbye.iter().for_each(|packet| send(&slot.rtcp, remote.map(rtcp_address), packet));
        for socket in [&mut slot.rtp, &mut slot.rtcp] {
            if let Err(error) = self.poll.registry().deregister(socket) {
                tracing::debug!(%error, port = slot.port, "a leg was not waited for");
            }
        }
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).give_back(now, slot.port);
        Some(quality)
    }

    fn close_all(&mut self) {
        let now = Instant::now();
        while let Some((&key, _)) = self.places.first_key_value() {
            self.close(now, key);
        }
    }

    /// Reads some packets of a socket; the rest has its turn later.
    fn read(&mut self, token: Token) {
        let (place, is_rtcp) = (token.0 / 2, token.0 % 2 == 1);
        for _ in 0..BATCH {
            let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { return };
            let socket = if is_rtcp { &slot.rtcp } else { &slot.rtp };
            match socket.recv_from(&mut *self.buffer) {
                Ok((length, from)) if is_rtcp => {
                    slot.leg.rtcp(Instant::now(), from, self.buffer.get(..length).unwrap_or_default());
                }
                Ok((length, from)) => self.rtp(place, length, from),
                Err(_) => return,
            }
        }
        self.ready.push_back(token);
    }

    /// Takes an RTP packet in the buffer, and sends it to the other side of the bridge.
    fn rtp(&mut self, place: usize, length: usize, from: SocketAddr) {
        let Self { slots, outbox, buffer, .. } = self;
        let now = Instant::now();
        let Some(slot) = slots.get_mut(place).and_then(Option::as_mut) else { return };
        let Some(packet) = buffer.get_mut(..length) else { return };
        let key = slot.key;
        let Some(inbound) = slot.leg.rtp(now, from, packet, &mut |event| outbox.tell(key, event)) else {
            return;
        };
        let Some(peer) = slot.peer.and_then(|peer| slots.get_mut(peer)).and_then(Option::as_mut) else {
            return;
        };
        let Some(part) = peer.leg.egress.relay(now, &inbound, packet) else { return };
        let packet = packet.get(part).unwrap_or_default();
        send(&peer.rtp, peer.leg.remote(), packet);
        peer.leg.relayed(now, packet);
    }

    /// Lets all legs sound whose millisecond has come.
    fn turn(&mut self, now: Instant) {
        let Self { wheel, slots, outbox, .. } = self;
        while let Some(first) = wheel.due(now) {
            for slot in slots.iter_mut().skip(first).step_by(SLOTS).flatten() {
                let Slot { key, leg, rtp, rtcp, .. } = &mut **slot;
                let remote = leg.remote();
                leg.tick(now, &mut |output| match output {
                    Output::Rtp(packet) => send(rtp, remote, packet),
                    Output::Rtcp(packet) => send(rtcp, remote.map(rtcp_address), packet),
                    Output::Tell(event) => outbox.tell(*key, event),
                });
            }
        }
    }
}

impl Outbox {
    fn tell(&mut self, key: LegKey, event: MediaEvent) {
        if self.backlog.len() < BACKLOG {
            self.backlog.push_back((key, event));
        } else {
            tracing::error!(call = %key.call, leg = %key.leg, ?event, "nobody takes the events of the media");
        }
    }

    fn flush(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => return self.backlog.push_front(event),
                Err(mpsc::error::TrySendError::Closed(_)) => return self.backlog.clear(),
            }
        }
    }
}

fn slot<'a>(
    places: &BTreeMap<LegKey, usize>,
    slots: &'a mut [Option<Box<Slot>>],
    key: LegKey,
) -> Option<&'a mut Slot> {
    slots.get_mut(*places.get(&key)?)?.as_deref_mut()
}

/// Sends a packet. What the system does not take is lost, as it may be on any network.
fn send(socket: &UdpSocket, to: Option<SocketAddr>, packet: &[u8]) {
    if let Some(to) = to.filter(|to| !to.ip().is_unspecified())
        && let Err(error) = socket.send_to(packet, to)
    {
        tracing::trace!(%error, "a packet could not be sent");
    }
}
