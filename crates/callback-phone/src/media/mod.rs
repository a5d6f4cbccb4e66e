//! The sound of the calls: opens ports, sends and takes RTP and RTCP (RFC 3550, RFC 3551), plays prompts, sends and hears
//! keys (RFC 4733), bridges two legs and says how well they were heard. It decides nothing about a call: that is the
//! flow's, and what the far end agreed to is the business of SIP.

mod dtmf;
mod egress;
mod law;
mod leg;
mod ports;
pub mod prompt;
mod quality;
mod record;
mod relay;
mod rtcp;
mod rtp;
mod sound;
#[cfg(test)]
mod tests;
mod tones;
mod watch;
mod wheel;

pub use law::Codec;
pub use ports::{NoPort, QUARANTINE};
pub use quality::LegQuality;
pub use sound::{LONGEST, NotASound, Sound};
pub use watch::{FIRST_WITHIN, SILENT_FOR};

use crate::key::LegKey;
use callback_core::plan::Digits;
use ports::PortPool;
use relay::{Command, Worker};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use std::{fs, io};
use tokio::sync::{mpsc, oneshot};

/// The payload type by which our own offers name telephone-event; what was agreed may differ.
pub const TELEPHONE_EVENT: u8 = 101;

/// Threads that carry sound. A call lives on one of them.
const THREADS: usize = 1;
/// Commands that wait for a thread. It takes them all each time it wakes, so this is the work of a moment.
const COMMANDS: usize = 1024;
/// Events that wait to be taken.
const EVENTS: usize = 1024;

/// Where sound comes and goes.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The address to bind.
    pub address: IpAddr,
    /// What the outside sees instead of it, behind NAT.
    pub advertised: Option<IpAddr>,
    /// The ports for RTP (even) and RTCP (the next odd).
    pub ports: RangeInclusive<u16>,
}

/// Our end of a leg's sound, for the SDP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalMedia {
    /// The advertised address and the RTP port; RTCP is on the next port.
    pub address: SocketAddr,
}

/// The far end of a leg's sound, as offer and answer (RFC 3264) settled it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remote {
    /// Where it receives, and the only address and port that it may send from. RTCP is on the next port.
    pub rtp: SocketAddr,
    /// The law it wants.
    pub codec: Codec,
    /// The payload type of that law.
    pub payload_type: u8,
    /// The payload type of its telephone-event, if it takes any; without it keys are sent as tones.
    pub telephone_event: Option<u8>,
    /// Whether it hears us; if not (hold), it is sent RTCP only.
    pub receives: bool,
    /// Whether it speaks; if not (hold), its silence is not missed.
    pub sends: bool,
}

/// What happened to the sound of a leg.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum MediaEvent {
    /// The sound with this number came to its end; never told of one that repeats, was replaced or stopped.
    Played(u16),
    /// The last of the keys was sent, its gap included.
    DigitsSent,
    /// The far end pressed a key: `0-9`, `*`, `#`, `A-D`.
    Digit(char),
    /// Nothing comes from the far end: nothing within [`FIRST_WITHIN`] of the answer, or later for [`SILENT_FOR`].
    MediaLost {
        /// Nothing ever came.
        first: bool,
        /// When the silence began.
        since: Instant,
    },
    /// Sound comes again, or the far end said that it is on hold.
    MediaBack,
    /// The leg was closed: how well it was heard. The last event of a leg.
    Closed(LegQuality),
}

/// An address that no sound is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RefusedAddress {
    /// A group or everybody, or nobody while it wants to hear us.
    #[error("media to a multicast, broadcast or unspecified address")]
    NotOneHost,
    /// IPv6 where our sockets are IPv4, or the other way round.
    #[error("media to another address family than that of media.address")]
    OtherFamily,
    /// This machine, though we are not on the loopback address ourselves.
    #[error("media to a loopback address")]
    Loopback,
    /// One of our own media ports.
    #[error("media to our own ports")]
    Own,
}

/// The handle of the media; clones are the same media. It ends with the last of them.
///
/// Commands are carried out in the order of their giving; giving one waits only while a thousand others wait.
/// Commands for a leg that is not open do nothing.
#[derive(Clone, Debug)]
pub struct Media {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: MediaConfig,
    ports: Arc<Mutex<PortPool>>,
    workers: Vec<Handle>,
}

/// One media thread.
#[derive(Debug)]
struct Handle {
    commands: SyncSender<Command>,
    waker: mio::Waker,
}

