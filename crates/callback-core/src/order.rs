//! A request to be called, and its admission: order + published settings + clock → [`Plan`] or [`NotCalled`].
//!
//! Admission decides once what the flow then only follows. It knows no database: what it must be told of the
//! world (how many sites the customer has, how long the prompts are, what was drawn) comes in.

use crate::blacklist::Blacklist;
use crate::id::OrderId;
use crate::number::{Country, PhoneNumber};
use crate::plan::{
    Address, CallerId, Limits, Plan, PlanManager, PlanVisitor, PromptLengths, RingStrategy, Seat,
};
use crate::record::NotCalled;
use crate::schedule;
use crate::site::{Announce, Manager, ShownNumber, Site};
use crate::time::Ts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// An order for now that nobody could begin with for so long becomes a lead (R48a).
pub const STALE: Duration = Duration::from_secs(60);
/// An order for a time to come waits so long for a free manager: a slot of the dialog.
pub const SLOT: Duration = Duration::from_secs(15 * 60);
/// How long key 1 is asked for.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Made in the browser.
    pub id: OrderId,
    /// Whom to call.
    pub number: PhoneNumber,
    /// The country of that number.
    pub country: Country,
    /// Where it came from.
    pub ip: Option<IpAddr>,
    /// When it was accepted.
    pub accepted_at: Ts,
    /// When the call is due: at the acceptance, or at the time that was asked for.
    pub due_at: Ts,
}

impl Order {
    /// Whether it was made for a time to come.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        self.due_at > self.accepted_at
    }
}

/// What admission must be told of the world.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The version of the settings.
    pub version: u32,
    /// How many sites the customer has.
    pub customer_sites: u32,
    /// Whom the customer never calls, from any site.
    pub blacklist: Blacklist,
    /// Telephones of the public network that were verified: no other manager's is called (R12).
    pub verified: BTreeSet<PhoneNumber>,
    /// Where his clocks are.
    pub zone: TimeZone,
    /// How long the prompts of this site are.
    pub prompts: PromptLengths,
    /// A random number: the rounds' orders are made from it.
    pub draw: u64,
}

/// Whether this number may be called from this site at all: its country is allowed, and it is none of the site's
/// own managers' (requirement R24; the order API answers `phone-refused`).
///
/// # Errors
/// [`NotCalled::RefusedNumber`].
pub fn may_be_called(number: PhoneNumber, country: Country, site: &Site) -> Result<(), NotCalled> {
    let own = Address::Phone(number);
    let is_manager = site.managers.iter().any(|manager| manager.telephone.address == own);
    if is_manager || !site.countries.contains(&country) { Err(NotCalled::RefusedNumber) } else { Ok(()) }
}

/// Settles everything that the flow will follow.
///
/// # Errors
/// Why the order is not called; it is kept as a lead.
pub fn admit(order: &Order, site: &Site, around: &Circumstances, now: Ts) -> Result<Plan, NotCalled> {
    may_be_called(order.number, order.country, site)?;
    let today = schedule::date(order.due_at, &around.zone).unwrap_or(Date::MAX);
    if [&site.blacklist, &around.blacklist].iter().any(|list| list.names(order.number, order.ip, today)) {
        return Err(NotCalled::Blacklist);
    }
    if !site.schedule.is_open(order.due_at, &around.zone) {
        return Err(NotCalled::Closed);
    }
    if now.since(order.due_at) > if order.is_deferred() { SLOT } else { STALE } {
        return Err(NotCalled::Stale);
    }
    let callable = callable(site, &around.verified, &around.zone, order.due_at.max(now));
    let managers: Vec<PlanManager> = callable.map(|manager| planned(manager, order, site)).collect();
    if managers.is_empty() {
        return Err(NotCalled::NoCallableManager);
    }
    let announce = match site.announce {
        Announce::Auto => around.customer_sites > 1,
        Announce::Always => true,
        Announce::Never => false,
    };
    let seconds = |s: u32| Duration::from_secs(s.into());
    Ok(Plan {
        order: order.id,
        // One for a time to come is promised from when its turn has come.
        accepted_at: if order.is_deferred() { order.due_at.max(now) } else { order.due_at },
        settings_version: around.version,
        mode: site.mode,
        strategy: site.strategy,
        visitor: PlanVisitor {
            number: order.number,
            caller_id: shown(site.caller_id_to_visitor, order, site),
        },
        rounds: rounds(site, managers.len(), around.draw),
        limits: Limits {
            ring_timeout: seconds(site.ring_timeout_s),
            visitor_ring_timeout: seconds(site.visitor_ring_timeout_s),
            total_time: seconds(site.total_time_s),
            delay_to_visitor: seconds(site.delay_to_visitor_s),
            max_talk: seconds(site.max_talk_s),
            accept_timeout: ACCEPT_TIMEOUT,
            promise: seconds(site.promise_seconds),
            // A telephone has one leg at a time, so this is all that the order can use.
            max_legs: u16::try_from(managers.len() + 1).unwrap_or(u16::MAX),
            announce,
        },
        managers,
        prompts: around.prompts.clone(),
    })
}

