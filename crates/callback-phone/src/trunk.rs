//! Trunks: which of them takes the next call, how it wants numbers, and which caller ids it may be sent. It
//! holds the books of channels, calls per second and health, and sends nothing.

use crate::sip::auth::Credentials;
use crate::sip::wire;
use callback_core::number::PhoneNumber;
use callback_core::plan::CallerId;
use callback_core::record::Cause;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a display name may be, in characters.
const MAX_NAME: usize = 64;
/// The longest rest that a trunk is granted.
const MAX_REST: Duration = Duration::from_secs(300);

/// How a provider wants numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NumberFormat {
    /// `+74951234567`: E.164.
    #[default]
    Plus,
    /// `74951234567`: E.164 without the plus.
    Bare,
    /// `84951234567`, and `810…` for other countries: as dialled in Russia.
    Eight,
}

impl NumberFormat {
    /// Writes a number as the provider wants it.
    #[must_use]
    pub fn write(self, number: PhoneNumber) -> String {
        let digits = number.digits().to_string();
        match self {
            Self::Plus => format!("+{digits}"),
            Self::Bare => digits,
            Self::Eight => match digits.strip_prefix('7').filter(|national| national.len() == 10) {
                Some(national) => format!("8{national}"),
                None => format!("810{digits}"),
            },
        }
    }
}

/// A provider's trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrunkConfig {
    /// What it is called in configuration, logs and stored dialogs.
    pub name: String,
    /// The `sip:` URI of its proxy (RFC 3261 §19.1).
    pub proxy: String,
    /// The account, where it asks for digest authentication.
    pub credentials: Option<Credentials>,
    /// The numbers that it may be sent as caller id; the first is the service's own.
    pub caller_ids: Vec<PhoneNumber>,
    /// Any other number may be sent too.
    pub may_send_any_caller_id: bool,
    /// How many calls it takes at once.
    pub channels: u16,
    /// How many calls may begin within a second.
    pub cps: u16,
    /// The lower the earlier it is chosen.
    pub prefer: u16,
    /// How it wants numbers.
    pub number_format: NumberFormat,
    /// How often it is asked by OPTIONS whether it is there; none = never, for those who mind.
    pub probe_every: Option<Duration>,
}

/// A trunk's proxy that no call can be sent to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadProxy {
    /// It is no `sip:` URI with a host.
    #[error("trunk {0}: the proxy is no sip: URI")]
    NoUri(String),
    /// It asks for TCP or TLS.
    #[error("trunk {0}: transports other than UDP are not supported yet")]
    NotUdp(String),
}

impl TrunkConfig {
    /// The host, and the port where calls are sent to.
    ///
    /// # Errors
    /// A proxy that is not to be reached over UDP.
    pub fn target(&self) -> Result<(String, u16), BadProxy> {
        let place = wire::place(&self.proxy).ok_or_else(|| BadProxy::NoUri(self.name.clone()))?;
        if !place.udp {
            return Err(BadProxy::NotUdp(self.name.clone()));
        }
        Ok((place.host.trim_matches(['[', ']']).to_owned(), place.port.unwrap_or(5060)))
    }
}

/// How a trunk is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Health {
    Up,
    /// A call met silence: it is chosen last until somebody answers there.
    Suspect,
    /// It used to answer OPTIONS and does not any more.
    Down,
}

#[derive(Debug)]
pub(crate) struct Trunk {
    pub(crate) config: TrunkConfig,
    /// The host of its URIs.
    pub(crate) domain: String,
    /// The addresses of its proxy: messages come from any, calls go to the first.
    pub(crate) peers: Vec<SocketAddr>,
    pub(crate) account: Option<usize>,
    pub(crate) health: Health,
    /// Whether the last OPTIONS was answered.
    alive: Option<bool>,
    answers_probes: bool,
    /// It asked to be left alone until then (RFC 3261 §20.33).
    rests_until: Duration,
    busy: u16,
    begun: VecDeque<Duration>,
}

/// All trunks, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Trunks {
    list: Vec<Trunk>,
}

