//! `kill` and `faults`: the stories of `e2e` that take something away from a live call, at their full length.

use crate::setup;
use crate::shell::{command, passes};
use anyhow::{Result, bail};

/// Kills the service at every step of a call.
pub(crate) fn kill(words: &[&str]) -> Result<bool> {
    let runs = match words {
        [] => "10",
        ["--runs", runs] => runs,
        _ => bail!("cargo xtask kill [--runs N]"),
    };
    stories("kill::", "KILL_RUNS", runs)
}

/// Takes things away for a while.
pub(crate) fn faults(words: &[&str]) -> Result<bool> {
    let seconds = match words {
        [] => "60",
        ["--seconds", seconds] => seconds,
        _ => bail!("cargo xtask faults [--seconds N]"),
    };
    stories("faults::", "FAULT_SECONDS", seconds)
}

fn stories(filter: &str, name: &str, value: &str) -> Result<bool> {
    setup::for_tests()?;
    let arguments = [
        "test",
        "--quiet",
        "--package",
        "e2e",
        "--test",
        "it",
        filter,
        "--",
        "--nocapture",
        "--test-threads=8",
    ];
    passes(command("cargo", &arguments).env(name, value))
}
