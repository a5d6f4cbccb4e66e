//! Whole calls through the service: an order over HTTP, the store on a disk, SIP between real sockets, telephones
//! that do what their number says. Sound is judged elsewhere, by programs that nobody here wrote.

use crate::world::World;
use callback::service::{Service, Setup};
use callback::settings::SettingsFile;
use callback::speech::{Speech, Voice};
use callback::store::Store;
use callback::web::Door;
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
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ORIGIN: &str = "https://shop.example";
const ANNA: &str = "+74951234501";
const BORIS: &str = "+74951234502";
const VISITOR: &str = "+79161234567";

/// What a telephone does when it is called.
#[derive(Clone, Copy)]
enum Does {
    Answers,
    IsBusy,
    Rings,
    /// Answers, and hangs up when the caller has heard of it.
    AnswersAndLeaves,
}

/// A telephone network whose numbers behave, and what was seen of them.
struct Network {
    proxy: SocketAddr,
    /// `+7… rings`, `+7… answered`, `+7… down`.
    seen: mpsc::UnboundedReceiver<String>,
    hang_up: mpsc::UnboundedSender<String>,
}

impl Network {
    async fn start(numbers: &[(&'static str, Does)]) -> Self {
        let config =
            ExchangeConfig { listen: vec![(LOCAL, 0).into()], advertised: None, callers: vec![LOCAL] };
        let (exchange, mut events, bound) = Exchange::start(config).await.unwrap();
        let numbers: BTreeMap<String, Does> =
            numbers.iter().map(|(number, does)| ((*number).to_owned(), *does)).collect();
        let (tell, seen) = mpsc::unbounded_channel();
        let (hang_up, mut hang_ups) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            let mut calls: BTreeMap<IncomingCall, (String, Does)> = BTreeMap::new();
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Some(ExchangeEvent::Incoming { call, to, .. }) => {
                            let does = numbers.get(&to).copied().unwrap_or(Does::IsBusy);
                            let _ = tell.send(format!("{to} called"));
                            calls.insert(call, (to, does));
                            match does {
                                Does::IsBusy => exchange.reject(call, 486).await,
                                Does::Rings => exchange.ring(call).await,
                                Does::Answers | Does::AnswersAndLeaves => {
                                    exchange.ring(call).await;
                                    exchange.answer(call, (LOCAL, 30_000).into()).await;
                                }
                            }
                        }
                        Some(ExchangeEvent::Answered(call)) => {
                            let (to, does) = &calls[&call];
                            let _ = tell.send(format!("{to} answered"));
                            if matches!(does, Does::AnswersAndLeaves) {
                                exchange.hangup(call).await;
                            }
                        }
                        Some(ExchangeEvent::Media(..)) => {}
                        Some(ExchangeEvent::Ended(call, ..)) => {
                            if let Some((to, _)) = calls.remove(&call) {
                                let _ = tell.send(format!("{to} down"));
                            }
                        }
                        None => return,
                    },
                    Some(number) = hang_ups.recv() => {
                        let call = calls.iter().find(|(_, (to, _))| *to == number).map(|(call, _)| *call);
                        exchange.hangup(call.expect("a call to hang up")).await;
                    }
                }
            }
        });
        Self { proxy: bound[0], seen, hang_up }
    }

    /// Waits until this has been seen; what else is seen meanwhile is forgotten.
    async fn sees(&mut self, what: &str) {
        while self.seen.recv().await.expect("the network is there") != what {}
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
        loop {
            let file = store.call(callback_core::id::OrderId(id)).await.unwrap().unwrap();
            if let Some(record) = file.record {
                return record;
            }
            tokio::task::yield_now().await;
        }
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

fn last(states: &[Value]) -> (&str, &str) {
    let last = states.last().unwrap();
    (last["disposition"].as_str().unwrap(), last["reason"].as_str().unwrap_or("-"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_rings_manager_and_visitor_and_joins_them() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Answers)]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let accepted = stage.order(id).await;
    assert_eq!((&accepted["state"], &accepted["promise_seconds"]), (&json!("accepted"), &json!(29)));
    network.sees(&format!("{ANNA} called")).await;
    network.sees(&format!("{VISITOR} answered")).await;
    // The talk lasts a second and a half by the clock of a talk, not of a test: both hear each other until then.
    let mut stream = stage.get(&format!("/orders/{id}/events")).await.bytes_stream();
    let mut heard = String::new();
    while !heard.contains("\"state\":\"talking\"") {
        heard.push_str(&String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap());
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    network.hang_up.send(ANNA.into()).unwrap();
    network.sees(&format!("{VISITOR} down")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    assert!(record.talk.is_some());
    assert_eq!(last(&stage.states(id).await), ("connected", "-"));
}
