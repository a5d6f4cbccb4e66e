//! A customer's money, as he sees it: what he has and what that is worth, what is held for his calls, and what a number is
//! charged before it is called. What anything cost the operator stands in none of it.

use super::call_row::masked;
use super::phones;
use super::read::{Path, Query};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::engine::{Means, Usual};
use crate::ids::CustomerId;
use crate::store::{PublishedSite, StatementCall};
use crate::web::App;
use crate::web::error::Problem;
use axum::Json;
use axum::extract::State;
use callback_core::area::area;
use callback_core::money::Micros;
use callback_core::number::PhoneNumber;
use callback_core::plan::Address;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A usual call lasts so many minutes: what money is worth is counted in such calls.
const USUAL_MINUTES: u32 = 3;
/// Days that say how fast money goes.
const DAYS: u32 = 7;

/// What a customer has. Amounts are decimals with a point, as texts.
#[derive(Serialize, ToSchema)]
pub(super) struct BalanceView {
    currency: String,
    /// What was paid in and not used; below nothing, what is owed.
    balance: String,
    /// What of it is held for calls that are not over.
    reserved: String,
    /// What calls may take: less what is held, with the credit.
    free: String,
    /// How far below nothing the balance may go.
    credit_limit: String,
    /// Minutes of usual calls that `free` is worth; none where those cost nothing, or there is no price.
    minutes: Option<u64>,
    /// By which call that is counted.
    usual: Option<UsualView>,
    /// What calls took in the last seven days.
    spent_7d: String,
    /// Whole days that `free` lasts at that pace; none where nothing was spent.
    lasts_days: Option<u64>,
    held: Vec<HeldView>,
    /// Whether one can pay here.
    pays: bool,
    /// Payments are practice: nobody pays.
    practice: bool,
}

/// A usual call: a visitor of the site's country, and the dearest of its managers.
#[derive(Serialize, ToSchema)]
pub(super) struct UsualView {
    /// The site's name.
    site: String,
    /// A number like the visitor's, in groups; none where the deck has no price for it, and only the manager's leg counts.
    visitor: Option<String>,
    minutes: u32,
    /// What such a call is charged.
    price: String,
}

/// What is held for a call.
#[derive(Serialize, ToSchema)]
pub(super) struct HeldView {
    #[serde(flatten)]
    call: CallOf,
    amount: String,
}

/// A call, for whoever sees money.
#[derive(Serialize, ToSchema)]
pub(super) struct CallOf {
    /// None for a role that sees no calls.
    call: Option<Uuid>,
    /// Masked for a role that sees no numbers.
    phone: String,
    site: String,
    disposition: Option<String>,
}

impl CallOf {
    pub(super) fn id(&self) -> Option<Uuid> {
        self.call
    }

    pub(super) fn phone(&self) -> &str {
        &self.phone
    }

    pub(super) fn site(&self) -> &str {
        &self.site
    }

    pub(super) fn of(call: StatementCall, role: Role) -> Self {
        Self {
            call: role.may(Right::SeeCalls).then_some(call.id.0),
            phone: if role.sees_numbers() { call.phone } else { masked(&call.phone) },
            site: call.site,
            disposition: call.disposition,
        }
    }
}

/// What a customer has, and what that is worth.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/balance", tag = "money",
    responses((status = 200, body = BalanceView), (status = 404)))]
pub(super) async fn show(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Json<BalanceView>, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let means = means(&app, at.customer).await?;
    let now = wall_now();
    let since = Ts(now.0.saturating_sub(i64::from(DAYS) * 86_400_000_000));
    let (held, spent) = tokio::join!(app.store.held(at.customer), app.store.spent(at.customer, since));
    let (held, spent) = (held.map_err(Problem::of_store)?, spent.map_err(Problem::of_store)?);
    let (free, purse) = (means.free(), means.purse);
    let site = usual_site(&app, at.customer).await?;
    let usual =
        site.as_ref().and_then(|site| means.usual(site, &site.body.managers_on(), USUAL_MINUTES * 60, now));
    let view = |(site, usual): (&Arc<PublishedSite>, &Usual)| UsualView {
        site: site.body.name.to_string(),
        visitor: usual.visitor.map(PhoneNumber::in_groups),
        minutes: USUAL_MINUTES,
        price: usual.price.to_string(),
    };
    Ok(Json(BalanceView {
        currency: purse.currency.to_string(),
        balance: purse.balance.posted.to_string(),
        reserved: purse.balance.reserved.to_string(),
        free: free.to_string(),
        credit_limit: purse.credit_limit.to_string(),
        minutes: usual.as_ref().and_then(|usual| times(free, USUAL_MINUTES, usual.price)),
        usual: site.as_ref().zip(usual.as_ref()).map(view),
        spent_7d: spent.to_string(),
        lasts_days: times(free, DAYS, spent),
        held: held
            .into_iter()
            .map(|held| HeldView { call: CallOf::of(held.call, at.role), amount: held.amount.to_string() })
            .collect(),
        pays: app.cabinet.payments.is_some(),
        practice: app.cabinet.practice,
    }))
}

