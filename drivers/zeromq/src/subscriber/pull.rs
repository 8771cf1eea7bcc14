//! The PULL socket: the service's end of the Unix socket to the workers of its host.

mod pull_subscriber;

pub use pull_subscriber::PullSubscriber;
