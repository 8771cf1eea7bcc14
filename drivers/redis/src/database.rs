//! `redis_nb_db_driver`: tables in Redis, laid out as Dragonflow does.

mod batches;
mod calls;
mod commands;
mod find;
mod key_layout;
mod listing;
mod redis_database;
mod unique_key;

use std::sync::Arc;

use pubsub_api::database::{DatabaseCapabilities, DatabaseDriver};

use crate::SETTINGS;
use crate::settings::RedisSettings;
pub(crate) use key_layout::KeyLayout;
use redis_database::RedisDatabase;

/// What `redis_nb_db_driver` promises.
pub const DATABASE_CAPABILITIES: DatabaseCapabilities = DatabaseCapabilities {
    across_processes: true,
    across_hosts: true,
    persistent: true,
    atomic_batches: false,
    // Keyspace notifications are off unless the server is told otherwise, and reach nobody who is away.
    watch: false,
    limits: &[
        "What outlives a crash of Redis is what Redis was told to save: use appendonly yes.",
        "A fail-over of a cluster can lose what the old master had confirmed and not yet sent to its replica.",
        "With a maxmemory-policy other than noeviction Redis deletes rows without notice when its memory is full: a warning says \
         so.",
        "Calls without topic, listings and deleting a table read the names of all keys on all servers.",
        "A topic cannot hold a closing brace.",
        "A row that is there in both key layouts is one row: the one that key_layout names. While programs of both layouts \
         create one row at the same time, both may succeed.",
        "Without drivers.redis.tls nothing is encrypted, the password included.",
    ],
};

inventory::submit! {
    DatabaseDriver {
        alias: "redis_nb_db_driver",
        summary: "tables in Redis, a single server or a cluster, laid out as Dragonflow's",
        capabilities: DATABASE_CAPABILITIES,
        settings: SETTINGS,
        open: |settings| Ok(Arc::new(RedisDatabase::new(RedisSettings::read(settings)?))),
    }
}
