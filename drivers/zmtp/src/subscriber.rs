//! The receiving ends: SUB, which connects to publishers, and PULL, which binds and takes from workers.

mod pull_subscriber;
mod sub_subscriber;

pub use pull_subscriber::PullSubscriber;
pub use sub_subscriber::SubSubscriber;
