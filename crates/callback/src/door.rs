//! The door of the files that people write: takes a text or a number in, or says where it stands, what is wrong
//! with it and what to write instead. It goes on after a wrong one, so that all is said at once.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

/// Where in the file, and what was found wrong so far.
pub(crate) struct Door {
    path: Vec<String>,
    problems: Vec<String>,
}

impl Door {
    pub(crate) fn new() -> Self {
        Self { path: Vec::new(), problems: Vec::new() }
    }

    /// All that was found wrong.
    pub(crate) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Does something inside a part of the file.
    pub(crate) fn inside<T>(&mut self, part: String, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part);
        let done = work(self);
        self.path.pop();
        done
    }

    /// Says what is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, given: impl Debug, why: impl Display) {
        self.wrong_part(format_args!("{field} = {given:?}: {why}"));
    }

    /// Says what is wrong with a part as a whole.
    pub(crate) fn wrong_part(&mut self, why: impl Display) {
        let place = self.path.join(", ");
        let colon = if place.is_empty() { "" } else { ": " };
        self.problems.push(format!("{place}{colon}{why}"));
    }

    /// A number in a range.
    pub(crate) fn number<T: TryFrom<i64>>(
        &mut self,
        field: &str,
        given: Option<i64>,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        let value = given.unwrap_or(default);
        let fits = range.contains(&value).then(|| T::try_from(value).ok()).flatten();
        if fits.is_none() {
            self.wrong(
                field,
                value,
                format_args!("write a number from {} to {}", range.start(), range.end()),
            );
        }
        fits
    }

    /// One of some words; none given is the first.
    pub(crate) fn word<T: Copy>(
        &mut self,
        field: &str,
        given: Option<&str>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let Some(given) = given else { return words.first().map(|(_, value)| *value) };
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(field, given, format_args!("write one of {}", words.join(", ")));
        }
        found
    }

    /// A text that people read: 1 to `longest` characters, none of them a control character.
    pub(crate) fn text(&mut self, field: &str, given: &str, longest: usize) -> Option<String> {
        let given = given.trim();
        let fits = (1..=longest).contains(&given.chars().count()) && !given.chars().any(char::is_control);
        if !fits {
            self.wrong(field, given, format_args!("write 1 to {longest} characters on one line"));
        }
        fits.then(|| given.to_owned())
    }

    /// A text with a parser whose error says what to write.
    pub(crate) fn parse<T, E: Display>(
        &mut self,
        field: &str,
        given: &str,
        parser: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parser(given).map_err(|error| self.wrong(field, given, error)).ok()
    }
}
