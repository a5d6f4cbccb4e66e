//! Before one is signed in: to register, to log in, to set a new password, to accept an invitation. A stranger learns
//! from none of them who has a cabinet: a known and an unknown address are answered alike and take the same time.

use super::fields::{email, home, language, name, password};
use super::guess::{GUESSES, Guess, prove};
use super::links::{letter_may_be_written, link, page};
use super::me::{Me, me};
use super::read::{Body, Path};
use super::signed::{Cookie, From, Signed};
use crate::account::{Role, SecondFactor, fingerprint};
use crate::clock::wall_now;
use crate::mail::letter::Message;
use crate::practice::demo;
use crate::store::{EmailChange, Guessed, Leads, Try, User, language_name};
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::site::Language;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long links are good: of a confirmation, of a new password.
const DAY: Duration = Duration::from_secs(24 * 3_600);
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

/// What there is to know before one signs in.
#[derive(Serialize, ToSchema)]
pub(super) struct Service {
    /// Nobody outside is called: the telephones are this service's own.
    practice: bool,
    /// Letters stay in `/outbox`, and can be read there.
    outbox: bool,
    /// Letters leave by a mail server.
    mails: bool,
    /// The languages of the cabinet.
    languages: [&'static str; 2],
    /// What is to be said of the database of regions; none where there is no such database.
    regions_by: Option<String>,
    /// In practice, the login of a company to look around in.
    demo: Option<Demo>,
}

/// A company to look around in.
#[derive(Serialize, ToSchema)]
pub(super) struct Demo {
    email: &'static str,
    password: &'static str,
}

/// What service this is.
#[utoipa::path(get, path = "/api/v1/service", tag = "account", responses((status = 200, body = Service)))]
pub(super) async fn service(State(app): State<App>) -> Json<Service> {
    let outbox = !app.cabinet.mails && super::outbox::is_shown(&app);
    let demo = app.cabinet.practice.then_some(Demo { email: demo::EMAIL, password: demo::PASSWORD });
    let regions_by = app.regions.as_ref().map(|regions| regions.attribution.to_string());
    Json(Service {
        practice: app.cabinet.practice,
        outbox,
        mails: app.cabinet.mails,
        languages: ["ru", "en"],
        regions_by,
        demo,
    })
}

/// A company that registers.
#[derive(Deserialize, ToSchema)]
pub(super) struct Register {
    company: String,
    email: String,
    password: String,
    /// Two letters (ISO 3166-1).
    country: String,
    /// An IANA name.
    time_zone: String,
    /// "ru" or "en".
    language: String,
}

/// What a company that registers has.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    /// Its number.
    number: String,
    /// Where the letter went.
    email: String,
}

/// Registers a company: a letter with a link goes to the address.
#[utoipa::path(post, path = "/api/v1/register", tag = "account", request_body = Register,
    responses((status = 202, body = Registered), (status = 422, body = [FieldProblem])))]
pub(super) async fn register(
    State(app): State<App>,
    from: From,
    Body(body): Body<Register>,
) -> Result<Response, Problem> {
    let mut wrong = Vec::new();
    let company = name(&mut wrong, "company", &body.company);
    let email = email(&mut wrong, "email", &body.email);
    password(&mut wrong, "password", &body.password, &[&body.email, &body.company]);
    let country = home(&mut wrong, &body.country, &body.time_zone);
    let language = language(&mut wrong, &body.language);
    let (Some(company), Some(email), Some(country), Some(language)) = (company, email, country, language)
    else {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    };
    if !wrong.is_empty() {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    }
    let place = app.cabinet.hasher.line_up()?;
    let is_written = letter_may_be_written(&app, &email, from.ip).await?;
    let hash = place.hash(body.password).await.map_err(Problem::internal)?;
    let number = app.store.draw_customer_number().await.map_err(Problem::of_store)?;
    if is_written {
        let leads = Leads::Register {
            company: company.clone(),
            number: number.0,
            country: country.to_string(),
            time_zone: body.time_zone,
            language: language_name(language).to_owned(),
            password: hash,
        };
        let (link, url) = link(&app, &email, "confirm", leads, DAY)?;
        let letter = Message::Confirm { company: &company, number: &number.to_string(), link: &url }
            .to(&email, language);
        let (login, reset) = (page(&app, "login"), page(&app, "forgot"));
        let known = Message::Known { login: &login, reset: &reset }.to(&email, language);
        app.store.write_link(link, letter, Some(known)).await.map_err(Problem::of_store)?;
    }
    Ok((StatusCode::ACCEPTED, Json(Registered { number: number.to_string(), email })).into_response())
}

/// The secret of a link.
#[derive(Deserialize, ToSchema)]
pub(super) struct Token {
    token: String,
}

