//! Which area a number's plan puts it into: an estimate, for people move and take their numbers along.

use crate::language::Language;
use crate::number::PhoneNumber;
use std::collections::BTreeMap;
use std::iter;
use std::sync::LazyLock;

/// An area's names.
struct Area {
    en: &'static str,
    ru: &'static str,
}

/// By the first digits of a number, its country's code among them.
static AREAS: LazyLock<BTreeMap<u64, Area>> = LazyLock::new(|| {
    include_str!("../assets/areas/areas.tsv")
        .lines()
        .filter_map(|line| {
            let mut parts = line.split('\t');
            Some((parts.next()?.parse().ok()?, Area { en: parts.next()?, ru: parts.next()? }))
        })
        .collect()
});

/// The area of a number: what most of its first digits stand for. None where the plan has no areas, as for mobile
/// telephones of most countries. It has its English name where it has none in the language.
#[must_use]
pub fn area(number: PhoneNumber, language: Language) -> Option<&'static str> {
    let firsts = iter::successors(Some(number.digits()), |digits| Some(digits / 10).filter(|left| *left > 0));
    let area = firsts.filter_map(|digits| AREAS.get(&digits)).next()?;
    match language {
        Language::Ru if !area.ru.is_empty() => Some(area.ru),
        Language::Ru | Language::En => Some(area.en).filter(|name| !name.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::{AREAS, area};
    use crate::language::Language;

    #[test]
    fn the_most_digits_that_stand_for_an_area_tell_it() {
        let of = |number: &str, language| area(number.parse().unwrap(), language);
        for (number, ru, en) in [
            ("+78123456789", Some("г. Санкт-Петербург"), Some("St Petersburg")),
            ("+73432123456", Some("Свердловская обл"), Some("Ekaterinburg")),
            ("+375172123456", Some("Минск"), Some("Minsk")),
            ("+14155550100", Some("California"), Some("California")),
            ("+493012345678", Some("Berlin"), Some("Berlin")),
            ("+79161234567", None, None),
            ("+99912345", None, None),
        ] {
            assert_eq!((of(number, Language::Ru), of(number, Language::En)), (ru, en), "{number}");
        }
    }

    #[test]
    fn every_line_of_the_list_is_read() {
        let lines = include_str!("../assets/areas/areas.tsv").lines().count();
        assert_eq!(AREAS.len(), lines);
        assert!(lines > 5_000, "{lines}");
    }
}
