//! `redis_db_pubsub_driver`: channel = topic, payload = event map, nothing added (dragonflow-pubsub.md 3.5 and 8).
//!
//! - `node`, `nodes`: which masters there are, by each end's own look; one of them at random.
//! - `connection`, `wire`: one connection and what is spoken on it.
//! - `publisher`: PUBLISH, pipelined, each with its answer.
//! - `subscriber`: one task reads; what was asked for and confirmed is a state machine without I/O.

mod connection;
mod denied;
mod node;
mod nodes;
mod publisher;
mod room;
mod server_report;
mod settings;
mod subscriber;
mod wire;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, Error, ErrorKind, PubSubApi, Publisher, Role, Subscriber};

use crate::SETTINGS;
use publisher::RedisPublisher;
use settings::PubSubSettings;
use subscriber::RedisSubscriber;

/// What `redis_db_pubsub_driver` promises.
pub const PUBSUB_CAPABILITIES: Capabilities = Capabilities {
    across_processes: true,
    broker: true,
    confirms_publish: true,
    confirms_subscribe: true,
    native_patterns: true,
    bounded: true,
    isolated: true,
    survives_hostile_peers: true,
    authenticated: true,
    limits: &[
        "Redis keeps nothing: what is published while a subscriber is away is missed; link_down, subscribed and resync frame \
         the loss in the stream.",
        "Confirmed is by the node that answered, also if nobody listens there; to the other nodes of a cluster it goes over \
         the cluster's bus, which loses it without a word if a link between nodes is down or its buffer is full.",
        "A subscriber that does not read is disconnected by Redis above client-output-buffer-limit pubsub (32 MB, or 8 MB for \
         60 s, unless the server is told otherwise), and is told to resync.",
        "A node that left its cluster, a master that was demoted and a server whose address moved do not say so: until the next \
         look (topology_check_interval) their subscribers may miss events while they are live; then they reconnect and are \
         told to resync. A demotion that is undone between two looks is not noticed by subscribers.",
        "A publisher at a server alone counts an event as accepted if the server was a master after it: what a demoted master \
         accepted is in doubt. A master that was replaced and does not know it yet (a partition) accepts events all the same, \
         and so does a node that left its cluster, until the next look.",
        "An event whose answer was lost is sent again, so that it may arrive twice; numbered events are told apart.",
        "If a call of send_batch is dropped half-way, events that are left in the batch may have been taken.",
        "A subscription holds from the server's confirmation on: an event published right behind register_topic may be missed. \
         On the first connection subscribed is told behind the last confirmation.",
        "Authenticated is who the server lets in (password, ACL): without requirepass or ACL users everybody who can connect \
         publishes and reads. Publishers are not told apart by subscribers.",
        "On a channel called redis, maps of the table ha with the key nodes are taken for the node lists of Dragonflow's own \
         driver and not delivered; every other event on a topic of that name is.",
        "A cluster is watched with CLUSTER SLOTS, and a server alone with ROLE and INFO: a user that may not call them stays \
         with the hosts of the settings, whatever becomes of them.",
    ],
    ..Capabilities::NONE
};

inventory::submit! {
    Driver {
        alias: "redis_db_pubsub_driver",
        roles: &[Role::Network],
        summary: "PUBLISH and SUBSCRIBE at Redis, a single server or a cluster, as Dragonflow's",
        capabilities: PUBSUB_CAPABILITIES,
        settings: SETTINGS,
        open: |settings: &Settings, _| {
            let settings = Arc::new(PubSubSettings::read(settings)?);
            Ok(Arc::new(RedisPubSub {
                publisher: Arc::new(RedisPublisher::new(Arc::clone(&settings))),
                subscriber: Arc::new(RedisSubscriber::new(settings)),
            }))
        },
    }
}

/// The two ends.
#[derive(Debug)]
struct RedisPubSub {
    publisher: Arc<dyn Publisher>,
    subscriber: Arc<dyn Subscriber>,
}

impl PubSubApi for RedisPubSub {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }
}

/// What every end says after `close`.
fn closed(what: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the {what} was closed"))
}
