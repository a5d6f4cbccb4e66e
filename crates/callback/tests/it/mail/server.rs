//! A real mail server on loopback: Debian's aiosmtpd, driven by `server.py`. It knows nothing of this service.

use crate::stage::LIMIT;
use callback::config::{HostPort, Mail, MailSecurity};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// One server; it ends with its standard input.
pub(crate) struct Server {
    pub(crate) port: u16,
    program: Child,
    reports: mpsc::UnboundedReceiver<Value>,
}

impl Server {
    /// It answers recipients with these, one after the other, and with the last from then on.
    pub(crate) async fn answers(answers: &[&str]) -> Self {
        Self::start(&["--answers", &json!(answers).to_string()]).await
    }

    /// With the words of `server.py`.
    pub(crate) async fn start(words: &[&str]) -> Self {
        // Debian's own Python, which has Debian's aiosmtpd, whatever else is called so.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail/server.py")).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut program = command.spawn().expect("the tests need python3-aiosmtpd");
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let (tell, reports) = mpsc::unbounded_channel();
        // Read at once: a server whose reports nobody reads stands still.
        tokio::spawn(async move {
            while let Some(line) = lines.next_line().await.unwrap() {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut server = Self { port: 0, program, reports };
        let ready = server.next("ready").await;
        server.port = ready["port"].as_u64().unwrap().try_into().unwrap();
        server
    }

    /// The way to it.
    pub(crate) fn mail(&self, security: MailSecurity) -> Mail {
        Mail {
            server: HostPort { host: "localhost".to_owned(), port: Some(self.port) },
            security,
            credentials: None,
            from: "CallBack <noreply@callback.example>".parse().unwrap(),
        }
    }

    /// What it reports next must be this.
    pub(crate) async fn next(&mut self, event: &str) -> Value {
        let report = timeout(LIMIT, self.reports.recv()).await;
        let report = report.unwrap_or_else(|_| panic!("the server does not say {event}"));
        let report = report.expect("the tests need python3-aiosmtpd");
        assert_eq!(report["event"], event, "{report}");
        report
    }

    /// What it reports next, whatever that is.
    pub(crate) async fn any(&mut self) -> Value {
        let report = timeout(LIMIT, self.reports.recv()).await.expect("the server says something");
        report.expect("the server is there")
    }

    /// It has thought over what it was given, and takes it.
    pub(crate) async fn answer(&mut self) {
        self.program.stdin.as_mut().unwrap().write_all(b"\n").await.unwrap();
    }

    /// Ends it; what it had reported beyond what was read.
    pub(crate) async fn end(mut self) -> Vec<Value> {
        drop(self.program.stdin.take());
        let mut rest = Vec::new();
        while let Some(report) = timeout(LIMIT, self.reports.recv()).await.unwrap() {
            rest.push(report);
        }
        assert!(self.program.wait().await.unwrap().success());
        rest
    }
}
