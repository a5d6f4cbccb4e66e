//! The overview and the analysis of a company's calls. Each number is counted over the same calls as the journal lists.

use super::call_row::CallRow;
use super::calls::Totals;
use super::filter::{Chosen, Period, PeriodView};
use super::read::{Path, Query};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::store::{self, Begun, CallFilter, CallOrder, Outcomes, Panel};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
use callback_core::quarter::Quarter;
use callback_core::schedule;
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use utoipa::ToSchema;

/// Days that are drawn one by one, and up to which weeks are.
const DAYS: usize = 62;
const WEEKS: usize = 400;
/// Calls that wait to be called back, of these days, and so many are shown.
const WAITING: Duration = Duration::from_secs(14 * 24 * 3_600);
const SHOWN: usize = 5;
/// Managers whose scores are told.
const SCORED: usize = 100;
/// Calls that are looked through for them: who was missed again and again is shown once.
const LOOKED: u32 = 50;
/// A manager whose every try failed within two days, this many at least, is told of.
const FAILING: Duration = Duration::from_secs(2 * 24 * 3_600);
const TRIES: u64 = 5;
/// A widget that no page loads for so long is told of.
const SILENT: Duration = Duration::from_secs(24 * 3_600);

/// Seconds until something, over many calls: in half of them it was not later than `p50_ms`.
#[derive(Serialize, ToSchema, Default, Clone, Copy)]
struct Spread {
    p50_ms: Option<u64>,
    p90_ms: Option<u64>,
    p99_ms: Option<u64>,
}

impl Spread {
    /// Of tenths of a second in their order, with how many each.
    fn of(tenths: &[(u64, u64)]) -> Self {
        let all: u64 = tenths.iter().map(|(_, count)| count).sum();
        let at = |percent: u64| {
            let rank = (all * percent).div_ceil(100).max(1);
            let mut seen = 0;
            tenths.iter().find(|(_, count)| {
                seen += count;
                seen >= rank
            })
        };
        let ms = |percent| at(percent).map(|(tenth, _)| tenth * 100);
        Self { p50_ms: ms(50), p90_ms: ms(90), p99_ms: ms(99) }
    }
}

/// What became of the calls of a day, a week or a month.
#[derive(Serialize, ToSchema)]
struct Step {
    /// Its first day.
    date: String,
    #[serde(flatten)]
    totals: Totals,
    /// Orders of the same one of the period before.
    before: u64,
}

/// How a manager answers.
#[derive(Serialize, ToSchema)]
struct ManagerLine {
    name: String,
    /// Tries that were his to answer.
    tries: u64,
    taken: u64,
    /// From the dial until he picked up, on average.
    answer_ms: Option<u64>,
    talks: u64,
}

impl From<store::Answering> for ManagerLine {
    fn from(line: store::Answering) -> Self {
        let store::Answering { manager, tries, taken, answered_ms, talks } = line;
        Self { name: manager, tries, taken, answer_ms: answered_ms.checked_div(taken), talks }
    }
}

/// A site whose widget no page loads any more.
#[derive(Serialize, ToSchema)]
struct SilentLine {
    site: String,
    name: String,
    seen_at: String,
}

impl From<store::SilentSite> for SilentLine {
    fn from(store::SilentSite { key, name, seen_at }: store::SilentSite) -> Self {
        Self { site: key.to_string(), name, seen_at: stamp(seen_at) }
    }
}

/// Orders by one thing.
#[derive(Serialize, ToSchema)]
struct PanelLine {
    /// Of sources, their kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// None where it is not known; of keywords, empty for those that were hidden.
    value: Option<String>,
    orders: u64,
    /// Shares are taken of these.
    called: u64,
    connected: u64,
}

impl From<store::PanelLine> for PanelLine {
    fn from(line: store::PanelLine) -> Self {
        let store::Count { orders, called, connected } = line.count;
        Self { kind: line.kind, value: line.value, orders, called, connected }
    }
}

/// Orders of an hour of the week.
#[derive(Serialize, ToSchema)]
struct HourLine {
    /// From Monday's first, 0 to 167.
    hour: u8,
    orders: u64,
    called: u64,
    connected: u64,
}

/// After how many seconds how many talks began, and how many of them later than was promised.
#[derive(Serialize, ToSchema, Default)]
struct Second {
    second: u64,
    talks: u64,
    late: u64,
}

/// What both pages tell.
#[derive(Serialize, ToSchema)]
struct Told {
    period: PeriodView,
    before: PeriodView,
    totals: Totals,
    totals_before: Totals,
    /// What was promised, where that was the same for all.
    promise_ms: Option<u64>,
    /// From the order until they talked, and the same of the period before.
    connected: Spread,
    connected_before: Spread,
    /// "day", "week" or "month": what `steps` are of.
    step: &'static str,
    steps: Vec<Step>,
    managers: Vec<ManagerLine>,
    sites: Vec<PanelLine>,
}