impl Trunks {
    /// # Errors
    /// A proxy that is not to be reached over UDP.
    pub(crate) fn new(configs: Vec<TrunkConfig>) -> Result<Self, BadProxy> {
        let (mut list, mut accounts) = (Vec::with_capacity(configs.len()), 0);
        for config in configs {
            config.target()?;
            let place = wire::place(&config.proxy).ok_or_else(|| BadProxy::NoUri(config.name.clone()))?;
            let port = place.port.map(|port| format!(":{port}")).unwrap_or_default();
            let account = config.credentials.is_some().then_some(accounts);
            accounts += usize::from(account.is_some());
            list.push(Trunk {
                domain: format!("{}{port}", place.host),
                peers: place
                    .ip
                    .map(|ip| SocketAddr::new(ip, place.port.unwrap_or(5060)))
                    .into_iter()
                    .collect(),
                account,
                health: Health::Up,
                alive: None,
                answers_probes: false,
                rests_until: Duration::ZERO,
                busy: 0,
                begun: VecDeque::new(),
                config,
            });
        }
        Ok(Self { list })
    }

    /// The accounts, in the order of [`Trunk::account`].
    pub(crate) fn accounts(&self) -> Vec<Credentials> {
        self.list.iter().filter_map(|trunk| trunk.config.credentials.clone()).collect()
    }

    pub(crate) fn get(&self, trunk: usize) -> Option<&Trunk> {
        self.list.get(trunk)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Trunk)> {
        self.list.iter().enumerate()
    }

    /// Its proxy was looked up. The address in use stays in use while it is one of those found.
    pub(crate) fn resolved(&mut self, trunk: usize, mut found: Vec<SocketAddr>) {
        if let Some(trunk) = self.list.get_mut(trunk) {
            let used = trunk.peers.first().copied();
            found.sort_by_key(|peer| Some(*peer) != used);
            trunk.peers = found;
        }
    }

    /// Takes a channel of the best trunk that was not tried. One that asked to be left alone is the last resort, and no
    /// more than that: for a visitor who waits a refusal is no worse than no try, and for the trunk a call that nobody
    /// else can take costs less than the refusal of RFC 3261 §21.5.4 was meant to save.
    ///
    /// # Errors
    /// [`Cause::Trunk`] where none is usable, [`Cause::NoChannel`] where all usable ones are full.
    pub(crate) fn take(&mut self, tried: &[usize], now: Duration) -> Result<usize, Cause> {
        let mut usable: Vec<(bool, Health, u16, usize)> = Vec::new();
        for (at, trunk) in self.list.iter().enumerate() {
            if !trunk.peers.is_empty() && trunk.health != Health::Down && !tried.contains(&at) {
                usable.push((trunk.rests_until > now, trunk.health, trunk.config.prefer, at));
            }
        }
        if usable.is_empty() {
            return Err(Cause::Trunk);
        }
        usable.sort_unstable();
        for (.., at) in usable {
            if let Some(trunk) = self.list.get_mut(at)
                && trunk.begin(now)
            {
                return Ok(at);
            }
        }
        Err(Cause::NoChannel)
    }

    /// Gives a channel back.
    pub(crate) fn give_back(&mut self, trunk: usize) {
        if let Some(trunk) = self.list.get_mut(trunk) {
            trunk.busy = trunk.busy.saturating_sub(1);
        }
    }

    /// An OPTIONS was answered, or not; true = that is news. A trunk that never answered any may just not care
    /// for them, and is called all the same.
    pub(crate) fn probed(&mut self, trunk: usize, alive: bool) -> bool {
        let Some(trunk) = self.list.get_mut(trunk) else { return false };
        trunk.answers_probes |= alive;
        if alive {
            trunk.health = Health::Up;
        } else if trunk.answers_probes {
            trunk.health = Health::Down;
        }
        trunk.alive.replace(alive) != Some(alive)
    }

    /// How many channels are taken.
    pub(crate) fn busy(&self) -> usize {
        self.list.iter().map(|trunk| usize::from(trunk.busy)).sum()
    }

    /// A call heard something from it.
    pub(crate) fn heard(&mut self, trunk: usize) {
        if let Some(trunk) = self.list.get_mut(trunk)
            && trunk.health == Health::Suspect
        {
            trunk.health = Health::Up;
        }
    }

