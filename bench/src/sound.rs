//! What the telephones say and hear: 20 ms of G.711 fifty times a second from each, in one thread that wakes each
//! millisecond. A packet carries who says it and when, so that whoever hears it knows what was lost and how long it took.

use crate::figures::Spans;
use crate::provider::{FAR, Side, Told, What};
use anyhow::Result;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

/// Sockets that the telephones share: each has a port of one of them.
const SOCKETS: usize = 64;
/// What each of them holds unread; the system may give less.
const BUFFER: usize = 1 << 20;
/// Milliseconds of a packet.
const FRAME_MS: usize = 20;
/// Header and G.711 of a packet.
const PACKET: usize = 172;
/// How a payload begins that a telephone of ours said.
const OURS: [u8; 4] = [0xCB, 0x4E, 0x17, 0xA5];
/// Delays that are told apart: by the quarter of a millisecond, up to half a second.
const STEPS: usize = 2_000;
const STEP: Duration = Duration::from_micros(250);

enum Order {
    Open(u64, Stream),
    Close(u64),
    /// What was heard since the last time, and a new beginning.
    Report(SyncSender<Report>),
}

/// What all telephones heard in a while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Telephones that speak.
    pub(crate) streams: usize,
    /// Packets that were heard.
    pub(crate) heard: u64,
    /// Packets that should have been.
    pub(crate) lost: u64,
    /// From one telephone to the other.
    pub(crate) delays: Spans,
    /// How late our own packets left.
    pub(crate) late: Spans,
}

/// The handle of the thread.
pub(crate) struct Sound {
    orders: Sender<Order>,
    ports: Vec<u16>,
    next: u64,
    /// Where sound goes that nobody hears.
    pub(crate) deaf_port: u16,
    _deaf: UdpSocket,
}

/// Asks for reports.
#[derive(Clone)]
pub(crate) struct Ear(Sender<Order>);

struct Stream {
    call: u64,
    side: Side,
    socket: usize,
    to: SocketAddr,
    said: u32,
    /// Of what it heard in this while: the first and the last number, and how many.
    heard: Option<(u32, u32, u64)>,
    said_since: u64,
    has_heard: bool,
}

impl Sound {
    /// Starts the thread.
    pub(crate) fn start(tell: Sender<Told>) -> Result<(Self, Ear)> {
        let open = || -> Result<UdpSocket> {
            let socket = UdpSocket::bind((FAR, 0))?;
            socket.set_nonblocking(true)?;
            set_socket_recv_buffer_size(&socket, BUFFER)?;
            Ok(socket)
        };
        let sockets = (0..SOCKETS).map(|_| open()).collect::<Result<Vec<_>>>()?;
        let ports =
            sockets.iter().map(|socket| Ok(socket.local_addr()?.port())).collect::<Result<Vec<_>>>()?;
        let deaf = UdpSocket::bind((FAR, 0))?;
        let deaf_port = deaf.local_addr()?.port();
        let (orders, taken) = channel();
        let voices = Voices {
            sockets,
            tell,
            streams: HashMap::new(),
            wheel: (0..FRAME_MS).map(|_| Vec::new()).collect(),
            by_port: HashMap::new(),
            start: Instant::now(),
            delays: vec![0; STEPS],
            late: vec![0; STEPS],
        };
        std::thread::Builder::new().name("sound".into()).spawn(move || voices.run(&taken))?;
        let ear = Ear(orders.clone());
        Ok((Self { orders, ports, next: 0, deaf_port, _deaf: deaf }, ear))
    }

    /// A telephone speaks to this port of the service; its number, and the port where it hears.
    pub(crate) fn open(&mut self, call: u64, side: Side, to: u16) -> (u64, u16) {
        self.next += 1;
        let socket = (self.next as usize) % SOCKETS;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
        let stream = Stream { call, side, socket, to, said: 0, heard: None, said_since: 0, has_heard: false };
        // The thread ends with the program.
        let _ = self.orders.send(Order::Open(self.next, stream));
        (self.next, self.ports.get(socket).copied().unwrap_or_default())
    }

    /// It is silent.
    pub(crate) fn close(&self, number: u64) {
        let _ = self.orders.send(Order::Close(number));
    }
}

impl Ear {
    /// What was heard since the last report.
    pub(crate) fn report(&self) -> Result<Report> {
        let (to, report) = sync_channel(1);
        self.0.send(Order::Report(to))?;
        Ok(report.recv()?)
    }
}

struct Voices {
    sockets: Vec<UdpSocket>,
    tell: Sender<Told>,
    streams: HashMap<u64, Stream>,
    /// Who speaks in which millisecond of twenty.
    wheel: Vec<Vec<u64>>,
    /// Whose telephone hears from this port of the service.
    by_port: HashMap<u16, u64>,
    start: Instant,
    delays: Vec<u64>,
    late: Vec<u64>,
}

