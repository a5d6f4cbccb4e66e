//! Statistics against a count by hand: whatever is asked, every number is of the same calls.

use super::{Dice, LEASE, at, file, key};
use crate::world::on_both;
use callback::ids::CustomerId;
use callback::store::{
    After, CallFilter, CallOrder, Claimant, Fact, Hold, NewOrder, OrderFacts, OrderPhone, Panel,
    PublishedSite, Store, Telephones,
};
use callback_core::arrival::{Arrival, By, Device, Place};
use callback_core::attribution::Attribution;
use callback_core::blacklist::Blacklist;
use callback_core::flow::{Intent, IntentEnd, Past};
use callback_core::id::OrderId;
use callback_core::order::{Circumstances, Order, admit};
use callback_core::plan::{Callee, PromptLengths};
use callback_core::quarter::Quarter;
use callback_core::record::NotCalled;
use callback_core::rehearsal::play::{Habits, play};
use callback_core::tally::Tally;
use callback_core::time::Ts;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const SITES: &str = r#"
    [[customer]]
    name = "Romashka"
    email = "owner@romashka.example"
    time_zone = "Europe/Berlin"
    [[customer.site]]
    key = "demo"
    url = "https://romashka.example"
    [[customer.site.manager]]
    name = "Anna"
    address = "+74951234567"
    extension = "12"
    [[customer.site.manager]]
    name = "Boris"
    address = "+74951234568"
    [[customer.site]]
    key = "other"
    url = "https://other.example"
    [[customer.site.manager]]
    name = "Anna"
    address = "+74951234567"
    extension = "12"
    [[customer]]
    name = "Vasilek"
    email = "owner@vasilek.example"
    [[customer.site]]
    key = "third"
    url = "https://third.example"
    [[customer.site.manager]]
    name = "Anna"
    address = "+74951234569"
"#;

/// A call as it was told, to be counted by hand.
pub(crate) struct Known {
    pub(crate) id: OrderId,
    pub(crate) at: Ts,
    site: &'static str,
    phone: String,
    pub(crate) disposition: &'static str,
    reason: Option<&'static str>,
    arrival: Arrival,
    pub(crate) tally: Tally,
    called_back: bool,
    /// The telephones that rang.
    rang: Vec<String>,
}

impl Known {
    fn source(&self) -> (Option<String>, Option<String>) {
        let came = self.arrival.came.as_ref().unwrap();
        (Some(word(&came.kind)), came.name.clone())
    }

    fn keyword(&self) -> Option<String> {
        let keyword = serde_json::to_value(&self.arrival.came.as_ref().unwrap().keyword).unwrap();
        if keyword == "hidden" { Some(String::new()) } else { keyword["known"].as_str().map(str::to_owned) }
    }

    fn waits(&self) -> bool {
        let nobodys = ["blacklist", "limits", "refused_number", "cancelled"];
        !self.called_back
            && self.disposition != "connected"
            && !self.reason.is_some_and(|why| nobodys.contains(&why))
    }

    /// By his address, and by his number where that says nothing.
    fn region(&self) -> Option<String> {
        let place = self.arrival.place.as_ref().or(self.arrival.by_number.as_ref())?;
        Some(place.region.as_ref().unwrap_or(&place.country).clone())
    }

