//! A PostgreSQL server of a story's own, which can be stopped in the middle of everything, and be gone and come back.

use crate::PATIENCE;
use crate::network::until;
use crate::program::{Program, run_folder};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tokio::process::Command;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    program: Program,
}

impl Postgres {
    /// A server without any database yet.
    ///
    /// # Panics
    /// When it cannot be made or does not start.
    pub async fn start() -> Self {
        let programs = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
        let programs =
            programs.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
        let programs = programs.max().expect("the tests need PostgreSQL: apt-get install postgresql");
        let folder = tempfile::tempdir_in(run_folder()).expect("a folder");
        // PostgreSQL refuses to be root's: its user has to get there.
        fs::set_permissions(run_folder(), fs::Permissions::from_mode(0o755)).expect("its user may pass");
        if is_root() {
            run(process::Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let mut initdb = as_its_user(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(initdb.arg("--pgdata").arg(folder.path().join("data")).current_dir("/"));
        let program = serve(&programs, folder.path());
        let mut server = Self { folder, programs, program };
        server.answers().await;
        server
    }

    /// The address of a new database.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("story{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut server = PgConnection::connect(&self.url("postgres")).await.expect("the server");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        server.execute(sqlx::raw_sql(create)).await.expect("a database");
        self.url(&name)
    }

    /// All of it stands still, and its sockets stay.
    pub fn is_stopped(&self) {
        self.signal("STOP");
    }

    /// It goes on where it stood.
    pub fn goes_on(&self) {
        self.signal("CONT");
    }

    /// It is gone: SIGKILL.
    pub async fn is_gone(&mut self) {
        self.signal("KILL");
        self.program.kill().await;
    }

    /// It is started again.
    pub async fn starts_again(&mut self) {
        self.program = serve(&self.programs, self.folder.path());
        self.answers().await;
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.program.log()
    }

    async fn answers(&mut self) {
        let url = self.url("postgres");
        until(PATIENCE, "PostgreSQL answers", async || PgConnection::connect(&url).await.is_ok()).await;
    }

    fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.path().display())
    }

    /// Its processes have groups of their own.
    fn signal(&self, signal: &str) {
        let Some(id) = self.program.id() else { return };
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let words = format!("kill -s {signal} {id} {children}");
        // Whoever is gone already needs none.
        let _ = process::Command::new("sh").args(["-c", &words]).stderr(process::Stdio::null()).status();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

fn serve(programs: &Path, folder: &Path) -> Program {
    let command = as_its_user(&programs.join("postgres"));
    let mut command = Command::from(command);
    command.arg("-D").arg(folder.join("data")).arg("-c").arg("listen_addresses=").arg("-c");
    command.arg(format!("unix_socket_directories={}", folder.display()));
    command.args(["-c", "max_connections=300"]);
    Program::start("postgres", folder, command)
}

fn as_its_user(program: &Path) -> process::Command {
    if !is_root() {
        return process::Command::new(program);
    }
    let mut setpriv = process::Command::new("setpriv");
    setpriv.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    setpriv
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn run(command: &mut process::Command) {
    let done = command.stdin(process::Stdio::null()).stdout(process::Stdio::null()).status();
    assert!(done.as_ref().is_ok_and(process::ExitStatus::success), "{command:?}: {done:?}");
}
