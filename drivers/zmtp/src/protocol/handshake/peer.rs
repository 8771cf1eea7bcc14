use std::time::Duration;

use crate::protocol::SocketType;

/// The two ends of a connection, once the handshake is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The type of the peer.
    pub socket_type: SocketType,
    /// The type of this end, which serves the peer.
    pub own_type: SocketType,
    /// The minor version of its ZMTP 3.
    pub minor: u8,
    /// The longest time between two messages that the peer sends while it receives, if it states one.
    pub alive_every: Option<Duration>,
    /// Whether it is a publisher that judges whole subscriptions, and not only prefixes, by the rights of this end.
    pub judges_subscriptions: bool,
}

impl Peer {
    /// Whether it knows PING and the commands SUBSCRIBE and CANCEL (RFC 37; RFC 23 has neither).
    #[must_use]
    pub fn speaks_3_1(&self) -> bool {
        self.minor >= 1
    }
}
