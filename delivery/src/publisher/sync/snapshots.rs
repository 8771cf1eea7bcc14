use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::{CauseCounter, Counter};

use super::ahead::Ahead;
use super::compaction::{self, CompactionMetrics, Compactor, OpenedRows};
use super::follower::{Cursor, Follower, Stretch};
use super::snapshot_cache::Snapshot;
use super::unfit::Unfit;
use super::unread_records::UnreadRecords;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::ring::Ring;
use crate::publisher::ring::written_record::WrittenRecord;
use crate::publisher::shared_sequencer::SharedSequencer;

/// The snapshots of a publisher's topics. `publish` reads each record after it was sent, while it is in the cache of the
/// processor ([`follow`](Self::follow)); a thread reads what is left, from memory or the ring. `publish` waits for the thread only if the ring
/// would otherwise remove unread events ([`hold_back`](Self::hold_back)).
///
/// Lock order: the compactor's lock, the follower's, the sequencer's. While the lock of the unread records is held, no other is
/// taken.
#[derive(Debug)]
pub(crate) struct Snapshots {
    compactor: Arc<Mutex<Compactor>>,
    pub(crate) compaction: CompactionMetrics,
    follower: Mutex<Follower>,
    unread: Mutex<UnreadRecords>,
    unfit: CauseCounter,
    /// The follower's place in the ring; [`NOT_STARTED`] before its thread runs.
    reached: AtomicU64,
    /// The place in the ring up to which it is compacted; [`NOT_STARTED`] while nothing is compacted.
    compacted: AtomicU64,
    /// The thread that reads what is left.
    thread: OnceLock<Thread>,
}

const NOT_STARTED: u64 = u64::MAX;

/// How long the follower may make no progress before `publish` stops waiting for it.
const STILL: Duration = Duration::from_secs(1);

/// The interval at which a waiting `publish` checks the follower.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What is read next.
enum Next {
    /// A record that is still in memory.
    Record(WrittenRecord),
    /// A part of the ring.
    Stretch(Stretch),
}

/// The most bytes that are read of the ring before other tasks have their turn. `publish` reads at most this number of bytes from the
/// ring.
const STRETCH_BYTES: usize = 256 * 1024;

impl Snapshots {
    /// With the rows of the rows file, if there are any: it reads files, up to a few times `snapshot_bytes`.
    pub(crate) fn open(ring: &Ring, publisher_state: &PublisherState, snapshot_bytes: u64) -> Self {
        let opened = compaction::open(ring, publisher_state, snapshot_bytes);
        let OpenedRows { compactor, metrics, cache, unfit } = opened;
        let snapshots = Self {
            compactor: Arc::new(Mutex::new(compactor)),
            compaction: metrics,
            follower: Mutex::new(Follower::new(cache)),
            unread: Mutex::default(),
            unfit: CauseCounter::new("topics_without_snapshot"),
            reached: AtomicU64::new(NOT_STARTED),
            compacted: AtomicU64::new(NOT_STARTED),
            thread: OnceLock::new(),
        };
        snapshots.report(&unfit);
        snapshots
    }

    /// Starts: from now on `publish` waits for the follower.
    pub(super) fn begin(&self) {
        self.note_compacted(&self.compactor());
        self.reached.store(self.follower().at().packed(), Ordering::Release);
    }

    fn compactor(&self) -> MutexGuard<'_, Compactor> {
        self.compactor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_compacted(&self, compactor: &Compactor) {
        self.compacted.store(compactor.at().map_or(NOT_STARTED, Cursor::packed), Ordering::Release);
    }

    /// The current thread reads what `publish` leaves.
    pub(super) fn follow_here(&self) {
        self.thread.get_or_init(std::thread::current);
    }

