//! A telephone network in this process, outside the service: it takes the calls of the service's trunk, lets each number
//! behave, and keeps a book of who was rung when, what was heard and what is still up. A service that is killed leaves
//! it as it was, so that it can be asked afterwards.

use crate::PATIENCE;
use callback_core::id::{LegId, OrderId};
use callback_phone::{
    Exchange, ExchangeConfig, ExchangeEvent, IncomingCall, LegKey, Media, MediaConfig, MediaEvent, Sound,
};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout};
use uuid::Uuid;

/// How many happenings wait for a telephone.
const INBOX: usize = 256;
/// The network's ports for sound.
const PORTS: std::ops::RangeInclusive<u16> = 30_000..=30_398;
/// Nobody has this number (RFC 3261 §21.4.5).
const NOT_FOUND: u16 = 404;

/// What a telephone does.
#[derive(Clone, Debug)]
pub struct Habit {
    /// Its number.
    pub number: &'static str,
    /// How long it rings.
    pub rings: Duration,
    /// The keys that it waits for once it is answered.
    pub extension: Option<&'static str>,
    /// The key that it presses after it has listened for [`Self::listens`].
    pub presses: Option<&'static str>,
    /// How long it listens before it presses, or before it talks.
    pub listens: Duration,
    /// It presses this key again and again, so that the other side can say that it is heard.
    pub chatters: Option<&'static str>,
    /// How long it stays on the line after that; none = until the other side hangs up.
    pub stays: Option<Duration>,
}

impl Habit {
    /// A telephone that is answered soon and stays.
    #[must_use]
    pub const fn answers(number: &'static str) -> Self {
        Self {
            number,
            rings: Duration::from_millis(300),
            extension: None,
            presses: None,
            listens: Duration::ZERO,
            chatters: None,
            stays: None,
        }
    }
}

/// A call in the book.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who was rung.
    pub number: String,
    /// When.
    pub at: Instant,
    /// When it was answered.
    pub taken_at: Option<Instant>,
    /// When its answer was acknowledged.
    pub answered_at: Option<Instant>,
    /// The keys that it heard.
    pub keys: String,
    /// When it was over.
    pub over_at: Option<Instant>,
}

/// The network; it is gone with this.
#[derive(Debug)]
pub struct Network {
    exchange: Exchange,
    book: Book,
    task: JoinHandle<()>,
}

type Book = Arc<Mutex<BTreeMap<IncomingCall, Entry>>>;

