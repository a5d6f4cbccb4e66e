//! The call flow broken on purpose: each patch beside the core must be caught by its stories or its simulation.

use crate::checks::core_tests;
use crate::say::say;
use crate::shell::{command, must, passes, root};
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Breaks a copy of the house with each patch in turn; writes the table; whether every mutant was caught.
pub(crate) fn run() -> Result<bool> {
    let patches = root().join("crates/callback-core/mutants");
    let work = root().join("target/mutants");
    let (house, target) = (work.join("house"), work.join("target"));
    let mut table = String::from(TABLE_HEAD);
    let mut all_caught = true;
    let mut files: Vec<_> =
        fs::read_dir(&patches)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "patch"));
    files.sort();
    copy_house(&house)?;
    let (whole, said) = core_tests(&house, &target, "stories::")?;
    if !whole {
        bail!("the house is broken without any mutant:\n{said}");
    }
    for (at, patch) in (1..).zip(&files) {
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let what = fs::read_to_string(patch)?.lines().next().unwrap_or_default().to_owned();
        say(&format!("[{at}/{}] {name}: {what}", files.len()));
        copy_house(&house)?;
        let file = patch.to_string_lossy();
        if !passes(command("patch", &["--quiet", "-p1", "-i", &file]).current_dir(&house))? {
            bail!("{name} fits no more: make it anew");
        }
        let (stories, said) = core_tests(&house, &target, "stories::")?;
        if said.contains("error: could not compile") {
            bail!("{name} does not compile:\n{said}");
        }
        let (sim, said) = core_tests(&house, &target, "sim::")?;
        let seed =
            said.lines().find_map(|line| line.strip_prefix("seed ")).unwrap_or("?").trim_end_matches(':');
        let by_sim = if sim { "–".to_owned() } else { format!("seed {seed}") };
        let by_stories = if stories { "–" } else { "caught" };
        let _ = writeln!(table, "| {name} | {what} | {by_stories} | {by_sim} |");
        if stories && sim {
            all_caught = false;
            say("      not caught");
        }
    }
    fs::write(patches.join("README.md"), table)?;
    Ok(all_caught)
}

const TABLE_HEAD: &str = "\
# Mutants of the call flow

Each patch breaks one rule of `docs/call-flow.md`. `cargo xtask mutants` applies them one by one to a copy of the
house and writes this table: which of them the stories catch, and with which seed the simulation does, of 400,000.

| mutant | what it breaks | stories | simulation |
|---|---|---|---|
";

fn copy_house(house: &Path) -> Result<()> {
    if house.exists() {
        fs::remove_dir_all(house)?;
    }
    fs::create_dir_all(house.join("crates"))?;
    let house = house.to_str().context("a path that is not UTF-8")?;
    must("cp", &["-r", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", house])?;
    must("cp", &["-r", "crates", "bench", "e2e", house])
}
