//! A company to look around in: a week of calls that really running flows made, over telephones of habit. They are
//! practice, dialled nobody, and each can be explained and replayed as any other.

use super::settings::KEY;
use crate::account::{Hasher, Secret};
use crate::mail::letter::Message;
use crate::store::{
    Acceptance, Claimant, Fact, Hold, Leads, NewLink, NewOrder, NewSession, OrderFacts, OrderPhone,
    PublishedSite, Store,
};
use anyhow::{Context as _, Result};
use callback_core::arrival::{Arrival, By, Device, Place};
use callback_core::attribution::Attribution;
use callback_core::flow::{Intent, IntentEnd, Past};
use callback_core::id::OrderId;
use callback_core::number::PhoneNumber;
use callback_core::order::{Circumstances, Order, admit};
use callback_core::plan::{Callee, PromptLengths};
use callback_core::record::LegRecord;
use callback_core::rehearsal::play::{Habits, Told, play};
use callback_core::schedule;
use callback_core::site::{Language, Origin};
use callback_core::time::Ts;
use jiff::ToSpan as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Who looks around.
pub(crate) const EMAIL: &str = "practice@callback.example";
/// With this; a practice service calls nobody.
pub(crate) const PASSWORD: &str = "practice makes perfect";
/// Calls of a day, and of the week.
const A_DAY: u64 = 12;
const CALLS: u64 = 7 * A_DAY;
/// A day, and how long a claim is held.
const DAY: Duration = Duration::from_secs(24 * 3_600);
const LEASE: Duration = Duration::from_secs(15);

/// Makes the company's login, and its week, where they are not there yet.
///
/// # Errors
/// The practice site is not there; the database does not take it.
pub async fn open_demo(store: &Store, origin: &Origin, now: Ts) -> Result<()> {
    if store.user_by_email(EMAIL).await?.is_some() {
        return Ok(());
    }
    let site = store.site_by_key(&KEY.parse()?).await?.context("the practice site")?;
    for n in 0..CALLS {
        tell(store, &site, n, now).await?;
    }
    login(store, origin, now).await
}

/// The practice company is its address's own: whoever confirms that has its cabinet.
async fn login(store: &Store, origin: &Origin, now: Ts) -> Result<()> {
    let secret = Secret::draw()?;
    let leads = Leads::Register {
        company: "Practice".to_owned(),
        number: store.draw_customer_number().await?.0,
        country: "RU".to_owned(),
        time_zone: "Europe/Moscow".to_owned(),
        language: "ru".to_owned(),
        password: Hasher::usual()?.line_up()?.hash(PASSWORD.to_owned()).await?,
    };
    let link = NewLink {
        secret: secret.fingerprint(),
        email: EMAIL.to_owned(),
        user: None,
        customer: None,
        leads,
        now,
        until: now + DAY,
    };
    let page = format!("{}/login", origin.as_str());
    let letter = Message::Practice { login: &page, password: PASSWORD }.to(EMAIL, Language::Ru);
    store.write_link(link, letter, None).await?;
    // Whoever confirms is signed in: nobody has this one's cookie, and it ends at once.
    let session = Uuid::now_v7();
    let browser = NewSession {
        id: session,
        secret: Secret::draw()?.fingerprint(),
        ip: "127.0.0.1".to_owned(),
        device: String::new(),
        instead_of: None,
        now,
    };
    let user = store.confirm(secret.fingerprint(), browser).await?.context("the practice login")?;
    store.sign_out(user, session).await?;
    Ok(())
}

