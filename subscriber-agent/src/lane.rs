use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use pubsub_api::{Counter, CounterReading, Event, QueueReading};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Handler, HandlerFailure, Route};

/// One handler with its bounded queue and its task.
#[derive(Debug)]
pub(crate) struct Lane {
    route: Route,
    queue: mpsc::Sender<Arc<Event>>,
    /// Taken when the lane is finished.
    task: Mutex<Option<JoinHandle<()>>>,
    counters: Arc<LaneCounters>,
}

/// What a lane counts.
#[derive(Debug)]
struct LaneCounters {
    taken: Counter,
    handled: Counter,
    failed: Counter,
    /// Failures that were counted but not told, because nobody had read the last ones.
    untold: Counter,
}

impl Lane {
    pub(crate) fn start(
        route: Route,
        handler: Box<dyn Handler>,
        queue_events: usize,
        failures: mpsc::Sender<HandlerFailure>,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(queue_events);
        let counters = Arc::new(LaneCounters {
            taken: Counter::new("events_dispatched"),
            handled: Counter::new("events_handled"),
            failed: Counter::new("events_failed"),
            untold: Counter::new("failures_untold"),
        });
        let work =
            Work { route: route.to_string(), handler, waiting, failures, counters: Arc::clone(&counters) };
        Self { route, queue, task: Mutex::new(Some(tokio::spawn(work.run()))), counters }
    }

    pub(crate) fn takes(&self, event: &Event) -> bool {
        self.route.takes(event)
    }

    /// Waits for room.
    pub(crate) async fn put(&self, event: &Arc<Event>) {
        let taken = self.queue.send(Arc::clone(event)).await;
        self.counters.taken.add(1);
        if taken.is_err() {
            self.counters.failed.add(1);
            tracing::error!("the handler of {} is gone", self.route);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.capacity() == 0
    }

    pub(crate) fn waiting(&self) -> u64 {
        (self.queue.max_capacity() - self.queue.capacity()) as u64
    }

    /// What was counted, with the route as cause.
    pub(crate) fn counter_readings(&self) -> Vec<CounterReading> {
        let LaneCounters { taken, handled, failed, untold } = &*self.counters;
        let of_route =
            |counter: &Counter| CounterReading { cause: Some(self.route.to_string()), ..counter.read() };
        [taken, handled, failed, untold].into_iter().map(of_route).collect()
    }

    pub(crate) fn queue_reading(&self) -> QueueReading {
        QueueReading {
            name: format!("handler of {}", self.route),
            depth: self.waiting(),
            bound: self.queue.max_capacity() as u64,
            unit: "events".to_owned(),
            when_full: "the agent stops reading until there is room".to_owned(),
        }
    }

    /// Lets the handler finish what waits, until `deadline`; how many events were given up then.
    pub(crate) async fn finish(&self, deadline: Instant) -> u64 {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return 0 };
        while self.unfinished() > 0 && !task.is_finished() {
            if timeout_at(deadline, sleep(LOOK_EVERY)).await.is_err() {
                break;
            }
        }
        let given_up = self.unfinished();
        task.abort();
        if let Err(error) = (&mut task).await
            && error.is_panic()
        {
            tracing::error!("the handler of {} ended badly: {error}", self.route);
        }
        given_up
    }

    /// Events put into the lane that are neither handled nor failed.
    fn unfinished(&self) -> u64 {
        let LaneCounters { taken, handled, failed, .. } = &*self.counters;
        taken.get().saturating_sub(handled.get() + failed.get())
    }
}

/// How often a lane that finishes is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The lane's task.
struct Work {
    route: String,
    handler: Box<dyn Handler>,
    waiting: mpsc::Receiver<Arc<Event>>,
    failures: mpsc::Sender<HandlerFailure>,
    counters: Arc<LaneCounters>,
}

impl Work {
    async fn run(mut self) {
        while let Some(event) = self.waiting.recv().await {
            let handled = AssertUnwindSafe(self.handler.handle(&event)).catch_unwind().await;
            match handled {
                Ok(Ok(())) => self.counters.handled.add(1),
                Ok(Err(error)) => self.fail(&event, error.to_string()),
                Err(_) => self.fail(&event, "the handler panicked".to_owned()),
            }
        }
    }

    /// Never waits: whoever reads failures may itself be waiting for room in this lane.
    fn fail(&self, event: &Event, reason: String) {
        self.counters.failed.add(1);
        tracing::warn!("the handler of {} failed on {:?} {:?}: {reason}", self.route, event.table, event.key);
        let failure = HandlerFailure {
            handler: self.route.clone(),
            table: event.table.clone(),
            key: event.key.clone(),
            reason,
        };
        if self.failures.try_send(failure).is_err() {
            self.counters.untold.add(1);
        }
    }
}
