//! A customer's money in his cabinet: what he sees of it, to the kopeck, and what he never sees.

use super::team::joined;
use super::{Answer, Browser};
use crate::stage::{ANNA, Does, Network, Stage, VISITOR, managers};
use crate::world::on_both;
use callback::practice::till::Till;
use callback::store::DeckFile;
use callback_core::id::OrderId;
use callback_core::ledger::{Booking, What};
use callback_core::money::Micros;
use callback_core::rating::charge::Markup;
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A cost that no price equals: 61.37 a minute and 0.53 for the answer, and the half of it on top.
const DECK: &str = "prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from\n\
                    7,Wholesale Russia,61.37,0.53,1,1,2020-01-01\n";

/// Words of the operator's side.
const HIDDEN: [&str; 10] =
    ["cost", "margin", "markup", "deck", "carrier", "percent", "trunk", "prefix", "wholesale", "provider\""];

/// A charged service with a company that has called once, and has paid 1000.
async fn paid(world: crate::world::World) -> (Stage, Network, Browser, String, Uuid) {
    let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
    let mut stage = Stage::new(world, &network, &managers(&[ANNA])).await;
    stage.till = Some(Till::new(b"secret"));
    stage.charge().await;
    let store = stage.world.open().await;
    let roubles = "RUB".parse().unwrap();
    let time_zone = "Europe/Moscow".to_owned();
    let deck = DeckFile { trunk: "provider".into(), currency: roubles, time_zone, file: DECK.into() };
    store.import_deck(deck, Ts(0)).await.unwrap();
    let markup = Markup { percent: "50".parse().unwrap(), ..Markup::default() };
    store.set_markup(None, roubles, markup, Ts(0)).await.unwrap();
    let (owner, number) = Browser::register(&stage, "Shop", "owner@shop.example").await;
    let customer = store.customer_named(&number).await.unwrap().unwrap();
    let what = What::TopUp { payment: Uuid::new_v4(), amount: Micros(1_000_000_000) };
    store.book(Booking { customer, currency: roubles, what }, Some("bank".into()), Ts(1)).await.unwrap();
    let call = Uuid::new_v4();
    stage.order(call).await;
    network.sees(&format!("{VISITOR} answered")).await;
    stage.record(call).await;
    (stage, network, owner, number, call)
}

fn micros(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Micros>().unwrap().0
}

#[test]
fn a_statement_tells_every_kopeck_and_leads_to_its_calls() {
    on_both(async |world| {
        let (mut stage, _network, mut owner, number, call) = paid(world).await;
        let path = format!("/customers/{number}");
        let store = stage.world.open().await;
        let charges = store.call_money(OrderId(call)).await.unwrap().unwrap().charges;
        let price: i64 = charges.values().map(|charge| charge.price.0).sum();
        assert_eq!((charges.len(), price > 0), (2, true));

        let balance = owner.get(&format!("{path}/balance")).await.ok();
        let left = 1_000_000_000 - price;
        assert_eq!((micros(&balance["balance"]), micros(&balance["free"])), (left, left));
        assert_eq!((micros(&balance["reserved"]), micros(&balance["spent_7d"])), (0, price));
        assert_eq!((&balance["held"], &balance["pays"]), (&json!([]), &json!(true)));
        // Three minutes of both legs: (0.53 + 3 × 61.37) × 1.5, twice.
        let three = 2 * 276_960_000;
        assert_eq!(micros(&balance["usual"]["price"]), three);
        assert_eq!(balance["minutes"], left * 3 / three);
        assert_eq!(balance["lasts_days"], left * 7 / price);

        let page = owner.get(&format!("{path}/statement?limit=1")).await.ok();
        let line = &page["lines"][0];
        assert_eq!((&line["what"], &line["call"]["call"]), (&json!("call"), &json!(call)));
        assert_eq!(
            (&line["call"]["phone"], &line["call"]["disposition"]),
            (&json!(VISITOR), &json!("connected"))
        );
        assert_eq!((micros(&line["amount"]), micros(&line["balance"])), (-price, left));
        let rest = owner.get(&format!("{path}/statement?limit=1&after={}", page["next"])).await.ok();
        let line = &rest["lines"][0];
        assert_eq!(
            (&line["what"], &line["call"], &line["provider"]),
            (&json!("top_up"), &json!(null), &json!(null))
        );
        assert_eq!((micros(&line["amount"]), micros(&line["balance"])), (1_000_000_000, 1_000_000_000));
        let end = owner.get(&format!("{path}/statement?limit=1&after={}", rest["next"])).await.ok();
        assert_eq!((&end["lines"], &end["next"]), (&json!([]), &Value::Null));

        let file = String::from_utf8(owner.bytes(&format!("{path}/statement.csv")).await).unwrap();
        let lines: Vec<_> = file.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(lines[0], "Когда;За что;Номер посетителя;Сайт;Сумма;Остаток;Валюта;Номер звонка");
        let amount = Micros(-price).to_string().replace('.', ",");
        let left = Micros(left).to_string().replace('.', ",");
        assert!(lines[1].contains(&format!(";Звонок;{VISITOR};")), "{}", lines[1]);
        assert!(lines[1].ends_with(&format!(";{amount};{left};RUB;{call}")), "{}", lines[1]);
        assert!(lines[2].contains(";Пополнение;;;1000,000000;1000,000000;RUB;"), "{}", lines[2]);
        assert_eq!(lines.len(), 3);

        let told = owner.get(&format!("/calls/{call}")).await.ok();
        let legs = told["charged"]["legs"].as_array().unwrap();
        assert_eq!(legs.iter().map(|leg| micros(&leg["price"])).sum::<i64>(), price);
        assert_eq!((micros(&told["charged"]["paid"]), &told["charged"]["held"]), (price, &Value::Null));

        let asked = owner.get(&format!("{path}/price?phone=8%20(846)%20555-01-30")).await.ok();
        assert_eq!((&asked["phone"], &asked["country"]), (&json!("+7 846 555-01-30"), &json!("RU")));
        let price = &asked["price"];
        assert_eq!((micros(&price["first_minute"]), micros(&price["next_minute"])), (92_850_000, 92_055_000));
        assert_eq!((&price["initial_s"], &price["increment_s"]), (&json!(1), &json!(1)));
        assert_eq!(micros(&price["with_manager"]["next_minute"]), 2 * 92_055_000);
        let abroad = owner.get(&format!("{path}/price?phone=%2B491711234567")).await.ok();
        assert_eq!(abroad["price"], Value::Null);
        assert_eq!(owner.get(&format!("{path}/price?phone=112")).await.fields(), "phone phone_refused");
        assert_eq!(owner.get(&format!("{path}/price?phone=1")).await.fields(), "phone phone");

        // An accountant sees money, and neither calls nor numbers.
        let mut accountant = joined(&stage, &mut owner, &number, "accountant").await;
        let page = accountant.get(&format!("{path}/statement")).await.ok();
        let seen = &page["lines"][0]["call"];
        assert_eq!((&seen["call"], &seen["phone"]), (&Value::Null, &json!("+7916•••••67")));
        assert_eq!(accountant.get(&format!("/calls/{call}")).await.status, StatusCode::FORBIDDEN);
        // A marketer sees calls, and no money.
        let mut marketer = joined(&stage, &mut owner, &number, "marketer").await;
        assert_eq!(marketer.get(&format!("/calls/{call}")).await.ok()["charged"], Value::Null);
        assert_eq!(marketer.get(&format!("{path}/balance")).await.problem(), "not-allowed");
        stage.service.take();
    });
}

