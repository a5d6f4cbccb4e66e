//! What a site's pages load, and what they are told that can be promised.

use crate::cabinet::Browser;
use crate::stage::{ANNA, Does, Network, Stage, VISITOR, body, managers, problem};
use crate::world::World;
use callback::store::Sign;
use callback_core::id::OrderId;
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A file of the service's, as a browser asks for it.
async fn file(stage: &Stage, path: &str, known: Option<&str>) -> reqwest::Response {
    let address = format!("http://{}{path}", stage.service.as_ref().unwrap().http());
    let mut request = stage.browser.get(address);
    if let Some(tag) = known {
        request = request.header("if-none-match", tag);
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_has_its_sites_settings_and_leads_to_files_that_stay() {
    let network = Network::start(&[]).await;
    let site = format!("promise_seconds = 31\nname = \"</script><b>\"\n{}", managers(&[ANNA]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let script = file(&stage, "/w/demo.js", None).await;
    assert_eq!(script.status(), StatusCode::OK);
    let head = |name: &str| script.headers()[name].to_str().unwrap().to_owned();
    let tag = head("etag");
    assert_eq!(head("content-type"), "text/javascript; charset=utf-8");
    assert!(head("cache-control").contains("stale-while-revalidate"));
    let text = script.text().await.unwrap();
    assert!(text.contains("\"key\":\"demo\"") && text.contains("\"promise\":31"), "{text}");
    assert!(!text.contains("</script"), "it ends no page that has it inline");
    assert_eq!(file(&stage, "/w/demo.js", Some(&tag)).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(problem(file(&stage, "/w/nobody.js", None).await).await, "site-unknown");

    let named = text.split('"').filter(|part| part.starts_with("/w/a/")).collect::<Vec<_>>();
    assert_eq!(named.len(), 4, "who watches, the dialog, its words, the countries: {named:?}");
    for path in named {
        let module = file(&stage, path, None).await;
        assert_eq!(module.status(), StatusCode::OK, "{path}");
        assert_eq!(module.headers()["access-control-allow-origin"], "*", "{path}");
        assert!(module.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
        assert!(!module.text().await.unwrap().is_empty());
        let address = format!("http://{}{path}", stage.service.as_ref().unwrap().http());
        let packed = stage.browser.get(address).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
    }
    for nothing in ["/w/a/loader.js", "/w/a/files.json", "/w/a/..%2f..%2fsecret-1.js"] {
        assert_eq!(file(&stage, nothing, None).await.status(), StatusCode::NOT_FOUND, "{nothing}");
    }
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_which_pages_load_his_script() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let told = owner.get("/sites/demo/installation").await.ok();
    assert_eq!(told["line"], "<script async src=\"http://127.0.0.1/w/demo.js\"></script>");
    assert_eq!((&told["seen_at"], &told["elsewhere"]), (&Value::Null, &Value::Null));
    for page in ["https://www.shop.example/cart", "https://copied.example/", "no address"] {
        let address = format!("http://{}/w/demo.js", stage.service.as_ref().unwrap().http());
        stage.browser.get(address).header("referer", page).send().await.unwrap();
    }
    let told = owner.get("/sites/demo/installation").await.ok();
    assert!(told["seen_at"].is_string(), "{told}");
    assert_eq!(told["elsewhere"]["origin"], "https://copied.example");

    // What was seen is known after a restart; a widget that is not seen for a day is told of.
    stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    stage.start().await;
    owner.moved(&stage);
    assert_eq!(owner.get("/sites/demo/installation").await.ok(), told);
    let overview = format!("/customers/{number}/overview");
    assert_eq!(owner.get(&overview).await.ok()["silent"], json!([]));
    let store = stage.world.open().await;
    let site = store.site_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap().id;
    let yesterday = Ts(jiff::Timestamp::now().as_microsecond()) - Duration::from_secs(25 * 3_600);
    let sign = Sign { seen_at: Some(yesterday), ..Sign::default() };
    store.keep_signs(vec![(site, sign)]).await.unwrap();
    let silent = owner.get(&overview).await.ok()["silent"].take();
    assert_eq!((&silent[0]["site"], silent.as_array().unwrap().len()), (&json!("demo"), 1));
    let told = owner.get("/sites/demo/installation").await.ok();
    assert_eq!(told["elsewhere"]["origin"], "https://copied.example", "what was not seen again stays");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_can_be_kept() {
    let offered = async |site: &str| {
        let network = Network::start(&[]).await;
        let mut stage = Stage::new(World::lite(), &network, site).await;
        let told: Value = stage.get("/offer").await.json().await.unwrap();
        stage.service.take();
        told
    };
    let open = offered(&managers(&[ANNA])).await;
    assert_eq!(
        open,
        json!({ "promise_seconds": 29, "slots": [], "opens_at": null, "offices": [], "country": null })
    );
    let slow =
        offered(&format!("promise_seconds = 10\ndelay_to_visitor_s = 10\n{}", managers(&[ANNA]))).await;
    assert_eq!(slow["promise_seconds"], Value::Null, "his telephone rings when it is over");
    let nobody = offered(&format!("{}\non = false", managers(&[ANNA]))).await;
    assert_eq!(nobody["promise_seconds"], Value::Null);
    assert!(!nobody["slots"].as_array().unwrap().is_empty(), "it is open, and might be able to later");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_dialogs_is_counted_by_the_rule_that_showed_them() {
    let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let path = "/sites/demo/scenarios";
    assert_eq!(owner.get(&format!("{path}/shows")).await.ok(), json!({}));
    for (event, rule) in [
        ("shown", json!("leaving/1")),
        ("shown", json!("leaving/1")),
        ("opened", json!("leaving/1")),
        ("closed", json!("leaving/1")),
        ("opened", Value::Null),
        // What no scenario of the site has is nobody's rule.
        ("opened", json!("leaving/2")),
        ("opened", json!("x".repeat(1_000))),
    ] {
        let said = json!({ "event": event, "rule": rule, "page": "https://shop.example/cart?a=1" });
        assert_eq!(stage.post("/events", &said).await.status(), StatusCode::NO_CONTENT, "{said}");
    }
    for wrong in
        [json!({}), json!({ "event": "sung", "page": "" }), json!([]), json!({ "event": "shown", "page": 1 })]
    {
        assert_eq!(problem(stage.post("/events", &wrong).await).await, "body-invalid", "{wrong}");
    }
    let order = Uuid::new_v4();
    let mut wish = body(order, VISITOR);
    wish["visit"] = json!({ "page": "https://shop.example/cart", "rule": "leaving/1" });
    stage.post("/orders", &wish).await;
    stage.record(order).await;
    let shows = owner.get(&format!("{path}/shows")).await.ok();
    let counts = |shown, opened, closed, ordered| json!({ "shown": shown, "opened": opened, "closed": closed, "ordered": ordered, "connected": ordered });
    assert_eq!(shows, json!({ "leaving/1": counts(2, 1, 1, 1), "": counts(0, 3, 0, 0) }));
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_tries_what_a_visitor_would_see() {
    let network = Network::start(&[]).await;
    let scenarios = r#"
        [[customer.site.scenario]]
        key = "off"
        name = "Off"
        on = false
        rules = [{ active_s = 1 }]
        [[customer.site.scenario]]
        key = "prices"
        name = "Prices"
        rules = [{ source = ["social"], exit = true }, { keyword = ["*цен*"], page = ["/shop/*"], active_s = 10 }]
    "#;
    let mut stage = Stage::new(World::lite(), &network, &format!("{scenarios}{}", managers(&[ANNA]))).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let visitor = json!({ "facts": { "keyword": "ЦЕНЫ на окна", "page": "/shop/windows", "active": 42 } });
    let tried = owner.post("/sites/demo/scenarios/try", visitor).await.ok();
    assert_eq!((&tried["scenario"], &tried["rule"]), (&json!("prices"), &json!(2)));
    assert_eq!(tried["scenarios"][0], json!({ "key": "off", "on": false, "misses": [[]] }));
    assert_eq!(tried["scenarios"][1]["misses"], json!([["exit", "source"], []]));
    let tried = owner.post("/sites/demo/scenarios/try", json!({ "facts": { "active": 9 } })).await.ok();
    assert_eq!((&tried["scenario"], &tried["rule"]), (&Value::Null, &Value::Null));
    let script = file(&stage, "/w/demo.js", None).await.text().await.unwrap();
    assert!(script.contains("[\"prices\",[{\"exit\":[1],\"source\":[\"social\"]},"), "{script}");
    assert!(!script.contains("\"off\""), "what is off is told to nobody");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_consents_is_called_and_says_how_it_was() {
    let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
    let site = format!("consent = true\nconsent_text = \"Согласен\"\n{}", managers(&[ANNA]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let script = file(&stage, "/w/demo.js", None).await.text().await.unwrap();
    let (_, consent) = script.split_once("\"consent\":{\"text\":\"Согласен\",\"version\":\"").unwrap();
    let version = consent.split('"').next().unwrap();
    let order = Uuid::new_v4();
    let mut wish = body(order, VISITOR);
    for refused in [json!({}), json!({ "given": false }), json!({ "given": "true", "text_version": version })]
    {
        wish["consent"] = refused;
        assert_eq!(problem(stage.post("/orders", &wish).await).await, "consent-required");
    }
    wish["consent"] = json!({ "given": true, "text_version": version, "text": "another" });
    assert_eq!(stage.post("/orders", &wish).await.status(), StatusCode::ACCEPTED);
    let store = stage.world.open().await;
    let kept = store.order(&"demo".parse().unwrap(), OrderId(order)).await.unwrap().unwrap().facts;
    assert_eq!(
        (&kept.consent["text"], kept.ip.is_some()),
        (&json!("Согласен"), true),
        "what he saw, and where from"
    );

    let path = format!("/orders/{order}/score");
    assert_eq!(
        problem(stage.post(&path, &json!({ "score": 5 })).await).await,
        "order-unknown",
        "he has not talked"
    );
    stage.record(order).await;
    for wrong in
        [json!({ "score": 0 }), json!({ "score": 6 }), json!({ "score": "5" }), json!({}), json!(null)]
    {
        assert_eq!(problem(stage.post(&path, &wrong).await).await, "body-invalid", "{wrong}");
    }
    for score in [2, 5] {
        assert_eq!(stage.post(&path, &json!({ "score": score })).await.status(), StatusCode::NO_CONTENT);
    }
    let calls = owner.get(&format!("/customers/{number}/calls")).await.ok();
    assert_eq!(calls["calls"][0]["score"], 5);
    let analysis = owner.get(&format!("/customers/{number}/analysis")).await.ok();
    let managers = json!([{ "name": "M", "count": 1, "sum": 5 }]);
    assert_eq!(analysis["scores"], json!({ "count": 1, "sum": 5, "managers": managers }));
    let nobodys = owner.get(&format!("/customers/{number}/analysis?manager=Nobody")).await.ok();
    assert_eq!(nobodys["scores"], json!({ "count": 0, "sum": 0, "managers": [] }));
    let nobody = format!("/orders/{}/score", Uuid::new_v4());
    assert_eq!(problem(stage.post(&nobody, &json!({ "score": 5 })).await).await, "order-unknown");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_what_is_wrong_on_his_pages_until_it_is_right() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let path = "/sites/demo/installation";
    let kinds = async |owner: &mut Browser| {
        let told = owner.get(path).await.ok();
        let faults = told["faults"].as_array().unwrap().iter();
        let mut told: Vec<String> =
            faults.map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["detail"])).collect();
        told.sort();
        told
    };
    let load = async |stage: &Stage, page: &str| {
        let address = format!("http://{}/w/demo.js", stage.service.as_ref().unwrap().http());
        stage.browser.get(address).header("referer", page).send().await.unwrap();
    };
    load(&stage, "https://shop.example/").await;
    assert_eq!(kinds(&mut owner).await, Vec::<String>::new());
    load(&stage, "http://www.shop.example/").await;
    let page = "https://shop.example/cart?a=1";
    let blocked = |directive: &str| json!({ "event": "blocked", "rule": directive, "page": page });
    for said in [
        json!({ "event": "twice", "page": page }),
        blocked("script-src-elem"),
        blocked("style-src <b>"),
        blocked(&"x".repeat(1_000)),
    ] {
        assert_eq!(stage.post("/events", &said).await.status(), StatusCode::NO_CONTENT, "{said}");
    }
    let module = stage.get("/blocked").await;
    assert_eq!(
        (module.status(), &module.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    let address = "address \"www.shop.example\"";
    let connect = "connect \"connect-src\"";
    let policy = format!("policy \"{}\"", "x".repeat(32));
    let all = [address, connect, "http null", &policy, "script \"script-src-elem\"", "twice null"];
    assert_eq!(kinds(&mut owner).await, all);
    assert_eq!(owner.get("/sites/demo/scenarios/shows").await.ok(), json!({}), "none of it is a dialog");

    // It outlives a restart. A dialog that talks can ask; pages that load without a fault have none.
    stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    stage.start().await;
    owner.moved(&stage);
    assert_eq!(kinds(&mut owner).await, all);
    stage.post("/events", &json!({ "event": "opened", "page": page })).await;
    assert!(!kinds(&mut owner).await.contains(&connect.to_owned()));
    let store = stage.world.open().await;
    let site = store.site_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap().id;
    let later = Ts(jiff::Timestamp::now().as_microsecond()) + Duration::from_secs(660);
    store.keep_signs(vec![(site, Sign { seen_at: Some(later), ..Sign::default() })]).await.unwrap();
    assert_eq!(kinds(&mut owner).await, Vec::<String>::new());
    let strange = stage.browser.get(stage.url("/blocked")).header("Origin", "https://copied.example");
    assert_eq!(problem(strange.send().await.unwrap()).await, "origin-refused");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_his_draft_on_his_site_and_nobody_is_called_by_it() {
    let network = Network::start(&[]).await;
    let mut stage = Stage::new(World::lite(), &network, &managers(&[ANNA])).await;
    let (mut owner, _) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let draft = owner.get("/sites/demo/draft").await.ok();
    let set = json!({ "promise_seconds": 17, "button_place": "none" });
    let edit = json!({ "revision": draft["revision"], "set": set });
    owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
    let link = owner.post("/sites/demo/trial", json!({})).await.ok();
    let url = link["url"].as_str().unwrap();
    let token = url.strip_prefix("https://shop.example/#callback-test=").unwrap().to_owned();

    let drafted = stage.get(&format!("/trial/{token}")).await;
    assert_eq!(drafted.status(), StatusCode::OK);
    assert_eq!(drafted.headers()["cache-control"], "no-store");
    let text = drafted.text().await.unwrap();
    for told in ["\"promise\":17", "\"label\":\"Черновик · ", "\"place\":\"right\"", "\"trial\":\""]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(text.contains(&format!("\"key\":\"demo/trial/{token}\"")));
    let published = file(&stage, "/w/demo.js", None).await.text().await.unwrap();
    assert!(published.contains("\"promise\":29") && !published.contains("Черновик"));

    // What the dialog asks by that key: what can be promised, and a call that nobody makes.
    let at = |path: &str| format!("/trial/{token}/{path}");
    assert_eq!(stage.get(&at("offer")).await.status(), StatusCode::OK);
    let refused = stage.post(&at("orders"), &body(Uuid::new_v4(), VISITOR)).await;
    assert_eq!(problem(refused).await, "trial");
    let said = json!({ "event": "shown", "rule": "leaving/1", "page": "https://shop.example/" });
    assert_eq!(stage.post(&at("events"), &said).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(owner.get("/sites/demo/scenarios/shows").await.ok(), json!({}), "and nothing is counted");

    let strange =
        stage.browser.get(stage.url(&format!("/trial/{token}"))).header("Origin", "https://copied.example");
    assert_eq!(problem(strange.send().await.unwrap()).await, "origin-refused");
    let forged = format!("/trial/9{token}");
    assert_eq!(problem(stage.get(&forged).await).await, "link-over");
    // The link outlives a restart, and no change of the draft.
    stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    stage.start().await;
    owner.moved(&stage);
    assert_eq!(stage.get(&format!("/trial/{token}")).await.status(), StatusCode::OK);
    let draft = owner.get("/sites/demo/draft").await.ok();
    let edit = json!({ "revision": draft["revision"], "set": { "promise_seconds": 18 } });
    owner.ask("PATCH", "/sites/demo/draft", edit).await.ok();
    assert_eq!(problem(stage.get(&format!("/trial/{token}")).await).await, "link-over");
    stage.service.take();
}
