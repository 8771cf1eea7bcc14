use bytes::Bytes;

use crate::{Event, Result, Topic, wire};

/// An event as it travels: the topic frame and the packed map. The map is not checked yet.
///
/// Cloning is cheap: both frames share their memory.
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
    ///
    /// ```
    /// use events::{Action, Envelope, Event, SEND_ALL};
    ///
    /// let event = Event::new("chassis", "compute-1", Action::Delete, None, SEND_ALL);
    /// let envelope = Envelope::pack(&event)?;
    /// assert_eq!(envelope.topic, SEND_ALL);
    /// assert!(envelope.payload.starts_with(b"\x85\xa5table\xa7chassis\xa3key\xa9compute-1\xa6action\xa6delete"));
    ///
    /// let event = Event::new("lport", "port-1", Action::Set, "x".repeat(1024 * 1024), SEND_ALL);
    /// assert!(Envelope::pack(&event).is_err(), "the map has 1 MiB and its keys");
    /// # Ok::<(), events::Error>(())
    /// ```
    pub fn pack(event: &Event) -> Result<Self> {
        Ok(Self { topic: event.topic.clone(), payload: wire::encode(event)? })
    }
}
