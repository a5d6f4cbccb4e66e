//! One task drives one call: the flow decides, the phone and the media carry out, the store remembers.
//!
//! Its loop has an order: commands first, then everything that has happened by then as one tick, then a timeout
//! if one is due. It never waits for the database in line: an intent's commit, and the commit of an end that
//! must be stored before it is told, come back as happenings of their own.

mod pay;

use super::LEASE;
use super::hub::{Hub, Shown};
use super::money::{Meter, More};
use crate::clock::{Clock, wall_now};
use crate::sounds::SiteSounds;
use crate::store::{Error, Fact, Fence, Hold, Store};
use callback_core::flow::{
    Canceller, Command, Detail, Finish, Flow, HangupReason, Input, Intent, IntentEnd, LegEvent, Past, Prompt,
    VisitorState,
};
use callback_core::id::LegId;
use callback_core::plan::{Callee, Plan, Telephone};
use callback_core::record::{CallRecord, Cause, EndedBy};
use callback_core::time::Ts;
use callback_phone::{Dial, LegKey, Media, Phone, StoredDialog};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

/// From the bridge on, this long is a talk (`docs/call-flow.md`), and a little more.
const A_TALK: Duration = Duration::from_millis(1_010);

/// What reaches a running call from outside.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Phone or media report of a leg.
    Leg(LegId, LegEvent),
    /// Nothing is heard from a leg, since this instant of the process.
    MediaLost { leg: LegId, first: bool, since: Instant },
    /// What is stored of a leg's dialog has changed.
    Dialog(LegId, StoredDialog),
    /// A telephone that this order was refused is free.
    Free(Telephone),
    /// Somebody cancels; he is answered when the end is stored.
    Cancel(Canceller, oneshot::Sender<()>),
    /// The process ends: everything is down by then.
    Shutdown(Instant),
}

/// What a call is driven with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) store: Store,
    pub(crate) phone: Phone,
    pub(crate) media: Media,
    pub(crate) hub: Hub,
    /// Where what each leg hears is recorded, in practice.
    pub(crate) recordings: Option<Arc<Path>>,
    /// The process's clock, by which its orders are held: the wall's may jump.
    pub(crate) clock: Clock,
}

impl Tools {
    /// What is held now is held so long.
    pub(crate) fn hold(&self) -> Hold {
        Hold { now: wall_now(), ..Hold::at(self.clock.now(), LEASE) }
    }
}

/// How a call's task ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With its record.
    Over(Box<CallRecord>),
    /// The next process goes on with it.
    HandedBack,
    /// Another process has it: this one let go of everything.
    Lost,
}

/// What the loop waits for besides happenings and time.
enum Done {
    /// A dial was reserved, by this trunk where it goes by one, and its intent is committed; or why it is none.
    Dial(LegId, Result<Option<String>, (Cause, EndedBy)>),
    /// More money was asked for, and is held, or is not there.
    Money(More, bool),
    /// The end is stored: whoever cancelled is answered, and the visitor told where he was not.
    EndStored(Option<(VisitorState, Detail)>),
    /// Written behind.
    Written,
    /// The order is another process's.
    Lost,
}

/// A running call.
pub(crate) struct Call {
    tools: Tools,
    fence: Fence,
    plan: Arc<Plan>,
    sounds: SiteSounds,
    flow: Flow,
    clock: Clock,
    inbox: mpsc::Receiver<Happening>,
    pending: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Dials whose intent is not committed yet.
    dialling: BTreeSet<LegId>,
    /// Dials whose intent is stored.
    intents: BTreeSet<LegId>,
    /// Legs that the phone knows.
    up: BTreeSet<LegId>,
    /// Inputs that the next tick gives to the flow.
    inputs: Vec<Input>,
    /// How many inputs the flow was given.
    given: u32,
    /// The last tick's instant: no two ticks have the same, so that a replay knows them apart.
    last_tick: Ts,
    facts: Vec<Fact>,
    /// Those of [`Self::facts`] that the phone waits for.
    dialogs: Vec<StoredDialog>,
    /// Legs whose intent's end is stored, and whether as down.
    settled: BTreeMap<LegId, bool>,
    cancels: Vec<oneshot::Sender<()>>,
    end_is_stored: bool,
    /// What the visitor was told last, before the end.
    told: Option<(VisitorState, Detail)>,
    /// Its legs have changed since whoever watches was told of them.
    legs_changed: bool,
    bridged: Option<(LegId, LegId)>,
    /// Its money; none where it is not charged.
    meter: Option<Meter>,
    outcome: Option<Outcome>,
}

