//! Payments by way of a provider: whatever becomes of its notices, what was paid is credited once.

use crate::cabinet::Browser;
use crate::stage::{Network, Stage, found};
use crate::world::{World, on_both};
use callback::ids::CustomerId;
use callback::practice::till::Till;
use callback::store::Store;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const SECRET: &str = "the till's";

/// A stage where customers pay at the practice till, and the company that does.
struct Paying {
    stage: Stage,
    store: Store,
    customer: CustomerId,
    owner: Browser,
    number: String,
}

impl Paying {
    /// Payments are looked for so long after they were asked for.
    async fn open(world: World, first_look: Duration) -> Self {
        let network = Network::start(&[]).await;
        let mut stage = crate::cabinet::stage(world, &network).await;
        (stage.till, stage.first_look) = (Some(Till::new(SECRET.as_bytes())), first_look);
        stage.charge().await;
        let (owner, number) = Browser::register(&stage, "Ромашка", "owner@romashka.example").await;
        let store = stage.world.open().await;
        let customer = store.customer_named(&number).await.unwrap().unwrap();
        Self { stage, store, customer, owner, number }
    }

    fn base(&self) -> String {
        format!("http://{}", self.stage.service.as_ref().unwrap().http())
    }

    /// Asks for a payment; what the provider calls it.
    async fn asks(&mut self, payment: Uuid, amount: &str) -> String {
        let path = format!("/customers/{}/payments", self.number);
        let asked = self.owner.post(&path, json!({ "payment": payment, "amount": amount })).await.ok();
        let url = asked["url"].as_str().unwrap();
        url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned()
    }

    /// Somebody does something at the till's page.
    async fn does(&self, bill: &str, deed: &str) {
        let url = format!("{}/practice/pay/{bill}/{deed}", self.base());
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        // The page is served for the service's own address.
        let done = client.post(url).header("host", "127.0.0.1").send().await.unwrap();
        assert_eq!(done.status(), StatusCode::SEE_OTHER);
        let back = done.headers()["location"].to_str().unwrap();
        assert!(back.contains("/balance?payment="), "{back}");
    }

    /// A notice arrives, signed with a secret so long ago.
    async fn hears(&self, secret: &str, ago_s: i64, notice: &Value) -> StatusCode {
        let body = notice.to_string();
        let seconds = jiff::Timestamp::now().as_second() - ago_s;
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{body}").as_bytes());
        let signed: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = Client::new().post(format!("{}/pay/v1/practice", self.base()));
        let request = request.header("callback-signature", format!("t={seconds},v1={signed}"));
        request.body(body).send().await.unwrap().status()
    }

    async fn state(&mut self, payment: Uuid) -> String {
        let all = self.owner.get(&format!("/customers/{}/payments", self.number)).await.ok();
        let all = all.as_array().unwrap();
        let one = all.iter().find(|one| one["payment"] == payment.to_string()).unwrap();
        one["state"].as_str().unwrap().to_owned()
    }

    async fn balance(&self) -> i64 {
        let purse = self.store.purse(self.customer, "RUB".parse().unwrap()).await.unwrap();
        purse.balance.posted.0
    }

    async fn has(&self, balance: i64) {
        found("the balance", async || (self.balance().await == balance).then_some(())).await;
        assert_eq!(self.store.check_ledger().await.unwrap().wrong, vec![]);
    }
}

fn paid(bill: &str, amount: i64) -> Value {
    json!({ "payment": bill, "state": "paid", "currency": "RUB", "amount": amount })
}

#[test]
fn what_is_paid_at_the_till_comes_by_its_notice_and_goes_back_by_one() {
    on_both(async |world| {
        let mut till = Paying::open(world, Duration::from_secs(600)).await;
        let payment = Uuid::new_v4();
        let bill = till.asks(payment, "1500.50").await;
        assert_eq!(till.asks(payment, "1500.50").await, bill, "asked for twice, it is one");
        let other = json!({ "payment": payment, "amount": "1" });
        let path = format!("/customers/{}/payments", till.number);
        assert_eq!(till.owner.post(&path, other).await.problem(), "payment-conflict");
        let wrong = json!({ "payment": Uuid::new_v4(), "amount": "0.5" });
        assert_eq!(till.owner.post(&path, wrong).await.fields(), "amount amount_range");
        assert_eq!((till.state(payment).await.as_str(), till.balance().await), ("waiting", 0));
        till.does(&bill, "pay").await;
        till.has(1_500_500_000).await;
        assert_eq!(till.state(payment).await, "paid");
        till.does(&bill, "pay").await;
        till.does(&bill, "refund").await;
        till.has(0).await;
        let statement = till.owner.get(&format!("/customers/{}/statement", till.number)).await.ok();
        let lines = statement["lines"].as_array().unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| ["what", "provider", "amount", "balance"].map(|name| line[name].clone()))
            .collect();
        let provider = json!("practice");
        assert_eq!(
            told,
            [
                [json!("refund"), provider.clone(), json!("-1500.500000"), json!("0.000000")],
                [json!("top_up"), provider, json!("1500.500000"), json!("1500.500000")],
            ]
        );
        let failed = Uuid::new_v4();
        let bill = till.asks(failed, "10").await;
        till.does(&bill, "fail").await;
        let fails = async || (till.state(failed).await == "failed").then_some(());
        found("the payment's end", fails).await;
        till.has(0).await;
    });
}

