//! The receiving ends: SUB connects to publishers, PULL binds a socket.

mod pull_subscriber;
mod silence;
mod sub_link;
mod sub_subscriber;

pub use pull_subscriber::PullSubscriber;
pub use sub_subscriber::SubSubscriber;