    pub(crate) fn is_in(&self, filter: &CallFilter) -> bool {
        let same = |asked: &Option<String>, is: Option<String>| asked.is_none() || *asked == is;
        let (kind, name) = self.source();
        self.at >= filter.from
            && self.at < filter.until
            && filter.site.as_ref().is_none_or(|site| site.as_str() == self.site)
            && (filter.dispositions.is_empty() || filter.dispositions.contains(&self.disposition))
            && same(&filter.reason, self.reason.map(str::to_owned))
            && same(&filter.source_kind, kind)
            && same(&filter.source, name)
            && same(&filter.keyword, self.keyword())
            && same(&filter.page, self.arrival.page.clone())
            && same(&filter.region, self.region())
            && same(&filter.device, self.arrival.device.as_ref().map(word))
            && same(&filter.manager, self.tally.manager.as_ref().map(|who| who.name.to_string()))
            && filter.quarters.as_ref().is_none_or(|all| all.contains(&Quarter::of(self.at)))
            && filter.digits.as_ref().is_none_or(|digits| self.phone.contains(digits))
            && (!filter.is_late
                || self.tally.connected_ms > self.tally.promise_ms && self.tally.connected_ms.is_some())
            && (!filter.is_waiting || self.waits())
            && filter.telephones.as_ref().is_none_or(|own| own.0.iter().any(|one| self.rang.contains(one)))
    }
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What is known of an order as it came, and its page.
fn drawn(site: &PublishedSite, dice: &mut Dice) -> (Arrival, &'static str) {
    let pages =
        ["https://romashka.example/", "https://romashka.example/prices?a=1", "https://shop.example/x"];
    let landings = [
        ("https://romashka.example/?utm_source=yandex&utm_medium=cpc&utm_term=окна", ""),
        ("https://romashka.example/", "https://www.google.com/"),
        ("https://romashka.example/", ""),
        ("https://romashka.example/", "https://news.example/one"),
    ];
    let (landing, referrer) = *dice.one_of(&landings);
    let page = *dice.one_of(&pages);
    let arrival = Arrival {
        by: By::Visitor,
        came: Some(Attribution::of(landing, referrer, &site.body.origin)),
        page: callback_core::arrival::page(page, &site.body.origin),
        place: dice.percent(70).then(|| Place {
            country: "RU".to_owned(),
            region: Some((*dice.one_of(&["Москва", "Тула"])).to_owned()),
            city: None,
        }),
        by_number: dice.percent(80).then(|| Place {
            country: "RU".to_owned(),
            region: dice.percent(50).then(|| "Тула".to_owned()),
            city: None,
        }),
        device: dice.percent(80).then(|| *dice.one_of(&[Device::Phone, Device::Computer])),
        rule: None,
    };
    (arrival, page)
}

/// Tells a call as the engine would, of dice.
async fn tell(
    store: &Store,
    site: &Arc<PublishedSite>,
    name: &'static str,
    n: u128,
    dice: &mut Dice,
) -> Known {
    // Three weeks around the last Sunday of March, when Berlin's clocks are put forward.
    let accepted_at = at(0) + Duration::from_secs(62 * 86_400 + dice.below(21 * 86_400));
    let number = format!("+7916555{:04}", dice.below(40)).parse().unwrap();
    let (arrival, page) = drawn(site, dice);
    let facts = OrderFacts {
        id: OrderId(Uuid::from_u128(n)),
        site: site.id,
        customer: site.customer.id,
        country: "RU".parse().unwrap(),
        settings_version: site.version,
        accepted_at,
        visit: json!({ "page": page }),
        consent: json!({}),
        arrival: Box::new(arrival.clone()),
        ip: None,
        office: None,
    };
    let refused = dice.percent(15).then(|| *dice.one_of(&[NotCalled::Closed, NotCalled::Blacklist]));
    let id = facts.id;
    let phone = OrderPhone::Number(number);
    let new = NewOrder { phone, run_at: accepted_at, refused, pretence: Duration::ZERO, caps: None, facts };
    store.accept(new).await.unwrap();
    let mut known = Known {
        id,
        at: accepted_at,
        site: name,
        phone: number.to_string(),
        disposition: "not_called",
        reason: refused.map(NotCalled::key),
        arrival,
        tally: Tally::default(),
        called_back: false,
        rang: Vec::new(),
    };
    if refused.is_some() {
        return known;
    }
    let order =
        Order { id, number, country: "RU".parse().unwrap(), ip: None, accepted_at, due_at: accepted_at };
    let around = Circumstances {
        version: 1,
        customer_sites: 2,
        blacklist: Blacklist::default(),
        verified: site.customer.verified.clone(),
        zone: site.zone(),
        prompts: PromptLengths::default(),
        draw: dice.below(1_000),
    };
    let plan = Arc::new(admit(&order, &site.body, &around, accepted_at).unwrap());
    let habits = Habits {
        fails: usize::try_from(dice.below(6)).unwrap(),
        manager: Duration::from_millis(dice.below(9_000)),
        visitor: Duration::from_millis(if dice.percent(15) { 600_000 } else { dice.below(9_000) }),
        talk: Duration::from_secs(1 + dice.below(90)),
    };
    let told = play(&plan, habits);
    let by = Claimant { owner: Uuid::from_u128(1), limit: 1, room: 1, guarded: false };
    let claimed = store.claim(by, Hold::at(accepted_at, LEASE)).await.unwrap();
    let fence = claimed.into_iter().find(|claimed| claimed.fence.order == id).unwrap().fence;
    let mut facts = vec![Fact::Began { at: accepted_at, plan: plan.clone(), past: Past::default() }];
    for leg in &told.record.legs {
        let telephone = plan.telephone(leg.callee).filter(|_| leg.callee != Callee::Visitor);
        known.rang.extend(telephone.as_ref().map(ToString::to_string));
        let intent = Intent {
            leg: leg.leg,
            callee: leg.callee,
            round: leg.round,
            at: leg.times.dialled_at,
            end: IntentEnd::Unknown,
        };
        facts.push(Fact::Intent { intent, telephone, dialog: None });
    }
    known.tally = Tally::of(&told.record, Some(&plan));
    (known.disposition, known.reason) = told.record.disposition.keys();
    facts.push(Fact::Record(Box::new(told.record), Some(plan)));
    store.write(fence, facts).await.unwrap();
    known
}

/// The hour of Berlin's week at which an instant is, over the days of these stories.
fn at_hour_of(at: Ts) -> Vec<Quarter> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    Quarter::at_hour(Quarter::of(at).hour(&zone), date(2026, 1, 1), date(2026, 12, 31), &zone).collect()
}

