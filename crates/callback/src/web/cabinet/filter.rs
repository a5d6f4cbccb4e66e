//! Which calls a page is about, as its address says it: a period of the customer's calendar, and what else was chosen.

use super::calls::own;
use super::signed::asked_site;
use crate::store::{CallFilter, Company, Part};
use crate::web::App;
use crate::web::error::{FieldProblem, Problem};
use callback_core::quarter::Quarter;
use callback_core::schedule;
use callback_core::time::Ts;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What may be asked for.
const STATUSES: [&str; 4] = ["connected", "manager_no_answer", "visitor_no_answer", "not_called"];
/// The first day that may be asked for, so that no arithmetic of days goes wrong.
const FIRST: Date = Date::constant(2000, 1, 1);
/// The last.
const LAST: Date = Date::constant(2100, 12, 31);
/// The longest text that is looked for.
const TEXT: usize = 400;
/// Digits of a number at most (E.164), and what is dialled before it.
const DIGITS: usize = 20;

/// Which calls; what is not given leaves all in.
#[derive(Deserialize, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Chosen {
    /// "today", "yesterday", "week", "month" (thirty days), each until today; "week" where no day is given either.
    period: Option<String>,
    /// The first day, in the customer's zone.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
    /// A site's key.
    site: Option<String>,
    /// "connected", "manager_no_answer", "visitor_no_answer", "not_called"; several with commas between.
    status: Option<String>,
    reason: Option<String>,
    /// The kind of source.
    kind: Option<String>,
    /// Its name.
    source: Option<String>,
    campaign: Option<String>,
    /// A keyword; empty for those that were hidden.
    keyword: Option<String>,
    /// The page of the order.
    page: Option<String>,
    region: Option<String>,
    device: Option<String>,
    /// Who took the call.
    manager: Option<String>,
    /// The hour of the week from Monday's first, 0 to 167.
    hour: Option<u8>,
    /// Digits of the visitor's number.
    number: Option<String>,
    /// Talks alone that began after what was promised.
    late: Option<bool>,
    /// Calls alone that wait to be called back.
    waiting: Option<bool>,
}

/// Days of a customer's calendar.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) zone: TimeZone,
}

/// A period, as it is told.
#[derive(Serialize, ToSchema)]
pub(super) struct PeriodView {
    /// The first day, in the customer's zone.
    from: String,
    /// The last one.
    to: String,
}

impl From<&Period> for PeriodView {
    fn from(period: &Period) -> Self {
        Self { from: period.from.to_string(), to: period.to.to_string() }
    }
}

/// Digits that are looked for in numbers, which are kept with their country's code: what is dialled before them at home,
/// an 8 or a 0, is no part of them.
fn digits_of(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_whole = text.trim_start().starts_with('+') || digits.len() < 4;
    // The end of a number may begin with a 0.
    let home = if digits.len() < 9 { "8" } else { "80" };
    let at_home = digits.strip_prefix(|first| home.contains(first)).filter(|_| !is_whole).map(str::to_owned);
    at_home.unwrap_or(digits)
}

impl Period {
    /// From its first midnight until the one after its last day.
    pub(super) fn bounds(&self) -> Result<(Ts, Ts), Problem> {
        let after = self.to.checked_add(1.day()).map_err(Problem::internal)?;
        Ok((midnight(self.from, &self.zone)?, midnight(after, &self.zone)?))
    }

    /// As many days, right before.
    fn before(&self) -> Self {
        self.back(self.length())
    }

    /// As many days, so many whole weeks before as they take: the same days of the week.
    fn weeks_before(&self) -> Self {
        self.back((self.length() + 6) / 7 * 7)
    }

    fn length(&self) -> i64 {
        self.to.since(self.from).map_or(0, |span| i64::from(span.get_days())).saturating_add(1)
    }

    fn back(&self, days: i64) -> Self {
        let back = |date: Date| date.saturating_sub(days.days());
        Self { from: back(self.from), to: back(self.to), zone: self.zone.clone() }
    }

    /// Its days.
    pub(super) fn days(&self) -> impl Iterator<Item = Date> {
        let to = self.to;
        self.from.series(1.day()).take_while(move |date| *date <= to)
    }
}

fn midnight(date: Date, zone: &TimeZone) -> Result<Ts, Problem> {
    let zoned = date.to_zoned(zone.clone()).map_err(Problem::internal)?;
    Ok(Ts(zoned.timestamp().as_microsecond()))
}

