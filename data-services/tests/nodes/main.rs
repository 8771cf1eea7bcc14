//! Nodes on every network driver: each case of `cases` runs on the memory driver, on zmtp sockets and on a Redis server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod blocking;
mod bus;
mod calls;
mod choices;
mod declarations;
mod deliveries;
mod held_driver;
mod leaders;
mod lifecycle;
mod membership;
mod overflow;
mod routing;
mod standby;
mod streams;
mod subscribers;
mod tables;
mod traces;
mod updates;
mod uploads;
mod wait;
