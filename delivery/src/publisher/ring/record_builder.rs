use bytes::Bytes;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};
use pubsub_api::{EncodedEvent, Envelope, Framing, Source, Topic};
use sealing::{EventSealer, SealedParts};

use super::event_layout::EventLayout;
use super::numbered_frame::{NumberedFrame, NumberedRow};
use super::record::{self, BATCH_HEAD_BYTES, HEAD_BYTES};
use super::record_place::RecordPlace;
use crate::LossRecord;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::numbering::stamper::{Stamper, authored};
use crate::publisher::numbering::topics::{Found, TopicId};
use crate::publisher::numbering::workers::Judgement;

/// Builds a record of the ring: numbers the events of a batch and encodes them.
///
/// With a driver's framing, the bytes of its events are what the driver sends.
#[derive(Debug, Default)]
pub(crate) struct RecordBuilder {
    framing: Option<&'static dyn Framing>,
    bytes: Vec<u8>,
    frames: Vec<NumberedFrame>,
    /// The workers of its events, once for each run.
    workers: Vec<u64>,
    /// The topics with a loss record of an unknown number of events.
    doubted: Vec<TopicId>,
    stamper: Stamper,
}

/// The result for one event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in the record.
    Numbered,
    /// It was published before.
    Repeat,
    /// It cannot be published.
    Refused(Refused),
    /// The record has too many topics for one more: the event belongs to the next record.
    NoRoom,
}

/// Why an event cannot be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) cause: &'static str,
    /// As text, at most [`SHOWN_TOPIC_BYTES`] of it.
    pub(crate) topic: String,
    pub(crate) reason: String,
}

/// The longest part of a refused event's topic that is logged: a valid topic is shown whole.
const SHOWN_TOPIC_BYTES: usize = Topic::MAX_BYTES;

impl RecordBuilder {
    /// With the framing of a driver; `None`: events are a topic and a payload. A framing beyond the bounds of [`Framing`] is not
    /// used: the driver then receives topics and payloads.
    pub(crate) fn new(framing: Option<&'static dyn Framing>) -> Self {
        Self { framing: framing.filter(|framing| is_within_bounds(*framing)), ..Self::default() }
    }

    /// Seals its events, if there is a sealer.
    pub(crate) fn with_sealer(self, sealer: Option<EventSealer>) -> Self {
        Self { stamper: Stamper::new(sealer), ..self }
    }

    /// Whether its events are laid out as the driver sends them.
    pub(crate) fn is_framed(&self) -> bool {
        self.framing.is_some()
    }

    /// Begins a record in an empty buffer.
    pub(crate) fn begin(&mut self, buffer: Vec<u8>, publisher_state: &PublisherState, time_us: u64) {
        self.bytes = buffer;
        self.frames.clear();
        self.workers.clear();
        self.doubted.clear();
        self.stamper.begin(publisher_state.publisher, publisher_state.epoch(), time_us);
        record::begin(&mut self.bytes);
        self.bytes.extend_from_slice(&[0; BATCH_HEAD_BYTES]);
    }

    /// Checks whether an event of which these parts are sealed would be refused, or is on a reserved topic.
    pub(crate) fn check(event: &EncodedEvent<'_>, parts: Option<SealedParts>) -> Result<(), Refused> {
        authored(event.payload, parts).map_err(|error| refused(event.topic, error.cause(), &error))?;
        if event.topic.first() == Some(&b'$') {
            return Err(refused(event.topic, WireError::ReservedTopic.cause(), &WireError::ReservedTopic));
        }
        let topic = Topic::new(Bytes::copy_from_slice(event.topic));
        topic.map(drop).map_err(|error| refused(event.topic, BAD_TOPIC, &error))
    }

    /// Gives an event its sequence, unless the event was published before.
    #[inline]
    pub(crate) fn take(&mut self, event: EncodedEvent<'_>, publisher_state: &mut PublisherState) -> Taken {
        let map = match self.stamper.read(event.payload) {
            Ok(map) => map,
            Err(error) => return Taken::Refused(refused(event.topic, error.cause(), &error)),
        };
        let (id, is_first) = match publisher_state.topics.find_or_add(event.topic, publisher_state.tick) {
            Ok(Found::Known(id)) => (id, false),
            Ok(Found::New(id)) => (id, true),
            Ok(Found::NoRoom) => return Taken::NoRoom,
            Err(error) => return Taken::Refused(refused(event.topic, BAD_TOPIC, &error)),
        };
        if let Some(origin) = event.origin {
            match publisher_state.workers.judge(origin, publisher_state.tick) {
                Judgement::Repeat => return Taken::Repeat,
                Judgement::InDoubt => self.doubt(id, is_first, publisher_state),
                Judgement::Fresh => {}
            }
            if self.workers.last() != Some(&origin.worker) {
                self.workers.push(origin.worker);
            }
        }
        let Some(state) = publisher_state.topics.get_mut(id) else { return Taken::NoRoom };
        let number = state.sequence.give(publisher_state.epoch_history.current().unwrap_or(0));
        let row = event.row.filter(|_| map.keeps_places(event.payload));
        let row = row.map(|span| NumberedRow { number, span });
        self.begin_event((id, is_first), event.topic, self.stamper.bytes(&map), row);
        self.stamper.put(event.topic, &map, number, &mut self.bytes);
        Taken::Numbered
    }

