//! `/stop`: whoever wants no calls from this service writes his number there, and gets none any more (R50). It says
//! the same of every number, so that nobody learns who is on the list.

use super::door::client_ip;
use super::error::Problem;
use super::{App, PATIENCE};
use crate::engine::wall_now;
use crate::store::StopBy;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callback_core::number::{self, Country};
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Instant;

const PAGE: &str = include_str!("../../../../web/stop/page.html");
const FILES: [(&str, &str, &[u8]); 3] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../../../../web/stop/style.css")),
    ("onest-cyrillic.woff2", "font/woff2", include_bytes!("../../../../web/practice/onest-cyrillic.woff2")),
    ("onest-latin.woff2", "font/woff2", include_bytes!("../../../../web/practice/onest-latin.woff2")),
];

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
pub(super) struct Language {
    lang: Option<String>,
}

#[derive(Deserialize, Debug)]
pub(super) struct Wish {
    phone: String,
}

/// `GET /stop`
pub(super) async fn show(Query(language): Query<Language>, headers: HeaderMap) -> Response {
    let words = words(&language, &headers);
    page(StatusCode::OK, words, "", "", false)
}

/// `POST /stop`
pub(super) async fn stop(
    State(app): State<App>,
    Query(language): Query<Language>,
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
    let words = words(&language, &headers);
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

/// `GET /stop/{file}`
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let (_, kind, body) = FILES.iter().find(|(known, ..)| *known == name).ok_or(Problem::NotFound)?;
    Ok(([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "max-age=86400")], *body).into_response())
}

/// What was asked for, or what the browser likes best.
fn words(language: &Language, headers: &HeaderMap) -> &'static Words {
    let likes = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("ru");
    match language.lang.as_deref().unwrap_or(likes).get(..2) {
        Some("ru" | "be" | "kk" | "uk") => &RU,
        _ => &EN,
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
        .replace("{phone}", &escaped(phone));
    let rules: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, rules, html).into_response()
}

/// A text inside an attribute's quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars().take(64) {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}
