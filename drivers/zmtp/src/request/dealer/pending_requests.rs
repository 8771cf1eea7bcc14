use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::Envelope;
use tokio::sync::Notify;

use crate::protocol::put_event;

/// The requests that wait to be sent to one publisher, and whether replies are outstanding.
#[derive(Debug, Default)]
pub(crate) struct PendingRequests {
    state: Mutex<State>,
    added: Notify,
}

/// The most requests that wait.
const MAX_REQUESTS: usize = 64;

/// The most bytes that their frames have together.
const MAX_BYTES: usize = 1024 * 1024;

/// The bytes that are taken for one write.
const TAKEN_BYTES: usize = 64 * 1024;

/// A connection without request and reply for this time is closed (the contract: "nothing was asked for a minute").
pub(crate) const REST_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Envelope>,
    bytes: usize,
    debt: Debt,
    /// The time of the last request or reply.
    stirred: Option<Instant>,
}

/// The replies that are outstanding. Where a reply ends is not known here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Debt {
    /// No request was sent.
    #[default]
    Nothing,
    /// A request was sent, and nothing arrived since.
    All,
    /// Something arrived since; maybe that was all of it.
    Rest,
}

/// What becomes of a connection that may have nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It has.
    NotYet,
    /// It ends, and nothing is outstanding.
    Done,
    /// It ends, and no request was answered.
    Owed,
}

impl PendingRequests {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; `false` if there is no room.
    pub(crate) fn add(&self, request: Envelope, now: Instant) -> bool {
        let mut state = self.lock();
        let bytes = weight(&request);
        if state.waiting.len() >= MAX_REQUESTS || state.bytes + bytes > MAX_BYTES {
            return false;
        }
        state.bytes += bytes;
        state.waiting.push_back(request);
        state.debt = Debt::All;
        state.stirred = Some(now);
        drop(state);
        self.added.notify_waiters();
        true
    }

    /// Returns when one waits. Cancel-safe.
    pub(crate) async fn some(&self) {
        loop {
            let mut added = pin!(self.added.notified());
            added.as_mut().enable();
            if !self.lock().waiting.is_empty() {
                return;
            }
            added.await;
        }
    }

    /// Encodes what waits, up to a bound and one more. Returns the number of requests.
    pub(crate) fn take(&self, out: &mut Vec<u8>) -> u64 {
        let (mut state, mut taken) = (self.lock(), 0);
        while out.len() < TAKEN_BYTES
            && let Some(request) = state.waiting.pop_front()
        {
            state.bytes -= weight(&request);
            put_event(out, request.topic.as_bytes(), &request.payload);
            taken += 1;
        }
        taken
    }

    /// Something came.
    pub(crate) fn answered(&self, now: Instant) {
        let mut state = self.lock();
        if state.debt == Debt::All {
            state.debt = Debt::Rest;
        }
        state.stirred = Some(now);
    }

    /// Drops what waited, since the connection is gone. Returns whether replies may be outstanding.
    pub(crate) fn lose(&self) -> bool {
        std::mem::take(&mut *self.lock()).debt != Debt::Nothing
    }

    /// Looks whether the connection has had nothing to do for long enough.
    pub(crate) fn rest(&self, now: Instant) -> Rest {
        let mut state = self.lock();
        let quiet_for = state.stirred.map_or(REST_AFTER, |stirred| now.saturating_duration_since(stirred));
        if !state.waiting.is_empty() || quiet_for < REST_AFTER {
            return Rest::NotYet;
        }
        if state.debt == Debt::All {
            return Rest::Owed;
        }
        state.debt = Debt::Nothing;
        Rest::Done
    }

    /// The number that waits, and its bound.
    pub(crate) fn read(&self) -> (usize, usize) {
        (self.lock().waiting.len(), MAX_REQUESTS)
    }
}

fn weight(request: &Envelope) -> usize {
    request.topic.as_bytes().len() + request.payload.len()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use pubsub_api::{Envelope, Topic};

    use super::{MAX_REQUESTS, PendingRequests, REST_AFTER, Rest};

    fn request() -> Envelope {
        Envelope { topic: Topic::new("$sync").unwrap(), payload: Bytes::from_static(b"?") }
    }

    #[test]
    fn a_connection_rests_a_minute_after_the_last_word_of_either_side() {
        let (requests, start, mut out) = (PendingRequests::default(), Instant::now(), Vec::new());
        assert!(requests.add(request(), start));
        assert_eq!(requests.rest(start + REST_AFTER), Rest::NotYet, "it is not even sent");
        assert_eq!(requests.take(&mut out), 1);
        assert_eq!(requests.rest(start + REST_AFTER - Duration::from_millis(1)), Rest::NotYet);
        assert_eq!(requests.rest(start + REST_AFTER), Rest::Owed);
        assert!(requests.lose());
        assert!(requests.add(request(), start));
        requests.take(&mut out);
        requests.answered(start + REST_AFTER);
        assert_eq!(requests.rest(start + REST_AFTER), Rest::NotYet);
        assert_eq!(requests.rest(start + 2 * REST_AFTER), Rest::Done);
        assert!(!requests.lose());
    }

    #[test]
    fn what_waits_is_bounded_and_gone_with_the_connection() {
        let (requests, now) = (PendingRequests::default(), Instant::now());
        assert!(!requests.lose(), "nothing was asked");
        for _ in 0..MAX_REQUESTS {
            assert!(requests.add(request(), now));
        }
        assert!(!requests.add(request(), now));
        requests.answered(now);
        assert!(requests.lose(), "more may have been due");
        assert!(!requests.lose());
        assert_eq!(requests.take(&mut Vec::new()), 0);
    }

    #[tokio::test]
    async fn what_is_added_wakes() {
        let requests = PendingRequests::default();
        let adds = async { requests.add(request(), Instant::now()) };
        let ((), added) = tokio::join!(requests.some(), adds);
        assert!(added);
        requests.some().await;
    }
}
