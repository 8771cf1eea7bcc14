use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Event, Result, Status};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lane::Lane;
use crate::{Handler, HandlerFailure, Route};

/// Gives each event to the handlers whose [`Route`] takes it, each behind a bounded queue of its own.
///
/// A slow handler delays no other until its own queue is full; then the dispatcher waits for it, nothing is dropped,
/// and the agent stops reading. A handler that wants several routes is several handlers.
#[derive(Debug)]
pub struct Dispatcher {
    lanes: Vec<Lane>,
    queue_events: usize,
    failures: mpsc::Sender<HandlerFailure>,
}

/// How many failures wait to be read; beyond, they are counted and logged only.
const FAILURES: usize = 1000;

impl Dispatcher {
    /// Without handlers yet; failures are read from the receiver.
    #[must_use]
    pub fn new(queue_events: usize) -> (Self, mpsc::Receiver<HandlerFailure>) {
        let (failures, unread) = mpsc::channel(FAILURES);
        (Self { lanes: Vec::new(), queue_events, failures }, unread)
    }

    /// Adds a handler and starts its task on the current runtime.
    pub fn add(&mut self, route: Route, handler: Box<dyn Handler>) {
        self.lanes.push(Lane::start(route, handler, self.queue_events, self.failures.clone()));
    }

    /// Whether a handler that takes the event has no room for it now.
    #[must_use]
    pub fn would_wait(&self, event: &Event) -> bool {
        self.lanes.iter().any(|lane| lane.takes(event) && lane.is_full())
    }

    /// Puts an event into the queue of every handler that takes it; waits for room.
    pub async fn dispatch(&self, event: &Arc<Event>) {
        for lane in self.lanes.iter().filter(|lane| lane.takes(event)) {
            lane.put(event).await;
        }
    }

    /// Counters and queues of all handlers.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status::default();
        for lane in &self.lanes {
            status.counters.extend(lane.counter_readings());
            status.queues.push(lane.queue_reading());
        }
        status
    }

    /// Lets the handlers finish what waits, all together within `grace`; what they are not done with by then is given
    /// up, and nothing more is taken.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] with the number of events that were given up.
    pub async fn finish(&self, grace: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + grace;
        let mut given_up = 0;
        for lane in &self.lanes {
            given_up += lane.finish(deadline).await;
        }
        if given_up == 0 {
            return Ok(());
        }
        let text =
            format!("handlers were not done with {given_up} events within {grace:?} (agent.drain_timeout)");
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// Waits for `work`, at most `limit`.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if it takes longer.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    timeout(limit, work)
        .await
        .map_err(|_| Error::new(ErrorKind::Unavailable, format!("took longer than {limit:?}")))
}
