use std::fmt;

use pubsub_api::ErrorKind;
use serde::{Deserialize, Serialize};

/// Why a call failed, for programs to act on.
///
/// Two questions matter to a caller: would a retry help, and may the method have run. [`CallError`](crate::CallError)
/// knows the second of the one call; the table is of the kind alone.
///
/// | kind | may have run | a retry | of Congress |
/// |---|---|---|---|
/// | [`NoService`](Self::NoService) | no | after the service has started | `NotFound`, 404 |
/// | [`NoMethod`](Self::NoMethod) | no | never helps | `BadRequest`, 400 |
/// | [`BadArguments`](Self::BadArguments) | no | never helps | `BadRequest`, 400 |
/// | [`Denied`](Self::Denied) | no | never helps | |
/// | [`Overloaded`](Self::Overloaded) | no | later | `Unavailable`, 503 |
/// | [`Draining`](Self::Draining) | no, unless the service stopped halfway | at another instance, or later | `Unavailable`, 503 |
/// | [`Timeout`](Self::Timeout) | yes, unless nothing was sent | after a check | `Unavailable`, 503 |
/// | [`PeerLost`](Self::PeerLost) | yes, unless nothing was sent | after a check | `Unavailable`, 503 |
/// | [`ResultLost`](Self::ResultLost) | yes | after a check | |
/// | [`Cancelled`](Self::Cancelled) | yes, unless nothing was sent | | |
/// | [`Remote`](Self::Remote) | yes, and it failed | the text of the error decides | `<Name>_Remote`, `RemoteError` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "&'static str")]
#[non_exhaustive]
pub enum CallErrorKind {
    /// No node of the bus runs the service, or the addressed one does not.
    NoService,
    /// The service has no such method.
    NoMethod,
    /// The arguments are of a wrong type, too large or too deep.
    BadArguments,
    /// The call was not acknowledged in time, or not answered by its deadline.
    Timeout,
    /// The node of the callee was lost, or said goodbye.
    PeerLost,
    /// The service finishes the calls that it has and accepts no more.
    Draining,
    /// A bound on calls is reached: at the caller's node, or at the callee's.
    Overloaded,
    /// The method ran and failed. So is every kind that this version does not know.
    Remote,
    /// The caller cancelled the call.
    Cancelled,
    /// The caller is not allowed to call the method.
    Denied,
    /// The callee has ended the call, or may have, and no longer keeps its result.
    ResultLost,
}

impl CallErrorKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::NoService,
        Self::NoMethod,
        Self::BadArguments,
        Self::Timeout,
        Self::PeerLost,
        Self::Draining,
        Self::Overloaded,
        Self::Remote,
        Self::Cancelled,
        Self::Denied,
        Self::ResultLost,
    ];

    /// Returns the name for counters, logs and the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoService => "no_service",
            Self::NoMethod => "no_method",
            Self::BadArguments => "bad_arguments",
            Self::Timeout => "timeout",
            Self::PeerLost => "peer_lost",
            Self::Draining => "draining",
            Self::Overloaded => "overloaded",
            Self::Remote => "remote",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::ResultLost => "result_lost",
        }
    }

    /// Returns whether a call that failed with this kind may have run, as far as the kind alone shows.
    #[must_use]
    pub const fn may_have_run(self) -> bool {
        matches!(self, Self::Timeout | Self::PeerLost | Self::ResultLost | Self::Cancelled | Self::Remote)
    }
}

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a peer's kind; a name that this version does not know is [`CallErrorKind::Remote`].
impl From<String> for CallErrorKind {
    fn from(name: String) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Self::Remote)
    }
}

impl From<CallErrorKind> for &'static str {
    fn from(kind: CallErrorKind) -> Self {
        kind.as_str()
    }
}

/// The kind of the error of the contract. A [`CallError`](crate::CallError) that is unavailable and may have run becomes
/// [`ErrorKind::InDoubt`] instead.
impl From<CallErrorKind> for ErrorKind {
    fn from(kind: CallErrorKind) -> Self {
        match kind {
            CallErrorKind::NoService | CallErrorKind::NoMethod => Self::NotFound,
            CallErrorKind::BadArguments | CallErrorKind::Denied => Self::Invalid,
            CallErrorKind::Timeout | CallErrorKind::PeerLost | CallErrorKind::Draining => Self::Unavailable,
            CallErrorKind::Overloaded => Self::Overloaded,
            CallErrorKind::Remote => Self::Internal,
            CallErrorKind::Cancelled => Self::Closed,
            CallErrorKind::ResultLost => Self::InDoubt,
        }
    }
}

/// The kind with which a method fails that returns an error of this kind: the same meaning where there is one, otherwise
/// [`CallErrorKind::Remote`]. A row that the method did not find is not a method that was not found.
impl From<ErrorKind> for CallErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Invalid => Self::BadArguments,
            ErrorKind::Overloaded => Self::Overloaded,
            ErrorKind::Closed => Self::Draining,
            _ => Self::Remote,
        }
    }
}
