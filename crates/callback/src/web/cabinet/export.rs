//! Exactly the calls of a filter as a file, CSV (RFC 4180) or XLSX (ECMA-376), in the words of whoever asks. It is made
//! while it is sent: whoever goes away has asked for no more than he got.

use super::call_row::masked;
use super::filter::Chosen;
use super::read::{Path, Query};
use super::scope::company_of;
use super::signed::Signed;
use crate::account::{Right, Role};
use crate::clock::wall_now;
use crate::store::{After, CallFilter, ExportRow, Store};
use crate::web::App;
use crate::web::error::{Problem, Refusal};
use crate::web::flood::StreamPass;
use anyhow::Context as _;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use callback_core::plan::Callee;
use callback_core::schedule;
use callback_core::site::Language;
use callback_core::time::Ts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{Format, Workbook};
use std::fs::File;
use std::io::Seek as _;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

/// Lines that are read at once.
const PAGE: u32 = 1_000;
/// Lines of a sheet, its head aside (ECMA-376 leaves it open; every program has this one).
const SHEET: u64 = 1_048_575;
/// Bytes that are sent at once.
const PIECE: usize = 64 * 1024;
const COLUMNS: usize = 35;

/// What a cell holds.
enum Cell {
    Text(String),
    Number(u64),
    Time(DateTime),
    Empty,
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Empty, Self::Text)
    }
}

/// For whom a table is.
struct Reader {
    language: Language,
    role: Role,
    zone: TimeZone,
}

/// The heads of the columns.
fn head(language: Language) -> [&'static str; COLUMNS] {
    match language {
        Language::Ru => [
            "Время заявки",
            "Сайт",
            "Номер посетителя",
            "Статус",
            "Причина",
            "Менеджер",
            "Номер менеджера",
            "Разговор, с",
            "До соединения, с",
            "Первый набор",
            "Менеджер ответил",
            "Посетитель ответил",
            "Соединили",
            "Конец",
            "Вид источника",
            "Источник",
            "Канал",
            "Кампания",
            "Объявление",
            "Запрос",
            "Страница заявки",
            "Где открыт виджет",
            "Страница входа",
            "Откуда перешёл",
            "IP",
            "Страна",
            "Регион",
            "Город",
            "Регион номера",
            "Устройство",
            "Сценарий",
            "Оценка",
            "Перезвонили",
            "Заметка",
            "Номер звонка",
        ],
        Language::En => [
            "Ordered at",
            "Site",
            "Visitor’s number",
            "Status",
            "Reason",
            "Manager",
            "Manager’s number",
            "Talk, s",
            "Until connected, s",
            "First dialled",
            "Manager answered",
            "Visitor answered",
            "Connected",
            "Ended",
            "Kind of source",
            "Source",
            "Medium",
            "Campaign",
            "Content",
            "Keyword",
            "Page",
            "Widget opened on",
            "Landing page",
            "Referrer",
            "IP",
            "Country",
            "Region",
            "City",
            "Region of the number",
            "Device",
            "Scenario",
            "Score",
            "Called back",
            "Note",
            "Call",
        ],
    }
}

impl Reader {
    fn local(&self, at: Ts) -> Cell {
        schedule::wall(at, &self.zone).map_or(Cell::Empty, Cell::Time)
    }

