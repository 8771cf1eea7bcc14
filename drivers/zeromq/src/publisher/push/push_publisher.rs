use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Counter, Error, ErrorKind, PeerReading, Publisher, QueueReading, Result, Status, Topic, wire,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zeromq::ZmqMessage;

use super::link::{LinkReadings, PushLink};
use crate::ZmqSettings;
use crate::in_flight::InFlight;
use crate::wire::message;

/// The worker's end of the IPC hop: PUSH, which connects to `publisher_multiproc_socket` at the first `send`.
///
/// The constructor and `initialize` start nothing, so both may be called before `fork`. After the first `send` a task of the
/// current runtime holds the link.
#[derive(Debug)]
pub struct PushPublisher {
    settings: ZmqSettings,
    state: Mutex<State>,
    in_flight: Arc<InFlight>,
    link: Arc<LinkReadings>,
    dropped: Counter,
}

#[derive(Debug)]
enum State {
    /// No event was sent yet.
    New,
    Running {
        queue: mpsc::Sender<ZmqMessage>,
        link: JoinHandle<()>,
    },
    Closed,
}

impl PushPublisher {
    pub(crate) fn new(settings: ZmqSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::New),
            in_flight: Arc::default(),
            link: Arc::default(),
            dropped: Counter::with_cause("events_dropped", "closed"),
        }
    }

    /// The queue of the link; the first call starts the link.
    fn queue(&self) -> Result<mpsc::Sender<ZmqMessage>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running { queue, .. } => Ok(queue.clone()),
            State::Closed => Err(Error::closed("publisher")),
            State::New => {
                let (queue, waiting) = mpsc::channel(self.settings.send_queue_events);
                let (settings, in_flight) = (&self.settings, Arc::clone(&self.in_flight));
                let link = PushLink::new(settings, waiting, in_flight, Arc::clone(&self.link));
                *state = State::Running { queue: queue.clone(), link: tokio::spawn(link.run()) };
                Ok(queue)
            }
        }
    }

    fn overloaded(&self, waited: Duration) -> Error {
        let (bound, socket) = (self.settings.send_queue_events, self.settings.socket.display());
        let text = format!(
            "the queue of {bound} events to {socket} was full for {waited:?} \
             (drivers.zeromq.send_queue_events); check that the publisher service runs"
        );
        Error::new(ErrorKind::Overloaded, text)
    }
}

#[async_trait]
impl Publisher for PushPublisher {
    async fn initialize(&self) -> Result<()> {
        listen::check_path(&self.settings.socket)
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        let queue = self.queue()?;
        let (bound, patience) = (self.settings.send_queue_events as u64, self.settings.send_timeout);
        let Some(held) = self.in_flight.hold_below(bound, payload, patience).await else {
            return Err(self.overloaded(patience));
        };
        // The queue has room for all events in flight.
        queue.send(message(topic, held)).await.map_err(|_| Error::closed("publisher"))
    }

    async fn flush(&self) -> Result<()> {
        if self.in_flight.drain(self.settings.send_timeout).await {
            return Ok(());
        }
        let (left, socket) = (self.in_flight.events(), self.settings.socket.display());
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("{left} events are not sent: the publisher service at {socket} does not accept them"),
        ))
    }

    async fn close(&self) -> Result<()> {
        let state = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *state, State::Closed)
        };
        let State::Running { queue, mut link } = state else { return Ok(()) };
        drop(queue);
        let in_time = tokio::time::timeout(self.settings.linger, &mut link).await.is_ok();
        let left = self.in_flight.events();
        if in_time && left == 0 {
            return Ok(());
        }
        // Events that are reported as lost must not arrive later.
        link.abort();
        self.dropped.add(left);
        let (linger, socket) = (self.settings.linger, self.settings.socket.display());
        let text =
            format!("could not send {left} events to {socket} within linger ({linger:?}); they are lost");
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("ipc://{}", self.settings.socket.display()))
    }

    fn status(&self) -> Status {
        let queues = vec![QueueReading::new(
            "send_queue",
            "events",
            (self.in_flight.events(), self.settings.send_queue_events as u64),
            "send waits for send_timeout and is then refused",
        )];
        let state = if self.link.is_up() { "up" } else { "connecting" };
        let peers = vec![PeerReading {
            endpoint: format!("ipc://{}", self.settings.socket.display()),
            state: state.to_owned(),
        }];
        let mut counters = self.link.read();
        counters.push(self.dropped.read());
        Status { counters, queues, peers, ..Status::default() }
    }
}
