//! Full sync: an agent is what the northbound database says, whatever it has missed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

#[path = "full_sync/database.rs"]
mod database;

#[path = "full_sync/agents.rs"]
mod agents;
#[path = "full_sync/asking.rs"]
mod asking;
#[path = "full_sync/deletes.rs"]
mod deletes;
#[path = "full_sync/publishers.rs"]
mod publishers;
