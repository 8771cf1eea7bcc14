use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_channel::mpsc as monitor;
use futures_util::StreamExt;
use pubsub_api::{Backoff, Counter, CounterReading};
use tokio::sync::mpsc;
use zeromq::{PushSocket, Socket, SocketEvent, SocketOptions, SocketSend, ZmqMessage};

use super::service_watch::ServiceWatch;
use crate::ZmqSettings;
use crate::in_flight::InFlight;
use crate::publisher::writers::wait_for_writers;

/// Sends events from a worker's queue to the service's socket, and reconnects whenever the link breaks.
pub(super) struct PushLink {
    path: PathBuf,
    handshake_timeout: Duration,
    linger: Duration,
    waiting: mpsc::Receiver<ZmqMessage>,
    /// Events from the queue that no socket has accepted yet.
    batch: Vec<ZmqMessage>,
    /// All events in flight: in the queue, in the batch, and in the crate.
    in_flight: Arc<InFlight>,
    readings: Arc<LinkReadings>,
}

/// The number of events that are received from the queue at a time.
const BATCH: usize = 256;

/// The state and counters of the link.
#[derive(Debug)]
pub(super) struct LinkReadings {
    up: AtomicBool,
    handed_over: Counter,
    links_lost: Counter,
    in_doubt: Counter,
}

impl Default for LinkReadings {
    fn default() -> Self {
        Self {
            up: AtomicBool::new(false),
            handed_over: Counter::new("events_handed_over"),
            links_lost: Counter::new("links_lost"),
            in_doubt: Counter::new("events_in_doubt"),
        }
    }
}

impl LinkReadings {
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        vec![self.handed_over.read(), self.links_lost.read(), self.in_doubt.read()]
    }
}

/// A connection, and the watch on the process at its other end.
struct Connection {
    socket: PushSocket,
    events: monitor::Receiver<SocketEvent>,
    watch: ServiceWatch,
}

/// How a connection ended.
enum End {
    /// The publisher was closed and everything was sent.
    Closed,
    /// The link broke.
    Broken,
}

impl PushLink {
    pub(super) fn new(
        settings: &ZmqSettings,
        waiting: mpsc::Receiver<ZmqMessage>,
        in_flight: Arc<InFlight>,
        readings: Arc<LinkReadings>,
    ) -> Self {
        Self {
            path: settings.socket.clone(),
            handshake_timeout: settings.handshake_timeout,
            linger: settings.linger,
            waiting,
            batch: Vec::with_capacity(BATCH),
            in_flight,
            readings,
        }
    }

    /// Runs until the publisher is closed and everything is sent. `close` limits the time.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            match self.connect().await {
                Ok(connection) => {
                    backoff.reset();
                    self.readings.up.store(true, Ordering::Relaxed);
                    let end = self.pump(connection).await;
                    self.readings.up.store(false, Ordering::Relaxed);
                    if matches!(end, End::Closed) {
                        return;
                    }
                    self.readings.links_lost.add(1);
                }
                Err(reason) => tracing::debug!(
                    "cannot connect to the publisher service at {}, retrying: {reason}",
                    self.path.display()
                ),
            }
            if self.waiting.is_closed() && self.waiting.is_empty() && self.batch.is_empty() {
                return;
            }
            tokio::time::sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }

    /// Connects. The probe connection of the watch comes first, because the crate's own retries have little jitter and are up
    /// to 30 s apart.
    async fn connect(&self) -> Result<Connection, String> {
        let watch = ServiceWatch::start(&self.path).await.map_err(|error| error.to_string())?;
        let mut options = SocketOptions::default();
        options.connect_timeout(self.handshake_timeout);
        let mut socket = PushSocket::with_options(options);
        let events = socket.monitor();
        let endpoint = format!("ipc://{}", self.path.display());
        socket.connect(&endpoint).await.map_err(|error| error.to_string())?;
        Ok(Connection { socket, events, watch })
    }

    async fn pump(&mut self, connection: Connection) -> End {
        let Connection { mut socket, mut events, mut watch } = connection;
        loop {
            if self.hand_over(&mut socket).await.is_err() {
                return self.broken();
            }
            tokio::select! {
                biased;
                () = watch.gone() => return self.broken(),
                event = events.next() => {
                    if matches!(event, Some(SocketEvent::Disconnected(_)) | None) {
                        return self.broken();
                    }
                }
                taken = self.waiting.recv_many(&mut self.batch, BATCH) => {
                    if taken == 0 {
                        let writers = Arc::downgrade(&socket.backend());
                        drop(socket);
                        wait_for_writers(writers, self.linger).await;
                        return End::Closed;
                    }
                }
            }
        }
    }

    /// Counts and logs the events that were still in the crate when the link broke; they are in doubt.
    fn broken(&self) -> End {
        let ours = (self.waiting.len() + self.batch.len()) as u64;
        let in_doubt = self.in_flight.events().saturating_sub(ours);
        self.readings.in_doubt.add(in_doubt);
        let path = self.path.display();
        tracing::warn!(
            id = "SK0708",
            "lost the publisher service at {path}, reconnecting; {in_doubt} events and those that it had not \
             read are in doubt"
        );
        End::Broken
    }

    /// Sends the batch to the socket. Events that it does not accept stay in the batch, in order.
    async fn hand_over(&mut self, socket: &mut PushSocket) -> Result<(), ()> {
        let mut taken = 0;
        for message in &self.batch {
            if socket.send(message.clone()).await.is_err() {
                break;
            }
            taken += 1;
        }
        let complete = taken == self.batch.len();
        self.batch.drain(..taken);
        self.readings.handed_over.add(taken as u64);
        if complete { Ok(()) } else { Err(()) }
    }
}
