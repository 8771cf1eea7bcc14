use std::collections::VecDeque;
use std::sync::Arc;

use super::block::Block;

/// The blocks that some connection of a shard has still to write, oldest first, each with a number that is never given
/// again.
#[derive(Debug, Default)]
pub(super) struct Window {
    blocks: VecDeque<Entry>,
    /// The number of the oldest block, or of the next if there is none.
    first: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    block: Arc<Block>,
    /// The number of connections whose next byte is in this block.
    readers: usize,
}

/// How far a connection is: its next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    /// The number of the block.
    pub(super) block: u64,
    /// The place in it.
    pub(super) at: u32,
}

impl Window {
    /// Adds a block; its number.
    pub(super) fn push(&mut self, block: Arc<Block>) -> u64 {
        self.bytes += block.weight();
        self.blocks.push_back(Entry { block, readers: 0 });
        self.end() - 1
    }

    /// The number of the next block.
    pub(super) fn end(&self) -> u64 {
        self.first + self.blocks.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn get(&self, number: u64) -> Option<&Block> {
        self.entry(number).map(|entry| entry.block.as_ref())
    }

    /// The blocks from this number on, with theirs.
    pub(super) fn from(&self, number: u64) -> impl Iterator<Item = (u64, &Block)> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let blocks = self.blocks.iter().skip(skipped).map(|entry| entry.block.as_ref());
        (self.first.max(number)..).zip(blocks)
    }

    /// The next byte of one more connection is in a block.
    pub(super) fn enter(&mut self, number: u64) {
        if let Some(entry) = self.entry_mut(number) {
            entry.readers += 1;
        }
    }

    /// A connection stands there no longer.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some(entry) = self.entry_mut(number) {
            entry.readers = entry.readers.saturating_sub(1);
        }
    }

    /// The oldest block, if a connection needs it.
    pub(super) fn oldest_needed(&self) -> Option<u64> {
        self.blocks.front().filter(|entry| entry.readers > 0).map(|_| self.first)
    }

    /// Removes the oldest blocks that no connection needs; the buffers of those that no other shard has go to `recycle`.
    pub(super) fn trim(&mut self, mut recycle: impl FnMut(Vec<u8>)) {
        while self.blocks.front().is_some_and(|entry| entry.readers == 0) {
            let Some(entry) = self.blocks.pop_front() else { return };
            self.first += 1;
            self.bytes -= entry.block.weight();
            if let Some(buffer) = Arc::into_inner(entry.block).and_then(Block::into_buffer) {
                recycle(buffer);
            }
        }
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.blocks.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        self.blocks.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }
}
