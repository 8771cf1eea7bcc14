use bytes::Bytes;

use crate::{Event, Result, Topic, wire};

/// An event as it travels: the topic frame and the packed map, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The first frame.
    pub topic: Topic,
    /// The second frame: a msgpack map (see [`wire`]).
    pub payload: Bytes,
}

impl Envelope {
    /// Packs an event; without stamp and version the bytes are those of the genuine packer.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the map exceeds [`wire::MAX_EVENT_BYTES`].
    pub fn pack(event: &Event) -> Result<Self> {
        Ok(Self { topic: event.topic.clone(), payload: wire::encode(event)? })
    }
}
