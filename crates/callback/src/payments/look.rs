//! Looks for payments whose notice has not come: soon after they were asked for, then less and less often, and after some
//! days no more.

use super::{Notice, Payments, Standing};
use crate::clock::wall_now;
use crate::store::{Payment, Store};
use callback_core::time::Ts;
use std::time::Duration;
use tokio::sync::watch;

/// Whoever looks for a payment has done so by then; else somebody else does.
const HOLD: Duration = Duration::from_secs(60);
/// Payments are looked for that often at most.
const RAREST: Duration = Duration::from_secs(3_600);
/// And for so long.
const DAYS: Duration = Duration::from_secs(3 * 86_400);

/// Looks until it is stopped.
pub(crate) async fn look_for(payments: Payments, store: Store, mut stopped: watch::Receiver<bool>) {
    let mut turns = tokio::time::interval(payments.first_look());
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = look(&payments, &store, wall_now()).await {
            tracing::debug!(%error, "payments are not looked for");
        }
    }
}

async fn look(payments: &Payments, store: &Store, now: Ts) -> crate::store::Result<()> {
    for payment in store.payments_to_look_for(now, now + HOLD).await? {
        let next = next(&payment, payments.first_look(), now);
        // One that the provider was never asked for, or does not know, does not come.
        let standing = payment.provider_id.as_deref().map_or(Standing::Failed, |id| payments.standing(id));
        match (standing, &payment.provider_id) {
            (Standing::Waiting, _) | (_, None) => store.look_again(payment.id, next, now).await?,
            (standing, Some(id)) => {
                payments.take_in(Notice { payment: id.clone(), standing }, store, now).await?;
            }
        }
    }
    Ok(())
}

/// When a payment is looked for again: after twice as long as last time. None where it is too old.
fn next(payment: &Payment, first: Duration, now: Ts) -> Option<Ts> {
    let pause = first.saturating_mul(1 << payment.looks.min(16)).min(RAREST);
    (now.since(payment.created_at) < DAYS).then(|| now + pause)
}

#[cfg(test)]
mod tests {
    use super::{DAYS, next};
    use crate::ids::CustomerId;
    use crate::store::{Payment, PaymentState};
    use callback_core::money::Micros;
    use callback_core::time::Ts;
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn a_payment_is_looked_for_less_and_less_often_and_then_no_more() {
        let asked = Ts(1_800_000_000_000_000);
        let check = |looks, after: Duration, expected: Option<u64>| {
            let payment = Payment {
                id: Uuid::nil(),
                customer: CustomerId(Uuid::nil()),
                provider_id: None,
                currency: "RUB".parse().unwrap(),
                amount: Micros(1),
                state: PaymentState::Waiting,
                url: None,
                created_at: asked,
                looks,
            };
            let now = asked + after;
            let next = next(&payment, Duration::from_secs(15), now);
            assert_eq!(next.map(|next| next.since(now).as_secs()), expected, "{looks} looks");
        };
        check(1, Duration::from_secs(15), Some(30));
        check(4, Duration::from_secs(500), Some(240));
        check(40, Duration::from_secs(100_000), Some(3_600));
        check(60, DAYS, None);
    }
}
