//! Settings as they are being written, and the versions that were published: of a site, or of a customer. Who writes a
//! field over what somebody else wrote, or he himself in another window, and has not seen it, is told: nothing is lost.

use super::db::{Query, Row, Tx, query};
use super::types::Json;
use super::users::User;
use super::{Result, Store, audit, sites, statements};
use crate::ids::{CustomerId, SiteId};
use callback_core::site::Site;
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long somebody who wrote counts as writing.
const WRITING: Duration = Duration::from_secs(600);
/// Drafts that were tried by a call stand among the versions from here on, by their revisions; they are not published.
const TRIED: u32 = 1_000_000_000;
/// Versions that are listed.
const VERSIONS: u32 = 200;

/// Whose settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// A site's.
    Site(SiteId),
    /// A customer's own.
    Customer(CustomerId),
}

impl Owner {
    fn id(self) -> Uuid {
        match self {
            Self::Site(id) => id.0,
            Self::Customer(id) => id.0,
        }
    }
}

/// Who wrote a field last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Writer {
    /// At which revision.
    pub revision: u32,
    /// Who.
    pub user: Uuid,
    /// How he is called.
    pub name: String,
    /// When, µs since 1970; 0 once it is published.
    pub at: i64,
}

impl Writer {
    /// A user, at an instant; of no revision yet.
    #[must_use]
    pub fn of(user: &User, at: Ts) -> Self {
        Self { revision: 0, user: user.id, name: user.name.clone(), at: at.0 }
    }
}

/// A draft.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// It grows with every write.
    pub revision: u32,
    /// The settings.
    pub body: Map<String, Value>,
    /// Who wrote which field since the last publication.
    pub writers: BTreeMap<String, Writer>,
}

impl Draft {
    /// Who else writes now, and what.
    #[must_use]
    pub fn others(&self, me: Uuid, now: Ts) -> BTreeMap<String, (Ts, Vec<String>)> {
        let mut others: BTreeMap<String, (Ts, Vec<String>)> = BTreeMap::new();
        for (field, writer) in &self.writers {
            let at = Ts(writer.at);
            if writer.user != me && at > now - WRITING {
                let (last, fields) = others.entry(writer.name.clone()).or_insert((at, Vec::new()));
                *last = (*last).max(at);
                fields.push(field.clone());
            }
        }
        others
    }

    /// When it was written to last, and by whom.
    #[must_use]
    pub fn last(&self) -> Option<&Writer> {
        self.writers.values().filter(|writer| writer.at > 0).max_by_key(|writer| writer.at)
    }
}

/// A write to a draft.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What the writer has seen.
    pub revision: u32,
    /// The fields, and what they are to be.
    pub set: Map<String, Value>,
    /// Who.
    pub user: Uuid,
    /// How he is called.
    pub name: String,
    /// When.
    pub now: Ts,
    /// What the draft is where there is none yet.
    pub begin: Map<String, Value>,
}

/// A field that was written meanwhile: it was left as it was written.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Conflict {
    /// Which.
    pub field: String,
    /// What was to be written.
    #[schema(value_type = Object)]
    pub yours: Value,
    /// What is written.
    #[schema(value_type = Object)]
    pub theirs: Value,
    /// By whom.
    pub by: String,
    /// It was the same user, in another window.
    pub own: bool,
}

/// A published version.
#[derive(Clone, PartialEq, Debug)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// Who published it.
    pub author: String,
    /// When.
    pub at: Ts,
    /// The settings, as they are stored.
    pub body: Value,
}

/// What came of publishing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// It is this version.
    Version(u32),
    /// The draft was written to meanwhile: it is at this revision.
    Moved(u32),
}

/// What is published.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The revision of the draft that was read.
    pub revision: u32,
    /// The settings, as they are stored.
    pub body: Value,
    /// The same, as the draft goes on from it: however it was written.
    pub draft: Map<String, Value>,
    /// The columns that others look at.
    pub columns: Columns,
    /// Who, for the audit.
    pub entry: audit::Entry,
}

