use std::collections::HashSet;

use pubsub_api::{HELLO, Topic};

use super::PublisherStream;
use crate::Position;
use crate::subscriber::Tracker;
use crate::subscriber::context::Context;
use crate::subscriber::tracked_topic::TrackedTopic;

/// Topics whose rows the application has not kept.
impl PublisherStream {
    /// Follows these topics (`None`: all) from their beginning again; returns them. Without a link they are requested when it
    /// returns. A topic of which nothing has arrived has nothing to request.
    pub(in crate::subscriber) fn request_again(
        &mut self,
        topics: Option<&HashSet<Topic>>,
        context: &mut Context<'_>,
    ) -> Vec<Topic> {
        if !self.accepts_requests(context) {
            return Vec::new();
        }
        let is_wanted = |topic: &Topic| topics.is_none_or(|topics| topics.contains(topic));
        let known = self.topics.iter().filter(|(topic, _)| **topic != HELLO && is_wanted(topic));
        let known = known.map(|(topic, tracked)| (topic.clone(), tracked.tracker.position().epoch));
        let mut renewed: Vec<(Topic, u64)> = known.filter(|(_, epoch)| *epoch > 0).collect();
        renewed.sort();
        for (topic, epoch) in &renewed {
            self.retire(topic);
            let at = Position { epoch: *epoch, sequence: 0 };
            let tracker = Tracker::resumed(at, context.options.buffer);
            self.unproved += 1;
            self.topics.insert(topic.clone(), TrackedTopic::new(tracker, context.now));
            if self.is_proved {
                self.follow(topic.clone(), context, |tracker, effects| {
                    tracker.doubt(effects);
                    0
                });
            }
        }
        renewed.into_iter().map(|(topic, _)| topic).collect()
    }
}
