use std::fmt::Display;
use std::io::{Write, stdout};

/// Writes one line to stdout. That nobody reads it, as in `publisher-service | head -1`, is no failure.
pub fn tell(line: impl Display) {
    let mut out = stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!("a line went unread: {error}");
    }
}
