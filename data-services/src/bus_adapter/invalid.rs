use std::fmt;

use pubsub_api::wire::WireError;
use sealing::PacketRefusal;

/// Why a received event is not a packet for this node. Counters use its [cause](Invalid::cause) as a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Invalid {
    /// It is not a valid event.
    Event(WireError),
    /// It is an event of somebody else: its table is not `$dse`.
    Foreign,
    /// The packet is larger than [`MAX_PACKET_BYTES`](super::MAX_PACKET_BYTES).
    TooBig,
    /// It has another version, such as that of a later release.
    Version,
    /// It cannot be decoded.
    Malformed,
    /// It belongs to another bus.
    WrongBus,
    /// It belongs to another destination than its topic, or to one that this node does not receive.
    WrongDestination,
    /// It is a change of a table, and its sender is not the publisher of the table.
    WrongSource,
    /// It is not sealed, and only sealed ones are accepted.
    NotSealed,
    /// It is sealed, and this node has no keyring.
    NoKeyring,
    /// It is sealed, and cannot be opened.
    Refused(PacketRefusal),
}

impl Invalid {
    /// Returns the name of the cause in counters.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::Event(error) => error.cause(),
            Self::Foreign => "foreign_event",
            Self::TooBig => "too_big",
            Self::Version => "other_version",
            Self::Malformed => "malformed",
            Self::WrongBus => "wrong_bus",
            Self::WrongDestination => "wrong_destination",
            Self::WrongSource => "wrong_source",
            Self::NotSealed => "not_sealed",
            Self::NoKeyring => "no_keyring",
            Self::Refused(PacketRefusal::UnknownKey(_)) => "unknown_key",
            Self::Refused(PacketRefusal::NotAuthentic) => "not_authentic",
            Self::Refused(PacketRefusal::Repeated) => "repeated",
        }
    }
}

impl From<WireError> for Invalid {
    fn from(error: WireError) -> Self {
        Self::Event(error)
    }
}

impl From<PacketRefusal> for Invalid {
    fn from(refusal: PacketRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSealed => f.write_str("it is not sealed, and data_services.accept = \"sealed\""),
            Self::NoKeyring => f.write_str("it is sealed, and data_services.keyring_file is empty"),
            Self::Refused(refusal) => refusal.fmt(f),
            other => f.write_str(&other.cause().replace('_', " ")),
        }
    }
}
