use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_channel::mpsc as monitor;
use futures_util::StreamExt;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Backoff, CauseCounter, Counter, CounterReading, HELLO, Incoming, Notice, PeerReading, PublisherEpoch,
    hello,
};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use zeromq::{Socket, SocketEvent, SocketOptions, SocketRecv, SubSocket, ZmqMessage};

use super::silence::Silence;
use crate::wire::{envelope, refuse};

/// The link to one publisher: connects, subscribes, reads, and starts over with a new socket when it breaks.
///
/// Each connection has a new socket, because the crate's own reconnection sends the filters in any order, and then the first
/// `$hello` would not confirm the other subscriptions.
pub(super) struct SubLink {
    parts: SubLinkParts,
    warned_of_addresses: bool,
    /// A hello arrived on an earlier connection. One that brings none has lost its subscriptions: the crate loses them when a
    /// subscriber reconnects at a bad time.
    expects_hellos: bool,
}

/// The parts of a link.
pub(super) struct SubLinkParts {
    pub(super) endpoint: String,
    pub(super) handshake_timeout: Duration,
    pub(super) dead_after: Duration,
    /// The wanted prefixes, in the order in which to subscribe to them.
    pub(super) filters: watch::Receiver<Arc<Vec<String>>>,
    pub(super) queue: mpsc::Sender<Incoming>,
    pub(super) counters: Arc<LinkCounters>,
    pub(super) state: Arc<LinkState>,
}

/// The counters that all links of a subscriber share.
#[derive(Debug)]
pub(super) struct LinkCounters {
    pub(super) received: Counter,
    pub(super) links_lost: Counter,
    pub(super) dropped: CauseCounter,
}

impl Default for LinkCounters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            links_lost: Counter::new("links_lost"),
            dropped: CauseCounter::new("frames_dropped"),
        }
    }
}

impl LinkCounters {
    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut readings = vec![self.received.read(), self.links_lost.read()];
        readings.extend(self.dropped.read());
        readings
    }
}

/// The state of a link.
#[derive(Debug, Default)]
pub(super) struct LinkState(AtomicU8);

const CONNECTING: u8 = 0;
const UP: u8 = 1;
const SUBSCRIBED: u8 = 2;

impl LinkState {
    pub(super) fn read(&self, endpoint: &str) -> PeerReading {
        let state = match self.0.load(Ordering::Relaxed) {
            CONNECTING => "connecting",
            UP => "up",
            _ => "subscribed",
        };
        PeerReading { endpoint: endpoint.to_owned(), state: state.to_owned() }
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Relaxed);
    }
}

/// The receiver of the queue was dropped.
struct Abandoned;

impl SubLink {
    pub(super) fn new(parts: SubLinkParts) -> Self {
        Self { parts, warned_of_addresses: false, expects_hellos: false }
    }

