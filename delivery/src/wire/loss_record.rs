use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{MARK_TABLE, pack};

/// A record in the place of lost events: it has the sequence of one of them.
///
/// A subscriber that receives it in its turn reports a [`Gap`](pubsub_api::Notice::Gap) and a
/// [`Resync`](pubsub_api::Notice::Resync), and continues after it: nothing is requested for its sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossRecord {
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the sequence of the record.
    pub stamp: Stamp,
    /// The number of missing events; 0 if it is not known.
    pub events: u64,
    /// The cause, in one word: `in_doubt`, `internal`, `refused`, `no_rows`.
    pub cause: String,
}

impl LossRecord {
    /// Packs it.
    ///
    /// # Errors
    /// None in practice: a record is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let more = [("events", Msgpack::from(self.events)), ("cause", Msgpack::from(self.cause.as_str()))];
        pack(self.topic.mark(), MARK_TABLE, self.topic.as_str(), "lost", Some(self.stamp), &more)
    }
}
