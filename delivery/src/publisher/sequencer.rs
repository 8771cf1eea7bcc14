use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, Envelope, Framing, Result, Stamp};
use sealing::EventSealer;

use super::announce::bye_schedule::ByeSchedule;
use super::announce::mark_schedule::MarkSchedule;
use super::numbering::publisher_state::PublisherState;
use super::numbering::topics::{RetiredTopic, TopicId, TopicState};
use super::ring::Ring;
use super::ring::record_builder::{RecordBuilder, Refused, Taken};
use super::ring::record_place::RecordPlace;
use super::ring::written_record::WrittenRecord;
use super::spare_buffers::SpareBuffers;
use crate::{Control, LossRecord, Mark};

/// Gives events their sequences and writes them to the ring; all tasks of a publisher share it.
///
/// Time comes in as input. Writing to the ring's files takes a copy into the page cache and does not wait for the disk.
#[derive(Debug)]
pub(super) struct Sequencer {
    pub(super) publisher_state: PublisherState,
    pub(super) ring: Ring,
    pub(super) schedule: MarkSchedule,
    byes: ByeSchedule,
    builder: RecordBuilder,
    /// The blocks before.
    spares: SpareBuffers,
}

/// The two clocks that numbering needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The wall clock, for stamps.
    pub(super) wall_us: u64,
    /// Since the publisher started.
    pub(super) since_start: Duration,
}

/// What happened to the events of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The number of events that got a sequence.
    pub(super) events: u64,
    /// The number of events that had been published before.
    pub(super) repeats: u64,
    /// The number of loss records of topics whose missing events are not known.
    pub(super) doubts: u64,
    /// The events that could not be numbered.
    pub(super) refused: Vec<Refused>,
    /// Whether marks are due earlier than before.
    pub(super) is_mark_sooner: bool,
    /// The record of the events, if the ring has it.
    pub(super) record: Option<WrittenRecord>,
}

/// A record is closed by the event that brings its payloads to this size in bytes: as much as drivers receive at once.
const RECORD_BYTES: usize = Batch::MAX_RECEIVED_BYTES;

/// The approximate size, in bytes, of an event without its payload: stamp, topic, frame.
const BYTES_BESIDE: u64 = 64;

impl Sequencer {
    /// `framing` is the driver's, if it has one.
    pub(super) fn new(
        publisher_state: PublisherState,
        ring: Ring,
        now: Duration,
        framing: Option<&'static dyn Framing>,
    ) -> Self {
        let mut schedule = MarkSchedule::default();
        for id in publisher_state.topics.ids() {
            schedule.touch(id, now);
        }
        Self {
            publisher_state,
            ring,
            schedule,
            byes: ByeSchedule::default(),
            builder: RecordBuilder::new(framing),
            spares: SpareBuffers::default(),
        }
    }

    /// Seals events from now on, if there is a sealer.
    pub(super) fn with_sealer(self, sealer: Option<EventSealer>) -> Self {
        Self { builder: self.builder.with_sealer(sealer), ..self }
    }

    /// Takes events from the front of `batch`, as many as one record holds. Gives each its sequence, writes them to the ring,
    /// and adds them to `out`.
    pub(super) fn number(&mut self, batch: &mut Batch, now: Now, out: &mut Batch) -> Numbered {
        let Self { publisher_state, ring, builder, .. } = self;
        let events = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let bytes = batch.payload_bytes().min(2 * RECORD_BYTES);
        let after = ring.next_place();
        ring.prepare(bytes as u64 + events.saturating_mul(BYTES_BESIDE), publisher_state);
        publisher_state.tick += 1;
        builder.begin(self.spares.take(bytes + bytes / 2), publisher_state, now.wall_us);
        let mut numbered = Numbered::default();
        let mut taken = 0;
        for event in batch.iter() {
            match builder.take(event, publisher_state) {
                Taken::Numbered => numbered.events += 1,
                Taken::Repeat => numbered.repeats += 1,
                Taken::Refused(refused) => numbered.refused.push(refused),
                Taken::NoRoom => break,
            }
            taken += 1;
            if builder.len() >= RECORD_BYTES {
                break;
            }
        }
        if taken == batch.len() {
            builder.pass(batch.sources(), publisher_state);
        }
        numbered.doubts = builder.doubts();
        batch.advance(taken);
        self.say_bye(now, out);
        (numbered.is_mark_sooner, numbered.record) = self.publish_record(now.since_start, after, out);
        numbered
    }

    /// Adds a `bye` for each topic that was retired: it has no marks from now on, and a subscriber that missed its last event
    /// would never learn of it.
    fn say_bye(&mut self, now: Now, out: &mut Batch) {
        for retired in self.publisher_state.topics.take_retired() {
            // It is far below the size limit.
            out.extend(Control::pack_bye(&retired.topic, self.stamp(retired.last, now.wall_us)));
            self.byes.add(retired, now.since_start);
        }
    }

    fn stamp(&self, sequence: u64, time_us: u64) -> Stamp {
        let (publisher, epoch) = (self.publisher_state.publisher, self.publisher_state.epoch());
        Stamp { publisher, epoch, sequence, time_us }
    }