impl Call {
    /// Begins a call, or goes on with one whose earlier processes did what is in `past`.
    pub(crate) fn new(
        tools: Tools,
        fence: Fence,
        plan: Arc<Plan>,
        past: &Past,
        sounds: SiteSounds,
        inbox: mpsc::Receiver<Happening>,
        meter: Option<Meter>,
    ) -> Self {
        let clock = Clock::start();
        let began_at = clock.now();
        let flow = Flow::new(Arc::clone(&plan), past, began_at);
        Self {
            facts: vec![Fact::Began { at: began_at, plan: Arc::clone(&plan), past: past.clone() }],
            tools,
            fence,
            plan,
            sounds,
            flow,
            clock,
            inbox,
            pending: FuturesUnordered::new(),
            dialling: BTreeSet::new(),
            intents: BTreeSet::new(),
            up: BTreeSet::new(),
            inputs: Vec::new(),
            given: 0,
            last_tick: began_at,
            dialogs: Vec::new(),
            settled: BTreeMap::new(),
            cancels: Vec::new(),
            end_is_stored: false,
            told: None,
            legs_changed: false,
            bridged: None,
            meter,
            outcome: None,
        }
    }

    /// Drives the call to its end.
    pub(crate) async fn drive(mut self) -> Outcome {
        loop {
            self.carry_out().await;
            if let Some(outcome) = self.outcome.take() {
                return outcome;
            }
            self.wait().await;
            self.ask_for_money();
            self.give();
        }
    }

