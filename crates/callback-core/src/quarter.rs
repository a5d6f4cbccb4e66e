//! Quarters of an hour, by which calls are counted: every clock of this century is off UTC by whole ones, so that days and
//! hours of any zone are made of them. A customer whose zone changes has his calls in other hours, and none of them moved.

use crate::schedule;
use crate::time::Ts;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Microseconds of one.
const LENGTH_US: i64 = 900_000_000;
/// Those of a day.
const DAY: i64 = 96;
/// Those of a week.
const WEEK: i64 = 7 * DAY;
/// No clock is further off UTC.
const FURTHEST: i64 = DAY;

/// A quarter of an hour: how many were before it since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Quarter(pub i64);

impl Quarter {
    /// The one that an instant is in.
    #[must_use]
    pub fn of(at: Ts) -> Self {
        Self(at.0.div_euclid(LENGTH_US))
    }

    /// Its begin.
    #[must_use]
    pub fn begins(self) -> Ts {
        Ts(self.0.saturating_mul(LENGTH_US))
    }

    /// Which of a week's it is, 0 to 671: every seventh day at the same time has the same.
    #[must_use]
    pub fn of_week(self) -> i64 {
        self.0.rem_euclid(WEEK)
    }

    /// The hour of the week at which it is, from Monday's first: 0 to 167.
    #[must_use]
    pub fn hour(self, zone: &TimeZone) -> u8 {
        let Some(clock) = schedule::wall(self.begins(), zone) else { return 0 };
        let day = u8::try_from(clock.weekday().to_monday_zero_offset()).unwrap_or(0);
        day * 24 + u8::try_from(clock.hour()).unwrap_or(0)
    }

    /// Those of an hour of the week from one day's begin to another day's end, in their order: four a week, eight where an
    /// hour came twice, none where it was left out.
    pub fn at_hour(hour: u8, from: Date, to: Date, zone: &TimeZone) -> impl Iterator<Item = Self> {
        let weekday = i8::try_from(hour / 24).unwrap_or(0);
        let days = from.series(1.day()).take_while(move |day| *day <= to);
        let days = days.filter(move |day| day.weekday().to_monday_zero_offset() == weekday);
        days.flat_map(move |day| {
            let midnight = day.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_microsecond());
            let Self(first) = Self::of(Ts(midnight));
            let near = (first - FURTHEST..first + DAY + FURTHEST).map(Self);
            near.filter(move |quarter| {
                quarter.hour(zone) == hour && schedule::date(quarter.begins(), zone) == Some(day)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Quarter;
    use crate::time::Ts;
    use jiff::Timestamp;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Quarter {
        Quarter::of(Ts(text.parse::<Timestamp>().unwrap().as_microsecond()))
    }

    #[test]
    fn hours_of_a_week_are_the_zone_s() {
        // Sunday 22:30 in UTC is Monday, half past one, in Moscow, and a quarter past four in Nepal.
        let quarter = at("2026-11-22T22:30:00Z");
        for (zone, hour) in [("UTC", 6 * 24 + 22), ("Europe/Moscow", 1), ("Asia/Kathmandu", 4)] {
            assert_eq!(quarter.hour(&TimeZone::get(zone).unwrap()), hour, "{zone}");
        }
    }

    #[test]
    fn an_hour_is_found_over_the_changes_of_clocks() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        // Sundays at two: on 29 March there is none, on 25 October there are two.
        let two = 6 * 24 + 2;
        for (day, quarters) in [(date(2026, 3, 22), 4), (date(2026, 3, 29), 0), (date(2026, 10, 25), 8)] {
            assert_eq!(Quarter::at_hour(two, day, day, &berlin).count(), quarters, "{day}");
        }
    }

    #[test]
    fn every_quarter_of_a_year_is_of_one_hour_and_found_in_it() {
        for zone in ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati"] {
            let zone = TimeZone::get(zone).unwrap();
            let (from, to) = (date(2026, 1, 1), date(2026, 12, 31));
            let by_hour =
                (0..168).flat_map(|hour| Quarter::at_hour(hour, from, to, &zone).collect::<Vec<_>>());
            let mut found: Vec<Quarter> = by_hour.collect();
            found.sort_unstable();
            let first = Quarter::of(Ts(from.to_zoned(zone.clone()).unwrap().timestamp().as_microsecond()));
            let whole: Vec<Quarter> = (0..365 * 96).map(|step| Quarter(first.0 + step)).collect();
            assert_eq!(found, whole);
        }
    }
}