/// One call of the week: ordered, planned, played and recorded as the engine would.
async fn tell(store: &Store, site: &PublishedSite, n: u64, now: Ts) -> Result<()> {
    let mut draw = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = |bound: u64| {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        (draw >> 33) % bound
    };
    // Twelve a day, from nine in the morning to eight in the evening; today's are still to come.
    let zone = site.zone();
    let today = schedule::date(now, &zone).context("today")?;
    let day = today.checked_sub(i64::try_from(7 - n / A_DAY)?.days())?.to_zoned(zone.clone())?;
    let morning = Ts(day.timestamp().as_microsecond()) + Duration::from_secs(9 * 3_600);
    let at = morning + Duration::from_secs(n % A_DAY * 55 * 60 + below(50 * 60));
    let number: PhoneNumber = format!("+7{}555{:04}", area(below(10)), 200 + below(700)).parse()?;
    let country = "RU".parse()?;
    let (visit, mut arrival) = visit(site, &mut below);
    arrival.by_number = Some(Place::of_number(number, country, site.body.language));
    let facts = OrderFacts {
        id: OrderId(Uuid::from_u64_pair(draw_id(n), n)),
        site: site.id,
        customer: site.customer.id,
        country,
        settings_version: site.version,
        accepted_at: at,
        visit,
        arrival: Box::new(arrival),
        consent: json!({}),
        ip: None,
        office: None,
    };
    let habits = Habits {
        fails: match below(20) {
            0..14 => 0,
            14..18 => 1,
            _ => usize::MAX,
        },
        manager: Duration::from_millis(2_000 + below(9_000)),
        visitor: if below(12) == 0 { DAY } else { Duration::from_millis(3_000 + below(9_000)) },
        talk: Duration::from_secs(12 + below(100)),
    };
    let order = Order { id: facts.id, number, country: facts.country, ip: None, accepted_at: at, due_at: at };
    let around = Circumstances {
        version: site.version,
        customer_sites: site.customer.sites,
        blacklist: site.customer.blacklist.clone(),
        verified: site.customer.verified.clone(),
        zone,
        prompts: PromptLengths::default(),
        draw: n,
    };
    let Ok(plan) = admit(&order, &site.body, &around, at) else { return Ok(()) };
    let plan = Arc::new(plan);
    let phone = OrderPhone::Number(number);
    let new = NewOrder { phone, run_at: at, refused: None, pretence: Duration::ZERO, caps: None, facts };
    let Acceptance::New(row) = store.accept(new).await? else { return Ok(()) };
    let by = Claimant { owner: Uuid::new_v4(), limit: 1, room: 1, guarded: false };
    let claimed = store.claim(by, Hold::at(now, LEASE)).await?;
    let claimed = claimed.into_iter().find(|claimed| claimed.fence.order == row.facts.id);
    let fence = claimed.context("an order of the practice week")?.fence;
    let Told { inputs, shown: (state, detail), record } = play(&plan, habits);
    let mut facts = vec![Fact::Began { at, plan: plan.clone(), past: Past::default() }];
    facts.extend((0..).zip(inputs).map(|(seq, (at, input))| Fact::Input { seq, at, input }));
    facts.extend(record.legs.iter().map(|leg| {
        let LegRecord { leg, callee, round, times, .. } = *leg;
        let telephone = plan.telephone(callee).filter(|_| callee != Callee::Visitor);
        let intent = Intent { leg, callee, round, at: times.dialled_at, end: IntentEnd::Unknown };
        Fact::Intent { intent, telephone, dialog: None }
    }));
    facts.push(Fact::Shown(state, detail));
    facts.push(Fact::Record(Box::new(record), Some(plan)));
    Ok(store.write(fence, facts).await?)
}

/// A visit, and what is known of it.
fn visit(site: &PublishedSite, below: &mut impl FnMut(u64) -> u64) -> (Value, Arrival) {
    let origin = &site.body.origin;
    let (landing, referrer) = led(below(8));
    let landing = format!("{}{landing}", origin.as_str());
    let page = page(below(4));
    let arrival = Arrival {
        by: By::Visitor,
        came: Some(Attribution::of(&landing, referrer, origin)),
        page: Some(page.to_owned()),
        device: Some(if below(3) == 0 { Device::Computer } else { Device::Phone }),
        ..Arrival::default()
    };
    let visit =
        json!({ "page": format!("{}{page}", origin.as_str()), "landing": landing, "referrer": referrer });
    (visit, arrival)
}

/// What their numbers begin with: most are mobile.
fn area(drawn: u64) -> &'static str {
    match drawn {
        0 => "812",
        1 => "343",
        2 => "843",
        _ => "916",
    }
}

/// Where visitors come from: what a visit began with, and the page before it.
fn led(drawn: u64) -> (&'static str, &'static str) {
    match drawn {
        0 | 1 => (
            "/?utm_source=yandex&utm_medium=cpc&utm_campaign=autumn&utm_term=callback&yclid=1",
            "https://yandex.ru/",
        ),
        2 => ("/?utm_source=vk&utm_medium=target&utm_campaign=autumn", "https://vk.com/"),
        3 => ("/", "https://yandex.ru/"),
        4 => ("/prices", "https://www.google.com/"),
        5 => ("/", "https://t.me/shop"),
        6 => ("/", "https://news.example/article"),
        _ => ("/", ""),
    }
}

/// Where they were.
fn page(drawn: u64) -> &'static str {
    match drawn {
        0 => "/prices",
        1 => "/contacts",
        2 => "/catalogue",
        _ => "/",
    }
}

/// No two calls have the same id, and the same call always has.
fn draw_id(n: u64) -> u64 {
    n.wrapping_mul(0xD6E8_FEB8_6659_FD93) | 1
}
