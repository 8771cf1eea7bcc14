use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::compaction_metrics::CompactionMetrics;
use super::load::LoadedRows;
use super::rewrite::Rewrite;
use super::ring_view::RingView;
use super::rows_file::RowsFile;
use super::rows_record::RowsRecord;
use super::segment_scan::SegmentScan;
use crate::publisher::ring::folder::Folder;
use crate::publisher::ring::ring_segment::RingSegment;
use crate::publisher::shared_sequencer::SharedSequencer;
use crate::publisher::sync::ahead::Ahead;
use crate::publisher::sync::follower::{Cursor, Follower};

/// Keeps the rows file: compacts each segment before the ring removes it, and writes the file anew when it has grown.
///
/// It has a file while the ring is in its folder. While the ring is in memory, or after a failed write, it has none, and begins
/// with a new base when it can.
///
/// Lock order: its own lock, the follower's, the sequencer's.
#[derive(Debug)]
pub(in crate::publisher::sync) struct Compactor {
    publisher: u64,
    /// The folder that has the files.
    folder: Weak<Folder>,
    file: Option<RowsFile>,
    base_bytes: u64,
    rewrite: Option<Rewrite>,
    scan: SegmentScan,
    /// What is retained of the segment that is read.
    record: RowsRecord,
    /// Of the rewrite; empty between steps.
    of_base: RowsRecord,
    /// After a failed write.
    next_try: Option<Instant>,
    is_stopped: bool,
}

/// The wait after a failed write.
const RETRY: Duration = Duration::from_secs(15);

/// The most changes of topics that are taken from the cache at once.
const CHANGES: usize = 1000;

impl Compactor {
    /// Begins with a file, or without one.
    pub(super) fn new(
        publisher: u64,
        epoch: u64,
        folder: Option<&Arc<Folder>>,
        loaded: Option<LoadedRows>,
    ) -> Self {
        let mut compactor = Self {
            publisher,
            folder: folder.map(Arc::downgrade).unwrap_or_default(),
            file: None,
            base_bytes: 0,
            rewrite: None,
            scan: SegmentScan::new(0),
            record: RowsRecord::new(epoch),
            of_base: RowsRecord::new(epoch),
            next_try: None,
            is_stopped: false,
        };
        if let Some(LoadedRows { file, covered, base_bytes, .. }) = loaded {
            (compactor.file, compactor.base_bytes) = (Some(file), base_bytes);
            compactor.scan = SegmentScan::new(covered);
        }
        compactor
    }

    /// Ends: the files are not written to any more.
    pub(in crate::publisher::sync) fn stop(&mut self) {
        self.is_stopped = true;
        self.leave();
    }

    /// The place up to which the ring is compacted; `None` if `publish` does not wait for it, since there is no folder or it
    /// cannot be written to.
    pub(in crate::publisher::sync) fn at(&self) -> Option<Cursor> {
        if self.file.is_some() {
            return Some(Cursor { segment: self.scan.segment, offset: self.scan.offset });
        }
        // The first base is being written, or will be.
        (self.folder.strong_count() > 0 && self.next_try.is_none()).then(Cursor::default)
    }

    /// Compacts a part of the next segment, if it is due, and writes a part of a new file, if there is one.
    pub(in crate::publisher::sync) fn step(
        &mut self,
        follower: &Mutex<Follower>,
        sequencer: &SharedSequencer,
        metrics: &CompactionMetrics,
    ) -> Ahead {
        if self.is_stopped {
            return Ahead::Nothing;
        }
        let view = RingView::of(&self.scan, &lock(follower), &sequencer.lock().ring);
        let Some(folder) = view.folder.clone() else {
            self.leave();
            lock(follower).cache.forget_changes();
            return Ahead::Nothing;
        };
        let ahead = self.step_in(&folder, view, follower, metrics);
        let bytes = self.file.as_ref().map_or(0, RowsFile::bytes);
        metrics.set_bytes(bytes + self.rewrite.as_ref().map_or(0, |rewrite| rewrite.file.bytes()));
        ahead.unwrap_or_else(|error| {
            self.fail(&error, &folder, metrics);
            Ahead::Nothing
        })
    }

    fn step_in(
        &mut self,
        folder: &Arc<Folder>,
        view: RingView,
        follower: &Mutex<Follower>,
        metrics: &CompactionMetrics,
    ) -> io::Result<Ahead> {
        if !std::ptr::eq(self.folder.as_ptr(), Arc::as_ptr(folder)) {
            self.leave();
            self.folder = Arc::downgrade(folder);
        }
        if view.is_unsure {
            return Ok(Ahead::Nothing);
        }
        let is_begun = self.file.is_some() || self.rewrite.is_some();
        if is_begun && self.scan.segment < view.first {
            return Err(io::Error::other("the ring has removed events that were not compacted"));
        }
        self.begin_rewrite_if_due(folder, view.bound, follower)?;
        if let Some(rewrite) = &mut self.rewrite
            && rewrite.step(follower, &mut self.of_base)?
        {
            self.finish_rewrite(folder, follower, metrics)?;
        }
        let is_due = view.due.is_some();
        if let Some(held) = view.due.filter(|held| held.segment.number() == self.scan.segment) {
            self.compact(&held, follower, metrics)?;
        }
        Ok(match &self.rewrite {
            // `publish` may wait for it.
            Some(_) if self.file.is_none() => Ahead::Much,
            _ if is_due && view.is_behind => Ahead::Much,
            None if !is_due => Ahead::Nothing,
            _ => Ahead::Some,
        })
    }

