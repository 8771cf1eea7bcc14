use bytes::Bytes;
use events::wire::RowSpan;

use super::frame::Frame;
use super::{Batch, BlockId, EncodedEvent};

/// What [`Batch::edit`] does with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Keeps the event unchanged.
    Keep,
    /// Keeps the event unchanged, and notes where its row is in the payload ([`EncodedEvent::row`]), as a check of it returned it.
    Note(RowSpan),
    /// Keeps the event in its place, with this payload.
    Replace(Bytes),
    /// Removes the event.
    Drop,
}

impl Batch {
    /// Calls `judge` once for each event left, in order, and keeps, replaces or removes the event as the result states.
    pub fn edit(&mut self, mut judge: impl FnMut(EncodedEvent<'_>) -> Edit) {
        self.spans.drain(..self.taken.min(self.spans.len()));
        // If `judge` panics, no row is known: they would be those of other events.
        let mut rows = std::mem::take(&mut self.rows);
        rows.begin_edit(self.taken, self.spans.len());
        self.taken = 0;
        let Self { blocks, spans, sources, .. } = self;
        let (mut next, mut kept) = (0.., 0);
        spans.retain_mut(|span| {
            let row = next.next().and_then(|index| rows.get(index));
            let row = match judge(span.of(blocks, sources, row)) {
                Edit::Keep => row,
                Edit::Note(row) => Some(row),
                Edit::Drop => return false,
                Edit::Replace(payload) => {
                    let id = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                    span.payload = Frame::whole(BlockId(id), payload.len());
                    blocks.push(payload);
                    None
                }
            };
            rows.put(kept, row);
            kept += 1;
            true
        });
        rows.end_edit(kept);
        self.rows = rows;
        if self.is_empty() {
            self.clear();
        }
    }
}
