//! Those who sign in, and the browsers that they are signed in with.

use super::db::{Row, Tx, query};
use super::types::Json;
use super::{Result, Store, links, network, statements};
use callback_core::site::Language;
use callback_core::time::Ts;
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// A browser that asks for nothing is signed out after so long.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 3_600);
/// And each after so long.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How exactly it is known when a browser asked last.
const SEEN_EVERY: Duration = Duration::from_secs(300);
/// Browsers of one user; the oldest are signed out.
const SESSIONS: u32 = 50;

/// A user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// His id.
    pub id: Uuid,
    /// What he signs in with; in small letters.
    pub email: String,
    /// How he is called.
    pub name: String,
    /// The language of his cabinet and letters.
    pub language: Language,
    /// The hash of his password.
    pub password: String,
    /// The secret of his second factor, where he has one.
    pub totp_secret: Option<String>,
    /// The last step of it that was used.
    pub totp_step: u64,
    /// Fingerprints of the codes on paper that are left.
    pub recovery: Vec<String>,
    /// He runs the service.
    pub is_operator: bool,
}

/// A browser that signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSession {
    /// Its id.
    pub id: Uuid,
    /// The fingerprint of its cookie.
    pub secret: String,
    /// Where it asks from.
    pub ip: String,
    /// What it calls itself.
    pub device: String,
    /// The fingerprint of the cookie that it had before: whose that was, is signed out.
    pub instead_of: Option<String>,
    /// When.
    pub now: Ts,
}

/// A browser that is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginSession {
    /// Its id.
    pub id: Uuid,
    /// When it signed in.
    pub created_at: Ts,
    /// When it asked last, to five minutes.
    pub seen_at: Ts,
    /// Where it signed in from.
    pub ip: String,
    /// What it called itself.
    pub device: String,
}

/// What of himself a user changes.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// How he is called, and his language.
    Profile {
        /// The name.
        name: String,
        /// The language.
        language: Language,
    },
    /// His password's hash; all other browsers are signed out.
    Password {
        /// The hash.
        hash: String,
        /// The browser that stays.
        keep: Uuid,
    },
    /// His second factor, and the codes on paper; or none.
    SecondFactor {
        /// The secret.
        secret: Option<String>,
        /// The step of the code that proved it.
        step: u64,
        /// Fingerprints of the codes on paper.
        recovery: Vec<String>,
    },
}

/// A user who is about to be.
#[derive(Clone, Debug)]
pub(super) struct NewUser<'a> {
    pub(super) email: &'a str,
    pub(super) name: &'a str,
    pub(super) language: &'a str,
    pub(super) password: &'a str,
}

pub(super) async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    let row = tx.maybe(query(BY_EMAIL).bind(email)).await?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

pub(super) async fn create(tx: &mut Tx, user: NewUser<'_>, now: Ts) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let create = query(CREATE).bind(id).bind(user.email).bind(user.name).bind(user.language);
    tx.run(create.bind(user.password).bind(now)).await?;
    Ok(id)
}

/// Signs a browser in; the user's oldest ones, beyond [`SESSIONS`], are signed out.
pub(super) async fn sign_in(tx: &mut Tx, user: Uuid, session: &NewSession) -> Result<()> {
    if let Some(before) = &session.instead_of {
        tx.run(query(SIGN_OUT_SECRET).bind(before.as_str())).await?;
    }
    let write = query(SIGN_IN).bind(session.id).bind(user).bind(session.secret.as_str()).bind(session.now);
    tx.run(write.bind(session.ip.as_str()).bind(session.device.as_str())).await?;
    tx.run(query(SIGN_OUT_OLD).bind(session.now - IDLE).bind(session.now - ABSOLUTE)).await?;
    tx.run(query(SIGN_OUT_MANY).bind(user).bind(SESSIONS)).await?;
    Ok(())
}

pub(super) async fn set_password(tx: &mut Tx, user: Uuid, hash: &str, keep: Option<Uuid>) -> Result<()> {
    tx.run(query(PASSWORD).bind(user).bind(hash)).await?;
    tx.run(query(SIGN_OUT_OTHERS).bind(user).bind(keep.unwrap_or(Uuid::nil()))).await?;
    links::end_of_user(tx, user).await
}