/// What of settings stands in columns of its own.
#[derive(Clone, Debug)]
pub enum Columns {
    /// Of a site: name, origin, how many managers can be free at once.
    Site(String, String, u32),
    /// Of a customer: name, country, time zone, language; blacklist, managers, who is told of missed calls; whether by
    /// one letter a day.
    Customer([String; 4], [Value; 3], bool),
}

fn read(row: &Row) -> sqlx::Result<Draft> {
    Ok(Draft { revision: row.number("revision")?, body: row.json("body")?, writers: row.json("fields")? })
}

async fn held(tx: &mut Tx, owner: Owner) -> Result<Option<Draft>> {
    let row = tx.maybe(query(HOLD).bind(owner.id())).await?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

async fn write(tx: &mut Tx, owner: Owner, draft: &Draft, now: Ts) -> Result<()> {
    let write = query(WRITE).bind(owner.id()).bind(draft.revision).bind(Json::of(&draft.body)?);
    let written = draft.last().is_some();
    tx.run(write.bind(Json::of(&draft.writers)?).bind(now).bind(u32::from(written))).await?;
    Ok(())
}

async fn edit(tx: &mut Tx, owner: Owner, edit: &Edit) -> Result<(Draft, Vec<Conflict>)> {
    // Two first writes stand in line at the row that one of them makes.
    let begin = Draft { revision: 1, body: edit.begin.clone(), writers: BTreeMap::new() };
    let create = query(CREATE).bind(owner.id()).bind(Json::of(&begin.body)?).bind(edit.now);
    tx.run(create).await?;
    let mut draft = held(tx, owner).await?.unwrap_or(begin);
    let mut conflicts = Vec::new();
    let revision = draft.revision.saturating_add(1);
    for (field, value) in &edit.set {
        let theirs = draft.body.get(field).cloned().unwrap_or(Value::Null);
        let writer = draft.writers.get(field);
        let meanwhile = writer.filter(|writer| writer.revision > edit.revision);
        match meanwhile {
            Some(writer) if theirs != *value => conflicts.push(Conflict {
                field: field.clone(),
                yours: value.clone(),
                theirs,
                by: writer.name.clone(),
                own: writer.user == edit.user,
            }),
            _ => {
                let name = edit.name.clone();
                let writer = Writer { revision, user: edit.user, name, at: edit.now.0 };
                draft.body.insert(field.clone(), value.clone());
                draft.writers.insert(field.clone(), writer);
            }
        }
    }
    draft.revision = revision;
    write(tx, owner, &draft, edit.now).await?;
    Ok((draft, conflicts))
}

async fn replace(
    tx: &mut Tx,
    owner: Owner,
    seen: u32,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Option<Draft>> {
    let begin = Draft { revision: 0, body: Map::new(), writers: BTreeMap::new() };
    let mut draft = held(tx, owner).await?.unwrap_or(begin);
    if draft.revision != seen {
        return Ok(None);
    }
    draft.revision = seen.saturating_add(1);
    // Whoever has not seen it, and writes one of these, is told.
    let by = Writer { revision: draft.revision, ..by.clone() };
    for (field, value) in body {
        if draft.body.get(field) != Some(value) {
            draft.writers.insert(field.clone(), by.clone());
        }
    }
    draft.body.clone_from(body);
    write(tx, owner, &draft, Ts(by.at)).await?;
    Ok(Some(draft))
}

/// Something else than a draft was published: what the draft had of the version before becomes what it is now, and what
/// people wrote stays.
pub(super) async fn rebase(
    tx: &mut Tx,
    owner: Owner,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    author: &str,
    now: Ts,
) -> Result<()> {
    let Some(mut draft) = held(tx, owner).await? else { return Ok(()) };
    draft.revision = draft.revision.saturating_add(1);
    let by = Writer { revision: draft.revision, user: Uuid::nil(), name: author.to_owned(), at: 0 };
    for (field, value) in after {
        if before.get(field) != Some(value) && draft.body.get(field) == before.get(field) {
            draft.body.insert(field.clone(), value.clone());
            draft.writers.insert(field.clone(), by.clone());
        }
    }
    write(tx, owner, &draft, now).await
}

async fn publish(tx: &mut Tx, owner: Owner, customer: CustomerId, new: &NewVersion) -> Result<Published> {
    let now = new.entry.now;
    let draft = held(tx, owner).await?;
    let revision = draft.as_ref().map_or(0, |draft| draft.revision);
    if revision != new.revision {
        return Ok(Published::Moved(revision));
    }
    let hold = if matches!(owner, Owner::Site(_)) { HOLD_SITE } else { HOLD_CUSTOMER };
    let row = tx.maybe(query(hold).bind(owner.id())).await?.ok_or(sqlx::Error::RowNotFound)?;
    let version = row.number::<u32>("version")?.saturating_add(1);
    let insert = if matches!(owner, Owner::Site(_)) { PUBLISH_SITE } else { PUBLISH_CUSTOMER };
    let insert = query(insert).bind(owner.id()).bind(version).bind(new.entry.who.as_str()).bind(now);
    tx.run(insert.bind(Json::of(&new.body)?)).await?;
    let change = match &new.columns {
        Columns::Site(name, origin, managers) => query(SITE_COLUMNS)
            .bind(owner.id())
            .bind(version)
            .bind(name.as_str())
            .bind(origin.as_str())
            .bind(*managers),
        Columns::Customer(texts, lists, digest) => {
            let change = query(CUSTOMER_COLUMNS).bind(owner.id()).bind(version);
            let change = texts.iter().fold(change, |change, text| change.bind(text.as_str()));
            let lists = lists.iter().map(Json::of).collect::<std::result::Result<Vec<_>, _>>()?;
            lists.into_iter().fold(change, Query::bind).bind(u32::from(*digest))
        }
    };
    tx.run(change).await?;
    if let Some(mut draft) = draft {
        draft.body.clone_from(&new.draft);
        // Nobody writes any more, and who wrote which field last is still known to those who have not seen it.
        draft.writers.values_mut().for_each(|writer| writer.at = 0);
        draft.revision = draft.revision.saturating_add(1);
        write(tx, owner, &draft, now).await?;
    }
    let mut entry = new.entry.clone();
    if let Value::Object(detail) = &mut entry.detail {
        detail.insert("version".to_owned(), version.into());
    }
    audit::write(tx, customer, &entry).await?;
    sites::next_epoch(tx).await?;
    Ok(Published::Version(version))
}

fn version(row: &Row) -> sqlx::Result<Version> {
    Ok(Version {
        version: row.number("version")?,
        author: row.get("author")?,
        at: row.time("published_at")?,
        body: row.json("body")?,
    })
}

impl Store {
    /// A draft, where one was begun.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn draft(&self, owner: Owner) -> Result<Option<Draft>> {
        let row = self.db.maybe(query(READ).bind(owner.id())).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }

    /// Writes fields of a draft; those that somebody else wrote since are left, and told.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn edit_draft(&self, owner: Owner, with: Edit) -> Result<(Draft, Vec<Conflict>)> {
        self.deed((owner, with), |tx, (owner, with)| Box::pin(edit(tx, *owner, with))).await
    }

    /// Makes a draft what is given; none where it was written to since the revision that was seen.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn replace_draft(
        &self,
        owner: Owner,
        seen: u32,
        body: Map<String, Value>,
        by: Writer,
    ) -> Result<Option<Draft>> {
        self.deed((owner, seen, body, by), |tx, (owner, seen, body, by)| {
            Box::pin(replace(tx, *owner, *seen, body, by))
        })
        .await
    }

    /// Publishes settings as the next version, if the draft is still the one that was read.
    ///
    /// # Errors
    /// The store is closed; there is no such owner.
    pub async fn publish(&self, owner: Owner, customer: CustomerId, new: NewVersion) -> Result<Published> {
        let published = self
            .deed((owner, customer, new), |tx, (owner, customer, new)| {
                Box::pin(publish(tx, *owner, *customer, new))
            })
            .await;
        self.settings_changed();
        published
    }

    /// Keeps a draft for a call that tries it; the version to order it by.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn try_version(
        &self,
        site: SiteId,
        customer: CustomerId,
        body: Site,
        entry: audit::Entry,
    ) -> Result<u32> {
        self.deed((site, customer, body, entry), |tx, (site, customer, body, entry)| {
            Box::pin(async move {
                let keep = query(TRY_SITE).bind(site.0).bind(TRIED).bind(entry.who.as_str());
                let kept = tx.maybe(keep.bind(entry.now).bind(Json::of(body)?)).await?;
                let version = kept.ok_or(sqlx::Error::RowNotFound)?.number("version")?;
                audit::write(tx, *customer, entry).await?;
                Ok(version)
            })
        })
        .await
    }

    /// The versions that were published, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn versions(&self, owner: Owner) -> Result<Vec<Version>> {
        let text = if matches!(owner, Owner::Site(_)) { SITE_VERSIONS } else { CUSTOMER_VERSIONS };
        let rows = self.db.all(query(text).bind(owner.id()).bind(VERSIONS)).await?;
        Ok(rows.iter().map(version).collect::<sqlx::Result<_>>()?)
    }

    /// One version that was published.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn version(&self, owner: Owner, number: u32) -> Result<Option<Version>> {
        let text = if matches!(owner, Owner::Site(_)) { SITE_VERSION } else { CUSTOMER_VERSION };
        let row = self.db.maybe(query(text).bind(owner.id()).bind(number)).await?;
        Ok(row.map(|row| version(&row)).transpose()?)
    }
}

