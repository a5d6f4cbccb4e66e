//! Working hours (R16): for each day of the week and for single dates, in the customer's time zone. An order is held
//! against them at its own time and never again: one of 17:59:59 runs past 18:00.

use crate::time::Ts;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Intervals of one day at most.
pub const INTERVALS: usize = 8;
/// Exceptions at most.
pub const EXCEPTIONS: usize = 400;
/// How many days ahead an opening is looked for.
const AHEAD: usize = 370;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// When calls are taken; without a week, always but for the exceptions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// Monday's intervals first; a day without any is a day off.
    pub week: Option<[Vec<Hours>; 7]>,
    /// Dates with intervals of their own, or none.
    pub exceptions: BTreeMap<Date, Vec<Hours>>,
}

/// An interval of a day: `09:00-18:00`, to `24:00` at most; one that ends where it begins or earlier goes on into the
/// next day (`22:00-02:00`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hours {
    /// Minutes from midnight, as the clock on the wall shows them.
    from: u16,
    until: u16,
}

/// A text that is no interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write hours like 09:00-18:00; 22:00-02:00 goes on into the next day")]
pub struct NotHours;

impl Schedule {
    /// Whether it is open at an instant.
    #[must_use]
    pub fn is_open(&self, at: Ts, zone: &TimeZone) -> bool {
        let Some(today) = date(at, zone) else { return true };
        let Some(mut spans) = self.spans(today, zone) else { return true };
        let holds = |(from, until): (Ts, Ts)| from <= at && at < until;
        // Hours over midnight are those of the day before.
        let yesterday = today.yesterday().ok().and_then(|yesterday| self.spans(yesterday, zone));
        spans.any(holds) || yesterday.is_some_and(|mut spans| spans.any(holds))
    }

    /// The first instant from here on at which it is open; none, if it is not within a year.
    #[must_use]
    pub fn opens(&self, at: Ts, zone: &TimeZone) -> Option<Ts> {
        if self.is_open(at, zone) {
            return Some(at);
        }
        date(at, zone)?.series(1.day()).take(AHEAD).find_map(|date| match self.spans(date, zone) {
            Some(spans) => spans.map(|(from, _)| from).filter(|from| *from > at).min(),
            None => instant(date, 0, zone).map(|midnight| midnight.max(at)),
        })
    }

    /// The open spans that begin on a date; none where the whole day is open.
    fn spans(&self, date: Date, zone: &TimeZone) -> Option<impl Iterator<Item = (Ts, Ts)>> {
        let hours = match (self.exceptions.get(&date), &self.week) {
            (Some(hours), _) => hours,
            (None, Some(week)) => week.get(index(date.weekday()))?,
            (None, None) => return None,
        };
        Some(hours.iter().filter_map(move |hours| {
            let over = if hours.until <= hours.from { DAY } else { 0 };
            let span = (instant(date, hours.from, zone)?, instant(date, hours.until + over, zone)?);
            // Hours that the clock skips as a whole are none.
            (span.0 < span.1).then_some(span)
        }))
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

/// The date of an instant in a zone; none beyond the calendar.
#[must_use]
pub fn date(at: Ts, zone: &TimeZone) -> Option<Date> {
    Some(wall(at, zone)?.date())
}

/// What the clock on the wall shows at an instant in a zone; none beyond the calendar.
#[must_use]
pub fn wall(at: Ts, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_microsecond(at.0).ok()?))
}

/// When the clock on the wall first shows so many minutes after a date's midnight, or more: where it is put forward over
/// them, that instant.
pub(crate) fn instant(date: Date, minutes: u16, zone: &TimeZone) -> Option<Ts> {
    let wall = DateTime::from(date).checked_add(i64::from(minutes).minutes()).ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let is_skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let found = ambiguous.compatible().ok()?;
    // What is skipped is read by the clock of before; the last change until then is the skip.
    let put_forward = if is_skipped {
        zone.preceding(found + 1.nanosecond()).next().map(|change| change.timestamp())
    } else {
        None
    };
    Some(Ts(put_forward.unwrap_or(found).as_microsecond()))
}

impl Hours {
    /// Whether a day that has both has some minute twice.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let end = |hours: Self| if hours.until <= hours.from { hours.until + DAY } else { hours.until };
        self.from < end(other) && other.from < end(self)
    }
}

impl FromStr for Hours {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Self, NotHours> {
        let (from, until) = text.split_once('-').ok_or(NotHours)?;
        let hours = Self { from: clock(from)?, until: clock(until)? };
        if hours.from < DAY { Ok(hours) } else { Err(NotHours) }
    }
}

