//! What is the same for everybody, and settings are chosen from: countries, holidays.

use super::read::Path;
use super::signed::Signed;
use crate::web::error::Problem;
use axum::Json;
use callback_core::number::Country;
use callback_core::{holidays, number};
use serde::Serialize;
use utoipa::ToSchema;

/// A country that can be called.
#[derive(Serialize, ToSchema)]
pub(super) struct CountryView {
    /// Two letters (ISO 3166-1).
    code: String,
    /// Like 7.
    calling_code: u16,
}

/// The countries of the numbering plans.
#[utoipa::path(get, path = "/api/v1/countries", tag = "known", responses((status = 200, body = [CountryView])))]
pub(super) async fn countries() -> Json<Vec<CountryView>> {
    let view =
        |(country, calling_code): (Country, u16)| CountryView { code: country.to_string(), calling_code };
    Json(number::countries().into_iter().map(view).collect())
}

/// A public holiday.
#[derive(Serialize, ToSchema)]
pub(super) struct HolidayView {
    date: String,
    name_ru: &'static str,
    name_en: &'static str,
}

/// The public holidays of a country in a year; 404 where they are not known.
#[utoipa::path(get, path = "/api/v1/holidays/{country}/{year}", tag = "known",
    responses((status = 200, body = [HolidayView]), (status = 404)))]
pub(super) async fn holidays(
    _signed: Signed,
    Path((country, year)): Path<(String, i16)>,
) -> Result<Json<Vec<HolidayView>>, Problem> {
    let country = country.parse().map_err(|_| Problem::NotFound)?;
    let found = holidays::of(country, year).ok_or(Problem::NotFound)?;
    let view = |(date, name_ru, name_en): (jiff::civil::Date, _, _)| HolidayView {
        date: date.to_string(),
        name_ru,
        name_en,
    };
    Ok(Json(found.into_iter().map(view).collect()))
}
