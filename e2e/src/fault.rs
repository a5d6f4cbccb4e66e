//! A live call from which something is taken away: the service, and a telephone network in this process, whose manager
//! and visitor go on telling each other by keys that they are heard.

use crate::PATIENCE;
use crate::browser;
use crate::ledger::Ledger;
use crate::network::{Habit, Network, until};
use crate::program::{Program, run_folder};
use crate::service::{Service, Setup};
use crate::stage::{self, ANNA, BORIS, VERA, VISITOR, managers};
use serde_json::Value;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// Calls that are disturbed at once.
const AT_ONCE: usize = 4;
/// Visitors who come while nothing can be taken in, and after it.
pub const OTHERS: [&str; 3] = ["+79161234568", "+79161234569", "+79161234570"];
/// Both ends of the call.
pub const BOTH: [&str; 2] = [ANNA.number(), VISITOR.number()];

/// How a world is made.
#[derive(Clone, Debug, Default)]
pub struct World<'a> {
    /// `database.url`; none = SQLite.
    pub database: Option<String>,
    /// What the service is started by.
    pub under: &'a [&'a str],
    /// `media.ports`, where they are other than usual.
    pub ports: Option<&'a str>,
    /// More lines of the site's settings.
    pub site: &'a str,
}

/// A service in which a call is live.
#[derive(Debug)]
pub struct LiveCall {
    /// The service.
    pub service: Service,
    /// The telephones.
    pub network: Network,
    /// The order that is talked about.
    pub order: Uuid,
    address: Ipv4Addr,
    folder: TempDir,
    _place: SemaphorePermit<'static>,
}

impl LiveCall {
    /// Makes it: they talk when this returns.
    ///
    /// # Panics
    /// When they do not come to talk.
    pub async fn new(world: World<'_>) -> Self {
        static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);
        let place = PLACES.acquire().await.expect("a place");
        let folder = tempfile::tempdir_in(run_folder()).expect("a folder");
        let (address, far) = stage::addresses();
        let chatting = |number, key| Habit { chatters: Some(key), ..Habit::answers(number) };
        let mut habits: Vec<Habit> =
            [ANNA, BORIS, VERA].iter().map(|person| chatting(person.number(), "5")).collect();
        habits.extend([VISITOR.number()].iter().chain(&OTHERS).map(|number| chatting(number, "6")));
        let network = Network::start(far, address, habits).await;
        let (trunks, site) =
            ([far], format!("mode = \"manager_first\"\n{}{}", world.site, managers(&[ANNA, BORIS, VERA])));
        let mut setup = Setup {
            database: world.database,
            voice: "none",
            log: "info,sqlx=warn",
            ..Setup::new(folder.path(), address, &trunks, &site)
        };
        setup.ports = world.ports.unwrap_or(setup.ports);
        let mut service = Service::set_up(&setup);
        assert!(service.starts_under(world.under).await, "it starts: {}", service.program().log());
        let call = Self { service, network, order: Uuid::new_v4(), address, folder, _place: place };
        assert_eq!(call.orders(call.order, VISITOR.number()).await, Some(202));
        call.network.hear_each_other(&BOTH).await;
        call
    }

    /// An order; the status of the answer, if there is one.
    pub async fn orders(&self, order: Uuid, number: &str) -> Option<u16> {
        browser::orders(&self.service.url(), order, number).await
    }

    /// When the service says that it took an order, in UTC.
    ///
    /// # Panics
    /// When it does not know it.
    pub async fn accepted_at(&self, order: Uuid) -> String {
        let request = reqwest::Client::new().get(format!("{}/orders/{order}", self.service.url()));
        let answer = request.header("Origin", browser::ORIGIN).send().await.expect("an answer");
        let status: Value = answer.json().await.expect("a status");
        status["accepted_at"].as_str().expect("a time").to_owned()
    }

    /// An order that cannot be taken is refused in words, and is not called later.
    ///
    /// # Panics
    /// When it is not, or when it is not said when to try again.
    pub async fn refuses_an_order(&self) {
        let refusal = browser::is_refused(&self.service.url(), Uuid::new_v4(), OTHERS[0]).await;
        println!("    refused: {}", refusal.problem["detail"]);
        assert_eq!((refusal.status, refusal.retry_after), (503, Some(30)), "{refusal:?}");
    }

    /// `/readyz` names what is wrong.
    pub async fn says_what_is_wrong(&self, what: &str) {
        let is_said = async || {
            let (status, words) = self.service.readiness().await;
            status == 503 && words.contains(what)
        };
        until(PATIENCE, "what is wrong is said", is_said).await;
        println!("    /readyz: {}", self.service.readiness().await.1);
    }

    /// Orders are taken again, and called.
    pub async fn takes_orders_again(&self) {
        let began = tokio::time::Instant::now();
        let order = Uuid::new_v4();
        let is_taken = async || matches!(self.orders(order, OTHERS[1]).await, Some(200 | 202));
        until(PATIENCE, "an order is taken again", is_taken).await;
        println!("    orders are taken again after {:.2} s", began.elapsed().as_secs_f64());
        self.is_ready_again().await;
        println!("    and it is ready after {:.2} s", began.elapsed().as_secs_f64());
        self.calls(OTHERS[1]).await;
    }

    /// Who has ordered is called, talks and hangs up.
    pub async fn calls(&self, number: &str) {
        until(PATIENCE, "it is called", async || self.network.dials(number) == 1).await;
        self.network.hear_each_other(&[number]).await;
        self.network.hangs_up(number).await;
    }

    /// `/readyz` says ready.
    pub async fn is_ready_again(&self) {
        until(PATIENCE, "it is ready again", async || self.service.readiness().await.0 == 200).await;
    }

    /// The visitor hangs up, and the manager is down with him.
    pub async fn hangs_up(&self) {
        self.network.hangs_up(VISITOR.number()).await;
        self.is_hung_up().await;
    }

    /// Both are down.
    pub async fn is_hung_up(&self) {
        let is_down = async || {
            let book = self.network.book();
            let mut ours = book.iter().take(BOTH.len());
            ours.all(|entry| entry.over_at.is_some())
        };
        until(PATIENCE, "both are down", is_down).await;
    }

    /// The record is written, and the replay agrees.
    ///
    /// # Panics
    /// When they were not connected, or somebody was rung who was refused.
    pub async fn is_recorded(&mut self) -> Value {
        let (url, order) = (self.service.database().to_owned(), self.order);
        let is_written = async || Ledger::read(&url, order).await.is_ok_and(|ledger| ledger.record.is_some());
        until(PATIENCE, "the record is written", is_written).await;
        let told = self.service.explains(order);
        assert_eq!(told["disposition"], "connected");
        assert_eq!(self.network.dials(OTHERS[0]), 0, "who was refused is not called");
        assert_eq!(self.network.dials(VISITOR.number()), 1, "{:#?}", self.network.book());
        told
    }

    /// A fault of the service's system calls, until it is taken away (`strace -e inject=…`).
    ///
    /// # Panics
    /// When it cannot be put in.
    pub async fn with_broken(&mut self, inject: &str) -> Broken {
        let id = self.service.program().id().expect("it runs").to_string();
        let call = inject.split(':').next().unwrap_or_default();
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={inject}"),
        ]);
        command.args(["-p", &id]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut strace = Program::start("strace", self.folder.path(), command);
        let status = format!("/proc/{id}/status");
        let is_traced = async || {
            let status = fs::read_to_string(&status).unwrap_or_default();
            status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        };
        strace.becomes_ready(is_traced).await;
        Broken { strace }
    }

    /// Where HTTP is heard.
    #[must_use]
    pub fn http(&self) -> (Ipv4Addr, u16) {
        (self.address, 8080)
    }
}

