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

impl Browser {
    /// Orders a callback to this number, and watches what becomes of it.
    ///
    /// # Panics
    /// When the order is not taken.
    pub async fn order(base: String, phone: &str) -> Self {
        let (client, order) = (Client::new(), Uuid::new_v4());
        let visit = json!({ "page": format!("{ORIGIN}/") });
        let body = json!({ "order_id": order, "phone": phone, "country": "RU", "visit": visit });
        let request = client.post(format!("{base}/orders")).header("Origin", ORIGIN);
        let response = request.body(body.to_string()).send().await.expect("an answer");
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