/// Whether a site could call at an instant: it is open, and some manager may be dialled.
#[must_use]
pub fn could_call(site: &Site, verified: &BTreeSet<PhoneNumber>, zone: &TimeZone, at: Ts) -> bool {
    site.schedule.is_open(at, zone) && callable(site, verified, zone, at).next().is_some()
}

/// The managers who may be dialled at an instant: switched on, in their hours, with a telephone that was verified; of
/// those with the same telephone, the first.
pub fn callable<'a>(
    site: &'a Site,
    verified: &'a BTreeSet<PhoneNumber>,
    zone: &'a TimeZone,
    at: Ts,
) -> impl Iterator<Item = &'a Manager> {
    let may_be = move |manager: &&Manager| {
        let is_verified = match &manager.telephone.address {
            Address::Phone(number) => verified.contains(number),
            Address::Sip(_) => true,
        };
        let in_hours = manager.hours.as_ref().is_none_or(|hours| hours.is_open(at, zone));
        manager.on && is_verified && in_hours
    };
    let mut seen = BTreeSet::new();
    site.managers.iter().filter(may_be).filter(move |manager| seen.insert(&manager.telephone))
}

fn planned(manager: &Manager, order: &Order, site: &Site) -> PlanManager {
    PlanManager {
        id: manager.id,
        name: manager.name.clone(),
        telephone: manager.telephone.clone(),
        extension_delay: Duration::from_secs(manager.extension_delay_s.into()),
        accept_key: manager.accept_key,
        caller_id: shown(site.caller_id_to_manager, order, site),
    }
}

fn shown(choice: ShownNumber, order: &Order, site: &Site) -> CallerId {
    let number = match choice {
        ShownNumber::Service => None,
        ShownNumber::Visitor => Some(order.number),
        ShownNumber::Number(number) => Some(number),
    };
    CallerId { number, name: site.name.clone() }
}

/// The order of each round: the listed one, or a fresh permutation (R22: uniform, all drawn at admission).
fn rounds(site: &Site, managers: usize, mut draw: u64) -> Vec<Vec<Seat>> {
    let listed: Vec<Seat> = (0..u8::try_from(managers).unwrap_or(u8::MAX)).map(Seat).collect();
    let permuted = || {
        let mut order = listed.clone();
        for last in (1..order.len()).rev() {
            order.swap(last, below(&mut draw, last + 1));
        }
        order
    };
    match site.strategy {
        RingStrategy::Random => std::iter::repeat_with(permuted).take(site.rounds.into()).collect(),
        RingStrategy::Linear | RingStrategy::All => vec![listed; site.rounds.into()],
    }
}