/// Broken system calls; they work again when this is mended.
#[derive(Debug)]
pub struct Broken {
    strace: Program,
}

impl Broken {
    /// They work again.
    pub async fn is_mended(mut self) {
        self.strace.signal("INT");
        self.strace.ends().await;
    }
}

/// The wall's clock of a program that is started under it: it shows the right time until it jumps. Clocks that only
/// count are left alone.
#[derive(Debug)]
pub struct WallClock {
    file: PathBuf,
    words: Vec<String>,
}

impl WallClock {
    /// A clock that is kept in this folder.
    ///
    /// # Panics
    /// When libfaketime is not there; `cargo xtask test` installs it.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let file = folder.join("clock");
        fs::write(&file, "+0").expect("a clock");
        let words = vec![
            "env".to_owned(),
            format!("LD_PRELOAD={}", libfaketime().display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", file.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        Self { file, words }
    }

    /// What a program is started by.
    #[must_use]
    pub fn under(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// From here on it shows another time, as `+2h` from the right one.
    ///
    /// # Panics
    /// When it cannot be set.
    pub fn jumps(&self, to: &str) {
        fs::write(&self.file, to).expect("a clock");
    }
}

fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten().map(|folder| folder.path());
    let library = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
    let mut found = folders.map(library).filter(|file| file.exists());
    found.next().expect("the tests need libfaketime; cargo xtask test installs it")
}

/// How long a fault lasts, in seconds: `FAULT_SECONDS`, or this.
#[must_use]
pub fn lasts(seconds: u64) -> Duration {
    let given = std::env::var("FAULT_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(given.unwrap_or(seconds))
}
