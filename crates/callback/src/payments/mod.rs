//! Payments by way of a provider: a payment is asked for, made at the provider's page, and credited when he says that it has
//! come. He says so by a signed notice; one whose notice never comes is looked for. It moves no money: the store books what
//! has come, once.

mod look;
mod signature;

pub(crate) use look::look_for;
pub(crate) use signature::{SIGNATURE, Signer};

use crate::practice::till::Till;
use crate::store::{Came, Error, Payment, Store};
use callback_core::money::{Currency, Micros};
use callback_core::time::Ts;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Where providers send notices, before their names.
pub(crate) const NOTICES: &str = "/pay/v1";

/// How customers pay; clones are the same.
#[derive(Clone)]
pub struct Payments(Arc<Inner>);

struct Inner {
    provider: Provider,
    /// A payment is looked for so long after it was asked for, and then less and less often.
    first_look: Duration,
}

/// Who takes payments.
enum Provider {
    /// The practice exchange, which takes none.
    Practice(Till),
}

/// A payment, as a provider knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Made {
    /// What he calls it.
    pub(crate) id: String,
    /// Where it is made.
    pub(crate) url: String,
}

/// How far a payment is at its provider's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Nobody has made it.
    Waiting,
    /// It has come.
    Paid {
        /// In what.
        currency: Currency,
        /// How much, in millionths.
        amount: Micros,
    },
    /// It will not come.
    Failed,
    /// It went back, wholly or in part.
    Refunded {
        /// Which time: it is taken back once.
        refund: Uuid,
        /// In what.
        currency: Currency,
        /// How much, in millionths.
        amount: Micros,
    },
}

/// What a provider tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// What he calls the payment.
    pub(crate) payment: String,
    /// How far it is.
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// What is no notice of the provider's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Forged;

impl Payments {
    /// By the practice exchange; payments are looked for so long after they were asked for.
    #[must_use]
    pub fn practice(till: Till, first_look: Duration) -> Self {
        Self(Arc::new(Inner { provider: Provider::Practice(till), first_look }))
    }

    /// Who takes them, as he is called.
    pub(crate) fn provider(&self) -> &'static str {
        match &self.0.provider {
            Provider::Practice(_) => "practice",
        }
    }

    /// Where notices are heard, on this machine.
    pub(crate) fn heard_at(&self, http: SocketAddr) {
        match &self.0.provider {
            Provider::Practice(till) => till.tells(http),
        }
    }

    /// How long a payment may take before it is looked for.
    pub(crate) fn first_look(&self) -> Duration {
        self.0.first_look
    }

    /// Asks the provider for a payment that is written down; whoever has made it comes back to `back`. Asked again, it is
    /// the same one.
    pub(crate) fn ask(&self, payment: &Payment, back: &str) -> Made {
        match &self.0.provider {
            Provider::Practice(till) => till.ask(payment, back),
        }
    }

    /// How far a payment is.
    pub(crate) fn standing(&self, provider_id: &str) -> Standing {
        match &self.0.provider {
            Provider::Practice(till) => till.standing(provider_id),
        }
    }

    /// Reads a notice, where it is the provider's.
    ///
    /// # Errors
    /// It is somebody else's, or too old.
    pub(crate) fn read(&self, signature: Option<&str>, body: &[u8], now: Ts) -> Result<Notice, Forged> {
        let Provider::Practice(till) = &self.0.provider;
        let is_signed = signature.is_some_and(|signature| till.signer().is_of(signature, body, now));
        let notice = is_signed.then(|| serde_json::from_slice(body).ok()).flatten();
        notice.ok_or(Forged)
    }

    /// Writes down what a provider says. What was written before, or was asked for by nobody here, changes nothing.
    ///
    /// # Errors
    /// The store is closed.
    pub(crate) async fn take_in(&self, notice: Notice, store: &Store, now: Ts) -> crate::store::Result<()> {
        let Notice { payment, standing } = notice;
        let provider = self.provider();
        let came = |currency, amount| Came { provider, provider_id: payment.clone(), currency, amount };
        let taken = match standing {
            Standing::Waiting => return Ok(()),
            Standing::Failed => return store.payment_failed(provider, payment, now).await,
            Standing::Paid { currency, amount } => store.payment_came(came(currency, amount), now).await,
            Standing::Refunded { refund, currency, amount } => {
                store.payment_went_back(came(currency, amount), refund, now).await
            }
        };
        match taken {
            Ok(Some(true)) => tracing::info!(provider, payment, ?standing, "a payment is booked"),
            Ok(Some(false)) => tracing::debug!(provider, payment, "a payment was booked before"),
            // Neither comes right when it is told again: somebody has to look.
            Ok(None) => tracing::error!(provider, payment, ?standing, "nobody asked for this payment"),
            Err(Error::Refused(why)) => {
                tracing::error!(provider, payment, ?standing, %why, "a payment is not booked");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
