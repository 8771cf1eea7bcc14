use pubsub_api::Topic;

use super::super::context::Context;
use super::super::payload::Payload;
use super::super::tracked_topic::TrackedTopic;
use super::super::{Effect, Introduction, Phase, Tracker};
use super::PublisherStream;

/// Changes of a topic's tracker.
impl PublisherStream {
    /// Changes the tracker of a topic by `act`, which returns the number of dropped events, and passes on its effects.
    pub(super) fn follow(
        &mut self,
        topic: Topic,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut Tracker<Payload>, &mut Vec<Effect<Payload>>) -> u64,
    ) {
        if !self.has_room_for(&topic, context) {
            self.no_room(context);
            return;
        }
        if !self.topics.contains_key(&topic) {
            self.unproved += 1;
            let tracker = Tracker::new(context.options.buffer);
            self.topics.insert(topic.clone(), TrackedTopic::new(tracker, context.now));
        }
        let Some(tracked) = self.topics.get_mut(&topic) else { return };
        tracked.heard = context.now;
        let tracker = &mut tracked.tracker;
        let (was, held, repeats) = (tracker.phase(), tracker.waiting_bytes(), tracker.duplicates());
        let epoch = tracker.position().epoch;
        context.counters.overflowed += act(tracker, &mut self.effects);
        context.counters.duplicates += tracker.duplicates() - repeats;
        self.waiting_bytes = self.waiting_bytes - held + tracker.waiting_bytes();
        if self.waiting_bytes > context.options.buffers_bytes {
            self.waiting_bytes -= tracker.waiting_bytes();
            context.counters.overflowed += tracker.forget_waiting() as u64;
        }
        let is = tracker.phase();
        if was != is || !self.effects.is_empty() {
            self.changed(topic, epoch, (was, is), context);
        }
    }

    /// Handles a possible change of a tracker's phase, and its effects; `was` and `epoch` are its phase and epoch before.
    fn changed(&mut self, topic: Topic, epoch: u64, (was, is): (Phase, Phase), context: &mut Context<'_>) {
        let is_behind = matches!(is, Phase::Syncing | Phase::Recovering);
        self.unproved = self.unproved + usize::from(is != Phase::Live) - usize::from(was != Phase::Live);
        let effects = std::mem::take(&mut self.effects);
        self.note_completeness(&topic, &effects);
        self.pass_on(&topic, epoch, effects, context);
        if is_behind && self.behind.insert(topic.clone()) {
            self.fell_behind(topic, context);
        } else if !is_behind && self.behind.remove(&topic) {
            self.caught_up(topic, context);
        }
        if is == Phase::Live {
            self.end_doubt_of_memory();
        }
        match context.options.introduction {
            Introduction::ByHello => {}
            // No notice is about one publisher as a whole.
            Introduction::ByBroker => self.reported_live |= self.is_current(),
        }
    }
}
