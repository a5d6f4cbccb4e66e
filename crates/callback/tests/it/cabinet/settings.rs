//! Settings from the first site to the first call: drafts, publishing, versions, verified telephones.

use super::{Browser, PASSWORD, stage};
use crate::stage::{ANNA, Does, Network, ORIGIN, Stage, VISITOR, body, managers, problem};
use crate::world::{World, on_both};
use callback::settings::SettingsFile;
use callback::store::Store;
use callback_core::time::Ts;
use hound::{SampleFormat, WavSpec, WavWriter};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io::Cursor;
use std::time::Duration;
use uuid::Uuid;

const OWNER: &str = "klimova@romashka.example";

fn anna() -> Value {
    json!({ "name": "Анна", "address": "8 (495) 123-45-01", "accept_key": "no" })
}

/// Anna's telephone is called, speaks the code, and is told.
async fn verify_anna(owner: &mut Browser, number: &str, network: &mut Network) {
    let verify = format!("/customers/{number}/numbers/verify");
    assert_eq!(owner.post(&verify, json!({ "phone": "112" })).await.fields(), "phone phone_refused");
    let asked = owner.post(&verify, json!({ "phone": "8 495 123 45 01" })).await.ok();
    assert_eq!((&asked["phone"], &asked["calls_left"]), (&json!(ANNA), &json!(2)));
    network.sees_all(&["+74951234501 called", "+74951234501 answered", "+74951234501 down"]).await;
    let code: String =
        asked["heard"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(4).collect();
    let confirm = format!("/customers/{number}/numbers/confirm");
    let wrong = if code == "0000" { "1111" } else { "0000" };
    assert_eq!(
        owner.post(&confirm, json!({ "phone": ANNA, "code": wrong })).await.fields(),
        "code code_wrong"
    );
    owner.post(&confirm, json!({ "phone": ANNA, "code": code })).await.ok();
    assert_eq!(owner.post(&confirm, json!({ "phone": ANNA, "code": code })).await.fields(), "code code_over");
    assert_eq!(owner.get(&format!("/customers/{number}/numbers")).await.ok()[0]["phone"], ANNA);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_the_operator_has_not_called_is_called_for_nobody() {
    let network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Answers)]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    stage.countries = vec!["KZ".parse().unwrap()];
    stage.start().await;
    let refused = stage.post("/orders", &body(Uuid::new_v4(), VISITOR)).await;
    assert_eq!(problem(refused).await, "phone-refused");
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let verify = format!("/customers/{number}/numbers/verify");
    assert_eq!(owner.post(&verify, json!({ "phone": ANNA })).await.fields(), "phone phone_country");
    let tried = owner.post("/sites/demo/test-call", json!({ "phone": VISITOR })).await;
    assert_eq!(tried.fields(), "phone phone_country");
}