    /// Reads a record that was just written, and what is unread before it in memory, or a little of it in the ring. If the follower is
    /// in use, is further behind or is about to grow, it wakes the thread instead. It never waits for a lock of the follower.
    pub(crate) fn follow(&self, record: WrittenRecord, sequencer: &SharedSequencer) {
        if self.reached.load(Ordering::Acquire) == NOT_STARTED {
            return sequencer.lock().reuse(record);
        }
        // With a new segment there is more to compact.
        let begins_segment = record.after.segment != record.place.segment;
        self.unread().push(record);
        let is_read = match self.follower.try_lock() {
            Ok(mut follower) => self.read_at_once(&mut follower, sequencer),
            Err(_) => false,
        };
        if (!is_read || begins_segment)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Returns whether everything was read.
    fn read_at_once(&self, follower: &mut Follower, sequencer: &SharedSequencer) -> bool {
        let now = sequencer.now().since_start;
        while !follower.cache.is_about_to_grow() {
            let next = self.unread().take_after(follower.at()).map(Next::Record);
            let next = next.or_else(|| {
                let ring = &sequencer.lock().ring;
                let stretch = follower.next(ring).filter(|_| !self.unread().is_empty())?;
                let is_little = follower.bytes_ahead(ring) <= STRETCH_BYTES as u64;
                is_little.then_some(Next::Stretch(stretch))
            });
            match next {
                Some(next) => self.read(follower, next, now, sequencer),
                None => return self.unread().is_empty(),
            }
        }
        false
    }

    fn read(&self, follower: &mut Follower, next: Next, now: Duration, sequencer: &SharedSequencer) {
        // A defect here must not cost an event.
        let read = catch_unwind(AssertUnwindSafe(|| match &next {
            Next::Record(record) => follower.read_written(record, now),
            Next::Stretch(stretch) => follower.read(stretch, STRETCH_BYTES, now),
        }));
        match read {
            Ok(read) => self.finish(follower, read),
            Err(_) => {
                tracing::error!(
                    id = "SK0305",
                    "the snapshot reader panicked; it skips this part of the ring and continues"
                )
            }
        }
        if let Next::Record(record) = next {
            sequencer.lock().reuse(record);
        }
    }

    /// Reports how reading ended.
    fn finish(&self, follower: &Follower, read: io::Result<Vec<(Bytes, Unfit)>>) {
        match read {
            Ok(unfit) => self.report(&unfit),
            Err(error) => tracing::warn!(id = "SK0306", "cannot read the ring for snapshots: {error}"),
        }
        self.reached.store(follower.at().packed(), Ordering::Release);
    }

    pub(crate) fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unread(&self) -> MutexGuard<'_, UnreadRecords> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of topics that lost their snapshots, by cause.
    pub(crate) fn unfit(&self) -> &CauseCounter {
        &self.unfit
    }

    /// Reads the next stretch of the ring.
    pub(super) fn step(&self, sequencer: &SharedSequencer) -> Ahead {
        let mut follower = self.follower();
        follower.cache.grow();
        let (stretch, ahead) = {
            let sequencer = sequencer.lock();
            let ring = &sequencer.ring;
            let Some(stretch) = follower.next(ring) else {
                let unfit = follower.check(ring, &sequencer.publisher_state.topics);
                drop(sequencer);
                self.report(&unfit);
                return Ahead::Nothing;
            };
            let is_much = follower.bytes_ahead(ring) > ring.bound() / 4;
            (stretch, if is_much { Ahead::Much } else { Ahead::Some })
        };
        let now = sequencer.now().since_start;
        match self.unread().take_after(follower.at()) {
            Some(record) => self.read(&mut follower, Next::Record(record), now, sequencer),
            None => {
                let read = follower.read(&stretch, STRETCH_BYTES, now);
                self.finish(&follower, read);
            }
        }
        ahead
    }

    /// Compacts a part of the ring that it will remove.
    pub(super) fn compact(&self, sequencer: &SharedSequencer) -> Ahead {
        let mut compactor = self.compactor();
        let ahead = compactor.step(&self.follower, sequencer, &self.compaction);
        self.note_compacted(&compactor);
        ahead
    }

    /// Ends compaction; waits for a step that is under way. The folder of the ring must not be released before that.
    pub(crate) async fn end_compaction(&self) {
        let compactor = Arc::clone(&self.compactor);
        let stop = move || compactor.lock().unwrap_or_else(PoisonError::into_inner).stop();
        // It does not panic.
        let _ = tokio::task::spawn_blocking(stop).await;
    }

    fn report(&self, unfit: &[(Bytes, Unfit)]) {
        for (topic, unfit) in unfit {
            let cause = unfit.cause();
            if let Some(times) = self.unfit.count(cause, Instant::now()) {
                let topic = String::from_utf8_lossy(topic);
                tracing::info!(id = "SK0307", cause, times, "topic {topic:?} has no snapshots any more");
            }
        }
    }

    /// Removes rows that were deleted long ago, and topics that are no longer known.
    pub(super) fn sweep(&self, sequencer: &SharedSequencer) {
        let mut follower = self.follower();
        let now = sequencer.now().since_start;
        let sequencer = sequencer.lock();
        let topics = &sequencer.publisher_state.topics;
        follower.cache.sweep(now, |topic| topics.id(topic).is_some());
    }

    /// A topic's snapshot as it is now, if there is one.
    pub(super) fn catch_up(&self, sequencer: &SharedSequencer, topic: &[u8]) -> Option<Snapshot> {
        let end = Cursor::end(&sequencer.lock().ring);
        let is_there = || {
            let follower = self.follower();
            follower.has_reached(end) && !follower.is_unsure()
        };
        while !is_there() && self.step(sequencer) != Ahead::Nothing {}
        self.follower().cache.snapshot(topic)
    }

    /// Waits while half of the ring is unread, or three quarters are not compacted, as long as that makes progress: a burst must
    /// not cost a topic its snapshots.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn hold_back(
        &self,
        sequencer: &SharedSequencer,
        held_back: &Counter,
        is_closed: impl Fn() -> bool,
    ) {
        let (mut last, mut since) = (self.reached(), Instant::now());
        while last.0 != NOT_STARTED && !is_closed() && since.elapsed() < STILL {
            if !is_behind(last, &sequencer.lock().ring) {
                return;
            }
            held_back.add(1);
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = self.reached();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// The places up to which the ring is read, and compacted.
    pub(super) fn reached(&self) -> (u64, u64) {
        (self.reached.load(Ordering::Acquire), self.compacted.load(Ordering::Acquire))
    }
}

/// Whether the ring is so far ahead of these places that `publish` waits.
pub(super) fn is_behind((read, compacted): (u64, u64), ring: &Ring) -> bool {
    let ahead = |place| Cursor::of_packed(place).bytes_ahead(ring);
    ahead(read) > ring.bound() / 2 || ahead(compacted) > ring.bound() / 4 * 3
}

#[cfg(test)]
mod tests;
