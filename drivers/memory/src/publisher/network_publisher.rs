use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Batch, Envelope, Error, ErrorKind, PeerId, Publisher, Request, Requests, Result, Status, Topic, wire,
};
use tokio::task::coop::consume_budget;

use crate::endpoint::Endpoint;
use crate::fanout::Fanout;
use crate::hub::Hub;
use crate::lock::lock;
use crate::request_queue::RequestQueue;
use crate::settings::MemorySettings;

/// The network publisher: binds in the hub, and puts events into the inboxes of its subscribers.
///
/// It has no queue of its own, so `send` never waits and `flush` returns at once: an accepted event is in every
/// matching inbox, or part of a gap that is reported there.
#[derive(Debug)]
pub(crate) struct NetworkPublisher {
    bind: Endpoint,
    state: Mutex<State>,
    requests: Arc<RequestQueue>,
    dead_after: Duration,
}

#[derive(Debug)]
enum State {
    New,
    Bound(Arc<Fanout>),
    /// Keeps the last fan-out for the status.
    Closed(Option<Arc<Fanout>>),
}

impl NetworkPublisher {
    /// Creates one that is not bound yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            bind: settings.bind.clone(),
            state: Mutex::new(State::New),
            requests: Arc::default(),
            dead_after: settings.dead_after,
        }
    }

    fn bound(&self) -> Result<Arc<Fanout>> {
        match &*lock(&self.state) {
            State::Bound(fanout) => Ok(Arc::clone(fanout)),
            State::Closed(_) => Err(Error::closed("publisher")),
            State::New => {
                Err(Error::new(ErrorKind::Unavailable, "the publisher is not bound: initialize it first"))
            }
        }
    }

    fn release(&self) {
        let mut state = lock(&self.state);
        let fanout = match &*state {
            State::Bound(fanout) => Some(Arc::clone(fanout)),
            State::New => None,
            State::Closed(_) => return,
        };
        if let Some(fanout) = &fanout {
            Hub::of_this_process().release(fanout);
        }
        self.requests.end();
        *state = State::Closed(fanout);
    }
}

#[async_trait]
impl Publisher for NetworkPublisher {
    async fn initialize(&self) -> Result<()> {
        let mut state = lock(&self.state);
        match &*state {
            State::Bound(_) => Ok(()),
            State::Closed(_) => Err(Error::closed("publisher")),
            State::New => {
                *state = State::Bound(Hub::of_this_process().bind(&self.bind, &self.requests)?);
                Ok(())
            }
        }
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        // Even a sender that never waits yields to the readers.
        consume_budget().await;
        self.bound()?.send(&Envelope { topic: topic.clone(), payload });
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        self.bound().map(drop)
    }

    async fn close(&self) -> Result<()> {
        self.release();
        Ok(())
    }

    fn requests(&self) -> Option<&dyn Requests> {
        Some(self)
    }

    fn endpoint(&self) -> Option<String> {
        match &*lock(&self.state) {
            State::Bound(fanout) | State::Closed(Some(fanout)) => Some(fanout.endpoint().to_string()),
            State::New | State::Closed(None) => None,
        }
    }

    fn status(&self) -> Status {
        match &*lock(&self.state) {
            State::Bound(fanout) | State::Closed(Some(fanout)) => fanout.status(),
            State::New | State::Closed(None) => Status::default(),
        }
    }
}

#[async_trait]
impl Requests for NetworkPublisher {
    async fn next(&self) -> Result<Request> {
        self.requests.next().await
    }

    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()> {
        let Some(requester) = self.bound()?.requester(peer) else {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the requester has disconnected; it must send its requests again",
            ));
        };
        let answered = requester.answer(envelopes, self.dead_after).await;
        // The requester may be gone because this publisher is closed.
        answered.or_else(|error| self.bound().and(Err(error)))
    }
}

impl Drop for NetworkPublisher {
    fn drop(&mut self) {
        self.release();
    }
}
