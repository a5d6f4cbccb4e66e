//! The phone over real sockets: against SIPp (Debian: sip-tester), and against the crate's own exchange.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of a test fail by a panic")]

mod pressure;

use callback_core::flow::{HangupReason, LegEvent};
use callback_core::id::{LegId, OrderId};
use callback_core::plan::{Address, CallerId, Telephone};
use callback_core::record::{Cause, EndedBy};
use callback_phone::{
    Credentials, Dial, Dropped, Exchange, ExchangeConfig, ExchangeEvent, LegKey, Media, MediaConfig,
    NumberFormat, Phone, PhoneConfig, PhoneEvent, TrunkConfig,
};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn leg(number: u16) -> LegKey {
    LegKey { call: OrderId(Uuid::from_u128(7)), leg: LegId(number) }
}

fn dial(address: Address) -> Dial {
    Dial {
        to: Telephone { address, extension: None },
        caller_id: CallerId { number: None, name: "Romashka".into() },
    }
}

fn number() -> Address {
    Address::Phone("+74951234567".parse().unwrap())
}

fn trunk(port: u16) -> TrunkConfig {
    TrunkConfig {
        name: "provider".to_owned(),
        proxy: format!("sip:127.0.0.1:{port};transport=udp"),
        credentials: Some(Credentials { username: "trunk1".to_owned(), password: "secret1".to_owned() }),
        caller_ids: vec!["+74950000001".parse().unwrap()],
        may_send_any_caller_id: false,
        channels: 30,
        cps: 5,
        prefer: 1,
        number_format: NumberFormat::Eight,
        probe_every: None,
    }
}

async fn phone(trunks: Vec<TrunkConfig>) -> (Phone, Receiver<PhoneEvent>) {
    phone_of(trunks, true).await
}

async fn phone_of(trunks: Vec<TrunkConfig>, private_names: bool) -> (Phone, Receiver<PhoneEvent>) {
    let config = PhoneConfig { listen: vec![(LOCAL, 0).into()], advertised: None, trunks, private_names };
    let (media, _) =
        Media::start(MediaConfig { address: LOCAL.into(), advertised: None, ports: 40_000..=40_998 })
            .unwrap();
    Phone::start(config, media).await.unwrap()
}

/// A far end that ends with 0 only if all came as its scenario says.
fn sipp(scenario: &str) -> (Child, u16) {
    let port = UdpSocket::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port();
    let file = format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new("sipp")
        .args([
            "-sf",
            &file,
            "-i",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-m",
            "1",
            "-nostdin",
            "-timeout",
            "40",
        ])
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .spawn()
        .expect("sipp is needed: apt-get install sip-tester");
    // A port that is not open yet is a port that is shut.
    let bound = format!("0100007F:{port:04X} ");
    while !std::fs::read_to_string("/proc/net/udp").unwrap().contains(&bound) {
        assert!(child.try_wait().unwrap().is_none(), "sipp does not listen");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    (child, port)
}

/// What a leg does, in order, up to and including an event.
async fn until(
    events: &mut Receiver<PhoneEvent>,
    key: LegKey,
    last: impl Fn(&LegEvent) -> bool,
) -> Vec<LegEvent> {
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        if let PhoneEvent::Leg(of, _, event) = event
            && of == key
        {
            seen.push(event);
            if last(&event) {
                return seen;
            }
        }
    }
    panic!("the phone is gone after {seen:?}");
}

fn is_end(event: &LegEvent) -> bool {
    matches!(event, LegEvent::Ended(..))
}

#[tokio::test]
async fn a_provider_asks_for_a_digest_and_answers() {
    let (mut far, port) = sipp("digest");
    let (phone, mut events) = phone(vec![trunk(port)]).await;
    phone.reserve(leg(1), dial(number())).await.unwrap();
    phone.send(leg(1)).await;
    let seen = until(&mut events, leg(1), |event| *event == LegEvent::Answered).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ringing, LegEvent::Answered]);
    phone.hangup(leg(1), HangupReason::Over).await;
    let seen = until(&mut events, leg(1), is_end).await;
    assert_eq!(seen, [LegEvent::Ended(Cause::Normal, EndedBy::Us)]);
    assert!(far.wait().unwrap().success());
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_dialled_where_that_is_allowed() {
    let to = || dial(Address::Sip("sip:anna@localhost".into()));
    let (phone, _events) = phone_of(Vec::new(), false).await;
    assert_eq!(phone.reserve(leg(1), to()).await.err(), Some(Cause::Sip(404)));
    let (phone, _events) = phone_of(Vec::new(), true).await;
    assert!(phone.reserve(leg(1), to()).await.is_ok());
}

#[tokio::test]
async fn a_trunk_is_no_endpoint() {
    let (phone, _events) = phone(vec![trunk(5070)]).await;
    let past = |port: u16| dial(Address::Sip(format!("sip:+88299999@127.0.0.1:{port}").into()));
    assert_eq!(phone.reserve(leg(1), past(5070)).await.err(), Some(Cause::RefusedNumber));
    assert!(phone.reserve(leg(1), past(5071)).await.is_ok(), "a telephone beside it is one");
}

