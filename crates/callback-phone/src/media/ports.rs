//! The pool of port pairs (RFC 3550 §11): RTP even, RTCP the next. It hands out numbers; who binds them stands beside it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long a pair rests after use, so that what still comes for the last leg meets nobody.
pub const QUARANTINE: Duration = Duration::from_secs(10);
/// How long it rests where pairs are scarce: whoever was hung up is quiet within a few seconds, or does not hear us.
const SHORT_QUARANTINE: Duration = Duration::from_secs(4);

/// Of a hundred pairs so many are kept back: a pool that runs dry should say so before it fails in the middle of calls.
const RESERVE_PERCENT: usize = 5;

/// Why a leg got no ports.
#[derive(Debug, thiserror::Error)]
pub enum NoPort {
    /// Less than a twentieth of the ports is left.
    #[error("the media ports are used up")]
    Exhausted,
    /// The system gave no sockets.
    #[error("cannot open media ports: {0}")]
    Sockets(#[from] io::Error),
    /// The media thread has ended.
    #[error("the media is stopped")]
    Stopped,
}

/// Which pairs are free, and which rest.
#[derive(Debug)]
pub(super) struct PortPool {
    all: usize,
    free: VecDeque<u16>,
    /// Those that rest, and since when.
    resting: VecDeque<(Instant, u16)>,
}

impl PortPool {
    /// The pairs of a range; `random` chooses where they start.
    pub(super) fn new(range: &RangeInclusive<u16>, random: u32) -> Self {
        let first = range.start().checked_add(range.start() % 2).unwrap_or(u16::MAX);
        let mut free: VecDeque<u16> = (first..*range.end()).step_by(2).collect();
        let all = free.len();
        free.rotate_left(usize::try_from(random).unwrap_or_default().checked_rem(all).unwrap_or_default());
        Self { all, free, resting: VecDeque::new() }
    }

    /// How many pairs there are.
    pub(super) fn pairs(&self) -> usize {
        self.all
    }

    /// How many pairs are in use, and how many rest.
    pub(super) fn load(&self, now: Instant) -> (usize, usize) {
        let resting = self.resting.iter().filter(|(since, _)| *since + QUARANTINE > now).count();
        (self.all.saturating_sub(self.free.len() + self.resting.len()), resting)
    }

    /// The RTP port of a free pair.
    pub(super) fn take(&mut self, now: Instant) -> Result<u16, NoPort> {
        let is_scarce = |free: usize| free * 100 < self.all * RESERVE_PERCENT;
        let rest = |free| if is_scarce(free) { SHORT_QUARANTINE } else { QUARANTINE };
        while let Some((_, port)) =
            self.resting.pop_front_if(|(since, _)| *since + rest(self.free.len()) <= now)
        {
            self.free.push_back(port);
        }
        if is_scarce(self.free.len()) {
            return Err(NoPort::Exhausted);
        }
        self.free.pop_front().ok_or(NoPort::Exhausted)
    }

    /// Takes a pair back; it rests first.
    pub(super) fn give_back(&mut self, now: Instant, port: u16) {
        self.resting.push_back((now, port));
    }
}

/// Binds a pair of the pool; a pair that another process holds is put aside and the next is tried.
pub(super) fn bind(
    pool: &mut PortPool,
    now: Instant,
    address: IpAddr,
) -> Result<(u16, UdpSocket, UdpSocket), NoPort> {
    loop {
        let port = pool.take(now)?;
        match bind_pair(address, port) {
            Ok((rtp, rtcp)) => return Ok((port, rtp, rtcp)),
            Err(error) => {
                pool.give_back(now, port);
                if error.kind() != io::ErrorKind::AddrInUse {
                    return Err(error.into());
                }
            }
        }
    }
}

fn bind_pair(address: IpAddr, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    let open = |port| {
        let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
        socket.set_nonblocking(true)?;
        Ok::<_, io::Error>(socket)
    };
    Ok((open(port)?, open(port + 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_even_and_within_the_range() {
        for (range, expected) in [
            (20_001..=20_006, vec![20_002, 20_004]),
            (20_000..=20_005, vec![20_000, 20_002, 20_004]),
            (7..=8, vec![]),
            (65_535..=65_535, vec![]),
        ] {
            let pool = PortPool::new(&range, 0);
            assert_eq!(pool.free, expected, "{range:?}");
        }
    }

    #[test]
    fn the_start_is_random_and_the_order_goes_round() {
        let now = Instant::now();
        let mut pool = PortPool::new(&(10..=19), 3);
        let order: Vec<u16> = (0..5).map(|_| pool.take(now).unwrap()).collect();
        assert_eq!(order, [16, 18, 10, 12, 14]);
    }

    #[test]
    fn a_pair_rests_before_it_is_used_again() {
        let now = Instant::now();
        let mut pool = PortPool::new(&(10..=13), 0);
        assert_eq!((pool.take(now).unwrap(), pool.take(now).unwrap()), (10, 12));
        pool.give_back(now, 10);
        let almost = now + SHORT_QUARANTINE - Duration::from_millis(1);
        assert!(matches!(pool.take(almost), Err(NoPort::Exhausted)));
        assert_eq!(pool.load(now + SHORT_QUARANTINE), (1, 1), "it rests on as long as nobody needs it");
        assert_eq!(pool.take(now + SHORT_QUARANTINE).unwrap(), 10);
    }

    #[test]
    fn the_last_twentieth_is_kept_back() {
        let now = Instant::now();
        let mut pool = PortPool::new(&(20_000..=20_199), 0);
        let taken = std::iter::from_fn(|| pool.take(now).ok()).count();
        assert_eq!(taken, 96);
    }

    #[test]
    fn a_pair_that_another_holds_is_passed_over() {
        let now = Instant::now();
        let address = IpAddr::from([127, 0, 0, 1]);
        let holder = UdpSocket::bind((address, 0)).unwrap();
        let held = holder.local_addr().unwrap().port() & !1;
        let mut pool = PortPool::new(&(held..=held.saturating_add(41)), 0);
        let (port, rtp, rtcp) = bind(&mut pool, now, address).unwrap();
        assert_ne!(port, held);
        assert_eq!((rtp.local_addr().unwrap().port(), rtcp.local_addr().unwrap().port()), (port, port + 1));
    }
}
