//! The ring in memory, while its folder cannot be written to, and its return.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};

use super::Ring;
use super::folder::Folder;
use super::segment::Segment;
use crate::publisher::numbering::publisher_state::PublisherState;

impl Ring {
    /// Moves the last segment into memory. A new segment would not do: its checkpoint would contain the sequences of the
    /// current record, which would then count twice.
    pub(super) fn move_last(&mut self) -> io::Result<()> {
        let last = self.segments.back_mut().ok_or(io::ErrorKind::NotFound)?;
        let file = memory_file()?;
        last.segment.copy_to(&file, 0, last.end)?;
        last.segment = Arc::new(Segment::new(last.segment.number(), file));
        Ok(())
    }

    /// Continues in memory, and removes the files: they would contain less than what was published.
    pub(super) fn fall_back(&mut self, error: &io::Error) {
        self.failures += 1;
        let Some(folder) = self.folder.take() else { return };
        self.since = Instant::now();
        self.spare = None;
        folder.remove_spare();
        tracing::error!(
            id = "SK0213",
            "cannot write to the ring in {}: {error}; publishing continues with the ring in memory, which is lost when this \
             process ends; the folder is tried again",
            folder.path().display()
        );
        for held in &self.segments {
            folder.remove(held.segment.number());
        }
        folder.remove(self.next_number - 1);
    }

    /// Continues in memory if `folder`, which was deleted or replaced, is still the ring's.
    pub(crate) fn leave(&mut self, folder: &Arc<Folder>) {
        if self.folder.as_ref().is_some_and(|own| Arc::ptr_eq(own, folder)) {
            self.fall_back(&io::Error::new(io::ErrorKind::NotFound, "the folder was deleted or replaced"));
        }
    }

    /// Continues in a folder that has a copy of each segment, in order; returns how long the ring was in memory.
    pub(crate) fn enter(&mut self, folder: Folder, copies: Vec<Segment>) -> Duration {
        for (held, copy) in self.segments.iter_mut().zip(copies) {
            held.segment = Arc::new(copy);
        }
        // It is in memory.
        self.spare = None;
        self.folder = Some(Arc::new(folder));
        std::mem::replace(&mut self.since, Instant::now()).elapsed()
    }

    /// How long it has been in its folder, or in memory.
    pub(crate) fn unchanged_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// Removes everything: a subscriber that misses events from now on receives a resync.
    pub(super) fn give_up(&mut self, error: &io::Error, publisher_state: &mut PublisherState) {
        self.failures += 1;
        if !self.segments.is_empty() {
            tracing::error!(
                id = "SK0214",
                "cannot write to the ring, not even in memory: {error}; no event can be replayed"
            );
        }
        self.segments.clear();
        publisher_state.topics.iter_mut().for_each(|state| state.index.clear());
    }
}

/// A file without a name.
pub(super) fn memory_file() -> io::Result<File> {
    Ok(File::from(memfd_create("skimmer-ring", MemfdFlags::CLOEXEC)?))
}
