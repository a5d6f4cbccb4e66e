//! Who belongs to a company, and who is invited.

use super::fields::email;
use super::links::{letter_may_be_written, link};
use super::read::{Body, Path};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::mail::letter::Message;
use crate::store::{Leads, Member, MemberChange, Part, Telephones};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long an invitation is good.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Somebody of a company.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    user_id: Option<Uuid>,
    invitation_id: Option<Uuid>,
    name: Option<String>,
    email: String,
    role: Role,
    /// "active", or "invited".
    state: &'static str,
    since: String,
    /// He has a second factor.
    totp: bool,
    /// It is the one who asks.
    you: bool,
    /// Where he answers: a manager sees the calls that rang there.
    telephones: Vec<String>,
}

/// Who belongs to a company, and who is invited.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/team", tag = "team",
    responses((status = 200, body = [MemberView]), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<Vec<MemberView>>, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let members = app.store.members(at.customer).await.map_err(Problem::of_store)?;
    let invited = app.store.invitations(at.customer, wall_now()).await.map_err(Problem::of_store)?;
    let member = |member: Member| MemberView {
        user_id: Some(member.user),
        invitation_id: None,
        name: Some(member.name),
        email: member.email,
        role: member.role,
        state: "active",
        since: stamp(member.since),
        totp: member.totp,
        you: member.user == signed.user.id,
        telephones: member.telephones.0,
    };
    let mut team: Vec<MemberView> = members.into_iter().map(member).collect();
    team.extend(invited.into_iter().filter_map(|link| {
        let Leads::Invite { role, .. } = link.leads else { return None };
        Some(MemberView {
            user_id: None,
            invitation_id: Some(link.id),
            name: None,
            email: link.email,
            role,
            state: "invited",
            since: stamp(link.at),
            totp: false,
            you: false,
            telephones: Vec::new(),
        })
    }));
    Ok(Json(team))
}

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
pub(super) struct Invitation {
    email: String,
    role: Role,
}

/// An invitation that was sent.
#[derive(Serialize, ToSchema)]
pub(super) struct Invited {
    invitation_id: Uuid,
}

/// Invites somebody by e-mail.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/invitations", tag = "team", request_body = Invitation,
    responses((status = 201, body = Invited), (status = 422, body = [FieldProblem])))]
pub(super) async fn invite(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<Invitation>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let mut wrong = Vec::new();
    let email = email(&mut wrong, "email", &body.email).ok_or(Problem::Refused(Refusal::Fields(wrong)))?;
    let members = app.store.members(at.customer).await.map_err(Problem::of_store)?;
    if members.iter().any(|member| member.email == email) {
        let twice = FieldProblem::plain("email", "twice", "this address belongs to the company already");
        return Err(twice.with("with", email).into());
    }
    if !letter_may_be_written(&app, &email, signed.from.ip).await? {
        return Err(Problem::Refused(Refusal::TOO_MANY_LETTERS));
    }
    let company = company_of(&app, &at).await?;
    let leads = Leads::Invite { role: body.role, inviter: signed.user.name.clone() };
    let (mut link, url) = link(&app, &email, "invite", leads, WEEK)?;
    link.customer = Some(at.customer);
    let inviter = &signed.user.name;
    let letter = Message::Invite { company: &company.settings.name, inviter, role: body.role, link: &url };
    let letter = letter.to(&email, company.settings.language);
    let entry = signed.did("team.invite", &email, json!({ "role": body.role }));
    let id = app.store.invite(at.customer, link, letter, entry).await.map_err(Problem::of_store)?;
    let id = id.ok_or(Problem::Refused(Refusal::Conflict(
        "too-many-invitations",
        "Too many invitations wait. Take some back.",
    )))?;
    Ok((StatusCode::CREATED, Json(Invited { invitation_id: id })).into_response())
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/v1/customers/{customer}/invitations/{invitation}", tag = "team",
    responses((status = 204), (status = 404)))]
pub(super) async fn end_invitation(
    State(app): State<App>,
    signed: Signed,
    Path((customer, invitation)): Path<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let waiting = app.store.invitations(at.customer, wall_now()).await.map_err(Problem::of_store)?;
    let email = waiting.iter().find(|link| link.id == invitation).ok_or(Problem::NotFound)?.email.clone();
    let entry = signed.did("team.uninvite", &email, json!({}));
    let ended = app.store.end_invitation(at.customer, invitation, entry).await.map_err(Problem::of_store)?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NotFound) }
}

/// Another part.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewRole {
    role: Role,
}

/// Gives somebody another part.
#[utoipa::path(patch, path = "/api/v1/customers/{customer}/team/{user}", tag = "team", request_body = NewRole,
    responses((status = 204), (status = 404), (status = 409)))]
pub(super) async fn change(
    State(app): State<App>,
    signed: Signed,
    Path((customer, user)): Path<(String, Uuid)>,
    Body(body): Body<NewRole>,
) -> Result<StatusCode, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let person = person(&app, &at, user).await?;
    let detail = json!({ "person": person.email, "was": person.role, "role": body.role });
    let entry = signed.did("team.role", &user.to_string(), detail);
    let changed = app.store.change_member(at.customer, user, Some(body.role), entry).await;
    answer(changed.map_err(Problem::of_store)?)
}

