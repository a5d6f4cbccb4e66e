//! Stories of the store, each told on both databases.

mod calls;
mod guards;
mod money;
mod orders;
mod settings;
pub(crate) mod statistics;
mod writer;

use crate::world::{World, on_both};
use callback::ids::SiteKey;
use callback::settings::SettingsFile;
use callback::store::{Claimant, Hold, NewOrder, OrderFacts, PublishedSite, Store};
use callback_core::id::OrderId;
use callback_core::plan::{CallerId, Limits, Plan, PlanVisitor, PromptLengths};
use callback_core::time::Ts;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// When the stories begin, in µs: 2027-01-15 08:00 UTC.
const MORNING: Ts = Ts(1_800_000_000_123_456);
/// How long a claimed order is its process's.
const LEASE: Duration = Duration::from_secs(30);

/// Two sites of one customer.
const ROMASHKA: &str = r#"
    [[customer]]
    name = "Romashka"
    email = "owner@romashka.example"
    [[customer.site]]
    key = "demo"
    url = "https://romashka.example"
    [[customer.site.manager]]
    name = "Anna"
    address = "+74951234567"
    [[customer.site]]
    key = "other"
    url = "https://other.example"
"#;

/// Splitmix64 (Steele, Lea, Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

fn at(seconds: u64) -> Ts {
    MORNING + Duration::from_secs(seconds)
}

fn key(text: &str) -> SiteKey {
    text.parse().unwrap()
}

fn file(text: &str) -> Arc<SettingsFile> {
    Arc::new(SettingsFile::parse(text).unwrap())
}

fn order_id(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(n))
}

/// A hold that begins now.
fn held(now: Ts) -> Hold {
    Hold::at(now, LEASE)
}

/// The n-th process, which takes so many.
fn by(n: u128, limit: u32) -> Claimant {
    Claimant { owner: Uuid::from_u128(0xabc0 + n), limit, room: limit, guarded: true }
}

/// A store with the customer's two sites.
async fn romashka(world: &World) -> (Store, Arc<PublishedSite>) {
    let store = world.open().await;
    store.apply(file(ROMASHKA), "operator", MORNING, false).await.unwrap();
    let site = store.site_by_key(&key("demo")).await.unwrap().unwrap();
    (store, site)
}

/// The n-th order, for now.
fn order(site: &PublishedSite, n: u128, phone: &str, seconds: u64) -> NewOrder {
    NewOrder {
        phone: phone.parse().unwrap(),
        run_at: at(seconds),
        refused: None,
        pretence: Duration::from_secs(38),
        caps: None,
        facts: OrderFacts {
            id: order_id(n),
            site: site.id,
            customer: site.customer.id,
            country: "RU".parse().unwrap(),
            settings_version: site.version,
            accepted_at: at(seconds),
            visit: json!({"page": "https://romashka.example/", "title": "Ромашка \u{0} 🌼", "active_s": 12.5}),
            consent: json!({"text_version": "1", "given": true}),
            arrival: Box::default(),
            ip: Some("2001:db8::7".parse().unwrap()),
            office: None,
        },
    }
}

/// A visitor's order that came to nothing, at any time.
pub(crate) async fn visited(store: &Store, site: &str, n: u128, phone: &str, accepted_at: Ts) {
    let site = store.site_by_key(&key(site)).await.unwrap().unwrap();
    let mut new = order(&site, n, phone, 0);
    (new.run_at, new.facts.accepted_at, new.pretence) = (accepted_at, accepted_at, Duration::ZERO);
    new.refused = Some(callback_core::record::NotCalled::Closed);
    store.accept(new).await.unwrap();
}

/// A plan without managers: the store does not look inside.
fn plan(order: OrderId) -> Arc<Plan> {
    let second = Duration::from_secs(1);
    Arc::new(Plan {
        order,
        settings_version: 1,
        accepted_at: MORNING,
        mode: callback_core::plan::Mode::Together,
        strategy: callback_core::plan::RingStrategy::Linear,
        rounds: vec![],
        managers: vec![],
        visitor: PlanVisitor {
            number: "+79161234567".parse().unwrap(),
            caller_id: CallerId { number: None, name: "romashka.example".into() },
        },
        limits: Limits {
            ring_timeout: second * 15,
            visitor_ring_timeout: second * 40,
            total_time: second * 120,
            delay_to_visitor: Duration::ZERO,
            max_talk: second * 14_400,
            accept_timeout: second * 20,
            promise: second * 29,
            max_legs: 2,
            announce: false,
        },
        prompts: PromptLengths {
            announcement: second,
            connecting: second,
            visitor_no_answer: second,
            waiting: second,
            apology: second,
        },
    })
}

#[test]
fn every_statement_is_understood_by_both_databases() {
    on_both(async |world| {
        assert_eq!(world.open().await.check_statements().await.unwrap(), Vec::<String>::new());
    });
}
