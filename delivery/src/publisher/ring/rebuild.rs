use pubsub_api::Topic;
use pubsub_api::wire::EventRef;

use super::checkpoint::{self, Checkpoint};
use super::damage::Damage;
use super::record::{self, HEAD_BYTES, Next, RecordEvent};
use crate::Control;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::numbering::topic_index::Place;
use crate::publisher::numbering::topic_sequence::TopicSequence;
use crate::publisher::numbering::topics::Found;

/// Rebuilds the state of a publisher from the segments of its ring, given in order.
///
/// The part that a crash cut off at the end of the last segment is skipped: nothing in it was acknowledged. Any other
/// difference from what was written refuses the whole ring, since using a sequence twice is worse than losing the ring.
#[derive(Debug)]
pub(super) struct Rebuild {
    publisher_state: PublisherState,
    last_segment: Option<u32>,
}

/// Where the records of a segment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) begin: u32,
    pub(super) end: u32,
    /// Whether the end marker is missing, since a crash cut it off, perhaps with a record.
    pub(super) is_cut_off: bool,
}

impl Rebuild {
    pub(super) fn new(publisher: u64, max_topics: usize) -> Self {
        Self { publisher_state: PublisherState::new(publisher, max_topics), last_segment: None }
    }

    /// The rebuilt state.
    pub(super) fn finish(mut self) -> PublisherState {
        self.publisher_state.topics.take_retired();
        self.publisher_state
    }

    /// Reads the next segment; `None` for a last one whose beginning was cut off.
    ///
    /// # Errors
    /// The [`Damage`] for which the ring is refused.
    pub(super) fn segment(
        &mut self,
        bytes: &[u8],
        segment: u32,
        is_last: bool,
    ) -> Result<Option<Extent>, Damage> {
        if self.last_segment.is_some_and(|last| last.checked_add(1) != Some(segment)) {
            return Err(Damage::Missing);
        }
        self.last_segment = Some(segment);
        let begin = match checkpoint::read(bytes, segment)? {
            Some((checkpoint, begin)) => {
                self.adopt(checkpoint, segment)?;
                begin
            }
            None if is_last => return Ok(None),
            None => return Err(Damage::Ends),
        };
        let (end, is_cut_off) = self.records(bytes, begin, segment)?;
        if is_cut_off && !is_last {
            return Err(Damage::Ends);
        }
        let place = |at| u32::try_from(at).map_err(|_| Damage::Content);
        Ok(Some(Extent { begin: place(begin)?, end: place(end)?, is_cut_off }))
    }

    fn adopt(&mut self, checkpoint: Checkpoint, segment: u32) -> Result<(), Damage> {
        if checkpoint.publisher != self.publisher_state.publisher {
            return Err(Damage::Foreign);
        }
        if checkpoint.segment != segment {
            return Err(Damage::Content);
        }
        checkpoint.restore(&mut self.publisher_state).ok_or(Damage::Content)
    }

    /// Reads records from `at` on; returns the end of the last complete one, and whether the end marker is missing.
    fn records(&mut self, bytes: &[u8], mut at: usize, segment: u32) -> Result<(usize, bool), Damage> {
        loop {
            match record::next(bytes, at, segment)? {
                Next::End => return Ok((at, false)),
                Next::CutOff => return Ok((at, true)),
                Next::Record(body) => {
                    let base = at + HEAD_BYTES;
                    self.record(body, base, segment).ok_or(Damage::Content)?;
                    at = base + body.len();
                }
            }
        }
    }

    fn record(&mut self, body: &[u8], base: usize, segment: u32) -> Option<()> {
        let (events, workers) = record::batch(body)?;
        self.publisher_state.tick += 1;
        for event in events {
            let start = u32::try_from(base + event.start).ok()?;
            self.event(body, &event, Place { segment, start, layout: event.layout })?;
        }
        for progress in workers {
            self.publisher_state.workers.note(progress, self.publisher_state.tick);
        }
        // Their links are down: they see the floor when they return.
        self.publisher_state.topics.take_retired();
        Some(())
    }

    fn event(&mut self, body: &[u8], event: &RecordEvent, place: Place) -> Option<()> {
        let (name, payload) = (event.topic_of(body), event.payload_of(body));
        let Some(marked) = name.strip_prefix(pubsub_api::MARK_PREFIX) else {
            return self.number(name, EventRef::read(name, payload).ok()?.stamp?, place, false);
        };
        let topic = Topic::new(name.to_vec()).ok()?;
        let Ok(Some(Control::Lost(lost))) = Control::read(&topic, payload) else { return None };
        self.number(marked, lost.stamp, place, true)
    }

    /// Notes a sequence that was given; a loss record may replace the event of a known one.
    fn number(
        &mut self,
        name: &[u8],
        stamp: pubsub_api::Stamp,
        place: Place,
        may_replace: bool,
    ) -> Option<()> {
        let epoch = self.publisher_state.epoch();
        if stamp.publisher != self.publisher_state.publisher || stamp.epoch != epoch {
            return None;
        }
        let topics = &mut self.publisher_state.topics;
        let (id, is_new) = match topics.find_or_add(name, self.publisher_state.tick).ok()? {
            Found::Known(id) => (id, false),
            Found::New(id) => (id, true),
            Found::NoRoom => return None,
        };
        let before = stamp.sequence.checked_sub(1)?;
        let state = topics.get_mut(id)?;
        let last = state.sequence.last();
        if stamp.sequence <= last && !is_new {
            state.index.replace(last, stamp.sequence, place);
            return may_replace.then_some(());
        }
        // It was retired in between, there or only here: the bound of topics may have been another one.
        if before != last {
            state.sequence = TopicSequence::after(before);
            state.index.clear();
        }
        state.sequence.give(epoch);
        state.index.push(place);
        if before != last {
            topics.raise_floor(before);
        }
        Some(())
    }
}
