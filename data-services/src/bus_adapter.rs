//! The bus as packets, on any network driver.
//!
//! A node opens one driver, sends [packets](crate::packet::Packet) to everyone, to one instance or to the followers of a
//! table, and receives those of others. Nothing here relies on delivery, on order across destinations, on uniqueness, or
//! on receiving what oneself sends: a packet that comes back is dropped.
//!
//! # Hellos
//! On a driver without a broker, a node sends [`$hello`](pubsub_api::hello) about every second, together with its heartbeat, and
//! at once to a peer that subscribes. Without them no driver of a mesh could report that subscriptions are in force
//! ([`Notice::Subscribed`](pubsub_api::Notice)), a reconnection would never reset its backoff, a connection to a host name
//! would hold back what it receives for two seconds, and the packets of a node that is reached by two endpoints, such as a
//! name and an address, would arrive twice. Its stamp has the instance as publisher and the boot time as epoch. On a broker
//! the server confirms subscriptions, and nodes send no hello.
//!
//! # Listeners
//! A driver that sees the subscriptions of its peers shows when a peer receives what this node sends: when it has subscribed to
//! its inbox here, after what is for everyone. [`BusEvent::Listener`] reports it.
//!
//! # Sealed packets
//! Between nodes that have a keyring, packets are encrypted and authenticated with their topics, and each counts once
//! ([`PacketGuard`]). So whoever has not the key can neither read nor make a packet, nor repeat one, be it on its topic or on
//! another. Hellos are not sealed: they have the name of the node, and drivers read them.
//!
//! # Introductions
//! A node that connects to a seed hears it, and is not heard. [`BusAdapter::introduce`] sends a packet to the seed over the
//! request channel of the driver, DEALER to ROUTER; the seed receives it like any packet, and can connect back.

mod bus_event;
mod bus_options;
mod encoded_messages;
mod encoding;
mod endpoint;
mod hellos;
mod invalid;
mod metrics;
mod open_packets;
mod packet_guard;
mod received_topic;
mod receiving;
mod sending;
mod topics;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pubsub_api::{Batch, Error, ErrorKind, PubSubApi, Publisher, Result, Status, Subscriber};
use tokio::sync::RwLock;

pub(crate) use bus_event::BusEvent;
pub(crate) use bus_options::BusOptions;
pub(crate) use received_topic::TopicTraffic;

use crate::packet::Destination;
use crate::{NodeInstance, StreamName};
use hellos::Hellos;
use metrics::Metrics;
use packet_guard::PacketGuard;
use received_topic::ReceivedTopic;
use topics::Topics;

/// The maximum size of an encoded packet, in bytes: half of what an event may have. A larger message is sent in parts.
pub(crate) const MAX_PACKET_BYTES: usize = 512 * 1024;

/// The maximum size of the event of an introduction, in bytes: the drivers accept requests of 64 KiB, topic included. No
/// introduction of the membership comes near: the largest, of a node with 1,000 or more silent peers, has less than 16 KiB.
pub(crate) const MAX_INTRODUCTION_BYTES: usize = 63 * 1024;

/// A node's end of the bus.
pub(crate) struct BusAdapter {
    me: NodeInstance,
    topics: Topics,
    is_broker: bool,
    publisher: Arc<dyn Publisher>,
    subscriber: Arc<dyn Subscriber>,
    endpoint: Option<String>,
    /// What this node receives, by the bytes of the topic.
    received: Mutex<HashMap<Bytes, Arc<ReceivedTopic>>>,
    /// What the driver returned and was not yet decoded.
    batch: tokio::sync::Mutex<Batch>,
    /// What has arrived and was not yet taken: at most what the driver returned at once.
    arrived: Mutex<VecDeque<BusEvent>>,
    hellos: Option<Hellos>,
    guard: PacketGuard,
    metrics: Metrics,
    /// Held for reading by each send, so that `close` waits for those in progress.
    is_closed: RwLock<bool>,
}

