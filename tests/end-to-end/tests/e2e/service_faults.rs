//! Faults of the publisher service, its workers, its files and its machine
//! (docs/guarantees.md#publisher-service-workers-and-sockets): what was accepted arrives, or its loss is reported; a
//! subscriber that has nothing to do with the fault notices nothing.
//!
//! With `LONG=1` there are 100 kills.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod load;
mod packed;
mod raw_publisher;
mod scene;

mod floods;
mod hangs;
mod identities;
mod kills;
mod moves;
mod old_peers;
mod outboxes;
mod outgrown;
mod restarts;
mod ring_files;
mod ring_returns;
mod starvation;
