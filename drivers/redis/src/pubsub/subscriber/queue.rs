use pubsub_api::{Incoming, QueueReading};
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};

use crate::pubsub::room::{Room, cost};

/// What was received and is not read, bounded in events and in bytes.
#[derive(Debug)]
pub(super) struct Queue {
    incoming: Mutex<mpsc::Receiver<Queued>>,
    bytes: Room,
}

/// Where a link puts what it received.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    queue: mpsc::Sender<Queued>,
    bytes: Room,
}

#[derive(Debug)]
struct Queued {
    incoming: Incoming,
    _room: Option<OwnedSemaphorePermit>,
}

/// Nobody reads the queue any more.
#[derive(Debug)]
pub(super) struct Abandoned;

impl Queue {
    pub(super) fn new(events: usize, bytes: usize) -> (Intake, Self) {
        let (queue, incoming) = mpsc::channel(events);
        let bytes = Room::new(bytes);
        (Intake { queue, bytes: bytes.clone() }, Self { incoming: Mutex::new(incoming), bytes })
    }

    /// The next; `None` when all is read and no link is left. Cancel-safe.
    pub(super) async fn next(&self) -> Option<Incoming> {
        self.incoming.lock().await.recv().await.map(|queued| queued.incoming)
    }

    /// How full it is; `intake` is gone after `close`.
    pub(super) fn read(&self, intake: Option<&Intake>, events: usize) -> Vec<QueueReading> {
        let full =
            "reading stops, Redis holds back, and cuts the connection above its client-output-buffer-limit";
        let depth = intake.map_or(0, |intake| intake.queue.max_capacity() - intake.queue.capacity());
        let of_events = QueueReading {
            name: "recv_queue".to_owned(),
            depth: depth as u64,
            bound: events as u64,
            unit: "events".to_owned(),
            when_full: full.to_owned(),
        };
        vec![of_events, self.bytes.read("recv_queue_bytes", "bytes", full)]
    }
}

impl Intake {
    /// Waits for room. `true` if it had to.
    ///
    /// # Errors
    /// [`Abandoned`] if nobody reads any more.
    pub(super) async fn put(&self, incoming: Incoming) -> Result<bool, Abandoned> {
        let bytes = match &incoming {
            Incoming::Message(envelope) => cost(envelope.payload.len()),
            Incoming::Notice(_) => 0,
        };
        let is_full = self.queue.capacity() == 0 || !self.bytes.has(bytes);
        let room = self.bytes.take(bytes).await;
        self.queue.send(Queued { incoming, _room: room }).await.map_err(|_| Abandoned)?;
        Ok(is_full)
    }
}