impl BusAdapter {
    /// Binds or connects both ends of a driver, and subscribes to what is for everyone and to the inbox of `me`.
    ///
    /// # Errors
    /// Those of the driver: [`ErrorKind::Unavailable`] if the address is in use; [`ErrorKind::Settings`] if it is a
    /// wildcard and [`advertise`](BusOptions::advertise) is absent, and for an invalid keyring.
    pub(crate) async fn open(driver: &dyn PubSubApi, me: NodeInstance, options: BusOptions) -> Result<Self> {
        let BusOptions { bus, is_broker, advertise, sealing } = options;
        let guard = PacketGuard::start(sealing.as_ref())?;
        let mut adapter = Self {
            topics: Topics::new(bus),
            is_broker,
            publisher: driver.publisher(),
            subscriber: driver.subscriber(),
            endpoint: None,
            received: Mutex::default(),
            batch: tokio::sync::Mutex::default(),
            arrived: Mutex::default(),
            hellos: None,
            guard,
            metrics: Metrics::default(),
            is_closed: RwLock::new(false),
            me,
        };
        let started = adapter.start(advertise.as_deref()).await;
        if started.is_err() {
            // Nothing was sent yet.
            let _ = adapter.close().await;
        }
        started.map(|()| adapter)
    }

    async fn start(&mut self, advertise: Option<&str>) -> Result<()> {
        self.publisher.initialize().await?;
        self.register(Destination::Everyone)?;
        self.register(Destination::Instance(self.me.instance))?;
        if !self.is_broker {
            let unbound = || Error::new(ErrorKind::Internal, "the driver is initialized and has no endpoint");
            let bound = self.publisher.endpoint().ok_or_else(unbound)?;
            self.endpoint = Some(endpoint::reachable(&bound, advertise)?);
            self.hellos = Some(Hellos::start(&self.publisher, &self.me, &self.topics)?);
        }
        self.subscriber.initialize().await
    }

    /// Returns the endpoint at which other nodes reach this one; `None` on a broker.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Receives the changes of a table from now on. Returns `true` if it is new. On some drivers the subscription is in
    /// force only later; what the publisher sends before that is missed.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] above [`MAX_SUBSCRIPTIONS`](pubsub_api::MAX_SUBSCRIPTIONS).
    pub(crate) fn follow(&self, stream: &StreamName) -> Result<bool> {
        self.register(Destination::Followers(stream.clone()))
    }

    /// Ends [`follow`](Self::follow). Returns `true` if the table was followed.
    pub(crate) fn unfollow(&self, stream: &StreamName) -> bool {
        let Ok(topic) = self.topics.of(&Destination::Followers(stream.clone())) else { return false };
        let mut received = self.received();
        self.subscriber.unregister_topic(&topic.topic.clone().into());
        received.remove(topic.topic.as_bytes()).is_some()
    }

    /// Connects to another node. Returns `true` if it is new; an endpoint that is connected, the own one, and any endpoint
    /// on a broker change nothing. The node may be absent: connecting is retried.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] and [`ErrorKind::Unsupported`] for an endpoint that the driver cannot connect to.
    pub(crate) fn connect(&self, endpoint: &str) -> Result<bool> {
        if self.is_broker || self.endpoint() == Some(endpoint) {
            return Ok(false);
        }
        self.subscriber.register_listen_address(endpoint)
    }

    /// Disconnects from another node for good. Returns `true` if it was connected.
    pub(crate) fn disconnect(&self, endpoint: &str) -> bool {
        !self.is_broker && self.subscriber.unregister_listen_address(endpoint)
    }

    /// Returns the counters of the adapter, and the status of both ends of the driver.
    pub(crate) fn status(&self) -> Status {
        let mut status = self.metrics.read();
        status.merge(self.publisher.status());
        status.merge(self.subscriber.status());
        status
    }

    /// Returns what has arrived on each topic that this node receives, in no order.
    pub(crate) fn traffic(&self) -> Vec<TopicTraffic> {
        self.received().values().map(|topic| topic.traffic()).collect()
    }

    /// Ends the adapter: waits for the sends in progress, and for the driver to send what it accepted, within `linger`. What
    /// was received before can still be read. It can be called twice.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if an accepted packet could not be sent.
    pub(crate) async fn close(&self) -> Result<()> {
        *self.is_closed.write().await = true;
        if let Some(hellos) = &self.hellos {
            hellos.end();
        }
        let sent = self.publisher.close().await;
        self.subscriber.close().await;
        sent
    }

    /// The lock is held over the call of the driver, so that both agree whichever call comes first.
    fn register(&self, to: Destination) -> Result<bool> {
        let topic = self.topics.of(&to)?;
        let mut received = self.received();
        let is_new = self.subscriber.register_topic(topic.topic.clone().into())?;
        received.insert(topic.topic.to_bytes(), Arc::new(ReceivedTopic::new(to, topic)));
        Ok(is_new)
    }

    fn received(&self) -> MutexGuard<'_, HashMap<Bytes, Arc<ReceivedTopic>>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self) -> MutexGuard<'_, VecDeque<BusEvent>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BusAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusAdapter")
            .field("me", &self.me)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
