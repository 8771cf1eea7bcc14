//! The PUB socket: one publisher, thousands of subscribers over TCP.
//!
//! Read [`PubPublisher`] first, which the contract names; then [`fanout`], which encodes an event once and writes it to each
//! connection that subscribes to it. `requests` serves the requests of subscribers; their queues are in
//! [`crate::request`].

mod pub_publisher;

mod fanout;

mod requests;

pub use pub_publisher::PubPublisher;
