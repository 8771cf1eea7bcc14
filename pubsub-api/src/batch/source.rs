use crate::PeerId;

/// A run of events that one worker numbered, as a driver read them from one connection.
///
/// It stands in the batch even if the driver had to drop some of its events: their numbers are used up, and are to be
/// acknowledged, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The connection that they came over.
    pub peer: PeerId,
    /// The worker's id: random, drawn at its first send, the same over all its connections.
    pub worker: u64,
    /// The number of the first one.
    pub first: u64,
    /// How many numbers the run has.
    pub count: u64,
    /// Up to this number, events had been sent before over an earlier connection: they may be repeats.
    pub sent_before: u64,
}

impl Source {
    /// The number of the last one, which an acknowledgement names.
    #[must_use]
    pub fn last(&self) -> u64 {
        (self.first + self.count).saturating_sub(1)
    }
}

/// Which worker sent an event, and under which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The worker's id.
    pub worker: u64,
    /// The worker's number of the event: 1, 2, 3 … over all topics.
    pub number: u64,
    /// Whether it had been sent before over an earlier connection, so that it may be a repeat.
    pub sent_before: bool,
}
