use std::sync::Arc;

use pubsub_api::QueueReading;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The cost of an event besides its payload, in bytes: its topic and its queue entry.
const OVERHEAD_BYTES: usize = 512;

/// The cost of an event against a limit in bytes.
pub(super) fn cost(payload: usize) -> usize {
    payload + OVERHEAD_BYTES
}

/// A limit in events or bytes. A single item that exceeds it takes all of it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    free: Arc<Semaphore>,
    bound: u32,
}

impl Budget {
    pub(super) fn new(bound: usize) -> Self {
        let bound = u32::try_from(bound).unwrap_or(u32::MAX);
        Self { free: Arc::new(Semaphore::new(bound as usize)), bound }
    }

    /// Takes this amount as soon as it is free; dropping the permit frees it.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is taken, and the caller loses its place among those that wait.
    pub(super) async fn take(&self, wanted: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.bound);
        // The semaphore is never closed.
        Arc::clone(&self.free).acquire_many_owned(wanted).await.ok()
    }

    /// Waits until everything that is taken now is free again.
    pub(super) async fn empty(&self) {
        drop(self.take(self.bound as usize).await);
    }

    /// Whether this amount is free now.
    pub(super) fn has(&self, wanted: usize) -> bool {
        self.free.available_permits() >= wanted.min(self.bound as usize)
    }

    /// The amount that is taken.
    pub(super) fn taken(&self) -> u64 {
        u64::from(self.bound).saturating_sub(self.free.available_permits() as u64)
    }

    pub(super) fn read(&self, name: &str, unit: &str, when_full: &str) -> QueueReading {
        QueueReading::new(name, unit, (self.taken(), u64::from(self.bound)), when_full)
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[tokio::test]
    async fn an_item_that_exceeds_the_limit_takes_all_of_it_and_frees_it() {
        let room = Budget::new(10);
        let all = room.take(1_000).await.unwrap();
        assert_eq!(room.taken(), 10);
        drop(all);
        room.empty().await;
        assert_eq!(room.taken(), 0);
    }
}
