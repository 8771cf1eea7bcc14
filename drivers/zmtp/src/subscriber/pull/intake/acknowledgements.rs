use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::{Acknowledger, PeerId};
use tokio::sync::Notify;

use crate::hop::Refusal;

/// The acknowledgements that wait to be sent: one slot for each connection, which holds the highest number, so that a worker
/// that does not read costs no more than one that does.
#[derive(Debug, Default)]
pub(in crate::subscriber::pull) struct Acknowledgements {
    slots: Mutex<BTreeMap<u64, Arc<AckSlot>>>,
}

/// The slot of one connection.
#[derive(Debug, Default)]
pub(super) struct AckSlot {
    due: AtomicU64,
    refused: Mutex<Option<Refusal>>,
    raised: Notify,
}

impl Acknowledgements {
    /// The slot of a new connection.
    pub(super) fn open(&self, peer: u64) -> Arc<AckSlot> {
        Arc::clone(self.slots().entry(peer).or_default())
    }

    /// The connection is over.
    pub(super) fn close(&self, peer: u64) {
        self.slots().remove(&peer);
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<AckSlot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledger for Acknowledgements {
    fn acknowledge(&self, peer: PeerId, number: u64) {
        if let Some(slot) = self.slots().get(&peer.0) {
            slot.raise(number);
        }
    }

    fn refuse(&self, peer: PeerId, events: u64, reason: &str) {
        if let Some(slot) = self.slots().get(&peer.0) {
            slot.refuse(Refusal { events, reason: reason.to_owned() });
        }
    }
}

impl AckSlot {
    fn raise(&self, number: u64) {
        if self.due.fetch_max(number, Ordering::Relaxed) < number {
            self.raised.notify_one();
        }
    }

    /// Reports refused events with the next acknowledgement.
    pub(super) fn refuse(&self, refusal: Refusal) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *refused {
            Some(earlier) => earlier.join(refusal),
            none => *none = Some(refusal),
        }
    }

    /// The refusals that were not sent yet.
    pub(super) fn take_refusal(&self) -> Option<Refusal> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Up to which number is to be acknowledged.
    pub(super) fn due(&self) -> u64 {
        self.due.load(Ordering::Relaxed)
    }

    /// Returns when that may have grown. Cancel-safe.
    pub(super) async fn raised(&self) {
        self.raised.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use pubsub_api::{Acknowledger, PeerId};

    use super::{AckSlot, Acknowledgements};

    fn is_raised(slot: &AckSlot) -> bool {
        let raised = std::pin::pin!(slot.raised());
        raised.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_highest_number_is_due_once_whatever_comes_after() {
        let acknowledgements = Acknowledgements::default();
        let slot = acknowledgements.open(3);
        for (number, due, raised) in [(5, 5, true), (4, 5, false), (5, 5, false), (6, 6, true)] {
            acknowledgements.acknowledge(PeerId(3), number);
            assert_eq!((slot.due(), is_raised(&slot)), (due, raised), "{number}");
        }
        (7..10_000).for_each(|number| acknowledgements.acknowledge(PeerId(3), number));
        assert_eq!((slot.due(), is_raised(&slot), is_raised(&slot)), (9_999, true, false));
    }

    #[test]
    fn a_worker_that_is_gone_receives_no_acknowledgement() {
        let acknowledgements = Acknowledgements::default();
        acknowledgements.acknowledge(PeerId(1), 1);
        let slot = acknowledgements.open(1);
        acknowledgements.close(1);
        acknowledgements.acknowledge(PeerId(1), 2);
        assert_eq!((slot.due(), acknowledgements.slots().len()), (0, 0));
    }
}
