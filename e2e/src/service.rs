//! The service itself: its program, started as an operator would.

use crate::PATIENCE;
use crate::audio::Sound;
use crate::browser::ORIGIN;
use crate::network::until;
use crate::program::{Program, is_bound, target};
use crate::provider::{PASSWORD, USER};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::OnceLock;
use tokio::process::Command;
use uuid::Uuid;

/// A unit for each second, and half a one for each answer.
const DECK: &str = "prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from\n\
    7,Russia,60,0.5,1,1,2020-01-01\n";

/// How a service is set up.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// Where its own folder is made.
    pub folder: &'a Path,
    /// SIP on 5060, HTTP on 8080.
    pub address: Ipv4Addr,
    /// Where its providers are.
    pub trunks: &'a [Ipv4Addr],
    /// Its site's lines of settings.toml.
    pub site: &'a str,
    /// `database.url`; none = SQLite in its folder.
    pub database: Option<String>,
    /// `media.ports`.
    pub ports: &'a str,
    /// `speech.voice`.
    pub voice: &'a str,
    /// What it logs.
    pub log: &'a str,
    /// Whether calls are charged, and the customer has paid.
    pub charged: bool,
}

impl<'a> Setup<'a> {
    /// As an operator would, and with all that it can log.
    #[must_use]
    pub fn new(folder: &'a Path, address: Ipv4Addr, trunks: &'a [Ipv4Addr], site: &'a str) -> Self {
        Self {
            folder,
            address,
            trunks,
            site,
            database: None,
            ports: "20000-20198",
            voice: "auto",
            log: "debug,sqlx=warn,hyper=info",
            charged: false,
        }
    }
}

/// A service on its address.
#[derive(Debug)]
pub struct Service {
    address: Ipv4Addr,
    folder: PathBuf,
    database: String,
    log: String,
    program: Option<Program>,
}

