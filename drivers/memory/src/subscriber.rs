//! The subscribers: one for each hop.

mod multiproc_subscriber;
mod network_subscriber;

pub(crate) use multiproc_subscriber::MultiprocSubscriber;
pub(crate) use network_subscriber::NetworkSubscriber;

use pubsub_api::{Error, ErrorKind};

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the subscriber is closed: open the driver again for a new one")
}
