//! Links in letters: to confirm an address, to set a new password, to accept an invitation. Each is good once and until
//! a time; of its secret only a fingerprint is kept. What it leads to happens in the transaction that uses it up.

use super::companies::{self, NewCompany};
use super::db::{Row, Tx, query};
use super::letters::{self, Letter};
use super::types::Json;
use super::users::{self, NewSession, NewUser};
use super::{Result, Store, audit, members, statements};
use crate::account::{CustomerNumber, Role};
use crate::ids::CustomerId;
use callback_core::site::Language;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// Links that are over stay so long, so that they can be told from those that never were.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long an operator's link is good.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Invitations of one customer that wait.
const INVITATIONS: usize = 100;

/// Where a link leads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Leads {
    /// To a new customer and its owner.
    Register {
        /// The company.
        company: String,
        /// Its number, drawn already.
        number: u32,
        /// Its country.
        country: String,
        /// Its time zone.
        time_zone: String,
        /// Its language.
        language: String,
        /// The hash of the owner's password.
        password: String,
    },
    /// To a new password.
    Reset,
    /// To another address of a user: both its links must be used.
    Email {
        /// The address that will be.
        to: String,
        /// The fingerprint of the other address's link.
        other: String,
    },
    /// To a part at a customer.
    Invite {
        /// The part.
        role: Role,
        /// Who invites.
        inviter: String,
    },
}

impl Leads {
    fn kind(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::Reset => "reset",
            Self::Email { .. } => "email",
            Self::Invite { .. } => "invite",
        }
    }
}

/// A link that is about to be.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The fingerprint of its secret.
    pub secret: String,
    /// Where its letter goes.
    pub email: String,
    /// The user that it is about.
    pub user: Option<Uuid>,
    /// The customer that it is about.
    pub customer: Option<CustomerId>,
    /// Where it leads.
    pub leads: Leads,
    /// When it was made.
    pub now: Ts,
    /// Until when it is good.
    pub until: Ts,
}

/// A link that is good.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// Its id.
    pub id: Uuid,
    /// Where its letter went.
    pub email: String,
    /// The user that it is about.
    pub user: Option<Uuid>,
    /// The customer that it is about.
    pub customer: Option<CustomerId>,
    /// Where it leads.
    pub leads: Leads,
    /// When it was made.
    pub at: Ts,
    /// Until when it is good.
    pub until: Ts,
}

/// What came of changing an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EmailChange {
    /// It is changed.
    Done(String),
    /// The other address's link must be used too.
    OtherSide(String),
    /// The link is over, or the address is taken by now.
    Over,
}

pub(super) async fn write(tx: &mut Tx, link: &NewLink) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let write = query(WRITE).bind(link.secret.as_str()).bind(id).bind(link.leads.kind());
    let write =
        write.bind(link.email.as_str()).bind(link.user).bind(link.customer.map(|customer| customer.0));
    tx.run(write.bind(Json::of(&link.leads)?).bind(link.now).bind(link.until)).await?;
    tx.run(query(FORGET).bind(link.now - KEPT)).await?;
    Ok(id)
}

fn read(row: &Row) -> sqlx::Result<Link> {
    Ok(Link {
        id: row.get("id")?,
        email: row.get("email")?,
        user: row.get("user_id")?,
        customer: row.get::<Option<Uuid>>("customer_id")?.map(CustomerId),
        leads: row.json("body")?,
        at: row.time("at")?,
        until: row.time("until")?,
    })
}

/// Uses a link up; none where it is over, or was used.
async fn use_up(tx: &mut Tx, secret: &str, kind: &str, now: Ts) -> Result<Option<Link>> {
    let row = tx.maybe(query(USE_UP).bind(secret).bind(kind).bind(now)).await?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

/// Ends what links to a new password and another address a user has.
pub(super) async fn end_of_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.run(query(END_OF_USER).bind(user)).await?;
    Ok(())
}

async fn confirm(tx: &mut Tx, secret: &str, session: &NewSession) -> Result<Option<Uuid>> {
    let now = session.now;
    let Some(link) = use_up(tx, secret, "register", now).await? else { return Ok(None) };
    let Leads::Register { company, number, country, time_zone, language, password } = &link.leads else {
        return Ok(None);
    };
    if users::by_email(tx, &link.email).await?.is_some() {
        return Ok(None);
    }
    let name = link.email.split('@').next().unwrap_or_default();
    let new = NewCompany {
        name: company.clone(),
        number: CustomerNumber(*number),
        country: country.clone(),
        time_zone: time_zone.clone(),
        language: language.clone(),
    };
    let Some(customer) = companies::of_email(tx, &link.email, &new, now).await? else { return Ok(None) };
    let user = NewUser { email: &link.email, name, language, password };
    let user = users::create(tx, user, now).await?;
    members::join(tx, customer, user, Role::Owner, now).await?;
    let entry = audit::Entry {
        user: Some(user),
        who: name.to_owned(),
        what: "customer.register",
        object: link.email.clone(),
        detail: serde_json::Value::Null,
        now,
    };
    audit::write(tx, customer, &entry).await?;
    users::sign_in(tx, user, session).await?;
    Ok(Some(user))
}

