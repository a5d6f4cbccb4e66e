//! Customers, their sites and the published versions.

use super::companies::{self, company_settings};
use super::db::{Db, Row, Tx, query};
use super::difference::{Change, Difference, fields};
use super::drafts::{self, Owner};
use super::types::Json;
use super::users::language_name;
use super::words::{Customer, Error, OrderFacts, PublishedSite};
use super::{Result, phones, statements};
use crate::ids::{CustomerId, SiteId, SiteKey};
use crate::settings::{
    CompanySettings, CustomerSettings, SettingsFile, SiteSettings, company_draft, site_draft,
};
use callback_core::plan::Address;
use callback_core::site::Site;
use callback_core::time::Ts;
use serde_json::{Value, json};
use uuid::Uuid;

/// Brings the database to what a file says; what the file does not name stays as it is.
pub(super) async fn apply(
    tx: &mut Tx,
    file: &SettingsFile,
    author: &str,
    now: Ts,
    dry_run: bool,
) -> Result<Difference> {
    // Two files are applied one after the other: both wait for this row.
    tx.maybe(query(HOLD_EPOCH)).await?;
    let mut changes = Vec::new();
    // What cannot be is refused before anything is written.
    for customer in &file.customers {
        let known = tx.maybe(query(CUSTOMER).bind(customer.email.as_str())).await?;
        let id = known.map_or(Ok(CustomerId(Uuid::nil())), |row| row.get("id").map(CustomerId))?;
        for site in &customer.sites {
            refuse_strangers_key(tx, id, &site.key).await?;
        }
    }
    for customer in &file.customers {
        let before = tx.maybe(query(CUSTOMER).bind(customer.email.as_str())).await?;
        let id = match &before {
            Some(row) => CustomerId(row.get("id")?),
            None => CustomerId(Uuid::now_v7()),
        };
        changes.extend(customer_change(tx, customer, id, before.as_ref(), author, now, dry_run).await?);
        if !dry_run {
            verify(tx, id, customer, author, now).await?;
        }
        for site in &customer.sites {
            changes.extend(site_change(tx, site, id, author, now, dry_run).await?);
        }
    }
    if !dry_run && !changes.is_empty() {
        next_epoch(tx).await?;
    }
    Ok(Difference { dry_run, changes })
}

/// Whom the operator writes into a file needs no proof.
async fn verify(
    tx: &mut Tx,
    id: CustomerId,
    customer: &CustomerSettings,
    author: &str,
    now: Ts,
) -> Result<()> {
    let of_site = |site: &'_ SiteSettings| {
        let offices = site.body.offices.iter().flat_map(|office| office.managers.clone());
        site.body.managers.iter().cloned().chain(offices).collect::<Vec<_>>()
    };
    let all = customer.managers.iter().cloned().chain(customer.sites.iter().flat_map(of_site));
    for manager in all {
        if let Address::Phone(number) = manager.telephone.address {
            phones::set_verified(tx, id, number, author, now).await?;
        }
    }
    Ok(())
}

/// The published version of the site with this key.
pub(super) async fn by_key(db: &Db, key: &SiteKey) -> Result<Option<PublishedSite>> {
    let Some(row) = db.maybe(query(BY_KEY).bind(key.as_str())).await? else { return Ok(None) };
    Ok(Some(published(db, &row).await?))
}

/// The site of an order, in the version that it was admitted by.
pub(super) async fn of(db: &Db, order: &OrderFacts) -> Result<PublishedSite> {
    let row = db.one(query(OF_ORDER).bind(order.site.0).bind(order.settings_version)).await?;
    Ok(published(db, &row).await?)
}

async fn published(db: &Db, row: &Row) -> sqlx::Result<PublishedSite> {
    let customer: Uuid = row.get("customer_id")?;
    let verified = db.all(query(VERIFIED).bind(customer)).await?;
    let mut body: Site = row.json("body")?;
    if !body.own_managers {
        body.managers = row.json("managers")?;
    }
    Ok(PublishedSite {
        id: SiteId(row.get("id")?),
        key: row.parsed("key")?,
        version: row.number("version")?,
        body,
        customer: Customer {
            id: CustomerId(customer),
            verified: verified.iter().map(|row| row.parsed("phone")).collect::<sqlx::Result<_>>()?,
            name: row.get("name")?,
            country: row.parsed("country")?,
            time_zone: row.get("time_zone")?,
            max_calls: row.number("max_calls")?,
            sites: row.number("sites")?,
            blacklist: row.json("blacklist")?,
        },
    })
}

