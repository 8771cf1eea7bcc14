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
mod worker_side;

mod network;

mod local_addresses;
mod public_host;

mod northbound_side;
mod shared_reading;

mod prepared;
mod service;

mod check;
mod program;

pub use admission::admit;
pub use check::{Addresses, check, check_names};
pub use forwarder::Forwarder;
pub use program::{Arguments, run};
pub use service::PublisherService;

use drivers as _;
