//! The answering side as a network of its own: calls come in and are made to ring, speak, be answered,
//! refused or hung up. A practice exchange is built on it. It places no calls and carries no sound.

use crate::gate::{Gate, Standing};
use crate::media::{Codec, Remote};
use crate::net::{self, Effect, Machine};
use crate::sip::{Agent, AgentConfig, CallKey, Command, Flow, Input, Output, Progress};
use crate::{QUEUE, Stand, StartError};
use callback_core::flow::HangupReason;
use callback_core::record::{Cause, EndedBy};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::sync::mpsc;

/// What an exchange is set up with.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Where SIP over UDP is heard and sent from.
    pub listen: Vec<SocketAddr>,
    /// Our address as the other side sees it, where that is another than the one listened on.
    pub advertised: Option<IpAddr>,
    /// Who may call.
    pub callers: Vec<IpAddr>,
}

/// A call to the exchange.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct IncomingCall(CallKey);

/// What the exchange tells.
#[derive(Clone, PartialEq, Debug)]
pub enum ExchangeEvent {
    /// Somebody calls.
    Incoming {
        /// The call.
        call: IncomingCall,
        /// The user part of its From: the caller's number.
        from: String,
        /// The display name of its From.
        name: String,
        /// The user part of its Request-URI: whom it calls.
        to: String,
        /// The codec that would be agreed; none = the caller wants our offer.
        codec: Option<Codec>,
    },
    /// The caller acknowledged the answer.
    Answered(IncomingCall),
    /// What is agreed about the sound, each time it changes.
    Media(IncomingCall, Remote),
    /// The call is over: by a cancel, a BYE, or us.
    Ended(IncomingCall, Cause, EndedBy),
}

/// Answers calls. Clones are the same exchange; it stops when the last of them is gone.
#[derive(Clone, Debug)]
pub struct Exchange {
    verbs: mpsc::Sender<(IncomingCall, Command)>,
}

impl Exchange {
    /// Binds the sockets and starts the task. Gives the addresses that it got, for a port of 0.
    ///
    /// # Errors
    /// What of the configuration does not work.
    pub async fn start(
        config: ExchangeConfig,
    ) -> Result<(Self, mpsc::Receiver<ExchangeEvent>, Vec<SocketAddr>), StartError> {
        let Stand { sockets, bound, sent_by, rng } = Stand::take(&config.listen, config.advertised).await?;
        let agent = Agent::new(AgentConfig { sent_by, accounts: Vec::new(), answers: true }, rng);
        let (verbs, told) = mpsc::channel(QUEUE);
        let (tell, events) = mpsc::channel(QUEUE);
        let host = Host { agent, callers: config.callers };
        tokio::spawn(net::drive(host, sockets, told, tell, Gate::default()));
        Ok((Self { verbs }, events, bound))
    }

    /// Lets it ring at the caller's (180).
    pub async fn ring(&self, call: IncomingCall) {
        self.tell(call, Command::Ring).await;
    }

    /// Is heard before the answer (183), with RTP received at this address.
    pub async fn early_media(&self, call: IncomingCall, rtp: SocketAddr) {
        self.tell(call, Command::EarlyMedia(rtp)).await;
    }

    /// Answers, with RTP received at this address.
    pub async fn answer(&self, call: IncomingCall, rtp: SocketAddr) {
        self.tell(call, Command::Answer(rtp)).await;
    }

    /// Refuses with a status of 300 or more.
    pub async fn reject(&self, call: IncomingCall, status: u16) {
        self.tell(call, Command::Reject(status)).await;
    }

    /// Hangs up.
    pub async fn hangup(&self, call: IncomingCall) {
        self.tell(call, Command::Hangup(HangupReason::Over)).await;
    }

    async fn tell(&self, call: IncomingCall, command: Command) {
        if self.verbs.send((call, command)).await.is_err() {
            tracing::error!("the exchange's task is gone");
        }
    }
}

#[derive(Debug)]
struct Host {
    agent: Agent,
    callers: Vec<IpAddr>,
}

impl Machine for Host {
    type Verb = (IncomingCall, Command);
    type Event = ExchangeEvent;

    fn standing(&self, ip: IpAddr, bytes: &[u8]) -> Standing {
        self.agent.standing(self.callers.contains(&ip), ip, bytes)
    }

    fn datagram(&mut self, flow: Flow, bytes: &[u8], now: Duration) {
        self.agent.handle(Input::Datagram { flow, bytes }, now);
    }

    fn unreachable(&mut self, peer: SocketAddr, now: Duration) {
        self.agent.handle(Input::Unreachable { peer }, now);
    }

    fn refused(&mut self, peer: SocketAddr, now: Duration) {
        self.agent.handle(Input::Refused { peer }, now);
    }

    fn verb(&mut self, (call, command): Self::Verb, now: Duration) {
        self.agent.handle(Input::Command(call.0, command), now);
    }

    fn tick(&mut self, now: Duration) {
        self.agent.handle(Input::Tick, now);
    }

    fn timeout(&self) -> Option<Duration> {
        self.agent.timeout()
    }

    fn poll(&mut self) -> Option<Effect<ExchangeEvent>> {
        loop {
            let (call, progress) = match self.agent.poll()? {
                Output::Send { flow, bytes } => return Some(Effect::Send { flow, bytes }),
                Output::Knock(flow) => return Some(Effect::Knock(flow)),
                Output::Event { call, progress } => (IncomingCall(call), progress),
                Output::Probed { .. } => continue,
            };
            return Some(Effect::Event(match progress {
                Progress::Incoming(who) => ExchangeEvent::Incoming {
                    call,
                    from: who.from,
                    name: who.name,
                    to: who.to,
                    codec: who.codec,
                },
                Progress::Answered => ExchangeEvent::Answered(call),
                Progress::Media(remote) => ExchangeEvent::Media(call, remote),
                Progress::Ended(ending) => ExchangeEvent::Ended(call, ending.cause, ending.by),
                Progress::Heard
                | Progress::Shut
                | Progress::Ringing
                | Progress::EarlyMedia
                | Progress::Stored(_) => continue,
            }));
        }
    }
}
