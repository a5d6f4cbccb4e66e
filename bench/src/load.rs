//! A service under load, and what became of the callbacks that were ordered: as browsers and telephones saw them, never
//! as the service says.

use crate::browser::{Crowd, Order};
use crate::figures::Spans;
use crate::provider::{self, Manners, Side, Told, What};
use crate::sound::Ear;
use crate::stage::{Service, Setup};
use anyhow::Result;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How long the last callbacks are waited for.
const PATIENCE: Duration = Duration::from_secs(40);
/// A visitor who never hangs up.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(86_400);
/// How often it is looked whether all are over.
const GLANCE: Duration = Duration::from_millis(10);

/// Telephones and browsers, which stay; services come and go.
pub(crate) struct World {
    pub(crate) manners: Arc<Manners>,
    pub(crate) ear: Ear,
    pub(crate) crowd: Crowd,
    told: Receiver<Told>,
    pub(crate) quick: bool,
}

/// What telephones saw of a callback.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Callback {
    /// The first INVITE.
    pub(crate) invited: Option<Instant>,
    /// The visitor's.
    pub(crate) visitor_invited: Option<Instant>,
    /// The last answer.
    pub(crate) answered: Option<Instant>,
    answers: u8,
    /// When each side first heard the other.
    pub(crate) heard: [Option<Instant>; 2],
    over: [Option<Instant>; 2],
}

impl Callback {
    /// Both were answered and have hung up: since when.
    pub(crate) fn over(&self) -> Option<Instant> {
        Some(self.over[0]?.max(self.over[1]?)).filter(|_| self.answers >= 2)
    }
}

/// A while of load.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) orders: Vec<Order>,
    pub(crate) callbacks: HashMap<u64, Callback>,
    /// How long was ordered.
    pub(crate) span: Duration,
    /// How long visitors stayed.
    pub(crate) hold: Duration,
    /// Processor time of the service, to the end of the last callback.
    pub(crate) cpu: Duration,
}

impl World {
    /// Telephones and browsers.
    pub(crate) fn new(quick: bool) -> Result<Self> {
        let manners = Arc::new(Manners::default());
        let (told, ear) = provider::start(Arc::clone(&manners))?;
        Ok(Self { manners, ear, crowd: Crowd::default(), told, quick })
    }

    /// A service with an empty database.
    pub(crate) async fn service(&mut self, setup: Setup) -> Result<Service> {
        self.manners.digest.store(setup.digest, Ordering::Relaxed);
        self.crowd.hang_up();
        Service::start(setup).await
    }

    /// The longer of two spans, unless it is to be quick.
    pub(crate) fn span(&self, seconds: u64, quick_seconds: u64) -> Duration {
        Duration::from_secs(if self.quick { quick_seconds } else { seconds })
    }

    /// How the telephones behave from here on.
    pub(crate) fn behave(&self, speak: bool, hold: Duration) {
        self.manners.speak.store(speak, Ordering::Relaxed);
        self.manners.hold_ms.store(hold.as_millis() as u64, Ordering::Relaxed);
    }

    /// Orders at a steady rate for a while, and waits until all that was accepted is over.
    pub(crate) async fn load(&mut self, service: &Service, per_s: f64, span: Duration) -> Result<Load> {
        let cpu = service.cpu()?;
        while self.told.try_recv().is_ok() {}
        let orders = self.crowd.order(per_s, span).await;
        let hold = Duration::from_millis(self.manners.hold_ms.load(Ordering::Relaxed));
        let mut load = Load { orders, callbacks: HashMap::new(), span, hold, cpu: Duration::ZERO };
        let ordered = Instant::now();
        loop {
            self.listen(&mut load.callbacks);
            let accepted = load.orders.iter().filter(|order| order.is_accepted());
            let open =
                accepted.filter(|order| load.callback(order).and_then(|call| call.over()).is_none()).count();
            if open == 0 || ordered.elapsed() > PATIENCE {
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
        load.cpu = service.cpu()?.saturating_sub(cpu);
        Ok(load)
    }

    /// Takes in what telephones told.
    pub(crate) fn listen(&self, callbacks: &mut HashMap<u64, Callback>) {
        while let Ok(Told { call, side, what, at }) = self.told.try_recv() {
            let callback = callbacks.entry(call).or_default();
            let side_at = usize::from(side == Side::Visitor);
            match what {
                What::Invited => {
                    callback.invited.get_or_insert(at);
                    if side == Side::Visitor {
                        callback.visitor_invited.get_or_insert(at);
                    }
                }
                What::Answered => {
                    callback.answered = Some(at);
                    callback.answers += 1;
                }
                What::Heard => callback.heard[side_at] = Some(at),
                What::Over => callback.over[side_at] = Some(at),
            }
        }
    }
}

impl Load {
    /// What telephones saw of an order.
    pub(crate) fn callback(&self, order: &Order) -> Option<&Callback> {
        self.callbacks.get(&order.call)
    }

    /// Orders that were accepted, with what telephones saw of them.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = (&Order, Callback)> {
        let accepted = self.orders.iter().filter(|order| order.is_accepted());
        accepted.map(|order| (order, self.callback(order).copied().unwrap_or_default()))
    }

    /// How many callbacks came to their end.
    pub(crate) fn completed(&self) -> usize {
        self.accepted().filter(|(_, callback)| callback.over().is_some()).count()
    }

    /// From an order to its answer.
    pub(crate) fn to_answer(&self) -> Spans {
        let answered = |order: &Order| Some(order.answer?.0 - order.sent);
        self.orders.iter().filter_map(answered).collect()
    }

    /// From an order to its first INVITE.
    pub(crate) fn to_invite(&self) -> Spans {
        self.accepted().filter_map(|(order, callback)| Some(callback.invited? - order.sent)).collect()
    }

    /// From an order to the end of its callback, without the time that the visitor stayed.
    pub(crate) fn to_end(&self) -> Spans {
        let over = |(order, callback): (&Order, Callback)| {
            Some((callback.over()? - order.sent).saturating_sub(self.hold))
        };
        self.accepted().filter_map(over).collect()
    }

    /// From the second answer until both hear each other.
    pub(crate) fn to_sound(&self) -> Spans {
        let heard = |(_, callback): (&Order, Callback)| {
            Some(callback.heard[0]?.max(callback.heard[1]?).saturating_duration_since(callback.answered?))
        };
        self.accepted().filter_map(heard).collect()
    }

    /// Processor time of the service for one callback.
    pub(crate) fn cpu_each(&self) -> Duration {
        self.cpu.checked_div(u32::try_from(self.completed()).unwrap_or(u32::MAX)).unwrap_or_default()
    }

    /// Why the service was over its limit; nothing where it was not.
    pub(crate) fn is_late(&self) -> Option<&'static str> {
        let accepted = self.orders.iter().filter(|order| order.is_accepted()).count();
        if accepted < self.orders.len() {
            Some("orders were refused, or not answered")
        } else if self.completed() < accepted {
            Some("callbacks did not come to their end")
        } else if self.to_invite().percentile(99) > Duration::from_millis(250) {
            Some("orders waited")
        } else if self.to_end().percentile(99) > Duration::from_millis(1_000) {
            Some("calls were late")
        } else {
            None
        }
    }
}
