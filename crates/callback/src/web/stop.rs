//! `/stop`: whoever wants no calls from this service writes his number there, and gets none any more (R50). It says
//! the same of every number, so that nobody learns who is on the list.

use super::door::client_ip;
use super::error::Problem;
use super::plain::{self, Asked, escaped};
use super::{App, PATIENCE};
use crate::clock::wall_now;
use crate::store::StopBy;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use callback_core::number::{self, Country};
use callback_core::site::Language;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Instant;

const PAGE: &str = include_str!("../../../../web/plain/stop.html");

/// The words of the page.
struct Words {
    language: &'static str,
    title: &'static str,
    lead: &'static str,
    label: &'static str,
    button: &'static str,
    small: &'static str,
    done: &'static str,
    invalid: &'static str,
    too_many: &'static str,
    away: &'static str,
}

const RU: Words = Words {
    language: "ru",
    title: "Больше не звонить",
    lead: "Впишите свой номер, и мы никогда на него не позвоним, с какого бы сайта ни заказали звонок.",
    label: "Номер телефона",
    button: "Не звонить на этот номер",
    small: "То же делает клавиша 9 во время нашего звонка. Передумали — напишите на сайт, с которого заказывали \
            звонок.",
    done: "Готово: на этот номер мы больше не звоним.",
    invalid: "Это не похоже на номер телефона. Напишите его с кодом страны, например +7 916 123-45-67.",
    too_many: "С вашего адреса вписали много номеров. Продолжите через час.",
    away: "Сейчас записать не получилось. Попробуйте ещё раз через минуту.",
};

const EN: Words = Words {
    language: "en",
    title: "Stop the calls",
    lead: "Enter your number and we will never call it again, whichever site a call is ordered on.",
    label: "Phone number",
    button: "Never call this number",
    small: "Pressing 9 during our call does the same. Changed your mind? Write to the site that you ordered the \
            call on.",
    done: "Done: we do not call this number any more.",
    invalid: "This does not look like a phone number. Write it with its country code, like +44 20 7946 0018.",
    too_many: "Many numbers came from your address. Go on in an hour.",
    away: "It could not be stored just now. Try again in a minute.",
};

#[derive(Deserialize, Debug)]
pub(super) struct Wish {
    phone: String,
}

/// `GET /stop`
pub(super) async fn show(Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let words = words(&asked, &headers);
    page(StatusCode::OK, words, "", "", false)
}

/// `POST /stop`
pub(super) async fn stop(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    wish: Result<Form<Wish>, FormRejection>,
) -> Result<Response, Problem> {
    // Another page may not put its visitors' word in here (Fetch metadata).
    let is_foreign =
        headers.get("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none");
    if is_foreign {
        return Err(Problem::OriginRefused);
    }
    let words = words(&asked, &headers);
    let ip = client_ip(&headers, peer, &app);
    app.flood.request(ip, Instant::now())?;
    let wish = wish.map_or(Wish { phone: String::new() }, |Form(wish)| wish);
    let home: Country = "RU".parse().map_err(Problem::internal)?;
    let Ok((number, _)) = number::parse(&wish.phone, home) else {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, words, words.invalid, &wish.phone, true));
    };
    let stored = tokio::time::timeout(PATIENCE, app.store.stop(number, StopBy::Page(ip), wall_now()));
    Ok(match stored.await {
        Ok(Ok(true)) => page(StatusCode::OK, words, words.done, "", false),
        Ok(Ok(false)) => page(StatusCode::TOO_MANY_REQUESTS, words, words.too_many, &wish.phone, true),
        Ok(Err(error)) => {
            tracing::error!(%error, "a wish never to be called is not stored");
            page(StatusCode::SERVICE_UNAVAILABLE, words, words.away, &wish.phone, true)
        }
        Err(_) => page(StatusCode::SERVICE_UNAVAILABLE, words, words.away, &wish.phone, true),
    })
}

fn words(asked: &Asked, headers: &HeaderMap) -> &'static Words {
    match asked.language(headers) {
        Language::Ru => &RU,
        Language::En => &EN,
    }
}

fn page(status: StatusCode, words: &Words, said: &str, phone: &str, wrong: bool) -> Response {
    let said = match (said, wrong) {
        ("", _) => String::new(),
        (said, false) => format!("<p class=\"said\" role=\"status\">{said}</p>"),
        (said, true) => format!("<p class=\"said wrong\" role=\"alert\" id=\"said\">{said}</p>"),
    };
    let invalid = if wrong { "aria-invalid=\"true\" aria-describedby=\"said\"" } else { "" };
    let example = if words.language == "ru" { "+7 916 123-45-67" } else { "+44 20 7946 0018" };
    // What somebody wrote goes in last, so that nothing in it is replaced.
    let html = PAGE
        .replace("{language}", words.language)
        .replace("{title}", words.title)
        .replace("{lead}", words.lead)
        .replace("{label}", words.label)
        .replace("{button}", words.button)
        .replace("{small}", words.small)
        .replace("{example}", example)
        .replace("{said}", &said)
        .replace("{invalid}", invalid)
        .replace("{phone}", &escaped(&phone.chars().take(64).collect::<String>()));
    plain::page(status, html)
}
