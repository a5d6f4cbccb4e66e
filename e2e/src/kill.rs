//! `kill -9` at every step of a call. A reference call's system calls are the map: each is a place to die at, by
//! `strace`, which kills the service when it is about to make it. What step it was is decided afterwards, by what is
//! written and by what the telephones saw. Then the service is started again, and everything has to be settled, its money
//! too.

use crate::PATIENCE;
use crate::browser;
use crate::ledger::Ledger;
use crate::network::{Entry, Habit, Network, until};
use crate::program::run_folder;
use crate::service::{Service, Setup};
use crate::stage::{self, ANNA, BORIS, PROVIDER, Person, SERVICE, VISITOR};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::mem::take;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// The steps of a call, in their order; a service is killed after one and before the next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// The order is not stored.
    Nothing,
    /// The order is stored.
    Accepted,
    /// Its plan too, and its money is held.
    Planned,
    /// The manager's dial is committed.
    Intent,
    /// The manager's telephone got the INVITE.
    Sent,
    /// It is known to ring.
    Ringing,
    /// It is answered.
    Answered,
    /// The first key of its extension was heard.
    Digits,
    /// It hears the announcement.
    Announcement,
    /// The manager pressed 1.
    Taken,
    /// The visitor's dial is committed.
    VisitorDialled,
    /// His telephone is known to ring.
    VisitorRinging,
    /// He answered, and they talk.
    Bridged,
    /// Somebody hung up.
    HungUp,
    /// The record is stored.
    Recorded,
}

/// All that are to be hit.
pub const STEPS: [Step; 14] = [
    Step::Accepted,
    Step::Planned,
    Step::Intent,
    Step::Sent,
    Step::Ringing,
    Step::Answered,
    Step::Digits,
    Step::Announcement,
    Step::Taken,
    Step::VisitorDialled,
    Step::VisitorRinging,
    Step::Bridged,
    Step::HungUp,
    Step::Recorded,
];

/// The system calls at which the service may die: sound and signalling, what is written, what wakes its tasks.
const CALLS: [&str; 6] = ["pwrite64", "fsync", "sendto", "write", "recvfrom", "fcntl"];
/// PostgreSQL is written to by the same calls as everybody else; SQLite's files are not there.
const PG_CALLS: [&str; 4] = ["sendto", "recvfrom", "write", "epoll_wait"];
/// What lasted so long from the visitor's answer on is known to be a talk.
const A_TALK: Duration = Duration::from_millis(1_500);
/// An ACK that waits so long has not been told that its answer is stored.
const UNSTORED: Duration = Duration::from_millis(500);
/// More runs than this many times those that are asked for are not made to hit a step.
const TRIES: usize = 10;

/// A place to die at: the n-th such call of whichever thread makes it first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    call: &'static str,
    nth: u32,
}

/// What one run showed.
#[derive(Clone, Debug)]
struct Shown {
    step: Step,
    ready: Duration,
    disposition: String,
}

/// What all runs showed.
#[derive(Debug, Default)]
pub struct Tally {
    runs: Vec<(Place, Shown)>,
}

impl Tally {
    /// How often a step was hit.
    #[must_use]
    pub fn hits(&self, step: Step) -> usize {
        self.runs.iter().filter(|(_, shown)| shown.step == step).count()
    }
}

/// A table by step, and how long it took to be ready again.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16} {:>5}  how the orders ended, and at which system calls the service died",
            "killed after", "runs"
        )?;
        for step in STEPS {
            let mut ends = BTreeMap::<String, usize>::new();
            let mut calls = BTreeMap::<&str, usize>::new();
            for (place, shown) in self.runs.iter().filter(|(_, shown)| shown.step == step) {
                *ends.entry(shown.disposition.clone()).or_default() += 1;
                *calls.entry(place.call).or_default() += 1;
            }
            let list = |counts: Vec<String>| counts.join(", ");
            let ends = list(ends.iter().map(|(end, count)| format!("{end} {count}")).collect());
            let calls = list(calls.iter().map(|(call, count)| format!("{call} {count}")).collect());
            writeln!(f, "{:<16} {:>5}  {ends}; {calls}", format!("{step:?}"), self.hits(step))?;
        }
        let mut ready: Vec<Duration> = self.runs.iter().map(|(_, shown)| shown.ready).collect();
        ready.sort_unstable();
        let part =
            |percent: usize| ready.get((ready.len() * percent / 100).min(ready.len().saturating_sub(1)));
        write!(
            f,
            "{} runs, {} before the order was stored; no leg was left up\n\
             ready again in {:.3} s (p50), {:.3} s (p99), {:.3} s at most",
            self.runs.len(),
            self.hits(Step::Nothing),
            part(50).copied().unwrap_or_default().as_secs_f64(),
            part(99).copied().unwrap_or_default().as_secs_f64(),
            part(100).copied().unwrap_or_default().as_secs_f64(),
        )
    }
}

