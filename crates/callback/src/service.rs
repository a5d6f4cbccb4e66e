//! The whole service in one process: store, phone, media, engine and web, put together and taken apart.

use crate::config::{Billing, Mail};
use crate::connections;
use crate::engine::{Bounds, Charging, Engine};
use crate::mail::{self as letters, Post};
use crate::payments::{self, Payments};
use crate::regions::Regions;
use crate::retention;
use crate::speech::Speech;
use crate::store::Store;
use crate::web::{self, App, Cabinet, Door, Lines};
use anyhow::{Context as _, Result};
use callback_phone::{Media, MediaConfig, Phone, PhoneConfig};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Upper bounds, in seconds, of the histograms' buckets.
const SECONDS: [f64; 11] = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 29.0, 40.0, 60.0, 120.0];
/// How long legs may take to come down after the deadline.
const CLEARING: Duration = Duration::from_secs(36);
/// Open media ports for each channel of a trunk: its leg's two, and those of a manager who is called without one. Ports
/// that rest after a call are not open.
const FILES_EACH: u64 = 4;
/// Connections of those who measure, at once.
const FOR_METRICS: usize = 16;
/// How long open answers may take when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What a service is put together from.
pub struct Setup {
    /// The opened database.
    pub store: Store,
    /// Where HTTP is heard.
    pub http: SocketAddr,
    /// Where `/metrics` is heard, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Who may ask.
    pub door: Door,
    /// SIP.
    pub phone: PhoneConfig,
    /// RTP.
    pub media: MediaConfig,
    /// Where addresses are, where somebody tells.
    pub regions: Option<Regions>,
    /// Announcements.
    pub speech: Speech,
    /// The way of letters; none where they only land in the outbox.
    pub mail: Option<Mail>,
    /// How calls are charged; none where they are not.
    pub billing: Option<Billing>,
    /// How customers pay; none where they pay by hand alone.
    pub payments: Option<Payments>,
    /// Where what each leg hears is recorded, in practice.
    pub recordings: Option<Arc<Path>>,
}

/// A running service.
pub struct Service {
    engine: Engine,
    store: Store,
    app: App,
    http: SocketAddr,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    post: Option<JoinHandle<()>>,
    daily: JoinHandle<()>,
    signs: JoinHandle<()>,
    looks: Option<JoinHandle<()>>,
    balances: Option<JoinHandle<()>>,
    retention: JoinHandle<()>,
}

