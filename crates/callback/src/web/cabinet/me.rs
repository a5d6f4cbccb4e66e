//! One's own: name and language, password, address, browsers, second factor.

use super::fields::{email as read_email, language, name, password as read_password};
use super::guess::prove;
use super::links::{letter_may_be_written, link};
use super::read::{Body, Path};
use super::signed::Signed;
use crate::account::{Role, SecondFactor, recovery_codes};
use crate::clock::wall_now;
use crate::mail::letter::Message;
use crate::store::{Leads, UserChange, language_name};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long the links of a change of address are good.
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    user: UserView,
    /// Where he belongs.
    memberships: Vec<MembershipView>,
    /// He runs the service.
    operator: bool,
    /// This browser.
    session: Uuid,
}

/// A user, as he sees himself.
#[derive(Serialize, ToSchema)]
pub(super) struct UserView {
    id: Uuid,
    email: String,
    name: String,
    language: &'static str,
    /// He has a second factor.
    totp: bool,
    /// Codes on paper that are left.
    recovery_codes: usize,
}

/// A user's part at a company.
#[derive(Serialize, ToSchema)]
pub(super) struct MembershipView {
    number: String,
    company: String,
    role: Role,
    /// Where he answers: a manager sees the calls that rang there.
    telephones: Vec<String>,
}

/// Everything about a user who is signed in.
pub(super) async fn me(app: &App, user: Uuid, session: Uuid) -> Result<Me, Problem> {
    let user = app
        .store
        .user(user)
        .await
        .map_err(Problem::of_store)?
        .ok_or(Problem::Refused(Refusal::LoginNeeded))?;
    let memberships = app.store.memberships(user.id).await.map_err(Problem::of_store)?;
    let membership = |one: crate::store::Membership| MembershipView {
        number: one.number.to_string(),
        company: one.company,
        role: one.role,
        telephones: one.telephones.0,
    };
    Ok(Me {
        user: UserView {
            id: user.id,
            email: user.email,
            name: user.name,
            language: language_name(user.language),
            totp: user.totp_secret.is_some(),
            recovery_codes: user.recovery.len(),
        },
        memberships: memberships.into_iter().map(membership).collect(),
        operator: user.is_operator,
        session,
    })
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses((status = 200, body = Me), (status = 401)))]
pub(super) async fn show(State(app): State<App>, signed: Signed) -> Result<Json<Me>, Problem> {
    Ok(Json(me(&app, signed.user.id, signed.session.id).await?))
}

/// Whether somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionNow {
    /// Who; none where nobody is.
    me: Option<Me>,
}

/// Who is signed in, if anybody: with this a page begins.
#[utoipa::path(get, path = "/api/v1/session", tag = "me", responses((status = 200, body = SessionNow)))]
pub(super) async fn session(
    State(app): State<App>,
    signed: Result<Signed, Problem>,
) -> Result<Json<SessionNow>, Problem> {
    let me = match signed {
        Ok(signed) => Some(me(&app, signed.user.id, signed.session.id).await?),
        Err(Problem::Refused(Refusal::LoginNeeded)) => None,
        Err(problem) => return Err(problem),
    };
    Ok(Json(SessionNow { me }))
}

/// What of himself a user changes.
#[derive(Deserialize, ToSchema)]
pub(super) struct Profile {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// Changes name and language.
#[utoipa::path(patch, path = "/api/v1/me", tag = "me", request_body = Profile,
    responses((status = 200, body = Me), (status = 422, body = [FieldProblem])))]
pub(super) async fn change(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<Profile>,
) -> Result<Json<Me>, Problem> {
    let mut wrong = Vec::new();
    let name = body.name.map_or(Some(signed.user.name.clone()), |given| name(&mut wrong, "name", &given));
    let language = body.language.map_or(Some(signed.user.language), |given| language(&mut wrong, &given));
    let (Some(name), Some(language)) = (name, language) else {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    };
    let change = UserChange::Profile { name, language };
    app.store.change_user(signed.user.id, change).await.map_err(Problem::of_store)?;
    Ok(Json(me(&app, signed.user.id, signed.session.id).await?))
}

/// A new password, and the old one.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewPassword {
    old: String,
    new: String,
}

/// Changes the password; all other browsers are signed out.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "me", request_body = NewPassword,
    responses((status = 204), (status = 422, body = [FieldProblem])))]
pub(super) async fn password(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    prove(&app, &signed.user, Some(body.old), signed.from.ip).await?;
    let mut wrong = Vec::new();
    read_password(&mut wrong, "new", &body.new, &[&signed.user.email, &signed.user.name]);
    if !wrong.is_empty() {
        return Err(Problem::Refused(Refusal::Fields(wrong)));
    }
    let place = app.cabinet.hasher.line_up()?;
    let hash = place.hash(body.new).await.map_err(Problem::internal)?;
    let change = UserChange::Password { hash, keep: signed.session.id };
    app.store.change_user(signed.user.id, change).await.map_err(Problem::of_store)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new address, and the password.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewEmail {
    email: String,
    password: String,
}

/// Begins a change of address: a link goes to the old and to the new one, and both must be used.
#[utoipa::path(post, path = "/api/v1/me/email", tag = "me", request_body = NewEmail,
    responses((status = 202), (status = 422, body = [FieldProblem])))]