/// A telephone of the company's lists.
#[derive(Serialize, ToSchema)]
pub(super) struct TelephoneView {
    /// As it is stored: `+74951234567;ext=102`, `sip:anna@192.0.2.7`.
    telephone: String,
    /// How those are called who answer there.
    names: Vec<String>,
}

/// Every telephone that the company's published lists ring.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/telephones", tag = "team",
    responses((status = 200, body = [TelephoneView]), (status = 404)))]
pub(super) async fn telephones(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<Vec<TelephoneView>>, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let known = known_telephones(&app, &at).await?.into_iter();
    let view = |(telephone, names): (_, BTreeSet<_>)| TelephoneView {
        telephone,
        names: names.into_iter().collect(),
    };
    Ok(Json(known.map(view).collect()))
}

async fn known_telephones(app: &App, at: &Part) -> Result<BTreeMap<String, BTreeSet<String>>, Problem> {
    let company = company_of(app, at).await?;
    let sites = app.store.published_of(at.customer).await.map_err(Problem::of_store)?;
    let of_sites = sites
        .iter()
        .flat_map(|body| body.managers.iter().chain(body.offices.iter().flat_map(|office| &office.managers)));
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for manager in company.settings.managers.iter().chain(of_sites) {
        known.entry(manager.telephone.to_string()).or_default().insert(manager.name.to_string());
    }
    Ok(known)
}

/// Where somebody answers.
#[derive(Deserialize, ToSchema)]
pub(super) struct Tied {
    /// Of the company's telephones, three at most.
    telephones: Vec<String>,
}

/// Says where somebody answers: the calls that ring there are his own.
#[utoipa::path(put, path = "/api/v1/customers/{customer}/team/{user}/telephones", tag = "team", request_body = Tied,
    responses((status = 204), (status = 404), (status = 422, body = [FieldProblem])))]
pub(super) async fn tie(
    State(app): State<App>,
    signed: Signed,
    Path((customer, user)): Path<(String, Uuid)>,
    Body(body): Body<Tied>,
) -> Result<StatusCode, Problem> {
    let at = signed.at(&app, &customer, Right::Team).await?;
    let chosen: BTreeSet<String> = body.telephones.into_iter().collect();
    if chosen.len() > Telephones::MOST {
        let many =
            FieldProblem::plain("telephones", "too_many", "one person answers at three telephones at most");
        return Err(many.with("max", Telephones::MOST).into());
    }
    let members = app.store.members(at.customer).await.map_err(Problem::of_store)?;
    let member = members.iter().find(|member| member.user == user).ok_or(Problem::NotFound)?;
    // What he has already may stay, though no list rings it any more.
    let known = known_telephones(&app, &at).await?;
    if chosen.iter().any(|one| !known.contains_key(one) && !member.telephones.0.contains(one)) {
        return Err(Problem::field("telephones", "choice", "choose of the company's telephones"));
    }
    let telephones = Telephones(chosen.into_iter().collect());
    let person = person(&app, &at, user).await?;
    let detail = json!({ "person": person.email, "telephones": telephones });
    let entry = signed.did("team.telephones", &user.to_string(), detail);
    if app.store.tie(at.customer, user, telephones, entry).await.map_err(Problem::of_store)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NotFound)
    }
}

/// Takes somebody out of a company.
#[utoipa::path(delete, path = "/api/v1/customers/{customer}/team/{user}", tag = "team",
    responses((status = 204), (status = 404), (status = 409)))]
pub(super) async fn remove(
    State(app): State<App>,
    signed: Signed,
    Path((customer, user)): Path<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    // Whoever wants to go may go, whatever his part is.
    let right = if user == signed.user.id { Right::See } else { Right::Team };
    let at = signed.at(&app, &customer, right).await?;
    let person = person(&app, &at, user).await?;
    let entry =
        signed.did("team.remove", &user.to_string(), json!({ "person": person.email, "role": person.role }));
    let changed = app.store.change_member(at.customer, user, None, entry).await;
    answer(changed.map_err(Problem::of_store)?)
}

/// Somebody of the company, as he is before he is changed: the audit tells of him when he is gone, too.
async fn person(app: &App, at: &Part, user: Uuid) -> Result<Member, Problem> {
    let members = app.store.members(at.customer).await.map_err(Problem::of_store)?;
    members.into_iter().find(|member| member.user == user).ok_or(Problem::NotFound)
}

fn answer(changed: MemberChange) -> Result<StatusCode, Problem> {
    match changed {
        MemberChange::Done => Ok(StatusCode::NO_CONTENT),
        MemberChange::Nobody => Err(Problem::NotFound),
        MemberChange::LastOwner => Err(Problem::Refused(Refusal::Conflict(
            "last-owner",
            "Somebody must stay the owner. Make another one first.",
        ))),
    }
}
