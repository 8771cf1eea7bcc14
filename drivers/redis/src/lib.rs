//! The drivers for Redis, a single server or a cluster: `redis_nb_db_driver`, the northbound database, and
//! `redis_db_pubsub_driver`, events by way of the same servers.
//!
//! Rows are Dragonflow's, key by key (dragonflow-pubsub.md 9.1): what either wrote, the other reads.
//!
//! # The rooms
//! - `servers`: which servers there are and which slots they serve, connections, redirects, deadlines, scans.
//! - `database`: the rows: how they are laid out in keys, and the calls of the contract.
//! - `pubsub`: publishers and subscribers, each with one connection of its own.
//!
//! # What the library does, and what not
//! The `redis` crate encodes and decodes, logs in, and carries the commands of all callers on one connection to each
//! server. Redirects and repetitions are ours: the crate's cluster client sends a command again when the connection is lost
//! before the answer, so that a row that was created is reported as one that was there already. Here a write is sent once,
//! and again only after an answer that says that it was not done; a lost answer is an error in doubt.
//!
//! What the drivers cannot promise stands in [`DATABASE_CAPABILITIES`] and [`PUBSUB_CAPABILITIES`], which `skimmer drivers`
//! shows.

mod database;
mod pubsub;
mod servers;
mod settings;

pub use database::DATABASE_CAPABILITIES;
pub use pubsub::PUBSUB_CAPABILITIES;
pub use settings::SETTINGS;
