//! The first page: a whole practice service over HTTP, as a browser on this machine asks it.

use crate::stage::found;
use crate::world::World;
use callback::practice::{self, Practice};
use callback::service::{Service, Setup};
use callback::speech::{Speech, Voice};
use callback::web::Door;
use callback_core::site::Origin;
use callback_core::time::Ts;
use callback_phone::{MediaConfig, PhoneConfig};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::time::Duration;
use uuid::Uuid;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Her telephone is busy, his answers at once with a voicemail.
const BUSY_VISITOR: &str = "+79165550117";
const VOICEMAIL: &str = "+74955550120";

struct Stage {
    _world: World,
    _practice: Practice,
    service: Service,
    browser: Client,
    origin: String,
}

impl Stage {
    async fn new(ports: [RangeInclusive<u16>; 2]) -> Self {
        let world = World::lite();
        let [of_service, of_practice] = ports;
        let media = |ports| MediaConfig { address: LOCAL, advertised: None, ports };
        let practice = Practice::start((LOCAL, 0).into(), media(of_practice)).await.unwrap();
        // The page's address is settled before the service is there.
        let http = TcpListener::bind((LOCAL, 0)).unwrap().local_addr().unwrap();
        let origin = Origin::parse(&format!("http://{http}")).unwrap();
        let store = world.open().await;
        practice::open_site(&store, &origin, Ts(1_000_000)).await.unwrap();
        let setup = Setup {
            store,
            http,
            metrics: None,
            door: Door {
                origin: origin.clone(),
                trusted_proxies: Vec::new(),
                queue: 200,
                countries: Vec::new(),
                caps: None,
            },
            phone: PhoneConfig {
                listen: vec![(LOCAL, 0).into()],
                advertised: None,
                trunks: vec![practice.trunk()],
                private_names: false,
            },
            media: media(of_service),
            regions: None,
            speech: Speech::new(Voice::None, world.folder.path().join("speech")),
            mail: None,
            billing: None,
            payments: None,
            recordings: Some(world.folder.path().join("heard").into()),
        };
        let service = Service::start(setup, practice::web::router).await.unwrap();
        let origin = origin.as_str().to_owned();
        Self { _world: world, _practice: practice, service, browser: Client::new(), origin }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.browser.get(format!("{}{path}", self.origin))
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).send().await.unwrap().json().await.unwrap()
    }

    async fn choose(&self, choice: Value) -> Response {
        let request = self.browser.post(format!("{}/practice/v1/settings", self.origin));
        request.header("origin", &self.origin).json(&choice).send().await.unwrap()
    }

    /// Orders a call, follows it to its end, and waits until it is written.
    async fn call(&self, phone: &str) -> (Uuid, Value) {
        let id = Uuid::new_v4();
        let orders = format!("{}/w/v1/practice/orders", self.origin);
        let body = json!({ "order_id": id, "phone": phone, "country": "RU" });
        let order = self.browser.post(&orders).header("origin", &self.origin).json(&body);
        assert_eq!(order.send().await.unwrap().status(), StatusCode::ACCEPTED);
        let events =
            self.browser.get(format!("{orders}/{id}/events")).header("sec-fetch-site", "same-origin");
        let told = events.send().await.unwrap().text().await.unwrap();
        assert!(told.contains("\"state\":\"ended\""), "{told}");
        let call = found("the call's end", async || {
            let call = self.json(&format!("/practice/v1/calls/{id}")).await;
            (!call["disposition"].is_null()).then_some(call)
        });
        (id, call.await)
    }

    async fn close(self) {
        self.service.close(Duration::from_secs(5)).await.unwrap();
    }
}