impl Media {
    /// Starts the media threads; the receiver hears what happens to all legs.
    ///
    /// # Errors
    /// The address cannot be bound, the range holds no pair of ports, or no thread can be started.
    pub fn start(config: MediaConfig) -> io::Result<(Self, mpsc::Receiver<(LegKey, MediaEvent)>)> {
        UdpSocket::bind((config.address, 0))?;
        let [start] = random()?;
        let pool = PortPool::new(&config.ports, start);
        if pool.pairs() == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the media ports hold no even port and the next",
            ));
        }
        warn_of_few_files(2 * pool.pairs());
        let ports = Arc::new(Mutex::new(pool));
        let (sender, receiver) = mpsc::channel(EVENTS);
        let workers = (0..THREADS)
            .map(|_| Worker::start(&config, Arc::clone(&ports), sender.clone(), COMMANDS))
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .map(|(commands, waker)| Handle { commands, waker })
            .collect();
        Ok((Self { shared: Arc::new(Shared { config, ports, workers }) }, receiver))
    }

    /// Opens the ports of a leg, for its offer. Nothing is sent and nobody is heard before [`Media::connect`].
    ///
    /// # Errors
    /// [`NoPort`] when the ports are nearly used up or the system gives none.
    pub fn open(&self, key: LegKey) -> Result<LocalMedia, NoPort> {
        let Shared { config, ports, .. } = &*self.shared;
        let now = Instant::now();
        let random = random::<5>().map_err(NoPort::Sockets)?;
        let mut pool = ports.lock().unwrap_or_else(PoisonError::into_inner);
        let (port, rtp, rtcp) = ports::bind(&mut pool, now, config.address)?;
        drop(pool);
        if !self.send(key, Command::Open { key, port, rtp, rtcp, random }) {
            return Err(NoPort::Stopped);
        }
        Ok(LocalMedia { address: SocketAddr::new(config.advertised.unwrap_or(config.address), port) })
    }

    /// How many legs have ports, and how many pairs of ports rest after their legs.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        self.shared.ports.lock().unwrap_or_else(PoisonError::into_inner).load(Instant::now())
    }

    /// Connects a leg with its far end: at its answer, and again after each change (another address, another law, hold).
    ///
    /// # Errors
    /// [`RefusedAddress`] for an address that no honest telephone names; the leg stays as it was.
    pub fn connect(&self, key: LegKey, remote: Remote) -> Result<(), RefusedAddress> {
        self.shared.config.allows(&remote)?;
        self.send(key, Command::Connect(key, remote));
        Ok(())
    }

    /// Plays a sound to a leg instead of what it hears, again and again or once; of a bridged leg over the bridge.
    pub fn play(&self, key: LegKey, number: u16, sound: Arc<Sound>, again: bool) {
        self.send(key, Command::Play { key, number, sound, again });
    }

    /// Stops what plays: the leg hears the other side of its bridge, or silence.
    pub fn stop(&self, key: LegKey) {
        self.send(key, Command::Stop(key));
    }

    /// Lets two legs of a call hear each other; what plays to them is stopped, and so is a bridge they had.
    pub fn bridge(&self, a: LegKey, b: LegKey) {
        self.send(a, Command::Bridge(a, b));
    }

    /// Undoes a bridge: both hear silence until something is played.
    pub fn unbridge(&self, a: LegKey, b: LegKey) {
        self.send(a, Command::Unbridge(a, b));
    }

    /// Sends keys, as events or, where the far end takes none, as tones.
    pub fn send_digits(&self, key: LegKey, digits: Digits) {
        self.send(key, Command::SendDigits(key, digits));
    }

    /// Records a leg until it is closed: what it hears on the left, what it says on the right, 8-bit A-law WAV.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn record_heard(&self, key: LegKey, path: &Path) -> io::Result<()> {
        record::create(path)?;
        self.send(key, Command::Record(key, path.to_path_buf()));
        Ok(())
    }

    /// Closes a leg at once; the answer, which need not be awaited, is how well it was heard, or an error for a leg that
    /// was not open.
    pub fn close(&self, key: LegKey) -> oneshot::Receiver<LegQuality> {
        let (reply, quality) = oneshot::channel();
        self.send(key, Command::Close(key, reply));
        quality
    }

    /// Gives a command to the thread of a call; false if it has ended.
    fn send(&self, key: LegKey, command: Command) -> bool {
        let workers = &self.shared.workers;
        let [.., last] = key.call.0.as_bytes();
        let Some(worker) = workers.get(usize::from(*last).checked_rem(workers.len()).unwrap_or_default())
        else {
            return false;
        };
        worker.commands.send(command).is_ok() && worker.waker.wake().is_ok()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A thread that has ended needs no telling.
        let _ = self.commands.send(Command::Shutdown);
        let _ = self.waker.wake();
    }
}

impl MediaConfig {
    /// Whether sound may be sent there: an SDP can name any address, and not all are the caller's.
    fn allows(&self, remote: &Remote) -> Result<(), RefusedAddress> {
        let ip = remote.rtp.ip().to_canonical();
        let one_host = match ip {
            IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
            IpAddr::V6(ip) => !ip.is_multicast(),
        };
        // The hold of RFC 2543 names nobody (0.0.0.0).
        if !one_host || remote.receives && (ip.is_unspecified() || remote.rtp.port() == 0) {
            return Err(RefusedAddress::NotOneHost);
        }
        if remote.rtp.is_ipv4() != self.address.is_ipv4() && !ip.is_unspecified() {
            return Err(RefusedAddress::OtherFamily);
        }
        let own = [Some(self.address), self.advertised].contains(&Some(ip));
        match (ip.is_loopback(), self.address.is_loopback()) {
            (true, false) => Err(RefusedAddress::Loopback),
            // On the loopback address all telephones are our own, the practice exchange among them.
            (_, false) if own && self.ports.contains(&remote.rtp.port()) => Err(RefusedAddress::Own),
            _ => Ok(()),
        }
    }
}

/// Numbers that nobody guesses.
fn random<const N: usize>() -> io::Result<[u32; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(numbers)
}

/// Says at the start what would fail in the middle of calls: a limit of open files below what the ports need.
fn warn_of_few_files(needed: usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    if let Some(files) = files.filter(|files: &usize| *files < needed + 256) {
        tracing::warn!(files, needed, "the limit of open files is below what all media ports need");
    }
}
