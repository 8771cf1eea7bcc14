//! The PUSH socket: a worker's end of the Unix socket to the publisher service of its host. It connects as DEALER, so that
//! the service can acknowledge events.
//!
//! Read in this order:
//! - [`PushPublisher`], which the contract names;
//! - `outbox`: the encoded events that are not yet acknowledged, and its bounds;
//! - `unacked_window`: the part of them that the link has taken out to write, by sequence;
//! - `in_doubt`: the events that a service without acknowledgements may not have read;
//! - `connection`: one connection, from its handshake to its end; `link`: one connection after the other;
//! - `counters`: what the link counts.

mod push_publisher;

mod outbox;
mod unacked_window;

mod in_doubt;

mod connection;
mod link;

mod counters;

pub use push_publisher::PushPublisher;
