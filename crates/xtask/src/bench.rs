//! `bench`: the service and what measures it, as they are released, each on a core of its own.

use crate::setup::debian;
use crate::shell::{command, must, passes, target};
use anyhow::{Result, bail};
use std::thread::available_parallelism;

/// The core of all that makes load; the service has the one before it.
const CORE: &str = "1";

/// Measures what is named, or everything.
pub(crate) fn run(words: &[&str]) -> Result<bool> {
    if available_parallelism()?.get() < 2 {
        bail!("the service and its load need a core each");
    }
    if words.contains(&"statistics") || words.iter().all(|word| word.starts_with("--")) {
        debian(&["postgresql"])?;
    }
    must("cargo", &["build", "--quiet", "--release", "--package", "bench", "--package", "callback"])?;
    let program = target()?.join("release/bench").display().to_string();
    passes(command("taskset", &["-c", CORE, &program]).args(words))
}
