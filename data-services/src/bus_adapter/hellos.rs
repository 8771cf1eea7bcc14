use std::future::pending;
use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::hello;
use pubsub_api::{
    Envelope, ErrorKind, HELLO, Publisher, PublisherEpoch, Result, SubscribersSeen, SubscriptionSeen,
};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::topics::Topics;
use crate::{Instance, NodeInstance};

/// The task that sends the hello of a node: about every second, and at once to a peer that subscribes. It also reports the
/// peers that subscribe to their inboxes. Dropping it ends it.
///
/// A hello travels with what the node sends to everyone, such as its heartbeat, and alone if that is late: two small
/// writes cost all connections almost twice as much as one.
#[derive(Debug)]
pub(super) struct Hellos {
    payload: Bytes,
    last: Arc<LastHello>,
    task: JoinHandle<()>,
    listeners: Mutex<mpsc::Receiver<Instance>>,
}

/// When the last hello to everyone was sent.
#[derive(Debug, Default)]
struct LastHello(std::sync::Mutex<Option<Instant>>);

/// A hello accompanies a packet if the last one was sent before this time. Heartbeats come after 0.9 to 1.1 s.
const ACCOMPANIES_AFTER: Duration = Duration::from_millis(800);
/// A hello goes alone if the last one was sent before this time, well within the two
/// [intervals](hello::HELLO_INTERVAL) that peers wait at least.
const ALONE_AFTER: Duration = Duration::from_millis(1200);

impl LastHello {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when a hello is due that is sent this time after the last one.
    fn due(&self, after: Duration) -> Instant {
        self.lock().map_or_else(Instant::now, |last| last + after)
    }

    /// Returns whether a hello is due, and notes that it is sent now.
    fn take(&self, after: Duration) -> bool {
        let now = Instant::now();
        let mut last = self.lock();
        let is_due = last.is_none_or(|last| now >= last + after);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

/// The number of listeners that may wait to be read. One that does not fit is not reported.
const LISTENERS: usize = 1024;

impl Hellos {
    /// Starts to send hellos.
    ///
    /// # Errors
    /// None: a hello is a small event.
    pub(super) fn start(publisher: &Arc<dyn Publisher>, me: &NodeInstance, topics: &Topics) -> Result<Self> {
        let epoch = PublisherEpoch { publisher: me.instance.number(), epoch: me.boot };
        let hello = Envelope::pack(&hello::event(me.node.as_str(), Some(epoch)))?;
        let (payload, last) = (hello.payload, Arc::<LastHello>::default());
        let (found, listeners) = mpsc::channel(LISTENERS);
        let sender = Sender {
            publisher: Arc::clone(publisher),
            payload: payload.clone(),
            last: Arc::clone(&last),
            topics: topics.clone(),
            listeners: found,
        };
        Ok(Self { payload, last, task: tokio::spawn(sender.run()), listeners: Mutex::new(listeners) })
    }

    /// Returns the hello that accompanies a packet to everyone, if it is time for one.
    pub(super) fn companion(&self) -> Option<Envelope> {
        let is_due = self.last.take(ACCOMPANIES_AFTER);
        is_due.then(|| Envelope { topic: HELLO, payload: self.payload.clone() })
    }

    /// Returns the next instance that has subscribed to its inbox at this node; waits for it, for ever after the end. One
    /// task reads.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same instance.
    pub(super) async fn next_listener(&self) -> Instance {
        match self.listeners.lock().await.recv().await {
            Some(listener) => listener,
            None => pending().await,
        }
    }

    /// Sends no more.
    pub(super) fn end(&self) {
        self.task.abort();
    }
}

impl Drop for Hellos {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the task needs.
struct Sender {
    publisher: Arc<dyn Publisher>,
    payload: Bytes,
    last: Arc<LastHello>,
    topics: Topics,
    listeners: mpsc::Sender<Instance>,
}

impl Sender {
    /// Sends until the publisher is closed.
    async fn run(self) {
        let seen = self.publisher.subscribers_seen();
        loop {
            let due = self.last.due(ALONE_AFTER);
            let ended = tokio::select! {
                () = sleep_until(due) => self.send_alone().await,
                report = next(seen) => self.on_report(report, seen).await,
            };
            if ended.is_break() {
                return;
            }
        }
    }

    async fn on_report(
        &self,
        report: Result<SubscriptionSeen>,
        seen: Option<&dyn SubscribersSeen>,
    ) -> ControlFlow<()> {
        let Ok(report) = report else { return ControlFlow::Break(()) };
        match &report {
            SubscriptionSeen::Missed { .. } => return self.send().await,
            SubscriptionSeen::Subscribed { prefix, .. } => {
                if let Some(listener) = self.topics.owner_of_inbox(prefix) {
                    // The membership notices it by its heartbeats, too.
                    let _ = self.listeners.try_send(listener);
                }
            }
            SubscriptionSeen::Cancelled { .. } => {}
        }
        if let (Some(peer), Some(seen)) = (report.newcomer_to(&HELLO), seen) {
            seen.send_to(peer, &HELLO, &self.payload);
        }
        ControlFlow::Continue(())
    }

    /// Sends a hello, unless one went with a packet meanwhile.
    async fn send_alone(&self) -> ControlFlow<()> {
        if self.last.take(ALONE_AFTER) { self.send().await } else { ControlFlow::Continue(()) }
    }

    async fn send(&self) -> ControlFlow<()> {
        match self.publisher.send(&HELLO, self.payload.clone()).await {
            Err(error) if error.kind() == ErrorKind::Closed => return ControlFlow::Break(()),
            Err(error) => tracing::warn!(id = "SK1010", "cannot send the hello of this node: {error}"),
            Ok(()) => {}
        }
        ControlFlow::Continue(())
    }
}

async fn next(seen: Option<&dyn SubscribersSeen>) -> Result<SubscriptionSeen> {
    match seen {
        Some(seen) => seen.next().await,
        None => pending().await,
    }
}
