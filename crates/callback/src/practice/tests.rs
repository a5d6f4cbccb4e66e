//! Stories of practice numbers, told over real sockets by a real phone: what the caller's leg does, in order.

use super::numbers::Step;
use super::voices::Voice;
use super::{Practice, numbers};
use callback_core::flow::{HangupReason, LegEvent};
use callback_core::id::{LegId, OrderId};
use callback_core::plan::{Address, CallerId, Telephone};
use callback_core::record::{Cause, EndedBy};
use callback_phone::{Dial, LegKey, Media, MediaConfig, MediaEvent, Phone, PhoneConfig, PhoneEvent};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

const LEG: LegKey = LegKey { call: OrderId(Uuid::from_u128(7)), leg: LegId(1) };
const MOMENT: Duration = Duration::from_millis(20);

/// Numbers that need no patience.
fn quick(number: &str) -> Option<&'static [Step]> {
    use Step::{Answer, HangUp, Hush, Play, Press, Reject, Ring, Talk, Wait, Want};
    Some(match number {
        "+74955550101" => &[Ring, Wait(MOMENT), Answer],
        "+74955550117" => &[Reject(486)],
        "+74955550121" => &[Ring, Wait(MOMENT), Reject(603)],
        "+74955550118" => &[Ring],
        "+74955550105" => &[Ring, Answer, Talk(&[Voice::ManagerHello], MOMENT), HangUp],
        "+74955550112" => &[Answer, Play(Voice::Attendant), Want("12"), Hush, Press("1")],
        _ => return None,
    })
}

fn media(ports: RangeInclusive<u16>) -> MediaConfig {
    MediaConfig { address: Ipv4Addr::LOCALHOST.into(), advertised: None, ports }
}

/// Tests run side by side: each has ports of its own.
fn ports() -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(44_000);
    let first = NEXT.fetch_add(40, Ordering::Relaxed);
    first..=first + 39
}

/// A caller, and the exchange that it calls.
struct Pair {
    _practice: Practice,
    phone: Phone,
    phone_events: Receiver<PhoneEvent>,
    media: Media,
    sounds: Receiver<(LegKey, MediaEvent)>,
}

impl Pair {
    async fn start() -> Self {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let practice = Practice::with_numbers(listen, media(ports()), quick).await.unwrap();
        let (media, sounds) = Media::start(media(ports())).unwrap();
        let config = PhoneConfig {
            listen: vec![listen],
            advertised: None,
            trunks: vec![practice.trunk()],
            private_names: false,
        };
        let (phone, phone_events) = Phone::start(config, media.clone()).await.unwrap();
        Self { _practice: practice, phone, phone_events, media, sounds }
    }

    async fn dial(&self, number: &str) {
        let address = Address::Phone(number.parse().unwrap());
        let caller_id = CallerId { number: None, name: "Praktika".into() };
        let dial = Dial { to: Telephone { address, extension: None }, caller_id };
        self.phone.reserve(LEG, dial).await.unwrap();
        self.phone.send(LEG).await;
    }

    /// What the leg does, up to and including this.
    async fn until(&mut self, last: impl Fn(&LegEvent) -> bool) -> Vec<LegEvent> {
        let mut seen = Vec::new();
        while let Some(event) = self.phone_events.recv().await {
            match event {
                PhoneEvent::Leg(LEG, _, event) => {
                    seen.push(event);
                    if last(&event) {
                        return seen;
                    }
                }
                PhoneEvent::Dialog(_, dialog) => self.phone.stored(dialog).await,
                PhoneEvent::Leg(..)
                | PhoneEvent::Free(..)
                | PhoneEvent::TakenDown(_)
                | PhoneEvent::Trunk { .. } => {}
            }
        }
        panic!("the phone is gone after {seen:?}");
    }
}

fn is_end(event: &LegEvent) -> bool {
    matches!(event, LegEvent::Ended(..))
}

/// Calls a number that ends the call by itself.
async fn check(number: &str, expected: &[LegEvent]) {
    let mut pair = Pair::start().await;
    pair.dial(number).await;
    assert_eq!(pair.until(is_end).await, expected, "{number}");
}

#[tokio::test]
async fn numbers_refuse_as_they_should() {
    use LegEvent::{Answered, Ended, Ringing, Sent};
    check("+74955550117", &[Sent, Ended(Cause::Sip(486), EndedBy::Far)]).await;
    check("+74955550121", &[Sent, Ringing, Ended(Cause::Sip(603), EndedBy::Far)]).await;
    check("+74955550199", &[Sent, Ended(Cause::Sip(404), EndedBy::Network)]).await;
    check("+74955550105", &[Sent, Ringing, Answered, Ended(Cause::Normal, EndedBy::Far)]).await;
}

#[tokio::test]
async fn who_never_answers_rings_until_the_caller_gives_up() {
    let mut pair = Pair::start().await;
    pair.dial("+74955550118").await;
    pair.until(|event| *event == LegEvent::Ringing).await;
    pair.phone.hangup(LEG, HangupReason::NoAnswer).await;
    assert_eq!(pair.until(is_end).await, [LegEvent::Ended(Cause::Normal, EndedBy::Us)]);
}

#[tokio::test]
async fn who_answers_is_on_the_line_until_the_caller_hangs_up() {
    let mut pair = Pair::start().await;
    pair.dial("+74955550101").await;
    let seen = pair.until(|event| *event == LegEvent::Answered).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ringing, LegEvent::Answered]);
    pair.phone.hangup(LEG, HangupReason::Over).await;
    assert_eq!(pair.until(is_end).await, [LegEvent::Ended(Cause::Normal, EndedBy::Us)]);
}

#[tokio::test]
async fn the_attendant_takes_the_extension_and_the_person_presses_1() {
    let mut pair = Pair::start().await;
    pair.dial("+74955550112").await;
    pair.until(|event| *event == LegEvent::Answered).await;
    pair.media.send_digits(LEG, "12".parse().unwrap());
    loop {
        match pair.sounds.recv().await {
            Some((LEG, MediaEvent::Digit(key))) => break assert_eq!(key, '1'),
            Some(_) => {}
            None => panic!("the media is gone"),
        }
    }
}

#[tokio::test]
async fn nobody_calls_it_from_outside() {
    let outside = "192.0.2.1:0".parse().unwrap();
    let refused = Practice::start(outside, media(ports())).await.unwrap_err();
    assert_eq!(refused.to_string(), "practice.listen must be a loopback address, like 127.0.0.1:5080");
    assert!(numbers::script("+74955550118").is_some());
}
