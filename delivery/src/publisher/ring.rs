//! The latest events of a publisher, in files that outlive it: how they are written, read at the next start, and kept in their
//! folder.

pub(super) mod bytes_reader;
pub(super) mod event_layout;
pub(super) mod record;

mod checkpoint;
mod damage;
pub(super) mod folder;
pub(super) mod segment;

pub(super) mod numbered_frame;
mod rebuild;
pub(super) mod record_builder;

mod memory;
pub(super) mod open_ring;
pub(super) mod record_place;
pub(super) mod ring_keeper;
pub(super) mod ring_return;
pub(super) mod ring_segment;
pub(super) mod written_record;

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::numbering::publisher_state::PublisherState;
use folder::Folder;
use memory::memory_file;
use rebuild::Extent;
use record_place::RecordPlace;
use ring_segment::RingSegment;
use segment::Segment;

/// The latest events in files: at most `ring_bytes`, in eight parts. The oldest part is removed for a new one.
///
/// The file of a removed part is used again, unless a reader has it: its memory is in the page cache, so that writing allocates
/// and clears no pages.
///
/// In a folder they outlive the process. Without a folder, or while it cannot be written to, the files are anonymous and in
/// memory; everything else is the same, and [`RingReturn`](ring_return::RingReturn) moves them back.
#[derive(Debug)]
pub(super) struct Ring {
    folder: Option<Arc<Folder>>,
    /// When it entered or left its folder.
    since: Instant,
    segments: VecDeque<RingSegment>,
    /// The file of a removed segment, for the next one.
    spare: Option<File>,
    next_number: u32,
    bound: RingBound,
    failures: u64,
}

/// The bound of a ring.
#[derive(Debug, Clone, Copy)]
pub(super) struct RingBound {
    pub(super) ring_bytes: u64,
}

/// The number of parts of a ring.
const PARTS: u64 = 8;

/// The most files, however small: each start of a publisher begins one.
const MAX_SEGMENTS: usize = 64;

impl RingBound {
    fn segment_bytes(self) -> u64 {
        self.ring_bytes / PARTS
    }
}

impl Ring {
    /// A ring with these segments, which begins the next one at its first record.
    fn new(folder: Option<Folder>, bound: RingBound, segments: Vec<(Segment, Extent)>) -> Self {
        let segments: VecDeque<RingSegment> = segments
            .into_iter()
            .map(|(segment, Extent { begin, end, .. })| RingSegment {
                segment: Arc::new(segment),
                begin,
                end,
            })
            .collect();
        let next_number = segments.back().map_or(1, |last| last.segment.number() + 1);
        Self {
            folder: folder.map(Arc::new),
            since: Instant::now(),
            segments,
            spare: None,
            next_number,
            bound,
            failures: 0,
        }
    }

    /// Begins the first segment of this process, in memory if necessary.
    pub(super) fn begin(&mut self, publisher_state: &mut PublisherState) {
        let begun = self.begin_segment(publisher_state).or_else(|error| {
            self.fall_back(&error);
            self.begin_segment(publisher_state)
        });
        if let Err(error) = begun {
            self.give_up(&error, publisher_state);
        }
    }

    /// Makes room for the next record of about `bytes` bytes. Call it before the record's sequences are given: a segment that
    /// begins here contains the state before them.
    pub(super) fn prepare(&mut self, bytes: u64, publisher_state: &mut PublisherState) {
        let fits =
            |held: &RingSegment| held.bytes() == 0 || held.bytes() + bytes <= self.bound.segment_bytes();
        if !self.segments.back().is_some_and(fits) {
            self.begin(publisher_state);
        }
    }

    /// The place of the next record.
    pub(super) fn next_place(&self) -> RecordPlace {
        let last = self.segments.back();
        last.map_or(RecordPlace { segment: 0, start: 0 }, |last| RecordPlace {
            segment: last.segment.number(),
            start: last.end,
        })
    }

    /// Writes a record for the [next place](Self::next_place), with the end marker after it; returns its place, or `None` if it cannot be written even in memory.
    pub(super) fn append(
        &mut self,
        record: &[u8],
        publisher_state: &mut PublisherState,
    ) -> Option<RecordPlace> {
        let place = self.write(record).or_else(|error| {
            self.fall_back(&error);
            self.move_last().and_then(|()| self.write(record))
        });
        place.inspect_err(|error| self.give_up(error, publisher_state)).ok()
    }

