//! A week by the schedule, quarter by quarter of an hour: when it is open and nobody can be called, and when one alone can.

use super::Warning;
use crate::order::Circumstances;
use crate::plan::Address;
use crate::site::{Manager, Site};
use crate::time::Ts;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// How closely it is looked at.
const QUARTER: Duration = Duration::from_secs(15 * 60);
/// Quarters of a week.
const WEEK: u32 = 7 * 24 * 4;
/// Warnings of each kind at most: a week without anybody is one story, not fifty.
const MOST: usize = 7;

/// A time at which the site is open and nobody can be called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Hole {
    /// The day: 1 is Monday.
    pub day: i8,
    /// From, as the clock on the wall shows it: `14:00`.
    pub from: String,
    /// Until.
    pub until: String,
}

/// A time at which one alone can be called, of a site with more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Night {
    /// The day: 1 is Monday.
    pub day: i8,
    /// From, as the clock on the wall shows it.
    pub from: String,
    /// Until.
    pub until: String,
    /// Who.
    pub name: String,
}

/// Who can be called in a quarter.
#[derive(Clone, PartialEq, Eq)]
enum There {
    /// It is closed, or several can.
    Enough,
    Nobody,
    One(String),
}

pub(super) fn warnings(site: &Site, around: &Circumstances, week: Ts, warnings: &mut Vec<Warning>) {
    let could = |manager: &&Manager| {
        manager.on
            && match &manager.telephone.address {
                Address::Phone(number) => around.verified.contains(number),
                Address::Sip(_) => true,
            }
    };
    let managers: Vec<&Manager> = site.managers.iter().filter(could).collect();
    if managers.is_empty() {
        // Said as such; every hour of the week would say it again.
        return;
    }
    let there = |at: Ts| {
        if !site.schedule.is_open(at, &around.zone) {
            return There::Enough;
        }
        let in_hours =
            |manager: &&&Manager| manager.hours.as_ref().is_none_or(|hours| hours.is_open(at, &around.zone));
        let mut found = managers.iter().filter(in_hours);
        match (found.next(), found.next()) {
            (None, _) => There::Nobody,
            (Some(one), None) if managers.len() > 1 => There::One(one.name.to_string()),
            _ => There::Enough,
        }
    };
    let (mut began, mut was) = (week, There::Enough);
    let mut spans = Vec::new();
    for quarter in 0..=WEEK {
        let at = week + QUARTER * quarter;
        let is = if quarter == WEEK { There::Enough } else { there(at) };
        let midnight = clock(at, around).is_some_and(|(_, clock)| clock == "00:00");
        if is != was || midnight {
            spans.push((began, at, std::mem::replace(&mut was, is)));
            began = at;
        }
    }
    let mut holes = 0;
    let mut nights = 0;
    for (from, until, who) in spans {
        let (Some((day, from)), Some((_, until))) = (clock(from, around), clock(until, around)) else {
            continue;
        };
        let until = if until == "00:00" { "24:00".to_owned() } else { until };
        match who {
            There::Nobody if holes < MOST => {
                holes += 1;
                warnings.push(Warning::Hole(Hole { day, from, until }));
            }
            There::One(name) if nights < MOST => {
                nights += 1;
                warnings.push(Warning::Night(Night { day, from, until, name }));
            }
            There::Nobody | There::One(_) | There::Enough => {}
        }
    }
}

fn clock(at: Ts, around: &Circumstances) -> Option<(i8, String)> {
    let there = around.zone.to_datetime(Timestamp::from_microsecond(at.0).ok()?);
    Some((there.weekday().to_monday_one_offset(), format!("{:02}:{:02}", there.hour(), there.minute())))
}
