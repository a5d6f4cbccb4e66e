//! Whole calls through the service: an order over HTTP, the store on a disk, SIP between real sockets, telephones
//! that do what their number says. Sound is judged elsewhere, by programs that nobody here wrote.

use crate::world::World;
use callback::service::{Service, Setup};
use callback::settings::SettingsFile;
use callback::speech::{Speech, Voice};
use callback::store::Store;
use callback::web::Door;
use callback_core::flow::HangupReason;
use callback_core::plan::{Callee, Seat};
use callback_core::record::Outcome;
use callback_core::site::Origin;
use callback_phone::{
    Exchange, ExchangeConfig, ExchangeEvent, IncomingCall, MediaConfig, NumberFormat, PhoneConfig,
    TrunkConfig,
};
use futures_util::StreamExt as _;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Far more than anything here takes; who waits longer waits in vain.
const LIMIT: Duration = Duration::from_secs(60);
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ORIGIN: &str = "https://shop.example";
const ANNA: &str = "+74951234501";
const BORIS: &str = "+74951234502";
const VERA: &str = "+74951234503";
const VISITOR: &str = "+79161234567";

/// What a telephone does when it is called.
#[derive(Clone, Copy)]
enum Does {
    Answers,
    IsBusy,
    Rings,
    /// Answers, talks for so many milliseconds, and hangs up.
    Talks(u64),
    Declines,
}

/// A telephone network whose numbers behave, and what was seen of them.
struct Network {
    proxy: SocketAddr,
    /// `+7… rings`, `+7… answered`, `+7… down`.
    seen: mpsc::UnboundedReceiver<String>,
}

impl Network {
    async fn start(numbers: &[(&'static str, Does)]) -> Self {
        let config =
            ExchangeConfig { listen: vec![(LOCAL, 0).into()], advertised: None, callers: vec![LOCAL] };
        let (exchange, mut events, bound) = Exchange::start(config).await.unwrap();
        let numbers: BTreeMap<String, Does> =
            numbers.iter().map(|(number, does)| ((*number).to_owned(), *does)).collect();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut calls: BTreeMap<IncomingCall, (String, Does)> = BTreeMap::new();
            loop {
                match events.recv().await {
                    Some(ExchangeEvent::Incoming { call, to, .. }) => {
                        let does = numbers.get(&to).copied().unwrap_or(Does::IsBusy);
                        let _ = tell.send(format!("{to} called"));
                        calls.insert(call, (to.clone(), does));
                        match does {
                            Does::IsBusy => exchange.reject(call, 486).await,
                            Does::Declines => exchange.reject(call, 603).await,
                            Does::Rings => {
                                exchange.ring(call).await;
                                let _ = tell.send(format!("{to} rings"));
                            }
                            Does::Answers | Does::Talks(_) => {
                                exchange.ring(call).await;
                                exchange.answer(call, (LOCAL, 30_000).into()).await;
                            }
                        }
                    }
                    Some(ExchangeEvent::Answered(call)) => {
                        let (to, does) = &calls[&call];
                        let _ = tell.send(format!("{to} answered"));
                        if let Does::Talks(millis) = *does {
                            let exchange = exchange.clone();
                            tokio::spawn(async move {
                                tokio::time::sleep(Duration::from_millis(millis)).await;
                                exchange.hangup(call).await;
                            });
                        }
                    }
                    Some(ExchangeEvent::Media(..)) => {}
                    Some(ExchangeEvent::Ended(call, ..)) => {
                        if let Some((to, _)) = calls.remove(&call) {
                            let _ = tell.send(format!("{to} down"));
                        }
                    }
                    None => return,
                }
            }
        });
        Self { proxy: bound[0], seen }
    }

    /// Waits until all of these have been seen, in any order.
    async fn sees_all(&mut self, what: &[&str]) {
        let mut left = what.to_vec();
        while !left.is_empty() {
            let seen = tokio::time::timeout(LIMIT, self.seen.recv()).await;
            let seen = seen.unwrap_or_else(|_| panic!("not seen: {left:?}")).expect("the network is there");
            left.retain(|one| *one != seen);
        }
    }

