//! What is kept of a visitor by his number: found in any spelling, given out, and erased everywhere while what happened
//! stays counted.

use super::Browser;
use crate::dump::dump;
use crate::stage::{ANNA, Does, Network, ORIGIN, Stage, VISITOR, body, found};
use crate::world::on_both;
use callback::store::{Entry, Store};
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// Where the visitor writes from, as a proxy says.
const ADDRESS: &str = "203.0.113.77";
/// What must be nowhere afterwards: the number's own digits, his address, what was noted, what his pages were asked.
const SECRETS: [&str; 6] =
    ["9161234567", "916 123-45-67", ADDRESS, "просил Ивана", "secret=42", "mail.example/inbox"];

/// Two companies: the number ordered at both.
const SETTINGS: &str = r#"
    [[customer]]
    name = "Shop"
    email = "owner@shop.example"
    time_zone = "Europe/Moscow"
    country = "RU"
    missed_emails = ["boss@shop.example"]
    blocked_numbers = ["+79161234567", "+79161234568"]
    [[customer.site]]
    key = "demo"
    url = "https://shop.example"
    mode = "manager_first"
    rounds = 1
    [[customer.site.manager]]
    name = "M"
    address = "+74951234501"
    accept_key = false
    [[customer]]
    name = "Other"
    email = "owner@other.example"
    country = "RU"
    [[customer.site]]
    key = "theirs"
    url = "https://other.example"
    mode = "manager_first"
    rounds = 1
    [[customer.site.manager]]
    name = "B"
    address = "+74951234502"
    accept_key = false
"#;