/// Where a run's database comes from: `database.url`, or none for SQLite.
pub type Databases<'a> = dyn Fn() -> Option<String> + Sync + 'a;

/// How often a step is to be hit.
pub type Wanted<'a> = dyn Fn(Step) -> usize + Sync + 'a;

/// Kills services until each step was hit as often as is wanted, so many at once, each on a database of its own.
///
/// # Panics
/// When an order is lost, a telephone is rung once too often, a leg stays up, or a step cannot be hit.
pub fn at_every_step(wanted: &Wanted<'_>, at_once: usize, databases: &Databases<'_>) -> Tally {
    let places = runtime().block_on(reference(databases()));
    println!("{} places to die at", places.len());
    let tally = kill(at_once, databases, |tally, turn| next(&places, tally, wanted, turn));
    for step in STEPS {
        let wanted = wanted(step);
        assert!(tally.hits(step) >= wanted, "{step:?} was not hit {wanted} times:\n{tally}");
    }
    tally
}

/// Kills so many services, all over a call, whichever steps that hits.
///
/// # Panics
/// As [`at_every_step`].
pub fn all_over(runs: usize, at_once: usize, databases: &Databases<'_>) -> Tally {
    let places = runtime().block_on(reference(databases()));
    // The nearer to its beginning the closer: most calls are made for the sound of a talk.
    let place = |turn: usize| {
        let part = 2 * turn + 1;
        places.get(part * part * places.len() / (4 * runs * runs)).copied()
    };
    kill(at_once, databases, |_, turn| if turn < runs { place(turn) } else { None })
}

