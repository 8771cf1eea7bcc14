mod encoded_event;
mod frame;
mod source;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

pub use encoded_event::EncodedEvent;
use frame::Frame;
pub use source::{Origin, Source};

use crate::{Envelope, Result, Topic};

/// Events that came together: spans of shared blocks of memory, so that nothing is copied per event.
///
/// A driver that reads many events at once adds what it read as one block and names the events in it; whoever has
/// single envelopes pushes them. Topics are the bytes of the first frame, and are not yet checked, no more than
/// payloads are. What was accepted is taken from the front, so that what is left of a batch can be sent again.
///
/// A batch that is used again allocates nothing: [`clear`](Batch::clear) and taking its last event keep its capacity.
/// It lets go of its blocks then, and not before: take out all that is in a batch before more is put in for long.
///
/// ```
/// use bytes::Bytes;
/// use pubsub_api::Batch;
///
/// let mut batch = Batch::new();
/// let block = batch.add_block(Bytes::from_static(b"D\x80lport\x80"));
/// assert!(batch.push_span(block, 0..1, 1..2));
/// assert!(batch.push_span(block, 2..7, 7..8));
/// let topics: Vec<&[u8]> = batch.iter().map(|event| event.topic).collect();
/// assert_eq!(topics, [&b"D"[..], b"lport"]);
/// batch.advance(1);
/// assert_eq!(batch.len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct Batch {
    blocks: Vec<Bytes>,
    spans: Vec<Span>,
    sources: Vec<Source>,
    /// How many spans at the beginning were taken out.
    taken: usize,
}

/// Names a block of one batch, until that is cleared or its last event is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockId(u32);

/// Names a source of one batch, as long as [`BlockId`] names a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId(u32);

/// What [`Batch::edit`] makes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It stays as it is.
    Keep,
    /// It stays in its place, with this payload.
    Replace(Bytes),
    /// It is taken out.
    Drop,
}

/// Where the two frames of one event stand.
#[derive(Debug, Clone, Copy)]
struct Span {
    topic: Frame,
    payload: Frame,
    /// Its source, and which one of it; [`NO_SOURCE`] if nobody numbered it.
    source: u32,
    nth: u32,
}

const NO_SOURCE: u32 = u32::MAX;

impl Span {
    fn new(topic: Frame, payload: Frame) -> Self {
        Self { topic, payload, source: NO_SOURCE, nth: 0 }
    }

    fn of<'a>(self, blocks: &'a [Bytes], sources: &[Source]) -> EncodedEvent<'a> {
        let origin = sources.get(self.source as usize).map(|source| {
            let number = source.first + u64::from(self.nth);
            Origin { worker: source.worker, number, sent_before: number <= source.sent_before }
        });
        EncodedEvent { topic: self.topic.of(blocks), payload: self.payload.of(blocks), origin }
    }

    /// The same where so many blocks and sources stand before its own.
    fn behind(self, blocks: u32, sources: u32) -> Self {
        Self {
            topic: self.topic.behind(blocks),
            payload: self.payload.behind(blocks),
            source: self.source.saturating_add(sources),
            nth: self.nth,
        }
    }
}

impl Batch {
    /// The most events that [`Subscriber::recv_batch`](crate::Subscriber::recv_batch) brings at once where its driver
    /// sets no bound of its own.
    pub const MAX_RECEIVED_EVENTS: usize = 256;

    /// [`Subscriber::recv_batch`](crate::Subscriber::recv_batch) takes no more events once their payloads have this many
    /// bytes together: what is in hand is bounded by this and one event.
    pub const MAX_RECEIVED_BYTES: usize = 1024 * 1024;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one event; its two parts become blocks of their own, nothing is copied.
    ///
    /// A payload of more than 4 GiB is cut to that, which is far above what [`wire`](crate::wire) takes.
    pub fn push(&mut self, envelope: Envelope) {
        let topic = self.add_whole(envelope.topic.into());
        let payload = self.add_whole(envelope.payload);
        self.spans.push(Span::new(topic, payload));
    }

    /// Adds a block whose events [`push_span`](Batch::push_span) then names.
    pub fn add_block(&mut self, block: Bytes) -> BlockId {
        // Four billion blocks take more memory than there is; an id that is not there names nothing.
        let id = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        self.blocks.push(block);
        BlockId(id)
    }

    fn add_whole(&mut self, block: Bytes) -> Frame {
        let length = block.len();
        Frame::whole(self.add_block(block), length)
    }

