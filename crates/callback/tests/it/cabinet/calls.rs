//! What a company sees of its calls.

use super::Browser;
use crate::stage::{Network, Stage, VISITOR, managers};
use crate::world::on_both;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn a_call_says_where_its_visitor_came_from() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = Stage::new(world, &network, &managers(&["+74951234501"])).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let came = async |owner: &mut Browser, visit: Value| {
            let id = Uuid::new_v4();
            // It is for tomorrow: nobody is called here.
            let at = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string();
            let body = json!({ "order_id": id, "phone": VISITOR, "country": "RU", "at": at, "visit": visit });
            assert_eq!(stage.post("/orders", &body).await.status(), StatusCode::ACCEPTED);
            let calls = owner.get(&format!("/customers/{number}/calls")).await.ok();
            let mut rows = calls["calls"].as_array().unwrap().iter();
            rows.find(|row| row["id"] == json!(id)).unwrap()["came"].clone()
        };
        let landing = "https://shop.example/?utm_source=yandex&utm_medium=cpc&utm_campaign=roses&utm_term=%D1%80%D0%BE%D0%B7%D1%8B";
        let visit = json!({ "landing": landing, "referrer": "https://yandex.ru/", "page": "https://shop.example/cart" });
        let told = came(&mut owner, visit).await;
        let parts =
            [&told["kind"], &told["name"], &told["campaign"], &told["keyword"], &told["keyword_hidden"]];
        assert_eq!(parts, [&json!("ad"), &json!("Yandex"), &json!("roses"), &json!("розы"), &json!(false)]);
        assert_eq!((&told["landing"], &told["referrer"]), (&json!(landing), &json!("https://yandex.ru/")));
        stage.service.take();
    });
}