    fn begin_rewrite_if_due(
        &mut self,
        folder: &Folder,
        bound: u64,
        follower: &Mutex<Follower>,
    ) -> io::Result<()> {
        let added = self.file.as_ref().map(|file| file.bytes().saturating_sub(self.base_bytes));
        let is_due = added.is_none_or(|added| added > self.base_bytes.max(bound / 4));
        let is_too_early = self.next_try.is_some_and(|at| Instant::now() < at);
        if !is_due || self.rewrite.is_some() || is_too_early {
            return Ok(());
        }
        let mut follower = lock(follower);
        if follower.is_unsure() {
            return Ok(());
        }
        let covered = follower.at().segment;
        let topics = follower.cache.names();
        if self.file.is_none() {
            follower.cache.forget_changes();
            follower.cache.forget_segments_before(covered);
            self.scan = SegmentScan::new(covered);
            self.record.clear();
        }
        drop(follower);
        self.of_base.clear();
        self.rewrite = Some(Rewrite::begin(folder, self.publisher, topics, covered)?);
        Ok(())
    }

    fn finish_rewrite(
        &mut self,
        folder: &Folder,
        follower: &Mutex<Follower>,
        metrics: &CompactionMetrics,
    ) -> io::Result<()> {
        let Some(rewrite) = self.rewrite.take() else { return Ok(()) };
        folder.name_rows()?;
        self.base_bytes = rewrite.file.bytes();
        self.file = Some(rewrite.file);
        if self.scan.segment < rewrite.covered {
            // What is in the record stays: it may have changes of topics.
            self.scan.go_to(rewrite.covered);
            lock(follower).cache.forget_segments_before(rewrite.covered);
        }
        metrics.bases.add(1);
        if self.next_try.take().is_some() {
            tracing::info!(id = "SK0302", "the rows file {} is complete again", folder.rows().display());
        }
        Ok(())
    }

    fn compact(
        &mut self,
        held: &RingSegment,
        follower: &Mutex<Follower>,
        metrics: &CompactionMetrics,
    ) -> io::Result<()> {
        self.put_changes(follower)?;
        if self.scan.step(held, follower, &mut self.record)? {
            // Those of topics that were removed while it was read must be in the record that covers it.
            self.put_changes(follower)?;
            self.scan.next_segment();
            self.write(self.scan.segment)?;
            lock(follower).cache.forget_segments_before(self.scan.segment);
            metrics.segments.add(1);
        } else if self.record.is_full() {
            self.write(0)?;
        }
        Ok(())
    }

    fn put_changes(&mut self, follower: &Mutex<Follower>) -> io::Result<()> {
        loop {
            let changes = lock(follower).cache.take_changes(CHANGES);
            if changes.is_empty() {
                return Ok(());
            }
            for (topic, change) in changes {
                self.record.about(&topic).change(change);
            }
            if self.record.is_full() {
                self.write(0)?;
            }
        }
    }

    /// Adds the record to the file, and to the one that is to replace it.
    fn write(&mut self, covered: u32) -> io::Result<()> {
        let Self { file, rewrite, record, .. } = self;
        let new = rewrite.iter_mut().map(|rewrite| &mut rewrite.file);
        record.write(covered, |bytes| file.iter_mut().chain(new).try_for_each(|file| file.append(bytes)))
    }

    /// Continues without a file.
    fn leave(&mut self) {
        (self.file, self.rewrite, self.folder) = (None, None, Weak::new());
    }

    fn fail(&mut self, error: &io::Error, folder: &Folder, metrics: &CompactionMetrics) {
        metrics.failures.add(1);
        if self.next_try.is_none() {
            tracing::error!(
                id = "SK0301",
                "cannot keep the rows of snapshots in {}: {error}; publishing and snapshots continue, but after a restart, \
                 subscribers of topics that have outgrown the ring will receive a resync; it is tried again",
                folder.rows().display()
            );
        }
        (self.file, self.rewrite) = (None, None);
        folder.remove_new_rows();
        self.next_try = Some(Instant::now() + RETRY);
    }
}

fn lock(follower: &Mutex<Follower>) -> MutexGuard<'_, Follower> {
    follower.lock().unwrap_or_else(PoisonError::into_inner)
}
