//! Whatever stands in any field of whatever a stranger may send: an answer of ours comes, in words, and the service goes on.

use crate::stage::{ANNA, Network, ORIGIN, Stage, managers};
use crate::world::World;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// What is put into each field.
fn oddities() -> Vec<Value> {
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("\0"),
        json!(" \t\r\n"),
        json!("'; DROP TABLE orders; --"),
        json!("<script>alert(1)</script>"),
        json!("../../etc/passwd"),
        json!("\u{202e}דּ🇷🇺\u{feff}"),
        json!("9".repeat(5_000)),
        json!("2026-02-30T25:61:61Z"),
        json!("+9999-12-31T23:59:59Z"),
        json!("javascript:alert(1)"),
        json!([]),
        json!({}),
        json!({ "a": { "b": ["c", null, 1] } }),
        deep,
    ]
}

/// The pointers (RFC 6901) of all fields, those within others too.
fn fields(body: &Value, at: &str, found: &mut Vec<String>) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let pointer = format!("{at}/{name}");
        fields(value, &pointer, found);
        found.push(pointer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_a_field_is_answered_in_words() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let http = stage.service.as_ref().unwrap().http();
    let visit = json!({
        "page": "https://shop.example/a?b=c", "opened_on": "https://shop.example/", "landing": "https://shop.example/",
        "referrer": "https://www.google.com/", "started_at": "2026-11-27T10:00:00Z", "pages": 2, "active_s": 30,
        "language": "ru", "variables": { "basket": "3" }, "rule": "hot/1", "scenario": "hot"
    });
    let order = json!({
        "order_id": Uuid::new_v4(), "phone": "+79161234567", "country": "RU", "office": null, "at": null,
        "visit": visit, "consent": { "given": true, "text_version": "1" }
    });
    let said = json!({ "event": "shown", "rule": "hot/1", "page": "https://shop.example/" });
    let one = format!("/w/v1/demo/orders/{}", order["order_id"].as_str().unwrap());
    let sent = [
        ("/w/v1/demo/orders".to_owned(), order.clone()),
        (format!("{one}/score"), json!({ "score": 5 })),
        (format!("{one}/cancel"), json!({ "why": 1 })),
        ("/w/v1/demo/events".to_owned(), said.clone()),
        ("/w/v1/demo/trial/1.2.3/orders".to_owned(), order.clone()),
        ("/w/v1/demo/trial/1.2.3/events".to_owned(), said),
        (
            "/pay/v1/practice".to_owned(),
            json!({ "payment": "1", "state": "paid", "currency": "RUB", "amount": 1 }),
        ),
        ("/api/v1/login".to_owned(), json!({ "email": "a@b.example", "password": "p", "code": "1" })),
        (
            "/api/v1/register".to_owned(),
            json!({ "email": "a", "password": "p", "company": "c", "language": "ru" }),
        ),
    ];
    let mut asked = 0_u32;
    let mut post = async |path: &str, body: Vec<u8>| {
        asked += 1;
        // Each from another address: one alone would be told to wait.
        let from = format!("10.7.{}.{}", asked / 250, asked % 250);
        // A connection whose request was not read to its end is good for nothing more.
        let is_long = body.len() > 100_000;
        let browser = if is_long { Client::new() } else { stage.browser.clone() };
        let request = browser.post(format!("http://{http}{path}")).header("Origin", ORIGIN);
        let request = request.header("X-Forwarded-For", from).header("Content-Type", "application/json");
        let response = match request.body(body).send().await {
            Ok(response) => response,
            // Nobody listens to the end of what is refused by its length: the connection may be closed before.
            Err(error) if is_long && error.is_request() => {
                return (StatusCode::PAYLOAD_TOO_LARGE, error.to_string());
            }
            Err(error) => panic!("{path}: {error}"),
        };
        let (status, kind) = (response.status(), response.headers().get("content-type").cloned());
        let text = response.text().await.unwrap();
        if status.is_client_error() {
            let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
            assert_eq!(kind, "application/problem+json", "{path}: {status} {text}");
            let detail = serde_json::from_str::<Value>(&text).unwrap()["detail"].clone();
            assert!(detail.as_str().is_some_and(|detail| detail.len() > 15), "{path}: {text}");
        }
        (status, text)
    };
    for (path, body) in &sent {
        let mut pointers = Vec::new();
        fields(body, "", &mut pointers);
        for pointer in pointers {
            for odd in oddities() {
                let mut body = body.clone();
                *body.pointer_mut(&pointer).unwrap() = odd.clone();
                let (status, text) = post(path, body.to_string().into_bytes()).await;
                assert!(!status.is_server_error(), "{path} {pointer} = {odd}: {status} {text}");
            }
        }
        for nonsense in [vec![b'{'; 3_000], vec![0xff, 0xfe, 0], b"null".to_vec(), Vec::new()] {
            let (status, text) = post(path, nonsense).await;
            assert!(!status.is_server_error(), "{path}: {status} {text}");
        }
        let (status, text) = post(path, vec![b' '; 1_048_576]).await;
        assert!(status.is_client_error() || status.is_success(), "{path}: a megabyte: {status} {text}");
    }
    let (status, text) = post("/w/v1/demo/orders", order.to_string().into_bytes()).await;
    assert!(matches!(status, StatusCode::ACCEPTED | StatusCode::OK), "it goes on: {text}");
    println!("{asked} requests");
    stage.service.take();
}
