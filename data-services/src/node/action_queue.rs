use std::future::pending;

use pubsub_api::{CounterReading, QueueReading, Status};
use tokio::sync::mpsc;
use tracing::warn;

use super::BusAction;
use super::deferred_changes::DeferredChanges;

/// The number of actions that may wait for the driver.
const ACTIONS: usize = 8192;

/// What the driver has to do, in order. A node never waits for its driver: it would be taken for dead.
///
/// When the driver is too slow and the queue is full, messages are dropped and counted: the protocols repair what is
/// lost. Changes of what is followed and connected are [deferred](DeferredChanges) until the queue has a place.
#[derive(Debug)]
pub(super) struct ActionQueue {
    sender: mpsc::Sender<BusAction>,
    deferred: DeferredChanges,
    /// The number of messages that were dropped.
    dropped: u64,
}

impl ActionQueue {
    /// The queue, and its end for the driver.
    pub(super) fn new() -> (Self, mpsc::Receiver<BusAction>) {
        Self::of(ACTIONS)
    }

    fn of(bound: usize) -> (Self, mpsc::Receiver<BusAction>) {
        let (sender, waiting) = mpsc::channel(bound);
        (Self { sender, deferred: DeferredChanges::default(), dropped: 0 }, waiting)
    }

    /// Adds actions, after the changes that were deferred before.
    pub(super) fn push(&mut self, actions: impl IntoIterator<Item = BusAction>) {
        self.hand_over_deferred();
        for action in actions {
            // A change does not overtake an earlier one of the same stream or endpoint.
            let may_enter = self.deferred.is_empty() || !action.is_change();
            if may_enter && let Ok(place) = self.sender.try_reserve() {
                place.send(action);
                continue;
            }
            if action.is_change() {
                self.deferred.add(action);
            } else {
                self.drop_message();
            }
        }
    }

    /// Waits until the queue has a place for a deferred change, which the next [`push`](Self::push) adds. Waits for ever if
    /// none is deferred.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(super) async fn has_place(&self) {
        if self.deferred.is_empty() || self.sender.reserve().await.is_err() {
            pending().await
        }
    }

    /// Waits until the driver has taken every action.
    pub(super) async fn drained(&self) {
        // All places are free when the last action has been taken. An error means that nobody takes actions any more.
        let _ = self.sender.reserve_many(self.sender.max_capacity()).await;
    }

    /// Returns the fill of the queue, and what was dropped.
    pub(super) fn status(&self) -> Status {
        let bound = self.sender.max_capacity();
        let when_full =
            "packets are dropped and repaired later; changes of subscriptions and connections are kept";
        let depth = bound - self.sender.capacity();
        let queue = QueueReading::new("actions for the driver", "actions", (depth, bound), when_full);
        let counter = |name: &str, value| CounterReading { name: name.to_owned(), cause: None, value };
        let counters = vec![
            counter("packets_dropped_before_driver", self.dropped),
            counter("driver_changes_deferred", self.deferred.total()),
        ];
        Status { counters, queues: vec![queue], ..Status::default() }
    }

    fn hand_over_deferred(&mut self) {
        while !self.deferred.is_empty()
            && let Ok(place) = self.sender.try_reserve()
            && let Some(change) = self.deferred.take()
        {
            place.send(change);
        }
    }

    fn drop_message(&mut self) {
        self.dropped += 1;
        if self.dropped.is_power_of_two() {
            let dropped = self.dropped;
            warn!(
                id = "SK1009",
                dropped, "the driver is too slow: packets were dropped and are repaired later"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ActionQueue;
    use crate::node::BusAction;
    use crate::packet::{Destination, Message, Outgoing};
    use crate::tables::TableMessage;
    use crate::{Instance, ServiceId, StreamName, TableId};

    fn stream(table: &str) -> StreamName {
        let (service, table) = (ServiceId::new("s").unwrap(), TableId::new(table).unwrap());
        StreamName { instance: Instance::of(1), service, table }
    }

    fn message() -> BusAction {
        let message = Message::Table(TableMessage::Unknown(stream("t")));
        BusAction::Send(Outgoing { to: Destination::Everyone, message })
    }

    #[test]
    fn changes_are_handed_over_after_an_overflow_and_messages_are_dropped() {
        let (mut queue, mut driver) = ActionQueue::of(2);
        let (follow, connect) = (BusAction::Follow(stream("a")), BusAction::Connect("tcp://a".to_owned()));
        queue.push(vec![message(), message(), follow.clone(), message(), connect.clone()]);
        assert_eq!((queue.dropped, queue.deferred.total()), (1, 2));
        for expected in [message(), message()] {
            assert_eq!(driver.try_recv(), Ok(expected));
        }
        queue.push(vec![message()]);
        let mut handed_over = Vec::new();
        while let Ok(action) = driver.try_recv() {
            handed_over.push(action);
            queue.push(vec![]);
        }
        assert!(handed_over.contains(&follow) && handed_over.contains(&connect), "{handed_over:?}");
    }

    #[test]
    fn a_change_does_not_overtake_an_earlier_one_of_its_stream() {
        let (mut queue, mut driver) = ActionQueue::of(1);
        queue.push(vec![BusAction::Follow(stream("a")), BusAction::Unfollow(stream("a"))]);
        assert_eq!(driver.try_recv(), Ok(BusAction::Follow(stream("a"))));
        queue.push(vec![BusAction::Follow(stream("b"))]);
        assert_eq!(driver.try_recv(), Ok(BusAction::Unfollow(stream("a"))));
        queue.push(vec![BusAction::Unfollow(stream("c"))]);
        assert_eq!(driver.try_recv(), Ok(BusAction::Follow(stream("b"))));
        queue.push(vec![]);
        assert_eq!(driver.try_recv(), Ok(BusAction::Unfollow(stream("c"))));
    }

    #[test]
    fn deferred_changes_that_undo_each_other_are_bounded() {
        let (mut queue, mut driver) = ActionQueue::of(1);
        queue.push(vec![message()]);
        for _ in 0..1_000 {
            queue.push(vec![BusAction::Follow(stream("a")), BusAction::Unfollow(stream("a"))]);
            queue.push(vec![BusAction::Disconnect("b".to_owned()), BusAction::Connect("b".to_owned())]);
        }
        assert!(queue.deferred.is_empty());
        queue.push(vec![BusAction::Follow(stream("a"))]);
        assert_eq!(driver.try_recv(), Ok(message()));
        queue.push(vec![]);
        assert_eq!(driver.try_recv(), Ok(BusAction::Follow(stream("a"))));
    }
}
