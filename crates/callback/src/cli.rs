//! The command line: reads the words, does the one thing, says what came of it in words or as JSON.

use crate::account::Secret;
use crate::check::{Report, check};
use crate::clock::wall_now;
use crate::config::Config;
use crate::engine::recovery;
use crate::money::{self, Credit, DeckCommand, LedgerCommand, MarkupCommand, Refund, TopUp};
use crate::quote::{Quote, quote};
use crate::serve::serve;
use crate::settings::SettingsFile;
use crate::speech::Speech;
use crate::store::{CallFile, StopBy, Store};
use crate::timeline::Timeline;
use crate::{config, say, settings, web};
use anyhow::Context as _;
use callback_core::id::OrderId;
use callback_core::number::PhoneNumber;
use callback_core::rating::deck;
use clap::{Parser, Subcommand};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// Who is named as the author of what a file applies.
const AUTHOR: &str = "operator";

/// A callback service: calls managers and visitors, and lets them talk.
#[derive(Parser, Debug)]
#[command(name = "callback", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The configuration; callback.toml of this folder where it is not given
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve: take orders, make the calls
    Serve,
    /// Tell a call: both sides on one clock, what ended it and why
    Explain {
        /// The order's id
        call: Uuid,
    },
    /// Give what a call's flow was told to a fresh one, and show that it decides the same
    Replay {
        /// The order's id
        call: Uuid,
    },
    /// Say whether the service could run here: configuration, database, ports, trunks
    Check,
    /// Create or change customers, sites and managers from a file
    Apply {
        /// The file
        #[arg(value_name = "SETTINGS.toml")]
        file: PathBuf,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Never call a number again, from any site
    Stop {
        /// With its country code, like +79161234567
        number: String,
        /// Take it off the list again, as its owner asked for
        #[arg(long)]
        lift: bool,
    },
    /// Make somebody an operator of this service
    Operator {
        #[command(subcommand)]
        what: Operator,
    },
    /// Say what calls cost by a carrier's deck, and what they would be charged; it needs no configuration
    Quote(Quote),
    /// Carriers' decks, by which calls are charged
    Deck {
        #[command(subcommand)]
        what: DeckCommand,
    },
    /// What is added to the cost of calls
    Markup {
        #[command(subcommand)]
        what: MarkupCommand,
    },
    /// Book a payment that came by hand
    TopUp(TopUp),
    /// Take a payment that was given back by hand from its customer's balance
    Refund(Refund),
    /// Let a customer owe
    Credit(Credit),
    /// The books
    Ledger {
        #[command(subcommand)]
        what: LedgerCommand,
    },
    /// Tell what a call was charged, and why
    Bill {
        /// The order's id
        call: Uuid,
    },
    /// Print the OpenAPI document of the cabinet's API
    Openapi,
    /// Copy the database, while it is used
    Backup {
        /// The copy; it must not be there
        file: PathBuf,
    },
}

#[derive(Subcommand, Debug)]
enum Operator {
    /// Print a link by which he sets his password; it works once, for 24 hours
    Add {
        /// His e-mail address
        email: String,
    },
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> ExitCode {
    match done(&cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            failed(&error, cli.json);
            ExitCode::FAILURE
        }
    }
}

/// Whether what was looked at is as it should be; what is done at all is well done.
async fn done(cli: &Cli) -> anyhow::Result<bool> {
    let as_json = cli.json;
    // It asks for no configuration, so a wrong one is nothing to it.
    if let Command::Quote(asked) = &cli.command {
        return quote(asked, as_json).map(|()| true);
    }
    let config = Config::read(cli.config.as_deref())?;
    match &cli.command {
        Command::Quote(_) => {}
        Command::Serve => serve(config).await?,
        Command::Explain { call } => explain(&config, *call, as_json).await?,
        Command::Replay { call } => return replay(&config, *call, as_json).await,
        Command::Check => return Ok(checked(&check(&config).await, as_json)),
        Command::Apply { file, dry_run } => apply(&config, file, *dry_run, as_json).await?,
        Command::Stop { number, lift } => stop(&config, number, *lift, as_json).await?,
        Command::Operator { what: Operator::Add { email } } => operator(&config, email, as_json).await?,
        Command::Deck { what } => money::deck(&config, what, as_json).await?,
        Command::Markup { what } => money::markup(&config, what, as_json).await?,
        Command::TopUp(asked) => money::top_up(&config, asked, as_json).await?,
        Command::Refund(asked) => money::refund(&config, asked, as_json).await?,
        Command::Credit(asked) => money::credit(&config, asked, as_json).await?,
        Command::Ledger { what } => return money::ledger(&config, what, as_json).await,
        Command::Bill { call } => return money::bill(&config, *call, as_json).await,
        Command::Openapi => say::out(web::document()?),
        Command::Backup { file } => backup(&config, file, as_json).await?,
    }
    Ok(true)
}

