//! Faults on the subscribers' side and on the way to them (docs/guarantees.md#subscribers-and-the-network): whoever was
//! stopped, cut off, robbed of events or given them twice says so, and ends with the truth; all others notice nothing.
//!
//! Each fault lasts for as short as shows its outcome; with `LONG=1` it lasts up to a minute, and has up to 1,000
//! subscribers.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

#[path = "subscriber_faults/agents.rs"]
mod agents;
#[path = "subscriber_faults/load.rs"]
mod load;
#[path = "subscriber_faults/proxy.rs"]
mod proxy;
#[path = "subscriber_faults/zmtp.rs"]
mod zmtp;

#[path = "subscriber_faults/chaos.rs"]
mod chaos;
#[path = "subscriber_faults/failing_handlers.rs"]
mod failing_handlers;
#[path = "subscriber_faults/late_joiners.rs"]
mod late_joiners;
#[path = "subscriber_faults/partitions.rs"]
mod partitions;
#[path = "subscriber_faults/positions.rs"]
mod positions;
#[path = "subscriber_faults/slow_subscribers.rs"]
mod slow_subscribers;
#[path = "subscriber_faults/snapshots.rs"]
mod snapshots;
#[path = "subscriber_faults/storms.rs"]
mod storms;
#[path = "subscriber_faults/stream_faults.rs"]
mod stream_faults;
#[path = "subscriber_faults/subscriptions.rs"]
mod subscriptions;
