//! `redis_db_pubsub_driver`: channel = topic, payload = event map, unchanged (docs/dragonflow.md#redis).
//!
//! - `node`, `nodes`: the masters, which each publisher and subscriber finds itself, and the choice of a random one.
//! - `connection`, `wire`: one connection and its protocol.
//! - `publisher`: PUBLISH, pipelined, each with its answer.
//! - `subscriber`: one task reads; a state machine without I/O tracks the requested and confirmed subscriptions.

mod budget;
mod connection;
mod denied;
mod node;
mod nodes;
mod publisher;
mod server_report;
mod settings;
mod subscriber;
mod wire;

use std::sync::Arc;

use pubsub_api::settings::Settings;
use pubsub_api::{Capabilities, Driver, PubSubEnds, Role};

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
        "Redis stores nothing: a disconnected subscriber misses events; link_down, subscribed and resync mark the loss in the \
         stream.",
        "A confirmation comes from the node that answered, even without subscribers there; the other nodes of a cluster receive \
         the event over the cluster bus, which drops it silently if a link between nodes is down or its buffer is full.",
        "Redis disconnects a subscriber that does not read above client-output-buffer-limit pubsub (by default 32 MB, or 8 MB for \
         60 s); the subscriber receives a resync notice.",
        "A node that left its cluster, a master that was demoted and a server whose address moved do not report it: until the \
         next check (topology_check_interval) their subscribers may miss events while they are live; then they reconnect and \
         receive a resync notice. Subscribers do not notice a demotion that is reverted between two checks.",
        "A publisher at a standalone server counts an event as accepted if the server was a master after it: events that a demoted \
         master accepted are in doubt. A master that was replaced and does not know it yet (a partition), and a node that left \
         its cluster, accept events nevertheless, until the next check.",
        "An event whose answer was lost is sent again, so it may arrive twice; numbered events are deduplicated.",
        "If a call of send_batch is dropped before it completes, events that are left in the batch may have been accepted.",
        "A subscription is active from the server's confirmation on: an event published right after register_topic may be \
         missed. On the first connection, subscribed is reported after the last confirmation.",
        "Authentication is the server's (password, ACL): without requirepass or ACL users every client that can connect can publish \
         and read. Subscribers cannot identify publishers.",
        "On a channel called redis, maps of the table ha with the key nodes are treated as node lists of Dragonflow's own driver \
         and not delivered; all other events on a topic of that name are.",
        "A cluster is watched with CLUSTER SLOTS, and a standalone server with ROLE and INFO: if the user may not call them, the \
         driver uses only the hosts of the settings and does not notice changes.",
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
            Ok(Arc::new(PubSubEnds::new(RedisPublisher::new(Arc::clone(&settings)), RedisSubscriber::new(settings))))
        },
    }
}
