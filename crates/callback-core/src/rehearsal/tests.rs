//! Rehearsals of small sites told as text, and their bounds against calls of dice.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use super::{Bounds, Warning, rehearse};
use crate::blacklist::Blacklist;
use crate::flow::{Command, Flow, Input, LegEvent, Past, Prompt};
use crate::id::{LegId, ManagerId, OrderId};
use crate::order::{self, Circumstances, Order};
use crate::plan::{AcceptKey, Address, Callee, Mode, Plan, PromptLengths, RingStrategy, Telephone};
use crate::record::{Cause, EndedBy};
use crate::schedule::Schedule;
use crate::site::{Announce, Language, Manager, Origin, ShownNumber, Site};
use crate::time::Ts;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Monday, 2026-11-23, in UTC.
pub(crate) const MONDAY: Ts = Ts(1_795_392_000_000_000);

fn manager(name: &str, address: &str) -> Manager {
    let address = address.parse().map_or_else(|_| Address::Sip(address.into()), Address::Phone);
    Manager {
        id: ManagerId(Uuid::nil()),
        name: name.into(),
        telephone: Telephone { address, extension: None },
        extension_delay_s: 2,
        accept_key: AcceptKey::No,
        on: true,
        hours: None,
    }
}

pub(crate) fn site() -> Site {
    Site {
        name: "shop.example".into(),
        origin: Origin::parse("https://shop.example").unwrap(),
        subdomains: false,
        mode: Mode::ManagerFirst,
        strategy: RingStrategy::Linear,
        promise_seconds: 29,
        rounds: 2,
        ring_timeout_s: 15,
        visitor_ring_timeout_s: 40,
        total_time_s: 120,
        delay_to_visitor_s: 0,
        max_talk_s: 14_400,
        announce: Announce::Never,
        language: Language::Ru,
        pronunciation: None,
        own_recording: None,
        recording: None,
        caller_id_to_visitor: ShownNumber::Service,
        caller_id_to_manager: ShownNumber::Service,
        countries: vec!["RU".parse().unwrap()],
        schedule: Schedule::default(),
        blacklist: Blacklist::default(),
        show_manager_name: true,
        default_country: None,
        own_managers: true,
        managers: vec![manager("Anna", "+74951234501"), manager("Boris", "sip:boris@192.0.2.7")],
        offices: vec![],
        own_missed_emails: false,
        missed_emails: Vec::new(),
        scenarios: None,
        quiet_days: 7,
        look: crate::look::Look::default(),
    }
}

pub(crate) fn around() -> Circumstances {
    let second = Duration::from_secs(1);
    Circumstances {
        version: 1,
        customer_sites: 1,
        blacklist: Blacklist::default(),
        verified: [4_501, 4_502, 4_503].map(|n| format!("+7495123{n}").parse().unwrap()).into(),
        zone: TimeZone::UTC,
        prompts: PromptLengths {
            announcement: second * 3,
            connecting: second,
            visitor_no_answer: second,
            waiting: second,
            apology: second,
        },
        draw: 7,
    }
}

fn hours(text: &str) -> Schedule {
    Schedule { week: Some([(); 7].map(|()| vec![text.parse().unwrap()])), ..Schedule::default() }
}

/// What a rehearsal says, one line each.
fn told(site: &Site, around: &Circumstances) -> String {
    let rehearsal = rehearse(site, around, MONDAY);
    let mut told = String::new();
    if let Some(Bounds { earliest_ms, usual_ms, latest_ms }) = rehearsal.to_visitor {
        let _ = writeln!(told, "visitor {earliest_ms} {usual_ms} {latest_ms}");
    }
    for call in rehearsal.calls.iter().chain(&rehearsal.ifs) {
        let by = call.taken_by.as_deref().unwrap_or("-");
        let joined =
            call.joined_ms.map_or_else(|| format!("over {}", call.ended_ms), |at| format!("joined {at}"));
        let _ = writeln!(told, "{} {by} {joined}", call.name);
    }
    for warning in &rehearsal.warnings {
        let grave = if warning.is_grave() { "!" } else { "i" };
        let _ = writeln!(told, "{grave} {}", serde_json::to_string(warning).unwrap());
    }
    told
}

#[track_caller]
fn check(site: &Site, around: &Circumstances, expected: &str) {
    let told = told(site, around);
    let lines = |text: &str| {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&told), lines(expected), "\n{told}");
}

#[test]
fn a_usual_site_is_played_quick_usual_and_slow() {
    check(
        &site(),
        &around(),
        r#"
        visitor 0 6900 102000
        quick Anna joined 5800
        usual Anna joined 15800
        slow Boris joined 105500
        next Boris joined 31700
        nobody - over 65600
        i {"key":"promise_ok","seconds":6,"promise":29}
        "#,
    );
}

