//! The reference drivers, on the `zeromq` crate: a short implementation for trusted networks.
//!
//! `zmq_pubsub_driver` publishes over TCP: [`PubPublisher`] binds, [`SubSubscriber`] connects to every publisher.
//! `zmq_pubsub_multiproc_driver` collects over a Unix socket: [`PullSubscriber`] binds, [`PushPublisher`] connects at
//! its first send. Both use Dragonflow's wire format (docs/dragonflow.md#wire-format): two frames, `[topic, map]`.
//!
//! # What the wrapper adds
//! The README lists the crate's weaknesses. This driver adds
//! - one supervised SUB socket per publisher and connection, with jittered back-off; it closes links that receive nothing
//!   for `dead_after` and sends filters in order, `$hello` last;
//! - a PUSH that reconnects, with a bounded queue in front of it and a `close` that lingers;
//! - socket files that are not taken from a running program ([`listen::UnixClaim`]);
//! - a count of the events that PUB has not written yet (`in_flight.rs`), so that a burst does not fill the crate's queue,
//!   which drops silently, and memory is bounded.
//!
//! # Known limits
//! See [`NETWORK`] and [`MULTIPROC`], which `skimmer drivers` shows.

mod in_flight;
mod peers;
mod publisher;
mod settings;
mod subscriber;
mod wire;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, PubSubEnds, Role};

pub use crate::settings::{SETTINGS, ZmqSettings};
pub use publisher::{PubPublisher, PushPublisher};
pub use subscriber::{PullSubscriber, SubSubscriber};

/// The capabilities of `zmq_pubsub_driver`.
pub const NETWORK: Capabilities = Capabilities {
    across_processes: true,
    bounded: true,
    limits: &[
        "Trusted networks only: any peer that can connect can end the process with a single header of nine bytes.",
        "Not isolated: events for a subscriber that does not read are kept in memory. Above max_in_flight_bytes nothing is \
         published to any subscriber, and the workers wait, until it reads or disconnects.",
        "While a subscriber does not read, bursts are paced by an estimate (2 µs per event and subscriber): on a slower \
         host, the crate's first queue of 100,000 events may drop events silently.",
        "Many subscriptions that arrive while events are sent can block the publisher permanently: the crate holds a lock \
         across a wait.",
        "Peers with ZMTP heartbeats (ZMQ_HEARTBEAT_IVL) are disconnected at every heartbeat.",
        "A peer that subscribed twice to a topic receives its events until it cancels twice; a libzmq peer cancels once, and \
         its own filter drops the events.",
        "A peer that uses the ZMTP identity of another peer replaces it.",
        "No authentication and no encryption.",
        "Only the next $hello confirms a subscription; events that are published before may be missed.",
        "Events published while a link is down are missed; the notices link_down and subscribed enclose the loss.",
        "Of a name in publishers_ips with several addresses only one is followed; the log warns.",
    ],
    ..Capabilities::NONE
};

/// The capabilities of `zmq_pubsub_multiproc_driver`.
pub const MULTIPROC: Capabilities = Capabilities {
    across_processes: true,
    bounded: true,
    limits: &[
        "Not confirmed: events that were written but not read by a service that dies are lost.",
        "Any process that may write to the socket (mode 0660) can end the service with a header of nine bytes.",
        "Peers with ZMTP heartbeats (ZMQ_HEARTBEAT_IVL) are disconnected at every heartbeat.",
        "A peer that uses the ZMTP identity of another peer replaces it.",
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
            Ok(Arc::new(PubSubEnds::new(PubPublisher::new(zmq.clone()), SubSubscriber::new(zmq))))
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
            Ok(Arc::new(PubSubEnds::new(PushPublisher::new(zmq.clone()), PullSubscriber::new(zmq))))
        },
    }
}
