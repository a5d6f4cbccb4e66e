//! Guards, as a stranger meets them over HTTP: he learns nothing, and no telephone rings more than it may.

use crate::stage::{
    ANNA, BORIS, Does, Network, ORIGIN, Stage, VISITOR, body, found, last, managers, problem,
};
use crate::world::World;
use callback::store::{AddressCaps, StopBy, Store};
use callback_core::record::Disposition;
use callback_core::time::Ts;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use uuid::Uuid;

const CAPS: AddressCaps = AddressCaps { in_10min: 5, in_hour: 30 };
const STRANGER: &str = "+79161234599";

fn one_site(site: &str) -> String {
    format!(
        "[[customer]]\nname = \"Shop\"\nemail = \"owner@shop.example\"\n[[customer.site]]\nkey = \"demo\"\nurl = \"{ORIGIN}\"\n{site}"
    )
}

async fn never_call(stage: &Stage, phone: &str) {
    let store = Store::open(&stage.world.url).await.unwrap();
    store.stop(phone.parse().unwrap(), StopBy::Operator, Ts(0)).await.unwrap();
}

/// What a stranger can tell one call from another by: all but instants and ids.
fn told(states: &[Value]) -> Vec<Value> {
    let mut told = states.to_vec();
    for state in &mut told {
        let fields = state.as_object_mut().unwrap();
        fields.remove("at");
        for next in fields["next"].as_array_mut().unwrap() {
            next.as_object_mut().unwrap().remove("at");
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_never_called_looks_like_one_whom_nobody_answers() {
    let check = async |site: &str| {
        let network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
        let stage = Stage::of(World::lite(), &network, one_site(site), Some(CAPS)).await;
        never_call(&stage, STRANGER).await;
        let (real, pretended) = (Uuid::new_v4(), Uuid::new_v4());
        let first = stage.order(real).await;
        let other: Value = stage.post("/orders", &body(pretended, STRANGER)).await.json().await.unwrap();
        assert_eq!(told(&[first]).first().unwrap()["promise_seconds"], other["promise_seconds"]);
        let (real, pretended) = tokio::join!(stage.states(real), stage.states(pretended));
        // Whether the stream saw the first state depends on when it was opened.
        let from = |states: &[Value]| {
            told(states).into_iter().filter(|state| state["state"] != "accepted").collect::<Vec<_>>()
        };
        let (real, pretended) = (from(&real), from(&pretended));
        assert_eq!(real, pretended, "{site}");
        assert_eq!(last(&pretended), ("manager_no_answer", "all_failed"));
    };
    let first = format!(
        "mode = \"manager_first\"\nrounds = 1\nring_timeout_s = 6\npromise_seconds = 5\n{}",
        managers(&[ANNA])
    );
    let both = format!("delay_to_visitor_s = 2\nrounds = 1\nring_timeout_s = 5\n{}", managers(&[ANNA]));
    tokio::join!(check(&first), check(&both));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_call_is_cancelled_and_joined_like_one() {
    let network = Network::start(&[]).await;
    let stage = Stage::of(World::lite(), &network, one_site(&managers(&[ANNA])), Some(CAPS)).await;
    never_call(&stage, VISITOR).await;
    let order = async |at: Option<String>| {
        let id = Uuid::new_v4();
        let mut order = body(id, VISITOR);
        order["at"] = at.into();
        let response = stage.post("/orders", &order).await;
        (id, response.status(), response.json::<Value>().await.unwrap())
    };
    let (first, status, seen) = order(None).await;
    assert_eq!((status, &seen["state"]), (StatusCode::ACCEPTED, &json!("accepted")));
    let (_, _, joined) = order(None).await;
    assert_eq!(joined["detail"]["of"], Value::Null, "the second sees no more than the state");
    let cancel = async |id| {
        let response = stage.post(&format!("/orders/{id}/cancel"), &json!({})).await;
        response.json::<Value>().await.unwrap()
    };
    // Its manager is called, so it seems.
    found("another state", async || {
        let now: Value = stage.get(&format!("/orders/{first}")).await.json().await.unwrap();
        (now["state"] != "accepted").then_some(())
    })
    .await;
    let (states, seen) = tokio::join!(stage.states(first), cancel(first));
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("ended"), &json!("cancelled")));
    assert_eq!(seen["detail"]["of"], 1, "as a call that was cancelled while it rang");
    assert_eq!(last(&states), ("not_called", "cancelled"));
    let again: Value = stage.get(&format!("/orders/{first}")).await.json().await.unwrap();
    assert_eq!(again["reason"], "cancelled");
    let in_ten_minutes = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
    let (later, _, seen) = order(Some(in_ten_minutes.to_string())).await;
    assert_eq!(seen["state"], "scheduled");
    assert_eq!(cancel(later).await["reason"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_orders_for_one_number_ring_it_by_its_caps() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::IsBusy)]).await;
    let mut settings = String::new();
    for n in 0..50 {
        let _ = write!(
            settings,
            "[[customer]]\nname = \"S{n}\"\nemail = \"owner@s{n}.example\"\n[[customer.site]]\nkey = \"site-{n}\"\n\
             url = \"{ORIGIN}\"\n{}",
            managers(&[ANNA])
        );
    }
    let stage = Stage::of(World::lite(), &network, settings, Some(CAPS)).await;
    let http = stage.service.as_ref().unwrap().http();
    let post = async |n: usize| {
        let url = format!("http://{http}/w/v1/site-{}/orders", n % 50);
        let address = format!("10.0.{}.{}", n / 250, n % 250);
        let request = stage.browser.post(url).header("Origin", ORIGIN).header("X-Forwarded-For", address);
        let response = request.body(body(Uuid::new_v4(), VISITOR).to_string()).send().await.unwrap();
        let status = response.status();
        assert_eq!(status, StatusCode::ACCEPTED, "a stranger learns this: {:?}", response.text().await);
    };
    for hundred in 0..10 {
        futures_util::future::join_all((hundred * 100..hundred * 100 + 100).map(post)).await;
    }
    let store = Store::open(&stage.world.url).await.unwrap();
    let journal = found("the end of all", async || {
        let journal = store.journal(1_000, None).await.unwrap();
        journal.iter().all(|line| line.record.is_some() || secret(line.order.state)).then_some(journal)
    })
    .await;
    let called = journal.iter().filter(|line| line.record.is_some()).count();
    network.seen.close();
    let mut rang = 0;
    while let Some(seen) = network.seen.recv().await {
        rang += u32::from(seen == format!("{VISITOR} called"));
    }
    assert!(called >= 1 && (1..=2).contains(&rang), "{called} calls, rang {rang} times");
    println!("1,000 orders: {called} calls, the telephone rang {rang} times");
}

fn secret(state: callback_core::flow::VisitorState) -> bool {
    use callback_core::flow::VisitorState::Ended;
    matches!(state, Ended(Disposition::NotCalled(reason)) if reason.is_secret())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_orders_out_of_hours_is_a_lead_and_is_offered_times() {
    let network = Network::start(&[]).await;
    let zone = jiff::tz::TimeZone::get("Europe/Moscow").unwrap();
    let today = jiff::Timestamp::now().to_zoned(zone).date();
    let closed: Vec<_> = [-1, 0, 1]
        .map(|days| today.checked_add(jiff::Span::new().days(days)).unwrap())
        .iter()
        .map(|date| format!("{{ date = \"{date}\", hours = [] }}"))
        .collect();
    let site = format!("exceptions = [{}]\n{}", closed.join(", "), managers(&[ANNA]));
    let stage = Stage::of(World::lite(), &network, one_site(&site), Some(CAPS)).await;
    let seen = stage.order(Uuid::new_v4()).await;
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("ended"), &json!("closed")));
    let offered: Vec<_> = seen["next"].as_array().unwrap().iter().map(|next| &next["kind"]).collect();
    assert_eq!(offered, ["slot", "slot", "slot", "slot", "other_time"]);
    let opening = today.checked_add(jiff::Span::new().days(2)).unwrap().in_tz("Europe/Moscow").unwrap();
    let first: jiff::Timestamp = seen["next"][0]["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(first, opening.timestamp(), "the first quarter of the first open day");
    let mut later = body(Uuid::new_v4(), VISITOR);
    later["at"] = seen["next"][1]["at"].clone();
    let later: Value = stage.post("/orders", &later).await.json().await.unwrap();
    assert_eq!(later["state"], "scheduled");
    never_call(&stage, STRANGER).await;
    let stopped: Value = stage.post("/orders", &body(Uuid::new_v4(), STRANGER)).await.json().await.unwrap();
    assert_eq!(stopped["reason"], "closed", "whoever is never called is told no more than others");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_what_can_be_carried_an_order_is_refused_and_an_accepted_one_is_not() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let mut stage = Stage::of(World::lite(), &network, one_site(&managers(&[ANNA])), None).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{ANNA} rings")).await;
    stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    stage.queue = 0;
    stage.start().await;
    let refused = stage.post("/orders", &body(Uuid::new_v4(), BORIS)).await;
    assert_eq!(refused.headers()["retry-after"], "30");
    assert_eq!(
        (refused.status(), problem(refused).await.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
    );
    assert_eq!(stage.post("/orders", &body(id, VISITOR)).await.status(), StatusCode::OK, "the same again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_without_end_is_told_to_wait() {
    let network = Network::start(&[]).await;
    let stage = Stage::of(World::lite(), &network, one_site(""), Some(CAPS)).await;
    let mut refused = None;
    for _ in 0..1_000 {
        let response = stage.get(&format!("/orders/{}", Uuid::new_v4())).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
    }
    assert_eq!(problem(refused.expect("it is let in without end")).await, "too-many-requests");
    let url = stage.url(&format!("/orders/{}", Uuid::new_v4()));
    let another = stage.browser.get(url).header("Origin", ORIGIN).header("X-Forwarded-For", "192.0.2.8");
    assert_eq!(another.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_says_what_to_do() {
    let network = Network::start(&[]).await;
    let stage = Stage::of(World::lite(), &network, one_site(&managers(&[ANNA])), None).await;
    let base = format!("http://{}", stage.service.as_ref().unwrap().http());
    let check = async |method: Method, path: &str, body: Vec<u8>, status: u16, kind: &str, names: &str| {
        let request = stage.browser.request(method, format!("{base}{path}")).header("Origin", ORIGIN);
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let said: Value = response.json().await.unwrap();
        assert!(said["type"].as_str().unwrap().ends_with(kind), "{path}: {said}");
        assert!(said["detail"].as_str().unwrap().contains(names), "{path}: {said}");
    };
    let orders = "/w/v1/demo/orders";
    let order = |change: &dyn Fn(&mut Value)| {
        let mut order = body(Uuid::new_v4(), VISITOR);
        change(&mut order);
        order.to_string().into_bytes()
    };
    let nested = format!("{{\"order_id\":{}", "[".repeat(10_000)).into_bytes();
    check(Method::POST, orders, nested, 400, "body-invalid", "order_id").await;
    check(Method::POST, orders, vec![b'{', 0xff, 0xfe], 400, "body-invalid", "line 1").await;
    check(Method::POST, orders, vec![b' '; 40_000], 413, "body-too-long", "body").await;
    check(Method::POST, orders, order(&|order| order["phone"] = json!(7)), 400, "body-invalid", "phone")
        .await;
    check(
        Method::POST,
        orders,
        order(&|order| order["country"] = json!("XX")),
        400,
        "body-invalid",
        "country",
    )
    .await;
    check(Method::POST, orders, order(&|order| order["visit"] = json!([1])), 400, "body-invalid", "visit")
        .await;
    check(Method::POST, orders, order(&|order| order["at"] = json!("soon")), 422, "at-invalid", "at").await;
    check(Method::POST, orders, order(&|order| order["phone"] = json!("12")), 422, "phone-refused", "number")
        .await;
    check(
        Method::POST,
        orders,
        order(&|order| order["phone"] = json!("12345")),
        422,
        "phone-invalid",
        "phone",
    )
    .await;
    check(Method::POST, "/w/v1/none/orders", order(&|_| ()), 404, "site-unknown", "site").await;
    check(Method::POST, "/w/v1/%FF/orders", order(&|_| ()), 404, "not-found", "nothing").await;
    check(Method::GET, "/w/v1/demo/orders/7", vec![], 404, "order-unknown", "order").await;
    check(Method::PUT, orders, vec![], 405, "method-not-allowed", "POST").await;
    check(Method::GET, "/nowhere", vec![], 404, "not-found", "nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_a_number_off_for_ever() {
    let network = Network::start(&[]).await;
    let stage = Stage::of(World::lite(), &network, one_site(&managers(&[ANNA])), Some(CAPS)).await;
    let url = format!("http://{}/stop", stage.service.as_ref().unwrap().http());
    let write = async |phone: &str, language: &str| -> (StatusCode, String) {
        let form = format!("phone={}", phone.replace('+', "%2B").replace('<', "%3C").replace('"', "%22"));
        let request = stage.browser.post(&url).header("Accept-Language", language);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let answer: Response = request.body(form).send().await.unwrap();
        assert!(
            answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        (answer.status(), answer.text().await.unwrap())
    };
    let empty = stage.browser.get(&url).header("Accept-Language", "ru").send().await.unwrap();
    assert!(empty.text().await.unwrap().contains("Больше не звонить"));
    let (status, said) = write("\"><script>", "en").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said.contains("value=\"&quot;&gt;&lt;script&gt;\"") && said.contains("country code"), "{said}");
    let (status, said) = write("8 (916) 123-45-67", "ru-RU,ru;q=0.9").await;
    assert_eq!(status, StatusCode::OK);
    assert!(said.contains("больше не звоним"), "{said}");
    let store = Store::open(&stage.world.url).await.unwrap();
    assert!(store.stopped(VISITOR.parse().unwrap()).await.unwrap());
    for n in 0..20 {
        let (status, _) = write(&format!("+791612345{n:02}"), "en").await;
        assert_eq!(status == StatusCode::OK, n < 9, "{n}: ten of one address in an hour");
    }
}
