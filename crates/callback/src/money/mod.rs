//! Money on the command line: decks and markups, payments by hand, the check of the books, and what a call was charged
//! and why. It does one thing and says what came of it; what money does is the core's and the store's.

mod bill;
mod deck;

use crate::cli::tell;
use crate::clock::wall_now;
use crate::config::{Billing, Config};
use crate::quote::amount;
use crate::store::Store;
use anyhow::{Context as _, Result, bail};
use callback_core::id::CustomerId;
use callback_core::ledger::{Booked, Booking, Key, Reversal, TransferId, What};
use callback_core::money::{Currency, Micros};
use callback_core::rating::charge::{Markup, Percent};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Subcommand, Debug)]
pub(crate) enum DeckCommand {
    /// Put a deck in force for the calls that begin from then on, and say what differs from the one before
    Import(Import),
}

/// A deck to import.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The carrier's deck: prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// Whose calls it rates: a trunk of the configuration
    #[arg(long, value_name = "NAME")]
    trunk: String,
    /// The currency of its amounts; that of the configuration where it is not given
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum MarkupCommand {
    /// Put a markup in force for the calls that begin from then on
    Set(SetMarkup),
}

/// What is added to the cost.
#[derive(Args, Debug)]
pub(crate) struct SetMarkup {
    /// In percent of it
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    percent: Percent,
    /// For each billed minute
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = amount)]
    per_minute: Micros,
    /// What a billed minute is charged at least
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = amount)]
    floor_per_minute: Micros,
    /// For one customer alone, by number or address; for all who have none of their own where it is not given
    #[arg(long)]
    customer: Option<String>,
    /// The currency of its amounts; that of the configuration where it is not given
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
}

/// A payment by hand.
#[derive(Args, Debug)]
pub(crate) struct TopUp {
    /// Who has paid, by number or address
    customer: String,
    /// How much
    #[arg(value_parser = amount)]
    amount: Micros,
    /// How it came, for whoever reads the books
    #[arg(long)]
    note: Option<String>,
    /// Which payment: a payment is booked once, however often it is told; drawn where it is not given
    #[arg(long, value_name = "UUID")]
    key: Option<Uuid>,
}

/// A payment that is given back by hand.
#[derive(Args, Debug)]
pub(crate) struct Refund {
    /// Which payment: the key that `top-up` printed
    payment: Uuid,
    /// How much of it; all that is left where it is not given
    #[arg(value_parser = amount)]
    amount: Option<Micros>,
    /// How it went back, for whoever reads the books
    #[arg(long)]
    note: Option<String>,
    /// Which refund: one is booked once, however often it is told; drawn where it is not given
    #[arg(long, value_name = "UUID")]
    key: Option<Uuid>,
}

/// How much a customer may owe.
#[derive(Args, Debug)]
pub(crate) struct Credit {
    /// Who, by number or address
    customer: String,
    /// How far below nothing his balance may go
    #[arg(value_parser = amount)]
    limit: Micros,
}

#[derive(Subcommand, Debug)]
pub(crate) enum LedgerCommand {
    /// Compare balances with all transfers, and transfers with each other
    Check,
}

/// Imports a deck.
///
/// # Errors
/// The deck is wrong, there is no such trunk, calls are not charged here.
pub(crate) async fn deck(config: &Config, command: &DeckCommand, as_json: bool) -> Result<()> {
    let DeckCommand::Import(asked) = command;
    deck::import(config, asked, as_json).await
}

/// Sets a markup.
///
/// # Errors
/// There is no such customer; calls are not charged here.
pub(crate) async fn markup(config: &Config, command: &MarkupCommand, as_json: bool) -> Result<()> {
    let MarkupCommand::Set(asked) = command;
    let usual = billing(config)?.currency;
    let store = Store::open(config.database_url.expose()).await?;
    let customer = match &asked.customer {
        Some(name) => Some(customer(&store, name).await?),
        None => None,
    };
    let currency = match (asked.currency, customer) {
        (Some(currency), _) => currency,
        (None, Some(customer)) => store.purse(customer, usual).await?.currency,
        (None, None) => usual,
    };
    let SetMarkup { percent, per_minute, floor_per_minute, .. } = *asked;
    let markup = Markup { version: 0, percent, per_minute, floor_per_minute };
    let version = store.set_markup(customer, currency, markup, wall_now()).await?;
    store.close().await?;
    let whom = asked.customer.as_deref().unwrap_or("all customers");
    let said = format!(
        "markup {version} of {whom}, in {currency}: {percent} % of the cost, {per_minute} a minute, {floor_per_minute} a \
         minute at least; it holds for calls that begin from now on"
    );
    let told = Markup { version, ..markup };
    tell(&said, &json!({ "customer": asked.customer, "currency": currency, "markup": told }), as_json);
    Ok(())
}

