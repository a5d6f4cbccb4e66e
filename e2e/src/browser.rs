//! A visitor's browser: the order API and its stream of states.

use crate::PATIENCE;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

/// The page that orders come from.
pub const ORIGIN: &str = "https://shop.example";

/// A browser with one order.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    base: String,
    order: Uuid,
    stream: Option<Response>,
    text: String,
    seen: Vec<Value>,
}

/// Asks once for a callback, with this id; the status of the answer, if there is any.
pub async fn orders(base: &str, order: Uuid, phone: &str) -> Option<u16> {
    ask(&Client::new(), base, order, phone).await.ok().map(|response| response.status().as_u16())
}

/// The same, for the whole answer.
///
/// # Errors
/// There is none.
pub async fn ask(client: &Client, base: &str, order: Uuid, phone: &str) -> reqwest::Result<Response> {
    let visit = json!({ "page": format!("{ORIGIN}/") });
    let body = json!({ "order_id": order, "phone": phone, "country": "RU", "visit": visit });
    client.post(format!("{base}/orders")).header("Origin", ORIGIN).body(body.to_string()).send().await
}

/// What is said to somebody whose order is not taken.
#[derive(Debug)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// When he may try again, in seconds.
    pub retry_after: Option<u64>,
    /// The body: problem details by RFC 9457.
    pub problem: Value,
}

/// An order that is to be refused.
///
/// # Panics
/// When it is taken, or nothing is answered.
pub async fn is_refused(base: &str, order: Uuid, phone: &str) -> Refusal {
    let answer = ask(&Client::new(), base, order, phone).await.expect("an answer");
    let status = answer.status().as_u16();
    assert!(status >= 400, "the order is taken: {:?}", answer.text().await);
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header("content-type").as_deref(), Some("application/problem+json"), "status {status}");
    let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
    Refusal { status, retry_after, problem: answer.json().await.expect("JSON") }
}

impl Browser {
    /// Orders a callback to this number, and watches what becomes of it.
    ///
    /// # Panics
    /// When the order is not taken.
    pub async fn order(base: String, phone: &str) -> Self {
        let (client, order) = (Client::new(), Uuid::new_v4());
        let response = ask(&client, &base, order, phone).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{:?}", response.text().await);
        let mut browser = Self { client, base, order, stream: None, text: String::new(), seen: Vec::new() };
        browser.watch().await;
        browser
    }

    /// The order's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.order
    }

    /// Opens the stream of states, anew after the service was away.
    ///
    /// # Panics
    /// When there is no stream.
    pub async fn watch(&mut self) {
        let url = format!("{}/orders/{}/events", self.base, self.order);
        let response = self.client.get(url).header("Origin", ORIGIN).send().await.expect("a stream");
        assert_eq!(response.status(), StatusCode::OK);
        self.text.clear();
        self.stream = Some(response);
    }

    /// Waits until the order is in this state; what it was before is passed over.
    ///
    /// # Panics
    /// When the stream ends before, or it takes too long.
    pub async fn sees(&mut self, state: &str) -> Value {
        self.sees_that(|status| status["state"] == state).await
    }

    /// Waits for a status that fits.
    ///
    /// # Panics
    /// When the stream ends before, or it takes too long.
    pub async fn sees_that(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(PATIENCE, async {
            while let Some(status) = self.next().await {
                self.seen.push(status.clone());
                if fits(&status) {
                    return Some(status);
                }
            }
            None
        });
        found
            .await
            .ok()
            .flatten()
            .unwrap_or_else(|| panic!("the order came to no such state: {:#?}", self.seen))
    }

    /// Cancels the order; what is answered.
    ///
    /// # Panics
    /// When nothing sensible is answered.
    pub async fn cancels(&self) -> Value {
        let url = format!("{}/orders/{}/cancel", self.base, self.order);
        let request = self.client.post(url).header("Origin", ORIGIN).body("{}");
        request.send().await.expect("an answer").json().await.expect("a status")
    }

    /// The states that were seen, in order, each once.
    #[must_use]
    pub fn states(&self) -> Vec<&str> {
        let mut states: Vec<&str> = self.seen.iter().filter_map(|status| status["state"].as_str()).collect();
        states.dedup();
        states
    }

    /// The next status of the stream; none at its end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.text = rest.to_owned();
                match data {
                    Some(data) => return serde_json::from_str(&data).ok(),
                    None => continue,
                }
            }
            let chunk = self.stream.as_mut()?.chunk().await.ok()??;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}
