//! What both hops share: checks, refusals, and dropped events.

use std::time::Instant;

use bytes::Bytes;
use pubsub_api::wire::WireError;
use pubsub_api::{CauseCounter, Topic};

/// Counts a dropped event, and logs it at a limited rate.
pub(crate) fn refuse(refused: WireError, dropped: &CauseCounter) {
    if let Some(times) = dropped.count(refused.cause(), Instant::now()) {
        tracing::warn!(id = "SK0513", cause = refused.cause(), times, "dropped an invalid event: {refused}");
    }
}

/// Refuses a frame that is not a topic; `good` is the last valid one, which mostly arrives again.
#[inline]
pub(crate) fn check_topic(frame: &[u8], good: &mut Vec<u8>) -> Result<(), WireError> {
    // No topic is empty, nor is it good at the start, when none was found good.
    if frame.is_empty() || frame != good {
        let checked = Topic::new(Bytes::copy_from_slice(frame)).map_err(|_| WireError::BadTopic)?;
        good.clear();
        good.extend_from_slice(checked.as_bytes());
    }
    Ok(())
}
