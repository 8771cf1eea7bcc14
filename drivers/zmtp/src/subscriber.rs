//! The receiving ends, a folder for each socket: [`sub`] connects to publishers, [`pull`] binds and reads from workers.

pub(crate) mod sub;

mod pull;

pub use pull::PullSubscriber;
pub use sub::SubSubscriber;
