//! Knocks. A request that meets silence may have gone to a port that is shut, and its host says so by ICMP; but only a
//! connected socket hears that, and ours has many peers. So the keep-alive of RFC 5626 §3.5.1, a double CRLF, which
//! many send over UDP too and nobody minds, goes there from a connected socket of its own. It knows no SIP beyond these
//! four octets.

use std::collections::BTreeSet;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

const KEEP_ALIVE: &[u8] = b"\r\n\r\n";
/// How many peers are knocked at at once.
const MAX_DOORS: usize = 64;
/// How long is listened at a door. ICMP comes within a round trip, and the next knock of a request a second later.
const LISTEN: Duration = Duration::from_millis(900);

/// The peers that are being knocked at.
#[derive(Debug, Default)]
pub(crate) struct Knocks {
    peers: BTreeSet<SocketAddr>,
    doors: JoinSet<(SocketAddr, bool)>,
}

impl Knocks {
    /// Knocks at a peer from this address of ours, unless that is being done.
    pub(crate) fn knock(&mut self, from: IpAddr, peer: SocketAddr) {
        if self.doors.len() < MAX_DOORS && self.peers.insert(peer) {
            self.doors.spawn(async move { (peer, ask(from, peer).await.is_err_and(is_unreachable)) });
        }
    }

    /// Waits until a peer has refused.
    pub(crate) async fn refused(&mut self) -> SocketAddr {
        loop {
            match self.doors.join_next().await {
                Some(Ok((peer, refused))) => {
                    self.peers.remove(&peer);
                    if refused {
                        return peer;
                    }
                }
                Some(Err(error)) => tracing::error!(%error, "a knock was not ended"),
                None => pending().await,
            }
        }
    }
}

/// Fails if the peer refuses; silence is no refusal.
async fn ask(from: IpAddr, peer: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(peer).await?;
    socket.send(KEEP_ALIVE).await?;
    if let Ok(ready) = timeout(LISTEN, socket.ready(Interest::ERROR | Interest::READABLE)).await {
        ready?;
    }
    socket.take_error()?.map_or(Ok(()), Err)
}

/// Nobody can be there; other errors may pass, and a retransmission finds out.
pub(crate) fn is_unreachable(error: io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable
    )
}
