use std::ops::Range;

use bytes::Bytes;

use super::BlockId;

/// The position of one frame. It is small because a batch has two for each event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    block: BlockId,
    start: u32,
    end: u32,
}

impl Frame {
    /// Returns the whole of a block of `length` bytes.
    #[inline]
    pub(super) fn whole(block: BlockId, length: usize) -> Self {
        Self { block, start: 0, end: u32::try_from(length).unwrap_or(u32::MAX) }
    }

    /// Returns the `range` of a block of `length` bytes, or `None` if the range is not within the block.
    #[inline]
    pub(super) fn within(block: BlockId, length: usize, range: Range<usize>) -> Option<Self> {
        if range.start > range.end || range.end > length {
            return None;
        }
        Some(Self { block, start: u32::try_from(range.start).ok()?, end: u32::try_from(range.end).ok()? })
    }

    /// Returns the same frame after this number of blocks was put before its own.
    #[inline]
    pub(super) fn shifted_by(self, blocks: u32) -> Self {
        Self { block: BlockId(self.block.0.saturating_add(blocks)), ..self }
    }

    /// Returns the block that it is in.
    #[inline]
    pub(super) fn block(self) -> BlockId {
        self.block
    }

    /// Returns its range in the block.
    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline]
    pub(super) fn of(self, blocks: &[Bytes]) -> &[u8] {
        blocks.get(self.block.0 as usize).and_then(|block| block.get(self.range())).unwrap_or_default()
    }

    /// Returns the bytes of the frame, sharing memory with the block.
    pub(super) fn share(self, blocks: &[Bytes]) -> Bytes {
        let bytes = self.of(blocks);
        blocks.get(self.block.0 as usize).map(|block| block.slice_ref(bytes)).unwrap_or_default()
    }
}