/// A version of a site, published once.
pub(super) async fn version(db: &Db, site: SiteId, version: u32) -> Result<Option<Site>> {
    let row = db.maybe(query(VERSION).bind(site.0).bind(version)).await?;
    Ok(row.map(|row| row.json("body")).transpose()?)
}

/// Lets every process know that settings changed.
pub(super) async fn next_epoch(tx: &mut Tx) -> Result<()> {
    tx.run(query(NEXT_EPOCH)).await?;
    Ok(())
}

/// A number that grows with every change of settings.
pub(super) async fn epoch(db: &Db) -> Result<u64> {
    Ok(db.one(query(EPOCH)).await?.number("value")?)
}

/// A key is one customer's: nobody takes another's site over by naming it.
async fn refuse_strangers_key(tx: &mut Tx, customer: CustomerId, key: &SiteKey) -> Result<()> {
    let Some(row) = tx.maybe(query(SITE).bind(key.as_str())).await? else { return Ok(()) };
    if row.get::<Uuid>("customer_id")? == customer.0 {
        return Ok(());
    }
    Err(Error::Settings(format!("site \"{key}\": the key is taken by another customer; choose another key")))
}

async fn customer_change(
    tx: &mut Tx,
    customer: &CustomerSettings,
    id: CustomerId,
    before: Option<&Row>,
    author: &str,
    now: Ts,
    dry_run: bool,
) -> Result<Option<Change>> {
    let told = |company: &CompanySettings, max_calls: u32| {
        json!({
            "name": company.name,
            "country": company.country,
            "time_zone": company.time_zone,
            "max_calls": max_calls,
            "language": language_name(company.language),
            "blacklist": company.blacklist,
            "managers": company.managers,
            "missed_emails": company.missed_emails,
            "missed_digest": company.missed_digest,
        })
    };
    let company = customer.company();
    let after = told(&company, customer.max_calls);
    let known = before.map(company_settings).transpose()?;
    let stored = match (&known, before) {
        (Some(known), Some(row)) => told(known, row.number("max_calls")?),
        _ => Value::Null,
    };
    if stored == after {
        return Ok(None);
    }
    if !dry_run {
        let text = if before.is_some() { CHANGE_CUSTOMER } else { CREATE_CUSTOMER };
        let number = match before {
            Some(_) => None,
            None => Some(companies::draw_customer_number(tx).await?.0),
        };
        let write = query(text)
            .bind(id.0)
            .bind(customer.name.as_str())
            .bind(customer.country.to_string())
            .bind(customer.time_zone.as_str())
            .bind(customer.max_calls)
            .bind(Json::of(&customer.blacklist)?)
            .bind(language_name(customer.language))
            .bind(Json::of(&customer.managers)?)
            .bind(Json::of(&customer.missed_emails)?)
            .bind(u32::from(customer.missed_digest));
        let write = match number {
            None => write,
            Some(number) => write.bind(customer.email.as_str()).bind(now).bind(number),
        };
        tx.run(write).await?;
        if known.as_ref() != Some(&company) {
            let published = company_draft(&company);
            tx.run(query(NEXT_VERSION).bind(id.0)).await?;
            let keep = query(KEEP_VERSION).bind(id.0).bind(author).bind(now).bind(Json::of(&published)?);
            tx.run(keep).await?;
            if let Some(known) = known {
                drafts::rebase(tx, Owner::Customer(id), &company_draft(&known), &published, author, now)
                    .await?;
            }
        }
    }
    Ok(Some(Change {
        kind: "customer",
        name: customer.email.clone(),
        version: None,
        created: before.is_none(),
        fields: fields(&stored, &after),
    }))
}

