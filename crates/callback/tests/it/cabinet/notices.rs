//! Who is told of missed calls, as the cabinet says and shows it: over real calls and a real mail server.

use super::team::joined;
use super::{Browser, stage};
use crate::mail::server::Server;
use crate::stage::{ANNA, BORIS, Does, Network, Stage, VISITOR, found, managers};
use crate::world::on_both;
use callback::config::MailSecurity;
use callback::store::NoticeRow;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const OWNER: &str = "owner@shop.example";

/// The letters about calls, once there are so many and each was tried.
async fn settled(stage: &Stage, browser: &mut Browser, number: &str, count: usize) -> Vec<Value> {
    let store = stage.world.open().await;
    let customer = store.site_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap().customer.id;
    found("a trial of each letter", async || {
        let rows = store.notices(customer, None).await.unwrap();
        let tried = |one: &NoticeRow| one.row.sent_at.is_some() || one.row.trouble.is_some();
        (rows.len() == count && rows.iter().all(tried)).then_some(())
    })
    .await;
    let told = browser.get(&format!("/customers/{number}/notices")).await.ok();
    told.as_array().unwrap().clone()
}

#[test]
fn a_missed_call_is_mailed_and_the_owner_sees_what_became_of_the_letter() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::IsBusy), (VISITOR, Does::Answers)]).await;
        let site = format!("mode = \"manager_first\"\nrounds = 1\n{}", managers(&[ANNA]));
        let mut stage = Stage::new(world, &network, &site).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", OWNER).await;
        let mut marketer = joined(&stage, &mut owner, &number, "marketer").await;
        let path = format!("/customers/{number}");

        // Settings: read by the same parser as a file, published as any other.
        let draft = owner.get(&format!("{path}/draft")).await.ok();
        assert_eq!(
            draft["body"]["missed_emails"],
            json!([]),
            "the company of a file tells whom the file names"
        );
        let set = json!({ "revision": draft["revision"], "set": { "missed_emails": ["ofis@shop.exmple", "Leads"] } });
        let draft = owner.ask("PATCH", &format!("{path}/draft"), set).await.ok();
        assert_eq!(
            (&draft["problems"][0]["field"], &draft["problems"][0]["code"]),
            (&json!("missed_emails[1]"), &json!("email"))
        );
        let set =
            json!({ "revision": draft["revision"], "set": { "missed_emails": ["Ofis@shop.exmple", OWNER] } });
        let draft = owner.ask("PATCH", &format!("{path}/draft"), set).await.ok();
        let changes = draft["changes"].as_array().unwrap();
        assert_eq!(changes[0]["to"], json!(["ofis@shop.exmple", OWNER]), "{changes:?}");
        owner.post(&format!("{path}/publish"), json!({ "revision": draft["revision"] })).await.ok();

        // What was written before there was a server, and what the visit brings, in their order.
        let mut server = Server::answers(&["250 OK", "250 OK", "550 5.1.2 No such domain", "250 OK"]).await;
        stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        stage.mail = Some(server.mail(MailSecurity::None));
        stage.settings = stage.settings.replace(
            "[[customer.site]]",
            "missed_emails = [\"ofis@shop.exmple\", \"owner@shop.example\"]\n[[customer.site]]",
        );
        stage.start().await;
        for browser in [&mut owner, &mut marketer] {
            browser.moved(&stage);
        }
        for _ in 0..2 {
            server.next("recipient").await;
            server.next("letter").await;
        }
        let call = Uuid::new_v4();
        stage.order(call).await;
        stage.record(call).await;
        let told = settled(&stage, &mut owner, &number, 2).await;
        let of = |to: &str| told.iter().find(|one| one["to"] == to).unwrap();
        let [refused, sent] = if of(OWNER)["state"] == "sent" {
            [of("ofis@shop.exmple"), of(OWNER)]
        } else {
            [of(OWNER), of("ofis@shop.exmple")]
        };
        assert_eq!(
            (&sent["state"], &sent["kind"], &sent["call"], &sent["site"], &sent["tries"]),
            (&json!("sent"), &json!("missed"), &json!(call), &json!("demo"), &json!(1))
        );
        assert_eq!(
            (&refused["state"], &refused["trouble"], &refused["next_at"]),
            (&json!("given_up"), &json!("permanent error (550): 5.1.2 No such domain"), &json!(null))
        );

        let posted = owner.post(&format!("{path}/missed-email/test"), json!({})).await;
        assert_eq!((posted.status, &posted.body["to"]), (StatusCode::ACCEPTED, &json!(OWNER)));
        settled(&stage, &mut owner, &number, 3).await;
        let events = server.end().await;
        let subjects: Vec<_> =
            events.iter().filter(|event| event["event"] == "letter").map(|event| &event["subject"]).collect();
        assert_eq!(subjects, ["Пропущенный звонок: +7 916 123-45-67, shop.example", "Пробное письмо: Shop"]);

        // A marketer may see who is told; of the visitor's number nothing is in it.
        let seen = marketer.get(&format!("{path}/notices")).await.ok();
        assert_eq!(seen.as_array().unwrap().len(), 3);
        let has = |digits: &str| seen.to_string().contains(digits);
        assert!(!has("9161234567") && !has("916 123"), "{seen}");
        let of_site = owner.get(&format!("{path}/notices?site=demo")).await.ok();
        assert_eq!(of_site.as_array().unwrap().len(), 2, "the test is of no site");
        assert_eq!(owner.get(&format!("{path}/notices?site=another")).await.problem(), "not-found");
        stage.service.take();
    });
}

#[test]
fn a_test_letter_is_limited_as_other_letters_are() {
    on_both(async |world| {
        let stage = stage(world, &Network::start(&[]).await).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", "klimova@romashka.example").await;
        let draft = owner.get(&format!("/customers/{number}/draft")).await.ok();
        assert_eq!(
            draft["body"]["missed_emails"],
            json!(["klimova@romashka.example"]),
            "who registers is told"
        );
        assert_eq!(draft["changes"], json!([]));
        let path = format!("/customers/{number}/missed-email/test");
        for _ in 0..2 {
            assert_eq!(owner.post(&path, json!({})).await.status, StatusCode::ACCEPTED);
        }
        let refused = owner.post(&path, json!({})).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "too-many-letters"));
        let told = owner.get(&format!("/customers/{number}/notices")).await.ok();
        assert_eq!((told.as_array().unwrap().len(), &told[0]["state"]), (2, &json!("waiting")));
    });
}

#[test]
fn a_site_s_own_addresses_are_published_with_it() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::IsBusy), (BORIS, Does::IsBusy)]).await;
        let site = format!("mode = \"manager_first\"\nrounds = 1\n{}", managers(&[ANNA, BORIS]));
        let mut stage = Stage::new(world, &network, &site).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", OWNER).await;
        let draft = owner.get("/sites/demo/draft").await.ok();
        assert_eq!(draft["body"]["own_missed_emails"], json!(false), "a site tells whom its company tells");
        let set = json!({ "own_missed_emails": true, "missed_emails": ["demo@shop.example"] });
        let edit = json!({ "revision": draft["revision"], "set": set });
        let draft = owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
        owner.post("/sites/demo/publish", json!({ "revision": draft["revision"] })).await.ok();
        let call = Uuid::new_v4();
        stage.order(call).await;
        stage.record(call).await;
        let told = owner.get(&format!("/customers/{number}/notices")).await.ok();
        let told: Vec<_> = told.as_array().unwrap().iter().map(|one| one["to"].clone()).collect();
        assert_eq!(told, ["demo@shop.example"]);
        stage.service.take();
    });
}
