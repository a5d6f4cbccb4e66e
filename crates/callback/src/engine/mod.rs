//! Orders become calls: this room settles the plans of claimed orders, gives each to a task of its own, and carries
//! what phone and media report to the right one. It decides nothing about a call; that is the flow's.

mod call;
mod funds;
mod hub;
mod load;
mod money;
mod pretence;
mod queue;
pub(crate) mod recovery;
mod spoken;

pub(crate) use funds::{Means, Usual};
pub(crate) use hub::{Change, Hub, Shown};
pub(crate) use money::Charging;
pub(crate) use pretence::Pretence;
use spoken::Spoken;

use crate::clock::{Clock, wall_now};
use crate::sounds::SiteSounds;
use crate::speech::Speech;
use crate::store::{ClaimedOrder, Fact, Fence, PublishedSite, Store};
use crate::tariffs::Tariffs;
use anyhow::Context as _;
use call::{Call, Happening, Outcome, Tools};
use callback_core::flow::{Canceller, Detail, LegEvent, VisitorState};
use callback_core::id::OrderId;
use callback_core::order::{self, Circumstances, Order};
use callback_core::plan::{Address, Plan, PlanManager, PromptLengths, Telephone};
use callback_core::record::{CallRecord, Disposition, NotCalled};
use callback_core::site::{Language, Site};
use callback_core::time::Ts;
use callback_phone::{LegKey, Media, MediaEvent, Phone, PhoneEvent, Sound};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

/// How long an order is this process's without a word from it.
const LEASE: Duration = Duration::from_secs(15);
/// How many happenings wait for a call's task.
const INBOX: usize = 1_024;
/// A leg of a dead process may be up for so long after its intent.
const STALE_LEG: Duration = Duration::from_secs(180);

/// Channels that a call needs as long as its plan is not known: the visitor's, and a manager's.
const CHANNELS: u32 = 2;

/// A call of this process.
#[derive(Clone)]
struct Running {
    fence: Fence,
    inbox: mpsc::Sender<Happening>,
    /// Channels of trunks that it cannot do without.
    channels: u32,
}

/// What of the configuration bounds the engine.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Trunks.
    pub trunks: usize,
    /// Their channels together: no more calls are begun than can have a visitor and a manager.
    pub channels: u32,
    /// Whether caps are held to: not in practice.
    pub guarded: bool,
}

/// The engine; clones are the same.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    tools: Tools,
    speech: Speech,
    /// This process, as the leases know it.
    owner: Uuid,
    running: Mutex<BTreeMap<OrderId, Running>>,
    /// Calls that speak a sentence, and are no orders.
    spoken: Mutex<BTreeMap<OrderId, Spoken>>,
    wake: Notify,
    /// A call's task ended, while closing.
    idle: Notify,
    closing: AtomicBool,
    bounds: Bounds,
    /// How calls are charged; none where they are not.
    charging: Option<Charging>,
    tariffs: Tariffs,
    /// What customers can pay, as it was a moment ago.
    funds: funds::Known,
    trunks_down: Mutex<Vec<String>>,
    /// Until when no lease counts as lapsed.
    distrusted: Mutex<Option<Instant>>,
    /// Telephones of legs that dead processes left, until those are down.
    orphans: Mutex<BTreeMap<LegKey, Telephone>>,
}

impl Engine {
    /// Starts claiming and carrying.
    pub(crate) fn start(
        store: Store,
        speech: Speech,
        recordings: Option<Arc<Path>>,
        bounds: Bounds,
        charging: Option<Charging>,
        phone: (Phone, mpsc::Receiver<PhoneEvent>),
        media: (Media, mpsc::Receiver<(LegKey, MediaEvent)>),
    ) -> Self {
        let (phone, phone_events) = phone;
        let (media, media_events) = media;
        let engine = Self {
            inner: Arc::new(Inner {
                tariffs: Tariffs::new(store.clone()),
                funds: funds::Known::default(),
                tools: Tools { store, phone, media, hub: Hub::default(), recordings, clock: Clock::start() },
                speech,
                owner: Uuid::new_v4(),
                running: Mutex::default(),
                spoken: Mutex::default(),
                wake: Notify::new(),
                idle: Notify::new(),
                closing: AtomicBool::new(false),
                bounds,
                charging,
                trunks_down: Mutex::default(),
                distrusted: Mutex::default(),
                orphans: Mutex::default(),
            }),
        };
        tokio::spawn(engine.clone().carry_phone(phone_events));
        tokio::spawn(engine.clone().carry_media(media_events));
        tokio::spawn(engine.clone().claim());
        tokio::spawn(engine.clone().renew());
        engine
    }

