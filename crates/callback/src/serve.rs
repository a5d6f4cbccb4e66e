//! `callback serve`: from the configuration to a running service, and to its end on SIGTERM.

use crate::account::Secret;
use crate::clock::wall_now;
use crate::config::{self, Config};
use crate::payments::Payments;
use crate::practice::till::Till;
use crate::practice::{self, Practice};
use crate::regions::Regions;
use crate::service::{Service, Setup};
use crate::speech::Speech;
use crate::store::{AddressCaps, Store};
use crate::web::{App, Door};
use anyhow::{Context as _, Result, bail};
use callback_phone::{Credentials, MediaConfig, NumberFormat, PhoneConfig, TrunkConfig};
use std::fs::{File, TryLockError};
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long running calls may go on after SIGTERM.
const LAST_CALLS: Duration = Duration::from_secs(30);
/// How often a trunk is asked whether it lives.
const PROBE: Duration = Duration::from_secs(20);
/// Ports of the practice exchange's telephones: beside the usual ones of the service.
const PRACTICE_PORTS: RangeInclusive<u16> = 33_000..=34_998;
/// A payment of practice is looked for so soon.
const PRACTICE_LOOK: Duration = Duration::from_secs(3);
/// Where practice keeps what was heard.
const PRACTICE_RECORDINGS: &str = "callback-recordings";
/// What is logged where `RUST_LOG` does not say.
const LOG: &str = "info,sqlx=warn";

/// Serves until a signal comes.
pub(crate) async fn serve(config: Config) -> Result<()> {
    log();
    let alone = alone(&config)?;
    let mut stop = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let public_url = config.http.public_url.as_str().to_owned();
    let practice = config.practice;
    let mut setup = setup(config).await?;
    let mut till = None;
    let _practice = match practice {
        Some(listen) => {
            till = Some(open_till(&mut setup)?);
            Some(practise(listen, &mut setup).await?)
        }
        None => None,
    };
    if alone.is_some() {
        // Nobody else serves this file: what a dead process had is free now, not when its leases end.
        setup.store.end_leases().await?;
    }
    let more = |app: App| match till {
        Some(till) => practice::web::router(app.clone()).merge(practice::till::router(till, app)),
        None => axum::Router::new(),
    };
    let service = Service::start(setup, more).await?;
    tracing::info!(listen = %service.http(), public_url, "ready");
    signalled(&mut stop).await;
    tracing::info!(
        within_s = LAST_CALLS.as_secs(),
        "stopping: no new orders, running calls end; a second signal hangs them up"
    );
    let hurry = async {
        signalled(&mut stop).await;
        tracing::info!("stopping at once: everything is hung up");
    };
    service.close_or_hurry(LAST_CALLS, hurry).await?;
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM, or Ctrl-C.
async fn signalled(stop: &mut (Signal, Signal)) {
    tokio::select! {
        _ = stop.0.recv() => {}
        _ = stop.1.recv() => {}
    }
}

/// Practice: all calls go to the exchange of this process, what each leg hears is recorded, and the page is there.
async fn practise(listen: SocketAddr, setup: &mut Setup) -> Result<Practice> {
    if !setup.phone.trunks.is_empty() {
        bail!(
            "practice.enabled = true: practice calls nobody outside; take the [[trunk]] sections out, or switch it off"
        );
    }
    let media = MediaConfig { address: listen.ip(), advertised: None, ports: PRACTICE_PORTS };
    let practice =
        Practice::start(listen, media).await.with_context(|| format!("practice.listen {listen}"))?;
    setup.phone.trunks.push(practice.trunk());
    setup.recordings = Some(Path::new(PRACTICE_RECORDINGS).into());
    // Letters of practice stay here too.
    setup.mail = None;
    practice::open_site(&setup.store, &setup.door.origin, wall_now()).await?;
    let demo = practice::open_demo(&setup.store, &setup.door.origin, wall_now());
    if let Err(error) = demo.await {
        tracing::warn!(%error, "the practice company is not whole");
    }
    if let Some(site) = setup.store.site_by_key(&practice::KEY.parse()?).await? {
        let speech = setup.speech.clone();
        tokio::spawn(async move {
            if let Err(error) = speech.speak(&site.body).await {
                tracing::warn!(%error, "the practice site's announcement was not spoken");
            }
        });
    }
    Ok(practice)
}

/// Payments of practice: nobody pays, and the till behaves. Its secret is this process's alone.
fn open_till(setup: &mut Setup) -> Result<Till> {
    let secret = Secret::draw()?;
    let till = Till::new(secret.expose().as_bytes());
    setup.payments = Some(Payments::practice(till.clone(), PRACTICE_LOOK));
    Ok(till)
}

/// Logs to stderr; one that is closed or full is no reason to fall over.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false)
        .try_init();
}