async fn accept(
    tx: &mut Tx,
    secret: &str,
    new: Option<&(String, String, Language)>,
    session: &NewSession,
) -> Result<Option<Uuid>> {
    let now = session.now;
    let Some(link) = use_up(tx, secret, "invite", now).await? else { return Ok(None) };
    let (Leads::Invite { role, .. }, Some(customer)) = (&link.leads, link.customer) else { return Ok(None) };
    let (user, who) = match (users::by_email(tx, &link.email).await?, new) {
        (Some(user), _) => (user.id, user.name),
        (None, Some((name, password, language))) => {
            let language = users::language_name(*language);
            let user = NewUser { email: &link.email, name, language, password };
            (users::create(tx, user, now).await?, name.clone())
        }
        (None, None) => return Ok(None),
    };
    members::join(tx, customer, user, *role, now).await?;
    let detail = serde_json::json!({ "role": role });
    let entry =
        audit::Entry { user: Some(user), who, what: "team.join", object: link.email.clone(), detail, now };
    audit::write(tx, customer, &entry).await?;
    users::sign_in(tx, user, session).await?;
    Ok(Some(user))
}

async fn change_email(tx: &mut Tx, secret: &str, now: Ts) -> Result<EmailChange> {
    let Some(link) = use_up(tx, secret, "email", now).await? else { return Ok(EmailChange::Over) };
    let (Leads::Email { to, other }, Some(user)) = (&link.leads, link.user) else {
        return Ok(EmailChange::Over);
    };
    if tx.maybe(query(IS_USED).bind(other.as_str())).await?.is_none() {
        return Ok(EmailChange::OtherSide(to.clone()));
    }
    if users::by_email(tx, to).await?.is_some() {
        return Ok(EmailChange::Over);
    }
    users::set_email(tx, user, to).await?;
    end_of_user(tx, user).await?;
    Ok(EmailChange::Done(to.clone()))
}