    /// A key in words; one without words as it is.
    fn word(&self, key: &str) -> String {
        let (ru, en) = match key {
            "connected" => ("Звонок прошёл успешно", "Connected"),
            "manager_no_answer" => ("Менеджер не взял трубку", "No manager answered"),
            "visitor_no_answer" => ("Клиент не взял трубку", "Visitor didn’t answer"),
            "not_called" => ("Не звонили", "Not called"),
            "ad" => ("Реклама", "Advertisement"),
            "ai" => ("ИИ-помощник", "AI assistant"),
            "search" => ("Поиск", "Search"),
            "social" => ("Соцсеть", "Social network"),
            "messenger" => ("Мессенджер", "Messenger"),
            "email" => ("Письмо", "E-mail"),
            "referral" => ("Другой сайт", "Another site"),
            "direct" => ("Прямой заход", "Direct"),
            "internal" => ("Страница самого сайта", "A page of the site"),
            "cabinet" => ("Из кабинета", "From the cabinet"),
            "test" => ("Проверка настроек", "A test of settings"),
            "phone" => ("Телефон", "Phone"),
            "tablet" => ("Планшет", "Tablet"),
            "computer" => ("Компьютер", "Computer"),
            "all_failed" => ("пробовали всех", "everyone was tried"),
            "all_busy" => ("все заняты", "everyone was busy"),
            "visitor_left" => ("посетитель ушёл раньше", "the visitor left first"),
            "hung_up_at_once" => ("сразу положили трубку", "hung up at once"),
            "busy" => ("занято", "busy"),
            "silent" => ("нет ответа", "no answer"),
            "refused" => ("отклонил", "declined"),
            "invalid" => ("такого номера нет", "no such number"),
            "no_media" => ("нет звука", "no sound"),
            "left_at_once" => ("сразу положил трубку", "hung up at once"),
            "blacklist" => ("номер в чёрном списке", "on the blacklist"),
            "closed" => ("вне графика", "out of hours"),
            "limits" => ("слишком много заявок", "too many requests"),
            "refused_number" => ("на этот номер не звоним", "this number is never called"),
            "no_funds" => ("не хватило денег", "out of funds"),
            "stale" => ("ждала слишком долго", "waited too long"),
            "no_callable_manager" => ("некому звонить: все номера выключены", "no number is on"),
            "cancelled" => ("отменил посетитель", "cancelled by visitor"),
            "trunk" => ("линия не работала", "line fault"),
            "interrupted" => ("прервано", "interrupted"),
            known => return known.to_owned(),
        };
        match self.language {
            Language::Ru => ru.to_owned(),
            Language::En => en.to_owned(),
        }
    }

    /// What is told of a keyword: one that was hidden is never guessed.
    fn keyword(&self, keyword: Option<String>) -> Cell {
        match (keyword.as_deref(), self.language) {
            (Some(""), Language::Ru) => Cell::Text("скрыт поисковиком".to_owned()),
            (Some(""), Language::En) => Cell::Text("hidden by the search engine".to_owned()),
            _ => keyword.into(),
        }
    }

    fn cells(&self, row: ExportRow) -> [Cell; COLUMNS] {
        let sees_numbers = self.role.sees_numbers();
        let phone = if sees_numbers { row.phone } else { masked(&row.phone) };
        let number = |value: Option<u64>| value.map_or(Cell::Empty, Cell::Number);
        let time = |at: Option<Ts>| at.map_or(Cell::Empty, |at| self.local(at));
        let record = row.record.as_ref();
        let legs = || record.into_iter().flat_map(|record| &record.legs);
        let accepted = legs().find(|leg| leg.times.accepted_at.is_some());
        let visitor = legs().filter(|leg| leg.callee == Callee::Visitor);
        let (medium, content) = row.arrival.came.map(|came| (came.medium, came.content)).unzip();
        let (country, region, city) = match row.arrival.place {
            Some(place) => (Some(place.country), place.region, place.city),
            None => (None, None, None),
        };
        [
            self.local(row.at),
            Cell::Text(row.site),
            Cell::Text(phone),
            Cell::Text(self.word(&row.disposition)),
            row.reason.map(|key| self.word(&key)).into(),
            row.manager.into(),
            row.telephone.map(|telephone| telephone.replace(";ext=", " # ")).into(),
            number(row.talk_s),
            number(row.connected_ms.map(|ms| (ms + 500) / 1_000)),
            time(legs().map(|leg| leg.times.dialled_at).min()),
            time(accepted.and_then(|leg| leg.times.answered_at)),
            time(visitor.filter_map(|leg| leg.times.answered_at).max()),
            time(record.and_then(|record| record.talk).map(|talk| talk.from)),
            time(record.map(|record| record.ended_at)),
            Cell::Text(self.word(&row.source_kind)),
            row.source.into(),
            medium.flatten().into(),
            row.campaign.into(),
            content.flatten().into(),
            self.keyword(row.keyword),
            row.page.into(),
            row.opened_on.into(),
            row.landing.into(),
            row.referrer.into(),
            row.ip.filter(|_| sees_numbers).into(),
            country.into(),
            region.into(),
            city.into(),
            row.arrival.by_number.and_then(|place| place.region).into(),
            row.device.map(|device| self.word(&device)).into(),
            row.arrival.rule.into(),
            number(row.score),
            time(row.called_back_at),
            row.note.into(),
            Cell::Text(row.order.0.to_string()),
        ]
    }
}