/// A call by a draft that is not published, to whom it may go.
async fn try_a_draft(stage: &Stage, owner: &mut Browser, site: &str) {
    let draft = owner.get(&format!("{site}/draft")).await.ok();
    let edit = json!({ "revision": draft["revision"], "set": { "promise_seconds": 50 } });
    owner.ask("PATCH", &format!("{site}/draft"), edit).await.ok();
    let test = format!("{site}/test-call");
    assert_eq!(owner.post(&test, json!({ "phone": VISITOR })).await.fields(), "phone unverified");
    assert_eq!(owner.post(&test, json!({ "phone": ANNA })).await.fields(), "phone own_manager");
    // He answers the call that speaks the code as well.
    let number = owner.get("/me").await.ok()["memberships"][0]["number"].as_str().unwrap().to_owned();
    let asked =
        owner.post(&format!("/customers/{number}/numbers/verify"), json!({ "phone": VISITOR })).await.ok();
    let code: String =
        asked["heard"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(4).collect();
    owner
        .post(&format!("/customers/{number}/numbers/confirm"), json!({ "phone": VISITOR, "code": code }))
        .await
        .ok();
    let called = owner.post(&test, json!({ "phone": VISITOR })).await.ok();
    let call = called["call"].as_str().unwrap().parse().unwrap();
    stage.record(call).await;
    let told = owner.get(&format!("/calls/{call}")).await.ok();
    // The code was told before it was spoken to its end: the telephone is free again.
    assert_eq!((&told["promise_ms"], &told["disposition"]), (&json!(50_000), &json!("connected")));
    assert_eq!(
        owner.get(&format!("{site}/versions")).await.ok().as_array().unwrap().len(),
        1,
        "nothing is published"
    );
}

#[test]
fn from_the_first_site_to_the_first_call() {
    on_both(async |world| {
        let mut network = Network::start(&[(ANNA, Does::Talks(1_500)), (VISITOR, Does::Answers)]).await;
        let mut stage = stage(world, &network).await;
        stage.service.take();
        stage.practice = true;
        stage.start().await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let sites = format!("/customers/{number}/sites");
        assert_eq!(owner.post(&sites, json!({ "url": "shop" })).await.fields(), "url url");
        let site = owner.post(&sites, json!({ "url": format!("{ORIGIN}/catalogue") })).await.ok();
        assert_eq!((&site["url"], &site["version"]), (&json!(ORIGIN), &Value::Null));
        assert_eq!(owner.post(&sites, json!({ "url": "shop.example" })).await.fields(), "url twice");
        let key = site["key"].as_str().unwrap().to_owned();
        let order = |id: Uuid| {
            let url = format!("{}/w/v1/{key}/orders", owner_base(&stage));
            let body = json!({ "order_id": id, "phone": VISITOR, "country": "RU" });
            reqwest::Client::new().post(url).header("origin", ORIGIN).json(&body).send()
        };
        assert_eq!(
            order(Uuid::new_v4()).await.unwrap().status(),
            StatusCode::NOT_FOUND,
            "nothing is published"
        );

        let draft = owner.get(&format!("/sites/{key}/draft")).await.ok();
        assert_eq!(
            (&draft["revision"], &draft["body"]["rounds"], &draft["published"]),
            (&json!(0), &json!(2), &Value::Null)
        );
        let edit = json!({ "revision": 0, "set": { "managers": [anna()], "mode": "manager_first" } });
        let draft = owner.ask("PATCH", &format!("/sites/{key}/draft"), edit).await.ok();
        assert_eq!(draft["problems"], json!([]));
        let publish = json!({ "revision": draft["revision"] });
        assert_eq!(
            owner.post(&format!("/sites/{key}/publish"), publish).await.ok(),
            json!({ "version": 1, "previous": null })
        );

        let unverified = Uuid::new_v4();
        assert_eq!(order(unverified).await.unwrap().status(), StatusCode::ACCEPTED);
        let url = format!("{}/w/v1/{key}/orders/{unverified}/events", owner_base(&stage));
        let told = reqwest::Client::new()
            .get(url)
            .header("origin", ORIGIN)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(told.contains("no_callable_manager"), "{told}");

        let after = owner.get(&format!("/sites/{key}/draft")).await.ok();
        assert_eq!((&after["changes"], &after["body"]["managers"][0]["address"]), (&json!([]), &json!(ANNA)));
        verify_anna(&mut owner, &number, &mut network).await;
        let call = Uuid::new_v4();
        assert_eq!(order(call).await.unwrap().status(), StatusCode::ACCEPTED);
        stage.record(call).await;
        try_a_draft(&stage, &mut owner, &format!("/sites/{key}")).await;
        let calls = owner.get(&format!("/customers/{number}/calls")).await.ok();
        let rows = calls["calls"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == json!(call)).unwrap();
        assert_eq!(
            (&row["id"], &row["disposition"], &row["manager"]),
            (&json!(call), &json!("connected"), &json!("Анна"))
        );
        assert_eq!(row["lanes"].as_array().unwrap().len(), 2);
        assert!(rows.iter().any(|row| row["reason"] == "no_callable_manager"));
        stage.service.take();
    });
}

fn owner_base(stage: &Stage) -> String {
    format!("http://{}", stage.service.as_ref().unwrap().http())
}

#[test]
fn calls_that_speak_a_code_are_few() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = stage(world, &network).await;
        stage.service.take();
        stage.practice = true;
        stage.caps = Some(callback::store::AddressCaps { in_10min: 1_000, in_hour: 1_000 });
        stage.start().await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let verify = format!("/customers/{number}/numbers/verify");
        let mut asked = Vec::new();
        for n in 0..4 {
            for _ in 0..3 {
                let answer = owner.post(&verify, json!({ "phone": format!("+7495123450{n}") })).await;
                asked.push(if answer.status.is_success() { "called".to_owned() } else { answer.problem() });
                if asked.last().unwrap() == "in-call" {
                    // Its telephone is still down in a moment; what counts was counted.
                    asked.pop();
                    asked.push("called".to_owned());
                }
            }
        }
        assert_eq!(asked.iter().filter(|what| *what == "called").count(), 10, "{asked:?}");
        assert_eq!(asked[11], "verify-limit");
        stage.service.take();
    });
}

