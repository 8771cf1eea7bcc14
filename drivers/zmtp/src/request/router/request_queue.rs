use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::wire::WireError;
use pubsub_api::{Error, PeerId, QueueReading, Request, Result};
use tokio::sync::Notify;

/// Requests of peers, between the shards and the caller that answers them.
///
/// Bounded in requests and bytes. One peer has at most a sixteenth of either, so that a peer that floods leaves room for
/// the others. A request without room is dropped and counted, and the requester must retry.
#[derive(Debug, Default)]
pub(crate) struct RequestQueue {
    state: Mutex<State>,
    filled: Notify,
}

/// The most requests that wait: a fleet of a thousand that sends one each at the same time.
const MAX_REQUESTS: usize = 1024;

/// The most bytes that their frames have together.
const MAX_BYTES: usize = 1024 * 1024;

/// The most requests of one peer that wait.
const MAX_REQUESTS_OF_PEER: usize = MAX_REQUESTS / 16;

/// The most bytes that those have together, and so the largest request.
pub(crate) const MAX_BYTES_OF_PEER: usize = MAX_BYTES / 16;

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    bytes: usize,
    by_peer: HashMap<PeerId, Share>,
    closed: bool,
}

/// What one peer has in the queue.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    requests: usize,
    bytes: usize,
}

impl RequestQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, or returns the cause for dropping it.
    pub(crate) fn put(&self, request: Request) -> std::result::Result<(), &'static str> {
        let mut state = self.lock();
        let bytes = weight(&request);
        if state.closed {
            return Err("closed");
        }
        if bytes > MAX_BYTES_OF_PEER {
            return Err(WireError::TooBig.cause());
        }
        if state.requests.len() >= MAX_REQUESTS || state.bytes + bytes > MAX_BYTES {
            return Err("queue_full");
        }
        let share = state.by_peer.entry(request.peer).or_default();
        if share.requests >= MAX_REQUESTS_OF_PEER || share.bytes + bytes > MAX_BYTES_OF_PEER {
            return Err("too_many_of_peer");
        }
        share.requests += 1;
        share.bytes += bytes;
        state.bytes += bytes;
        state.requests.push_back(request);
        drop(state);
        self.filled.notify_waiters();
        Ok(())
    }

    /// The next one, as [`pubsub_api::Requests::next`] has it.
    pub(crate) async fn next(&self) -> Result<Request> {
        loop {
            let mut filled = pin!(self.filled.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            filled.as_mut().enable();
            if let Some(outcome) = self.lock().take() {
                return outcome;
            }
            filled.await;
        }
    }

    /// Ends the queue, and drops what it holds: nothing could answer it any more.
    pub(crate) fn end(&self) {
        *self.lock() = State { closed: true, ..State::default() };
        self.filled.notify_waiters();
    }

    /// How full it is.
    pub(crate) fn read(&self) -> [QueueReading; 2] {
        let state = self.lock();
        let reading = |name: &str, depth: usize, bound: usize, unit: &str| {
            QueueReading::new(
                name,
                unit,
                (depth, bound),
                "a further request is dropped and counted; the requester sends it again",
            )
        };
        [
            reading("requests", state.requests.len(), MAX_REQUESTS, "events"),
            reading("requests_bytes", state.bytes, MAX_BYTES, "bytes"),
        ]
    }
}

impl State {
    fn take(&mut self) -> Option<Result<Request>> {
        let Some(request) = self.requests.pop_front() else {
            return self.closed.then(|| Err(Error::closed("publisher")));
        };
        let bytes = weight(&request);
        self.bytes -= bytes;
        if let Some(share) = self.by_peer.get_mut(&request.peer) {
            share.requests -= 1;
            share.bytes -= bytes;
            if share.requests == 0 {
                self.by_peer.remove(&request.peer);
            }
        }
        Some(Ok(request))
    }
}

fn weight(request: &Request) -> usize {
    request.envelope.topic.as_bytes().len() + request.envelope.payload.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pubsub_api::{Envelope, ErrorKind, PeerId, Request, Topic};

    use super::{MAX_BYTES_OF_PEER, MAX_REQUESTS, MAX_REQUESTS_OF_PEER, RequestQueue};

    fn request(peer: u64, bytes: usize) -> Request {
        let topic = Topic::new("$sync").unwrap();
        let envelope = Envelope { topic, payload: Bytes::from(vec![0; bytes]) };
        Request::new(PeerId(peer), envelope)
    }

    #[tokio::test]
    async fn a_peer_that_sends_endless_requests_finds_no_room_and_leaves_some_to_others() {
        let queue = RequestQueue::default();
        for _ in 0..MAX_REQUESTS_OF_PEER {
            queue.put(request(1, 1)).unwrap();
        }
        assert_eq!(queue.put(request(1, 1)), Err("too_many_of_peer"));
        queue.put(request(2, MAX_BYTES_OF_PEER - 5)).unwrap();
        assert_eq!(queue.put(request(2, 0)), Err("too_many_of_peer"));
        assert_eq!(queue.next().await.unwrap(), request(1, 1));
        queue.put(request(1, 1)).unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_an_ended_one_reports_its_end() {
        let queue = RequestQueue::default();
        for number in 0..MAX_REQUESTS {
            queue.put(request(number as u64, 1)).unwrap();
        }
        assert_eq!(queue.put(request(9999, 1)), Err("queue_full"));
        assert_eq!(queue.read()[0].depth, MAX_REQUESTS as u64);
        for number in 0..MAX_REQUESTS {
            assert_eq!(queue.next().await.unwrap().peer, PeerId(number as u64));
        }
        assert_eq!((queue.read()[0].depth, queue.read()[1].depth), (0, 0));
        for number in 0..16 {
            queue.put(request(number, MAX_BYTES_OF_PEER - 5)).unwrap();
        }
        assert_eq!(queue.put(request(16, 0)), Err("queue_full"));
        assert_eq!(queue.put(request(17, MAX_BYTES_OF_PEER)), Err("too_big"));
        queue.end();
        assert_eq!(queue.next().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(queue.put(request(1, 1)), Err("closed"));
    }
}
