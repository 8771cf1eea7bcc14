//! The subscriber: SUBSCRIBE and PSUBSCRIBE on one connection.

mod counters;
mod filter;
mod lingering_filters;
mod link;
mod link_session;
mod queue;
mod recipient;
mod sent_subscriptions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use pubsub_api::{
    Error, ErrorKind, Incoming, MAX_SUBSCRIPTIONS, PeerReading, Posture, Result, Status, Subscriber,
    Subscription, Subscriptions,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::nodes::Nodes;
use super::settings::PubSubSettings;
use counters::Counters;
use link::SubLink;
use queue::{Queue, QueueSender};
use recipient::Recipient;

/// The subscriber of `redis_db_pubsub_driver`: one connection to a random master, with all subscriptions.
///
/// The driver checks topics itself, whatever the server sends, and again when an event leaves the queue: events may be queued
/// for a topic that was unsubscribed since.
#[derive(Debug)]
pub(super) struct RedisSubscriber {
    settings: Arc<PubSubSettings>,
    wanted: Arc<RwLock<Subscriptions>>,
    changes: watch::Sender<()>,
    state: Mutex<State>,
    queue: Queue,
    counters: Arc<Counters>,
    peer: Arc<Mutex<Option<PeerReading>>>,
}

#[derive(Debug)]
enum State {
    New(QueueSender),
    Running(QueueSender, JoinHandle<()>),
    Closed,
}

impl RedisSubscriber {
    pub(super) fn new(settings: Arc<PubSubSettings>) -> Self {
        let (sender, queue) = Queue::new(settings.recv_queue_events, settings.recv_queue_bytes);
        Self {
            settings,
            wanted: Arc::default(),
            changes: watch::Sender::new(()),
            state: Mutex::new(State::New(sender)),
            queue,
            counters: Arc::new(Counters::new()),
            peer: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants(&self, incoming: &Incoming) -> bool {
        match incoming {
            Incoming::Notice(_) => true,
            Incoming::Event(envelope) => {
                self.wanted.read().unwrap_or_else(PoisonError::into_inner).wants(&envelope.topic)
            }
        }
    }
}

impl Drop for RedisSubscriber {
    fn drop(&mut self) {
        if let State::Running(_, task) = &*self.state() {
            task.abort();
        }
    }
}

#[async_trait]
impl Subscriber for RedisSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut state = self.state();
        let sender = match &*state {
            State::Running(..) => return Ok(()),
            State::Closed => return Err(Error::closed("subscriber")),
            State::New(sender) => sender.clone(),
        };
        let nodes = Arc::new(Nodes::new(Arc::clone(&self.settings)));
        nodes.login()?;
        let recipient = Recipient {
            wanted: Arc::clone(&self.wanted),
            changes: self.changes.subscribe(),
            sender: sender.clone(),
            counters: Arc::clone(&self.counters),
            peer: Arc::clone(&self.peer),
        };
        let link = SubLink { nodes, dead_after: self.settings.dead_after, recipient };
        *state = State::Running(sender, tokio::spawn(link.run()));
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        let text = format!(
            "redis_db_pubsub_driver connects only to the servers of drivers.redis.hosts: set {endpoint:?} there"
        );
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = wanted.insert_below(MAX_SUBSCRIPTIONS, subscription)?;
        drop(wanted);
        if is_new {
            self.changes.send_replace(());
        }
        Ok(is_new)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let changed = self.wanted.write().unwrap_or_else(PoisonError::into_inner).remove(subscription);
        if changed {
            self.changes.send_replace(());
        }
        changed
    }

    async fn recv(&self) -> Result<Incoming> {
        loop {
            match self.queue.next().await {
                None => return Err(Error::closed("subscriber")),
                Some(next) if self.wants(&next) => return Ok(next),
                Some(_) => {}
            }
        }
    }

    async fn close(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Running(_, task) = before {
            task.abort();
        }
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn posture(&self) -> Vec<Posture> {
        vec![self.settings.redis.posture("broker")]
    }

    fn status(&self) -> Status {
        let state = self.state();
        let sender = match &*state {
            State::New(sender) | State::Running(sender, _) => Some(sender),
            State::Closed => None,
        };
        let queues = self.queue.read(sender, self.settings.recv_queue_events);
        let peers = self.peer.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        Status { counters: self.counters.read(), queues, peers, ..Status::default() }
    }
}