#[test]
fn two_who_write_the_same_field_are_told_and_nothing_is_lost() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut anna, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let site =
            anna.post(&format!("/customers/{number}/sites"), json!({ "url": "shop.example" })).await.ok();
        let draft = format!("/sites/{}/draft", site["key"].as_str().unwrap());
        let mut boris = super::team::joined(&stage, &mut anna, &number, "owner").await;
        anna.ask("PATCH", &draft, json!({ "revision": 0, "set": { "rounds": 3 } })).await.ok();
        let edit = json!({ "revision": 0, "set": { "rounds": 4, "ring_timeout_s": 20 } });
        let told = boris.ask("PATCH", &draft, edit).await.ok();
        assert_eq!(
            told["conflicts"],
            json!([{ "field": "rounds", "yours": 4, "theirs": 3, "by": "klimova", "own": false }])
        );
        assert_eq!((&told["body"]["rounds"], &told["body"]["ring_timeout_s"]), (&json!(3), &json!(20)));
        assert_eq!(told["editors"][0]["name"], "klimova");
        let seen = json!({ "revision": told["revision"], "set": { "rounds": 4 } });
        let told = boris.ask("PATCH", &draft, seen).await.ok();
        assert_eq!((&told["body"]["rounds"], told.get("conflicts")), (&json!(4), None), "he has seen it");
        // His other window has not.
        let told = boris.ask("PATCH", &draft, json!({ "revision": 2, "set": { "rounds": 5 } })).await.ok();
        let own = json!({ "field": "rounds", "yours": 5, "theirs": 4, "by": "owner", "own": true });
        assert_eq!((&told["body"]["rounds"], &told["conflicts"][0]), (&json!(4), &own));
        let stale = anna.post(&draft.replace("draft", "publish"), json!({ "revision": 1 })).await;
        assert_eq!((stale.status, stale.problem().as_str()), (StatusCode::CONFLICT, "draft-moved"));

        // Who has not seen a publication, or a version that came back, is told of it too.
        let conflicts = |told: &Value| told["conflicts"].as_array().map_or(0, Vec::len);
        let seen = told["revision"].clone();
        let edit = json!({ "revision": seen, "set": { "total_time_s": 100 } });
        let edited = anna.ask("PATCH", &draft, edit).await.ok();
        let published = json!({ "revision": edited["revision"] });
        anna.post(&draft.replace("draft", "publish"), published).await.ok();
        let late = json!({ "revision": seen, "set": { "total_time_s": 110 } });
        let told = boris.ask("PATCH", &draft, late).await.ok();
        assert_eq!((conflicts(&told), &told["body"]["total_time_s"]), (1, &json!(100)));
        let now = told["revision"].clone();
        let edit = json!({ "revision": now, "set": { "total_time_s": 90 } });
        let edited = anna.ask("PATCH", &draft, edit).await.ok();
        let restore = draft.replace("draft", "versions/1/restore");
        anna.post(&restore, json!({ "revision": edited["revision"] })).await.ok();
        let late = json!({ "revision": now, "set": { "total_time_s": 120 } });
        let told = boris.ask("PATCH", &draft, late).await.ok();
        assert_eq!((conflicts(&told), &told["body"]["total_time_s"]), (1, &json!(100)));
    });
}

