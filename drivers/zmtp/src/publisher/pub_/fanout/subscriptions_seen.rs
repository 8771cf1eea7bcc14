use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pubsub_api::{Error, Result, SubscriptionSeen};
use tokio::sync::mpsc;

/// The queue of subscriptions seen, between the shards and the reader.
#[derive(Debug)]
pub(crate) struct SubscriptionsSeen {
    /// `None` after the end.
    sender: Mutex<Option<mpsc::Sender<SubscriptionSeen>>>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<SubscriptionSeen>>,
    missed: AtomicU64,
}

/// The most that are kept for the reader. It receives the number of those that did not fit.
const QUEUE: usize = 1024;

impl Default for SubscriptionsSeen {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            sender: Mutex::new(Some(sender)),
            receiver: tokio::sync::Mutex::new(receiver),
            missed: AtomicU64::new(0),
        }
    }
}

impl SubscriptionsSeen {
    /// Adds one; if there is no room it is counted as missed.
    pub(crate) fn put(&self, seen: SubscriptionSeen) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return };
        if self.missed.load(Ordering::Relaxed) > 0 || sender.try_send(seen).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The next one, as [`pubsub_api::SubscribersSeen::next`] has it.
    pub(crate) async fn next(&self) -> Result<SubscriptionSeen> {
        let mut receiver = self.receiver.lock().await;
        // What is in the queue came before what was missed.
        if receiver.is_empty() {
            let count = self.missed.swap(0, Ordering::Relaxed);
            if count > 0 {
                return Ok(SubscriptionSeen::Missed { count });
            }
        }
        receiver.recv().await.ok_or_else(|| Error::closed("publisher"))
    }

    /// Nothing more comes.
    pub(crate) fn end(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::{ErrorKind, PeerId, SubscriptionSeen, TopicRights};

    use super::{QUEUE, SubscriptionsSeen};

    fn seen(number: usize) -> SubscriptionSeen {
        SubscriptionSeen::Subscribed {
            peer: PeerId(number as u64),
            prefix: Bytes::new(),
            rights: TopicRights::ALL,
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_reported_at_its_place() {
        let queue = SubscriptionsSeen::default();
        (0..QUEUE + 3).for_each(|number| queue.put(seen(number)));
        for number in 0..QUEUE {
            assert_eq!(queue.next().await.unwrap(), seen(number));
        }
        assert_eq!(queue.next().await.unwrap(), SubscriptionSeen::Missed { count: 3 });
        queue.put(seen(7));
        assert_eq!(queue.next().await.unwrap(), seen(7));
        queue.end();
        assert_eq!(queue.next().await.unwrap_err().kind(), ErrorKind::Closed);
    }
}