/// Kills at one place after the other, until there is no next one.
fn kill(
    at_once: usize,
    databases: &Databases<'_>,
    next: impl Fn(&Tally, usize) -> Option<Place> + Sync,
) -> Tally {
    let (tally, next) = (&Mutex::new(Tally::default()), &next);
    // Telephones answer while their killer waits for another program: each has threads of its own.
    thread::scope(|threads| {
        for killer in 0..at_once {
            threads.spawn(move || {
                let runtime = runtime();
                let mut turn = killer;
                loop {
                    let place = next(&lock(tally), turn);
                    let Some(place) = place else { return };
                    let shown = runtime.block_on(killed_at(place, databases()));
                    println!("{:>10} {:>4}: {:?}, {}", place.call, place.nth, shown.step, shown.disposition);
                    lock(tally).runs.push((place, shown));
                    turn += at_once;
                }
            });
        }
    });
    take(&mut *lock(tally))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next place to die at, for a step that was not hit often enough: by turns a place that has hit it, and one between
/// those that were too early and too late, of each kind of call.
fn next(places: &[Place], tally: &Tally, wanted: &Wanted<'_>, turn: usize) -> Option<Place> {
    let missing: Vec<Step> = STEPS.into_iter().filter(|step| tally.hits(*step) < wanted(*step)).collect();
    let all: usize = STEPS.into_iter().map(wanted).sum();
    if missing.is_empty() || tally.runs.len() > all * TRIES {
        return None;
    }
    let step = missing[turn % missing.len()];
    let round = turn / missing.len();
    let hits: Vec<Place> =
        tally.runs.iter().filter(|(_, shown)| shown.step == step).map(|(place, _)| *place).collect();
    if round % 2 == 1 && !hits.is_empty() {
        return hits.get(round / 2 % hits.len()).copied();
    }
    let mut kinds: Vec<&str> = places.iter().map(|place| place.call).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kind = kinds[(tally.runs.len() + turn / 8) % kinds.len()];
    let of_kind: Vec<Place> = places.iter().filter(|place| place.call == kind).copied().collect();
    let seen = |is_it: &dyn Fn(Step) -> bool| {
        let runs = tally.runs.iter().filter(|(place, shown)| place.call == kind && is_it(shown.step));
        runs.map(|(place, _)| place.nth).collect::<Vec<_>>()
    };
    let first = of_kind.first().map_or(1, |place| place.nth);
    let last = of_kind.last().map_or(1, |place| place.nth);
    let early = seen(&|seen| seen < step).into_iter().max().unwrap_or(first);
    let late = seen(&|seen| seen > step).into_iter().min().unwrap_or(last);
    // What threads do is not the same each time: the two may have crossed.
    let (from, to) = (early.min(late).saturating_sub(1), early.max(late) + 1);
    let between: Vec<Place> = of_kind.into_iter().filter(|place| (from..=to).contains(&place.nth)).collect();
    // Parts that are far from each other, whatever the turns: the golden ratio's.
    let part = (tally.runs.len() + turn) * 618 % 1_000;
    between.get(part * between.len() / 1_000).or(places.first()).copied()
}

/// A service with telephones of this process: a manager behind an extension who takes the call with a key, another one
/// for when the first has been dialled, and a visitor who hangs up.
struct World {
    service: Service,
    network: Network,
    order: Uuid,
    _folder: TempDir,
}

impl World {
    async fn new(database: Option<String>) -> Self {
        let folder = tempfile::tempdir_in(run_folder()).expect("a folder");
        let net = stage::next_net();
        let (address, far) = (stage::address(net, SERVICE), stage::address(net, PROVIDER));
        let short = Duration::from_millis(400);
        let manager = |number| Habit {
            rings: short,
            extension: Some("12"),
            presses: Some("1"),
            listens: Duration::from_millis(600),
            ..Habit::answers(number)
        };
        let visitor = Habit {
            rings: short,
            stays: Some(Duration::from_millis(2_200)),
            ..Habit::answers(VISITOR.number())
        };
        let habits = vec![manager(ANNA.number()), manager(BORIS.number()), visitor];
        let network = Network::start(far, address, habits).await;
        let trunks = [far];
        let setup = Setup {
            database,
            voice: "none",
            log: "info,sqlx=warn",
            charged: true,
            ..Setup::new(folder.path(), address, &trunks, SITE)
        };
        Self { service: Service::set_up(&setup), network, order: Uuid::new_v4(), _folder: folder }
    }

    /// Orders the call, or asks for it again; what is answered, if anything is.
    async fn orders(&self) -> Option<u16> {
        browser::orders(&self.service.url(), self.order, VISITOR.number()).await
    }

    async fn ledger(&self) -> Ledger {
        Ledger::read(self.service.database(), self.order).await.expect("the database can be read")
    }

    /// All is settled: the record is there, and no leg is up.
    async fn is_settled(&self) -> bool {
        self.network.is_quiet() && self.ledger().await.record.is_some()
    }
}

const SITE: &str = "mode = \"manager_first\"\nannounce = \"always\"\ndelay_to_visitor_s = 1\nring_timeout_s = 5\n\
    [[customer.site.manager]]\nname = \"Anna\"\naddress = \"+74951234501\"\nextension = \"12\"\nextension_delay_s = 0\n\
    accept_key = true\n\
    [[customer.site.manager]]\nname = \"Boris\"\naddress = \"+74951234502\"\nextension = \"12\"\nextension_delay_s = 0\n\
    accept_key = true\n";

/// A call that nobody disturbs, and its system calls from the order on.
async fn reference(database: Option<String>) -> Vec<Place> {
    let calls: &[&str] = if database.is_some() { &PG_CALLS } else { &CALLS };
    let mut world = World::new(database).await;
    let trace = world.service.folder().join("trace");
    let file = trace.display().to_string();
    let what = format!("trace={}", calls.join(","));
    let words = ["strace", "-f", "-qq", "-ttt", "-s", "0", "-o", &file, "-e", &what];
    assert!(world.service.starts_under(&words).await, "strace runs: {}", world.service.program().log());
    let ordered = fs::metadata(&trace).expect("a trace").len();
    assert_eq!(world.orders().await, Some(202));
    until(PATIENCE, "the reference call", async || world.is_settled().await).await;
    world.service.is_killed().await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.disposition.as_deref(), Some("connected"), "{ledger:#?}");
    for entry in world.network.book() {
        let waited = entry.taken_at.and_then(|at| Some(entry.answered_at?.duration_since(at)));
        println!("{} was acknowledged {waited:?} after its answer", entry.number);
        assert!(waited.is_some_and(|waited| waited < UNSTORED), "nobody said that its dialog is stored");
    }
    read_trace(&trace, ordered, calls)
}

