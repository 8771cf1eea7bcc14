//! The kinds of services, each in a cage on real nodes.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bus;
mod mortal_driver;
mod scripted;
mod view;
mod wait;

mod bridge;
mod cage_calls;
mod filter;
mod folder;
mod northbound;
mod polling;
mod pushed;
mod supervision;
mod traces;