/// A question of dice about the calls of Romashka.
pub(crate) fn asked(base: &CallFilter, calls: &[Known], dice: &mut Dice) -> CallFilter {
    let like = dice.one_of(calls);
    let mut filter = base.clone();
    if dice.percent(50) {
        filter.from = at(0) + Duration::from_secs(62 * 86_400 + dice.below(15 * 86_400));
        filter.until = filter.from + Duration::from_secs(dice.below(12 * 86_400));
    }
    for which in 0..15 {
        if !dice.percent(10) {
            continue;
        }
        let (kind, name) = like.source();
        match which {
            0 => filter.site = Some(key(like.site)),
            1 => filter.dispositions.push(like.disposition),
            2 => filter.dispositions.extend(["connected", "visitor_no_answer"]),
            3 => filter.reason = like.reason.map(str::to_owned),
            4 => filter.source_kind = kind,
            5 => filter.source = name,
            6 => filter.keyword = like.keyword(),
            7 => filter.page.clone_from(&like.arrival.page),
            8 => filter.region = like.region(),
            9 => filter.device = like.arrival.device.as_ref().map(word),
            10 => filter.manager = like.tally.manager.as_ref().map(|who| who.name.to_string()),
            11 => filter.quarters = Some(at_hour_of(like.at)),
            12 => filter.digits = like.phone.get(8..).map(str::to_owned),
            13 => filter.is_late = true,
            _ => filter.is_waiting = true,
        }
    }
    if dice.percent(10) {
        filter.telephones = Some(Telephones(vec!["+74951234568".to_owned()]));
    }
    filter
}

/// Walks the journal in one order, seven lines at a time.
async fn walked(store: &Store, filter: &CallFilter, order: CallOrder) -> Vec<OrderId> {
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = store.tallied(filter, order, after, 7).await.unwrap();
        let Some(last) = page.last() else { return walked };
        let facts = &last.row.row.order.facts;
        after = Some(After { at: facts.accepted_at, order: facts.id, talk_s: last.talk_s });
        walked.extend(page.iter().map(|row| row.row.row.order.facts.id));
    }
}

