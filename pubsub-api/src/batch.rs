mod block_id;
mod edit;
mod encoded_event;
mod frame;
mod framed_run;
mod noted_rows;
mod source;
mod source_id;
mod span;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

pub use block_id::BlockId;
pub use edit::Edit;
pub use encoded_event::EncodedEvent;
use frame::Frame;
pub use framed_run::FramedRun;
use noted_rows::NotedRows;
pub use source::{Source, WorkerPosition};
pub use source_id::SourceId;
use span::{NO_SOURCE, Span};

use crate::{Envelope, Result, Topic};

/// A sequence of events: spans of shared blocks of memory, so that nothing is copied per event.
///
/// A driver that reads many events at once adds the bytes as one block and then a span for each event; a caller that
/// has single envelopes pushes them. A topic is the bytes of the first frame. Neither topics nor payloads are checked
/// yet. Accepted events are removed from the front, so that the rest of a batch can be sent again.
///
/// A batch that is reused allocates nothing: [`clear`](Batch::clear) and the removal of its last event keep its
/// capacity. Blocks are freed only when the batch becomes empty, so empty it before adding more: otherwise its blocks
/// accumulate.
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
    rows: NotedRows,
    sources: Vec<Source>,
    /// The blocks that are laid out by the driver's framing.
    framed: Vec<BlockId>,
    /// The number of spans at the beginning that were removed.
    taken: usize,
}

impl Batch {
    /// The maximum number of events that [`Subscriber::recv_batch`](crate::Subscriber::recv_batch) returns at once if
    /// its driver sets no bound of its own.
    pub const MAX_RECEIVED_EVENTS: usize = 256;

    /// [`Subscriber::recv_batch`](crate::Subscriber::recv_batch) adds no more events once their payloads have this
    /// total size, in bytes: this and one event bound the memory in use.
    pub const MAX_RECEIVED_BYTES: usize = 1024 * 1024;

    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one event; its two parts become blocks of their own, and nothing is copied.
    ///
    /// A payload of more than 4 GiB is cut to 4 GiB, which is far above the limit of [`wire`](crate::wire).
    pub fn push(&mut self, envelope: Envelope) {
        let topic = self.add_whole(envelope.topic.into());
        let payload = self.add_whole(envelope.payload);
        self.spans.push(Span::new(topic, payload));
    }

    /// Adds a block; [`push_span`](Batch::push_span) then adds its events.
    #[inline]
    pub fn add_block(&mut self, block: Bytes) -> BlockId {
        // Memory is exhausted before four billion blocks exist; an id without a block matches nothing.
        let id = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        self.blocks.push(block);
        BlockId(id)
    }

    /// Adds a block whose events are laid out by the [framing](crate::Publisher::framing) of the driver that will send
    /// the batch, and are valid: their topics and sizes were checked. [`push_span`](Batch::push_span) adds its events.
    pub fn add_framed_block(&mut self, block: Bytes) -> BlockId {
        let id = self.add_block(block);
        self.framed.push(id);
        id
    }

