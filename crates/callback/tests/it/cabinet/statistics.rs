//! Overview, analysis, journal and export over HTTP: whatever is asked, each tells of the same calls.

use super::Browser;
use crate::stage::{Network, Stage};
use crate::store::Dice;
use crate::store::statistics::{Known, SITES, asked, three_weeks};
use crate::world::on_both;
use callback::settings::SettingsFile;
use callback::store::CallFilter;
use callback_core::quarter::Quarter;
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use reqwest::Url;
use serde_json::Value;
use std::sync::Arc;

/// Before the first call and after the last.
const DAYS: (Date, Date) = (date(2027, 3, 17), date(2027, 4, 12));

fn midnight(day: Date, zone: &TimeZone) -> Ts {
    Ts(day.to_zoned(zone.clone()).unwrap().timestamp().as_microsecond())
}

/// A question of dice: as the store is asked, the same of the period before, and as an address asks it.
fn question(
    base: &CallFilter,
    calls: &[Known],
    zone: &TimeZone,
    dice: &mut Dice,
) -> (CallFilter, CallFilter, String) {
    let filter = CallFilter { telephones: None, ..asked(base, calls, dice) };
    let (mut from, mut to) = DAYS;
    if dice.percent(60) {
        from = from.checked_add(i64::try_from(dice.below(18)).unwrap().days()).unwrap();
        to = from.checked_add(i64::try_from(dice.below(12)).unwrap().days()).unwrap();
    }
    let hour = filter.quarters.as_ref().map(|quarters| quarters[0].hour(zone));
    let of = |from: Date, to: Date, filter: &CallFilter| CallFilter {
        from: midnight(from, zone),
        until: midnight(to.tomorrow().unwrap(), zone),
        quarters: hour.map(|hour| Quarter::at_hour(hour, from, to, zone).collect()),
        ..filter.clone()
    };
    let days = from.until(to).unwrap().get_days() + 1;
    // An hour of a day of the week is held against the same in the weeks before.
    let days = if hour.is_some() { (days + 6) / 7 * 7 } else { days };
    let back = |day: Date| day.checked_sub(days.days()).unwrap();
    let before = of(back(from), back(to), &filter);
    let filter = of(from, to, &filter);
    let is = |word: &str, is: bool| is.then(|| word.to_owned());
    let asked = [
        ("from", Some(from.to_string())),
        ("to", Some(to.to_string())),
        ("status", Some(filter.dispositions.join(","))),
        ("site", filter.site.as_ref().map(ToString::to_string)),
        ("reason", filter.reason.clone()),
        ("kind", filter.source_kind.clone()),
        ("source", filter.source.clone()),
        ("keyword", filter.keyword.clone()),
        ("page", filter.page.clone()),
        ("region", filter.region.clone()),
        ("device", filter.device.clone()),
        ("manager", filter.manager.clone()),
        ("hour", hour.map(|hour| hour.to_string())),
        // Without its plus a first 0 or 8 would be what is dialled at home.
        ("number", filter.digits.as_ref().map(|digits| format!("+{digits}"))),
        ("late", is("true", filter.is_late)),
        ("waiting", is("true", filter.is_waiting)),
    ];
    let asked = asked.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query = Url::parse_with_params("http://all.example", asked).unwrap().query().unwrap().to_owned();
    (filter, before, query)
}

