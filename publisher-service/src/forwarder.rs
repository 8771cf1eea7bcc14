use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{Counter, Envelope, ErrorKind, Incoming, Publisher, Status, Subscriber, Tally};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admit;

/// Carries events from the IPC subscriber to the network publisher, one after the other.
///
/// There is no queue of its own between the two: while the network is overloaded, the event in hand waits, nothing more
/// is read, the driver's bounded queue fills, and the workers' `send` waits. An event that is refused for good, by
/// [`admit`] or by the network driver, is counted by cause and told at a limited rate; the next one follows.
#[derive(Debug)]
pub struct Forwarder {
    ipc: Arc<dyn Subscriber>,
    network: Arc<dyn Publisher>,
    published: Counter,
    dropped: Tally,
    stopping: watch::Sender<bool>,
}

impl Forwarder {
    /// For two drivers' ends, both initialized by the caller.
    pub fn new(ipc: Arc<dyn Subscriber>, network: Arc<dyn Publisher>) -> Self {
        Self {
            ipc,
            network,
            published: Counter::new("events_published"),
            dropped: Tally::new("events_dropped"),
            stopping: watch::Sender::new(false),
        }
    }

    /// Forwards until [`stop`](Self::stop), or until the IPC subscriber is closed.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event in hand is lost: stop it instead.
    pub async fn run(&self) {
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                next = self.ipc.recv() => match next {
                    Ok(incoming) => self.take(incoming).await,
                    Err(_) => return,
                },
            }
        }
    }

    /// Runs, and starts over when the publish path fails: a defect costs one event, never the service (reliability.md
    /// P16; Dragonflow's loop ended in its own error handler, defect D5).
    pub async fn supervise(self: Arc<Self>) {
        loop {
            let run = tokio::spawn({
                let forwarder = Arc::clone(&self);
                async move { forwarder.run().await }
            });
            match run.await {
                Ok(()) => return,
                Err(error) => self.drop_for("internal", &error),
            }
        }
    }

    /// Lets [`run`](Self::run) end after the event in hand.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Forwards what still arrives, until nothing came for `idle` or `grace` is over; whether it became idle.
    pub async fn drain(&self, idle: Duration, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            match timeout(idle, self.ipc.recv()).await {
                Ok(Ok(incoming)) => self.take(incoming).await,
                Ok(Err(_)) | Err(_) => return true,
            }
        }
        false
    }

    /// Counters of what was published and dropped.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut counters = vec![self.published.read()];
        counters.extend(self.dropped.read());
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

    async fn take(&self, incoming: Incoming) {
        match incoming {
            Incoming::Message(envelope) => self.forward(envelope).await,
            Incoming::Notice(notice) => tracing::info!(?notice, "from the workers' side"),
        }
    }

    async fn forward(&self, envelope: Envelope) {
        let Envelope { topic, payload } = match admit(envelope) {
            Ok(admitted) => admitted,
            Err(refused) => return self.drop_for(refused.cause(), &refused),
        };
        loop {
            match self.network.send(&topic, payload.clone()).await {
                Ok(()) => return self.published.add(1),
                Err(error) if error.kind() == ErrorKind::Overloaded && !*self.stopping.borrow() => {
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return self.drop_for(cause(error.kind()), &error),
            }
        }
    }

    fn drop_for(&self, cause: &'static str, reason: &dyn std::fmt::Display) {
        if let Some(times) = self.dropped.count(cause, Instant::now()) {
            tracing::warn!(cause, times, "dropped an event: {reason}");
        }
    }
}

/// How long the event in hand waits before an overloaded network is tried again.
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
