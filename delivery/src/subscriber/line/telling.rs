use pubsub_api::{Envelope, Notice, Topic};

use super::Line;
use crate::subscriber::context::Context;
use crate::subscriber::payload::Payload;
use crate::subscriber::{Effect, Item, Origin, Snapshot};

/// What its trackers want done becomes items for the application.
impl Line {
    pub(super) fn pass_on(
        &mut self,
        topic: &Topic,
        mut effects: Vec<Effect<Payload>>,
        context: &mut Context<'_>,
    ) {
        for effect in effects.drain(..) {
            self.pass_on_one(topic, effect, context);
        }
        // Its capacity serves again.
        self.effects = effects;
    }

    fn pass_on_one(&self, topic: &Topic, effect: Effect<Payload>, context: &mut Context<'_>) {
        let name = || topic.as_str().to_owned();
        let publisher = || self.endpoint.clone();
        let resync =
            |reason: String| Notice::Resync { publisher: Some(publisher()), topic: Some(name()), reason };
        let item = match effect {
            Effect::Apply { event: Payload::Event(envelope), replayed } => {
                context.counters.replayed += u64::from(replayed);
                let origin = if replayed { Origin::Replay } else { Origin::Live };
                Item::Event { envelope, origin }
            }
            Effect::Apply { event: Payload::Lost(lost), .. } => {
                context.counters.gap(lost.events);
                let reason = format!("the publisher could not publish them ({})", lost.cause);
                let gap = Notice::Gap { topic: Some(name()), events: lost.events, reason: reason.clone() };
                context.items.push_back(Item::Notice(gap));
                context.counters.resyncs += 1;
                Item::Notice(resync(reason))
            }
            Effect::Replace(rows) => {
                let rows: Vec<Envelope> = rows.into_iter().filter_map(Payload::into_event).collect();
                context.counters.snapshots += 1;
                context.counters.snapshot_rows += rows.len() as u64;
                let (publisher, topic) = (self.incarnation.publisher, topic.clone());
                Item::Snapshot(Snapshot {
                    publisher,
                    topic,
                    rows,
                    epochs: self.epochs.clone(),
                    is_complete: !self.is_disputed,
                })
            }
            Effect::Missing(0) => return,
            Effect::Missing(events) => {
                context.counters.gap(events);
                let reason = "they were not to be had again".to_owned();
                Item::Notice(Notice::Gap { topic: Some(name()), events, reason })
            }
            Effect::Resync(reason) => {
                context.counters.resyncs += 1;
                Item::Notice(resync(reason.to_owned()))
            }
            Effect::Recovering { at, of } => {
                context.counters.recoveries += 1;
                let reason = if at.number == 0 {
                    format!("the publisher is at {of}")
                } else {
                    format!("it is at {at}, the publisher at {of}")
                };
                Item::Notice(Notice::Recovering { publisher: publisher(), topic: name(), reason })
            }
            Effect::Live => Item::Notice(Notice::Live { publisher: publisher(), topic: Some(name()) }),
        };
        context.items.push_back(item);
    }

    /// Tells that all topics are live, if they are and that was not told; on a broker it only notes it.
    pub(in crate::subscriber) fn tell_live(&mut self, context: &mut Context<'_>) {
        if self.is_proved && self.unproved == 0 && !self.told_live {
            self.told_live = true;
            if !context.options.introduced {
                return;
            }
            let publisher = self.endpoint.clone();
            context.items.push_back(Item::Notice(Notice::Live { publisher, topic: None }));
        }
    }
}