    /// A call met silence or a refusal of the trunk itself.
    pub(crate) fn suspect(&mut self, trunk: usize) {
        if let Some(trunk) = self.list.get_mut(trunk) {
            trunk.health = trunk.health.max(Health::Suspect);
        }
    }

    /// A trunk asked to be left alone.
    pub(crate) fn rest(&mut self, trunk: usize, now: Duration, span: Duration) {
        if let Some(trunk) = self.list.get_mut(trunk) {
            trunk.rests_until = now + span.min(MAX_REST);
        }
    }
}

impl Trunk {
    fn begin(&mut self, now: Duration) -> bool {
        while self.begun.front().is_some_and(|begun| *begun + Duration::from_secs(1) <= now) {
            self.begun.pop_front();
        }
        if self.busy >= self.config.channels || self.begun.len() >= usize::from(self.config.cps) {
            return false;
        }
        self.busy += 1;
        self.begun.push_back(now);
        true
    }

    /// The number it is sent for a caller id, as [`CallerId`] says.
    pub(crate) fn number(&self, caller: &CallerId) -> Option<PhoneNumber> {
        let own = &self.config.caller_ids;
        caller
            .number
            .filter(|number| self.config.may_send_any_caller_id || own.contains(number))
            .or(own.first().copied())
    }

