//! What a company sees of its calls.

use super::Browser;
use crate::stage::{ANNA, BORIS, Does, Network, Stage, VISITOR, body, found, managers};
use crate::world::{World, on_both};
use calamine::Reader as _;
use futures_util::StreamExt as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io::Cursor;
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
            let calls = owner.get(&format!("/customers/{number}/calls/open")).await.ok();
            let mut rows = calls.as_array().unwrap().iter();
            let row = rows.find(|row| row["id"] == json!(id)).unwrap();
            assert_eq!(row["by_number"], json!({ "country": "RU", "region": null, "city": null }));
            row["came"].clone()
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

/// What of the journal is asked for.
async fn ids(browser: &mut Browser, path: &str) -> Vec<String> {
    let page = browser.get(path).await.ok();
    let rows = page["calls"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// What is asked of a journal with one call in it, ordered and missed today.
async fn look(owner: &mut Browser, calls: &str) {
    for (asked, finds) in [
        ("", 1),
        ("?period=yesterday", 0),
        ("?status=manager_no_answer,connected&keyword=&page=/cart", 1),
        ("?status=connected", 0),
        ("?number=916", 1),
        ("?number=8916", 1),
        ("?keyword=(none)", 0),
        ("?page=%25", 0),
        ("?manager=.*", 0),
        ("?waiting=true&kind=search&source=Google", 1),
        ("?from=2020-01-01&to=2020-12-31", 0),
    ] {
        assert_eq!(ids(owner, &format!("{calls}{asked}")).await.len(), finds, "{asked}");
    }
    for (asked, told) in [
        ("?from=2026-11-20&to=2026-11-19", "to before_from"),
        ("?from=2026-02-30", "from date"),
        ("?from=99999-01-01", "from date"),
        ("?to=2026-11-19", "from required"),
        ("?period=century", "period choice"),
        ("?status=busy", "status choice"),
        ("?hour=168", "hour range"),
        ("?number=%25_%27;DROP", "number digits"),
        ("?order=phone", "order choice"),
    ] {
        assert_eq!(owner.get(&format!("{calls}{asked}")).await.fields(), told, "{asked}");
    }
    assert_eq!(owner.get(&format!("{calls}?after=1.2")).await.status, StatusCode::NOT_FOUND);
    let crowd = format!("{calls}?{}", "status=connected&".repeat(1_000));
    assert_eq!(owner.get(&crowd).await.problem(), "query-invalid");
}

#[test]
fn a_call_that_was_missed_is_called_again() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Declines), (VISITOR, Does::Answers)]).await;
        let site = format!("mode = \"manager_first\"\nrounds = 1\n{}", managers(&[ANNA]));
        let mut stage = Stage::new(world, &network, &site).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let path = format!("/customers/{number}");
        let missed = Uuid::new_v4();
        let mut wish = body(missed, VISITOR);
        wish["visit"] =
            json!({ "page": "https://shop.example/cart?a=1", "referrer": "https://www.google.com/" });
        stage.post("/orders", &wish).await;
        stage.record(missed).await;

        let overview = owner.get(&format!("{path}/overview?period=today")).await.ok();
        assert_eq!(
            (&overview["totals"]["orders"], &overview["totals"]["manager_no_answer"]),
            (&json!(1), &json!(1))
        );
        assert_eq!((&overview["waiting"][0]["id"], &overview["waiting_count"]), (&json!(missed), &json!(1)));
        assert_eq!(overview["steps"].as_array().unwrap().len(), 1);
        let analysis = owner.get(&format!("{path}/analysis?kind=search")).await.ok();
        assert_eq!(analysis["totals"], overview["totals"]);
        let source = &analysis["sources"][0];
        assert_eq!(
            (&source["value"], &source["called"], &source["connected"]),
            (&json!("Google"), &json!(1), &json!(0))
        );
        assert_eq!(
            (&analysis["keywords"][0]["value"], &analysis["pages"][0]["value"]),
            (&json!(""), &json!("/cart"))
        );
        assert_eq!(analysis["regions"][0]["value"], json!("RU"), "by its number alone");
        assert_eq!(
            (&analysis["managers"][0]["tries"], &analysis["managers"][0]["taken"]),
            (&json!(1), &json!(0))
        );

        let calls = format!("{path}/calls");
        look(&mut owner, &calls).await;
        let call = format!("/calls/{missed}");
        let note = json!({ "note": "<b>Просил</b> после обеда" });
        assert_eq!(
            owner.ask("PUT", &format!("{call}/note"), note.clone()).await.status,
            StatusCode::NO_CONTENT
        );
        let long = json!({ "note": "я".repeat(501) });
        assert_eq!(owner.ask("PUT", &format!("{call}/note"), long).await.fields(), "note too_long");
        let mark = |is: bool| json!({ "is": is });
        let marked = owner.ask("PUT", &format!("{call}/called-back"), mark(true)).await;
        assert_eq!(marked.status, StatusCode::NO_CONTENT);
        let told = owner.get(&call).await.ok();
        assert_eq!((&told["row"]["note"], &told["row"]["called_back_by"]), (&note["note"], &json!("owner")));
        assert_eq!(ids(&mut owner, &format!("{calls}?waiting=true")).await.len(), 0);
        owner.ask("PUT", &format!("{call}/called-back"), mark(false)).await;

        network.does(ANNA, Does::Talks(1_100));
        let again = owner.post(&format!("{call}/again"), json!({})).await.ok();
        let second: Uuid = again["call"].as_str().unwrap().parse().unwrap();
        assert_eq!(owner.post(&format!("{call}/again"), json!({})).await.problem(), "in-call");
        let open = owner.get(&format!("{calls}/open")).await.ok();
        assert_eq!((&open[0]["id"], &open[0]["by"]), (&json!(second), &json!("cabinet")));
        stage.record(second).await;
        let told = owner.get(&call).await.ok();
        assert!(told["row"]["called_back_at"].is_string(), "they talked, so he was called back");
        assert_eq!(told["row"]["called_back_by"], Value::Null);
        assert_eq!(
            ids(&mut owner, &format!("{calls}?order=talk")).await,
            [second.to_string(), missed.to_string()]
        );
        assert_eq!(owner.get(&format!("{calls}/open")).await.ok(), json!([]));
        let marked = owner.ask("PUT", &format!("/calls/{second}/called-back"), mark(true)).await;
        assert_eq!(marked.problem(), "not-missed");
        stage.service.take();
    });
}

