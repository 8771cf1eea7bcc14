use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures_channel::mpsc as monitor;
use futures_util::StreamExt;
use listen::UnixClaim;
use pubsub_api::{
    CauseCounter, Counter, Envelope, Error, ErrorKind, Incoming, QueueReading, Result, Status, Subscriber,
};
use tokio::sync::{mpsc, oneshot};
use zeromq::{PullSocket, Socket, SocketEvent, SocketRecv, ZmqMessage, ZmqResult};

use crate::ZmqSettings;
use crate::wire::{envelope, unavailable};

/// The service's end of the IPC hop: PULL, bound to `publisher_multiproc_socket` with mode 0660.
///
/// It reads from the workers in turn (the crate's fair queue) and stops reading when its queue is full, so that the workers'
/// queues fill and their `send` waits. PULL has no topics: it receives every event.
#[derive(Debug)]
pub struct PullSubscriber {
    settings: ZmqSettings,
    state: Mutex<State>,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Incoming>>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum State {
    New(mpsc::Sender<Incoming>),
    /// Dropping `_stop` ends the reader.
    Open {
        _claim: UnixClaim,
        queue: mpsc::WeakSender<Incoming>,
        _stop: oneshot::Sender<()>,
    },
    Closed,
}

#[derive(Debug)]
struct Counters {
    received: Counter,
    accepted: Counter,
    left: Counter,
    dropped: CauseCounter,
    peer_errors: CauseCounter,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            accepted: Counter::new("peers_accepted"),
            left: Counter::new("peers_left"),
            dropped: CauseCounter::new("frames_dropped"),
            peer_errors: CauseCounter::new("peers_refused"),
        }
    }
}

impl PullSubscriber {
    pub(crate) fn new(settings: ZmqSettings) -> Self {
        let (queue, incoming) = mpsc::channel(settings.recv_queue_events);
        Self {
            settings,
            state: Mutex::new(State::New(queue)),
            incoming: tokio::sync::Mutex::new(incoming),
            counters: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn bind(&self) -> Result<(UnixClaim, PullSocket)> {
        let claim = UnixClaim::bind(&self.settings.socket)?;
        let what = || format!("cannot listen on {}", self.settings.socket.display());
        let listener = claim
            .listener()
            .map_err(|error| Error::new(ErrorKind::Unavailable, what()).with_source(error))?;
        let mut socket = PullSocket::new();
        socket.bind_listener(listener).await.map_err(|error| unavailable(what(), error))?;
        Ok((claim, socket))
    }
}

#[async_trait]
impl Subscriber for PullSubscriber {
    async fn initialize(&self) -> Result<()> {
        match &*self.state() {
            State::Open { .. } => return Ok(()),
            State::Closed => return Err(Error::closed("subscriber")),
            State::New(_) => {}
        }
        let (claim, mut socket) = self.bind().await?;
        let mut state = self.state();
        if let State::New(queue) = &*state {
            let events = socket.monitor();
            let weak = queue.downgrade();
            let (stop, stopped) = oneshot::channel();
            let counters = Arc::clone(&self.counters);
            tokio::spawn(read(Connections(socket), events, queue.clone(), counters, stopped));
            *state = State::Open { _claim: claim, queue: weak, _stop: stop };
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        listen::check_unix(&self.settings.socket)
    }

    async fn recv(&self) -> Result<Incoming> {
        self.incoming.lock().await.recv().await.ok_or_else(|| Error::closed("subscriber"))
    }

    async fn close(&self) {
        *self.state() = State::Closed;
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("ipc://{}", self.settings.socket.display()))
    }

    fn status(&self) -> Status {
        let queue = match &*self.state() {
            State::New(queue) => Some(queue.clone()),
            State::Open { queue, .. } => queue.upgrade(),
            State::Closed => None,
        };
        let depth = queue.map_or(0, |queue| queue.max_capacity() - queue.capacity());
        let queues = vec![QueueReading::new(
            "recv_queue",
            "events",
            (depth, self.settings.recv_queue_events),
            "the driver stops reading, and the workers wait",
        )];
        let counted = &self.counters;
        let mut counters = vec![counted.received.read(), counted.accepted.read(), counted.left.read()];
        counters.extend(counted.dropped.read());
        counters.extend(counted.peer_errors.read());
        Status { counters, queues, ..Status::default() }
    }
}

/// A PULL socket that closes its connections when it is dropped. The crate's socket leaves them open, and the workers would
/// continue to write to them.
struct Connections(PullSocket);

impl Drop for Connections {
    fn drop(&mut self) {
        self.0.backend().shutdown();
    }
}

/// Reads until it is stopped or the receiver is dropped. An event that was already received is still put into the queue. An
/// error of one peer ends only the connection of that peer.
async fn read(
    mut socket: Connections,
    mut events: monitor::Receiver<SocketEvent>,
    queue: mpsc::Sender<Incoming>,
    counters: Arc<Counters>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let envelope = tokio::select! {
            _ = &mut stopped => return,
            received = socket.0.recv() => counters.take(received),
            event = events.next() => {
                counters.note(event);
                None
            }
        };
        let Some(envelope) = envelope else { continue };
        let mut sending = pin!(queue.send(Incoming::Event(envelope)));
        tokio::select! {
            sent = &mut sending => if sent.is_err() { return },
            _ = &mut stopped => {
                drop(socket);
                // If the receiver is dropped, the event is not needed.
                let _ = sending.await;
                return;
            }
        }
    }
}

impl Counters {
    /// Counts a received message and returns it if it is an envelope.
    fn take(&self, received: ZmqResult<ZmqMessage>) -> Option<Envelope> {
        match received {
            Ok(message) => {
                let envelope = envelope(message, &self.dropped)?;
                self.received.add(1);
                Some(envelope)
            }
            Err(error) => {
                if let Some(times) = self.peer_errors.count("protocol", Instant::now()) {
                    tracing::warn!(id = "SK0703", times, "a worker's connection ended: {error}");
                }
                None
            }
        }
    }

    fn note(&self, event: Option<SocketEvent>) {
        match event {
            Some(SocketEvent::Accepted(..)) => self.accepted.add(1),
            Some(SocketEvent::Disconnected(_)) => self.left.add(1),
            // Probe connections of workers end here too, so this is logged at DEBUG only.
            Some(SocketEvent::AcceptFailed(error)) => {
                if let Some(times) = self.peer_errors.count("handshake", Instant::now()) {
                    tracing::debug!(times, "a connection ended before its handshake: {error}");
                }
            }
            _ => {}
        }
    }
}
