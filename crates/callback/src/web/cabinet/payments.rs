//! Paying in: a payment is asked for here, made at its provider's page, and credited when he says that it has come.

use super::read::{Body, Path};
use super::signed::Signed;
use crate::account::Right;
use crate::store::{NewPayment, Payment};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::{FieldProblem, Problem, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use callback_core::money::{Currency, Micros};
use callback_core::site::Language;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Units of a currency that are paid at once.
const LEAST: i64 = 1;
const MOST: i64 = 1_000_000;
/// Millionths of one.
const UNIT: i64 = 1_000_000;

/// A payment, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct PaymentView {
    payment: Uuid,
    at: String,
    amount: String,
    currency: String,
    /// "waiting", "paid", "failed".
    state: &'static str,
    /// Where it is made, while it waits.
    url: Option<String>,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        Self {
            payment: payment.id,
            at: stamp(payment.created_at),
            amount: payment.amount.to_string(),
            currency: payment.currency.to_string(),
            state: payment.state.as_str(),
            url: payment.url,
        }
    }
}

/// A company's newest payments by way of a provider, twenty at most.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/payments", tag = "money",
    responses((status = 200, body = [PaymentView]), (status = 404)))]
pub(super) async fn list(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<Vec<PaymentView>>, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let rows = app.store.payments(at.customer).await.map_err(Problem::of_store)?;
    Ok(Json(rows.into_iter().map(Into::into).collect()))
}

/// A payment that is asked for.
#[derive(Deserialize, ToSchema)]
pub(super) struct AskedPayment {
    /// Made in the browser: asked for twice, it is one payment.
    payment: Uuid,
    /// How much: a decimal with a point, no finer than the currency's coins.
    amount: String,
}

/// Asks for a payment; it is made at `url`.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/payments", tag = "money", request_body = AskedPayment,
    responses((status = 201, body = PaymentView), (status = 404), (status = 409),
        (status = 422, body = [FieldProblem])))]
pub(super) async fn begin(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Body(body): Body<AskedPayment>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let (Some(payments), Some(usual)) = (&app.cabinet.payments, app.cabinet.currency) else {
        let text = "Payments are taken by invoice here. Ask whoever runs the service.";
        return Err(Problem::Refused(Refusal::Conflict("no-top-up", text)));
    };
    let currency = app.store.purse(at.customer, usual).await.map_err(Problem::of_store)?.currency;
    let amount = amount(&body.amount, currency)?;
    let new = NewPayment {
        id: body.payment,
        customer: at.customer,
        provider: payments.provider(),
        currency,
        amount,
    };
    let told = json!({ "amount": amount.to_string(), "currency": currency });
    let entry = signed.did("payment.begin", &body.payment.to_string(), told);
    let look_at = entry.now + payments.first_look();
    let begun = app.store.begin_payment(new, look_at, entry).await.map_err(Problem::of_store)?;
    let Some((payment, is_new)) = begun else {
        let text = "Too many payments wait already. Make one of them, or wait until they are over.";
        return Err(Problem::Refused(Refusal::Conflict("too-many-payments", text)));
    };
    if (payment.customer, payment.amount) != (at.customer, amount) {
        let text = "This payment was asked for before, with another amount. Begin anew.";
        return Err(Problem::Refused(Refusal::Conflict("payment-conflict", text)));
    }
    let language = match signed.user.language {
        Language::Ru => "ru",
        Language::En => "en",
    };
    let back = format!("/c/{customer}/balance?payment={}", payment.id);
    let made = payments.ask(&payment, &back);
    let url = format!("{}{}?lang={language}", app.door.origin.as_str(), made.url);
    if payment.url.is_none() {
        let named = app.store.name_payment(payment.id, made.id, url.clone()).await;
        named.map_err(Problem::of_store)?;
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let url = payment.url.clone().or(Some(url));
    Ok((status, Json(PaymentView::from(Payment { url, ..payment }))).into_response())
}

/// What is paid at once: whole coins, and neither nothing nor too much.
fn amount(text: &str, currency: Currency) -> Result<Micros, Problem> {
    let problem = |code, detail: &str| FieldProblem::plain("amount", code, detail);
    let read: Result<Micros, _> = text.trim().replace(',', ".").parse();
    let Ok(amount) = read else {
        return Err(problem("amount", "write an amount like 1500 or 1500.50").into());
    };
    let coin = UNIT / 10_i64.pow(currency.minor_digits());
    if amount.0 % coin != 0 {
        return Err(problem("amount", "no finer than the currency's coins").into());
    }
    if !(LEAST * UNIT..=MOST * UNIT).contains(&amount.0) {
        let wrong = problem("amount_range", "write an amount from 1 to 1000000");
        return Err(wrong.with("min", LEAST).with("max", MOST).into());
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn what_is_paid_is_whole_coins_in_bounds() {
        let check = |text: &str, currency: &str, expected: Option<i64>| {
            let read = amount(text, currency.parse().unwrap()).ok().map(|micros| micros.0);
            assert_eq!(read, expected, "{text} {currency}");
        };
        check(" 1500,50 ", "RUB", Some(1_500_500_000));
        check("1", "RUB", Some(1_000_000));
        check("1000000", "RUB", Some(1_000_000_000_000));
        check("1.5", "JPY", None);
        check("1.005", "KWD", Some(1_005_000));
        for wrong in ["", "0", "0.99", "-5", "1000000.01", "1.001", "1e3", "1 500"] {
            check(wrong, "RUB", None);
        }
    }
}
