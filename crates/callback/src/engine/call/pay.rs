//! What a call does about its money: it asks before it begins and while it goes on, and heeds what comes of that. How much
//! and when is the meter's to say.

use super::{Call, Done, is_lost};
use crate::engine::money::More;
use crate::store::Error;
use callback_core::flow::Input;
use callback_core::record::NotCalled;
use std::mem::take;

impl Call {
    /// Holds its first money with what makes it begin; nothing is dialled before, and nothing without.
    ///
    /// # Errors
    /// Within: why the order is not called. Without: the store is closed, or the order another process's.
    pub(crate) async fn begin(&mut self) -> Result<Result<(), NotCalled>, Error> {
        let order = self.fence.order;
        let Some(meter) = self.meter.as_mut().filter(|meter| !meter.is_begun()) else { return Ok(Ok(())) };
        let now = self.clock.now();
        let Some((more, terms)) = meter.begin(order, now) else {
            tracing::error!(%order, "the visitor, or every manager, has no rate: nothing is called");
            return Ok(Err(NotCalled::Trunk));
        };
        let facts = more.fact(now).into_iter().chain([terms]).chain(take(&mut self.facts)).collect();
        match self.tools.store.write(self.fence, facts).await {
            Ok(()) => {
                meter.hold(&more);
                Ok(Ok(()))
            }
            Err(Error::Refused(why)) => {
                tracing::info!(%order, %why, "nothing is called");
                Ok(Err(NotCalled::NoFunds))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for more money where it is due; the talk goes on meanwhile.
    pub(super) fn ask_for_money(&mut self) {
        let now = self.clock.now();
        let Some(more) = self.meter.as_mut().and_then(|meter| meter.due(now)) else { return };
        let Some(fact) = more.fact(now) else { return self.money(&more, true) };
        let commit = self.tools.store.write(self.fence, vec![fact]);
        self.pending.push(Box::pin(async move {
            match commit.await {
                Err(error) if is_lost(&error) => Done::Lost,
                held => Done::Money(more, held.is_ok()),
            }
        }));
    }

    /// It is held, or there is none.
    pub(super) fn money(&mut self, more: &More, is_held: bool) {
        let now = self.clock.now();
        let Some(meter) = &mut self.meter else { return };
        let limit = if is_held { meter.hold(more) } else { meter.do_without(now) };
        if !is_held {
            tracing::info!(order = %self.fence.order, "the money of a talk runs out");
        }
        self.inputs.extend(limit.map(Input::TalkLimit));
    }
}