/// The journal, page after page.
async fn journal(owner: &mut Browser, path: &str, query: &str) -> (Value, Vec<String>) {
    let mut page = owner.get(&format!("{path}/calls?{query}")).await.ok();
    let (totals, mut ids) = (page["totals"].take(), Vec::new());
    loop {
        ids.extend(
            page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { return (totals, ids) };
        page = owner.get(&format!("{path}/calls?{query}&after={next}")).await.ok();
    }
}

fn sum(lines: &Value, what: &str) -> u64 {
    lines.as_array().unwrap().iter().map(|line| line[what].as_u64().unwrap()).sum()
}

async fn check(
    owner: &mut Browser,
    path: &str,
    query: &str,
    (mut by_hand, before): (Vec<&Known>, usize),
    zone: &TimeZone,
) {
    by_hand.sort_by_key(|call| std::cmp::Reverse((call.at, call.id)));
    let ids: Vec<_> = by_hand.iter().map(|call| call.id.0.to_string()).collect();
    let (totals, listed) = journal(owner, path, query).await;
    assert_eq!(listed, ids, "{query}");
    let connected = by_hand.iter().filter(|call| call.disposition == "connected").count();
    let talk: u64 = by_hand.iter().filter_map(|call| call.tally.talk_s).sum();
    let told = ["orders", "connected", "talk_s"].map(|what| totals[what].as_u64().unwrap());
    assert_eq!(told, [ids.len() as u64, connected as u64, talk], "{query}");

    let overview = owner.get(&format!("{path}/overview?{query}")).await.ok();
    let analysis = owner.get(&format!("{path}/analysis?{query}")).await.ok();
    for page in [&overview, &analysis] {
        assert_eq!(page["totals"], totals, "{query}");
        assert_eq!(page["totals_before"]["orders"], before, "{query}");
        assert_eq!(sum(&page["steps"], "before"), before as u64, "{query}");
        assert_eq!(sum(&page["steps"], "orders"), told[0], "{query}");
        assert_eq!(sum(&page["steps"], "connected"), told[1], "{query}");
    }
    assert_eq!(sum(&overview["seconds"], "talks"), told[1], "{query}");
    for panel in ["sources", "campaigns", "keywords", "pages", "regions", "devices", "sites", "hours"] {
        assert_eq!(sum(&analysis[panel], "orders"), told[0], "{panel} {query}");
        assert_eq!(sum(&analysis[panel], "connected"), told[1], "{panel} {query}");
    }
    for line in analysis["hours"].as_array().unwrap() {
        let at_it = |call: &&&Known| u64::from(Quarter::of(call.at).hour(zone)) == line["hour"];
        assert_eq!(line["orders"], by_hand.iter().filter(at_it).count(), "{line} {query}");
    }

    let table = owner.bytes(&format!("{path}/calls.csv?{query}")).await;
    let mut table = csv::ReaderBuilder::new().delimiter(b';').from_reader(&table[..]);
    let exported: Vec<_> =
        table.records().map(|row| row.unwrap().iter().next_back().unwrap().to_owned()).collect();
    assert_eq!(exported, ids, "{query}");
}

#[test]
fn overview_analysis_journal_and_export_tell_of_the_same_calls() {
    on_both(async |world| {
        let store = world.open().await;
        let mut dice = Dice(11);
        let (customer, calls) = three_weeks(&store, &mut dice).await;
        store.close().await.unwrap();
        let network = Network::start(&[]).await;
        let mut stage = Stage::of(world, &network, SITES.to_owned(), None).await;
        let (mut owner, number) = Browser::register(&stage, "Romashka", "owner@romashka.example").await;
        let path = format!("/customers/{number}");
        let base = CallFilter::all(customer, Ts(0), Ts(i64::MAX));
        // A company that moves has its calls on other days and in other hours; Berlin's clocks change between.
        for (zone, questions) in [("Europe/Berlin", 150), ("Asia/Kathmandu", 50)] {
            let moved = Arc::new(SettingsFile::parse(&SITES.replace("Europe/Berlin", zone)).unwrap());
            stage.world.open().await.apply(moved, "operator", Ts(0), false).await.unwrap();
            let zone = TimeZone::get(zone).unwrap();
            for n in 0..questions {
                let (filter, before, query) = question(&base, &calls, &zone, &mut dice);
                // One address may ask so much and no more.
                owner = owner.at(&format!("192.0.2.{n}"));
                let before = calls.iter().filter(|call| call.is_in(&before)).count();
                let by_hand = (calls.iter().filter(|call| call.is_in(&filter)).collect(), before);
                check(&mut owner, &path, &query, by_hand, &zone).await;
            }
        }
        stage.service.take();
    });
}
