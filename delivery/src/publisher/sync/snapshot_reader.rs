//! The thread that reads the ring for snapshots, as far as `publish` has not read the records itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::{Error, ErrorKind, Result};

use super::ahead::Ahead;
use super::snapshot_cache::Snapshot;
use crate::publisher::core::Core;

/// After reading a stretch, the thread rests as long: it uses at most half of a processor, which suffices for some 1,500,000
/// events/s (0.3 µs for one of 300 bytes that another core wrote), until `publish` reads the records itself again. If a quarter of the
/// ring is unread, it does not rest: an event that the ring removes unread costs its topic the snapshots. If half of it is
/// unread, `publish` waits.
const REST: u32 = 1;

/// The interval at which it looks for events that a cancelled `publish` left without waking it.
const LOOK: Duration = Duration::from_millis(100);

/// The wait after a panic.
const RESTART: Duration = Duration::from_secs(1);

/// The interval at which it removes rows that were deleted long ago.
const SWEEP: Duration = Duration::from_secs(60);

/// A topic's current snapshot, if there is one. It reads the unread part of the ring first.
pub(super) async fn snapshot(core: &Arc<Core>, topic: Bytes) -> Option<Snapshot> {
    let core = Arc::clone(core);
    let read = tokio::task::spawn_blocking(move || core.snapshots.catch_up(&core.shared_sequencer, &topic));
    read.await.ok().flatten()
}

/// Starts the thread that reads the ring, until the publisher is closed or dropped.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if the thread cannot be started.
pub(crate) fn start(core: &Arc<Core>) -> Result<()> {
    core.snapshots.begin();
    let core = Arc::downgrade(core);
    let thread = std::thread::Builder::new().name("snapshots".to_owned());
    let failed = |error| Error::new(ErrorKind::Unavailable, "cannot start a thread").with_source(error);
    thread.spawn(move || follow(&core)).map(drop).map_err(failed)
}

fn follow(core: &Weak<Core>) {
    let mut swept = Instant::now();
    if let Some(core) = core.upgrade() {
        core.snapshots.follow_here();
    }
    while let Some(core) = core.upgrade().filter(|core| !core.is_closed()) {
        let began = Instant::now();
        let step = catch_unwind(AssertUnwindSafe(|| {
            let read = core.snapshots.step(&core.shared_sequencer);
            read.max(core.snapshots.compact(&core.shared_sequencer))
        }));
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            core.snapshots.sweep(&core.shared_sequencer);
        }
        drop(core);
        match step {
            Ok(Ahead::Much) => {}
            Ok(Ahead::Some) => rest(began.elapsed() * REST),
            Ok(Ahead::Nothing) => std::thread::park_timeout(LOOK),
            Err(_) => {
                tracing::error!(
                    id = "SK0305",
                    "the snapshot reader panicked; it skips this part of the ring and continues"
                );
                rest(RESTART);
            }
        }
    }
}

fn rest(time: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "its own thread rests between steps, so that it takes a share of one core only"
    )]
    std::thread::sleep(time);
}
