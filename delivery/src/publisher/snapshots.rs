use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::Tally;
use tokio::time::sleep;

use super::core::Core;
use super::follower::{Cursor, Follower};
use super::snapshot_cache::{Snapshot, Unfit};

/// The snapshots of a publisher's topics, made beside the hot path: whoever publishes never waits for them.
///
/// Lock order: the follower's lock, then the sequencer's.
#[derive(Debug)]
pub(super) struct Snapshots {
    follower: Mutex<Follower>,
    unfit: Tally,
}

/// So much is read of the ring before others have their turn.
const STRETCH_BYTES: u32 = 256 * 1024;

/// Behind what it took to read a stretch, the follower rests four times as long: a fifth of a processor. That follows some
/// 400,000 events/s; a snapshot that is asked for reads the rest at once.
const REST: u32 = 4;

/// How often it looks whether anything was published.
const LOOK: Duration = Duration::from_millis(100);

/// How often it looks for what was deleted long ago.
const SWEEP: Duration = Duration::from_secs(60);

impl Snapshots {
    pub(super) fn new(snapshot_bytes: u64) -> Self {
        Self {
            follower: Mutex::new(Follower::new(snapshot_bytes)),
            unfit: Tally::new("topics_without_snapshot"),
        }
    }

    pub(super) fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which topics lost their snapshots, by cause.
    pub(super) fn unfit(&self) -> &Tally {
        &self.unfit
    }

    /// Reads the next stretch of the ring; whether there was one.
    fn step(&self, core: &Core) -> bool {
        let mut follower = self.follower();
        let Some(stretch) = follower.next(&core.sequencer().ring) else { return false };
        match follower.read(&stretch, STRETCH_BYTES, core.now().since_start) {
            Ok(unfit) => self.tell(&unfit),
            Err(error) => tracing::warn!("cannot read the ring for snapshots: {error}"),
        }
        true
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
        while !self.follower().has_reached(end) && self.step(core) {}
        self.follower().cache.snapshot(topic)
    }
}

/// A topic's snapshot as it is now, if there is one. It reads what the follower has not yet read.
pub(super) async fn snapshot(core: &Arc<Core>, topic: Bytes) -> Option<Snapshot> {
    let core = Arc::clone(core);
    let read = tokio::task::spawn_blocking(move || core.snapshots.catch_up(&core, &topic));
    read.await.ok().flatten()
}

/// Follows the ring for ever.
pub(super) async fn follow(core: Arc<Core>) {
    let mut swept = Instant::now();
    loop {
        let step = {
            let core = Arc::clone(&core);
            tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                core.snapshots.step(&core).then(|| began.elapsed())
            })
        };
        match step.await {
            Ok(Some(took)) => sleep(took * REST).await,
            Ok(None) | Err(_) => sleep(LOOK).await,
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            core.snapshots.sweep(&core);
        }
    }
}
