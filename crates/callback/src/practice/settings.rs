//! What the page lets one choose, as a settings file: it goes the way of `callback apply`, so that a practice order
//! follows published settings like any other. It reads and writes the site `practice`, and no other.

use super::numbers::{self, Number};
use crate::ids::SiteKey;
use crate::settings::SettingsFile;
use crate::store::{Error, PublishedSite, Store};
use anyhow::{Context as _, Result};
use callback_core::plan::{Address, Mode, RingStrategy};
use callback_core::site::{Announce, Origin};
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The key of the practice site.
pub const KEY: &str = "practice";
/// Who is written down as the author of its versions.
const AUTHOR: &str = "practice page";

/// What one chooses.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// Practice numbers of managers, in their order.
    pub(super) managers: Vec<String>,
    /// Who is dialled first.
    pub(super) mode: Mode,
    /// How managers are sought.
    pub(super) strategy: RingStrategy,
    /// Between the two calls.
    pub(super) delay_to_visitor_s: u32,
    /// Whether managers hear for which site the call is.
    pub(super) announce: bool,
}

/// What is published.
#[derive(Serialize, Debug)]
pub(super) struct Published {
    pub(super) version: u32,
    promise_seconds: u32,
    #[serde(flatten)]
    pub(super) choice: Choice,
}

impl Default for Choice {
    fn default() -> Self {
        let managers = ["+74955550117", "+74955550102"].map(str::to_owned).to_vec();
        Self {
            managers,
            mode: Mode::Together,
            strategy: RingStrategy::Linear,
            delay_to_visitor_s: 0,
            announce: true,
        }
    }
}

impl From<&PublishedSite> for Published {
    fn from(site: &PublishedSite) -> Self {
        let body = &site.body;
        let managers = body.managers.iter().map(|manager| match &manager.telephone.address {
            Address::Phone(number) => number.to_string(),
            Address::Sip(uri) => uri.to_string(),
        });
        Self {
            version: site.version,
            promise_seconds: body.promise_seconds,
            choice: Choice {
                managers: managers.collect(),
                mode: body.mode,
                strategy: body.strategy,
                delay_to_visitor_s: body.delay_to_visitor_s,
                announce: body.announce != Announce::Never,
            },
        }
    }
}

impl Choice {
    /// The settings file that says the same.
    ///
    /// # Errors
    /// A manager that is no practice number, none or one twice; in words.
    pub(super) fn file(&self, origin: &Origin) -> Result<SettingsFile, String> {
        if self.managers.is_empty() {
            return Err("choose at least one manager".to_owned());
        }
        let known =
            |number: &String| numbers::manager(number).ok_or(format!("{number} is no practice number"));
        let managers = self.managers.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let file = json!({ "customer": [{
            "name": "Практика",
            "email": "practice@callback.example",
            "max_calls": 20,
            "site": [{
                "key": KEY,
                "name": "Практика",
                "url": origin.as_str(),
                "language": "ru",
                "mode": self.mode,
                "strategy": self.strategy,
                "delay_to_visitor_s": self.delay_to_visitor_s,
                "announce": if self.announce { "always" } else { "never" },
                // A practice call is to be over soon: nobody looks on for two minutes.
                "ring_timeout_s": 12,
                "visitor_ring_timeout_s": 20,
                "total_time_s": 60,
                "max_talk_s": 120,
                "manager": managers.into_iter().map(Written::from).collect::<Vec<_>>(),
            }],
        }]});
        let text = toml::to_string(&file).map_err(|error| error.to_string())?;
        SettingsFile::parse(&text).map_err(|problems| problems.to_string())
    }

    /// Publishes it, where it is not what is published already.
    ///
    /// # Errors
    /// [`Error::Settings`] in words, or the store's own.
    pub(super) async fn publish(&self, store: &Store, origin: &Origin, now: Ts) -> Result<Published, Error> {
        let file = self.file(origin).map_err(Error::Settings)?;
        store.apply(Arc::new(file), AUTHOR, now, false).await?;
        let site = published(store).await?;
        site.as_deref().map(Published::from).ok_or(Error::Closed)
    }
}

/// The practice site, as it is published.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn published(store: &Store) -> Result<Option<Arc<PublishedSite>>, Error> {
    match KEY.parse::<SiteKey>() {
        Ok(key) => store.site_by_key(&key).await,
        Err(_) => Ok(None),
    }
}

