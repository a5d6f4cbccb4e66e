//! Installing what a task needs on a Debian machine that has only Rust, Node and git.

use crate::say::say;
use crate::shell::{command, find, listen, must, passes, target};
use anyhow::{Result, bail};

/// What the tests need from Debian: a provider, odd far ends, a voice, a database server, Python for telephones, a mail
/// server and its certificate, another reader of telephone numbers, faults of system calls and of the clock, a browser.
const TEST_PACKAGES: [&str; 11] = [
    "kamailio",
    "sip-tester",
    "espeak-ng",
    "postgresql",
    "python3-venv",
    "python3-aiosmtpd",
    "openssl",
    "python3-phonenumbers",
    "strace",
    "libfaketime",
    "chromium",
];

/// The telephones of the tests, from PyPI, with their version.
const TELEPHONES: (&str, &str) = ("pjsua2-python", "2.15.1.post1");

/// What a first look needs from Debian: a voice for announcements.
const RUN_PACKAGES: [&str; 1] = ["espeak-ng"];

/// Installs what `cargo xtask run` needs.
pub(crate) fn for_a_run() -> Result<()> {
    debian(&RUN_PACKAGES)
}

/// Installs what `cargo xtask test` needs.
pub(crate) fn for_tests() -> Result<()> {
    debian(&TEST_PACKAGES)?;
    telephones()?;
    cargo_deny()
}

/// Installs the telephones beside what cargo builds, where the tests look for them.
fn telephones() -> Result<()> {
    let (package, version) = TELEPHONES;
    let folder = target()?.join("e2e/venv");
    let python = folder.join("bin/python").display().to_string();
    let ask = format!("import importlib.metadata, pjsua2; print(importlib.metadata.version('{package}'))");
    if listen(&mut command(&python, &["-c", &ask])).is_ok_and(|(_, said)| said.trim() == version) {
        return Ok(());
    }
    say(&format!("installing from PyPI: {package} {version}"));
    must("python3", &["-m", "venv", "--clear", &folder.display().to_string()])?;
    must(&python, &["-m", "pip", "install", "--quiet", &format!("{package}=={version}")])
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
    must("cargo", &["install", "--quiet", "--locked", "--version", "0.18.5", "cargo-deny"])
}
