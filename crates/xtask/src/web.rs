//! The cabinet's pages: built into `web/cabinet/dist`, from where the service takes them in.

use crate::shell::{command, passes, root};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::SystemTime;

/// Where they are written.
fn folder() -> PathBuf {
    root().join("web/cabinet")
}

/// Installs what they are built with, as the lock file says, unless that is there already.
pub(crate) fn install() -> Result<()> {
    let folder = folder();
    let written = |path: &str| fs::metadata(folder.join(path)).and_then(|file| file.modified()).ok();
    // npm writes this file last.
    let installed = written("node_modules/.package-lock.json");
    if installed.is_some() && installed >= written("package-lock.json") {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"])
}

/// Builds them, where anything they are made of is newer than they are.
pub(crate) fn build() -> Result<()> {
    let folder = folder();
    let built = fs::metadata(folder.join("dist/index.html")).and_then(|file| file.modified()).ok();
    let sources = ["src", "public", "scripts", "index.html", "package-lock.json", "vite.config.ts"];
    let newest = sources.iter().filter_map(|source| newest(folder.join(source))).max();
    if built.is_some() && built >= newest {
        return Ok(());
    }
    install()?;
    npm(&["run", "--silent", "build"])?;
    // What was built without them is built again: cargo does not look into the folder by itself.
    fs::File::open(root().join("crates/callback/src/web/cabinet/pages.rs"))?
        .set_modified(SystemTime::now())?;
    Ok(())
}

/// Types, and what is pure logic.
pub(crate) fn check() -> Result<bool> {
    install()?;
    Ok(runs(&["run", "--silent", "check"])? && runs(&["test", "--silent"])?)
}

/// Writes the browser's types of the API anew from its document; whether they were what they are.
pub(crate) fn types() -> Result<bool> {
    install()?;
    let document = folder().join("openapi.json");
    let mut callback = command("cargo", &["run", "--quiet", "--bin", "callback", "--", "openapi"]);
    let written =
        callback.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("callback openapi")?;
    if !written.status.success() {
        bail!("callback openapi failed");
    }
    let before = fs::read(&document).unwrap_or_default();
    fs::write(&document, &written.stdout)?;
    npm(&["run", "--silent", "types"])?;
    Ok(before == written.stdout)
}

/// When something in a folder was last written.
fn newest(path: PathBuf) -> Option<SystemTime> {
    let about = fs::metadata(&path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    let entries = fs::read_dir(&path).ok()?.flatten();
    entries.filter_map(|entry| newest(entry.path())).max()
}

fn npm(words: &[&str]) -> Result<()> {
    if runs(words)? { Ok(()) } else { bail!("failed in web/cabinet: npm {}", words.join(" ")) }
}

fn runs(words: &[&str]) -> Result<bool> {
    let mut npm = command("npm", words);
    npm.current_dir(folder()).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    passes(&mut npm)
}