/// The secret of a link, and the password that was chosen with it.
#[derive(Deserialize, ToSchema)]
pub(super) struct Confirm {
    token: String,
    /// Whoever only found the letter does not know it; whoever only registered has not got the letter.
    password: String,
}

/// Confirms an address: the company and its owner are there from now on, and he is signed in.
#[utoipa::path(post, path = "/api/v1/confirm", tag = "account", request_body = Confirm,
    responses((status = 200, body = Me), (status = 410)))]
pub(super) async fn confirm(
    State(app): State<App>,
    from: From,
    Body(body): Body<Confirm>,
) -> Result<Response, Problem> {
    let secret = fingerprint(&body.token);
    let link = app.store.link(&secret, wall_now()).await.map_err(Problem::of_store)?;
    let Some(Leads::Register { password, .. }) = link.map(|link| link.leads) else {
        return Err(Problem::Refused(Refusal::LinkOver));
    };
    let place = app.cabinet.hasher.line_up()?;
    let now = wall_now();
    let guessed = vec![Guessed { name: format!("confirm:{secret}"), free: GUESSES }];
    if let Try::Paused { until } = app.store.try_at(guessed, now).await.map_err(Problem::of_store)? {
        return Err(Refusal::paused(until, now));
    }
    let right = place.verify(body.password, Some(password)).await;
    if !right.map_err(Problem::internal)? {
        let text = "this is not the password that was chosen at the registration";
        return Err(Problem::field("password", "password_wrong", text));
    }
    let (session, cookie) = from.session(&app)?;
    let session_id = session.id;
    let user = app.store.confirm(secret, session).await.map_err(Problem::of_store)?;
    signed(&app, user.ok_or(Problem::Refused(Refusal::LinkOver))?, session_id, cookie).await
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
pub(super) struct Login {
    email: String,
    password: String,
    /// Of the app, or on paper, where he has a second factor.
    #[serde(default)]
    code: Option<String>,
}

/// Signs a browser in.
#[utoipa::path(post, path = "/api/v1/login", tag = "account", request_body = Login,
    responses((status = 200, body = Me), (status = 401), (status = 429)))]
pub(super) async fn login(
    State(app): State<App>,
    from: From,
    Body(body): Body<Login>,
) -> Result<Response, Problem> {
    let place = app.cabinet.hasher.line_up()?;
    let email = crate::settings::email(&body.email).unwrap_or_default();
    let now = wall_now();
    let guess = Guess::at(&email, from.ip);
    let left = guess.begin(&app).await?;
    let user = app.store.user_by_email(&email).await.map_err(Problem::of_store)?;
    let hash = user.as_ref().map(|user| user.password.clone());
    let right = place.verify(body.password, hash).await.map_err(Problem::internal)?;
    let Some(user) = user.filter(|_| right) else {
        return Err(Problem::Refused(Refusal::LoginRefused { left }));
    };
    let (step, recovery) = match &user.totp_secret {
        None => (None, None),
        Some(secret) => second_factor(&user, secret, body.code.as_deref(), left, now)?,
    };
    let (session, cookie) = from.session(&app)?;
    let session_id = session.id;
    let known = app.store.sessions(user.id, now).await.map_err(Problem::of_store)?;
    let is_new = !known.iter().any(|known| known.ip == session.ip && known.device == session.device);
    let signed_in = app.store.sign_in(user.id, session, step, recovery).await.map_err(Problem::of_store)?;
    if !signed_in {
        return Err(Problem::Refused(Refusal::CodeRefused { left }));
    }
    guess.was_right(&app).await?;
    if is_new && !known.is_empty() {
        let sessions = page(&app, "account");
        let ip = from.ip.to_string();
        let told = Message::SignedIn { device: &from.device, ip: &ip, sessions: &sessions };
        let letter = told.to(&user.email, user.language);
        app.store.write_letter(letter, now).await.map_err(Problem::of_store)?;
    }
    signed(&app, user.id, session_id, cookie).await
}

/// The step of the app's code, or what is left of the codes on paper.
type Proof = (Option<u64>, Option<Vec<String>>);

fn second_factor(
    user: &User,
    secret: &str,
    code: Option<&str>,
    left: u32,
    now: Ts,
) -> Result<Proof, Problem> {
    let code =
        code.map(str::trim).filter(|code| !code.is_empty()).ok_or(Problem::Refused(Refusal::CodeNeeded))?;
    let factor = SecondFactor::read(secret, &user.email).map_err(Problem::internal)?;
    let now_s = u64::try_from(now.0 / 1_000_000).unwrap_or(0);
    if let Some(step) = factor.step(code, now_s, user.totp_step) {
        return Ok((Some(step), None));
    }
    let written = fingerprint(&code.to_lowercase());
    let left_on_paper: Vec<String> = user.recovery.iter().filter(|kept| **kept != written).cloned().collect();
    if left_on_paper.len() < user.recovery.len() {
        return Ok((None, Some(left_on_paper)));
    }
    Err(Problem::Refused(Refusal::CodeRefused { left }))
}

