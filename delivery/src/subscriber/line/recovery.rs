use std::time::Duration;

use pubsub_api::Topic;

use super::{Line, NOT_ASKED};
use crate::Position;
use crate::subscriber::Effect;
use crate::subscriber::context::Context;
use crate::subscriber::followed::Followed;
use crate::subscriber::payload::Payload;
use crate::subscriber::timing::{FIRST_REPAIR, GIVE_UP, LONGEST_RECOVERY, LONGEST_REPAIR, MAX_FUTILE, PROOF};

const UNANSWERED: &str =
    "the publisher did not give again what is missing; its rows are asked for again later";

const FUTILE: &str = "what the publisher answers does not bring the topic up to date";

/// When its publisher is asked for what, and when that is given up.
///
/// A topic that is behind is [wanted](crate::subscriber::wanted::Wanted) until it is live. It is given up, and that reported,
/// if the publisher sends nothing at all for [`GIVE_UP`], if it comes no further itself for [`LONGEST_RECOVERY`], or if
/// [`MAX_FUTILE`] answers bring nothing. After the first two its rows are asked for again, until an answer settles it.
impl Line {
    pub(super) fn fell_behind(&mut self, topic: Topic, context: &mut Context<'_>) {
        if self.doubt_at.is_some() && self.behind.len() == 1 {
            // Just after the link stands, all subscribers of the publisher are in the same case. What else is behind when
            // the time has come is asked for with it.
            self.asking.not_before(context.now + context.jitter(PROOF));
        }
        if let Some(followed) = self.topics.get_mut(&topic) {
            followed.behind_since = context.now;
            followed.moved = context.now;
            followed.attempts = 0;
        }
        if self.can_be_asked(context) {
            self.wanted.put(topic, context.now);
        } else {
            self.give_up(topic, NOT_ASKED, context);
        }
    }

    /// A topic is not behind any more. If it was given up before, it is still to be repaired.
    pub(super) fn caught_up(&mut self, topic: Topic, context: &mut Context<'_>) {
        match self.topics.get(&topic).map_or(0, |followed| followed.repairs) {
            0 => self.wanted.remove(&topic),
            repairs => {
                let delay = repair_delay(repairs, context);
                self.wanted.put(topic, context.now + delay);
            }
        }
    }

    pub(super) fn give_up(&mut self, topic: Topic, reason: &'static str, context: &mut Context<'_>) {
        self.follow(topic, context, |tracker, effects| {
            tracker.give_up(reason, effects);
            0
        });
    }

    pub(super) fn give_up_the_oldest(&mut self, context: &mut Context<'_>) {
        let is_old = |followed: &Followed| {
            let silent = context.now.saturating_sub(followed.behind_since.max(self.asking.heard()));
            silent >= GIVE_UP || context.now.saturating_sub(followed.moved) >= LONGEST_RECOVERY
        };
        let is_over = |topic: &&Topic| self.topics.get(*topic).is_some_and(is_old);
        let old: Vec<Topic> = self.behind.iter().filter(is_over).cloned().collect();
        for topic in old {
            self.give_up_unanswered(topic, context);
        }
    }

    /// Goes on without what is missing, and has the topic repaired later.
    fn give_up_unanswered(&mut self, topic: Topic, context: &mut Context<'_>) {
        self.asking.answered(&topic);
        if let Some(followed) = self.topics.get_mut(&topic) {
            followed.repairs = followed.repairs.saturating_add(1);
        }
        self.give_up(topic, UNANSWERED, context);
    }

    /// The answer about a topic has brought it no further, or has been refused: it is asked for again, later each time.
    pub(super) fn was_futile(&mut self, topic: &Topic, context: &mut Context<'_>) {
        let Some(followed) = self.topics.get_mut(topic) else { return };
        followed.attempts += 1;
        let attempts = followed.attempts;
        if attempts >= MAX_FUTILE {
            return self.give_up(topic.clone(), FUTILE, context);
        }
        let wait = if attempts > 3 { context.jitter(PROOF * attempts) } else { Duration::ZERO };
        self.wanted.put(topic.clone(), context.now + wait);
    }

    /// The request will not be answered. What is behind is asked for again soon, what is to be repaired much later.
    pub(super) fn request_failed(&mut self, context: &mut Context<'_>) {
        self.answering = None;
        let wait = context.jitter(PROOF * (1 << self.asking.failures().min(5)));
        for topic in self.asking.failed(context.now, wait) {
            let followed = self.topics.get_mut(&topic).filter(|followed| followed.repairs > 0);
            if let Some(followed) = followed.filter(|_| !self.behind.contains(&topic)) {
                followed.repairs = followed.repairs.saturating_add(1);
                let delay = repair_delay(followed.repairs, context);
                self.wanted.put(topic, context.now + delay);
            }
        }
    }

    /// An answer brings a topic further.
    pub(super) fn came_further(&mut self, topic: &Topic, context: &Context<'_>) {
        if let Some(followed) = self.topics.get_mut(topic) {
            followed.moved = context.now;
            followed.attempts = 0;
        }
    }

    /// Nothing is left to repair: the topic was replaced, or the publisher has no rows to replace it with.
    pub(super) fn is_repaired(&mut self, topic: &Topic) {
        if let Some(followed) = self.topics.get_mut(topic) {
            followed.repairs = 0;
        }
        if !self.behind.contains(topic) {
            self.wanted.remove(topic);
        }
    }

    /// Notes whether a resync or a snapshot was the latest that a topic was given.
    pub(super) fn note_completeness(&mut self, topic: &Topic, effects: &[Effect<Payload>]) {
        let latest = effects.iter().rev().find_map(|effect| match effect {
            Effect::Resync(_) => Some(true),
            Effect::Replace(_) => Some(false),
            _ => None,
        });
        if let (Some(is), Some(followed)) = (latest, self.topics.get_mut(topic)) {
            let was = std::mem::replace(&mut followed.is_incomplete, is);
            self.incomplete = self.incomplete + usize::from(is) - usize::from(was);
        }
    }

    /// Asks, if there is something to ask and it is time.
    pub(in crate::subscriber) fn ask(&mut self, context: &mut Context<'_>) {
        if self.asking.is_overdue(context.now) {
            context.counters.timeouts += 1;
            self.request_failed(context);
        }
        if !self.is_proved || !self.can_be_asked(context) || !self.asking.is_free(context.now) {
            return;
        }
        let topics = &self.topics;
        let due = self.wanted.due(context.now).filter_map(|topic| {
            let tracker = &topics.get(topic)?.tracker;
            // What is not behind is to be repaired: all its rows are wanted.
            Some((topic, if tracker.is_behind() { tracker.position() } else { Position::NONE }))
        });
        if let Some(request) = self.asking.ask(context.now, due) {
            context.counters.requests += 1;
            context.requests.push((self.endpoint.clone(), request));
        }
    }
}

fn repair_delay(repairs: u32, context: &mut Context<'_>) -> Duration {
    let delay = FIRST_REPAIR.saturating_mul(1 << repairs.saturating_sub(1).min(8)).min(LONGEST_REPAIR);
    delay / 2 + context.jitter(delay / 2)
}
