//! A browser in the cabinet, and what there is to ask: whatever the API's own document names.

use crate::browser::{Answer, ask, ask_for_events, connect};
use crate::database::everybody_owns_all;
use crate::stage::{HTTP, Service};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A browser that is signed in at the practice company.
#[derive(Debug)]
pub(crate) struct Page {
    stream: TcpStream,
    cookie: String,
    asked: u32,
}

/// What there is at the practice company.
#[derive(Debug)]
pub(crate) struct Company {
    customer: String,
    pub(crate) site: String,
    call: String,
}

impl Page {
    /// Signs in as the service says that whoever looks around does.
    pub(crate) async fn open() -> Result<Self> {
        let mut page = Self { stream: connect(HTTP).await?, cookie: String::new(), asked: 0 };
        let service = page.get("/api/v1/service").await?;
        let answer = page.ask("POST", "/api/v1/login", &service["demo"]).await?;
        page.keep_cookie(&answer)?;
        Ok(page)
    }

    /// Signs in as somebody who owns every company of a service.
    pub(crate) async fn of_all(service: &Service) -> Result<Self> {
        let secret = service.operator("owner@shop.example")?;
        everybody_owns_all(&service.database()).await?;
        let mut page = Self { stream: connect(HTTP).await?, cookie: String::new(), asked: 0 };
        let reset = json!({ "token": secret, "password": "nobody guesses this one" });
        let answer = page.ask("POST", "/api/v1/password/reset", &reset).await?;
        page.keep_cookie(&answer)?;
        Ok(page)
    }

    fn keep_cookie(&mut self, answer: &Answer) -> Result<()> {
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        self.cookie = cookie.with_context(|| format!("a cookie: {}", answer.body))?.to_owned();
        Ok(())
    }

    /// The numbers of its companies.
    pub(crate) async fn companies(&mut self) -> Result<Vec<String>> {
        let me = self.get("/api/v1/me").await?;
        let companies = me["memberships"].as_array().context("companies")?;
        Ok(companies.iter().filter_map(|one| one["number"].as_str().map(str::to_owned)).collect())
    }

    /// Watches a company's calls until it is dropped, and counts what it is told.
    pub(crate) async fn watch(
        &mut self,
        company: &str,
        told: Arc<AtomicU64>,
    ) -> Result<impl Future<Output = ()> + use<>> {
        let request = self.request("GET", &format!("/api/v1/customers/{company}/calls/events"), &Value::Null);
        let mut stream = connect(HTTP).await?;
        let answer = ask_for_events(&mut stream, &request).await?;
        if answer.status != 200 {
            bail!("{company} is not to be watched: {}", answer.status);
        }
        Ok(async move {
            let mut said = vec![0; 16_384];
            while let Ok(length @ 1..) = stream.read(&mut said).await {
                // An event is written at once, and its name stands in nothing else.
                let events = said[..length].windows(12).filter(|part| part == b"event: call\n").count();
                told.fetch_add(events as u64, Ordering::Relaxed);
            }
        })
    }

    /// What it sees of its company; its own settings are published once, so that they have a version too.
    pub(crate) async fn look_around(&mut self) -> Result<Company> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        let me = self.get("/api/v1/me").await?;
        let customer = text(&me["memberships"][0]["number"])?;
        let path = format!("/api/v1/customers/{customer}");
        let draft = self.get(&format!("{path}/draft")).await?;
        let edit = json!({ "revision": draft["revision"], "set": { "name": "Practice makes perfect" } });
        let edited = self.ask("PATCH", &format!("{path}/draft"), &edit).await?;
        let edited: Value = serde_json::from_str(&edited.body)?;
        let published = json!({ "revision": edited["revision"] });
        let published = self.ask("POST", &format!("{path}/publish"), &published).await?;
        if published.status != 200 {
            bail!("the company's settings cannot be published: {}", published.body);
        }
        let site = text(&self.get(&path).await?["sites"][0]["key"])?;
        let call = text(&self.get(&format!("{path}/calls")).await?["calls"][0]["id"])?;
        Ok(Company { customer, site, call })
    }

    /// Asks for JSON that must be there.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Value> {
        let answer = self.ask("GET", path, &Value::Null).await?;
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.body);
        }
        Ok(serde_json::from_str(&answer.body)?)
    }

    /// Asks over its kept connection, each time from another address: the bound of one address is not what is measured.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let request = self.request(method, path, body);
        ask(&mut self.stream, &request).await
    }

    /// Asks for a stream, over a connection of its own; the answer is there when the stream begins.
    pub(crate) async fn begin_stream(&mut self, path: &str) -> Result<Answer> {
        let request = self.request("GET", path, &Value::Null);
        ask_for_events(&mut connect(HTTP).await?, &request).await
    }

    fn request(&mut self, method: &str, path: &str, body: &Value) -> String {
        self.asked += 1;
        let cookie = &self.cookie;
        request(method, path, body, 0x00f0_0000 + self.asked, &format!("Cookie: {cookie}\r\n"))
    }
}

/// A request from the address of this number.
pub(crate) fn request(method: &str, path: &str, body: &Value, from: u32, more: &str) -> String {
    let [_, a, b, c] = from.to_be_bytes();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {HTTP}\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\n{more}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Company {
    /// Everything that can be read, by the API's document: its path there, and as it is asked for here.
    pub(crate) fn reads(&self, document: &Value) -> Result<Vec<(String, String)>> {
        let paths = document["paths"].as_object().context("the document's paths")?;
        // Files are made while they are sent, however long they are.
        let is_file = |path: &str| path.ends_with(".csv") || path.ends_with(".xlsx");
        let read = paths.iter().filter(|(path, kinds)| !kinds["get"].is_null() && !is_file(path));
        read.map(|(path, _)| {
            let asked = path
                .replace("{customer}", &self.customer)
                .replace("{site}", &self.site)
                .replace("{call}", &self.call)
                .replace("{version}", "1")
                .replace("{country}/{year}", "RU/2027")
                .replace("{token}", "somebody-elses-secret");
            if asked.contains('{') {
                bail!("{path}: a part that this benchmark does not know");
            }
            Ok((path.trim_start_matches("/api/v1").to_owned(), asked))
        })
        .collect()
    }
}
