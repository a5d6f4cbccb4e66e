//! Missed calls, told by letters: who is told of what, once each, and what became of it.

use super::server::Server;
use super::{MORNING, at, post};
use crate::world::{World, on_both};
use callback::config::MailSecurity;
use callback::settings::SettingsFile;
use callback::store::{Claimant, Fact, Fence, Hold, NewOrder, OrderFacts, OrderPhone, PublishedSite, Store};
use callback_core::arrival::{Arrival, By};
use callback_core::attribution::Attribution;
use callback_core::blacklist::Blacklist;
use callback_core::flow::Past;
use callback_core::id::OrderId;
use callback_core::order::{Circumstances, Order, admit};
use callback_core::plan::PromptLengths;
use callback_core::record::{Disposition, NotCalled};
use callback_core::rehearsal::play::{Habits, play};
use callback_core::time::Ts;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const VISITOR: &str = "+79165550112";
/// 20:00 in Moscow, nine hours after the morning.
const EVENING: u64 = 9 * 3_600;
const DAY: u64 = 24 * 3_600;

/// A company with a site that tells whom the company tells, and one of its own.
fn settings(company: &str, own: &str) -> Arc<SettingsFile> {
    let text = format!(
        r#"
        [[customer]]
        name = "Romashka"
        email = "owner@romashka.example"
        {company}
        [[customer.site]]
        key = "demo"
        url = "https://romashka.example"
        name = "Ромашка & <Ко>"
        rounds = 1
        mode = "manager_first"
        blocked_numbers = ["+7903*"]
        [[customer.site.manager]]
        name = "Анна <b>"
        address = "+74951234567"
        accept_key = false
        [[customer.site]]
        key = "other"
        url = "https://other.example"
        rounds = 1
        {own}
        [[customer.site.manager]]
        name = "Boris"
        address = "+74951234568"
        accept_key = false
        "#
    );
    Arc::new(SettingsFile::parse(&text).unwrap())
}

const TWO: &str = r#"missed_emails = ["Leads@romashka.example", "boss@romashka.example"]"#;

async fn company(world: &World, company: &str, own: &str) -> Store {
    let store = world.open().await;
    store.apply(settings(company, own), "operator", MORNING, false).await.unwrap();
    store
}

async fn site(store: &Store, key: &str) -> Arc<PublishedSite> {
    store.site_by_key(&key.parse().unwrap()).await.unwrap().unwrap()
}

fn order(site: &PublishedSite, n: u128, seconds: u64) -> NewOrder {
    let page = "https://romashka.example/цены?a=<script>alert(1)</script>";
    let landing = "https://romashka.example/?utm_source=yandex&utm_medium=cpc&utm_term=пластиковые+окна";
    NewOrder {
        phone: VISITOR.parse().unwrap(),
        run_at: at(seconds),
        refused: None,
        pretence: Duration::ZERO,
        caps: None,
        facts: OrderFacts {
            id: OrderId(Uuid::from_u128(n)),
            site: site.id,
            customer: site.customer.id,
            country: "RU".parse().unwrap(),
            settings_version: site.version,
            accepted_at: at(seconds),
            visit: json!({ "page": page }),
            consent: json!({}),
            arrival: Box::new(Arrival {
                came: Some(Attribution::of(landing, "", &site.body.origin)),
                ..Arrival::default()
            }),
            ip: None,
            office: None,
        },
    }
}

/// An order that ends without a process.
async fn refused(store: &Store, site: &PublishedSite, n: u128, seconds: u64, why: NotCalled) {
    let order = NewOrder { refused: Some(why), ..order(site, n, seconds) };
    store.accept(order).await.unwrap();
}

/// A call, told by the flow itself: its managers answer, or nobody does. Its hold and its last facts.
async fn called(
    store: &Store,
    site: &PublishedSite,
    new: NewOrder,
    managers_answer: bool,
) -> (Fence, Vec<Fact>) {
    let (id, now) = (new.facts.id, new.run_at);
    let OrderPhone::Number(number) = new.phone else { panic!("a number") };
    store.accept(new).await.unwrap();
    let order = Order { id, number, country: "RU".parse().unwrap(), ip: None, accepted_at: now, due_at: now };
    let around = Circumstances {
        version: 1,
        customer_sites: 1,
        blacklist: Blacklist::default(),
        verified: site.customer.verified.clone(),
        zone: site.zone(),
        prompts: PromptLengths::default(),
        draw: 0,
    };
    let plan = Arc::new(admit(&order, &site.body, &around, now).unwrap());
    let habits = Habits {
        fails: if managers_answer { 0 } else { 9 },
        manager: Duration::from_secs(3),
        visitor: Duration::from_secs(3),
        talk: Duration::from_secs(20),
    };
    let record = play(&plan, habits).record;
    let by = Claimant { owner: Uuid::from_u128(1), limit: 9, room: 9, guarded: false };
    let claimed = store.claim(by, Hold::at(now, Duration::from_secs(30))).await.unwrap();
    let fence = claimed.into_iter().find(|claimed| claimed.fence.order == id).expect("its turn").fence;
    let began = Fact::Began { at: now, plan: plan.clone(), past: Past::default() };
    store.write(fence, vec![began]).await.unwrap();
    let ended = Fact::Ended { at: record.ended_at, disposition: record.disposition };
    let facts = vec![ended, Fact::Record(Box::new(record), Some(plan))];
    store.write(fence, facts.clone()).await.unwrap();
    (fence, facts)
}

