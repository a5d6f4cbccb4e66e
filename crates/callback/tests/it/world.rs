//! The worlds in which the stories of the store are told: SQLite in a folder, and PostgreSQL from Debian's package.
//!
//! The server starts once per run, with its data in a temporary folder. A watchdog outside this process stops it
//! and removes the folder when this process is gone, however it went: the end of a pipe tells it.

use callback::store::Store;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// A database of one test.
pub(crate) struct World {
    /// As `database.url` has it.
    pub(crate) url: String,
    /// A folder that is gone when the test ends.
    pub(crate) folder: TempDir,
}

impl World {
    /// Opens the store, as a process of its own would.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Whether this is SQLite.
    pub(crate) fn is_lite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// An empty SQLite database.
    pub(crate) fn lite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("callback.db").display());
        Self { url, folder }
    }

    /// An empty PostgreSQL database.
    pub(crate) async fn pg() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("story{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut server = PgConnection::connect(&server_url("postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        server.execute(sqlx::raw_sql(create)).await.unwrap();
        Self { url: server_url(&name), folder: tempfile::tempdir().unwrap() }
    }
}

/// Tells a story on both databases.
pub(crate) fn on_both(story: impl AsyncFn(World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("on SQLite");
    runtime.block_on(story(World::lite()));
    println!("on PostgreSQL");
    runtime.block_on(async { story(World::pg().await).await });
}

fn server_url(database: &str) -> String {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    let folder = SERVER.get_or_init(start_server);
    format!("postgres://postgres@localhost/{database}?host={}", folder.display())
}

/// Starts the server and its watchdog; the folder of its socket.
fn start_server() -> PathBuf {
    let programs = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let programs =
        programs.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    let programs = programs.expect("the tests need PostgreSQL: apt-get install postgresql");
    let folder = tempfile::Builder::new().prefix("callback-pg-").tempdir().unwrap().keep();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&folder));
    }
    let data = folder.join("data");
    run(as_server_user(&programs.join("initdb"))
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg("--pgdata")
        .arg(&data));
    let options = format!(
        "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c max_connections=300",
        folder.display()
    );
    run(as_server_user(&programs.join("pg_ctl"))
        .args(["start", "--wait", "--silent", "--log"])
        .arg(folder.join("log"))
        .arg("--pgdata")
        .arg(&data)
        .args(["--options", &options]));
    watch(&programs, &folder);
    folder
}

/// Leaves a process behind that waits for the end of this one, then cleans up.
fn watch(programs: &Path, folder: &Path) {
    static WATCHDOG: OnceLock<std::process::Child> = OnceLock::new();
    let user = if is_root() { "runuser -u postgres --" } else { "" };
    let (pg_ctl, data) = (programs.join("pg_ctl"), folder.join("data"));
    let script = format!(
        "trap '' INT TERM HUP; read -r end; {user} {} stop --silent --mode=immediate --pgdata {}; rm -rf {}",
        pg_ctl.display(),
        data.display(),
        folder.display()
    );
    let mut watchdog = Command::new("sh");
    watchdog.args(["-c", &script]).current_dir("/").process_group(0);
    let watchdog =
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Its pipe stays open in this static until the process ends.
    WATCHDOG.set(watchdog).unwrap();
}

/// PostgreSQL refuses to be root's.
fn as_server_user(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", "postgres", "--"]).arg(program);
        runuser
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(done.success(), "{command:?}: {done}");
}
