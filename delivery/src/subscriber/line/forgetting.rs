use std::time::Duration;

use pubsub_api::{HELLO, Topic};

use super::Line;
use crate::Position;
use crate::subscriber::Phase;
use crate::subscriber::followed::Followed;

/// Topics that nothing is heard of, or that nobody wants.
impl Line {
    /// Forgets topics of which nothing was heard for long.
    pub(in crate::subscriber) fn retire_silent(&mut self, now: Duration, remembered: Duration) {
        let is_silent = |followed: &Followed| now.saturating_sub(followed.heard) >= remembered;
        let silent: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, followed)| is_silent(followed))
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in &silent {
            let at = self.topics.get(topic).map(|followed| followed.tracker.position());
            self.has_forgotten |= at.is_some_and(|at| at != Position::NONE);
            self.retire(topic);
        }
    }

    /// Forgets topics that nobody wants.
    pub(in crate::subscriber) fn retain(&mut self, wants: impl Fn(&Topic) -> bool) {
        let left: Vec<Topic> =
            self.topics.keys().filter(|topic| **topic != HELLO && !wants(topic)).cloned().collect();
        left.iter().for_each(|topic| self.retire(topic));
    }

    pub(super) fn retire(&mut self, topic: &Topic) {
        let Some(followed) = self.topics.remove(topic) else { return };
        self.behind.remove(topic);
        self.wanted.remove(topic);
        self.incomplete -= usize::from(followed.is_incomplete);
        // What is still answered about it is for nobody.
        self.asking.answered(topic);
        self.answering.take_if(|answering| answering.topic == *topic);
        self.waiting_bytes -= followed.tracker.waiting_bytes();
        self.unproved -= usize::from(followed.tracker.phase() != Phase::Live);
    }
}