/// `HH:MM`, to 24:00.
fn clock(text: &str) -> Result<u16, NotHours> {
    let (hours, minutes) = text.trim().split_once(':').ok_or(NotHours)?;
    let two = |text: &str| match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok(u16::from(tens - b'0') * 10 + u16::from(ones - b'0')),
        _ => Err(NotHours),
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let clock = hours * 60 + minutes;
    if minutes < 60 && clock <= DAY { Ok(clock) } else { Err(NotHours) }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

impl TryFrom<String> for Hours {
    type Error = NotHours;

    fn try_from(text: String) -> Result<Self, NotHours> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::{Hours, Schedule, index};
    use crate::time::Ts;
    use jiff::civil::DateTime;
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, ToSpan as _};

    fn hours(texts: &[&str]) -> Vec<Hours> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Monday to Friday 9 to 18 without lunch, Saturday night, Sunday off; New Year's Day off.
    fn shop() -> Schedule {
        let day = || hours(&["09:00-13:00", "14:00-18:00"]);
        Schedule {
            week: Some([day(), day(), day(), day(), day(), hours(&["22:00-02:00"]), vec![]]),
            exceptions: [("2027-01-01".parse().unwrap(), vec![])].into(),
        }
    }

    fn check(schedule: &Schedule, zone: &str, at: &str, opens: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let ts = |text: &str| Ts(text.parse::<Timestamp>().unwrap().as_microsecond());
        let expected = if opens == "never" { None } else { Some(ts(opens)) };
        assert_eq!(schedule.opens(ts(at), &zone), expected, "{at}");
        assert_eq!(schedule.is_open(ts(at), &zone), expected == Some(ts(at)), "{at}");
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall() {
        let moscow = |at, opens| check(&shop(), "Europe/Moscow", at, opens);
        moscow("2026-11-25T08:59:59+03:00", "2026-11-25T09:00:00+03:00");
        moscow("2026-11-25T09:00:00+03:00", "2026-11-25T09:00:00+03:00");
        moscow("2026-11-25T13:00:00+03:00", "2026-11-25T14:00:00+03:00");
        moscow("2026-11-25T17:59:59+03:00", "2026-11-25T17:59:59+03:00");
        moscow("2026-11-25T18:00:00+03:00", "2026-11-26T09:00:00+03:00");
        moscow("2026-11-28T12:00:00+03:00", "2026-11-28T22:00:00+03:00");
        moscow("2026-11-29T01:59:59+03:00", "2026-11-29T01:59:59+03:00");
        moscow("2026-11-29T02:00:00+03:00", "2026-11-30T09:00:00+03:00");
        moscow("2026-12-31T18:30:00+03:00", "2027-01-02T22:00:00+03:00");
    }

    #[test]
    fn a_clock_that_is_put_forward_or_back_opens_no_hour_twice() {
        let night = Schedule { week: Some([(); 7].map(|()| hours(&["02:30-03:30"]))), exceptions: [].into() };
        let berlin = |at, opens| check(&night, "Europe/Berlin", at, opens);
        berlin("2027-03-28T00:59:00Z", "2027-03-28T01:00:00Z");
        berlin("2027-03-28T01:29:00Z", "2027-03-28T01:29:00Z");
        berlin("2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z");
        berlin("2027-10-31T00:29:00Z", "2027-10-31T00:30:00Z");
        berlin("2027-10-31T02:29:00Z", "2027-10-31T02:29:00Z");
        berlin("2027-10-31T02:30:00Z", "2027-11-01T01:30:00Z");
    }

    /// The same schedule by looking at the clock on the wall, quarter by quarter of an hour: open from the first quarter
    /// at which it shows an interval's beginning, or more, until the first at which it shows its end.
    fn open_quarters(schedule: &Schedule, zone: &TimeZone, from: Ts, quarters: usize) -> Vec<bool> {
        let wall = |quarter: usize| {
            let at = Ts(from.0 + i64::try_from(quarter).unwrap() * 900_000_000);
            zone.to_datetime(Timestamp::from_microsecond(at.0).unwrap())
        };
        let walls: Vec<_> = (0..quarters).map(wall).collect();
        let first = |shows: DateTime| walls.iter().position(|wall| *wall >= shows).unwrap_or(quarters);
        let mut open = vec![false; quarters];
        let mut day = walls[0].date().yesterday().unwrap();
        while day <= walls[quarters - 1].date() {
            let week = schedule.week.as_ref().map(|week| &week[index(day.weekday())]);
            let whole = hours(&["00:00-24:00"]);
            let intervals = schedule.exceptions.get(&day).or(week).unwrap_or(&whole);
            for interval in intervals {
                let text = interval.to_string();
                let clock = |text: &str| {
                    let (hour, minute) = text.split_once(':').unwrap();
                    hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
                };
                let (begins, ends) = text.split_once('-').unwrap();
                let (begins, mut ends) = (clock(begins), clock(ends));
                if ends <= begins {
                    ends += 24 * 60;
                }
                let midnight = DateTime::from(day);
                let (begins, ends) = (midnight + begins.minutes(), midnight + ends.minutes());
                open[first(begins)..first(ends).max(first(begins))].fill(true);
            }
            day = day.tomorrow().unwrap();
        }
        open
    }

    #[test]
    fn hours_are_those_of_brute_force_in_every_zone_and_across_every_change_of_the_clock() {
        let zones = [
            ("Europe/Moscow", "2027-01-30T00:00:00Z"),
            ("Europe/Berlin", "2027-03-26T00:00:00Z"),
            ("Europe/Berlin", "2027-10-29T00:00:00Z"),
            ("America/New_York", "2027-03-12T00:00:00Z"),
            ("America/Sao_Paulo", "2018-11-02T00:00:00Z"),
            ("Australia/Lord_Howe", "2027-04-02T00:00:00Z"),
            ("Australia/Lord_Howe", "2027-10-01T00:00:00Z"),
            ("Asia/Kathmandu", "2027-05-01T00:00:00Z"),
            ("Africa/Casablanca", "2027-02-05T00:00:00Z"),
            ("Pacific/Apia", "2011-12-28T00:00:00Z"),
        ];
        let mut draw = 0x9E37_79B9_7F4A_7C15_u64;
        let mut below = |bound: u64| {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            (draw >> 33) % bound
        };
        let (mut cases, mut opened) = (0, 0);
        for round in 0..200 {
            let (zone, from) = zones[round % zones.len()];
            let zone = TimeZone::get(zone).unwrap();
            let from = Ts(from.parse::<Timestamp>().unwrap().as_microsecond());
            let mut drawn = || {
                let interval = |from: u64, until: u64| {
                    let text = |quarters: u64| format!("{:02}:{:02}", quarters / 4, quarters % 4 * 15);
                    format!("{}-{}", text(from), text(until)).parse().unwrap()
                };
                (0..below(3)).map(|_| interval(below(96), below(97))).collect::<Vec<Hours>>()
            };
            let week = [(); 7].map(|()| drawn());
            let day = zone.to_datetime(Timestamp::from_microsecond(from.0).unwrap()).date() + 2.days();
            let exceptions = [(day, drawn()), (day + 3.days(), drawn())].into();
            let schedule = Schedule { week: (round % 7 > 0).then_some(week), exceptions };
            let quarters = 8 * 96;
            let open = open_quarters(&schedule, &zone, from, quarters);
            for quarter in 96..quarters - 96 {
                let at = Ts(from.0 + i64::try_from(quarter).unwrap() * 900_000_000);
                assert_eq!(schedule.is_open(at, &zone), open[quarter], "{schedule:?} {zone:?} {at:?}");
                let next = open[quarter..quarters - 96].iter().position(|open| *open);
                if let Some(next) = next.filter(|_| quarter % 5 == 0) {
                    let opens = Ts(at.0 + i64::try_from(next).unwrap() * 900_000_000);
                    assert_eq!(schedule.opens(at, &zone), Some(opens), "{schedule:?} {zone:?} {at:?}");
                    opened += 1;
                }
                cases += 1;
            }
        }
        assert!(cases > 100_000 && opened > 15_000, "{cases} {opened}");
    }

    #[test]
    fn without_a_week_it_is_always_open_and_without_hours_never() {
        check(&Schedule::default(), "UTC", "2026-11-25T03:00:00Z", "2026-11-25T03:00:00Z");
        let holiday = Schedule { exceptions: [("2026-11-25".parse().unwrap(), vec![])].into(), week: None };
        check(&holiday, "UTC", "2026-11-26T03:00:00Z", "2026-11-26T03:00:00Z");
        check(&holiday, "UTC", "2026-11-25T03:00:00Z", "2026-11-26T00:00:00Z");
        let never = Schedule { week: Some([const { vec![] }; 7]), exceptions: [].into() };
        check(&never, "UTC", "2026-11-25T03:00:00Z", "never");
    }

    #[test]
    fn hours_are_written_in_one_way() {
        for right in ["09:00-18:00", "22:00-02:00", "00:00-24:00", "00:00-00:00"] {
            assert_eq!(right.parse::<Hours>().unwrap().to_string(), right);
        }
        for wrong in [
            "",
            "9:00-18:00",
            "09:00",
            "09:00-25:00",
            "09:60-10:00",
            "24:00-02:00",
            "24:01-02:00",
            "+9:00-10:00",
        ] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }
}
