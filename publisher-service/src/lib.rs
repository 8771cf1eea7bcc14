//! The publisher service: one per API host. Events come in from the workers over the multiproc driver, are checked,
//! and go out to the agents over the network driver.
//!
//! [`run`] is the program; [`PublisherService`] is what it runs, for embedding. One bad event, peer or error never ends
//! it: [`admit`] refuses by cause, the [`Forwarder`] counts and goes on.
//!
//! With a northbound database it keeps its row in the directory of publishers, removes those of others that have ended,
//! watches tables, and says that it is alive. With a broker the workers publish themselves, and that is all it does.

mod admission;
mod dropped_event;
mod forwarder;
mod northbound_side;
mod program;
mod service;
mod shared_reading;
mod worker_side;

pub use admission::admit;
pub use forwarder::Forwarder;
pub use program::{Arguments, run};
pub use service::PublisherService;

use drivers as _;