#[test]
fn who_was_missed_twice_waits_once() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Declines), (VISITOR, Does::Answers)]).await;
        let site = format!("mode = \"manager_first\"\nrounds = 1\n{}", managers(&[ANNA]));
        let mut stage = Stage::new(world, &network, &site).await;
        let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
        let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
        for missed in [first, second] {
            stage.post("/orders", &body(missed, VISITOR)).await;
            stage.record(missed).await;
        }
        let overview = format!("/customers/{number}/overview");
        let waiting = async |owner: &mut Browser| {
            let told = owner.get(&overview).await.ok();
            let ids: Vec<_> =
                told["waiting"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
            (ids, told["waiting_count"].as_u64().unwrap())
        };
        assert_eq!(waiting(&mut owner).await, (vec![json!(second)], 1), "one visitor");
        let mark = async |owner: &mut Browser, call: Uuid, is: bool| {
            owner.ask("PUT", &format!("/calls/{call}/called-back"), json!({ "is": is })).await.status
        };
        assert_eq!(mark(&mut owner, second, true).await, StatusCode::NO_CONTENT);
        assert_eq!(waiting(&mut owner).await, (vec![], 0), "he was called back for both");
        assert_eq!(mark(&mut owner, second, false).await, StatusCode::NO_CONTENT);
        assert_eq!(waiting(&mut owner).await, (vec![json!(second)], 1), "and that is taken back");
        assert_eq!(mark(&mut owner, first, true).await, StatusCode::NO_CONTENT);
        assert_eq!(
            waiting(&mut owner).await,
            (vec![json!(second)], 1),
            "what he missed later is not answered"
        );
        stage.service.take();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_sees_which_manager_rings_though_the_visitor_is_told_the_same() {
    let mut network = Network::start(&[(ANNA, Does::Declines), (BORIS, Does::Rings)]).await;
    let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA, BORIS]));
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let call = Uuid::new_v4();
    stage.order(call).await;
    network.sees(&format!("{BORIS} rings")).await;
    let lanes = found("the second manager's ringing", async || {
        let open = owner.get(&format!("/customers/{number}/calls/open")).await.ok();
        let lanes = open[0]["lanes"].clone();
        lanes[1]["ringing_ms"].is_u64().then_some(lanes)
    })
    .await;
    assert!(lanes[0]["over_ms"].is_u64() && lanes[1]["over_ms"].is_null(), "{lanes:#}");
    stage.post(&format!("/orders/{call}/cancel"), &json!({})).await;
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_has_the_calls_of_the_filter_and_no_formula() {
    let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
    let site = managers(&[ANNA]).replace("\"M\"", "\"=1+1\"");
    let mut stage = Stage::new(World::lite(), &network, &site).await;
    let (mut owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let path = format!("/customers/{number}/calls");
    let call = Uuid::new_v4();
    let mut wish = body(call, VISITOR);
    let landing = "https://shop.example/?utm_source=%3DHYPERLINK(1)&utm_medium=cpc&utm_term=%40SUM(A1)";
    wish["visit"] = json!({ "page": "https://shop.example/cart", "landing": landing });
    stage.post("/orders", &wish).await;
    stage.record(call).await;
    let stopped = Uuid::new_v4();
    stage.post("/orders", &body(stopped, "+442079460123")).await;

    let csv = String::from_utf8(owner.bytes(&format!("{path}.csv?status=connected")).await).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 2, "the head, and the one that was connected: {csv}");
    for formula in ["=1+1", "=HYPERLINK(1)", "@SUM(A1)"] {
        assert!(csv.contains(&format!("'{formula}")), "{formula}: {csv}");
    }
    assert!(csv.contains(VISITOR) && csv.contains(&call.to_string()), "{csv}");

    let xlsx = owner.bytes(&format!("{path}.xlsx")).await;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(xlsx)).unwrap();
    let sheet = book.worksheet_range("Sheet1").unwrap();
    let cell =
        |row: usize, column: usize| sheet.get((row, column)).map(ToString::to_string).unwrap_or_default();
    let head = sheet.width();
    let ids: Vec<_> = (1..sheet.height()).map(|row| cell(row, head - 1)).collect();
    assert_eq!(ids, [stopped.to_string(), call.to_string()], "the newest first, all of them");
    assert!((0..head).any(|column| cell(2, column) == "=1+1"), "a text, as it is");
    assert!(book.worksheet_formula("Sheet1").unwrap().is_empty(), "no cell is a formula");
    let marketer = super::team::joined(&stage, &mut owner, &number, "marketer").await;
    let masked = String::from_utf8(marketer.bytes(&format!("{path}.csv")).await).unwrap();
    assert!(!masked.contains(VISITOR) && masked.contains("+7916•••••"), "{masked}");
    stage.service.take();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_sees_the_calls_of_another_node_too() {
    let network = Network::start(&[(ANNA, Does::Talks(1_100)), (VISITOR, Does::Answers)]).await;
    let world = World::pg().await;
    let beside = World { url: world.url.clone(), folder: tempfile::tempdir().unwrap() };
    let mut stage = Stage::new(world, &network, &managers(&[ANNA])).await;
    let (owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let mut other = Stage::new(beside, &network, &managers(&[ANNA])).await;
    // The database is the same, and so is the login.
    let mut watched = owner.on(&other).stream(&format!("/customers/{number}/calls/events")).await;
    let call = Uuid::new_v4();
    stage.order(call).await;
    stage.record(call).await;
    let mut told = String::new();
    while !(told.contains(&call.to_string()) && told.contains("\"over\":true")) {
        let chunk = tokio::time::timeout(std::time::Duration::from_secs(30), watched.next()).await;
        told.push_str(&String::from_utf8_lossy(&chunk.expect("nothing is told").unwrap().unwrap()));
    }
    for stage in [&mut stage, &mut other] {
        stage.service.take();
    }
}
