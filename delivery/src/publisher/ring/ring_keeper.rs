use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::folder::NoFolder;
use super::open_ring::RingStart;
use super::ring_return::RingReturn;
use crate::publisher::core::Core;

/// The place of a ring on disk.
#[derive(Debug, Clone)]
pub(crate) struct RingHome {
    pub(crate) state_dir: PathBuf,
    pub(crate) publisher: u64,
}

/// The interval of the checks of the folder. While the folder cannot be used, it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// The most bytes that are copied while publishing is blocked: some milliseconds.
const LAST_BYTES: u64 = 1024 * 1024;

/// The most rounds of copying before that: after them, events are published faster than the folder accepts them.
const ROUNDS: usize = 16;

/// Keeps the ring in its folder: detects that the folder is gone, and returns the ring to it when it can be used again.
pub(crate) async fn keep(core: Arc<Core>, home: RingHome) {
    let mut pause = SHORTEST;
    // The start has logged it.
    let mut is_logged = core.ring_start == RingStart::InMemory;
    loop {
        sleep(pause).await;
        let (of_look, home) = (Arc::clone(&core), home.clone());
        let looked = spawn_blocking(move || look(&of_look, &home)).await;
        pause = match looked {
            Ok(Ok(())) => {
                is_logged = false;
                SHORTEST
            }
            Ok(Err(reason)) => {
                core.metrics.ring_returns_failed.add(1);
                if !std::mem::replace(&mut is_logged, true) {
                    tracing::warn!(
                        id = "SK0213",
                        "the ring stays in memory: {reason}; the folder is tried again"
                    );
                }
                (pause * 2).min(LONGEST)
            }
            Err(error) => {
                tracing::error!(
                    id = "SK0218",
                    "the check of the ring's folder panicked: {error}; it is repeated"
                );
                LONGEST
            }
        };
    }
}

/// Why the ring stays in memory.
enum Stays {
    NoFolder(NoFolder),
    CannotWrite(io::Error),
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder(NoFolder::InUse { path, holder }) => {
                write!(f, "{} is in use by another process, pid {holder}", path.display())
            }
            Self::NoFolder(NoFolder::Failed(error)) | Self::CannotWrite(error) => write!(f, "{error}"),
        }
    }
}

fn look(core: &Core, home: &RingHome) -> Result<(), Stays> {
    let folder = core.sequencer().ring.folder().cloned();
    if let Some(folder) = folder {
        if folder.is_in_place() {
            return Ok(());
        }
        core.sequencer().ring.leave(&folder);
    }
    bring_back(core, &home.state_dir, home.publisher)
}

fn bring_back(core: &Core, state_dir: &Path, publisher: u64) -> Result<(), Stays> {
    let mut way = RingReturn::begin(state_dir, publisher).map_err(Stays::NoFolder)?;
    for _ in 0..ROUNDS {
        let held = core.sequencer().ring.held();
        if way.follow(&held).map_err(Stays::CannotWrite)? <= LAST_BYTES {
            break;
        }
    }
    let mut sequencer = core.sequencer();
    if core.is_closed() {
        return Ok(());
    }
    let away = way.finish(&mut sequencer.ring).map_err(Stays::CannotWrite)?;
    drop(sequencer);
    core.metrics.ring_returns.add(1);
    tracing::info!(
        id = "SK0219",
        "the ring is in its folder in {} again, complete, after {} s in memory",
        state_dir.display(),
        away.as_secs()
    );
    Ok(())
}
