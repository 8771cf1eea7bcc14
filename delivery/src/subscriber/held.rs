use std::collections::VecDeque;

use pubsub_api::{Envelope, Incarnation};

/// What came of publishers that have not said hello yet, in order, bounded.
///
/// It is between the subscription and the hello of each link, mostly for less than a second. When it gets too full it is
/// emptied: marks tell what was in it, and it is asked for.
#[derive(Debug, Default)]
pub(super) struct Held {
    envelopes: VecDeque<(Incarnation, Envelope)>,
    bytes: usize,
}

impl Held {
    /// As the gap buffer of reliability.md b.
    pub(super) const MAX_EVENTS: usize = 4096;

    const MAX_BYTES: usize = 8 * 1024 * 1024;

    /// Adds one; how many left for want of room.
    pub(super) fn put(&mut self, of: Incarnation, envelope: Envelope) -> u64 {
        let mut left = 0;
        if self.envelopes.len() >= Self::MAX_EVENTS || self.bytes >= Self::MAX_BYTES {
            left = self.envelopes.len() as u64;
            *self = Self::default();
        }
        self.bytes += envelope.payload.len();
        self.envelopes.push_back((of, envelope));
        left
    }

    /// Takes out what is of this incarnation.
    pub(super) fn release(&mut self, of: Incarnation) -> Vec<Envelope> {
        let (released, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.envelopes).into_iter().partition(|(incarnation, _)| *incarnation == of);
        self.envelopes = kept;
        self.bytes = self.envelopes.iter().map(|(_, envelope)| envelope.payload.len()).sum();
        released.into_iter().map(|(_, envelope)| envelope).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.envelopes.len()
    }
}
