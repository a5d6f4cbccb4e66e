//! What the service can carry, measured from outside: its real program on one core, browsers, provider and telephones on
//! the other. Run it by `cargo xtask bench`; `README.md` says what the figures mean.
//!
//! It asserts nothing: it prints what was measured beside what is aimed at.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "figures are rounded, and packets are cut where their length was looked at"
)]

mod browser;
mod cabinet;
mod database;
mod figures;
mod load;
mod measures;
mod provider;
mod sound;
mod stage;

use anyhow::{Result, bail};
use figures::{Row, say, table};
use load::World;
use std::process::ExitCode;

const HELP: &str = "cargo xtask bench [--quick] [order] [sound] [cost] [callbacks] [held] [memory] [sim] [rating] [overload] [flood] [idle] [cabinet] [logins] [live] [statistics] [soak]";
/// All measurements, in their order.
const ALL: [&str; 16] = [
    "order",
    "sound",
    "cost",
    "callbacks",
    "held",
    "memory",
    "sim",
    "rating",
    "overload",
    "flood",
    "idle",
    "cabinet",
    "logins",
    "live",
    "statistics",
    "soak",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(rows) => {
            say(&format!("\n{}", table(&rows)));
            let missed = rows.iter().filter(|row| row.is_missed()).count();
            if missed > 0 {
                say(&format!("{missed} figures are not within their goals"));
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<Vec<Row>> {
    let (options, names): (Vec<&str>, Vec<&str>) =
        words.iter().map(String::as_str).partition(|word| word.starts_with("--"));
    if options.iter().any(|option| *option != "--quick") || names.iter().any(|name| !ALL.contains(name)) {
        bail!(HELP);
    }
    let mut world = World::new(!options.is_empty())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut rows = Vec::new();
        for name in ALL.iter().filter(|name| names.is_empty() || names.contains(name)) {
            say(&format!("--- {name}"));
            rows.extend(match *name {
                "order" => measures::rate::order(&mut world).await?,
                "sound" => measures::rate::sound(&mut world).await?,
                "cost" => measures::rate::cost(&mut world).await?,
                "callbacks" => measures::rate::callbacks(&mut world).await?,
                "held" => measures::hold::held(&mut world).await?,
                "memory" => measures::hold::memory(&mut world).await?,
                "sim" => measures::sim::sim(world.quick)?,
                "rating" => measures::rating::rating(world.quick)?,
                "overload" => measures::pressure::overload(&mut world).await?,
                "flood" => measures::pressure::flood(&mut world).await?,
                "idle" => measures::pressure::idle(&mut world).await?,
                "cabinet" => measures::cabinet::cabinet(&world).await?,
                "logins" => measures::cabinet::logins(&world).await?,
                "live" => measures::live::live(&mut world).await?,
                "statistics" => measures::statistics::statistics(&world).await?,
                "soak" => measures::soak::soak(&mut world).await?,
                _ => Vec::new(),
            });
        }
        Ok(rows)
    })
}