#[test]
fn what_anything_costs_the_operator_leaves_by_no_answer() {
    on_both(async |world| {
        let (mut stage, _network, mut owner, number, call) = paid(world).await;
        let store = stage.world.open().await;
        let charges = store.call_money(OrderId(call)).await.unwrap().unwrap().charges;
        let costs: Vec<Micros> = charges.values().map(|charge| charge.cost).collect();
        let sum = Micros(costs.iter().map(|cost| cost.0).sum());
        let mut amounts: Vec<String> = costs.iter().chain([&sum]).map(ToString::to_string).collect();
        let shares = charges.values().map(|charge| Micros(charge.price.0 - charge.cost.0).to_string());
        amounts.extend(shares);
        amounts.extend(["61.37", "61.370000", "0.530000"].map(str::to_owned));

        let payment = json!({ "payment": Uuid::new_v4(), "amount": "250" });
        owner.post(&format!("/customers/{number}/payments"), payment.clone()).await.ok();
        let document = owner.get("/openapi.json").await.ok();
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let of_money = operation["tags"] == json!(["money"]);
                let of_call = path.ends_with("/calls/{call}");
                if !of_money && !of_call {
                    continue;
                }
                // What the document says of them is told too.
                let told = operation.to_string().to_lowercase();
                assert!(!HIDDEN.iter().any(|word| told.contains(word)), "{method} {path}: {told}");
                let path = path.strip_prefix("/api/v1").unwrap();
                let path = path.replace("{customer}", &number).replace("{call}", &call.to_string());
                let seen = if path.ends_with("/price") { "?phone=%2B79161234567" } else { "" };
                let method = method.to_uppercase();
                let text = if path.ends_with(".csv") {
                    String::from_utf8(owner.bytes(&path).await).unwrap()
                } else {
                    let answer: Answer = owner.ask(&method, &format!("{path}{seen}"), payment.clone()).await;
                    let body = answer.ok();
                    (if of_call { &body["charged"] } else { &body }).to_string()
                };
                println!("{method} {path}: {text}");
                let small = text.to_lowercase();
                assert!(!HIDDEN.iter().any(|word| small.contains(word) && *word != "provider\""), "{text}");
                for amount in &amounts {
                    let is_there = text.contains(amount) || text.contains(&amount.replace('.', ","));
                    assert!(!is_there, "{amount} in {method} {path}: {text}");
                }
                asked += 1;
            }
        }
        assert_eq!(asked, 7);
        // The whole of a call names neither what it cost nor what was added.
        let whole = owner.get(&format!("/calls/{call}")).await.ok().to_string();
        assert!(amounts.iter().all(|amount| !whole.contains(&format!("\"{amount}\""))), "{whole}");
        assert!(!["cost", "margin", "markup"].iter().any(|word| whole.contains(word)), "{whole}");
        stage.service.take();
    });
}

#[test]
fn where_calls_are_not_charged_there_is_no_balance() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut stage = super::stage(world, &network).await;
        let (mut owner, number) = Browser::register(&stage, "Ромашка", "owner@romashka.example").await;
        let path = format!("/customers/{number}");
        assert_eq!(owner.get(&path).await.ok()["is_charged"], false);
        for what in ["balance", "statement", "statement.csv", "price?phone=%2B79161234567"] {
            assert_eq!(owner.get(&format!("{path}/{what}")).await.problem(), "not-found", "{what}");
        }
        let payment = json!({ "payment": Uuid::new_v4(), "amount": "100" });
        assert_eq!(owner.post(&format!("{path}/payments"), payment).await.problem(), "no-top-up");
        stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
    });
}
