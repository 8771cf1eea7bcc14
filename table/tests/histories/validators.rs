use std::collections::HashMap;

use delivery::subscriber::{DeliveryMode, Item};
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Notice, Stamp};

/// What was delivered and reported about one topic of one publisher.
#[derive(Debug, Default)]
struct TopicState {
    last: Option<(u64, u64)>,
    /// Whether, since the last event, a notice reported that something is missing or was replaced.
    loud: bool,
}

/// The promises (docs/guarantees.md#promises), as far as one subscriber can see them.
#[derive(Debug, Default)]
pub(crate) struct Validators {
    topics: HashMap<(u64, String), TopicState>,
    stale: HashMap<String, bool>,
}

impl Validators {
    /// Checks what the application receives.
    pub(crate) fn check(&mut self, item: &Item) -> Result<(), String> {
        match item {
            Item::Event { envelope, mode } => self.event(envelope, *mode),
            Item::Snapshot(snapshot) => {
                let topic = self.topics.entry((snapshot.publisher, snapshot.topic.to_string())).or_default();
                *topic = TopicState { last: None, loud: true };
                Ok(())
            }
            Item::Notice(
                Notice::Gap { topic: Some(topic), .. } | Notice::Resync { topic: Some(topic), .. },
            ) => {
                self.topics
                    .iter_mut()
                    .filter(|((_, of), _)| of == topic)
                    .for_each(|(_, topic)| topic.loud = true);
                Ok(())
            }
            Item::Notice(Notice::Resync { topic: None, .. }) => {
                self.topics.values_mut().for_each(|topic| topic.loud = true);
                Ok(())
            }
            Item::Notice(Notice::Stale { publisher, .. }) => self.turn(publisher, true),
            Item::Notice(Notice::Live { publisher, topic: None }) => self.turn(publisher, false),
            Item::Notice(_) | Item::Clock(_) => Ok(()),
        }
    }

    fn event(&mut self, envelope: &Envelope, mode: DeliveryMode) -> Result<(), String> {
        let event =
            EventRef::read(envelope.topic.as_bytes(), &envelope.payload).map_err(|e| e.to_string())?;
        let Some(Stamp { publisher, epoch, sequence, .. }) = event.stamp else {
            return Err(format!("an event without a stamp, {mode:?}"));
        };
        let topic = self.topics.entry((publisher, event.topic.to_owned())).or_default();
        if let Some((last_epoch, last)) = topic.last {
            // Where a publisher has lost its file, its numbers begin anew, and its epochs too if its clock went back; that is
            // reported by a resync.
            let goes_on = (epoch >= last_epoch && sequence > last) || (epoch != last_epoch && topic.loud);
            if !goes_on {
                return Err(format!("ordered and unique: {epoch}/{sequence} after {last_epoch}/{last}"));
            }
            if sequence != last + 1 && !topic.loud {
                return Err(format!(
                    "complete or loud: {epoch}/{sequence} after {last_epoch}/{last}, and no word"
                ));
            }
        }
        *topic = TopicState { last: Some((epoch, sequence)), loud: false };
        Ok(())
    }

    fn turn(&mut self, publisher: &str, is_stale: bool) -> Result<(), String> {
        match self.stale.insert(publisher.to_owned(), is_stale) {
            Some(was) if was == is_stale => {
                Err(format!("fresh or stale: {is_stale} was reported twice of {publisher}"))
            }
            _ => Ok(()),
        }
    }
}
