use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use crate::printable_lines;

/// Writes one line to stdout; on a terminal with control characters escaped. That nobody reads it, as in
/// `publisher-service | head -1`, is no failure.
///
/// It waits for a reader that does not read: for commands, not for what serves others meanwhile (see
/// [`WriteQueue`](crate::WriteQueue)).
pub fn tell(line: impl Display) {
    let mut out = stdout().lock();
    let mut line = line.to_string();
    if out.is_terminal() {
        line = printable_lines(&line);
    }
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!("a line went unread: {error}");
    }
}
