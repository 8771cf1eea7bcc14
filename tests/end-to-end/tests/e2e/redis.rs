//! Redis, from end to end: workers, services and agents on a real server or cluster that is killed, halted, cut off and
//! resharded meanwhile (docs/guarantees.md#environment-database-and-brokers, docs/dragonflow.md#d28 to D36).
//!
//! Objects are written by a [load](load::Load) that uses the façade as an API server does. The results are kept, so that a
//! test knows what the database must hold; and every agent must come to hold the same.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod agents;
mod calls;
mod load;
mod reshard;
mod rows;
mod scene;

mod cluster;
mod links;
mod publishing;
mod roles;
mod server;
