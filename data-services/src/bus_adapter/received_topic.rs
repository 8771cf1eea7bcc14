use super::topics::PacketTopic;
use crate::packet::Destination;

/// A topic that a node receives, and the destination that it stands for.
#[derive(Debug)]
pub(super) struct ReceivedTopic {
    /// The destination.
    pub(super) to: Destination,
    /// The topic.
    pub(super) topic: PacketTopic,
}