/// Two services on one SQLite file would dial every order twice: the second is refused.
fn alone(config: &Config) -> Result<Option<File>> {
    let Some(path) = config.database_url.expose().strip_prefix("sqlite://") else { return Ok(None) };
    let path = PathBuf::from(format!("{}.lock", path.split('?').next().unwrap_or(path)));
    let lock = File::create(&path).with_context(|| format!("database.url: {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => bail!("another callback serves this database; stop it first"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

async fn setup(config: Config) -> Result<Setup> {
    let advertised = match &config.sip.advertised {
        Some(place) => Some(resolve(&place.host).await?),
        None => None,
    };
    let phone = PhoneConfig {
        listen: config.sip.listen,
        advertised,
        trunks: config.trunks.iter().map(trunk).collect(),
        private_names: config.sip.private_names,
    };
    let media = MediaConfig {
        address: config.media.address,
        advertised: config.media.advertised,
        ports: config.media.ports,
    };
    let door = Door {
        origin: config.http.public_url,
        trusted_proxies: config.http.trusted_proxies,
        queue: config.limits.queue,
        countries: config.limits.countries,
        caps: config.practice.is_none().then_some(AddressCaps {
            in_10min: config.limits.orders_per_ip_10min,
            in_hour: config.limits.orders_per_ip_hour,
        }),
    };
    let regions = match config.regions {
        Some(config::Regions { database, attribution }) => Some(Regions::open(database, &attribution).await?),
        None => None,
    };
    Ok(Setup {
        store: Store::open(config.database_url.expose()).await?,
        http: config.http.listen,
        metrics: Some(config.http.metrics_listen),
        door,
        phone,
        media,
        regions,
        speech: Speech::new(config.speech.voice, config.speech.folder),
        mail: config.mail,
        billing: config.billing,
        payments: None,
        recordings: None,
    })
}

async fn resolve(host: &str) -> Result<IpAddr> {
    let mut found = lookup_host((host, 0)).await.with_context(|| format!("sip.advertised {host}"))?;
    Ok(found.next().with_context(|| format!("sip.advertised {host}: no such host"))?.ip())
}

fn trunk(trunk: &config::Trunk) -> TrunkConfig {
    TrunkConfig {
        name: trunk.name.clone(),
        proxy: format!("sip:{}", trunk.proxy),
        credentials: trunk.credentials.as_ref().map(|credentials| Credentials {
            username: credentials.username.clone(),
            password: credentials.password.expose().to_owned(),
        }),
        caller_ids: trunk.caller_ids.clone(),
        may_send_any_caller_id: trunk.may_send_any_caller_id,
        channels: trunk.channels,
        cps: trunk.cps,
        prefer: trunk.prefer,
        number_format: match trunk.number_format {
            config::NumberFormat::Plus => NumberFormat::Plus,
            config::NumberFormat::Bare => NumberFormat::Bare,
            config::NumberFormat::Eight => NumberFormat::Eight,
        },
        probe_every: Some(PROBE),
    }
}
