//! Installing what a task needs on a Debian machine that has only Rust, Node and git.

use crate::say::say;
use crate::shell::{command, find, listen, passes};
use anyhow::{Result, bail};

/// What the tests need from Debian: real telephones, a provider, a database server.
const TEST_PACKAGES: [&str; 3] = ["kamailio", "sip-tester", "postgresql"];

/// What a first look needs from Debian: a voice for announcements.
const RUN_PACKAGES: [&str; 1] = ["espeak-ng"];

/// Installs what `cargo xtask run` needs.
pub(crate) fn for_a_run() -> Result<()> {
    debian(&RUN_PACKAGES)
}

/// Installs what `cargo xtask test` needs.
pub(crate) fn for_tests() -> Result<()> {
    debian(&TEST_PACKAGES)?;
    cargo_deny()
}

/// Installs those of the packages that are missing; says the line to run where it may not.
pub(crate) fn debian(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = ["install", "-y", "--no-install-recommends"];
    let line = format!("apt-get {} {}", install.join(" "), missing.join(" "));
    let (is_root, mut prefix) = (is_root(), Vec::new());
    if !is_root {
        let may_sudo = find("sudo").is_some() && listen(&mut command("sudo", &["-n", "true"]))?.0;
        if !may_sudo {
            bail!("these Debian packages are missing; run once:\n  sudo {line}");
        }
        prefix = vec!["sudo", "-n"];
    }
    say(&format!("installing from Debian: {}", missing.join(" ")));
    let apt_get = |rest: &[&str]| -> Result<bool> {
        let mut words = prefix.clone();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        words.extend(rest);
        let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
        passes(command(program, arguments).stdout(std::process::Stdio::null()))
    };
    if !apt_get(&["update", "-q"])? || !apt_get(&[&install[..], &missing[..]].concat())? {
        bail!("Debian's packages could not be installed; run once:\n  sudo {line}");
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let query = ["-W", "-f=${db:Status-Status}", package];
    listen(&mut command("dpkg-query", &query)).is_ok_and(|(found, said)| found && said.trim() == "installed")
}

fn is_root() -> bool {
    listen(&mut command("id", &["-u"])).is_ok_and(|(_, said)| said.trim() == "0")
}

fn cargo_deny() -> Result<()> {
    if listen(&mut command("cargo", &["deny", "--version"])).is_ok_and(|(found, _)| found) {
        return Ok(());
    }
    say("installing cargo-deny (once, some minutes)");
    crate::shell::must("cargo", &["install", "--quiet", "--locked", "--version", "0.18.5", "cargo-deny"])
}
