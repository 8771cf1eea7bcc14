mod queue;
mod shared;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pubsub_api::{Counter, CounterReading, Event, QueueReading};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::reports::Reporter;
use crate::{Change, Handler, HandlerGap, OnFailure, Route};
pub use queue::QueueLimits;
use shared::{Put, Shared};
use work::Work;

/// One handler with its bounded queue and its task.
#[derive(Debug)]
pub(crate) struct Lane {
    number: usize,
    route: Route,
    limits: QueueLimits,
    shared: Arc<Shared>,
    reporter: Arc<Reporter>,
    /// Taken when the lane is finished.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Lane {
    pub(crate) fn start(
        number: usize,
        route: Route,
        handler: Box<dyn Handler>,
        on_failure: OnFailure,
        limits: QueueLimits,
        reporter: &Arc<Reporter>,
    ) -> Self {
        let (shared, reporter) = (Arc::new(Shared::new(limits)), Arc::clone(reporter));
        let work = Work {
            number,
            route: route.to_string(),
            handler,
            on_failure,
            reporter: Arc::clone(&reporter),
            shared: Arc::clone(&shared),
        };
        let task = Mutex::new(Some(tokio::spawn(work.run())));
        Self { number, route, limits, shared, reporter, task }
    }

    pub(crate) fn takes(&self, event: &Event) -> bool {
        self.route.takes(event)
    }

    /// Waits for room.
    pub(crate) async fn put(&self, change: &Change) {
        let Put { is_taken, dropped } = self.shared.put(change).await;
        if dropped > 0 {
            let age = self.limits.age;
            let reason = format!(
                "the handler took nothing for so long that they had waited {age:?} in a full queue \
                 (agent.handler_queue_age)"
            );
            tracing::warn!("the handler of {} misses {dropped} events: {reason}", self.route);
            let gap = HandlerGap { handler: self.route.to_string(), events: dropped, reason };
            self.reporter.gap(self.number, gap);
        }
        if !is_taken {
            self.shared.counters.failed.add(1);
            tracing::error!("the handler of {} is gone", self.route);
        }
    }

    /// Whether the event would have to wait for room.
    pub(crate) fn is_full_for(&self, change: &Change) -> bool {
        !self.shared.queue().has_room_for(change)
    }

    /// What was counted, with the route as cause.
    pub(crate) fn counter_readings(&self) -> Vec<CounterReading> {
        let counters = &self.shared.counters;
        let of_route =
            |counter: &Counter| CounterReading { cause: Some(self.route.to_string()), ..counter.read() };
        let shared::Counters { taken, handled, failed, retried, conflated, dropped, untold } = counters;
        [taken, handled, failed, retried, conflated, dropped, untold].into_iter().map(of_route).collect()
    }

    /// The queue in events, and in bytes.
    pub(crate) fn queue_readings(&self) -> [QueueReading; 2] {
        let (events, bytes) = {
            let queue = self.shared.queue();
            (queue.len(), queue.bytes())
        };
        let reading = |depth: usize, bound: usize, unit: &str| QueueReading {
            name: format!("handler of {}", self.route),
            depth: depth as u64,
            bound: bound as u64,
            unit: unit.to_owned(),
            when_full: format!(
                "the agent stops reading until there is room, or drops what waits {:?} and tells it",
                self.limits.age
            ),
        };
        [reading(events, self.limits.events, "events"), reading(bytes, self.limits.bytes, "bytes")]
    }

    /// Lets the handler finish what waits, until `deadline`; how many events were given up then.
    pub(crate) async fn finish(&self, deadline: Instant) -> u64 {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return 0 };
        while self.unfinished_events() > 0 && !task.is_finished() {
            if timeout_at(deadline, sleep(LOOK_EVERY)).await.is_err() {
                break;
            }
        }
        task.abort();
        if let Err(error) = (&mut task).await
            && error.is_panic()
        {
            tracing::error!("the handler of {} ended badly: {error}", self.route);
        }
        self.unfinished_events() as u64
    }

    fn unfinished_events(&self) -> usize {
        self.shared.queue().unfinished().count()
    }

    /// What the handler is not done with, in order.
    pub(crate) fn unfinished(&self) -> Vec<Change> {
        self.shared.queue().unfinished().cloned().collect()
    }
}

/// How often a lane that finishes is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests;
