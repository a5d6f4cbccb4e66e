//! A call that speaks one sentence to one telephone, and nothing else: a code for the cabinet.

use super::Engine;
use super::call::Happening;
use callback_core::flow::{HangupReason, LegEvent};
use callback_core::id::{LegId, OrderId};
use callback_core::number::PhoneNumber;
use callback_core::plan::{Address, CallerId, Telephone};
use callback_core::record::Cause;
use callback_phone::{Dial, LegKey, Sound};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

/// How long the telephone rings.
const RING: Duration = Duration::from_secs(40);
/// How long a leg that was hung up may take to be down.
const DOWN: Duration = Duration::from_secs(34);
/// How long somebody who does without the rest waits for the telephone to be free.
const HUSHED: Duration = Duration::from_secs(2);
/// What waits to be taken.
const INBOX: usize = 32;

/// A call that speaks.
pub(super) struct Spoken {
    number: PhoneNumber,
    pub(super) inbox: mpsc::Sender<Happening>,
}

impl Engine {
    /// Calls a telephone, and speaks when it is answered. Comes back when the call is on its way.
    ///
    /// # Errors
    /// Why it cannot be called now: it is in a call of this service, no channel is free, no trunk answers.
    pub(crate) async fn speak_to(
        &self,
        number: PhoneNumber,
        name: &str,
        sound: Arc<Sound>,
    ) -> Result<(), Cause> {
        let key = LegKey { call: OrderId(Uuid::new_v4()), leg: LegId(0) };
        let (inbox, happenings) = mpsc::channel(INBOX);
        self.spoken().insert(key.call, Spoken { number, inbox });
        let dial = Dial {
            to: Telephone { address: Address::Phone(number), extension: None },
            caller_id: CallerId { number: None, name: name.into() },
        };
        let phone = self.phone();
        if let Err(cause) = phone.reserve(key, dial).await {
            self.spoken().remove(&key.call);
            return Err(cause);
        }
        phone.send(key).await;
        let engine = self.clone();
        tokio::spawn(async move {
            engine.speak_on(key, happenings, sound).await;
            drop(engine.inner.tools.media.close(key));
            engine.spoken().remove(&key.call);
            engine.inner.idle.notify_waiters();
        });
        Ok(())
    }

    /// Ends what is being spoken to a telephone: whoever heard it may want it for a call. Comes back when it is down, or
    /// after two seconds.
    pub(crate) async fn hush(&self, number: PhoneNumber) {
        let of_number = |spoken: &Spoken| spoken.number == number;
        let inboxes: Vec<_> =
            self.spoken().values().filter(|one| of_number(one)).map(|one| one.inbox.clone()).collect();
        for inbox in inboxes {
            let _ = inbox.send(Happening::Shutdown(Instant::now().into())).await;
        }
        let free = async {
            loop {
                let idle = self.inner.idle.notified();
                if !self.spoken().values().any(of_number) {
                    return;
                }
                idle.await;
            }
        };
        let _free = timeout(HUSHED, free).await;
    }

    async fn speak_on(&self, key: LegKey, mut happenings: mpsc::Receiver<Happening>, sound: Arc<Sound>) {
        let tools = &self.inner.tools;
        let mut until = Instant::now() + RING;
        loop {
            let happening = tokio::select! {
                happening = happenings.recv() => happening,
                () = sleep_until(until) => break,
            };
            match happening {
                None | Some(Happening::Leg(_, LegEvent::Ended(..))) => return,
                // Nobody goes on with such a call after this process: nothing of it is stored.
                Some(Happening::Dialog(_, dialog)) => tools.phone.stored(dialog).await,
                Some(Happening::Leg(_, LegEvent::Answered)) => {
                    tools.media.play(key, 0, Arc::clone(&sound), false);
                    until = Instant::now() + sound.length() + RING;
                }
                Some(Happening::Leg(_, LegEvent::Played(_)) | Happening::Shutdown(_)) => break,
                Some(
                    Happening::Leg(..)
                    | Happening::MediaLost { .. }
                    | Happening::Free(_)
                    | Happening::Cancel(..),
                ) => {}
            }
        }
        tools.phone.hangup(key, HangupReason::Over).await;
        let down = async {
            while let Some(happening) = happenings.recv().await {
                if matches!(happening, Happening::Leg(_, LegEvent::Ended(..))) {
                    return;
                }
            }
        };
        let _gone = timeout(DOWN, down).await;
    }
}
