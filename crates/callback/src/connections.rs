//! HTTP connections, bounded in number and in what they may wait for: many that say nothing keep nobody out, and leave
//! open files to the calls. What is said on them is the router's.

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections at once, where the files allow so many.
const MOST: u64 = 10_000;
/// Connections at once, however few files there are.
const FEWEST: u64 = 16;
/// Files that are neither connections nor sound: the database's, the log's, SIP's, announcements.
const OTHER_FILES: u64 = 128;
/// Connections that the system keeps until they are taken; whoever finds no room there comes again a second later.
const BACKLOG: u32 = 1_024;
/// How long a connection may be silent where the whole head of a request is waited for: longer than the minute for
/// which proxies keep an idle one, so that none of them speaks into a connection that is just being closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// After the system gave no connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Raises the limit of open files as far as this process may, and says how many connections that leaves beside the
/// sockets of so many media ports.
pub(crate) fn most_beside(media_ports: u64) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    };
    let left = files.unwrap_or(u64::MAX).saturating_sub(media_ports).saturating_sub(OTHER_FILES);
    usize::try_from(left.clamp(FEWEST, MOST)).unwrap_or_default()
}

/// Listens, with room for those who come all at once.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until it is stopped, then until the last answer is given.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    most: usize,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(most));
    // Each number tells those who wait for a request to go.
    let (crowd, crowded) = watch::channel(0_u64);
    let mut stop = pin!(async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    loop {
        if places.available_permits() == 0 {
            crowd.send_modify(|number| *number += 1);
        }
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Some((place, Ok((stream, peer)))) => {
                // From here on it hears of the crowd, though its task may begin after the next word of it.
                let mut crowded = crowded.clone();
                crowded.mark_unchanged();
                tokio::spawn(carry(stream, peer, router.clone(), crowded, place));
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "no HTTP connection can be taken");
                crowd.send_modify(|number| *number += 1);
                tokio::time::sleep(PAUSE).await;
            }
            None => break,
        }
    }
    crowd.send_modify(|number| *number += 1);
    // All places are free again when the last answer is given.
    let _ = places.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
}

/// One connection. When it gets crowded, or the service stops, it ends: at once where no request was ever heard whole,
/// else after the answer that is under way.
async fn carry(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut crowded: watch::Receiver<u64>,
    _place: OwnedSemaphorePermit,
) {
    let is_heard = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&is_heard);
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        service.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            // What has come already is read before it is told to go.
            biased;
            // A client that goes, or says what is no HTTP, is no concern of anybody's.
            _ended = connection.as_mut() => return,
            Ok(()) = crowded.changed() => {
                if !is_heard.load(Ordering::Relaxed) {
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::serve;
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    async fn answer(stream: &mut TcpStream) -> String {
        let mut read = vec![0; 1_024];
        let length = stream.read(&mut read).await.unwrap();
        String::from_utf8(read[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn half_of_a_second_request_keeps_nobody_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(serve(listener, router, 1, stopped));
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(request).await.unwrap();
        assert!(answer(&mut first).await.ends_with("here"));
        first.write_all(&request[..20]).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(request).await.unwrap();
        assert!(answer(&mut second).await.ends_with("here"), "the only place is free again");
        assert_eq!(answer(&mut first).await, "", "and whoever held it is sent away");
    }
}
