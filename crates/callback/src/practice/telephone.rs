//! A telephone of the practice exchange: one task plays one incoming call, step by step, until its script or the
//! other side ends it. It does not listen to words: it hears keys, and that the call is over.

use super::numbers::Step;
use super::voices::{self, Voice};
use callback_phone::{Exchange, IncomingCall, LegKey, Media, MediaEvent, Remote};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How many pressed keys are remembered.
const KEYS: usize = 64;
/// Between two sentences, so that the other side can be heard.
const BREATH: Duration = Duration::from_millis(2_600);

/// What happens to a telephone.
#[derive(Debug)]
pub(super) enum Happening {
    /// The caller acknowledged the answer.
    Answered,
    /// Where the caller hears.
    Remote(Remote),
    /// Of the sound.
    Media(MediaEvent),
    /// The call is over.
    Over,
}

/// The call is over: the rest of the script is not played.
struct Over;

pub(super) struct Telephone {
    exchange: Exchange,
    media: Media,
    call: IncomingCall,
    key: LegKey,
    inbox: mpsc::Receiver<Happening>,
    remote: Option<Remote>,
    is_open: bool,
    /// The keys that were heard.
    keys: String,
    /// How many sounds were begun.
    sounds: u16,
}

impl Telephone {
    pub(super) fn new(
        exchange: Exchange,
        media: Media,
        call: IncomingCall,
        key: LegKey,
        inbox: mpsc::Receiver<Happening>,
    ) -> Self {
        Self {
            exchange,
            media,
            call,
            key,
            inbox,
            remote: None,
            is_open: false,
            keys: String::new(),
            sounds: 0,
        }
    }

    /// Plays the script; where it ends, the telephone waits for the other side.
    pub(super) async fn play(mut self, script: &'static [Step]) {
        for step in script {
            if self.step(step).await.is_err() {
                break;
            }
        }
        if !self.inbox.is_closed() {
            let (Ok(()) | Err(Over)) = self.until(None, |_, _| false).await;
        }
        if self.is_open {
            // How well it was heard is not asked here.
            drop(self.media.close(self.key));
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Over> {
        match step {
            Step::Ring => self.exchange.ring(self.call).await,
            Step::Wait(span) => self.wait(*span).await?,
            Step::Reject(status) => self.exchange.reject(self.call, *status).await,
            Step::Answer => self.answer().await?,
            Step::Say(voice) => self.say(*voice).await?,
            Step::Play(voice) => {
                self.begin(*voice, true);
            }
            Step::Hush => self.media.stop(self.key),
            Step::Talk(voices, span) => self.talk(voices, Instant::now() + *span).await?,
            // Keys may come before the ACK, which waits for the caller's commit.
            Step::Want(extension) if self.keys.ends_with(extension) => {}
            Step::Want(extension) => {
                let wanted = |telephone: &Self, _: &Happening| telephone.keys.ends_with(extension);
                self.until(None, wanted).await?;
            }
            Step::Press(key) => {
                if let Ok(keys) = key.parse() {
                    self.media.send_digits(self.key, keys);
                }
                let sent = |_: &Self, happened: &Happening| {
                    matches!(happened, Happening::Media(MediaEvent::DigitsSent))
                };
                self.until(None, sent).await?;
            }
            Step::HangUp => self.exchange.hangup(self.call).await,
        }
        Ok(())
    }

    /// Picks up; done when the caller knows it.
    async fn answer(&mut self) -> Result<(), Over> {
        match self.media.open(self.key) {
            Ok(local) => {
                self.is_open = true;
                self.exchange.answer(self.call, local.address).await;
                self.connect();
            }
            Err(error) => {
                tracing::error!(%error, "a practice telephone has no sound");
                self.exchange.reject(self.call, super::UNAVAILABLE).await;
            }
        }
        self.until(None, |_, happened| matches!(happened, Happening::Answered)).await
    }

    /// Speaks sentences in turn until then, with room between them for the other side.
    async fn talk(&mut self, voices: &[Voice], until: Instant) -> Result<(), Over> {
        for voice in voices.iter().cycle() {
            let number = self.begin(*voice, false);
            let played = |_: &Self, happened: &Happening| is_played(happened, number);
            self.until(Some(until), played).await?;
            self.until(Some(until.min(Instant::now() + BREATH)), |_, _| false).await?;
            if Instant::now() >= until {
                break;
            }
        }
        self.media.stop(self.key);
        Ok(())
    }

    async fn say(&mut self, voice: Voice) -> Result<(), Over> {
        let number = self.begin(voice, false);
        self.until(None, |_, happened| is_played(happened, number)).await
    }

    fn begin(&mut self, voice: Voice, again: bool) -> u16 {
        self.sounds = self.sounds.wrapping_add(1);
        self.media.play(self.key, self.sounds, voices::sound(voice), again);
        self.sounds
    }

    async fn wait(&mut self, span: Duration) -> Result<(), Over> {
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
                happened = self.inbox.recv() => happened.unwrap_or(Happening::Over),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return Ok(()),
            };
            match &happened {
                Happening::Over => {
                    self.inbox.close();
                    return Err(Over);
                }
                Happening::Remote(remote) => {
                    self.remote = Some(*remote);
                    self.connect();
                }
                Happening::Media(MediaEvent::Digit(key)) if self.keys.len() < KEYS => self.keys.push(*key),
                Happening::Media(_) | Happening::Answered => {}
            }
            if is_it(self, &happened) {
                return Ok(());
            }
        }
    }

    /// Sound flows once both ends are known.
    fn connect(&self) {
        if let Some(remote) = self.remote.filter(|_| self.is_open)
            && let Err(error) = self.media.connect(self.key, remote)
        {
            tracing::warn!(%error, "a practice telephone cannot be heard");
        }
    }
}

fn is_played(happened: &Happening, number: u16) -> bool {
    matches!(happened, Happening::Media(MediaEvent::Played(played)) if *played == number)
}
