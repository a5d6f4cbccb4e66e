//! `callback check`: whether the service could run here. It opens what the service would open, says all that is
//! wrong and where, and leaves everything as it was.

use crate::config::{Billing, Config, Trunk};
use crate::store::Store;
use serde::Serialize;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket, lookup_host};

/// The usual port of SIP (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;
/// How long a name may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What was looked at, and what was found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
}

/// One thing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The key, and its value where that is no secret.
    pub what: String,
    /// What is wrong, and what to do.
    pub problem: Option<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.problem.is_none())
    }

    fn add(&mut self, what: impl fmt::Display, found: Result<(), String>) {
        self.findings.push(Finding { what: what.to_string(), problem: found.err() });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            match &finding.problem {
                None => writeln!(f, "ok     {}", finding.what)?,
                Some(problem) => writeln!(f, "WRONG  {}: {problem}", finding.what)?,
            }
        }
        Ok(())
    }
}

/// Looks at everything that the service needs.
pub async fn check(config: &Config) -> Report {
    let mut report = Report::default();
    report.add("database.url", database(config).await);
    // Held together, so that two keys with one port are found too.
    let mut tcp = Vec::new();
    let mut udp = Vec::new();
    for (key, address) in
        [("http.listen", config.http.listen), ("http.metrics_listen", config.http.metrics_listen)]
    {
        let bound = TcpListener::bind(address).await.map(|listener| tcp.push(listener));
        report.add(format_args!("{key} {address}"), bound.map_err(|error| port_problem(&error)));
    }
    for (key, address) in datagrams(config) {
        let bound = UdpSocket::bind(address).await.map(|socket| udp.push(socket));
        report.add(format_args!("{key} {address}"), bound.map_err(|error| port_problem(&error)));
    }
    if config.trunks.is_empty() {
        report.add("no trunk: only SIP addresses can be called", Ok(()));
    }
    for trunk in &config.trunks {
        let what = format!("trunk \"{}\" proxy {}", trunk.name, trunk.proxy.host);
        report.add(what, resolve(trunk).await);
        if let Some(billing) = &config.billing {
            let what = format!("trunk \"{}\" deck in {}", trunk.name, billing.currency);
            report.add(what, deck(config, billing, &trunk.name).await);
        }
    }
    report
}

/// Sockets of signalling and practice, and the first, a middle and the last pair of the media's range.
fn datagrams(config: &Config) -> Vec<(&'static str, SocketAddr)> {
    let mut all: Vec<_> = config.sip.listen.iter().map(|address| ("sip.listen", *address)).collect();
    all.extend(config.practice.map(|address| ("practice.listen", address)));
    let (first, last) = (*config.media.ports.start(), *config.media.ports.end());
    let even = |port: u16| port & !1;
    let middle = even(first.midpoint(last));
    let mut pairs = vec![first, middle, even(last.saturating_sub(1))];
    pairs.dedup();
    for port in pairs {
        for port in [port, port | 1] {
            all.push(("media.ports", SocketAddr::new(config.media.address, port)));
        }
    }
    all
}

async fn database(config: &Config) -> Result<(), String> {
    let store = Store::open(config.database_url.expose()).await.map_err(|error| format!("{error:#}"))?;
    let wrong = store.check_statements().await.map_err(|error| error.to_string())?;
    store.close().await.map_err(|error| error.to_string())?;
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("program and schema do not fit: {}", wrong.join("; ")))
    }
}

/// Where calls are charged, a trunk without a deck carries none.
async fn deck(config: &Config, billing: &Billing, trunk: &str) -> Result<(), String> {
    let store = Store::open(config.database_url.expose()).await.map_err(|error| format!("{error:#}"))?;
    let decks = store.decks(billing.currency).await.map_err(|error| error.to_string());
    store.close().await.map_err(|error| error.to_string())?;
    if decks?.contains_key(trunk) {
        Ok(())
    } else {
        Err("there is none, and without it nothing is called: callback deck import".to_owned())
    }
}

fn port_problem(error: &io::Error) -> String {
    let kinds = [
        (io::ErrorKind::AddrInUse, "somebody has this port: this service, if it runs, or another program"),
        (io::ErrorKind::AddrNotAvailable, "this machine has no such address"),
        (io::ErrorKind::PermissionDenied, "this user may not open it: take a port from 1024 on"),
    ];
    let known = kinds.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| error.to_string(), |(_, said)| (*said).to_owned())
}

async fn resolve(trunk: &Trunk) -> Result<(), String> {
    let place = (trunk.proxy.host.as_str(), trunk.proxy.port.unwrap_or(SIP_PORT));
    match tokio::time::timeout(RESOLVE_TIMEOUT, lookup_host(place)).await {
        Ok(Ok(mut addresses)) => {
            addresses.next().map(|_| ()).ok_or_else(|| "the name has no address".to_owned())
        }
        Ok(Err(error)) => Err(format!("the name cannot be resolved: {error}")),
        Err(_) => Err(format!("the name was not resolved within {} s", RESOLVE_TIMEOUT.as_secs())),
    }
}
