//! The driver for Redis: `redis_nb_db_driver`, the northbound database in a single server or in a cluster.
//!
//! Rows are Dragonflow's, key by key (dragonflow-pubsub.md 9.1): what either wrote, the other reads.
//!
//! # The rooms
//! - `servers`: which servers there are and which slots they serve, connections, redirects, deadlines, scans.
//! - `database`: the rows: how they are laid out in keys, and the calls of the contract.
//!
//! # What the library does, and what not
//! The `redis` crate encodes and decodes, logs in, and carries the commands of all callers on one connection to each
//! server. Redirects and repetitions are ours: the crate's cluster client sends a command again when the connection is lost
//! before the answer, so that a row that was created is reported as one that was there already. Here a write is sent once,
//! and again only after an answer that says that it was not done; a lost answer is an error in doubt.
//!
//! What the driver cannot promise stands in [`DATABASE_CAPABILITIES`], which `skimmer drivers` shows.

mod database;
mod servers;
mod settings;

pub use database::DATABASE_CAPABILITIES;
pub use settings::SETTINGS;
