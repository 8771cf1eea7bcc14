use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use crate::printable_lines;

/// Writes one line to stdout, with control characters escaped if stdout is a terminal. It is not an error if the reader has
/// gone, as in `publisher-service | head -1`.
///
/// It blocks while the reader does not read, so it is for commands. Programs that serve others use
/// [`WriteQueue`](crate::WriteQueue).
///
/// A text of several lines keeps its newlines and tabs.
pub fn print_line(line: impl Display) {
    let mut out = stdout().lock();
    let mut line = line.to_string();
    if out.is_terminal() {
        line = printable_lines(&line);
    }
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!("cannot write a line to stdout: {error}");
    }
}
