use pubsub_api::wire::WireError;
use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{MARK_TABLE, extra, pack};
use crate::Position;

/// The last sequence of a topic: all events up to it were published.
///
/// ```
/// use delivery::{Control, Mark};
/// use pubsub_api::{SEND_ALL, Stamp};
///
/// let stamp = Stamp { publisher: 7, epoch: 1, sequence: 42, time_us: 0 };
/// let mark = Mark { topic: SEND_ALL, stamp, oldest: 10, prev: None };
/// let envelope = mark.pack()?;
/// assert_eq!(envelope.topic.as_str(), "$mark.D");
/// assert_eq!(Control::read(&envelope.topic, &envelope.payload)?, Some(Control::Mark(mark)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and its last sequence on the topic.
    pub stamp: Stamp,
    /// The lowest sequence that it can replay; one above the last if it can replay none.
    pub oldest: u64,
    /// The last position of the epoch before, if the publisher remembers it: a subscriber at that position has missed nothing
    /// in between.
    pub prev: Option<Position>,
}

impl Mark {
    /// Packs it.
    ///
    /// # Errors
    /// None in practice: a mark is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let mut more = vec![("oldest", Msgpack::from(self.oldest))];
        if let Some(Position { epoch, sequence: number }) = self.prev {
            more.push(("prev", Msgpack::Array(vec![epoch.into(), number.into()])));
        }
        pack(self.topic.mark(), MARK_TABLE, self.topic.as_str(), "mark", Some(self.stamp), &more)
    }
}

/// The field `prev` of a packed mark.
///
/// # Errors
/// [`WireError::WrongType`] if it is not a position.
pub(super) fn prev(payload: &[u8]) -> std::result::Result<Option<Position>, WireError> {
    let prev = match extra(payload, "prev") {
        Err(WireError::MissingField) => return Ok(None),
        other => other?,
    };
    match prev.as_array().map(Vec::as_slice) {
        Some([epoch, number]) => {
            let whole = |part: &Msgpack| part.as_u64().ok_or(WireError::WrongType);
            Ok(Some(Position { epoch: whole(epoch)?, sequence: whole(number)? }))
        }
        _ => Err(WireError::WrongType),
    }
}
