use std::time::Duration;

use super::PublisherStream;
use crate::subscriber::context::Context;

/// The publisher has more topics than are followed.
#[derive(Debug)]
pub(super) struct Overfull {
    /// When a message on one of the others last arrived.
    since: Duration,
    pub(super) is_reported: bool,
}

/// More topics than are followed.
impl PublisherStream {
    /// It was reported that the publisher has too many topics.
    pub(in crate::subscriber) fn overfull_is_reported(&mut self) {
        self.reported_live = false;
        if let Some(overfull) = &mut self.overfull {
            overfull.is_reported = true;
        }
    }

    /// A message arrived on a topic that is not followed, because there are too many.
    pub(in crate::subscriber) fn no_room(&mut self, context: &mut Context<'_>) {
        context.counters.untracked += 1;
        let is_reported = self.overfull.as_ref().is_some_and(|overfull| overfull.is_reported);
        self.overfull = Some(Overfull { since: context.now, is_reported });
    }

    /// Whether it had too many topics, and no message has arrived since then on one that is not followed.
    pub(in crate::subscriber) fn has_room_since(&mut self, since: Duration) -> bool {
        let is_over =
            self.overfull.as_ref().is_some_and(|overfull| overfull.since <= since) && self.is_proved;
        if is_over {
            self.overfull = None;
        }
        is_over
    }
}
