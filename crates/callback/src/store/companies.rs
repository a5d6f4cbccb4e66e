//! Customers and their sites, as their cabinet lists them, and whose is what.

use super::db::{Row, Tx, query};
use super::types::Json;
use super::users::{User, language};
use super::words::Telephones;
use super::{Result, Store, audit, members, sites, statements};
use crate::account::{CustomerNumber, Role};
use crate::ids::{CustomerId, SiteId, SiteKey};
use crate::settings::CompanySettings;
use callback_core::id::OrderId;
use callback_core::site::Site;
use callback_core::time::Ts;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Sites of one customer, archived ones included.
const SITES: usize = 200;

/// A customer, as its cabinet knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Company {
    /// Its id.
    pub id: CustomerId,
    /// Its number.
    pub number: CustomerNumber,
    /// Its address.
    pub email: String,
    /// Calls at once.
    pub max_calls: u32,
    /// What its cabinet edits.
    pub(crate) settings: CompanySettings,
    /// The version of its own settings; 0 where none was published.
    pub version: u32,
}

/// A site, as its customer's cabinet lists it.
#[derive(Clone, PartialEq, Debug)]
pub struct SiteRow {
    /// Its id.
    pub id: SiteId,
    /// Its key.
    pub key: SiteKey,
    /// Its name.
    pub name: String,
    /// Its address.
    pub origin: String,
    /// The published version; 0 where none was.
    pub version: u32,
    /// When that was published, and by whom.
    pub published: Option<(Ts, String)>,
    /// When it was put away.
    pub archived_at: Option<Ts>,
    /// What is published; in a list only where a draft goes on from it.
    pub body: Option<Site>,
    /// What is being written; none where nobody wrote since the last publication.
    pub draft: Option<Map<String, Value>>,
}

/// A user's part at a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The customer.
    pub customer: CustomerId,
    /// What he is there.
    pub role: Role,
    /// Where he answers.
    pub telephones: Telephones,
}

/// Something that belongs to a customer.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The customer itself.
    Customer(CustomerNumber),
    /// A site.
    Site(SiteKey),
    /// A call.
    Call(OrderId),
}

fn company(row: &Row) -> sqlx::Result<Company> {
    Ok(Company {
        id: CustomerId(row.get("id")?),
        number: CustomerNumber(row.number("number")?),
        email: row.get("email")?,
        max_calls: row.number("max_calls")?,
        settings: company_settings(row)?,
        version: row.number("version")?,
    })
}

/// What of a customer its cabinet edits.
pub(super) fn company_settings(row: &Row) -> sqlx::Result<CompanySettings> {
    Ok(CompanySettings {
        name: row.get("name")?,
        country: row.parsed("country")?,
        time_zone: row.get("time_zone")?,
        language: language(&row.get::<String>("language")?),
        blacklist: row.json("blacklist")?,
        managers: row.json("managers")?,
        missed_emails: row.json("missed_emails")?,
        missed_digest: row.get::<i64>("missed_digest")? != 0,
    })
}

fn site(row: &Row) -> sqlx::Result<SiteRow> {
    let at = row.maybe_time("published_at")?;
    let author: Option<String> = row.get("author")?;
    Ok(SiteRow {
        id: SiteId(row.get("id")?),
        key: row.parsed("key")?,
        name: row.get("name")?,
        origin: row.get("origin")?,
        version: row.number("version")?,
        published: at.zip(author),
        archived_at: row.maybe_time("archived_at")?,
        body: row.maybe_json("body")?,
        draft: row.maybe_json("draft")?,
    })
}

/// A company that is about to be.
#[derive(Clone, Debug)]
pub struct NewCompany {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: CustomerNumber,
    /// Where its numbers are read, by ISO 3166.
    pub country: String,
    /// Its time zone, by its IANA name.
    pub time_zone: String,
    /// Its language, `ru` or `en`.
    pub language: String,
}

pub(super) async fn draw_customer_number(tx: &mut Tx) -> Result<CustomerNumber> {
    let row = tx.maybe(query(DRAW)).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(CustomerNumber(row.number("value")?))
}

