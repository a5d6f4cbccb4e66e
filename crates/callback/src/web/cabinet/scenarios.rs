//! What became of a site's dialogs by the rules that showed them, and what a visitor would see.

use super::read::{Body, Path};
use super::scope::{Scope, Settled};
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::store;
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
use callback_core::behaviour::{Compiled, Facts, Rule, decide};
use callback_core::schedule;
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Days that are counted, today's among them.
const DAYS: i64 = 30;
/// Things that are said of a made-up visitor, at most.
const FACTS: usize = 100;

/// What became of dialogs.
#[derive(Serialize, ToSchema)]
pub(super) struct ShowsView {
    /// Shown by themselves.
    shown: u32,
    /// Taken up: something was pressed or written in it.
    opened: u32,
    closed: u32,
    ordered: u32,
    connected: u32,
}

/// What became of a site's dialogs in thirty days: by the rule that showed them, like `hot/2`; those that visitors opened
/// under an empty name.
#[utoipa::path(get, path = "/api/v1/sites/{site}/scenarios/shows", tag = "settings",
    responses((status = 200, body = BTreeMap<String, ShowsView>), (status = 404)))]
pub(super) async fn shows(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
) -> Result<Json<BTreeMap<String, ShowsView>>, Problem> {
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    let zone = TimeZone::get(&scope.company().settings.time_zone).map_err(Problem::internal)?;
    let Scope::Site(site, company) = scope else { return Err(Problem::NotFound) };
    let today = schedule::date(wall_now(), &zone).ok_or(Problem::NotFound)?;
    let since = today.saturating_sub((DAYS - 1).days());
    let from = since.to_zoned(zone).map_err(Problem::internal)?;
    let from = Ts(from.timestamp().as_microsecond());
    app.signs.flush(&app.store).await;
    let shows = app.store.shows(company.id, site.id, since, from).await.map_err(Problem::of_store)?;
    let view = |store::Shows { shown, opened, closed, ordered, connected }| ShowsView {
        shown,
        opened,
        closed,
        ordered,
        connected,
    };
    Ok(Json(shows.into_iter().map(|(rule, shows)| (rule, view(shows))).collect()))
}

/// A made-up visitor.
#[derive(Deserialize, ToSchema)]
pub(super) struct Try {
    /// What is known of him, by the names that compiled rules have: texts and numbers.
    #[schema(value_type = Object)]
    facts: Facts,
}

/// Which scenario he comes to.
#[derive(Serialize, ToSchema)]
pub(super) struct Tried {
    /// The scenario that he is shown, and which of its rules holds, from 1; none where nothing is.
    scenario: Option<String>,
    rule: Option<usize>,
    scenarios: Vec<TriedScenario>,
}

/// A scenario, held against a visitor.
#[derive(Serialize, ToSchema)]
pub(super) struct TriedScenario {
    key: String,
    on: bool,
    /// Of each rule, what of it does not hold.
    misses: Vec<Vec<String>>,
}

/// What a visitor would see by the draft: the first scenario that is on and of which a rule holds.
#[utoipa::path(post, path = "/api/v1/sites/{site}/scenarios/try", tag = "settings", request_body = Try,
    responses((status = 200, body = Tried), (status = 404), (status = 422)))]
pub(super) async fn attempt(
    State(app): State<App>,
    signed: Signed,
    Path(site): Path<String>,
    Body(Try { facts }): Body<Try>,
) -> Result<Json<Tried>, Problem> {
    if facts.len() > FACTS {
        return Err(Problem::field("facts", "too_many", "that is too much of one visitor"));
    }
    let scope = Scope::of_site(&app, &signed, &site, Right::SeeSettings).await?;
    let Settled::Site(body) = scope.settled(&app).await? else { return Err(Problem::NotFound) };
    let all = body.scenarios();
    let compiled: Vec<Vec<Compiled>> =
        all.iter().map(|one| one.rules.iter().map(Rule::compiled).collect()).collect();
    let misses = |rule: &Compiled| {
        let missed = rule.iter().filter(|(name, want)| !want.holds(facts.get(*name)));
        missed.map(|(name, _)| name.clone()).collect()
    };
    let lines = all.iter().zip(&compiled).map(|(one, rules)| TriedScenario {
        key: one.key.to_string(),
        on: one.on,
        misses: rules.iter().map(misses).collect(),
    });
    let lines = lines.collect();
    let on: Vec<_> = all.iter().zip(compiled).filter(|(one, _)| one.on).collect();
    let rules: Vec<_> = on.iter().map(|(_, rules)| rules.clone()).collect();
    let found = decide(&rules, &facts);
    let scenario = found.and_then(|(at, _)| Some(on.get(at)?.0.key.to_string()));
    Ok(Json(Tried { scenario, rule: found.map(|(_, rule)| rule + 1), scenarios: lines }))
}
