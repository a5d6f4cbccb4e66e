//! SIP and RTP in the words of `callback-core`: places calls, reports what becomes of them, and carries their
//! sound. No SIP type leaves it, and it stores nothing: the intent of a dial is committed by its user between
//! [`Phone::reserve`] and [`Phone::send`].

mod cause;
mod desk;
mod exchange;
mod gate;
mod key;
mod knock;
mod leg;
mod legs;
pub mod media;
mod net;
#[cfg(test)]
mod script;
mod sdp;
mod sip;
mod trunk;

pub use desk::{PhoneEvent, PhoneLoad};
pub use exchange::{Exchange, ExchangeConfig, ExchangeEvent, IncomingCall};
pub use gate::Dropped;
pub use key::LegKey;
pub use leg::{Dial, StoredDialog};
pub use media::{Codec, Media, MediaConfig, MediaEvent, Remote, Sound};
pub use sip::auth::Credentials;
pub use trunk::{BadProxy, NumberFormat, TrunkConfig};

use callback_core::flow::HangupReason;
use callback_core::plan::{Address, Telephone};
use callback_core::record::Cause;
use desk::{Desk, Verb};
use gate::{Counts, Gate};
use legs::Legs;
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How many commands and events wait for each other's side.
const QUEUE: usize = 1_024;
/// How many addresses of a host are taken.
const MAX_ADDRESSES: usize = 16;
/// How long a name is looked up.
const LOOKUP: Duration = Duration::from_secs(2);
/// How often the names of trunks are looked up again.
const LOOKUP_EVERY: Duration = Duration::from_secs(60);

/// What a phone is set up with.
#[derive(Clone, Debug)]
pub struct PhoneConfig {
    /// Where SIP over UDP is heard and sent from.
    pub listen: Vec<SocketAddr>,
    /// Our address as the other side sees it, where that is another than the one listened on.
    pub advertised: Option<IpAddr>,
    /// The trunks.
    pub trunks: Vec<TrunkConfig>,
    /// Whether a SIP endpoint's name may lead into a private network, or to this machine. Where customers name endpoints
    /// themselves, that network is not theirs to call into.
    pub private_names: bool,
}

/// Whether an address is of this machine or of a network that the outside does not reach (RFC 6890).
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            let is_reserved = ip.octets()[0] == 0 || ip.octets()[0] >= 240;
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || is_shared
                || is_reserved
        }
        // An IPv4 address behind a translator (RFC 6052) is what it is.
        IpAddr::V6(ip) if ip.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = ip.octets();
            is_private(IpAddr::from([a, b, c, d]))
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast()
        }
    }
}

/// Why a phone does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No socket to listen on.
    #[error("sip.listen names no address")]
    NoAddress,
    /// It listens on all addresses, and the other side has to be told one.
    #[error("sip.listen {0} is no address that others can answer to: set sip.advertised")]
    Unadvertised(SocketAddr),
    /// A socket cannot be had.
    #[error("sip.listen {0}: {1}")]
    Bind(SocketAddr, #[source] std::io::Error),
    /// A trunk is not usable.
    #[error(transparent)]
    Trunk(#[from] BadProxy),
    /// The system gives no random numbers.
    #[error("no random numbers to be had")]
    Random,
}

/// Places calls. Clones are the same phone; it stops when the last of them is gone.
#[derive(Clone, Debug)]
pub struct Phone {
    verbs: mpsc::Sender<Verb>,
    dropped: Arc<Counts>,
    private_names: bool,
}

impl Phone {
    /// Binds the sockets and starts the task. Events that are not taken wait; nothing is lost.
    ///
    /// # Errors
    /// What of the configuration does not work. A trunk's name that is not found is no error: it is looked up
    /// again every minute.
    pub async fn start(
        config: PhoneConfig,
        media: Media,
    ) -> Result<(Self, mpsc::Receiver<PhoneEvent>), StartError> {
        let Stand { sockets, bound, sent_by, rng } = Stand::take(&config.listen, config.advertised).await?;
        let targets = config.trunks.iter().map(TrunkConfig::target).collect::<Result<Vec<_>, _>>()?;
        let legs = Legs::new(config.trunks, &bound, sent_by, rng)?;
        let (verbs, told) = mpsc::channel(QUEUE);
        let (tell, events) = mpsc::channel(QUEUE);
        let gate = Gate::default();
        let dropped = Arc::clone(&gate.counts);
        tokio::spawn(net::drive(Desk { legs, media }, sockets, told, tell, gate));
        tokio::spawn(look_up(targets, verbs.downgrade()));
        Ok((Self { verbs, dropped, private_names: config.private_names }, events))
    }

    /// How many SIP datagrams were dropped unread since the start, by why.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped.read()
    }

    /// Reserves the telephone and a channel for a leg and settles its dialog, which is to be stored with the
    /// leg's intent. Then follows [`Self::send`] or [`Self::release`].
    ///
    /// # Errors
    /// Why there is no dial: [`Cause::InService`] (then [`PhoneEvent::Free`] comes once the telephone is free),
    /// [`Cause::NoChannel`], [`Cause::Trunk`], or 404 where a telephone's host is not found.
    pub async fn reserve(&self, leg: LegKey, dial: Dial) -> Result<StoredDialog, Cause> {
        let endpoint = match &dial.to.address {
            Address::Phone(_) => None,
            Address::Sip(uri) => Some(self.find(uri).await.ok_or(Cause::Sip(404))?),
        };
        let (answer, reserved) = oneshot::channel();
        let verb = Verb::Reserve(leg, Box::new(dial), endpoint, answer);
        self.verbs.send(verb).await.map_err(|_| Cause::Interrupted)?;
        reserved.await.map_err(|_| Cause::Interrupted)?
    }

    /// Sends the INVITE of a reserved leg.
    pub async fn send(&self, leg: LegKey) {
        self.tell(Verb::Send(leg)).await;
    }

    /// Gives back a reservation that was not sent; nothing is reported of the leg.
    pub async fn release(&self, leg: LegKey) {
        self.tell(Verb::Release(leg)).await;
    }

    /// Hangs up a leg, whatever its state. Its `Ended` comes within 33 s whatever the network says; whoever
    /// answers later is hung up all the same.
    pub async fn hangup(&self, leg: LegKey, reason: HangupReason) {
        self.tell(Verb::Hangup(leg, reason)).await;
    }

    /// What [`PhoneEvent::Dialog`] told is stored: the ACK of an answer, or an INVITE sent anew, goes out. Without that they
    /// go half a second later, and who dies in between leaves a leg up that the next process cannot name.
    pub async fn stored(&self, dialog: StoredDialog) {
        self.tell(Verb::Stored(Box::new(dialog))).await;
    }

    /// Marks a telephone as in service for a while, because a former process may have a leg of it.
    pub async fn hold_telephone(&self, telephone: Telephone, span: Duration) {
        self.tell(Verb::HoldTelephone(telephone, span)).await;
    }

    /// Takes back such a mark before its time.
    pub async fn free_telephone(&self, telephone: Telephone) {
        self.tell(Verb::FreeTelephone(telephone)).await;
    }

    /// Takes down a leg of a former process: CANCEL, and ACK and BYE if that is crossed by an answer, and BYE in each early
    /// dialog if it came too late; or BYE.
    /// [`PhoneEvent::TakenDown`] tells when that is done or given up, within 33 s.
    pub async fn hang_up_stored(&self, stored: StoredDialog) {
        self.tell(Verb::HangUpStored(Box::new(stored))).await;
    }

    /// How much is under way; none where the phone is gone.
    pub async fn load(&self) -> Option<PhoneLoad> {
        let (answer, load) = oneshot::channel();
        self.tell(Verb::Load(answer)).await;
        load.await.ok()
    }

    async fn find(&self, uri: &str) -> Option<SocketAddr> {
        let place = sip::wire::place(uri).filter(|place| place.udp)?;
        let port = place.port.unwrap_or(5060);
        if let Some(ip) = place.ip {
            return Some(SocketAddr::new(ip, port));
        }
        let found = addresses(&place.host, port).await;
        let open = found.iter().find(|peer| self.private_names || !is_private(peer.ip())).copied();
        if open.is_none() && !found.is_empty() {
            tracing::warn!(
                "a SIP endpoint's name leads into a private network; sip.private_names allows that"
            );
        }
        open
    }

    async fn tell(&self, verb: Verb) {
        if self.verbs.send(verb).await.is_err() {
            tracing::error!("the phone's task is gone");
        }
    }
}

