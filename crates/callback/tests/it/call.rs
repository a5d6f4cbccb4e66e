//! Whole calls through the service: an order over HTTP, the store on a disk, SIP between real sockets, telephones
//! that do what their number says. Sound is judged elsewhere, by programs that nobody here wrote.

use crate::stage::{
    ANNA, BORIS, Does, Network, ORIGIN, Stage, VERA, VISITOR, body, found, last, managers, problem,
};
use crate::world::{World, on_both};
use callback::store::Store;
use callback_core::flow::HangupReason;
use callback_core::id::OrderId;
use callback_core::plan::{Callee, Seat};
use callback_core::record::{Disposition, NotCalled, Outcome};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_rings_manager_and_visitor_and_joins_them() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_200))]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let accepted = stage.order(id).await;
    assert_eq!((&accepted["state"], &accepted["promise_seconds"]), (&json!("accepted"), &json!(29)));
    network
        .sees_all(&[&format!("{ANNA} called"), &format!("{VISITOR} answered"), &format!("{ANNA} down")])
        .await;
    let states = stage.states(id).await;
    assert_eq!(last(&states), ("connected", "-"));
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    assert!(record.talk.is_some() && record.legs.iter().all(|leg| leg.ended.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_manager_and_one_who_declines_are_passed_over() {
    let numbers =
        [(ANNA, Does::IsBusy), (BORIS, Does::Declines), (VERA, Does::Answers), (VISITOR, Does::Talks(1_100))];
    let mut network = Network::start(&numbers).await;
    let stage = Stage::new(World::pg().await, &network, &managers(&[ANNA, BORIS, VERA])).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    for event in [ANNA, BORIS, VERA].map(|number| format!("{number} called")) {
        network.sees(&event).await;
    }
    network.sees(&format!("{VERA} down")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    let outcomes: Vec<_> = record.legs.iter().filter(|leg| leg.round > 0).map(|leg| leg.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Refused, Outcome::Talked]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_at_once_the_first_to_answer_has_the_call() {
    let numbers = [(ANNA, Does::Rings), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_100))];
    let mut network = Network::start(&numbers).await;
    let site = format!("strategy = \"all\"\n{}", managers(&[ANNA, BORIS]));
    let stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} down")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
    let anna = record.legs.iter().find(|leg| leg.callee == Callee::Manager(Seat(0))).unwrap();
    assert_eq!((anna.outcome, anna.hangup), (Outcome::Elsewhere, Some(HangupReason::CompletedElsewhere)));
}

#[tokio::test(flavor = "multi_thread")]
async fn manager_first_and_a_visitor_who_is_busy() {
    let network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::IsBusy)]).await;
    let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA]));
    let stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    let states = stage.states(id).await;
    assert_eq!(last(&states), ("visitor_no_answer", "busy"));
    assert_eq!(states.last().unwrap()["detail"]["cause"], "sip-486");
    assert_eq!(stage.record(id).await.disposition.keys(), ("visitor_no_answer", Some("busy")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_takes_every_leg_down() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} rings")).await;
    let cancelled: Value =
        stage.post(&format!("/orders/{id}/cancel"), &json!({})).await.json().await.unwrap();
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&json!("ended"), &json!("cancelled")));
    network.sees_all(&[&format!("{ANNA} down"), &format!("{VISITOR} down")]).await;
    assert_eq!(stage.record(id).await.disposition.keys(), ("not_called", Some("cancelled")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_twice_rings_once() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let first = stage.order(id).await;
    let again = stage.post("/orders", &body(id, "8 (916) 123-45-67")).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap()["accepted_at"], first["accepted_at"]);
    let other = stage.post("/orders", &body(id, "+79161234568")).await;
    assert_eq!((other.status(), problem(other).await), (StatusCode::CONFLICT, "order-conflict".into()));
    let joined = Uuid::new_v4();
    let theirs = stage.order(joined).await;
    assert_eq!(theirs["order_id"], joined.to_string(), "whose call it joined is not said");
    assert_eq!(theirs["detail"]["of"], Value::Null);
    network.sees(&format!("{VISITOR} rings")).await;
    // Who joined sees the running call and can cancel nothing.
    let seen: Value = stage.post(&format!("/orders/{joined}/cancel"), &json!({})).await.json().await.unwrap();
    assert_ne!(seen["state"], "ended");
    stage.post(&format!("/orders/{id}/cancel"), &json!({})).await;
    assert_eq!(last(&stage.states(joined).await), ("not_called", "cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_bad_orders_are_told_what_to_do() {
    let network = Network::start(&[]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let check = async |phone: &str, status: StatusCode, kind: &str| {
        let response = stage.post("/orders", &body(Uuid::new_v4(), phone)).await;
        assert_eq!((response.status(), problem(response).await.as_str()), (status, kind), "{phone}");
    };
    check("call me", StatusCode::UNPROCESSABLE_ENTITY, "phone-invalid").await;
    check("112", StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    check("+7 701 123 45 67", StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    check(ANNA, StatusCode::UNPROCESSABLE_ENTITY, "phone-refused").await;
    let from_elsewhere = stage.browser.post(stage.url("/orders")).header("Origin", "https://evil.example");
    let response = from_elsewhere.body(body(Uuid::new_v4(), VISITOR).to_string()).send().await.unwrap();
    assert_eq!(
        (response.status(), problem(response).await.as_str()),
        (StatusCode::FORBIDDEN, "origin-refused")
    );
    let without = stage.browser.get(stage.url(&format!("/orders/{}", Uuid::new_v4()))).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::FORBIDDEN);
    let unknown = stage.get(&format!("/orders/{}", Uuid::new_v4())).await;
    assert_eq!((unknown.status(), problem(unknown).await.as_str()), (StatusCode::NOT_FOUND, "order-unknown"));
    let broken =
        stage.browser.post(stage.url("/orders")).header("Origin", ORIGIN).body("{").send().await.unwrap();
    assert_eq!((broken.status(), problem(broken).await.as_str()), (StatusCode::BAD_REQUEST, "body-invalid"));
    let preflight =
        stage.browser.request(reqwest::Method::OPTIONS, stage.url("/orders")).header("Origin", ORIGIN);
    let allowed = preflight.send().await.unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_hands_its_order_back_and_the_next_goes_on() {
    let mut network =
        Network::start(&[(ANNA, Does::Rings), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
    let site = format!("mode = \"manager_first\"\nring_timeout_s = 5\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{ANNA} rings")).await;
    stage.service.take().unwrap().close(Duration::from_secs(30)).await.unwrap();
    network.sees(&format!("{ANNA} down")).await;
    stage.start().await;
    network.sees(&format!("{ANNA} rings")).await;
    network.sees(&format!("{VISITOR} answered")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_cancelled_at_any_moment_leave_no_telephone_taken() {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    for pause in 0..60 {
        let id = Uuid::new_v4();
        stage.order(id).await;
        for _ in 0..pause {
            tokio::task::yield_now().await;
        }
        let cancelled: Value =
            stage.post(&format!("/orders/{id}/cancel"), &json!({})).await.json().await.unwrap();
        assert_eq!(cancelled["state"], "ended");
    }
    // Until its last leg is down a call has its channels.
    let store = stage.world.open().await;
    let shop = store.customer_named("owner@shop.example").await.unwrap().unwrap();
    found("the end of all", async || {
        let open = store.open_calls(shop, None, None).await.unwrap();
        open.is_empty().then_some(())
    })
    .await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} answered")).await;
    let record = stage.record(id).await;
    assert_eq!(record.disposition.keys(), ("connected", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_appointment_ends_its_stream() {
    let network = Network::start(&[]).await;
    let stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let id = Uuid::new_v4();
    let in_ten_minutes = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
    let mut order = body(id, VISITOR);
    order["at"] = in_ten_minutes.to_string().into();
    let accepted: Value = stage.post("/orders", &order).await.json().await.unwrap();
    assert_eq!(accepted["state"], "scheduled");
    let states = tokio::join!(stage.states(id), async {
        stage.post(&format!("/orders/{id}/cancel"), &json!({})).await
    })
    .0;
    assert_eq!(last(&states), ("not_called", "cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_after_the_end_lets_a_telephone_that_still_rings_go() {
    let mut network = Network::start(&[(ANNA, Does::Rings), (VISITOR, Does::Rings)]).await;
    let site = format!("rounds = 1\nring_timeout_s = 5\n{}", managers(&[ANNA]));
    let stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{VISITOR} rings")).await;
    assert_eq!(last(&stage.states(id).await), ("manager_no_answer", "all_failed"));
    let cancelled: Value =
        stage.post(&format!("/orders/{id}/cancel"), &json!({})).await.json().await.unwrap();
    assert_eq!(cancelled["reason"], "all_failed", "what has ended stays as it ended");
    network.sees(&format!("{VISITOR} down")).await;
    let record = stage.record(id).await;
    let visitor = record.legs.iter().find(|leg| leg.callee == Callee::Visitor).unwrap();
    assert_eq!(visitor.hangup, Some(HangupReason::Cancelled), "not because it had rung for long enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_cancelled_between_two_processes_ends_as_cancelled() {
    let mut network = Network::start(&[(ANNA, Does::Rings)]).await;
    let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    network.sees(&format!("{ANNA} rings")).await;
    stage.service.take().unwrap().close(Duration::from_secs(30)).await.unwrap();
    let store = Store::open(&stage.world.url).await.unwrap();
    let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
    let now = callback_core::time::Ts(jiff::Timestamp::now().as_microsecond());
    assert!(store.end_unclaimed(OrderId(id), cancelled, now).await.unwrap());
    store.close().await.unwrap();
    stage.start().await;
    assert_eq!(stage.record(id).await.disposition, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_trunk_answers_the_visitor_is_told_and_kept_as_a_lead() {
    let mut network = Network::start(&[]).await;
    let shut = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    network.proxy = shut.local_addr().unwrap();
    drop(shut);
    let stage = Stage::new(World::lite(), &network, &format!("rounds = 1\n{}", managers(&[ANNA]))).await;
    let id = Uuid::new_v4();
    stage.order(id).await;
    let states = stage.states(id).await;
    assert_eq!(last(&states), ("not_called", "trunk"));
    assert_eq!(states.last().unwrap()["next"][0]["kind"], "slot", "he is offered a time");
    assert_eq!(stage.record(id).await.disposition.keys(), ("not_called", Some("trunk")));
}

#[test]
fn whoever_chooses_an_office_is_called_by_its_managers_in_its_hours() {
    on_both(async |world| {
        let numbers = [(ANNA, Does::Rings), (BORIS, Does::Talks(1_500)), (VISITOR, Does::Answers)];
        let mut network = Network::start(&numbers).await;
        let offices = format!(
            "{}[[customer.site.office]]\nname = \"Казань\"\n[[customer.site.office.manager]]\nname = \"B\"\n\
             address = \"{BORIS}\"\naccept_key = false\n[[customer.site.office]]\nname = \"Пермь\"\n\
             schedule = {{ mon = [\"00:00-00:01\"] }}\ntime_zone = \"Asia/Yekaterinburg\"\n",
            managers(&[ANNA])
        );
        let stage = Stage::new(world, &network, &offices).await;
        let order = |office: &str| {
            let mut order = body(Uuid::new_v4(), VISITOR);
            order["office"] = office.into();
            order
        };
        let nowhere = stage.post("/orders", &order("Омск")).await;
        assert_eq!(problem(nowhere).await, "body-invalid");
        let closed: Value = stage.post("/orders", &order("Пермь")).await.json().await.unwrap();
        assert_eq!((&closed["state"], &closed["reason"]), (&"ended".into(), &"closed".into()));
        let kazan = order("Казань");
        assert_eq!(stage.post("/orders", &kazan).await.status(), StatusCode::ACCEPTED);
        network.sees(&format!("{BORIS} answered")).await;
        let record = stage.record(kazan["order_id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(record.disposition.keys().0, "connected");
    });
}