    /// Returns the events at the front that are in one [framed block](Batch::add_framed_block); `None` if the first
    /// event is in no such block.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use pubsub_api::Batch;
    ///
    /// let mut batch = Batch::new();
    /// let block = batch.add_framed_block(Bytes::from_static(b"\x01D\x02up\x01D\x04down"));
    /// assert!(batch.push_span(block, 1..2, 3..5) && batch.push_span(block, 6..7, 8..12));
    /// let run = batch.framed_run().expect("a framed block");
    /// let payloads: Vec<&[u8]> = run.events().map(|(_, payload)| &run.block()[payload]).collect();
    /// assert_eq!(payloads, [&b"up"[..], b"down"]);
    /// ```
    #[must_use]
    #[inline]
    pub fn framed_run(&self) -> Option<FramedRun<'_>> {
        let block = self.left().first()?.topic.block();
        if !self.framed.contains(&block) {
            return None;
        }
        let is_other = |span: &Span| span.topic.block() != block || span.payload.block() != block;
        let count = self.left().iter().position(is_other).unwrap_or(self.len());
        let spans = self.left().get(..count).filter(|run| !run.is_empty())?;
        Some(FramedRun { block: self.blocks.get(block.0 as usize)?, spans })
    }

    fn add_whole(&mut self, block: Bytes) -> Frame {
        let length = block.len();
        Frame::whole(self.add_block(block), length)
    }

    /// Adds an event whose two frames are in `block`. Returns `false`, and adds nothing, if a frame is not within the
    /// block, or begins or ends beyond 4 GiB.
    ///
    /// Every part of the block may be in several events, or in none.
    #[must_use = "an event that is outside of its block is not added"]
    #[inline]
    pub fn push_span(&mut self, block: BlockId, topic: Range<usize>, payload: Range<usize>) -> bool {
        let Some(bytes) = self.blocks.get(block.0 as usize) else { return false };
        let place = |range| Frame::within(block, bytes.len(), range);
        let (Some(topic), Some(payload)) = (place(topic), place(payload)) else { return false };
        self.spans.push(Span::new(topic, payload));
        true
    }

    /// Makes room for this number of events.
    pub fn reserve(&mut self, events: usize) {
        self.spans.reserve(events);
    }

    /// Adds a run of a worker's sequence numbers; [`number_last`](Batch::number_last) then assigns them to events.
    pub fn add_source(&mut self, source: Source) -> SourceId {
        let id = u32::try_from(self.sources.len()).unwrap_or(NO_SOURCE);
        self.sources.push(source);
        SourceId(id)
    }

    /// Assigns number `nth` of `source`, counted from 0, to the event that was added last.
    #[inline]
    pub fn number_last(&mut self, source: SourceId, nth: u32) {
        if let Some(span) = self.spans.last_mut() {
            (span.source, span.nth) = (source.0, nth);
        }
    }

    /// Returns the sources that were added since the batch was cleared, including those whose events were removed.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Returns the number of events left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left().len()
    }

    /// Returns whether no event is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// Returns the total size of the payloads left, in bytes.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.iter().map(|event| event.payload.len()).sum()
    }

    /// Iterates over the events left, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EncodedEvent<'_>> + '_ {
        let Self { blocks, sources, rows, taken, .. } = self;
        let of = move |(nth, span): (usize, &Span)| span.of(blocks, sources, rows.get(*taken + nth));
        self.left().iter().enumerate().map(of)
    }

    #[inline]
    fn left(&self) -> &[Span] {
        self.spans.get(self.taken..).unwrap_or_default()
    }

    /// Removes the first `count` events, or all of them if there are fewer: they were accepted.
    pub fn advance(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count);
        if self.is_empty() {
            self.clear();
        }
    }

    /// Returns the first event left, which shares memory with the batch. The event stays in the batch.
    ///
    /// # Errors
    /// `Some(Err)` of [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if its topic is invalid.
    #[must_use]
    pub fn first_envelope(&self) -> Option<Result<Envelope>> {
        let span = self.left().first()?;
        let payload = span.payload.share(&self.blocks);
        Some(Topic::new(span.topic.share(&self.blocks)).map(|topic| Envelope { topic, payload }))
    }

    /// Moves the first event to the end of `other`, sharing memory. Returns `false` if no event is left.
    ///
    /// A number of a worker moves with its event.
    pub fn move_first_to(&mut self, other: &mut Self) -> bool {
        let Some(first) = self.left().first().copied() else { return false };
        let topic = other.add_whole(first.topic.share(&self.blocks));
        let payload = other.add_whole(first.payload.share(&self.blocks));
        other.rows.set_last(other.spans.len(), self.rows.get(self.taken));
        other.spans.push(Span::new(topic, payload));
        if let Some(source) = self.sources.get(first.source as usize) {
            let one = Source { first: source.first + u64::from(first.nth), count: 1, ..*source };
            let id = other.add_source(one);
            other.number_last(id, 0);
        }
        self.advance(1);
        true
    }

    /// Moves all events of `other` to the end of this batch, sharing memory.
    pub fn append(&mut self, other: &mut Self) {
        let behind = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let sources = u32::try_from(self.sources.len()).unwrap_or(NO_SOURCE);
        self.rows.append(self.spans.len(), &other.rows, other.taken);
        self.spans.extend(other.left().iter().map(|span| span.shifted_by(behind, sources)));
        self.blocks.append(&mut other.blocks);
        self.sources.append(&mut other.sources);
        self.framed.extend(other.framed.iter().map(|block| BlockId(block.0.saturating_add(behind))));
        other.clear();
    }

    /// Removes everything and keeps the capacity.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.spans.clear();
        self.rows.clear();
        self.sources.clear();
        self.framed.clear();
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
