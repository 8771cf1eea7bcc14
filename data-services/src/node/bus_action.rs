use crate::StreamName;
use crate::packet::{Message, Outgoing};

/// What the core of a node asks of its driver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BusAction {
    /// Send a message.
    Send(Outgoing),
    /// Subscribe to the topic of a stream.
    Follow(StreamName),
    /// End that subscription.
    Unfollow(StreamName),
    /// Connect to the publisher of a peer.
    Connect(String),
    /// Disconnect from it.
    Disconnect(String),
    /// Send a message to a node that does not listen to this one yet, by the driver's channel for requests.
    Introduce {
        /// The endpoint of that node.
        endpoint: String,
        /// The message.
        message: Message,
    },
}

impl BusAction {
    /// Whether it changes what the driver follows or is connected to. Nothing repeats a change, while a message that is lost
    /// is repaired.
    pub(super) fn is_change(&self) -> bool {
        !matches!(self, Self::Send(_) | Self::Introduce { .. })
    }
}