async fn missed(store: &Store, site: &PublishedSite, n: u128, seconds: u64) -> (Fence, Vec<Fact>) {
    called(store, site, order(site, n, seconds), false).await
}

/// To whom letters were written, each as often as it was.
async fn told(store: &Store) -> Vec<String> {
    let mut told: Vec<_> =
        store.letters(100).await.unwrap().into_iter().map(|row| row.letter.email).collect();
    told.sort();
    told
}

#[test]
fn a_missed_call_is_told_once_to_each_address_with_all_that_is_known() {
    on_both(async |world| {
        let store = company(&world, TWO, "").await;
        let site = site(&store, "demo").await;
        let (fence, facts) = missed(&store, &site, 7, 0).await;
        assert_eq!(told(&store).await, ["boss@romashka.example", "leads@romashka.example"]);
        // What a process that died wrote, the next one may write again.
        store.write(fence, facts).await.unwrap();
        assert_eq!(told(&store).await.len(), 2);

        let mut server = Server::answers(&["250 OK"]).await;
        let post = post(&server.mail(MailSecurity::None));
        while store.next_letter().await.unwrap().is_some_and(|next| next <= at(DAY)) {
            post.try_one(&store, at(DAY)).await.unwrap();
        }
        let mut ids = BTreeSet::new();
        for _ in 0..2 {
            server.next("recipient").await;
            let letter = server.next("letter").await;
            ids.insert(letter["id"].to_string());
            assert_eq!(letter["subject"], "Пропущенный звонок: +7 916 555-01-12, Ромашка & <Ко>");
            let call = "https://cabinet.example/c/4001-0/calls/00000000-0000-0000-0000-000000000007";
            let notices = "https://cabinet.example/c/4001-0/notices";
            let body = letter["body"].as_str().unwrap();
            assert_eq!(
                body,
                format!(
                    "+7 916 555-01-12\nМенеджер не взял трубку: пробовали всех.\n\n\
                     Перезвонить:\ntel:+79165550112\n\n\
                     Кому звонили:\nАнна <b>: нет ответа 15\u{a0}с\n\n\
                     Сайт: Ромашка & <Ко>\n\
                     Страница: https://romashka.example/цены?a=<script>alert(1)</script>\n\
                     Источник: Yandex, реклама\nЗапрос: «пластиковые окна»\nКогда: 15\u{a0}января, 11:00\n\n\
                     Открыть звонок:\n{call}\n\n\
                     —\nПисьмо пришло, потому что ваш адрес стоит в уведомлениях «Ромашка & <Ко>». \
                     Изменить:\n{notices}\n"
                )
            );
            let html = letter["html"].as_str().unwrap();
            for part in [
                "<a href=\"tel:+79165550112\"",
                "<li>Анна &lt;b&gt;: нет ответа 15\u{a0}с</li>",
                "цены?a=&lt;script&gt;alert(1)&lt;/script&gt;</td>",
                "<html lang=\"ru\">",
                &format!("<a href=\"{call}\">"),
                &format!("<a href=\"{notices}\""),
            ] {
                assert!(html.contains(part), "{part}: {html}");
            }
            assert!(!html.contains("<script") && !html.contains("<Ко>"), "{html}");
        }
        assert_eq!(ids.len(), 2);
        assert_eq!(server.end().await, Vec::<Value>::new());
        let left = store.letters(9).await.unwrap();
        assert!(left.iter().all(|row| row.sent_at.is_some() && row.letter.html.is_none()), "{left:?}");
    });
}

