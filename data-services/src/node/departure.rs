use pubsub_api::{Error, ErrorKind};

/// Why a node is not on the bus any more.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    /// [`ErrorKind::AlreadyExists`] for a node that was refused, [`ErrorKind::Closed`] otherwise.
    pub(super) kind: ErrorKind,
    /// The reason, for people.
    pub(super) reason: String,
}

impl Departure {
    /// The node has left, its driver has ended, or nobody uses it.
    pub(super) fn closed(reason: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Closed, reason: reason.into() }
    }

    /// Another node keeps its id.
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self { kind: ErrorKind::AlreadyExists, reason: reason.into() }
    }

    pub(super) fn to_error(&self) -> Error {
        Error::new(self.kind, self.reason.as_str())
    }
}