    /// Waits until this has been seen; what else is seen meanwhile is forgotten.
    async fn sees(&mut self, what: &str) {
        self.sees_all(&[what]).await;
    }
}

/// A service with one site, and a browser on it.
struct Stage {
    world: World,
    service: Option<Service>,
    browser: Client,
    proxy: SocketAddr,
    settings: String,
}

impl Stage {
    async fn new(world: World, network: &Network, site: &str) -> Self {
        let settings = format!(
            r#"
            [[customer]]
            name = "Shop"
            email = "owner@shop.example"
            time_zone = "Europe/Moscow"
            country = "RU"
            [[customer.site]]
            key = "demo"
            url = "{ORIGIN}"
            {site}
            "#
        );
        let mut stage = Self { world, service: None, browser: Client::new(), proxy: network.proxy, settings };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        static PORTS: AtomicU16 = AtomicU16::new(20_000);
        let from = PORTS.fetch_add(200, Ordering::Relaxed);
        let store = Store::open(&self.world.url).await.unwrap();
        let file = Arc::new(SettingsFile::parse(&self.settings).unwrap());
        store.apply(file, "test", callback_core::time::Ts(0), false).await.unwrap();
        let trunk = TrunkConfig {
            name: "provider".into(),
            proxy: format!("sip:{}", self.proxy),
            credentials: None,
            caller_ids: vec!["+74950000001".parse().unwrap()],
            may_send_any_caller_id: false,
            channels: 30,
            cps: 50,
            prefer: 1,
            number_format: NumberFormat::Plus,
            probe_every: None,
        };
        let setup = Setup {
            store,
            http: (LOCAL, 0).into(),
            metrics: None,
            door: Door {
                origin: Origin::parse("http://127.0.0.1").unwrap(),
                trusted_proxies: vec![],
                queue: 200,
            },
            phone: PhoneConfig { listen: vec![(LOCAL, 0).into()], advertised: None, trunks: vec![trunk] },
            media: MediaConfig { address: LOCAL, advertised: None, ports: from..=from + 198 },
            speech: Speech::new(Voice::None, self.world.folder.path().join("speech")),
            recordings: None,
        };
        self.service = Some(Service::start(setup, |_| axum::Router::new()).await.unwrap());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/w/v1/demo{path}", self.service.as_ref().unwrap().http())
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.browser.post(self.url(path)).header("Origin", ORIGIN);
        request.body(body.to_string()).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.browser.get(self.url(path)).header("Origin", ORIGIN).send().await.unwrap()
    }

