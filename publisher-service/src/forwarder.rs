use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use delivery::StampedPublisher;
use pubsub_api::wire::WireError;
use pubsub_api::{
    Batch, CauseCounter, CounterReading, Edit, EncodedEvent, Notice, RefusalJournal, Result, Source, Status,
    Subscriber,
};
use tokio::sync::{Mutex, watch};
use tokio::time::{timeout, timeout_at};

use crate::admission::admit_plain;
use crate::{admit, dropped_event};

/// Carries events from the IPC subscriber to the network publisher, a batch at a time, and acknowledges them.
///
/// It has no queue of its own: while the network driver is overloaded, the current batch waits, nothing more is read, the
/// driver's bounded queue fills, and the workers' `send` waits. An event that [`admit`] refuses is dropped, counted by
/// cause, logged at a limited rate, and reported to its worker. The events of a batch are acknowledged to their worker once the whole batch is in
/// the ring and handed to the network driver, or refused.
#[derive(Debug)]
pub struct Forwarder {
    ipc: Arc<dyn Subscriber>,
    network: Arc<StampedPublisher>,
    dropped: RefusalJournal,
    restarts: CauseCounter,
    stopping: watch::Sender<bool>,
    current: Mutex<CurrentBatch>,
    /// Since when the current batch is being published.
    publishing_since: std::sync::Mutex<Option<Instant>>,
}

/// The received events that are not yet published. It survives a panic of [`Forwarder::run`].
#[derive(Debug, Default)]
struct CurrentBatch {
    batch: Batch,
    /// The peers that sent the events; they are acknowledged when the whole batch is published.
    sources: Vec<Source>,
}

impl Forwarder {
    /// Connects a subscriber and a publisher that the caller has initialized.
    pub fn new(ipc: Arc<dyn Subscriber>, network: Arc<StampedPublisher>) -> Self {
        Self {
            ipc,
            network,
            dropped: RefusalJournal::new("events_dropped"),
            restarts: CauseCounter::new("forwarder_restarts"),
            stopping: watch::Sender::new(false),
            current: Mutex::default(),
            publishing_since: std::sync::Mutex::default(),
        }
    }

    /// Forwards until [`stop`](Self::stop) is called or the IPC subscriber is closed. It first publishes the batch that an
    /// earlier run left.
    ///
    /// # Cancel safety
    /// If the future is dropped, the current batch stays for the next run or [`drain`](Self::drain).
    pub async fn run(&self) {
        let current = &mut *self.current.lock().await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        loop {
            tokio::select! {
                // A batch that the network accepts at once is published even after `stop`.
                biased;
                published = self.publish(current) => if published.is_err() { return },
                _ = &mut stopped => return,
            }
            let received = tokio::select! {
                _ = &mut stopped => return,
                received = self.ipc.recv_batch(&mut current.batch) => received,
            };
            let Ok(notice) = received else { return };
            log_notice(notice);
            self.admit_all(current);
        }
    }

    /// Calls [`run`](Self::run) again after each panic: a bug in a driver does not end the service (docs/guarantees.md#f16,
    /// docs/dragonflow.md#d5).
    pub async fn supervise(self: Arc<Self>) {
        loop {
            let run = tokio::spawn({
                let forwarder = Arc::clone(&self);
                async move { forwarder.run().await }
            });
            let Err(failure) = run.await else { return };
            if let Some(times) = self.restarts.count("internal", Instant::now()) {
                tracing::error!(id = "SK0711", times, "the forwarder panicked and was restarted: {failure}");
            }
        }
    }

    /// Ends [`run`](Self::run) after the current batch. If the network is overloaded, the rest of the batch is left to
    /// [`drain`](Self::drain).
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Forwards the current batch and everything that still arrives, until no event arrives for `idle` or `grace` is over.
    /// Returns whether it became idle.
    pub async fn drain(&self, idle: Duration, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        let current = &mut *self.current.lock().await;
        loop {
            match timeout_at(deadline.into(), self.publish(current)).await {
                Ok(Ok(())) if Instant::now() < deadline => {}
                _ => return false,
            }
            match timeout(idle, self.ipc.recv_batch(&mut current.batch)).await {
                Ok(Ok(notice)) => log_notice(notice),
                Err(_) if !current.batch.is_empty() => {}
                Ok(Err(_)) | Err(_) => return true,
            }
            self.admit_all(current);
        }
    }