impl Service {
    /// Binds everything and begins to serve; `more` adds routes of its own.
    ///
    /// # Errors
    /// What could not be bound or started, in words.
    pub async fn start(setup: Setup, more: impl FnOnce(App) -> axum::Router) -> Result<Self> {
        let Setup { store, http, metrics, door, phone, media, regions, speech, mail, billing, .. } = setup;
        let Setup { payments, recordings, .. } = setup;
        let prometheus = prometheus()?;
        let ports = u64::from(media.ports.end().saturating_sub(*media.ports.start())) + 1;
        let channels: u32 = phone.trunks.iter().map(|trunk| u32::from(trunk.channels)).sum();
        let most = connections::most_beside(ports.min(u64::from(channels) * FILES_EACH));
        let http_listener = connections::listen(http).with_context(|| format!("http.listen {http}"))?;
        let http = http_listener.local_addr()?;
        let (media, media_events) = Media::start(media).context("media")?;
        let lines = Lines::of(&phone.trunks);
        let bounds = Bounds { trunks: phone.trunks.len(), channels, guarded: door.caps.is_some() };
        let trunks = phone.trunks.iter().map(|trunk| trunk.name.as_str().into()).collect();
        let currency = billing.as_ref().map(|billing| billing.currency);
        let charging = billing.map(|billing| Charging { billing, trunks });
        let (phone, phone_events) = Phone::start(phone, media.clone()).await?;
        let engine = Engine::start(
            store.clone(),
            speech,
            recordings.clone(),
            bounds,
            charging,
            (phone, phone_events),
            (media, media_events),
        );
        // Payments are for calls that are charged.
        let payments = payments.filter(|_| currency.is_some());
        let cabinet = Cabinet::new(mail.is_some(), recordings.is_some(), lines, currency, payments.clone())?;
        let origin = door.origin.clone();
        let app = App::new(store.clone(), engine.clone(), door, cabinet, regions, most, recordings);
        let (stop, stopped) = watch::channel(false);
        let router = web::router(app.clone())?.merge(more(app.clone()));
        let mut servers =
            vec![tokio::spawn(connections::serve(http_listener, router, most, stopped.clone()))];
        let post = mail.as_ref().map(|mail| Post::new(mail, &origin)).transpose().context("mail")?;
        let post = post.map(|post| tokio::spawn(letters::deliver(post, store.clone(), stopped.clone())));
        let daily = tokio::spawn(letters::daily(store.clone(), stopped.clone()));
        let signs = tokio::spawn(web::keep_signs(app.signs.clone(), store.clone(), stopped.clone()));
        let balances = currency
            .map(|currency| tokio::spawn(letters::watch_balances(store.clone(), currency, stopped.clone())));
        let looks = payments.map(|payments| {
            payments.heard_at(http);
            tokio::spawn(payments::look_for(payments, store.clone(), stopped.clone()))
        });
        let heard = app.recordings.clone();
        let retention = tokio::spawn(retention::keep(store.clone(), heard, stopped.clone()));
        if let Some(metrics) = metrics {
            let listener =
                connections::listen(metrics).with_context(|| format!("http.metrics_listen {metrics}"))?;
            let router = web::metrics_router(prometheus, app.clone());
            servers.push(tokio::spawn(connections::serve(listener, router, FOR_METRICS, stopped)));
        }
        Ok(Self { engine, store, app, http, stop, servers, post, daily, signs, retention, looks, balances })
    }

    /// Where HTTP is heard.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// What handlers work with.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// No new orders; running calls end within `within`; nothing stays up, everything is stored.
    ///
    /// # Errors
    /// What was not written is lost: the database cannot be reached.
    pub async fn close(self, within: Duration) -> Result<()> {
        self.close_or_hurry(within, std::future::pending()).await
    }

    /// The same; when `hurry` says so, what still runs is hung up at once.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub async fn close_or_hurry(self, within: Duration, hurry: impl Future<Output = ()>) -> Result<()> {
        // The phone reports every leg down within 33 s of its hang-up; a database that is away is not waited for.
        let in_time = tokio::time::timeout(within + CLEARING, self.engine.close(Instant::now() + within));
        let closed = tokio::select! {
            closed = in_time => closed,
            () = hurry => tokio::time::timeout(CLEARING, self.engine.close(Instant::now())).await,
        };
        if closed.is_err() {
            tracing::error!(running = self.engine.running(), "calls are left to the next process");
        }
        let _ = self.stop.send(true);
        for server in self.servers {
            // A stream of events that nobody closes is not waited for.
            let _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        }
        let jobs = [self.daily, self.signs, self.retention];
        for job in jobs.into_iter().chain(self.looks).chain(self.balances) {
            let _ = tokio::time::timeout(LAST_ANSWERS, job).await;
        }
        if let Some(post) = self.post {
            // A letter on its way is waited for: it would leave again if nobody wrote down that it was taken.
            let _ = tokio::time::timeout(CLEARING, post).await;
        }
        tokio::time::timeout(CLEARING, self.store.close()).await.context("the database is away")??;
        Ok(())
    }
}

/// The one recorder of the process.
fn prometheus() -> Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Somebody else's recorder, in a test program: its numbers are not ours to show.
    let _ = metrics::set_global_recorder(recorder);
    Ok(HANDLE.get_or_init(|| handle).clone())
}
