use std::ops::Range;

use pubsub_api::wire::RowSpan;

use super::event_layout::EventLayout;
use super::record_place::RecordPlace;
use crate::publisher::numbering::topic_index::Place;
use crate::publisher::numbering::topics::TopicId;

/// Where an event is in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberedFrame {
    pub(crate) id: TopicId,
    pub(super) start: u32,
    pub(super) layout: EventLayout,
    /// Whether the topic is new.
    pub(crate) is_first: bool,
    /// The row of the event, if a check of the event has found it, and nothing is encrypted.
    pub(crate) row: Option<NumberedRow>,
}

/// The row of an event, and the sequence of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberedRow {
    pub(crate) number: u64,
    /// In the payload.
    pub(crate) span: RowSpan,
}

impl NumberedFrame {
    /// The range of the topic in the record.
    pub(crate) fn topic(&self) -> Range<usize> {
        self.layout.topic(index(self.start))
    }

    /// The range of the payload in the record.
    pub(crate) fn payload(&self) -> Range<usize> {
        self.layout.payload(index(self.start))
    }

    /// Its place in the ring, for a record at `record`.
    pub(crate) fn place(&self, record: RecordPlace) -> Place {
        let RecordPlace { segment, start } = record;
        Place { segment, start: start + self.start, layout: self.layout }
    }
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
