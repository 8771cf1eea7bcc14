use pubsub_api::{Envelope, HELLO, Notice, Topic};

use super::PublisherStream;
use crate::subscriber::context::Context;
use crate::subscriber::payload::Payload;
use crate::subscriber::{DeliveryMode, Effect, Item, Snapshot};

/// The effects of trackers become items for the application.
impl PublisherStream {
    pub(super) fn pass_on(
        &mut self,
        topic: &Topic,
        epoch: u64,
        mut effects: Vec<Effect<Payload>>,
        context: &mut Context<'_>,
    ) {
        for effect in effects.drain(..) {
            let is_resync = matches!(effect, Effect::Resync(_));
            if *topic == HELLO {
                if is_resync {
                    self.report_forgotten(epoch, context);
                }
            } else if !is_resync || self.forgotten_epoch != Some(epoch) {
                self.pass_on_one(topic, effect, context);
            }
        }
        // Its capacity is reused.
        self.effects = effects;
    }

    /// The publisher does not remember an epoch, or no request can be sent.
    fn report_forgotten(&mut self, epoch: u64, context: &mut Context<'_>) {
        self.forgotten_epoch = Some(epoch);
        context.counters.resyncs += 1;
        let reason = "the publisher has restarted, and may not remember what it published before";
        let (publisher, reason) = (Some(self.endpoint.clone()), reason.to_owned());
        context.items.push_back(Item::Notice(Notice::Resync { publisher, topic: None, reason }));
    }

    fn pass_on_one(&self, topic: &Topic, effect: Effect<Payload>, context: &mut Context<'_>) {
        let name = || topic.as_str().to_owned();
        let publisher = || self.endpoint.clone();
        let resync =
            |reason: String| Notice::Resync { publisher: Some(publisher()), topic: Some(name()), reason };
        let item = match effect {
            Effect::Apply { event: Payload::Event(envelope), replayed } => {
                context.counters.replayed += u64::from(replayed);
                let mode = if replayed { DeliveryMode::Replay } else { DeliveryMode::Live };
                Item::Event { envelope, mode }
            }
            Effect::Apply { event: Payload::Lost(lost), .. } => {
                context.counters.gap(lost.events);
                let reason = format!("the publisher could not publish them ({})", lost.cause);
                let gap = Notice::Gap { topic: Some(name()), events: lost.events, reason: reason.clone() };
                context.items.push_back(Item::Notice(gap));
                context.counters.resyncs += 1;
                Item::Notice(resync(reason))
            }
            Effect::Replace(rows) => self.replace(topic, rows, context),
            Effect::Missing(0) => return,
            Effect::Missing(events) => {
                context.counters.gap(events);
                let reason = "the missing events could not be recovered".to_owned();
                Item::Notice(Notice::Gap { topic: Some(name()), events, reason })
            }
            Effect::Resync(reason) => {
                context.counters.resyncs += 1;
                Item::Notice(resync(reason.to_owned()))
            }
            Effect::Recovering { at, of } => {
                context.counters.recoveries += 1;
                let reason = if at.sequence == 0 {
                    format!("the publisher is at {of}")
                } else {
                    format!("the topic is at {at}, the publisher at {of}")
                };
                Item::Notice(Notice::Recovering { publisher: publisher(), topic: name(), reason })
            }
            Effect::Live => Item::Notice(Notice::Live { publisher: publisher(), topic: Some(name()) }),
        };
        context.items.push_back(item);
    }

    /// The snapshot of `rows`; the events that it cannot stand for are a gap before it.
    fn replace(&self, topic: &Topic, rows: Vec<Payload>, context: &mut Context<'_>) -> Item {
        for lost in rows.iter().filter_map(Payload::as_lost) {
            context.counters.gap(lost.events);
            let reason = "the missing events are about no row, and a snapshot contains rows only".to_owned();
            let gap = Notice::Gap { topic: Some(topic.as_str().to_owned()), events: lost.events, reason };
            context.items.push_back(Item::Notice(gap));
        }
        let rows: Vec<Envelope> = rows.into_iter().filter_map(Payload::into_event).collect();
        context.counters.snapshots += 1;
        context.counters.snapshot_rows += rows.len() as u64;
        Item::Snapshot(Snapshot {
            publisher: self.publisher_epoch.publisher,
            topic: topic.clone(),
            rows,
            epochs: self.epochs.clone(),
            is_complete: !self.is_disputed && !self.lacks_rows,
        })
    }
}
