use pubsub_api::HELLO;

use super::PublisherStream;
use crate::Position;
use crate::subscriber::context::Context;
use crate::subscriber::tracked_topic::TrackedTopic;
use crate::subscriber::{Introduction, Phase, Tracker};

/// Whether a publisher remembers the epoch before.
///
/// If it does not, it may also have forgotten events on topics that this subscriber has not seen, and no mark shows that. So
/// the subscriber requests a topic on which nobody publishes, from the beginning of that epoch: the reply shows whether the
/// publisher knows the epoch.
impl PublisherStream {
    /// That epoch is over.
    pub(super) fn doubt_memory(&mut self, epoch: u64, context: &Context<'_>) {
        match context.options.introduction {
            Introduction::ByHello if !self.topics.contains_key(&HELLO) => {}
            Introduction::ByHello | Introduction::ByBroker => return,
        }
        let at = Position { epoch, sequence: 0 };
        let tracker = Tracker::resumed(at, context.options.buffer);
        self.unproved += 1;
        self.topics.insert(HELLO, TrackedTopic::new(tracker, context.now));
    }

    /// A mark shows that the publisher remembers that epoch.
    pub(in crate::subscriber) fn remembers(&mut self, epoch: u64) {
        let is_it = |tracked: &TrackedTopic| tracked.tracker.position().epoch == epoch;
        if self.topics.get(&HELLO).is_some_and(is_it) {
            self.retire(&HELLO);
        }
    }

    /// The request about the publisher's memory was answered.
    pub(super) fn end_doubt_of_memory(&mut self) {
        if self.topics.get(&HELLO).is_some_and(|tracked| tracked.tracker.phase() == Phase::Live) {
            self.retire(&HELLO);
        }
    }
}
