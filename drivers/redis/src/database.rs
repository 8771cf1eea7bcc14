//! `redis_nb_db_driver`: tables in Redis, in Dragonflow's layout.

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
    // Keyspace notifications are off by default, and clients that are disconnected miss them.
    watch: false,
    limits: &[
        "After a crash of Redis, only what it has saved survives: use appendonly yes. With appendfsync everysec, its default, \
         confirmed writes of up to two seconds can be missing then, also if its host did not crash; with always, none.",
        "A fail-over of a cluster can lose writes that the old master confirmed before it sent them to its replica.",
        "With a maxmemory-policy other than noeviction Redis deletes rows without notice when its memory is full; the driver \
         logs a warning.",
        "Calls without topic, listings and deleting a table read the names of all keys on all servers.",
        "A topic cannot hold a closing brace.",
        "A row that exists in both key layouts counts as one row: the one in the layout of key_layout. If programs of both \
         layouts create the same row at the same time, both may succeed.",
        "Without drivers.redis.tls nothing is encrypted, not even the password.",
    ],
};

inventory::submit! {
    DatabaseDriver {
        alias: "redis_nb_db_driver",
        summary: "tables in Redis, a single server or a cluster, in Dragonflow's layout",
        capabilities: DATABASE_CAPABILITIES,
        settings: SETTINGS,
        open: |settings| Ok(Arc::new(RedisDatabase::new(RedisSettings::read(settings)?))),
    }
}
