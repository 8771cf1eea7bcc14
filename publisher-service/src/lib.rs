//! The publisher service: one per API host. Events come in from the workers over the multiproc driver, are checked,
//! and go out to the agents over the network driver.
//!
//! [`run`] is the program; [`PublisherService`] is what it runs, for embedding. One bad event, peer or error never ends
//! it: [`admit`] refuses by cause, the [`Forwarder`] counts and goes on.

mod admission;
mod forwarder;
mod program;
mod service;

pub use admission::admit;
pub use forwarder::Forwarder;
pub use program::{Arguments, run};
pub use service::PublisherService;

use drivers as _;