    /// Writes everything before the payload of an event; `payload_bytes` bytes must follow.
    #[inline]
    fn begin_event(
        &mut self,
        (id, is_first): (TopicId, bool),
        topic: &[u8],
        payload_bytes: usize,
        row: Option<NumberedRow>,
    ) {
        let start = self.bytes.len();
        let topic_at = match self.framing {
            Some(framing) => framing.put_head(&mut self.bytes, topic, payload_bytes),
            None => {
                self.bytes.extend_from_slice(topic);
                0
            }
        };
        let layout = EventLayout::new(topic_at, topic.len(), self.bytes.len() - start, payload_bytes);
        // The framing was checked, and the sizes are those of valid events.
        let Some(layout) = layout else { return };
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        self.frames.push(NumberedFrame { id, start, layout, is_first, row });
    }

    /// Adds a loss record of an unknown number of events, once for a topic, before the first event that may be a repeat.
    fn doubt(&mut self, id: TopicId, is_first: bool, publisher_state: &mut PublisherState) {
        if self.doubted.contains(&id) {
            return;
        }
        self.doubted.push(id);
        let epoch = publisher_state.epoch();
        let Some(state) = publisher_state.topics.get_mut(id) else { return };
        let topic = state.topic.clone();
        let stamp = self.stamper.stamp(state.sequence.give(epoch));
        let lost = LossRecord { topic, stamp, events: 0, cause: "in_doubt".to_owned() };
        if let Ok(envelope) = lost.pack() {
            self.put_whole(id, is_first, &envelope);
        }
    }

    /// Adds an envelope that already has its sequence.
    pub(crate) fn put_whole(&mut self, id: TopicId, is_first: bool, envelope: &Envelope) {
        self.begin_event((id, is_first), envelope.topic.as_bytes(), envelope.payload.len(), None);
        self.bytes.extend_from_slice(&envelope.payload);
    }

    /// Notes that all worker positions of these runs are used up.
    pub(crate) fn pass(&mut self, sources: &[Source], publisher_state: &mut PublisherState) {
        for source in sources {
            publisher_state.workers.pass(source, publisher_state.tick);
            self.workers.push(source.worker);
        }
    }

    /// Its size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The number of topics with a loss record of an unknown number of events.
    pub(crate) fn doubts(&self) -> u64 {
        u64::try_from(self.doubted.len()).unwrap_or(u64::MAX)
    }

    /// The complete record for this place, with the end marker after it; `None` if it is empty.
    pub(crate) fn finish(&mut self, publisher_state: &PublisherState, place: RecordPlace) -> Option<Bytes> {
        let mut bytes = std::mem::take(&mut self.bytes);
        if self.frames.is_empty() && self.workers.is_empty() {
            return None;
        }
        record::put_layouts(&mut bytes, HEAD_BYTES, self.frames.iter().map(|frame| frame.layout));
        self.workers.sort_unstable();
        self.workers.dedup();
        let progress: Vec<_> =
            self.workers.iter().filter_map(|worker| publisher_state.workers.get(*worker)).collect();
        record::put_progress(&mut bytes, &progress);
        record::seal(&mut bytes, 0, place);
        Some(Bytes::from(bytes))
    }

    /// The events, in order.
    pub(crate) fn frames(&self) -> &[NumberedFrame] {
        &self.frames
    }

    /// Removes the events, and returns them.
    pub(crate) fn take_frames(&mut self) -> Vec<NumberedFrame> {
        std::mem::take(&mut self.frames)
    }

    /// Uses the memory of these events for those of the next record.
    pub(crate) fn reuse(&mut self, frames: Vec<NumberedFrame>) {
        if self.frames.capacity() < frames.capacity() {
            self.frames = frames;
        }
    }
}

/// Whether the layouts of events have room for what a framing adds, at the shortest and the longest topic.
fn is_within_bounds(framing: &dyn Framing) -> bool {
    [1, Topic::MAX_RESERVED_BYTES].into_iter().all(|topic_bytes| {
        let mut head = Vec::new();
        let topic_at = framing.put_head(&mut head, &vec![b't'; topic_bytes], MAX_RECEIVED_BYTES);
        EventLayout::new(topic_at, topic_bytes, head.len(), MAX_RECEIVED_BYTES).is_some()
    })
}

/// The cause of an invalid topic.
const BAD_TOPIC: &str = "bad_topic";

fn refused(topic: &[u8], cause: &'static str, reason: &dyn std::fmt::Display) -> Refused {
    let shown = topic.get(..SHOWN_TOPIC_BYTES).unwrap_or(topic);
    Refused { cause, topic: String::from_utf8_lossy(shown).into_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use pubsub_api::Framing;

    use super::RecordBuilder;

    /// This number of bytes before the topic.
    #[derive(Debug)]
    struct Before(usize);

    impl Framing for Before {
        fn put_head(&self, out: &mut Vec<u8>, topic: &[u8], _payload_bytes: usize) -> usize {
            out.resize(out.len() + self.0, b'<');
            out.extend_from_slice(topic);
            self.0
        }
    }

    #[test]
    fn a_framing_beyond_its_bounds_is_not_used() {
        assert!(RecordBuilder::new(Some(&Before(255))).is_framed());
        assert!(!RecordBuilder::new(Some(&Before(256))).is_framed());
        assert!(!RecordBuilder::new(None).is_framed());
    }
}