/// Of which number.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedPrice {
    /// Any spelling that is right in the company's country.
    phone: String,
}

/// What a number is charged.
#[derive(Serialize, ToSchema)]
pub(super) struct PriceView {
    /// As people read it.
    phone: String,
    /// ISO 3166.
    country: String,
    /// Where in it the number is at home, as far as its plan says.
    region: Option<String>,
    currency: String,
    /// None where it is not called.
    price: Option<Priced>,
}

/// A leg's price.
#[derive(Serialize, ToSchema)]
pub(super) struct Priced {
    /// A minute, with what the answer is charged.
    first_minute: String,
    /// Each minute after it.
    next_minute: String,
    /// Seconds that are counted at least.
    initial_s: u16,
    /// And beyond them so many at a time.
    increment_s: u16,
    /// The same minutes with the leg of the dearest manager of the usual site.
    with_manager: Option<WithManager>,
}

/// Both legs' price.
#[derive(Serialize, ToSchema)]
pub(super) struct WithManager {
    first_minute: String,
    next_minute: String,
}

/// What a number is charged, before it is called.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/price", tag = "money", params(AskedPrice),
    responses((status = 200, body = PriceView), (status = 404), (status = 422)))]
pub(super) async fn price(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(asked): Query<AskedPrice>,
) -> Result<Json<PriceView>, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let means = means(&app, at.customer).await?;
    let company = company_of(&app, &at).await?;
    let (phone, country) = phones::read(&app, &asked.phone, &company)?;
    let now = wall_now();
    let price = means.tariff.as_ref().and_then(|tariff| tariff.price(&Address::Phone(phone), now));
    let site = usual_site(&app, at.customer).await?;
    let manager = site.as_ref().zip(means.tariff.as_ref()).and_then(|(site, tariff)| {
        let addresses = site.body.managers_on();
        addresses.into_iter().filter_map(|address| tariff.price(address, now)).max()
    });
    let sum = |one: Micros, other: Micros| one.checked_add(other).unwrap_or(Micros(i64::MAX)).to_string();
    Ok(Json(PriceView {
        phone: phone.in_groups(),
        country: country.to_string(),
        region: area(phone, signed.user.language).map(str::to_owned),
        currency: means.purse.currency.to_string(),
        price: price.map(|price| Priced {
            first_minute: price.first_minute.to_string(),
            next_minute: price.next_minute.to_string(),
            initial_s: price.initial_s,
            increment_s: price.increment_s,
            with_manager: manager.map(|manager| WithManager {
                first_minute: sum(price.first_minute, manager.first_minute),
                next_minute: sum(price.next_minute, manager.next_minute),
            }),
        }),
    }))
}

/// What a customer has; where calls are not charged, there is nothing of it.
pub(super) async fn means(app: &App, of: CustomerId) -> Result<Means, Problem> {
    app.engine.means(of).await.map_err(Problem::internal)?.ok_or(Problem::NotFound)
}

/// The site whose calls stand for all: the first that is published.
async fn usual_site(app: &App, of: CustomerId) -> Result<Option<Arc<PublishedSite>>, Problem> {
    let sites = app.store.sites_of(of).await.map_err(Problem::of_store)?;
    match sites.into_iter().find(|site| site.version > 0 && site.archived_at.is_none()) {
        Some(site) => app.store.site_by_key(&site.key).await.map_err(Problem::of_store),
        None => Ok(None),
    }
}

/// How often something goes into money, `many` at a time; none where it takes nothing.
fn times(money: Micros, many: u32, each: Micros) -> Option<u64> {
    let money = u128::try_from(money.0.max(0)).ok()?;
    let each = u128::try_from(each.0).ok().filter(|each| *each > 0)?;
    u64::try_from(money * u128::from(many) / each).ok()
}

#[cfg(test)]
mod tests {
    use super::times;
    use callback_core::money::Micros;

    #[test]
    fn money_is_worth_whole_minutes_and_days() {
        let check = |money, many, each, expected: Option<u64>| {
            assert_eq!(times(Micros(money), many, Micros(each)), expected);
        };
        check(10_000_000, 3, 3_000_000, Some(10));
        check(9_999_999, 3, 3_000_000, Some(9));
        check(-5, 3, 3_000_000, Some(0));
        check(10, 7, 0, None);
        check(i64::MAX, 7, 1, None);
    }
}