    fn write(&mut self, record: &[u8]) -> io::Result<RecordPlace> {
        let last = self.segments.back_mut().ok_or(io::ErrorKind::NotFound)?;
        let start = last.end;
        let bytes = u32::try_from(record.len() - record::HEAD_BYTES).ok();
        let end = bytes.and_then(|bytes| start.checked_add(bytes));
        let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
        last.segment.write(start, record)?;
        last.end = end;
        Ok(RecordPlace { segment: last.segment.number(), start })
    }

    /// Begins a segment with the current state, and removes the oldest segments.
    fn begin_segment(&mut self, publisher_state: &mut PublisherState) -> io::Result<()> {
        self.remove_oldest(publisher_state);
        let number = self.next_number;
        let spare = self.spare.take();
        let is_spare = spare.is_some();
        let file = match (spare, &self.folder) {
            (Some(file), _) => file,
            (None, Some(folder)) => folder.create(number)?,
            (None, None) => memory_file()?,
        };
        // A number is not used again, not even that of a file that could not be written.
        self.next_number = number.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let beginning = checkpoint::encode(publisher_state, number);
        let segment = Segment::new(number, file);
        segment.write(0, &beginning)?;
        // It is a segment only when it has the beginning of one.
        if let Some(folder) = self.folder.as_ref().filter(|_| is_spare) {
            folder.name_spare(number)?;
        }
        let begin = beginning.len() - record::HEAD_BYTES;
        let begin = u32::try_from(begin).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.segments.push_back(RingSegment { segment: Arc::new(segment), begin, end: begin });
        Ok(())
    }

    /// Removes the oldest segments until there is room for a new one.
    fn remove_oldest(&mut self, publisher_state: &mut PublisherState) {
        let room = self.bound.ring_bytes - self.bound.segment_bytes();
        while self.bytes() > room || self.segments.len() >= MAX_SEGMENTS {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.remove(oldest.segment);
        }
        let first = self.first_number();
        publisher_state.topics.iter_mut().for_each(|state| state.index.forget_before(first));
    }

    /// Removes a segment, and keeps its file for the next one, unless a reader has it.
    fn remove(&mut self, segment: Arc<Segment>) {
        let number = segment.number();
        let file = Arc::into_inner(segment).filter(|_| self.spare.is_none()).map(Segment::into_file);
        self.spare = match (&self.folder, file) {
            (Some(folder), Some(file)) if folder.keep_spare(number).is_ok() => Some(file),
            (Some(folder), _) => {
                folder.remove(number);
                self.spare.take()
            }
            (None, file) => file.or(self.spare.take()),
        };
    }

    /// Its folder, unless it is in memory.
    pub(super) fn folder(&self) -> Option<&Arc<Folder>> {
        self.folder.as_ref()
    }

    /// All segments, oldest first.
    pub(super) fn held(&self) -> Vec<RingSegment> {
        self.segments.iter().cloned().collect()
    }

    /// The bytes of all records.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(RingSegment::bytes).sum()
    }

    /// The bytes of all records after a place in a segment.
    pub(super) fn bytes_after(&self, segment: u32, offset: u32) -> u64 {
        let after = |held: &RingSegment| match held.segment.number().cmp(&segment) {
            Ordering::Less => 0,
            Ordering::Equal => u64::from(held.end.saturating_sub(offset.max(held.begin))),
            Ordering::Greater => held.bytes(),
        };
        self.segments.iter().map(after).sum()
    }

    pub(super) fn bound(&self) -> u64 {
        self.bound.ring_bytes
    }

    /// Whether the ring outlives the process.
    pub(super) fn is_persistent(&self) -> bool {
        self.folder.is_some()
    }

    /// The number of failed writes.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// The number of the oldest segment, or of the next one if there is none.
    pub(super) fn first_number(&self) -> u32 {
        self.segments.front().map_or(self.next_number, |first| first.segment.number())
    }

    /// All segments, for reading.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.iter().map(|held| Arc::clone(&held.segment)).collect()
    }

    /// The segment that is being written.
    pub(super) fn last(&self) -> Option<&RingSegment> {
        self.segments.back()
    }

    /// The first segment with this number or a higher one.
    pub(super) fn segment_from(&self, number: u32) -> Option<&RingSegment> {
        self.segments.iter().find(|held| held.segment.number() >= number)
    }

    /// Releases the folder; returns the last segment, if it was in the folder.
    pub(super) fn release(&mut self) -> Option<Arc<Segment>> {
        self.folder.take()?;
        self.segments.back().map(|last| Arc::clone(&last.segment))
    }
}
