use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pubsub_api::{Backoff, Envelope, Error, ErrorKind, PeerReading, Result, Topic};
use tokio::time::{Instant, sleep, timeout_at};

use super::counters::Counters;
use super::link::{EventResult, PubLink, Window, WindowResult};
use crate::pubsub::budget::{Budget, cost};
use crate::pubsub::nodes::Nodes;
use crate::pubsub::settings::PubSubSettings;
use crate::servers::Endpoint;

/// Limit of attempts to send an event or to connect for it.
const TRIES: u32 = 3;

/// Limit of topics that are remembered as accepted.
const PROVEN_TOPICS: usize = 4096;

/// A publisher's state in one process: its connection, and what is pending on it. After a fork the child has its own.
#[derive(Debug)]
pub(super) struct Session {
    /// The id of its process.
    pub(super) process: u32,
    pub(super) settings: Arc<PubSubSettings>,
    nodes: Arc<Nodes>,
    pub(super) events: Budget,
    pub(super) bytes: Budget,
    link: Mutex<Option<Arc<PubLink>>>,
    /// One caller connects, and the others wait; `failures` counts failed attempts.
    connecting: tokio::sync::Mutex<()>,
    failures: AtomicU64,
    ended: AtomicBool,
    last: Mutex<Last>,
    /// Topics on which this node has accepted an event: after an event on another topic, nothing is sent before its answer.
    proven: Mutex<HashSet<Topic>>,
    pub(super) counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Last {
    /// Address of the last connection.
    endpoint: Option<Endpoint>,
    /// Why there is no connection.
    failure: Option<(ErrorKind, String)>,
}

/// The result of a window.
pub(super) struct Published {
    pub(super) accepted: usize,
    pub(super) result: Result<()>,
}

impl Session {
    pub(super) fn new(settings: Arc<PubSubSettings>, nodes: Arc<Nodes>, counters: Arc<Counters>) -> Self {
        Self {
            process: std::process::id(),
            nodes,
            events: Budget::new(settings.publish_in_flight_events),
            bytes: Budget::new(settings.publish_in_flight_bytes),
            settings,
            link: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(()),
            failures: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            last: Mutex::default(),
            proven: Mutex::default(),
            counters,
        }
    }

    /// Waits for room, sends, and waits for the answers.
    pub(super) async fn publish(&self, events: Vec<Envelope>) -> Published {
        let deadline = Instant::now() + self.settings.send_timeout;
        let bytes = events.iter().map(|event| cost(event.payload.len())).sum();
        let room = async { [self.events.take(events.len()).await, self.bytes.take(bytes).await] };
        let Ok(room) = timeout_at(deadline, room).await else {
            return Published { accepted: 0, result: Err(self.overloaded()) };
        };
        let mut trial = Attempts { session: self, accepted: 0, tries: 0, in_doubt: false };
        let result = trial.run(Window { events: events.into(), _room: room }, deadline).await;
        self.counters.sent.add(trial.accepted as u64);
        Published { accepted: trial.accepted, result: result.map_err(|error| self.counters.refused(error)) }
    }

    fn overloaded(&self) -> Error {
        let text = format!(
            "Redis has not answered {} events of {} bytes for {:?} (the limits are drivers.redis.publish_in_flight_events and \
             publish_in_flight_bytes)",
            self.events.taken(),
            self.bytes.taken(),
            self.settings.send_timeout
        );
        self.counters.refused(Error::new(ErrorKind::Overloaded, text))
    }

