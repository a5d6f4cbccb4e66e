//! The service as an operator has it: its program on a core of its own, its files on the disk, and what the system and
//! its own `/metrics` say of it.

use crate::browser;
use crate::provider::{PASSWORD, PROVIDER, USER};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The core that the service has; all that makes load has the other.
pub(crate) const CORE: &str = "0";
/// Where pages come from.
pub(crate) const ORIGIN: &str = "https://shop.example";
/// Customers, and the sites of each: so many that no site has two calls at once unless there are many.
const CUSTOMERS: u32 = 50;
const SITES_EACH: u32 = 40;
/// All sites.
pub(crate) const SITES: u32 = CUSTOMERS * SITES_EACH;
/// The service's address.
const SERVICE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Where the order API is.
pub(crate) const HTTP: SocketAddr = SocketAddr::V4(SocketAddrV4::new(SERVICE, 1_980));
const METRICS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(SERVICE, 1_990));
/// Where the service hears SIP.
pub(crate) const SIP: SocketAddr = SocketAddr::V4(SocketAddrV4::new(SERVICE, 1_960));
/// Where the exchange of practice is.
const EXCHANGE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(SERVICE, 1_970));
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What differs between measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// Whether the provider asks for a digest.
    pub(crate) digest: bool,
    /// Orders that may wait.
    pub(crate) queue: u32,
}

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    folder: TempDir,
    child: Child,
    /// From its start to the first 200 of `/readyz`.
    pub(crate) ready_after: Duration,
}

impl Service {
    /// Writes its files, applies the settings and starts it; it is ready when this returns.
    pub(crate) async fn start(setup: Setup) -> Result<Self> {
        Self::with(&configuration(setup)).await
    }

    /// The same for practice: its telephones are its own, and there is a company with a week of calls to look at. Its
    /// database is SQLite's beside it, or at an address.
    pub(crate) async fn practise(database: Option<&str>) -> Result<Self> {
        let database = database.map(|url| format!("[database]\nurl = \"{url}\"\n")).unwrap_or_default();
        Self::with(&format!("{}{database}", practice())).await
    }

    async fn with(configuration: &str) -> Result<Self> {
        let parent = program()?.with_file_name("bench-runs");
        fs::create_dir_all(&parent)?;
        let folder = tempfile::tempdir_in(parent)?;
        fs::write(folder.path().join("callback.toml"), configuration)?;
        fs::write(folder.path().join("settings.toml"), settings())?;
        let applied =
            Command::new(program()?).args(["apply", "settings.toml"]).current_dir(folder.path()).output()?;
        if !applied.status.success() {
            bail!("the settings were refused: {}", String::from_utf8_lossy(&applied.stderr));
        }
        let (child, ready_after) = serve(folder.path(), None).await?;
        Ok(Self { folder, child, ready_after })
    }

    /// Stops it as an operator would, and starts it again on the same files.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.restart_logging(None).await
    }

    /// The same; it logs what `RUST_LOG` says, where that says anything.
    pub(crate) async fn restart_logging(&mut self, what: Option<&str>) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.stop()?;
        }
        (self.child, self.ready_after) = serve(self.folder.path(), what).await?;
        Ok(())
    }

    /// Makes somebody an operator; the secret by which he sets his password.
    pub(crate) fn operator(&self, email: &str) -> Result<String> {
        let made = Command::new(program()?)
            .args(["operator", "add", email, "--json"])
            .current_dir(self.folder.path())
            .output()?;
        let said: Value = serde_json::from_slice(&made.stdout)
            .with_context(|| String::from_utf8_lossy(&made.stderr).into_owned())?;
        let link = said["link"].as_str().and_then(|link| link.split_once("token="));
        Ok(link.context("a link with a secret")?.1.to_owned())
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("log.txt"))?)
    }

    /// Its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("callback.db")
    }

    /// SIGTERM, and its end.
    pub(crate) fn stop(&mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Processor time that it has had, in user and system mode.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit_once(')').context("/proc/PID/stat")?.1;
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Resident memory in kB.
    pub(crate) fn memory_kb(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Its own numbers, by name and labels.
    pub(crate) async fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        let answer = browser::get(METRICS, "/metrics").await?;
        let pair = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(answer.body.lines().filter(|line| !line.starts_with('#')).filter_map(pair).collect())
    }

    /// The sum of those of its numbers whose names begin so.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let metrics = self.metrics().await?;
        Ok(metrics.iter().filter(|(of, _)| of.starts_with(name)).map(|(_, value)| value).sum())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A benchmark is over: nothing of it is kept, so nothing is waited for.
        let _gone = (self.child.kill(), self.child.wait());
    }
}