/// What an owner looks at first.
#[derive(Serialize, ToSchema)]
pub(super) struct Overview {
    #[serde(flatten)]
    told: Told,
    /// From the order until the visitor's telephone rang.
    rang: Spread,
    seconds: Vec<Second>,
    /// Who waits to be called back since the last fourteen days, each by his newest call, and how many there are.
    waiting: Vec<CallRow>,
    waiting_count: u64,
    /// Managers whose every try of the last two days failed.
    failing: Vec<ManagerLine>,
    /// Sites whose widget was seen once, and not within a day.
    silent: Vec<SilentLine>,
}

/// All of what was asked for, by this and that.
#[derive(Serialize, ToSchema)]
pub(super) struct Analysis {
    #[serde(flatten)]
    told: Told,
    sources: Vec<PanelLine>,
    campaigns: Vec<PanelLine>,
    keywords: Vec<PanelLine>,
    pages: Vec<PanelLine>,
    regions: Vec<PanelLine>,
    devices: Vec<PanelLine>,
    hours: Vec<HourLine>,
    /// What visitors thought of their talks.
    scores: ScoresView,
}

/// What visitors thought of their talks, 1 to 5 each: the mean is the sum by the count.
#[derive(Serialize, ToSchema)]
struct ScoresView {
    count: u64,
    sum: u64,
    /// By who talked with them, a hundred at most.
    managers: Vec<ScoreLine>,
}

/// The same of one manager.
#[derive(Serialize, ToSchema)]
struct ScoreLine {
    name: String,
    count: u64,
    sum: u64,
}

impl ScoresView {
    fn of(all: Vec<store::Scores>) -> Self {
        let count = all.iter().map(|line| line.scores).sum();
        let sum = all.iter().map(|line| line.sum).sum();
        let named = all
            .into_iter()
            .filter_map(|line| Some(ScoreLine { name: line.manager?, count: line.scores, sum: line.sum }));
        Self { count, sum, managers: named.take(SCORED).collect() }
    }
}

/// The first day of the day, week or month that a day is of, by how many days there are to draw.
fn step(days: usize) -> (&'static str, fn(Date) -> Date) {
    if days <= DAYS {
        ("day", |date| date)
    } else if days <= WEEKS {
        ("week", |date| date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days()))
    } else {
        ("month", Date::first_of_month)
    }
}

/// What came on which day of the customer's.
fn by_day(quarters: &[(Quarter, String, u64)], period: &Period) -> BTreeMap<Date, Totals> {
    let mut days: BTreeMap<Date, Totals> = BTreeMap::new();
    for (quarter, disposition, orders) in quarters {
        if let Some(date) = schedule::date(quarter.begins(), &period.zone) {
            days.entry(date).or_default().add(disposition, *orders);
        }
    }
    days
}

/// What came in which hour of the customer's week.
fn by_hour(quarters: &[(Quarter, String, u64)], zone: &TimeZone) -> Vec<HourLine> {
    let mut hours: BTreeMap<u8, Totals> = BTreeMap::new();
    for (quarter, disposition, orders) in quarters {
        hours.entry(quarter.hour(zone)).or_default().add(disposition, *orders);
    }
    let line = |(hour, Totals { orders, not_called, connected, .. }): (u8, Totals)| HourLine {
        hour,
        orders,
        called: orders.saturating_sub(not_called),
        connected,
    };
    hours.into_iter().map(line).collect()
}

/// The days of a period, or its weeks, or its months; beside each what came in the same of the period before.
fn steps(
    (now, period): (&[(Quarter, String, u64)], &Period),
    (then, before): (&[(Quarter, String, u64)], &Period),
) -> (&'static str, Vec<Step>) {
    let days: Vec<Date> = period.days().collect();
    let (name, first) = step(days.len());
    let (now, then) = (by_day(now, period), by_day(then, before));
    let mut steps: Vec<Step> = Vec::new();
    let mut of = None;
    for (date, same) in days.into_iter().zip(before.days()) {
        if of != Some(first(date)) {
            of = Some(first(date));
            steps.push(Step { date: date.to_string(), totals: Totals::default(), before: 0 });
        }
        let Some(step) = steps.last_mut() else { continue };
        if let Some(totals) = now.get(&date) {
            step.totals.sum(totals);
        }
        step.before += then.get(&same).map_or(0, |totals| totals.orders);
    }
    (name, steps)
}

/// What was promised, where that was the same for all.
fn promised(outcomes: &[Outcomes]) -> Option<u64> {
    let ends = || outcomes.iter().filter_map(|line| line.promise_ms);
    let (least, most) = (ends().map(|(least, _)| least).min()?, ends().map(|(_, most)| most).max()?);
    (least == most).then_some(least)
}

fn begun(talks: &[Begun]) -> Spread {
    Spread::of(&talks.iter().map(|one| (one.tenths, one.talks)).collect::<Vec<_>>())
}

/// What both pages are made of.
struct Counted {
    /// What was asked for.
    filter: CallFilter,
    told: Told,
    talks: Vec<Begun>,
    hours: Vec<HourLine>,
}

