use std::time::Duration;

use pubsub_api::Topic;

use super::{NOT_ASKED, PublisherStream};
use crate::Position;
use crate::subscriber::Effect;
use crate::subscriber::context::Context;
use crate::subscriber::payload::Payload;
use crate::subscriber::timing::{FIRST_REPAIR, GIVE_UP, LONGEST_RECOVERY, LONGEST_REPAIR, MAX_FUTILE, PROOF};
use crate::subscriber::tracked_topic::TrackedTopic;

const UNANSWERED: &str = "the publisher did not send the missing events; its rows are requested again later";

const FUTILE: &str = "the replies of the publisher do not bring the topic up to date";

/// When topics are requested, and when they are given up.
///
/// A topic that is behind is [scheduled](crate::subscriber::request_schedule::RequestSchedule) until it is live. It is given
/// up, with a report, if the publisher sends nothing at all for [`GIVE_UP`], if the topic makes no progress for
/// [`LONGEST_RECOVERY`], or if [`MAX_FUTILE`] replies do not help. After the first two its rows are requested again, until a
/// reply settles it.
impl PublisherStream {
    pub(super) fn fell_behind(&mut self, topic: Topic, context: &mut Context<'_>) {
        if self.doubt_at.is_some() && self.behind.len() == 1 {
            // Just after the link is up, all subscribers of the publisher are in the same state. Other topics that are behind
            // at that time are requested together.
            self.sync_client.not_before(context.now + context.jitter(PROOF));
        }
        if let Some(tracked) = self.topics.get_mut(&topic) {
            tracked.behind_since = context.now;
            tracked.moved = context.now;
            tracked.attempts = 0;
        }
        if self.accepts_requests(context) {
            self.request_schedule.put(topic, context.now);
        } else {
            self.give_up(topic, NOT_ASKED, context);
        }
    }

    /// A topic is not behind any more. It is forgotten if the publisher has retired it. If it was given up before, it is still to be repaired.
    pub(super) fn caught_up(&mut self, topic: Topic, context: &mut Context<'_>) {
        if self.ended.contains(&topic) {
            return self.retire(&topic);
        }
        match self.topics.get(&topic).map_or(0, |tracked| tracked.repairs) {
            0 => self.request_schedule.remove(&topic),
            repairs => {
                let delay = repair_delay(repairs, context);
                self.request_schedule.put(topic, context.now + delay);
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
        let is_old = |tracked: &TrackedTopic| {
            let silent = context.now.saturating_sub(tracked.behind_since.max(self.sync_client.heard()));
            silent >= GIVE_UP || context.now.saturating_sub(tracked.moved) >= LONGEST_RECOVERY
        };
        let is_over = |topic: &&Topic| self.topics.get(*topic).is_some_and(is_old);
        let old: Vec<Topic> = self.behind.iter().filter(is_over).cloned().collect();
        for topic in old {
            self.give_up_unanswered(topic, context);
        }
    }

    /// Continues without the missing events, and schedules the repair of the topic.
    fn give_up_unanswered(&mut self, topic: Topic, context: &mut Context<'_>) {
        self.sync_client.answered(&topic);
        if let Some(tracked) = self.topics.get_mut(&topic) {
            tracked.repairs = tracked.repairs.saturating_add(1);
        }
        self.give_up(topic, UNANSWERED, context);
    }

    /// The reply did not help the topic, or refused it: it is requested again, later each time.
    pub(super) fn was_futile(&mut self, topic: &Topic, context: &mut Context<'_>) {
        let Some(tracked) = self.topics.get_mut(topic) else { return };
        tracked.attempts += 1;
        let attempts = tracked.attempts;
        if attempts >= MAX_FUTILE {
            return self.give_up(topic.clone(), FUTILE, context);
        }
        let wait = if attempts > 3 { context.jitter(PROOF * attempts) } else { Duration::ZERO };
        self.request_schedule.put(topic.clone(), context.now + wait);
    }

    /// The request has failed. Topics that are behind are requested again soon, topics to be repaired much later.
    pub(super) fn request_failed(&mut self, context: &mut Context<'_>) {
        self.sync_response = None;
        let wait = context.jitter(PROOF * (1 << self.sync_client.failures().min(5)));
        for topic in self.sync_client.failed(context.now, wait) {
            let tracked = self.topics.get_mut(&topic).filter(|tracked| tracked.repairs > 0);
            if let Some(tracked) = tracked.filter(|_| !self.behind.contains(&topic)) {
                tracked.repairs = tracked.repairs.saturating_add(1);
                let delay = repair_delay(tracked.repairs, context);
                self.request_schedule.put(topic, context.now + delay);
            }
        }
    }

    /// A reply has brought a topic further.
    pub(super) fn came_further(&mut self, topic: &Topic, context: &Context<'_>) {
        if let Some(tracked) = self.topics.get_mut(topic) {
            tracked.moved = context.now;
            tracked.attempts = 0;
        }
    }

    /// Nothing is left to repair: the topic was replaced, or the publisher has no rows to replace it with.
    pub(super) fn is_repaired(&mut self, topic: &Topic) {
        if let Some(tracked) = self.topics.get_mut(topic) {
            tracked.repairs = 0;
        }
        if !self.behind.contains(topic) {
            self.request_schedule.remove(topic);
        }
    }

    /// Notes whether a resync or a snapshot was the last effect on a topic.
    pub(super) fn note_completeness(&mut self, topic: &Topic, effects: &[Effect<Payload>]) {
        let latest = effects.iter().rev().find_map(|effect| match effect {
            Effect::Resync(_) => Some(true),
            Effect::Replace(_) => Some(false),
            _ => None,
        });
        if let (Some(is), Some(tracked)) = (latest, self.topics.get_mut(topic)) {
            let was = std::mem::replace(&mut tracked.is_incomplete, is);
            self.incomplete = self.incomplete + usize::from(is) - usize::from(was);
        }
    }

    /// Sends a request, if a topic is due.
    pub(in crate::subscriber) fn ask(&mut self, context: &mut Context<'_>) {
        if self.sync_client.is_overdue(context.now) {
            context.counters.timeouts += 1;
            self.request_failed(context);
        }
        if !self.is_proved || !self.accepts_requests(context) || !self.sync_client.is_free(context.now) {
            return;
        }
        let topics = &self.topics;
        let due = self.request_schedule.due(context.now).filter_map(|topic| {
            let tracker = &topics.get(topic)?.tracker;
            // A topic that is not behind is to be repaired: all its rows are requested.
            Some((topic, if tracker.is_behind() { tracker.position() } else { Position::NONE }))
        });
        if let Some(request) = self.sync_client.ask(context.now, due) {
            context.counters.requests += 1;
            context.requests.push((self.endpoint.clone(), request));
        }
    }
}

pub(super) fn repair_delay(repairs: u32, context: &mut Context<'_>) -> Duration {
    let delay = FIRST_REPAIR.saturating_mul(1 << repairs.saturating_sub(1).min(8)).min(LONGEST_REPAIR);
    delay / 2 + context.jitter(delay / 2)
}