    /// When the next mark or repeated `bye` is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.schedule.next().into_iter().chain(self.byes.next()).min()
    }

    /// The repeated `bye`s that are due, at most `limit` of them.
    pub(super) fn byes_due(&mut self, now: Now, limit: usize) -> Vec<Envelope> {
        let topics = &self.publisher_state.topics;
        let due = self.byes.take_due(now.since_start, limit, |topic| topics.id(topic.as_bytes()).is_some());
        let pack = |RetiredTopic { topic, last, floor }: RetiredTopic| {
            Control::pack_bye_again(&topic, self.stamp(last, now.wall_us), floor.saturating_add(1)).ok()
        };
        due.into_iter().filter_map(pack).collect()
    }

    /// Writes the record to the ring, and adds its events to `out`. Returns whether marks are due earlier than before, and the
    /// record. `after` is the end of the ring before it.
    fn publish_record(
        &mut self,
        now: Duration,
        after: RecordPlace,
        out: &mut Batch,
    ) -> (bool, Option<WrittenRecord>) {
        let Self { publisher_state, ring, schedule, builder, spares, .. } = self;
        let Some(bytes) = builder.finish(publisher_state, ring.next_place()) else { return (false, None) };
        let place = ring.append(&bytes, publisher_state);
        let block = match builder.is_framed() {
            true => out.add_framed_block(bytes.clone()),
            false => out.add_block(bytes.clone()),
        };
        let counters = publisher_state.topics.counters();
        let frames = builder.take_frames();
        out.reserve(frames.len());
        let mut is_sooner = false;
        for run in frames.chunk_by(|one, next| one.id == next.id) {
            let Some(first) = run.first() else { continue };
            for frame in run {
                // The span lies within the block.
                let _ = out.push_span(block, frame.topic(), frame.payload());
            }
            if let Some(state) = publisher_state.topics.get_mut(first.id) {
                let TopicState { topic, counter, index, .. } = state;
                let place_of_counter = *counter.get_or_insert_with(|| counters.place(topic.as_str()));
                counters.add(place_of_counter, run.len() as u64);
                match place {
                    Some(place) => index.extend(run.iter().map(|frame| frame.place(place))),
                    None => index.clear(),
                }
            }
            if first.is_first {
                schedule.forget(first.id);
            }
            is_sooner |= schedule.touch(first.id, now);
        }
        spares.keep(bytes.clone());
        let epoch = publisher_state.epoch();
        (is_sooner, place.map(|place| WrittenRecord { after, place, bytes, epoch, frames }))
    }

    /// Uses memory of a record that nobody needs any more.
    pub(super) fn reuse(&mut self, record: WrittenRecord) {
        self.builder.reuse(record.frames);
    }

    /// Writes a loss record in the place of an event that was numbered and cannot be published.
    ///
    /// # Errors
    /// If `event` has no stamp: it was not numbered here.
    pub(super) fn lose(&mut self, event: &Envelope, cause: &str, now: Now) -> Result<Envelope> {
        let Self { publisher_state, ring, builder, .. } = self;
        let marked = event.topic.marked();
        let topic = marked.unwrap_or_else(|| event.topic.clone());
        let read = EventRef::read(event.topic.as_bytes(), &event.payload);
        let sequence = read.ok().and_then(|read| read.stamp).map_or(0, |stamp| stamp.sequence);
        let stamp = Stamp {
            publisher: publisher_state.publisher,
            epoch: publisher_state.epoch(),
            sequence,
            time_us: now.wall_us,
        };
        let lost = LossRecord { topic, stamp, events: 1, cause: cause.to_owned() }.pack()?;
        ring.prepare(lost.payload.len() as u64, publisher_state);
        builder.begin(Vec::new(), publisher_state, now.wall_us);
        let id = publisher_state.topics.id(event.topic.marked().as_ref().unwrap_or(&event.topic).as_bytes());
        if let Some(id) = id {
            builder.put_whole(id, false, &lost);
            self.replace(id, sequence);
        }
        Ok(lost)
    }

    fn replace(&mut self, id: TopicId, number: u64) {
        let Self { publisher_state, ring, builder, .. } = self;
        let Some(bytes) = builder.finish(publisher_state, ring.next_place()) else { return };
        let place = ring.append(&bytes, publisher_state);
        let (Some(place), Some(frame)) = (place, builder.frames().first()) else { return };
        if let Some(state) = publisher_state.topics.get_mut(id) {
            let last = state.sequence.last();
            state.index.replace(last, number, frame.place(place));
        }
    }

    /// The mark of a topic, up to its last numbered event.
    pub(super) fn mark(&self, id: TopicId, wall_us: u64) -> Option<Mark> {
        let state = self.publisher_state.topics.get(id)?;
        let stamp = Stamp {
            publisher: self.publisher_state.publisher,
            epoch: self.publisher_state.epoch(),
            sequence: state.sequence.last(),
            time_us: wall_us,
        };
        let prev = state.sequence.previous(&self.publisher_state.epoch_history);
        Some(Mark { topic: state.topic.clone(), stamp, oldest: state.oldest(), prev })
    }
}