#[test]
fn a_notice_that_is_repeated_reordered_forged_or_raced_credits_once() {
    on_both(async |world| {
        let mut till = Paying::open(world, Duration::from_secs(600)).await;
        let payment = Uuid::new_v4();
        let bill = till.asks(payment, "100").await;
        let amount = 100_000_000;
        let notice = paid(&bill, amount);
        // Forged: another secret, an old instant, a body that was changed, another amount, a payment of nobody.
        assert_eq!(till.hears("mine", 0, &notice).await, StatusCode::BAD_REQUEST);
        assert_eq!(till.hears(SECRET, 3_600, &notice).await, StatusCode::BAD_REQUEST);
        assert_eq!(till.hears(SECRET, -3_600, &notice).await, StatusCode::BAD_REQUEST);
        let bare = Client::new().post(format!("{}/pay/v1/practice", till.base())).body(notice.to_string());
        assert_eq!(bare.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
        assert_eq!(till.hears(SECRET, 0, &paid(&bill, amount + 1)).await, StatusCode::NO_CONTENT);
        assert_eq!(till.hears(SECRET, 0, &paid("nobody's", amount)).await, StatusCode::NO_CONTENT);
        assert_eq!((till.state(payment).await.as_str(), till.balance().await), ("waiting", 0));
        // Reordered: that it failed is heard first, and after it was paid once more.
        let failed = json!({ "payment": bill, "state": "failed" });
        assert_eq!(till.hears(SECRET, 0, &failed).await, StatusCode::NO_CONTENT);
        assert_eq!(till.state(payment).await, "failed");
        // Raced, and repeated.
        let raced = (0..100).map(|_| till.hears(SECRET, 0, &notice));
        let heard = futures_util::future::join_all(raced).await;
        assert!(heard.iter().all(|status| *status == StatusCode::NO_CONTENT), "{heard:?}");
        assert_eq!(till.hears(SECRET, 100, &notice).await, StatusCode::NO_CONTENT);
        assert_eq!(till.hears(SECRET, 0, &failed).await, StatusCode::NO_CONTENT);
        till.has(amount).await;
        assert_eq!(till.state(payment).await, "paid");
        // It goes back once, however often that is told, though half of it is spent.
        let purse = till.store.purse(till.customer, "RUB".parse().unwrap()).await.unwrap();
        assert_eq!(purse.balance.posted.0, amount);
        let refund = Uuid::new_v4();
        let back = json!({ "payment": bill, "state": "refunded", "refund": refund, "currency": "RUB", "amount": 60_000_000 });
        let raced = (0..20).map(|_| till.hears(SECRET, 0, &back));
        futures_util::future::join_all(raced).await;
        till.has(40_000_000).await;
        let more = json!({ "payment": bill, "state": "refunded", "refund": Uuid::new_v4(), "currency": "RUB", "amount": 60_000_000 });
        assert_eq!(till.hears(SECRET, 0, &more).await, StatusCode::NO_CONTENT);
        till.has(40_000_000).await;
    });
}

#[test]
fn a_payment_whose_notice_never_came_is_looked_for() {
    on_both(async |world| {
        let mut till = Paying::open(world, Duration::from_millis(100)).await;
        let payment = Uuid::new_v4();
        let bill = till.asks(payment, "250").await;
        till.does(&bill, "pay-unheard").await;
        till.has(250_000_000).await;
        assert_eq!(till.state(payment).await, "paid");
        // Its notice comes late.
        assert_eq!(till.hears(SECRET, 0, &paid(&bill, 250_000_000)).await, StatusCode::NO_CONTENT);
        till.has(250_000_000).await;
    });
}
