use pubsub_api::wire::{self, EventRef, WireError};
use pubsub_api::{Error, ErrorKind};
use sealing::SealedParts;

use super::session::Session;
use crate::publisher::numbering::stamper::authored;

/// Checks that this is a valid event without a stamp, to which a stamp can be added, and of which these parts can be sealed.
pub(super) fn check(topic: &[u8], payload: &[u8], parts: Option<SealedParts>) -> Result<(), WireError> {
    if topic.first() == Some(&b'$') {
        return Err(WireError::ReservedTopic);
    }
    if wire::plain_row(topic, payload).is_none() {
        let event = EventRef::read(topic, payload)?;
        if event.stamp.is_some() {
            return Err(WireError::Stamped);
        }
        if event.sealed.is_some() {
            return Err(WireError::Sealed);
        }
    }
    authored(payload, parts).map(drop)
}

/// Counts a refused event; returns the error for its caller.
pub(super) fn invalid(session: &Session, topic: &[u8], refused: WireError) -> Error {
    let error = Error::new(ErrorKind::Invalid, refused.to_string());
    session.metrics.refuse(topic, refused.cause(), &error);
    error
}
