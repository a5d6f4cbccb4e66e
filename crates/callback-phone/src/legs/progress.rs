//! What the agent tells of SIP calls, carried on to their legs: ringing and answers, the next trunk where one refuses or
//! says nothing, and the end.

use super::{Attempt, LegAlarm, Legs, LegsOutput};
use crate::cause::Ending;
use crate::key::LegKey;
use crate::sip::dialog::Snapshot;
use crate::sip::{CallKey, Command, Output, Progress};
use callback_core::flow::{HangupReason, LegEvent};
use callback_core::plan::Telephone;
use callback_core::record::{Cause, EndedBy};

impl Legs {
    /// Carries on what the agent said.
    pub(super) fn drain(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { flow, bytes } => self.out.push_back(LegsOutput::Send { flow, bytes }),
                Output::Knock(flow) => self.out.push_back(LegsOutput::Knock(flow)),
                Output::Probed { probe, alive } => self.probed(probe, alive),
                Output::Event { call, progress } => self.progress(call, progress),
            }
        }
    }

    fn probed(&mut self, trunk: usize, alive: bool) {
        let news = self.trunks.probed(trunk, alive);
        if let Some(known) = self.trunks.get(trunk).filter(|_| news) {
            self.out.push_back(LegsOutput::Trunk { name: known.config.name.clone(), up: alive });
        }
    }

    fn progress(&mut self, call: CallKey, progress: Progress) {
        if let Progress::Ended(ending) = progress {
            return self.ended(call, ending);
        }
        if progress == Progress::Shut {
            return self.silence(call);
        }
        let Some(Attempt { leg: key, trunk, .. }) = self.attempts.get(&call) else { return };
        let (key, trunk) = (*key, *trunk);
        if let Progress::Stored(snapshot) = progress {
            return self.changed(key, call, *snapshot);
        }
        self.alarms.disarm(LegAlarm::Silence(call));
        if let Some(trunk) = trunk {
            self.trunks.heard(trunk);
        }
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| leg.attempt == call) else { return };
        let event = match progress {
            Progress::Ringing => LegEvent::Ringing,
            Progress::EarlyMedia => LegEvent::EarlyMedia,
            Progress::Answered => LegEvent::Answered,
            Progress::Media(remote) => return self.out.push_back(LegsOutput::Connect(key, remote)),
            Progress::Heard
            | Progress::Stored(_)
            | Progress::Shut
            | Progress::Incoming(_)
            | Progress::Ended(_) => return,
        };
        leg.reached = true;
        self.out.push_back(LegsOutput::Leg(key, event));
    }

    /// What is to be stored of a SIP call changed, be it the one that its leg is with or another that still rings for it.
    fn changed(&mut self, key: LegKey, call: CallKey, snapshot: Snapshot) {
        // Of a former process's call nothing is stored any more.
        if self.attempts.get(&call).is_none_or(|attempt| attempt.telephone.is_none()) {
            return;
        }
        let current = self.legs.get(&key).map(|leg| leg.attempt).filter(|current| *current != call);
        let current = current.and_then(|current| Some((current, self.agent.snapshot(current)?)));
        let (call, snapshot) = current.unwrap_or((call, snapshot));
        let stored = self.stored(key, call, snapshot);
        self.out.push_back(LegsOutput::Dialog(stored));
    }

    /// A SIP call is over: its channel and its hold of the telephone are free, and either the next trunk
    /// takes the leg or the leg is over too.
    fn ended(&mut self, call: CallKey, ending: Ending) {
        let Some(attempt) = self.attempts.remove(&call) else { return };
        self.alarms.disarm(LegAlarm::Silence(call));
        if let Some(trunk) = attempt.trunk {
            self.trunks.give_back(trunk);
            if ending.elsewhere {
                self.trunks.suspect(trunk);
            } else if matches!(ending.cause, Cause::Sip(_) | Cause::Q850(_)) {
                self.trunks.heard(trunk);
            }
            if let Some(span) = ending.retry_after {
                self.trunks.rest(trunk, self.now, span);
            }
        }
        let Some(telephone) = attempt.telephone else {
            return self.taken_down(attempt.leg);
        };
        let current = self.legs.get(&attempt.leg).filter(|leg| leg.attempt == call);
        let state = current.map(|leg| (leg.hung, leg.reached));
        let next = state.is_some_and(|(hung, reached)| ending.elsewhere && !hung && !reached)
            && attempt.trunk.is_some()
            && self.next_trunk(attempt.leg);
        self.telephones.let_go(&telephone, call);
        if let Some((hung, reached)) = state.filter(|_| !next) {
            self.legs.remove(&attempt.leg);
            let dead = (ending.elsewhere || ending == Ending::SILENT) && !hung && !reached;
            let (cause, by) = match attempt.trunk {
                Some(_) if dead => (Cause::Trunk, EndedBy::Network),
                // No trunk is to blame where a telephone's own port is shut: it is switched off.
                None if ending == Ending::NO_TRUNK => (Cause::Sip(480), EndedBy::Network),
                _ => (ending.cause, ending.by),
            };
            self.out.push_back(LegsOutput::Close(attempt.leg));
            self.out.push_back(LegsOutput::Leg(attempt.leg, LegEvent::Ended(cause, by)));
        }
        self.freed(&telephone);
    }

    /// A trunk has said nothing, or its port is shut: the next one takes the leg, and the silent one's INVITE is cancelled as soon
    /// as it may be. Without another trunk it goes on being waited for.
    pub(super) fn silence(&mut self, call: CallKey) {
        let Some(Attempt { leg: key, trunk: Some(trunk), .. }) = self.attempts.get(&call) else { return };
        let (key, trunk) = (*key, *trunk);
        self.trunks.suspect(trunk);
        self.probe(trunk);
        let waits = self.legs.get(&key).is_some_and(|leg| leg.attempt == call && !leg.hung);
        if waits && self.next_trunk(key) {
            self.command(call, Command::Hangup(HangupReason::Over));
        }
    }

    /// Sends the leg over the next trunk; false = there is none.
    fn next_trunk(&mut self, key: LegKey) -> bool {
        let Some(leg) = self.legs.get(&key) else { return false };
        let Ok(trunk) = self.trunks.take(&leg.tried, self.now) else { return false };
        let (dial, endpoint, rtp) = (leg.dial.clone(), leg.endpoint, leg.rtp);
        let Ok((call, stored)) = self.attempt(key, &dial, Some(trunk), endpoint, rtp) else { return false };
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.tried.push(trunk);
            leg.attempt = call;
        }
        self.out.push_back(LegsOutput::Dialog(stored));
        self.send_attempt(call, Command::SendOnceStored);
        true
    }

    /// Tells those who wait for a telephone, once nothing holds it.
    pub(super) fn freed(&mut self, telephone: &Telephone) {
        for order in self.telephones.freed(telephone) {
            self.out.push_back(LegsOutput::Free(order, telephone.clone()));
        }
    }
}
