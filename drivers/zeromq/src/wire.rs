//! Frames ↔ envelopes, and the only place that reads the crate's errors.

use std::time::Instant;

use bytes::Bytes;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};
use pubsub_api::{CauseCounter, Envelope, Error, ErrorKind, Result, Topic};
use zeromq::{ZmqError, ZmqMessage};

/// Makes an envelope from two frames; anything else is dropped, counted in `dropped` and logged at a limited rate.
pub(crate) fn envelope(message: ZmqMessage, dropped: &CauseCounter) -> Option<Envelope> {
    match read(message) {
        Ok(envelope) => Some(envelope),
        Err(refused) => {
            refuse(refused, dropped);
            None
        }
    }
}

/// Counts a dropped message and logs it at a limited rate.
pub(crate) fn refuse(refused: WireError, dropped: &CauseCounter) {
    if let Some(times) = dropped.count(refused.cause(), Instant::now()) {
        tracing::warn!(
            id = "SK0513",
            cause = refused.cause(),
            times,
            "dropped a malformed message: {refused}"
        );
    }
}

fn read(message: ZmqMessage) -> Result<Envelope, WireError> {
    let frames: [Bytes; 2] = message.into_vec().try_into().map_err(|_| WireError::FrameCount)?;
    let [topic, payload] = frames;
    if payload.len() > MAX_RECEIVED_BYTES {
        return Err(WireError::TooBig);
    }
    let topic = Topic::new(topic).map_err(|_| WireError::BadTopic)?;
    Ok(Envelope { topic, payload })
}

/// An envelope as two frames.
pub(crate) fn message(topic: &Topic, payload: Bytes) -> ZmqMessage {
    let mut message = ZmqMessage::from(topic.to_bytes());
    message.push_back(payload);
    message
}

/// The crate's error, with the failed action.
pub(crate) fn unavailable(what: String, error: ZmqError) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_source(error)
}
