//! The PUB socket: binds a port, and publishes to every subscriber.

mod pub_publisher;

pub use pub_publisher::PubPublisher;
