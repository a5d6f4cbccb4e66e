//! The letter about money that runs out: to whoever sees a company's money, some days before, once until it has paid.
//! Plain text, as the letters of accounts are.

use super::letter::CABINET;
use super::missed::Reader;
use crate::clock::wall_now;
use crate::store::{Letter, Store};
use callback_core::money::{Currency, Micros};
use callback_core::site::Language;
use callback_core::time::Ts;
use std::time::Duration;
use tokio::sync::watch;

/// How often balances are looked at.
const LOOK: Duration = Duration::from_secs(15 * 60);
/// By what was spent in so many days it is told how long money lasts.
const PACE_DAYS: u64 = 7;
/// It is told when it lasts so many days or fewer.
const DAYS: u64 = 3;
const DAY: Duration = Duration::from_secs(86_400);

/// Money that runs out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Low {
    /// What can be spent.
    pub(crate) free: Micros,
    /// Of what.
    pub(crate) currency: Currency,
    /// Whole days that it lasts.
    pub(crate) days: u64,
    /// As of when.
    pub(crate) at: Ts,
}

/// Looks at balances until the service stops.
pub(crate) async fn watch_balances(store: Store, usual: Currency, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = look(&store, usual, wall_now()).await {
            tracing::debug!(%error, "balances are not looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn look(store: &Store, usual: Currency, now: Ts) -> crate::store::Result<()> {
    let week = DAY.saturating_mul(u32::try_from(PACE_DAYS).unwrap_or(1));
    for customer in store.payers().await? {
        let spent = store.spent(customer, now - week).await?;
        if spent <= Micros::ZERO {
            continue;
        }
        let purse = store.purse(customer, usual).await?;
        let free = purse.balance.free(Micros(purse.credit_limit.0.saturating_neg()));
        let days = lasts(free, spent);
        if days <= DAYS {
            store.tell_low(customer, Low { free, currency: purse.currency, days, at: now }).await?;
        }
    }
    Ok(())
}

/// Whole days that money lasts, of which so much was spent in a week.
fn lasts(free: Micros, spent: Micros) -> u64 {
    let (free, spent) = (free.0.max(0).unsigned_abs(), spent.0.max(1).unsigned_abs());
    u64::try_from(u128::from(free) * u128::from(PACE_DAYS) / u128::from(spent)).unwrap_or(u64::MAX)
}

impl Low {
    /// The letter to an address, for a customer's reader.
    pub(crate) fn letter(&self, reader: &Reader, email: &str) -> Letter {
        let Self { free, currency, days, at } = *self;
        let (left, page) = (free.shown(currency), format!("{CABINET}c/{}/balance", reader.number));
        let until = reader.day(at + DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)));
        let (subject, body) = match reader.language {
            Language::Ru => (
                match days {
                    0 => "Денег осталось меньше чем на день".to_owned(),
                    1 => "Денег осталось на 1 день".to_owned(),
                    days => format!("Денег осталось на {days} дня"),
                },
                format!(
                    "Можно потратить {left}. При вашем темпе хватит до {until}. Потом заявки будем сохранять, но \
                     звонить перестанем.\n\nПополнить:\n{page}\n\nПисьмо приходит владельцам и бухгалтерам, один раз до \
                     следующего пополнения."
                ),
            ),
            Language::En => (
                match days {
                    0 => "Less than a day of credit left".to_owned(),
                    1 => "1 day of credit left".to_owned(),
                    days => format!("{days} days of credit left"),
                },
                format!(
                    "{left} can be spent. At your pace it lasts until {until}. After that we keep requests but stop \
                     calling.\n\nTop up:\n{page}\n\nThis letter goes to owners and accountants, once until the next \
                     top-up."
                ),
            ),
        };
        Letter { email: email.to_owned(), subject, body, html: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{Low, lasts};
    use crate::account::CustomerNumber;
    use crate::mail::missed::Reader;
    use callback_core::money::Micros;
    use callback_core::site::Language;
    use callback_core::time::Ts;
    use jiff::tz::TimeZone;

    #[test]
    fn money_lasts_whole_days_at_the_pace_of_a_week() {
        let check = |free, spent, days| assert_eq!(lasts(Micros(free), Micros(spent)), days);
        check(3_000, 7_000, 3);
        check(2_999, 7_000, 2);
        check(-5, 7_000, 0);
        check(i64::MAX, 1, u64::MAX);
    }

    #[test]
    fn the_letter_says_what_is_left_and_until_when() {
        let check = |days, language, subject: &str, says: &str| {
            let zone = TimeZone::get("Europe/Moscow").unwrap();
            let reader = Reader { number: CustomerNumber(4071), language, zone };
            // 20 November 2026, noon in Moscow.
            let at = Ts(1_795_165_200_000_000);
            let low = Low { free: Micros(240_160_000), currency: "RUB".parse().unwrap(), days, at };
            let letter = low.letter(&reader, "owner@shop.example");
            assert_eq!(letter.subject, subject);
            assert!(letter.body.starts_with(says), "{}", letter.body);
            assert!(letter.body.contains("/balance\n"), "{}", letter.body);
        };
        let ru =
            |day: &str| format!("Можно потратить 240.16 RUB. При вашем темпе хватит до {day}\u{a0}ноября.");
        check(0, Language::Ru, "Денег осталось меньше чем на день", &ru("20"));
        check(1, Language::Ru, "Денег осталось на 1 день", &ru("21"));
        check(3, Language::Ru, "Денег осталось на 3 дня", &ru("23"));
        let en = "240.16 RUB can be spent. At your pace it lasts until 22\u{a0}November.";
        check(2, Language::En, "2 days of credit left", en);
    }
}
