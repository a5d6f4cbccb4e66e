//! The door of the files that people write: takes a text or a number in, or says where it stands, what is wrong
//! with it and what to write instead. It goes on after a wrong one, so that all is said at once.

use serde_json::{Map, Value, json};
use std::fmt::{self, Debug, Display};
use std::ops::RangeInclusive;

/// Something that is wrong, for whoever reads it and for the page that shows it at its field.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Wrong {
    /// The whole of it in words, with its place in the file.
    told: String,
    /// Which field, as a page names it: `managers[2].address`.
    pub(crate) field: String,
    /// What kind of wrong, for a page that has its own words.
    pub(crate) code: &'static str,
    /// What those words need: limits, names.
    pub(crate) params: Map<String, Value>,
    /// What is wrong and what to write instead, in English.
    pub(crate) why: String,
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

/// Where in the file, and what was found wrong so far.
pub(crate) struct Door {
    path: Vec<(String, String)>,
    wrongs: Vec<Wrong>,
}

/// A kind of wrong, and what there is to say about it.
pub(crate) struct Kind(&'static str, Map<String, Value>);

impl Kind {
    /// One that nothing is to be said about.
    pub(crate) fn plain(code: &'static str) -> Self {
        Self(code, Map::new())
    }

    /// One with something to say.
    pub(crate) fn with(code: &'static str, params: &Value) -> Self {
        Self(code, params.as_object().cloned().unwrap_or_default())
    }
}

impl Door {
    pub(crate) fn new() -> Self {
        Self { path: Vec::new(), wrongs: Vec::new() }
    }

    /// All that was found wrong, in words.
    pub(crate) fn into_problems(self) -> Vec<String> {
        self.wrongs.iter().map(ToString::to_string).collect()
    }

    /// All that was found wrong.
    pub(crate) fn into_wrongs(self) -> Vec<Wrong> {
        self.wrongs
    }

    /// Does something inside a part of the file; `field` is its name for pages, where it is a field's part.
    pub(crate) fn inside<T>(&mut self, part: String, field: String, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push((part, field));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Says what is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, given: impl Debug, why: impl Display) {
        self.wrong_as(Kind::plain("invalid"), field, given, why);
    }

    /// Says what is wrong with a field, and of which kind that is.
    pub(crate) fn wrong_as(&mut self, kind: Kind, field: &str, given: impl Debug, why: impl Display) {
        self.push(kind, field, format!("{field} = {given:?}: {why}"), why.to_string());
    }

    /// Says what is wrong with a part as a whole.
    pub(crate) fn wrong_part(&mut self, why: impl Display) {
        self.push(Kind::plain("invalid"), "", why.to_string(), why.to_string());
    }

    /// Says that a list is too long.
    pub(crate) fn too_many(&mut self, field: &str, max: usize, why: impl Display) {
        self.push(Kind::with("too_many", &json!({ "max": max })), field, why.to_string(), why.to_string());
    }

    fn push(&mut self, Kind(code, params): Kind, field: &str, told: String, why: String) {
        let parts: Vec<&str> = self.path.iter().map(|(part, _)| part.as_str()).collect();
        let colon = if parts.is_empty() { "" } else { ": " };
        let told = format!("{}{colon}{told}", parts.join(", "));
        let names = self.path.iter().map(|(_, name)| name.as_str()).chain([field]);
        let field = names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(".");
        self.wrongs.push(Wrong { told, field, code, params, why });
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
            let kind = Kind::with("range", &json!({ "min": range.start(), "max": range.end() }));
            let why = format_args!("write a number from {} to {}", range.start(), range.end());
            self.wrong_as(kind, field, value, why);
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
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let why = format_args!("write one of {}", quoted.join(", "));
            self.wrong_as(Kind::with("choice", &json!({ "allowed": words })), field, given, why);
        }
        found
    }

    /// A text that people read: 1 to `longest` characters, none of them a control character.
    pub(crate) fn text(&mut self, field: &str, given: &str, longest: usize) -> Option<String> {
        let given = given.trim();
        let fits = (1..=longest).contains(&given.chars().count()) && !given.chars().any(char::is_control);
        if !fits {
            let why = format_args!("write 1 to {longest} characters on one line");
            let kind = if given.is_empty() {
                Kind::plain("required")
            } else {
                Kind::with("too_long", &json!({ "max": longest }))
            };
            let start: String = given.chars().take(longest.saturating_mul(2)).collect();
            self.wrong_as(kind, field, start, why);
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
        self.parse_as("invalid", field, given, parser)
    }

    /// The same, and of which kind its wrong is.
    pub(crate) fn parse_as<T, E: Display>(
        &mut self,
        code: &'static str,
        field: &str,
        given: &str,
        parser: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let code = if given.trim().is_empty() { "required" } else { code };
        parser(given).map_err(|error| self.wrong_as(Kind::plain(code), field, given, error)).ok()
    }
}
