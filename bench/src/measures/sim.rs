//! How fast the rules are tried against dice.

use crate::figures::Row;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Simulated calls on one core, by the program that tests them.
pub(crate) fn sim(quick: bool) -> Result<Vec<Row>> {
    let cases: u32 = if quick { 50_000 } else { 500_000 };
    let before = children()?;
    let output = Command::new("cargo")
        .args(["xtask", "sim", "--cases", &cases.to_string()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    if !output.status.success() {
        bail!("cargo xtask sim: {}", String::from_utf8_lossy(&output.stderr));
    }
    let spent = children()?.saturating_sub(before);
    let value = format!("{:.0} a second of processor", f64::from(cases) / spent.as_secs_f64());
    Ok(vec![Row::new("simulated calls, every invariant after every step", value, "")])
}

/// Processor time of the programs that this one has waited for.
fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    let ticks: u64 = after.split_whitespace().skip(13).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}
