use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Result, Stamp, Topic};

use super::loss_record::LossRecord;
use super::mark::{Mark, prev};
use super::packing::{MARK_TABLE, extra, number, pack};

/// A message of a publisher about one topic, on the topic of its [marks](Topic::mark), `$mark.T` (docs/design.md#wire-format).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The last sequence of the topic.
    Mark(Mark),
    /// An event that was numbered and could not be published, or events whose sequences are not known.
    Lost(LossRecord),
    /// The publisher will publish nothing more on this topic; its last sequence is in the stamp.
    Bye {
        /// The topic.
        topic: Topic,
        /// Its last sequence.
        stamp: Stamp,
        /// In a `bye` that is repeated: the first sequence of topics that were not known after the retirement, as in the
        /// [hello](pubsub_api::hello::event_with) that followed.
        again: Option<u64>,
    },
}

/// The pair of a repeated `bye`.
const AGAIN: &str = "again";

impl Control {
    /// Packs a `bye` on `topic`.
    ///
    /// # Errors
    /// None in practice: it is far below the size limit.
    ///
    /// ```
    /// use delivery::Control;
    /// use pubsub_api::{SEND_ALL, Stamp};
    ///
    /// let stamp = Stamp { publisher: 7, epoch: 1, sequence: 42, time_us: 0 };
    /// let bye = Control::pack_bye(&SEND_ALL, stamp)?;
    /// assert_eq!(Control::read(&bye.topic, &bye.payload)?, Some(Control::Bye { topic: SEND_ALL, stamp, again: None }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pack_bye(topic: &Topic, stamp: Stamp) -> Result<Envelope> {
        pack(topic.mark(), MARK_TABLE, topic.as_str(), "bye", Some(stamp), &[])
    }

    /// Packs a repeated `bye` on `topic`, with the first sequence of topics that were not known after the retirement.
    ///
    /// # Errors
    /// None in practice: it is far below the size limit.
    pub fn pack_bye_again(topic: &Topic, stamp: Stamp, first_sequence: u64) -> Result<Envelope> {
        let again = [(AGAIN, first_sequence.into())];
        pack(topic.mark(), MARK_TABLE, topic.as_str(), "bye", Some(stamp), &again)
    }

    /// Reads the payload of a message on `frame`, the topic of a mark; `None` for an unknown action, which later versions may
    /// use.
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
                Self::Lost(LossRecord { topic, stamp, events: number(payload, "events")?, cause })
            }
            "bye" => {
                let again = match number(payload, AGAIN) {
                    Ok(first_sequence) => Some(first_sequence),
                    Err(WireError::MissingField) => None,
                    Err(refused) => return Err(refused),
                };
                Self::Bye { topic, stamp, again }
            }
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Envelope, SEND_ALL, Stamp};

    use super::{Control, LossRecord, Mark};
    use crate::Position;

    const STAMP: Stamp = Stamp { publisher: 1, epoch: 2, sequence: u64::MAX, time_us: 4 };

    fn read(envelope: &Envelope) -> Control {
        Control::read(&envelope.topic, &envelope.payload).unwrap().unwrap()
    }

    #[test]
    fn packed_messages_read_back() {
        for prev in [None, Some(Position { epoch: 1, sequence: 7 })] {
            let mark = Mark { topic: SEND_ALL, stamp: STAMP, oldest: 3, prev };
            let packed = mark.pack().unwrap();
            assert_eq!(packed.topic.as_str(), "$mark.D");
            assert_eq!(read(&packed), Control::Mark(mark));
        }
        let lost = LossRecord { topic: SEND_ALL, stamp: STAMP, events: 9, cause: "in_doubt".to_owned() };
        assert_eq!(read(&lost.pack().unwrap()), Control::Lost(lost));
        let bye = Control::pack_bye(&SEND_ALL, STAMP).unwrap();
        assert_eq!(read(&bye), Control::Bye { topic: SEND_ALL, stamp: STAMP, again: None });
        let again = Control::pack_bye_again(&SEND_ALL, STAMP, 8).unwrap();
        assert_eq!(read(&again), Control::Bye { topic: SEND_ALL, stamp: STAMP, again: Some(8) });
    }
}
