use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::{Error, ErrorKind, Result, Tally};

use super::core::Core;
use super::follower::{Cursor, Follower};
use super::snapshot_cache::{Snapshot, Unfit};

/// The snapshots of a publisher's topics, made beside the hot path. Whoever publishes waits for them only if the ring would
/// otherwise overrun the follower ([`hold_back`]).
///
/// Lock order: the follower's lock, then the sequencer's.
#[derive(Debug)]
pub(super) struct Snapshots {
    follower: Mutex<Follower>,
    unfit: Tally,
    /// How far the follower is in the ring; [`NOT_STARTED`] before its thread is.
    reached: AtomicU64,
}

const NOT_STARTED: u64 = u64::MAX;

/// How long the follower may stand still before who publishes does not wait for it.
const STILL: Duration = Duration::from_secs(1);

/// How often who waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What lay before the follower when it went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Nothing,
    Some,
    Much,
}

/// So much is read of the ring before others have their turn.
const STRETCH_BYTES: usize = 256 * 1024;

/// Behind what it took to read a stretch, the follower rests four times as long: at most a fifth of a processor, which follows
/// some 600,000 events/s (0.3 µs for one of 300 bytes that another core wrote). If a quarter of the ring lies before it, after
/// a burst, it does not rest: an event that the ring drops before it was read costs its topic the snapshots. If half of it
/// does, who publishes waits.
const REST: u32 = 4;

/// How often it looks whether anything was published.
const LOOK: Duration = Duration::from_millis(100);

/// When it goes on after it has failed.
const RESTART: Duration = Duration::from_secs(1);

/// How often it looks for what was deleted long ago.
const SWEEP: Duration = Duration::from_secs(60);

impl Snapshots {
    pub(super) fn new(snapshot_bytes: u64) -> Self {
        Self {
            follower: Mutex::new(Follower::new(snapshot_bytes)),
            unfit: Tally::new("topics_without_snapshot"),
            reached: AtomicU64::new(NOT_STARTED),
        }
    }

    pub(super) fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which topics lost their snapshots, by cause.
    pub(super) fn unfit(&self) -> &Tally {
        &self.unfit
    }

    /// Reads the next stretch of the ring.
    fn step(&self, core: &Core) -> Ahead {
        let mut follower = self.follower();
        let (stretch, ahead) = {
            let ring = &core.sequencer().ring;
            let Some(stretch) = follower.next(ring) else { return Ahead::Nothing };
            let is_much = follower.bytes_ahead(ring) > ring.bound() / 4;
            (stretch, if is_much { Ahead::Much } else { Ahead::Some })
        };
        match follower.read(&stretch, STRETCH_BYTES, core.now().since_start) {
            Ok(unfit) => self.tell(&unfit),
            Err(error) => tracing::warn!("cannot read the ring for snapshots: {error}"),
        }
        self.reached.store(follower.at().packed(), Ordering::Release);
        ahead
    }

    fn tell(&self, unfit: &[(Bytes, Unfit)]) {
        for (topic, unfit) in unfit {
            let cause = unfit.cause();
            if let Some(times) = self.unfit.count(cause, Instant::now()) {
                let topic = String::from_utf8_lossy(topic);
                tracing::info!(cause, times, "no snapshots of topic {topic:?} any more");
            }
        }
    }

    fn sweep(&self, core: &Core) {
        let mut follower = self.follower();
        let sequencer = core.sequencer();
        let topics = &sequencer.ledger.topics;
        follower.cache.sweep(core.now().since_start, |topic| topics.id(topic).is_some());
    }

    /// A topic's snapshot as it is now, if there is one.
    fn catch_up(&self, core: &Core, topic: &[u8]) -> Option<Snapshot> {
        let end = Cursor::end(&core.sequencer().ring);
        while !self.follower().has_reached(end) && self.step(core) != Ahead::Nothing {}
        self.follower().cache.snapshot(topic)
    }
}

/// Waits while half of the ring is still to be read for snapshots, as long as that goes on: a burst must not cost a topic its
/// snapshots.
///
/// # Cancel safety
/// It changes nothing.
pub(super) async fn hold_back(core: &Core) {
    let reached = || core.snapshots.reached.load(Ordering::Acquire);
    let (mut last, mut since) = (reached(), Instant::now());
    while last != NOT_STARTED && !core.is_closed() && since.elapsed() < STILL {
        let ahead = {
            let ring = &core.sequencer().ring;
            Cursor::of_packed(last).bytes_ahead(ring) > ring.bound() / 2
        };
        if !ahead {
            return;
        }
        core.readings.held_back.add(1);
        tokio::time::sleep(LOOK_AGAIN).await;
        let now = reached();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}

/// A topic's snapshot as it is now, if there is one. It reads what the follower has not yet read.
pub(super) async fn snapshot(core: &Arc<Core>, topic: Bytes) -> Option<Snapshot> {
    let core = Arc::clone(core);
    let read = tokio::task::spawn_blocking(move || core.snapshots.catch_up(&core, &topic));
    read.await.ok().flatten()
}

/// Starts the thread that follows the ring, until the publisher is closed or gone.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if there is no thread to be had.
pub(super) fn start(core: &Arc<Core>) -> Result<()> {
    core.snapshots.reached.store(core.snapshots.follower().at().packed(), Ordering::Release);
    let core = Arc::downgrade(core);
    let thread = std::thread::Builder::new().name("snapshots".to_owned());
    let failed = |error| Error::new(ErrorKind::Unavailable, "cannot start a thread").with_source(error);
    thread.spawn(move || follow(&core)).map(drop).map_err(failed)
}

fn follow(core: &Weak<Core>) {
    let mut swept = Instant::now();
    while let Some(core) = core.upgrade().filter(|core| !core.is_closed()) {
        let began = Instant::now();
        let step = catch_unwind(AssertUnwindSafe(|| core.snapshots.step(&core)));
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            core.snapshots.sweep(&core);
        }
        drop(core);
        std::thread::sleep(match step {
            Ok(Ahead::Much) => Duration::ZERO,
            Ok(Ahead::Some) => began.elapsed() * REST,
            Ok(Ahead::Nothing) => LOOK,
            Err(_) => {
                tracing::error!("reading the ring for snapshots failed, and goes on behind it");
                RESTART
            }
        });
    }
}
