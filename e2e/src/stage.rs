//! The stage: who is where, and what everybody is called.

use crate::browser::Browser;
use crate::far_end::FarEnd;
use crate::program::run_folder;
use crate::provider::Provider;
use crate::service::{Service, Setup};
use crate::telephone::{Answers, MANAGER_HZ, Telephone, VISITOR_HZ};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Stages that stand at once: telephones are real, and late where the machine is busy.
const AT_ONCE: usize = 2;

/// Who can be called: his number, and the last byte of his address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Person(&'static str, u8);

impl Person {
    /// His number.
    #[must_use]
    pub const fn number(self) -> &'static str {
        self.0
    }
}

/// A manager.
pub const ANNA: Person = Person("+74951234501", 21);
/// A manager.
pub const BORIS: Person = Person("+74951234502", 22);
/// A manager.
pub const VERA: Person = Person("+74951234503", 23);
/// Who ordered.
pub const VISITOR: Person = Person("+79161234567", 31);

/// The service's last byte, and the providers'.
pub(crate) const SERVICE: u8 = 50;
pub(crate) const PROVIDER: u8 = 10;
const SECOND_PROVIDER: u8 = 11;

/// A net of its own, with a provider and a service on it.
#[derive(Debug)]
pub struct Stage {
    /// The service.
    pub service: Service,
    /// The first provider.
    pub provider: Provider,
    /// The second, where there are two.
    pub second: Option<Provider>,
    net: u8,
    folder: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Stage {
    /// A service with one site, set up with these lines, and a provider.
    pub async fn new(site: &str) -> Self {
        Self::with(site, false).await
    }

    /// The same with two providers; the first is preferred.
    pub async fn with_two_providers(site: &str) -> Self {
        Self::with(site, true).await
    }

    async fn with(site: &str, two: bool) -> Self {
        static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);
        let place = PLACES.acquire().await.expect("a place");
        let net = next_net();
        let folder = tempfile::tempdir_in(run_folder()).expect("a folder");
        let numbers = [ANNA, BORIS, VERA, VISITOR].map(|Person(number, place)| (number, address(net, place)));
        let provider = Provider::start(folder.path(), address(net, PROVIDER), &numbers).await;
        let mut trunks = vec![address(net, PROVIDER)];
        let mut second = None;
        if two {
            trunks.push(address(net, SECOND_PROVIDER));
            second = Some(Provider::start(folder.path(), address(net, SECOND_PROVIDER), &numbers).await);
        }
        let service = Service::start(&Setup::new(folder.path(), address(net, SERVICE), &trunks, site)).await;
        Self { service, provider, second, net, folder, _place: place }
    }

    /// A manager's real telephone.
    pub async fn manager(&self, person: Person, answers: Answers) -> Telephone {
        Telephone::start(self.folder.path(), address(self.net, person.1), MANAGER_HZ, answers).await
    }

    /// The visitor's real telephone.
    pub async fn visitor(&self, answers: Answers) -> Telephone {
        Telephone::start(self.folder.path(), address(self.net, VISITOR.1), VISITOR_HZ, answers).await
    }

    /// An odd far end in place of somebody's telephone.
    pub async fn far_end(&self, person: Person, scenario: &str) -> FarEnd {
        self.far_end_for(person, scenario, 1).await
    }

    /// The same for several calls.
    pub async fn far_end_for(&self, person: Person, scenario: &str, calls: u32) -> FarEnd {
        FarEnd::start(self.folder.path(), address(self.net, person.1), scenario, calls).await
    }

    /// Orders a callback to the visitor.
    pub async fn order(&self) -> Browser {
        Browser::order(self.service.url(), VISITOR.0).await
    }

    /// How many calls to somebody the providers were asked for.
    #[must_use]
    pub fn dials(&self, person: Person) -> usize {
        self.provider.dials(person.0) + self.second.as_ref().map_or(0, |second| second.dials(person.0))
    }

    /// Waits until the call is over on all accounts: what the browser, the record and the replay say agrees, and no leg
    /// is left. The record as `callback explain --json` has it.
    ///
    /// # Panics
    /// When they do not agree.
    pub async fn ends(&mut self, browser: &mut Browser, disposition: &str, reason: Option<&str>) -> Value {
        let last = browser.sees("ended").await;
        assert_eq!((last["disposition"].as_str(), last["reason"].as_str()), (Some(disposition), reason));
        let told = self.service.explains_the_end(browser.id()).await;
        assert_eq!((told["disposition"].as_str(), told["reason"].as_str()), (Some(disposition), reason));
        for lane in told["lanes"].as_array().expect("lanes") {
            assert!(!lane["over_ms"].is_null(), "a leg is left: {lane:#}");
        }
        told
    }
}

/// Addresses that nobody of this run has: a service's, and its provider's.
#[must_use]
pub fn addresses() -> (Ipv4Addr, Ipv4Addr) {
    let net = next_net();
    (address(net, SERVICE), address(net, PROVIDER))
}

/// A net that nobody of this run has; after 256 they come again.
pub(crate) fn next_net() -> u8 {
    static NETS: AtomicU8 = AtomicU8::new(1);
    NETS.fetch_add(1, Ordering::Relaxed)
}

/// A stage's net is told from those of other runs by the process.
pub(crate) fn address(net: u8, place: u8) -> Ipv4Addr {
    let run = u8::try_from(std::process::id() % 120).unwrap_or_default();
    Ipv4Addr::new(127, 100 + run, net, place)
}

/// The lines of these managers in the settings; none has to press a key.
#[must_use]
pub fn managers(persons: &[Person]) -> String {
    let each = |Person(number, _): &Person| {
        format!(
            "[[customer.site.manager]]\nname = \"M{number}\"\naddress = \"{number}\"\naccept_key = false\n"
        )
    };
    persons.iter().map(each).collect()
}

/// What became of the managers' legs, in the order of their dials, as `callback explain --json` has it.
///
/// # Panics
/// When it tells no legs.
#[must_use]
pub fn outcomes(told: &Value) -> Vec<&str> {
    let lanes = told["lanes"].as_array().expect("lanes").iter().filter(|lane| lane["lane"] == "manager");
    lanes.filter_map(|lane| lane["outcome"].as_str()).collect()
}