/// A text that no program takes for a formula (OWASP, CSV injection): a number with its plus is none.
pub(super) fn harmless(text: String) -> String {
    let is_number =
        |text: &str| text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    let begins = ['=', '+', '-', '@', '\t', '\r'];
    let mut whole = if text.starts_with(begins) && !is_number(&text) { format!("'{text}") } else { text };
    // What parts cells where the program is another's: a cell would begin behind it.
    for part in [';', ',', '\t', '\n', '\r'] {
        for begin in ['=', '+', '-', '@'] {
            whole = whole.replace(&format!("{part}{begin}"), &format!("{part}'{begin}"));
        }
    }
    whole
}

/// The calls of a filter, page after page.
struct Pages {
    store: Store,
    filter: CallFilter,
    after: Option<After>,
    is_over: bool,
}

impl Pages {
    /// None after the last.
    async fn next(&mut self) -> crate::store::Result<Option<Vec<ExportRow>>> {
        if self.is_over {
            return Ok(None);
        }
        let rows = self.store.exported(&self.filter, self.after, PAGE).await?;
        self.is_over = rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.after = rows.last().map(|last| After { at: last.at, order: last.order, talk_s: 0 });
        Ok(Some(rows))
    }
}

/// Exactly the calls of a filter as CSV.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls.csv", tag = "calls", params(Chosen),
    responses((status = 200, content_type = "text/csv", body = Vec<u8>), (status = 404)))]
pub(super) async fn csv(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Problem> {
    let (pages, reader, rows, name, pass) = begin(&app, &signed, &customer, &chosen).await?;
    let first = Some(b"\xEF\xBB\xBF".to_vec());
    let stream = futures_util::stream::unfold(
        (pages, reader, first, pass),
        |(mut pages, reader, first, pass)| async move {
            let rows = match pages.next().await {
                Ok(rows) => rows?,
                Err(error) => return Some((Err(error), (pages, reader, None, pass))),
            };
            let written = lines(&reader, first, rows).map_err(crate::store::Error::from);
            Some((written, (pages, reader, None, pass)))
        },
    );
    Ok(download(Body::from_stream(stream), "text/csv; charset=utf-8", &format!("{name}.csv"), rows))
}

/// Lines of CSV; before the first of them its head, and what tells programs that it is UTF-8.
fn lines(reader: &Reader, first: Option<Vec<u8>>, rows: Vec<ExportRow>) -> Result<Bytes, serde_json::Error> {
    // Where a comma stands in numbers, programs part cells by semicolons.
    let delimiter = if reader.language == Language::Ru { b';' } else { b',' };
    let is_first = first.is_some();
    let mut csv = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(first.unwrap_or_default());
    let failed = |error: csv::Error| serde_json::Error::io(error.into());
    if is_first {
        csv.write_record(head(reader.language)).map_err(failed)?;
    }
    for row in rows {
        let cells = reader.cells(row).map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Number(number) => number.to_string(),
            Cell::Time(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Cell::Empty => String::new(),
        });
        csv.write_record(cells).map_err(failed)?;
    }
    csv.into_inner().map(Bytes::from).map_err(|error| serde_json::Error::io(error.into_error()))
}

/// Exactly the calls of a filter as XLSX. It has a file only when its last line is known: whoever asks for `progress`
/// (`Prefer`, RFC 7240) is told before it how many lines are written, a number to a line, and then an empty line.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/calls.xlsx", tag = "calls", params(Chosen),
    responses((status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        body = Vec<u8>), (status = 404), (status = 409)))]
pub(super) async fn xlsx(
    State(app): State<App>,
    signed: Signed,
    Path(customer): Path<String>,
    Query(chosen): Query<Chosen>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (pages, reader, rows, name, pass) = begin(&app, &signed, &customer, &chosen).await?;
    if rows > SHEET {
        let text = "A sheet has a million lines at most. Choose fewer days, or take CSV.";
        return Err(Problem::Refused(Refusal::Conflict("too-many-rows", text)));
    }
    let wishes = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let is_told = wishes.flat_map(|list| list.split(',')).any(|wish| wish.trim() == "progress");
    let (out, sent) = mpsc::channel(2);
    tokio::spawn(async move {
        let _pass = pass;
        // Whoever has gone away hears of no error.
        if let Err(error) = table(pages, reader, is_told, &out).await {
            drop(out.send(Err(error)).await);
        }
    });
    let pieces = futures_util::stream::unfold(sent, |mut sent| async { Some((sent.recv().await?, sent)) });
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let mut answer = download(Body::from_stream(pieces), kind, &format!("{name}.xlsx"), rows);
    if is_told {
        answer.headers_mut().insert("preference-applied", HeaderValue::from_static("progress"));
    }
    Ok(answer)
}