#[tokio::test]
async fn a_loser_of_the_race_learns_that_another_took_the_call() {
    let (mut far, port) = sipp("cancel");
    let (phone, mut events) = phone(vec![]).await;
    let endpoint = Address::Sip(format!("sip:anna@127.0.0.1:{port}").into());
    phone.reserve(leg(1), dial(endpoint)).await.unwrap();
    phone.send(leg(1)).await;
    until(&mut events, leg(1), |event| *event == LegEvent::Ringing).await;
    phone.hangup(leg(1), HangupReason::CompletedElsewhere).await;
    let seen = until(&mut events, leg(1), is_end).await;
    assert_eq!(seen, [LegEvent::Ended(Cause::Normal, EndedBy::Us)]);
    assert!(far.wait().unwrap().success());
}

#[tokio::test]
async fn the_far_end_holds_and_hangs_up() {
    let (mut far, port) = sipp("hold");
    let (phone, mut events) = phone(vec![]).await;
    let endpoint = Address::Sip(format!("sip:anna@localhost:{port}").into());
    phone.reserve(leg(1), dial(endpoint)).await.unwrap();
    phone.send(leg(1)).await;
    let seen = until(&mut events, leg(1), is_end).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Answered, LegEvent::Ended(Cause::Q850(38), EndedBy::Far)]);
    assert!(far.wait().unwrap().success());
}

#[tokio::test]
async fn phone_and_exchange_talk_to_each_other() {
    let config =
        ExchangeConfig { listen: vec![(LOCAL, 0).into()], advertised: None, callers: vec![LOCAL.into()] };
    let (exchange, mut calls, bound) = Exchange::start(config).await.unwrap();
    let (phone, mut events) = phone(vec![trunk(bound[0].port())]).await;
    phone.reserve(leg(1), dial(number())).await.unwrap();
    phone.send(leg(1)).await;
    let Some(ExchangeEvent::Incoming { call, from, name, to, .. }) = calls.recv().await else { panic!() };
    assert_eq!((from.as_str(), name.as_str(), to.as_str()), ("84950000001", "Romashka", "84951234567"));
    exchange.ring(call).await;
    exchange.answer(call, SocketAddr::from((LOCAL, 6000))).await;
    let seen = until(&mut events, leg(1), |event| *event == LegEvent::Answered).await;
    assert_eq!(seen, [LegEvent::Sent, LegEvent::Ringing, LegEvent::Answered]);
    exchange.hangup(call).await;
    let seen = until(&mut events, leg(1), is_end).await;
    assert_eq!(seen, [LegEvent::Ended(Cause::Normal, EndedBy::Far)]);
    let mut ended = false;
    while let Some(event) = calls.recv().await {
        ended = event == ExchangeEvent::Ended(call, Cause::Normal, EndedBy::Us);
        if ended {
            break;
        }
    }
    assert!(ended);
}

#[tokio::test]
async fn a_stranger_is_not_answered() {
    let trusted = tokio::net::UdpSocket::bind((LOCAL, 0)).await.unwrap();
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    stranger.set_nonblocking(true).unwrap();
    // The address that the phone gets is told by its INVITE.
    let (phone, _events) = phone(vec![trunk(trusted.local_addr().unwrap().port())]).await;
    phone.reserve(leg(1), dial(number())).await.unwrap();
    phone.send(leg(1)).await;
    let mut buffer = vec![0; 4096];
    let (_, at) = trusted.recv_from(&mut buffer).await.unwrap();
    let options = |host: &str, call: &str| {
        format!(
            "OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bK{call};rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
    };
    stranger.send_to(options("127.0.0.2", "s").as_bytes(), at).unwrap();
    trusted.send_to(options("127.0.0.1", "t").as_bytes(), at).await.unwrap();
    // What comes later is answered, so what came before was not.
    loop {
        let (length, _) = trusted.recv_from(&mut buffer).await.unwrap();
        if buffer[..length].starts_with(b"SIP/2.0 200") {
            break;
        }
    }
    assert_eq!(stranger.recv_from(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(phone.dropped(), Dropped { strangers: 1, flood: 0 });
}

#[tokio::test]
async fn many_calls_at_once_lose_nothing() {
    const CALLS: u16 = 100;
    let config =
        ExchangeConfig { listen: vec![(LOCAL, 0).into()], advertised: None, callers: vec![LOCAL.into()] };
    let (exchange, mut calls, bound) = Exchange::start(config).await.unwrap();
    let mut wide = trunk(bound[0].port());
    (wide.channels, wide.cps) = (CALLS, CALLS);
    let (phone, mut events) = phone(vec![wide]).await;
    let answering = tokio::spawn(async move {
        while let Some(event) = calls.recv().await {
            if let ExchangeEvent::Incoming { call, .. } = event {
                exchange.answer(call, (LOCAL, 6000).into()).await;
            }
        }
    });
    for number in 1..=CALLS {
        let address = Address::Phone(format!("+7495{:07}", number).parse().unwrap());
        phone.reserve(leg(number), dial(address)).await.unwrap();
        phone.send(leg(number)).await;
    }
    let mut ended = 0;
    while ended < CALLS {
        let PhoneEvent::Leg(key, _, event) = events.recv().await.unwrap() else { continue };
        if event == LegEvent::Answered {
            phone.hangup(key, HangupReason::Over).await;
        }
        if let LegEvent::Ended(cause, by) = event {
            assert_eq!((cause, by), (Cause::Normal, EndedBy::Us));
            ended += 1;
        }
    }
    answering.abort();
}
