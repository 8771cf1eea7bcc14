//! Faults of the publisher service, its workers, its files and its machine
//! (docs/guarantees.md#publisher-service-workers-and-sockets): what was accepted arrives, or its loss is told; whoever has
//! nothing to do with the fault notices nothing.
//!
//! With `LONG=1` there are 100 kills.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

#[path = "service_faults/load.rs"]
mod load;
#[path = "service_faults/packed.rs"]
mod packed;
#[path = "service_faults/raw_publisher.rs"]
mod raw_publisher;
#[path = "service_faults/scene.rs"]
mod scene;

#[path = "service_faults/floods.rs"]
mod floods;
#[path = "service_faults/hangs.rs"]
mod hangs;
#[path = "service_faults/identities.rs"]
mod identities;
#[path = "service_faults/kills.rs"]
mod kills;
#[path = "service_faults/moves.rs"]
mod moves;
#[path = "service_faults/old_peers.rs"]
mod old_peers;
#[path = "service_faults/outboxes.rs"]
mod outboxes;
#[path = "service_faults/restarts.rs"]
mod restarts;
#[path = "service_faults/ring_files.rs"]
mod ring_files;
#[path = "service_faults/ring_returns.rs"]
mod ring_returns;
#[path = "service_faults/starvation.rs"]
mod starvation;
