//! Real telephones: `telephone.py` with pjsua2, one process each.

use crate::PATIENCE;
use crate::program::{Program, target};
use serde_json::Value;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::{Duration, timeout};

/// What managers say.
pub const MANAGER_HZ: u32 = 660;
/// What visitors say.
pub const VISITOR_HZ: u32 = 440;

/// When a telephone is picked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// After it rang so long.
    After(Duration),
    /// When it is told.
    WhenTold,
}

/// A telephone on port 5060 of its address.
#[derive(Debug)]
pub struct Telephone {
    name: String,
    said: Vec<String>,
    reports: Lines<BufReader<ChildStdout>>,
    orders: ChildStdin,
    _program: Program,
}

impl Telephone {
    /// Starts it; it is ready when this returns.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path, address: Ipv4Addr, tone: u32, answers: Answers) -> Self {
        let folder = folder.join(format!("telephone-{address}"));
        fs::create_dir(&folder).expect("a folder");
        let answer_after = match answers {
            Answers::After(rings) => i128::try_from(rings.as_millis()).unwrap_or(0),
            Answers::WhenTold => -1,
        };
        let mut command = Command::new(target().join("e2e/venv/bin/python"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("telephone.py"));
        command.arg("--address").arg(address.to_string()).arg("--folder").arg(&folder);
        command.arg(format!("--tone={tone}")).arg(format!("--answer-after={answer_after}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = Program::start("telephone", &folder, command);
        let orders = program.child().stdin.take().expect("its stdin");
        let reports = BufReader::new(program.child().stdout.take().expect("its stdout")).lines();
        let name = address.to_string();
        let mut telephone = Self { name, said: Vec::new(), reports, orders, _program: program };
        telephone.reports("ready").await;
        telephone
    }

    /// Waits for the next report of this event; what was reported before it is passed over.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn reports(&mut self, event: &str) -> Value {
        self.reports_that(event, |_| true).await
    }

    /// Waits until it is rung.
    pub async fn rings(&mut self) {
        self.reports("incoming").await;
    }

    /// Waits until it has heard a tone for so many seconds in all; what it has heard is not forgotten by
    /// waiting for something else.
    pub async fn hears(&mut self, hz: u32, seconds: u64) {
        let fits = |report: &Value| report["hz"] == hz && report["seconds"] == seconds;
        let before = self.said.iter().filter_map(|line| serde_json::from_str(line).ok());
        if !before.into_iter().any(|report: Value| report["event"] == "hears" && fits(&report)) {
            self.reports_that("hears", fits).await;
        }
    }

    /// Waits until it has heard a voice, or whatever is no telephone's tone, for a second.
    pub async fn hears_a_voice(&mut self) {
        self.hears(0, 1).await;
    }

    /// Waits until these keys were pressed at the other side, each as an event of RFC 4733.
    ///
    /// # Panics
    /// When others come.
    pub async fn receives_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let report = self.reports("digit").await;
            assert_eq!((&report["digit"], &report["by"]), (&key.to_string().into(), &"event".into()));
        }
    }

    /// Waits until its call is over; what it heard.
    ///
    /// # Panics
    /// When the call goes on.
    pub async fn is_down(&mut self) -> PathBuf {
        PathBuf::from(self.reports("ended").await["heard"].as_str().expect("a recording"))
    }

    /// Tells it what to do: `answer`, `hangup`, `decline`, `hold`, `resume`, `key 1`.
    ///
    /// # Panics
    /// When it is gone.
    pub async fn does(&mut self, what: &str) {
        self.orders.write_all(format!("{what}\n").as_bytes()).await.expect("the telephone is there");
    }

    async fn reports_that(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(PATIENCE, async {
            while let Ok(Some(line)) = self.reports.next_line().await {
                let report: Value = serde_json::from_str(&line).unwrap_or_default();
                self.said.push(line);
                if report["event"] == event && fits(&report) {
                    return Some(report);
                }
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("{} did not report {event}:\n{:#?}", self.name, self.said))
    }
}