async fn count(app: &App, at: &store::Part, chosen: &Chosen) -> Result<Counted, Problem> {
    let period = chosen.period(&company_of(app, at).await?, wall_now())?;
    let before = chosen.before(&period);
    let filter = chosen.filter(app, at, &period).await?;
    let mut filter_before = chosen.filter(app, at, &before).await?;
    // A day that is not over is held against the same part of the one before.
    let now = wall_now();
    if (filter.from..filter.until).contains(&now) {
        filter_before.until = filter_before.until.min(now - filter.from.since(filter_before.from));
    }
    let store = &app.store;
    let (totals, totals_before, connected, connected_before, now, then, answering, sites) = tokio::try_join!(
        store.outcomes(&filter),
        store.outcomes(&filter_before),
        store.connected_after(&filter),
        store.connected_after(&filter_before),
        store.quarters(&filter),
        store.quarters(&filter_before),
        store.answering(&filter),
        store.panel(&filter, Panel::Sites),
    )
    .map_err(Problem::of_store)?;
    let (step, steps) = steps((&now, &period), (&then, &before));
    let told = Told {
        period: PeriodView::from(&period),
        before: PeriodView::from(&before),
        totals: Totals::of(&totals),
        totals_before: Totals::of(&totals_before),
        promise_ms: promised(&totals),
        connected: begun(&connected),
        connected_before: begun(&connected_before),
        step,
        steps,
        managers: answering.into_iter().map(Into::into).collect(),
        sites: sites.into_iter().map(Into::into).collect(),
    };
    Ok(Counted { filter, told, talks: connected, hours: by_hour(&now, &period.zone) })
}

/// What an owner looks at first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/overview", tag = "statistics", params(Chosen),
    responses((status = 200, body = Overview), (status = 404), (status = 422)))]
pub(super) async fn overview(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Json<Overview>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let Counted { filter, told, talks, .. } = count(&app, &at, &chosen).await?;
    let now = wall_now();
    let soon = now + Duration::from_secs(1);
    // What needs somebody does so whatever else was chosen.
    let lately = |from: Ts| CallFilter {
        site: filter.site.clone(),
        telephones: filter.telephones.clone(),
        ..CallFilter::all(at.customer, from, soon)
    };
    let missed = CallFilter { is_waiting: true, ..lately(now - WAITING) };
    let two_days = lately(now - FAILING);
    let store = &app.store;
    let (rang, waiting, waiting_count, failing, silent) = tokio::try_join!(
        store.rang_after(&filter),
        store.tallied(&missed, CallOrder::Newest, None, LOOKED),
        store.visitors(&missed),
        store.answering(&two_days),
        store.silent_sites(at.customer, now - SILENT),
    )
    .map_err(Problem::of_store)?;
    let mut seconds: BTreeMap<u64, Second> = BTreeMap::new();
    for Begun { tenths, is_late, talks } in talks {
        let second = tenths / 10;
        let line = seconds.entry(second).or_insert(Second { second, ..Second::default() });
        line.talks += talks;
        line.late += if is_late { talks } else { 0 };
    }
    let mut seen = BTreeSet::new();
    let visitors = waiting.iter().filter(|counted| seen.insert(counted.row.row.order.phone.to_string()));
    let failing = failing.into_iter().filter(|line| line.taken == 0 && line.tries >= TRIES);
    // Who can look at no settings can do nothing about it.
    let silent = silent.into_iter().filter(|_| at.role.may(Right::SeeSettings));
    let silent = silent.filter(|line| filter.site.as_ref().is_none_or(|site| *site == line.key));
    Ok(Json(Overview {
        told,
        rang: Spread::of(&rang),
        seconds: seconds.into_values().collect(),
        waiting: visitors.take(SHOWN).map(|row| CallRow::of(row, at.role)).collect(),
        waiting_count,
        failing: failing.map(Into::into).collect(),
        silent: silent.map(Into::into).collect(),
    }))
}

/// All of what was asked for, by this and that.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/analysis", tag = "statistics", params(Chosen),
    responses((status = 200, body = Analysis), (status = 404), (status = 422)))]
pub(super) async fn analysis(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Json<Analysis>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeCalls).await?;
    let Counted { filter, told, hours, .. } = count(&app, &at, &chosen).await?;
    let panel = async |which: Panel| -> store::Result<Vec<PanelLine>> {
        Ok(app.store.panel(&filter, which).await?.into_iter().map(Into::into).collect())
    };
    let (sources, campaigns, keywords, pages, regions, devices, scores) = tokio::try_join!(
        panel(Panel::Sources),
        panel(Panel::Campaigns),
        panel(Panel::Keywords),
        panel(Panel::Pages),
        panel(Panel::Regions),
        panel(Panel::Devices),
        app.store.scores(&filter),
    )
    .map_err(Problem::of_store)?;
    let scores = ScoresView::of(scores);
    Ok(Json(Analysis { told, sources, campaigns, keywords, pages, regions, devices, hours, scores }))
}