    /// How long the current batch has been published; `None` between two batches. The network driver never waits for a subscriber, so
    /// that a long time means that it hangs, accepts nothing, or the disk of the ring hangs.
    #[must_use]
    pub fn publishing_for(&self) -> Option<Duration> {
        self.publishing_since.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed())
    }

    fn note_publishing(&self, since: Option<Instant>) {
        *self.publishing_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Counters of published and dropped events, and of restarts.
    #[must_use]
    pub fn status(&self) -> Status {
        let published = "events_published".to_owned();
        let mut counters = vec![CounterReading { name: published, cause: None, value: self.published() }];
        counters.extend(self.dropped.counters());
        counters.extend(self.restarts.read());
        Status { counters, refusals: self.dropped.read(), ..Status::default() }
    }

    /// The number of published events.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.network.published()
    }

    /// The number of refused events, over all causes.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.total()
    }

    /// Notes the senders of a batch and removes the events that are refused.
    fn admit_all(&self, current: &mut CurrentBatch) {
        current.sources.extend_from_slice(current.batch.sources());
        let sources = &current.sources;
        current.batch.edit(|event| self.admit(event, sources));
    }

    fn admit(&self, event: EncodedEvent<'_>, sources: &[Source]) -> Edit {
        // Nearly every event is plain. That check has no place for a panic, and without one it is a part of the loop over the batch.
        if let Some(edit) = admit_plain(event) {
            return edit;
        }
        match catch_unwind(AssertUnwindSafe(|| admit(event))) {
            Ok(Ok(edit)) => edit,
            Ok(Err(refused)) => {
                self.report_to_worker(refused, event, sources);
                if is_forbidden(refused) {
                    self.refuse(refused, event)
                } else {
                    self.drop_for(refused.cause(), &refused, event)
                }
            }
            Err(_) => self.drop_for("internal", &"the check of the event panicked", event),
        }
    }

    /// The worker's `flush` fails, if its driver can report that.
    fn report_to_worker(&self, refused: WireError, event: EncodedEvent<'_>, sources: &[Source]) {
        let source =
            event.origin.and_then(|origin| sources.iter().find(|source| source.worker == origin.worker));
        if let (Some(source), Some(acknowledger)) = (source, self.ipc.acknowledger()) {
            acknowledger.refuse(source.peer, 1, &refused.to_string());
        }
    }

    fn drop_for(&self, cause: &'static str, reason: &dyn fmt::Display, event: EncodedEvent<'_>) -> Edit {
        if let Some(times) = self.dropped.count(cause, Instant::now()) {
            tracing::warn!(
                id = "SK0203",
                cause,
                times,
                "dropped {}: {reason}",
                dropped_event::describe(event)
            );
        }
        Edit::Drop
    }

    /// Drops an event that no worker may publish, and remembers the worker.
    fn refuse(&self, refused: WireError, event: EncodedEvent<'_>) -> Edit {
        let worker = match event.origin {
            Some(origin) => format!("worker {:016x}", origin.worker),
            None => "a worker without numbers".to_owned(),
        };
        let (cause, what) = (refused.cause(), format!("{}: {refused}", dropped_event::describe(event)));
        if let Some(times) = self.dropped.refuse(cause, &worker, &what, Instant::now()) {
            tracing::warn!(id = "SK0204", cause, times, "refused {what}");
        }
        Edit::Drop
    }

    /// Publishes the current batch and acknowledges it to the workers.
    async fn publish(&self, current: &mut CurrentBatch) -> Result<()> {
        self.note_publishing(Some(Instant::now()));
        let published = self.network.publish(&mut current.batch).await;
        self.note_publishing(None);
        published?;
        let acknowledger = self.ipc.acknowledger();
        for source in current.sources.drain(..) {
            if let Some(acknowledger) = acknowledger {
                acknowledger.acknowledge(source.peer, source.last());
            }
        }
        Ok(())
    }
}

/// Whether the worker claims what belongs to the service; any other refused event is only malformed.
fn is_forbidden(refused: WireError) -> bool {
    matches!(refused, WireError::ReservedTopic | WireError::ReservedTable | WireError::Stamped)
}

fn log_notice(notice: Option<Notice>) {
    if let Some(notice) = notice {
        tracing::info!(id = "SK0712", ?notice, "notice from the multiproc driver");
    }
}
