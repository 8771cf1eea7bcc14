use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result, Status};
use tokio::time::timeout;

use crate::handler_queue::HandlerQueue;
use crate::reports::Reporter;
use crate::{Change, EventFilter, Handler, OnFailure, QueueLimits, Reports};

/// Dispatches each event to the handlers whose [`EventFilter`] matches it. Each handler has its own bounded queue.
///
/// A slow handler does not delay the others until its own queue is full. Then the dispatcher waits and the agent stops
/// receiving, until there is room or the oldest event has waited for `agent.handler_queue_age`; such events are dropped,
/// counted and reported. To handle several routes, add several handlers.
///
/// ```
/// use async_trait::async_trait;
/// use pubsub_api::{Action, Error, ErrorKind, Event, Result, SEND_ALL};
/// use std::{sync::Arc, time::Duration};
/// use subscriber_agent::{Change, Dispatcher, EventFilter, Handler, OnFailure, QueueLimits, Report};
///
/// struct Refuse;
///
/// #[async_trait]
/// impl Handler for Refuse {
///     async fn handle(&mut self, _: &Change) -> Result<()> {
///         Err(Error::new(ErrorKind::Invalid, "not a port"))
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let limits = QueueLimits { events: 1000, bytes: 8 << 20, age: Duration::from_secs(30), conflate: false };
/// let (mut dispatcher, reports) = Dispatcher::new(limits);
/// dispatcher.add(EventFilter::All, Box::new(Refuse), OnFailure::Skip);
/// let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
/// dispatcher.dispatch(&Change::live(Arc::new(event))).await;
/// assert!(matches!(reports.next().await, Report::Failed(failure) if failure.reason.contains("not a port")));
/// dispatcher.finish(Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Dispatcher {
    queues: Vec<HandlerQueue>,
    limits: QueueLimits,
    reporter: Arc<Reporter>,
}

impl Dispatcher {
    /// A dispatcher without handlers, and the reports of the handlers to come.
    #[must_use]
    pub fn new(limits: QueueLimits) -> (Self, Reports) {
        let reporter = Arc::default();
        let reports = Reports::of(&reporter);
        (Self { queues: Vec::new(), limits, reporter }, reports)
    }

    /// Adds a handler and starts its task on the current runtime.
    pub fn add(&mut self, filter: EventFilter, handler: Box<dyn Handler>, on_failure: OnFailure) {
        let number = self.queues.len();
        self.queues.push(HandlerQueue::start(
            number,
            filter,
            handler,
            on_failure,
            self.limits,
            &self.reporter,
        ));
    }

    /// Whether [`dispatch`](Self::dispatch) would have to wait for room in a queue.
    #[must_use]
    pub fn would_wait(&self, change: &Change) -> bool {
        self.queues.iter().any(|queue| queue.matches(&change.event) && queue.is_full_for(change))
    }

    /// Puts an event into the queue of every handler whose filter matches; waits for room.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event is in the queues of some handlers and not in those of others: let the call
    /// finish.
    pub async fn dispatch(&self, change: &Change) {
        for queue in self.queues.iter().filter(|queue| queue.matches(&change.event)) {
            queue.put(change).await;
        }
    }

    /// Puts an event into the queue of one handler, counted from 0, if its filter matches; waits for room.
    pub async fn give(&self, handler: usize, change: &Change) {
        if let Some(queue) = self.queues.get(handler).filter(|queue| queue.matches(&change.event)) {
            queue.put(change).await;
        }
    }

    /// The events that the handlers have not finished, handler by handler.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Change> {
        self.queues.iter().flat_map(HandlerQueue::unfinished).collect()
    }

    /// Counters and queues of all handlers.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status::default();
        for queue in &self.queues {
            status.counters.extend(queue.counter_readings());
            status.queues.extend(queue.queue_readings());
        }
        status
    }

    /// Waits until the handlers have finished their queues, for all handlers together at most `grace`, then stops them. Later
    /// events are not accepted.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] with the number of unfinished events.
    pub async fn finish(&self, grace: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + grace;
        let mut unfinished = 0;
        for queue in &self.queues {
            unfinished += queue.finish(deadline).await;
        }
        if unfinished == 0 {
            return Ok(());
        }
        let text =
            format!("handlers did not finish {unfinished} events within {grace:?} (agent.drain_timeout)");
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// Waits for `work`, at most `limit`.
///
/// # Errors
/// [`ErrorKind::Unavailable`] after `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    timeout(limit, work)
        .await
        .map_err(|_| Error::new(ErrorKind::Unavailable, format!("took longer than {limit:?}")))
}
