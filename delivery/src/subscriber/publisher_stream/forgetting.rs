use std::time::Duration;

use pubsub_api::{HELLO, Stamp, Topic};

use super::PublisherStream;
use crate::Position;
use crate::subscriber::context::Context;
use crate::subscriber::tracked_topic::TrackedTopic;
use crate::subscriber::{Introduction, Phase};

/// Topics that are silent or not subscribed to.
impl PublisherStream {
    /// Forgets topics that were silent for long.
    pub(in crate::subscriber) fn retire_silent(&mut self, now: Duration, remembered: Duration) {
        let is_silent = |tracked: &TrackedTopic| now.saturating_sub(tracked.heard) >= remembered;
        let silent: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, tracked)| is_silent(tracked))
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in &silent {
            let at = self.topics.get(topic).map(|tracked| tracked.tracker.position());
            self.has_forgotten |= at.is_some_and(|at| at != Position::NONE);
            self.retire(topic);
        }
        self.forget_hello(now, remembered);
    }

    /// Forgets topics that are not subscribed to.
    pub(in crate::subscriber) fn retain(&mut self, wants: impl Fn(&Topic) -> bool) {
        let left: Vec<Topic> =
            self.topics.keys().filter(|topic| **topic != HELLO && !wants(topic)).cloned().collect();
        left.iter().for_each(|topic| self.retire(topic));
    }

    /// The publisher has retired a topic, after this sequence. The topic is forgotten once nothing of it is missing: what is
    /// missing then is requested, and the publisher replies that it does not remember it. A `bye` that is repeated (`again`)
    /// counts if the first one was lost.
    pub(super) fn bye(&mut self, topic: &Topic, stamp: Stamp, again: Option<u64>, context: &mut Context<'_>) {
        if again.is_some_and(|first| self.retirements.knows(topic, stamp.sequence, first)) {
            return;
        }
        match context.options.introduction {
            Introduction::ByHello => self.retirements.note(topic, stamp.sequence),
            // No `bye` is repeated there.
            Introduction::ByBroker => {}
        }
        self.pass_over(topic, stamp, stamp.sequence, context);
        self.follow(topic.clone(), context, |tracker, effects| {
            tracker.mark(stamp.epoch, stamp.sequence, None, effects);
            0
        });
        if self.behind.contains(topic) {
            self.ended.insert(topic.clone());
        } else {
            self.retire(topic);
        }
    }

    /// A message shows that a retired topic is in use again.
    #[inline]
    pub(super) fn has_returned(&mut self, topic: &Topic) {
        if !self.ended.is_empty() {
            self.ended.remove(topic);
        }
    }

    pub(super) fn retire(&mut self, topic: &Topic) {
        let Some(tracked) = self.topics.remove(topic) else { return };
        self.behind.remove(topic);
        self.ended.remove(topic);
        self.request_schedule.remove(topic);
        self.incomplete -= usize::from(tracked.is_incomplete);
        // The rest of a reply about it is ignored.
        self.sync_client.answered(topic);
        self.sync_response.take_if(|answering| answering.topic == *topic);
        self.waiting_bytes -= tracked.tracker.waiting_bytes();
        self.unproved -= usize::from(tracked.tracker.phase() != Phase::Live);
    }
}