/// Whether a text is the address of a SIP endpoint that can be dialled: a `sip:` URI over UDP with a user.
#[must_use]
pub fn is_sip_address(text: &str) -> bool {
    text.len() <= 256
        && !text.contains(['<', '>'])
        && sip::wire::place(text).is_some_and(|place| place.udp && place.user.is_some())
}

/// Bound sockets, and what goes with them.
struct Stand {
    sockets: Vec<UdpSocket>,
    bound: Vec<SocketAddr>,
    /// Our `host:port` on each, as the other side sees it.
    sent_by: Vec<String>,
    rng: StdRng,
}

impl Stand {
    async fn take(listen: &[SocketAddr], advertised: Option<IpAddr>) -> Result<Self, StartError> {
        if listen.is_empty() {
            return Err(StartError::NoAddress);
        }
        let sockets = net::bind(listen).await?;
        let bound: Result<Vec<_>, StartError> = sockets
            .iter()
            .zip(listen)
            .map(|(socket, listen)| socket.local_addr().map_err(|error| StartError::Bind(*listen, error)))
            .collect();
        let bound = bound?;
        let sent_by = bound.iter().map(|local| sent_by(*local, advertised)).collect::<Result<_, _>>()?;
        let rng = StdRng::try_from_rng(&mut SysRng).map_err(|_| StartError::Random)?;
        Ok(Self { sockets, bound, sent_by, rng })
    }
}

fn sent_by(local: SocketAddr, advertised: Option<IpAddr>) -> Result<String, StartError> {
    let ip = advertised.filter(|ip| ip.is_ipv4() == local.is_ipv4()).unwrap_or(local.ip());
    if ip.is_unspecified() {
        return Err(StartError::Unadvertised(local));
    }
    Ok(SocketAddr::new(ip, local.port()).to_string())
}

/// The addresses of a host, as many as are worth knowing.
async fn addresses(host: &str, port: u16) -> Vec<SocketAddr> {
    match timeout(LOOKUP, lookup_host((host, port))).await {
        Ok(Ok(found)) => found.take(MAX_ADDRESSES).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Looks up the trunks' names, again and again: answers change.
async fn look_up(targets: Vec<(String, u16)>, verbs: mpsc::WeakSender<Verb>) {
    let names: Vec<_> =
        targets.into_iter().enumerate().filter(|(_, (host, _))| host.parse::<IpAddr>().is_err()).collect();
    let mut every = tokio::time::interval(LOOKUP_EVERY);
    while !names.is_empty() {
        every.tick().await;
        let Some(verbs) = verbs.upgrade() else { return };
        for (trunk, (host, port)) in &names {
            let found = addresses(host, *port).await;
            if found.is_empty() {
                tracing::warn!(trunk, "the trunk's proxy is not found in DNS");
            } else if verbs.send(Verb::Resolved(*trunk, found)).await.is_err() {
                return;
            }
        }
    }
}