#[test]
fn an_own_recording_is_sent_heard_and_published() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
        let site = format!("mode = \"manager_first\"\nannounce = \"always\"\n{}", managers(&[ANNA]));
        let mut stage = Stage::new(world, &network, &site).await;
        let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let sends = "/sites/demo/recordings";
        assert_eq!(owner.send_wav(sends, b"no sound".to_vec()).await.fields(), "own_recording sound");
        let silence = |seconds: usize| wav(&vec![0; seconds * 8_000]);
        assert_eq!(owner.send_wav(sends, silence(16)).await.fields(), "own_recording sound_too_long");
        assert_eq!(owner.send_wav(sends, silence(70)).await.problem(), "body-too-long");
        let tone: Vec<i16> = (0..24_000).map(|n| if n / 10 % 2 == 0 { 4_000 } else { -4_000 }).collect();
        let sound = wav(&tone);
        let sent = owner.send_wav(sends, sound.clone()).await.ok();
        assert_eq!(sent["length_ms"], 3_000);

        let (mut stranger, other) = Browser::register(&stage, "Чужие", "eve@other.example").await;
        let theirs =
            stranger.post(&format!("/customers/{other}/sites"), json!({ "url": "other.example" })).await.ok();
        let edit = json!({ "revision": 0, "set": { "own_recording": sent["id"] } });
        let theirs = format!("/sites/{}/draft", theirs["key"].as_str().unwrap());
        assert_eq!(stranger.ask("PATCH", &theirs, edit.clone()).await.fields(), "own_recording choice");
        let draft = owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
        assert_eq!(
            owner.bytes("/sites/demo/announcement").await,
            sound,
            "it is heard before it is published"
        );
        owner.post("/sites/demo/publish", json!({ "revision": draft["revision"] })).await.ok();

        let call = Uuid::new_v4();
        stage.order(call).await;
        stage.record(call).await;
        let told = owner.get(&format!("/calls/{call}")).await.ok();
        assert_eq!((&told["disposition"], &told["settings_version"]), (&json!("connected"), &json!(2)));
        let at = |what: &str| {
            let mut events = told["events"].as_array().unwrap().iter();
            events.find(|one| one["what"] == what).unwrap()["at_ms"].as_u64().unwrap()
        };
        let heard = at("accepted") - at("hears the announcement");
        assert!(heard >= 2_900, "Anna heard it to its end, and no other words: {heard} ms");
        stage.service.take();
    });
}

/// Samples of a telephone as a WAV file.
fn wav(samples: &[i16]) -> Vec<u8> {
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    file.into_inner()
}

#[test]
fn a_file_that_is_applied_takes_nothing_from_what_is_being_written() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = Stage::new(world, &network, &managers(&[ANNA])).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let edit = json!({ "revision": 0, "set": { "promise_seconds": 50 } });
        owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
        let company = format!("/customers/{number}");
        let edit = json!({ "revision": 0, "set": { "language": "en" } });
        owner.ask("PATCH", &format!("{company}/draft"), edit).await.ok();

        let by_hand = Store::open(&stage.world.url).await.unwrap();
        let changed = stage.settings.replace("\"M\"", "\"Olga\"").replace("\"Shop\"", "\"Shop Ltd\"");
        let changed = SettingsFile::parse(&changed).unwrap();
        by_hand.apply(changed.into(), "operator", Ts(1), false).await.unwrap();

        let draft = owner.get("/sites/demo/draft").await.ok();
        assert_eq!(
            draft["body"]["managers"][0]["name"], "Olga",
            "what nobody wrote is what is published now"
        );
        let change = json!([{ "field": "promise_seconds", "from": 29, "to": 50 }]);
        assert_eq!((&draft["changes"], &draft["version"]), (&change, &json!(2)));
        let draft = owner.get(&format!("{company}/draft")).await.ok();
        let change = json!([{ "field": "language", "from": "ru", "to": "en" }]);
        assert_eq!((&draft["body"]["name"], &draft["changes"]), (&json!("Shop Ltd"), &change));
        let versions = owner.get(&format!("{company}/versions")).await.ok();
        let told = [&versions[0]["author"], &versions[0]["changes"][0]["to"]];
        assert_eq!(told, [&json!("operator"), &json!("Shop Ltd")]);
    });
}

