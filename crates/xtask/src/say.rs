//! Speaking to whoever runs a task; a closed pipe is no reason to panic.

use std::io::Write as _;

/// Writes a line.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
