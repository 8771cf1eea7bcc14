//! The PUSH socket: a worker's end of the Unix socket to the publisher service of its host.
//!
//! Read [`PushPublisher`] first, which the contract names; then `link`, which connects for it, and `service_watch`, which
//! notices that the service has gone.

mod push_publisher;

mod link;

mod service_watch;

pub use push_publisher::PushPublisher;
