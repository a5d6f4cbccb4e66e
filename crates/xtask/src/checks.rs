//! `test` and `sim`.

use crate::say::say;
use crate::shell::{command, listen, must, passes};
use crate::{setup, tidy, web};
use anyhow::{Result, bail};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Counts of what was tested.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

/// Everything: what CI runs.
pub(crate) fn test(words: &[&str]) -> Result<bool> {
    if !words.is_empty() {
        bail!("cargo xtask test takes no arguments; for one test, run cargo test -p CRATE NAME");
    }
    setup::for_tests()?;
    // The service takes the pages in, so they are built before it.
    say("[1/9] the cabinet's pages");
    web::build()?;
    let mut tally = Tally::default();
    let lints: [(&str, &[&str]); 4] = [
        ("format", &["fmt", "--all", "--check"]),
        ("lints", &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ("documentation", &["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]),
        (
            "licences and sources of dependencies",
            &["deny", "--log-level", "error", "check", "bans", "licenses", "sources"],
        ),
    ];
    for (at, (name, arguments)) in (2..).zip(lints) {
        say(&format!("[{at}/9] {name}"));
        let mut cargo = command("cargo", arguments);
        tally.count(passes(cargo.env("RUSTDOCFLAGS", "-D warnings"))?);
    }
    say("[6/9] the house's own rules");
    tally.count(tidy::run()?);
    say("[7/9] the pages: types, logic, and that the API's document is the one they were made for");
    tally.count(web::check()?);
    tally.count(web::types()?);
    say("[8/9] tests");
    cargo_test(&mut tally)?;
    say("[9/9] the pages in a browser");
    let (passed, failed) = web::browse()?;
    tally.passed += passed;
    tally.failed += failed;
    say(&format!("{} passed, {} failed", tally.passed, tally.failed));
    Ok(tally.failed == 0)
}

/// The simulation alone, with the number of cases, the seed and the telling that are asked for.
pub(crate) fn sim(words: &[&str]) -> Result<bool> {
    let mut cargo = command(
        "cargo",
        &["test", "--quiet", "--package", "callback-core", "--lib", "sim::", "--", "--nocapture"],
    );
    let mut rest = words;
    let mut cases = "1000000";
    while let Some((word, after)) = rest.split_first() {
        rest = match (*word, after) {
            ("--explain", _) => {
                cargo.env("SIM_EXPLAIN", "1");
                cases = "1";
                after
            }
            ("--seed", [seed, after @ ..]) => {
                cargo.env("SIM_SEED", seed);
                after
            }
            ("--cases", [count, after @ ..]) => {
                cases = count;
                after
            }
            _ => bail!("cargo xtask sim [--seed N] [--cases N] [--explain]"),
        };
    }
    passes(cargo.env("SIM_CASES", cases))
}

/// Runs all tests of the workspace and counts them by the lines in which each test program sums up.
fn cargo_test(tally: &mut Tally) -> Result<()> {
    must("cargo", &["test", "--workspace", "--no-run", "--quiet"])?;
    let mut cargo = command("cargo", &["test", "--workspace", "--no-fail-fast"]);
    let mut child = cargo.stdout(Stdio::piped()).spawn()?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some((passed, failed)) = read_summary(&line) {
                tally.passed += passed;
                tally.failed += failed;
            }
            let noise = line.is_empty() || line.ends_with("... ok") || line.starts_with("running ");
            if !noise {
                say(&line);
            }
        }
    }
    let ended_well = child.wait()?.success();
    if !ended_well && tally.failed == 0 {
        tally.failed += 1;
    }
    Ok(())
}

/// `test result: ok. 12 passed; 0 failed; …`
fn read_summary(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ").map(|part| part.split_once(' '));
    let mut next = |word: &str| match counts.next()?? {
        (number, named) if named == word => number.parse().ok(),
        _ => None,
    };
    Some((next("passed")?, next("failed")?))
}

impl Tally {
    fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// Runs the core's tests whose names contain `filter`, in `house`; whether they pass, and what was said.
pub(crate) fn core_tests(
    house: &std::path::Path,
    target: &std::path::Path,
    filter: &str,
) -> Result<(bool, String)> {
    let arguments = ["test", "--quiet", "--package", "callback-core", "--lib", filter];
    let mut cargo = command("cargo", &arguments);
    listen(cargo.current_dir(house).env("CARGO_TARGET_DIR", target).env("SIM_CASES", "400000"))
}

#[cfg(test)]
mod tests {
    use super::read_summary;

    #[test]
    fn a_test_programs_sum_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.1s";
        assert_eq!(read_summary(line), Some((12, 3)));
        assert_eq!(read_summary("test stories ... ok"), None);
    }
}
