//! Public holidays of whole countries, by their laws' rules: for schedules to take over as days off, those among them that
//! are off in place of one at a weekend. Days that a government moves from year to year, and holidays of single regions,
//! are not among them.

use crate::number::Country;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

/// When a holiday is.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Month and day.
    On(i8, i8),
    /// Days after Easter by the Gregorian calendar.
    Easter(i32),
    /// Days after Easter of the Orthodox churches.
    Pascha(i32),
    /// The how-manieth such weekday of a month; counted from its end where negative.
    Nth(i8, i8, Weekday),
}
use Rule::{Easter, Nth, On, Pascha};
use Weekday::{Monday, Saturday, Sunday, Thursday};

/// A rule, and the holiday's name in Russian and English.
type Holiday = (Rule, &'static str, &'static str);

const RU: &[Holiday] = &[
    (On(1, 1), "Новогодние каникулы", "New Year holidays"),
    (On(1, 2), "Новогодние каникулы", "New Year holidays"),
    (On(1, 3), "Новогодние каникулы", "New Year holidays"),
    (On(1, 4), "Новогодние каникулы", "New Year holidays"),
    (On(1, 5), "Новогодние каникулы", "New Year holidays"),
    (On(1, 6), "Новогодние каникулы", "New Year holidays"),
    (On(1, 7), "Рождество", "Orthodox Christmas"),
    (On(1, 8), "Новогодние каникулы", "New Year holidays"),
    (On(2, 23), "День защитника Отечества", "Defender of the Fatherland Day"),
    (On(3, 8), "Международный женский день", "International Women’s Day"),
    (On(5, 1), "Праздник Весны и Труда", "Spring and Labour Day"),
    (On(5, 9), "День Победы", "Victory Day"),
    (On(6, 12), "День России", "Russia Day"),
    (On(11, 4), "День народного единства", "National Unity Day"),
];
const BY: &[Holiday] = &[
    (On(1, 1), "Новый год", "New Year’s Day"),
    (On(1, 2), "Новый год", "New Year’s Day"),
    (On(1, 7), "Рождество (православное)", "Orthodox Christmas"),
    (On(3, 8), "День женщин", "Women’s Day"),
    (Pascha(9), "Радуница", "Radunitsa"),
    (On(5, 1), "Праздник труда", "Labour Day"),
    (On(5, 9), "День Победы", "Victory Day"),
    (On(7, 3), "День Независимости", "Independence Day"),
    (On(11, 7), "День Октябрьской революции", "October Revolution Day"),
    (On(12, 25), "Рождество (католическое)", "Christmas Day"),
];
const US: &[Holiday] = &[
    (On(1, 1), "Новый год", "New Year’s Day"),
    (Nth(1, 3, Monday), "День Мартина Лютера Кинга", "Martin Luther King Jr. Day"),
    (Nth(2, 3, Monday), "День президентов", "Washington’s Birthday"),
    (Nth(5, -1, Monday), "День памяти", "Memorial Day"),
    (On(6, 19), "Джунтинт", "Juneteenth"),
    (On(7, 4), "День независимости", "Independence Day"),
    (Nth(9, 1, Monday), "День труда", "Labor Day"),
    (Nth(10, 2, Monday), "День Колумба", "Columbus Day"),
    (On(11, 11), "День ветеранов", "Veterans Day"),
    (Nth(11, 4, Thursday), "День благодарения", "Thanksgiving Day"),
    (On(12, 25), "Рождество", "Christmas Day"),
];
const GB: &[Holiday] = &[
    (On(1, 1), "Новый год", "New Year’s Day"),
    (Easter(-2), "Страстная пятница", "Good Friday"),
    (Nth(5, 1, Monday), "Майский выходной", "Early May bank holiday"),
    (Nth(5, -1, Monday), "Весенний выходной", "Spring bank holiday"),
    (On(12, 25), "Рождество", "Christmas Day"),
    (On(12, 26), "День подарков", "Boxing Day"),
];
const DE: &[Holiday] = &[
    (On(1, 1), "Новый год", "New Year’s Day"),
    (Easter(-2), "Страстная пятница", "Good Friday"),
    (Easter(1), "Пасхальный понедельник", "Easter Monday"),
    (On(5, 1), "День труда", "Labour Day"),
    (Easter(39), "Вознесение", "Ascension Day"),
    (Easter(50), "Духов день", "Whit Monday"),
    (On(10, 3), "День германского единства", "Day of German Unity"),
    (On(12, 25), "Рождество", "Christmas Day"),
    (On(12, 26), "Второй день Рождества", "Second Day of Christmas"),
];
const FR: &[Holiday] = &[
    (On(1, 1), "Новый год", "New Year’s Day"),
    (Easter(1), "Пасхальный понедельник", "Easter Monday"),
    (On(5, 1), "День труда", "Labour Day"),
    (On(5, 8), "День Победы", "Victory Day"),
    (Easter(39), "Вознесение", "Ascension Day"),
    (Easter(50), "Духов день", "Whit Monday"),
    (On(7, 14), "Национальный праздник", "Bastille Day"),
    (On(8, 15), "Успение", "Assumption Day"),
    (On(11, 1), "День всех святых", "All Saints’ Day"),
    (On(11, 11), "День перемирия", "Armistice Day"),
    (On(12, 25), "Рождество", "Christmas Day"),
];

/// What a law gives for a holiday at a weekend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Instead {
    /// Nothing.
    Nothing,
    /// The next working day: of Russia's but the New Year's, whose days the government moves (Labour Code, art. 112), and
    /// of Britain's.
    Next,
    /// Friday for a Saturday, Monday for a Sunday (5 U.S.C. 6103).
    Nearest,
}

