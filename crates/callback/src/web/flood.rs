//! How much one address may ask, before anything is looked up: a bucket of requests that fills at a steady rate
//! (GCRA, ITU-T I.371), and a number of open streams. It protects the process; who is called, the store decides.

use super::error::Problem;
use crate::store::network;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request of one address comes so often.
const EVERY: Duration = Duration::from_millis(100);
/// After a pause so many may come at once.
const BURST: u32 = 100;
/// Streams of one address.
const STREAMS: u32 = 200;
/// Addresses that are remembered.
const ADDRESSES: usize = 65_536;

/// Requests and streams of all addresses.
#[derive(Debug)]
pub(crate) struct Flood {
    state: Mutex<State>,
    /// Streams of all.
    most_streams: u32,
}

#[derive(Debug, Default)]
struct State {
    /// When each address will have used up nothing again.
    free_at: BTreeMap<String, Instant>,
    streams: BTreeMap<String, u32>,
    all_streams: u32,
}

/// An open stream; it is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPass {
    flood: Arc<Flood>,
    network: String,
}

impl Flood {
    /// Streams may take half of the connections that there may be.
    pub(super) fn beside(connections: usize) -> Self {
        let most_streams = u32::try_from(connections / 2).unwrap_or(u32::MAX);
        Self { state: Mutex::default(), most_streams }
    }

    /// Lets a request in.
    pub(crate) fn request(&self, ip: IpAddr, now: Instant) -> Result<(), Problem> {
        let mut state = self.lock();
        if state.free_at.len() >= ADDRESSES {
            state.free_at.retain(|_, free_at| *free_at > now);
        }
        if state.free_at.len() >= ADDRESSES {
            // Nobody can be told from anybody: what is behind this door has bounds of its own.
            state.free_at.clear();
        }
        let free_at = state.free_at.entry(network(ip)).or_insert(now);
        let used = free_at.saturating_duration_since(now);
        if used > EVERY * BURST {
            return Err(Problem::TooMany);
        }
        *free_at = now + used + EVERY;
        Ok(())
    }

    /// How many addresses are remembered, and how many streams are open.
    pub(crate) fn load(&self) -> (usize, u32) {
        let state = self.lock();
        (state.free_at.len(), state.all_streams)
    }

    /// Lets a stream be opened.
    pub(crate) fn stream(self: &Arc<Self>, ip: IpAddr) -> Result<StreamPass, Problem> {
        let network = network(ip);
        let mut state = self.lock();
        let streams = state.streams.get(&network).copied().unwrap_or(0);
        if streams >= STREAMS || state.all_streams >= self.most_streams {
            return Err(Problem::TooMany);
        }
        state.streams.insert(network.clone(), streams + 1);
        state.all_streams += 1;
        Ok(StreamPass { flood: Arc::clone(self), network })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPass {
    fn drop(&mut self) {
        let mut state = self.flood.lock();
        state.all_streams = state.all_streams.saturating_sub(1);
        match state.streams.get_mut(&self.network) {
            Some(streams) if *streams > 1 => *streams -= 1,
            _ => {
                state.streams.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES, EVERY, Flood, STREAMS};
    use std::net::{IpAddr, Ipv6Addr};
    use std::sync::Arc;
    use std::time::Instant;

    #[test]
    fn an_address_may_ask_in_bursts_and_then_at_a_steady_rate() {
        let (flood, now) = (Flood::beside(10_000), Instant::now());
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let let_in = |ip, at| (0..1_000).filter(|_| flood.request(ip, at).is_ok()).count();
        assert_eq!(let_in(one, now), 101);
        assert_eq!(let_in(two, now), 101, "another address");
        assert_eq!(let_in(one, now + EVERY * 7), 7);
        assert_eq!(let_in(one, now + EVERY * 10_000), 101);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (flood, now) = (Flood::beside(10_000), Instant::now());
        for n in 0..200_000_u128 {
            flood.request(IpAddr::V6(Ipv6Addr::from_bits(n << 64)), now).unwrap();
        }
        assert!(flood.lock().free_at.len() <= ADDRESSES);
    }

    #[test]
    fn streams_are_counted_while_they_are_open() {
        let flood = Arc::new(Flood::beside(500));
        let ip: IpAddr = "2001:db8::1".parse().unwrap();
        let open: Vec<_> = std::iter::from_fn(|| flood.stream(ip).ok()).collect();
        assert_eq!(u32::try_from(open.len()), Ok(STREAMS));
        let others = |n: u128| flood.stream(IpAddr::V6(Ipv6Addr::from_bits(n << 64)));
        let others: Vec<_> = (1..100).filter_map(|n| others(n).ok()).collect();
        assert_eq!(others.len(), 50, "half of the connections");
        drop((open, others));
        assert!(flood.stream(ip).is_ok(), "and is closed at once");
        let state = flood.lock();
        assert_eq!((state.all_streams, state.streams.len()), (0, 0));
    }
}
