//! Who watches a company's calls is told of each that changes, on this node and on others.

use super::call_row::CallRow;
use super::calls::may_see;
use super::read::Path;
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::engine::Change;
use crate::ids::CustomerId;
use crate::store::{self, CallFilter, CallOrder, Part};
use crate::web::App;
use crate::web::error::Problem;
use crate::web::flood::StreamPass;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use callback_core::flow::VisitorState;
use callback_core::id::OrderId;
use callback_core::time::Ts;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often it is looked what became of calls that other processes have.
const LOOKS: Duration = Duration::from_secs(2);
/// What changes within such a while is told once: a call that is answered and joined changes thrice in it.
const TOGETHER: Duration = Duration::from_millis(150);
/// How long who watches is believed to be who he was.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// Calls that were over before they were seen, of one look at most.
const NEWEST: u32 = 100;

/// The calls of a company as they change: an event `call` with a call's line each time.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls/events", tag = "calls",
    responses((status = 200, content_type = "text/event-stream", body = CallRow), (status = 404)))]
pub(super) async fn events(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let pass = app.flood.stream(signed.from.ip)?;
    let changes = app.engine.hub().changes();
    let watch = Watch {
        elsewhere: Elsewhere::begin(&app, at.customer).await?,
        app,
        at,
        number: customer,
        signed,
        known_at: Instant::now(),
        changes,
        _pass: pass,
    };
    let stream = futures_util::stream::unfold(watch, |mut watch| async move {
        let row = watch.next().await?;
        let event = Event::default().event("call").json_data(&row).unwrap_or_default();
        Some((Ok::<_, Infallible>(event), watch))
    });
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([(header::CACHE_CONTROL, "no-store")], sse).into_response())
}

/// Somebody who watches a company's calls.
struct Watch {
    app: App,
    at: Part,
    /// As the path names the customer.
    number: String,
    signed: Signed,
    /// When it was last looked at who he is.
    known_at: Instant,
    changes: broadcast::Receiver<Change>,
    elsewhere: Elsewhere,
    _pass: StreamPass,
}

/// The calls of a company that other processes have: they are looked at from time to time, where there may be any.
struct Elsewhere {
    every: Option<Interval>,
    /// What was not over at the last look, and what was over already though it was ordered since the look before.
    seen: BTreeMap<OrderId, VisitorState>,
    looked_at: Ts,
    changed: Vec<OrderId>,
}

impl Elsewhere {
    async fn begin(app: &App, of: CustomerId) -> Result<Self, Problem> {
        let every = app.store.is_shared().then(|| {
            let mut every = interval(LOOKS);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            every
        });
        let mut begun = Self { every, seen: BTreeMap::new(), looked_at: wall_now(), changed: Vec::new() };
        if begun.every.is_some() {
            begun.look(app, of).await.map_err(Problem::of_store)?;
            begun.changed.clear();
        }
        Ok(begun)
    }

    /// When it is to be looked next; never where all calls are this process's.
    async fn next(&mut self) {
        match &mut self.every {
            Some(every) => {
                every.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Finds what has changed since the last look, but what runs here: of that each change is known.
    async fn look(&mut self, app: &App, of: CustomerId) -> store::Result<()> {
        let hub = app.engine.hub();
        let at = wall_now();
        // Clocks of two machines differ a little, and a call may be over before it was seen.
        let lately = CallFilter::all(of, self.looked_at - LOOKS - LOOKS, at + LOOKS);
        let over = app.store.tallied(&lately, CallOrder::Newest, None, NEWEST).await?;
        let open = app.store.open_calls(of, None, None).await?;
        self.looked_at = at;
        let now: BTreeMap<OrderId, VisitorState> = open
            .iter()
            .chain(over.iter().map(|call| &call.row))
            .map(|call| (call.row.order.facts.id, call.row.order.state))
            .filter(|(order, _)| hub.now(*order).is_none())
            .collect();
        let changed = now.iter().filter(|(order, state)| self.seen.get(order) != Some(state));
        self.changed.extend(changed.map(|(order, _)| *order));
        self.changed.extend(self.seen.keys().filter(|order| !now.contains_key(order)));
        self.seen = now;
        Ok(())
    }
}

impl Watch {
    async fn next(&mut self) -> Option<CallRow> {
        loop {
            let Some(order) = self.elsewhere.changed.pop() else {
                self.wait().await?;
                continue;
            };
            let found = self.app.store.journal_line(self.at.customer, order).await;
            let Ok(Some(found)) = found else { continue };
            self.know_again().await?;
            if may_see(&self.app, &self.at, order).await.ok()? {
                let shown = self.app.engine.hub().now(order);
                return Some(CallRow::open(&found, shown.as_ref(), self.at.role));
            }
        }
    }

    /// Waits until calls have changed, here or elsewhere; none where the service ends.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            change = self.changes.recv() => match change {
                Ok(change) => self.note(change),
                // Whoever is too slow asks the journal again.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            },
            () = self.elsewhere.next() => {
                // A database that is away is looked at again.
                let _away = self.elsewhere.look(&self.app, self.at.customer).await;
            }
        }
        tokio::time::sleep(TOGETHER).await;
        while let Ok(change) = self.changes.try_recv() {
            self.note(change);
        }
        self.elsewhere.changed.sort_unstable();
        self.elsewhere.changed.dedup();
        Some(())
    }

    fn note(&mut self, change: Change) {
        if change.of.is_none_or(|of| of == self.at.customer) {
            self.elsewhere.changed.push(change.order);
        }
    }

    /// Whoever was signed out, or has another part by now, sees no more than that.
    async fn know_again(&mut self) -> Option<()> {
        if self.known_at.elapsed() < KNOWN_FOR {
            return Some(());
        }
        let user = &self.signed.user;
        let sessions = self.app.store.sessions(user.id, wall_now()).await.ok()?;
        sessions.iter().find(|session| session.id == self.signed.session.id)?;
        self.at = self.signed.at(&self.app, &self.number, Right::SeeCalls).await.ok()?;
        self.known_at = Instant::now();
        Some(())
    }
}
