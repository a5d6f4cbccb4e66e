//! How often something may be guessed at: a count of tries that were not forgiven, and a pause that grows with it. It
//! is kept here so that all nodes count together, and a new start forgets nothing.

use super::db::{Tx, query};
use super::{Result, Store, statements};
use callback_core::time::Ts;
use std::time::Duration;

/// The first pause; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Whoever does not try for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3_600);

/// Something that is guessed at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guessed {
    /// What: `login:` and an account, perhaps with a network; `login-from:` and a network.
    pub name: String,
    /// So many tries are free.
    pub free: u32,
}

/// Whether a try may be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Try {
    /// It may; so many are left after it before there is a pause.
    Made {
        /// Tries that are left.
        left: u32,
    },
    /// It may not before then.
    Paused {
        /// When the next one may be made.
        until: Ts,
    },
}

/// Makes a try at all of these, before it is known what comes of it; where one is paused, at none.
pub(super) async fn make(tx: &mut Tx, guessed: &[Guessed], now: Ts) -> Result<Try> {
    let mut sorted: Vec<&Guessed> = guessed.iter().collect();
    sorted.sort_by(|one, two| one.name.cmp(&two.name));
    let mut left = u32::MAX;
    let mut writes = Vec::new();
    for one in sorted {
        tx.run(query(BEGIN).bind(one.name.as_str()).bind(now)).await?;
        let row = tx.maybe(query(HOLD).bind(one.name.as_str())).await?;
        let Some(row) = row else { continue };
        let until = row.time("until")?;
        if until > now {
            return Ok(Try::Paused { until });
        }
        let forgotten = row.time("at")? < now - FORGOTTEN;
        let tries = if forgotten { 0 } else { row.number::<u32>("tries")? }.saturating_add(1);
        let pauses = tries.checked_sub(one.free);
        let until = pauses.map_or(now, |pauses| {
            now + FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(pauses.min(16))).min(LONGEST_PAUSE)
        });
        left = left.min(one.free.saturating_sub(tries));
        writes.push(query(SET).bind(one.name.as_str()).bind(tries).bind(now).bind(until));
    }
    for write in writes {
        tx.run(write).await?;
    }
    tx.run(query(FORGET).bind(now - FORGOTTEN)).await?;
    Ok(Try::Made { left })
}

/// Forgets the tries at something: it was guessed right.
async fn forgive(tx: &mut Tx, name: &str) -> Result<()> {
    tx.run(query(FORGIVE).bind(name)).await?;
    Ok(())
}

/// Gives one try back: it was none at guessing.
pub(super) async fn give_back(tx: &mut Tx, name: &str) -> Result<()> {
    tx.run(query(GIVE_BACK).bind(name)).await?;
    Ok(())
}

impl Store {
    /// Forgets the tries at these, and gives one of a network back: it was guessed right.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn guessed_right(&self, accounts: Vec<String>, network: String) -> Result<()> {
        self.deed((accounts, network), |tx, (accounts, network)| {
            Box::pin(async move {
                for account in accounts {
                    forgive(tx, account).await?;
                }
                give_back(tx, network).await
            })
        })
        .await
    }

    /// Makes a try at all of these, before it is known what comes of it; where one is paused, at none.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn try_at(&self, guessed: Vec<Guessed>, now: Ts) -> Result<Try> {
        self.deed((guessed, now), |tx, (guessed, now)| Box::pin(make(tx, guessed, *now))).await
    }
}

statements! {
    BEGIN = "INSERT INTO throttles (name, tries, at, until) VALUES ($1, 0, $2, $2) ON CONFLICT (name) DO NOTHING";
    HOLD = "SELECT tries, at, until FROM throttles WHERE name = $1 FOR UPDATE";
    SET = "UPDATE throttles SET tries = $2, at = $3, until = $4 WHERE name = $1";
    GIVE_BACK = "UPDATE throttles SET tries = tries - 1 WHERE name = $1 AND tries > 0";
    FORGIVE = "DELETE FROM throttles WHERE name = $1";
    FORGET = "DELETE FROM throttles WHERE at < $1";
}
