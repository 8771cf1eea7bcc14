//! The publishing ends, a folder for each socket: `pub_` binds a port, `push` connects a worker to the service of its host.

mod pub_;
mod push;

mod writers;

pub use pub_::PubPublisher;
pub use push::PushPublisher;
