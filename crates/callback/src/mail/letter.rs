//! The letters of accounts, in Russian and English. Plain text: it reads everywhere, and a link in it is a link.

use crate::account::Role;
use crate::store::Letter;
use callback_core::site::{Language, Origin};

/// Stands in a stored letter for the address of the cabinet, which is known where the letter leaves or is shown.
pub(crate) const CABINET: &str = "cabinet:/";

/// A text of a letter with the cabinet's address in it.
pub(crate) fn addressed(text: &str, cabinet: &Origin) -> String {
    text.replace(CABINET, &format!("{}/", cabinet.as_str()))
}

/// What a letter tells.
pub(crate) enum Message<'a> {
    /// The address is to be confirmed.
    Confirm { company: &'a str, number: &'a str, link: &'a str },
    /// Somebody registered with an address that has a cabinet.
    Known { login: &'a str, reset: &'a str },
    /// A new password can be set.
    Reset { link: &'a str },
    /// Somebody asked for a new password of an address that has no cabinet.
    Unknown { email: &'a str },
    /// The address that was: it is being changed.
    EmailFrom { to: &'a str, link: &'a str },
    /// The address that will be.
    EmailTo { link: &'a str },
    /// Somebody is invited.
    Invite { company: &'a str, inviter: &'a str, role: Role, link: &'a str },
    /// How to look around in the practice company.
    Practice { login: &'a str, password: &'a str },
    /// A browser signed in that had not before.
    SignedIn { device: &'a str, ip: &'a str, sessions: &'a str },
}

impl Message<'_> {
    /// The letter to an address in a language.
    pub(crate) fn to(&self, email: &str, language: Language) -> Letter {
        let (subject, body) = match language {
            Language::Ru => self.russian(email),
            Language::En => self.english(email),
        };
        // A subject is one line, whatever a company calls itself.
        let subject = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Letter { email: email.to_owned(), subject, body, html: None }
    }

    fn russian(&self, email: &str) -> (String, String) {
        let (subject, body) = match self {
            Self::Confirm { company, number, link } => (
                "Подтвердите почту для CallBack".to_owned(),
                format!(
                    "Вы регистрируете «{company}». Ваш номер клиента: {number}.\n\nПодтвердить почту:\n{link}\n\n\
                     Ссылка живёт 24 часа. Если это не вы, ничего не делайте."
                ),
            ),
            Self::Known { login, reset } => (
                "У вас уже есть кабинет CallBack".to_owned(),
                format!(
                    "Кто-то регистрирует компанию с почтой {email}, но кабинет с ней уже есть.\n\nВойти:\n{login}\n\n\
                     Не помните пароль:\n{reset}\n\nЕсли это не вы, ничего не делайте."
                ),
            ),
            Self::Reset { link } => (
                "Новый пароль для CallBack".to_owned(),
                format!(
                    "Кто-то попросил новый пароль для {email}. Если это вы, задайте его:\n{link}\n\nСсылка живёт \
                     30 минут и работает один раз. Если не вы, пароль не изменится."
                ),
            ),
            Self::Unknown { email } => (
                "Новый пароль для CallBack".to_owned(),
                format!(
                    "Кто-то попросил новый пароль, но с почтой {email} кабинета нет. Проверьте, не другая ли почта у \
                     вас записана."
                ),
            ),
            Self::EmailFrom { to, link } => (
                "Почта для входа в CallBack меняется".to_owned(),
                format!(
                    "Вместо {email} входить будут с {to}. Если это вы, подтвердите здесь и в письме на новый \
                     адрес:\n{link}\n\nЕсли не вы, не нажимайте и смените пароль: без этой ссылки почта не изменится."
                ),
            ),
            Self::EmailTo { link } => (
                "Подтвердите новую почту для CallBack".to_owned(),
                format!(
                    "Этот адрес станет почтой для входа в CallBack. Подтвердить:\n{link}\n\nСсылка живёт 24 часа. Если \
                     это не вы, ничего не делайте."
                ),
            ),
            Self::Invite { company, inviter, role, link } => (
                format!("{inviter} приглашает вас в «{company}»"),
                format!(
                    "{inviter} приглашает вас в кабинет «{company}». Роль: {}.\n\nПринять:\n{link}\n\nСсылка живёт \
                     7 дней.",
                    match role {
                        Role::Owner => "владелец — видит и меняет всё",
                        Role::Manager => "менеджер — видит свои звонки",
                        Role::Marketer =>
                            "маркетолог — видит звонки без номеров и настройки, ничего не меняет",
                        Role::Accountant => "бухгалтер — видит только деньги",
                    }
                ),
            ),
            Self::Practice { login, password } => (
                "Учебная компания с неделей звонков".to_owned(),
                format!(
                    "Здесь можно осмотреться: неделя звонков, сделанных настоящими сценариями по учебной сети.\n\nВойти:\n\
                     {login}\n\nПочта: {email}\nПароль: {password}"
                ),
            ),
            Self::SignedIn { device, ip, sessions } => (
                "Новый вход в CallBack".to_owned(),
                format!(
                    "В кабинет вошли: {device}, адрес {ip}. Если это вы, всё в порядке.\n\nЕсли нет, закройте этот \
                     вход и смените пароль:\n{sessions}"
                ),
            ),
        };
        (subject, format!("{body}\n\n—\nCallBack\n"))
    }

    fn english(&self, email: &str) -> (String, String) {
        let (subject, body) = match self {
            Self::Confirm { company, number, link } => (
                "Confirm your e-mail for CallBack".to_owned(),
                format!(
                    "You’re registering {company}. Your customer number: {number}.\n\nConfirm your e-mail:\n{link}\n\n\
                     The link works for 24 hours. Not you? Do nothing."
                ),
            ),
            Self::Known { login, reset } => (
                "You already have a CallBack cabinet".to_owned(),
                format!(
                    "Somebody is registering a company with {email}, which has a cabinet already.\n\nLog in:\n{login}\
                     \n\nForgot the password:\n{reset}\n\nNot you? Do nothing."
                ),
            ),
            Self::Reset { link } => (
                "Set a new password for CallBack".to_owned(),
                format!(
                    "Someone asked for a new password for {email}. If it was you, set it:\n{link}\n\nThe link works \
                     once, for 30 minutes. If not, nothing changes."
                ),
            ),
            Self::Unknown { email } => (
                "Set a new password for CallBack".to_owned(),
                format!(
                    "Someone asked for a new password, but {email} has no cabinet. Perhaps you signed up with another \
                     address."
                ),
            ),
            Self::EmailFrom { to, link } => (
                "Your e-mail for CallBack is being changed".to_owned(),
                format!(
                    "Your login is being changed from {email} to {to}. If it was you, confirm here and in the letter \
                     to the new address:\n{link}\n\nIf not, do not press it and change your password: without this \
                     link nothing changes."
                ),
            ),
            Self::EmailTo { link } => (
                "Confirm your new e-mail for CallBack".to_owned(),
                format!(
                    "This address is about to become a CallBack login. Confirm:\n{link}\n\nThe link works for 24 \
                     hours. Not you? Do nothing."
                ),
            ),
            Self::Invite { company, inviter, role, link } => (
                format!("{inviter} invites you to {company}"),
                format!(
                    "{inviter} invites you to the cabinet of {company}. Role: {}.\n\nAccept:\n{link}\n\nThe link works \
                     for 7 days.",
                    match role {
                        Role::Owner => "owner, sees and changes everything",
                        Role::Manager => "manager, sees own calls",
                        Role::Marketer =>
                            "marketer, sees calls without numbers and settings, changes nothing",
                        Role::Accountant => "accountant, sees money only",
                    }
                ),
            ),
            Self::Practice { login, password } => (
                "A practice company with a week of calls".to_owned(),
                format!(
                    "Look around: a week of calls that the real call flow made over the practice network.\n\nLog in:\n\
                     {login}\n\nE-mail: {email}\nPassword: {password}"
                ),
            ),
            Self::SignedIn { device, ip, sessions } => (
                "New login to CallBack".to_owned(),
                format!(
                    "Somebody logged in: {device}, address {ip}. If it was you, all is well.\n\nIf not, close that \
                     login and change the password:\n{sessions}"
                ),
            ),
        };
        (subject, format!("{body}\n\n—\nCallBack\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::Message;
    use callback_core::site::Language;

    #[test]
    fn a_letter_has_its_link_and_a_subject_of_one_line() {
        let letter = Message::Invite {
            company: "Ромашка\r\nBcc: all@example.com",
            inviter: "Анна",
            role: crate::account::Role::Manager,
            link: "https://callback.example/invite?token=abc",
        };
        let letter = letter.to("boris@shop.example", Language::Ru);
        assert_eq!(letter.subject, "Анна приглашает вас в «Ромашка  Bcc: all@example.com»");
        assert!(letter.body.contains("\nhttps://callback.example/invite?token=abc\n"), "{}", letter.body);
        assert!(letter.body.contains("видит свои звонки"));
    }
}