/// Makes sure that there is a practice site at this address; where there is, all that was published of it stays.
///
/// # Errors
/// It cannot be stored.
pub async fn open_site(store: &Store, origin: &Origin, now: Ts) -> Result<()> {
    let before = published(store).await?;
    let is_here = |site: &PublishedSite| {
        site.body.origin == *origin && Published::from(site).choice.file(origin).is_ok()
    };
    if before.as_deref().is_some_and(is_here) {
        return Ok(());
    }
    let before = before.map(|site| Published::from(&*site).choice);
    let kept = before.filter(|choice| choice.file(origin).is_ok()).unwrap_or_default();
    kept.publish(store, origin, now).await.context("the practice site cannot be published")?;
    Ok(())
}

/// A manager, as settings.toml has them.
#[derive(Serialize)]
struct Written {
    name: &'static str,
    address: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_key: Option<bool>,
}

impl From<&'static Number> for Written {
    fn from(manager: &'static Number) -> Self {
        Self {
            name: manager.name.map_or(manager.number, |name| name.ru),
            address: manager.number,
            extension: manager.extension,
            accept_key: manager.accept_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Published, open_site, published};
    use crate::store::Store;
    use callback_core::plan::{AcceptKey, Mode, RingStrategy};
    use callback_core::site::{Announce, Origin};
    use callback_core::time::Ts;
    use std::sync::Arc;

    fn origin() -> Origin {
        Origin::parse("http://127.0.0.1:8080").unwrap()
    }

    fn choice(managers: &[&str]) -> Choice {
        Choice { managers: managers.iter().map(|number| (*number).to_owned()).collect(), ..Choice::default() }
    }

    #[test]
    fn a_choice_is_a_settings_file() {
        let chosen = Choice {
            mode: Mode::ManagerFirst,
            strategy: RingStrategy::All,
            delay_to_visitor_s: 5,
            announce: false,
            ..choice(&["+74955550112", "+74955550102"])
        };
        let file = chosen.file(&origin()).unwrap();
        let site = &file.customers[0].sites[0].body;
        assert_eq!(
            (site.mode, site.strategy, site.announce),
            (chosen.mode, chosen.strategy, Announce::Never)
        );
        assert_eq!((&*site.name, site.delay_to_visitor_s), ("Практика", 5));
        let managers: Vec<_> =
            site.managers.iter().map(|manager| (&*manager.name, manager.accept_key)).collect();
        assert_eq!(managers, [("Дмитрий", AcceptKey::Auto), ("Анна", AcceptKey::No)]);
        assert!(site.managers[0].telephone.extension.is_some());
    }

    #[test]
    fn what_cannot_be_chosen_is_said_in_words() {
        let check = |choice: Choice, why: &str| {
            let refused = choice.file(&origin()).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        };
        check(choice(&[]), "choose at least one manager");
        check(choice(&["+74951234567"]), "+74951234567 is no practice number");
        check(choice(&["+74955550102", "+74955550102"]), "the same telephone");
        check(Choice { delay_to_visitor_s: 61, ..Choice::default() }, "write a number from 0 to 60");
    }

    #[tokio::test]
    async fn what_was_chosen_stays_when_the_service_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/callback.db", folder.path().display())).await.unwrap();
        open_site(&store, &origin(), Ts(1)).await.unwrap();
        let chosen = choice(&["+74955550118", "+74955550101"]);
        assert_eq!(chosen.publish(&store, &origin(), Ts(2)).await.unwrap().version, 2);
        open_site(&store, &origin(), Ts(3)).await.unwrap();
        let site = published(&store).await.unwrap().unwrap();
        assert_eq!((site.version, &Published::from(&*site).choice), (2, &chosen));
        // What an owner published in the cabinet is his.
        let mut file = chosen.file(&origin()).unwrap();
        file.customers[0].sites[0].body.quiet_days = 3;
        store.apply(Arc::new(file), "an owner", Ts(4), false).await.unwrap();
        open_site(&store, &origin(), Ts(5)).await.unwrap();
        let site = published(&store).await.unwrap().unwrap();
        assert_eq!((site.version, site.body.quiet_days), (3, 3));
        let moved = Origin::parse("http://127.0.0.1:9000").unwrap();
        open_site(&store, &moved, Ts(6)).await.unwrap();
        let site = published(&store).await.unwrap().unwrap();
        assert_eq!((site.version, site.body.origin.clone()), (4, moved));
    }
}
