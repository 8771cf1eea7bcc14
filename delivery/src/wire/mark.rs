use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Result, Stamp, Topic};
use rmpv::Value as Msgpack;

use super::packing::{extra, number, pack};
use crate::Position;

/// What a publisher says about one topic on the topic of its [marks](Topic::mark), `$mark.T` (docs/design.md#wire-format).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// How far the publisher is.
    Mark(Mark),
    /// An event that it had numbered and could not publish, or events whose number nobody knows.
    Lost(Lost),
    /// It publishes on this topic no more; its last number is in the stamp.
    Bye {
        /// The topic.
        topic: Topic,
        /// Its last number.
        stamp: Stamp,
    },
}

/// The last number of a topic: nothing up to it is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the last number that it gave on the topic.
    pub stamp: Stamp,
    /// The lowest number that it can replay; one above the last if it can replay none.
    pub oldest: u64,
    /// Where the epoch before this one ended, if the publisher remembers: whoever has that has missed nothing in between.
    pub prev: Option<Position>,
}

/// A record that stands in the place of events: it has the number of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The topic.
    pub topic: Topic,
    /// The publisher, its epoch, and the number of the record.
    pub stamp: Stamp,
    /// How many events are missing; 0 if that is not known.
    pub events: u64,
    /// Why, in one word: `in_doubt`, `internal`, `refused`.
    pub cause: String,
}

const TABLE: &str = "$mark";

impl Mark {
    /// Packs it.
    ///
    /// # Errors
    /// None in truth: a mark is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let mut more = vec![("oldest", Msgpack::from(self.oldest))];
        if let Some(Position { epoch, number }) = self.prev {
            more.push(("prev", Msgpack::Array(vec![epoch.into(), number.into()])));
        }
        pack(self.topic.mark(), TABLE, self.topic.as_str(), "mark", Some(self.stamp), &more)
    }
}

impl Lost {
    /// Packs it.
    ///
    /// # Errors
    /// None in truth: a record is far below the size limit.
    pub fn pack(&self) -> Result<Envelope> {
        let more = [("events", Msgpack::from(self.events)), ("cause", Msgpack::from(self.cause.as_str()))];
        pack(self.topic.mark(), TABLE, self.topic.as_str(), "lost", Some(self.stamp), &more)
    }
}

impl Control {
    /// Packs the word that no more comes on `topic`.
    ///
    /// # Errors
    /// None in truth: it is far below the size limit.
    pub fn pack_bye(topic: &Topic, stamp: Stamp) -> Result<Envelope> {
        pack(topic.mark(), TABLE, topic.as_str(), "bye", Some(stamp), &[])
    }

    /// Reads what came on `frame`, the topic of a mark; `None` for an action that later versions may bring.
    ///
    /// # Errors
    /// The first [`WireError`] met.
    pub fn read(frame: &Topic, payload: &[u8]) -> std::result::Result<Option<Self>, WireError> {
        let topic = frame.marked().ok_or(WireError::BadTopic)?;
        let event = EventRef::read(frame.as_bytes(), payload)?;
        let stamp = event.stamp.ok_or(WireError::MissingField)?;
        Ok(Some(match event.action {
            "mark" => {
                Self::Mark(Mark { topic, stamp, oldest: number(payload, "oldest")?, prev: prev(payload)? })
            }
            "lost" => {
                let cause = extra(payload, "cause")?.as_str().ok_or(WireError::WrongType)?.to_owned();
                Self::Lost(Lost { topic, stamp, events: number(payload, "events")?, cause })
            }
            "bye" => Self::Bye { topic, stamp },
            _ => return Ok(None),
        }))
    }
}

fn prev(payload: &[u8]) -> std::result::Result<Option<Position>, WireError> {
    let prev = match extra(payload, "prev") {
        Err(WireError::MissingField) => return Ok(None),
        other => other?,
    };
    match prev.as_array().map(Vec::as_slice) {
        Some([epoch, number]) => {
            let whole = |part: &Msgpack| part.as_u64().ok_or(WireError::WrongType);
            Ok(Some(Position { epoch: whole(epoch)?, number: whole(number)? }))
        }
        _ => Err(WireError::WrongType),
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Envelope, SEND_ALL, Stamp};

    use super::{Control, Lost, Mark};
    use crate::Position;

    const STAMP: Stamp = Stamp { publisher: 1, epoch: 2, sequence: u64::MAX, time_us: 4 };

    fn read(envelope: &Envelope) -> Control {
        Control::read(&envelope.topic, &envelope.payload).unwrap().unwrap()
    }

    #[test]
    fn what_is_packed_reads_back() {
        for prev in [None, Some(Position { epoch: 1, number: 7 })] {
            let mark = Mark { topic: SEND_ALL, stamp: STAMP, oldest: 3, prev };
            let packed = mark.pack().unwrap();
            assert_eq!(packed.topic.as_str(), "$mark.D");
            assert_eq!(read(&packed), Control::Mark(mark));
        }
        let lost = Lost { topic: SEND_ALL, stamp: STAMP, events: 9, cause: "in_doubt".to_owned() };
        assert_eq!(read(&lost.pack().unwrap()), Control::Lost(lost));
        let bye = Control::pack_bye(&SEND_ALL, STAMP).unwrap();
        assert_eq!(read(&bye), Control::Bye { topic: SEND_ALL, stamp: STAMP });
    }
}