pub(super) async fn set_email(tx: &mut Tx, user: Uuid, email: &str) -> Result<()> {
    tx.run(query(EMAIL).bind(user).bind(email)).await?;
    Ok(())
}

fn read(row: &Row) -> sqlx::Result<User> {
    Ok(User {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        language: language(&row.get::<String>("language")?),
        password: row.get("password")?,
        totp_secret: row.get("totp_secret")?,
        totp_step: row.number("totp_step")?,
        recovery: row.json("recovery")?,
        is_operator: row.get::<i64>("is_operator")? != 0,
    })
}

/// A language by its name; one that is not known is the first.
pub(super) fn language(name: &str) -> Language {
    if name == "en" { Language::En } else { Language::Ru }
}

/// The name of a language.
pub(crate) fn language_name(language: Language) -> &'static str {
    match language {
        Language::Ru => "ru",
        Language::En => "en",
    }
}

impl Store {
    /// A user.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>> {
        let row = self.db.maybe(query(BY_ID).bind(id)).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }

    /// A user by what he signs in with.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let row = self.db.maybe(query(BY_EMAIL).bind(email)).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }

    /// The user of a cookie, by its fingerprint, and his browser; none where it is signed out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn signed_in(&self, secret: &str, now: Ts) -> Result<Option<(User, LoginSession)>> {
        let find = query(SIGNED_IN).bind(secret).bind(now - IDLE).bind(now - ABSOLUTE);
        let Some(row) = self.db.maybe(find).await? else { return Ok(None) };
        let session = LoginSession {
            id: row.get("session_id")?,
            created_at: row.time("session_created_at")?,
            seen_at: row.time("seen_at")?,
            ip: row.get("ip")?,
            device: row.get("device")?,
        };
        if session.seen_at < now - SEEN_EVERY {
            let seen = self.deed((session.id, now), |tx, (id, now)| {
                Box::pin(async move {
                    tx.run(query(SEEN).bind(*id).bind(*now)).await?;
                    Ok(())
                })
            });
            if let Err(error) = seen.await {
                // He may look around all the same; the next request tells it again.
                tracing::debug!(%error, "a sign of life is not written");
            }
        }
        Ok(Some((read(&row)?, session)))
    }

    /// Signs a browser in; `step` is that of the second factor's code, `recovery` what is left on paper.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn sign_in(
        &self,
        user: Uuid,
        session: NewSession,
        step: Option<u64>,
        recovery: Option<Vec<String>>,
    ) -> Result<bool> {
        self.deed((user, session, step, recovery), |tx, (user, session, step, recovery)| {
            Box::pin(async move {
                if let Some(step) = step {
                    let step = i64::try_from(*step).unwrap_or(i64::MAX);
                    if tx.run(query(STEP).bind(*user).bind(step)).await? == 0 {
                        return Ok(false);
                    }
                }
                if let Some(left) = recovery {
                    // Of two browsers that use the same code at once, the first is let in.
                    let left = (left.len(), Json::of(left)?);
                    let row = tx.maybe(query(HOLD_USER).bind(*user)).await?;
                    let stored: Vec<String> = row.map_or(Ok(vec![]), |row| row.json("recovery"))?;
                    if stored.len() != left.0 + 1 {
                        return Ok(false);
                    }
                    tx.run(query(RECOVERY).bind(*user).bind(left.1)).await?;
                }
                sign_in(tx, *user, session).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Whether a browser in this network is signed in as the user of this address.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_signed_in_from(&self, email: &str, ip: IpAddr, now: Ts) -> Result<bool> {
        let asked = query(SIGNED_IN_FROM).bind(email).bind(now - IDLE).bind(now - ABSOLUTE);
        let here = network(ip);
        let ips = self.db.all(asked).await?;
        let ips = ips.iter().map(|row| row.get::<String>("ip")).collect::<sqlx::Result<Vec<_>>>()?;
        Ok(ips.iter().filter_map(|ip| ip.parse().ok()).any(|ip| network(ip) == here))
    }

    /// The browsers of a user that are signed in, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions(&self, user: Uuid, now: Ts) -> Result<Vec<LoginSession>> {
        let rows = self.db.all(query(SESSIONS_OF).bind(user).bind(now - IDLE).bind(now - ABSOLUTE)).await?;
        let session = |row: &Row| {
            Ok(LoginSession {
                id: row.get("id")?,
                created_at: row.time("created_at")?,
                seen_at: row.time("seen_at")?,
                ip: row.get("ip")?,
                device: row.get("device")?,
            })
        };
        Ok(rows.iter().map(session).collect::<sqlx::Result<_>>()?)
    }

    /// Signs a browser of a user out; false where he has no such.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn sign_out(&self, user: Uuid, session: Uuid) -> Result<bool> {
        self.deed((user, session), |tx, (user, session)| {
            Box::pin(async move { Ok(tx.run(query(SIGN_OUT).bind(*user).bind(*session)).await? == 1) })
        })
        .await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn change_user(&self, user: Uuid, change: UserChange) -> Result<()> {
        self.deed((user, change), |tx, (user, change)| {
            Box::pin(async move {
                match change {
                    UserChange::Profile { name, language } => {
                        let write = query(PROFILE).bind(*user).bind(name.as_str());
                        tx.run(write.bind(language_name(*language))).await?;
                    }
                    UserChange::Password { hash, keep } => {
                        set_password(tx, *user, hash, Some(*keep)).await?;
                    }
                    UserChange::SecondFactor { secret, step, recovery } => {
                        let step = i64::try_from(*step).unwrap_or(i64::MAX);
                        let write = query(SECOND_FACTOR).bind(*user).bind(secret.clone()).bind(step);
                        tx.run(write.bind(Json::of(recovery)?)).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}

macro_rules! columns {
    () => {
        "u.id, u.email, u.name, u.language, u.password, u.totp_secret, u.totp_step, u.recovery, u.is_operator"
    };
}

statements! {
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM users u WHERE u.email = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM users u WHERE u.id = $1");
    CREATE = "INSERT INTO users (id, email, name, language, password, created_at, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)";
    SIGN_IN = "INSERT INTO login_sessions (id, user_id, secret, created_at, seen_at, ip, device)
        VALUES ($1, $2, $3, $4, $4, $5, $6)";
    SIGNED_IN = concat!("SELECT ", columns!(), ", s.id AS session_id, s.created_at AS session_created_at, s.seen_at,
        s.ip, s.device FROM login_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.secret = $1 AND s.seen_at > $2 AND s.created_at > $3");
    SEEN = "UPDATE login_sessions SET seen_at = $2 WHERE id = $1";
    SIGNED_IN_FROM = "SELECT s.ip FROM login_sessions s JOIN users u ON u.id = s.user_id
        WHERE u.email = $1 AND s.seen_at > $2 AND s.created_at > $3";
    SESSIONS_OF = "SELECT id, created_at, seen_at, ip, device FROM login_sessions
        WHERE user_id = $1 AND seen_at > $2 AND created_at > $3 ORDER BY seen_at DESC, id";
    SIGN_OUT = "DELETE FROM login_sessions WHERE user_id = $1 AND id = $2";
    SIGN_OUT_SECRET = "DELETE FROM login_sessions WHERE secret = $1";
    SIGN_OUT_OTHERS = "DELETE FROM login_sessions WHERE user_id = $1 AND id <> $2";
    SIGN_OUT_OLD = "DELETE FROM login_sessions WHERE seen_at <= $1 OR created_at <= $2";
    SIGN_OUT_MANY = "DELETE FROM login_sessions WHERE user_id = $1 AND id NOT IN (
        SELECT id FROM login_sessions WHERE user_id = $1 ORDER BY seen_at DESC, id DESC LIMIT $2)";
    STEP = "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
    HOLD_USER = "SELECT recovery FROM users WHERE id = $1 FOR UPDATE";
    RECOVERY = "UPDATE users SET recovery = $2 WHERE id = $1";
    PROFILE = "UPDATE users SET name = $2, language = $3 WHERE id = $1";
    PASSWORD = "UPDATE users SET password = $2 WHERE id = $1";
    EMAIL = "UPDATE users SET email = $2 WHERE id = $1";
    SECOND_FACTOR = "UPDATE users SET totp_secret = $2, totp_step = $3, recovery = $4 WHERE id = $1";
}
