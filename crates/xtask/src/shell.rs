//! Running other programs from the repository's root.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds, this program too.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("this program's file")?;
    Ok(program.ancestors().nth(2).context("this program is not where cargo builds")?.to_owned())
}

/// A program in the repository's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs it to its end; an exit code other than 0 is an error.
pub(crate) fn must(program: &str, arguments: &[&str]) -> Result<()> {
    if passes(&mut command(program, arguments))? {
        return Ok(());
    }
    bail!("failed: {program} {}", arguments.join(" "))
}

/// Runs it to its end; whether it ended well.
pub(crate) fn passes(command: &mut Command) -> Result<bool> {
    let program = command.get_program().to_owned();
    Ok(command.status().with_context(|| format!("cannot run {}", program.display()))?.success())
}

/// Runs it quietly; whether it ended well, and what it said.
pub(crate) fn listen(command: &mut Command) -> Result<(bool, String)> {
    let program = command.get_program().to_owned();
    command.stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// Where a program is found.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
