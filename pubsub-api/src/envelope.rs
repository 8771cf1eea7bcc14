use bytes::Bytes;

use crate::{Event, Result, Topic, wire};

/// An event as it travels: the topic frame and the packed map. The map is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The first frame.
    pub topic: Topic,
    /// The second frame: a msgpack map (see [`wire`]).
    pub payload: Bytes,
}

impl Envelope {
    /// Packs an event. Without stamp and version the bytes equal those of Dragonflow's packer.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the map exceeds [`wire::MAX_EVENT_BYTES`].
    pub fn pack(event: &Event) -> Result<Self> {
        Ok(Self { topic: event.topic.clone(), payload: wire::encode(event)? })
    }
}
