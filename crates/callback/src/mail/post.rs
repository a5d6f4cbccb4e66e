//! The way of letters out: over SMTP (RFC 5321), again and again while the server cannot take them, and never twice
//! once it has.

use crate::config::{Mail, MailSecurity};
use crate::engine::wall_now;
use crate::store::{LetterRow, Sending, Store};
use anyhow::{Context as _, Result};
use callback_core::time::Ts;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::time::Duration;
use tokio::sync::watch;

/// How often the outbox is looked into.
const LOOK: Duration = Duration::from_secs(1);
/// Letters of one look.
const LETTERS: u32 = 20;
/// How long one letter may take; another process takes it after that.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause after a letter that was not taken; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// Tries of one letter: some two days.
const TRIES: u32 = 54;

/// Sends letters.
pub(crate) struct Post {
    way: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Post {
    /// To the server of the configuration.
    ///
    /// # Errors
    /// TLS cannot be begun here.
    pub(crate) fn new(mail: &Mail) -> Result<Self> {
        let host = mail.server.host.clone();
        let (tls, port) = match mail.security {
            MailSecurity::StartTls => (Tls::Required(TlsParameters::new(host.clone())?), 587),
            MailSecurity::Tls => (Tls::Wrapper(TlsParameters::new(host.clone())?), 465),
            MailSecurity::None => (Tls::None, 25),
        };
        let way = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(mail.server.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(PATIENCE / 2));
        let way = match &mail.credentials {
            Some(known) => {
                way.credentials(Credentials::new(known.username.clone(), known.password.expose().to_owned()))
            }
            None => way,
        };
        Ok(Self { way: way.build(), from: mail.from.clone() })
    }

    async fn send(&self, row: &LetterRow, now: Ts) -> Sending {
        let message = match self.message(row) {
            Ok(message) => message,
            Err(error) => return Sending::Never(format!("{error:#}")),
        };
        match self.way.send(message).await {
            Ok(_) => Sending::Sent,
            Err(error) if error.is_permanent() || row.attempts >= TRIES => Sending::Never(error.to_string()),
            Err(error) => {
                let doublings = row.attempts.saturating_sub(1).min(16);
                let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
                Sending::Later(error.to_string(), now + pause)
            }
        }
    }

    fn message(&self, row: &LetterRow) -> Result<Message> {
        let host = self.from.email.domain();
        let to: Mailbox = row.letter.email.parse().context("not an address that letters go to")?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(row.letter.subject.as_str());
        // The same for every try, so that a letter that came twice is known to be the same.
        let message = message.message_id(Some(format!("<{}@{host}>", row.id)));
        let message = message.header(ContentType::TEXT_PLAIN);
        Ok(message.body(row.letter.body.clone())?)
    }
}

/// Sends what is due until the service stops.
pub(crate) async fn deliver(post: Post, store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => return,
        }
        let now = wall_now();
        if !store.letters_are_due(now).await.unwrap_or(false) {
            continue;
        }
        // A database that is away is the writer's trouble, and said there.
        let Ok(letters) = store.claim_letters(now, now + PATIENCE, LETTERS).await else { continue };
        for row in letters {
            let sending = post.send(&row, now).await;
            if let Sending::Later(why, _) | Sending::Never(why) = &sending {
                tracing::warn!(letter = %row.id, attempts = row.attempts, why, "a letter was not sent");
            }
            if store.letter_tried(row.id, sending, wall_now()).await.is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Post;
    use crate::config::{HostPort, Mail, MailSecurity};
    use crate::store::{Letter, LetterRow};
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
        let message = Post::new(&mail).unwrap().message(&row).unwrap().formatted();
        let message = String::from_utf8(message).unwrap();
        assert!(message.contains("Content-Type: text/plain; charset=utf-8"), "{message}");
        assert!(message.contains("Message-ID: <00000000-0000-0000-0000-000000000007@callback.example>"));
        assert!(message.contains("To: klimova@romashka.example"));
    }
}
