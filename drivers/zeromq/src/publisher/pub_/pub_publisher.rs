use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    CauseCounter, Counter, Error, ErrorKind, Posture, Publisher, QueueReading, Result, Status, Topic, wire,
};
use tokio::sync::Mutex;
use zeromq::{PubSocket, Socket, SocketSend};

use crate::ZmqSettings;
use crate::in_flight::InFlight;
use crate::peers::Peers;
use crate::publisher::writers::wait_for_writers;
use crate::wire::{message, unavailable};

/// The network publisher: PUB, bound to `publisher_bind_address` and `publisher_port`.
///
/// The crate puts an event into one queue of 100,000 events, from which a task copies it to a queue per subscriber. The first
/// queue drops silently when it is full; `send` therefore waits when a burst has put 50,000 events into it. The other queues
/// grow while a subscriber does not read; `max_in_flight_bytes` bounds them together.
#[derive(Debug)]
pub struct PubPublisher {
    settings: ZmqSettings,
    socket: Mutex<State>,
    endpoint: OnceLock<String>,
    in_flight: Arc<InFlight>,
    pace: std::sync::Mutex<Pace>,
    peers: Arc<Peers>,
    sent: Counter,
    refused: CauseCounter,
}

/// Half of the capacity of the crate's first queue (`PUB_SEND_QUEUE_CAPACITY`, zeromq 0.7.0 `src/pub.rs`).
const BURST_EVENTS: u64 = 50_000;

/// The time in which the crate's task empties [`BURST_EVENTS`] from the first queue: this much, plus this much for each
/// subscriber. That is 2 µs per event and subscriber; benches measure 0.7 µs of CPU for everything.
const BURST_TIME: Duration = Duration::from_millis(100);

/// The line of the settings that selects a driver which can authenticate subscribers.
const OTHER_DRIVER: &str =
    "pub_sub_driver = \"zmtp_pubsub_driver\"    # in [pubsub], with mechanism = \"curve\": docs/security.md";

/// The number of events in flight that wait for slow subscribers, and not in the first queue.
///
/// The crate does not report them separately. Events that are still in flight after the first queue had time to empty wait
/// for slow subscribers.
#[derive(Debug)]
struct Pace {
    kept: u64,
    /// The time at which the first queue had time to empty.
    since: Instant,
}

enum State {
    New,
    Open(PubSocket),
    Closed,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::New => "New",
            Self::Open(_) => "Open",
            Self::Closed => "Closed",
        })
    }
}

impl PubPublisher {
    pub(crate) fn new(settings: ZmqSettings) -> Self {
        Self {
            settings,
            socket: Mutex::new(State::New),
            endpoint: OnceLock::new(),
            in_flight: Arc::default(),
            pace: std::sync::Mutex::new(Pace { kept: 0, since: Instant::now() }),
            peers: Arc::default(),
            sent: Counter::new("events_sent"),
            refused: CauseCounter::new("events_refused"),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a burst no longer fills the crate's first queue.
    async fn make_room(&self) -> Result<()> {
        let on_their_way = self.in_flight.events();
        let (room, since) = {
            let mut pace = self.pace();
            pace.kept = pace.kept.min(on_their_way);
            (pace.kept.saturating_add(BURST_EVENTS), pace.since)
        };
        if on_their_way >= room {
            let subscribers = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
            let patience =
                BURST_TIME.saturating_mul(subscribers.saturating_add(1)).saturating_sub(since.elapsed());
            if !self.in_flight.wait_for(room, patience).await {
                *self.pace() = Pace { kept: self.in_flight.events(), since: Instant::now() };
            }
        }
        let limit = self.settings.max_in_flight_bytes;
        if self.in_flight.bytes() < limit {
            return Ok(());
        }
        let text = format!(
            "more than {limit} bytes wait for subscribers that do not read (drivers.zeromq.max_in_flight_bytes)"
        );
        if let Some(times) = self.refused.count("slow_subscriber", Instant::now()) {
            tracing::error!(id = "SK0902", times, "refusing events: {text}");
        }
        Err(Error::new(ErrorKind::Overloaded, text))
    }
}

#[async_trait]
impl Publisher for PubPublisher {
    async fn initialize(&self) -> Result<()> {
        let mut state = self.socket.lock().await;
        match *state {
            State::Open(_) => return Ok(()),
            State::Closed => return Err(Error::closed("publisher")),
            State::New => {}
        }
        self.check_exposure()?;
        let listener = listen::tcp(&self.settings.bind_address, self.settings.port)?;
        let mut socket = PubSocket::new();
        self.peers.follow(socket.monitor());
        let endpoint = socket.bind_listener(listener).await.map_err(|error| {
            unavailable(format!("cannot publish on {}", self.settings.bind_address), error)
        })?;
        self.endpoint.get_or_init(|| endpoint.to_string());
        *state = State::Open(socket);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.check_exposure()?;
        listen::check_tcp(&self.settings.bind_address, self.settings.port)
    }

    fn check_exposure(&self) -> Result<()> {
        self.settings.exposure.check(&self.settings.bind_address, OTHER_DRIVER)
    }

    fn posture(&self) -> Vec<Posture> {
        vec![self.settings.exposure.posture(&self.settings.bind_address)]
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        if !topic.is_reserved() {
            self.make_room().await?;
        }
        let mut state = self.socket.lock().await;
        let socket = match &mut *state {
            State::Open(socket) => socket,
            State::Closed => return Err(Error::closed("publisher")),
            State::New => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the publisher is not bound: call initialize first",
                ));
            }
        };
        let message = message(topic, self.in_flight.hold(payload));
        socket.send(message).await.map_err(|error| unavailable("cannot publish".to_owned(), error))?;
        self.sent.add(1);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        if self.in_flight.drain(self.settings.send_timeout).await {
            return Ok(());
        }
        let left = self.in_flight.events();
        Err(Error::new(ErrorKind::Unavailable, format!("{left} events are not written to all subscribers")))
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.socket.lock().await;
        let State::Open(socket) = std::mem::replace(&mut *state, State::Closed) else { return Ok(()) };
        let deadline = Instant::now() + self.settings.linger;
        // A dropped socket forgets the subscribers at once, so events in the first queue would be lost.
        self.in_flight.wait_for(0, self.settings.linger).await;
        let left = self.in_flight.events();
        let backend = Arc::downgrade(&socket.backend());
        socket.close().await;
        let written = wait_for_writers(backend, deadline.saturating_duration_since(Instant::now())).await;
        if written && left == 0 {
            return Ok(());
        }
        let text = format!(
            "{left} events were not written to all subscribers within linger ({:?}); they are lost",
            self.settings.linger
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn endpoint(&self) -> Option<String> {
        self.endpoint.get().cloned()
    }

    fn status(&self) -> Status {
        let mut counters = vec![self.sent.read()];
        counters.extend(self.refused.read());
        let queues = vec![QueueReading::new(
            "publish_in_flight",
            "bytes",
            (self.in_flight.bytes(), self.settings.max_in_flight_bytes),
            "new events are refused as overloaded",
        )];
        Status { counters, queues, peers: self.peers.read(), ..Status::default() }
    }
}
