//! What was wrong with the widget on sites' pages, and when that was seen last. Whether it is still wrong is told by what
//! was seen of the site since (`signs`).

use super::db::{Row, query};
use super::signs::Sign;
use super::{Result, Store, statements};
use crate::ids::SiteId;
use callback_core::time::Ts;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Pages that are loaded for so long without a fault have it no more.
const HEALED: Duration = Duration::from_secs(600);

/// What is wrong with a widget on a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FaultKind {
    /// The line is there twice.
    Twice,
    /// The page came without TLS.
    Http,
    /// The page's host is not as it is written in the settings: with `www`, or without.
    Address,
    /// The page's policy (CSP) forbids the dialog, or who watches.
    Script,
    /// It forbids to ask the service.
    Connect,
    /// It forbids something else of the service's.
    Policy,
}

/// A text that is no kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a fault is twice, http, address, script, connect or policy")]
pub struct NotAFault;

impl FaultKind {
    const ALL: [Self; 6] =
        [Self::Twice, Self::Http, Self::Address, Self::Script, Self::Connect, Self::Policy];

    /// By the directive of a policy that forbade something (CSP level 3, §6).
    #[must_use]
    pub fn of_directive(directive: &str) -> Self {
        match directive {
            "connect-src" => Self::Connect,
            _ if directive.starts_with("script-src") => Self::Script,
            _ => Self::Policy,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twice => "twice",
            Self::Http => "http",
            Self::Address => "address",
            Self::Script => "script",
            Self::Connect => "connect",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FaultKind {
    type Err = NotAFault;

    fn from_str(text: &str) -> std::result::Result<Self, NotAFault> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(NotAFault)
    }
}

/// A fault, as it was seen last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// When.
    pub at: Ts,
    /// The site's own host as the page has it, or a policy's directive.
    pub detail: Option<String>,
}

impl Fault {
    /// Whether what was seen of the site since says that it is gone.
    fn is_gone(&self, sign: &Sign) -> bool {
        match self.kind {
            // A dialog that told something could ask.
            FaultKind::Connect => sign.told_at.is_some_and(|told| told > self.at),
            FaultKind::Twice
            | FaultKind::Http
            | FaultKind::Address
            | FaultKind::Script
            | FaultKind::Policy => sign.seen_at.is_some_and(|seen| seen > self.at + HEALED),
        }
    }
}

impl Store {
    /// Keeps what was seen to be wrong.
    ///
    /// # Errors
    /// The database is away.
    pub async fn keep_faults(&self, faults: Vec<(SiteId, Fault)>) -> Result<()> {
        self.deed(faults, |tx, faults| {
            Box::pin(async move {
                for (site, Fault { kind, at, detail }) in faults {
                    let keep = query(KEEP).bind(site.0).bind(kind.as_str()).bind(*at);
                    tx.run(keep.bind(detail.as_deref())).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What is wrong with a site's widget, as far as what was seen since does not say that it is gone; the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn faults(&self, site: SiteId, sign: &Sign) -> Result<Vec<Fault>> {
        let fault = |row: &Row| {
            Ok(Fault { kind: row.parsed("kind")?, at: row.time("at")?, detail: row.get("detail")? })
        };
        let rows = self.db.all(query(FAULTS).bind(site.0)).await?;
        let faults = rows.iter().map(fault).collect::<sqlx::Result<Vec<Fault>>>()?;
        Ok(faults.into_iter().filter(|fault| !fault.is_gone(sign)).collect())
    }
}

statements! {
    KEEP = "INSERT INTO faults (site_id, kind, at, detail) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id, kind) DO UPDATE SET at = excluded.at, detail = excluded.detail";
    FAULTS = "SELECT kind, at, detail FROM faults WHERE site_id = $1 ORDER BY at DESC, kind";
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, HEALED, Sign};
    use callback_core::time::Ts;
    use std::time::Duration;

    #[test]
    fn a_fault_is_gone_when_pages_are_loaded_without_it() {
        let at = Ts(1_800_000_000_000_000);
        let second = Duration::from_secs(1);
        let fault = |kind| Fault { kind, at, detail: None };
        let seen = |seen_at| Sign { seen_at: Some(seen_at), ..Sign::default() };
        let told = |told_at| Sign { told_at: Some(told_at), seen_at: Some(told_at), ..Sign::default() };
        let twice = fault(FaultKind::Twice);
        assert!(!twice.is_gone(&Sign::default()));
        assert!(!twice.is_gone(&seen(at + HEALED)), "the page that had it is loaded before it tells so");
        assert!(twice.is_gone(&seen(at + HEALED + second)));
        let connect = fault(FaultKind::Connect);
        assert!(!connect.is_gone(&seen(at + HEALED + second)), "a page that is loaded has asked nothing yet");
        assert!(connect.is_gone(&told(at + second)));
    }
}
