//! `memory_nb_db_driver`: tables in a map within the process, for tests and embedding.

mod memory_database;
mod store;
mod tables;

use std::sync::Arc;

use pubsub_api::Result;
use pubsub_api::database::{DatabaseCapabilities, DatabaseDriver, DbApi};
use pubsub_api::settings::Settings;

use crate::SETTINGS;
use memory_database::MemoryDatabase;

/// What `memory_nb_db_driver` promises.
pub const DATABASE_CAPABILITIES: DatabaseCapabilities = DatabaseCapabilities {
    atomic_batches: true,
    watch: true,
    limits: &[
        "Within one process only: another process, even on the same host, sees another database.",
        "Rows live until the process ends: closing frees nothing, and nothing is saved.",
        "The size is limited only by the memory of the process.",
    ],
    ..DatabaseCapabilities::NONE
};

inventory::submit! {
    DatabaseDriver {
        alias: "memory_nb_db_driver",
        summary: "tables within one process: for tests and embedding",
        capabilities: DATABASE_CAPABILITIES,
        settings: SETTINGS,
        open,
    }
}

fn open(settings: &Settings) -> Result<Arc<dyn DbApi>> {
    Ok(Arc::new(MemoryDatabase::new(settings.section("drivers.memory").get("database")?)))
}
