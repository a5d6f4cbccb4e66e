//! Managers' telephones: each is verified by a code that a call speaks, before it is dialled for a visitor (R12).

use super::read::{Body, Path};
use super::signed::Signed;
use crate::account::Right;
use crate::clock::wall_now;
use crate::store::{Asking, CODE_GOOD_FOR, Company, Guessed, OrderPhone, Telling, Try, network};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::number::{self, Country, PhoneNumber, Unusable};
use callback_core::record::Cause;
use callback_core::site::Language;
use rand::{TryRng as _, rngs::SysRng};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Calls that speak a code, for requests from one network, before there is a pause.
const CODES_FROM: u32 = 15;

/// A telephone that was verified.
#[derive(Serialize, ToSchema)]
pub(super) struct PhoneView {
    phone: String,
    /// When it was.
    at: String,
}

/// The telephones of a company that were verified.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/numbers", tag = "numbers",
    responses((status = 200, body = [PhoneView]), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<Vec<PhoneView>>, Problem> {
    let at = signed.at(&app, &customer, Right::SeeSettings).await?;
    let phones = app.store.verified_phones(at.customer).await.map_err(Problem::of_store)?;
    Ok(Json(phones.iter().map(|one| PhoneView { phone: one.phone.to_string(), at: stamp(one.at) }).collect()))
}

/// A telephone that is to be verified.
#[derive(Deserialize, ToSchema)]
pub(super) struct Verify {
    /// As people write it.
    phone: String,
}

/// A call that speaks a code.
#[derive(Serialize, ToSchema)]
pub(super) struct Verifying {
    phone: String,
    /// Calls to this number that are left today.
    calls_left: u32,
    /// Until when the code is good.
    expires_at: String,
    /// In practice, where the telephone is this service's own: what it heard.
    heard: Option<String>,
}

/// Calls a telephone, and speaks a code to whoever answers.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/numbers/verify", tag = "numbers", request_body = Verify,
    responses((status = 202, body = Verifying), (status = 409), (status = 422, body = [FieldProblem])))]
pub(super) async fn verify(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<Verify>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::ChangeSettings).await?;
    let company =
        app.store.company(at.customer).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let (phone, _) = read(&app, &body.phone, &company)?;
    if app.store.stopped(phone).await.map_err(Problem::of_store)? {
        return Err(Problem::field("phone", "stopped", "whoever has this number wants no calls from here"));
    }
    let now = wall_now();
    if app.door.caps.is_some() {
        let from =
            vec![Guessed { name: format!("codes-from:{}", network(signed.from.ip)), free: CODES_FROM }];
        if let Try::Paused { until } = app.store.try_at(from, now).await.map_err(Problem::of_store)? {
            return Err(Refusal::paused(until, now));
        }
    }
    let code = draw()?;
    let caps = app.door.caps.is_some();
    let asked = app.store.ask_code(at.customer, phone, code.clone(), caps, now).await;
    let Asking::Asked { left } = asked.map_err(Problem::of_store)? else {
        let text = "There were as many calls today as there may be. Try tomorrow.";
        return Err(Problem::Refused(Refusal::Conflict("verify-limit", text)));
    };
    let sentence = sentence(&code, signed.user.language);
    if let Err(refusal) = spoken(&app, phone, signed.user.language, &sentence).await {
        // A code that nobody hears hides none that somebody did.
        app.store.take_code_back(at.customer, phone, code).await.map_err(Problem::of_store)?;
        return Err(Problem::Refused(refusal));
    }
    let answer = Verifying {
        phone: phone.to_string(),
        calls_left: left,
        expires_at: stamp(now + CODE_GOOD_FOR),
        heard: app.cabinet.practice.then_some(sentence),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Calls the telephone, and speaks.
async fn spoken(app: &App, phone: PhoneNumber, language: Language, sentence: &str) -> Result<(), Refusal> {
    let sound = app.engine.sentence(language, sentence).await.map_err(|error| {
        tracing::error!(%error, "a code cannot be spoken");
        Refusal::NO_VOICE
    })?;
    app.engine.speak_to(phone, "CallBack", sound).await.map_err(|cause| {
        if cause == Cause::InService {
            Refusal::Conflict("in-call", "This telephone is in a call. Try again in a minute.")
        } else {
            Refusal::Conflict("line", "The line cannot call now. Try again in a minute.")
        }
    })
}

/// A code that was heard.
#[derive(Deserialize, ToSchema)]
pub(super) struct Heard {
    phone: String,
    code: String,
}

/// Tells the code that was heard: the telephone may be dialled from now on.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/numbers/confirm", tag = "numbers", request_body = Heard,
    responses((status = 200, body = PhoneView), (status = 422, body = [FieldProblem])))]