const COUNTRIES: [(&str, &[Holiday], Instead); 6] = [
    ("RU", RU, Instead::Next),
    ("BY", BY, Instead::Nothing),
    ("US", US, Instead::Nearest),
    ("GB", GB, Instead::Next),
    ("DE", DE, Instead::Nothing),
    ("FR", FR, Instead::Nothing),
];

/// The holidays of a country in a year, each with its name in Russian and English, in order; none where the country's are
/// not known.
#[must_use]
pub fn of(country: Country, year: i16) -> Option<Vec<(Date, &'static str, &'static str)>> {
    let code = country.to_string();
    let (_, rules, instead) = COUNTRIES.iter().find(|(known, ..)| *known == code)?;
    let mut found: Vec<_> =
        rules.iter().filter_map(|(rule, ru, en)| Some((rule.in_year(year)?, *ru, *en))).collect();
    found.sort_by_key(|(date, ..)| *date);
    // The next year's first day may be off in this one.
    let next = (Date::new(year.checked_add(1)?, 1, 1).ok()?, "Новый год", "New Year’s Day");
    for (date, ru, en) in found.clone().into_iter().chain([next]) {
        let moved = match instead {
            Instead::Next if code == "RU" && date.month() == 1 => None,
            Instead::Next => next_workday(date, &found),
            Instead::Nearest => nearest(date),
            Instead::Nothing => None,
        };
        found.extend(moved.filter(|moved| moved.year() == year).map(|moved| (moved, ru, en)));
    }
    found.sort_by_key(|(date, ..)| *date);
    Some(found)
}

/// The first working day after a holiday at a weekend.
fn next_workday(date: Date, holidays: &[(Date, &str, &str)]) -> Option<Date> {
    let is_off = |date: Date| {
        matches!(date.weekday(), Saturday | Sunday) || holidays.iter().any(|(known, ..)| *known == date)
    };
    matches!(date.weekday(), Saturday | Sunday)
        .then(|| date.series(1.day()).skip(1).find(|date| !is_off(*date)))
        .flatten()
}

/// The working day beside a holiday at a weekend.
fn nearest(date: Date) -> Option<Date> {
    match date.weekday() {
        Saturday => date.yesterday().ok(),
        Sunday => date.tomorrow().ok(),
        Monday | Weekday::Tuesday | Weekday::Wednesday | Thursday | Weekday::Friday => None,
    }
}

impl Rule {
    fn in_year(self, year: i16) -> Option<Date> {
        match self {
            On(month, day) => Date::new(year, month, day).ok(),
            Easter(days) => easter(year)?.checked_add(i64::from(days).days()).ok(),
            Pascha(days) => pascha(year)?.checked_add(i64::from(days).days()).ok(),
            Nth(month, nth, weekday) => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
        }
    }
}

/// Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let year_ = i32::from(year);
    let (a, b, c) = (year_ % 19, year_ / 100, year_ % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Easter Sunday of the Orthodox churches (Meeus's Julian algorithm), by the Gregorian calendar of 1900 to 2099.
fn pascha(year: i16) -> Option<Date> {
    let year_ = i32::from(year);
    let d = (19 * (year_ % 19) + 15) % 30;
    let e = (2 * (year_ % 4) + 4 * (year_ % 7) - d + 34) % 7;
    let days = d + e + 114;
    let julian = Date::new(year, i8::try_from(days / 31).ok()?, i8::try_from(days % 31 + 1).ok()?).ok()?;
    julian.checked_add(13.days()).ok()
}

#[cfg(test)]
mod tests {
    use super::{easter, of, pascha};

    #[test]
    fn movable_feasts_are_when_they_were() {
        let check = |year: i16, western: &str, orthodox: &str| {
            assert_eq!(easter(year).unwrap().to_string(), western);
            assert_eq!(pascha(year).unwrap().to_string(), orthodox);
        };
        check(2016, "2016-03-27", "2016-05-01");
        check(2017, "2017-04-16", "2017-04-16");
        check(2024, "2024-03-31", "2024-05-05");
        check(2025, "2025-04-20", "2025-04-20");
        check(2026, "2026-04-05", "2026-04-12");
        check(2038, "2038-04-25", "2038-04-25");
    }

    #[test]
    fn a_countrys_year_has_its_holidays_in_order() {
        let dates = |country: &str, year| {
            let found = of(country.parse().unwrap(), year).unwrap();
            found.iter().map(|(date, ..)| date.to_string()[5..].to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            dates("RU", 2027),
            "01-01 01-02 01-03 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-01 05-03 05-09 05-10 06-12 06-14 11-04",
            "three are at weekends, and the Mondays after them are off"
        );
        assert_eq!(
            dates("US", 2026),
            "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25",
            "the Friday before a Saturday"
        );
        assert_eq!(dates("US", 2027).split(' ').next_back(), Some("12-31"), "for the Saturday after it");
        assert_eq!(dates("GB", 2026), "01-01 04-03 05-04 05-25 12-25 12-26 12-28");
        assert_eq!(
            dates("GB", 2027),
            "01-01 03-26 05-03 05-31 12-25 12-26 12-27 12-28",
            "two at one weekend have a day each"
        );
        assert_eq!(dates("BY", 2026), "01-01 01-02 01-07 03-08 04-21 05-01 05-09 07-03 11-07 12-25");
        assert!(of("BR".parse().unwrap(), 2026).is_none());
    }
}
