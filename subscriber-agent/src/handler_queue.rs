mod handler_task;
mod queue;
mod shared_queue;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pubsub_api::{Counter, CounterReading, Event, QueueReading};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::reports::Reporter;
use crate::{Change, EventFilter, Handler, HandlerGap, OnFailure};
use handler_task::HandlerTask;
pub use queue::QueueLimits;
use shared_queue::{Put, SharedQueue};

/// The bounded queue of one handler, and the task that runs the handler.
#[derive(Debug)]
pub(crate) struct HandlerQueue {
    number: usize,
    filter: EventFilter,
    limits: QueueLimits,
    shared: Arc<SharedQueue>,
    reporter: Arc<Reporter>,
    /// `None` after `finish`.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl HandlerQueue {
    pub(crate) fn start(
        number: usize,
        filter: EventFilter,
        handler: Box<dyn Handler>,
        on_failure: OnFailure,
        limits: QueueLimits,
        reporter: &Arc<Reporter>,
    ) -> Self {
        let (shared, reporter) = (Arc::new(SharedQueue::new(limits)), Arc::clone(reporter));
        let handler_task = HandlerTask {
            number,
            filter: filter.to_string(),
            handler,
            on_failure,
            reporter: Arc::clone(&reporter),
            shared: Arc::clone(&shared),
        };
        let task = Mutex::new(Some(tokio::spawn(handler_task.run())));
        Self { number, filter, limits, shared, reporter, task }
    }

    pub(crate) fn matches(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    /// Waits for room.
    pub(crate) async fn put(&self, change: &Change) {
        let Put { is_accepted, dropped } = self.shared.put(change).await;
        if dropped > 0 {
            let age = self.limits.age;
            let reason = format!(
                "the handler was too slow: events waited {age:?} in its full queue (agent.handler_queue_age)"
            );
            tracing::warn!(
                id = "SK0613",
                "dropped {dropped} events for the handler of {}: {reason}",
                self.filter
            );
            let gap = HandlerGap { handler: self.filter.to_string(), events: dropped, reason };
            self.reporter.gap(self.number, gap);
        }
        if !is_accepted {
            self.shared.counters.failed.add(1);
            tracing::error!(
                id = "SK0613",
                "dropped an event for the handler of {}: its task has ended",
                self.filter
            );
        }
    }

    /// Whether the queue has no room for the event.
    pub(crate) fn is_full_for(&self, change: &Change) -> bool {
        !self.shared.queue().has_room_for(change)
    }

    /// The counters, with the filter as cause.
    pub(crate) fn counter_readings(&self) -> Vec<CounterReading> {
        let counters = &self.shared.counters;
        let of_route =
            |counter: &Counter| CounterReading { cause: Some(self.filter.to_string()), ..counter.read() };
        let shared_queue::Counters { dispatched, handled, failed, retried, conflated, dropped, unreported } =
            counters;
        [dispatched, handled, failed, retried, conflated, dropped, unreported]
            .into_iter()
            .map(of_route)
            .collect()
    }

    /// The fill of the queue in events and in bytes.
    pub(crate) fn queue_readings(&self) -> [QueueReading; 2] {
        let (events, bytes) = {
            let queue = self.shared.queue();
            (queue.len(), queue.bytes())
        };
        let (name, limits) = (format!("handler of {}", self.filter), &self.limits);
        let when_full = format!(
            "the agent stops receiving until there is room; it drops and reports events that have waited {:?}",
            limits.age
        );
        [
            QueueReading::new(&name, "events", (events, limits.events), &when_full),
            QueueReading::new(&name, "bytes", (bytes, limits.bytes), &when_full),
        ]
    }

    /// Waits until the handler has finished its queue, at most until `deadline`. Returns the number of unfinished events.
    pub(crate) async fn finish(&self, deadline: Instant) -> u64 {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return 0 };
        while self.unfinished_events() > 0 && !task.is_finished() {
            if timeout_at(deadline, sleep(POLL_INTERVAL)).await.is_err() {
                break;
            }
        }
        task.abort();
        if let Err(error) = (&mut task).await
            && error.is_panic()
        {
            tracing::error!(id = "SK0615", "the task of the handler of {} panicked: {error}", self.filter);
        }
        self.unfinished_events() as u64
    }

    fn unfinished_events(&self) -> usize {
        self.shared.queue().unfinished().count()
    }

    /// The events that the handler has not finished, in order.
    pub(crate) fn unfinished(&self) -> Vec<Change> {
        self.shared.queue().unfinished().cloned().collect()
    }
}

/// The interval at which `finish` checks the queue.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests;