/// Sends a sheet as it gets ready, as long as somebody takes it.
async fn table(
    mut pages: Pages,
    reader: Reader,
    is_told: bool,
    out: &mpsc::Sender<anyhow::Result<Bytes>>,
) -> anyhow::Result<()> {
    let (page, read) = mpsc::channel(2);
    let written = tokio::task::spawn_blocking(move || sheet(&reader, read));
    let mut done = 0;
    while let Some(rows) = pages.next().await? {
        done += rows.len();
        // A sheet that failed has shut its end, and says why below.
        if out.is_closed() || page.send(rows).await.is_err() {
            break;
        }
        if is_told {
            out.send(Ok(format!("{done}\n").into())).await?;
        }
    }
    drop(page);
    let mut file = tokio::fs::File::from_std(written.await??);
    if is_told {
        out.send(Ok("\n".into())).await?;
    }
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        if file.read_buf(&mut piece).await? == 0 {
            return Ok(());
        }
        out.send(Ok(piece.into())).await?;
    }
}

/// Writes a sheet into a file that is nobody's. Texts are written as texts: none of them is a formula.
fn sheet(reader: &Reader, mut pages: mpsc::Receiver<Vec<ExportRow>>) -> anyhow::Result<File> {
    let mut workbook = Workbook::new();
    let (bold, time) = (Format::new().set_bold(), Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"));
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in (0..).zip(head(reader.language)) {
        sheet.set_column_width(column, 18)?;
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    let mut line = 0;
    while let Some(rows) = pages.blocking_recv() {
        for row in rows {
            line += 1;
            for (column, cell) in (0..).zip(reader.cells(row)) {
                match cell {
                    Cell::Text(text) => sheet.write_string(line, column, text)?,
                    Cell::Number(number) => {
                        sheet.write_number(line, column, f64::from(u32::try_from(number)?))?
                    }
                    Cell::Time(at) => sheet.write_datetime_with_format(line, column, at, &time)?,
                    Cell::Empty => continue,
                };
            }
        }
    }
    let mut file = tempfile::tempfile().context("a table on its way needs a file")?;
    workbook.save_to_writer(&mut file)?;
    file.rewind()?;
    Ok(file)
}

/// What is exported, for whom, how many lines it has, and how its file is called.
async fn begin(
    app: &App,
    signed: &Signed,
    customer: &str,
    chosen: &Chosen,
) -> Result<(Pages, Reader, u64, String, StreamPass), Problem> {
    let at = signed.at(app, customer, Right::SeeCalls).await?;
    let period = chosen.period(&company_of(app, &at).await?, wall_now())?;
    let filter = chosen.filter(app, &at, &period).await?;
    let pass = app.flood.stream(signed.from.ip)?;
    let outcomes = app.store.outcomes(&filter).await.map_err(Problem::of_store)?;
    let rows = outcomes.iter().map(|line| line.orders).sum();
    let reader = Reader { language: signed.user.language, role: at.role, zone: period.zone.clone() };
    let name = format!("calls-{}-{}", period.from, period.to);
    Ok((Pages { store: app.store.clone(), filter, after: None, is_over: false }, reader, rows, name, pass))
}

fn download(body: Body, kind: &str, name: &str, rows: u64) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), kind.to_owned()),
        (header::CONTENT_DISPOSITION.as_str(), format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL.as_str(), "no-store".to_owned()),
        ("x-rows", rows.to_string()),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_text_is_a_formula() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("+7 916 =1", "'+7 916 =1"),
            ("\t=1", "'\t'=1"),
            ("+79161234567", "+79161234567"),
            ("окна", "окна"),
            ("x;=1+1;y", "x;'=1+1;y"),
            ("x,@SUM(A1)", "x,'@SUM(A1)"),
            ("a\n-1", "a\n'-1"),
        ] {
            assert_eq!(harmless(text.to_owned()), written);
        }
    }
}