impl Service {
    /// Writes its files, applies the settings and starts it; it is ready when this returns.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(setup: &Setup<'_>) -> Self {
        let mut service = Self::set_up(setup);
        service.starts_again().await;
        service
    }

    /// Writes its files and applies the settings, and starts nothing yet.
    ///
    /// # Panics
    /// When they are not taken.
    #[must_use]
    pub fn set_up(setup: &Setup<'_>) -> Self {
        let folder = setup.folder.join("service");
        fs::create_dir(&folder).expect("a folder");
        let file = format!("sqlite://{}", folder.join("callback.db").display());
        let database = setup.database.clone().unwrap_or(file);
        fs::write(folder.join("callback.toml"), configuration(setup, &database)).expect("callback.toml");
        let settings = format!(
            "[[customer]]\nname = \"Shop\"\nemail = \"owner@shop.example\"\ntime_zone = \"Europe/Moscow\"\n\
             country = \"RU\"\n[[customer.site]]\nkey = \"demo\"\nurl = \"{ORIGIN}\"\nlanguage = \"en\"\n{}",
            setup.site
        );
        fs::write(folder.join("settings.toml"), settings).expect("settings.toml");
        run(&folder, &["apply", "settings.toml"]);
        if setup.charged {
            fs::write(folder.join("deck.csv"), DECK).expect("deck.csv");
            run(&folder, &["deck", "import", "deck.csv", "--trunk", "trunk-0"]);
            run(&folder, &["markup", "set", "--percent", "10"]);
            run(&folder, &["top-up", "owner@shop.example", "1000"]);
        }
        Self { address: setup.address, folder, database, log: setup.log.to_owned(), program: None }
    }

    /// Where its order API is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:8080/w/v1/demo", self.address)
    }

    /// As `database.url` has it.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its program, or whatever it runs under.
    ///
    /// # Panics
    /// When it was not started.
    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("it was started")
    }

    /// It is gone in the middle of everything: SIGKILL.
    pub async fn is_killed(&mut self) {
        self.program().kill().await;
        // What it ran under may be gone a moment before it.
        let address = self.address;
        until(PATIENCE, "its sockets are closed", async || !is_bound(address, 5060)).await;
    }

    /// It is started, or started again on the same database.
    pub async fn starts_again(&mut self) {
        assert!(self.starts_under(&[]).await, "it ended before it was ready");
    }

    /// It is started by other programs, whose words these are, and which run it; whether it became ready before it
    /// ended.
    pub async fn starts_under(&mut self, words: &[&str]) -> bool {
        let mut all = words.iter().map(|word| (*word).as_ref()).chain([program().as_os_str()]);
        let mut command = Command::new(all.next().expect("a program"));
        command.args(all).arg("serve").env("RUST_LOG", &self.log);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let program = self.program.insert(Program::start("callback", &self.folder, command));
        let ready = format!("http://{}:8080/readyz", self.address);
        let is_ready = async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success());
        program.is_ready_before_its_end(is_ready).await
    }

    /// What `/readyz` says: its status, and in words.
    ///
    /// # Panics
    /// When it says nothing.
    pub async fn readiness(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}:8080/readyz", self.address)).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("words"))
    }

    /// Whether it says that it takes no calls any more, or nothing at all.
    pub async fn is_stopping(&self) -> bool {
        let answer = reqwest::get(format!("http://{}:8080/readyz", self.address)).await;
        answer.is_ok_and(|answer| answer.status() == 503)
    }

    /// The site's announcement, as it was spoken when the settings were applied.
    ///
    /// # Panics
    /// When it was not.
    #[must_use]
    pub fn announcement(&self) -> Sound {
        let files = fs::read_dir(self.folder.join("callback-speech")).expect("the folder of announcements");
        let sounds = files.map(|file| Sound::read(&file.expect("a file").path()));
        sounds.min_by(|a, b| a.seconds().total_cmp(&b.seconds())).expect("an announcement")
    }

    /// What `callback explain` tells of an order; `callback replay` must decide the same.
    ///
    /// # Panics
    /// When one of the two fails.
    #[must_use]
    pub fn explains(&self, order: Uuid) -> Value {
        println!("{}", run(&self.folder, &["explain", &order.to_string()]));
        self.replays(order)
    }

    /// The same, and nothing is printed.
    ///
    /// # Panics
    /// When one of the two fails.
    #[must_use]
    pub fn replays(&self, order: Uuid) -> Value {
        let order = order.to_string();
        let told = run(&self.folder, &["explain", &order, "--json"]);
        let replayed = run(&self.folder, &["replay", &order]);
        assert!(replayed.contains("decides the same"), "{replayed}");
        serde_json::from_str(&told).expect("JSON")
    }

    /// What `callback bill` tells of an order: each charge comes out the same when it is made again, and the books agree.
    ///
    /// # Panics
    /// When they do not.
    #[must_use]
    pub fn bills(&self, order: Uuid) -> Value {
        run(&self.folder, &["ledger", "check"]);
        serde_json::from_str(&run(&self.folder, &["bill", &order.to_string(), "--json"])).expect("JSON")
    }

    /// The same once the call is over; the record is written a moment after the last leg is down.
    ///
    /// # Panics
    /// When it is never over.
    pub async fn explains_the_end(&mut self, order: Uuid) -> Value {
        let (folder, id) = (self.folder.clone(), order.to_string());
        let is_over = async || {
            let told: Value = serde_json::from_str(&run(&folder, &["explain", &id, "--json"])).expect("JSON");
            !told["disposition"].is_null()
        };
        self.program().becomes_ready(is_over).await;
        self.explains(order)
    }
}

fn configuration(setup: &Setup<'_>, database: &str) -> String {
    let Setup { address, trunks, ports, voice, charged, .. } = setup;
    let mut text = format!(
        "[http]\nlisten = \"{address}:8080\"\npublic_url = \"http://{address}:8080\"\n\
         metrics_listen = \"{address}:9090\"\n\
         [database]\nurl = \"{database}\"\n\
         [sip]\nlisten = [\"udp://{address}:5060\"]\n\
         [media]\naddress = \"{address}\"\nports = \"{ports}\"\n\
         [speech]\nvoice = \"{voice}\"\n"
    );
    if *charged {
        text.push_str("[billing]\ncurrency = \"RUB\"\n");
    }
    for (at, trunk) in trunks.iter().enumerate() {
        let _ = write!(
            text,
            "[[trunk]]\nname = \"trunk-{at}\"\nproxy = \"sip:{trunk}:5060;transport=udp\"\n\
             username = \"{USER}\"\npassword = \"{PASSWORD}\"\ncaller_ids = [\"+74950000001\"]\n\
             cps = 50\nprefer = {}\n",
            at + 1
        );
    }
    text
}

/// Runs one of its other commands to its end.
fn run(folder: &Path, words: &[&str]) -> String {
    let output = process::Command::new(program()).args(words).current_dir(folder).output();
    let output = output.expect("the service's program");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The program as it is in this repository, built once a run.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = process::Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--bin", "callback", "--target-dir"]).arg(target());
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("cargo").success(), "the service cannot be built");
        target().join("debug/callback")
    })
}