    /// Waits until something happens, and takes all that has happened by then.
    async fn wait(&mut self) {
        if self.inputs.is_empty() {
            let money = self.meter.as_ref().and_then(Meter::next);
            let alarm = self.flow.poll_timeout().into_iter().chain(money).min();
            let alarm = alarm.map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                Some(happening) = self.inbox.recv() => self.take(happening),
                Some(done) = self.pending.next() => self.done(done).await,
                () = sleep_until(alarm.unwrap_or_else(Instant::now).into()), if alarm.is_some() => {}
            }
        }
        while let Ok(happening) = self.inbox.try_recv() {
            self.take(happening);
        }
    }

    /// One tick: all inputs of an instant, then the timeout if it is due.
    fn give(&mut self) {
        let now = self.clock.now().max(self.last_tick + Duration::from_micros(1));
        let mut inputs = take(&mut self.inputs);
        for input in &inputs {
            self.flow.handle(*input, now);
        }
        if self.flow.poll_timeout().is_some_and(|at| at <= now) {
            self.flow.handle(Input::Timeout, now);
            inputs.push(Input::Timeout);
        }
        for input in inputs {
            self.last_tick = now;
            self.facts.push(Fact::Input { seq: self.given, at: now, input });
            self.given += 1;
        }
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Leg(leg, event) => {
                if matches!(event, LegEvent::Ended(..)) {
                    self.up.remove(&leg);
                }
                if let Some(meter) = self.meter.as_mut().filter(|_| event == LegEvent::Answered) {
                    meter.answered(self.clock.now());
                }
                self.legs_changed = true;
                self.inputs.push(Input::Leg(leg, event));
            }
            Happening::MediaLost { leg, first, since } => {
                let since = self.clock.at(since);
                self.inputs.push(Input::Leg(leg, LegEvent::MediaLost { first, since }));
            }
            Happening::Dialog(leg, dialog) => {
                if let Some(meter) = &mut self.meter {
                    meter.goes_by(leg, dialog.trunk());
                }
                self.facts.push(Fact::Dialog { leg, dialog: json(&dialog) });
                self.dialogs.push(dialog);
            }
            Happening::Free(telephone) => {
                let is_it = |callee| self.plan.telephone(callee).as_ref() == Some(&telephone);
                let seat = self.plan.seats().find(|seat| is_it(Callee::Manager(*seat)));
                self.inputs.extend(seat.map(Input::ManagerFree));
            }
            Happening::Cancel(by, answer) => {
                if self.end_is_stored {
                    let _ = answer.send(());
                } else {
                    self.cancels.push(answer);
                }
                self.inputs.push(Input::Cancel(by));
            }
            Happening::Shutdown(deadline) => self.inputs.push(Input::Shutdown(self.clock.at(deadline))),
        }
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Dial(leg, result) => {
                let wanted = self.dialling.remove(&leg);
                if let Ok(trunk) = &result {
                    self.intents.insert(leg);
                    if let Some(meter) = &mut self.meter {
                        meter.goes_by(leg, trunk.as_deref());
                    }
                }
                match result {
                    Ok(_) if wanted => {
                        self.up.insert(leg);
                        self.record_heard(leg);
                        self.tools.phone.send(self.key(leg)).await;
                    }
                    // It was hung up while its intent was being stored: its end has been reported.
                    Ok(_) => self.tools.phone.release(self.key(leg)).await,
                    Err((cause, by)) if wanted => {
                        self.legs_changed = true;
                        self.inputs.push(Input::Leg(leg, LegEvent::Ended(cause, by)))
                    }
                    Err(_) => {}
                }
            }
            Done::Money(more, is_held) => self.money(&more, is_held),
            Done::EndStored(untold) => self.end_stored(untold),
            Done::Written => {}
            Done::Lost => self.let_go().await,
        }
    }

    /// Carries out what the flow wants, and hands what is to be remembered to the store.
    async fn carry_out(&mut self) {
        let mut end_to_store = None;
        while let Some(command) = self.flow.poll_command() {
            match command {
                Command::Originate { leg, to, round } => self.originate(leg, to, round),
                Command::Hangup { leg, reason } => self.hang_up(leg, reason).await,
                Command::SendDigits(leg) => self.send_digits(leg),
                Command::Play { leg, n, prompt, again } => self.play(leg, n, prompt, again),
                Command::Bridge { visitor, manager } => {
                    self.bridged = Some((visitor, manager));
                    self.tools.media.bridge(self.key(visitor), self.key(manager));
                    let limit = self.meter.as_mut().and_then(|meter| meter.bridged(self.last_tick));
                    self.inputs.extend(limit.map(Input::TalkLimit));
                    self.sign_of_life();
                }
                Command::Unbridge => {
                    if let Some((visitor, manager)) = self.bridged.take() {
                        self.tools.media.unbridge(self.key(visitor), self.key(manager));
                    }
                    if let Some(meter) = &mut self.meter {
                        meter.unbridged();
                    }
                }
                Command::Tell(state @ VisitorState::Ended(disposition), detail) => {
                    self.facts.push(Fact::Shown(state, detail));
                    self.facts.push(Fact::Ended { at: self.last_tick, disposition });
                    end_to_store = Some((state, detail));
                    self.told = None;
                }
                Command::Tell(state, detail) => {
                    self.facts.push(Fact::Shown(state, detail));
                    self.told = Some((state, detail));
                    self.legs_changed = true;
                }
                Command::Finish(finish) => return self.finish(*finish, end_to_store).await,
            }
        }
        // To a visitor it is the same state; owners see which manager rings now.
        if let Some((state, detail)) = self.told.filter(|_| take(&mut self.legs_changed)) {
            self.publish(state, detail);
        }
        self.remember(end_to_store);
    }

    fn originate(&mut self, leg: LegId, callee: Callee, round: u8) {
        let (Some(to), Some(caller_id)) = (self.plan.telephone(callee), self.plan.caller_id(callee).cloned())
        else {
            return;
        };
        self.legs_changed = true;
        if self.meter.as_ref().is_some_and(|meter| !meter.may_dial(&to.address)) {
            let refused = LegEvent::Ended(Cause::RefusedNumber, EndedBy::Us);
            return self.inputs.push(Input::Leg(leg, refused));
        }
        self.dialling.insert(leg);
        let telephone = matches!(callee, Callee::Manager(_)).then(|| to.clone());
        let (tools, fence, key, at) = (self.tools.clone(), self.fence, self.key(leg), self.clock.now());
        self.pending.push(Box::pin(async move {
            let dialog = match tools.phone.reserve(key, Dial { to, caller_id }).await {
                Ok(dialog) => dialog,
                Err(cause) => return Done::Dial(leg, Err((cause, EndedBy::Us))),
            };
            let intent = Intent { leg, callee, round, at, end: IntentEnd::Unknown };
            let trunk = dialog.trunk().map(str::to_owned);
            let dial = Fact::Intent { intent, telephone, dialog: Some(json(&dialog)) };
            let stored = tools.store.write(fence, vec![dial]).await;
            if stored.is_err() {
                tools.phone.release(key).await;
            }
            match stored {
                Ok(()) => Done::Dial(leg, Ok(trunk)),
                Err(Error::FenceLost | Error::LegTaken(_)) => Done::Lost,
                // Among them that the call ended while this was on its way.
                Err(_) => Done::Dial(leg, Err((Cause::Interrupted, EndedBy::Us))),
            }
        }));
    }

    fn record_heard(&self, leg: LegId) {
        let Some(folder) = &self.tools.recordings else { return };
        let folder = folder.join(self.fence.order.to_string());
        let file = folder.join(format!("{leg}.wav"));
        let recorded = std::fs::create_dir_all(&folder)
            .and_then(|()| self.tools.media.record_heard(self.key(leg), &file));
        if let Err(error) = recorded {
            tracing::warn!(%error, "what a leg hears is not recorded");
        }
    }

    /// A talk of a second is a talk, though the process may die before the next renewal says that it lived.
    fn sign_of_life(&self) {
        let (tools, fence) = (self.tools.clone(), self.fence);
        tokio::spawn(async move {
            tokio::time::sleep(A_TALK).await;
            // A call that has ended meanwhile needs none.
            let _ = tools.store.renew(vec![fence], tools.hold()).await;
        });
    }

    async fn hang_up(&mut self, leg: LegId, reason: HangupReason) {
        if self.dialling.remove(&leg) {
            self.inputs.push(Input::Leg(leg, LegEvent::Ended(Cause::Normal, EndedBy::Us)));
        } else {
            self.tools.phone.hangup(self.key(leg), reason).await;
        }
    }

    fn send_digits(&mut self, leg: LegId) {
        let extension = self.flow.callee(leg).and_then(|callee| self.plan.telephone(callee)?.extension);
        if let Some(digits) = extension {
            self.tools.media.send_digits(self.key(leg), digits);
        }
    }

    fn play(&mut self, leg: LegId, n: u16, prompt: Prompt, again: bool) {
        self.tools.media.play(self.key(leg), n, self.sounds.of(prompt), again);
    }

    /// Hands this tick's facts to the store, in one write; nobody waits but the end of an order whose visitor was
    /// not dialled.
    fn remember(&mut self, end: Option<(VisitorState, Detail)>) {
        self.settle_intents();
        let (facts, dialogs) = (take(&mut self.facts), take(&mut self.dialogs));
        let commit = (!facts.is_empty()).then(|| self.tools.store.write(self.fence, facts));
        let untold = end.filter(|_| !self.flow.visitor_is_dialled());
        if let Some((state, detail)) = end.filter(|_| untold.is_none()) {
            self.publish(state, detail);
        }
        if let Some(commit) = commit {
            let (ended, phone) = (end.is_some(), self.tools.phone.clone());
            self.pending.push(Box::pin(async move {
                let committed = commit.await;
                if committed.is_ok() {
                    for dialog in dialogs {
                        phone.stored(dialog).await;
                    }
                }
                match committed {
                    Ok(()) if ended => Done::EndStored(untold),
                    Err(error) if is_lost(&error) => Done::Lost,
                    Ok(()) | Err(_) => Done::Written,
                }
            }));
        }
    }

    fn settle_intents(&mut self) {
        for (leg, end, down_at) in self.flow.intent_ends().filter(|(leg, ..)| self.intents.contains(leg)) {
            let is_new = self.settled.insert(leg, down_at.is_some()) != Some(down_at.is_some());
            if is_new {
                self.facts.push(Fact::IntentEnd { leg, down_at, end });
            }
        }
    }

    fn end_stored(&mut self, untold: Option<(VisitorState, Detail)>) {
        self.end_is_stored = true;
        if let Some((state, detail)) = untold {
            self.publish(state, detail);
        }
        for cancel in self.cancels.drain(..) {
            let _ = cancel.send(());
        }
    }

    fn publish(&self, state: VisitorState, detail: Detail) {
        let manager =
            detail.manager.and_then(|seat| self.plan.manager(seat)).map(|manager| manager.name.clone());
        let legs = self.flow.legs_so_far();
        self.tools.hub.publish(self.fence.order, Shown { state, detail, manager, legs });
    }

    /// The last command: the record is stored, then the call is no more.
    async fn finish(&mut self, finish: Finish, end: Option<(VisitorState, Detail)>) {
        let mut lost = self.wind_up().await;
        self.settle_intents();
        let mut facts = take(&mut self.facts);
        let outcome = match finish {
            Finish::Over(record) => {
                facts.extend(self.meter.iter().flat_map(|meter| meter.settle(&record)));
                facts.push(Fact::Record(Box::new(record.clone()), Some(self.plan.clone())));
                Outcome::Over(Box::new(record))
            }
            Finish::HandedBack(_) => {
                facts.push(Fact::HandedBack);
                Outcome::HandedBack
            }
        };
        lost |= self.tools.store.write(self.fence, facts).await.is_err_and(|error| is_lost(&error));
        if !lost {
            self.end_stored(end);
        }
        self.outcome = Some(if lost { Outcome::Lost } else { outcome });
    }

    /// Waits for all that is under way: a dial whose intent is stored only now is given back. Whether the order is
    /// another process's.
    async fn wind_up(&mut self) -> bool {
        let mut lost = false;
        while let Some(done) = self.pending.next().await {
            match done {
                Done::Dial(leg, Ok(_)) => {
                    self.intents.insert(leg);
                    self.tools.phone.release(self.key(leg)).await;
                }
                Done::EndStored(untold) => self.end_stored(untold),
                Done::Lost => lost = true,
                Done::Dial(_, Err(_)) | Done::Money(..) | Done::Written => {}
            }
        }
        lost
    }

    /// Another process has the order: nothing of it stays up here.
    async fn let_go(&mut self) {
        for leg in take(&mut self.up) {
            self.tools.phone.hangup(self.key(leg), HangupReason::Shutdown).await;
        }
        // What is reserved and not sent is given back, once it is known.
        self.wind_up().await;
        self.outcome = Some(Outcome::Lost);
    }

    fn key(&self, leg: LegId) -> LegKey {
        LegKey { call: self.fence.order, leg }
    }
}

fn is_lost(error: &Error) -> bool {
    matches!(error, Error::FenceLost | Error::OrderEnded | Error::LegTaken(_))
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