/// An order of the visitor's, with all that a browser tells.
async fn ordered(stage: &Stage, site: &str, origin: &str, order: Uuid, phone: &str) -> Value {
    let mut wish = body(order, phone);
    wish["visit"] = json!({
        "page": format!("{origin}/cart?secret=42"), "opened_on": format!("{origin}/?secret=42"),
        "landing": format!("{origin}/?utm_source=news&utm_medium=email&secret=42"),
        "referrer": "https://mail.example/inbox", "variables": { "name": "Иван" },
    });
    wish["consent"] = json!({ "given": true, "text_version": "1" });
    let address = format!("http://{}/w/v1/{site}/orders", stage.service.as_ref().unwrap().http());
    let request = stage.browser.post(address).header("Origin", origin).header("x-forwarded-for", ADDRESS);
    let answer = request.body(wish.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.json().await.unwrap()
}

/// He talks, is missed, and orders at the other company too; beside him somebody whose number is nearly his. Two calls.
async fn called(stage: &Stage, network: &Network, owner: &mut Browser) -> [Uuid; 2] {
    let [talked, missed, theirs, beside] = [1, 2, 3, 4].map(Uuid::from_u128);
    ordered(stage, "demo", ORIGIN, talked, VISITOR).await;
    stage.record(talked).await;
    stage.post(&format!("/orders/{talked}/score"), &json!({ "score": 5 })).await;
    network.does(ANNA, Does::IsBusy);
    ordered(stage, "demo", ORIGIN, missed, VISITOR).await;
    stage.record(missed).await;
    ordered(stage, "theirs", "https://other.example", theirs, VISITOR).await;
    stage.record(theirs).await;
    ordered(stage, "demo", ORIGIN, beside, "+79161234568").await;
    stage.record(beside).await;
    let noted = json!({ "note": "просил Ивана" });
    for call in [talked, missed] {
        let put = owner.ask("PUT", &format!("/calls/{call}/note"), noted.clone()).await;
        assert_eq!(put.status, StatusCode::NO_CONTENT);
    }
    [talked, missed]
}

/// What statistics say of a company.
async fn counted(owner: &mut Browser, number: &str) -> [Value; 2] {
    let page = |page: &str| format!("/customers/{number}/{page}?days=7");
    [owner.get(&page("overview")).await.ok(), owner.get(&page("analysis")).await.ok()]
}

#[test]
fn a_visitor_is_found_given_out_and_erased_and_what_happened_stays() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
        let settings = SETTINGS.replace("blocked_numbers = [\"+79161234567\", \"+79161234568\"]\n", "");
        let mut stage = Stage::of(world, &network, settings, None).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let (mut other, others) = Browser::register(&stage, "Other", "owner@other.example").await;
        let [talked, missed] = called(&stage, &network, &mut owner).await;

        let visitors = format!("/customers/{number}/visitors");
        let mut seen = Value::Null;
        for spelling in [VISITOR, "8 (916) 123-45-67", "007 916 1234567"] {
            seen = owner.post(&format!("{visitors}/find"), json!({ "phone": spelling })).await.ok();
            assert_eq!((&seen["phone"], &seen["orders"]), (&json!(VISITOR), &json!(2)), "{spelling}");
        }
        assert_eq!(
            [&seen["connected"], &seen["notes"], &seen["scores"], &seen["consents"], &seen["letters"]],
            [1, 2, 1, 2, 1].map(Value::from).each_ref()
        );
        let wrong = owner.post(&format!("{visitors}/find"), json!({ "phone": "окна" })).await;
        assert_eq!(wrong.fields(), "phone phone");
        let told = owner.post(&format!("{visitors}/export"), json!({ "phone": VISITOR })).await.ok();
        let given = told.to_string();
        for mine in ["secret=42", ADDRESS, "просил Ивана", "utm_source=news", "\"score\":5"] {
            assert!(given.contains(mine), "{mine}: {given}");
        }
        assert_eq!(told["calls"].as_array().unwrap().len(), 2, "of this company alone");

        let before = counted(&mut owner, &number).await;
        assert_eq!(before[0]["waiting_count"], 2, "the missed ones are to be called back");
        let whole = dump(&stage.world.url).await;
        assert!(SECRETS.iter().all(|secret| whole.contains(secret)), "else nothing is shown below");

        let erase = json!({ "phone": "8 916 123 45 67" });
        let erased = owner.post(&format!("{visitors}/erase"), erase.clone()).await.ok();
        assert_eq!(erased["orders"], 2);
        assert_eq!(
            owner.post(&format!("{visitors}/erase"), erase.clone()).await.ok()["orders"],
            0,
            "twice is once"
        );
        // The other company's order is as it was: without it nothing of him is left.
        let find = json!({ "phone": VISITOR });
        let at_other = other.post(&format!("/customers/{others}/visitors/export"), find.clone()).await.ok();
        assert_eq!(at_other["calls"][0]["ip"], ADDRESS);
        assert_eq!(owner.post(&format!("{visitors}/find"), find.clone()).await.ok()["orders"], 0);
        let neighbour = json!({ "phone": "+79161234568" });
        assert_eq!(owner.post(&format!("{visitors}/find"), neighbour.clone()).await.ok()["orders"], 1);
        other.post(&format!("/customers/{others}/visitors/erase"), find).await.ok();
        owner.post(&format!("{visitors}/erase"), neighbour).await.ok();
        let whole = dump(&stage.world.url).await;
        for secret in SECRETS {
            let at =
                whole.find(secret).map(|at| whole[..at].rsplit('\n').next().unwrap_or_default().to_owned());
            assert_eq!(at, None, "{secret} is left");
        }
        let mut after = counted(&mut owner, &number).await;
        assert_eq!(after[0]["waiting_count"], 0, "nobody is left to be called back");
        for what in ["waiting", "waiting_count"] {
            after[0][what] = before[0][what].clone();
        }
        assert_eq!(after, before, "what happened is counted as before");
        for (call, disposition) in [(talked, "connected"), (missed, "manager_no_answer")] {
            stage.program_agrees(call, disposition);
            let told = owner.get(&format!("/calls/{call}")).await.ok();
            assert!(told["phone"].as_str().unwrap().starts_with("forgotten-"), "{told}");
            let again = owner.post(&format!("/calls/{call}/again"), json!({})).await;
            assert_eq!(again.problem(), "forgotten");
        }
        let audit = owner.get(&format!("/customers/{number}/audit")).await.ok();
        let told =
            audit["entries"].as_array().unwrap().iter().filter(|entry| entry["what"] == "visitor.erase");
        assert_eq!(told.count(), 3, "and it is written down who did it");
        stage.service.take();
    });
}

