use pubsub_api::wire::WireError;

/// Why a received event is not a packet for this node. Counters use its [cause](Invalid::cause) as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl Invalid {
    /// Returns the name of the cause in counters.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Event(error) => error.cause(),
            Self::Foreign => "foreign_event",
            Self::TooBig => "too_big",
            Self::Version => "other_version",
            Self::Malformed => "malformed",
            Self::WrongBus => "wrong_bus",
            Self::WrongDestination => "wrong_destination",
            Self::WrongSource => "wrong_source",
        }
    }
}

impl From<WireError> for Invalid {
    fn from(error: WireError) -> Self {
        Self::Event(error)
    }
}