#[test]
fn a_promise_that_pauses_break_is_told_with_its_cure() {
    let pause = Site { delay_to_visitor_s: 30, ..site() };
    let warnings = |site: &Site| rehearse(site, &around(), MONDAY).warnings;
    let [Warning::PromiseDelay { promise: 29, pauses: 30, cut_to: Some(26), promise_at_least: 37 }] =
        &warnings(&pause)[..]
    else {
        panic!("{:?}", warnings(&pause))
    };
    let patient = Site { ring_timeout_s: 40, rounds: 1, ..site() };
    let [Warning::PromiseFirst { name, second_at: 40, joined_at: 56, ring: Some(21) }] =
        &warnings(&patient)[..]
    else {
        panic!("{:?}", warnings(&patient))
    };
    assert_eq!(name, "Anna");
}

#[test]
fn what_an_owner_would_not_want_is_told() {
    let check = |change: &dyn Fn(&mut Site), expected: &[Warning]| {
        let mut site = site();
        change(&mut site);
        let warnings = rehearse(&site, &around(), MONDAY).warnings;
        let told: Vec<_> =
            warnings.into_iter().filter(|warning| !matches!(warning, Warning::PromiseOk { .. })).collect();
        assert_eq!(told, expected);
    };
    let anna = || "Anna".to_owned();
    check(&|_| {}, &[]);
    check(&|site| site.managers.clear(), &[Warning::Nobody]);
    check(&|site| site.managers.truncate(1), &[Warning::One]);
    check(
        &|site| {
            site.managers[0].telephone.extension = Some("12".parse().unwrap());
            site.managers[0].extension_delay_s = 0;
        },
        &[
            Warning::ExtensionKey { manager: 0, name: anna() },
            Warning::ExtensionDelay { manager: 0, name: anna() },
        ],
    );
    check(
        &|site| site.managers[0] = manager("Anna", "+74951239999"),
        &[Warning::One, Warning::Unverified { manager: 0, name: anna() }],
    );
    check(
        &|site| {
            site.managers[1] = manager("Boris", "+74951234501");
            site.managers[1].telephone.extension = Some("1".parse().unwrap());
            site.managers[1].accept_key = AcceptKey::Auto;
        },
        &[Warning::SameLine { count: 2, line: "+74951234501".to_owned() }],
    );
    check(&|site| site.rounds = 5, &[Warning::Total { needed: 144, allowed: 120 }]);
    check(&|site| site.visitor_ring_timeout_s = 15, &[Warning::VisitorShort { seconds: 15 }]);
    check(
        &|site| {
            site.offices.push(crate::site::Office {
                name: "Kazan".into(),
                time_zone: None,
                schedule: None,
                managers: vec![],
            });
        },
        &[Warning::OfficeEmpty { office: "Kazan".to_owned() }],
    );
}

#[test]
fn hours_without_anybody_are_told_day_by_day() {
    let mut day = site();
    day.schedule = hours("08:00-20:00");
    day.managers[0].hours = Some(hours("09:00-18:00"));
    day.managers[1].hours = Some(hours("10:00-22:00"));
    let warnings = rehearse(&day, &around(), MONDAY).warnings;
    let mut told = warnings.iter().filter_map(|warning| match warning {
        Warning::Hole(hole) => Some(format!("{} {}-{} nobody", hole.day, hole.from, hole.until)),
        Warning::Night(night) => Some(format!("{} {}-{} {}", night.day, night.from, night.until, night.name)),
        _ => None,
    });
    let first: Vec<_> = told.by_ref().take(3).collect();
    assert_eq!(first, ["1 08:00-09:00 nobody", "1 09:00-10:00 Anna", "1 18:00-20:00 Boris"]);
    assert_eq!(told.count(), 11, "seven of a kind");
}

/// Draws.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most * 1_000 + 1))
    }
}

fn drawn(dice: &mut Dice) -> Site {
    let small = |n: u64| u32::try_from(n).unwrap();
    let mut site = site();
    site.mode = if dice.one_in(2) { Mode::Together } else { Mode::ManagerFirst };
    site.strategy = [RingStrategy::Linear, RingStrategy::Random, RingStrategy::All]
        [usize::try_from(dice.below(3)).unwrap()];
    site.rounds = u8::try_from(1 + dice.below(5)).unwrap();
    site.ring_timeout_s = small(5 + dice.below(56));
    site.visitor_ring_timeout_s = small(15 + dice.below(46));
    site.total_time_s = small(30 + dice.below(571));
    site.delay_to_visitor_s = if dice.one_in(2) { small(dice.below(61)) } else { 0 };
    site.announce = if dice.one_in(2) { Announce::Always } else { Announce::Never };
    site.managers.clear();
    for n in 0..=dice.below(4) {
        let address =
            if dice.one_in(2) { format!("sip:m{n}@192.0.2.7") } else { format!("+7495123450{}", 1 + n % 3) };
        let mut one = manager("M", &address);
        one.telephone.extension = dice.one_in(3).then(|| format!("{n},2").parse().unwrap());
        one.extension_delay_s = small(dice.below(10));
        one.accept_key =
            [AcceptKey::Auto, AcceptKey::No, AcceptKey::Yes][usize::try_from(dice.below(3)).unwrap()];
        site.managers.push(one);
    }
    site
}

