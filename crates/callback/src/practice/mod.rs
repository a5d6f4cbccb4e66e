//! The practice exchange: a small telephone network on loopback inside the binary, over real SIP and RTP, whose
//! numbers behave as telephones do, so that whoever starts the service hears that it works. It knows nothing of
//! orders and flows: for the service it is a trunk like any other. Its page and settings are in [`web`].

mod numbers;
mod settings;
mod sound;
mod telephone;
#[cfg(test)]
mod tests;
pub mod till;
mod voices;
pub mod web;

pub(crate) mod demo;

pub use demo::open_demo;
pub use settings::{KEY, open_site};

use anyhow::{Context as _, Result};
use callback_core::id::{LegId, OrderId};
use callback_phone::{
    Exchange, ExchangeConfig, ExchangeEvent, IncomingCall, LegKey, Media, MediaConfig, MediaEvent,
    NumberFormat, TrunkConfig,
};
use numbers::Step;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use telephone::{Happening, Telephone};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How many happenings wait for a telephone.
const INBOX: usize = 64;
/// How many calls the exchange takes at once.
const CALLS: u16 = 60;
/// Its status for a number that nobody has (RFC 3261 §21.4.5), and for one call too many (§21.5.4).
const NOT_FOUND: u16 = 404;
const UNAVAILABLE: u16 = 503;
/// How often the service asks whether it is there.
const PROBE: Duration = Duration::from_secs(20);

/// A running practice exchange; it ends with this.
#[derive(Debug)]
pub struct Practice {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Practice {
    /// Binds SIP and media and takes calls from loopback.
    ///
    /// # Errors
    /// The address or the ports cannot be had, or the address is not loopback: it would be a telephone network
    /// that anybody may call.
    pub async fn start(listen: SocketAddr, media: MediaConfig) -> Result<Self> {
        Self::with_numbers(listen, media, numbers::script).await
    }

    /// The same with other numbers.
    async fn with_numbers(
        listen: SocketAddr,
        media: MediaConfig,
        script: fn(&str) -> Option<&'static [Step]>,
    ) -> Result<Self> {
        anyhow::ensure!(
            listen.ip().is_loopback(),
            "practice.listen must be a loopback address, like 127.0.0.1:5080"
        );
        let config = ExchangeConfig {
            listen: vec![listen],
            advertised: None,
            callers: vec![listen.ip(), Ipv4Addr::LOCALHOST.into()],
        };
        let (exchange, calls, bound) = Exchange::start(config).await.context("the practice exchange")?;
        let (media, sounds) = Media::start(media).context("the sound of the practice exchange")?;
        let address = bound.first().copied().unwrap_or(listen);
        let desk = Desk { exchange, media, script, by_call: BTreeMap::new(), by_key: BTreeMap::new() };
        Ok(Self { address, task: tokio::spawn(desk.serve(calls, sounds)) })
    }

    /// The trunk by which the service reaches it.
    #[must_use]
    pub fn trunk(&self) -> TrunkConfig {
        TrunkConfig {
            name: "practice".to_owned(),
            proxy: format!("sip:{};transport=udp", self.address),
            credentials: None,
            caller_ids: numbers::SERVICE.parse().into_iter().collect(),
            may_send_any_caller_id: true,
            channels: CALLS,
            cps: CALLS,
            prefer: 1,
            number_format: NumberFormat::Plus,
            probe_every: Some(PROBE),
        }
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives each call a telephone, and each telephone what happens to it.
struct Desk {
    exchange: Exchange,
    media: Media,
    script: fn(&str) -> Option<&'static [Step]>,
    by_call: BTreeMap<IncomingCall, mpsc::Sender<Happening>>,
    by_key: BTreeMap<LegKey, IncomingCall>,
}

impl Desk {
    async fn serve(
        mut self,
        mut calls: mpsc::Receiver<ExchangeEvent>,
        mut sounds: mpsc::Receiver<(LegKey, MediaEvent)>,
    ) {
        loop {
            tokio::select! {
                Some(event) = calls.recv() => self.exchange_says(event).await,
                Some((key, event)) = sounds.recv() => {
                    if let Some(call) = self.by_key.get(&key).copied() {
                        self.tell(call, Happening::Media(event));
                    }
                }
                else => return,
            }
        }
    }

    async fn exchange_says(&mut self, event: ExchangeEvent) {
        match event {
            ExchangeEvent::Incoming { call, to, .. } => self.incoming(call, &to).await,
            ExchangeEvent::Answered(call) => self.tell(call, Happening::Answered),
            ExchangeEvent::Media(call, remote) => self.tell(call, Happening::Remote(remote)),
            ExchangeEvent::Ended(call, ..) => {
                self.tell(call, Happening::Over);
                self.by_call.remove(&call);
                self.by_key.retain(|_, of| *of != call);
            }
        }
    }

    async fn incoming(&mut self, call: IncomingCall, to: &str) {
        let Some(script) = (self.script)(to) else {
            return self.exchange.reject(call, NOT_FOUND).await;
        };
        if self.by_call.len() >= usize::from(CALLS) {
            return self.exchange.reject(call, UNAVAILABLE).await;
        }
        let key = LegKey { call: OrderId(Uuid::new_v4()), leg: LegId(1) };
        let (inbox, happenings) = mpsc::channel(INBOX);
        self.by_call.insert(call, inbox);
        self.by_key.insert(key, call);
        let telephone = Telephone::new(self.exchange.clone(), self.media.clone(), call, key, happenings);
        tokio::spawn(telephone.play(script));
    }

    /// A telephone that takes nothing any more is past its end.
    fn tell(&self, call: IncomingCall, happening: Happening) {
        if let Some(inbox) = self.by_call.get(&call) {
            let _ = inbox.try_send(happening);
        }
    }
}
