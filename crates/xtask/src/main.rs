//! `cargo xtask <task>`: what a newcomer needs, in one place, without any other tool installed before.

mod bench;
mod checks;
mod faults;
mod mutants;
mod practice;
mod say;
mod setup;
mod shell;
mod tidy;
mod web;

use anyhow::{Result, bail};
use say::say;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask run                         start the service with a practice exchange, and say where to click
cargo xtask test                        install what the tests need, then run all of them
cargo xtask web                         build the cabinet's pages, and the browser's types of its API
cargo xtask sim [--seed N] [--cases N] [--explain]
                                        the call flow against a hostile network; --explain tells one case
cargo xtask kill [--runs N]             kill the service at every step of a call, N times each (10), on SQLite and
                                        PostgreSQL; each order must be settled all the same
cargo xtask faults [--seconds N]        take database, files, ports and clock away in live calls, for N seconds (60)
cargo xtask bench [--quick] [names…]    what the service can carry, on this machine (bench/README.md)
cargo xtask mutants                     break the call flow in every kept way; each must be caught
cargo xtask tidy                        the house's own rules: arrows, paths, purity";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<bool> {
    match words {
        ["run", rest @ ..] => practice::run(rest),
        ["test", rest @ ..] => checks::test(rest),
        ["web"] => web::types().and_then(|_| web::build()).map(|()| true),
        ["sim", rest @ ..] => checks::sim(rest),
        ["kill", rest @ ..] => faults::kill(rest),
        ["faults", rest @ ..] => faults::faults(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["mutants"] => mutants::run(),
        ["tidy"] => tidy::run(),
        [] | ["help" | "--help" | "-h"] => {
            say(HELP);
            Ok(true)
        }
        [other, ..] => bail!("there is no task {other:?}\n\n{HELP}"),
    }
}
