use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pubsub_api::{Batch, Error, ErrorKind, Incarnation, Publisher, Result};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::draft::Refused;
use super::open_ring::{self, Opened, RingOptions, RingStart};
use super::options::PublisherOptions;
use super::outgoing::Outgoing;
use super::publisher_key;
use super::readings::Readings;
use super::ring::RingBound;
use super::sequencer::{Now, Sequencer};
use super::snapshots::{self, Snapshots};
use crate::RowSource;

/// What a running publisher and its tasks share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) driver: Arc<dyn Publisher>,
    pub(super) incarnation: Incarnation,
    pub(super) readings: Readings,
    pub(super) ring_start: RingStart,
    pub(super) snapshots: Snapshots,
    /// What full syncs are answered from.
    pub(super) rows: Option<Arc<dyn RowSource>>,
    /// Tells the announcer that a mark is due earlier than before.
    pub(super) marks_sooner: Notify,
    sequencer: Mutex<Sequencer>,
    /// Whoever has it puts into the driver's stream; so order holds from the number to the stream.
    pub(super) outgoing: tokio::sync::Mutex<Outgoing>,
    started: Instant,
    closed: AtomicBool,
}

impl Core {
    /// Opens the ring and begins an epoch. It reads files, up to `ring_bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if another process has the ring.
    pub(super) fn open(
        driver: Arc<dyn Publisher>,
        publisher_id: &str,
        options: &PublisherOptions,
        rows: Option<Arc<dyn RowSource>>,
    ) -> Result<Self> {
        let publisher = publisher_key(publisher_id);
        let ring_options = RingOptions {
            state_dir: options.state_dir.as_deref(),
            publisher,
            bound: RingBound { ring_bytes: options.ring_bytes },
            max_topics: options.max_topics,
        };
        let Opened { ring, ledger, start } = open_ring::open(ring_options, wall_us())?;
        let incarnation = Incarnation { publisher, epoch: ledger.epoch() };
        Ok(Self {
            driver,
            incarnation,
            readings: Readings::default(),
            ring_start: start,
            snapshots: Snapshots::new(options.snapshot_bytes),
            rows,
            marks_sooner: Notify::new(),
            sequencer: Mutex::new(Sequencer::new(ledger, ring, Duration::ZERO)),
            outgoing: tokio::sync::Mutex::default(),
            started: Instant::now(),
            closed: AtomicBool::new(false),
        })
    }

    /// It is locked for as long as a record takes to write, and never while something is waited for.
    pub(super) fn sequencer(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Now {
        Now { wall_us: wall_us(), since_start: self.started.elapsed() }
    }

    /// When a time since the start will be.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        self.started + since_start
    }

    /// Numbers all events of a batch, keeps them, and gives them to the driver; what could not be numbered is left out, and
    /// returned.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after `close`. Events that are still in the batch then have no number.
    ///
    /// # Cancel safety
    /// If the future is dropped, what left the batch is numbered, and goes out before what is published next.
    pub(super) async fn publish(&self, batch: &mut Batch) -> Result<Vec<Refused>> {
        let outgoing = &mut *self.outgoing.lock().await;
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "the publisher is closed"));
        }
        outgoing.send(self).await?;
        let mut refused = Vec::new();
        while !batch.is_empty() {
            snapshots::hold_back(self).await;
            let numbered = self.sequencer().number(batch, self.now(), &mut outgoing.pending);
            self.readings.numbered.add(numbered.events);
            self.readings.repeats.add(numbered.repeats);
            self.readings.in_doubt.add(numbered.doubts);
            if numbered.is_mark_sooner {
                self.marks_sooner.notify_one();
            }
            refused.extend(numbered.refused);
            outgoing.send(self).await?;
        }
        Ok(refused)
    }

    /// Counts what could not be published, and tells it at a limited rate.
    pub(super) fn tell_refused(&self, refused: &[Refused]) {
        for Refused { cause, topic, reason } in refused {
            if let Some(times) = self.readings.refused.count(cause, std::time::Instant::now()) {
                tracing::warn!(cause, topic, times, "refused an event on topic {topic:?}: {reason}");
            }
        }
    }

    /// Puts the end of the ring onto the medium, and gives its folder back.
    pub(super) async fn seal(&self) {
        let Some(last) = self.sequencer().ring.release() else { return };
        let synced = tokio::task::spawn_blocking(move || last.sync()).await;
        if let Ok(Err(error)) = synced {
            tracing::warn!("the ring is written, but not yet on the medium: {error}");
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Publishes nothing more; whether it was open until now.
    pub(super) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }
}

/// The wall clock.
pub(super) fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
