//! The reference drivers, on the `zeromq` crate: short to read, known to everyone, for trusted networks.
//!
//! `zmq_pubsub_driver` publishes over TCP: [`PubPublisher`] binds, [`SubSubscriber`] connects to every publisher.
//! `zmq_pubsub_multiproc_driver` collects over a Unix socket: [`PullSubscriber`] binds, [`PushPublisher`] connects at
//! its first send. On the wire both are Dragonflow's (docs/dragonflow.md#wire-format): two frames, `[topic, map]`.
//!
//! # What the wrapper mends
//! The crate's weaknesses are listed in the README. Around it, this driver adds
//! - one SUB socket per publisher and per connection, supervised, with jittered back-off and an end to links on which
//!   nothing comes for `dead_after`; filters go out in order, `$hello` last;
//! - PUSH that connects again, with a bounded queue in front and a lingering close;
//! - socket files that are never stolen ([`listen::UnixClaim`]);
//! - a count of what PUB has not written yet (`in_flight.rs`): the crate's own queue, which drops without a word, is
//!   never filled by a burst, and memory has a bound.
//!
//! # What it cannot mend
//! Stands in [`NETWORK`] and [`MULTIPROC`], which `skimmer drivers` shows.

mod in_flight;
mod peers;
mod publisher;
mod settings;
mod subscriber;
mod wire;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, PubSubApi, Publisher, Role, Subscriber};

pub use crate::settings::{SETTINGS, ZmqSettings};
pub use publisher::{PubPublisher, PushPublisher};
pub use subscriber::{PullSubscriber, SubSubscriber};

/// What `zmq_pubsub_driver` promises.
pub const NETWORK: Capabilities = Capabilities {
    across_processes: true,
    bounded: true,
    limits: &[
        "Trusted networks only: a single header of nine bytes, from anyone who can connect, ends the process.",
        "Not isolated: what a subscriber does not read is kept for it, and above max_in_flight_bytes nothing is \
         published to anyone, and the workers wait, until it reads or leaves.",
        "While a subscriber does not read, bursts are paced by an estimate (2 µs per event and subscriber): on a host \
         slower than that, the crate's first queue of 100,000 events may drop without a word.",
        "Many subscriptions that arrive while events go out can stop the publisher for good: a lock inside the crate is \
         held across a wait.",
        "Peers with ZMTP heartbeats (ZMQ_HEARTBEAT_IVL) are disconnected at every beat.",
        "A peer that subscribed twice to a topic is sent its events until it cancels twice; a libzmq peer cancels once, and \
         its own filter drops them.",
        "A peer that claims the ZMTP identity of another takes its place.",
        "Nobody is authenticated and nothing is encrypted.",
        "A subscription is proved only by the next $hello; what is published before may be missed.",
        "Of a name with several addresses in publishers_ips one is followed, and a line in the log warns.",
        "Events published while a link is down are missed; link_down and subscribed frame the loss in the stream.",
    ],
    ..Capabilities::NONE
};

/// What `zmq_pubsub_multiproc_driver` promises.
pub const MULTIPROC: Capabilities = Capabilities {
    across_processes: true,
    bounded: true,
    limits: &[
        "Handed over, not confirmed: what was written and not yet read by a service that dies is lost.",
        "Any process that may write the socket (mode 0660) can end the service with a header of nine bytes.",
        "Peers with ZMTP heartbeats (ZMQ_HEARTBEAT_IVL) are disconnected at every beat.",
        "A peer that claims the ZMTP identity of another takes its place.",
    ],
    ..Capabilities::NONE
};

inventory::submit! {
    Driver {
        alias: "zmq_pubsub_driver",
        roles: &[Role::Network],
        summary: "ZeroMQ PUB/SUB over TCP, on the zeromq crate: the reference, for trusted networks",
        capabilities: NETWORK,
        settings: SETTINGS,
        open: |settings, _| {
            let zmq = ZmqSettings::network(settings)?;
            Ok(Arc::new(ZmqPubSub {
                publisher: Arc::new(PubPublisher::new(zmq.clone())),
                subscriber: Arc::new(SubSubscriber::new(zmq)),
            }))
        },
    }
}

inventory::submit! {
    Driver {
        alias: "zmq_pubsub_multiproc_driver",
        roles: &[Role::Multiproc],
        summary: "ZeroMQ PUSH/PULL over a Unix socket, on the zeromq crate: the reference",
        capabilities: MULTIPROC,
        settings: SETTINGS,
        open: |settings: &Settings, _| {
            let zmq = ZmqSettings::multiproc(settings)?;
            Ok(Arc::new(ZmqPubSub {
                publisher: Arc::new(PushPublisher::new(zmq.clone())),
                subscriber: Arc::new(PullSubscriber::new(zmq)),
            }))
        },
    }
}

/// The two ends of either driver.
#[derive(Debug)]
struct ZmqPubSub {
    publisher: Arc<dyn Publisher>,
    subscriber: Arc<dyn Subscriber>,
}

impl PubSubApi for ZmqPubSub {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }
}
