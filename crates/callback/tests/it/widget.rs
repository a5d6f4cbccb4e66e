//! What a site's pages load, and what they are told that can be promised.

use crate::cabinet::Browser;
use crate::stage::{ANNA, Network, Stage, managers, problem};
use crate::world::World;
use callback::store::Sign;
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

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
    let sign = Sign { seen_at: Some(yesterday), elsewhere: None };
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
    assert_eq!(open, json!({ "promise_seconds": 29, "slots": [], "opens_at": null, "offices": [] }));
    let slow =
        offered(&format!("promise_seconds = 10\ndelay_to_visitor_s = 10\n{}", managers(&[ANNA]))).await;
    assert_eq!(slow["promise_seconds"], Value::Null, "his telephone rings when it is over");
    let nobody = offered(&format!("{}\non = false", managers(&[ANNA]))).await;
    assert_eq!(nobody["promise_seconds"], Value::Null);
    assert!(!nobody["slots"].as_array().unwrap().is_empty(), "it is open, and might be able to later");
}
