//! Faults on the subscribers' side and on the way to them (docs/guarantees.md#subscribers-and-the-network): whoever was
//! stopped, cut off, robbed of events or given them twice says so, and ends with the truth; all others notice nothing.
//!
//! Each fault lasts for as short as shows its outcome; with `LONG=1` it lasts up to a minute, and has up to 1,000
//! subscribers.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

mod agents;
mod load;
mod proxy;
mod zmtp;

mod chaos;
mod failing_handlers;
mod late_joiners;
mod partitions;
mod positions;
mod slow_subscribers;
mod snapshots;
mod storms;
mod stream_faults;
mod subscriptions;