/// The customer of an address, made where there is none. None where it has people: they invite whom they want.
pub(super) async fn of_email(
    tx: &mut Tx,
    email: &str,
    new: &NewCompany,
    now: Ts,
) -> Result<Option<CustomerId>> {
    // One that the operator made from a file is its address's own, until somebody belongs to it.
    if let Some(row) = tx.maybe(query(CUSTOMER_OF).bind(email)).await? {
        return Ok(Some(CustomerId(row.get("id")?)));
    }
    if tx.maybe(query(IS_CUSTOMERS).bind(email)).await?.is_some() {
        return Ok(None);
    }
    let id = CustomerId(Uuid::now_v7());
    let create = query(CREATE_CUSTOMER).bind(id.0).bind(email).bind(new.name.as_str());
    let create = create.bind(new.country.as_str()).bind(new.time_zone.as_str()).bind(new.language.as_str());
    // Whoever registers is told of what he misses; he may name others.
    tx.run(create.bind(new.number.0).bind(now).bind(Json::of(&[email])?)).await?;
    Ok(Some(id))
}

/// A site that is about to be: without a published version nobody is called for it.
#[derive(Clone, Debug)]
pub struct NewSite {
    /// Its key.
    pub key: SiteKey,
    /// Its name.
    pub name: String,
    /// Its address.
    pub origin: String,
    /// Whose.
    pub customer: CustomerId,
    /// Who made it.
    pub entry: audit::Entry,
}

async fn add(tx: &mut Tx, new: &NewSite) -> Result<bool> {
    if tx.all(query(KEYS_OF).bind(new.customer.0)).await?.len() >= SITES {
        return Ok(false);
    }
    let write = query(ADD).bind(SiteId::of(&new.key).0).bind(new.customer.0).bind(new.key.as_str());
    tx.run(write.bind(new.name.as_str()).bind(new.origin.as_str()).bind(new.entry.now)).await?;
    audit::write(tx, new.customer, &new.entry).await?;
    sites::next_epoch(tx).await?;
    Ok(true)
}

impl Store {
    /// A user's part at the customer that something belongs to; none where he has no part, or there is no such thing.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn part(&self, user: Uuid, asked: Asked) -> Result<Option<Part>> {
        let find = match asked {
            Asked::Customer(number) => query(PART_AT).bind(number.0),
            Asked::Site(key) => query(PART_AT_SITE).bind(key.as_str()),
            Asked::Call(order) => query(PART_AT_CALL).bind(order.0),
        };
        let Some(row) = self.db.maybe(find.bind(user)).await? else { return Ok(None) };
        Ok(Some(Part {
            customer: CustomerId(row.get("customer_id")?),
            role: row.parsed("role")?,
            telephones: row.json("telephones")?,
        }))
    }

    /// A customer.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn company(&self, id: CustomerId) -> Result<Option<Company>> {
        let row = self.db.maybe(query(COMPANY).bind(id.0)).await?;
        Ok(row.map(|row| company(&row)).transpose()?)
    }

    /// The customer with this number or this address.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn customer_named(&self, name: &str) -> Result<Option<CustomerId>> {
        let number = name.parse::<CustomerNumber>().ok().map(|number| number.0);
        let row = self.db.maybe(query(NAMED).bind(number).bind(name)).await?;
        Ok(row.map(|row| row.get("id").map(CustomerId)).transpose()?)
    }

    /// Draws the next customer's number; it is never drawn again.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn draw_customer_number(&self) -> Result<CustomerNumber> {
        self.deed((), |tx, ()| Box::pin(draw_customer_number(tx))).await
    }

    /// Makes a company for a user who is there already; false where his address has one that has people.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn found(&self, user: User, new: NewCompany, now: Ts) -> Result<bool> {
        self.deed((user, new, now), |tx, (user, new, now)| {
            Box::pin(async move {
                let customer = of_email(tx, &user.email, new, *now).await?;
                let Some(customer) = customer else { return Ok(false) };
                members::join(tx, customer, user.id, Role::Owner, *now).await?;
                let entry = audit::Entry {
                    user: Some(user.id),
                    who: user.name.clone(),
                    what: "customer.register",
                    object: user.email.clone(),
                    detail: Value::Null,
                    now: *now,
                };
                audit::write(tx, customer, &entry).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Its sites, by their names; those that were put away last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sites_of(&self, customer: CustomerId) -> Result<Vec<SiteRow>> {
        let rows = self.db.all(query(SITES_OF).bind(customer.0)).await?;
        Ok(rows.iter().map(site).collect::<sqlx::Result<_>>()?)
    }

    /// What is published for its sites.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn published_of(&self, customer: CustomerId) -> Result<Vec<Site>> {
        let rows = self.db.all(query(PUBLISHED_OF).bind(customer.0)).await?;
        Ok(rows.iter().map(|row| row.json("body")).collect::<sqlx::Result<_>>()?)
    }

    /// A site, published or not.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn site_row(&self, key: &SiteKey) -> Result<Option<SiteRow>> {
        let row = self.db.maybe(query(SITE).bind(key.as_str())).await?;
        Ok(row.map(|row| site(&row)).transpose()?)
    }

    /// Whether a site is a customer's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn has_site(&self, of: CustomerId, key: &SiteKey) -> Result<bool> {
        Ok(self.db.maybe(query(HAS_SITE).bind(of.0).bind(key.as_str())).await?.is_some())
    }

    /// Makes a site; false where the customer has too many.
    ///
    /// # Errors
    /// The key is taken; the store is closed.
    pub async fn add_site(&self, new: NewSite) -> Result<bool> {
        self.deed(new, |tx, new| Box::pin(add(tx, new))).await
    }

    /// Puts a site away: its widget is gone at once, its history stays. Or takes it back.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn archive(
        &self,
        site: SiteId,
        customer: CustomerId,
        archived: bool,
        entry: audit::Entry,
    ) -> Result<()> {
        let done = self
            .deed((site, customer, archived, entry), |tx, (site, customer, archived, entry)| {
                Box::pin(async move {
                    let at = archived.then_some(entry.now);
                    tx.run(query(ARCHIVE).bind(site.0).bind(at)).await?;
                    audit::write(tx, *customer, entry).await?;
                    sites::next_epoch(tx).await
                })
            })
            .await;
        self.settings_changed();
        done
    }
}

