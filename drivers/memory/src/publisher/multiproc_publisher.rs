use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Counter, Envelope, Error, ErrorKind, PeerReading, Publisher, QueueReading, Result, Status, Topic, wire,
};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use crate::lock::lock;
use crate::multiproc_hub::{MultiprocHub, OutboxId};
use crate::settings::MemorySettings;

/// The multiproc publisher: holds events in its outbox until the subscriber's inbox has room.
///
/// It connects to its endpoint at the first `send`, whether or not a subscriber is bound there.
#[derive(Debug)]
pub(crate) struct MultiprocPublisher {
    endpoint: String,
    queue_events: usize,
    send_timeout: Duration,
    linger: Duration,
    state: Mutex<State>,
    sent: Counter,
    refused: Counter,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct State {
    attached: Option<Attached>,
    closed: bool,
}

#[derive(Debug, Clone)]
struct Attached {
    hub: Arc<MultiprocHub>,
    outbox: OutboxId,
}

impl MultiprocPublisher {
    /// Creates one that is not attached yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            endpoint: settings.multiproc_endpoint.clone(),
            queue_events: settings.queue_events,
            send_timeout: settings.send_timeout,
            linger: settings.linger,
            state: Mutex::default(),
            sent: Counter::new("events_sent"),
            refused: Counter::with_cause("events_refused", "outbox_full"),
            dropped: Counter::with_cause("events_dropped", "closed"),
        }
    }

    fn attached(&self) -> Result<Attached> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::closed("publisher"));
        }
        let attach = || {
            let hub = MultiprocHub::at(&self.endpoint);
            let outbox = hub.attach(self.queue_events);
            Attached { hub, outbox }
        };
        Ok(state.attached.get_or_insert_with(attach).clone())
    }

    /// Returns `None` while there is no room.
    fn try_send(&self, attached: &Attached, envelope: &Envelope) -> Option<Result<()>> {
        // Held during the push, so that `close` comes before or after it, never in between.
        let state = lock(&self.state);
        if state.closed {
            return Some(Err(Error::closed("publisher")));
        }
        if !attached.hub.push(attached.outbox, envelope) {
            return None;
        }
        self.sent.add(1);
        Some(Ok(()))
    }

    /// Waits until the outbox is empty, at most `patience`; returns the number of events left.
    async fn drain(&self, Attached { hub, outbox }: &Attached, patience: Duration) -> usize {
        let empty = hub.wait_until(|| hub.waiting(*outbox) == 0);
        match timeout(patience, empty).await {
            Ok(()) => 0,
            Err(_) => hub.waiting(*outbox),
        }
    }

    fn not_accepted(&self, events: usize, hub: &MultiprocHub, waited: &str) -> Error {
        let why = if hub.has_subscriber() {
            "its subscriber does not read"
        } else {
            "no subscriber is bound there"
        };
        let text = format!("{} did not accept {events} events within {waited}: {why}", hub.endpoint());
        Error::new(ErrorKind::Unavailable, text)
    }

    /// Removes the outbox, and returns the number of events lost with it.
    fn detach(&self) -> usize {
        let mut state = lock(&self.state);
        state.closed = true;
        let left = state.attached.take().map_or(0, |attached| attached.hub.detach(attached.outbox));
        self.dropped.add(u64::try_from(left).unwrap_or(u64::MAX));
        left
    }
}

#[async_trait]
impl Publisher for MultiprocPublisher {
    async fn initialize(&self) -> Result<()> {
        if lock(&self.state).closed { Err(Error::closed("publisher")) } else { Ok(()) }
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        // Even a sender that never waits yields to the readers.
        consume_budget().await;
        let attached = self.attached()?;
        let envelope = Envelope { topic: topic.clone(), payload };
        let mut outcome = None;
        let accepted = attached.hub.wait_until(|| {
            outcome = self.try_send(&attached, &envelope);
            outcome.is_some()
        });
        // The result is in `outcome`, even if the timeout expires at the same moment.
        let _ = timeout(self.send_timeout, accepted).await;
        outcome.unwrap_or_else(|| {
            self.refused.add(1);
            let text = format!(
                "the outbox of {} events for {} stayed full for {:?} (send_timeout)",
                self.queue_events, self.endpoint, self.send_timeout
            );
            Err(Error::new(ErrorKind::Overloaded, text))
        })
    }

    async fn flush(&self) -> Result<()> {
        let Some(attached) = lock(&self.state).attached.clone() else { return Ok(()) };
        let mut before = usize::MAX;
        loop {
            match self.drain(&attached, self.send_timeout).await {
                0 => return Ok(()),
                left if left < before => before = left,
                left => {
                    return Err(self.not_accepted(
                        left,
                        &attached.hub,
                        &format!("{:?} (send_timeout)", self.send_timeout),
                    ));
                }
            }
        }
    }

    async fn close(&self) -> Result<()> {
        let attached = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.attached.clone()
        };
        let Some(attached) = attached else { return Ok(()) };
        attached.hub.wake_all();
        self.drain(&attached, self.linger).await;
        match self.detach() {
            0 => Ok(()),
            left => Err(self.not_accepted(left, &attached.hub, &format!("{:?} (linger)", self.linger))),
        }
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.clone())
    }

    fn status(&self) -> Status {
        let attached = lock(&self.state).attached.clone();
        let depth = attached.as_ref().map_or(0, |attached| attached.hub.waiting(attached.outbox));
        let state = match &attached {
            Some(attached) if attached.hub.has_subscriber() => "up",
            _ => "connecting",
        };
        Status {
            counters: vec![self.sent.read(), self.refused.read(), self.dropped.read()],
            queues: vec![QueueReading::new(
                "outbox",
                "events",
                (depth, self.queue_events),
                "send waits for send_timeout, then fails as overloaded",
            )],
            peers: vec![PeerReading { endpoint: self.endpoint.clone(), state: state.to_owned() }],
            ..Status::default()
        }
    }
}

impl Drop for MultiprocPublisher {
    fn drop(&mut self) {
        self.detach();
    }
}
