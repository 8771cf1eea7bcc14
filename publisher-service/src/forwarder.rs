use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::StampedPublisher;
use pubsub_api::{
    Batch, CounterReading, Edit, EncodedEvent, Notice, Result, Source, Status, Subscriber, Tally,
};
use tokio::sync::{Mutex, watch};
use tokio::time::{timeout, timeout_at};

use crate::{admit, dropped_event};

/// Carries events from the IPC subscriber to the network publisher, a batch at a time, and acknowledges them.
///
/// There is no queue of its own between the two: while the network is overloaded, the batch in hand waits, nothing more
/// is read, the driver's bounded queue fills, and the workers' `send` waits. An event that is refused for good, by
/// [`admit`], is counted by cause and told at a limited rate; the next one follows. A worker is told that its events are
/// accepted once all that came with them are in the ring and given to the network driver, or refused for good.
#[derive(Debug)]
pub struct Forwarder {
    ipc: Arc<dyn Subscriber>,
    network: Arc<StampedPublisher>,
    dropped: Tally,
    restarts: Tally,
    stopping: watch::Sender<bool>,
    in_hand: Mutex<InHand>,
}

/// What was received and is not yet published. It outlives a run that fails.
#[derive(Debug, Default)]
struct InHand {
    batch: Batch,
    /// From whom it came, to be acknowledged when all of it is published.
    sources: Vec<Source>,
}

impl Forwarder {
    /// For two ends that the caller has initialized.
    pub fn new(ipc: Arc<dyn Subscriber>, network: Arc<StampedPublisher>) -> Self {
        Self {
            ipc,
            network,
            dropped: Tally::new("events_dropped"),
            restarts: Tally::new("forwarder_restarts"),
            stopping: watch::Sender::new(false),
            in_hand: Mutex::default(),
        }
    }

    /// Forwards until [`stop`](Self::stop), or until the IPC subscriber is closed. It begins with what an earlier run left
    /// in hand.
    ///
    /// # Cancel safety
    /// If the future is dropped, what is in hand waits for the next run or [`drain`](Self::drain).
    pub async fn run(&self) {
        let in_hand = &mut *self.in_hand.lock().await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        loop {
            tokio::select! {
                // What the network takes at once is forwarded, also when the forwarder is to stop.
                biased;
                published = self.publish(in_hand) => if published.is_err() { return },
                _ = &mut stopped => return,
            }
            let received = tokio::select! {
                _ = &mut stopped => return,
                received = self.ipc.recv_batch(&mut in_hand.batch) => received,
            };
            let Ok(notice) = received else { return };
            tell(notice);
            self.admit_all(in_hand);
        }
    }

    /// Runs, and starts over when it fails: a defect of a driver does not end the service (docs/guarantees.md#f16,
    /// docs/dragonflow.md#d5).
    pub async fn supervise(self: Arc<Self>) {
        loop {
            let run = tokio::spawn({
                let forwarder = Arc::clone(&self);
                async move { forwarder.run().await }
            });
            let Err(failure) = run.await else { return };
            if let Some(times) = self.restarts.count("internal", Instant::now()) {
                tracing::error!(times, "forwarding failed, and goes on: {failure}");
            }
        }
    }

    /// Lets [`run`](Self::run) end after the batch in hand; what an overloaded network does not take of it is left to
    /// [`drain`](Self::drain).
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Forwards what is in hand and what still arrives, until nothing came for `idle` or `grace` is over; whether it became
    /// idle.
    pub async fn drain(&self, idle: Duration, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        let in_hand = &mut *self.in_hand.lock().await;
        loop {
            match timeout_at(deadline.into(), self.publish(in_hand)).await {
                Ok(Ok(())) if Instant::now() < deadline => {}
                _ => return false,
            }
            match timeout(idle, self.ipc.recv_batch(&mut in_hand.batch)).await {
                Ok(Ok(notice)) => tell(notice),
                Err(_) if !in_hand.batch.is_empty() => {}
                Ok(Err(_)) | Err(_) => return true,
            }
            self.admit_all(in_hand);
        }
    }

    /// Counters of what was published and dropped.
    #[must_use]
    pub fn status(&self) -> Status {
        let published = "events_published".to_owned();
        let mut counters = vec![CounterReading { name: published, cause: None, value: self.published() }];
        counters.extend(self.dropped.read());
        counters.extend(self.restarts.read());
        Status { counters, ..Status::default() }
    }

    /// How many events were published.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.network.published()
    }

    /// How many events were refused, for whatever cause.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.total()
    }

    /// Notes from whom a batch came, and takes out what is not to be published.
    fn admit_all(&self, in_hand: &mut InHand) {
        in_hand.sources.extend_from_slice(in_hand.batch.sources());
        in_hand.batch.edit(|event| self.admit(event));
    }

    fn admit(&self, event: EncodedEvent<'_>) -> Edit {
        match catch_unwind(AssertUnwindSafe(|| admit(event))) {
            Ok(Ok(edit)) => edit,
            Ok(Err(refused)) => self.drop_for(refused.cause(), &refused, event),
            Err(_) => self.drop_for("internal", &"checking it failed", event),
        }
    }

    fn drop_for(&self, cause: &'static str, reason: &dyn fmt::Display, event: EncodedEvent<'_>) -> Edit {
        if let Some(times) = self.dropped.count(cause, Instant::now()) {
            tracing::warn!(cause, times, "dropped {}: {reason}", dropped_event::describe(event));
        }
        Edit::Drop
    }

    /// Publishes what is in hand, and tells the workers.
    async fn publish(&self, in_hand: &mut InHand) -> Result<()> {
        self.network.publish(&mut in_hand.batch).await?;
        let acknowledger = self.ipc.acknowledger();
        for source in in_hand.sources.drain(..) {
            if let Some(acknowledger) = acknowledger {
                acknowledger.acknowledge(source.peer, source.last());
            }
        }
        Ok(())
    }
}

fn tell(notice: Option<Notice>) {
    if let Some(notice) = notice {
        tracing::info!(?notice, "from the workers' side");
    }
}