    /// Adds an event whose two frames stand in `block`. `false`, and nothing is added, if one does not lie within it, or
    /// begins or ends beyond 4 GiB.
    #[must_use = "an event that is outside of its block is not added"]
    pub fn push_span(&mut self, block: BlockId, topic: Range<usize>, payload: Range<usize>) -> bool {
        let Some(bytes) = self.blocks.get(block.0 as usize) else { return false };
        let place = |range| Frame::within(block, bytes.len(), range);
        let (Some(topic), Some(payload)) = (place(topic), place(payload)) else { return false };
        self.spans.push(Span::new(topic, payload));
        true
    }

    /// Adds a worker's run of numbers, which [`number_last`](Batch::number_last) then gives to events.
    pub fn add_source(&mut self, source: Source) -> SourceId {
        let id = u32::try_from(self.sources.len()).unwrap_or(NO_SOURCE);
        self.sources.push(source);
        SourceId(id)
    }

    /// Says that the event added last is number `nth` of `source`, counted from 0.
    pub fn number_last(&mut self, source: SourceId, nth: u32) {
        if let Some(span) = self.spans.last_mut() {
            (span.source, span.nth) = (source.0, nth);
        }
    }

    /// The runs of numbers of workers that have come since the batch was cleared: also those whose events are gone.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// How many events are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left().len()
    }

    /// Whether no event is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// How many bytes the payloads that are left have together.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.iter().map(|event| event.payload.len()).sum()
    }

    /// The events that are left, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EncodedEvent<'_>> + '_ {
        self.left().iter().map(|span| span.of(&self.blocks, &self.sources))
    }

    fn left(&self) -> &[Span] {
        self.spans.get(self.taken..).unwrap_or_default()
    }

    /// Takes the first `count` events out, all of them if there are fewer: they were accepted.
    pub fn advance(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count);
        if self.is_empty() {
            self.clear();
        }
    }

    /// The first event that is left, sharing memory with the batch. It stays in.
    ///
    /// # Errors
    /// `Some(Err)` of [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if its topic is none.
    #[must_use]
    pub fn first_envelope(&self) -> Option<Result<Envelope>> {
        let span = self.left().first()?;
        let payload = span.payload.share(&self.blocks);
        Some(Topic::new(span.topic.share(&self.blocks)).map(|topic| Envelope { topic, payload }))
    }

    /// Takes the first event out and adds it to `other`, sharing memory; `false` if none is left.
    pub fn move_first_to(&mut self, other: &mut Self) -> bool {
        let Some(first) = self.left().first().copied() else { return false };
        let topic = other.add_whole(first.topic.share(&self.blocks));
        let payload = other.add_whole(first.payload.share(&self.blocks));
        other.spans.push(Span::new(topic, payload));
        if let Some(source) = self.sources.get(first.source as usize) {
            let one = Source { first: source.first + u64::from(first.nth), count: 1, ..*source };
            let id = other.add_source(one);
            other.number_last(id, 0);
        }
        self.advance(1);
        true
    }

    /// Takes all events of `other` and adds them behind its own, sharing memory.
    pub fn append(&mut self, other: &mut Self) {
        let behind = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let sources = u32::try_from(self.sources.len()).unwrap_or(NO_SOURCE);
        self.spans.extend(other.left().iter().map(|span| span.behind(behind, sources)));
        self.blocks.append(&mut other.blocks);
        self.sources.append(&mut other.sources);
        other.clear();
    }

    /// Shows `judge` each event that is left, once and in order, and keeps, replaces or drops it as that says.
    pub fn edit(&mut self, mut judge: impl FnMut(EncodedEvent<'_>) -> Edit) {
        self.spans.drain(..self.taken.min(self.spans.len()));
        self.taken = 0;
        let Self { blocks, spans, sources, .. } = self;
        spans.retain_mut(|span| match judge(span.of(blocks, sources)) {
            Edit::Keep => true,
            Edit::Drop => false,
            Edit::Replace(payload) => {
                let id = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                span.payload = Frame::whole(BlockId(id), payload.len());
                blocks.push(payload);
                true
            }
        });
        if self.is_empty() {
            self.clear();
        }
    }

    /// Takes everything out, and keeps the capacity.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.spans.clear();
        self.sources.clear();
        self.taken = 0;
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("events", &self.len()).field("blocks", &self.blocks.len()).finish()
    }
}

impl Extend<Envelope> for Batch {
    fn extend<I: IntoIterator<Item = Envelope>>(&mut self, envelopes: I) {
        for envelope in envelopes {
            self.push(envelope);
        }
    }
}

#[cfg(test)]
mod tests;
