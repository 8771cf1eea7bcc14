use crate::protocol::SocketType;
use crate::protocol::greeting::{UP_TO_MAJOR_BYTES, UP_TO_MECHANISM_BYTES};

/// The side of a handshake that this end has.
#[derive(Debug)]
pub(super) enum Side {
    Connector(SocketType, ReadyOrder),
    /// With the types of peers that it serves.
    Listener(&'static [SocketType]),
}

/// When a connector sends its READY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyOrder {
    WithGreeting,
    AfterThePeers,
}

impl Side {
    /// The number of bytes of the peer's greeting after which the rest of ours is sent.
    pub(super) fn greets_after(&self) -> usize {
        match self {
            Self::Connector(..) => UP_TO_MAJOR_BYTES,
            Self::Listener(_) => UP_TO_MECHANISM_BYTES,
        }
    }

    /// Returns the type of this end at a peer of a type, `None` if the two cannot be connected.
    pub(super) fn own_type(&self, peer: SocketType) -> Option<SocketType> {
        match self {
            Self::Connector(own, _) => own.may_meet(peer).then_some(*own),
            Self::Listener(serves) if serves.contains(&peer) => peer.counterpart(),
            Self::Listener(_) => None,
        }
    }

    /// Whether its READY follows that of the peer.
    pub(super) fn answers_ready(&self) -> bool {
        !matches!(self, Self::Connector(_, ReadyOrder::WithGreeting))
    }
}
