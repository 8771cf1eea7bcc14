use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{Counter, Envelope, Error, ErrorKind, PeerReading, Publisher, Result, Status, Topic};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::{check_size, closed};
use crate::intake::{Intake, OutboxId};
use crate::lock::lock;
use crate::settings::MemorySettings;
use crate::stream::queue_reading;

/// The multiproc publisher: keeps events in its outbox until the subscriber's inbox has room.
///
/// It goes to the intake at its first `send`, and does not mind whether a subscriber is bound there.
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
    intake: Arc<Intake>,
    outbox: OutboxId,
}

impl MultiprocPublisher {
    /// One that is not attached yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            endpoint: settings.intake.clone(),
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
            return Err(closed());
        }
        let attach = || {
            let intake = Intake::at(&self.endpoint);
            let outbox = intake.attach(self.queue_events);
            Attached { intake, outbox }
        };
        Ok(state.attached.get_or_insert_with(attach).clone())
    }

    /// `None` as long as there is no room.
    fn try_send(&self, attached: &Attached, envelope: &Envelope) -> Option<Result<()>> {
        // Held over the push, so that `close` comes before or after it, never in between.
        let state = lock(&self.state);
        if state.closed {
            return Some(Err(closed()));
        }
        if !attached.intake.push(attached.outbox, envelope) {
            return None;
        }
        self.sent.add(1);
        Some(Ok(()))
    }

    /// Waits until the outbox is empty, at most `patience`; then tells how much is in it.
    async fn drain(&self, Attached { intake, outbox }: &Attached, patience: Duration) -> usize {
        let empty = intake.wait_until(|| intake.waiting(*outbox) == 0);
        match timeout(patience, empty).await {
            Ok(()) => 0,
            Err(_) => intake.waiting(*outbox),
        }
    }

    fn not_taken(&self, events: usize, intake: &Intake, waited: &str) -> Error {
        let why =
            if intake.has_subscriber() { "its subscriber does not read" } else { "nobody is bound there" };
        let text = format!("{events} events for {} were not taken within {waited}: {why}", intake.endpoint());
        Error::new(ErrorKind::Unavailable, text)
    }

    /// Takes the outbox away, and tells how many events were lost with it.
    fn detach(&self) -> usize {
        let mut state = lock(&self.state);
        state.closed = true;
        let left = state.attached.take().map_or(0, |attached| attached.intake.detach(attached.outbox));
        self.dropped.add(u64::try_from(left).unwrap_or(u64::MAX));
        left
    }
}

#[async_trait]
impl Publisher for MultiprocPublisher {
    async fn initialize(&self) -> Result<()> {
        if lock(&self.state).closed { Err(closed()) } else { Ok(()) }
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        check_size(&payload)?;
        // A sender that never has to wait still lets the readers run.
        consume_budget().await;
        let attached = self.attached()?;
        let envelope = Envelope { topic: topic.clone(), payload };
        let mut outcome = None;
        let accepted = attached.intake.wait_until(|| {
            outcome = self.try_send(&attached, &envelope);
            outcome.is_some()
        });
        // The result is in `outcome`, also if the time is up at the same moment.
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
                    return Err(self.not_taken(
                        left,
                        &attached.intake,
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
        attached.intake.wake_all();
        self.drain(&attached, self.linger).await;
        match self.detach() {
            0 => Ok(()),
            left => Err(self.not_taken(left, &attached.intake, &format!("{:?} (linger)", self.linger))),
        }
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.clone())
    }

    fn status(&self) -> Status {
        let attached = lock(&self.state).attached.clone();
        let depth = attached.as_ref().map_or(0, |attached| attached.intake.waiting(attached.outbox));
        let state = match &attached {
            Some(attached) if attached.intake.has_subscriber() => "up",
            _ => "connecting",
        };
        Status {
            counters: vec![self.sent.read(), self.refused.read(), self.dropped.read()],
            queues: vec![queue_reading(
                "outbox",
                depth,
                self.queue_events,
                "send waits for send_timeout, then fails as overloaded",
            )],
            peers: vec![PeerReading { endpoint: self.endpoint.clone(), state: state.to_owned() }],
        }
    }
}

impl Drop for MultiprocPublisher {
    fn drop(&mut self) {
        self.detach();
    }
}
