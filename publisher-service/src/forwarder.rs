mod accepted;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accepted::Accepted;
use pubsub_api::{
    Batch, Counter, Edit, EncodedEvent, ErrorKind, Notice, Publisher, Result, Status, Subscriber, Tally,
};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use crate::admit;

/// Carries events from the IPC subscriber to the network publisher, a batch at a time.
///
/// There is no queue of its own between the two: while the network is overloaded, the batch in hand waits, nothing more
/// is read, the driver's bounded queue fills, and the workers' `send` waits. An event that is refused for good, by
/// [`admit`] or by the network driver, is counted by cause and told at a limited rate; the next one follows.
#[derive(Debug)]
pub struct Forwarder {
    ipc: Arc<dyn Subscriber>,
    network: Arc<dyn Publisher>,
    published: Counter,
    dropped: Tally,
    restarts: Tally,
    stopping: watch::Sender<bool>,
    in_hand: Mutex<InHand>,
}

/// What was received and is not yet published. It outlives a run that fails.
#[derive(Debug, Default)]
struct InHand {
    batch: Batch,
    /// Whether one more event was taken out of the batch, and is under way alone: a failure costs that one.
    one_at_risk: bool,
}

impl Forwarder {
    /// For two drivers' ends, both initialized by the caller.
    pub fn new(ipc: Arc<dyn Subscriber>, network: Arc<dyn Publisher>) -> Self {
        Self {
            ipc,
            network,
            published: Counter::new("events_published"),
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
    /// If the future is dropped, what is in hand waits for the next run or [`drain`](Self::drain); one event may then be
    /// published twice, or lost. Stop it instead.
    pub async fn run(&self) {
        let in_hand = &mut *self.in_hand.lock().await;
        self.forward_singly(in_hand, None).await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        loop {
            let received = tokio::select! {
                _ = &mut stopped => return,
                received = self.ipc.recv_batch(&mut in_hand.batch) => received,
            };
            let Ok(notice) = received else { return };
            tell(notice);
            if self.forward(&mut in_hand.batch).await.is_err() {
                return;
            }
        }
    }

    /// Runs, and starts over when the publish path fails: a defect costs one event, never the service (reliability.md
    /// P16; Dragonflow's loop ended in its own error handler, defect D5).
    ///
    /// What the failed run had in hand is tried again one by one, so that the event that it fails for is lost alone. A
    /// driver that had put an event out and failed before it said so puts it out twice.
    pub async fn supervise(self: Arc<Self>) {
        loop {
            let run = tokio::spawn({
                let forwarder = Arc::clone(&self);
                async move { forwarder.run().await }
            });
            let Err(failure) = run.await else { return };
            let mut in_hand = self.in_hand.lock().await;
            if std::mem::take(&mut in_hand.one_at_risk) {
                self.drop_for("internal", &failure);
            } else if let Some(times) = self.restarts.count("internal", Instant::now()) {
                let events = in_hand.batch.len();
                tracing::error!(
                    times,
                    events,
                    "forwarding failed, what is in hand is tried again: {failure}"
                );
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
            // Together, as long as the network takes it; what it refuses is then tried one by one.
            if self.forward(&mut in_hand.batch).await.is_err() {
                self.forward_singly(in_hand, Some(deadline)).await;
            }
            if Instant::now() >= deadline {
                return false;
            }
            match timeout(idle, self.ipc.recv_batch(&mut in_hand.batch)).await {
                Ok(Ok(notice)) => tell(notice),
                Err(_) if !in_hand.batch.is_empty() => {}
                Ok(Err(_)) | Err(_) => return true,
            }
        }
    }

    /// Counters of what was published and dropped.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut counters = vec![self.published.read()];
        counters.extend(self.dropped.read());
        counters.extend(self.restarts.read());
        Status { counters, ..Status::default() }
    }

    /// How many events were published.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.get()
    }

    /// How many events were refused, for whatever cause.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.total()
    }

    /// Forwards a batch, which is left empty.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] if the network is, and the forwarder is to stop; then the rest is left in the batch.
    async fn forward(&self, batch: &mut Batch) -> Result<()> {
        batch.edit(|event| self.admit(event));
        while let Err(error) = self.publish(batch).await {
            if error.kind() != ErrorKind::Overloaded {
                self.drop_for(cause(error.kind()), &error);
                batch.advance(1);
            } else if self.is_stopping() {
                return Err(error);
            } else {
                tokio::time::sleep(RETRY).await;
            }
        }
        Ok(())
    }

    /// Forwards what is in hand one after the other, each taken out before anything is done with it: until `deadline`, or
    /// without one until the forwarder is to stop.
    async fn forward_singly(&self, in_hand: &mut InHand, deadline: Option<Instant>) {
        let is_over = || deadline.map_or(self.is_stopping(), |deadline| Instant::now() >= deadline);
        let mut single = Batch::new();
        while !is_over() && in_hand.move_first_to(&mut single) {
            if let Err(error) = self.forward(&mut single).await {
                self.drop_for(cause(error.kind()), &error);
                single.clear();
            }
            in_hand.one_at_risk = false;
        }
    }

    fn admit(&self, event: EncodedEvent<'_>) -> Edit {
        admit(event).unwrap_or_else(|refused| {
            self.drop_for(refused.cause(), &refused);
            Edit::Drop
        })
    }

    async fn publish(&self, batch: &mut Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let accepted = Accepted::of(batch, &self.published);
        self.network.send_batch(accepted.batch).await
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    fn drop_for(&self, cause: &'static str, reason: &dyn std::fmt::Display) {
        if let Some(times) = self.dropped.count(cause, Instant::now()) {
            tracing::warn!(cause, times, "dropped an event: {reason}");
        }
    }
}

impl InHand {
    /// Whether there was one to move.
    fn move_first_to(&mut self, single: &mut Batch) -> bool {
        self.one_at_risk = self.batch.move_first_to(single);
        self.one_at_risk
    }
}

fn tell(notice: Option<Notice>) {
    if let Some(notice) = notice {
        tracing::info!(?notice, "from the workers' side");
    }
}

/// How long the batch in hand waits before an overloaded network is tried again.
const RETRY: Duration = Duration::from_millis(10);

fn cause(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::Closed => "closed",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Unavailable => "unavailable",
        _ => "internal",
    }
}
