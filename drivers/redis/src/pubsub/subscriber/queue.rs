use pubsub_api::{Incoming, QueueReading};
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};

use crate::pubsub::budget::{Budget, cost};

/// Received items that are not read yet, bounded in events and in bytes.
#[derive(Debug)]
pub(super) struct Queue {
    incoming: Mutex<mpsc::Receiver<Queued>>,
    bytes: Budget,
}

/// The sender of the queue, for a link.
#[derive(Debug, Clone)]
pub(super) struct QueueSender {
    queue: mpsc::Sender<Queued>,
    bytes: Budget,
}

#[derive(Debug)]
struct Queued {
    incoming: Incoming,
    _room: Option<OwnedSemaphorePermit>,
}

/// The queue has no reader any more.
#[derive(Debug)]
pub(super) struct Abandoned;

impl Queue {
    pub(super) fn new(events: usize, bytes: usize) -> (QueueSender, Self) {
        let (queue, incoming) = mpsc::channel(events);
        let bytes = Budget::new(bytes);
        (QueueSender { queue, bytes: bytes.clone() }, Self { incoming: Mutex::new(incoming), bytes })
    }

    /// The next item; `None` when all is read and no link is left. Cancel-safe.
    pub(super) async fn next(&self) -> Option<Incoming> {
        self.incoming.lock().await.recv().await.map(|queued| queued.incoming)
    }

    /// The fill level; after `close` there is no `sender`.
    pub(super) fn read(&self, sender: Option<&QueueSender>, events: usize) -> Vec<QueueReading> {
        let full =
            "reading stops; Redis buffers events, and disconnects above its client-output-buffer-limit";
        let depth = sender.map_or(0, |sender| sender.queue.max_capacity() - sender.queue.capacity());
        let of_events = QueueReading::new("recv_queue", "events", (depth, events), full);
        vec![of_events, self.bytes.read("recv_queue_bytes", "bytes", full)]
    }
}

impl QueueSender {
    /// Waits for room. Returns `true` if it had to wait.
    ///
    /// # Errors
    /// [`Abandoned`] if the queue has no reader any more.
    pub(super) async fn put(&self, incoming: Incoming) -> Result<bool, Abandoned> {
        let bytes = match &incoming {
            Incoming::Event(envelope) => cost(envelope.payload.len()),
            Incoming::Notice(_) => 0,
        };
        let is_full = self.queue.capacity() == 0 || !self.bytes.has(bytes);
        let room = self.bytes.take(bytes).await;
        self.queue.send(Queued { incoming, _room: room }).await.map_err(|_| Abandoned)?;
        Ok(is_full)
    }
}