#[test]
fn a_site_may_tell_others_or_nobody() {
    on_both(async |world| {
        let own = "own_missed_emails = true\nmissed_emails = [\"other@romashka.example\"]";
        let english = format!("{TWO}\nlanguage = \"en\"");
        let store = company(&world, &english, own).await;
        let other = site(&store, "other").await;
        missed(&store, &other, 1, 0).await;
        assert_eq!(told(&store).await, ["other@romashka.example"]);
        let letter = store.letters(1).await.unwrap().remove(0).letter;
        assert_eq!(letter.subject, "Missed call: +7 916 555-01-12, other.example");
        assert!(letter.body.contains("No manager answered: everyone was tried."), "{}", letter.body);

        // Who is told is settled when the call ends, not when it was ordered.
        store
            .apply(settings(&english, "own_missed_emails = true"), "operator", MORNING, false)
            .await
            .unwrap();
        missed(&store, &other, 2, 600).await;
        assert_eq!(told(&store).await.len(), 1, "nobody");
        store
            .apply(settings(&english, "missed_emails = [\"x@y.example\"]"), "operator", MORNING, false)
            .await
            .unwrap();
        missed(&store, &other, 3, 1_200).await;
        assert_eq!(
            told(&store).await,
            ["boss@romashka.example", "leads@romashka.example", "other@romashka.example"]
        );
    });
}

#[test]
fn what_was_not_missed_is_told_to_nobody() {
    on_both(async |world| {
        let store = company(&world, TWO, "").await;
        let demo = site(&store, "demo").await;
        called(&store, &demo, order(&demo, 1, 0), true).await;
        let mut tried = order(&demo, 2, 600);
        tried.facts.arrival.by = By::Test;
        called(&store, &demo, tried, false).await;
        let whys = [NotCalled::Blacklist, NotCalled::Limits, NotCalled::RefusedNumber];
        for (n, why) in (3..).zip(whys) {
            refused(&store, &demo, n, u64::try_from(n).unwrap() * 600, why).await;
        }
        store.accept(order(&demo, 9, 9_000)).await.unwrap();
        let cancelled = Disposition::NotCalled(NotCalled::Cancelled);
        assert!(
            store.end_unclaimed(OrderId(Uuid::from_u128(9)), cancelled, at(9_001)).await.unwrap(),
            "nobody has it"
        );
        assert_eq!(told(&store).await, Vec::<String>::new());
        let filter =
            callback::store::CallFilter::all(demo.customer.id, MORNING, MORNING + Duration::from_secs(DAY));
        let counted = store.outcomes(&filter).await.unwrap();
        assert_eq!(counted.iter().map(|line| line.orders).sum::<u64>(), 6, "all of them were counted");
    });
}

#[test]
fn what_ended_before_anybody_was_called_is_told() {
    on_both(async |world| {
        let store = company(&world, TWO, "").await;
        let demo = site(&store, "demo").await;
        refused(&store, &demo, 1, 0, NotCalled::Closed).await;
        assert_eq!(told(&store).await.len(), 2);
        let letter = store.letters(1).await.unwrap().remove(0).letter;
        assert_eq!(letter.subject, "Заявка вне графика: +7 916 555-01-12, Ромашка & <Ко>");
        assert!(!letter.body.contains("Кому звонили"), "{}", letter.body);
        // One for a time when nobody is there is told at once.
        let tomorrow =
            NewOrder { run_at: at(DAY), refused: Some(NotCalled::Closed), ..order(&demo, 99, 100) };
        store.accept(tomorrow).await.unwrap();
        assert!(store.letters(9).await.unwrap().iter().all(|row| row.run_at <= at(100)));
        // The same order again is the same.
        refused(&store, &demo, 1, 0, NotCalled::Closed).await;
        let rest = [NotCalled::NoFunds, NotCalled::NoCallableManager, NotCalled::Trunk];
        for (n, why) in (2..).zip(rest) {
            refused(&store, &demo, n, u64::try_from(n).unwrap() * 600, why).await;
        }
        for (n, why) in [(8, NotCalled::Stale), (9, NotCalled::Interrupted)] {
            let seconds = u64::try_from(n).unwrap() * 600;
            store.accept(order(&demo, n, seconds)).await.unwrap();
            let end = Disposition::NotCalled(why);
            for is_first in [true, false] {
                let ended = store.end_unclaimed(OrderId(Uuid::from_u128(n)), end, at(seconds + 60)).await;
                assert_eq!(ended.unwrap(), is_first);
            }
        }
        assert_eq!(told(&store).await.len(), 14);
    });
}

/// Writes every letter of a day that is due.
async fn evening(store: &Store, now: Ts) {
    while store.write_digest(now).await.unwrap() {}
}