/// A call by a plan, on a network that works: when the visitor's telephone is dialled, if it is.
fn dialled_at(plan: &Arc<Plan>, dice: &mut Dice) -> Option<Ts> {
    let mut flow = Flow::new(Arc::clone(plan), &Past::default(), Ts(0));
    let mut coming: BTreeMap<(Ts, u32), Input> = BTreeMap::new();
    let (mut now, mut n) = (Ts(0), 0);
    loop {
        while let Some(command) = flow.poll_command() {
            let mut later = |at: Ts, leg: LegId, event| {
                n += 1;
                coming.insert((at, n), Input::Leg(leg, event));
            };
            match command {
                Command::Originate { to: Callee::Visitor, .. } => return Some(now),
                Command::Originate { leg, .. } => {
                    later(now, leg, LegEvent::Sent);
                    let rings = now + dice.seconds(8);
                    if !dice.one_in(10) {
                        later(rings, leg, LegEvent::Ringing);
                    }
                    match dice.below(4) {
                        0 => later(rings + dice.seconds(70), leg, LegEvent::Answered),
                        1 => {
                            let cause = Cause::Sip([486, 603, 480][usize::try_from(dice.below(3)).unwrap()]);
                            later(rings + dice.seconds(70), leg, LegEvent::Ended(cause, EndedBy::Far));
                        }
                        2 => later(rings, leg, LegEvent::Answered),
                        _ => {}
                    }
                }
                Command::Hangup { leg, .. } => {
                    later(now + dice.seconds(1), leg, LegEvent::Ended(Cause::Normal, EndedBy::Us));
                }
                Command::SendDigits(leg) => later(now + dice.seconds(3), leg, LegEvent::DigitsSent),
                Command::Play { leg, prompt: Prompt::Key | Prompt::AnnouncementAndKey, .. } => {
                    match dice.below(4) {
                        0 => later(now + dice.seconds(19), leg, LegEvent::Digit('2')),
                        1 => {}
                        _ => later(now + dice.seconds(19), leg, LegEvent::Digit('1')),
                    }
                }
                Command::Play { leg, n: number, again: false, .. } => {
                    if dice.one_in(2) {
                        later(now + dice.seconds(2), leg, LegEvent::Digit('1'));
                    }
                    later(now + Duration::from_secs(3), leg, LegEvent::Played(number));
                }
                Command::Finish(_) => return None,
                _ => {}
            }
        }
        let next = coming.first_key_value().map(|((at, _), _)| *at);
        now = now.max(next.into_iter().chain(flow.poll_timeout()).min()?);
        while let Some(entry) = coming.first_entry().filter(|entry| entry.key().0 <= now) {
            flow.handle(entry.remove(), now);
        }
        if flow.poll_timeout().is_some_and(|at| at <= now) {
            flow.handle(Input::Timeout, now);
        }
    }
}

#[test]
fn every_call_of_a_thousand_drafts_is_within_what_was_rehearsed() {
    let (mut dialled, mut near_latest) = (0, 0);
    for seed in 1..=1_000 {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let site = drawn(&mut dice);
        let around = around();
        let order = Order {
            id: OrderId(Uuid::nil()),
            number: "+79161234567".parse().unwrap(),
            country: "RU".parse().unwrap(),
            ip: None,
            accepted_at: Ts(0),
            due_at: Ts(0),
        };
        let Ok(plan) = order::admit(&order, &site, &around, Ts(0)) else { continue };
        let plan = Arc::new(plan);
        let bounds = rehearse(&site, &around, MONDAY).to_visitor.unwrap();
        assert!(
            (bounds.earliest_ms..=bounds.latest_ms).contains(&bounds.usual_ms),
            "seed {seed}: {bounds:?}"
        );
        for _ in 0..20 {
            let Some(at) = dialled_at(&plan, &mut dice) else { continue };
            let at = u64::try_from(at.0 / 1_000).unwrap();
            assert!(
                (bounds.earliest_ms..=bounds.latest_ms).contains(&at),
                "seed {seed}: {at} {bounds:?}\n{plan:?}"
            );
            dialled += 1;
            near_latest += u32::from(at * 2 > bounds.latest_ms);
        }
    }
    assert!(dialled > 10_000 && near_latest > 500, "{dialled} {near_latest}");
}
