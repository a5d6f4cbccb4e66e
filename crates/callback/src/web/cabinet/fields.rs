//! What people write of themselves, read at the door: each wrong one is told at its field.

use crate::account::{Hasher, Refused};
use crate::web::error::FieldProblem;
use callback_core::number::Country;
use callback_core::site::Language;
use jiff::tz::TimeZone;

/// Letters of a name.
const NAME: usize = 64;

/// A name that people read: one line.
pub(super) fn name(wrong: &mut Vec<FieldProblem>, field: &str, given: &str) -> Option<String> {
    let given = given.trim();
    let problem = if given.is_empty() {
        FieldProblem::plain(field, "required", "write a name")
    } else if given.chars().count() > NAME {
        FieldProblem::plain(field, "too_long", "write a shorter name").with("max", NAME)
    } else if given.chars().any(char::is_control) {
        FieldProblem::plain(field, "invalid", "write the name on one line")
    } else {
        return Some(given.to_owned());
    };
    wrong.push(problem);
    None
}

/// An e-mail address, in small letters.
pub(super) fn email(wrong: &mut Vec<FieldProblem>, field: &str, given: &str) -> Option<String> {
    let read = crate::settings::email(given).ok().filter(|email| email.parse::<lettre::Address>().is_ok());
    if read.is_none() {
        let code = if given.trim().is_empty() { "required" } else { "email" };
        wrong.push(FieldProblem::plain(field, code, "write an e-mail address, like owner@shop.example"));
    }
    read
}

/// A password that is chosen.
pub(super) fn password(wrong: &mut Vec<FieldProblem>, field: &str, given: &str, known: &[&str]) {
    let problem = match Hasher::accept(given, known) {
        Ok(()) => return,
        Err(Refused::TooShort { min }) => {
            FieldProblem::plain(field, "too_short", "choose a longer password").with("min", min)
        }
        Err(Refused::TooLong { max }) => {
            FieldProblem::plain(field, "too_long", "choose a shorter password").with("max", max)
        }
        Err(Refused::Common) => {
            FieldProblem::plain(field, "common_password", "this password is one of the first that are tried")
        }
    };
    wrong.push(problem);
}

/// A language of the cabinet.
pub(super) fn language(wrong: &mut Vec<FieldProblem>, given: &str) -> Option<Language> {
    match given {
        "ru" => Some(Language::Ru),
        "en" => Some(Language::En),
        _ => {
            wrong.push(FieldProblem::plain("language", "language", "write ru or en"));
            None
        }
    }
}

/// Where a company is at home: its country, and its time zone, which is good where there is an answer.
pub(super) fn home(wrong: &mut Vec<FieldProblem>, country: &str, time_zone: &str) -> Option<Country> {
    let read = country.parse::<Country>().ok();
    if read.is_none() {
        wrong.push(FieldProblem::plain("country", "country", "write a country by its two letters, like RU"));
    }
    let zone = TimeZone::get(time_zone);
    if zone.is_err() {
        wrong.push(FieldProblem::plain("time_zone", "time_zone", "write a time zone by its IANA name"));
    }
    read.filter(|_| zone.is_ok())
}