impl Voices {
    fn run(mut self, orders: &Receiver<Order>) {
        for tick in 0_u32.. {
            let due = self.start + Duration::from_millis(1) * tick;
            while let Some(wait) = due.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
                std::thread::sleep(wait);
            }
            while let Ok(order) = orders.try_recv() {
                self.obey(order);
            }
            self.speak(tick as usize % FRAME_MS, due);
            self.hear();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open(number, stream) => {
                self.by_port.insert(stream.to.port(), number);
                self.streams.insert(number, stream);
                self.wheel[number as usize % FRAME_MS].push(number);
            }
            Order::Close(number) => {
                if let Some(stream) = self.streams.remove(&number)
                    && self.by_port.get(&stream.to.port()) == Some(&number)
                {
                    self.by_port.remove(&stream.to.port());
                }
                self.wheel[number as usize % FRAME_MS].retain(|other| *other != number);
            }
            Order::Report(to) => {
                let _ = to.send(self.report());
            }
        }
    }

    fn speak(&mut self, slot: usize, due: Instant) {
        let mut packet = [0xD5; PACKET];
        packet[0] = 0x80;
        packet[1] = 8;
        for number in &self.wheel[slot] {
            let Some(stream) = self.streams.get_mut(number) else { continue };
            let now = Instant::now();
            count(&mut self.late, now.saturating_duration_since(due));
            packet[2..4].copy_from_slice(&(stream.said as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(stream.said.wrapping_mul(160)).to_be_bytes());
            packet[8..12].copy_from_slice(&(*number as u32).to_be_bytes());
            packet[12..16].copy_from_slice(&OURS);
            packet[16..24].copy_from_slice(&stream.call.to_be_bytes());
            packet[24] = u8::from(stream.side == Side::Visitor);
            packet[25..29].copy_from_slice(&stream.said.to_be_bytes());
            let micros = now.duration_since(self.start).as_micros() as u64;
            packet[29..37].copy_from_slice(&micros.to_be_bytes());
            // What the system does not take is lost, and will be missed.
            let _ = self.sockets[stream.socket].send_to(&packet, stream.to);
            stream.said = stream.said.wrapping_add(1);
            stream.said_since += 1;
        }
    }

    fn hear(&mut self) {
        let mut buffer = [0; 2_048];
        for socket in 0..self.sockets.len() {
            while let Ok((length, from)) = self.sockets[socket].recv_from(&mut buffer) {
                if length == PACKET && buffer[12..16] == OURS {
                    self.take(&buffer[..PACKET], from.port());
                }
            }
        }
    }

    fn take(&mut self, packet: &[u8], from: u16) {
        let Some(stream) = self.by_port.get(&from).and_then(|number| self.streams.get_mut(number)) else {
            return;
        };
        let call = u64::from_be_bytes(packet[16..24].try_into().unwrap_or_default());
        let says = if packet[24] == 1 { Side::Visitor } else { Side::Manager };
        if call != stream.call || says == stream.side {
            return;
        }
        let now = Instant::now();
        if !stream.has_heard {
            stream.has_heard = true;
            let _ = self.tell.send(Told { call, side: stream.side, what: What::Heard, at: now });
        }
        let number = u32::from_be_bytes(packet[25..29].try_into().unwrap_or_default());
        let micros = u64::from_be_bytes(packet[29..37].try_into().unwrap_or_default());
        let (first, last, heard) = stream.heard.unwrap_or((number, number, 0));
        stream.heard = Some((first.min(number), last.max(number), heard + 1));
        count(&mut self.delays, now.duration_since(self.start).saturating_sub(Duration::from_micros(micros)));
    }

    fn report(&mut self) -> Report {
        let mut report = Report { streams: self.streams.len(), ..Report::default() };
        for stream in self.streams.values_mut() {
            match stream.heard.take() {
                Some((first, last, heard)) => {
                    report.heard += heard;
                    report.lost += u64::from(last - first + 1).saturating_sub(heard);
                }
                None => report.lost += stream.said_since,
            }
            stream.said_since = 0;
        }
        report.delays = spans(&mut self.delays);
        report.late = spans(&mut self.late);
        report
    }
}

fn count(steps: &mut [u64], span: Duration) {
    let at = (span.as_micros() / STEP.as_micros()) as usize;
    steps[at.min(STEPS - 1)] += 1;
}

/// Takes the counts as spans, a thousand of them at most.
fn spans(steps: &mut [u64]) -> Spans {
    let all: u64 = steps.iter().sum();
    let mut spans = Vec::new();
    let (mut seen, mut told) = (0, 0);
    for (at, step) in (0_u32..).zip(steps.iter_mut()) {
        seen += std::mem::take(step);
        let upto = (seen * 1_000).checked_div(all).unwrap_or_default();
        spans.extend((told..upto).map(|_| STEP * at));
        told = upto;
    }
    spans.into_iter().collect()
}