/// Every number of one question.
async fn check(store: &Store, filter: &CallFilter, calls: &[Known]) {
    let mut by_hand: Vec<&Known> = calls.iter().filter(|call| call.is_in(filter)).collect();
    by_hand.sort_by_key(|call| (call.at, call.id));
    let mut ids: Vec<OrderId> = by_hand.iter().map(|call| call.id).collect();
    assert_eq!(walked(store, filter, CallOrder::Oldest).await, ids, "{filter:?}");
    ids.reverse();
    assert_eq!(walked(store, filter, CallOrder::Newest).await, ids, "{filter:?}");
    let mut longest = by_hand.clone();
    longest.sort_by_key(|call| std::cmp::Reverse((call.tally.talk_s.unwrap_or(0), call.at, call.id)));
    let longest: Vec<OrderId> = longest.iter().map(|call| call.id).collect();
    assert_eq!(walked(store, filter, CallOrder::Talk).await, longest, "{filter:?}");

    let mut outcomes: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for call in &by_hand {
        let line = outcomes.entry(call.disposition).or_default();
        line.0 += 1;
        line.1 += call.tally.talk_s.unwrap_or(0);
        line.2 += u64::from(call.tally.connected_ms.is_some_and(|ms| Some(ms) <= call.tally.promise_ms));
    }
    let told = store.outcomes(filter).await.unwrap();
    let told: BTreeMap<&str, _> = told
        .iter()
        .map(|line| (&*line.disposition, (line.orders, line.talk_s, line.connected_in_time)))
        .collect();
    assert_eq!(told, outcomes, "{filter:?}");

    let all = u64::try_from(by_hand.len()).unwrap();
    let connected = by_hand.iter().filter(|call| call.disposition == "connected").count() as u64;
    let called = by_hand.iter().filter(|call| call.disposition != "not_called").count() as u64;
    for panel in [Panel::Sources, Panel::Keywords, Panel::Pages, Panel::Regions, Panel::Devices, Panel::Sites]
    {
        let lines = store.panel(filter, panel).await.unwrap();
        let sum = lines.iter().fold((0, 0, 0), |sum, line| {
            (sum.0 + line.count.orders, sum.1 + line.count.called, sum.2 + line.count.connected)
        });
        assert_eq!(sum, (all, called, connected), "{panel:?} {filter:?}");
    }
    for line in store.panel(filter, Panel::Sources).await.unwrap() {
        let source = (line.kind, line.value);
        let same = by_hand.iter().filter(|call| call.source() == source).count();
        assert_eq!(line.count.orders, same as u64, "{source:?} {filter:?}");
    }
    let quarters = store.quarters(filter).await.unwrap();
    assert_eq!(quarters.iter().map(|(.., orders)| orders).sum::<u64>(), all);
    for (quarter, disposition, orders) in quarters {
        let inside = |call: &&&Known| Quarter::of(call.at) == quarter;
        let same = by_hand.iter().filter(inside).filter(|call| call.disposition == disposition).count();
        assert_eq!(orders, same as u64);
    }
    let talks = store.connected_after(filter).await.unwrap();
    assert_eq!(talks.iter().map(|one| one.talks).sum::<u64>(), connected);
    let late = by_hand
        .iter()
        .filter(|call| call.tally.connected_ms.is_some_and(|ms| Some(ms) > call.tally.promise_ms));
    let told: u64 = talks.iter().filter(|one| one.is_late).map(|one| one.talks).sum();
    assert_eq!(told, late.count() as u64, "{filter:?}");
    let mut answering: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    // Who sees the calls of some telephones alone hears of nobody else's.
    let own = |telephone: &String| filter.telephones.as_ref().is_none_or(|own| own.0.contains(telephone));
    for one in by_hand.iter().flat_map(|call| &call.tally.tries).filter(|one| own(&one.who.telephone)) {
        let line = answering.entry(one.who.name.to_string()).or_default();
        line.0 += 1;
        line.1 += u64::from(one.answered_ms.is_some());
    }
    let told = store.answering(filter).await.unwrap();
    let told: BTreeMap<String, _> =
        told.into_iter().map(|line| (line.manager, (line.tries, line.taken))).collect();
    assert_eq!(told, answering, "{filter:?}");
}

/// Three weeks of calls of Romashka's, and of somebody else's between; those that are Romashka's.
pub(crate) async fn three_weeks(store: &Store, dice: &mut Dice) -> (CustomerId, Vec<Known>) {
    store.apply(file(SITES), "operator", super::MORNING, false).await.unwrap();
    let mut sites = Vec::new();
    for name in ["demo", "other", "third"] {
        sites.push((name, store.site_by_key(&key(name)).await.unwrap().unwrap()));
    }
    let mut calls = Vec::new();
    for n in 1..=300 {
        let (name, site) = dice.one_of(&sites).clone();
        let call = tell(store, &site, name, n, dice).await;
        if call.site != "third" {
            calls.push(call);
        }
    }
    // Who talked was called back for what he had missed until the talk began, in whatever order it was told.
    let talks: Vec<(String, Ts)> = calls
        .iter()
        .filter(|call| call.tally.talk_s.is_some_and(|talk| talk > 0))
        .filter_map(|call| {
            Some((call.phone.clone(), call.at + Duration::from_millis(call.tally.connected_ms?)))
        })
        .collect();
    for call in calls.iter_mut().filter(|call| call.disposition != "connected") {
        call.called_back = talks.iter().any(|(phone, talked)| *phone == call.phone && *talked > call.at);
    }
    (sites[0].1.customer.id, calls)
}

#[test]
fn every_number_is_of_the_same_calls() {
    on_both(async |world| {
        let store = world.open().await;
        let mut dice = Dice(7);
        let (customer, calls) = three_weeks(&store, &mut dice).await;
        let far = at(0) + Duration::from_secs(200 * 86_400);
        let base = CallFilter::all(customer, at(0), far);
        check(&store, &base, &calls).await;
        for _ in 0..200 {
            let filter = asked(&base, &calls, &mut dice);
            check(&store, &filter, &calls).await;
        }
    });
}
