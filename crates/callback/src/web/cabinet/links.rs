//! Letters with a link: whether one may be written, and where its link leads.

use crate::account::{Secret, fingerprint};
use crate::clock::wall_now;
use crate::store::{Guessed, Leads, NewLink, Try, network};
use crate::web::App;
use crate::web::error::{Problem, Refusal};
use std::net::IpAddr;
use std::time::Duration;

/// Letters to one address, and for requests from one network, before there is a pause.
const LETTERS: u32 = 3;
const LETTERS_FROM: u32 = 20;

/// Whether a letter goes out: not too many to one address, whoever asks; not too many for one network.
pub(super) async fn letter_may_be_written(app: &App, email: &str, ip: IpAddr) -> Result<bool, Problem> {
    let now = wall_now();
    let from = vec![Guessed { name: format!("letters-from:{}", network(ip)), free: LETTERS_FROM }];
    if let Try::Paused { until } = app.store.try_at(from, now).await.map_err(Problem::of_store)? {
        return Err(Refusal::paused(until, now));
    }
    let to = vec![Guessed { name: format!("letters-to:{}", fingerprint(email)), free: LETTERS }];
    // To whom letters went says something about him: it is not told.
    Ok(matches!(app.store.try_at(to, now).await.map_err(Problem::of_store)?, Try::Made { .. }))
}

/// A link that is about to be, and its address.
pub(super) fn link(
    app: &App,
    email: &str,
    leads_to: &str,
    leads: Leads,
    good_for: Duration,
) -> Result<(NewLink, String), Problem> {
    let secret = Secret::draw().map_err(Problem::internal)?;
    let now = wall_now();
    let link = NewLink {
        secret: secret.fingerprint(),
        email: email.to_owned(),
        user: None,
        customer: None,
        leads,
        now,
        until: now + good_for,
    };
    Ok((link, format!("{}?token={}", page(app, leads_to), secret.expose())))
}

/// The address of a page.
pub(super) fn page(app: &App, name: &str) -> String {
    format!("{}/{name}", app.door.origin.as_str())
}
