//! The hello of a publisher service: an event on topic `$hello`, every second (docs/design.md#wire-format).
//!
//! A subscriber sends its `$hello` filter after all others, so the first hello after a (re)connect proves that the
//! others are in force: the notice `Subscribed` reports this for each publisher of the
//! connection. Later hellos prove that the link is alive. The map has the five keys of every event, so it does not harm
//! an old reader that subscribed to everything.

use std::time::Duration;

use crate::wire::EventRef;
use crate::{Action, Event, HELLO, PublisherEpoch, Stamp, Value};

/// The interval between two hellos of a service.
///
/// `dead_after` is at least two of these, so that one late hello does not disconnect an idle link.
pub const HELLO_INTERVAL: Duration = Duration::from_secs(1);

/// The table that hello events name; no database has it.
pub const HELLO_TABLE: &str = "$hello";

/// Returns the hello of the service `publisher_id` in this epoch. It makes no statement about topics (see
/// [`event_with`]).
///
/// ```
/// use events::{Envelope, PublisherEpoch, hello};
///
/// let publisher_epoch = PublisherEpoch { publisher: 7, epoch: 1 };
/// let hello = Envelope::pack(&hello::event("5f1c0b5e-…", Some(publisher_epoch)))?;
/// assert_eq!(hello::publisher_epoch(&hello.payload), Some(publisher_epoch));
/// # Ok::<(), events::Error>(())
/// ```
#[must_use]
pub fn event(publisher_id: &str, publisher_epoch: Option<PublisherEpoch>) -> Event {
    event_with(publisher_id, publisher_epoch, 0)
}

/// Returns the hello with the first sequence of topics that the service does not know.
///
/// That number is the sequence of the hello's stamp. It counts from 1 and rises with every topic that the service
/// retires: a subscriber that was disconnected and finds it higher may have missed events on topics that it never saw.
/// 0 makes no statement.
#[must_use]
pub fn event_with(publisher_id: &str, publisher_epoch: Option<PublisherEpoch>, first_sequence: u64) -> Event {
    let stamp = publisher_epoch.map(|PublisherEpoch { publisher, epoch }| Stamp {
        publisher,
        epoch,
        sequence: first_sequence,
        time_us: 0,
    });
    let action = Action::Other("hello".to_owned());
    Event { stamp, ..Event::new(HELLO_TABLE, publisher_id, action, Value::Nil, HELLO) }
}

/// Returns the publisher and epoch of this hello; `None` if `payload` is not a hello, or has no stamp.
#[must_use]
pub fn publisher_epoch(payload: &[u8]) -> Option<PublisherEpoch> {
    let Stamp { publisher, epoch, .. } = stamp(payload)?;
    Some(PublisherEpoch { publisher, epoch })
}

/// Returns the stamp of this hello: publisher, epoch and [first sequence](event_with); `None` if `payload` is not a
/// hello, or has no stamp.
#[must_use]
pub fn stamp(payload: &[u8]) -> Option<Stamp> {
    EventRef::read(HELLO.as_bytes(), payload).ok()?.stamp
}
