//! The way of letters out: over SMTP (RFC 5321), again and again while the server cannot take them, and never twice
//! once it has.

use super::letter::addressed;
use crate::clock::wall_now;
use crate::config::{Mail, MailSecurity};
use crate::store::{self, LetterRow, Sending, Store};
use anyhow::{Context as _, Result};
use callback_core::site::Origin;
use callback_core::time::Ts;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Category;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};

/// How often letters are looked for that another process wrote, or left.
const LOOK: Duration = Duration::from_secs(10);
/// How long the server may take until it takes the letter itself.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long it may take to answer for a letter that it has (RFC 5321 §4.5.3.2.6): who goes away sooner sends it twice.
const ANSWER: Duration = Duration::from_secs(600);
/// How long a letter is the process's that tries it; while it tries, it says so again, three times as often.
const HELD: Duration = Duration::from_secs(60);
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// The pause after a letter that was not taken; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// Tries of one letter: some two days.
const TRIES: u32 = 54;

/// Sends letters.
pub struct Post {
    host: String,
    port: u16,
    way: Way,
    credentials: Option<Credentials>,
    from: Mailbox,
    cabinet: Origin,
    held: Duration,
}

/// How the way to the server is guarded.
enum Way {
    Open,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

/// Why a letter was not taken.
enum Refusal {
    /// Another time it may be.
    Passing(String),
    /// This letter never will be.
    Final(String),
}

/// What became of a try.
enum Tried {
    /// Over this connection.
    Sent(Box<AsyncSmtpConnection>),
    Refused(Refusal),
}

/// How long a letter rests after a try: twice as long each time, and half as long again or shorter by the letter's own
/// number, so that those of one outage do not come back together.
fn pause(row: &LetterRow) -> Duration {
    let doublings = row.attempts.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
    let drawn =
        u32::from(row.id.as_bytes().iter().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)));
    pause / 2 + pause * drawn / 256
}

impl Post {
    /// To the server of the configuration; links in letters lead to the cabinet.
    ///
    /// # Errors
    /// TLS cannot be begun here.
    pub fn new(mail: &Mail, cabinet: &Origin) -> Result<Self> {
        let host = mail.server.host.clone();
        let (way, port) = match mail.security {
            MailSecurity::StartTls => (Way::StartTls(TlsParameters::new(host.clone())?), 587),
            MailSecurity::Tls => (Way::Tls(TlsParameters::new(host.clone())?), 465),
            MailSecurity::None => (Way::Open, 25),
        };
        let credentials = mail.credentials.as_ref();
        let credentials = credentials
            .map(|known| Credentials::new(known.username.clone(), known.password.expose().to_owned()));
        let port = mail.server.port.unwrap_or(port);
        let (from, cabinet) = (mail.from.clone(), cabinet.clone());
        Ok(Self { host, port, way, credentials, from, cabinet, held: HELD })
    }

    /// A letter is the process's for this long at a time, in place of a minute.
    #[must_use]
    pub fn holding(self, held: Duration) -> Self {
        Self { held, ..self }
    }

    /// Tries one letter, if one is due; when the next is to be tried, if one waits.
    ///
    /// # Errors
    /// The database is away.
    pub async fn try_one(&self, store: &Store, now: Ts) -> store::Result<Option<Ts>> {
        let next = store.next_letter().await?;
        if next.is_none_or(|next| next > now) {
            return Ok(next);
        }
        // Another process may have been quicker.
        let Some(row) = store.claim_letter(now, now + self.held).await? else { return Ok(None) };
        let began = Instant::now();
        let tried = {
            let sent = self.send(&row);
            let often = self.held / 3;
            let mut again = interval_at(began + often, often);
            tokio::pin!(sent);
            loop {
                tokio::select! {
                    tried = &mut sent => break tried,
                    // From a database that is away nobody takes the letter, and the server still has it.
                    _ = again.tick() => drop(store.hold_letter(row.id, now + began.elapsed() + self.held).await),
                }
            }
        };
        let now = now + began.elapsed();
        let (sending, connection) = match tried {
            Tried::Sent(connection) => (Sending::Sent, Some(connection)),
            Tried::Refused(Refusal::Passing(why)) if row.attempts < TRIES => {
                (Sending::Later(why, now + pause(&row)), None)
            }
            Tried::Refused(Refusal::Passing(why) | Refusal::Final(why)) => (Sending::Never(why), None),
        };
        if let Sending::Later(why, _) | Sending::Never(why) = &sending {
            tracing::warn!(letter = %row.id, attempts = row.attempts, why, "a letter was not sent");
        }
        store.letter_tried(row.id, sending, now).await?;
        if let Some(mut connection) = connection {
            // The letter is the server's, and that is written down: what becomes of the goodbye changes nothing.
            drop(timeout(GOODBYE, connection.abort()).await);
        }
        store.next_letter().await
    }

