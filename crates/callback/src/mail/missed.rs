//! The letters about missed calls, in the language of who is told: one for each, one for a day, and one to try. Plain and
//! HTML say the same. They are written where the call ends and know no address of the cabinet: see [`CABINET`].

use super::letter::CABINET;
use super::tried::Tried;
use crate::account::CustomerNumber;
use crate::html::escaped;
use crate::store::{Letter, OrderPhone, OrderRow};
use callback_core::arrival::By;
use callback_core::attribution::{Attribution, Keyword, Kind};
use callback_core::flow::VisitorState;
use callback_core::record::{Disposition, ManagerFault, NotCalled, VisitorFault};
use callback_core::schedule;
use callback_core::site::Language;
use callback_core::time::Ts;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// Calls that a day's letter tells one by one.
pub(crate) const TOLD: usize = 100;
/// Letters of a page's address that are told.
const LONGEST_PAGE: usize = 300;

/// Who is told: a customer, in whose words.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) number: CustomerNumber,
    pub(crate) language: Language,
    pub(crate) zone: TimeZone,
}

/// A call that was missed.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    pub(crate) order: OrderRow,
    /// The site, as its customer calls it.
    pub(crate) site: String,
    /// The telephones that it rang.
    pub(crate) tries: Vec<Tried>,
    /// Somebody called back, or was connected later.
    pub(crate) called_back: bool,
}

