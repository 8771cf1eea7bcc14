use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;

use pubsub_api::{Counter, CounterReading, Error, ErrorKind, QueueReading, Request, Result};
use tokio::sync::Notify;

use crate::lock::lock;
use crate::stream::queue_reading;

/// What a publisher was asked and nobody has read yet.
#[derive(Debug)]
pub(crate) struct RequestQueue {
    state: Mutex<State>,
    filled: Notify,
    received: Counter,
    dropped: Counter,
}

/// How many requests wait: as many as for the default driver.
const MAX_REQUESTS: usize = 1024;

/// The largest request, topic and payload: as for the default driver.
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
            filled: Notify::new(),
            received: Counter::new("requests_received"),
            dropped: Counter::with_cause("requests_dropped", "queue_full"),
        }
    }
}

impl RequestQueue {
    /// Adds one; without room it is dropped and counted, and the result is `false`.
    pub(crate) fn put(&self, request: Request) -> bool {
        let mut state = lock(&self.state);
        let has_room = !state.closed && state.requests.len() < MAX_REQUESTS;
        if has_room {
            state.requests.push_back(request);
        }
        drop(state);
        let counter = if has_room { &self.received } else { &self.dropped };
        counter.add(1);
        self.filled.notify_waiters();
        has_room
    }

    /// The next one, as [`pubsub_api::Requests::next`] has it.
    pub(crate) async fn next(&self) -> Result<Request> {
        loop {
            let mut filled = pin!(self.filled.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            filled.as_mut().enable();
            if let Some(outcome) = self.take() {
                return outcome;
            }
            filled.await;
        }
    }

    fn take(&self) -> Option<Result<Request>> {
        let mut state = lock(&self.state);
        let closed =
            || Error::new(ErrorKind::Closed, "the publisher is closed, and cannot be asked any more");
        state.requests.pop_front().map(Ok).or_else(|| state.closed.then(|| Err(closed())))
    }

    /// Nothing more comes, and what was there is dropped: nobody could answer it.
    pub(crate) fn end(&self) {
        *lock(&self.state) = State { requests: VecDeque::new(), closed: true };
        self.filled.notify_waiters();
    }

    /// What was counted.
    pub(crate) fn counters(&self) -> [CounterReading; 2] {
        [self.received.read(), self.dropped.read()]
    }

    /// How full it is.
    pub(crate) fn queue(&self) -> QueueReading {
        let when_full = "a further request is dropped and counted; whoever asked asks again";
        queue_reading("requests", lock(&self.state).requests.len(), MAX_REQUESTS, when_full)
    }
}