    async fn send(&self, row: &LetterRow) -> Tried {
        let message = match self.message(row) {
            Ok(message) => message,
            Err(error) => return Tried::Refused(Refusal::Final(format!("{error:#}"))),
        };
        let late = |within: Duration| {
            Refusal::Passing(format!("the server did not take it within {} s", within.as_secs()))
        };
        let offered = timeout(PATIENCE, self.offer(&message)).await;
        let mut connection = match offered.unwrap_or_else(|_| Err(late(PATIENCE))) {
            Ok(connection) => connection,
            Err(refusal) => return Tried::Refused(refusal),
        };
        match timeout(ANSWER, connection.message(&message.formatted())).await {
            Ok(Ok(_)) => Tried::Sent(Box::new(connection)),
            Ok(Err(error)) => Tried::Refused(refusal(error)),
            Err(_) => Tried::Refused(late(ANSWER)),
        }
    }

    /// The connection over which the letter may come now.
    async fn offer(&self, message: &Message) -> Result<AsyncSmtpConnection, Refusal> {
        // What goes wrong before the letter is named is the way's trouble, a wrong password too: the letter waits.
        let mut connection = self.connect().await.map_err(|error| Refusal::Passing(error.to_string()))?;
        let envelope = message.envelope();
        let from = MailFrom::new(envelope.from().cloned(), Vec::new());
        connection.command(from).await.map_err(refusal)?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(refusal)?;
        }
        connection.command(Data).await.map_err(refusal)?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let (server, own) = ((self.host.as_str(), self.port), ClientId::default());
        let connect = |tls| AsyncSmtpConnection::connect_tokio1(server, Some(PATIENCE), &own, tls, None);
        let mut connection = match &self.way {
            Way::Open | Way::StartTls(_) => connect(None).await?,
            Way::Tls(tls) => connect(Some(tls.clone())).await?,
        };
        if let Way::StartTls(tls) = &self.way {
            connection.starttls(tls.clone(), &own).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn message(&self, row: &LetterRow) -> Result<Message> {
        let host = self.from.email.domain();
        let to: Mailbox = row.letter.email.parse().context("not an address that letters go to")?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(row.letter.subject.as_str());
        // The same for every try, so that a letter that came twice is known to be the same.
        let message = message.message_id(Some(format!("<{}@{host}>", row.id)));
        let body = addressed(&row.letter.body, &self.cabinet);
        Ok(match &row.letter.html {
            Some(html) => {
                message.multipart(MultiPart::alternative_plain_html(body, addressed(html, &self.cabinet)))?
            }
            None => message.header(ContentType::TEXT_PLAIN).body(body)?,
        })
    }
}

fn refusal(error: Error) -> Refusal {
    // 53x is about who sends (RFC 4954 §6), and no letter's fault.
    let is_of_letter = error.status().is_some_and(|code| code.category != Category::Unspecified3);
    if error.is_permanent() && is_of_letter {
        return Refusal::Final(error.to_string());
    }
    Refusal::Passing(error.to_string())
}

/// Sends what is due until the service stops.
pub(crate) async fn deliver(post: Post, store: Store, mut stop: watch::Receiver<bool>) {
    let written = store.new_letters();
    while !*stop.borrow() {
        // A database that is away is the writer's trouble, and said there.
        let next = post.try_one(&store, wall_now()).await.unwrap_or(None);
        let pause = next.map_or(LOOK, |next| next.since(wall_now()).min(LOOK));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = written.notified() => {}
            _ = stop.changed() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Post;
    use crate::config::{HostPort, Mail, MailSecurity};
    use crate::store::{Letter, LetterRow};
    use callback_core::site::Origin;
    use callback_core::time::Ts;
    use uuid::Uuid;

    #[test]
    fn a_letter_says_its_letters_and_is_the_same_at_each_try() {
        let mail = Mail {
            server: HostPort { host: "127.0.0.1".to_owned(), port: Some(2525) },
            security: MailSecurity::None,
            credentials: None,
            from: "CallBack <noreply@callback.example>".parse().unwrap(),
        };
        let letter = Letter {
            email: "klimova@romashka.example".to_owned(),
            subject: "Подтвердите почту".to_owned(),
            body: "Ссылка:\nhttps://callback.example/confirm?token=a\n".to_owned(),
            html: None,
        };
        let row = LetterRow {
            id: Uuid::from_u128(7),
            letter,
            at: Ts(0),
            run_at: Ts(0),
            attempts: 1,
            sent_at: None,
            given_up_at: None,
            trouble: None,
        };
        let message = Post::new(&mail, &Origin::parse("https://callback.example").unwrap())
            .unwrap()
            .message(&row)
            .unwrap()
            .formatted();
        let message = String::from_utf8(message).unwrap();
        assert!(message.contains("Content-Type: text/plain; charset=utf-8"), "{message}");
        assert!(message.contains("Message-ID: <00000000-0000-0000-0000-000000000007@callback.example>"));
        assert!(message.contains("To: klimova@romashka.example"));
    }
}
