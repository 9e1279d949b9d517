//! What is said to people on standard error.

use std::io::{self, Write};

/// Writes a line to standard error. Names and fields of files may stand in it: their control characters are written out, so
/// that they neither begin another line nor steer the terminal.
pub(crate) fn say(sentence: &str) {
    let shown = sentence.chars().fold(String::new(), |mut shown, letter| {
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
        shown
    });
    // Nobody may be listening.
    let _ = writeln!(io::stderr(), "{shown}");
}
