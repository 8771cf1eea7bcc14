use std::collections::VecDeque;
use std::sync::Mutex;

use pubsub_api::{Counter, CounterReading, Error, ErrorKind, QueueReading, Request, Result};

use crate::changes::Changes;
use crate::lock::lock;

/// Requests to a publisher that are not read yet.
#[derive(Debug)]
pub(crate) struct RequestQueue {
    state: Mutex<State>,
    filled: Changes,
    received: Counter,
    dropped: Counter,
}

/// Limit of waiting requests: the same as in the default driver.
const MAX_REQUESTS: usize = 1024;

/// The largest request, topic and payload: the same as in the default driver.
pub(crate) const MAX_REQUEST_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Default for RequestQueue {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            filled: Changes::default(),
            received: Counter::new("requests_received"),
            dropped: Counter::with_cause("requests_dropped", "queue_full"),
        }
    }
}

impl RequestQueue {
    /// Adds a request. If the queue is full, the request is dropped and counted, and the result is `false`.
    pub(crate) fn put(&self, request: Request) -> bool {
        let mut state = lock(&self.state);
        let has_room = !state.closed && state.requests.len() < MAX_REQUESTS;
        if has_room {
            state.requests.push_back(request);
        }
        drop(state);
        let counter = if has_room { &self.received } else { &self.dropped };
        counter.add(1);
        self.filled.announce();
        has_room
    }

    /// The next request, as in [`pubsub_api::Requests::next`].
    pub(crate) async fn next(&self) -> Result<Request> {
        self.filled.until(|| self.take()).await
    }

    fn take(&self) -> Option<Result<Request>> {
        let mut state = lock(&self.state);
        let closed = || Error::new(ErrorKind::Closed, "the publisher is closed and accepts no requests");
        state.requests.pop_front().map(Ok).or_else(|| state.closed.then(|| Err(closed())))
    }

    /// Stops accepting, and drops the queued requests: they can no longer be answered.
    pub(crate) fn end(&self) {
        *lock(&self.state) = State { requests: VecDeque::new(), closed: true };
        self.filled.announce();
    }

    /// The counters.
    pub(crate) fn counters(&self) -> [CounterReading; 2] {
        [self.received.read(), self.dropped.read()]
    }

    /// The fill level.
    pub(crate) fn queue(&self) -> QueueReading {
        let when_full = "further requests are dropped and counted; the requester must retry";
        QueueReading::new("requests", "events", (lock(&self.state).requests.len(), MAX_REQUESTS), when_full)
    }
}
