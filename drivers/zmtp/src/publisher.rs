//! The sending ends: PUB, which binds and fans out, and the worker's, which connects to the service of its host.

mod pub_publisher;
mod pub_requests;
mod push_connection;
mod push_doubt;
mod push_link;
mod push_outbox;
mod push_publisher;
mod push_readings;
mod push_underway;

pub use pub_publisher::PubPublisher;
pub use push_publisher::PushPublisher;
