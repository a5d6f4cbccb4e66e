//! A stage for whole calls: a service with a site, a telephone network whose numbers behave, and a browser.

use crate::world::World;
use callback::config::{Billing, Mail};
use callback::payments::Payments;
use callback::practice::till::{self, Till};
use callback::service::{Service, Setup};
use callback::settings::SettingsFile;
use callback::speech::{Speech, Voice};
use callback::store::{AddressCaps, Store};
use callback::web::Door;
use callback_core::billing::WhenOut;
use callback_core::number::Country;
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
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Far more than anything here takes; who waits longer waits in vain.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ORIGIN: &str = "https://shop.example";
pub(crate) const ANNA: &str = "+74951234501";
pub(crate) const BORIS: &str = "+74951234502";
pub(crate) const VERA: &str = "+74951234503";
pub(crate) const VISITOR: &str = "+79161234567";

/// What a telephone does when it is called.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Answers,
    IsBusy,
    Rings,
    /// Answers, talks for so many milliseconds, and hangs up.
    Talks(u64),
    Declines,
}

/// A telephone network whose numbers behave, and what was seen of them.
pub(crate) struct Network {
    pub(crate) proxy: SocketAddr,
    /// `+7… rings`, `+7… answered`, `+7… down`.
    pub(crate) seen: mpsc::UnboundedReceiver<String>,
    numbers: Arc<Mutex<BTreeMap<String, Does>>>,
}