/// A letter before it is laid out: what every form of it says.
struct Text {
    subject: String,
    /// What happened.
    lead: String,
    /// The telephone that is to be called.
    phone: Option<(String, String)>,
    tries: Vec<String>,
    facts: Vec<(&'static str, String)>,
    items: Vec<Item>,
    /// Where it leads: words, and the page.
    link: (&'static str, String),
    /// Why it came.
    because: String,
    /// Where that is changed.
    change: (&'static str, String),
}

/// A call of a day.
struct Item {
    phone: (String, String),
    told: String,
    page: String,
}

impl Reader {
    fn say(&self, ru: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Ru => ru,
            Language::En => en,
        }
    }

    /// A page of the customer's cabinet.
    fn page(&self, name: &str) -> String {
        format!("{CABINET}c/{}/{name}", self.number)
    }

    /// `20 ноября`
    pub(super) fn day(&self, at: Ts) -> String {
        const MONTHS: [&str; 12] = [
            "января",
            "февраля",
            "марта",
            "апреля",
            "мая",
            "июня",
            "июля",
            "августа",
            "сентября",
            "октября",
            "ноября",
            "декабря",
        ];
        let Some(clock) = schedule::wall(at, &self.zone) else { return String::new() };
        let month = usize::try_from(clock.month() - 1).ok().and_then(|month| MONTHS.get(month));
        match self.language {
            Language::Ru => format!("{}\u{a0}{}", clock.day(), month.unwrap_or(&"")),
            Language::En => clock.strftime("%-d\u{a0}%B").to_string(),
        }
    }

    /// `20 ноября, 13:59`
    fn moment(&self, at: Ts) -> String {
        let time = schedule::wall(at, &self.zone).map(|clock| clock.strftime("%H:%M").to_string());
        format!("{}, {}", self.day(at), time.unwrap_or_default())
    }

    fn because(&self, text: String) -> (String, (&'static str, String)) {
        (text, (self.say("Изменить", "Change"), self.page("notices")))
    }

    /// `Менеджер не взял трубку: пробовали всех`
    fn ended(&self, state: VisitorState) -> String {
        let VisitorState::Ended(disposition) = state else { return String::new() };
        let what = match disposition {
            Disposition::Connected => self.say("Поговорили", "Connected"),
            Disposition::ManagerNoAnswer(_) => self.say("Менеджер не взял трубку", "No manager answered"),
            Disposition::VisitorNoAnswer(_) => {
                self.say("Посетитель не взял трубку", "The visitor didn’t answer")
            }
            Disposition::NotCalled(_) => self.say("Не звонили", "Not called"),
        };
        let why = match disposition {
            Disposition::Connected => "",
            Disposition::ManagerNoAnswer(fault) => match fault {
                ManagerFault::AllFailed => self.say("пробовали всех", "everyone was tried"),
                ManagerFault::AllBusy => self.say("все заняты", "everyone was busy"),
                ManagerFault::VisitorLeft => self.say("посетитель ушёл раньше", "the visitor left first"),
                ManagerFault::HungUpAtOnce => self.say("сразу положили трубку", "hung up at once"),
            },
            Disposition::VisitorNoAnswer(fault) => match fault {
                VisitorFault::Busy => self.say("занято", "busy"),
                VisitorFault::Silent => self.say("нет ответа", "no answer"),
                VisitorFault::Refused => self.say("отклонил", "declined"),
                VisitorFault::Invalid => self.say("такого номера нет", "no such number"),
                VisitorFault::NoMedia => self.say("нет звука", "no sound"),
                VisitorFault::HungUpAtOnce => self.say("сразу положили трубку", "hung up at once"),
                VisitorFault::LeftAtOnce => self.say("сразу положил трубку", "hung up at once"),
            },
            Disposition::NotCalled(reason) => match reason {
                NotCalled::Closed => self.say("вне графика", "out of hours"),
                NotCalled::NoFunds => self.say("не хватило денег", "out of funds"),
                NotCalled::Stale => self.say("ждала слишком долго", "waited too long"),
                NotCalled::NoCallableManager => {
                    self.say("некому звонить: все номера выключены", "no number is on")
                }
                NotCalled::Trunk => self.say("линия не работала", "line fault"),
                NotCalled::Interrupted => self.say("прервано", "interrupted"),
                NotCalled::Blacklist => self.say("номер в чёрном списке", "on the blacklist"),
                NotCalled::Limits => self.say("слишком много заявок", "too many requests"),
                NotCalled::RefusedNumber => {
                    self.say("на этот номер не звоним", "this number is never called")
                }
                NotCalled::Cancelled => self.say("отменил посетитель", "cancelled by visitor"),
            },
        };
        if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") }
    }

    /// `Google, поиск`: who it was, then what kind; what has no name is its kind.
    fn source(&self, came: &Attribution) -> String {
        let kind = match came.kind {
            Kind::Ad => self.say("Реклама", "Advertisement"),
            Kind::Ai => self.say("ИИ-помощник", "AI assistant"),
            Kind::Search => self.say("Поиск", "Search"),
            Kind::Social => self.say("Соцсеть", "Social network"),
            Kind::Messenger => self.say("Мессенджер", "Messenger"),
            Kind::Email => self.say("Письмо", "E-mail"),
            Kind::Referral => self.say("Другой сайт", "Another site"),
            Kind::Direct => self.say("Прямой заход", "Direct"),
            Kind::Internal => self.say("Страница самого сайта", "A page of the site itself"),
        };
        match (&came.name, came.kind) {
            (None, _) => kind.to_owned(),
            (Some(name), Kind::Search | Kind::Ad) => format!("{name}, {}", kind.to_lowercase()),
            (Some(name), _) => name.clone(),
        }
    }

    /// The letter about one call.
    pub(crate) fn one(&self, missed: &Missed, email: &str) -> Letter {
        let facts = &missed.order.facts;
        let phone = phone(&missed.order.phone);
        let closed =
            matches!(missed.order.state, VisitorState::Ended(Disposition::NotCalled(NotCalled::Closed)));
        let what = match closed {
            true => self.say("Заявка вне графика", "Out of hours"),
            false => self.say("Пропущенный звонок", "Missed call"),
        };
        let mut told = vec![(self.say("Сайт", "Site"), missed.site.clone())];
        let page = facts.visit.get("page").and_then(serde_json::Value::as_str);
        let page = page.or(facts.arrival.page.as_deref()).unwrap_or_default();
        told.push((self.say("Страница", "Page"), page.chars().take(LONGEST_PAGE).collect()));
        let source = match facts.arrival.by {
            By::Cabinet => self.say("Из кабинета", "From the cabinet").to_owned(),
            By::Visitor | By::Test => {
                facts.arrival.came.as_ref().map_or_else(String::new, |came| self.source(came))
            }
        };
        told.push((self.say("Источник", "Source"), source));
        let keyword = match facts.arrival.came.as_ref().map(|came| &came.keyword) {
            Some(Keyword::Known(words)) => format!("«{words}»"),
            Some(Keyword::Hidden) => self.say("скрыт поисковиком", "hidden by the engine").to_owned(),
            Some(Keyword::None) | None => String::new(),
        };
        told.push((self.say("Запрос", "Keyword"), keyword));
        let mut places = [&facts.arrival.place, &facts.arrival.by_number].into_iter().flatten();
        let region = places.find_map(|place| place.region.clone());
        told.push((self.say("Регион", "Region"), region.unwrap_or_default()));
        told.push((
            self.say("Офис", "Office"),
            facts.office.as_deref().map_or_else(String::new, str::to_owned),
        ));
        told.push((self.say("Когда", "When"), self.moment(facts.accepted_at)));
        told.retain(|(_, value)| !value.is_empty());
        let (because, change) = self.because(match self.language {
            Language::Ru => {
                format!("Письмо пришло, потому что ваш адрес стоит в уведомлениях «{}».", missed.site)
            }
            Language::En => {
                format!("You get this because your address is in the notices of {}.", missed.site)
            }
        });
        Text {
            subject: format!("{what}: {}, {}", phone.0, missed.site),
            lead: format!("{}.", self.ended(missed.order.state)),
            phone: Some(phone),
            tries: missed.tries.iter().map(|tried| tried.told(self.language)).collect(),
            facts: told,
            items: Vec::new(),
            link: (self.say("Открыть звонок", "Open the call"), self.page(&format!("calls/{}", facts.id.0))),
            because,
            change,
        }
        .letter(self, email)
    }

    /// The letter about the calls of a day, of so many in all: the first of them, the oldest first.
    pub(crate) fn day_of(&self, missed: &[Missed], all: usize, at: Ts, email: &str) -> Letter {
        let item = |missed: &Missed| {
            let facts = &missed.order.facts;
            let back = if missed.called_back {
                self.say(" Уже перезвонили.", " Called back since.")
            } else {
                ""
            };
            let (when, how) = (self.moment(facts.accepted_at), self.ended(missed.order.state));
            Item {
                phone: phone(&missed.order.phone),
                told: format!("{when}, {}. {how}.{back}", missed.site),
                page: self.page(&format!("calls/{}", facts.id.0)),
            }
        };
        let more = all.saturating_sub(missed.len());
        let lead = match (self.language, more) {
            (Language::Ru, 0) => "Вот кому сегодня не удалось поговорить с вами.".to_owned(),
            (Language::En, 0) => "These visitors did not get through to you today.".to_owned(),
            (Language::Ru, more) => {
                format!("Вот кому не удалось поговорить с вами; в журнале есть ещё {more}.")
            }
            (Language::En, more) => {
                format!("These visitors did not get through to you; the journal has {more} more.")
            }
        };
        let (because, change) = self.because(
            self.say(
                "Письмо пришло, потому что ваш адрес стоит в уведомлениях: одно письмо в день.",
                "You get this because your address is in the notices: one letter a day.",
            )
            .to_owned(),
        );
        let what = self.say("Пропущенные звонки", "Missed calls");
        Text {
            subject: format!("{what}, {}: {}", self.day(at), all),
            lead,
            phone: None,
            tries: Vec::new(),
            facts: Vec::new(),
            items: missed.iter().map(item).collect(),
            link: (self.say("Открыть журнал", "Open the journal"), self.page("calls")),
            because,
            change,
        }
        .letter(self, email)
    }

    /// A letter that shows that letters arrive.
    pub(crate) fn test(&self, company: &str, email: &str) -> Letter {
        let (because, change) = self.because(
            self.say(
                "Письмо пришло, потому что вы нажали «Пришлите мне пробное».",
                "You asked for this letter.",
            )
            .to_owned(),
        );
        Text {
            subject: format!("{}: {company}", self.say("Пробное письмо", "A test letter")),
            lead: self
                .say(
                    "Это пробное письмо. Раз вы его читаете, письма о пропущенных звонках сюда доходят.",
                    "This is a test. As you can read it, letters about missed calls arrive here.",
                )
                .to_owned(),
            phone: None,
            tries: Vec::new(),
            facts: Vec::new(),
            items: Vec::new(),
            link: (self.say("Открыть уведомления", "Open the notices"), self.page("notices")),
            because,
            change,
        }
        .letter(self, email)
    }
}

/// A telephone as it is read, and as it is called.
fn phone(phone: &OrderPhone) -> (String, String) {
    match phone {
        OrderPhone::Number(number) => (number.in_groups(), format!("tel:{number}")),
        OrderPhone::Written(text) => (text.to_string(), String::new()),
    }
}

impl Text {
    fn letter(&self, reader: &Reader, email: &str) -> Letter {
        // A subject is one line, whatever a site calls itself.
        let subject = self.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (body, html) = (self.plain(reader), Some(self.html(reader)));
        Letter { email: email.to_owned(), subject, body, html }
    }

    fn plain(&self, reader: &Reader) -> String {
        let mut parts = Vec::new();
        if let Some((read, called)) = &self.phone {
            parts.push(format!(
                "{read}\n{}\n\n{}:\n{called}",
                self.lead,
                reader.say("Перезвонить", "Call back")
            ));
        } else {
            parts.push(self.lead.clone());
        }
        if !self.tries.is_empty() {
            parts.push(format!("{}:\n{}", reader.say("Кому звонили", "Who we rang"), self.tries.join("\n")));
        }
        let facts: Vec<_> =
            self.facts.iter().map(|(name, value)| format!("{name}: {}", line(value))).collect();
        parts.push(facts.join("\n"));
        parts.extend(
            self.items.iter().map(|item| {
                format!("{} ({})\n{}\n{}", item.phone.0, item.phone.1, line(&item.told), item.page)
            }),
        );
        parts.push(format!("{}:\n{}", self.link.0, self.link.1));
        parts.push(format!("—\n{} {}:\n{}\n", line(&self.because), self.change.0, self.change.1));
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }

    fn html(&self, reader: &Reader) -> String {
        const PAGE: &str = "margin:0;padding:24px 12px;background:#f6f5f0;color:#1c1b19;\
                            font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif";
        const CARD: &str = "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:12px";
        const BUTTON: &str = "display:inline-block;padding:12px 20px;background:#0b6b57;color:#ffffff;\
                              border-radius:8px;text-decoration:none;font-weight:600";
        const QUIET: &str = "color:#57554f;font-size:13px";
        let language = reader.say("ru", "en");
        let mut html = format!(
            "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n\
             <body style=\"{PAGE}\"><div style=\"{CARD}\">\n",
            escaped(&self.subject)
        );
        let mut put = |text: String| {
            let _ = writeln!(html, "{text}");
        };
        if let Some((read, called)) = &self.phone {
            put(format!("<h1 style=\"margin:0;font-size:24px\">{}</h1>", escaped(read)));
            put(format!("<p>{}</p>", escaped(&self.lead)));
            let call = reader.say("Перезвонить", "Call back");
            put(format!(
                "<p><a href=\"{}\" style=\"{BUTTON}\">{call}: {}</a></p>",
                escaped(called),
                escaped(read)
            ));
        } else {
            put(format!("<p>{}</p>", escaped(&self.lead)));
        }
        if !self.tries.is_empty() {
            let tries: String =
                self.tries.iter().map(|tried| format!("<li>{}</li>", escaped(tried))).collect();
            let title = reader.say("Кому звонили", "Who we rang");
            put(format!(
                "<p style=\"margin-bottom:0\">{title}:</p><ul style=\"margin-top:4px\">{tries}</ul>"
            ));
        }
        if !self.facts.is_empty() {
            let fact = |(name, value): &(&str, String)| {
                format!(
                    "<tr><td style=\"padding:2px 16px 2px 0;vertical-align:top;{QUIET}\">{name}</td>\
                     <td style=\"word-break:break-word\">{}</td></tr>",
                    escaped(value)
                )
            };
            let rows: String = self.facts.iter().map(fact).collect();
            put(format!("<table role=\"presentation\" style=\"border-collapse:collapse\">{rows}</table>"));
        }
        for item in &self.items {
            put(format!(
                "<p><a href=\"{}\"><b>{}</b></a><br>{}<br><a href=\"{}\" style=\"{QUIET}\">{}</a></p>",
                escaped(&item.phone.1),
                escaped(&item.phone.0),
                escaped(&item.told),
                escaped(&item.page),
                reader.say("Открыть звонок", "Open the call")
            ));
        }
        put(format!("<p><a href=\"{}\">{}</a></p>", escaped(&self.link.1), self.link.0));
        put(format!(
            "<p style=\"{QUIET}\">{} <a href=\"{}\" style=\"{QUIET}\">{}</a></p>",
            escaped(&self.because),
            escaped(&self.change.1),
            self.change.0
        ));
        html.push_str("</div></body></html>\n");
        html
    }
}

/// A text on one line: what a visitor's page says begins no other.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