/// The next number below `bound`: `SplitMix64` (Steele, Lea, Flood 2014), scaled by multiplication.
fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let scaled = (u128::from(mixed) * u128::try_from(bound).unwrap_or(1)) >> 64;
    usize::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Circumstances, Order, admit};
    use crate::blacklist::{Blacklist, Entry};
    use crate::id::{ManagerId, OrderId};
    use crate::plan::{AcceptKey, Address, Mode, PromptLengths, RingStrategy, Seat, Telephone};
    use crate::record::NotCalled;
    use crate::schedule::Schedule;
    use crate::site::{Announce, Language, Manager, Origin, ShownNumber, Site};
    use crate::time::Ts;
    use jiff::tz::TimeZone;
    use std::collections::BTreeMap;
    use std::time::Duration;
    use uuid::Uuid;

    fn manager(number: &str) -> Manager {
        Manager {
            id: ManagerId(Uuid::nil()),
            name: "Anna".into(),
            telephone: Telephone { address: Address::Phone(number.parse().unwrap()), extension: None },
            extension_delay_s: 0,
            accept_key: AcceptKey::Auto,
            on: true,
            hours: None,
        }
    }

    fn site() -> Site {
        Site {
            name: "shop.example".into(),
            origin: Origin::parse("https://shop.example").unwrap(),
            subdomains: false,
            mode: Mode::Together,
            strategy: RingStrategy::Linear,
            promise_seconds: 29,
            rounds: 2,
            ring_timeout_s: 15,
            visitor_ring_timeout_s: 40,
            total_time_s: 120,
            delay_to_visitor_s: 0,
            max_talk_s: 14_400,
            announce: Announce::Auto,
            language: Language::Ru,
            pronunciation: None,
            own_recording: None,
            recording: None,
            caller_id_to_visitor: ShownNumber::Service,
            caller_id_to_manager: ShownNumber::Visitor,
            countries: vec!["RU".parse().unwrap()],
            schedule: Schedule::default(),
            blacklist: Blacklist::default(),
            show_manager_name: true,
            default_country: None,
            own_managers: true,
            offices: vec![],
            own_missed_emails: false,
            missed_emails: Vec::new(),
            scenarios: None,
            quiet_days: 7,
            look: crate::look::Look::default(),
            managers: vec![manager("+74951234567"), manager("+74951234568"), manager("+74951234569")],
        }
    }

    fn order(number: &str, country: &str) -> Order {
        let id = OrderId(Uuid::nil());
        Order {
            id,
            number: number.parse().unwrap(),
            country: country.parse().unwrap(),
            ip: Some("192.0.2.7".parse().unwrap()),
            accepted_at: Ts(0),
            due_at: Ts(0),
        }
    }

    fn around(draw: u64) -> Circumstances {
        let second = Duration::from_secs(1);
        let prompts = PromptLengths {
            announcement: second,
            connecting: second,
            visitor_no_answer: second,
            waiting: second,
            apology: second,
        };
        Circumstances {
            version: 7,
            customer_sites: 1,
            blacklist: Blacklist::default(),
            verified: (74_951_234_567_u64..=74_951_234_569)
                .map(|digits| format!("+{digits}").parse().unwrap())
                .collect(),
            zone: TimeZone::UTC,
            prompts,
            draw,
        }
    }

    #[test]
    fn an_order_is_refused_for_what_stands_against_it() {
        let check = |order: Order, site: Site, seconds: i64, expected: NotCalled| {
            assert_eq!(admit(&order, &site, &around(1), Ts(seconds * 1_000_000)), Err(expected));
        };
        check(order("+77011234567", "KZ"), site(), 0, NotCalled::RefusedNumber);
        check(order("+74951234568", "RU"), site(), 0, NotCalled::RefusedNumber);
        check(order("+79161234567", "RU"), site(), 61, NotCalled::Stale);
        check(
            order("+79161234567", "RU"),
            Site { managers: vec![], ..site() },
            0,
            NotCalled::NoCallableManager,
        );
        let later = Order { due_at: Ts(3_600_000_000), ..order("+79161234567", "RU") };
        check(later, site(), 3_600 + 901, NotCalled::Stale);
        let waited = admit(&later, &site(), &around(1), Ts(4_000_000_000)).unwrap();
        assert_eq!(waited.accepted_at, Ts(4_000_000_000), "promised from when its turn came");
        let one_minute = Schedule {
            week: Some([(); 7].map(|()| vec!["00:00-00:01".parse().unwrap()])),
            ..Schedule::default()
        };
        let until_a_minute = Site { schedule: one_minute, ..site() };
        let in_time =
            Order { accepted_at: Ts(59_000_000), due_at: Ts(59_000_000), ..order("+79161234567", "RU") };
        assert!(
            admit(&in_time, &until_a_minute, &around(1), Ts(61_000_000)).is_ok(),
            "it runs past closing time"
        );
        let late = Order { accepted_at: Ts(60_000_000), due_at: Ts(60_000_000), ..in_time };
        check(late, until_a_minute, 60, NotCalled::Closed);
        let list = |text: &str| Blacklist { entries: vec![Entry::of(text.parse().unwrap())] };
        let number = list("+7916*");
        let blocked = Site { blacklist: number.clone(), ..site() };
        check(order("+79161234567", "RU"), blocked, 0, NotCalled::Blacklist);
        let customers = Circumstances { blacklist: number, ..around(1) };
        let refused = admit(&order("+79161234567", "RU"), &site(), &customers, Ts(0));
        assert_eq!(refused, Err(NotCalled::Blacklist));
        let network = Site { blacklist: list("192.0.2.0/24"), ..site() };
        check(order("+79161234567", "RU"), network, 0, NotCalled::Blacklist);
    }

    #[test]
    fn a_plan_is_what_the_settings_say() {
        let order = order("+79161234567", "RU");
        let plan = admit(&order, &site(), &around(1), Ts(60_000_000)).unwrap();
        assert_eq!(plan.settings_version, 7);
        assert_eq!(plan.rounds, vec![vec![Seat(0), Seat(1), Seat(2)]; 2]);
        assert_eq!(plan.visitor.caller_id.number, None);
        assert_eq!(plan.managers[0].caller_id.number, Some(order.number));
        assert_eq!(plan.limits.max_legs, 4);
        assert!(!plan.limits.announce, "one site needs no announcement");
        let twice = Site { managers: vec![manager("+74951234567"), manager("+74951234567")], ..site() };
        assert_eq!(admit(&order, &twice, &around(1), Ts(0)).unwrap().managers.len(), 1);
        let two_sites = Circumstances { customer_sites: 2, ..around(1) };
        assert!(admit(&order, &site(), &two_sites, Ts(0)).unwrap().limits.announce);
    }

    #[test]
    fn a_manager_is_called_who_is_on_in_his_hours_and_verified() {
        let order = order("+79161234567", "RU");
        let names = |site: Site, around: &Circumstances| match admit(&order, &site, around, Ts(0)) {
            Ok(plan) => {
                plan.managers.iter().map(|manager| manager.name.to_string()).collect::<Vec<_>>().join(" ")
            }
            Err(why) => why.key().to_owned(),
        };
        let named = |name: &str, number: &str| Manager { name: name.into(), ..manager(number) };
        let three = || {
            vec![
                named("anna", "+74951234567"),
                named("boris", "+74951234568"),
                Manager {
                    telephone: Telephone {
                        address: Address::Sip("sip:vera@192.0.2.7".into()),
                        extension: None,
                    },
                    ..named("vera", "+74951234569")
                },
            ]
        };
        assert_eq!(names(Site { managers: three(), ..site() }, &around(1)), "anna boris vera");
        let unverified = Circumstances { verified: [].into(), ..around(1) };
        assert_eq!(names(Site { managers: three(), ..site() }, &unverified), "vera", "SIP needs no proof");
        let mut off = three();
        off[0].on = false;
        assert_eq!(names(Site { managers: off, ..site() }, &around(1)), "boris vera");
        let mut night = three();
        let hours = |text: &str| Schedule {
            week: Some([(); 7].map(|()| vec![text.parse().unwrap()])),
            ..Schedule::default()
        };
        night[1].hours = Some(hours("09:00-18:00"));
        night[2].hours = Some(hours("00:00-06:00"));
        assert_eq!(names(Site { managers: night.clone(), ..site() }, &around(1)), "anna vera");
        night.remove(0);
        night.remove(1);
        assert_eq!(names(Site { managers: night, ..site() }, &around(1)), "no_callable_manager");
    }

    #[test]
    fn random_rounds_are_uniform_and_the_same_draw_gives_the_same() {
        let site = Site { strategy: RingStrategy::Random, rounds: 5, ..site() };
        let rounds = |draw| admit(&order("+79161234567", "RU"), &site, &around(draw), Ts(0)).unwrap().rounds;
        assert_eq!(rounds(42), rounds(42));
        let mut seen: BTreeMap<Vec<Seat>, u32> = BTreeMap::new();
        for draw in 0..1200 {
            for round in rounds(draw * 0x1234_5678_9ABC) {
                *seen.entry(round).or_default() += 1;
            }
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert!(seen.values().all(|count| (900..1100).contains(count)), "{seen:?}");
    }
}
