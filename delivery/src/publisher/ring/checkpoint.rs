//! The beginning of a segment: the publisher's key, and the whole state before the first record except the events.
//!
//! ```text
//! "SKIMRING" | version (u32) | 0 (u32) | a record (see `record`) whose body is:
//!   publisher (u64) | segment (u32) | floor (u64) | epochs: count (u32), each u64
//!   topics: count (u32), each: length of name (u16), name, last number (u64), starts: count (u32), each epoch (u64), before (u64)
//!   workers, as in a batch
//! ```

use bytes::Bytes;
use pubsub_api::Topic;

use super::bytes_reader::BytesReader;
use super::damage::Damage;
use super::record::{self, HEAD_BYTES, Next};
use super::record_place::RecordPlace;
use crate::publisher::numbering::epoch_history::EpochHistory;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::numbering::topic_index::TopicIndex;
use crate::publisher::numbering::topic_sequence::{Start, TopicSequence};
use crate::publisher::numbering::topics::Topics;
use crate::publisher::numbering::workers::{Progress, Workers};

const MAGIC: &[u8] = b"SKIMRING";

/// Version 1 had no end marker.
const VERSION: u32 = 2;

/// The number of bytes before the record.
const PREFIX_BYTES: usize = MAGIC.len() + 2 * size_of::<u32>();

/// The same, as an offset.
const RECORD_AT: u32 = 16;

const _: () = assert!(PREFIX_BYTES == RECORD_AT as usize);

/// The content of a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) publisher: u64,
    pub(super) segment: u32,
    pub(super) floor: u64,
    pub(super) epoch_history: EpochHistory,
    /// In the order of their last use, as the workers.
    pub(super) topics: Vec<(Topic, TopicSequence)>,
    pub(super) workers: Vec<Progress>,
}

impl Checkpoint {
    /// Restores it into `publisher_state`; topics that it lacks are retired. `None` if it contradicts the state.
    pub(super) fn restore(self, publisher_state: &mut PublisherState) -> Option<()> {
        let Self { floor, epoch_history, topics, workers, .. } = self;
        if publisher_state
            .epoch_history
            .epochs()
            .iter()
            .any(|epoch| *epoch > epoch_history.oldest().unwrap_or(0) && !epoch_history.contains(*epoch))
        {
            return None;
        }
        publisher_state.epoch_history = epoch_history;
        let anew = Topics::new(publisher_state.topics.bound());
        let mut before = std::mem::replace(&mut publisher_state.topics, anew);
        for (topic, sequence) in topics {
            publisher_state.tick += 1;
            let known = before.id(topic.as_bytes()).and_then(|id| before.get_mut(id));
            let index = known.map(|state| (state.sequence.last(), std::mem::take(&mut state.index)));
            restore_topic(publisher_state, topic, sequence, index)?;
        }
        publisher_state.topics.raise_floor(floor);
        publisher_state.workers = Workers::new(publisher_state.workers.bound());
        for progress in workers {
            publisher_state.tick += 1;
            publisher_state.workers.note(progress, publisher_state.tick);
        }
        Some(())
    }
}

fn restore_topic(
    publisher_state: &mut PublisherState,
    topic: Topic,
    sequence: TopicSequence,
    index: Option<(u64, TopicIndex)>,
) -> Option<()> {
    let last = sequence.last();
    let id = publisher_state.topics.add(topic, sequence, publisher_state.tick)?;
    match index {
        Some((before, _)) if before != last => None,
        Some((_, index)) => {
            publisher_state.topics.get_mut(id)?.index = index;
            Some(())
        }
        None => Some(()),
    }
}

/// Encodes the beginning of segment `segment`, with the end marker after it.
pub(super) fn encode(publisher_state: &PublisherState, segment: u32) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(256 + publisher_state.topics.len() * 64 + publisher_state.workers.len() * 17);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; size_of::<u32>()]);
    record::begin(&mut out);
    out.extend_from_slice(&publisher_state.publisher.to_le_bytes());
    out.extend_from_slice(&segment.to_le_bytes());
    out.extend_from_slice(&publisher_state.topics.floor().to_le_bytes());
    put_count(&mut out, publisher_state.epoch_history.epochs().len());
    for epoch in publisher_state.epoch_history.epochs() {
        out.extend_from_slice(&epoch.to_le_bytes());
    }
    put_count(&mut out, publisher_state.topics.len());
    for state in publisher_state.topics.by_use() {
        put_topic(&mut out, &state.topic, &state.sequence);
    }
    record::put_progress(&mut out, &publisher_state.workers.by_use());
    record::seal(&mut out, PREFIX_BYTES, RecordPlace { segment, start: RECORD_AT });
    out
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_topic(out: &mut Vec<u8>, topic: &Topic, sequence: &TopicSequence) {
    let name = topic.as_bytes();
    out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&sequence.last().to_le_bytes());
    put_count(out, sequence.starts().len());
    for Start { epoch, before } in sequence.starts() {
        out.extend_from_slice(&epoch.to_le_bytes());
        out.extend_from_slice(&before.to_le_bytes());
    }
}

/// The checkpoint at the beginning of a segment, and its size in bytes; `None` if it was cut off. `segment` is the number in the name of the file.
///
/// # Errors
/// The [`Damage`].
pub(super) fn read(bytes: &[u8], segment: u32) -> Result<Option<(Checkpoint, usize)>, Damage> {
    let present = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(present) {
        return Err(Damage::Magic);
    }
    let Some(prefix) = bytes.get(..PREFIX_BYTES) else { return Ok(None) };
    if prefix.get(MAGIC.len()..) != Some(&u64::from(VERSION).to_le_bytes()) {
        return Err(Damage::Version);
    }
    let Next::Record(body) = record::next(bytes, PREFIX_BYTES, segment)? else { return Ok(None) };
    let checkpoint = decode(&mut BytesReader::new(body)).ok_or(Damage::Content)?;
    Ok(Some((checkpoint, PREFIX_BYTES + HEAD_BYTES + body.len())))
}

fn decode(reader: &mut BytesReader<'_>) -> Option<Checkpoint> {
    let (publisher, segment, floor) = (reader.long()?, reader.word()?, reader.long()?);
    let epochs = reader.count(size_of::<u64>())?;
    let epoch_history = EpochHistory::of((0..epochs).map(|_| reader.long()).collect::<Option<_>>()?)?;
    let count = reader.count(size_of::<u16>())?;
    let topics = (0..count).map(|_| topic(reader)).collect::<Option<_>>()?;
    let workers = record::progress(reader)?;
    record::is_fill(*reader).then_some(Checkpoint {
        publisher,
        segment,
        floor,
        epoch_history,
        topics,
        workers,
    })
}

fn topic(reader: &mut BytesReader<'_>) -> Option<(Topic, TopicSequence)> {
    let length = usize::from(reader.short()?);
    let topic = Topic::new(Bytes::copy_from_slice(reader.take(length)?)).ok()?;
    let last = reader.long()?;
    let count = reader.count(2 * size_of::<u64>())?;
    let start = |_| Some(Start { epoch: reader.long()?, before: reader.long()? });
    Some((topic, TopicSequence::of(last, (0..count).map(start).collect::<Option<_>>()?)?))
}
