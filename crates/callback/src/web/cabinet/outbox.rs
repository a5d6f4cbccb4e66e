//! `/outbox`: letters, and what became of them. For whoever sits at this machine alone: the links in them let in.

use super::links::page;
use super::read::Query;
use crate::mail::letter::addressed;
use crate::web::App;
use crate::web::error::Problem;
use crate::web::plain::{self, Asked, escaped};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use callback_core::site::Language;
use callback_core::time::Ts;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Letters on the page.
const LETTERS: u32 = 50;
const PAGE: &str = include_str!("../../../../../web/plain/outbox.html");

/// The words of the page.
struct Words {
    language: &'static str,
    title: &'static str,
    /// Where no server takes letters.
    lead: &'static str,
    /// Where one does.
    lead_mailed: &'static str,
    empty: &'static str,
    /// How a moment is written.
    moment: &'static str,
}

const RU: Words = Words {
    language: "ru",
    title: "Письма",
    lead: "Почта не настроена, поэтому письма никуда не уходят и лежат здесь, новые сверху.",
    lead_mailed: "Письма уходят через почтовый сервер. Здесь новые сверху; у неушедших сказано почему.",
    empty: "Писем пока нет.",
    moment: "%d.%m.%Y, %H:%M",
};

const EN: Words = Words {
    language: "en",
    title: "Letters",
    lead: "Mail is not set up, so letters go nowhere and lie here, the newest first.",
    lead_mailed: "Letters leave through the mail server. The newest are first; those that did not leave say why.",
    empty: "No letters yet.",
    moment: "%-d %b %Y, %H:%M",
};

/// Whether there is such a page: the service is this machine's own.
pub(super) fn is_shown(app: &App) -> bool {
    let host = app.door.origin.host();
    host == "localhost" || host.ends_with(".localhost") || is_loopback(host)
}

fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `GET /outbox`
pub(super) async fn show(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // A name elsewhere that was made to lead here is not this machine's own.
    let own = app.door.origin.as_str().split_once("://").is_some_and(|(_, authority)| authority == host);
    if !is_shown(&app) || !peer.ip().to_canonical().is_loopback() || is_forwarded || !own {
        return Err(Problem::NotFound);
    }
    let letters = app.store.letters(LETTERS).await.map_err(Problem::of_store)?;
    let words = match asked.language(&headers) {
        Language::Ru => &RU,
        Language::En => &EN,
    };
    let mut body = String::new();
    for row in &letters {
        let _ = write!(
            body,
            "<article><h2>{}</h2><p class=\"small\">{} · {}{}</p><pre>{}</pre></article>",
            escaped(&row.letter.subject),
            escaped(&row.letter.email),
            moment(row.at, words),
            row.trouble.as_deref().map_or_else(String::new, |why| format!(" · {}", escaped(why))),
            linked(&addressed(&row.letter.body, &app.door.origin), &page(&app, "")),
        );
    }
    if letters.is_empty() {
        let _ = write!(body, "<p>{}</p>", words.empty);
    }
    // What somebody wrote goes in last, so that nothing in it is replaced.
    let html = PAGE
        .replace("{language}", words.language)
        .replace("{title}", words.title)
        .replace("{lead}", if app.cabinet.mails { words.lead_mailed } else { words.lead })
        .replace("{letters}", &body);
    Ok(plain::page(StatusCode::OK, html))
}

/// A moment by this machine's clock: whoever reads sits at it.
fn moment(at: Ts, words: &Words) -> String {
    let moment = Timestamp::from_microsecond(at.0).unwrap_or_default().to_zoned(TimeZone::system());
    moment.strftime(words.moment).to_string()
}

/// A letter's text, its links to the service's own pages as links.
fn linked(text: &str, own: &str) -> String {
    let line = |line: &str| {
        let escaped = escaped(line);
        if line.starts_with(own) { format!("<a href=\"{escaped}\">{escaped}</a>") } else { escaped }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::linked;

    #[test]
    fn only_the_services_own_links_are_links() {
        let own = "http://127.0.0.1:8080/";
        let text = "<b>\nhttp://127.0.0.1:8080/confirm?token=a\nhttp://evil.example/\"x";
        assert_eq!(
            linked(text, own),
            "&lt;b&gt;\n<a href=\"http://127.0.0.1:8080/confirm?token=a\">http://127.0.0.1:8080/confirm?token=a</a>\n\
             http://evil.example/&quot;x"
        );
    }
}
