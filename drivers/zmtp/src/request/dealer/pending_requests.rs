use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::Envelope;
use tokio::sync::Notify;

use crate::protocol::put_event;

/// What is to be asked of one publisher, and whether it owes an answer.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    state: Mutex<State>,
    added: Notify,
}

/// How many wait to be sent to one publisher.
const MAX_REQUESTS: usize = 64;

/// How many bytes their frames have together.
const MAX_BYTES: usize = 1024 * 1024;

/// So much is taken to be written at once.
const TAKEN_BYTES: usize = 64 * 1024;

/// A connection without request and reply for so long is ended (the contract: "nothing was asked for a minute").
pub(crate) const REST_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Envelope>,
    bytes: usize,
    debt: Debt,
    /// When something was last asked or answered.
    stirred: Option<Instant>,
}

/// What a publisher owes. Where an answer ends is not known here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Debt {
    /// Nothing was asked.
    #[default]
    Nothing,
    /// Something was asked, and nothing came since.
    All,
    /// Something came since; maybe that was all of it.
    Rest,
}

/// What becomes of a connection that may have nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It has.
    NotYet,
    /// It ends, and nobody misses it.
    Done,
    /// It ends, and nothing of what was asked was answered.
    Owed,
}

impl Requests {
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

    /// Encodes what waits, up to a bound and one more; how many.
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

    /// The connection is gone, and with it what waited; whether something may be owed.
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

    /// How many wait, and how many may.
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

    use super::{MAX_REQUESTS, REST_AFTER, Requests, Rest};

    fn request() -> Envelope {
        Envelope { topic: Topic::new("$sync").unwrap(), payload: Bytes::from_static(b"?") }
    }

    #[test]
    fn a_connection_rests_a_minute_after_the_last_word_of_either_side() {
        let (requests, start, mut out) = (Requests::default(), Instant::now(), Vec::new());
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
        let (requests, now) = (Requests::default(), Instant::now());
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
        let requests = Requests::default();
        let adds = async { requests.add(request(), Instant::now()) };
        let ((), added) = tokio::join!(requests.some(), adds);
        assert!(added);
        requests.some().await;
    }
}
