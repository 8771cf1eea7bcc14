use std::sync::Arc;

use pubsub_api::{Batch, QueueReading};
use tokio::sync::{Semaphore, mpsc};

/// The blocks of events that were received and not yet read, bounded in events and in bytes.
///
/// Tasks get room in the order in which they began to wait: a semaphore, unlike the queues of the other sockets, since one
/// worker that floods must not keep the others waiting.
#[derive(Debug)]
pub(in crate::subscriber::pull) struct BlockQueue {
    blocks: tokio::sync::Mutex<mpsc::UnboundedReceiver<Received>>,
    room: Arc<Room>,
}

/// A task's end.
#[derive(Debug, Clone)]
pub(super) struct BlockSender {
    blocks: mpsc::UnboundedSender<Received>,
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    events: Semaphore,
    bytes: Semaphore,
    max_events: u32,
}

#[derive(Debug)]
struct Received {
    batch: Batch,
    events: u32,
    bytes: u32,
}

/// What the blocks in the queue may have together, in bytes: some thirty full ones.
const MAX_BYTES: u32 = 8 * 1024 * 1024;

impl BlockQueue {
    #[expect(clippy::disallowed_methods, reason = "the semaphores bound the events and bytes in the channel")]
    pub(super) fn new(max_events: usize) -> (BlockSender, Self) {
        let max_events = u32::try_from(max_events).unwrap_or(u32::MAX);
        let (sender, receiver) = mpsc::unbounded_channel();
        let room = Arc::new(Room {
            events: Semaphore::new(max_events as usize),
            bytes: Semaphore::new(MAX_BYTES as usize),
            max_events,
        });
        let queue = Self { blocks: tokio::sync::Mutex::new(receiver), room: Arc::clone(&room) };
        (BlockSender { blocks: sender, room }, queue)
    }

    /// The next block of events; `None` when all senders are gone and all is read. Cancel-safe.
    pub(in crate::subscriber::pull) async fn next(&self) -> Option<Batch> {
        let received = self.blocks.lock().await.recv().await?;
        Some(self.make_room(received))
    }

    /// The next block, if there is one.
    pub(in crate::subscriber::pull) fn try_next(&self) -> Option<Batch> {
        let received = self.blocks.try_lock().ok()?.try_recv().ok()?;
        Some(self.make_room(received))
    }

    fn make_room(&self, received: Received) -> Batch {
        self.room.events.add_permits(received.events as usize);
        self.room.bytes.add_permits(received.bytes as usize);
        received.batch
    }

    pub(in crate::subscriber::pull) fn readings(&self) -> Vec<QueueReading> {
        let reading = |name: &str, unit: &str, room: &Semaphore, bound: u32| {
            QueueReading::new(
                name,
                unit,
                (u64::from(bound).saturating_sub(room.available_permits() as u64), u64::from(bound)),
                "reading stops and the workers wait",
            )
        };
        vec![
            reading("recv_queue", "events", &self.room.events, self.room.max_events),
            reading("recv_queue_bytes", "bytes", &self.room.bytes, MAX_BYTES),
        ]
    }
}

impl Drop for BlockQueue {
    /// No task may wait for room that is never made.
    fn drop(&mut self) {
        self.room.events.close();
        self.room.bytes.close();
    }
}

impl BlockSender {
    /// Waits for room. Without a reader, the block is dropped. A block that is larger than the queue takes all of it; one
    /// whose events were all dropped takes the room of one.
    pub(super) async fn send(&self, batch: Batch, bytes: usize) {
        let events = u32::try_from(batch.len()).unwrap_or(u32::MAX).clamp(1, self.room.max_events);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(MAX_BYTES);
        let Ok(for_events) = self.room.events.acquire_many(events).await else { return };
        let Ok(for_bytes) = self.room.bytes.acquire_many(bytes).await else { return };
        if self.blocks.send(Received { batch, events, bytes }).is_ok() {
            for_events.forget();
            for_bytes.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::{Batch, Envelope, Topic};

    use super::{BlockQueue, MAX_BYTES};

    fn batch(events: usize) -> Batch {
        let mut batch = Batch::new();
        let envelope = || Envelope { topic: Topic::new("D").unwrap(), payload: Bytes::from_static(b"x") };
        batch.extend((0..events).map(|_| envelope()));
        batch
    }

    #[tokio::test]
    async fn a_block_waits_for_room_in_events_and_in_bytes() {
        let (sender, queue) = BlockQueue::new(10);
        sender.send(batch(8), 100).await;
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(batch(3), 100).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let depth = |queue: &BlockQueue| queue.readings().iter().map(|queue| queue.depth).collect::<Vec<_>>();
        assert_eq!(depth(&queue), [10, 100], "what is free is set aside for the one that waits");
        assert_eq!(queue.next().await.unwrap().len(), 8);
        waiting.await.unwrap();
        assert_eq!(depth(&queue), [3, 100]);
        assert_eq!(queue.next().await.unwrap().len(), 3);
        sender.send(batch(1), MAX_BYTES as usize * 2).await;
        assert_eq!(depth(&queue)[1], u64::from(MAX_BYTES), "one that is too large takes all");
        assert_eq!(queue.next().await.unwrap().len(), 1);
        sender.send(batch(100), 1).await;
        assert_eq!(queue.next().await.unwrap().len(), 100);
        drop(sender);
        assert!(queue.next().await.is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_a_queue_that_is_gone() {
        let (sender, queue) = BlockQueue::new(1);
        sender.send(batch(1), 1).await;
        drop(queue);
        sender.send(batch(1), 1).await;
    }
}