/// Signs this browser out.
#[utoipa::path(post, path = "/api/v1/logout", tag = "account", responses((status = 204)))]
pub(super) async fn logout(
    State(app): State<App>,
    signed: Result<Signed, Problem>,
) -> Result<Response, Problem> {
    if let Ok(signed) = signed {
        app.store.sign_out(signed.user.id, signed.session.id).await.map_err(Problem::of_store)?;
    }
    Ok(Cookie::none(&app.door.origin).on(StatusCode::NO_CONTENT))
}

/// Who forgot his password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Forgot {
    email: String,
    /// The language of the letter where the address is not known.
    #[serde(default)]
    language: Option<String>,
}

/// Sends a link to a new password.
#[utoipa::path(post, path = "/api/v1/password/forgot", tag = "account", request_body = Forgot,
    responses((status = 202)))]
pub(super) async fn forgot(
    State(app): State<App>,
    from: From,
    Body(body): Body<Forgot>,
) -> Result<StatusCode, Problem> {
    let mut wrong = Vec::new();
    let email = email(&mut wrong, "email", &body.email).ok_or(Problem::Refused(Refusal::Fields(wrong)))?;
    if !letter_may_be_written(&app, &email, from.ip).await? {
        return Ok(StatusCode::ACCEPTED);
    }
    let user = app.store.user_by_email(&email).await.map_err(Problem::of_store)?;
    match user {
        Some(user) => {
            let (mut link, url) = link(&app, &email, "reset", Leads::Reset, HALF_AN_HOUR)?;
            link.user = Some(user.id);
            let letter = Message::Reset { link: &url }.to(&email, user.language);
            app.store.write_link(link, letter, None).await
        }
        None => {
            let language = if body.language.as_deref() == Some("en") { Language::En } else { Language::Ru };
            let letter = Message::Unknown { email: &email }.to(&email, language);
            app.store.write_letter(letter, wall_now()).await
        }
    }
    .map_err(Problem::of_store)?;
    Ok(StatusCode::ACCEPTED)
}

/// A new password, by a link.
#[derive(Deserialize, ToSchema)]
pub(super) struct Reset {
    token: String,
    password: String,
}

/// Sets a new password by its link: all browsers are signed out, and this one in.
#[utoipa::path(post, path = "/api/v1/password/reset", tag = "account", request_body = Reset,
    responses((status = 200, body = Me), (status = 410), (status = 422, body = [FieldProblem])))]
pub(super) async fn reset(
    State(app): State<App>,
    from: From,
    Body(body): Body<Reset>,
) -> Result<Response, Problem> {
    let secret = fingerprint(&body.token);
    let link = app.store.link(&secret, wall_now()).await.map_err(Problem::of_store)?;
    let link = link.filter(|link| link.leads == Leads::Reset).ok_or(Problem::Refused(Refusal::LinkOver))?;
    let mut wrong = Vec::new();
    password(&mut wrong, "password", &body.password, &[&link.email]);
    if !wrong.is_empty() {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    }
    let hash = app.cabinet.hasher.line_up()?.hash(body.password).await.map_err(Problem::internal)?;
    let (session, cookie) = from.session(&app)?;
    let session_id = session.id;
    let guess = Guess::at(&link.email, from.ip);
    let done = app.store.reset(secret, hash, session).await.map_err(Problem::of_store)?;
    let (user, is_signed_in) = done.ok_or(Problem::Refused(Refusal::LinkOver))?;
    guess.was_right(&app).await?;
    if !is_signed_in {
        let text = "The new password is set. Log in with it, and with the code of your app.";
        return Err(Problem::Refused(Refusal::Conflict("login-with-code", text)));
    }
    signed(&app, user, session_id, cookie).await
}

/// How far a change of address is.
#[derive(Serialize, ToSchema)]
pub(super) struct EmailConfirmed {
    /// "done", or "other_side_needed": the link in the letter to the other address must be used too.
    state: &'static str,
    /// The address that is, or will be.
    email: String,
}

/// Confirms a change of address: its links in both letters must be used.
#[utoipa::path(post, path = "/api/v1/email/confirm", tag = "account", request_body = Token,
    responses((status = 200, body = EmailConfirmed), (status = 410)))]