fn choice(managers: &[&str]) -> Value {
    json!({
        "managers": managers, "mode": "together", "strategy": "linear", "delay_to_visitor_s": 0, "announce": true
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_can_be_ordered_seen_and_heard() {
    let stage = Stage::new([47_000..=47_039, 47_100..=47_139]).await;
    let chosen = stage.choose(choice(&[VOICEMAIL])).await;
    assert_eq!(chosen.json::<Value>().await.unwrap()["version"], 2);

    let (id, call) = stage.call(BUSY_VISITOR).await;
    assert_eq!((&call["disposition"], &call["reason"]), (&json!("visitor_no_answer"), &json!("busy")));
    assert_eq!((&call["settings_version"], &call["site_key"]), (&json!(2), &json!("practice")));
    let journal = stage.json("/practice/v1/calls").await;
    assert_eq!(journal["calls"][0], call);
    let older = format!("/practice/v1/calls?before={}", journal["before"].as_str().unwrap());
    assert_eq!(stage.json(&older).await, json!({ "calls": [], "before": null }));

    let answered =
        call["lanes"].as_array().unwrap().iter().find(|leg| !leg["answered_ms"].is_null()).unwrap();
    assert_eq!((&answered["lane"], &answered["name"]), (&json!("manager"), &json!("Ольга")));
    let file = format!("/practice/v1/calls/{id}/{}.wav", answered["leg"]);
    let whole = stage.get(&file).send().await.unwrap();
    assert_eq!(
        (whole.status(), whole.headers()["content-type"].as_bytes()),
        (StatusCode::OK, &b"audio/wav"[..])
    );
    let whole = whole.bytes().await.unwrap();
    assert!(whole.starts_with(b"RIFF") && whole.len() > 44, "something was heard");
    let part = stage.get(&file).header("range", "bytes=4-43").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], format!("bytes 4-43/{}", whole.len()));
    assert_eq!(part.bytes().await.unwrap(), whole[4..44]);
    let beyond = stage.get(&file).header("range", "bytes=99999999-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    for wrong in ["99.wav", "1.txt", "..%2f..%2fcallback.db", "1.wav%2f..", "-1.wav"] {
        let answer = stage.get(&format!("/practice/v1/calls/{id}/{wrong}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_whole_strict_and_for_this_machine_alone() {
    let stage = Stage::new([47_200..=47_219, 47_300..=47_319]).await;
    let page = stage.get("/practice/").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let text = page.text().await.unwrap();
    for inline in ["<style", " style=", "<script>", " onclick", "http://", "https://"] {
        assert!(!text.contains(inline), "{inline}");
    }
    let named = text.split('"').filter(|part| part.starts_with("/practice/") || part.starts_with("/design/"));
    let mut files: Vec<String> = named.map(str::to_owned).collect();
    files.extend(["lanes", "told", "strings"].map(|script| format!("/practice/{script}.js")));
    let tokens = stage.get("/design/tokens.css").send().await.unwrap().text().await.unwrap();
    let letters = tokens.split("url(\"").skip(1).filter_map(|rest| rest.split('"').next());
    files.extend(letters.map(|font| format!("/design/{font}")));
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let answer = stage.get(&file).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let tag = answer.headers()["etag"].clone();
        let again = stage.get(&file).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{file}");
    }

    let refused = async |request: RequestBuilder, status: StatusCode| {
        assert_eq!(request.send().await.unwrap().status(), status);
    };
    refused(stage.get("/practice/v1/calls").header("host", "evil.example"), StatusCode::FORBIDDEN).await;
    refused(stage.get("/practice/").header("x-forwarded-for", "192.0.2.7"), StatusCode::NOT_FOUND).await;
    refused(stage.get("/practice/../callback.db"), StatusCode::NOT_FOUND).await;
    let settings = stage.browser.post(format!("{}/practice/v1/settings", stage.origin));
    let stranger = settings.header("origin", "https://evil.example").json(&choice(&[VOICEMAIL]));
    refused(stranger, StatusCode::FORBIDDEN).await;
    let wrong = stage.choose(choice(&["+74951234567"])).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let problem: Value = wrong.json().await.unwrap();
    assert_eq!(problem["detail"], "+74951234567 is no practice number");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_calls_is_there_to_look_around_in_and_each_can_be_replayed() {
    let world = World::lite();
    let store = world.open().await;
    let origin = Origin::parse("http://127.0.0.1:8080").unwrap();
    let now = Ts(1_795_392_000_000_000);
    practice::open_site(&store, &origin, now).await.unwrap();
    practice::open_demo(&store, &origin, now).await.unwrap();
    practice::open_demo(&store, &origin, now).await.unwrap();
    let rows = store.journal(1_000, None).await.unwrap();
    assert_eq!(rows.len(), 84, "the week is told once");
    let ended = |key: &str| {
        rows.iter().filter(|row| row.record.as_ref().unwrap().disposition.keys().0 == key).count()
    };
    assert!(ended("connected") > 40 && ended("manager_no_answer") > 3 && ended("visitor_no_answer") > 1);
    let config = world.folder.path().join("callback.toml");
    std::fs::write(&config, format!("[database]\nurl = \"{}\"\n", world.url)).unwrap();
    for row in rows.iter().step_by(17) {
        let id = row.order.facts.id.to_string();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_callback"));
        let replayed = program.args(["replay", &id, "--config"]).arg(&config).output().unwrap();
        let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
        assert!(replayed.status.success() && said.contains("decides the same"), "{id}: {said}");
    }
    assert!(store.letters(1).await.unwrap()[0].letter.body.contains("practice@callback.example"));
}
