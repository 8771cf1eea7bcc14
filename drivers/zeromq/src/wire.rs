//! Frames ↔ envelopes, and the only place that reads the crate's errors.

use std::time::Instant;

use bytes::Bytes;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};
use pubsub_api::{Envelope, Error, ErrorKind, Result, Tally, Topic};
use zeromq::{ZmqError, ZmqMessage};

/// Two frames make an envelope; anything else is dropped, counted in `dropped` and told at a limited rate.
pub(crate) fn envelope(message: ZmqMessage, dropped: &Tally) -> Option<Envelope> {
    match read(message) {
        Ok(envelope) => Some(envelope),
        Err(refused) => {
            refuse(refused, dropped);
            None
        }
    }
}

/// Counts what is dropped, and tells it at a limited rate.
pub(crate) fn refuse(refused: WireError, dropped: &Tally) {
    if let Some(times) = dropped.count(refused.cause(), Instant::now()) {
        tracing::warn!(cause = refused.cause(), times, "dropped what came: {refused}");
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

/// Refuses what no receiver would take.
pub(crate) fn check_size(payload: &Bytes) -> Result<()> {
    if payload.len() <= MAX_RECEIVED_BYTES {
        return Ok(());
    }
    let text = format!("an event has at most {MAX_RECEIVED_BYTES} bytes, this one has {}", payload.len());
    Err(Error::new(ErrorKind::Invalid, text))
}

/// The crate's error, with what was tried.
pub(crate) fn unavailable(what: String, error: ZmqError) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_source(error)
}

/// What every end says after `close`.
pub(crate) fn closed(what: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the {what} was closed"))
}