    async fn order(&self, id: Uuid) -> Value {
        let response = self.post("/orders", &body(id, VISITOR)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        response.json().await.unwrap()
    }

    /// All states that a browser on this order sees, until the last.
    async fn states(&self, id: Uuid) -> Vec<Value> {
        let stream = self.get(&format!("/orders/{id}/events")).await.bytes_stream();
        let text: Vec<_> = stream.map(|chunk| chunk.unwrap().to_vec()).collect().await;
        let text = String::from_utf8(text.concat()).unwrap();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The store's record, once the call is over.
    async fn record(&self, id: Uuid) -> callback_core::record::CallRecord {
        let store = Store::open(&self.world.url).await.unwrap();
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < LIMIT, "the call has no record");
            let file = store.call(callback_core::id::OrderId(id)).await.unwrap().unwrap();
            if let Some(record) = file.record {
                self.program_agrees(id, record.disposition.keys().0);
                return record;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Stage {
    /// `callback replay` decides the same, and `callback explain` tells the end.
    fn program_agrees(&self, id: Uuid, disposition: &str) {
        let config = self.world.folder.path().join("callback.toml");
        std::fs::write(&config, format!("[database]\nurl = \"{}\"\n", self.world.url)).unwrap();
        let run = |word: &str| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_callback"));
            let output = program.arg(word).arg(id.to_string()).arg("--config").arg(&config).output().unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(output.status.success(), "{word}: {said}");
            said
        };
        assert!(run("replay").contains("decides the same"));
        let told = run("explain");
        assert!(told.contains(disposition) && told.contains("dialled"), "{told}");
        println!("{told}");
    }
}

fn body(id: Uuid, phone: &str) -> Value {
    json!({ "order_id": id, "phone": phone, "country": "RU", "visit": { "page": "https://shop.example/" } })
}

fn managers(numbers: &[&str]) -> String {
    let each = |number: &&str| {
        format!("[[customer.site.manager]]\nname = \"M\"\naddress = \"{number}\"\naccept_key = false\n")
    };
    numbers.iter().map(each).collect()
}

/// The last word of a problem's type.
async fn problem(response: Response) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert!(problem["detail"].as_str().is_some_and(|text| text.len() > 20), "{problem}");
    problem["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn last(states: &[Value]) -> (&str, &str) {
    let last = states.last().unwrap();
    (last["disposition"].as_str().unwrap(), last["reason"].as_str().unwrap_or("-"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_rings_manager_and_visitor_and_joins_them() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_200))]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let accepted = stage.order(id).await;
    assert_eq!((&accepted["state"], &accepted["promise_seconds"]), (&json!("accepted"), &json!(29)));
    network
        .sees_all(&[&format!("{ANNA} called"), &format!("{VISITOR} answered"), &format!("{ANNA} down")])
        .await;
    let states = stage.states(id).await;
    assert_eq!(last(&states), ("connected", "-"));
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    assert!(record.talk.is_some() && record.legs.iter().all(|leg| leg.ended.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_manager_and_one_who_declines_are_passed_over() {
    let numbers =
        [(ANNA, Does::IsBusy), (BORIS, Does::Declines), (VERA, Does::Answers), (VISITOR, Does::Talks(1_100))];
    let mut network = Network::start(&numbers).await;
    let stage = Stage::new(World::pg().await, &network, &managers(&[ANNA, BORIS, VERA])).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    for event in [ANNA, BORIS, VERA].map(|number| format!("{number} called")) {
        network.sees(&event).await;
    }
    network.sees(&format!("{VERA} down")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    let outcomes: Vec<_> = record.legs.iter().filter(|leg| leg.round > 0).map(|leg| leg.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Refused, Outcome::Talked]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_at_once_the_first_to_answer_has_the_call() {
    let numbers = [(ANNA, Does::Rings), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_100))];
    let mut network = Network::start(&numbers).await;
    let site = format!("strategy = \"all\"\n{}", managers(&[ANNA, BORIS]));
    let stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} down")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    let anna = record.legs.iter().find(|leg| leg.callee == Callee::Manager(Seat(0))).unwrap();
    assert_eq!((anna.outcome, anna.hangup), (Outcome::Elsewhere, Some(HangupReason::CompletedElsewhere)));
}

#[tokio::test(flavor = "multi_thread")]
async fn manager_first_and_a_visitor_who_is_busy() {
    let network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::IsBusy)]).await;
    let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA]));
    let stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    let states = stage.states(id).await;
    assert_eq!(last(&states), ("visitor_no_answer", "busy"));
    assert_eq!(states.last().unwrap()["detail"]["cause"], "sip-486");
    assert_eq!(stage.record(id).await.disposition.keys(), ("visitor_no_answer", Some("busy")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_takes_every_leg_down() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} rings")).await;
    let cancelled: Value =
        stage.post(&format!("/orders/{id}/cancel"), &json!({})).await.json().await.unwrap();
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&json!("ended"), &json!("cancelled")));
    network.sees_all(&[&format!("{ANNA} down"), &format!("{VISITOR} down")]).await;
    assert_eq!(stage.record(id).await.disposition.keys(), ("not_called", Some("cancelled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_twice_rings_once() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let first = stage.order(id).await;
    let again = stage.post("/orders", &body(id, "8 (916) 123-45-67")).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap()["accepted_at"], first["accepted_at"]);
    let other = stage.post("/orders", &body(id, "+79161234568")).await;
    assert_eq!((other.status(), problem(other).await), (StatusCode::CONFLICT, "order-conflict".into()));
    let joined = Uuid::new_v4();
    let theirs = stage.order(joined).await;
    assert_eq!(theirs["order_id"], joined.to_string(), "whose call it joined is not said");
    assert_eq!(theirs["detail"]["of"], Value::Null);
    network.sees(&format!("{VISITOR} rings")).await;
    // Who joined sees the running call and can cancel nothing.
    let seen: Value = stage.post(&format!("/orders/{joined}/cancel"), &json!({})).await.json().await.unwrap();
    assert_ne!(seen["state"], "ended");
    stage.post(&format!("/orders/{id}/cancel"), &json!({})).await;
    assert_eq!(last(&stage.states(joined).await), ("not_called", "cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_bad_orders_are_told_what_to_do() {
    let network = Network::start(&[]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let check = async |phone: &str, status: StatusCode, kind: &str| {
        let response = stage.post("/orders", &body(Uuid::new_v4(), phone)).await;
        assert_eq!((response.status(), problem(response).await.as_str()), (status, kind), "{phone}");
    };
    check("call me", StatusCode::UNPROCESSABLE_ENTITY, "phone-invalid").await;
    check("112", StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    check("+7 701 123 45 67", StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    check(ANNA, StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    let from_elsewhere = stage.browser.post(stage.url("/orders")).header("Origin", "https://evil.example");
    let response = from_elsewhere.body(body(Uuid::new_v4(), VISITOR).to_string()).send().await.unwrap();
    assert_eq!(
        (response.status(), problem(response).await.as_str()),
        (StatusCode::FORBIDDEN, "origin-refused")
    );
    let without = stage.browser.get(stage.url(&format!("/orders/{}", Uuid::new_v4()))).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::FORBIDDEN);
    let unknown = stage.get(&format!("/orders/{}", Uuid::new_v4())).await;
    assert_eq!((unknown.status(), problem(unknown).await.as_str()), (StatusCode::NOT_FOUND, "order-unknown"));
    let broken =
        stage.browser.post(stage.url("/orders")).header("Origin", ORIGIN).body("{").send().await.unwrap();
    assert_eq!((broken.status(), problem(broken).await.as_str()), (StatusCode::BAD_REQUEST, "body-invalid"));
    let preflight =
        stage.browser.request(reqwest::Method::OPTIONS, stage.url("/orders")).header("Origin", ORIGIN);
    let allowed = preflight.send().await.unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_hands_its_order_back_and_the_next_goes_on() {
    let mut network =
        Network::start(&[(ANNA, Does::Rings), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
    let site = format!("mode = \"manager_first\"\nring_timeout_s = 5\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{ANNA} rings")).await;
    stage.service.take().unwrap().close(Duration::from_secs(30)).await.unwrap();
    network.sees(&format!("{ANNA} down")).await;
    stage.start().await;
    network.sees(&format!("{ANNA} rings")).await;
    network.sees(&format!("{VISITOR} answered")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_cancelled_at_any_moment_leave_no_telephone_taken() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    for pause in 0..60 {
        let id = Uuid::new_v4();
        stage.order(id).await;
        for _ in 0..pause {
            tokio::task::yield_now().await;
        }
        let cancelled: Value =
            stage.post(&format!("/orders/{id}/cancel"), &json!({})).await.json().await.unwrap();
        assert_eq!(cancelled["state"], "ended");
    }
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} answered")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_appointment_ends_its_stream() {
    let network = Network::start(&[]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let in_ten_minutes = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
    let mut order = body(id, VISITOR);
    order["at"] = in_ten_minutes.to_string().into();
    let accepted: Value = stage.post("/orders", &order).await.json().await.unwrap();
    assert_eq!(accepted["state"], "scheduled");
    let states = tokio::join!(stage.states(id), async {
        stage.post(&format!("/orders/{id}/cancel"), &json!({})).await
    })
    .0;
    assert_eq!(last(&states), ("not_called", "cancelled"));
}
