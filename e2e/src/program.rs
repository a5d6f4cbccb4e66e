//! Other programs: each is started in a process group of its own, with its log in a file, and is gone when its handle
//! is, or when this process is, however it went: a watchdog outside sees the end of a pipe and kills what is left.

use crate::PATIENCE;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Between two looks at something that tells nobody when it changes: a socket of another program, its end.
const LOOK: Duration = Duration::from_millis(10);

/// A running program.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    note: PathBuf,
}

impl Program {
    /// Starts it with its log in `folder`; whether it listens to stdin and is heard on stdout is the caller's.
    ///
    /// # Panics
    /// When it cannot be run: nothing is skipped.
    pub fn start(name: &str, folder: &Path, mut command: Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let stderr = File::options().create(true).append(true).open(&log).expect("a log");
        command.current_dir(folder).process_group(0).kill_on_drop(true);
        command.env("TERM", "dumb").env("LC_ALL", "C.UTF-8").stderr(stderr);
        let program = command.as_std().get_program().to_owned();
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("the tests need {}: {error}; cargo xtask test installs it", program.display())
        });
        // Whoever has a note here when this process ends is killed, with his group.
        let note = run_folder().join("groups").join(child.id().expect("it runs").to_string());
        fs::write(&note, name).expect("a note for the watchdog");
        Self { name: name.to_owned(), child, log, note }
    }

    /// Its process's number, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until it is ready, or fails with its log if it ends before.
    ///
    /// # Panics
    /// When it ends, or takes too long.
    pub async fn becomes_ready(&mut self, ready: impl AsyncFnMut() -> bool) {
        if !self.is_ready_before_its_end(ready).await {
            panic!("{} ended:\n{}", self.name, self.log());
        }
    }

    /// Waits until it is ready, or has ended: whether it is ready.
    ///
    /// # Panics
    /// When it takes too long.
    pub async fn is_ready_before_its_end(&mut self, mut ready: impl AsyncFnMut() -> bool) -> bool {
        let began = tokio::time::Instant::now();
        while !ready().await {
            if self.has_ended() {
                return false;
            }
            assert!(began.elapsed() < PATIENCE, "{} is not ready:\n{}", self.name, self.log());
            sleep(LOOK).await;
        }
        true
    }

    /// Whether it runs no more.
    ///
    /// # Panics
    /// When that cannot be known.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its own child").is_some()
    }

    /// Waits for its end; whether it ended well.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ends(&mut self) -> bool {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{} does not end:\n{}", self.name, self.log()));
        ended.expect("its own child").success()
    }

    /// Kills it without a word, and its whole group.
    pub async fn kill(&mut self) {
        self.kill_group();
        let _ = timeout(PATIENCE, self.child.wait()).await.expect("SIGKILL ends it");
    }

    /// It runs no more, and is there.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    fn kill_group(&self) {
        self.signal("KILL");
    }

    /// Sends it and its group a signal, by its name without SIG.
    pub fn signal(&self, signal: &str) {
        if let Some(id) = self.child.id() {
            // The shell has its own `kill`; a program of that name need not be installed.
            let words = format!("kill -s {signal} -- -{id}");
            let _ = process::Command::new("sh").args(["-c", &words]).status();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill_group();
        let _ = fs::remove_file(&self.note);
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(60)..];
            println!("---- the end of {}'s log\n{}", self.name, tail.join("\n"));
        }
    }
}

/// Whether somebody is bound to a UDP address, as the kernel says: nothing is sent to find out.
#[must_use]
pub fn is_bound(address: std::net::Ipv4Addr, port: u16) -> bool {
    let [a, b, c, d] = address.octets();
    let local = format!("{:02X}{:02X}{:02X}{:02X}:{port:04X}", d, c, b, a);
    let sockets = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    sockets.lines().any(|line| line.split_whitespace().nth(1) == Some(&local))
}

/// Where cargo puts what it builds.
///
/// # Panics
/// When this is no test that cargo built.
#[must_use]
pub fn target() -> PathBuf {
    let test = std::env::current_exe().expect("this test's file");
    let profile = test.ancestors().find(|folder| folder.join("deps").is_dir()).expect("a folder of cargo's");
    profile.parent().expect("the target folder").to_owned()
}

/// This run's folder; it is gone when this process is.
///
/// # Panics
/// When the watchdog cannot be started.
#[must_use]
pub fn run_folder() -> &'static Path {
    static WATCHDOG: OnceLock<(PathBuf, process::Child)> = OnceLock::new();
    let (folder, _) = WATCHDOG.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("callback-e2e-").tempdir().expect("a folder").keep();
        fs::create_dir(folder.join("groups")).expect("a folder");
        let script = "trap '' INT TERM HUP; read -r end; cd \"$0/groups\" || exit; \
                      for group in *; do kill -s KILL -- \"-$group\" 2>/dev/null; done; cd /; rm -rf \"$0\"";
        let mut watchdog = process::Command::new("sh");
        watchdog.args(["-c", script]).arg(&folder).current_dir("/").process_group(0);
        let watchdog = watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().expect("a shell");
        (folder, watchdog)
    });
    folder
}
