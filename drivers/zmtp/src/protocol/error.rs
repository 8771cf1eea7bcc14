use std::fmt;

/// Why a connection is refused or ended. The [cause](ProtocolError::cause) is the name that the counters use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first bytes are not ZMTP's: another protocol, or noise.
    BadSignature,
    /// The peer speaks ZMTP 1 or 2.
    OldVersion,
    /// The peer wants another security mechanism.
    WrongMechanism,
    /// A bit of the flags that RFC 37 reserves is set, or MORE on a command.
    BadFlags,
    /// A frame announces more bytes than any of its kind has.
    FrameTooLong,
    /// Something other than READY where READY is due.
    NotReady,
    /// READY's list of properties does not read as one.
    BadReady,
    /// The peer's socket type has no business here, or is unknown.
    WrongSocketType,
    /// The peer answered the handshake with ERROR.
    RefusedByPeer,
    /// A command whose body does not read as RFC 37 has it.
    BadCommand,
    /// A message of more frames than anybody sends.
    TooManyFrames,
    /// A command between the frames of one message.
    CommandInMessage,
    /// A subscription longer than [`MAX_PREFIX_BYTES`](super::MAX_PREFIX_BYTES).
    SubscriptionTooLong,
}

impl ProtocolError {
    /// The name of the cause in counters.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::OldVersion => "old_version",
            Self::WrongMechanism => "wrong_mechanism",
            Self::BadFlags => "bad_flags",
            Self::FrameTooLong => "frame_too_long",
            Self::NotReady => "not_ready",
            Self::BadReady => "bad_ready",
            Self::WrongSocketType => "wrong_socket_type",
            Self::RefusedByPeer => "refused_by_peer",
            Self::BadCommand => "bad_command",
            Self::TooManyFrames => "too_many_frames",
            Self::CommandInMessage => "command_in_message",
            Self::SubscriptionTooLong => "subscription_too_long",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadSignature => "the peer does not speak ZMTP",
            Self::OldVersion => "the peer speaks a ZMTP before 3.0",
            Self::WrongMechanism => "the peer wants another security mechanism than NULL",
            Self::BadFlags => "a frame has flags that ZMTP does not know",
            Self::FrameTooLong => "a frame announces more bytes than are ever taken",
            Self::NotReady => "the peer sent something else where its READY was due",
            Self::BadReady => "the properties of the peer's READY cannot be read",
            Self::WrongSocketType => "the peer's socket type does not belong here",
            Self::RefusedByPeer => "the peer answered the handshake with ERROR",
            Self::BadCommand => "a command of the peer cannot be read",
            Self::TooManyFrames => "a message has more frames than are ever taken",
            Self::CommandInMessage => "a command stands between the frames of a message",
            Self::SubscriptionTooLong => "a subscription is longer than any topic",
        })
    }
}

impl std::error::Error for ProtocolError {}