#[test]
fn a_day_is_told_by_one_letter() {
    on_both(async |world| {
        let daily = format!("{TWO}\nmissed_digest = true");
        let own = "own_missed_emails = true\nmissed_emails = [\"boss@romashka.example\"]";
        let stores = [company(&world, &daily, own).await, world.open().await];
        let store = &stores[0];
        let (demo, other) = (site(store, "demo").await, site(store, "other").await);
        evening(store, at(DAY * 9)).await;
        assert_eq!(told(store).await, Vec::<String>::new(), "a day without a missed call is not told");

        missed(store, &demo, 1, 0).await;
        refused(store, &other, 2, 700, NotCalled::Closed).await;
        assert_eq!(store.next_digest().await.unwrap().unwrap().since(MORNING).as_secs(), EVENING - 1);
        evening(store, at(EVENING - 60)).await;
        assert_eq!(told(store).await, Vec::<String>::new(), "not yet");
        // Both were down at eight, and come up at once.
        tokio::join!(evening(store, at(EVENING + 900)), evening(&stores[1], at(EVENING + 900)));
        assert_eq!(told(store).await, ["boss@romashka.example", "leads@romashka.example"]);
        let letters = store.letters(9).await.unwrap();
        let boss = letters.iter().find(|row| row.letter.email.starts_with("boss")).unwrap();
        assert_eq!(boss.letter.subject, "Пропущенные звонки, 15\u{a0}января: 2");
        let [first, second] = ["11:00, Ромашка & <Ко>. Менеджер не", "11:11, other.example. Не звонили: вне"]
            .map(|line| boss.letter.body.find(line).unwrap_or_else(|| panic!("{}", boss.letter.body)));
        assert!(first < second, "in their order");
        assert!(boss.letter.html.as_ref().unwrap().contains("11:00, Ромашка &amp; &lt;Ко&gt;."));
        let leads = letters.iter().find(|row| row.letter.email.starts_with("leads")).unwrap();
        assert_eq!(leads.letter.subject, "Пропущенные звонки, 15\u{a0}января: 1");

        // One whose process died before eight, and was found after it: today's letter is written, tomorrow's tells it.
        refused(store, &demo, 3, 3_000, NotCalled::Closed).await;
        evening(store, at(EVENING + 1_000)).await;
        evening(store, at(EVENING + DAY - 60)).await;
        assert_eq!(told(store).await.len(), 2);
        evening(store, at(EVENING + DAY)).await;
        assert_eq!(told(store).await.len(), 4);
        evening(store, at(EVENING + DAY * 3)).await;
        assert_eq!(told(store).await.len(), 4);
    });
}

#[test]
fn a_server_that_refuses_for_an_hour_gets_every_letter_once() {
    const MISSED: u128 = 5;
    on_both(async |world| {
        let store = company(&world, TWO, "").await;
        let demo = site(&store, "demo").await;
        for n in 1..=MISSED {
            refused(&store, &demo, n, u64::try_from(n).unwrap() * 400, NotCalled::Closed).await;
        }
        let server = Server::answers(&["451 4.3.2 System not accepting messages"]).await;
        let port = server.port.to_string();
        let refusing = post(&server.mail(MailSecurity::None));
        while let Some(next) = store.next_letter().await.unwrap()
            && next < at(2_000 + 3_600)
        {
            refusing.try_one(&store, next).await.unwrap();
        }
        let heard = server.end().await;
        assert!(heard.len() >= 30 && heard.iter().all(|report| report["event"] == "recipient"), "{heard:?}");
        assert!(store.letters(99).await.unwrap().iter().all(|row| row.trouble.is_some()));

        let server = Server::start(&["--port", &port]).await;
        let accepting = post(&server.mail(MailSecurity::None));
        while let Some(next) = store.next_letter().await.unwrap() {
            accepting.try_one(&store, next).await.unwrap();
        }
        let mut arrived: BTreeMap<(String, String), usize> = BTreeMap::new();
        for letter in server.end().await.iter().filter(|report| report["event"] == "letter") {
            let body = letter["body"].as_str().unwrap();
            let call = body.split("/calls/").nth(1).unwrap().lines().next().unwrap().to_owned();
            *arrived.entry((call, letter["to"][0].as_str().unwrap().to_owned())).or_default() += 1;
        }
        assert_eq!(arrived.len(), 10);
        assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    });
}

#[test]
fn a_long_day_is_counted_whole_and_told_in_part() {
    on_both(async |world| {
        let store = company(&world, &format!("{TWO}\nmissed_digest = true"), "").await;
        let demo = site(&store, "demo").await;
        for n in 1..=103 {
            refused(&store, &demo, n, u64::try_from(n).unwrap() * 10, NotCalled::Closed).await;
        }
        evening(&store, at(EVENING)).await;
        let letter = store.letters(1).await.unwrap().remove(0).letter;
        assert_eq!(letter.subject, "Пропущенные звонки, 15\u{a0}января: 103");
        assert!(letter.body.contains("в журнале есть ещё 3."), "{}", letter.body);
        let told: Vec<_> = letter.body.match_indices("tel:").collect();
        assert_eq!(told.len(), 100);
        assert!(letter.body.contains("/calls/00000000-0000-0000-0000-000000000001\n"), "the first of them");
    });
}
