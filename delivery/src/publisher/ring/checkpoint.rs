//! What a segment begins with: whose it is, and all that is known at that place but the events.
//!
//! ```text
//! "SKIMRING" | version (u32) | a record (see `record`) whose body is:
//!   publisher (u64) | segment (u32) | floor (u64) | epochs: count (u32), each u64
//!   topics: count (u32), each: length of name (u16), name, last number (u64), starts: count (u32), each epoch (u64), before (u64)
//!   workers, as in a batch
//! ```

use bytes::Bytes;
use pubsub_api::Topic;

use super::bytes_reader::BytesReader;
use super::record::{self, Damage, HEAD_BYTES, Next};
use crate::publisher::numbering::history::History;
use crate::publisher::numbering::ledger::Ledger;
use crate::publisher::numbering::line::{Line, Start};
use crate::publisher::numbering::lineage::Lineage;
use crate::publisher::numbering::topics::Topics;
use crate::publisher::numbering::workers::{Progress, Workers};

const MAGIC: &[u8] = b"SKIMRING";

const VERSION: u32 = 1;

/// How many bytes stand before the record.
const PREFIX_BYTES: usize = MAGIC.len() + size_of::<u32>();

/// What a checkpoint tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) publisher: u64,
    pub(super) segment: u32,
    pub(super) floor: u64,
    pub(super) lineage: Lineage,
    /// In the order of their last use, as the workers.
    pub(super) topics: Vec<(Topic, Line)>,
    pub(super) workers: Vec<Progress>,
}

impl Checkpoint {
    /// Takes over what it tells into `ledger`; topics that are not in it are retired. `None` if it contradicts what is known.
    pub(super) fn restore(self, ledger: &mut Ledger) -> Option<()> {
        let Self { floor, lineage, topics, workers, .. } = self;
        if ledger
            .lineage
            .epochs()
            .iter()
            .any(|epoch| *epoch > lineage.oldest().unwrap_or(0) && !lineage.contains(*epoch))
        {
            return None;
        }
        ledger.lineage = lineage;
        let anew = Topics::new(ledger.topics.bound());
        let mut before = std::mem::replace(&mut ledger.topics, anew);
        for (topic, line) in topics {
            ledger.tick += 1;
            let known = before.id(topic.as_bytes()).and_then(|id| before.get_mut(id));
            let history = known.map(|state| (state.line.last(), std::mem::take(&mut state.history)));
            restore_topic(ledger, topic, line, history)?;
        }
        ledger.topics.raise_floor(floor);
        ledger.workers = Workers::new(ledger.workers.bound());
        for progress in workers {
            ledger.tick += 1;
            ledger.workers.note(progress, ledger.tick);
        }
        Some(())
    }
}

fn restore_topic(
    ledger: &mut Ledger,
    topic: Topic,
    line: Line,
    history: Option<(u64, History)>,
) -> Option<()> {
    let last = line.last();
    let id = ledger.topics.add(topic, line, ledger.tick)?;
    match history {
        Some((before, _)) if before != last => None,
        Some((_, history)) => {
            ledger.topics.get_mut(id)?.history = history;
            Some(())
        }
        None => Some(()),
    }
}

/// The beginning of segment `segment`.
pub(super) fn encode(ledger: &Ledger, segment: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + ledger.topics.len() * 64 + ledger.workers.len() * 17);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    record::begin(&mut out);
    out.extend_from_slice(&ledger.publisher.to_le_bytes());
    out.extend_from_slice(&segment.to_le_bytes());
    out.extend_from_slice(&ledger.topics.floor().to_le_bytes());
    put_count(&mut out, ledger.lineage.epochs().len());
    for epoch in ledger.lineage.epochs() {
        out.extend_from_slice(&epoch.to_le_bytes());
    }
    put_count(&mut out, ledger.topics.len());
    for state in ledger.topics.by_use() {
        put_topic(&mut out, &state.topic, &state.line);
    }
    record::put_progress(&mut out, &ledger.workers.by_use());
    record::seal(&mut out, PREFIX_BYTES);
    out
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_topic(out: &mut Vec<u8>, topic: &Topic, line: &Line) {
    let name = topic.as_bytes();
    out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&line.last().to_le_bytes());
    put_count(out, line.starts().len());
    for Start { epoch, before } in line.starts() {
        out.extend_from_slice(&epoch.to_le_bytes());
        out.extend_from_slice(&before.to_le_bytes());
    }
}

/// The checkpoint with which a segment begins, and how many bytes it takes; `None` if it was cut off.
///
/// # Errors
/// The [`Damage`].
pub(super) fn read(bytes: &[u8]) -> Result<Option<(Checkpoint, usize)>, Damage> {
    let present = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(present) {
        return Err(Damage::Magic);
    }
    let Some((prefix, rest)) = bytes.split_at_checked(PREFIX_BYTES) else { return Ok(None) };
    if prefix.get(MAGIC.len()..) != Some(&VERSION.to_le_bytes()) {
        return Err(Damage::Version);
    }
    let Next::Record(body) = record::next(rest)? else { return Ok(None) };
    let checkpoint = decode(&mut BytesReader::new(body)).ok_or(Damage::Content)?;
    Ok(Some((checkpoint, PREFIX_BYTES + HEAD_BYTES + body.len())))
}

fn decode(reader: &mut BytesReader<'_>) -> Option<Checkpoint> {
    let (publisher, segment, floor) = (reader.long()?, reader.word()?, reader.long()?);
    let epochs = reader.count(size_of::<u64>())?;
    let lineage = Lineage::of((0..epochs).map(|_| reader.long()).collect::<Option<_>>()?)?;
    let count = reader.count(size_of::<u16>())?;
    let topics = (0..count).map(|_| topic(reader)).collect::<Option<_>>()?;
    let workers = record::progress(reader)?;
    reader.is_at_end().then_some(Checkpoint { publisher, segment, floor, lineage, topics, workers })
}

fn topic(reader: &mut BytesReader<'_>) -> Option<(Topic, Line)> {
    let length = usize::from(reader.short()?);
    let topic = Topic::new(Bytes::copy_from_slice(reader.take(length)?)).ok()?;
    let last = reader.long()?;
    let count = reader.count(2 * size_of::<u64>())?;
    let start = |_| Some(Start { epoch: reader.long()?, before: reader.long()? });
    Some((topic, Line::of(last, (0..count).map(start).collect::<Option<_>>()?)?))
}
