//! Some 25,000 spellings of numbers of twenty countries, each read as another implementation reads it.
//!
//! The judge is `oracle.py`, by Debian's python3-phonenumbers, whose plans are some years older than ours. Where the two
//! differ, the reason is named below; a reason that explains nothing any more is to be taken out.

use callback_core::number::{Unusable, parse};
use std::ops::RangeInclusive;
use std::process::Command;

/// A spelling that is read otherwise than the judge reads it.
#[derive(Debug)]
struct Difference {
    country: String,
    spelling: String,
    /// The same number as `+` and digits, and what the judge says of that.
    number: (String, String),
    /// What the judge says, and how it is read here.
    meanings: (String, String),
}

impl Difference {
    fn is(&self, judged: &str, read: &str) -> bool {
        (self.meanings.0.as_str(), self.meanings.1.as_str()) == (judged, read)
    }

    /// The number begins so and has so many digits, the country's code among them.
    fn is_number(&self, start: &str, digits: RangeInclusive<usize>) -> bool {
        self.number.0.starts_with(start) && digits.contains(&(self.number.0.len() - 1))
    }
}

/// Why both are right, and of what.
type Reason = (&'static str, fn(&Difference) -> bool);

const REASONS: [Reason; 4] = [
    ("two to four digits are a short number, which is refused, and no slip of the pen", |it| {
        let digits = it.spelling.chars().filter(|letter| letter.is_numeric()).count();
        (2..=4).contains(&digits) && it.is("invalid", "refused")
    }),
    ("in Russia, Kazakhstan and Belarus 00 is read as +, though one dials 8~10 there", |it| {
        ["RU", "KZ", "BY"].contains(&it.country.as_str())
            && it.spelling.starts_with("00")
            && it.is("invalid", &it.number.1)
    }),
    (
        "Brazil's premium numbers of 300 and six digits are no longer in the newer plan: neither calls them",
        |it| it.is_number("+55300", 11..=11) && it.is("refused", "invalid"),
    ),
    ("Germany's toll-free numbers have thirteen digits at most in the newer plan", |it| {
        it.is_number("+49800", 16..=17) && it.is(&it.number.1, "invalid")
    }),
];

fn lines() -> Vec<[String; 5]> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/spellings/oracle.py");
    // Debian's own Python, which has Debian's phonenumbers, whatever else is called so.
    let said = Command::new("/usr/bin/python3").arg(script).output().unwrap();
    let trouble = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "the tests need python3-phonenumbers: {trouble}");
    String::from_utf8(said.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_spelling_means_what_google_says() {
    let lines = lines();
    let (mut number, mut explained, mut differences) =
        <((String, String), [u32; REASONS.len()], Vec<Difference>)>::default();
    for [country, _, name, spelling, judged] in lines.iter().cloned() {
        if name == "e164" {
            number = (spelling.clone(), judged.clone());
        }
        let read = match parse(&spelling, country.parse().unwrap()) {
            Ok((number, home)) => format!("{number} {home}"),
            Err(Unusable::Invalid) => "invalid".to_owned(),
            Err(Unusable::RefusedClass) => "refused".to_owned(),
        };
        if read == judged {
            continue;
        }
        let difference = Difference { country, spelling, number: number.clone(), meanings: (judged, read) };
        match REASONS.iter().position(|(_, explains)| explains(&difference)) {
            Some(at) => explained[at] += 1,
            None => differences.push(difference),
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    for ((reason, _), spellings) in REASONS.iter().zip(explained) {
        println!("{spellings}: {reason}");
        assert!(spellings > 0, "explains nothing any more: {reason}");
    }
    println!("{} spellings", lines.len());
    assert!(lines.len() > 20_000, "{}", lines.len());
}
