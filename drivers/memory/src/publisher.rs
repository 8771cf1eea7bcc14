//! The publishers: one for each hop.

mod multiproc_publisher;
mod network_publisher;

pub(crate) use multiproc_publisher::MultiprocPublisher;
pub(crate) use network_publisher::NetworkPublisher;

use pubsub_api::wire::MAX_RECEIVED_BYTES;
use pubsub_api::{Error, ErrorKind, Result};

/// Refuses a payload that is larger than receivers accept.
fn check_size(payload: &[u8]) -> Result<()> {
    if payload.len() <= MAX_RECEIVED_BYTES {
        return Ok(());
    }
    let text = format!(
        "the payload of {} bytes is too large: the limit is {MAX_RECEIVED_BYTES} bytes",
        payload.len()
    );
    Err(Error::new(ErrorKind::Invalid, text))
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the publisher is closed: open the driver again for a new one")
}