impl Network {
    pub(crate) async fn start(numbers: &[(&'static str, Does)]) -> Self {
        let config =
            ExchangeConfig { listen: vec![(LOCAL, 0).into()], advertised: None, callers: vec![LOCAL] };
        let (exchange, mut events, bound) = Exchange::start(config).await.unwrap();
        let numbers = numbers.iter().map(|(number, does)| ((*number).to_owned(), *does)).collect();
        let numbers: Arc<Mutex<BTreeMap<String, Does>>> = Arc::new(Mutex::new(numbers));
        let behave = numbers.clone();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut calls: BTreeMap<IncomingCall, (String, Does)> = BTreeMap::new();
            loop {
                match events.recv().await {
                    Some(ExchangeEvent::Incoming { call, to, .. }) => {
                        let does = behave.lock().unwrap().get(&to).copied().unwrap_or(Does::IsBusy);
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
        Self { proxy: bound[0], seen, numbers }
    }

    /// From the next call on, a number behaves so.
    pub(crate) fn does(&self, number: &str, does: Does) {
        self.numbers.lock().unwrap().insert(number.to_owned(), does);
    }

    /// Waits until all of these have been seen, in any order.
    pub(crate) async fn sees_all(&mut self, what: &[&str]) {
        let mut left = what.to_vec();
        while !left.is_empty() {
            let seen = tokio::time::timeout(LIMIT, self.seen.recv()).await;
            let seen = seen.unwrap_or_else(|_| panic!("not seen: {left:?}")).expect("the network is there");
            left.retain(|one| *one != seen);
        }
    }

    /// Waits until this has been seen; what else is seen meanwhile is forgotten.
    pub(crate) async fn sees(&mut self, what: &str) {
        self.sees_all(&[what]).await;
    }
}

/// A service with one site, and a browser on it.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) service: Option<Service>,
    pub(crate) browser: Client,
    pub(crate) proxy: SocketAddr,
    pub(crate) settings: String,
    pub(crate) caps: Option<AddressCaps>,
    /// How many orders may wait.
    pub(crate) queue: u32,
    /// The countries that the operator has called.
    pub(crate) countries: Vec<Country>,
    /// Whether the telephones are the service's own, and what they hear is told.
    pub(crate) practice: bool,
    /// The way of letters.
    pub(crate) mail: Option<Mail>,
    /// How calls are charged.
    pub(crate) billing: Option<Billing>,
    /// Where customers pay, and how long after that somebody looks for a payment.
    pub(crate) till: Option<Till>,
    pub(crate) first_look: Duration,
}

impl Stage {
    pub(crate) async fn new(world: World, network: &Network, site: &str) -> Self {
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
        Self::of(world, network, settings, None).await
    }

    /// With these settings, held to these caps; addresses are believed as the browser names them.
    pub(crate) async fn of(
        world: World,
        network: &Network,
        settings: String,
        caps: Option<AddressCaps>,
    ) -> Self {
        let browser = Client::new();
        let mut stage = Self {
            world,
            service: None,
            browser,
            proxy: network.proxy,
            settings,
            caps,
            queue: 200,
            countries: Vec::new(),
            practice: false,
            mail: None,
            billing: None,
            till: None,
            first_look: Duration::from_secs(600),
        };
        stage.start().await;
        stage
    }

    pub(crate) async fn start(&mut self) {
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
                trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
                queue: self.queue,
                countries: self.countries.clone(),
                caps: self.caps,
            },
            phone: PhoneConfig {
                listen: vec![(LOCAL, 0).into()],
                advertised: None,
                trunks: vec![trunk],
                private_names: false,
            },
            media: MediaConfig { address: LOCAL, advertised: None, ports: from..=from + 198 },
            regions: None,
            speech: Speech::new(
                if self.practice { Voice::EspeakNg } else { Voice::None },
                self.world.folder.path().join("speech"),
            ),
            mail: self.mail.clone(),
            billing: self.billing.clone(),
            payments: self.till.clone().map(|till| Payments::practice(till, self.first_look)),
            recordings: self.practice.then(|| self.world.folder.path().join("heard").into()),
        };
        let till = self.till.clone();
        let more = |app| till.map_or_else(axum::Router::new, |till| till::router(till, app));
        self.service = Some(Service::start(setup, more).await.unwrap());
    }

    /// The service begins anew, and charges calls in roubles.
    pub(crate) async fn charge(&mut self) {
        self.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        self.billing = Some(Billing {
            currency: "RUB".parse().unwrap(),
            time_zone: "Europe/Moscow".to_owned(),
            when_out: WhenOut::Finish,
            warn: Duration::from_secs(60),
            dearest_minute: None,
        });
        self.start().await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/w/v1/demo{path}", self.service.as_ref().unwrap().http())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.browser.post(self.url(path)).header("Origin", ORIGIN);
        request.body(body.to_string()).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.browser.get(self.url(path)).header("Origin", ORIGIN).send().await.unwrap()
    }

    pub(crate) async fn order(&self, id: Uuid) -> Value {
        let response = self.post("/orders", &body(id, VISITOR)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        response.json().await.unwrap()
    }

    /// All states that a browser on this order sees, until the last.
    pub(crate) async fn states(&self, id: Uuid) -> Vec<Value> {
        let stream = self.get(&format!("/orders/{id}/events")).await.bytes_stream();
        let text: Vec<_> = stream.map(|chunk| chunk.unwrap().to_vec()).collect().await;
        let text = String::from_utf8(text.concat()).unwrap();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The store's record, once the call is over.
    pub(crate) async fn record(&self, id: Uuid) -> callback_core::record::CallRecord {
        let store = Store::open(&self.world.url).await.unwrap();
        let order = callback_core::id::OrderId(id);
        let record = async || store.call(order).await.unwrap().unwrap().record;
        let record = found("the call's record", record).await;
        self.program_agrees(id, record.disposition.keys().0);
        record
    }
}

impl Stage {
    /// `callback replay` decides the same, and `callback explain` tells the end.
    pub(crate) fn program_agrees(&self, id: Uuid, disposition: &str) {
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

/// What a look finds at last that nobody tells when it comes. Between two looks the machine is others': whoever looks
/// all the time takes a core of theirs, and then nothing is written for seconds.
///
/// # Panics
/// When it does not come.
pub(crate) async fn found<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looks = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, looks).await.unwrap_or_else(|_| panic!("not found: {what}"))
}

pub(crate) fn body(id: Uuid, phone: &str) -> Value {
    json!({ "order_id": id, "phone": phone, "country": "RU", "visit": { "page": "https://shop.example/" } })
}

pub(crate) fn managers(numbers: &[&str]) -> String {
    let each = |number: &&str| {
        format!("[[customer.site.manager]]\nname = \"M\"\naddress = \"{number}\"\naccept_key = false\n")
    };
    numbers.iter().map(each).collect()
}

/// The last word of a problem's type.
pub(crate) async fn problem(response: Response) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert!(problem["detail"].as_str().is_some_and(|text| text.len() > 20), "{problem}");
    problem["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

pub(crate) fn last(states: &[Value]) -> (&str, &str) {
    let last = states.last().unwrap();
    (last["disposition"].as_str().unwrap(), last["reason"].as_str().unwrap_or("-"))
}