#[test]
fn nobody_is_erased_while_he_is_called_and_what_waits_is_cancelled() {
    on_both(async |world| {
        let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Rings)]).await;
        let mut stage = Stage::of(world, &network, SETTINGS.replace("+79161234567\", \"", ""), None).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let visitors = format!("/customers/{number}/visitors");
        let [call, later] = [1, 2].map(Uuid::from_u128);
        ordered(&stage, "demo", ORIGIN, call, VISITOR).await;
        network.sees(&format!("{ANNA} answered")).await;
        let find = json!({ "phone": VISITOR });
        assert_eq!(owner.post(&format!("{visitors}/find"), find.clone()).await.ok()["running"], true);
        let refused = owner.post(&format!("{visitors}/erase"), find.clone()).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "call-running"));
        assert_eq!(
            owner.post(&format!("{visitors}/find"), find.clone()).await.ok()["orders"],
            1,
            "nothing went"
        );
        stage.post(&format!("/orders/{call}/cancel"), &json!({})).await;
        stage.record(call).await;

        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(20);
        let mut wish = body(later, VISITOR);
        wish["at"] = json!(at.to_string());
        assert_eq!(stage.post("/orders", &wish).await.status(), StatusCode::ACCEPTED);
        assert_eq!(owner.post(&format!("{visitors}/find"), find.clone()).await.ok()["scheduled"], true);
        assert_eq!(owner.post(&format!("{visitors}/erase"), find.clone()).await.ok()["orders"], 2);
        let told: Value = stage.get(&format!("/orders/{later}")).await.json().await.unwrap();
        assert_eq!((&told["disposition"], &told["reason"]), (&json!("not_called"), &json!("cancelled")));
        stage.service.take();
    });
}

#[test]
fn whoever_is_blocked_stays_so_where_that_is_asked() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = Stage::of(world, &network, SETTINGS.to_owned(), None).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let visitors = format!("/customers/{number}/visitors");
        let blocked = async |owner: &mut Browser| {
            let asked = owner.post(&format!("{visitors}/find"), json!({ "phone": VISITOR })).await.ok();
            asked["blocked"] == true
        };
        assert!(blocked(&mut owner).await);
        let stays = json!({ "phone": VISITOR, "stays_blocked": true });
        owner.post(&format!("{visitors}/erase"), stays).await.ok();
        assert!(blocked(&mut owner).await);
        owner.post(&format!("{visitors}/erase"), json!({ "phone": VISITOR })).await.ok();
        assert!(!blocked(&mut owner).await);
        let whole = dump(&stage.world.url).await;
        assert!(!whole.contains(VISITOR) && whole.contains("+79161234568"), "the others stay");
        stage.service.take();
    });
}

#[test]
fn visitors_are_forgotten_when_their_time_is_over() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = Stage::of(world, &network, SETTINGS.to_owned(), None).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let now = Ts(jiff::Timestamp::now().as_microsecond());
        let store = stage.world.open().await;
        let days = |days: u64| now - std::time::Duration::from_secs(days * 86_400);
        for (n, at) in [(1, days(40)), (2, days(31)), (3, days(29))] {
            crate::store::visited(&store, "demo", n, VISITOR, at).await;
        }
        crate::store::visited(&store, "theirs", 4, VISITOR, days(400)).await;
        let path = format!("/customers/{number}/retention");
        let kept = owner.get(&path).await.ok();
        assert_eq!(kept, json!({ "days": null, "ran_at": null, "forgot": 0 }));
        for wrong in [0, 29, 3_651] {
            assert_eq!(owner.ask("PUT", &path, json!({ "days": wrong })).await.fields(), "days range");
        }
        assert_eq!(owner.ask("PUT", &path, json!({ "days": 30 })).await.status, StatusCode::NO_CONTENT);
        let ran = found("a run", async || {
            let kept = owner.get(&path).await.ok();
            kept["ran_at"].is_string().then_some(kept)
        });
        assert_eq!((&ran.await["forgot"]), &json!(2));
        let left = async |store: &Store, of: &str| {
            let site = store.site_by_key(&of.parse().unwrap()).await.unwrap().unwrap();
            store.visitor(site.customer.id, &VISITOR.parse().unwrap()).await.unwrap().calls.len()
        };
        assert_eq!((left(&store, "demo").await, left(&store, "theirs").await), (1, 1));

        // One process at a time looks through a customer's orders.
        let site = store.site_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap();
        let entry = Entry {
            user: None,
            who: "test".into(),
            what: "retention.set",
            object: number.clone(),
            detail: json!({}),
            now,
        };
        stage.service.take().unwrap().close(std::time::Duration::ZERO).await.unwrap();
        store.set_retention(site.customer.id, Some(60), entry).await.unwrap();
        let until = now + std::time::Duration::from_secs(300);
        assert!(store.claim_retention(now, until).await.unwrap().is_some());
        assert_eq!(store.claim_retention(now, until).await.unwrap(), None);
        assert!(
            !store.hold_retention(site.customer.id, 30, until).await.unwrap(),
            "it is another time by now"
        );
        assert!(
            store
                .claim_retention(until, until + std::time::Duration::from_secs(300))
                .await
                .unwrap()
                .is_some()
        );
    });
}