statements! {
    READ = "SELECT revision, body, fields FROM drafts WHERE owner = $1";
    HOLD = "SELECT revision, body, fields FROM drafts WHERE owner = $1 FOR UPDATE";
    CREATE = "INSERT INTO drafts (owner, revision, body, fields, at) VALUES ($1, 1, $2, '{}', $3)
        ON CONFLICT (owner) DO NOTHING";
    WRITE = "INSERT INTO drafts (owner, revision, body, fields, at, written) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (owner) DO UPDATE SET revision = excluded.revision, body = excluded.body,
        fields = excluded.fields, at = excluded.at, written = excluded.written";
    HOLD_SITE = "SELECT version FROM sites WHERE id = $1 FOR UPDATE";
    HOLD_CUSTOMER = "SELECT version FROM customers WHERE id = $1 FOR UPDATE";
    PUBLISH_SITE = "INSERT INTO site_versions (site_id, version, author, published_at, body)
        VALUES ($1, $2, $3, $4, $5)";
    PUBLISH_CUSTOMER = "INSERT INTO customer_versions (customer_id, version, author, published_at, body)
        VALUES ($1, $2, $3, $4, $5)";
    SITE_COLUMNS = "UPDATE sites SET version = $2, name = $3, origin = $4, managers = $5 WHERE id = $1";
    CUSTOMER_COLUMNS = "UPDATE customers SET version = $2, name = $3, country = $4, time_zone = $5, language = $6,
        blacklist = $7, managers = $8, missed_emails = $9, missed_digest = $10 WHERE id = $1";
    TRY_SITE = "INSERT INTO site_versions (site_id, version, author, published_at, body)
        SELECT $1, COALESCE(MAX(version), CAST($2 AS BIGINT)) + 1, $3, $4, $5 FROM site_versions
        WHERE site_id = $1 AND version >= $2 RETURNING version";
    SITE_VERSIONS = "SELECT version, author, published_at, body FROM site_versions
        WHERE site_id = $1 AND version < 1000000000 ORDER BY version DESC LIMIT $2";
    SITE_VERSION = "SELECT version, author, published_at, body FROM site_versions
        WHERE site_id = $1 AND version = $2 AND version < 1000000000";
    CUSTOMER_VERSION = "SELECT version, author, published_at, body FROM customer_versions
        WHERE customer_id = $1 AND version = $2";
    CUSTOMER_VERSIONS = "SELECT version, author, published_at, body FROM customer_versions WHERE customer_id = $1
        ORDER BY version DESC LIMIT $2";
}
