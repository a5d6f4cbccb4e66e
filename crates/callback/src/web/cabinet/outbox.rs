//! `/outbox`: letters, where no server takes them. For whoever sits at this machine alone: the links in them let in.

use super::account::page;
use crate::web::App;
use crate::web::error::Problem;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{Html, IntoResponse as _, Response};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Letters on the page.
const LETTERS: u32 = 50;
/// Style and no script; nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

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
    let mut body = String::new();
    for row in &letters {
        let _ = write!(
            body,
            "<article><h2>{}</h2><p class=\"to\">{} · {}{}</p><pre>{}</pre></article>",
            escaped(&row.letter.subject),
            escaped(&row.letter.email),
            escaped(&crate::timeline::stamp(row.at)),
            row.trouble.as_deref().map_or_else(String::new, |why| format!(" · {}", escaped(why))),
            linked(&row.letter.body, &page(&app, "")),
        );
    }
    if letters.is_empty() {
        body.push_str("<p>Писем пока нет. No letters yet.</p>");
    }
    let html = format!(
        "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Письма · CallBack</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/stop/style.css\"></head><body><main><h1>Письма</h1>\
         <p>Почта не настроена, поэтому письма остаются здесь. Mail is not set up, so letters stay here.</p>{body}\
         </main></body></html>"
    );
    let rules = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    Ok((rules, Html(html)).into_response())
}

/// A letter's text, its links to the service's own pages as links.
fn linked(text: &str, own: &str) -> String {
    let line = |line: &str| {
        let escaped = escaped(line);
        if line.starts_with(own) { format!("<a href=\"{escaped}\">{escaped}</a>") } else { escaped }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
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