    /// From and P-Asserted-Identity (RFC 3325) of a call over it.
    pub(crate) fn identity(&self, caller: &CallerId) -> (String, Vec<(&'static str, String)>) {
        let user = self.number(caller).map(|number| self.config.number_format.write(number));
        let account = self.config.credentials.as_ref().map(|credentials| credentials.username.clone());
        let uri = format!(
            "<sip:{}@{}>",
            user.clone().or(account).unwrap_or_else(|| "anonymous".to_owned()),
            self.domain
        );
        let asserted = user.map(|_| ("P-Asserted-Identity", named(&caller.name, &uri)));
        (named(&caller.name, &uri), asserted.into_iter().collect())
    }
}

/// A URI with a display name, quoted (RFC 3261 §25.1); nothing in the name can end the quotes or the line.
pub(crate) fn named(name: &str, uri: &str) -> String {
    let clean: String = name.chars().filter(|letter| !letter.is_control()).take(MAX_NAME).collect();
    let clean = clean.trim().replace('\\', "\\\\").replace('"', "\\\"");
    if clean.is_empty() { uri.to_owned() } else { format!("\"{clean}\" {uri}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    fn trunk(name: &str, prefer: u16, channels: u16, cps: u16) -> TrunkConfig {
        TrunkConfig {
            name: name.to_owned(),
            proxy: format!("sip:192.0.2.{prefer};transport=udp"),
            credentials: None,
            caller_ids: vec![number("+74950000001"), number("+74950000002")],
            may_send_any_caller_id: false,
            channels,
            cps,
            prefer,
            number_format: NumberFormat::Plus,
            probe_every: None,
        }
    }

    #[test]
    fn numbers_are_written_as_the_provider_wants_them() {
        let check =
            |format: NumberFormat, text: &str, written: &str| assert_eq!(format.write(number(text)), written);
        check(NumberFormat::Plus, "+74951234567", "+74951234567");
        check(NumberFormat::Bare, "+74951234567", "74951234567");
        check(NumberFormat::Eight, "+74951234567", "84951234567");
        check(NumberFormat::Eight, "+4930123456", "8104930123456");
    }

    #[test]
    fn the_preferred_trunk_is_taken_while_it_has_room() {
        let mut trunks = Trunks::new(vec![trunk("b", 2, 9, 9), trunk("a", 1, 2, 9)]).unwrap();
        assert_eq!(
            [trunks.take(&[], NOW), trunks.take(&[], NOW), trunks.take(&[], NOW)],
            [Ok(1), Ok(1), Ok(0)]
        );
        trunks.give_back(1);
        assert_eq!(trunks.take(&[], NOW), Ok(1));
        assert_eq!(trunks.take(&[0], NOW), Err(Cause::NoChannel));
        assert_eq!(trunks.take(&[0, 1], NOW), Err(Cause::Trunk));
    }

    #[test]
    fn calls_per_second_are_counted_over_a_second() {
        let mut trunks = Trunks::new(vec![trunk("a", 1, 9, 2)]).unwrap();
        let mut at = |ms| trunks.take(&[], NOW + Duration::from_millis(ms));
        assert_eq!(
            [at(0), at(500), at(999), at(1000), at(1400)],
            [Ok(0), Ok(0), Err(Cause::NoChannel), Ok(0), Err(Cause::NoChannel)]
        );
    }

    #[test]
    fn a_trunk_that_went_silent_is_chosen_last_and_a_dead_one_never() {
        let mut trunks = Trunks::new(vec![trunk("a", 1, 9, 9), trunk("b", 2, 9, 9)]).unwrap();
        assert!(trunks.probed(0, false));
        assert_eq!(trunks.take(&[], NOW), Ok(0), "it may just not answer OPTIONS");
        trunks.suspect(0);
        assert_eq!(trunks.take(&[], NOW), Ok(1));
        assert!(trunks.probed(0, true));
        assert!(!trunks.probed(0, true), "no news");
        assert_eq!(trunks.take(&[], NOW), Ok(0));
        assert!(trunks.probed(0, false));
        assert_eq!(trunks.take(&[1], NOW), Err(Cause::Trunk));
    }

    #[test]
    fn a_trunk_that_asks_to_be_left_alone_is_the_last_resort_and_not_for_ever() {
        let mut trunks = Trunks::new(vec![trunk("a", 1, 9, 9), trunk("b", 2, 9, 9)]).unwrap();
        trunks.rest(0, NOW, Duration::from_secs(1_000_000));
        trunks.heard(0);
        assert_eq!(trunks.take(&[], NOW), Ok(1));
        trunks.suspect(1);
        assert_eq!(trunks.take(&[], NOW), Ok(1));
        assert_eq!(trunks.take(&[1], NOW), Ok(0));
        assert_eq!(trunks.take(&[], NOW + MAX_REST), Ok(0));
    }

    #[test]
    fn the_caller_id_is_what_the_trunk_permits() {
        let check = |any: bool, asked: Option<&str>, name: &str, from: &str| {
            let mut config = trunk("a", 1, 1, 1);
            config.may_send_any_caller_id = any;
            let trunks = Trunks::new(vec![config]).unwrap();
            let caller = CallerId { number: asked.map(number), name: name.into() };
            assert_eq!(trunks.list[0].identity(&caller).0, from);
        };
        check(false, None, "", "<sip:+74950000001@192.0.2.1>");
        check(false, Some("+74950000002"), "", "<sip:+74950000002@192.0.2.1>");
        check(false, Some("+79160000000"), "", "<sip:+74950000001@192.0.2.1>");
        check(true, Some("+79160000000"), "Ромашка", "\"Ромашка\" <sip:+79160000000@192.0.2.1>");
        check(true, None, "a\"\r\nVia: b\\", "\"a\\\"Via: b\\\\\" <sip:+74950000001@192.0.2.1>");
    }

    #[test]
    fn an_address_is_kept_while_dns_still_gives_it() {
        let mut config = trunk("a", 1, 9, 9);
        config.proxy = "sip:sip.example.net".to_owned();
        let mut trunks = Trunks::new(vec![config]).unwrap();
        assert_eq!(trunks.take(&[], NOW), Err(Cause::Trunk), "not looked up yet");
        let [one, two, three] =
            ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"].map(|ip| ip.parse().unwrap());
        let mut check = |found: Vec<SocketAddr>, peers: Vec<SocketAddr>| {
            trunks.resolved(0, found);
            assert_eq!(trunks.list[0].peers, peers);
        };
        check(vec![one, two], vec![one, two]);
        check(vec![two, one, three], vec![one, two, three]);
        check(vec![three, two], vec![three, two]);
        assert_eq!(trunks.take(&[], NOW), Ok(0));
    }

    #[test]
    fn other_transports_are_named() {
        let mut config = trunk("a", 1, 1, 1);
        config.proxy = "sip:192.0.2.1;transport=tcp".to_owned();
        assert_eq!(config.target(), Err(BadProxy::NotUdp("a".to_owned())));
        config.proxy = "192.0.2.1".to_owned();
        assert_eq!(config.target(), Err(BadProxy::NoUri("a".to_owned())));
    }
}
