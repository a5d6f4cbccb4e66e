//! A customer's statement: what was paid, what calls were charged, and what was left; in pages, and whole as a file.

use super::balance::{CallOf, means};
use super::export::harmless;
use super::read::{Path, Query};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::ids::CustomerId;
use crate::store::{StatementLine, Store};
use crate::timeline::stamp;
use crate::web::App;
use crate::web::error::Problem;
use crate::web::flood::StreamPass;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use callback_core::money::Currency;
use callback_core::schedule;
use callback_core::site::Language;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Lines of a page, at most and as usual; and of the file, at once.
const MOST: u32 = 100;
const USUAL: u32 = 30;
const PAGE: u32 = 1_000;

/// Which lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Lines {
    /// `next` of the page before.
    after: Option<i64>,
    /// Lines, 100 at most.
    limit: Option<u32>,
}

/// A page of the statement, the newest line first.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementPage {
    currency: String,
    lines: Vec<LineView>,
    /// Where the next page begins; none where this is the last.
    next: Option<i64>,
}

/// A line. Amounts are decimals with a point, as texts.
#[derive(Serialize, ToSchema)]
pub(super) struct LineView {
    id: i64,
    at: String,
    /// "call", "top_up", "promise", "refund", "correction", "promise_over".
    what: String,
    /// The call that it is about.
    call: Option<CallOf>,
    /// By way of whom a payment came; none where it was booked by hand.
    provider: Option<String>,
    /// What it added to the balance.
    amount: String,
    /// What was there then.
    balance: String,
}

impl LineView {
    fn of(line: StatementLine, role: Role) -> Self {
        Self {
            id: line.seq,
            at: stamp(line.at),
            what: line.reason,
            call: line.call.map(|call| CallOf::of(call, role)),
            provider: line.provider,
            amount: line.amount.to_string(),
            balance: line.balance.to_string(),
        }
    }
}

/// A page of a company's statement.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/statement", tag = "money", params(Lines),
    responses((status = 200, body = StatementPage), (status = 404)))]
pub(super) async fn lines(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(asked): Query<Lines>,
) -> Result<Json<StatementPage>, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let currency = means(&app, at.customer).await?.purse.currency;
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let found = app.store.statement(at.customer, asked.after, limit).await.map_err(Problem::of_store)?;
    let is_last = found.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| !is_last).map(|line| line.seq);
    let lines = found.into_iter().map(|line| LineView::of(line, at.role)).collect();
    Ok(Json(StatementPage { currency: currency.to_string(), lines, next }))
}

/// For whom a file is, and how far it is.
struct File {
    store: Store,
    customer: CustomerId,
    role: Role,
    language: Language,
    zone: TimeZone,
    currency: Currency,
    after: Option<i64>,
    is_begun: bool,
    is_over: bool,
    _pass: StreamPass,
}

/// A company's statement as CSV (RFC 4180), in the words of whoever asks.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/statement.csv", tag = "money",
    responses((status = 200, content_type = "text/csv", body = Vec<u8>), (status = 404)))]
pub(super) async fn csv(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
) -> Result<Response, Problem> {
    let at = signed.at(&app, &customer, Right::Money).await?;
    let currency = means(&app, at.customer).await?.purse.currency;
    let company = company_of(&app, &at).await?;
    let zone = TimeZone::get(&company.settings.time_zone).map_err(Problem::internal)?;
    let today = schedule::date(wall_now(), &zone).map_or_else(String::new, |date| date.to_string());
    let name = format!("attachment; filename=\"statement-{}-{today}.csv\"", company.number);
    let file = File {
        store: app.store.clone(),
        customer: at.customer,
        role: at.role,
        language: signed.user.language,
        zone,
        currency,
        after: None,
        is_begun: false,
        is_over: false,
        _pass: app.flood.stream(signed.from.ip)?,
    };
    let stream = futures_util::stream::unfold(file, |mut file| async move {
        let piece = file.piece().await?;
        Some((piece, file))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

impl File {
    /// The next lines; none after the last.
    async fn piece(&mut self) -> Option<anyhow::Result<Bytes>> {
        if self.is_over {
            return None;
        }
        let lines = match self.store.statement(self.customer, self.after, PAGE).await {
            Ok(lines) => lines,
            Err(error) => {
                self.is_over = true;
                return Some(Err(error.into()));
            }
        };
        self.is_over = lines.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.after = lines.last().map(|line| line.seq);
        Some(self.written(lines))
    }

    fn written(&mut self, lines: Vec<StatementLine>) -> anyhow::Result<Bytes> {
        // What tells programs that it is UTF-8; where a comma stands in numbers, they part cells by semicolons.
        let begin = if self.is_begun { Vec::new() } else { b"\xEF\xBB\xBF".to_vec() };
        let delimiter = if self.language == Language::Ru { b';' } else { b',' };
        let mut csv = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(begin);
        if !self.is_begun {
            csv.write_record(self.head())?;
            self.is_begun = true;
        }
        for line in lines {
            let at = schedule::wall(line.at, &self.zone);
            let call = line.call.map(|call| CallOf::of(call, self.role));
            let amount = |text: String| match self.language {
                Language::Ru => text.replace('.', ","),
                Language::En => text,
            };
            csv.write_record([
                at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
                word(&line.reason, self.language).to_owned(),
                call.as_ref().map(|call| call.phone().to_owned()).unwrap_or_default(),
                harmless(call.as_ref().map(|call| call.site().to_owned()).unwrap_or_default()),
                amount(line.amount.to_string()),
                amount(line.balance.to_string()),
                self.currency.to_string(),
                call.and_then(|call| call.id()).map(|id| id.to_string()).unwrap_or_default(),
            ])?;
        }
        Ok(csv.into_inner().map_err(|error| error.into_error())?.into())
    }

    fn head(&self) -> [&'static str; 8] {
        match self.language {
            Language::Ru => {
                ["Когда", "За что", "Номер посетителя", "Сайт", "Сумма", "Остаток", "Валюта", "Номер звонка"]
            }
            Language::En => {
                ["When", "For", "Visitor’s number", "Site", "Amount", "Balance", "Currency", "Call"]
            }
        }
    }
}

/// What a line is for, in words.
fn word(reason: &str, language: Language) -> &'static str {
    let (ru, en) = match reason {
        "call" => ("Звонок", "Call"),
        "top_up" => ("Пополнение", "Top-up"),
        "promise" => ("Обещанный платёж", "Promised payment"),
        "promise_over" => ("Обещанный платёж закрыт", "Promised payment settled"),
        "refund" => ("Возврат платежа", "Refund"),
        _ => ("Исправление", "Correction"),
    };
    match language {
        Language::Ru => ru,
        Language::En => en,
    }
}
