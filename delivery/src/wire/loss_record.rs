use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{MARK_TABLE, pack};

/// A record that stands in the place of events: it has the number of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossRecord {
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the number of the record.
    pub stamp: Stamp,
    /// How many events are missing; 0 if that is not known.
    pub events: u64,
    /// Why, in one word: `in_doubt`, `internal`, `refused`.
    pub cause: String,
}

impl LossRecord {
    /// Packs it.
    ///
    /// # Errors
    /// None in truth: a record is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let more = [("events", Msgpack::from(self.events)), ("cause", Msgpack::from(self.cause.as_str()))];
        pack(self.topic.mark(), MARK_TABLE, self.topic.as_str(), "lost", Some(self.stamp), &more)
    }
}