    /// The connection; if there is none, one caller opens it, and the others that wait share the result.
    async fn link(&self) -> Result<Arc<PubLink>> {
        if let Some(link) = self.current() {
            return Ok(link);
        }
        if self.ended.load(Ordering::SeqCst) {
            return Err(Error::closed("publisher"));
        }
        let failures = self.failures.load(Ordering::SeqCst);
        let _one = self.connecting.lock().await;
        if let Some(link) = self.current() {
            return Ok(link);
        }
        if self.failures.load(Ordering::SeqCst) != failures
            && let Some((kind, text)) = self.last().failure.clone()
        {
            return Err(Error::new(kind, text));
        }
        // The lost connection's server is tried last.
        let avoid = self.last().endpoint.clone();
        match self.nodes.connect(avoid.as_ref()).await {
            Ok(connection) => {
                let (waiting, dead_after) =
                    (self.settings.publish_in_flight_events, self.settings.dead_after);
                self.counters.connected.add(1);
                self.last().endpoint = Some(connection.endpoint().clone());
                self.proven().clear();
                let link = Arc::new(PubLink::start(connection, Arc::clone(&self.nodes), waiting, dead_after));
                *self.link_place() = Some(Arc::clone(&link));
                Ok(link)
            }
            Err(error) => {
                self.last().failure = Some((error.kind(), error.to_string()));
                self.failures.fetch_add(1, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    fn current(&self) -> Option<Arc<PubLink>> {
        self.link_place().as_ref().filter(|link| link.is_up()).cloned()
    }

    /// Ends the connection, and everything pending on it, permanently.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(link) = self.link_place().take() {
            link.end();
        }
    }

    /// Whether an event on this topic was accepted on this connection.
    pub(super) fn is_proven(&self, topic: &Topic) -> bool {
        self.proven().contains(topic)
    }

    pub(super) fn prove(&self, topic: &Topic) {
        let mut proven = self.proven();
        if proven.len() >= PROVEN_TOPICS {
            proven.clear();
        }
        // A copy: a topic from a batch would keep the memory of the batch.
        if !proven.contains(topic)
            && let Ok(topic) = Topic::new(Bytes::copy_from_slice(topic.as_bytes()))
        {
            proven.insert(topic);
        }
    }

    pub(super) fn endpoint(&self) -> Option<String> {
        self.last().endpoint.as_ref().map(Endpoint::to_string)
    }

    pub(super) fn peer(&self) -> Option<PeerReading> {
        let state = if self.current().is_some() { "up" } else { "down" };
        self.endpoint().map(|endpoint| PeerReading { endpoint, state: state.to_owned() })
    }

    fn proven(&self) -> MutexGuard<'_, HashSet<Topic>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link_place(&self) -> MutexGuard<'_, Option<Arc<PubLink>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The attempts for one window.
struct Attempts<'a> {
    session: &'a Session,
    accepted: usize,
    tries: u32,
    /// Whether the first event without an answer may have been accepted.
    in_doubt: bool,
}

impl Attempts<'_> {
    async fn run(&mut self, window: Window, deadline: Instant) -> Result<()> {
        let mut window = window;
        let mut backoff = Backoff::default();
        loop {
            self.tries += 1;
            let link = match timeout_at(deadline, self.session.link()).await {
                Ok(Ok(link)) => link,
                Ok(Err(error)) if self.tries >= TRIES || error.kind() == ErrorKind::Settings => {
                    return Err(self.failed(error.kind(), &error.to_string()));
                }
                Ok(Err(error)) => {
                    let pause = backoff.next_delay(fastrand::f64());
                    if Instant::now() + pause >= deadline {
                        return Err(self.failed(error.kind(), &error.to_string()));
                    }
                    sleep(pause).await;
                    continue;
                }
                Err(_) => return Err(self.failed(ErrorKind::Unavailable, "no node could be reached in time")),
            };
            let Ok(Some(answered)) = timeout_at(deadline, link.publish(window)).await else {
                self.in_doubt = true;
                let why = format!("{} did not answer within send_timeout", link.endpoint);
                return Err(self.failed(ErrorKind::Unavailable, &why));
            };
            let WindowResult { answers, rest, lost } = answered;
            self.count(answers)?;
            let Some(lost) = lost else { return Ok(()) };
            self.in_doubt |= lost.in_doubt;
            if self.tries >= TRIES {
                let why = format!("{}: {}", link.endpoint, lost.why);
                return Err(self.failed(ErrorKind::Unavailable, &why));
            }
            self.session.counters.retried.add(1);
            window = rest;
        }
    }

    fn count(&mut self, answers: Vec<EventResult>) -> Result<()> {
        for answer in answers {
            match answer {
                EventResult::Accepted => {
                    self.accepted += 1;
                    self.tries = 1;
                }
                EventResult::Refused(error) if self.in_doubt => {
                    return Err(self.failed(error.kind(), &error.to_string()));
                }
                EventResult::Refused(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn failed(&self, kind: ErrorKind, why: &str) -> Error {
        if !self.in_doubt {
            return Error::new(kind, format!("cannot publish: {why}"));
        }
        let text =
            format!("the event was sent and not confirmed: subscribers may or may not receive it ({why})");
        Error::new(ErrorKind::InDoubt, text)
    }
}
