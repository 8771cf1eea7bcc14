use std::sync::atomic::{AtomicU64, Ordering};

use super::topics::PacketTopic;
use crate::packet::Destination;

/// A topic that a node receives, the destination that it stands for, and what has arrived on it.
#[derive(Debug)]
pub(super) struct ReceivedTopic {
    /// The destination.
    pub(super) to: Destination,
    /// The topic.
    pub(super) topic: PacketTopic,
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// What has arrived on the topic of a destination, invalid packets included.
#[derive(Debug, Clone)]
pub(crate) struct TopicTraffic {
    /// The destination.
    pub(crate) to: Destination,
    /// The number of packets.
    pub(crate) packets: u64,
    /// The bytes of the packets, with their topics.
    pub(crate) bytes: u64,
}

impl ReceivedTopic {
    /// A topic on which nothing has arrived yet.
    pub(super) fn new(to: Destination, topic: PacketTopic) -> Self {
        Self { to, topic, packets: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Notes a packet.
    pub(super) fn note(&self, bytes: u64) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns what has arrived.
    pub(super) fn traffic(&self) -> TopicTraffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TopicTraffic { to: self.to.clone(), packets: read(&self.packets), bytes: read(&self.bytes) }
    }
}