/// The columns of a site; `$body` is what is told of its published version.
macro_rules! sites {
    ($body:literal) => {
        concat!(
            "SELECT s.id, s.key, s.name, s.origin, s.version, s.archived_at, v.published_at, v.author, ",
            $body,
            " AS body, d.body AS draft FROM sites s
            LEFT JOIN site_versions v ON v.site_id = s.id AND v.version = s.version
            LEFT JOIN drafts d ON d.owner = s.id AND d.written = 1 "
        )
    };
}

statements! {
    HAS_SITE = "SELECT id FROM sites WHERE key = $2 AND customer_id = $1";
    PART_AT = "SELECT m.customer_id, m.role, m.telephones FROM memberships m
        JOIN customers c ON c.id = m.customer_id WHERE c.number = $1 AND m.user_id = $2";
    PART_AT_SITE = "SELECT m.customer_id, m.role, m.telephones FROM memberships m
        JOIN sites s ON s.customer_id = m.customer_id WHERE s.key = $1 AND m.user_id = $2";
    PART_AT_CALL = "SELECT m.customer_id, m.role, m.telephones FROM memberships m
        JOIN orders o ON o.customer_id = m.customer_id WHERE o.id = $1 AND m.user_id = $2";
    COMPANY = "SELECT id, number, name, email, country, time_zone, language, max_calls, blacklist, managers,
        missed_emails, missed_digest, version FROM customers WHERE id = $1";
    NAMED = "SELECT id FROM customers WHERE number = $1 OR email = $2";
    DRAW = "UPDATE counters SET value = value + 1 WHERE name = 'customer_number' RETURNING value";
    CUSTOMER_OF = "SELECT id FROM customers c WHERE c.email = $1
        AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.customer_id = c.id) FOR UPDATE";
    IS_CUSTOMERS = "SELECT id FROM customers WHERE email = $1";
    CREATE_CUSTOMER = r#"INSERT INTO customers (id, email, name, country, time_zone, language, max_calls, blacklist,
        number, created_at, missed_emails)
        VALUES ($1, $2, $3, $4, $5, $6, 10, '{"entries":[]}', $7, $8, $9)"#;
    KEYS_OF = "SELECT key FROM sites WHERE customer_id = $1";
    PUBLISHED_OF = "SELECT v.body FROM sites s
        JOIN site_versions v ON v.site_id = s.id AND v.version = s.version WHERE s.customer_id = $1";
    SITES_OF = concat!(sites!("CASE WHEN d.owner IS NOT NULL THEN v.body END"), "WHERE s.customer_id = $1
        ORDER BY CASE WHEN s.archived_at IS NULL THEN 0 ELSE 1 END, s.name, s.key");
    SITE = concat!(sites!("v.body"), "WHERE s.key = $1");
    ADD = "INSERT INTO sites (id, customer_id, key, name, origin, version, managers, created_at)
        VALUES ($1, $2, $3, $4, $5, 0, 1, $6)";
    ARCHIVE = "UPDATE sites SET archived_at = $2 WHERE id = $1";
}
