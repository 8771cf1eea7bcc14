use crate::PeerId;

/// A run of events that one worker numbered, as a driver read them from one connection.
///
/// The batch contains it even if the driver had to drop some of its events: their numbers are used up and must be
/// acknowledged, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The connection that the events arrived on.
    pub peer: PeerId,
    /// The worker's id: random, drawn at its first send, the same over all its connections.
    pub worker: u64,
    /// The sequence number of the first event.
    pub first: u64,
    /// The number of sequence numbers in the run.
    pub count: u64,
    /// Events up to this sequence number were sent before, over an earlier connection: they may be repeats.
    pub sent_before: u64,
}

impl Source {
    /// Returns the sequence number of the last event, which an acknowledgement names.
    ///
    /// ```
    /// use pubsub_api::{PeerId, Source};
    ///
    /// let run = Source { peer: PeerId(1), worker: 7, first: 10, count: 3, sent_before: 10 };
    /// assert_eq!(run.last(), 12);
    /// ```
    #[must_use]
    pub fn last(&self) -> u64 {
        (self.first + self.count).saturating_sub(1)
    }
}

/// The worker that sent an event, and its sequence number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerPosition {
    /// The worker's id.
    pub worker: u64,
    /// The worker's sequence number of the event: 1, 2, 3 … over all topics.
    pub number: u64,
    /// Whether the event was sent before, over an earlier connection, so that it may be a repeat.
    pub sent_before: bool,
}
