use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pubsub_api::{Batch, Error, ErrorKind, NamedCounters, Publisher, PublisherEpoch, Result};
use sealing::{EventSealer, Keyring, SealingOptions};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::applied::ReportedAgents;
use super::metrics::Metrics;
use super::options::PublisherOptions;
use super::outgoing::Outgoing;
use super::publisher_key;
use super::ring::RingBound;
use super::ring::open_ring::{self, Opened, RingOptions, RingStart};
use super::ring::record_builder::Refused;
use super::sequencer::{Now, Numbered, Sequencer};
use super::sequencer_gauges::SequencerGauges;
use super::shared_sequencer::SharedSequencer;
use super::sync::snapshots::Snapshots;
use crate::RowSource;
use crate::wall_clock::wall_us;

/// What a running publisher and its tasks share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) driver: Arc<dyn Publisher>,
    pub(super) publisher_epoch: PublisherEpoch,
    pub(super) metrics: Metrics,
    pub(super) gauges: SequencerGauges,
    /// The events that were numbered, by topic.
    pub(super) by_topic: Arc<NamedCounters>,
    pub(super) ring_start: RingStart,
    pub(super) snapshots: Snapshots,
    /// The rows that full syncs are served from.
    pub(super) rows: Option<Arc<dyn RowSource>>,
    /// Notifies the announcer that a mark is due earlier than before.
    pub(super) marks_sooner: Notify,
    /// The keys with which events are sealed.
    pub(super) keyring: Option<Arc<Keyring>>,
    /// What agents report. It is locked before the sequencer.
    agents: Mutex<ReportedAgents>,
    pub(super) shared_sequencer: SharedSequencer,
    /// Only its holder puts anything into the driver's stream, so order holds from the sequence to the stream.
    pub(super) outgoing: tokio::sync::Mutex<Outgoing>,
    closed: AtomicBool,
}

impl Core {
    /// Opens the ring and begins an epoch. It reads files, up to `ring_bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if another process has the ring; [`ErrorKind::Settings`] for a wrong keyring.
    pub(super) fn open(
        driver: Arc<dyn Publisher>,
        publisher_id: &str,
        options: &PublisherOptions,
        rows: Option<Arc<dyn RowSource>>,
        sealing: Option<&SealingOptions>,
    ) -> Result<Self> {
        let sealer = sealing.map(SealingOptions::open).transpose()?;
        let publisher = publisher_key(publisher_id);
        let ring_options = RingOptions {
            state_dir: options.state_dir.as_deref(),
            publisher,
            bound: RingBound { ring_bytes: options.ring_bytes },
            max_topics: options.max_topics,
        };
        let Opened { ring, publisher_state, start } = open_ring::open(ring_options, wall_us())?;
        // Without requests there are no snapshots.
        let snapshot_bytes = if driver.requests().is_some() { options.snapshot_bytes } else { 0 };
        let snapshots = Snapshots::open(&ring, &publisher_state, snapshot_bytes);
        let framing = driver.framing();
        let keyring = sealer.as_ref().map(EventSealer::keyring);
        let publisher_epoch = PublisherEpoch { publisher, epoch: publisher_state.epoch() };
        let by_topic = publisher_state.topics.counters();
        let sequencer = Sequencer::new(publisher_state, ring, Duration::ZERO, framing).with_sealer(sealer);
        let gauges = SequencerGauges::default();
        gauges.note(&sequencer);
        Ok(Self {
            driver,
            publisher_epoch,
            metrics: Metrics::default(),
            ring_start: start,
            snapshots,
            rows,
            marks_sooner: Notify::new(),
            agents: Mutex::default(),
            keyring,
            gauges,
            by_topic,
            shared_sequencer: SharedSequencer::new(sequencer),
            outgoing: tokio::sync::Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// The lock is held while a record is written, and never across a wait.
    pub(super) fn sequencer(&self) -> MutexGuard<'_, Sequencer> {
        self.shared_sequencer.lock()
    }

    /// The lock is held while reports are noted or read.
    pub(super) fn agents(&self) -> MutexGuard<'_, ReportedAgents> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Now {
        self.shared_sequencer.now()
    }

    /// Converts a time since the start.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        self.shared_sequencer.instant(since_start)
    }

    /// Numbers all events of a batch, writes them to the ring, and sends them to the driver. Returns the events that could not
    /// be numbered; they are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after `close`. Events that are still in the batch then have no number.
    ///
    /// # Cancel safety
    /// If the future is dropped, the events that left the batch are numbered, and are sent before the next ones.
    pub(super) async fn publish(&self, batch: &mut Batch) -> Result<Vec<Refused>> {
        let outgoing = &mut *self.outgoing.lock().await;
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "the publisher is closed"));
        }
        self.send_pending(outgoing).await?;
        let mut refused = Vec::new();
        while !batch.is_empty() {
            self.hold_back().await;
            let now = self.now();
            let numbered = self.number(batch, now, outgoing);
            self.metrics.numbered.add(numbered.events);
            self.metrics.repeats.add(numbered.repeats);
            self.metrics.in_doubt.add(numbered.doubts);
            if numbered.is_mark_sooner {
                self.marks_sooner.notify_one();
            }
            refused.extend(numbered.refused);
            self.send_pending(outgoing).await?;
            self.metrics.fanout_latency.add(micros_since(now.wall_us), numbered.events);
            if let Some(record) = numbered.record {
                self.metrics.ring_written.add(record.bytes.len() as u64);
                self.snapshots.follow(record, &self.shared_sequencer);
            }
        }
        Ok(refused)
    }

    fn number(&self, batch: &mut Batch, now: Now, outgoing: &mut Outgoing) -> Numbered {
        let mut sequencer = self.sequencer();
        let numbered = sequencer.number(batch, now, &mut outgoing.pending);
        self.gauges.note(&sequencer);
        numbered
    }

    /// Sends all pending events to the driver, and waits until it has accepted them.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] of the driver; the rest stays pending.
    pub(super) async fn send_pending(&self, outgoing: &mut Outgoing) -> Result<()> {
        outgoing.send(&*self.driver, &self.shared_sequencer, &self.metrics).await
    }

    async fn hold_back(&self) {
        let is_closed = || self.is_closed();
        self.snapshots.hold_back(&self.shared_sequencer, &self.metrics.held_back, is_closed).await;
    }

    /// Counts the refused events, and logs them at a limited rate.
    pub(super) fn report_refused(&self, refused: &[Refused]) {
        for Refused { cause, topic, reason } in refused {
            if let Some(times) = self.metrics.refused.count(cause, std::time::Instant::now()) {
                tracing::warn!(
                    id = "SK0203",
                    cause,
                    topic,
                    times,
                    "refused an event on topic {topic:?}: {reason}"
                );
            }
        }
    }

    /// Syncs the end of the ring to disk, and releases its folder.
    pub(super) async fn seal(&self) {
        self.snapshots.end_compaction().await;
        let Some(last) = self.sequencer().ring.release() else { return };
        let synced = tokio::task::spawn_blocking(move || last.sync()).await;
        if let Ok(Err(error)) = synced {
            tracing::warn!(id = "SK0208", "the ring was written but not synced to disk: {error}");
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the publisher; returns whether it was open.
    pub(super) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }
}

/// The time since a reading of the wall clock, in microseconds; negative if it was set back meanwhile.
fn micros_since(then_us: u64) -> i64 {
    let now = wall_us();
    i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(i64::try_from(then_us).unwrap_or(i64::MAX))
}
