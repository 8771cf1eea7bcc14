//! What a running part reports to an operator: counters by cause, queues with their bounds, peers.
//!
//! Drivers and programs count with [`Counter`] and [`CauseCounter`], and report a [`Status`]. `pubsub-api` re-exports all
//! of it; only the crates below it name this crate.

mod cause_counter;
mod counter;
mod status;

pub use cause_counter::CauseCounter;
pub use counter::Counter;
pub use status::{CounterReading, PeerReading, QueueReading, Status};
