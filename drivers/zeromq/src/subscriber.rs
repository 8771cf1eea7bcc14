//! The receiving ends, a folder for each socket: `sub` connects to publishers, `pull` binds and reads from workers.

mod pull;
mod sub;

pub use pull::PullSubscriber;
pub use sub::SubSubscriber;
