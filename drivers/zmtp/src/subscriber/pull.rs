//! The PULL socket: the service's end of the Unix socket to the workers of its host. It serves PUSH as PULL, and DEALER as
//! ROUTER.
//!
//! Read [`PullSubscriber`] first, which the contract names; then [`intake`], which accepts workers and reads their events;
//! then `credentials`, which checks the user of a worker and the owner of the socket file.

mod publish_rights;
mod pull_subscriber;

mod intake;

mod credentials;

pub use pull_subscriber::PullSubscriber;
