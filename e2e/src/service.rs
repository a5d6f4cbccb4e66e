//! The service itself: its program, started as an operator would.

use crate::audio::Sound;
use crate::browser::ORIGIN;
use crate::program::{Program, target};
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

/// A service on its address: SIP on 5060, HTTP on 8080.
#[derive(Debug)]
pub struct Service {
    address: Ipv4Addr,
    folder: PathBuf,
    program: Program,
}

impl Service {
    /// Writes its files, applies the settings and starts it; it is ready when this returns.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(folder: &Path, address: Ipv4Addr, trunks: &[Ipv4Addr], site: &str) -> Self {
        let folder = folder.join("service");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("callback.toml"), configuration(address, trunks)).expect("callback.toml");
        let settings = format!(
            "[[customer]]\nname = \"Shop\"\nemail = \"owner@shop.example\"\ntime_zone = \"Europe/Moscow\"\n\
             country = \"RU\"\n[[customer.site]]\nkey = \"demo\"\nurl = \"{ORIGIN}\"\nlanguage = \"en\"\n{site}"
        );
        fs::write(folder.join("settings.toml"), settings).expect("settings.toml");
        run(&folder, &["apply", "settings.toml"]);
        let program = serve(&folder, address).await;
        Self { address, folder, program }
    }

    /// Where its order API is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:8080/w/v1/demo", self.address)
    }

    /// It is gone in the middle of everything: SIGKILL.
    pub async fn is_killed(&mut self) {
        self.program.kill().await;
    }

    /// It is started again on the same database.
    pub async fn starts_again(&mut self) {
        self.program = serve(&self.folder, self.address).await;
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
        let order = order.to_string();
        let told = run(&self.folder, &["explain", &order, "--json"]);
        println!("{}", run(&self.folder, &["explain", &order]));
        let replayed = run(&self.folder, &["replay", &order]);
        assert!(replayed.contains("decides the same"), "{replayed}");
        serde_json::from_str(&told).expect("JSON")
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
        self.program.becomes_ready(is_over).await;
        self.explains(order)
    }
}

fn configuration(address: Ipv4Addr, trunks: &[Ipv4Addr]) -> String {
    let mut text = format!(
        "[http]\nlisten = \"{address}:8080\"\npublic_url = \"http://{address}:8080\"\n\
         metrics_listen = \"{address}:9090\"\n\
         [sip]\nlisten = [\"udp://{address}:5060\"]\n\
         [media]\naddress = \"{address}\"\nports = \"20000-20198\"\n"
    );
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

async fn serve(folder: &Path, address: Ipv4Addr) -> Program {
    let mut command = Command::new(program());
    command.arg("serve").env("RUST_LOG", "debug,sqlx=warn,hyper=info");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut program = Program::start("callback", folder, command);
    let ready = format!("http://{address}:8080/readyz");
    program
        .becomes_ready(async || reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()))
        .await;
    program
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
