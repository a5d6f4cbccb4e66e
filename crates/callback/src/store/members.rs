//! Who belongs to a customer, and as what: one user may belong to several.

use super::db::{Row, Tx, query};
use super::types::Json;
use super::words::Telephones;
use super::{Result, Store, audit, statements};
use crate::account::{CustomerNumber, Role};
use crate::ids::CustomerId;
use callback_core::time::Ts;
use uuid::Uuid;

/// A user's part at a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// The customer.
    pub customer: CustomerId,
    /// Its number.
    pub number: CustomerNumber,
    /// Its name.
    pub company: String,
    /// The part.
    pub role: Role,
    /// Where he answers.
    pub telephones: Telephones,
}

/// A user of a customer, as the others see him.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Him.
    pub user: Uuid,
    /// How he is called.
    pub name: String,
    /// His address.
    pub email: String,
    /// His part.
    pub role: Role,
    /// Since when.
    pub since: Ts,
    /// Whether he has a second factor.
    pub totp: bool,
    /// Where he answers.
    pub telephones: Telephones,
}

/// What came of changing somebody's part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Done.
    Done,
    /// There is no such member.
    Nobody,
    /// Somebody must stay the owner.
    LastOwner,
}

/// Somebody belongs to a customer from now on; who does already stays what he is.
pub(super) async fn join(tx: &mut Tx, customer: CustomerId, user: Uuid, role: Role, now: Ts) -> Result<()> {
    tx.run(query(JOIN).bind(customer.0).bind(user).bind(role.as_str()).bind(now)).await?;
    Ok(())
}

async fn owners(tx: &mut Tx, customer: CustomerId) -> Result<Vec<Uuid>> {
    // All members stand in line at the customer's row, so that two owners cannot go at the same time.
    tx.maybe(query(HOLD_CUSTOMER).bind(customer.0)).await?;
    let rows = tx.all(query(OWNERS).bind(customer.0)).await?;
    Ok(rows.iter().map(|row| row.get("user_id")).collect::<sqlx::Result<_>>()?)
}

impl Store {
    /// Where a user belongs, by the companies' names.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn memberships(&self, user: Uuid) -> Result<Vec<Membership>> {
        let rows = self.db.all(query(MEMBERSHIPS).bind(user)).await?;
        let membership = |row: &Row| {
            Ok(Membership {
                customer: CustomerId(row.get("customer_id")?),
                number: CustomerNumber(row.number("number")?),
                company: row.get("company")?,
                role: row.parsed("role")?,
                telephones: row.json("telephones")?,
            })
        };
        Ok(rows.iter().map(membership).collect::<sqlx::Result<_>>()?)
    }

    /// Who belongs to a customer, owners first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn members(&self, customer: CustomerId) -> Result<Vec<Member>> {
        let rows = self.db.all(query(MEMBERS).bind(customer.0)).await?;
        let member = |row: &Row| {
            Ok(Member {
                user: row.get("id")?,
                name: row.get("name")?,
                email: row.get("email")?,
                role: row.parsed("role")?,
                since: row.time("since")?,
                totp: row.get::<Option<String>>("totp_secret")?.is_some(),
                telephones: row.json("telephones")?,
            })
        };
        Ok(rows.iter().map(member).collect::<sqlx::Result<_>>()?)
    }

    /// Gives a member another part, or none. An owner stays.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn change_member(
        &self,
        customer: CustomerId,
        member: Uuid,
        role: Option<Role>,
        entry: audit::Entry,
    ) -> Result<Change> {
        self.deed((customer, member, role, entry), |tx, (customer, member, role, entry)| {
            Box::pin(async move {
                let owners = owners(tx, *customer).await?;
                let last = owners.as_slice() == [*member] && *role != Some(Role::Owner);
                if last {
                    return Ok(Change::LastOwner);
                }
                let write = match role {
                    Some(role) => query(CHANGE_ROLE).bind(customer.0).bind(*member).bind(role.as_str()),
                    None => query(LEAVE).bind(customer.0).bind(*member),
                };
                if tx.run(write).await? == 0 {
                    return Ok(Change::Nobody);
                }
                audit::write(tx, *customer, entry).await?;
                Ok(Change::Done)
            })
        })
        .await
    }

    /// Says where a member answers: the calls that ring there are his own. False where he is no member.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn tie(
        &self,
        customer: CustomerId,
        member: Uuid,
        telephones: Telephones,
        entry: audit::Entry,
    ) -> Result<bool> {
        self.deed((customer, member, telephones, entry), |tx, (customer, member, telephones, entry)| {
            Box::pin(async move {
                let write = query(TELEPHONES).bind(customer.0).bind(*member).bind(Json::of(telephones)?);
                if tx.run(write).await? == 0 {
                    return Ok(false);
                }
                audit::write(tx, *customer, entry).await?;
                Ok(true)
            })
        })
        .await
    }
}

statements! {
    JOIN = "INSERT INTO memberships (customer_id, user_id, role, since) VALUES ($1, $2, $3, $4)
        ON CONFLICT (customer_id, user_id) DO NOTHING";
    MEMBERSHIPS = "SELECT m.customer_id, m.role, m.telephones, c.number, c.name AS company FROM memberships m
        JOIN customers c ON c.id = m.customer_id WHERE m.user_id = $1 ORDER BY c.name, c.number";
    MEMBERS = "SELECT u.id, u.name, u.email, u.totp_secret, m.role, m.since, m.telephones FROM memberships m
        JOIN users u ON u.id = m.user_id WHERE m.customer_id = $1 ORDER BY m.since, u.id";
    HOLD_CUSTOMER = "SELECT id FROM customers WHERE id = $1 FOR UPDATE";
    OWNERS = "SELECT user_id FROM memberships WHERE customer_id = $1 AND role = 'owner'";
    CHANGE_ROLE = "UPDATE memberships SET role = $3 WHERE customer_id = $1 AND user_id = $2";
    TELEPHONES = "UPDATE memberships SET telephones = $3 WHERE customer_id = $1 AND user_id = $2";
    LEAVE = "DELETE FROM memberships WHERE customer_id = $1 AND user_id = $2";
}
