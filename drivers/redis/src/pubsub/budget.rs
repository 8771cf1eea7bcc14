use std::sync::Arc;

use pubsub_api::QueueReading;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What an event costs besides its payload, in bytes: its topic, its place in a queue.
const OVERHEAD_BYTES: usize = 512;

/// What an event costs of a bound in bytes.
pub(super) fn cost(payload: usize) -> usize {
    payload + OVERHEAD_BYTES
}

/// A bound, in events or bytes. What would not fit alone takes all of it.
#[derive(Debug, Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    bound: u32,
}

impl Room {
    pub(super) fn new(bound: usize) -> Self {
        let bound = u32::try_from(bound).unwrap_or(u32::MAX);
        Self { free: Arc::new(Semaphore::new(bound as usize)), bound }
    }

    /// Takes so much as soon as it is free; it is free again when the permit is dropped.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is taken, and the place in the order of those who wait is lost.
    pub(super) async fn take(&self, wanted: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.bound);
        // Nobody closes it.
        Arc::clone(&self.free).acquire_many_owned(wanted).await.ok()
    }

    /// Waits until nothing is taken any more that is taken now.
    pub(super) async fn empty(&self) {
        drop(self.take(self.bound as usize).await);
    }

    /// Whether so much is free now.
    pub(super) fn has(&self, wanted: usize) -> bool {
        self.free.available_permits() >= wanted.min(self.bound as usize)
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> u64 {
        u64::from(self.bound).saturating_sub(self.free.available_permits() as u64)
    }

    pub(super) fn read(&self, name: &str, unit: &str, when_full: &str) -> QueueReading {
        QueueReading {
            name: name.to_owned(),
            depth: self.taken(),
            bound: u64::from(self.bound),
            unit: unit.to_owned(),
            when_full: when_full.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[tokio::test]
    async fn what_does_not_fit_alone_takes_all_and_gives_it_back() {
        let room = Room::new(10);
        let all = room.take(1_000).await.unwrap();
        assert_eq!(room.taken(), 10);
        drop(all);
        room.empty().await;
        assert_eq!(room.taken(), 0);
    }
}
