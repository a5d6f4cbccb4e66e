//! The provider: Kamailio with digest authentication and a list of numbers.

use crate::program::Program;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::{Duration, timeout};

/// The account that it gives to the service.
pub const USER: &str = "trunk1";
/// And the password.
pub const PASSWORD: &str = "secret1";

/// A running provider on port 5060 of its address. It has no state to save: its whole group is killed at the end.
#[derive(Debug)]
pub struct Provider {
    program: Program,
}

impl Provider {
    /// Starts it; calls to a number go to the address beside it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path, address: Ipv4Addr, numbers: &[(&str, Ipv4Addr)]) -> Self {
        let folder = folder.join(format!("provider-{address}"));
        fs::create_dir(&folder).expect("a folder");
        let mut routes = String::new();
        for (number, place) in numbers {
            let _ = writeln!(
                routes,
                "\tif ($rU == \"{number}\") {{ $du = \"sip:{place}:5060\"; route(RELAY); }}"
            );
        }
        let config = include_str!("../kamailio.cfg")
            .replace("@ADDRESS@", &address.to_string())
            .replace("@USER@", USER)
            .replace("@PASSWORD@", PASSWORD)
            .replace("@NUMBERS@", &routes);
        fs::write(folder.join("kamailio.cfg"), config).expect("its configuration");
        let mut command = Command::new("kamailio");
        command.args(["-f", "kamailio.cfg", "-DD", "-E", "-m", "16", "-M", "4", "-Y"]).arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut program = Program::start("kamailio", &folder, command);
        program.becomes_ready(async || answers(address).await).await;
        Self { program }
    }

    /// It is gone, as by a power cut.
    pub async fn dies(&mut self) {
        self.program.kill().await;
    }

    /// It is there and says nothing any more, as behind a cut cable.
    pub fn falls_silent(&mut self) {
        self.program.freeze();
    }

    /// How many calls to this number it was asked for.
    #[must_use]
    pub fn dials(&self, number: &str) -> usize {
        let log = self.program.log();
        let asked = log.lines().filter(|line| line.contains(&format!("> INVITE sip:{number}@")));
        asked.filter_map(|line| line.split_once("call=")?.1.split(' ').next()).collect::<BTreeSet<_>>().len()
    }
}

/// Whether it answers OPTIONS: it listens before its children do.
async fn answers(address: Ipv4Addr) -> bool {
    let socket = UdpSocket::bind((address, 0)).await.expect("a port");
    let port = socket.local_addr().expect("a bound port").port();
    let options = format!(
        "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:{port};branch=z9hG4bKready{port}\r\n\
         From: <sip:ready@{address}>;tag=ready\r\nTo: <sip:{address}>\r\nCall-ID: ready{port}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
    );
    if socket.send_to(options.as_bytes(), (address, 5060)).await.is_err() {
        return false;
    }
    let mut answer = [0; 2048];
    let received = timeout(Duration::from_millis(200), socket.recv(&mut answer)).await;
    received.is_ok_and(|received| received.is_ok_and(|_| answer.starts_with(b"SIP/2.0 200")))
}