impl Network {
    /// A network on port 5060 of its address, for the service on its.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(address: Ipv4Addr, service: Ipv4Addr, habits: Vec<Habit>) -> Self {
        let config = ExchangeConfig {
            listen: vec![(address, 5060).into()],
            advertised: None,
            callers: vec![service.into()],
        };
        let (exchange, calls, _) = Exchange::start(config).await.expect("a telephone exchange");
        let media = MediaConfig { address: address.into(), advertised: None, ports: PORTS };
        let (media, sounds) = Media::start(media).expect("its sound");
        let book = Book::default();
        let desk = Desk {
            exchange: exchange.clone(),
            media,
            habits,
            book: Arc::clone(&book),
            inboxes: BTreeMap::new(),
            keys: BTreeMap::new(),
        };
        Self { exchange, book, task: tokio::spawn(desk.serve(calls, sounds)) }
    }

    /// All calls so far, in the order in which they came.
    #[must_use]
    pub fn book(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = lock(&self.book).values().cloned().collect();
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    /// How often a number was rung.
    #[must_use]
    pub fn dials(&self, number: &str) -> usize {
        self.book().iter().filter(|entry| entry.number == number).count()
    }

    /// Whoever is called by this number hangs up.
    pub async fn hangs_up(&self, number: &str) {
        let is_up = |entry: &Entry| entry.number == number && entry.over_at.is_none();
        let calls: Vec<IncomingCall> =
            lock(&self.book).iter().filter(|(_, entry)| is_up(entry)).map(|(call, _)| *call).collect();
        for call in calls {
            self.exchange.hangup(call).await;
        }
    }

    /// Waits until each of these numbers has heard two more keys of whom it talks to.
    pub async fn hear_each_other(&self, numbers: &[&str]) {
        let before: Vec<usize> = numbers.iter().map(|number| self.heard(number)).collect();
        let more =
            async || numbers.iter().zip(&before).all(|(number, before)| self.heard(number) >= before + 2);
        until(PATIENCE, "they hear each other", more).await;
    }

    /// Whether no call is up.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.book().iter().all(|entry| entry.over_at.is_some())
    }

    /// How many keys a number has heard.
    #[must_use]
    pub fn heard(&self, number: &str) -> usize {
        self.book().iter().filter(|entry| entry.number == number).map(|entry| entry.keys.len()).sum()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(book: &Book) -> std::sync::MutexGuard<'_, BTreeMap<IncomingCall, Entry>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens to a telephone.
enum Happening {
    Exchange(ExchangeEvent),
    Media(MediaEvent),
}

struct Desk {
    exchange: Exchange,
    media: Media,
    habits: Vec<Habit>,
    book: Book,
    inboxes: BTreeMap<IncomingCall, mpsc::Sender<Happening>>,
    keys: BTreeMap<LegKey, IncomingCall>,
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
                    if let (MediaEvent::Digit(digit), Some(call)) = (&event, self.keys.get(&key))
                        && let Some(entry) = lock(&self.book).get_mut(call)
                    {
                        entry.keys.push(*digit);
                    }
                    if let Some(call) = self.keys.get(&key).copied() {
                        self.tell(call, Happening::Media(event));
                    }
                }
                else => return,
            }
        }
    }

    async fn exchange_says(&mut self, event: ExchangeEvent) {
        match &event {
            ExchangeEvent::Incoming { call, to, .. } => return self.incoming(*call, to).await,
            ExchangeEvent::Answered(call) => {
                if let Some(entry) = lock(&self.book).get_mut(call) {
                    entry.answered_at.get_or_insert_with(Instant::now);
                }
            }
            ExchangeEvent::Ended(call, ..) => {
                if let Some(entry) = lock(&self.book).get_mut(call) {
                    entry.over_at.get_or_insert_with(Instant::now);
                }
            }
            ExchangeEvent::Media(..) => {}
        }
        let (ExchangeEvent::Answered(call) | ExchangeEvent::Ended(call, ..) | ExchangeEvent::Media(call, _)) =
            &event
        else {
            return;
        };
        self.tell(*call, Happening::Exchange(event));
    }

    async fn incoming(&mut self, call: IncomingCall, to: &str) {
        let entry = Entry {
            number: to.to_owned(),
            at: Instant::now(),
            taken_at: None,
            answered_at: None,
            keys: String::new(),
            over_at: None,
        };
        lock(&self.book).insert(call, entry);
        let Some(habit) = self.habits.iter().find(|habit| habit.number == to).cloned() else {
            return self.exchange.reject(call, NOT_FOUND).await;
        };
        let key = LegKey { call: OrderId(Uuid::new_v4()), leg: LegId(1) };
        let (inbox, happenings) = mpsc::channel(INBOX);
        self.inboxes.insert(call, inbox);
        self.keys.insert(key, call);
        let telephone = Telephone {
            exchange: self.exchange.clone(),
            media: self.media.clone(),
            call,
            key,
            book: Arc::clone(&self.book),
            inbox: happenings,
            heard: String::new(),
        };
        tokio::spawn(telephone.lives(habit));
    }

    /// A telephone that takes nothing any more is past its end.
    fn tell(&self, call: IncomingCall, happening: Happening) {
        if let Some(inbox) = self.inboxes.get(&call) {
            let _ = inbox.try_send(happening);
        }
    }
}

/// The call is over: nothing more is done.
struct Over;

