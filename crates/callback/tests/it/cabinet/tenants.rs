//! Tenants apart: every operation of the OpenAPI document, asked with another customer's ids, finds nothing.

use super::Browser;
use crate::stage::{ANNA, Does, Network, VISITOR, managers};
use crate::world::on_both;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// A body that has what each operation reads.
pub(super) fn body() -> Value {
    json!({
        "url": "https://other.example", "email": "eve@other.example", "role": "owner", "revision": 0, "set": {},
        "confirm": "romashka.example", "phone": "+74951234501", "code": "1234", "telephones": [],
        "is": true, "note": "тот же", "facts": {}, "payment": Uuid::nil(), "amount": "100",
    })
}

#[test]
fn nothing_of_another_customer_is_there_whatever_is_asked() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
        let mut stage = crate::stage::Stage::new(world, &network, &managers(&[ANNA])).await;
        // The company of the file is its address's: he registers, and it is his.
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let customer = owner.get(&format!("/customers/{number}")).await.ok();
        assert_eq!(customer["sites"][0]["key"], "demo");
        let call = Uuid::new_v4();
        stage.order(call).await;
        stage.record(call).await;
        assert_eq!(owner.get(&format!("/calls/{call}")).await.ok()["phone"], VISITOR);
        let user = owner.get("/me").await.ok()["user"]["id"].as_str().unwrap().to_owned();
        let (mut stranger, own) = Browser::register(&stage, "Чужие", "eve@other.example").await;
        stranger.get(&format!("/customers/{own}")).await.ok();

        let document = owner.get("/openapi.json").await.ok();
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            let path = path.strip_prefix("/api/v1").unwrap();
            if !["{customer}", "{site}", "{call}"].iter().any(|id| path.contains(id)) {
                continue;
            }
            let path = path
                .replace("{customer}", &number)
                .replace("{site}", "demo")
                .replace("{call}", &call.to_string())
                .replace("{user}", &user)
                .replace("{invitation}", &Uuid::nil().to_string())
                .replace("{version}", "1");
            assert!(!path.contains('{'), "{path}: a parameter that this test does not know");
            for (method, operation) in item.as_object().unwrap() {
                let mut seen = operation["parameters"].as_array().into_iter().flatten();
                let seen = seen.find_map(|one| match one["name"].as_str() {
                    Some("revision") => Some("?revision=0"),
                    Some("phone") => Some("?phone=%2B79161234567"),
                    _ => None,
                });
                let path = format!("{path}{}", seen.unwrap_or_default());
                let method = method.to_uppercase();
                let answer = stranger.ask(&method, &path, body()).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
                let nobody = Browser::of(&stage).at("192.0.2.9").ask(&method, &path, body()).await;
                assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", nobody.body);
                asked += 1;
            }
        }
        assert!(asked >= 25, "{asked}");
        // What is another's is not there beside what is one's own either.
        let invited = json!({ "email": "new@shop.example", "role": "manager" });
        owner.post(&format!("/customers/{number}/invitations"), invited).await.ok();
        let team = owner.get(&format!("/customers/{number}/team")).await.ok();
        let mut members = team.as_array().unwrap().iter();
        let invitation = members.find_map(|one| one["invitation_id"].as_str()).unwrap();
        let mine = format!("/customers/{own}");
        let reads = ["calls", "calls.csv", "calls.xlsx", "calls/open", "overview", "analysis", "notices"];
        let reads = reads.map(|what| ("GET", format!("{mine}/{what}?site=demo")));
        let writes = [
            ("DELETE", format!("{mine}/team/{user}")),
            ("PATCH", format!("{mine}/team/{user}")),
            ("PUT", format!("{mine}/team/{user}/telephones")),
            ("DELETE", format!("{mine}/invitations/{invitation}")),
        ];
        let mut stranger = stranger.at("192.0.2.7");
        for (method, path) in reads.into_iter().chain(writes) {
            let answer = stranger.ask(method, &path, body()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
        }
        let mut owner = owner.at("192.0.2.8");
        assert_eq!(owner.get(&format!("/customers/{number}/team")).await.ok(), team);
        let after = owner.get(&format!("/customers/{number}")).await.ok();
        assert_eq!(after["sites"], customer["sites"], "and nothing was changed");
        stage.service.take();
    });
}