/// Two managers of one number at an exchange are told apart by their extensions, wherever those are written.
#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_a_part_of_a_telephone() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let set = |two: Value| {
        json!({ "revision": 0, "set": { "managers": [
        { "name": "Анна", "address": "+7 495 123-45-67 доб. 101", "extension": null }, two,
    ] } })
    };
    let two = json!({ "name": "Борис", "address": "8 495 123-45-67", "extension": "102" });
    let draft = owner.ask("PATCH", "/sites/demo/draft", set(two)).await.ok();
    assert_eq!(draft["problems"], json!([]));
    let to =
        draft["changes"].as_array().unwrap().iter().find(|one| one["field"] == "managers").unwrap()["to"]
            .clone();
    assert_eq!(
        [&to[0]["address"], &to[0]["extension"], &to[1]["address"], &to[1]["extension"]],
        [&json!("+74951234567"), &json!("101"), &json!("+74951234567"), &json!("102")]
    );
    let two = json!({ "name": "Борис", "address": "8 495 123-45-67", "extension": "101" });
    let edit = json!({ "revision": draft["revision"], "set": set(two)["set"] });
    let draft = owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
    assert_eq!(draft["problems"][0]["code"], "twice");
    stage.service.take();
}

#[test]
fn a_draft_is_published_compared_and_rolled_back() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let site =
            owner.post(&format!("/customers/{number}/sites"), json!({ "url": "shop.example" })).await.ok();
        let site = format!("/sites/{}", site["key"].as_str().unwrap());
        let draft = format!("{site}/draft");
        let mut publish = async |set: Value| {
            let revision = owner.get(&draft).await.ok()["revision"].clone();
            let edited = owner.ask("PATCH", &draft, json!({ "revision": revision, "set": set })).await.ok();
            owner.post(&format!("{site}/publish"), json!({ "revision": edited["revision"] })).await
        };
        publish(json!({})).await.ok();
        assert_eq!(publish(json!({ "rounds": 9, "name": "" })).await.fields(), "name required, rounds range");
        assert_eq!(publish(json!({ "rounds": 3, "name": "Магазин" })).await.ok()["version"], 2);
        let mut owner = Browser::login(&stage, OWNER, PASSWORD).await;
        let versions = owner.get(&format!("{site}/versions")).await.ok();
        assert_eq!(
            versions[0]["changes"],
            json!([
                { "field": "name", "from": "shop.example", "to": "Магазин" }, { "field": "rounds", "from": 2, "to": 3 },
            ])
        );
        let wrong = json!({ "revision": 99, "set": { "rounds": "three" } });
        assert_eq!(owner.ask("PATCH", &draft, wrong).await.fields(), "rounds wrong_type");
        let file = json!({ "revision": 99, "set": { "recording": "/etc/passwd" } });
        assert_eq!(owner.ask("PATCH", &draft, file).await.fields(), "recording unknown_field");
        let restore = format!("{site}/versions/1/restore");
        let stale = owner.post(&restore, json!({ "revision": 1 })).await;
        assert_eq!((stale.status, stale.problem().as_str()), (StatusCode::CONFLICT, "draft-moved"));
        let seen = owner.get(&draft).await.ok()["revision"].clone();
        let restored = owner.post(&restore, json!({ "revision": seen })).await.ok();
        assert_eq!(
            (&restored["body"]["rounds"], restored["changes"].as_array().unwrap().len()),
            (&json!(2), 2)
        );
        let reset = format!("{draft}?revision={seen}");
        assert_eq!(owner.ask("DELETE", &reset, Value::Null).await.problem(), "draft-moved", "he saw another");
        let reset = format!("{draft}?revision={}", restored["revision"]);
        let reset = owner.ask("DELETE", &reset, Value::Null).await.ok();
        assert_eq!((&reset["body"]["rounds"], &reset["changes"]), (&json!(3), &json!([])));
        let publish = json!({ "revision": reset["revision"] });
        let again = owner.post(&format!("{site}/publish"), publish.clone()).await;
        assert_eq!(again.problem(), "nothing-to-publish");

        assert_eq!(
            owner.post(&format!("{site}/archive"), json!({ "confirm": "shop" })).await.fields(),
            "confirm confirm"
        );
        let away = owner.post(&format!("{site}/archive"), json!({ "confirm": "shop.example" })).await.ok();
        assert!(away["archived_at"].is_string());
        assert_eq!(owner.post(&format!("{site}/publish"), publish).await.problem(), "site-archived");
        assert_eq!(
            owner.post(&format!("{site}/unarchive"), json!({})).await.ok()["archived_at"],
            Value::Null
        );

        let company = format!("/customers/{number}/draft");
        let edit = json!({ "revision": 0, "set": { "name": "Ромашка плюс", "blocked": [{ "what": "+7916*", "note": "спам" }] } });
        let edited = owner.ask("PATCH", &company, edit).await.ok();
        assert_eq!(edited["problems"], json!([]));
        let published = owner
            .post(&format!("/customers/{number}/publish"), json!({ "revision": edited["revision"] }))
            .await
            .ok();
        assert_eq!(published["version"], 1);
        assert_eq!(owner.get(&format!("/customers/{number}")).await.ok()["name"], "Ромашка плюс");
    });
}

