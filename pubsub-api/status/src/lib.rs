//! What a running part reports to an operator: counters by cause, queues with their bounds, peers, and who was refused.
//!
//! Drivers and programs count with [`Counter`] and [`CauseCounter`], and report a [`Status`]. `pubsub-api` re-exports all
//! of it; only the crates below it name this crate.
//!
//! A part that counts, and that has a queue, reports both:
//!
//! ```
//! use status::{CauseCounter, Counter, QueueReading, Status};
//! use std::time::Instant;
//!
//! let received = Counter::new("events_received");
//! let dropped = CauseCounter::new("events_dropped");
//! received.add(3);
//! dropped.count("too_big", Instant::now());
//!
//! let mut counters = vec![received.read()];
//! counters.extend(dropped.read());
//! let queue = QueueReading {
//!     name: "inbox".to_owned(),
//!     depth: 2,
//!     bound: 1000,
//!     unit: "events".to_owned(),
//!     when_full: "the subscriber stops reading".to_owned(),
//! };
//! let status = Status { counters, queues: vec![queue], ..Status::default() };
//! assert_eq!(status.counter("events_received", None), 3);
//! assert_eq!(status.counter("events_dropped", Some("too_big")), 1);
//! ```

mod cause_counter;
mod counter;
mod latency_counter;
mod named_counters;
mod refusal_journal;
mod status;

pub use cause_counter::CauseCounter;
pub use counter::Counter;
pub use latency_counter::{LATENCY_BOUNDS_US, LatencyBatch, LatencyBucket, LatencyCounter, LatencyReading};
pub use named_counters::{NamedCounters, NamedReading, NamedValue};
pub use refusal_journal::RefusalJournal;
pub use status::{CounterReading, PeerReading, QueueReading, RefusalReading, Status};
