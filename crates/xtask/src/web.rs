//! The web parts: the cabinet's pages and the widget's files, each built into its own `dist`, from where the service takes
//! them in.

use crate::say::say;
use crate::shell::{command, listen, must, passes, root, target};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

/// A folder of `web` that is built.
struct Part {
    name: &'static str,
    /// What it is made of.
    sources: &'static [&'static str],
    /// What is newest of what it is made into.
    made: &'static str,
    /// The file of the service that takes it in.
    taken_by: &'static str,
}

const CABINET: Part = Part {
    name: "cabinet",
    sources: &["src", "public", "scripts", "index.html", "package-lock.json", "vite.config.ts"],
    made: "dist/index.html",
    taken_by: "crates/callback/src/web/cabinet/pages.rs",
};
const WIDGET: Part = Part {
    name: "widget",
    sources: &["src", "scripts", "package-lock.json"],
    made: "dist/files.json",
    taken_by: "crates/callback/src/web/widget/mod.rs",
};

impl Part {
    fn folder(&self) -> PathBuf {
        root().join("web").join(self.name)
    }

    fn npm(&self, words: &[&str]) -> Result<()> {
        if self.runs(words)? { Ok(()) } else { bail!("failed in web/{}: npm {}", self.name, words.join(" ")) }
    }

    fn runs(&self, words: &[&str]) -> Result<bool> {
        let mut npm = command("npm", words);
        passes(npm.current_dir(self.folder()).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))
    }

    /// Installs what it is built with, as the lock file says, unless that is there already.
    fn install(&self) -> Result<()> {
        let folder = self.folder();
        let written = |path: &str| fs::metadata(folder.join(path)).and_then(|file| file.modified()).ok();
        // npm writes this file last.
        let installed = written("node_modules/.package-lock.json");
        if installed.is_some() && installed >= written("package-lock.json") {
            return Ok(());
        }
        self.npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"])
    }

    /// Builds it, where anything that it is made of is newer than it is.
    fn build(&self) -> Result<()> {
        let folder = self.folder();
        let built = fs::metadata(folder.join(self.made)).and_then(|file| file.modified()).ok();
        let newest = self.sources.iter().filter_map(|source| newest(folder.join(source))).max();
        if built.is_some() && built >= newest {
            return Ok(());
        }
        self.install()?;
        self.npm(&["run", "--silent", "build"])?;
        // What was built without it is built again: cargo does not look into the folder by itself.
        let taken_by = fs::File::open(root().join(self.taken_by)).context(self.taken_by)?;
        taken_by.set_modified(SystemTime::now())?;
        Ok(())
    }

    /// Types, and what is pure logic.
    fn check(&self) -> Result<bool> {
        self.install()?;
        Ok(self.runs(&["run", "--silent", "check"])? && self.runs(&["test", "--silent"])?)
    }
}

/// Builds both, where they are not built as they are written.
pub(crate) fn build() -> Result<()> {
    CABINET.build()?;
    WIDGET.build()
}

/// Types, and what is pure logic, of both.
pub(crate) fn check() -> Result<bool> {
    Ok(CABINET.check()? & WIDGET.check()?)
}

/// Writes the browser's types of the API anew from its document; whether they were what they are.
pub(crate) fn types() -> Result<bool> {
    CABINET.install()?;
    let document = CABINET.folder().join("openapi.json");
    let mut callback = command("cargo", &["run", "--quiet", "--bin", "callback", "--", "openapi"]);
    let written =
        callback.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("callback openapi")?;
    if !written.status.success() {
        bail!("callback openapi failed");
    }
    let before = fs::read(&document).unwrap_or_default();
    fs::write(&document, &written.stdout)?;
    CABINET.npm(&["run", "--silent", "types"])?;
    Ok(before == written.stdout)
}

/// The pages in a browser, before a service in practice that is started for them; how many stories passed and failed.
pub(crate) fn browse() -> Result<(u64, u64)> {
    CABINET.install()?;
    let home = target()?.join("browser");
    let _old = fs::remove_dir_all(&home);
    fs::create_dir_all(&home)?;
    let [http, metrics, sip, exchange] = free_ports()?;
    let config = home.join("callback.toml");
    fs::write(
        &config,
        format!(
            "[http]\nlisten = \"127.0.0.1:{http}\"\npublic_url = \"http://127.0.0.1:{http}\"\n\
             metrics_listen = \"127.0.0.1:{metrics}\"\n[sip]\nlisten = [\"udp://127.0.0.1:{sip}\"]\n\
             [media]\nports = \"34000-35998\"\n[practice]\nenabled = true\nlisten = \"127.0.0.1:{exchange}\"\n"
        ),
    )?;
    must("cargo", &["build", "--quiet", "--workspace", "--bin", "callback"])?;
    let callback = target()?.join("debug/callback").display().to_string();
    let mut service = command(&callback, &["serve", "--config"]);
    let log = fs::File::create(home.join("serve.log"))?;
    let mut service =
        service.arg(&config).current_dir(&home).stderr(log).spawn().context("callback serve")?;
    let stories = wait_for(http).and_then(|()| {
        let mut npm = command("npm", &["run", "--silent", "browse"]);
        // Some stories start one of their own, and kill it.
        npm.current_dir(CABINET.folder()).env("CALLBACK_URL", format!("http://127.0.0.1:{http}"));
        npm.env("CALLBACK_PROGRAM", &callback);
        listen(&mut npm)
    });
    let _gone = service.kill();
    service.wait()?;
    let (passed_all, said) = stories?;
    if !passed_all {
        say(&said);
    }
    let count = |word: &str| {
        let mut lines = said.lines().filter_map(|line| line.trim().split_once(' '));
        lines.find(|(_, rest)| rest.starts_with(word)).and_then(|(count, _)| count.parse().ok()).unwrap_or(0)
    };
    Ok((count("passed"), count("failed").max(u64::from(!passed_all))))
}

/// Ports that nobody has now.
fn free_ports() -> Result<[u16; 4]> {
    let mut held = Vec::new();
    let mut ports = [0; 4];
    for port in &mut ports {
        let socket = TcpListener::bind(("127.0.0.1", 0))?;
        *port = socket.local_addr()?.port();
        held.push(socket);
    }
    Ok(ports)
}

/// Until somebody takes connections there.
fn wait_for(port: u16) -> Result<()> {
    for _ in 0..300 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("the service did not start; see target/browser/serve.log")
}

/// When something in a folder was last written.
fn newest(path: PathBuf) -> Option<SystemTime> {
    let about = fs::metadata(&path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    let entries = fs::read_dir(&path).ok()?.flatten();
    entries.filter_map(|entry| newest(entry.path())).max()
}