#[test]
fn a_draft_is_rehearsed_before_it_is_published() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let site =
            owner.post(&format!("/customers/{number}/sites"), json!({ "url": "shop.example" })).await.ok();
        let site = format!("/sites/{}", site["key"].as_str().unwrap());
        let none = owner.get(&format!("{site}/rehearsal")).await.ok();
        assert_eq!((&none["warnings"][0]["key"], &none["to_visitor"]), (&json!("nobody"), &Value::Null));
        let managers = json!([
            { "name": "Анна", "address": "sip:anna@192.0.2.7" },
            { "name": "Борис", "address": "+74951234599" },
        ]);
        let set = json!({ "managers": managers, "delay_to_visitor_s": 40, "mode": "manager_first" });
        owner.ask("PATCH", &format!("{site}/draft"), json!({ "revision": 0, "set": set })).await.ok();
        let told = owner.get(&format!("{site}/rehearsal")).await.ok();
        let keys: Vec<_> =
            told["warnings"].as_array().unwrap().iter().map(|one| one["key"].clone()).collect();
        assert_eq!(keys, ["promise_delay", "one", "unverified"]);
        assert_eq!(told["warnings"][0]["grave"], true);
        assert_eq!(told["to_visitor"]["earliest_ms"], 40_000);
        assert_eq!(told["calls"][1]["name"], "usual");
        assert_eq!(told["calls"][1]["lanes"].as_array().unwrap().len(), 2);
        owner
            .ask("PATCH", &format!("{site}/draft"), json!({ "revision": 9, "set": { "rounds": 9 } }))
            .await
            .ok();
        assert_eq!(owner.get(&format!("{site}/rehearsal")).await.fields(), "rounds range");
        assert_eq!(owner.get("/holidays/RU/2027").await.ok()[0]["date"], "2027-01-01");
        assert_eq!(owner.get("/holidays/AQ/2027").await.problem(), "not-found");
    });
}

