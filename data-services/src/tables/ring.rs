use std::collections::VecDeque;
use std::sync::Arc;

use super::change::Change;

/// The latest changes of a published table, bounded in bytes.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    /// The size of all changes that ever were in it.
    total: u64,
    limit: usize,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
struct Entry {
    change: Arc<Change>,
    /// The size of all changes up to this one.
    total: u64,
}

impl Ring {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), total: 0, limit }
    }

    /// Adds the next change and drops the oldest ones beyond the bound. Returns whether it was kept: a change that is larger
    /// than the bound is not.
    pub(super) fn push(&mut self, change: Arc<Change>) -> bool {
        self.total += change.bytes() as u64;
        self.entries.push_back(Entry { change, total: self.total });
        let is_over = |total: u64, first: u64| total - first > self.limit as u64;
        while let Some(first) = self.entries.front()
            && is_over(self.total, first.total - first.change.bytes() as u64)
        {
            self.entries.pop_front();
        }
        !self.entries.is_empty()
    }

    /// The size of the changes after `sequence`, which ends at `head`; `None` if some of them are gone.
    pub(super) fn bytes_after(&self, sequence: u64, head: u64) -> Option<u64> {
        if sequence == head {
            return Some(0);
        }
        let first = self.after(sequence)?.next()?;
        Some(self.total - (first.total - first.change.bytes() as u64))
    }

    /// The changes after `sequence`, in order; `None` if the next one is not there.
    pub(super) fn changes_after(&self, sequence: u64) -> Option<impl Iterator<Item = &Arc<Change>>> {
        Some(self.after(sequence)?.map(|entry| &entry.change))
    }

    fn after(&self, sequence: u64) -> Option<impl Iterator<Item = &Entry>> {
        let first = self.entries.front()?.change.sequence;
        let place = usize::try_from(sequence.checked_add(1)?.checked_sub(first)?).ok()?;
        (place < self.entries.len()).then(|| self.entries.range(place..))
    }
}
