//! What a former process left behind: its SIP calls are cancelled or hung up, and nothing else is done with them.

use super::{Attempt, Legs, LegsOutput};
use crate::key::LegKey;
use crate::leg::StoredDialog;
use std::time::Duration;

impl Legs {
    /// Takes down a leg of a former process; told by [`LegsOutput::TakenDown`].
    pub(crate) fn hang_up_stored(&mut self, stored: &StoredDialog, now: Duration) {
        self.now = now;
        for call in &stored.calls {
            let Some(flow) = self.flow(call.snapshot.peer) else { continue };
            let named = |name: &String| self.trunks.iter().find(|(_, trunk)| trunk.config.name == *name);
            let account = call.trunk.as_ref().and_then(named).and_then(|(_, trunk)| trunk.account);
            let call = self.agent.adopt(&call.snapshot, flow, account, now);
            self.attempts.insert(call, Attempt { leg: stored.leg, trunk: None, telephone: None });
            *self.taking_down.entry(stored.leg).or_default() += 1;
        }
        if !self.taking_down.contains_key(&stored.leg) {
            self.out.push_back(LegsOutput::TakenDown(stored.leg));
        }
        self.drain();
    }

    /// One of the SIP calls of a former process's leg is down.
    pub(super) fn taken_down(&mut self, leg: LegKey) {
        let Some(left) = self.taking_down.get_mut(&leg) else { return };
        *left -= 1;
        if *left == 0 {
            self.taking_down.remove(&leg);
            self.out.push_back(LegsOutput::TakenDown(leg));
        }
    }
}