impl Store {
    /// Writes a link and its letter, or another letter where its address is a user's already.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn write_link(&self, link: NewLink, letter: Letter, known: Option<Letter>) -> Result<()> {
        self.deed_with_letters((link, letter, known), |tx, (link, letter, known)| {
            Box::pin(async move {
                let user = users::by_email(tx, &link.email).await?;
                if let (Some(_), Some(known)) = (user, known) {
                    return letters::write(tx, known, link.now).await;
                }
                if matches!(link.leads, Leads::Register { .. }) {
                    // Of several who register one address, the last one's link is good.
                    tx.run(query(END_REGISTRATIONS).bind(link.email.as_str())).await?;
                }
                write(tx, link).await?;
                letters::write(tx, letter, link.now).await
            })
        })
        .await
    }

    /// Writes a letter that has no link.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn write_letter(&self, letter: Letter, now: Ts) -> Result<()> {
        self.deed_with_letters((letter, now), |tx, (letter, now)| Box::pin(letters::write(tx, letter, *now)))
            .await
    }

    /// Writes the two links of a change of address, and their letters.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn write_two_links(&self, links: [(NewLink, Letter); 2]) -> Result<()> {
        self.deed_with_letters(links, |tx, links| {
            Box::pin(async move {
                for (link, letter) in links {
                    write(tx, link).await?;
                    letters::write(tx, letter, link.now).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// A link that is good, by its fingerprint.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn link(&self, secret: &str, now: Ts) -> Result<Option<Link>> {
        let row = self.db.maybe(query(GOOD).bind(secret).bind(now)).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }

    /// Makes a customer and its owner by his link, and signs him in; none where the link is over.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn confirm(&self, secret: String, session: NewSession) -> Result<Option<Uuid>> {
        self.deed((secret, session), |tx, (secret, session)| Box::pin(confirm(tx, secret, session))).await
    }

    /// Sets a new password by its link, signs all browsers out, and this one in unless he has a second factor (whether it
    /// was is told); none where the link is over.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn reset(
        &self,
        secret: String,
        hash: String,
        session: NewSession,
    ) -> Result<Option<(Uuid, bool)>> {
        self.deed((secret, hash, session), |tx, (secret, hash, session)| {
            Box::pin(async move {
                let link = use_up(tx, secret, "reset", session.now).await?;
                let Some((user, email)) = link.and_then(|link| Some((link.user?, link.email))) else {
                    return Ok(None);
                };
                users::set_password(tx, user, hash, None).await?;
                // A mailbox alone is no second factor: he logs in with his code.
                let factor = users::by_email(tx, &email).await?.and_then(|user| user.totp_secret);
                if factor.is_none() {
                    users::sign_in(tx, user, session).await?;
                }
                Ok(Some((user, factor.is_none())))
            })
        })
        .await
    }

    /// Makes somebody an operator, with a link to his password.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn add_operator(&self, email: String, secret: String, now: Ts) -> Result<()> {
        self.deed((email, secret, now), |tx, (email, secret, now)| {
            Box::pin(async move {
                let user = match users::by_email(tx, email).await? {
                    Some(user) => user.id,
                    None => {
                        let name = email.split('@').next().unwrap_or_default();
                        users::create(tx, NewUser { email, name, language: "ru", password: "" }, *now).await?
                    }
                };
                tx.run(query(MAKE_OPERATOR).bind(user)).await?;
                let link = NewLink {
                    secret: secret.clone(),
                    email: email.clone(),
                    user: Some(user),
                    customer: None,
                    leads: Leads::Reset,
                    now: *now,
                    until: *now + DAY,
                };
                write(tx, &link).await?;
                Ok(())
            })
        })
        .await
    }

    /// Uses one of the two links of a change of address.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn change_email(&self, secret: String, now: Ts) -> Result<EmailChange> {
        self.deed((secret, now), |tx, (secret, now)| Box::pin(change_email(tx, secret, *now))).await
    }

    /// Invites somebody: false where too many invitations wait.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn invite(
        &self,
        customer: CustomerId,
        link: NewLink,
        letter: Letter,
        entry: audit::Entry,
    ) -> Result<Option<Uuid>> {
        self.deed_with_letters((customer, link, letter, entry), |tx, (customer, link, letter, entry)| {
            Box::pin(async move {
                let waiting = tx.all(query(INVITATIONS_OF).bind(customer.0).bind(link.now)).await?.len();
                if waiting >= INVITATIONS {
                    return Ok(None);
                }
                // A second letter to the same address replaces the first.
                tx.run(query(END_INVITATION_TO).bind(customer.0).bind(link.email.as_str())).await?;
                let id = write(tx, link).await?;
                letters::write(tx, letter, link.now).await?;
                audit::write(tx, *customer, entry).await?;
                Ok(Some(id))
            })
        })
        .await
    }

    /// The invitations of a customer that wait.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn invitations(&self, customer: CustomerId, now: Ts) -> Result<Vec<Link>> {
        let rows = self.db.all(query(INVITATIONS_OF).bind(customer.0).bind(now)).await?;
        Ok(rows.iter().map(read).collect::<sqlx::Result<_>>()?)
    }

    /// Takes an invitation back; false where there is none such.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn end_invitation(&self, customer: CustomerId, id: Uuid, entry: audit::Entry) -> Result<bool> {
        self.deed((customer, id, entry), |tx, (customer, id, entry)| {
            Box::pin(async move {
                let ended = tx.run(query(END_INVITATION).bind(customer.0).bind(*id)).await? == 1;
                if ended {
                    audit::write(tx, *customer, entry).await?;
                }
                Ok(ended)
            })
        })
        .await
    }

    /// Accepts an invitation, and signs him in; `new` is the name, the password's hash and the language of a user who
    /// is not there yet. None where the link is over.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn accept_invitation(
        &self,
        secret: String,
        new: Option<(String, String, Language)>,
        session: NewSession,
    ) -> Result<Option<Uuid>> {
        self.deed((secret, new, session), |tx, (secret, new, session)| {
            Box::pin(accept(tx, secret, new.as_ref(), session))
        })
        .await
    }
}

macro_rules! columns {
    () => {
        "id, email, user_id, customer_id, body, at, until"
    };
}

statements! {
    WRITE = "INSERT INTO links (secret, id, kind, email, user_id, customer_id, body, at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    FORGET = "DELETE FROM links WHERE until < $1";
    GOOD = concat!("SELECT ", columns!(), " FROM links WHERE secret = $1 AND used_at IS NULL AND until > $2");
    USE_UP = concat!("UPDATE links SET used_at = $3 WHERE secret = $1 AND kind = $2 AND used_at IS NULL AND until > $3
        RETURNING ", columns!());
    IS_USED = "SELECT id FROM links WHERE secret = $1 AND used_at IS NOT NULL";
    END_OF_USER = "DELETE FROM links WHERE user_id = $1 AND kind IN ('reset', 'email') AND used_at IS NULL";
    INVITATIONS_OF = concat!("SELECT ", columns!(), " FROM links WHERE customer_id = $1 AND kind = 'invite'
        AND used_at IS NULL AND until > $2 ORDER BY at, id");
    END_INVITATION = "DELETE FROM links WHERE customer_id = $1 AND kind = 'invite' AND id = $2 AND used_at IS NULL";
    END_INVITATION_TO = "DELETE FROM links WHERE customer_id = $1 AND kind = 'invite' AND email = $2
        AND used_at IS NULL";
    MAKE_OPERATOR = "UPDATE users SET is_operator = 1 WHERE id = $1";
    END_REGISTRATIONS = "DELETE FROM links WHERE email = $1 AND kind = 'register' AND used_at IS NULL";
}