#[test]
fn whatever_is_typed_is_kept_as_text() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let stage = stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
        let site =
            owner.post(&format!("/customers/{number}/sites"), json!({ "url": "магазин.рф" })).await.ok();
        assert_eq!((&site["url"], &site["name"]), (&json!("https://магазин.рф"), &json!("магазин.рф")));
        let draft = format!("/sites/{}/draft", site["key"].as_str().unwrap());
        for name in
            ["<script>alert(1)</script>", "שלום עולם", "👩‍🚀 Анна", "'; DROP TABLE users; --", "a\u{0}b"]
        {
            let manager = json!([{ "name": name, "address": "sip:a@192.0.2.7" }]);
            let told = owner
                .ask("PATCH", &draft, json!({ "revision": 999, "set": { "managers": manager } }))
                .await
                .ok();
            let kept = told["body"]["managers"][0]["name"].as_str().unwrap();
            if name.contains('\0') {
                assert_eq!(told["problems"][0]["field"], "managers[0].name");
            } else {
                assert_eq!(kept, name);
            }
        }
        let long = json!({ "revision": 999, "set": { "name": "Я".repeat(2_200_000) } });
        assert_eq!(owner.ask("PATCH", &draft, long).await.problem(), "body-too-long");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_office_is_rehearsed_by_its_own_hours_and_people() {
    let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
    let mut stage = stage(World::lite(), &network).await;
    let (mut owner, number) = Browser::register(&stage, "Ромашка", OWNER).await;
    let site = owner.post(&format!("/customers/{number}/sites"), json!({ "url": "shop.example" })).await.ok();
    let site = format!("/sites/{}", site["key"].as_str().unwrap());
    let office = |name: &str, managers: Value| json!({ "name": name, "managers": managers, "schedule": null, "time_zone": null });
    let sip = json!([{ "name": "Oleg", "address": "sip:oleg@pbx.example", "accept_key": "no" }]);
    let set = json!({ "offices": [office("Самара", sip), office("Уфа", json!([anna()]))] });
    let edited =
        owner.ask("PATCH", &format!("{site}/draft"), json!({ "revision": 0, "set": set })).await.ok();
    assert_eq!(edited["problems"], json!([]));
    let told = owner.get(&format!("{site}/rehearsal")).await.ok();
    assert!(told["to_visitor"].is_object(), "the first office's: {told}");
    assert_eq!(told["calls"][0]["taken_by"], "Oleg");
    let warned: Vec<_> =
        told["warnings"].as_array().unwrap().iter().map(|one| [&one["office_name"], &one["key"]]).collect();
    assert!(warned.contains(&[&json!("Уфа"), &json!("unverified")]), "{warned:?}");
    assert!(!warned.contains(&[&Value::Null, &json!("nobody")]), "{warned:?}");
    let tried =
        owner.post(&format!("{site}/test-call"), json!({ "phone": VISITOR, "office": "Казань" })).await;
    assert_eq!(tried.fields(), "phone unverified");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_shown_is_one_s_own_and_told_where_no_line_shows_it() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let draft = "/sites/demo/draft";
    let shown = |number: &str| json!({ "revision": 0, "set": { "caller_id_to_visitor": number } });
    assert_eq!(
        owner.ask("PATCH", draft, shown("+74959999999")).await.fields(),
        "caller_id_to_visitor not_verified"
    );
    // A manager's telephone of an applied file counts as verified; the practice line shows its own number alone.
    let lines = owner.get("/me").await.ok()["memberships"][0]["number"].as_str().unwrap().to_owned();
    let lines = owner.get(&format!("/customers/{lines}")).await.ok()["lines"].clone();
    owner.ask("PATCH", draft, shown(ANNA)).await.ok();
    let told = owner.get("/sites/demo/rehearsal").await.ok();
    let warned = told["warnings"].as_array().unwrap().iter().any(|one| one["key"] == "caller_id");
    assert_eq!(warned, lines["any"] == json!(false), "{lines}");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_one_by_www_and_scheme_and_a_blocked_number_is_listed_once() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let sites = format!("/customers/{number}/sites");
    owner.post(&sites, json!({ "url": "https://www.roga.example" })).await.ok();
    for again in ["roga.example", "http://roga.example/cart", "https://roga.example:0443"] {
        assert_eq!(owner.post(&sites, json!({ "url": again })).await.fields(), "url twice", "{again}");
    }
    let other = owner.post(&sites, json!({ "url": "roga.example:8443" })).await.ok();
    let other = format!("/sites/{}/draft", other["key"].as_str().unwrap());
    let moved = json!({ "revision": 0, "set": { "url": "https://roga.example./shop" } });
    assert_eq!(owner.ask("PATCH", &other, moved).await.fields(), "url twice");
    let unread = json!({ "revision": 0, "set": { "url": "roga" } });
    assert_eq!(owner.ask("PATCH", &other, unread).await.ok()["problems"][0]["code"], "url");
    for wrong in [
        "a..b.example",
        "-x.example",
        "roga.example:99999",
        "roga.example:0",
        "https://[foo",
        "host::80",
        "a:b:80",
    ] {
        assert_eq!(owner.post(&sites, json!({ "url": wrong })).await.fields(), "url url", "{wrong}");
    }
    let week = json!({ "revision": 0, "set": { "schedule": { "mon": ["10:00-19:00"] } } });
    let told = owner.ask("PATCH", &other, week).await.ok()["body"]["schedule"].clone();
    assert_eq!(
        (&told["mon"], &told["sun"]),
        (&json!(["10:00-19:00"]), &json!([])),
        "its other days are closed"
    );
    let twice =
        json!([{ "what": "8 916 111-22-33", "note": "раз" }, { "what": "+79161112233", "note": "два" }]);
    let edited = json!({ "revision": 0, "set": { "blocked": twice } });
    let edited = owner.ask("PATCH", "/sites/demo/draft", edited).await.ok();
    assert_eq!(
        (&edited["problems"][0]["field"], &edited["problems"][0]["code"]),
        (&json!("blocked[1].what"), &json!("twice"))
    );
    stage.service.take();
}