pub(super) async fn confirm_email(
    State(app): State<App>,
    _from: From,
    Body(body): Body<Token>,
) -> Result<Json<EmailConfirmed>, Problem> {
    let changed = app.store.change_email(fingerprint(&body.token), wall_now()).await;
    match changed.map_err(Problem::of_store)? {
        EmailChange::Done(email) => Ok(Json(EmailConfirmed { state: "done", email })),
        EmailChange::OtherSide(email) => Ok(Json(EmailConfirmed { state: "other_side_needed", email })),
        EmailChange::Over => Err(Problem::Refused(Refusal::LinkOver)),
    }
}

/// An invitation, for whoever has its link.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationView {
    company: String,
    /// The company's number.
    number: String,
    email: String,
    role: Role,
    inviter: String,
    /// He has a login already: his password is asked for, not chosen.
    known: bool,
}

/// What an invitation says.
#[utoipa::path(get, path = "/api/v1/invitations/{token}", tag = "account",
    responses((status = 200, body = InvitationView), (status = 410)))]
pub(super) async fn invitation(
    State(app): State<App>,
    _from: From,
    Path(token): Path<String>,
) -> Result<Json<InvitationView>, Problem> {
    let link = app.store.link(&fingerprint(&token), wall_now()).await.map_err(Problem::of_store)?;
    let link = link.ok_or(Problem::Refused(Refusal::LinkOver))?;
    let (Leads::Invite { role, inviter }, Some(customer)) = (link.leads, link.customer) else {
        return Err(Problem::Refused(Refusal::LinkOver));
    };
    let company = app
        .store
        .company(customer)
        .await
        .map_err(Problem::of_store)?
        .ok_or(Problem::Refused(Refusal::LinkOver))?;
    let known = app.store.user_by_email(&link.email).await.map_err(Problem::of_store)?.is_some();
    let number = company.number.to_string();
    Ok(Json(InvitationView {
        company: company.settings.name,
        number,
        email: link.email,
        role,
        inviter,
        known,
    }))
}

/// Who accepts an invitation.
#[derive(Deserialize, ToSchema)]
pub(super) struct Accept {
    /// How he is called; for one who has no login yet.
    #[serde(default)]
    name: Option<String>,
    /// The password that he chooses; of one who has a login, the one he has.
    #[serde(default)]
    password: Option<String>,
    /// "ru" or "en".
    #[serde(default)]
    language: Option<String>,
}

/// Accepts an invitation, and signs in.
#[utoipa::path(post, path = "/api/v1/invitations/{token}", tag = "account", request_body = Accept,
    responses((status = 200, body = Me), (status = 410), (status = 422, body = [FieldProblem])))]
pub(super) async fn accept_invitation(
    State(app): State<App>,
    from: From,
    Path(token): Path<String>,
    signed_in: Result<Signed, Problem>,
    Body(body): Body<Accept>,
) -> Result<Response, Problem> {
    let secret = fingerprint(&token);
    let link = app.store.link(&secret, wall_now()).await.map_err(Problem::of_store)?;
    let link = link
        .filter(|link| matches!(link.leads, Leads::Invite { .. }))
        .ok_or(Problem::Refused(Refusal::LinkOver))?;
    let user = app.store.user_by_email(&link.email).await.map_err(Problem::of_store)?;
    let new = match user {
        // The link came to his address; that this browser is his, his session or his password proves.
        Some(user) => {
            let is_his = signed_in.is_ok_and(|signed| signed.user.id == user.id);
            if !is_his && user.totp_secret.is_some() {
                return Err(Problem::Refused(Refusal::LoginNeeded));
            }
            if !is_his {
                prove(&app, &user, body.password, from.ip).await?;
            }
            None
        }
        None => Some(newcomer(&app, &link.email, body).await?),
    };
    let (session, cookie) = from.session(&app)?;
    let session_id = session.id;
    let user = app.store.accept_invitation(secret, new, session).await.map_err(Problem::of_store)?;
    signed(&app, user.ok_or(Problem::Refused(Refusal::LinkOver))?, session_id, cookie).await
}

async fn newcomer(app: &App, email: &str, body: Accept) -> Result<(String, String, Language), Problem> {
    let mut wrong = Vec::new();
    let name = name(&mut wrong, "name", body.name.as_deref().unwrap_or_default());
    let chosen = body.password.unwrap_or_default();
    password(&mut wrong, "password", &chosen, &[email]);
    let language = if body.language.as_deref() == Some("en") { Language::En } else { Language::Ru };
    let Some(name) = name.filter(|_| wrong.is_empty()) else {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    };
    let hash = app.cabinet.hasher.line_up()?.hash(chosen).await.map_err(Problem::internal)?;
    Ok((name, hash, language))
}

/// The answer to a browser that is signed in now.
async fn signed(app: &App, user: Uuid, session: Uuid, cookie: Cookie) -> Result<Response, Problem> {
    Ok(cookie.on(Json(me(app, user, session).await?)))
}
