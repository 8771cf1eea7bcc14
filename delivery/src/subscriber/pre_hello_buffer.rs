use std::collections::VecDeque;
use std::time::Duration;

use pubsub_api::{Envelope, PublisherEpoch};

/// Events of publishers that have not sent hello yet, in order, bounded.
///
/// It is used between the subscription and the hello of each link, mostly for less than a second. When it is too full it is
/// emptied: marks show what was in it, and it is requested.
#[derive(Debug, Default)]
pub(super) struct PreHelloBuffer {
    envelopes: VecDeque<(PublisherEpoch, Envelope, Duration)>,
    bytes: usize,
}

impl PreHelloBuffer {
    /// The bounds of the gap buffer of one topic.
    pub(super) const MAX_EVENTS: usize = 4096;

    const MAX_BYTES: usize = 8 * 1024 * 1024;

    /// Adds an event; returns how many were dropped because it was full.
    pub(super) fn put(&mut self, of: PublisherEpoch, envelope: Envelope, now: Duration) -> u64 {
        let mut left = 0;
        if self.envelopes.len() >= Self::MAX_EVENTS || self.bytes >= Self::MAX_BYTES {
            left = self.envelopes.len() as u64;
            *self = Self::default();
        }
        self.bytes += envelope.payload.len();
        self.envelopes.push_back((of, envelope, now));
        left
    }

    /// Removes and returns the events of this epoch.
    pub(super) fn release(&mut self, of: PublisherEpoch) -> Vec<Envelope> {
        let (released, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.envelopes).into_iter().partition(|(held, ..)| *held == of);
        self.envelopes = kept;
        self.bytes = self.envelopes.iter().map(|(_, envelope, _)| envelope.payload.len()).sum();
        released.into_iter().map(|(_, envelope, _)| envelope).collect()
    }

    /// Removes and returns the events that have waited since `since` or longer.
    pub(super) fn expired(&mut self, since: Duration) -> Vec<(PublisherEpoch, Envelope)> {
        let mut expired = Vec::new();
        while self.envelopes.front().is_some_and(|(_, _, came)| *came <= since)
            && let Some((of, envelope, _)) = self.envelopes.pop_front()
        {
            self.bytes -= envelope.payload.len();
            expired.push((of, envelope));
        }
        expired
    }

    pub(super) fn len(&self) -> usize {
        self.envelopes.len()
    }
}
