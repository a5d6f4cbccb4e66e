//! The cabinet over HTTP: people who sign in, and what each of them may do.

mod accounts;
mod calls;
mod money;
mod notices;
mod settings;
mod statistics;
mod team;
mod tenants;
mod visitors;

use crate::stage::{Network, Stage};
use crate::world::World;
use axum::body::Bytes;
use futures_util::Stream;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "три весёлых гуся";

/// A browser of somebody, with its cookie.
pub(crate) struct Browser {
    base: String,
    cookie: Option<String>,
    /// Where it asks from, where that is not here.
    address: Option<String>,
}

/// An answer that was read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// It went well: its body.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    /// It was refused: the last word of the problem's type.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert!(
            self.body["detail"].as_str().is_some_and(|text| text.len() > 10),
            "{}: {}",
            self.status,
            self.body
        );
        assert_eq!(self.body["status"], self.status.as_u16());
        self.body["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    /// Fields were refused: `field code`, one after the other.
    #[track_caller]
    pub(crate) fn fields(&self) -> String {
        assert_eq!(self.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", self.body);
        let problems = self.body["problems"].as_array().unwrap().iter();
        let told = problems
            .map(|one| format!("{} {}", one["field"].as_str().unwrap(), one["code"].as_str().unwrap()));
        told.collect::<Vec<_>>().join(", ")
    }
}

impl Browser {
    pub(crate) fn of(stage: &Stage) -> Self {
        Self {
            base: format!("http://{}", stage.service.as_ref().unwrap().http()),
            cookie: None,
            address: None,
        }
    }

    /// The service was started again.
    pub(crate) fn moved(&mut self, stage: &Stage) {
        self.base = format!("http://{}", stage.service.as_ref().unwrap().http());
    }

    /// The same browser, elsewhere.
    pub(crate) fn at(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path);
        self.read(if method == "GET" { request } else { request.json(&body) }).await
    }

    /// How something is answered; its body may never end.
    pub(crate) async fn status(&self, method: &str, path: &str, body: Value) -> StatusCode {
        let method = method.to_uppercase();
        let request = self.request(&method, path);
        let request = if method == "GET" { request } else { request.json(&body) };
        request.send().await.unwrap().status()
    }

    /// Sends a sound in.
    pub(crate) async fn send_wav(&mut self, path: &str, wav: Vec<u8>) -> Answer {
        self.read(self.request("POST", path).header("content-type", "audio/wav").body(wav)).await
    }

    /// The same browser, at another node.
    pub(crate) fn on(&self, stage: &Stage) -> Self {
        Self { cookie: self.cookie.clone(), ..Self::of(stage) }
    }

    /// An answer that does not end.
    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> impl Stream<Item = reqwest::Result<Bytes>> + Unpin + use<> {
        let response = self.request("GET", path).send().await.unwrap();
        Box::pin(response.error_for_status().unwrap().bytes_stream())
    }

    /// What is no JSON.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.request("GET", path).send().await.unwrap();
        response.error_for_status().unwrap().bytes().await.unwrap().into()
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest::Client::new().request(method, format!("{}/api/v1{path}", self.base));
        let headers = [("cookie", self.cookie.as_deref()), ("x-forwarded-for", self.address.as_deref())];
        headers.into_iter().fold(request, |request, (name, value)| match value {
            Some(value) => request.header(name, value),
            None => request,
        })
    }

    async fn read(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
            let pair = cookie.split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        let status = response.status();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, body }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, body).await
    }

    /// A browser that signs in.
    pub(crate) async fn login(stage: &Stage, email: &str, password: &str) -> Self {
        let mut browser = Self::of(stage);
        browser.post("/login", json!({ "email": email, "password": password })).await.ok();
        browser
    }

    /// A company that registers and confirms; its number.
    pub(crate) async fn register(stage: &Stage, company: &str, email: &str) -> (Self, String) {
        let mut browser = Self::of(stage);
        browser.post("/register", registration(company, email)).await.ok();
        let token = token_to(stage, email).await;
        let me = browser.post("/confirm", json!({ "token": token, "password": PASSWORD })).await.ok();
        let number = me["memberships"][0]["number"].as_str().unwrap().to_owned();
        (browser, number)
    }
}

pub(crate) fn registration(company: &str, email: &str) -> Value {
    json!({
        "company": company, "email": email, "password": PASSWORD,
        "country": "RU", "time_zone": "Europe/Moscow", "language": "ru",
    })
}

/// A service with a company of the operator's, whose site is `demo`.
pub(crate) async fn stage(world: World, network: &Network) -> Stage {
    Stage::new(world, network, "").await
}

/// The newest letter to somebody: its subject and text.
pub(crate) async fn letter_to(stage: &Stage, email: &str) -> (String, String) {
    let store = stage.world.open().await;
    let letters = store.letters(50).await.unwrap();
    let row = letters.into_iter().find(|row| row.letter.email == email).expect("a letter");
    (row.letter.subject, row.letter.body)
}

/// The secret of the link in that letter.
pub(crate) async fn token_to(stage: &Stage, email: &str) -> String {
    let (_, body) = letter_to(stage, email).await;
    let (_, rest) = body.split_once("token=").expect("a link");
    rest.lines().next().unwrap().to_owned()
}