pub(super) async fn email(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<NewEmail>,
) -> Result<StatusCode, Problem> {
    prove(&app, &signed.user, Some(body.password), signed.from.ip).await?;
    let mut wrong = Vec::new();
    let to = read_email(&mut wrong, "email", &body.email).ok_or(Problem::Refused(Refusal::Fields(wrong)))?;
    // Whether the new address is somebody's is not told: his letter would be, and the change then fails.
    if !letter_may_be_written(&app, &to, signed.from.ip).await? {
        return Ok(StatusCode::ACCEPTED);
    }
    let user = &signed.user;
    let blank = || Leads::Email { to: to.clone(), other: String::new() };
    let (mut from_link, from_url) = link(&app, &user.email, "email", blank(), DAY)?;
    let (mut to_link, to_url) = link(&app, &to, "email", blank(), DAY)?;
    from_link.leads = Leads::Email { to: to.clone(), other: to_link.secret.clone() };
    to_link.leads = Leads::Email { to: to.clone(), other: from_link.secret.clone() };
    (from_link.user, to_link.user) = (Some(user.id), Some(user.id));
    let from_letter = Message::EmailFrom { to: &to, link: &from_url }.to(&user.email, user.language);
    let to_letter = Message::EmailTo { link: &to_url }.to(&to, user.language);
    let links = [(from_link, from_letter), (to_link, to_letter)];
    app.store.write_two_links(links).await.map_err(Problem::of_store)?;
    Ok(StatusCode::ACCEPTED)
}

/// A browser that is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    id: Uuid,
    /// It is this one.
    current: bool,
    created_at: String,
    seen_at: String,
    ip: String,
    device: String,
}

/// The browsers that are signed in, the newest first.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "me", responses((status = 200, body = [SessionView])))]
pub(super) async fn sessions(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<SessionView>>, Problem> {
    let sessions = app.store.sessions(signed.user.id, wall_now()).await.map_err(Problem::of_store)?;
    let view = |session: crate::store::LoginSession| SessionView {
        id: session.id,
        current: session.id == signed.session.id,
        created_at: stamp(session.created_at),
        seen_at: stamp(session.seen_at),
        ip: session.ip,
        device: session.device,
    };
    Ok(Json(sessions.into_iter().map(view).collect()))
}

/// Signs one of one's browsers out.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{session}", tag = "me",
    responses((status = 204), (status = 404)))]
pub(super) async fn sign_out(
    State(app): State<App>,
    signed: Signed,
    Path(session): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let known = app.store.sign_out(signed.user.id, session).await.map_err(Problem::of_store)?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NotFound) }
}

/// One's own password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Password {
    password: String,
}

/// The secret of an app.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpSecret {
    /// To be typed in (base32).
    secret: String,
    /// To be shown as a picture.
    uri: String,
}

/// Begins a second factor: it counts when a code of it was given.
#[utoipa::path(post, path = "/api/v1/me/totp", tag = "me", request_body = Password,
    responses((status = 200, body = TotpSecret), (status = 422, body = [FieldProblem])))]
pub(super) async fn begin_totp(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<Password>,
) -> Result<Json<TotpSecret>, Problem> {
    prove(&app, &signed.user, Some(body.password), signed.from.ip).await?;
    let factor = SecondFactor::draw(&signed.user.email).map_err(Problem::internal)?;
    let uri = factor.uri().map_err(Problem::internal)?;
    Ok(Json(TotpSecret { secret: factor.secret(), uri }))
}

/// A code, and the secret that it is of.
#[derive(Deserialize, ToSchema)]
pub(super) struct TotpCode {
    secret: String,
    code: String,
    password: String,
}

/// Codes on paper.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each is good once, in place of the app's code. They are shown this once.
    recovery_codes: Vec<String>,
}

/// Makes the second factor count.
#[utoipa::path(post, path = "/api/v1/me/totp/confirm", tag = "me", request_body = TotpCode,
    responses((status = 200, body = RecoveryCodes), (status = 422, body = [FieldProblem])))]
pub(super) async fn confirm_totp(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<TotpCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    prove(&app, &signed.user, Some(body.password), signed.from.ip).await?;
    let wrong = || Problem::field("code", "code_wrong", "this is not the code that the app shows now");
    let factor = SecondFactor::read(&body.secret, &signed.user.email).map_err(|_| wrong())?;
    let now_s = u64::try_from(wall_now().0 / 1_000_000).unwrap_or(0);
    let step = factor.step(&body.code, now_s, 0).ok_or_else(wrong)?;
    let (codes, kept) = recovery_codes().map_err(Problem::internal)?;
    let change = UserChange::SecondFactor { secret: Some(factor.secret()), step, recovery: kept };
    app.store.change_user(signed.user.id, change).await.map_err(Problem::of_store)?;
    Ok(Json(RecoveryCodes { recovery_codes: codes }))
}

/// Gives the second factor up.
#[utoipa::path(delete, path = "/api/v1/me/totp", tag = "me", request_body = Password, responses((status = 204)))]
pub(super) async fn end_totp(
    State(app): State<App>,
    signed: Signed,
    Body(body): Body<Password>,
) -> Result<StatusCode, Problem> {
    prove(&app, &signed.user, Some(body.password), signed.from.ip).await?;
    let change = UserChange::SecondFactor { secret: None, step: 0, recovery: Vec::new() };
    app.store.change_user(signed.user.id, change).await.map_err(Problem::of_store)?;
    Ok(StatusCode::NO_CONTENT)
}
