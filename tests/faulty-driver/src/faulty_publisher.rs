use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::wire::MAX_RECEIVED_BYTES;
use pubsub_api::{
    Batch, Counter, Envelope, Error, ErrorKind, PeerId, Publisher, Request, Requests, Result, Status, Topic,
};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::arrival::{Arrival, wait};
use crate::shared::Shared;

/// How long a reply waits for a requester that does not read: the default of `dead_after`.
const PATIENCE: Duration = Duration::from_secs(3);

/// The sending end of a node.
#[derive(Debug)]
pub(crate) struct FaultyPublisher {
    network: Arc<Shared>,
    name: String,
    host: String,
    port: u16,
    phase: Mutex<Phase>,
    wake: Arc<Notify>,
    sent: Counter,
}

#[derive(Debug, Clone)]
enum Phase {
    New,
    Bound { id: u64, endpoint: String },
    Closed { endpoint: Option<String> },
}

impl FaultyPublisher {
    pub(crate) fn new(network: &Arc<Shared>, name: &str, host: &str, port: u16) -> Self {
        Self {
            network: Arc::clone(network),
            name: name.to_owned(),
            host: host.to_owned(),
            port,
            phase: Mutex::new(Phase::New),
            wake: Arc::default(),
            sent: Counter::new("events_sent"),
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bound(&self) -> Result<u64> {
        match &*self.phase() {
            Phase::Bound { id, .. } => Ok(*id),
            Phase::Closed { .. } => Err(Error::closed("publisher")),
            Phase::New => {
                Err(Error::new(ErrorKind::Unavailable, "the publisher is not bound: initialize it first"))
            }
        }
    }

    fn release(&self) {
        let mut phase = self.phase();
        let endpoint = match &*phase {
            Phase::Bound { id, endpoint } => {
                self.network.state().release(*id);
                Some(endpoint.clone())
            }
            Phase::New => None,
            Phase::Closed { .. } => return,
        };
        *phase = Phase::Closed { endpoint };
        self.wake.notify_waiters();
    }
}

#[async_trait]
impl Publisher for FaultyPublisher {
    async fn initialize(&self) -> Result<()> {
        let mut phase = self.phase();
        match &*phase {
            Phase::Bound { .. } => Ok(()),
            Phase::Closed { .. } => Err(Error::closed("publisher")),
            Phase::New => {
                let (id, endpoint) =
                    self.network.state().bind(&self.name, &self.host, self.port, &self.wake)?;
                *phase = Phase::Bound { id, endpoint };
                Ok(())
            }
        }
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if payload.len() > MAX_RECEIVED_BYTES {
            let text = format!(
                "the payload of {} bytes is too large: the limit is {MAX_RECEIVED_BYTES} bytes",
                payload.len()
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        // Even a sender that never waits yields to the readers.
        tokio::task::coop::consume_budget().await;
        let id = self.bound()?;
        let mut network = self.network.state();
        if network.is_broker_down() {
            return Err(Error::new(ErrorKind::Unavailable, "the broker has stopped"));
        }
        network.publish(id, &Envelope { topic: topic.clone(), payload });
        self.sent.add(1);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        self.bound().map(drop)
    }

    async fn close(&self) -> Result<()> {
        self.release();
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        match &*self.phase() {
            Phase::Bound { endpoint, .. } => Some(endpoint.clone()),
            Phase::Closed { endpoint } => endpoint.clone(),
            Phase::New => None,
        }
    }

    fn status(&self) -> Status {
        let id = self.bound().ok();
        let requests = id.and_then(|id| self.network.state().publisher(id).map(|publisher| publisher.read()));
        Status {
            counters: vec![self.sent.read()],
            queues: requests.into_iter().collect(),
            ..Status::default()
        }
    }

    fn requests(&self) -> Option<&dyn Requests> {
        if self.network.is_broker { None } else { Some(self) }
    }
}

#[async_trait]
impl Requests for FaultyPublisher {
    async fn next(&self) -> Result<Request> {
        let take = |now| match &*self.phase() {
            Phase::New => Arrival::Later(None),
            Phase::Closed { .. } => Arrival::Now(Err(Error::closed("publisher"))),
            Phase::Bound { id, .. } => match self.network.state().publisher(*id) {
                None => Arrival::Now(Err(Error::closed("publisher"))),
                Some(publisher) => match publisher.requests.pop(now) {
                    Some(request) => Arrival::Now(Ok(request)),
                    None => Arrival::Later(publisher.requests.next_due()),
                },
            },
        };
        wait(&self.wake, take).await
    }

    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()> {
        loop {
            let id = self.bound()?;
            let room = self.network.state().room_of(id, peer).unwrap_or_default();
            let mut woken = pin!(room.notified());
            woken.as_mut().enable();
            self.network.state().answer(id, peer, envelopes)?;
            if envelopes.is_empty() {
                return Ok(());
            }
            if timeout(PATIENCE, woken).await.is_err() {
                let text = format!("the requester read none of its replies for {PATIENCE:?}");
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
        }
    }
}

impl Drop for FaultyPublisher {
    fn drop(&mut self) {
        self.release();
    }
}
