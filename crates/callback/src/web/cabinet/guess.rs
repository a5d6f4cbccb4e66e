//! A password that is guessed at: how often it may be, by whom, and what a right one proves.
//!
//! A try counts before it is known what comes of it. Whoever tries from one network is paused after a few; an account is
//! paused for everybody only after many, so that nobody keeps its owner out with a handful of wrong passwords.

use crate::account::fingerprint;
use crate::clock::wall_now;
use crate::store::{Guessed, Try, User, network};
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use std::net::IpAddr;

/// Wrong passwords of one account from one network before there is a pause.
pub(super) const GUESSES: u32 = 5;
/// Of one account from everywhere, and from one network at all accounts.
const MANY: u32 = 50;

/// Tries at one account's password from one network.
pub(super) struct Guess {
    email: String,
    ip: IpAddr,
    account: String,
    here: String,
    network: String,
}

impl Guess {
    pub(super) fn at(email: &str, ip: IpAddr) -> Self {
        let (account, network) = (fingerprint(email), network(ip));
        Self {
            email: email.to_owned(),
            ip,
            here: format!("login:{account}:{network}"),
            account: format!("login:{account}"),
            network: format!("login-from:{network}"),
        }
    }

    /// Makes a try; how many are left after it.
    pub(super) async fn begin(&self, app: &App) -> Result<u32, Problem> {
        let now = wall_now();
        // Strangers' tries keep nobody out of the network where he is signed in.
        let is_home = app.store.is_signed_in_from(&self.email, self.ip, now).await;
        let everywhere = (!is_home.map_err(Problem::of_store)?).then_some((&self.account, MANY));
        let free = [(&self.here, GUESSES), (&self.network, MANY)].into_iter().chain(everywhere);
        let guessed = free.map(|(name, free)| Guessed { name: name.clone(), free }).collect();
        match app.store.try_at(guessed, now).await.map_err(Problem::of_store)? {
            Try::Paused { until } => Err(Refusal::paused(until, now)),
            Try::Made { left } => Ok(left),
        }
    }

    /// The try was right: those at the account are forgotten, and the network has it back.
    pub(super) async fn was_right(self, app: &App) -> Result<(), Problem> {
        let told = app.store.guessed_right(vec![self.here, self.account], self.network).await;
        told.map_err(Problem::of_store)
    }
}

/// A user's own password, asked for again; wrong ones count like those of a login.
pub(super) async fn prove(
    app: &App,
    user: &User,
    password: Option<String>,
    ip: IpAddr,
) -> Result<(), Problem> {
    let place = app.cabinet.hasher.line_up()?;
    let guess = Guess::at(&user.email, ip);
    let left = guess.begin(app).await?;
    let given = password.unwrap_or_default();
    let right = place.verify(given, Some(user.password.clone())).await;
    if !right.map_err(Problem::internal)? {
        let problem = FieldProblem::plain("password", "password_wrong", "this is not your password");
        return Err(problem.with("left", left).into());
    }
    guess.was_right(app).await
}
