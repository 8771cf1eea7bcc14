//! The sending ends: PUB, which binds and fans out, and PUSH, which connects to the service of its host.

mod pub_publisher;
mod push_connection;
mod push_doubt;
mod push_link;
mod push_outbox;
mod push_publisher;

pub use pub_publisher::PubPublisher;
pub use push_publisher::PushPublisher;
