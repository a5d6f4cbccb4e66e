//! The practice till: a payment provider that takes no money, so that whoever tries the service sees how a payment comes,
//! fails, goes back, and what becomes of one whose notice is lost. For the service it is a provider like any other: what it
//! says, it says over HTTP, and signed.

use super::web::neighbours_only;
use crate::clock::wall_now;
use crate::html::escaped;
use crate::payments::{Made, NOTICES, Notice, SIGNATURE, Signer, Standing};
use crate::store::Payment;
use crate::web::{App, Asked, Problem, plain_page};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use callback_core::money::{Currency, Micros};
use callback_core::site::Language;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Payments that are remembered; beyond them the oldest are forgotten.
const MOST: usize = 1_000;
/// How often a notice is sent that nobody takes, and how long after each other.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_secs(2);
const PAGE: &str = include_str!("../../../../web/plain/till.html");

/// The till; clones are the same.
#[derive(Clone)]
pub struct Till(Arc<Inner>);

struct Inner {
    signer: Signer,
    /// Where the service hears notices.
    notices: OnceLock<String>,
    /// The oldest first: ids grow with time.
    bills: Mutex<BTreeMap<Uuid, Bill>>,
}

/// A payment that is asked for here.
#[derive(Clone)]
struct Bill {
    currency: Currency,
    amount: Micros,
    back: String,
    standing: Standing,
    /// For which payment of the service.
    of: Uuid,
}

impl Till {
    /// With the secret by which its notices are known.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let (notices, bills) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner { signer: Signer::new(secret), notices, bills }))
    }

    /// Sends notices there.
    pub(crate) fn tells(&self, http: SocketAddr) {
        let ip = if http.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { http.ip() };
        let at = SocketAddr::new(ip, http.port());
        let _again = self.0.notices.set(format!("http://{at}{NOTICES}/practice"));
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// Takes a payment in; the same one, where it was asked for before.
    pub(crate) fn ask(&self, payment: &Payment, back: &str) -> Made {
        let mut bills = self.bills();
        let known = bills.iter().find(|(_, bill)| bill.of == payment.id).map(|(id, _)| *id);
        let id = known.unwrap_or_else(Uuid::now_v7);
        let Payment { currency, amount, .. } = *payment;
        let new =
            || Bill { currency, amount, back: back.to_owned(), standing: Standing::Waiting, of: payment.id };
        bills.entry(id).or_insert_with(new);
        while bills.len() > MOST {
            bills.pop_first();
        }
        Made { id: id.to_string(), url: format!("/practice/pay/{id}") }
    }

    /// How far a payment is; one that was forgotten does not come.
    pub(crate) fn standing(&self, id: &str) -> Standing {
        let id = Uuid::parse_str(id).ok();
        let standing = id.and_then(|id| self.bills().get(&id).map(|bill| bill.standing));
        standing.unwrap_or(Standing::Failed)
    }

    /// Something is done with a payment, where it can be: where to go then.
    fn turn(&self, id: Uuid, deed: Deed) -> Option<String> {
        let mut bills = self.bills();
        let bill = bills.get_mut(&id)?;
        let Bill { currency, amount, .. } = *bill;
        let next = match (deed, bill.standing) {
            (Deed::Pay | Deed::PayUnheard, Standing::Waiting) => Standing::Paid { currency, amount },
            (Deed::Fail, Standing::Waiting) => Standing::Failed,
            (Deed::Refund, Standing::Paid { .. }) => {
                Standing::Refunded { refund: Uuid::now_v7(), currency, amount }
            }
            (Deed::Pay | Deed::PayUnheard | Deed::Fail | Deed::Refund, _) => return Some(bill.back.clone()),
        };
        bill.standing = next;
        let (back, notice) = (bill.back.clone(), Notice { payment: id.to_string(), standing: next });
        drop(bills);
        if deed != Deed::PayUnheard {
            tokio::spawn(tell(self.clone(), notice));
        }
        Some(back)
    }

    fn bills(&self) -> MutexGuard<'_, BTreeMap<Uuid, Bill>> {
        self.0.bills.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody does at the till.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Pay,
    /// And the notice is lost.
    PayUnheard,
    Fail,
    Refund,
}

