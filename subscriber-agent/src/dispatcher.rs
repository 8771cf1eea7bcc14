use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result, Status};
use tokio::time::timeout;

use crate::lane::Lane;
use crate::reports::Reporter;
use crate::{Change, Handler, OnFailure, QueueLimits, Reports, Route};

/// Gives each event to the handlers whose [`Route`] takes it, each behind a bounded queue of its own.
///
/// A slow handler delays no other until its own queue is full; then the dispatcher waits for it, and the agent stops
/// reading, until there is room or the oldest event has waited too long. What is dropped then is counted and told. A handler
/// that wants several routes is several handlers.
#[derive(Debug)]
pub struct Dispatcher {
    lanes: Vec<Lane>,
    limits: QueueLimits,
    reporter: Arc<Reporter>,
}

impl Dispatcher {
    /// Without handlers yet; what they have to say is read from the reports.
    #[must_use]
    pub fn new(limits: QueueLimits) -> (Self, Reports) {
        let reporter = Arc::default();
        let reports = Reports::of(&reporter);
        (Self { lanes: Vec::new(), limits, reporter }, reports)
    }

    /// Adds a handler and starts its task on the current runtime.
    pub fn add(&mut self, route: Route, handler: Box<dyn Handler>, on_failure: OnFailure) {
        let number = self.lanes.len();
        self.lanes.push(Lane::start(number, route, handler, on_failure, self.limits, &self.reporter));
    }

    /// Whether a handler that takes the event has no room for it now.
    #[must_use]
    pub fn would_wait(&self, change: &Change) -> bool {
        self.lanes.iter().any(|lane| lane.takes(&change.event) && lane.is_full_for(change))
    }

    /// Puts an event into the queue of every handler that takes it; waits for room.
    pub async fn dispatch(&self, change: &Change) {
        for lane in self.lanes.iter().filter(|lane| lane.takes(&change.event)) {
            lane.put(change).await;
        }
    }

    /// Puts an event into the queue of one handler if it takes it; waits for room.
    pub async fn give(&self, handler: usize, change: &Change) {
        if let Some(lane) = self.lanes.get(handler).filter(|lane| lane.takes(&change.event)) {
            lane.put(change).await;
        }
    }

    /// What the handlers are not done with, those of one after those of the other.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Change> {
        self.lanes.iter().flat_map(Lane::unfinished).collect()
    }

    /// Counters and queues of all handlers.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status::default();
        for lane in &self.lanes {
            status.counters.extend(lane.counter_readings());
            status.queues.extend(lane.queue_readings());
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