/// The calls that some thread made as the first to make so many; what came before the order is left out.
fn read_trace(trace: &Path, ordered: u64, calls: &[&'static str]) -> Vec<Place> {
    let mut by_thread = BTreeMap::<(String, &str), u32>::new();
    let mut most = BTreeMap::<&str, u32>::new();
    let (mut places, mut at) = (Vec::new(), 0);
    for line in fs::read_to_string(trace).expect("a trace").lines() {
        at += line.len() as u64 + 1;
        let mut words = line.split_whitespace();
        let (Some(thread), Some(_), Some(what)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(call) =
            calls.iter().find(|call| what.strip_prefix(**call).is_some_and(|rest| rest.starts_with('(')))
        else {
            continue;
        };
        let count = by_thread.entry((thread.to_owned(), call)).or_default();
        *count += 1;
        let most = most.entry(call).or_default();
        if *count > *most {
            *most = *count;
            if at > ordered {
                places.push(Place { call, nth: *count });
            }
        }
    }
    places
}

/// One run: dies there, comes back, settles everything.
async fn killed_at(place: Place, database: Option<String>) -> Shown {
    let mut world = World::new(database).await;
    let file = world.service.folder().join("trace").display().to_string();
    let (what, how) =
        (format!("trace={}", place.call), format!("inject={}:signal=SIGKILL:when={}", place.call, place.nth));
    let words = ["strace", "-f", "-qq", "-o", &file, "-e", &what, "-e", &how];
    let mut answered = None;
    if world.service.starts_under(&words).await {
        answered = world.orders().await;
        until(PATIENCE, "its death, or the call's end", async || {
            world.service.program().has_ended() || world.is_settled().await
        })
        .await;
    }
    let died_at = Instant::now();
    world.service.is_killed().await;
    let (ledger, book) = (world.ledger().await, world.network.book());
    let step = step(&ledger, &book);

    let began = Instant::now();
    world.service.starts_again().await;
    let ready = began.elapsed();
    let context = format!("{place:?} after {step:?}; answered {answered:?}");
    // Who saw a 202 asks for nothing more; who saw nothing asks again, with the same id.
    match answered {
        Some(202) => assert!(ledger.is_stored, "{context}: an accepted order is lost"),
        _ => assert!(matches!(world.orders().await, Some(200 | 202)), "{context}: the order is not taken"),
    }
    let settled = async || world.is_settled().await;
    until(PATIENCE, &format!("{context}: everything is settled; {:#?}", world.network.book()), settled).await;
    let disposition = judge(&world, &ledger, &book, died_at, &context).await;
    world.service.is_killed().await;
    Shown { step, ready, disposition }
}

/// What must be so whatever step it was; how the order ended.
async fn judge(
    world: &World,
    at_death: &Ledger,
    book_at_death: &[Entry],
    died_at: Instant,
    context: &str,
) -> String {
    let (ledger, book) = (world.ledger().await, world.network.book());
    let seen = || format!("{context}\nat death {at_death:#?}\nthen {ledger:#?}\n{book:#?}");
    let dials =
        |book: &[Entry], person: Person| book.iter().filter(|entry| entry.number == person.number()).count();
    // Each telephone was rung at most once for each of its stored intents, and the visitor's once at all.
    let visitors = ledger.intents.iter().filter(|intent| intent.is_visitors).count();
    let rung = [ANNA, BORIS].map(|person| dials(&book, person)).iter().sum::<usize>();
    assert!(dials(&book, VISITOR) <= visitors && visitors <= 1, "the visitor is rung twice: {}", seen());
    assert!(rung <= ledger.intents.len() - visitors, "a manager is rung without an intent: {}", seen());
    assert!(dials(&book, ANNA) <= 1 && dials(&book, BORIS) <= 1, "a manager is rung twice: {}", seen());
    if at_death.disposition.is_some() {
        assert_eq!(book.len(), book_at_death.len(), "somebody is rung after the stored end: {}", seen());
        assert_eq!(ledger.disposition, at_death.disposition, "{}", seen());
    }
    let record = ledger.record.clone().unwrap_or_default();
    let recorded = record["disposition"].to_string();
    let disposition = ledger.disposition.clone().unwrap_or_default();
    assert!(recorded.contains(&disposition) && !disposition.is_empty(), "{recorded}: {}", seen());
    // From the bridge on a second is a talk, and half of one more is enough to write it.
    let answered_at = book_at_death
        .iter()
        .find(|entry| entry.number == VISITOR.number())
        .and_then(|entry| entry.answered_at);
    if answered_at.is_some_and(|at| died_at.saturating_duration_since(at) > A_TALK) {
        assert_eq!(disposition, "connected", "{}", seen());
    }
    let bill = world.service.bills(world.order);
    let what = |words: &[&str]| {
        let transfers = bill["transfers"].as_array().into_iter().flatten();
        transfers.filter(|one| one["what"].as_str().is_some_and(|what| words.contains(&what))).count()
    };
    let held = (what(&["reserved"]), what(&["paid from it", "free again"]));
    assert!(held == (1, 1) && what(&["owed"]) == 0, "it is not paid once: {bill:#}\n{}", seen());
    let legs = bill["legs"].as_array().map_or(0, Vec::len);
    assert_eq!(bill["price"] == "0.000000", legs == 0, "{bill:#}\n{}", seen());
    let told: Value = world.service.replays(world.order);
    assert_eq!(told["disposition"].as_str(), Some(disposition.as_str()), "{}", seen());
    disposition
}

/// The last step that was made: what is written, or what the telephones saw.
fn step(ledger: &Ledger, book: &[Entry]) -> Step {
    let of = |person: Person| book.iter().filter(move |entry| entry.number == person.number());
    let manager = ledger.intents.iter().find(|intent| !intent.is_visitors).map(|intent| intent.leg);
    let visitor = ledger.intents.iter().find(|intent| intent.is_visitors).map(|intent| intent.leg);
    let manager_says = |words| manager.is_some() && ledger.says(manager, words);
    let visitor_says = |words| visitor.is_some() && ledger.says(visitor, words);
    let made = [
        (Step::Recorded, ledger.record.is_some()),
        (Step::HungUp, ledger.disposition.is_some() || of(VISITOR).any(|entry| entry.over_at.is_some())),
        (Step::Bridged, visitor_says("answered") || of(VISITOR).any(|entry| entry.answered_at.is_some())),
        (Step::VisitorRinging, visitor_says("ringing")),
        (Step::VisitorDialled, visitor.is_some()),
        (Step::Taken, manager_says("digit\":")),
        (Step::Announcement, manager_says("digits_sent")),
        (Step::Digits, of(ANNA).any(|entry| !entry.keys.is_empty())),
        (Step::Answered, manager_says("answered") || of(ANNA).any(|entry| entry.answered_at.is_some())),
        (Step::Ringing, manager_says("ringing")),
        (Step::Sent, of(ANNA).next().is_some()),
        (Step::Intent, manager.is_some()),
        (Step::Planned, ledger.is_planned),
        (Step::Accepted, ledger.is_stored),
    ];
    made.into_iter().find(|(_, is_made)| *is_made).map_or(Step::Nothing, |(step, _)| step)
}