pub(super) async fn confirm(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<Heard>,
) -> Result<Json<PhoneView>, Problem> {
    let at = signed.at(&app, &customer, Right::ChangeSettings).await?;
    let company =
        app.store.company(at.customer).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
    let (phone, _) = read(&app, &body.phone, &company)?;
    let code: String = body.code.chars().filter(char::is_ascii_digit).collect();
    let entry = signed.did("number.verify", &phone.to_string(), json!({}));
    let now = entry.now;
    match app.store.tell_code(at.customer, phone, code, entry).await.map_err(Problem::of_store)? {
        Telling::Verified => {
            // Whoever has read the code to its end in the cabinet may call this telephone next.
            app.engine.hush(phone).await;
            Ok(Json(PhoneView { phone: phone.to_string(), at: stamp(now) }))
        }
        Telling::Wrong { left } => {
            let problem = FieldProblem::plain("code", "code_wrong", "this is not the code that was spoken");
            Err(problem.with("left", left).into())
        }
        Telling::Over => Err(Problem::field("code", "code_over", "this code is over; ask for another call")),
    }
}

/// A telephone that may be called, by a number as people write it; with its country.
pub(super) fn read(app: &App, text: &str, company: &Company) -> Result<(PhoneNumber, Country), Problem> {
    let (phone, country) = number::parse(text, company.settings.country).map_err(unusable)?;
    if !app.door.calls(country) {
        let refused = FieldProblem::plain("phone", "phone_country", "this country is not called from here");
        return Err(refused.with("country", country.to_string()).into());
    }
    Ok((phone, country))
}

/// A number as people write it, as orders keep it: nobody is to be called, so it may be one that never is.
pub(super) fn kept(text: &str, company: &Company) -> Result<OrderPhone, Problem> {
    match number::parse(text, company.settings.country) {
        Ok((phone, _)) => Ok(OrderPhone::Number(phone)),
        Err(Unusable::RefusedClass) => Ok(OrderPhone::Written(text.into())),
        Err(Unusable::Invalid) => Err(unusable(Unusable::Invalid)),
    }
}

fn unusable(error: Unusable) -> Problem {
    let code = match error {
        Unusable::Invalid => "phone",
        Unusable::RefusedClass => "phone_refused",
    };
    Problem::field("phone", code, &error.to_string())
}

/// Four digits.
fn draw() -> Result<String, Problem> {
    let mut bytes = [0_u8; 8];
    SysRng.try_fill_bytes(&mut bytes).map_err(Problem::internal)?;
    Ok(format!("{:04}", u64::from_le_bytes(bytes) % 10_000))
}

/// What is said: each digit apart, and all of it twice.
fn sentence(code: &str, language: Language) -> String {
    let digits = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
    match language {
        Language::Ru => format!(
            "Здравствуйте! Это сервис колл-бэк. Код для кабинета: {digits}. Повторяю: {digits}. Если вы не просили код, \
             просто положите трубку."
        ),
        Language::En => format!(
            "Hello! This is CallBack. Your code: {digits}. Again: {digits}. If you didn't ask for it, just hang up."
        ),
    }
}
