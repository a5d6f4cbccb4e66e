//! What the program says on its terminal. A reader who has gone is no reason to fall over, as `println!` does.

use std::io::Write as _;

/// Says something to whoever reads the result.
pub fn out(text: impl std::fmt::Display) {
    let _reader_is_gone = writeln!(std::io::stdout().lock(), "{}", text.to_string().trim_end());
}

/// Says what went wrong.
pub fn wrong(text: impl std::fmt::Display) {
    let _reader_is_gone = writeln!(std::io::stderr().lock(), "{}", text.to_string().trim_end());
}