async fn site_change(
    tx: &mut Tx,
    site: &SiteSettings,
    customer: CustomerId,
    author: &str,
    now: Ts,
    dry_run: bool,
) -> Result<Option<Change>> {
    let before = tx.maybe(query(SITE).bind(site.key.as_str())).await?;
    let (version, stored) = match &before {
        None => (1, Value::Null),
        Some(row) => {
            (row.number::<u32>("version")?.saturating_add(1), row.maybe_json("body")?.unwrap_or(Value::Null))
        }
    };
    // Compared as they are read: a version written by an older program may spell the same settings otherwise.
    let known = serde_json::from_value::<Site>(stored.clone()).ok();
    if known.as_ref() == Some(&site.body) {
        return Ok(None);
    }
    let id = SiteId::of(&site.key);
    if !dry_run {
        let place = query(if before.is_some() { CHANGE_SITE } else { CREATE_SITE })
            .bind(id.0)
            .bind(&*site.body.name)
            .bind(site.body.origin.as_str())
            .bind(version)
            .bind(u32::try_from(site.body.managers.len().max(1)).unwrap_or(u32::MAX));
        let place = match before {
            Some(_) => place,
            None => place.bind(customer.0).bind(site.key.as_str()).bind(now),
        };
        tx.run(place).await?;
        let published =
            query(PUBLISH).bind(id.0).bind(version).bind(author).bind(now).bind(Json::of(&site.body)?);
        tx.run(published).await?;
        if let Some(known) = known {
            drafts::rebase(tx, Owner::Site(id), &site_draft(&known), &site_draft(&site.body), author, now)
                .await?;
        }
    }
    Ok(Some(Change {
        kind: "site",
        name: site.key.to_string(),
        version: Some(version),
        created: version == 1,
        fields: fields(&stored, &serde_json::to_value(&site.body)?),
    }))
}

/// The columns of a site `s`, its version `v` and its customer `c`.
macro_rules! site_columns {
    () => {
        "s.id, s.key, v.version, v.body, c.id AS customer_id, c.name, c.country, c.time_zone, c.max_calls, \
         c.blacklist, c.managers, (SELECT COUNT(*) FROM sites o WHERE o.customer_id = c.id AND o.archived_at IS NULL) AS sites"
    };
}

statements! {
    HOLD_EPOCH = "SELECT value FROM counters WHERE name = 'settings_epoch' FOR UPDATE";
    NEXT_EPOCH = "UPDATE counters SET value = value + 1 WHERE name = 'settings_epoch'";
    EPOCH = "SELECT value FROM counters WHERE name = 'settings_epoch'";
    CUSTOMER = "SELECT id, name, country, time_zone, max_calls, blacklist, language, managers, missed_emails,
        missed_digest FROM customers WHERE email = $1";
    CREATE_CUSTOMER = "INSERT INTO customers (id, name, country, time_zone, max_calls, blacklist, language,
        managers, missed_emails, missed_digest, email, created_at, number)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    CHANGE_CUSTOMER = "UPDATE customers SET name = $2, country = $3, time_zone = $4, max_calls = $5, blacklist = $6,
        language = $7, managers = $8, missed_emails = $9, missed_digest = $10 WHERE id = $1";
    NEXT_VERSION = "UPDATE customers SET version = version + 1 WHERE id = $1";
    KEEP_VERSION = "INSERT INTO customer_versions (customer_id, version, author, published_at, body)
        VALUES ($1, (SELECT version FROM customers WHERE id = $1), $2, $3, $4)";
    VERIFIED = "SELECT phone FROM verified_phones WHERE customer_id = $1";
    SITE = "SELECT s.customer_id, s.version, v.body FROM sites s
        LEFT JOIN site_versions v ON v.site_id = s.id AND v.version = s.version WHERE s.key = $1";
    CREATE_SITE = "INSERT INTO sites (id, name, origin, version, managers, customer_id, key, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    CHANGE_SITE = "UPDATE sites SET name = $2, origin = $3, version = $4, managers = $5 WHERE id = $1";
    PUBLISH = "INSERT INTO site_versions (site_id, version, author, published_at, body)
        VALUES ($1, $2, $3, $4, $5)";
    BY_KEY = concat!("SELECT ", site_columns!(), " FROM sites s JOIN customers c ON c.id = s.customer_id
        JOIN site_versions v ON v.site_id = s.id AND v.version = s.version
        WHERE s.key = $1 AND s.archived_at IS NULL");
    OF_ORDER = concat!("SELECT ", site_columns!(), " FROM sites s JOIN customers c ON c.id = s.customer_id
        JOIN site_versions v ON v.site_id = s.id
        WHERE s.id = $1 AND v.version = $2");
    VERSION = "SELECT body FROM site_versions WHERE site_id = $1 AND version = $2";
}
