//! The failure matrix: whole nodes on a network that loses, duplicates, reorders and delays packets, is cut and healed, with
//! nodes that crash, leave and start again, in virtual time. `validators` checks each promise of docs/guarantees.md by its
//! name.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod call_log;
mod record;
mod replica;
mod station;
mod truth;
mod validators;
mod world;

mod clocks;
mod cuts;
mod histories;
mod large;
mod leaders;
mod packets;
mod restarts;
mod slow;
mod standby;
mod streams;