async fn serve(folder: &Path, logging: Option<&str>) -> Result<(Child, Duration)> {
    let log = fs::File::options().create(true).append(true).open(folder.join("log.txt"))?;
    let started = Instant::now();
    let child = Command::new("taskset")
        .args(["-c", CORE])
        .envs(logging.map(|what| ("RUST_LOG", what)))
        .arg(program()?)
        .arg("serve")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("taskset (Debian: util-linux)")?;
    let mut service = Some(child);
    while started.elapsed() < PATIENCE {
        if browser::get(HTTP, "/readyz").await.is_ok_and(|answer| answer.status == 200) {
            return Ok((service.take().context("the service")?, started.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let _gone = service.map(|mut child| child.kill());
    bail!("the service does not become ready: {}", fs::read_to_string(folder.join("log.txt"))?)
}

/// The service beside this program.
fn program() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("callback"))
}

fn practice() -> String {
    format!(
        "[http]\nlisten = \"{HTTP}\"\npublic_url = \"http://{HTTP}\"\nmetrics_listen = \"{METRICS}\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n\
         [sip]\nlisten = [\"udp://{SIP}\"]\n\
         [media]\naddress = \"{SERVICE}\"\nports = \"20000-20998\"\n\
         [practice]\nenabled = true\nlisten = \"{EXCHANGE}\"\n"
    )
}

fn configuration(setup: Setup) -> String {
    let Setup { digest, queue } = setup;
    let account =
        if digest { format!("username = \"{USER}\"\npassword = \"{PASSWORD}\"\n") } else { String::new() };
    format!(
        "[http]\nlisten = \"{HTTP}\"\npublic_url = \"http://{HTTP}\"\nmetrics_listen = \"{METRICS}\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n\
         [sip]\nlisten = [\"udp://{SIP}\"]\n\
         [media]\naddress = \"{SERVICE}\"\nports = \"2000-65534\"\n\
         [limits]\nqueue = {queue}\norders_per_ip_10min = 1000000\norders_per_ip_hour = 1000000\n\
         [speech]\nvoice = \"none\"\n\
         [[trunk]]\nname = \"provider\"\nproxy = \"sip:{PROVIDER};transport=udp\"\n{account}\
         caller_ids = [\"+74950000001\"]\nmay_send_any_caller_id = true\nchannels = 4000\ncps = 10000\n"
    )
}

/// Sites with two managers each, who take a call without pressing a key and see the visitor's number: so both legs of
/// a callback name its visitor.
fn settings() -> String {
    let mut text = String::new();
    for customer in 0..CUSTOMERS {
        let _ = write!(
            text,
            "[[customer]]\nname = \"C{customer}\"\nemail = \"c{customer}@shop.example\"\nmax_calls = 1000\n"
        );
        for site in customer * SITES_EACH..(customer + 1) * SITES_EACH {
            let _ = write!(
                text,
                "[[customer.site]]\nkey = \"{}\"\nurl = \"{ORIGIN}\"\nlanguage = \"en\"\n\
                 mode = \"manager_first\"\nannounce = \"never\"\ncaller_id_to_manager = \"visitor\"\n",
                site_key(site)
            );
            for manager in 0..2 {
                let _ = write!(
                    text,
                    "[[customer.site.manager]]\nname = \"M{manager}\"\naddress = \"+7495{:07}\"\n\
                     accept_key = false\n",
                    1_000_000 + site * 2 + manager
                );
            }
        }
    }
    text
}

/// A site's name in addresses.
pub(crate) fn site_key(site: u32) -> String {
    format!("site-{site}")
}
