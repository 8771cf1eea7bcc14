//! The publisher: PUBLISH, and its answer.

mod counters;
mod link;
mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{Batch, Envelope, Error, ErrorKind, Posture, Publisher, Result, Status, Topic, wire};
use tokio::time::timeout;

use super::budget;
use super::nodes::Nodes;
use super::settings::PubSubSettings;
use counters::Counters;
use session::{Published, Session};

/// Limit of events of a batch that wait for their answers together.
const WINDOW_EVENTS: usize = 256;

/// Limit of bytes of a batch that wait together; a single event may exceed it.
const WINDOW_BYTES: usize = 1024 * 1024;

/// The publisher of `redis_db_pubsub_driver`: one connection to a random master, opened at the first `send`.
///
/// `new` and `initialize` open no connection, so both may be called before `fork`; a connection that was opened before `fork`
/// stays with the parent.
#[derive(Debug)]
pub(super) struct RedisPublisher {
    settings: Arc<PubSubSettings>,
    state: Mutex<State>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum State {
    /// Nothing was sent yet.
    New(Arc<Nodes>),
    Open(Arc<Nodes>, Arc<Session>),
    Closed,
}

impl RedisPublisher {
    pub(super) fn new(settings: Arc<PubSubSettings>) -> Self {
        let nodes = Arc::new(Nodes::new(Arc::clone(&settings)));
        Self { settings, state: Mutex::new(State::New(nodes)), counters: Arc::new(Counters::new()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This process's session; the first call creates it.
    fn session(&self) -> Result<Arc<Session>> {
        let mut state = self.state();
        let nodes = match &*state {
            State::Closed => return Err(Error::closed("publisher")),
            State::Open(_, session) if session.process == std::process::id() => {
                return Ok(Arc::clone(session));
            }
            State::Open(nodes, _) | State::New(nodes) => Arc::clone(nodes),
        };
        let (settings, counters) = (Arc::clone(&self.settings), Arc::clone(&self.counters));
        let session = Arc::new(Session::new(settings, Arc::clone(&nodes), counters));
        let before = std::mem::replace(&mut *state, State::Open(nodes, Arc::clone(&session)));
        if matches!(before, State::Open(..)) {
            // The parent's task does not exist in this process, so its values must not be touched, not even dropped.
            std::mem::forget(before);
        }
        Ok(session)
    }

    fn open_session(&self) -> Option<Arc<Session>> {
        match &*self.state() {
            State::Open(_, session) if session.process == std::process::id() => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// The next events of a batch that may be pending together. An event on a topic that the node has not accepted yet is
    /// the last one, because after a refusal the following events must stay unsent.
    fn window(&self, session: &Session, ahead: &mut Batch) -> Result<Vec<Envelope>> {
        let bound = WINDOW_EVENTS.min(self.settings.publish_in_flight_events);
        let (mut window, mut bytes) = (Vec::new(), 0);
        while window.len() < bound && bytes < WINDOW_BYTES {
            let envelope = match ahead.first_envelope() {
                None => break,
                Some(first) => {
                    first.and_then(|envelope| wire::check_size(&envelope.payload).map(|()| envelope))
                }
            };
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(error) if window.is_empty() => return Err(error),
                Err(_) => break,
            };
            ahead.advance(1);
            bytes += budget::cost(envelope.payload.len());
            let proven = session.is_proven(&envelope.topic);
            window.push(envelope);
            if !proven {
                break;
            }
        }
        Ok(window)
    }
}

impl Drop for RedisPublisher {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        if matches!(&state, State::Open(_, session) if session.process != std::process::id()) {
            // As in `session`: it belongs to the parent.
            std::mem::forget(state);
        }
    }
}

#[async_trait]
impl Publisher for RedisPublisher {
    async fn initialize(&self) -> Result<()> {
        let nodes = match &*self.state() {
            State::Closed => return Err(Error::closed("publisher")),
            State::New(nodes) | State::Open(nodes, _) => Arc::clone(nodes),
        };
        nodes.login().map(drop)
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        let session = self.session()?;
        let Published { accepted, result } =
            session.publish(vec![Envelope { topic: topic.clone(), payload }]).await;
        if accepted > 0 {
            session.prove(topic);
        }
        result
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        let mut ahead = batch.clone();
        while !batch.is_empty() {
            let session = self.session()?;
            let window = self.window(&session, &mut ahead)?;
            let last = window.last().map(|envelope| envelope.topic.clone());
            let Published { accepted, result } = session.publish(window).await;
            batch.advance(accepted);
            result?;
            if let Some(last) = last {
                session.prove(&last);
            }
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        let Some(session) = self.open_session() else { return Ok(()) };
        loop {
            let answered = self.counters.sent.get();
            if timeout(self.settings.send_timeout, session.events.empty()).await.is_ok() {
                return Ok(());
            }
            if self.counters.sent.get() == answered {
                let text = format!("Redis has not confirmed the last {} events", session.events.taken());
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
        }
    }

    async fn close(&self) -> Result<()> {
        let before = std::mem::replace(&mut *self.state(), State::Closed);
        let State::Open(nodes, session) = before else { return Ok(()) };
        if session.process != std::process::id() {
            std::mem::forget((nodes, session));
            return Ok(());
        }
        let in_time = timeout(self.settings.linger, session.events.empty()).await.is_ok();
        let left = session.events.taken();
        session.end();
        if in_time || left == 0 {
            return Ok(());
        }
        let text = format!(
            "Redis did not confirm the last {left} events within linger ({:?})",
            self.settings.linger
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn endpoint(&self) -> Option<String> {
        self.open_session()?.endpoint()
    }

    fn posture(&self) -> Vec<Posture> {
        vec![self.settings.redis.posture("broker")]
    }

    fn status(&self) -> Status {
        let session = self.open_session();
        let queues = session.iter().flat_map(|session| {
            let full = "send waits for send_timeout, then fails as overloaded";
            [
                session.events.read("publish_in_flight", "events", full),
                session.bytes.read("publish_in_flight_bytes", "bytes", full),
            ]
        });
        let queues = queues.collect();
        let peers = session.iter().filter_map(|session| session.peer()).collect();
        Status { counters: self.counters.read(), queues, peers, ..Status::default() }
    }
}