/// Sends a notice until it is taken.
async fn tell(till: Till, notice: Notice) {
    let (Some(url), Ok(body)) = (till.0.notices.get(), serde_json::to_vec(&notice)) else { return };
    let client = reqwest::Client::new();
    for _ in 0..TRIES {
        let signature = till.0.signer.sign(&body, wall_now());
        let sent = client.post(url).header(SIGNATURE, signature).body(body.clone()).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return,
            Err(error) => tracing::warn!(%error, "a notice of the practice till is not taken"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The routes of the till's page.
pub fn router(till: Till, app: App) -> Router {
    Router::new()
        .route("/practice/pay/{id}", get(show))
        .route("/practice/pay/{id}/{deed}", post(turn))
        .layer(from_fn_with_state(app, neighbours_only))
        .with_state(till)
}

async fn turn(
    State(till): State<Till>,
    Path((id, deed)): Path<(Uuid, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Another page may not pay in its visitors' name (Fetch metadata).
    let is_foreign =
        headers.get("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none");
    if is_foreign {
        return Err(Problem::OriginRefused);
    }
    let deed = match deed.as_str() {
        "pay" => Deed::Pay,
        "pay-unheard" => Deed::PayUnheard,
        "fail" => Deed::Fail,
        "refund" => Deed::Refund,
        _ => return Err(Problem::NotFound),
    };
    let back = till.turn(id, deed).ok_or(Problem::NotFound)?;
    Ok(Redirect::to(&back).into_response())
}

/// The words of the page.
struct Words {
    language: &'static str,
    title: &'static str,
    waits: &'static str,
    paid: &'static str,
    failed: &'static str,
    refunded: &'static str,
    pay: &'static str,
    pay_unheard: &'static str,
    fail: &'static str,
    refund: &'static str,
    leave: &'static str,
}

const RU: Words = Words {
    language: "ru",
    title: "Учебная касса",
    waits: "Здесь не платят: касса учебная. Выберите, чем кончится платёж.",
    paid: "Оплачено. Учебная касса может вернуть эти деньги: они уйдут с баланса.",
    failed: "Этот платёж не прошёл.",
    refunded: "Деньги возвращены.",
    pay: "Оплатить {amount}",
    pay_unheard: "Оплатить, но извещение потерять",
    fail: "Платёж не прошёл",
    refund: "Вернуть {amount}",
    leave: "К балансу",
};

const EN: Words = Words {
    language: "en",
    title: "Practice till",
    waits: "Nobody pays here: the till is for practice. Choose how the payment ends.",
    paid: "Paid. The practice till can give this money back: it leaves the balance then.",
    failed: "This payment has failed.",
    refunded: "The money was given back.",
    pay: "Pay {amount}",
    pay_unheard: "Pay, but lose the notice",
    fail: "Fail the payment",
    refund: "Give {amount} back",
    leave: "Back to the balance",
};

async fn show(
    State(till): State<Till>,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bill = till.bills().get(&id).cloned().ok_or(Problem::NotFound)?;
    let words = match asked.language(&headers) {
        Language::Ru => RU,
        Language::En => EN,
    };
    let amount = escaped(&bill.amount.shown(bill.currency));
    let form = |deed: &str, words: &str, class: &str| {
        let words = words.replace("{amount}", &amount);
        let begin = format!("<form method=\"post\" action=\"/practice/pay/{id}/{deed}\">");
        format!("{begin}<button{class}>{words}</button></form>")
    };
    let second = " class=\"second\"";
    let (said, forms) = match bill.standing {
        Standing::Waiting => {
            let pay = form("pay", words.pay, "");
            let unheard = form("pay-unheard", words.pay_unheard, second);
            (words.waits, [pay, unheard, form("fail", words.fail, second)].concat())
        }
        Standing::Paid { .. } => (words.paid, form("refund", words.refund, second)),
        Standing::Failed => (words.failed, String::new()),
        Standing::Refunded { .. } => (words.refunded, String::new()),
    };
    let html = PAGE
        .replace("{language}", words.language)
        .replace("{title}", words.title)
        .replace("{said}", said)
        .replace("{forms}", &forms)
        .replace("{leave}", words.leave)
        .replace("{back}", &escaped(&bill.back));
    Ok(plain_page(StatusCode::OK, html))
}
