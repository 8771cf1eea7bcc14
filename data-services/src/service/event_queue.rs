use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{TableEvent, TablePublisher};

/// The events that wait for the reader of one subscription.
///
/// It holds at most `limit` events. When one more arrives, all of them are dropped and the queue *lags*: it accepts nothing
/// until the reader asks for the whole tables. Only that a publisher is gone is kept, because no table would follow. So a
/// reader that is slow costs bounded memory, and misses no final state.
#[derive(Debug)]
pub(crate) struct EventQueue {
    limit: usize,
    state: Mutex<QueueState>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    events: VecDeque<TableEvent>,
    lags: bool,
    /// The whole tables were asked for.
    is_asked: bool,
    is_closed: bool,
    dropped: u64,
    /// For each publisher that went while the queue lagged, the last event about that.
    gone: BTreeMap<TablePublisher, TableEvent>,
}

impl QueueState {
    fn drop_event(&mut self, event: TableEvent) {
        self.dropped += 1;
        if let TableEvent::Gone { publisher, .. } = &event {
            self.gone.insert(publisher.clone(), event);
        }
    }
}

/// What the reader finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// The next event.
    Event(TableEvent),
    /// Events were dropped: ask for the whole tables.
    Lagging,
    /// The subscription has ended.
    Closed,
}

impl EventQueue {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default(), arrived: Notify::new() })
    }

    /// Adds an event; drops it if the queue lags.
    pub(crate) fn push(&self, event: TableEvent) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        if state.lags || state.events.len() >= self.limit {
            state.lags = true;
            let waiting = std::mem::take(&mut state.events);
            waiting.into_iter().chain([event]).for_each(|event| state.drop_event(event));
        } else {
            state.events.push_back(event);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// The reader has asked for the whole tables: it waits for them.
    pub(crate) fn asked(&self) {
        let mut state = self.lock();
        state.is_asked = state.lags;
    }

    /// The whole tables follow: the queue accepts events again.
    pub(crate) fn end_lag(&self) {
        let mut state = self.lock();
        (state.lags, state.is_asked) = (false, false);
        let gone = std::mem::take(&mut state.gone);
        state.events.extend(gone.into_values());
        drop(state);
        self.arrived.notify_one();
    }

    /// Ends the subscription: the reader gets what waits, and then the end.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_one();
    }

    /// Whether the subscription has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// The number of events that were dropped for a slow reader.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// The number of events that wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Waits for the next event. Cancel-safe; one reader only.
    pub(crate) async fn next(&self) -> Found {
        loop {
            {
                let mut state = self.lock();
                if let Some(event) = state.events.pop_front() {
                    return Found::Event(event);
                }
                if state.is_closed {
                    return Found::Closed;
                }
                if state.lags && !state.is_asked {
                    return Found::Lagging;
                }
            }
            self.arrived.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{EventQueue, Found};
    use crate::{NodeId, ServiceId, TableEvent, TablePublisher};

    fn live(number: usize) -> TableEvent {
        let node = NodeId::new(format!("node-{number}")).unwrap();
        TableEvent::Live { publisher: TablePublisher { node, service: ServiceId::new("s").unwrap() } }
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_asked_to_read_the_whole_table() {
        let queue = EventQueue::new(2);
        for number in 0..3 {
            queue.push(live(number));
        }
        assert!(matches!(queue.next().await, Found::Lagging));
        queue.push(live(3));
        assert_eq!(
            (queue.dropped(), queue.len()),
            (4, 0),
            "nothing is accepted until the whole tables follow"
        );
        queue.end_lag();
        queue.push(live(4));
        assert!(matches!(queue.next().await, Found::Event(event) if event == live(4)));
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_learns_that_a_publisher_is_gone() {
        let publisher = |number| live(number).publisher().clone();
        let gone = |number| TableEvent::Gone {
            publisher: publisher(number),
            removed: Vec::new(),
            reason: "it has stopped".to_owned(),
        };
        let queue = EventQueue::new(2);
        // One of them waits when the queue overflows, the other arrives later.
        for event in [gone(1), live(3), live(4), gone(2)] {
            queue.push(event);
        }
        assert!(matches!(queue.next().await, Found::Lagging));
        queue.end_lag();
        for number in [1, 2] {
            assert!(matches!(queue.next().await, Found::Event(event) if event == gone(number)));
        }
    }

    #[tokio::test]
    async fn events_before_the_end_are_read_first() {
        let queue = EventQueue::new(2);
        queue.push(live(0));
        queue.close();
        assert!(matches!(queue.next().await, Found::Event(_)));
        assert!(matches!(queue.next().await, Found::Closed));
    }
}
