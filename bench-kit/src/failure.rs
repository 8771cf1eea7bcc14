//! The errors of a measurement. Each ends the run, so they name what failed, and need no finer kind.

use std::fmt::Display;

use pubsub_api::{Error, ErrorKind};

/// An error: a process, a peer or the machine did not do what a run needs.
pub fn failure(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, text)
}

/// Makes an error with the text `cannot {what}` from its source, for `map_err`.
///
/// ```
/// use bench_kit::cannot;
///
/// let error = std::fs::read("/no/such/file").map_err(cannot("read the events")).unwrap_err();
/// assert!(error.to_string().starts_with("cannot read the events"));
/// ```
pub fn cannot<E>(what: impl Display) -> impl FnOnce(E) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| failure(format!("cannot {what}")).with_source(error)
}
