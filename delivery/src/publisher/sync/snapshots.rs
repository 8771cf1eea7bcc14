use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::{CauseCounter, Counter};

use super::follower::{Cursor, Follower};
use super::snapshot_cache::{Snapshot, Unfit};
use crate::publisher::shared_sequencer::SharedSequencer;

/// The snapshots of a publisher's topics, made beside the hot path. `publish` waits for them only if the ring would otherwise
/// remove unread events ([`hold_back`](Self::hold_back)).
///
/// Lock order: the follower's lock, then the sequencer's.
#[derive(Debug)]
pub(crate) struct Snapshots {
    follower: Mutex<Follower>,
    unfit: CauseCounter,
    /// The follower's place in the ring; [`NOT_STARTED`] before its thread runs.
    reached: AtomicU64,
}

const NOT_STARTED: u64 = u64::MAX;

/// How long the follower may make no progress before `publish` stops waiting for it.
const STILL: Duration = Duration::from_secs(1);

/// The interval at which a waiting `publish` checks the follower.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The unread part of the ring when the follower continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Nothing,
    Some,
    Much,
}

/// The most bytes that are read of the ring before other tasks have their turn.
const STRETCH_BYTES: usize = 256 * 1024;

impl Snapshots {
    pub(crate) fn new(snapshot_bytes: u64) -> Self {
        Self {
            follower: Mutex::new(Follower::new(snapshot_bytes)),
            unfit: CauseCounter::new("topics_without_snapshot"),
            reached: AtomicU64::new(NOT_STARTED),
        }
    }

    /// Starts: from now on `publish` waits for the follower.
    pub(super) fn begin(&self) {
        self.reached.store(self.follower().at().packed(), Ordering::Release);
    }

    pub(crate) fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of topics that lost their snapshots, by cause.
    pub(crate) fn unfit(&self) -> &CauseCounter {
        &self.unfit
    }

    /// Reads the next stretch of the ring.
    pub(super) fn step(&self, sequencer: &SharedSequencer) -> Ahead {
        let mut follower = self.follower();
        let (stretch, ahead) = {
            let ring = &sequencer.lock().ring;
            let Some(stretch) = follower.next(ring) else { return Ahead::Nothing };
            let is_much = follower.bytes_ahead(ring) > ring.bound() / 4;
            (stretch, if is_much { Ahead::Much } else { Ahead::Some })
        };
        match follower.read(&stretch, STRETCH_BYTES, sequencer.now().since_start) {
            Ok(unfit) => self.report(&unfit),
            Err(error) => tracing::warn!("cannot read the ring for snapshots: {error}"),
        }
        self.reached.store(follower.at().packed(), Ordering::Release);
        ahead
    }

    fn report(&self, unfit: &[(Bytes, Unfit)]) {
        for (topic, unfit) in unfit {
            let cause = unfit.cause();
            if let Some(times) = self.unfit.count(cause, Instant::now()) {
                let topic = String::from_utf8_lossy(topic);
                tracing::info!(cause, times, "topic {topic:?} has no snapshots any more");
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
        while !self.follower().has_reached(end) && self.step(sequencer) != Ahead::Nothing {}
        self.follower().cache.snapshot(topic)
    }

    /// Waits while half of the ring is unread, as long as the follower makes progress: a burst must not cost a topic its
    /// snapshots.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn hold_back(
        &self,
        sequencer: &SharedSequencer,
        held_back: &Counter,
        is_closed: impl Fn() -> bool,
    ) {
        let reached = || self.reached.load(Ordering::Acquire);
        let (mut last, mut since) = (reached(), Instant::now());
        while last != NOT_STARTED && !is_closed() && since.elapsed() < STILL {
            let ahead = {
                let ring = &sequencer.lock().ring;
                Cursor::of_packed(last).bytes_ahead(ring) > ring.bound() / 2
            };
            if !ahead {
                return;
            }
            held_back.add(1);
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = reached();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }
}