impl Chosen {
    /// The days that are meant.
    ///
    /// # Errors
    /// They are none, each at its field.
    pub(super) fn period(&self, company: &Company, now: Ts) -> Result<Period, Problem> {
        let zone = TimeZone::get(&company.settings.time_zone).map_err(Problem::internal)?;
        let today = schedule::date(now, &zone).unwrap_or(LAST);
        let back = |days: i64| today.saturating_sub(days.days());
        let (from, to) = match (&self.from, &self.to, self.period.as_deref()) {
            (Some(from), to, _) => {
                let from = day("from", from)?;
                (from, to.as_ref().map_or(Ok(today.max(from)), |to| day("to", to))?)
            }
            (None, Some(_), _) => return Err(Problem::field("from", "required", "write the first day too")),
            (None, None, Some("today")) => (today, today),
            (None, None, Some("yesterday")) => (back(1), back(1)),
            (None, None, None | Some("week")) => (back(6), today),
            (None, None, Some("month")) => (back(29), today),
            (None, None, Some(_)) => {
                return Err(Problem::field("period", "choice", "write today, yesterday, week or month"));
            }
        };
        if from > to {
            return Err(Problem::field("to", "before_from", "the last day comes before the first"));
        }
        Ok(Period { from, to, zone })
    }

    /// What a period is held against: the days right before, or, where an hour of the week was chosen, days that have it.
    pub(super) fn before(&self, period: &Period) -> Period {
        if self.hour.is_some() { period.weeks_before() } else { period.before() }
    }

    /// The calls that are meant, of those that he may see.
    ///
    /// # Errors
    /// What cannot be asked for, each at its field.
    pub(super) async fn filter(&self, app: &App, at: &Part, period: &Period) -> Result<CallFilter, Problem> {
        let (from, until) = period.bounds()?;
        let mut dispositions = Vec::new();
        for word in self.status.iter().flat_map(|list| list.split(',')).filter(|word| !word.is_empty()) {
            let known = STATUSES.iter().find(|known| **known == word);
            let unknown = || Problem::field("status", "choice", "there is no such status");
            dispositions.push(*known.ok_or_else(unknown)?);
        }
        dispositions.dedup();
        let digits = self.number.as_deref().map(digits_of);
        if digits.is_some() && !at.role.sees_numbers() {
            return Err(Problem::field("number", "hidden", "numbers are not yours to look for"));
        }
        if digits.as_ref().is_some_and(|digits| digits.len() > DIGITS) {
            let long = FieldProblem::plain("number", "too_long", "a number has no more digits");
            return Err(long.with("max", DIGITS).into());
        }
        if digits.as_ref().is_some_and(String::is_empty) {
            return Err(Problem::field("number", "digits", "write some digits of the number"));
        }
        if self.hour.is_some_and(|hour| hour >= 168) {
            return Err(Problem::field("hour", "range", "a week has 168 hours, counted from 0"));
        }
        let at_hour = |hour| Quarter::at_hour(hour, period.from, period.to, &period.zone).collect();
        let quarters = self.hour.map(at_hour);
        let text = |field: &'static str, text: &Option<String>| match text {
            Some(text) if text.chars().count() > TEXT => {
                let long = FieldProblem::plain(field, "too_long", "that is too long to look for");
                Err(Problem::from(long.with("max", TEXT)))
            }
            // The databases keep no such letter, and look for none.
            Some(text) if text.contains('\0') => Ok(Some(text.replace('\0', "\u{fffd}"))),
            text => Ok(text.clone()),
        };
        Ok(CallFilter {
            site: asked_site(app, at, self.site.as_deref()).await?,
            dispositions,
            reason: text("reason", &self.reason)?,
            source_kind: text("kind", &self.kind)?,
            source: text("source", &self.source)?,
            campaign: text("campaign", &self.campaign)?,
            keyword: text("keyword", &self.keyword)?,
            page: text("page", &self.page)?,
            region: text("region", &self.region)?,
            device: text("device", &self.device)?,
            manager: text("manager", &self.manager)?,
            quarters,
            digits,
            is_late: self.late == Some(true),
            is_waiting: self.waiting == Some(true),
            telephones: own(at).cloned(),
            ..CallFilter::all(at.customer, from, until)
        })
    }
}

fn day(field: &'static str, text: &str) -> Result<Date, Problem> {
    let wrong = || Problem::field(field, "date", "write a day like 2026-11-20");
    let date: Date = text.parse().map_err(|_| wrong())?;
    if (FIRST..=LAST).contains(&date) { Ok(date) } else { Err(wrong()) }
}