    /// Runs until it is aborted or the subscriber is closed.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut last_reason = String::new();
        loop {
            match self.connect().await {
                Ok(connection) => {
                    self.warn_of_addresses().await;
                    let Ok(proved) = self.serve(connection).await else { return };
                    if proved {
                        backoff.reset();
                    }
                    last_reason.clear();
                }
                Err(reason) if reason == last_reason => {}
                Err(reason) => {
                    tracing::info!(
                        id = "SK0503",
                        "cannot connect to {}, retrying: {reason}",
                        self.parts.endpoint
                    );
                    last_reason = reason;
                }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }

    /// Connects. A probe connection comes first, because the crate's own retries have little jitter and are up to 30 s apart.
    async fn connect(&self) -> Result<Connection, String> {
        let (endpoint, patience) = (&self.parts.endpoint, self.parts.handshake_timeout);
        let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
        let reached = timeout(patience, TcpStream::connect(address)).await;
        let reached = reached.map_err(|_| format!("no reply within {patience:?}"))?;
        drop(reached.map_err(|error| error.to_string())?);
        let mut options = SocketOptions::default();
        options.connect_timeout(patience);
        let mut socket = SubSocket::with_options(options);
        let events = socket.monitor();
        socket.connect(endpoint).await.map_err(|error| error.to_string())?;
        Ok(Connection { socket, events, placed: BTreeSet::new(), subscribed: false, lives: VecDeque::new() })
    }

    /// The crate connects to one address of a name.
    async fn warn_of_addresses(&mut self) {
        let endpoint = &self.parts.endpoint;
        if !self.warned_of_addresses && has_several_addresses(endpoint).await {
            self.warned_of_addresses = true;
            tracing::warn!(
                id = "SK0509",
                "{endpoint} has several addresses, but this driver follows only one; events of publishers at the other \
                 addresses are not received. Write each publisher into publishers_ips, or use zmtp_pubsub_driver"
            );
        }
    }

    /// Reads one connection until it breaks. Returns whether a hello arrived.
    async fn serve(&mut self, mut connection: Connection) -> Result<bool, Abandoned> {
        let publisher = self.parts.endpoint.clone();
        self.parts.state.set(UP);
        self.notify(Notice::LinkUp { publisher: publisher.clone() }).await?;
        let reason = match self.read(&mut connection).await? {
            Ok(()) => "the subscriber is closed".to_owned(),
            Err(reason) => reason,
        };
        self.parts.state.set(CONNECTING);
        self.parts.counters.links_lost.add(1);
        tracing::warn!(id = "SK0501", "lost the connection to {publisher}, reconnecting: {reason}");
        self.notify(Notice::LinkDown { publisher, reason }).await?;
        self.expects_hellos |= connection.subscribed;
        Ok(connection.subscribed)
    }

    async fn read(&mut self, connection: &mut Connection) -> Result<Result<(), String>, Abandoned> {
        let filters = Arc::clone(&self.parts.filters.borrow_and_update());
        if let Err(reason) = connection.place(&filters).await {
            return Ok(Err(reason));
        }
        let mut silence = Silence::new(self.parts.dead_after);
        loop {
            tokio::select! {
                received = connection.socket.recv() => match received {
                    Ok(message) => {
                        silence.broken();
                        self.take(connection, message).await?;
                        if self.parts.filters.has_changed().is_err() {
                            return Err(Abandoned);
                        }
                    }
                    Err(error) => return Ok(Err(error.to_string())),
                },
                changed = self.parts.filters.changed() => {
                    if changed.is_err() {
                        return Err(Abandoned);
                    }
                    let filters = Arc::clone(&self.parts.filters.borrow_and_update());
                    if let Err(reason) = connection.place(&filters).await {
                        return Ok(Err(reason));
                    }
                }
                event = connection.events.next() => {
                    if matches!(event, Some(SocketEvent::Disconnected(_)) | None) {
                        return Ok(Err("the publisher closed the connection".to_owned()));
                    }
                }
                () = silence.lasts(), if connection.subscribed || self.expects_hellos => {
                    return Ok(Err(format!("received nothing for {:?} (dead_after)", self.parts.dead_after)));
                }
            }
        }
    }

    async fn take(&self, connection: &mut Connection, message: ZmqMessage) -> Result<(), Abandoned> {
        let Some(envelope) = envelope(message, &self.parts.counters.dropped) else { return Ok(()) };
        let is_hello = envelope.topic == HELLO;
        // Only a valid hello confirms the link: a publisher without hellos must not count as dead when it is silent.
        if is_hello && let Err(refused) = EventRef::read(HELLO.as_bytes(), &envelope.payload) {
            refuse(refused, &self.parts.counters.dropped);
            return Ok(());
        }
        if is_hello {
            self.parts.state.set(SUBSCRIBED);
            let (publisher, publisher_epoch) =
                (self.parts.endpoint.clone(), hello::publisher_epoch(&envelope.payload));
            if connection.is_first(publisher_epoch) {
                self.notify(Notice::Subscribed { publisher, publisher_epoch }).await?;
            }
        }
        self.parts.queue.send(Incoming::Event(envelope)).await.map_err(|_| Abandoned)?;
        self.parts.counters.received.add(u64::from(!is_hello));
        Ok(())
    }

    async fn notify(&self, notice: Notice) -> Result<(), Abandoned> {
        self.parts.queue.send(Incoming::Notice(notice)).await.map_err(|_| Abandoned)
    }
}

/// Whether a name has several addresses of one family: a host with one of each is one publisher.
async fn has_several_addresses(endpoint: &str) -> bool {
    let Ok(found) = lookup_host(endpoint.strip_prefix("tcp://").unwrap_or(endpoint)).await else {
        return false;
    };
    let found: BTreeSet<SocketAddr> = found.collect();
    let ipv4 = found.iter().filter(|address| address.is_ipv4()).count();
    ipv4 > 1 || found.len() - ipv4 > 1
}

/// One connection and its subscriptions.
struct Connection {
    socket: SubSocket,
    events: monitor::Receiver<SocketEvent>,
    placed: BTreeSet<String>,
    /// Whether a hello has arrived.
    subscribed: bool,
    /// The publishers whose hellos have arrived; several if there is a proxy in front of them.
    lives: VecDeque<PublisherEpoch>,
}

/// The number of publisher epochs that are remembered on one connection. For a forgotten one, `subscribed` is only repeated.
const MAX_LIVES: usize = 256;

impl Connection {
    /// Whether this hello is the first one of the connection, or the first one of an epoch of a publisher.
    fn is_first(&mut self, life: Option<PublisherEpoch>) -> bool {
        let is_first = !std::mem::replace(&mut self.subscribed, true);
        let Some(life) = life else { return is_first };
        if self.lives.contains(&life) {
            return false;
        }
        if self.lives.len() >= MAX_LIVES {
            self.lives.pop_front();
        }
        self.lives.push_back(life);
        true
    }

    /// Subscribes to new filters in order, then once to `$hello`, and cancels the filters that are not wanted any more.
    async fn place(&mut self, filters: &[String]) -> Result<(), String> {
        for filter in filters {
            if self.placed.insert(filter.clone()) {
                self.socket.subscribe(filter).await.map_err(|error| error.to_string())?;
            }
        }
        if self.placed.insert(HELLO.as_str().to_owned()) {
            self.socket.subscribe(HELLO.as_str()).await.map_err(|error| error.to_string())?;
        }
        let unwanted: Vec<String> = self
            .placed
            .iter()
            .filter(|placed| *placed != HELLO.as_str() && !filters.contains(placed))
            .cloned()
            .collect();
        for filter in unwanted {
            self.placed.remove(&filter);
            self.socket.unsubscribe(&filter).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
