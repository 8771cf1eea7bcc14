//! The drivers for Redis, a single server or a cluster: `redis_nb_db_driver`, the northbound database, and
//! `redis_db_pubsub_driver`, which sends events through the same servers.
//!
//! Rows have Dragonflow's format, key by key (docs/dragonflow.md#redis): each can read what the other wrote.
//!
//! # Modules
//! - `servers`: the servers and the slots they serve, connections, redirects, deadlines, scans.
//! - `database`: the rows: their layout in keys, and the calls of the contract.
//! - `pubsub`: publishers and subscribers, each with its own connection.
//!
//! # The `redis` crate
//! The `redis` crate encodes and decodes, logs in, and carries the commands of all callers on one connection to each
//! server. This crate handles redirects and retries itself: the library's cluster client repeats a command when the
//! connection is lost before the answer, so a create that succeeded can be reported as `AlreadyExists`. Here a write is sent
//! once, and repeated only after an answer that it was not done; a lost answer is an error in doubt.
//!
//! [`DATABASE_CAPABILITIES`] and [`PUBSUB_CAPABILITIES`] list what the drivers cannot promise; `skimmer drivers`
//! shows them.

mod database;
mod pubsub;
mod servers;
mod settings;

pub use crate::settings::SETTINGS;
pub use database::DATABASE_CAPABILITIES;
pub use pubsub::PUBSUB_CAPABILITIES;
