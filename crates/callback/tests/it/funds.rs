//! What a customer's money is good for, seen from outside: what his pages promise, and when he is told that it runs out.

use crate::money::{BY_THE_SECOND, Charged};
use crate::stage::{ANNA, Does, Network, ORIGIN, VISITOR, found, last, managers};
use crate::world::on_both;
use serde_json::Value;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// A page promises what can be paid: with money a call in so many seconds, without none, and again once somebody has paid.
#[test]
fn a_page_promises_no_call_that_nobody_can_pay() {
    on_both(async |world| {
        let network = Network::start(&[(ANNA, Does::Rings)]).await;
        let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA]));
        let charged = Charged::new(world, &network, &site, BY_THE_SECOND).await;
        let looks = AtomicU8::new(0);
        let promised = async || {
            // One address may not ask all the time.
            let from = format!("192.0.2.{}", looks.fetch_add(1, Ordering::Relaxed));
            let ask = charged.stage.browser.get(charged.stage.url("/offer")).header("Origin", ORIGIN);
            let offer = ask.header("x-forwarded-for", from).send().await.unwrap();
            offer.json::<Value>().await.unwrap()["promise_seconds"].as_u64()
        };
        assert_eq!(promised().await, None, "nothing was paid");
        let lead = Uuid::new_v4();
        assert_eq!(charged.stage.order(lead).await["promise_seconds"], Value::Null);
        assert_eq!(last(&charged.stage.states(lead).await), ("not_called", "no_funds"));
        charged.pays(266).await;
        assert_eq!(found("a promise", promised).await, 29);
        // All of it is held for a call: the next visitor is promised none.
        let id = Uuid::new_v4();
        assert_eq!(charged.stage.order(id).await["promise_seconds"], 29);
        found("no promise", async || promised().await.is_none().then_some(())).await;
        charged.pays(266).await;
        found("a promise again", promised).await;
        charged.books_agree().await;
    });
}

/// Two minutes are counted at least, so that a call takes most of the money. Whoever sees money is told once, and again when
/// he has paid and it runs out again.
#[test]
fn whoever_has_little_money_left_is_told_once_until_he_pays() {
    on_both(async |world| {
        let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
        let lines = "7,Russia,60,0.5,120,60,2020-01-01\n";
        let mut charged = Charged::new(world, &network, &managers(&[ANNA]), lines).await;
        charged.pays(300).await;
        let id = Uuid::new_v4();
        charged.stage.order(id).await;
        network.sees(&format!("{VISITOR} answered")).await;
        charged.stage.record(id).await;
        let told = async |charged: &Charged| {
            let letters = charged.store.letters(9).await.unwrap();
            let subject = "Денег осталось меньше чем на день";
            let about = letters.into_iter().filter(|row| row.letter.subject == subject);
            about.map(|row| row.letter.email).collect::<Vec<_>>()
        };
        assert_eq!(told(&charged).await, Vec::<String>::new());
        for (pays, letters) in [(0, 1), (0, 1), (1, 2)] {
            if pays > 0 {
                charged.pays(pays).await;
            }
            charged.stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
            charged.stage.start().await;
            let are_told = async || (told(&charged).await.len() >= letters).then_some(());
            found("the letter", are_told).await;
        }
        assert_eq!(told(&charged).await, ["owner@shop.example"; 2]);
        charged.books_agree().await;
    });
}