/// Books a payment by hand, once.
///
/// # Errors
/// There is no such customer, the ledger does not take it, calls are not charged here.
pub(crate) async fn top_up(config: &Config, asked: &TopUp, as_json: bool) -> Result<()> {
    let usual = billing(config)?.currency;
    let store = Store::open(config.database_url.expose()).await?;
    let customer = customer(&store, &asked.customer).await?;
    let currency = store.purse(customer, usual).await?.currency;
    let (payment, amount) = (asked.key.unwrap_or_else(Uuid::now_v7), asked.amount);
    let booking = Booking { customer, currency, what: What::TopUp { payment, amount } };
    let booked = store.book(booking, asked.note.clone(), wall_now()).await?;
    let balance = store.purse(customer, usual).await?.balance;
    store.close().await?;
    let is_new = booked != Booked::Before;
    let what = if is_new { "booked" } else { "was booked before" };
    let said = format!(
        "payment {payment}: {amount} {currency} {what}\nbalance: {} {currency}, of which {} are reserved",
        balance.posted, balance.reserved
    );
    let told = json!({
        "key": payment,
        "booked": is_new,
        "amount": amount.to_string(),
        "currency": currency,
        "balance": balance.posted.to_string(),
        "reserved": balance.reserved.to_string(),
    });
    tell(&said, &told, as_json);
    Ok(())
}

/// Takes a payment that was given back from its customer's balance: what he has of it, once.
///
/// # Errors
/// There is no such payment, its provider gives it back, the customer has spent it.
pub(crate) async fn refund(config: &Config, asked: &Refund, as_json: bool) -> Result<()> {
    let usual = billing(config)?.currency;
    let store = Store::open(config.database_url.expose()).await?;
    let payment = asked.payment;
    let Some(known) = store.top_up(payment).await? else {
        bail!("there is no payment {payment} in the books")
    };
    if let Some(provider) = &known.provider {
        bail!("the payment came by way of {provider}: give it back there, and the books follow its notice");
    }
    let (customer, currency, amount) = (known.customer, known.currency, asked.amount.unwrap_or(known.left));
    let reversal = asked.key.unwrap_or_else(Uuid::now_v7);
    let of = TransferId { key: Key::TopUp(payment), nth: 0 };
    let what = What::Reverse { reversal, of, amount, why: Reversal::Refund };
    let booked = store.book(Booking { customer, currency, what }, asked.note.clone(), wall_now()).await?;
    let balance = store.purse(customer, usual).await?.balance;
    store.close().await?;
    let is_new = booked != Booked::Before;
    let what = if is_new { "booked" } else { "was booked before" };
    let said = format!(
        "refund {reversal}: {amount} {currency} of payment {payment} {what}\nbalance: {} {currency}, of which {} are \
         reserved",
        balance.posted, balance.reserved
    );
    let told = json!({
        "key": reversal,
        "payment": payment,
        "booked": is_new,
        "amount": amount.to_string(),
        "currency": currency,
        "balance": balance.posted.to_string(),
        "reserved": balance.reserved.to_string(),
    });
    tell(&said, &told, as_json);
    Ok(())
}

/// Lets a customer owe.
///
/// # Errors
/// There is no such customer; calls are not charged here.
pub(crate) async fn credit(config: &Config, asked: &Credit, as_json: bool) -> Result<()> {
    let usual = billing(config)?.currency;
    let store = Store::open(config.database_url.expose()).await?;
    let customer = customer(&store, &asked.customer).await?;
    let currency = store.purse(customer, usual).await?.currency;
    store.limit_credit(customer, asked.limit).await?;
    store.close().await?;
    let said = format!("{} may owe {} {currency}", asked.customer, asked.limit);
    let told = json!({ "customer": asked.customer, "limit": asked.limit.to_string(), "currency": currency });
    tell(&said, &told, as_json);
    Ok(())
}

/// Whether the books agree; says what does not.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn ledger(config: &Config, command: &LedgerCommand, as_json: bool) -> Result<bool> {
    let LedgerCommand::Check = command;
    let store = Store::open(config.database_url.expose()).await?;
    let audit = store.check_ledger().await?;
    store.close().await?;
    let wrong: Vec<_> = audit.wrong.iter().map(ToString::to_string).collect();
    let found = if wrong.is_empty() { "the books agree".to_owned() } else { wrong.join("\n") };
    let said = format!("{} transfers, {} accounts: {found}", audit.transfers, audit.accounts);
    let told = json!({ "transfers": audit.transfers, "accounts": audit.accounts, "wrong": wrong });
    tell(&said, &told, as_json);
    Ok(wrong.is_empty())
}

/// Tells what a call was charged, and why.
///
/// # Errors
/// There is no such call; the database cannot be read.
pub(crate) async fn bill(config: &Config, call: Uuid, as_json: bool) -> Result<bool> {
    let bill = bill::Bill::read(config, call).await?;
    tell(&bill, &bill, as_json);
    Ok(bill.agrees())
}

fn billing(config: &Config) -> Result<&Billing> {
    config.billing.as_ref().context("calls are not charged here: name a currency in billing.currency")
}

async fn customer(store: &Store, name: &str) -> Result<CustomerId> {
    match store.customer_named(name).await? {
        Some(customer) => Ok(customer),
        None => bail!("there is no customer {name:?}: write a number like 4071-8, or an address"),
    }
}
