use pubsub_api::Topic;

use super::Line;
use crate::subscriber::Phase;
use crate::subscriber::context::Context;
use crate::subscriber::followed::Followed;
use crate::subscriber::timing::{GIVE_UP, MARKS_OVERDUE};

/// What is due at its time.
impl Line {
    /// Whether it waits for a time that is not far.
    pub(in crate::subscriber) fn is_busy(&self) -> bool {
        self.doubt_at.is_some() || (self.is_proved && !self.behind.is_empty())
    }

    /// Does what is due.
    pub(in crate::subscriber) fn tick(&mut self, context: &mut Context<'_>) {
        if self.doubt_at.is_some_and(|at| at <= context.now) {
            self.doubt_at = None;
            let can_be_asked = self.can_be_asked(context);
            if can_be_asked || self.unproved == 0 || std::mem::replace(&mut self.awaits_marks, true) {
                self.doubt(context);
            } else {
                self.doubt_at = Some(context.now + MARKS_OVERDUE);
            }
        }
        if self.is_proved {
            self.give_up_the_oldest(context);
        }
        self.ask(context);
    }

    fn doubt(&mut self, context: &mut Context<'_>) {
        let is_stale = |followed: &Followed| followed.tracker.phase() == Phase::Stale;
        let mut stale: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, followed)| is_stale(followed))
            .map(|(topic, _)| topic.clone())
            .collect();
        stale.sort();
        for topic in stale {
            self.follow(topic, context, |tracker, effects| {
                tracker.doubt(effects);
                0
            });
        }
    }

    fn give_up_the_oldest(&mut self, context: &mut Context<'_>) {
        let is_old = |topic: &&Topic| {
            let since = |followed: &Followed| context.now.saturating_sub(followed.behind_since);
            self.topics.get(*topic).is_some_and(|followed| since(followed) >= GIVE_UP)
        };
        let old: Vec<Topic> = self.behind.iter().filter(is_old).cloned().collect();
        for topic in old {
            self.asking.answered(&topic);
            self.give_up(topic, "the publisher did not give again what is missing", context);
        }
    }
}
