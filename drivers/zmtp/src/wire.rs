//! What both hops share: checks, refusals, and dropped events.

use std::time::Instant;

use bytes::Bytes;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};
use pubsub_api::{CauseCounter, Error, ErrorKind, Result, Topic};

/// Counts a dropped event, and logs it at a limited rate.
pub(crate) fn refuse(refused: WireError, dropped: &CauseCounter) {
    if let Some(times) = dropped.count(refused.cause(), Instant::now()) {
        tracing::warn!(cause = refused.cause(), times, "dropped an invalid event: {refused}");
    }
}

/// Refuses a frame that is not a topic; `good` is the last valid one, which mostly arrives again.
#[inline]
pub(crate) fn check_topic(frame: &[u8], good: &mut Vec<u8>) -> std::result::Result<(), WireError> {
    // No topic is empty, nor is it good at the start, when none was found good.
    if frame.is_empty() || frame != good {
        let checked = Topic::new(Bytes::copy_from_slice(frame)).map_err(|_| WireError::BadTopic)?;
        good.clear();
        good.extend_from_slice(checked.as_bytes());
    }
    Ok(())
}

/// Refuses an event that no receiver accepts.
pub(crate) fn check_size(payload: &[u8]) -> Result<()> {
    if payload.len() <= MAX_RECEIVED_BYTES {
        return Ok(());
    }
    let text = format!("an event has at most {MAX_RECEIVED_BYTES} bytes, this one has {}", payload.len());
    Err(Error::new(ErrorKind::Invalid, text))
}

/// The error of every end after `close`.
pub(crate) fn closed(what: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the {what} was closed"))
}