    /// An order was stored: claim it at once.
    pub(crate) fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Live status.
    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.tools.hub
    }

    /// Calls of this process that run now.
    pub(crate) fn running(&self) -> usize {
        self.lock().len()
    }

    /// Whether a call could be placed now: a trunk is there that is not known to be down.
    pub(crate) fn can_call(&self) -> bool {
        !self.is_closing() && self.trunks_down().len() < self.inner.bounds.trunks
    }

    /// What carries the calls.
    pub(crate) fn phone(&self) -> &Phone {
        &self.inner.tools.phone
    }

    /// The trunks that do not answer.
    pub(crate) fn trunks_down(&self) -> Vec<String> {
        self.inner.trunks_down.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels an order that runs here; true once its end is stored, false where it does not run here.
    pub(crate) async fn cancel(&self, order: OrderId, by: Canceller) -> bool {
        let Some(inbox) = self.inbox(order) else { return false };
        let (answer, ended) = oneshot::channel();
        if inbox.send(Happening::Cancel(by, answer)).await.is_err() {
            return false;
        }
        // A call whose task is gone has ended: its end is stored.
        let _ = ended.await;
        true
    }

    /// An order ended before it was begun: whoever watches it is told, and nothing follows.
    pub(crate) fn ended_unbegun(&self, order: OrderId, disposition: Disposition, detail: Detail) {
        let state = VisitorState::Ended(disposition);
        self.hub().publish(order, Shown::bare(state, detail));
        self.hub().forget(order);
    }

    /// Claims no more, lets running calls end until the deadline, and comes back when nothing is up.
    pub(crate) async fn close(&self, deadline: Instant) {
        self.inner.closing.store(true, Ordering::SeqCst);
        let mut inboxes: Vec<_> = self.lock().values().map(|running| running.inbox.clone()).collect();
        inboxes.extend(self.spoken().values().map(|spoken| spoken.inbox.clone()));
        for inbox in inboxes {
            let _ = inbox.send(Happening::Shutdown(deadline)).await;
        }
        loop {
            let idle = self.inner.idle.notified();
            if self.running() == 0 && self.spoken().is_empty() {
                return;
            }
            idle.await;
        }
    }

    fn inbox(&self, order: OrderId) -> Option<mpsc::Sender<Happening>> {
        let running = self.lock().get(&order).map(|running| running.inbox.clone());
        running.or_else(|| self.spoken().get(&order).map(|spoken| spoken.inbox.clone()))
    }

    fn spoken(&self) -> MutexGuard<'_, BTreeMap<OrderId, Spoken>> {
        self.inner.spoken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays a site's announcement at hand, where it is not there yet; calls do without it as long.
    pub(crate) fn speak(&self, site: &Site) {
        let (engine, site) = (self.clone(), site.clone());
        tokio::spawn(async move {
            if let Err(error) = engine.lay_at_hand(&site).await {
                tracing::warn!(site = %site.name, %error, "the site's announcement could not be spoken");
            }
        });
    }

    async fn lay_at_hand(&self, site: &Site) -> anyhow::Result<()> {
        self.fetch(site).await?;
        self.inner.speech.speak(site).await
    }

    /// Lays a sound that the customer sent in on this machine, where the site has one and it is not there yet.
    async fn fetch(&self, site: &Site) -> anyhow::Result<()> {
        let speech = &self.inner.speech;
        if let Some(id) = site.own_recording.filter(|id| !speech.has(*id)) {
            let wav = self.inner.tools.store.recording(id).await?.context("there is no such recording")?;
            speech.keep(id, &wav)?;
        }
        Ok(())
    }

    /// How long the prompts of a site are; its own announcement as far as it is at hand.
    pub(crate) fn prompt_lengths(&self, site: &Site) -> PromptLengths {
        SiteSounds::new(site.language, self.inner.speech.spoken(site)).lengths()
    }

    /// A site's announcement as a WAV file.
    ///
    /// # Errors
    /// There is no voice.
    pub(crate) async fn spoken_wav(&self, site: &Site) -> anyhow::Result<Vec<u8>> {
        self.fetch(site).await?;
        self.inner.speech.wav(site).await
    }

    /// A sentence as the voice of this machine speaks it.
    ///
    /// # Errors
    /// There is no voice.
    pub(crate) async fn sentence(&self, language: Language, text: &str) -> anyhow::Result<Arc<Sound>> {
        self.inner.speech.sentence(language, text).await
    }

    /// No order is taken any more.
    pub(crate) fn is_closing(&self) -> bool {
        self.inner.closing.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, Running>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a claimed order a task of its own.
    fn begin(&self, claimed: ClaimedOrder) {
        let (inbox, happenings) = mpsc::channel(INBOX);
        let order = claimed.fence.order;
        self.lock().insert(order, Running { fence: claimed.fence, inbox, channels: CHANNELS });
        self.hub().begin(order, claimed.order.facts.customer);
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.serve(claimed, happenings).await {
                tracing::error!(%order, %error, "the order is left to the next process");
            }
            engine.lock().remove(&order);
            engine.hub().forget(order);
            // Whoever waits for a channel, a manager or his customer's turn may go now.
            engine.wake();
            engine.inner.idle.notify_waiters();
        });
        // Whoever closed between the claim and here has not told this one.
        if self.is_closing() {
            let _ = self.inbox(order).map(|inbox| inbox.try_send(Happening::Shutdown(Instant::now())));
        }
    }

    async fn serve(&self, claimed: ClaimedOrder, inbox: mpsc::Receiver<Happening>) -> anyhow::Result<()> {
        let fence = claimed.fence;
        let site = self.inner.tools.store.site_of(&claimed.order.facts).await?;
        if let Some(reason) = claimed.refused {
            if let Some(plan) = &claimed.plan {
                self.take_down(&claimed, plan, wall_now()).await;
            }
            return self.refuse(&claimed, &site, reason, wall_now()).await;
        }
        let (speech, body) = (self.inner.speech.clone(), site.body.clone());
        // Files are read beside the tasks that drive calls.
        let announcement = tokio::task::spawn_blocking(move || speech.spoken(&body)).await?;
        // While somebody speaks, the next call asks again.
        if announcement.is_none() && !self.inner.speech.is_speaking() {
            self.speak(&site.body);
        }
        let sounds = SiteSounds::new(site.body.language, announcement);
        let now = wall_now();
        let plan = match claimed.plan.clone() {
            Some(plan) => plan,
            None => {
                let order = Order {
                    id: fence.order,
                    number: claimed.phone,
                    country: claimed.order.facts.country,
                    ip: claimed.order.facts.ip,
                    accepted_at: claimed.order.facts.accepted_at,
                    due_at: claimed.order.run_at,
                };
                let around = Circumstances {
                    version: site.version,
                    customer_sites: site.customer.sites,
                    blacklist: site.customer.blacklist.clone(),
                    verified: site.customer.verified.clone(),
                    zone: site.zone(),
                    prompts: sounds.lengths(),
                    draw: Uuid::new_v4().as_u64_pair().0,
                };
                match order::admit(&order, &site.body, &around, now) {
                    Ok(plan) => Arc::new(plan),
                    Err(reason) => return self.refuse(&claimed, &site, reason, now).await,
                }
            }
        };
        if let Some(running) = self.lock().get_mut(&fence.order) {
            running.channels = channels(&plan);
        }
        if claimed.fence.process > 1 {
            self.take_down(&claimed, &plan, now).await;
            if !recovery::goes_on(&claimed, &plan, now) {
                return self.bury(&claimed, &plan).await;
            }
        }
        let meter = match self.meter(&claimed, &plan, now).await? {
            Ok(meter) => meter,
            Err(reason) => return self.refuse(&claimed, &site, reason, now).await,
        };
        let past = claimed.past();
        let mut call =
            Call::new(self.inner.tools.clone(), fence, Arc::clone(&plan), &past, sounds, inbox, meter);
        if let Err(reason) = call.begin().await? {
            return self.refuse(&claimed, &site, reason, wall_now()).await;
        }
        match call.drive().await {
            Outcome::Over(record) => {
                log_end(&record);
                crate::metrics::promise(&plan, &record);
            }
            Outcome::HandedBack => tracing::info!(order = %fence.order, "handed back"),
            Outcome::Lost => tracing::warn!(order = %fence.order, "another process has the order"),
        }
        Ok(())
    }

    /// The order ends at its admission, as a lead.
    async fn refuse(
        &self,
        claimed: &ClaimedOrder,
        site: &PublishedSite,
        why: NotCalled,
        now: Ts,
    ) -> anyhow::Result<()> {
        let order = &claimed.order;
        let seems =
            || Pretence::of(order.facts.id, claimed.phone, order.run_at, &order.facts, site).ends_at();
        let at = if why.is_secret() { now.max(seems()) } else { now };
        self.store_end(claimed.fence, CallRecord::refused(order.facts.id, site.version, why, at), None).await
    }

    /// The legs that the order's dead process left: hung up where that is possible, their telephones busy until
    /// that is known.
    async fn take_down(&self, claimed: &ClaimedOrder, plan: &Plan, now: Ts) {
        let phone = &self.inner.tools.phone;
        for orphan in recovery::orphans(&claimed.intents, plan, now) {
            let key = orphan.dialog.leg();
            self.inner
                .orphans
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key, orphan.telephone.clone());
            phone.hold_telephone(orphan.telephone, orphan.busy_for).await;
            phone.hang_up_stored(orphan.dialog).await;
        }
    }

    /// The order does not go on: it ends by the table, with what is known.
    async fn bury(&self, claimed: &ClaimedOrder, plan: &Arc<Plan>) -> anyhow::Result<()> {
        let file =
            self.inner.tools.store.call(claimed.fence.order).await?.context("the order has no file")?;
        let record = recovery::bury(&file, plan, claimed.last_sign);
        self.store_end(claimed.fence, record, Some(plan.clone())).await
    }

    async fn store_end(
        &self,
        fence: Fence,
        record: CallRecord,
        plan: Option<Arc<Plan>>,
    ) -> anyhow::Result<()> {
        let (at, disposition) = (record.ended_at, record.disposition);
        let state = VisitorState::Ended(disposition);
        let detail =
            Detail { talk: record.talk.map(|talk| talk.until.since(talk.from)), ..Detail::default() };
        log_end(&record);
        let mut facts = self.settled(&record, plan.as_ref()).await?;
        facts.extend([
            Fact::Shown(state, detail),
            Fact::Ended { at, disposition },
            Fact::Record(Box::new(record), plan),
        ]);
        self.inner.tools.store.write(fence, facts).await?;
        self.inner.tools.hub.publish(fence.order, Shown::bare(state, detail));
        Ok(())
    }

    async fn carry_phone(self, mut events: mpsc::Receiver<PhoneEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                PhoneEvent::Leg(key, _, event) => self.hand(key.call, Happening::Leg(key.leg, event)).await,
                PhoneEvent::Dialog(key, dialog) => {
                    self.hand(key.call, Happening::Dialog(key.leg, dialog)).await
                }
                PhoneEvent::Free(order, telephone) => self.hand(order, Happening::Free(telephone)).await,
                PhoneEvent::TakenDown(key) => self.taken_down(key).await,
                PhoneEvent::Trunk { name, up } => self.trunk(name, up),
            }
        }
    }

    async fn carry_media(self, mut events: mpsc::Receiver<(LegKey, MediaEvent)>) {
        while let Some((key, event)) = events.recv().await {
            let event = match event {
                MediaEvent::Closed(quality) => {
                    crate::metrics::leg_heard(&quality);
                    continue;
                }
                MediaEvent::Played(n) => LegEvent::Played(n),
                MediaEvent::DigitsSent => LegEvent::DigitsSent,
                MediaEvent::Digit(key) => LegEvent::Digit(key),
                MediaEvent::MediaLost { first, since } => {
                    self.hand(key.call, Happening::MediaLost { leg: key.leg, first, since }).await;
                    continue;
                }
                MediaEvent::MediaBack => LegEvent::MediaBack,
            };
            self.hand(key.call, Happening::Leg(key.leg, event)).await;
        }
    }

    async fn hand(&self, order: OrderId, happening: Happening) {
        if let Some(inbox) = self.inbox(order) {
            // A call that has just ended needs nothing any more.
            let _ = inbox.send(happening).await;
        }
    }

    /// A leg of a dead process is down: its telephone may be dialled again.
    async fn taken_down(&self, key: LegKey) {
        let telephone = self.inner.orphans.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Some(telephone) = telephone {
            self.inner.tools.phone.free_telephone(telephone).await;
        }
    }

    fn trunk(&self, name: String, up: bool) {
        if up {
            tracing::info!(trunk = name, "the trunk answers");
        } else {
            tracing::warn!(trunk = name, "the trunk does not answer");
        }
        let mut down = self.inner.trunks_down.lock().unwrap_or_else(PoisonError::into_inner);
        down.retain(|other| *other != name);
        if !up {
            down.push(name);
        }
    }
}

/// The channels that a call cannot do without: its visitor's, and one for a manager who has a number.
fn channels(plan: &Plan) -> u32 {
    let numbers = |manager: &PlanManager| matches!(manager.telephone.address, Address::Phone(_));
    1 + u32::from(plan.managers.iter().any(numbers))
}

fn log_end(record: &CallRecord) {
    let (disposition, reason) = record.disposition.keys();
    tracing::info!(order = %record.order, disposition, reason = reason.unwrap_or("-"), legs = record.legs.len(), "call over");
    crate::metrics::call_over(record);
}