struct Telephone {
    exchange: Exchange,
    media: Media,
    call: IncomingCall,
    key: LegKey,
    book: Book,
    inbox: mpsc::Receiver<Happening>,
    heard: String,
}

impl Telephone {
    async fn lives(mut self, habit: Habit) {
        let (Ok(()) | Err(Over)) = self.behaves(&habit).await;
        drop(self.media.close(self.key));
    }

    async fn behaves(&mut self, habit: &Habit) -> Result<(), Over> {
        self.exchange.ring(self.call).await;
        self.waits(habit.rings).await?;
        let local = self.media.open(self.key).expect("ports");
        if let Some(entry) = lock(&self.book).get_mut(&self.call) {
            entry.taken_at = Some(Instant::now());
        }
        self.exchange.answer(self.call, local.address).await;
        let is_answered = |_: &Self, happening: &Happening| {
            matches!(happening, Happening::Exchange(ExchangeEvent::Answered(_)))
        };
        self.until(None, is_answered).await?;
        self.media.play(self.key, 1, Arc::new(tone()), true);
        // Keys may come before the ACK, which waits for a commit.
        if let Some(extension) = habit.extension.filter(|extension| !self.heard.ends_with(extension)) {
            self.until(None, |telephone, _| telephone.heard.ends_with(extension)).await?;
        }
        self.waits(habit.listens).await?;
        if let Some(key) = habit.presses {
            self.presses(key).await?;
        }
        let leaves_at = habit.stays.map(|stays| Instant::now() + stays);
        while leaves_at.is_none_or(|at| Instant::now() < at) {
            match (habit.chatters, leaves_at) {
                (Some(key), _) => {
                    self.presses(key).await?;
                    self.waits(Duration::from_millis(300)).await?;
                }
                (None, Some(at)) => self.until(Some(at), |_, _| false).await?,
                (None, None) => self.until(None, |_, _| false).await?,
            }
        }
        self.exchange.hangup(self.call).await;
        self.until(None, |_, _| false).await
    }

    async fn presses(&mut self, key: &str) -> Result<(), Over> {
        self.media.send_digits(self.key, key.parse().expect("keys"));
        let is_sent =
            |_: &Self, happening: &Happening| matches!(happening, Happening::Media(MediaEvent::DigitsSent));
        self.until(None, is_sent).await
    }

    async fn waits(&mut self, span: Duration) -> Result<(), Over> {
        self.until(Some(Instant::now() + span), |_, _| false).await
    }

    /// Takes what happens until it is this, or until then.
    async fn until(
        &mut self,
        deadline: Option<Instant>,
        is_it: impl Fn(&Self, &Happening) -> bool,
    ) -> Result<(), Over> {
        loop {
            let happened = tokio::select! {
                happened = self.inbox.recv() => happened.ok_or(Over)?,
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => return Ok(()),
            };
            match &happened {
                Happening::Exchange(ExchangeEvent::Ended(..)) => return Err(Over),
                Happening::Exchange(ExchangeEvent::Media(_, remote)) => {
                    self.media.connect(self.key, *remote).expect("a telephone's address");
                }
                Happening::Media(MediaEvent::Digit(key)) => self.heard.push(*key),
                Happening::Exchange(_) | Happening::Media(_) => {}
            }
            if is_it(self, &happened) {
                return Ok(());
            }
        }
    }
}

/// A second of 440 Hz, quiet.
#[expect(clippy::cast_possible_truncation, reason = "a sample is within 16 bits")]
fn tone() -> Sound {
    Sound::from_samples((0..8_000).map(|at| (4_000.0 * (TAU * 440.0 * f64::from(at) / 8_000.0).sin()) as i16))
}

/// Waits until something is so that tells nobody when it changes.
///
/// # Panics
/// When it takes longer than `patience`; `what` says what was waited for.
pub async fn until(patience: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(patience, looks).await.is_ok(), "not within {patience:?}: {what}");
}
