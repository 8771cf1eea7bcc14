//! The errors of a bench: each ends the run.

use std::fmt::Display;

use pubsub_api::{Error, ErrorKind};

/// A process or the machine did not do what a run needs.
pub(crate) fn failure(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, text)
}

/// The same, from another error.
pub(crate) fn cannot<E>(what: impl Display) -> impl FnOnce(E) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| failure(format!("cannot {what}")).with_source(error)
}
