use pubsub_api::HELLO;

use super::PublisherStream;
use crate::Position;
use crate::subscriber::context::Context;
use crate::subscriber::tracked_topic::TrackedTopic;
use crate::subscriber::{Introduction, Phase, Tracker};

/// Whether a publisher that began another life remembers the one before.
///
/// If it does not, it has forgotten also what it had published on topics of which nothing was heard yet, and no mark will tell.
/// So it is asked about a topic that nobody publishes on, from the beginning of that life: it knows the life, or it does not.
impl PublisherStream {
    /// The life of that epoch is over.
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

    /// A mark says that the publisher remembers the life of that epoch.
    pub(in crate::subscriber) fn remembers(&mut self, epoch: u64) {
        let is_it = |tracked: &TrackedTopic| tracked.tracker.position().epoch == epoch;
        if self.topics.get(&HELLO).is_some_and(is_it) {
            self.retire(&HELLO);
        }
    }

    /// What the publisher remembers is answered.
    pub(super) fn end_doubt_of_memory(&mut self) {
        if self.topics.get(&HELLO).is_some_and(|tracked| tracked.tracker.phase() == Phase::Live) {
            self.retire(&HELLO);
        }
    }
}