fn checked(report: &Report, as_json: bool) -> bool {
    tell(report, report, as_json);
    report.is_well()
}

async fn apply(config: &Config, path: &Path, dry_run: bool, as_json: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file = SettingsFile::parse(&text)?;
    let store = Store::open(config.database_url.expose()).await?;
    let file = Arc::new(file);
    let difference = store.apply(Arc::clone(&file), AUTHOR, wall_now(), dry_run).await?;
    store.close().await?;
    tell(&difference, &difference, as_json);
    if !dry_run {
        announce(config, &file).await;
    }
    Ok(())
}

/// Speaks the sites' announcements. Without them calls are announced in general words, so it is no failure.
async fn announce(config: &Config, file: &SettingsFile) {
    let speech = Speech::new(config.speech.voice, config.speech.folder.clone());
    for site in file.customers.iter().flat_map(|customer| &customer.sites) {
        if let Err(error) = speech.speak(&site.body).await {
            say::wrong(format!("site \"{}\": its announcement was not spoken: {error:#}", site.key));
        }
    }
}

async fn backup(config: &Config, path: &Path, as_json: bool) -> anyhow::Result<()> {
    let store = Store::open(config.database_url.expose()).await?;
    store.backup(path).await?;
    store.close().await?;
    let said = format!("the database was copied to {}", path.display());
    tell(&said, &json!({ "backup": path }), as_json);
    Ok(())
}

async fn stop(config: &Config, number: &str, lift: bool, as_json: bool) -> anyhow::Result<()> {
    let number: PhoneNumber = number.parse()?;
    let store = Store::open(config.database_url.expose()).await?;
    let changed = if lift {
        store.lift_stop(number).await?
    } else {
        store.stop(number, StopBy::Operator, wall_now()).await?
    };
    store.close().await?;
    let said = match (lift, changed) {
        (false, _) => "the number is never called again",
        (true, true) => "the number may be called again",
        (true, false) => "the number was not on the list",
    };
    tell(&said, &json!({ "number": number, "stopped": !lift }), as_json);
    Ok(())
}

async fn operator(config: &Config, email: &str, as_json: bool) -> anyhow::Result<()> {
    let email = settings::email(email).map_err(anyhow::Error::msg)?;
    let secret = Secret::draw()?;
    let store = Store::open(config.database_url.expose()).await?;
    store.add_operator(email.clone(), secret.fingerprint(), wall_now()).await?;
    store.close().await?;
    let link = format!("{}/reset?token={}", config.http.public_url.as_str(), secret.expose());
    let said = format!("{email} is an operator. He sets his password here, within 24 hours:\n{link}");
    tell(&said, &json!({ "operator": email, "link": link }), as_json);
    Ok(())
}

async fn explain(config: &Config, call: Uuid, as_json: bool) -> anyhow::Result<()> {
    let file = call_file(config, call).await?;
    let timeline = Timeline::of(&file);
    tell(&timeline, &timeline, as_json);
    Ok(())
}

/// Whether a fresh flow decides as the recorded one did.
async fn replay(config: &Config, call: Uuid, as_json: bool) -> anyhow::Result<bool> {
    let file = call_file(config, call).await?;
    let verdict = recovery::verdict(&file);
    tell(&verdict, &verdict, as_json);
    Ok(verdict.agrees())
}

async fn call_file(config: &Config, call: Uuid) -> anyhow::Result<CallFile> {
    let store = Store::open(config.database_url.expose()).await?;
    let file = store.call(OrderId(call)).await?;
    store.close().await?;
    file.with_context(|| format!("there is no order {call} in this database"))
}

pub(crate) fn tell(words: &impl std::fmt::Display, value: &impl Serialize, as_json: bool) {
    if !as_json {
        return say::out(words);
    }
    match serde_json::to_string_pretty(value) {
        Ok(text) => say::out(text),
        Err(error) => say::wrong(error),
    }
}

/// Says what went wrong: problems of a file one by one.
fn failed(error: &anyhow::Error, as_json: bool) {
    let problems = if let Some(config::Problems(problems)) = error.downcast_ref() {
        problems.clone()
    } else if let Some(settings::Problems(problems)) = error.downcast_ref() {
        problems.clone()
    } else if let Some(deck::Problems(problems)) = error.downcast_ref() {
        problems.iter().map(ToString::to_string).collect()
    } else {
        vec![format!("{error:#}")]
    };
    if as_json {
        return tell(&"", &json!({ "problems": problems }), true);
    }
    problems.iter().for_each(say::wrong);
}
