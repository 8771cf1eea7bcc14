use pubsub_api::wire::EventRef;
use pubsub_api::{HELLO, Stamp};

use super::hello::{EVENT_BYTES, RELEASE, takes_reports};
use super::packing::{extra, number};

/// The hello of a publisher, as an operator's tool reads it.
///
/// ```
/// use delivery::PublisherHello;
/// use pubsub_api::{Envelope, PublisherEpoch, hello};
///
/// let foreign = Envelope::pack(&hello::event("api-1", Some(PublisherEpoch { publisher: 7, epoch: 1 })))?;
/// let hello = PublisherHello::read(&foreign.payload).ok_or("not a hello")?;
/// assert_eq!((hello.publisher_id.as_str(), hello.release), ("api-1", None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherHello {
    /// The id of the publisher.
    pub publisher_id: String,
    /// The publisher, its epoch, and the first sequence of topics that it does not know; `None` of a publisher that does not number
    /// its events.
    pub stamp: Option<Stamp>,
    /// Whether it takes [reports](crate::AppliedReport).
    pub takes_reports: bool,
    /// Its version, at most 64 bytes; `None` if it does not state one.
    pub release: Option<String>,
    /// The largest event that it accepts, in bytes; `None` if it does not state one.
    pub event_bytes: Option<u64>,
}

/// The longest version that is read, in bytes.
const MAX_RELEASE: usize = 64;

impl PublisherHello {
    /// Reads the payload of an event on `$hello`; `None` if it is not a hello.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let topic = HELLO;
        let event = EventRef::read(topic.as_bytes(), payload).ok().filter(|event| event.action == "hello")?;
        let release = extra(payload, RELEASE).ok().and_then(|value| value.as_str().map(str::to_owned));
        Some(Self {
            publisher_id: event.key?.to_owned(),
            stamp: event.stamp,
            takes_reports: takes_reports(payload),
            release: release.filter(|text| text.len() <= MAX_RELEASE),
            event_bytes: number(payload, EVENT_BYTES).ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::MAX_EVENT_BYTES;
    use pubsub_api::{Action, Envelope, Event, HELLO, PublisherEpoch};

    use super::PublisherHello;
    use crate::wire::hello::packed;

    #[test]
    fn a_hello_of_ours_states_the_version_and_the_largest_event() {
        let of = PublisherEpoch { publisher: 7, epoch: 2 };
        let read = |takes| PublisherHello::read(&packed("p", of, 5, takes).unwrap().payload).unwrap();
        let hello = read(true);
        assert_eq!((hello.publisher_id.as_str(), hello.takes_reports), ("p", true));
        assert_eq!(hello.release.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(hello.event_bytes, Some(MAX_EVENT_BYTES as u64));
        let stamp = hello.stamp.unwrap();
        assert_eq!((stamp.publisher, stamp.epoch, stamp.sequence), (7, 2, 5));
        assert_eq!((read(false).release, read(false).event_bytes), (None, None));
    }

    #[test]
    fn other_events_on_the_topic_are_no_hello() {
        let action = Action::Other("lost".to_owned());
        let other = Envelope::pack(&Event::new("$hello", "p", action, "v", HELLO)).unwrap();
        assert_eq!(PublisherHello::read(&other.payload), None);
        assert_eq!(PublisherHello::read(b"junk"), None);
    }
}
