//! The publishing ends, a folder for each socket: [`pub_`] binds and fans out, [`push`] connects a worker to the service of
//! its host.

mod pub_;
mod push;

pub use pub_::PubPublisher;
pub use push::PushPublisher;
